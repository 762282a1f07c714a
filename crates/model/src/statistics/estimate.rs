// SPDX-License-Identifier: Apache-2.0 OR MIT
//! How likely it is that what comes next is outside the map: Good and Turing's estimate, on operations and on runs.
//!
//! Of runs that missed something nothing is taken: what they have seen less would make the rest look rarer than it is.

use std::collections::{BTreeMap, BTreeSet};

use ambit_event::Subject;
use serde::Serialize;

use super::{Run, RunId, Statistics, allowed_by};
use crate::{ANY_HOST, Map, Matcher};

/// Fewer whole runs say too little.
pub const RUNS_MIN: usize = 3;
/// The most that the next run may be likely to bring something new, to seal.
pub const CHANCE_MAX: f64 = 0.25;
/// How many of the newest whole runs must have brought nothing new, to seal.
const QUIET: usize = 2;
/// A subject is thin where more than this part of its lines was seen in one run only.
const THIN: f64 = 0.1;

/// What a map's statistics say.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Estimate {
    /// Runs that there are figures of.
    pub runs: usize,
    /// Of these: those that missed nothing; what follows is about them.
    pub whole_runs: usize,
    /// Operations in them.
    pub operations: u64,
    /// Lines of the map that they saw.
    pub lines: usize,
    /// Of these: seen once in all.
    pub seen_once: usize,
    /// Of these: seen in one run only.
    pub in_one_run: usize,
    /// Lines of the map that no run saw: written by a person, or from runs without figures.
    pub never_seen: usize,
    /// What was learned and is not in the map any more.
    pub taken_out: usize,
    /// Good and Turing on operations: lines seen once, of all operations.
    pub next_operation: Option<f64>,
    /// On runs: the part of the runs that had something which no other run had.
    pub next_run: Option<f64>,
    /// With this few runs, a next run brings something new at most this likely (19 times out of 20).
    pub next_run_at_most: Option<f64>,
    /// How many new lines the next run is expected to bring: lines in one run only, of all runs.
    pub next_run_lines: Option<f64>,
    /// What each run brought, the oldest first.
    pub curve: Vec<Run>,
    /// By subject, as the map has them.
    pub subjects: Vec<SubjectEstimate>,
    /// What to do.
    pub advice: Advice,
}

/// A subject's figures.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SubjectEstimate {
    /// Its id in the map.
    pub id: String,
    /// Who it is.
    pub subject: Subject,
    /// Whole runs that saw it.
    pub runs: usize,
    /// How often its lines were seen, at least.
    pub hits: u64,
    /// Its lines that were seen.
    pub lines: usize,
    /// Of these: in one run only.
    pub in_one_run: usize,
    /// Whether its lines are known too little.
    pub thin: bool,
}

/// What to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase", tag = "answer", content = "because")]
pub enum Advice {
    /// Learning has come to its end, as far as these runs can tell.
    Seal,
    /// It has not.
    Learn(Vec<Doubt>),
}

/// Why to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Doubt {
    /// Fewer than [`RUNS_MIN`] whole runs.
    FewRuns,
    /// One of the newest whole runs brought something new.
    StillNew,
    /// The next run is more likely than [`CHANCE_MAX`] to bring something new.
    Likely,
    /// The newest run missed something.
    Missed,
}

/// A line of the map, and what the runs saw of it.
#[derive(Default)]
struct Species {
    runs: BTreeSet<RunId>,
    hits: u64,
}

