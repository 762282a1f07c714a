// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Reads one rule of a file.

use std::collections::BTreeSet;

use ambit_abi::Family;
use ambit_event::{Op, nearest};
use ambit_source::yaml::{Node, Value};
use ambit_source::{Excerpt, Place};

use super::error::RuleErrorKind;
use super::node::{Errors, items, keys, line};
use crate::cel;
use crate::check::possible::Possible;
use crate::check::{self, ConditionErrorKind, Lints, simplify};
use crate::condition::{Condition, Number, NumberTest, Text, TextTest};
use crate::field::{can_match, is_domain, is_id};
use crate::rule::{Actions, Mark, Marks, Rule, Severity};

const KEYS: [&str; 11] = [
    "id",
    "title",
    "severity",
    "attack",
    "references",
    "on",
    "for",
    "when",
    "do",
    "for-seconds",
    "examples",
];

/// Reads a rule and collects its errors; `None` if no rule can be made of it. Where lints are accepted, its examples are
/// left out.
pub(super) fn read(
    file: &str,
    node: &Node<'_>,
    lints: Lints,
    errors: &mut Errors<'_>,
) -> Option<Rule> {
    let found = keys(node, &KEYS, "a rule's keys", errors)?;
    for key in ["id", "on", "do"] {
        if !found.contains_key(key) {
            errors.add(node.place, RuleErrorKind::MissingKey(key));
        }
    }
    let id = found.get("id").and_then(|node| {
        let id = node.scalar().filter(|id| is_id(id));
        if id.is_none() {
            errors.add(node.place, RuleErrorKind::Id);
        }
        id
    });
    let title = found.get("title").and_then(|node| line(node, errors));
    let severity = found
        .get("severity")
        .and_then(|node| word(node, &Severity::WORDS, "severity", errors));
    let techniques = found
        .get("attack")
        .map_or_else(Vec::new, |node| techniques(node, errors));
    let references = found.get("references").map_or_else(Vec::new, |node| {
        items(node, "a reference, or a list of them", errors)
            .iter()
            .filter_map(|item| line(item, errors))
            .collect()
    });
    let on = found.get("on").and_then(|node| operations(node, errors));
    let actions = found.get("do").and_then(|node| actions(node, errors));
    let taint_seconds = found
        .get("for-seconds")
        .and_then(|node| seconds(node, actions, errors));
    let scope = found
        .get("for")
        .map_or(Some(Condition::Const(true)), |node| scope(node, errors));
    // Which fields a condition or an example may use depends on the operations.
    let Some(on) = on else {
        if let Some(node) = found.get("when") {
            condition_syntax(node, errors);
        }
        return None;
    };
    let mut sources = Vec::new();
    let condition = match found.get("when") {
        Some(node) => condition(node, &on, lints, &mut sources, errors),
        None => Some((String::new(), Condition::Const(true))),
    };
    let condition = condition.zip(scope).and_then(|((text, when), scope)| {
        let node = found.get("for").filter(|_| lints == Lints::Refuse).copied();
        Some((text, within_scope(scope, when, &on, node, errors)?))
    });
    let examples = found
        .get("examples")
        .filter(|_| lints == Lints::Refuse)
        .map_or_else(Vec::new, |node| super::example::read(node, &on, errors));
    let (text, when) = condition?;
    Some(Rule {
        id: id?.to_owned(),
        title: title.unwrap_or_default(),
        severity: severity.unwrap_or_default(),
        techniques,
        references,
        on,
        when,
        actions: actions?,
        taint_seconds,
        examples,
        line: node.place.line,
        file: file.to_owned(),
        text,
        marks: Marks {
            id: mark(found.get("id")?.place),
            actions: mark(found.get("do")?.place),
            sources,
        },
    })
}

/// Returns a mark without its excerpt, which is filled in once the whole file was read.
fn mark(place: Place) -> Mark {
    Mark {
        line: place.line,
        column: place.column + 1,
        width: place.width,
        excerpt: Excerpt::default(),
    }
}

