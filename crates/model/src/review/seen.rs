// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The operations that were seen: in learning runs, by the map's statistics, and in recordings.

use std::collections::{BTreeMap, BTreeSet};

use ambit_abi::Op;
use ambit_event::{Object, Operation, Subject};
use serde::Serialize;

use crate::statistics::allows_line;
use crate::{ANY_HOST, Matcher, Rule, RuleObject, RunId, Statistics};

/// Number of refused operations that are shown.
const SHOWN_MAX: usize = 3;

/// Operations of recordings that a map allows and [`candidates`](super::candidates) does not.
#[derive(Clone, Debug, Default)]
pub struct Evidence {
    points: BTreeMap<Subject, BTreeMap<(Operation, Object), u64>>,
    /// True if the recordings lack operations, or if not all could be kept.
    pub is_partial: bool,
}

impl Evidence {
    /// Adds a number of occurrences of an operation.
    pub fn add(&mut self, subject: &Subject, operation: Operation, object: &Object, times: u64) {
        let points = self.points.entry(subject.clone()).or_default();
        let known = points.entry((operation, object.clone())).or_default();
        *known = known.saturating_add(times);
    }
}

/// The use of lines in learning runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct InRuns {
    /// Number of different operations that would have been refused.
    pub operations: usize,
    /// Number of their occurrences; a lower bound for frequent ones.
    pub times: u64,
    /// Number of runs that performed one of them.
    pub runs: usize,
    /// Number of all runs.
    pub of: usize,
}

/// The use of lines in recordings.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct InRecordings {
    /// Number of different operations that would have been refused.
    pub operations: usize,
    /// Number of their occurrences.
    pub times: u64,
    /// The first few of them.
    pub first: Vec<String>,
    /// True if the recordings lack operations, or if not all could be kept.
    pub is_partial: bool,
}

/// An operation of the statistics: its number of uses, and its runs.
type Counted = (u64, BTreeSet<RunId>);

/// The operations that were seen.
pub(super) struct Seen<'m> {
    statistics: Option<&'m Statistics>,
    evidence: Option<&'m Evidence>,
    /// Operations of learning runs by subject.
    runs: BTreeMap<&'m Subject, BTreeMap<(Operation, Object), Counted>>,
    /// Patterns that the learner made, which have no list of names.
    learned: BTreeSet<(&'m Subject, Rule)>,
}

impl<'m> Seen<'m> {
    pub(super) fn new(statistics: Option<&'m Statistics>, evidence: Option<&'m Evidence>) -> Self {
        let mut this = Self {
            statistics: statistics.filter(|statistics| !statistics.runs().is_empty()),
            evidence,
            runs: BTreeMap::new(),
            learned: BTreeSet::new(),
        };
        for (subject, line, support) in statistics.into_iter().flat_map(Statistics::lines) {
            // Lines about digests and credentials are no rules.
            let Ok(rule) = Rule::parse(line) else {
                continue;
            };
            let Some(object) = rule.object().as_exact() else {
                this.learned.insert((subject, rule));
                continue;
            };
            let point = (rule.operation(), object.clone());
            let runs = statistics
                .into_iter()
                .flat_map(|one| one.seen_by(subject, line));
            let counted = (support.hits, runs.collect());
            this.runs.entry(subject).or_default().insert(point, counted);
        }
        this
    }

    /// True if anything is known about past operations.
    pub(super) fn is_known(&self) -> bool {
        self.statistics.is_some() || self.evidence.is_some()
    }

    /// Returns the operations that a rule allowed; `None` if they are unknown.
    pub(super) fn by_rule(
        &self,
        subject: &Subject,
        rule: &Rule,
    ) -> Option<BTreeSet<(Operation, Object)>> {
        let is_learned = self
            .learned
            .iter()
            .any(|(known, pattern)| *known == subject && covers_all(rule, pattern));
        if !self.is_known() || is_learned {
            return None;
        }
        let operations: Vec<Operation> = std::iter::once(rule.operation())
            .chain(rule.implied_operations())
            .collect();
        let runs = self.runs.get(subject).into_iter().flatten();
        let recorded = self
            .evidence
            .and_then(|evidence| evidence.points.get(subject));
        let points = runs
            .map(|(point, _)| point)
            .chain(recorded.into_iter().flatten().map(|(point, _)| point));
        let covered = points.filter(|(operation, object)| {
            operations.contains(operation) && rule.object().covers(object, &ANY_HOST)
        });
        Some(covered.cloned().collect())
    }

