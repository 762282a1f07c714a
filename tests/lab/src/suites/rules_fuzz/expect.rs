// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Compares the results of steps with the interpreter's answers.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use ambit_policy::condition::{Number, Text};
use ambit_policy::facts::Facts;
use ambit_policy::interpret::{Outcome, Prepared, carry_out};
use ambit_policy::rule::Rule;
use serde_json::Value;

use super::step::{Effect, Step};
use super::workload::{Done, Workload};

/// How often rules were evaluated, and how often they matched.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    pub(super) steps: usize,
    pub(super) events: usize,
    pub(super) refused: usize,
    pub(super) asked: usize,
    pub(super) applied: usize,
    /// Rules that matched for an untrusted task.
    pub(super) untrusted: usize,
}

impl Counts {
    pub(super) fn add(&mut self, other: Self) {
        self.steps += other.steps;
        self.events += other.events;
        self.refused += other.refused;
        self.asked += other.asked;
        self.applied += other.applied;
        self.untrusted += other.untrusted;
    }
}

/// A step had another result than the interpreter's.
pub(super) struct Difference {
    /// The group, by its index.
    pub(super) group: usize,
    pub(super) text: String,
}

/// The compared fields of a rule's record.
fn record_line(rule: &str, outcome: &str, operation: &str, trust: &[String]) -> String {
    let trust = trust.join(" ");
    format!("{rule} {outcome} {operation} [{trust}]")
}

fn expected(rule: &Rule, outcome: &Outcome, facts: &Facts, operation: &str) -> String {
    let word = if outcome.refused {
        "refused"
    } else if outcome.allowed {
        "allowed"
    } else {
        "recorded"
    };
    let trust: Vec<String> = facts.trust().iter().cloned().collect();
    record_line(&rule.id, word, operation, &trust)
}

fn recorded(record: &Value) -> String {
    let word = |key: &str| record[key].as_str().unwrap_or("?").to_owned();
    let operation = word("operation");
    let operation = operation.split(' ').next().unwrap_or_default().to_owned();
    let trust = record["trust"].as_array().map_or(&[][..], Vec::as_slice);
    let mut trust: Vec<String> = trust
        .iter()
        .map(|source| source.as_str().unwrap_or("?").to_owned())
        .collect();
    trust.sort();
    record_line(&word("rule"), &word("outcome"), &operation, &trust)
}

/// State of a task while its steps are interpreted.
struct Task<'r> {
    rules: &'r [Rule],
    prepared: &'r Prepared<'r>,
    facts: Facts,
    records: Vec<String>,
    /// Each event with the rules' answers, as text.
    story: String,
    sums: Counts,
}

impl Task<'_> {
    /// Returns true if the step is refused.
    fn step(&mut self, step: &Step) -> bool {
        self.sums.steps += 1;
        for ask in &step.asks {
            let event = ask.of(&self.facts);
            let outcome = self.prepared.decide(&event);
            self.count(&event, &outcome);
            let _ = writeln!(self.story, "{}: {outcome:?} of {}", ask.op, shown(&event));
            for index in &outcome.fired {
                let one = Outcome {
                    fired: vec![*index],
                    ..outcome.clone()
                };
                carry_out(self.rules, &one, &mut self.facts);
                let rule = &self.rules[*index];
                self.records
                    .push(expected(rule, &outcome, &self.facts, ask.op.name()));
            }
            if outcome.refused {
                self.sums.refused += 1;
                return true;
            }
        }
        let number = |facts: &mut Facts, number, value| facts.set_number(number, value);
        match &step.effect {
            Effect::None | Effect::Become => {}
            Effect::Comm(comm) => self
                .facts
                .set_text(Text::Comm, comm.iter().copied().take(15).collect()),
            Effect::NoNewPrivs => number(&mut self.facts, Number::NoNewPrivs, 1),
            Effect::DropCap(cap) => {
                let caps = self.facts.number(Number::Caps);
                number(&mut self.facts, Number::Caps, caps & !(1 << cap));
            }
        }
        false
    }

    fn count(&mut self, event: &Facts, outcome: &Outcome) {
        let op = event.number(Number::Op);
        let asked = |rule: &&Rule| rule.on.iter().any(|on| u64::from(u16::from(*on)) == op);
        self.sums.events += 1;
        self.sums.asked += self.rules.iter().filter(asked).count();
        self.sums.applied += outcome.fired.len();
        if !event.trust().is_empty() {
            self.sums.untrusted += outcome.fired.len();
        }
    }
}

