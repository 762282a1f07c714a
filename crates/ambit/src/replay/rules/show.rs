// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What rules would have done, as text and as JSON.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use ambit_event::escape;
use ambit_policy::rule::Rule;
use serde::Serialize;

use super::RuleTest;
use super::tally::Tally;
use crate::out::{Style, count};
use crate::rules::{actions, severity};

#[derive(Serialize)]
pub(crate) struct Row<'a> {
    rule: &'a str,
    title: &'a str,
    severity: &'static str,
    r#do: Vec<&'static str>,
    /// How often it would have applied, and what it would have done then.
    applied: u64,
    refused: u64,
    killed: u64,
    allowed: u64,
    tainted: u64,
    untainted: u64,
    /// How often another rule went before it.
    overruled: u64,
    /// How often it could not be judged, and the fields that recordings do not tell.
    undecided: u64,
    missing: &'a BTreeSet<&'static str>,
    /// Its operations that some of the recordings do not have.
    unrecorded: Vec<&'static str>,
    examples: Vec<Example<'a>>,
    /// Times that are in no example.
    others: u64,
    file: String,
    line: usize,
}

#[derive(Serialize)]
struct Example<'a> {
    operation: &'a str,
    subject: &'a str,
    times: u64,
}

/// What rules would have done about how many operations.
#[derive(Serialize)]
pub(crate) struct Summary {
    rules: usize,
    applied: usize,
    never: usize,
    asked: u64,
    refused: u64,
    allowed: u64,
    undecided: u64,
    perhaps_refused: u64,
    perhaps_allowed: u64,
}

impl<'r> RuleTest<'r> {
    pub(super) fn each(&self) -> impl Iterator<Item = (&'r Rule, &Tally)> {
        self.rules().iter().zip(&self.tallies)
    }

    fn unrecorded_of(&self, rule: &Rule) -> Vec<&'static str> {
        let gone = rule.on.iter().filter(|op| self.unrecorded.contains(op));
        gone.map(|op| op.name()).collect()
    }

    pub(crate) fn summary(&self) -> Summary {
        let applied = self.each().filter(|(_, tally)| tally.applied > 0).count();
        let totals = self.totals();
        Summary {
            rules: self.rules().len(),
            applied,
            never: self.never().count(),
            asked: totals.asked,
            refused: totals.refused,
            allowed: totals.allowed,
            undecided: totals.undecided,
            perhaps_refused: totals.perhaps_refused,
            perhaps_allowed: totals.perhaps_allowed,
        }
    }

    /// Rules of which it is known that they never applied.
    fn never(&self) -> impl Iterator<Item = &'r Rule> {
        self.each()
            .filter(|(_, tally)| tally.applied == 0 && tally.undecided == 0)
            .map(|(rule, _)| rule)
    }
}

/// Every rule.
pub(crate) fn rows<'a>(test: &'a RuleTest<'_>) -> Vec<Row<'a>> {
    test.each()
        .map(|(rule, tally)| Row {
            rule: &rule.id,
            title: &rule.title,
            severity: severity(rule.severity),
            r#do: actions(rule.actions),
            applied: tally.applied,
            refused: tally.refused,
            killed: tally.killed,
            allowed: tally.allowed,
            tainted: tally.tainted,
            untainted: tally.untainted,
            overruled: tally.overruled,
            undecided: tally.undecided,
            missing: &tally.missing,
            unrecorded: test.unrecorded_of(rule),
            examples: tally
                .examples
                .iter()
                .map(|((subject, operation), times)| Example {
                    operation,
                    subject,
                    times: *times,
                })
                .collect(),
            others: tally.others,
            file: escape::line(&rule.file),
            line: rule.line,
        })
        .collect()
}

