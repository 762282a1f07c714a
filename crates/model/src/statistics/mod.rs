// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Statistics of learning runs, kept in a file beside the map (`web.map.stats`).
//!
//! Each run has a random id, so that merging is a union: commutative, associative, idempotent. The statistics count
//! *lines*: rules as the learner would write them, with generated names replaced. Operations of untrusted tasks and
//! lost records are not counted.

mod estimate;
mod text;

pub use estimate::{
    Advice, CHANCE_MAX, Doubt, Estimate, RUNS_MIN, SubjectEstimate, UNUSED_MAX, UnusedLine,
};
pub use text::StatisticsError;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use ambit_abi::{Fp, Op};
use ambit_event::text::{parse_digest, parse_path_object};
use ambit_event::{Creds, Object, Operation, Subject};
use serde::Serialize;

use crate::{ANY_HOST, Learner, Map, Matcher, Rule, RuleObject};

/// Maximum number of runs to keep; older runs are removed.
pub const RUNS_MAX: usize = 1000;

/// The id of a run: a random number, printed as 16 hex digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RunId(pub u64);

/// A learning run.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Run {
    /// Start of the run in UTC: `2026-01-31T12:34:56.789Z`. Runs are sorted by it.
    pub began: String,
    /// Number of decided operations of trusted tasks.
    pub operations: u64,
    /// Number of lines that the run used.
    pub lines: u64,
    /// Number of these lines that the map did not allow before.
    pub new: u64,
    /// Number of operations that were not learned: lost, or beyond the capacity of the set.
    pub missed: u64,
    /// Number of operations on objects without a canonical form, which a map cannot contain.
    pub unrepresentable: u64,
    /// Number of operations of untrusted tasks; they are counted nowhere else.
    pub untrusted: u64,
}

/// The support of a line: how often it was used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Support {
    /// Number of runs that used it.
    pub runs: u32,
    /// Number of uses. In one run, each of its points is counted exactly below [`ambit_abi::HITS_MAX`]; above, the
    /// number is a lower bound.
    pub hits: u64,
}

/// A line that a run used.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Observation {
    /// The subject. It is the launcher for programs that the launcher started and for digests, which belong to the
    /// whole domain.
    pub subject: Subject,
    /// The rule's text, or `exec.creds …` or `exec.digest …`.
    pub line: String,
    /// Number of uses.
    pub hits: u64,
}

type HitsByRun = BTreeMap<RunId, u64>;
/// The uses of a subject's lines in one run.
type HitsByLine = BTreeMap<String, u64>;

/// Statistics of learning runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// The domain's name in the map.
    pub domain: String,
    /// Number of executables that belong to a subject.
    pub chain: u32,
    runs: BTreeMap<RunId, Run>,
    lines: BTreeMap<Subject, BTreeMap<String, HitsByRun>>,
}

/// The statistics have different chains, so their subjects differ and they cannot be merged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the statistics have different `chain` values ({0} and {1}) and cannot be merged")]
pub struct ChainMismatch(pub u32, pub u32);

impl Statistics {
    /// Creates statistics without runs.
    pub fn new(domain: impl Into<String>, chain: u32) -> Self {
        Self {
            domain: domain.into(),
            chain,
            ..Self::default()
        }
    }

    /// Creates the statistics of one run. `before` is the map at its start; the lines and the new lines of the run are
    /// counted here.
    pub fn of_run(id: RunId, mut run: Run, seen: &[Observation], before: &Map) -> Self {
        let mut out = Self::new(before.domain.clone(), before.chain);
        // The learner's observations are sorted by subject.
        for of_subject in seen.chunk_by(|one, other| one.subject == other.subject) {
            let Some(first) = of_subject.first() else {
                continue;
            };
            let lines = out.lines.entry(first.subject.clone()).or_default();
            for one in of_subject {
                let hits = lines
                    .entry(one.line.clone())
                    .or_default()
                    .entry(id)
                    .or_default();
                *hits = hits.saturating_add(one.hits);
            }
        }
        let matcher = Matcher::new(before, ANY_HOST);
        let (mut all, mut known) = (0, 0);
        for (subject, lines) in &out.lines {
            all += u64::try_from(lines.len()).unwrap_or(u64::MAX);
            // The map allows a subject that it does not have nothing, so its lines need not be parsed.
            if subject.is_launcher() || before.subjects.contains_key(subject) {
                let allowed = lines
                    .keys()
                    .filter(|line| is_allowed(&matcher, subject, line));
                known += u64::try_from(allowed.count()).unwrap_or(u64::MAX);
            }
        }
        run.lines = all;
        run.new = all - known;
        out.runs.insert(id, run);
        out
    }

