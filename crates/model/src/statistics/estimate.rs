// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Estimates the chance that the next operation or run is outside the map, with the estimator of Good and Turing.
//!
//! Incomplete runs are not used: lines that they missed would seem rarer than they are.

use std::collections::{BTreeMap, BTreeSet};

use ambit_event::Subject;
use serde::Serialize;

use super::{HitsByRun, Run, RunId, Statistics, allowed_by};
use crate::{ANY_HOST, Map, Matcher};

/// Minimum number of complete runs for the advice to seal.
pub const RUNS_MIN: usize = 3;
/// Maximum chance that the next run has a new line, for the advice to seal.
pub const CHANCE_MAX: f64 = 0.25;
/// Maximum number of unused lines that an estimate lists.
pub const UNUSED_MAX: usize = 100;
/// Number of newest complete runs that must not have added a line, for the advice to seal.
const QUIET_RUNS: usize = 2;
/// A subject is thin if more than this share of its lines was seen in one run only.
const THIN_SHARE: f64 = 0.1;

/// The estimate for a map.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Estimate {
    /// Number of runs with figures.
    pub runs: usize,
    /// Number of these runs that missed nothing. All figures below are about them.
    pub whole_runs: usize,
    /// Number of operations in these runs.
    pub operations: u64,
    /// Number of lines of the map that these runs used.
    pub lines: usize,
    /// Number of these lines that were used once in all runs.
    pub seen_once: usize,
    /// Number of these lines that one run only used.
    pub in_one_run: usize,
    /// Number of lines of the map that no run used: a person wrote them, or the runs have no figures.
    pub never_seen: usize,
    /// The first of these lines, at most [`UNUSED_MAX`].
    pub unused: Vec<UnusedLine>,
    /// Number of learned lines that the map no longer contains.
    pub taken_out: usize,
    /// Chance that the next operation is outside the map: lines used once, divided by operations.
    pub next_operation: Option<f64>,
    /// Chance that the next run is outside the map: the share of runs with a line that no other run used.
    pub next_run: Option<f64>,
    /// Upper bound of that chance, one-sided, 95 %.
    pub next_run_at_most: Option<f64>,
    /// Expected number of new lines in the next run: lines of one run only, divided by runs.
    pub next_run_lines: Option<f64>,
    /// The runs, the oldest first. `new` is the number of lines of the map, as it is now, that the run used and no run before
    /// it.
    pub curve: Vec<Run>,
    /// The estimates by subject, in the order of the map.
    pub subjects: Vec<SubjectEstimate>,
    /// The advice.
    pub advice: Advice,
}

/// A line of the map that no complete run used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct UnusedLine {
    /// The subject's id in the map.
    pub subject: String,
    /// The rule's text.
    pub line: String,
}

/// The estimate for a subject.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SubjectEstimate {
    /// Its id in the map.
    pub id: String,
    /// The subject.
    pub subject: Subject,
    /// Number of complete runs that used its lines.
    pub runs: usize,
    /// Lower bound of the number of uses of its lines.
    pub hits: u64,
    /// Number of its lines that were used.
    pub lines: usize,
    /// Number of these lines that one run only used.
    pub in_one_run: usize,
    /// True if more runs are needed to know the subject's lines.
    pub thin: bool,
}

/// The advice about learning.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase", tag = "answer", content = "because")]
pub enum Advice {
    /// Seal the map.
    Seal,
    /// Continue to learn, for these reasons.
    Learn(Vec<Doubt>),
}

/// A reason to continue learning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Doubt {
    /// There are fewer than [`RUNS_MIN`] complete runs.
    FewRuns,
    /// One of the newest complete runs added a line.
    StillNew,
    /// The chance that the next run is outside the map is above [`CHANCE_MAX`].
    Likely,
    /// The newest run missed operations.
    Missed,
    /// The complete runs used the same lines the same number of times: they show nothing about other runs.
    Copies,
}

/// The uses of each line of the map, by subject and run.
type Uses<'a> = BTreeMap<&'a Subject, BTreeMap<String, HitsByRun>>;

/// The uses of a line of the map. Good and Turing estimate the number of unseen species.
#[derive(Default)]
struct Species {
    runs: BTreeSet<RunId>,
    hits: u64,
}

