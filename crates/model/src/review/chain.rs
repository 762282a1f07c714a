// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Starting programs: interpreters, and the subjects that an attacker gets by starting them.

use std::collections::{BTreeSet, HashMap, HashSet};

use ambit_abi::Op;
use ambit_event::Object;

use super::context::Checked;
use super::kind::FindingKind as Kind;
use super::kind::Severity;
use super::tables::{Class, class_of, programs};
use crate::generalize::Target;
use crate::pattern::PathKind;
use crate::{ANY_HOST, Map, Rule, RuleObject};

/// A start of a program: the rule that allows it, and the subject that runs afterwards.
#[derive(Clone, Copy, Debug)]
pub(super) struct Start<'m> {
    pub(super) rule: &'m Rule,
    /// Index of the subject in the map's order.
    pub(super) to: usize,
}

/// Returns the starts of each subject, in the map's order.
///
/// The started subject has the chain of its starter. The invoked name is free, because the starter chooses it. A subject
/// with a script is started by the script.
pub(super) fn starts(map: &Map) -> Vec<Vec<Start<'_>>> {
    let deepest = usize::try_from(map.chain).unwrap_or(1).saturating_sub(1);
    let mut by_via: HashMap<&[Object], Vec<(usize, &Object)>> = HashMap::new();
    for (index, subject) in map.subjects.keys().enumerate() {
        let started = subject.script.as_ref().or(subject.exe.as_ref());
        if let Some(started) = started {
            by_via
                .entry(&subject.via)
                .or_default()
                .push((index, started));
        }
    }
    let of_one = map.subjects.iter().map(|(subject, entry)| {
        let via: Vec<Object> = subject
            .exe
            .iter()
            .chain(&subject.via)
            .take(deepest)
            .cloned()
            .collect();
        let Some(followers) = by_via.get(&*via) else {
            return Vec::new();
        };
        let rules = || {
            let all = entry.allow.iter();
            all.filter(|rule| rule.operation().op == Op::Exec)
        };
        let exact: HashMap<&Object, &Rule> = rules()
            .filter_map(|rule| Some((rule.object().as_exact()?, rule)))
            .collect();
        let patterns: Vec<&Rule> = rules()
            .filter(|rule| rule.object().as_exact().is_none())
            .collect();
        let allowing = |started: &Object| {
            let found = exact.get(started).copied();
            found.or_else(|| {
                let covers = |rule: &&&Rule| rule.object().covers(started, &ANY_HOST);
                patterns.iter().find(covers).copied()
            })
        };
        followers
            .iter()
            .filter_map(|(to, started)| {
                Some(Start {
                    rule: allowing(started)?,
                    to: *to,
                })
            })
            .collect()
    });
    of_one.collect()
}

/// Returns the subjects that one reaches, the nearest first, each with its starts.
pub(super) fn reached<'s, 'm>(starts: &'s [Vec<Start<'m>>], from: usize) -> Vec<Vec<Start<'m>>> {
    let mut seen = HashSet::from([from]);
    let mut found: Vec<Vec<Start<'m>>> = Vec::new();
    let mut next = vec![Vec::new()];
    while !next.is_empty() {
        let mut further = Vec::new();
        for path in &next {
            let at = path.last().map_or(from, |start: &Start<'m>| start.to);
            for start in starts.get(at).into_iter().flatten() {
                if seen.insert(start.to) {
                    let mut longer = path.clone();
                    longer.push(*start);
                    further.push(longer);
                }
            }
        }
        found.extend(further.iter().cloned());
        next = further;
    }
    found
}

impl<'m> Checked<'_, 'm> {
    /// Adds the interpreters that the subject can start. `starts` are its own.
    pub(super) fn check_starts(&mut self, starts: &[Start<'m>]) {
        let mut effective: BTreeSet<&Rule> = BTreeSet::new();
        let subjects: Vec<_> = self.context.map.subjects.keys().collect();
        for start in starts {
            let Some(subject) = subjects.get(start.to).filter(|to| to.script.is_none()) else {
                continue;
            };
            let Some(exe) = &subject.exe else { continue };
            if let Some((severity, text)) = found(exe, start.rule) {
                effective.insert(start.rule);
                self.hit(Kind::StartsInterpreter, severity, text, start.rule);
            }
        }
        for rule in self.rules().filter(|rule| rule.operation().op == Op::Exec) {
            if !effective.contains(rule) {
                self.check_useless(rule);
            }
        }
    }

    /// Adds an interpreter for which the map has no subject.
    fn check_useless(&mut self, rule: &'m Rule) {
        let target = Target::new(rule.object());
        let listed = match rule.object() {
            RuleObject::Exact(Object::Memfd(_)) => true,
            RuleObject::Exact(object) => {
                file_name(object).is_some_and(|name| class_of(name).is_some())
            }
            RuleObject::Path(pattern) => {
                pattern.kind() == PathKind::Memfd
                    || programs()
                        .iter()
                        .any(|program| program.place.meets(&target))
            }
            RuleObject::Inet(_) => false,
        };
        if listed {
            let text = "It can start a program that runs others, but the map has no subject for it there: each operation of \
                        the program is refused.";
            self.hit(Kind::StartsInterpreter, Severity::Low, text, rule);
        }
    }
}

/// Returns the finding about a started executable, if it runs other programs or code.
fn found(exe: &Object, rule: &Rule) -> Option<(Severity, String)> {
    if matches!(exe, Object::Memfd(_)) {
        let text = "It can start programs from memory, so it runs any code as that program.";
        return Some((Severity::High, text.to_owned()));
    }
    let class = class_of(file_name(exe)?)?;
    let by = if rule.object().as_exact().is_none() {
        " (by a pattern)"
    } else {
        ""
    };
    Some(match class {
        Class::Shell => (
            Severity::High,
            format!(
                "It can start a shell{by}, which runs commands of the attacker's choice within its own lines."
            ),
        ),
        Class::Interpreter => (
            Severity::High,
            format!(
                "It can start an interpreter{by}, which runs code of the attacker's choice within its own lines."
            ),
        ),
        Class::Loader => (
            Severity::Medium,
            format!(
                "It can start the dynamic loader{by}, which runs any program that it may map, without a line `exec`."
            ),
        ),
        Class::Runner => (
            Severity::Medium,
            format!("It can start a program that starts others{by} by its options."),
        ),
    })
}

/// Returns the file name of a path.
pub(super) fn file_name(object: &Object) -> Option<&[u8]> {
    match object {
        Object::Path(path) | Object::Deleted(path) | Object::Foreign(path) => {
            Some(path.file_name())
        }
        _ => None,
    }
}
