// SPDX-License-Identifier: Apache-2.0 OR MIT
//! From events to a map: what was seen, in order, and at the end freed from what varies by nature.

mod naturalise;
mod random;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};
use std::ops::RangeInclusive;

use ambit_abi::{EventKind, Fp, Op};
use ambit_event::{
    Content, Creds, Event, Object, Operation, RawEvent, RecordError, Registry, Secret, Subject,
};

use crate::{Map, Rule, RuleObject};

/// Keys are keyed fingerprints already: one of their words is as good a hash as any.
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

type Keys = HashSet<Fp, BuildHasherDefault<KeyHasher>>;

/// A point that was seen, with what tells how it came about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// When it was first seen: nanoseconds of `CLOCK_BOOTTIME`.
    pub time_ns: u64,
    /// Who.
    pub subject: Fp,
    /// What was done.
    pub operation: Operation,
    /// To what.
    pub object: Object,
    /// Mode bits, where the operation has them.
    pub extra: u32,
    /// The process, as it sees itself.
    pub ns_tgid: u32,
}

/// What was outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The event.
    pub event: Event,
    /// Who, where that is known.
    pub subject: Option<Subject>,
}

/// What went through a learner.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Counts {
    /// Records.
    pub events: u64,
    /// Points, each once.
    pub points: u64,
    /// Points seen before.
    pub repeated: u64,
    /// Violations.
    pub violations: u64,
    /// Points of tasks with a trust bit: not learned.
    pub untrusted: u64,
    /// Objects without a canonical form: not learned.
    pub unrepresentable: u64,
}

/// Learns a map. Feed it the records of one domain, in order.
#[derive(Debug)]
pub struct Learner {
    registry: Registry,
    keys: Keys,
    points: Vec<Seen>,
    violations: Vec<Event>,
    counts: Counts,
}

/// A first occurrence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Nanoseconds of `CLOCK_BOOTTIME`.
    pub time_ns: u64,
    /// Who; `None` where the subject was never described, or the point holds for the domain.
    pub subject: Option<Subject>,
    /// What was done.
    pub operation: Operation,
    /// To what, exactly.
    pub object: Object,
}

/// What was learned.
#[derive(Clone, Debug)]
pub struct Learned {
    /// The map.
    pub map: Map,
    /// First occurrences in order.
    pub trajectory: Vec<Step>,
    /// What was outside, in order.
    pub violations: Vec<Violation>,
    /// Points whose subject was never described: the map is incomplete.
    pub unresolved: u64,
    /// What went through.
    pub counts: Counts,
}

impl Learner {
    /// A learner that has seen nothing.
    pub fn new(secret: Secret) -> Self {
        Self {
            registry: Registry::new(secret),
            keys: Keys::default(),
            points: Vec::new(),
            violations: Vec::new(),
            counts: Counts::default(),
        }
    }

    /// Knows a map's names and subjects, which the kernel part may not describe again.
    pub fn preload(&mut self, map: &Map) {
        for subject in map.subjects.keys() {
            self.registry.add_subject(subject);
        }
    }

    /// Takes in a record of the ring. A point that was seen before costs a look-up and nothing else.
    #[inline]
    pub fn feed_raw(&mut self, record: &[u8]) -> Result<(), RecordError> {
        let raw = RawEvent::parse(record)?;
        if raw.header.kind == EventKind::Point as u8
            && raw.header.trust == 0
            && self.keys.contains(&raw.header.key)
        {
            self.counts.events += 1;
            self.counts.repeated += 1;
            return Ok(());
        }
        let event = raw.to_owned()?;
        self.feed(event);
        Ok(())
    }

    /// Takes in an event.
    pub fn feed(&mut self, event: Event) {
        self.counts.events += 1;
        self.registry.apply(&event);
        match event.kind {
            EventKind::Point if event.trust != 0 => self.counts.untrusted += 1,
            EventKind::Point => self.point(event),
            EventKind::Violation => {
                self.counts.violations += 1;
                self.violations.push(event);
            }
            EventKind::Unrepresentable => self.counts.unrepresentable += 1,
            _ => {}
        }
    }

    fn point(&mut self, event: Event) {
        let Content::Object(object) = event.content else {
            self.counts.unrepresentable += 1;
            return;
        };
        if !self.keys.insert(event.key) {
            self.counts.repeated += 1;
            return;
        }
        self.counts.points += 1;
        self.points.push(Seen {
            time_ns: event.time_ns,
            subject: event.subject,
            operation: event.operation,
            object,
            extra: event.extra,
            ns_tgid: event.ns_tgid,
        });
    }

    /// What fingerprints stand for, as far as it was told.
    pub const fn registry(&self) -> &Registry {
        &self.registry
    }

    /// What went through so far.
    pub const fn counts(&self) -> Counts {
        self.counts
    }

    /// The points so far, in order of their first occurrence.
    pub fn points(&self) -> &[Seen] {
        &self.points
    }

