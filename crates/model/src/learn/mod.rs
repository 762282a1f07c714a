// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Learns a map from events: collects points in order, then replaces generated names by patterns.

pub(crate) mod around;
mod component;
mod follow;
pub(crate) mod generated;
mod groups;
pub(crate) mod heuristics;
mod known;
mod makers;
mod name;
pub(crate) mod ordinary;
mod part;
mod removals;
mod search;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};

use ambit_abi::{self as abi, EventKind, Fp, Op};
use ambit_event::{
    Content, Creds, Event, Object, Operation, RecordError, Registry, RingRecord, Secret, Subject,
};

use self::generated::GeneratedNames;
use self::known::Known;
use crate::heuristic::{Heuristic, LeftOut};
use crate::map::Ids;
use crate::pattern::{Index, PathPattern};
use crate::{ANY_HOST, Map, Rule, RuleObject};

/// A hasher for keys. They are keyed fingerprints, so one of their words is already a good hash.
#[derive(Default)]
struct KeyHasher(u64);

impl Hasher for KeyHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            for (slot, byte) in word.iter_mut().zip(chunk) {
                *slot = *byte;
            }
            self.write_u64(u64::from_le_bytes(word));
        }
    }

    fn write_u64(&mut self, word: u64) {
        self.0 ^= word;
    }
}

type KeySet = HashSet<Fp, BuildHasherDefault<KeyHasher>>;

/// A point at its first occurrence, with facts about how it came about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LearnedPoint {
    /// Time in nanoseconds of `CLOCK_BOOTTIME`.
    pub time_ns: u64,
    /// Fingerprint of the subject.
    pub subject: Fp,
    /// The operation.
    pub operation: Operation,
    /// The object.
    pub object: Object,
    /// Mode bits of a created file, if the operation has them.
    pub extra: u32,
    /// Process number in its own PID namespace.
    pub ns_tgid: u32,
}

/// A violation and its subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The violation's event.
    pub event: Event,
    /// The subject, if it was described.
    pub subject: Option<Subject>,
}

/// Counters of a learner.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Counts {
    /// Records fed.
    pub events: u64,
    /// Distinct points.
    pub points: u64,
    /// Repeated occurrences of points.
    pub repeated: u64,
    /// Violations.
    pub violations: u64,
    /// Points of tasks with a trust bit; they are not learned.
    pub untrusted: u64,
    /// Objects without a canonical form; they are not learned.
    pub unrepresentable: u64,
}

/// Learns a map from the records of one domain, fed in order.
#[derive(Debug)]
pub struct Learner {
    registry: Registry,
    keys: KeySet,
    points: Vec<LearnedPoint>,
    violations: Vec<Event>,
    counts: Counts,
    known: Known,
    without: LeftOut,
}

/// The first occurrence of a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step<'a> {
    /// Time in nanoseconds of `CLOCK_BOOTTIME`.
    pub time_ns: u64,
    /// The subject; `None` if it was never described, or if the point belongs to the whole domain.
    pub subject: Option<&'a Subject>,
    /// The operation.
    pub operation: Operation,
    /// The object, with generated names unreplaced.
    pub object: &'a Object,
}

/// The first occurrences of all points, in order.
#[derive(Clone, Debug)]
pub struct Trajectory<'a> {
    subjects: HashMap<Fp, Subject>,
    points: &'a [LearnedPoint],
}

impl Trajectory<'_> {
    /// Returns the first occurrences, in order.
    pub fn steps(&self) -> impl ExactSizeIterator<Item = Step<'_>> {
        self.points.iter().map(|seen| Step {
            time_ns: seen.time_ns,
            subject: self.subjects.get(&seen.subject),
            operation: seen.operation,
            object: &seen.object,
        })
    }

    /// Returns the measurement: all coefficients folded in order with [`crate::extend`]. Steps of unknown subjects are
    /// counted as the launcher's.
    pub fn measurement(&self) -> crate::Sha256Hash {
        let launcher = Subject::LAUNCHER;
        self.steps().fold([0; 32], |measurement, step| {
            let subject = step.subject.unwrap_or(&launcher);
            let rule = step.operation.rule(step.object);
            crate::extend(&measurement, &crate::coefficient(subject, &rule))
        })
    }
}

