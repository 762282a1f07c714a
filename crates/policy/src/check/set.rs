// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Faults that rules have beside each other.

use std::collections::HashMap;

use ambit_event::edit_distance;

use super::fields::operation_in;
use super::possible::Possible;
use super::relate::clash;
use super::simplify::{not, or};
use crate::condition::Condition;
use crate::rule::{Actions, Rule};

/// A fault of a rule of a set. Other rules are named by their index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The other rule has the same id.
    Duplicate(usize),
    /// The other rule has the same condition, and one allows what the other refuses.
    Contradicts(usize),
    /// The other rule refuses all that this one allows.
    Refused(usize),
    /// Others together refuse all that this one allows.
    AllRefused,
    /// The other rule allows all that this one is about, which taints or untaints.
    Allowed(usize),
    /// A source of trust that no rule sets.
    Source {
        /// The source as written.
        source: String,
        /// The most similar source that a rule sets.
        nearest: Option<String>,
        /// The rule of this id, which does not taint.
        untainting: Option<usize>,
    },
}

impl Fault {
    /// True if the fault may vanish when rules are added: one that taints, or one that refuses the allowed operation.
    pub(crate) const fn may_be_explained(&self) -> bool {
        matches!(self, Self::Allowed(_) | Self::Source { .. })
    }
}

/// Returns all faults, in the order of the rules.
pub(crate) fn faults(rules: &[Rule]) -> Vec<(usize, Fault)> {
    let mut faults = Vec::new();
    let mut possible = Possible::new(&[]);
    let mut ids: HashMap<&str, usize> = HashMap::new();
    let refusing: Vec<Refusing<'_>> = rules
        .iter()
        .enumerate()
        .filter(|(_, rule)| refuses(rule))
        .map(|(index, rule)| {
            let spares = not(rule.when.clone());
            Refusing {
                index,
                rule,
                leaves: or([not(operation_in(&rule.on)), spares.clone()]),
                spares,
            }
        })
        .collect();
    for (index, rule) in rules.iter().enumerate() {
        if let Some(other) = ids.get(rule.id.as_str()) {
            faults.push((index, Fault::Duplicate(*other)));
        } else {
            ids.insert(&rule.id, index);
        }
        if rule.actions.has(Actions::ALLOW) {
            faults.extend(in_vain(rule, &refusing, &mut possible).map(|fault| (index, fault)));
        } else if rule.actions.has(Actions::TAINT) || rule.actions.has(Actions::UNTAINT) {
            faults
                .extend(allowed(rule, rules, &refusing, &mut possible).map(|fault| (index, fault)));
        }
        let mut sources = Vec::new();
        sources_of(&rule.when, &mut sources);
        sources.sort_unstable();
        sources.dedup();
        faults.extend(
            sources
                .into_iter()
                .filter_map(|source| Some((index, unset(source, rules)?))),
        );
    }
    faults
}

fn refuses(rule: &Rule) -> bool {
    rule.actions.has(Actions::DENY) || rule.actions.has(Actions::KILL)
}

/// A rule that refuses, with its negated conditions.
struct Refusing<'a> {
    index: usize,
    rule: &'a Rule,
    /// True if the condition does not match.
    spares: Condition,
    /// True if the rule does not match: another operation, or the condition is false.
    leaves: Condition,
}

/// Returns why a rule that allows has no effect.
fn in_vain(rule: &Rule, refusing: &[Refusing<'_>], possible: &mut Possible) -> Option<Fault> {
    let same = refusing.iter().find(|other| {
        other.rule.when == rule.when && rule.on.iter().any(|op| other.rule.on.contains(op))
    });
    if let Some(other) = same {
        return Some(Fault::Contradicts(other.index));
    }
    // A rule that taints as well has an effect even if the operation is refused.
    if rule.actions.has(Actions::TAINT) || rule.actions.has(Actions::UNTAINT) {
        return None;
    }
    let beside: Vec<&Refusing<'_>> = refusing
        .iter()
        .filter(|other| beside(rule, other.rule))
        .collect();
    let whole = |other: &&&Refusing<'_>| rule.on.iter().all(|op| other.rule.on.contains(op));
    let mut wider = beside.iter().filter(whole);
    if let Some(other) = wider.find(|other| clash(&rule.when, &other.spares)) {
        return Some(Fault::Refused(other.index));
    }
    if beside.is_empty() {
        return None;
    }
    // The part of it that none of them refuses.
    let mut all: Vec<&Condition> = beside.iter().map(|other| &other.leaves).collect();
    all.push(&rule.when);
    possible.again(&rule.on);
    if !possible.never_all(&all) {
        return None;
    }
    let one = beside
        .iter()
        .filter(whole)
        .find(|other| possible.never_all(&[&rule.when, &other.spares]));
    Some(one.map_or(Fault::AllRefused, |other| Fault::Refused(other.index)))
}

/// True if an event may match both rules.
fn beside(rule: &Rule, other: &Rule) -> bool {
    rule.on.iter().any(|op| other.on.contains(op)) && !clash(&rule.when, &other.when)
}

/// Returns why a rule never taints or untaints: a rule without `allow` does neither if another rule allows and none
/// refuses.
fn allowed(
    rule: &Rule,
    rules: &[Rule],
    refusing: &[Refusing<'_>],
    possible: &mut Possible,
) -> Option<Fault> {
    if refuses(rule) || refusing.iter().any(|other| beside(rule, other.rule)) {
        return None;
    }
    possible.again(&rule.on);
    let covers = |other: &Rule| {
        other.actions.has(Actions::ALLOW)
            && rule.on.iter().all(|op| other.on.contains(op))
            && possible.never_all(&[&rule.when, &not(other.when.clone())])
    };
    rules.iter().position(covers).map(Fault::Allowed)
}

/// Collects the trust sources that a condition tests.
fn sources_of<'a>(condition: &'a Condition, sources: &mut Vec<&'a str>) {
    match condition {
        Condition::Not(inner) => sources_of(inner, sources),
        Condition::And(items) | Condition::Or(items) => {
            for item in items {
                sources_of(item, sources);
            }
        }
        Condition::Trust(Some(source)) | Condition::Cause(source) => sources.push(source),
        _ => {}
    }
}

/// Returns the fault of a trust source that names a rule.
fn unset(source: &str, rules: &[Rule]) -> Option<Fault> {
    let id = source.strip_prefix("rule:")?;
    let taints = |rule: &&Rule| rule.actions.has(Actions::TAINT);
    let named = rules.iter().enumerate().filter(|(_, rule)| rule.id == id);
    if named.clone().any(|(_, rule)| taints(&rule)) {
        return None;
    }
    let untainting = named.map(|(index, _)| index).next();
    let limit = id.len() / 3 + 1;
    let nearest = rules
        .iter()
        .filter(taints)
        .map(|rule| (edit_distance(id.as_bytes(), rule.id.as_bytes()), &rule.id))
        .filter(|(distance, _)| *distance <= limit)
        .min()
        .map(|(_, id)| format!("rule:{id}"));
    Some(Fault::Source {
        source: source.to_owned(),
        nearest,
        untainting,
    })
}
