// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The input of the checks, and their output: a hit is one reason for a finding.

use std::collections::{BTreeMap, BTreeSet};

use ambit_abi::Op;
use ambit_event::{Object, Operation, Path, Subject};

use super::kind::{FindingKind, Severity};
use super::seen::Seen;
use super::tables::{Use, places};
use crate::compile::digests_by_object;
use crate::map::Entry;
use crate::{Map, Rule, RuleObject, Sensitive};

/// One line of a subject, or of the whole map.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Cause<'m> {
    pub(super) subject: Option<&'m Subject>,
    pub(super) line: CauseLine<'m>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum CauseLine<'m> {
    Rule(&'m Rule),
    /// A program that the launcher may start.
    Start(&'m RuleObject),
    /// A key with its value.
    Key(String),
}

/// One reason for a finding.
#[derive(Clone, Debug)]
pub(super) struct Hit<'m> {
    pub(super) kind: FindingKind,
    pub(super) severity: Severity,
    pub(super) text: String,
    pub(super) causes: Vec<Cause<'m>>,
}

/// The input of the checks.
pub(super) struct Context<'m> {
    pub(super) map: &'m Map,
    pub(super) sensitive: &'m Sensitive,
    pub(super) seen: &'m Seen<'m>,
    digests: BTreeMap<Object, BTreeSet<[u8; 32]>>,
}

impl<'m> Context<'m> {
    pub(super) fn new(map: &'m Map, sensitive: &'m Sensitive, seen: &'m Seen<'m>) -> Self {
        Self {
            map,
            sensitive,
            seen,
            digests: digests_by_object(map),
        }
    }

    /// True if the map's coverage includes the operation.
    pub(super) fn decides(&self, op: Op) -> bool {
        self.map.decided(Operation::plain(op)).is_some()
    }

    /// True if only files with a listed digest are executed under this path.
    pub(super) fn is_bound(&self, object: &Object) -> bool {
        self.digests
            .get(object)
            .is_some_and(|digests| !digests.is_empty())
    }
}

/// A subject whose rules are checked, and the hits so far.
pub(super) struct Checked<'c, 'm> {
    pub(super) context: &'c Context<'m>,
    pub(super) subject: &'m Subject,
    pub(super) entry: &'m Entry,
    pub(super) hits: Vec<Hit<'m>>,
}

impl<'m> Checked<'_, 'm> {
    pub(super) fn hit(
        &mut self,
        kind: FindingKind,
        severity: Severity,
        text: impl Into<String>,
        rule: &'m Rule,
    ) {
        let causes = vec![self.cause(rule)];
        self.push(kind, severity, text, causes);
    }

    pub(super) fn push(
        &mut self,
        kind: FindingKind,
        severity: Severity,
        text: impl Into<String>,
        causes: Vec<Cause<'m>>,
    ) {
        self.hits.push(Hit {
            kind,
            severity,
            text: text.into(),
            causes,
        });
    }

    pub(super) fn cause(&self, rule: &'m Rule) -> Cause<'m> {
        Cause {
            subject: Some(self.subject),
            line: CauseLine::Rule(rule),
        }
    }

    /// Returns the subject's rules that have an effect at the map's coverage.
    pub(super) fn rules(&self) -> impl Iterator<Item = &'m Rule> + use<'m> {
        let map = self.context.map;
        self.entry
            .allow
            .iter()
            .filter(move |rule| map.decided(rule.operation()).is_some())
    }

    /// True if a line lets it use one of these capabilities, and its credentials may have it.
    pub(super) fn may_use(&self, capabilities: &[u32]) -> bool {
        self.entry.allow.iter().any(|rule| {
            let operation = rule.operation();
            operation.op == Op::CapUse
                && capabilities.contains(&operation.arg)
                && self.may_have(operation.arg)
        })
    }

    /// True if its credentials may contain a capability. Without a list, or in a user namespace that it makes, they may.
    pub(super) fn may_have(&self, capability: u32) -> bool {
        self.entry.creds.is_empty()
            || self
                .entry
                .creds
                .iter()
                .any(|creds| creds.caps >> capability & 1 == 1)
            || self.may_do(|op| op == Op::NsUser, |_| true)
    }

    /// True if a rule permits such an operation, or the map's coverage does not include one of them.
    pub(super) fn may_do(&self, op: impl Fn(Op) -> bool, which: impl Fn(&Rule) -> bool) -> bool {
        let unchecked = Op::ALL
            .iter()
            .any(|one| op(*one) && !self.context.decides(*one));
        unchecked
            || self
                .rules()
                .any(|rule| op(rule.operation().op) && which(rule))
    }
}

/// True if all files of a rule's object lie in places of this use.
pub(super) fn lies_in(usage: Use, object: &RuleObject) -> bool {
    match object {
        RuleObject::Exact(_) => places(usage, object).next().is_some(),
        RuleObject::Path(pattern) => {
            // Any name in the pattern's directory stands for the names that it covers.
            let probe = [pattern.directory(), b"/a"].concat();
            Path::new(probe).is_ok_and(|path| {
                let probe = RuleObject::Exact(Object::Path(path));
                places(usage, &probe).next().is_some()
            })
        }
        RuleObject::Inet(_) => false,
    }
}
