// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Evaluates a map in user space with the result of the kernel part: for explanations, replay and tests.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::RangeInclusive;

use ambit_abi::Op;
use ambit_event::{Content, Object, Operation, Subject, text};

use crate::compile::digests_by_object;
use crate::map::Entry;
use crate::{Map, Rule, RuleObject};

/// Range of ephemeral ports to use if the host is unknown. A port range then covers ephemeral ports only if it covers
/// all ports.
pub const ANY_HOST: RangeInclusive<u16> = 0..=u16::MAX;

/// A map with its rules indexed for evaluation.
#[derive(Debug)]
pub struct Matcher<'m> {
    map: &'m Map,
    ephemeral: RangeInclusive<u16>,
    start: Allowed,
    subjects: HashMap<&'m Subject, (Cow<'m, Entry>, Allowed)>,
    digests: BTreeMap<Object, BTreeSet<[u8; 32]>>,
}

/// The rules of a subject, indexed by each operation that they allow or imply.
#[derive(Debug, Default)]
struct Allowed {
    exact: HashMap<(Operation, Object), Rule>,
    patterns: HashMap<Operation, Vec<Rule>>,
}

impl Allowed {
    fn new(rules: impl Iterator<Item = Rule>) -> Self {
        let mut out = Self::default();
        for rule in rules {
            for operation in std::iter::once(rule.operation()).chain(rule.implied_operations()) {
                match rule.object() {
                    RuleObject::Exact(object) => {
                        out.exact
                            .entry((operation, object.clone()))
                            .or_insert_with(|| rule.clone());
                    }
                    _ => out
                        .patterns
                        .entry(operation)
                        .or_default()
                        .push(rule.clone()),
                }
            }
        }
        out
    }

    fn all<'a>(
        &'a self,
        operation: Operation,
        object: &Object,
        ephemeral: &RangeInclusive<u16>,
    ) -> Vec<&'a Rule> {
        let exact = self.exact.get(&(operation, object.clone()));
        let patterns = self.patterns.get(&operation).into_iter().flatten();
        exact
            .into_iter()
            .chain(patterns.filter(|rule| rule.object().covers(object, ephemeral)))
            .collect()
    }

    fn rule(
        &self,
        operation: Operation,
        object: &Object,
        ephemeral: &RangeInclusive<u16>,
    ) -> Option<&Rule> {
        self.exact.get(&(operation, object.clone())).or_else(|| {
            let patterns = self.patterns.get(&operation)?;
            patterns
                .iter()
                .find(|rule| rule.object().covers(object, ephemeral))
        })
    }
}

impl RuleObject {
    /// True if the rule's object is this object or a pattern that covers it.
    pub fn covers(&self, object: &Object, ephemeral: &RangeInclusive<u16>) -> bool {
        match (self, object) {
            (Self::Exact(exact), object) => exact == object,
            (Self::Path(pattern), object) => pattern.matches(object),
            (Self::Inet(pattern), Object::Inet(inet)) => pattern.matches(inet, ephemeral),
            (Self::Inet(_), _) => false,
        }
    }
}

impl<'m> Matcher<'m> {
    /// Indexes a map for a host with this range of ephemeral ports.
    pub fn new(map: &'m Map, ephemeral: RangeInclusive<u16>) -> Self {
        let subjects = map
            .subjects
            .iter()
            .map(|(subject, entry)| {
                let rights = map.rights(subject, entry);
                let allowed = Allowed::new(rights.allow.iter().cloned());
                (subject, (rights, allowed))
            })
            .collect();
        let start = Allowed::new(map.launcher_rules());
        Self {
            map,
            ephemeral,
            start,
            subjects,
            digests: digests_by_object(map),
        }
    }

    /// Returns the map.
    pub const fn map(&self) -> &'m Map {
        self.map
    }

    /// Returns the first rule that allows a point. Digests and credentials are not rules: for them the result is
    /// `None`.
    pub fn rule(&self, subject: &Subject, operation: Operation, object: &Object) -> Option<&Rule> {
        if subject.is_launcher() {
            return self.start.rule(operation, object, &self.ephemeral);
        }
        let (_, allowed) = self.subjects.get(subject)?;
        allowed.rule(operation, object, &self.ephemeral)
    }

    /// Returns the line of the map that allows a point: a rule, a digest or credentials.
    pub fn line(&self, subject: &Subject, operation: Operation, object: &Object) -> Option<String> {
        let any = |what: &str| format!("{what}: any");
        match (operation.op, object) {
            (Op::ExecDigest, Object::Digest { sha256, of }) => {
                let Some(digests) = self.digests.get(of).filter(|digests| !digests.is_empty())
                else {
                    return Some(any("digest"));
                };
                let mut line = String::from("digest: ");
                text::write_digest(&mut line, sha256);
                digests.contains(sha256).then_some(line)
            }
            (Op::ExecCreds, Object::Creds(creds)) => {
                let (entry, _) = self.subjects.get(subject)?;
                if entry.creds.is_empty() {
                    return Some(any("creds"));
                }
                entry
                    .creds
                    .contains(creds)
                    .then(|| format!("creds: {creds}"))
            }
            _ => self
                .rule(subject, operation, object)
                .map(ToString::to_string),
        }
    }

    /// Returns all rules that allow a point.
    pub fn rules(
        &self,
        subject: &Subject,
        operation: Operation,
        object: &Object,
    ) -> impl Iterator<Item = &Rule> {
        let allowed = if subject.is_launcher() {
            Some(&self.start)
        } else {
            self.subjects.get(subject).map(|(_, allowed)| allowed)
        };
        allowed
            .into_iter()
            .flat_map(move |allowed| allowed.all(operation, object, &self.ephemeral))
    }

    /// True if the kernel part would allow the operation. Operations outside the map's coverage are allowed. Objects
    /// without a canonical form and operations of undescribed subjects are refused; digests are checked without a
    /// subject.
    pub fn would_allow(
        &self,
        subject: Option<&Subject>,
        operation: Operation,
        content: &Content,
    ) -> bool {
        let Some(operation) = self.map.decided(operation) else {
            return true;
        };
        let Content::Object(object) = content else {
            return false;
        };
        match subject {
            Some(subject) => self.allows(subject, operation, object),
            None if operation.op == Op::ExecDigest => {
                self.allows(&Subject::LAUNCHER, operation, object)
            }
            None => false,
        }
    }

    /// True if the map allows a point, without regard to its coverage.
    pub fn allows(&self, subject: &Subject, operation: Operation, object: &Object) -> bool {
        match operation.op {
            Op::ExecDigest | Op::ExecCreds => self.line(subject, operation, object).is_some(),
            _ => self.rule(subject, operation, object).is_some(),
        }
    }
}