/// Returns an event as text.
fn shown(facts: &Facts) -> String {
    let text = |text: Text| facts.text(text).escape_ascii().to_string();
    let chain: Vec<String> = facts
        .chain()
        .iter()
        .map(|path| path.escape_ascii().to_string())
        .collect();
    let numbers = ambit_policy::field::fields()
        .iter()
        .filter_map(|field| Some((field.number()?, field.name)))
        .filter(|(number, _)| facts.number(*number) != 0)
        .collect::<BTreeMap<_, _>>();
    let numbers: Vec<String> = numbers
        .into_iter()
        .map(|(number, name)| format!("{name}~{:#x}", facts.number(number)))
        .collect();
    format!(
        "path {} name {} address {} comm {} cgroup {} domain {} chain {chain:?} trust {:?} cause {:?} caps {:#x} {}",
        text(Text::ObjectPath),
        text(Text::ObjectName),
        text(Text::ObjectAddress),
        text(Text::Comm),
        text(Text::Cgroup),
        text(Text::Domain),
        facts.trust(),
        facts.cause(),
        facts.number(Number::Caps),
        numbers.join(" ")
    )
}

/// Compares one run of the exerciser; `records` are all records of rules during the run.
pub(super) fn compare(
    rules: &[Rule],
    workload: &Workload,
    done: &Done,
    records: &[Value],
) -> Result<Counts, Difference> {
    let prepared = Prepared::new(rules);
    let mut by_pid: BTreeMap<u64, Vec<String>> = BTreeMap::new();
    for record in records {
        let pid = record["pid"].as_u64().expect("a number");
        by_pid.entry(pid).or_default().push(recorded(record));
    }
    let mut sums = Counts::default();
    for (at, group) in workload.groups.iter().enumerate() {
        let mut task = Task {
            rules,
            prepared: &prepared,
            facts: workload.facts(done.pids[at]),
            records: Vec::new(),
            story: String::new(),
            sums: Counts::default(),
        };
        let mut lines = done.lines[at].iter();
        let found = by_pid.remove(&done.pids[at]).unwrap_or_default();
        let differs = |task: &Task<'_>, what: &str| Difference {
            group: at,
            text: format!(
                "{what}\n--- events\n{}--- the interpreter's\n{}\n--- the kernel's\n{}\n--- the exerciser's\n{}",
                task.story,
                task.records.join("\n"),
                found.join("\n"),
                done.lines[at].join("\n")
            ),
        };
        for step in group {
            let refused = task.step(step);
            let words = step.words().join(" ");
            let _ = writeln!(task.story, "  was {words}");
            if !refused && matches!(step.effect, Effect::Become) {
                continue;
            }
            let Some(line) = lines.next() else {
                return Err(differs(&task, &format!("nothing was said of {words}")));
            };
            if line.contains("EPERM") != refused {
                let should = if refused {
                    "be refused"
                } else {
                    "not be refused"
                };
                return Err(differs(&task, &format!("{words} should {should}: {line}")));
            }
        }
        if let Some(line) = lines.next() {
            return Err(differs(&task, &format!("more was said: {line}")));
        }
        if found != task.records {
            return Err(differs(&task, "other rules applied"));
        }
        sums.add(task.sums);
    }
    let stray = records.iter().find(|record| {
        let pid = record["pid"].as_u64();
        pid.is_some_and(|pid| by_pid.contains_key(&pid))
    });
    match stray {
        None => Ok(sums),
        Some(record) => Err(Difference {
            group: 0,
            text: format!("a rule applied to a process that is not meant: {record}"),
        }),
    }
}
