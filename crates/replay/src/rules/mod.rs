// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Rules evaluated over recorded operations in the order of time, as though they had been loaded just before the
//! recording began. A rule that depends on a fact that the recording lacks is undecided.

mod counts;
mod operation;
mod process;

pub use counts::RuleCounts;

use std::collections::{BTreeSet, HashMap};
use std::io::Read;
use std::rc::Rc;

use ambit_abi::{self as abi, Coverage, Hook, Op, Response};
use ambit_event::Content;
use ambit_policy::interpret::{Partly, Prepared};
use ambit_policy::rule::Rule;
use ambit_recording::{EventAt, Fork, Header, Point, Reader, Shape, Task};

use crate::recording::coverage;
use operation::{Inputs, RecordedOperation, is_recorded, single_source};
use process::{Cause, Process, taint_end};

/// Most answers that are cached.
const ANSWERS_MAX: usize = 1 << 16;

/// Rules that are evaluated over recordings, and their results so far.
pub struct RuleTest<'r> {
    prepared: Prepared<'r>,
    inputs: Inputs,
    /// By rule.
    counts: Vec<RuleCounts>,
    totals: Totals,
    /// Operations of the rules that a recording lacks.
    unrecorded: BTreeSet<Op>,
    header: Header,
    coverage: Coverage,
    /// By process number.
    processes: HashMap<u32, Process>,
    /// Rules that have tainted a process.
    tainting: BTreeSet<usize>,
    answers: HashMap<AnswerKey, Rc<Answer>>,
    stamps: u64,
}

/// Numbers of operations, over all rules.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Operations that rules were evaluated for.
    pub evaluated: u64,
    /// Operations that a rule refuses.
    pub refused: u64,
    /// Operations that a rule allows regardless of the map.
    pub allowed: u64,
    /// Operations with an undecided rule.
    pub undecided: u64,
    /// Operations that an undecided rule may refuse.
    pub perhaps_refused: u64,
    /// Operations outside the map that an undecided rule may allow.
    pub perhaps_allowed: u64,
}

/// A reason why some rules could not be decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Gap<'r> {
    /// At least one recording lacks an operation of the rules.
    Unrecorded {
        /// The operation.
        op: Op,
        /// Number of rules for it.
        rules: usize,
    },
    /// Recordings lack a field that rules read.
    UnknownField {
        /// The field.
        field: &'static str,
        /// Number of undecided answers.
        times: u64,
        /// The rules that were undecided.
        rules: Vec<&'r str>,
    },
}

/// The rules' answer for an operation, as far as it concerns the map.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct RuleVerdict {
    /// True if a rule allows it regardless of the map; `None` if undecided.
    pub(crate) allowed: Option<bool>,
    /// The process number; 0 if no process is known.
    process: u32,
}

/// Everything that an answer depends on: point, mode bits, trust bits, container, task (if the rules read it), stamp of
/// the process.
type AnswerKey = (usize, u32, u32, bool, usize, u64);

