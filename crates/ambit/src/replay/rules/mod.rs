// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Rules asked about all that was recorded, in the order of time, as if they had been loaded just before the recording
//! began. What a recording does not tell makes a third answer: undecided.

mod facts;
mod process;
mod show;
mod tally;
#[cfg(test)]
mod tests;

pub(super) use show::{Summary, as_text, notes, rows};

use std::collections::{BTreeSet, HashMap};
use std::io::Read;
use std::rc::Rc;

use ambit_abi::{self as abi, Coverage, Hook, Op, Response};
use ambit_event::Content;
use ambit_policy::interpret::{Partly, Prepared};
use ambit_policy::rule::Rule;
use ambit_recording::{EventAt, Fork, Header, Point, Reader, Shape, Task};

use facts::{Asked, Done, is_asked, is_recorded, only_source};
use process::{First, Process, end};
use tally::Tally;

/// Answers that are kept.
const ANSWERS: usize = 1 << 16;

/// Rules that are being asked.
pub(super) struct RuleTest<'r> {
    prepared: Prepared<'r>,
    asked: Asked,
    /// By rule.
    tallies: Vec<Tally>,
    totals: Totals,
    /// The rules' operations that some recording does not have.
    unrecorded: BTreeSet<Op>,
    header: Header,
    coverage: Coverage,
    processes: HashMap<u32, Process>,
    /// Rules that have tainted some process.
    tainting: BTreeSet<usize>,
    answers: HashMap<AnswerKey, Rc<Answer>>,
    stamps: u64,
}

/// How many operations rules would have done something about.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Totals {
    /// Rules were asked about them.
    pub(super) asked: u64,
    pub(super) refused: u64,
    pub(super) allowed: u64,
    /// A rule might apply.
    pub(super) undecided: u64,
    /// It is not known whether they would be refused.
    pub(super) perhaps_refused: u64,
    /// Outside the map, and perhaps allowed by a rule.
    pub(super) perhaps_allowed: u64,
}

/// What rules said of an operation, as far as the map is concerned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) allowed: Option<bool>,
    /// The process, if rules keep one.
    pub(super) process: u32,
}

/// All that an answer depends on: point, mode bits, trust bits, container, task (where rules ask for that), process.
type AnswerKey = (usize, u32, u32, bool, usize, u64);

struct Answer {
    partly: Partly,
    /// Of each rule that is undecided, what it would have to know.
    missing: Vec<(usize, BTreeSet<&'static str>)>,
    /// By whom and what, as text; where something applies.
    text: (String, String),
}

impl<'r> RuleTest<'r> {
    pub(super) fn new(rules: &'r [Rule]) -> Self {
        Self {
            prepared: Prepared::new(rules),
            asked: Asked::of(rules),
            tallies: rules.iter().map(|_| Tally::default()).collect(),
            totals: Totals::default(),
            unrecorded: BTreeSet::new(),
            header: Header::default(),
            coverage: Coverage::Core,
            processes: HashMap::new(),
            tainting: BTreeSet::new(),
            answers: HashMap::new(),
            stamps: 0,
        }
    }

    pub(super) const fn totals(&self) -> Totals {
        self.totals
    }

    pub(super) fn rules(&self) -> &'r [Rule] {
        self.prepared.rules()
    }

    /// Another recording begins.
    pub(super) fn begin(&mut self, header: &Header) {
        self.header = header.clone();
        self.coverage = Coverage::from_name(&header.coverage).unwrap_or_default();
        self.processes.clear();
        self.tainting.clear();
        self.answers.clear();
        let (header, coverage) = (&self.header, self.coverage);
        let ops = self.prepared.rules().iter().flat_map(|rule| &rule.on);
        let missing = ops.filter(|op| !is_recorded(header, coverage, **op));
        self.unrecorded.extend(missing);
    }

    /// Numbers of points, shapes and tasks begin anew.
    pub(super) fn forget(&mut self) {
        self.answers.clear();
    }

    /// A process was made.
    pub(super) fn fork(&mut self, fork: Fork) {
        self.process(fork.parent);
        let child = self.processes.get(&fork.parent).map(Process::child);
        self.processes
            .extend(child.map(|child| (fork.child, child)));
    }

    /// The map does not allow something that a process did.
    pub(super) fn outside(&mut self, said: Said) {
        if said.allowed.is_none() {
            self.totals.perhaps_allowed += 1;
        }
        let stamp = self.stamp();
        if let Some(process) = self.processes.get_mut(&said.process)
            && !process.model
        {
            process.model = true;
            process.stamp = stamp;
        }
    }

    fn stamp(&mut self) -> u64 {
        self.stamps += 1;
        self.stamps
    }

    /// The process of this number. The first of a recording is the launcher; who made another is known by its fork only.
    fn process(&mut self, tgid: u32) {
        let stamp = self.stamp();
        let first = self.processes.is_empty();
        let tainting = &self.tainting;
        self.processes.entry(tgid).or_insert_with(|| {
            if first {
                Process::new(stamp)
            } else {
                Process::foundling(stamp, tainting.iter().copied())
            }
        });
    }