impl Statistics {
    /// What the figures say of a map.
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
        let (species, taken_out) = self.species(map, &whole);
        let all = || species.values().flat_map(BTreeMap::values);
        let lines = all().count();
        let seen_once = all().filter(|one| one.hits == 1).count();
        let alone: Vec<&Species> = all().filter(|one| one.runs.len() == 1).collect();
        let own: BTreeSet<&RunId> = alone.iter().flat_map(|one| &one.runs).collect();
        let next_run = ratio(own.len(), whole.len());
        let mut out = Estimate {
            runs: runs.len(),
            whole_runs: whole.len(),
            operations,
            lines,
            seen_once,
            in_one_run: alone.len(),
            never_seen: (map.rules() + map.start.len()).saturating_sub(rules_seen(&species)),
            taken_out,
            next_operation: (operations > 0)
                .then(|| (float(seen_once) / as_float(operations)).min(1.0)),
            next_run,
            next_run_at_most: at_most(own.len(), whole.len()),
            next_run_lines: ratio(alone.len(), whole.len()),
            curve: Vec::new(),
            subjects: subjects(map, &species, whole.len()),
            advice: Advice::Seal,
        };
        out.curve = runs.iter().map(|(_, run)| (*run).clone()).collect();
        out.advice = advice(&out);
        out
    }

    /// The map's lines that whole runs saw, by subject, and how many lines the map does not have (any more).
    fn species(
        &self,
        map: &Map,
        whole: &BTreeSet<RunId>,
    ) -> (BTreeMap<&Subject, BTreeMap<String, Species>>, usize) {
        let matcher = Matcher::new(map, ANY_HOST);
        let mut species: BTreeMap<&Subject, BTreeMap<String, Species>> = BTreeMap::new();
        let mut taken_out = 0;
        for (subject, lines) in &self.lines {
            for (line, seen) in lines {
                let Some(by) = allowed_by(&matcher, subject, line) else {
                    taken_out += 1;
                    continue;
                };
                // "Any" is one line, whatever it takes in; who does not list digests does not ask for them.
                let seen = seen.iter().filter(|(id, _)| whole.contains(id));
                for (id, hits) in seen {
                    let one = species.entry(subject).or_default();
                    let one = one.entry(by.clone()).or_default();
                    one.runs.insert(*id);
                    one.hits = one.hits.saturating_add(*hits);
                }
            }
        }
        (species, taken_out)
    }
}

fn rules_seen(species: &BTreeMap<&Subject, BTreeMap<String, Species>>) -> usize {
    species
        .values()
        .flat_map(BTreeMap::keys)
        .filter(|line| !line.starts_with("creds: ") && !line.starts_with("digest: "))
        .count()
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
            let few = ratio(in_one_run, lines.len()).is_none_or(|part| part > THIN);
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

fn advice(estimate: &Estimate) -> Advice {
    let mut reasons = Vec::new();
    if estimate.curve.last().is_some_and(|run| run.missed > 0) {
        reasons.push(Doubt::Missed);
    }
    if estimate.whole_runs < RUNS_MIN {
        reasons.push(Doubt::FewRuns);
    }
    let whole = estimate.curve.iter().rev().filter(|run| run.missed == 0);
    if whole.take(QUIET).any(|run| run.new > 0) {
        reasons.push(Doubt::StillNew);
    }
    if estimate
        .next_run
        .is_some_and(|chance| chance > CHANCE_MAX && estimate.whole_runs >= RUNS_MIN)
    {
        reasons.push(Doubt::Likely);
    }
    if reasons.is_empty() {
        Advice::Seal
    } else {
        Advice::Learn(reasons)
    }
}

/// The chance below which `runs` runs, `own` of them with something of their own, would be no surprise: the upper end
/// of the interval of Clopper and Pearson, one-sided, 95 %; by bisection of the binomial distribution.
fn at_most(own: usize, runs: usize) -> Option<f64> {
    if runs == 0 {
        return None;
    }
    if own >= runs {
        return Some(1.0);
    }
    let (mut low, mut high) = (0.0_f64, 1.0_f64);
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        if at_most_so_many(own, runs, middle) > 0.05 {
            low = middle;
        } else {
            high = middle;
        }
    }
    Some(high)
}

/// How likely at most `own` of `runs` are, each with this chance.
fn at_most_so_many(own: usize, runs: usize, chance: f64) -> f64 {
    let mut term = (1.0 - chance).powi(i32::try_from(runs).unwrap_or(i32::MAX));
    let mut sum = term;
    for k in 0..own {
        term *= float(runs - k) / float(k + 1) * chance / (1.0 - chance);
        sum += term;
    }
    sum
}

fn ratio(part: usize, of: usize) -> Option<f64> {
    (of > 0).then(|| float(part) / float(of))
}

fn float(number: usize) -> f64 {
    as_float(u64::try_from(number).unwrap_or(u64::MAX))
}

#[allow(clippy::cast_precision_loss, reason = "an estimate")]
fn as_float(number: u64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_quiet_runs_leave_room_for_doubt() {
        // The rule of three, exactly: 1 - 0.05^(1/3).
        assert!((at_most(0, 3).unwrap() - 0.6316).abs() < 1e-3);
        assert!((at_most(0, 100).unwrap() - 0.0295).abs() < 1e-3);
        assert_eq!(at_most(3, 3), Some(1.0));
        assert_eq!(at_most(0, 0), None);
    }
}