impl Statistics {
    /// Estimates how complete a map is.
    pub fn estimate(&self, map: &Map) -> Estimate {
        let runs = self.runs();
        let whole: BTreeSet<RunId> = runs
            .iter()
            .filter(|(_, run)| run.missed == 0)
            .map(|(id, _)| *id)
            .collect();
        let operations = runs
            .iter()
            .filter(|(id, _)| whole.contains(id))
            .fold(0_u64, |sum, (_, run)| sum.saturating_add(run.operations));
        let matcher = Matcher::new(map, ANY_HOST);
        let (uses, taken_out) = self.uses(&matcher);
        let species = species(&uses, &whole);
        let all = || species.values().flat_map(BTreeMap::values);
        let lines = all().count();
        let seen_once = all().filter(|one| one.hits == 1).count();
        let in_one_run: Vec<&Species> = all().filter(|one| one.runs.len() == 1).collect();
        let own: BTreeSet<&RunId> = in_one_run.iter().flat_map(|one| &one.runs).collect();
        let next_run = ratio(own.len(), whole.len());
        let unused = unused(map, &species);
        let mut out = Estimate {
            runs: runs.len(),
            whole_runs: whole.len(),
            operations,
            lines,
            seen_once,
            in_one_run: in_one_run.len(),
            never_seen: unused.len(),
            unused: unused.into_iter().take(UNUSED_MAX).collect(),
            taken_out,
            next_operation: (operations > 0)
                .then(|| (usize_to_f64(seen_once) / u64_to_f64(operations)).min(1.0)),
            next_run,
            next_run_at_most: upper_bound(own.len(), whole.len()),
            next_run_lines: ratio(in_one_run.len(), whole.len()),
            curve: Vec::new(),
            subjects: subjects(map, &species, whole.len()),
            advice: Advice::Seal,
        };
        let order: BTreeMap<RunId, usize> = runs.iter().map(|(id, _)| *id).zip(0..).collect();
        let mut new = vec![0; runs.len()];
        for seen in uses.values().flat_map(BTreeMap::values) {
            let first = seen.keys().filter_map(|id| order.get(id)).min();
            if let Some(count) = first.and_then(|first| new.get_mut(*first)) {
                *count += 1;
            }
        }
        out.curve = runs
            .iter()
            .zip(new)
            .map(|((_, run), new)| Run {
                new,
                ..(*run).clone()
            })
            .collect();
        out.advice = advice(&out, self.are_copies(&whole));
        out
    }

    /// True if there are enough of these runs, and all performed the same number of operations and used the same lines
    /// equally often.
    fn are_copies(&self, whole: &BTreeSet<RunId>) -> bool {
        let operations: BTreeSet<u64> = whole
            .iter()
            .filter_map(|id| Some(self.runs.get(id)?.operations))
            .collect();
        let even = |seen: &BTreeMap<RunId, u64>| {
            let hits: BTreeSet<Option<&u64>> = whole.iter().map(|id| seen.get(id)).collect();
            hits.len() == 1
        };
        whole.len() >= RUNS_MIN
            && operations.len() == 1
            && self.lines.values().flat_map(BTreeMap::values).all(even)
    }

    /// Returns the uses of the map's lines, and the number of lines that the map does not contain.
    fn uses(&self, matcher: &Matcher<'_>) -> (Uses<'_>, usize) {
        let mut uses = Uses::new();
        let mut taken_out = 0;
        for (subject, lines) in &self.lines {
            for (line, seen) in lines {
                let Some(by) = allowed_by(matcher, subject, line) else {
                    taken_out += 1;
                    continue;
                };
                // "Any" counts as one line, whichever digests or credentials were seen.
                let one = uses.entry(subject).or_default().entry(by).or_default();
                for (id, hits) in seen {
                    let sum = one.entry(*id).or_default();
                    *sum = sum.saturating_add(*hits);
                }
            }
        }
        (uses, taken_out)
    }
}

/// Returns the lines that these runs used.
fn species<'a>(
    uses: &Uses<'a>,
    whole: &BTreeSet<RunId>,
) -> BTreeMap<&'a Subject, BTreeMap<String, Species>> {
    let mut species: BTreeMap<&Subject, BTreeMap<String, Species>> = BTreeMap::new();
    for (subject, lines) in uses {
        for (line, seen) in lines {
            for (id, hits) in seen.iter().filter(|(id, _)| whole.contains(id)) {
                let one = species.entry(*subject).or_default();
                let one = one.entry(line.clone()).or_default();
                one.runs.insert(*id);
                one.hits = one.hits.saturating_add(*hits);
            }
        }
    }
    species
}