    /// Returns the union of the runs. If both have a run, the larger figures are used.
    ///
    /// # Errors
    /// The chains differ.
    pub fn merge(&self, other: &Self) -> Result<Self, ChainMismatch> {
        if self.chain != other.chain {
            return Err(ChainMismatch(self.chain, other.chain));
        }
        let mut out = self.clone();
        out.domain = self.domain.clone().min(other.domain.clone());
        for (id, run) in &other.runs {
            let ours = out.runs.entry(*id).or_insert_with(|| run.clone());
            *ours = ours.clone().max(run.clone());
        }
        for (subject, lines) in &other.lines {
            let ours = out.lines.entry(subject.clone()).or_default();
            for (line, seen) in lines {
                let ours = ours.entry(line.clone()).or_default();
                for (id, hits) in seen {
                    let ours = ours.entry(*id).or_default();
                    *ours = (*ours).max(*hits);
                }
            }
        }
        out.keep_newest(RUNS_MAX);
        Ok(out)
    }

    /// Removes all but the newest runs, and lines that no other run used.
    fn keep_newest(&mut self, most: usize) {
        let Some(extra) = self.runs.len().checked_sub(most).filter(|extra| *extra > 0) else {
            return;
        };
        let mut order: Vec<(&str, RunId)> = self
            .runs
            .iter()
            .map(|(id, run)| (run.began.as_str(), *id))
            .collect();
        order.sort_unstable();
        let old: BTreeSet<RunId> = order.iter().take(extra).map(|(_, id)| *id).collect();
        self.runs.retain(|id, _| !old.contains(id));
        for lines in self.lines.values_mut() {
            for seen in lines.values_mut() {
                seen.retain(|id, _| !old.contains(id));
            }
            lines.retain(|_, seen| !seen.is_empty());
        }
        self.lines.retain(|_, lines| !lines.is_empty());
    }

    /// Returns the runs, the oldest first.
    pub fn runs(&self) -> Vec<(RunId, &Run)> {
        let mut runs: Vec<(RunId, &Run)> = self.runs.iter().map(|(id, run)| (*id, run)).collect();
        runs.sort_by(|(one, a), (other, b)| (&a.began, one).cmp(&(&b.began, other)));
        runs
    }

    /// Returns each line with its support, by subject. A line that is not a rule begins with `exec.creds` or
    /// `exec.digest`.
    pub fn lines(&self) -> impl Iterator<Item = (&Subject, &str, Support)> {
        self.lines.iter().flat_map(|(subject, lines)| {
            lines
                .iter()
                .map(move |(line, seen)| (subject, line.as_str(), support(seen)))
        })
    }

    /// Returns the support of a rule by its text; zeros if no run used it.
    pub fn support(&self, subject: &Subject, rule: &str) -> Support {
        self.seen(subject, rule).map(support).unwrap_or_default()
    }

    /// Returns the runs that used a rule, by its text.
    pub fn seen_by<'a>(
        &'a self,
        subject: &Subject,
        rule: &str,
    ) -> impl Iterator<Item = RunId> + use<'a> {
        let seen = self.seen(subject, rule);
        seen.into_iter().flat_map(|seen| seen.keys().copied())
    }

    fn seen(&self, subject: &Subject, rule: &str) -> Option<&HitsByRun> {
        self.lines.get(subject)?.get(rule)
    }
}

fn support(seen: &HitsByRun) -> Support {
    Support {
        runs: u32::try_from(seen.len()).unwrap_or(u32::MAX),
        hits: seen.values().fold(0, |sum, hits| sum.saturating_add(*hits)),
    }
}