fn word<T: Copy>(
    node: &Node<'_>,
    known: &[(&'static str, T)],
    what: &'static str,
    errors: &mut Errors<'_>,
) -> Option<T> {
    let text = node.scalar().unwrap_or_default();
    let found = known.iter().find(|(name, _)| *name == text);
    if found.is_none() {
        let nearest = nearest(text, known.iter().map(|(name, _)| *name));
        errors.add(node.place, RuleErrorKind::Word { what, nearest });
    }
    found.map(|(_, value)| *value)
}

fn techniques(node: &Node<'_>, errors: &mut Errors<'_>) -> Vec<String> {
    let digits = |text: &str, count: usize| {
        text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit())
    };
    let is_technique = |text: &&str| {
        text.strip_prefix('T')
            .is_some_and(|rest| match rest.split_once('.') {
                Some((technique, part)) => digits(technique, 4) && digits(part, 3),
                None => digits(rest, 4),
            })
    };
    let mut found = Vec::new();
    for item in items(node, "a technique, or a list of them", errors) {
        match item.scalar().filter(is_technique) {
            Some(text) => found.push(text.to_owned()),
            None => errors.add(item.place, RuleErrorKind::Technique),
        }
    }
    found
}

/// Returns the operations that are named, one by one or by family.
pub(super) fn operations(node: &Node<'_>, errors: &mut Errors<'_>) -> Option<Vec<Op>> {
    let mut found = BTreeSet::new();
    let mut whole = true;
    for item in items(
        node,
        "an operation such as `exec`, or a list of them",
        errors,
    ) {
        let text = item.scalar().unwrap_or_default();
        if let Some(family) = text.strip_suffix(".*").and_then(Family::from_name) {
            let of_family = |op: &Op| op.family() == Some(family) && can_match(*op);
            found.extend(Op::ALL.iter().copied().filter(of_family));
            continue;
        }
        match Op::from_name(text).filter(|op| op.family().is_some()) {
            Some(op) if can_match(op) => {
                found.insert(op);
                continue;
            }
            Some(op) => errors.add(item.place, RuleErrorKind::NotAsked(op)),
            None => {
                let known = Op::ALL.iter().filter(|op| can_match(**op));
                let kind = RuleErrorKind::Word {
                    what: "operation",
                    nearest: nearest(text, known.map(|op| op.name())),
                };
                errors.add(item.place, kind);
            }
        }
        whole = false;
    }
    (whole && !found.is_empty()).then(|| found.into_iter().collect())
}

fn actions(node: &Node<'_>, errors: &mut Errors<'_>) -> Option<Actions> {
    let mut found = Actions::default();
    let mut whole = true;
    for item in items(node, "an action such as `deny`, or a list of them", errors) {
        match word(item, &Actions::WORDS, "action", errors) {
            Some(action) => found = found.with(action),
            None => whole = false,
        }
    }
    let refuses = found.has(Actions::DENY) || found.has(Actions::KILL);
    if refuses && found.has(Actions::ALLOW) {
        errors.add(node.place, RuleErrorKind::AllowAndRefuse);
    }
    (whole && found != Actions::default()).then_some(found)
}

fn seconds(node: &Node<'_>, actions: Option<Actions>, errors: &mut Errors<'_>) -> Option<u32> {
    let digits = |text: &&str| text.bytes().all(|byte| byte.is_ascii_digit());
    let seconds = node
        .scalar()
        .filter(digits)
        .and_then(|text| text.parse().ok())
        .filter(|seconds| *seconds > 0);
    if seconds.is_none() {
        errors.add(node.place, RuleErrorKind::Seconds);
    } else if actions.is_some_and(|actions| !actions.has(Actions::TAINT)) {
        errors.add(node.place, RuleErrorKind::SecondsAlone);
    }
    seconds
}

/// Returns the condition for the tasks that a rule is for.
fn scope(node: &Node<'_>, errors: &mut Errors<'_>) -> Option<Condition> {
    match node.scalar() {
        Some("host") => return Some(Condition::Const(true)),
        Some("domains") => {
            let one = NumberTest::In(BTreeSet::from([1]));
            return Some(Condition::Number(Number::Labelled, one));
        }
        _ => {}
    }
    let mut domains = BTreeSet::new();
    let mut whole = true;
    for item in items(node, "a domain's name, or a list of them", errors) {
        let name = item
            .scalar()
            .filter(|name| is_domain(name.as_bytes()) && !matches!(*name, "host" | "domains"));
        if let Some(name) = name {
            domains.insert(name.as_bytes().to_vec());
        } else {
            errors.add(item.place, RuleErrorKind::Scope);
            whole = false;
        }
    }
    (whole && !domains.is_empty()).then_some(Condition::Text(Text::Domain, TextTest::In(domains)))
}

/// Returns a condition's text and its checked form.
fn condition(
    node: &Node<'_>,
    on: &[Op],
    lints: Lints,
    sources: &mut Vec<(String, Mark)>,
    errors: &mut Errors<'_>,
) -> Option<(String, Condition)> {
    let Value::Scalar(text, _) = &node.value else {
        errors.add(node.place, RuleErrorKind::Expected("a condition"));
        return None;
    };
    match check::condition_with(text, on, lints) {
        Ok(condition) => {
            for (source, span) in check::rules_asked(text) {
                sources.push((source, mark(errors.place(node, &span))));
            }
            Some((text.trim().to_owned(), condition))
        }
        Err(found) => {
            for error in found {
                errors.add_within(node, &error.span, RuleErrorKind::Condition(error.kind));
            }
            None
        }
    }
}

/// Checks no more of a condition than that it can be parsed.
fn condition_syntax(node: &Node<'_>, errors: &mut Errors<'_>) {
    if let Some(error) = node.scalar().and_then(|text| cel::parse(text).err()) {
        let kind = ConditionErrorKind::Syntax(error.kind);
        errors.add_within(node, &error.span, RuleErrorKind::Condition(kind));
    }
}

/// Joins the scope with the condition, and adds an error at the node if both together never match.
fn within_scope(
    scope: Condition,
    when: Condition,
    on: &[Op],
    node: Option<&Node<'_>>,
    errors: &mut Errors<'_>,
) -> Option<Condition> {
    if let Some(node) = node
        && Possible::new(on).never_all(&[&scope, &when])
    {
        errors.add(node.place, RuleErrorKind::NeverInScope);
        return None;
    }
    Some(simplify::and([scope, when]))
}