    /// Returns the digests that learning runs saw of an executable.
    pub(super) fn digests(&self, of: &Object) -> BTreeSet<[u8; 32]> {
        let lines = self.statistics.into_iter().flat_map(Statistics::lines);
        let texts =
            lines.filter_map(|(_, line, _)| line.strip_prefix("exec.digest ")?.split_once(' '));
        texts
            .filter(|(_, path)| {
                ambit_event::text::parse_path_object(path).is_ok_and(|object| object == *of)
            })
            .filter_map(|(digest, _)| ambit_event::text::parse_digest(digest).ok())
            .collect()
    }

    /// Returns how often learning runs used operations that `before` allows and `after` does not; `None` without
    /// statistics.
    pub(super) fn in_runs(
        &self,
        subject: &Subject,
        before: &Matcher<'_>,
        after: &Matcher<'_>,
    ) -> Option<InRuns> {
        let statistics = self.statistics?;
        let mut out = InRuns {
            of: statistics.runs().len(),
            ..InRuns::default()
        };
        let mut runs = BTreeSet::new();
        let own = self.runs.get(subject);
        // An executed file is opened first, which is no operation of its own for a reader.
        let is_start = |operation: &Operation, object: &Object| {
            operation.op == Op::FileOpen
                && operation.arg == ambit_abi::OPEN_EXEC
                && own.is_some_and(|own| {
                    own.contains_key(&(Operation::plain(Op::Exec), object.clone()))
                })
        };
        for ((operation, object), (hits, seen)) in own.into_iter().flatten() {
            if is_start(operation, object) {
                continue;
            }
            if is_lost(subject, *operation, object, before, after) {
                out.operations += 1;
                out.times = out.times.saturating_add(*hits);
                runs.extend(seen.iter().copied());
            }
        }
        for (_, rule) in self.learned.iter().filter(|(known, _)| *known == subject) {
            if allows_line(before, subject, rule) && !allows_line(after, subject, rule) {
                let support = statistics.support(subject, &rule.to_string());
                out.operations += 1;
                out.times = out.times.saturating_add(support.hits);
                runs.extend(statistics.seen_by(subject, &rule.to_string()));
            }
        }
        out.runs = runs.len();
        Some(out)
    }

    /// Returns which recorded operations `before` allows and `after` does not; `None` without recordings.
    pub(super) fn in_recordings(
        &self,
        subject: &Subject,
        before: &Matcher<'_>,
        after: &Matcher<'_>,
    ) -> Option<InRecordings> {
        let evidence = self.evidence?;
        let mut out = InRecordings {
            is_partial: evidence.is_partial,
            ..InRecordings::default()
        };
        for ((operation, object), times) in evidence.points.get(subject).into_iter().flatten() {
            if is_lost(subject, *operation, object, before, after) {
                out.operations += 1;
                out.times = out.times.saturating_add(*times);
                if out.first.len() < SHOWN_MAX {
                    out.first.push(operation.rule(object));
                }
            }
        }
        Some(out)
    }
}

/// True if the rule's object covers all that the pattern of a learned line does.
fn covers_all(rule: &Rule, learned: &Rule) -> bool {
    let covers = |object: &Object| rule.object().covers(object, &ANY_HOST);
    match learned.object() {
        object if object == rule.object() => true,
        RuleObject::Path(pattern) => pattern.instances().iter().all(covers),
        _ => false,
    }
}

fn is_lost(
    subject: &Subject,
    operation: Operation,
    object: &Object,
    before: &Matcher<'_>,
    after: &Matcher<'_>,
) -> bool {
    operation.op != Op::ExecDigest
        && before.rule(subject, operation, object).is_some()
        && after.rule(subject, operation, object).is_none()
}