    /// Asks about an operation.
    pub(super) fn event<R: Read>(&mut self, reader: &Reader<R>, at: EventAt) -> Said {
        let ((Some(point), Some(shape)), Some(task)) = (
            (reader.point(at.point), reader.shape(at.shape)),
            reader.task(at.task),
        ) else {
            return Said::default();
        };
        self.process(task.tgid);
        let said = |allowed| Said {
            allowed,
            process: task.tgid,
        };
        let op = point.operation.op;
        if point.hook == Hook::BprmCredsFromFile {
            if shape.response == Response::Log {
                let stamp = self.stamp();
                if let Some(process) = self.processes.get_mut(&task.tgid) {
                    process.becomes(point.subject.as_ref(), stamp);
                }
            }
            return said(Some(false));
        }
        self.observe(point, shape, task, at.time_ns);
        let allowed = if is_asked(point.hook, op) {
            self.ask(reader, at, point, shape, task)
        } else {
            Some(false)
        };
        if op == Op::Exec
            && shape.response == Response::Log
            && let Content::Object(file) = &point.content
            && let Some(process) = self.processes.get_mut(&task.tgid)
        {
            process.executes(file);
        }
        said(allowed)
    }

    /// What an operation tells of its process.
    fn observe(&mut self, point: &Point, shape: &Shape, task: &Task, now_ns: u64) {
        let stamp = self.stamp();
        let Some(process) = self.processes.get_mut(&task.tgid) else {
            return;
        };
        let operation = point.operation;
        let inside = operation.op == Op::Exec
            || (operation.op == Op::FileOpen && operation.arg == abi::OPEN_EXEC);
        process.acts_as(point.subject.as_ref(), inside, stamp);
        if process.expire(now_ns) {
            process.stamp = stamp;
        }
        let others = shape.trust & !(1 << abi::TRUST_MODEL);
        if others >> abi::TRUST_OPERATOR & 1 == 0 && process.untainted != Some(false) {
            process.untainted = Some(false);
            process.stamp = stamp;
        }
        let bits = match process.untainted {
            Some(true) => shape.trust & !(1 << abi::TRUST_OPERATOR),
            _ => shape.trust,
        };
        let first = if bits == 0 && process.taints().next().is_none() && !process.model {
            First::Nobody
        } else if process.first != First::Nobody {
            return;
        } else {
            match only_source(bits) {
                Some(source) if process.untainted.is_some() => First::Source(source.to_owned()),
                _ => First::Unknown,
            }
        };
        if process.first != first {
            process.first = first;
            process.stamp = stamp;
        }
    }

    fn ask<R: Read>(
        &mut self,
        reader: &Reader<R>,
        at: EventAt,
        point: &Point,
        shape: &Shape,
        task: &Task,
    ) -> Option<bool> {
        let Some(process) = self.processes.get(&task.tgid) else {
            return Some(false);
        };
        let done = Done {
            header: &self.header,
            coverage: self.coverage,
            point,
            shape,
            task,
            process,
        };
        let of_task = if self.asked.task { at.task } else { 0 };
        let key = (
            at.point,
            shape.extra,
            shape.trust,
            done.in_container(),
            of_task,
            process.stamp,
        );
        let answer = if let Some(answer) = self.answers.get(&key) {
            Rc::clone(answer)
        } else {
            let answer = Rc::new(self.answer(reader, at, &done));
            if self.answers.len() >= ANSWERS {
                self.answers.clear();
            }
            self.answers.insert(key, Rc::clone(&answer));
            answer
        };
        self.count(&answer);
        self.carry_out(&answer.partly, task.tgid, at.time_ns);
        answer.partly.allowed
    }

    fn answer<R: Read>(&self, reader: &Reader<R>, at: EventAt, done: &Done<'_>) -> Answer {
        let rules = self.prepared.rules();
        let facts = done.facts(rules, &self.asked);
        let partly = self.prepared.decide_partly(&facts);
        let undecided = partly.undecided.iter();
        let missing = undecided
            .filter_map(|index| Some((*index, self.prepared.missing(rules.get(*index)?, &facts))))
            .collect();
        let text = if partly.fired.is_empty() {
            (String::new(), String::new())
        } else {
            let who = done.point.subject.as_ref();
            (
                who.map_or_else(
                    || "nobody that was described".to_owned(),
                    ToString::to_string,
                ),
                reader
                    .event(at)
                    .map_or_else(String::new, |(event, _)| event.rule()),
            )
        };
        Answer {
            partly,
            missing,
            text,
        }
    }

    fn count(&mut self, answer: &Answer) {
        let (partly, totals) = (&answer.partly, &mut self.totals);
        totals.asked += 1;
        totals.refused += u64::from(partly.refused == Some(true));
        totals.perhaps_refused += u64::from(partly.refused.is_none());
        totals.allowed += u64::from(partly.allowed == Some(true));
        totals.undecided += u64::from(!partly.undecided.is_empty());
        let rules = self.prepared.rules();
        for index in &partly.fired {
            if let (Some(tally), Some(rule)) = (self.tallies.get_mut(*index), rules.get(*index)) {
                tally.applied(rule, *index, partly, &answer.text);
            }
        }
        for (index, fields) in &answer.missing {
            if let Some(tally) = self.tallies.get_mut(*index) {
                tally.undecided += 1;
                tally.missing.extend(fields);
            }
        }
    }

    /// What rules do to the process.
    fn carry_out(&mut self, partly: &Partly, tgid: u32, now_ns: u64) {
        if partly.taints.is_empty() && partly.untaint == Some(false) {
            return;
        }
        let stamp = self.stamp();
        let Some(process) = self.processes.get_mut(&tgid) else {
            return;
        };
        if partly.untaint == Some(true)
            || (partly.untaint.is_none() && process.untainted == Some(false))
        {
            process.untainted = partly.untaint;
        }
        for (index, surely) in &partly.taints {
            let Some(rule) = self.prepared.rules().get(*index) else {
                continue;
            };
            let until = end(now_ns, rule.taint_seconds);
            process.taint(*index, *surely, until, &format!("rule:{}", rule.id));
            self.tainting.insert(*index);
        }
        process.stamp = stamp;
    }
}