/// Returns the lines of the map that no run used. A rule that another line implies has no line.
fn unused(map: &Map, species: &BTreeMap<&Subject, BTreeMap<String, Species>>) -> Vec<UnusedLine> {
    let launcher = Subject::LAUNCHER;
    let started = species.get(&launcher);
    let start = map.launcher_rules().map(|rule| rule.to_string());
    let start = start
        .filter(|line| started.is_none_or(|used| !used.contains_key(line)))
        .map(|line| UnusedLine {
            subject: "start".to_owned(),
            line,
        });
    let written = map.without_implied();
    let lines = written.subjects.iter().flat_map(|(subject, entry)| {
        let used = species.get(subject);
        let lines = entry.allow.iter().map(ToString::to_string);
        let unused = lines.filter(move |line| used.is_none_or(|used| !used.contains_key(line)));
        unused.map(|line| UnusedLine {
            subject: entry.id.clone(),
            line,
        })
    });
    start.chain(lines).collect()
}

fn subjects(
    map: &Map,
    species: &BTreeMap<&Subject, BTreeMap<String, Species>>,
    whole: usize,
) -> Vec<SubjectEstimate> {
    let empty = BTreeMap::new();
    map.subjects
        .iter()
        .map(|(subject, entry)| {
            let lines = species.get(subject).unwrap_or(&empty);
            let runs: BTreeSet<&RunId> = lines.values().flat_map(|one| &one.runs).collect();
            let in_one_run = lines.values().filter(|one| one.runs.len() == 1).count();
            let few = ratio(in_one_run, lines.len()).is_none_or(|part| part > THIN_SHARE);
            SubjectEstimate {
                id: entry.id.clone(),
                subject: subject.clone(),
                runs: runs.len(),
                hits: lines
                    .values()
                    .fold(0, |sum, one| sum.saturating_add(one.hits)),
                lines: lines.len(),
                in_one_run,
                thin: runs.len() < whole.clamp(2, RUNS_MIN) || few,
            }
        })
        .collect()
}

fn advice(estimate: &Estimate, copies: bool) -> Advice {
    let mut reasons = Vec::new();
    if estimate.curve.last().is_some_and(|run| run.missed > 0) {
        reasons.push(Doubt::Missed);
    }
    if estimate.whole_runs < RUNS_MIN {
        reasons.push(Doubt::FewRuns);
    }
    let whole = estimate.curve.iter().rev().filter(|run| run.missed == 0);
    if whole.take(QUIET_RUNS).any(|run| run.new > 0) {
        reasons.push(Doubt::StillNew);
    }
    if estimate
        .next_run
        .is_some_and(|chance| chance > CHANCE_MAX && estimate.whole_runs >= RUNS_MIN)
    {
        reasons.push(Doubt::Likely);
    }
    if copies {
        reasons.push(Doubt::Copies);
    }
    if reasons.is_empty() {
        Advice::Seal
    } else {
        Advice::Learn(reasons)
    }
}

/// Returns the largest chance with which `own` or fewer of `runs` runs would not be surprising: the upper bound of the
/// Clopper-Pearson interval, one-sided, 95 %, found by bisection.
fn upper_bound(own: usize, runs: usize) -> Option<f64> {
    if runs == 0 {
        return None;
    }
    if own >= runs {
        return Some(1.0);
    }
    let (mut low, mut high) = (0.0_f64, 1.0_f64);
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        if binomial_at_most(own, runs, middle) > 0.05 {
            low = middle;
        } else {
            high = middle;
        }
    }
    Some(high)
}

/// Returns the binomial probability that at most `own` of `runs` events happen, each with this chance.
fn binomial_at_most(own: usize, runs: usize, chance: f64) -> f64 {
    let mut term = (1.0 - chance).powi(i32::try_from(runs).unwrap_or(i32::MAX));
    let mut sum = term;
    for k in 0..own {
        term *= usize_to_f64(runs - k) / usize_to_f64(k + 1) * chance / (1.0 - chance);
        sum += term;
    }
    sum
}

fn ratio(part: usize, of: usize) -> Option<f64> {
    (of > 0).then(|| usize_to_f64(part) / usize_to_f64(of))
}

fn usize_to_f64(number: usize) -> f64 {
    u64_to_f64(u64::try_from(number).unwrap_or(u64::MAX))
}

#[allow(clippy::cast_precision_loss, reason = "an estimate")]
fn u64_to_f64(number: u64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_quiet_runs_leave_room_for_doubt() {
        // The rule of three, exactly: 1 - 0.05^(1/3).
        assert!((upper_bound(0, 3).unwrap() - 0.6316).abs() < 1e-3);
        assert!((upper_bound(0, 100).unwrap() - 0.0295).abs() < 1e-3);
        assert_eq!(upper_bound(3, 3), Some(1.0));
        assert_eq!(upper_bound(0, 0), None);
    }
}