struct Answer {
    partly: Partly,
    /// The fields that each undecided rule lacks.
    missing: Vec<(usize, BTreeSet<&'static str>)>,
    /// Subject and operation as text; empty if no rule matches.
    text: (String, String),
}

impl<'r> RuleTest<'r> {
    /// Prepares rules.
    pub(crate) fn new(rules: &'r [Rule]) -> Self {
        Self {
            prepared: Prepared::new(rules),
            inputs: Inputs::of(rules),
            counts: rules.iter().map(|_| RuleCounts::default()).collect(),
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

    /// The results over all rules.
    pub const fn totals(&self) -> Totals {
        self.totals
    }

    /// The rules, each with its results.
    pub fn results(&self) -> impl Iterator<Item = (&'r Rule, &RuleCounts)> {
        self.prepared.rules().iter().zip(&self.counts)
    }

    /// The rules that match no operation for certain.
    pub fn never_matched(&self) -> impl Iterator<Item = &'r Rule> {
        self.results()
            .filter(|(_, counts)| counts.matched == 0 && counts.undecided == 0)
            .map(|(rule, _)| rule)
    }

    /// Returns the operations of a rule that at least one recording lacks.
    pub fn unrecorded(&self, rule: &Rule) -> impl Iterator<Item = Op> {
        let ops = rule.on.iter().copied();
        ops.filter(|op| self.unrecorded.contains(op))
    }

    /// Returns the reasons why rules were undecided, or were not evaluated for all their operations.
    pub fn gaps(&self) -> Vec<Gap<'r>> {
        let mut gaps = Vec::new();
        for op in &self.unrecorded {
            let rules = self.prepared.rules().iter();
            gaps.push(Gap::Unrecorded {
                op: *op,
                rules: rules.filter(|rule| rule.on.contains(op)).count(),
            });
        }
        let mut fields: Vec<(&'static str, u64, Vec<&'r str>)> = Vec::new();
        for (rule, counts) in self.results() {
            for field in &counts.missing {
                match fields.iter_mut().find(|(known, ..)| known == field) {
                    Some((_, times, rules)) => {
                        *times += counts.undecided;
                        rules.push(&rule.id);
                    }
                    None => fields.push((field, counts.undecided, vec![&rule.id])),
                }
            }
        }
        let unknown = |(field, times, rules)| Gap::UnknownField {
            field,
            times,
            rules,
        };
        gaps.extend(fields.into_iter().map(unknown));
        gaps
    }

    /// Starts a recording: nothing is known of its processes.
    pub(crate) fn begin(&mut self, header: &Header) {
        self.header = header.clone();
        self.coverage = coverage(header);
        self.processes.clear();
        self.tainting.clear();
        self.answers.clear();
        let (header, coverage) = (&self.header, self.coverage);
        let ops = self.prepared.rules().iter().flat_map(|rule| &rule.on);
        let missing = ops.filter(|op| !is_recorded(header, coverage, **op));
        self.unrecorded.extend(missing);
    }

    /// Drops the answers that are kept by number: the recording is about to reuse the numbers.
    pub(crate) fn forget(&mut self) {
        self.answers.clear();
    }

    /// Copies the parent's state to a new process.
    pub(crate) fn fork(&mut self, fork: Fork) {
        self.add_process(fork.parent);
        let child = self.processes.get(&fork.parent).map(Process::child);
        self.processes
            .extend(child.map(|child| (fork.child, child)));
    }