    /// What was learned, added to `base`, which also says the domain's name, its chain and its responses.
    pub fn finish(&self, base: &Map) -> Learned {
        let mut subjects: HashMap<Fp, Option<Subject>> = HashMap::new();
        let mut resolve = |fp: Fp| {
            subjects
                .entry(fp)
                .or_insert_with(|| self.registry.subject(fp))
                .clone()
        };
        let mut collected = Collected::default();
        let mut trajectory = Vec::with_capacity(self.points.len());
        let mut unresolved = 0;
        for seen in &self.points {
            let subject = resolve(seen.subject);
            if !collected.add(subject.as_ref(), seen) {
                unresolved += 1;
            }
            trajectory.push(Step {
                time_ns: seen.time_ns,
                subject,
                operation: seen.operation,
                object: seen.object.clone(),
            });
        }
        let naturaliser = naturalise::Naturaliser::new(&self.points);
        let violations = self
            .violations
            .iter()
            .map(|event| Violation {
                event: event.clone(),
                subject: resolve(event.subject),
            })
            .collect();
        Learned {
            map: collected.into_map(base, &naturaliser),
            trajectory,
            violations,
            unresolved,
            counts: self.counts,
        }
    }
}

/// What was seen, by subject.
#[derive(Default)]
struct Collected {
    start: Vec<RuleObject>,
    subjects: BTreeMap<Subject, Lines>,
    digests: Vec<(Object, [u8; 32])>,
}

#[derive(Default)]
struct Lines {
    creds: Vec<Creds>,
    rules: Vec<(Operation, Object)>,
}

impl Collected {
    /// Takes in a point; false where nobody knows whose it is.
    fn add(&mut self, subject: Option<&Subject>, seen: &Seen) -> bool {
        if let (Op::ExecDigest, Object::Digest { sha256, of }) = (seen.operation.op, &seen.object) {
            self.digests.push(((**of).clone(), *sha256));
            return true;
        }
        let Some(subject) = subject else { return false };
        if subject.is_launcher() {
            // Before its exec the launcher is Ambit's own code: only what it starts is behaviour.
            if seen.operation.op == Op::Exec {
                self.start
                    .push(RuleObject::from_object(seen.object.clone()));
            }
            return true;
        }
        let lines = self.subjects.entry(subject.clone()).or_default();
        match (seen.operation.op, &seen.object) {
            (Op::ExecCreds, Object::Creds(creds)) => lines.creds.push(*creds),
            (Op::ExecCreds | Op::ExecDigest, _) => {}
            _ => lines.rules.push((seen.operation, seen.object.clone())),
        }
        true
    }

    fn into_map(self, base: &Map, naturaliser: &naturalise::Naturaliser) -> Map {
        let mut map = base.clone();
        let known: HashSet<&Subject> = base.subjects.keys().collect();
        map.start.extend(self.start);
        for (subject, lines) in self.subjects {
            let new = !known.contains(&subject);
            let entry = map.subject_mut(&subject);
            // Credentials and digests that a map leaves open stay open.
            if new || !entry.creds.is_empty() {
                entry.creds.extend(lines.creds);
            }
            for (object, sha256) in &self.digests {
                if subject.exe.as_ref() == Some(object) && (new || !entry.digests.is_empty()) {
                    entry.digests.insert(*sha256);
                }
                if subject.script.as_ref() == Some(object)
                    && (new || !entry.script_digests.is_empty())
                {
                    entry.script_digests.insert(*sha256);
                }
            }
            let rules = lines.rules.into_iter().map(|(operation, object)| {
                let object = naturaliser.object(object);
                Rule::new(operation, object)
            });
            add_rules(&mut entry.allow, rules.collect());
        }
        map.normalise();
        map
    }
}

/// Adds rules that no pattern covers already, and drops exact ones that a new pattern covers.
fn add_rules(allow: &mut std::collections::BTreeSet<Rule>, rules: Vec<Rule>) {
    let (patterns, exact): (Vec<Rule>, Vec<Rule>) = rules
        .into_iter()
        .partition(|rule| rule.object().as_exact().is_none());
    let new: HashMap<Operation, Vec<&RuleObject>> = by_operation(&patterns);
    allow.retain(|rule| !covered(&new, rule));
    let old: Vec<Rule> = allow
        .iter()
        .filter(|rule| rule.object().as_exact().is_none())
        .cloned()
        .collect();
    let old = by_operation(&old);
    let fresh: Vec<Rule> = exact
        .into_iter()
        .filter(|rule| !covered(&new, rule) && !covered(&old, rule))
        .collect();
    allow.extend(fresh);
    allow.extend(patterns.iter().cloned());
}

fn by_operation(rules: &[Rule]) -> HashMap<Operation, Vec<&RuleObject>> {
    let mut out: HashMap<Operation, Vec<&RuleObject>> = HashMap::new();
    for rule in rules {
        for operation in std::iter::once(rule.operation()).chain(rule.implied_operations()) {
            let objects = out.entry(operation).or_default();
            if !objects.contains(&rule.object()) {
                objects.push(rule.object());
            }
        }
    }
    out
}

/// Whether a pattern covers an exact rule.
fn covered(patterns: &HashMap<Operation, Vec<&RuleObject>>, rule: &Rule) -> bool {
    /// A range of ports holds the ephemeral ones of any host only if it holds all there are.
    const ANY_HOST: RangeInclusive<u16> = 0..=u16::MAX;
    let Some(object) = rule.object().as_exact() else {
        return false;
    };
    patterns.get(&rule.operation()).is_some_and(|patterns| {
        patterns
            .iter()
            .any(|pattern| pattern.covers(object, &ANY_HOST))
    })
}