/// Returns the line of the map that allows a line of the statistics.
fn allowed_by(matcher: &Matcher<'_>, subject: &Subject, line: &str) -> Option<String> {
    if let Some(creds) = line.strip_prefix("exec.creds ") {
        let creds = Object::Creds(Creds::parse(creds).ok()?);
        return matcher.line(subject, Operation::plain(Op::ExecCreds), &creds);
    }
    if let Some((digest, of)) = line
        .strip_prefix("exec.digest ")
        .and_then(|rest| rest.split_once(' '))
    {
        let digest = Object::Digest {
            sha256: parse_digest(digest).ok()?,
            of: Box::new(parse_path_object(of).ok()?),
        };
        return matcher.line(subject, Operation::plain(Op::ExecDigest), &digest);
    }
    let rule = Rule::parse(line).ok()?;
    if let Some(object) = rule.object().as_exact() {
        return matcher.line(subject, rule.operation(), object);
    }
    // A pattern of the learner: the map contains it, a rule that implies it, or a wider pattern.
    let entry = matcher.map().subjects.get(subject)?;
    if entry.allow.contains(&rule) {
        return Some(rule.to_string());
    }
    let RuleObject::Path(pattern) = rule.object() else {
        return None;
    };
    let mut instances = pattern.instances().into_iter();
    let line = |object: &Object| matcher.line(subject, rule.operation(), object);
    let first = line(&instances.next()?)?;
    instances
        .all(|object| line(&object).is_some())
        .then_some(first)
}

/// True if the map allows a line of the statistics.
fn is_allowed(matcher: &Matcher<'_>, subject: &Subject, line: &str) -> bool {
    match Rule::parse(line) {
        Ok(rule) => allows_line(matcher, subject, &rule),
        // Lines about digests and credentials are no rules.
        Err(_) => allowed_by(matcher, subject, line).is_some(),
    }
}

/// True if the map allows a learned line.
pub(crate) fn allows_line(matcher: &Matcher<'_>, subject: &Subject, rule: &Rule) -> bool {
    match rule.object().as_exact() {
        Some(object) => matcher.rule(subject, rule.operation(), object).is_some(),
        None => allowed_by(matcher, subject, &rule.to_string()).is_some(),
    }
}

impl Learner {
    /// Returns the lines that were used, each once with its number of uses. `hits` has the kernel part's count for each
    /// point's key; a point without a count was used once. Undescribed subjects are left out.
    pub fn observations(&self, hits: &HashMap<Fp, u32>) -> Vec<Observation> {
        let generated_names = self.generated_names();
        // By fingerprint, because subjects take long to compare.
        let mut subjects: HashMap<Option<Fp>, Option<(Subject, HitsByLine)>> = HashMap::new();
        for seen in self.points() {
            let digest = seen.operation.op == Op::ExecDigest;
            let by = (!digest).then_some(seen.subject);
            let subject = subjects.entry(by).or_insert_with(|| {
                let subject = by.map_or(Some(Subject::LAUNCHER), |by| self.registry().subject(by));
                Some((subject?, HitsByLine::new()))
            });
            let Some((subject, lines)) = subject else {
                continue;
            };
            // Before its exec, the launcher runs Ambit's own code.
            if subject.is_launcher() && !digest && seen.operation.op != Op::Exec {
                continue;
            }
            let line = match seen.operation.op {
                Op::ExecDigest | Op::ExecCreds => seen.operation.rule(&seen.object),
                _ if subject.is_launcher() => {
                    Rule::of_point(seen.operation, seen.object.clone()).to_string()
                }
                _ => Rule::new(seen.operation, generated_names.object(seen.object.clone()))
                    .to_string(),
            };
            let key = ambit_event::key(
                self.registry().secret(),
                seen.subject,
                seen.operation,
                &seen.object,
            );
            let often = hits.get(&key).copied().unwrap_or(1).max(1);
            let sum = lines.entry(line).or_default();
            *sum = sum.saturating_add(often.into());
        }
        let mut found: BTreeMap<Subject, HitsByLine> = BTreeMap::new();
        for (subject, lines) in subjects.into_values().flatten() {
            let found = found.entry(subject).or_default();
            for (line, hits) in lines {
                let sum = found.entry(line).or_default();
                *sum = sum.saturating_add(hits);
            }
        }
        let found = found.into_iter().flat_map(|(subject, lines)| {
            lines.into_iter().map(move |(line, hits)| Observation {
                subject: subject.clone(),
                line,
                hits,
            })
        });
        found.collect()
    }
}