    /// Notes that an operation is outside the map, for which the map may lower the process's trust.
    pub(crate) fn outside(&mut self, verdict: RuleVerdict) {
        if verdict.allowed.is_none() {
            self.totals.perhaps_allowed += 1;
        }
        let stamp = self.stamp();
        if let Some(process) = self.processes.get_mut(&verdict.process)
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

    /// Adds the process of this number if it is new. The first process of a recording is the launcher; the parent of any
    /// other is unknown if its fork was not recorded.
    fn add_process(&mut self, tgid: u32) {
        let stamp = self.stamp();
        let first = self.processes.is_empty();
        let tainting = &self.tainting;
        self.processes.entry(tgid).or_insert_with(|| {
            if first {
                Process::new(stamp)
            } else {
                Process::of_unknown_parent(stamp, tainting.iter().copied())
            }
        });
    }

    /// Evaluates the rules for an operation and applies their effects to its process.
    pub(crate) fn event<R: Read>(&mut self, reader: &Reader<R>, at: EventAt) -> RuleVerdict {
        let ((Some(point), Some(shape)), Some(task)) = (
            (reader.point(at.point), reader.shape(at.shape)),
            reader.task(at.task),
        ) else {
            return RuleVerdict::default();
        };
        self.add_process(task.tgid);
        let verdict = |allowed| RuleVerdict {
            allowed,
            process: task.tgid,
        };
        let op = point.operation.op;
        if point.hook == Hook::BprmCredsFromFile {
            if shape.response == Response::Log {
                let stamp = self.stamp();
                if let Some(process) = self.processes.get_mut(&task.tgid) {
                    process.complete_exec(point.subject.as_ref(), stamp);
                }
            }
            return verdict(Some(false));
        }
        self.observe(point, shape, task, at.time_ns);
        let allowed = if ambit_policy::field::is_evaluated(point.hook, op) {
            self.evaluate(reader, at, point, shape, task)
        } else {
            Some(false)
        };
        if op == Op::Exec
            && shape.response == Response::Log
            && let Content::Object(file) = &point.content
            && let Some(process) = self.processes.get_mut(&task.tgid)
        {
            process.begin_exec(file);
        }
        verdict(allowed)
    }

    /// Updates the state of the process from an operation.
    fn observe(&mut self, point: &Point, shape: &Shape, task: &Task, now_ns: u64) {
        let stamp = self.stamp();
        let Some(process) = self.processes.get_mut(&task.tgid) else {
            return;
        };
        let operation = point.operation;
        let in_exec = operation.op == Op::Exec
            || (operation.op == Op::FileOpen && operation.arg == abi::OPEN_EXEC);
        process.observe_subject(point.subject.as_ref(), in_exec, stamp);
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
        let cause = if bits == 0 && process.taints().next().is_none() && !process.model {
            Cause::None
        } else if process.cause != Cause::None {
            return;
        } else {
            match single_source(bits) {
                Some(source) if process.untainted.is_some() => Cause::Source(source.to_owned()),
                _ => Cause::Unknown,
            }
        };
        if process.cause != cause {
            process.cause = cause;
            process.stamp = stamp;
        }
    }

    fn evaluate<R: Read>(
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
        let operation = RecordedOperation {
            header: &self.header,
            coverage: self.coverage,
            point,
            shape,
            task,
            process,
        };
        let of_task = if self.inputs.task { at.task } else { 0 };
        let key = (
            at.point,
            shape.extra,
            shape.trust,
            operation.in_container(),
            of_task,
            process.stamp,
        );
        let answer = if let Some(answer) = self.answers.get(&key) {
            Rc::clone(answer)
        } else {
            let answer = Rc::new(self.answer(reader, at, &operation));
            if self.answers.len() >= ANSWERS_MAX {
                self.answers.clear();
            }
            self.answers.insert(key, Rc::clone(&answer));
            answer
        };
        self.count(&answer);
        self.update_trust(&answer.partly, task.tgid, at.time_ns);
        answer.partly.allowed
    }

    fn answer<R: Read>(
        &self,
        reader: &Reader<R>,
        at: EventAt,
        operation: &RecordedOperation<'_>,
    ) -> Answer {
        let rules = self.prepared.rules();
        let facts = operation.facts(rules, &self.inputs);
        let partly = self.prepared.decide_partly(&facts);
        let undecided = partly.undecided.iter();
        let missing = undecided
            .filter_map(|index| Some((*index, self.prepared.missing(rules.get(*index)?, &facts))))
            .collect();
        let text = if partly.fired.is_empty() {
            (String::new(), String::new())
        } else {
            let subject = operation.point.subject.as_ref();
            (
                subject.map_or_else(|| "an unknown subject".to_owned(), ToString::to_string),
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
        totals.evaluated += 1;
        totals.refused += u64::from(partly.refused == Some(true));
        totals.perhaps_refused += u64::from(partly.refused.is_none());
        totals.allowed += u64::from(partly.allowed == Some(true));
        totals.undecided += u64::from(!partly.undecided.is_empty());
        let rules = self.prepared.rules();
        for index in &partly.fired {
            if let (Some(counts), Some(rule)) = (self.counts.get_mut(*index), rules.get(*index)) {
                counts.count_match(rule, *index, partly, &answer.text);
            }
        }
        for (index, fields) in &answer.missing {
            if let Some(counts) = self.counts.get_mut(*index) {
                counts.undecided += 1;
                counts.missing.extend(fields);
            }
        }
    }

    /// Applies the rules' taints and untaints to the process.
    fn update_trust(&mut self, partly: &Partly, tgid: u32, now_ns: u64) {
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
        for (index, certain) in &partly.taints {
            let Some(rule) = self.prepared.rules().get(*index) else {
                continue;
            };
            let until = taint_end(now_ns, rule.taint_seconds);
            process.taint(*index, *certain, until, &format!("rule:{}", rule.id));
            self.tainting.insert(*index);
        }
        process.stamp = stamp;
    }
}