/// The result of learning.
#[derive(Clone, Debug)]
pub struct Learned {
    /// The map.
    pub map: Map,
    /// Violations, in order.
    pub violations: Vec<Violation>,
    /// Number of points whose subject was never described. If it is above 0, the map is incomplete.
    pub unresolved: u64,
    /// Counters.
    pub counts: Counts,
    /// Patterns that replaced names and that the earlier map did not have, sorted.
    pub generalized: Vec<Generalized>,
}

/// A pattern that the learner chose by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Generalized {
    /// The pattern.
    pub pattern: PathPattern,
    /// Number of names that it replaced.
    pub names: usize,
    /// The first path with such a name, escaped as in a map.
    pub example: String,
}

impl Learner {
    /// Creates a learner without any points.
    pub fn new(secret: Secret) -> Self {
        Self {
            registry: Registry::new(secret),
            keys: KeySet::default(),
            points: Vec::new(),
            violations: Vec::new(),
            counts: Counts::default(),
            known: Known::default(),
            without: LeftOut::default(),
        }
    }

    /// Learns without some heuristics.
    #[must_use]
    pub fn without(self, heuristics: LeftOut) -> Self {
        Self {
            without: heuristics,
            ..self
        }
    }

    /// Adds the names and subjects of a map, which the kernel part may not describe again. The names of its files are
    /// evidence for [`Self::observations`].
    pub fn preload(&mut self, map: &Map) {
        self.known = Known::of(map);
        for subject in map.subjects.keys() {
            self.registry.add_subject(subject);
        }
    }

    /// Feeds a record of the ring buffer. A repeated point costs one look-up.
    #[inline]
    pub fn feed_raw(&mut self, record: &[u8]) -> Result<(), RecordError> {
        self.feed_record(&RingRecord::parse(record)?)
    }

    /// Feeds a record that was already parsed.
    #[inline]
    pub fn feed_record(&mut self, record: &RingRecord<'_>) -> Result<(), RecordError> {
        let header = &record.raw().header;
        let again = record.kind() == EventKind::Match
            || (record.kind() == EventKind::Point
                && header.trust == 0
                && self.keys.contains(&header.key));
        if again {
            self.counts.events += 1;
            self.counts.repeated += 1;
            return Ok(());
        }
        self.feed(record.event()?.clone());
        Ok(())
    }

    /// Feeds an event.
    pub fn feed(&mut self, event: Event) {
        self.counts.events += 1;
        self.registry.apply(&event);
        match event.kind {
            EventKind::Point if event.trust != 0 => self.counts.untrusted += 1,
            EventKind::Point => self.add_point(event),
            EventKind::Violation => {
                self.counts.violations += 1;
                self.violations.push(event);
            }
            EventKind::Unrepresentable => self.counts.unrepresentable += 1,
            EventKind::Match => self.counts.repeated += 1,
            _ => {}
        }
    }

    fn add_point(&mut self, event: Event) {
        let Content::Object(object) = event.content else {
            self.counts.unrepresentable += 1;
            return;
        };
        if !self.keys.insert(event.key) {
            self.counts.repeated += 1;
            return;
        }
        self.counts.points += 1;
        self.points.push(LearnedPoint {
            time_ns: event.time_ns,
            subject: event.subject,
            operation: event.operation,
            object,
            extra: event.extra,
            ns_tgid: event.ns_tgid,
        });
    }

    /// Returns the names and subjects that were described so far.
    pub const fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Returns the counters so far.
    pub const fn counts(&self) -> Counts {
        self.counts
    }

    /// Returns the points so far, in order of their first occurrence.
    pub fn points(&self) -> &[LearnedPoint] {
        &self.points
    }

    /// Returns the generated names among the points so far.
    pub(crate) fn generated_names(&self) -> GeneratedNames {
        GeneratedNames::new(&self.points, &self.known, &self.without)
    }