/// What could not be judged, and why.
pub(crate) fn notes(test: &RuleTest<'_>) -> Vec<String> {
    let mut notes = Vec::new();
    for op in &test.unrecorded {
        let asked = test.rules().iter().filter(|rule| rule.on.contains(op));
        notes.push(format!(
            "{} is not recorded, or not in all of the recordings: {} asked about it",
            op.name(),
            count(asked.count(), "rule"),
        ));
    }
    let mut fields: Vec<(&str, u64, Vec<&str>)> = Vec::new();
    for (rule, tally) in test.each() {
        for field in &tally.missing {
            match fields.iter_mut().find(|(known, ..)| known == field) {
                Some((_, times, rules)) => {
                    *times += tally.undecided;
                    rules.push(&rule.id);
                }
                None => fields.push((field, tally.undecided, vec![&rule.id])),
            }
        }
    }
    for (field, times, rules) in fields {
        notes.push(format!(
            "{field} is not known of what was recorded: {} undecided by {}",
            count(times, "answer"),
            short(&rules),
        ));
    }
    notes
}

/// The first few of some names.
fn short(names: &[&str]) -> String {
    const SHOWN: usize = 5;
    let first = names
        .iter()
        .take(SHOWN)
        .copied()
        .collect::<Vec<_>>()
        .join(", ");
    match names.len().saturating_sub(SHOWN) {
        0 => first,
        more => format!("{first} and {}", count(more, "other rule")),
    }
}

/// Rules that applied or may have, the names of those that did not, and a line about all.
pub(crate) fn as_text(test: &RuleTest<'_>, events: u64) -> String {
    let style = Style::stdout();
    let mut out = String::new();
    // Writing to a String does not fail.
    for (rule, tally) in test.each() {
        if tally.applied == 0 && tally.undecided == 0 {
            continue;
        }
        let title = if rule.title.is_empty() { "" } else { ": " };
        let _ = writeln!(
            out,
            "{} ({}){title}{}",
            style.bold(&rule.id),
            severity(rule.severity),
            escape::line(&rule.title)
        );
        one(tally, &mut out);
        out.push('\n');
    }
    let never: Vec<&str> = test.never().map(|rule| rule.id.as_str()).collect();
    if !never.is_empty() {
        let _ = writeln!(out, "never applied: {}", never.join(", "));
    }
    let (summary, totals) = (test.summary(), test.totals());
    let said = format!(
        "{} of {} would have applied; of {}, {} would have been refused and {} allowed whatever a map says",
        summary.applied,
        count(summary.rules, "rule"),
        count(events, "recorded operation"),
        totals.refused,
        totals.allowed,
    );
    let said = if totals.refused > 0 {
        style.red(said)
    } else {
        style.green(said)
    };
    let _ = writeln!(out, "{said}");
    if totals.undecided > 0 {
        let _ = writeln!(
            out,
            "{} undecided, {} of them whether it would have been refused",
            style.yellow(count(totals.undecided, "operation")),
            totals.perhaps_refused,
        );
    }
    out
}

fn one(tally: &Tally, out: &mut String) {
    if tally.applied > 0 {
        let effects: Vec<String> = [
            (tally.refused, "refused"),
            (tally.killed, "killed"),
            (tally.allowed, "allowed"),
            (tally.tainted, "tainted"),
            (tally.untainted, "untainted"),
            (tally.overruled, "overruled by another rule"),
        ]
        .into_iter()
        .filter(|(times, _)| *times > 0)
        .map(|(times, what)| format!("{times} {what}"))
        .collect();
        let _ = writeln!(
            out,
            "  applied    {}: {}",
            count(tally.applied, "time"),
            if effects.is_empty() {
                "recorded".to_owned()
            } else {
                effects.join(", ")
            }
        );
    }
    for ((subject, operation), times) in &tally.examples {
        let _ = writeln!(out, "{times:>10} x {operation}, by {subject}");
    }
    if tally.others > 0 {
        let _ = writeln!(out, "{:>10} x others", tally.others);
    }
    if tally.undecided > 0 {
        let fields: Vec<&str> = tally.missing.iter().copied().collect();
        let _ = writeln!(
            out,
            "  undecided  {}: {} is not known",
            count(tally.undecided, "time"),
            fields.join(", ")
        );
    }
}