    /// Returns the first occurrences so far, in order.
    pub fn trajectory(&self) -> Trajectory<'_> {
        let mut subjects = HashMap::new();
        for seen in &self.points {
            if !subjects.contains_key(&seen.subject)
                && let Some(subject) = self.registry.subject(seen.subject)
            {
                subjects.insert(seen.subject, subject);
            }
        }
        Trajectory {
            subjects,
            points: &self.points,
        }
    }

    /// Returns `base` extended by the learned rules, with its domain, chain and responses unchanged.
    pub fn finish(&self, base: &Map) -> Learned {
        let mut collected = PointsBySubject::default();
        let mut unresolved = 0;
        for seen in &self.points {
            unresolved += u64::from(!collected.add(&self.registry, seen));
        }
        let generated_names = GeneratedNames::new(&self.points, &Known::of(base), &self.without);
        let generalized = generalized(&generated_names, base);
        let violations = self
            .violations
            .iter()
            .map(|event| Violation {
                event: event.clone(),
                subject: self.registry.subject(event.subject),
            })
            .collect();
        Learned {
            map: collected.into_map(base, &generated_names, &self.without),
            violations,
            unresolved,
            counts: self.counts,
            generalized,
        }
    }
}

/// The learned points, grouped by subject.
#[derive(Default)]
struct PointsBySubject<'a> {
    start: Vec<RuleObject>,
    subjects: HashMap<Fp, Option<(Subject, SubjectLines<'a>)>>,
    digests: Vec<(&'a Object, [u8; 32])>,
    /// Files that the workload wrote. Their content may differ in the next run, so their digests are not learned.
    written: HashSet<&'a Object>,
}

#[derive(Default)]
struct SubjectLines<'a> {
    creds: Vec<Creds>,
    rules: Vec<(Operation, &'a Object)>,
}

impl<'a> PointsBySubject<'a> {
    /// Adds a point; returns false if its subject is unknown.
    fn add(&mut self, registry: &Registry, seen: &'a LearnedPoint) -> bool {
        if let (Op::ExecDigest, Object::Digest { sha256, of }) = (seen.operation.op, &seen.object) {
            self.digests.push((of, *sha256));
            return true;
        }
        if writes(seen.operation) {
            self.written.insert(&seen.object);
        }
        let known = self.subjects.entry(seen.subject).or_insert_with(|| {
            registry
                .subject(seen.subject)
                .map(|subject| (subject, SubjectLines::default()))
        });
        let Some((subject, lines)) = known else {
            return false;
        };
        match (seen.operation.op, &seen.object) {
            // Before its exec, the launcher runs Ambit's own code; only the programs that it starts are behaviour of
            // the workload.
            (Op::Exec, object) if subject.is_launcher() => {
                self.start.push(RuleObject::from_object(object.clone()));
            }
            _ if subject.is_launcher() => {}
            (Op::ExecCreds, Object::Creds(creds)) => lines.creds.push(*creds),
            (Op::ExecCreds | Op::ExecDigest, _) => {}
            (_, object) => lines.rules.push((seen.operation, object)),
        }
        true
    }

    fn into_map(mut self, base: &Map, generated_names: &GeneratedNames, without: &LeftOut) -> Map {
        let used = |heuristic| !without.has(heuristic);
        let mut map = base.clone();
        map.start.extend(self.start);
        self.digests.retain(|(of, _)| !self.written.contains(of));
        // Sorted by subject, so that ids do not depend on the order of events.
        let mut subjects: Vec<(Subject, SubjectLines)> =
            self.subjects.into_values().flatten().collect();
        subjects.retain(|(subject, _)| !subject.is_launcher());
        subjects.sort_by(|(one, _), (other, _)| one.cmp(other));
        let mut ids = Ids::of(&map);
        for (subject, lines) in subjects {
            let new = !base.subjects.contains_key(&subject);
            let entry = map.subject_with(&subject, &mut ids);
            // If the map permits any credentials or digests for a known subject, it continues to do so.
            if new || !entry.creds.is_empty() {
                entry.creds.extend(lines.creds);
            }
            for (object, sha256) in &self.digests {
                if subject.exe.as_ref() == Some(*object) && (new || !entry.digests.is_empty()) {
                    entry.digests.insert(*sha256);
                }
                if subject.script.as_ref() == Some(*object)
                    && (new || !entry.script_digests.is_empty())
                {
                    entry.script_digests.insert(*sha256);
                }
            }
            let rules = lines.rules.into_iter().map(|(operation, object)| {
                Rule::new(operation, generated_names.object(object.clone()))
            });
            let mut rules: Vec<Rule> = rules.collect();
            if used(Heuristic::Removals) {
                rules.extend(removals::of_renamed(&rules));
            }
            add_rules(&mut entry.allow, rules);
        }
        if used(Heuristic::Follow) {
            follow::apply(&mut map, base);
        }
        if used(Heuristic::Removals) {
            removals::add(&mut map);
        }
        map.normalise();
        map
    }
}

/// Returns the patterns that the map does not have.
fn generalized(names: &GeneratedNames, base: &Map) -> Vec<Generalized> {
    let rules = base.subjects.values().flat_map(|entry| &entry.allow);
    let known: BTreeSet<&RuleObject> = rules.map(Rule::object).collect();
    let new = names.patterns().into_iter();
    new.filter(|(pattern, _)| !known.contains(pattern))
        .filter_map(|(pattern, (names, example))| {
            let RuleObject::Path(pattern) = pattern else {
                return None;
            };
            let example = PathPattern::of_marked(pattern.kind(), example).to_string();
            Some(Generalized {
                pattern,
                names,
                example,
            })
        })
        .collect()
}

/// True if the operation changes a file's content or puts another file at its path.
fn writes(operation: Operation) -> bool {
    match operation.op {
        Op::FileCreate => true,
        Op::FileOpen => operation.arg & (abi::OPEN_WRITE | abi::OPEN_APPEND) != 0,
        Op::FileRename | Op::FileLink => operation.arg == abi::END_TO,
        _ => false,
    }
}

/// Adds rules that no pattern covers, and removes exact rules that a new pattern covers.
fn add_rules(allow: &mut BTreeSet<Rule>, rules: Vec<Rule>) {
    let (patterns, exact): (Vec<Rule>, Vec<Rule>) = rules
        .into_iter()
        .partition(|rule| rule.object().as_exact().is_none());
    let mut known: BTreeSet<Rule> = patterns.into_iter().collect();
    let new = PatternIndex::of(&known);
    allow.retain(|rule| !new.covers(rule));
    known.extend(
        allow
            .iter()
            .filter(|rule| rule.object().as_exact().is_none())
            .cloned(),
    );
    let known_by = PatternIndex::of(&known);
    let mut fresh: BTreeSet<Rule> = exact
        .into_iter()
        .filter(|rule| !known_by.covers(rule))
        .collect();
    allow.append(&mut fresh);
    allow.extend(known);
}

/// The patterns of rules, indexed by each operation that they allow or imply.
#[derive(Default)]
struct PatternIndex<'a>(HashMap<Operation, (Index<'a, &'a RuleObject>, Vec<&'a RuleObject>)>);

impl<'a> PatternIndex<'a> {
    fn of(rules: &'a BTreeSet<Rule>) -> Self {
        let mut out = Self::default();
        for rule in rules {
            for operation in std::iter::once(rule.operation()).chain(rule.implied_operations()) {
                let (paths, rest) = out.0.entry(operation).or_default();
                match rule.object() {
                    RuleObject::Path(pattern) => paths.insert(pattern.pieces(), rule.object()),
                    other => rest.push(other),
                }
            }
        }
        out
    }

    /// True if a pattern covers an exact rule.
    fn covers(&self, rule: &Rule) -> bool {
        let Some(object) = rule.object().as_exact() else {
            return false;
        };
        let covers = |pattern: &&&RuleObject| pattern.covers(object, &ANY_HOST);
        self.0.get(&rule.operation()).is_some_and(|(paths, rest)| {
            let path = match object {
                Object::Path(path) | Object::Deleted(path) | Object::Foreign(path) => {
                    Some(path.as_bytes())
                }
                Object::Memfd(name) => Some(&**name),
                _ => None,
            };
            path.is_some_and(|path| paths.candidates(path).any(|one| covers(&one)))
                || rest.iter().any(|one| covers(&one))
        })
    }
}
