// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Removals that few runs show: after a failure, after a crash, and by another process of the same program.

use std::collections::{BTreeMap, BTreeSet};

use ambit_abi::{self as abi, Op};
use ambit_event::{Object, Operation};

use crate::{Map, Rule, RuleObject};

/// Returns rules to remove the files that a subject both creates and renames away. A program that writes a temporary file
/// and renames it removes that file only after a failure, or if the content is unchanged, which few runs show.
pub(super) fn of_renamed(rules: &[Rule]) -> Vec<Rule> {
    let of = |op, arg| {
        let wanted = Operation { op, arg };
        let rules = rules.iter().filter(move |rule| rule.operation() == wanted);
        rules.map(Rule::object).collect::<BTreeSet<_>>()
    };
    let renamed = of(Op::FileRename, abi::END_FROM);
    of(Op::FileCreate, 0)
        .intersection(&renamed)
        .map(|object| Rule::new(Operation::plain(Op::FileUnlink), (*object).clone()))
        .collect()
}

/// Adds rules for files and sockets that the workload makes and removes again.
///
/// After a crash they are still there, and the next start reads, removes or overwrites them: the subject that makes such a file
/// or socket may remove it, and may read and write over a file that it creates. A program that was executed again, or that another program
/// started, may be the one that ends: subjects of one executable may remove what one of them makes and one of them removes.
pub(super) fn add(map: &mut Map) {
    let removed = removed(map);
    let mut made: BTreeMap<&Object, BTreeSet<&RuleObject>> = BTreeMap::new();
    for (subject, entry) in &map.subjects {
        let Some(exe) = &subject.exe else { continue };
        let own = entry.allow.iter().filter(|rule| makes(rule));
        let own = own
            .map(Rule::object)
            .filter(|object| removed.contains(object));
        made.entry(exe).or_default().extend(own);
    }
    let mut new = Vec::new();
    for (subject, entry) in &map.subjects {
        let others = subject.exe.as_ref().and_then(|exe| made.get(exe));
        let written: BTreeSet<&RuleObject> = entry
            .allow
            .iter()
            .filter(|rule| writes(rule))
            .map(Rule::object)
            .collect();
        for object in others.into_iter().flatten() {
            let has = |operation| {
                entry
                    .allow
                    .contains(&Rule::new(operation, (*object).clone()))
            };
            let mut rules = vec![Operation::plain(Op::FileUnlink)];
            let open = |arg| Operation {
                op: Op::FileOpen,
                arg,
            };
            // The next start chooses another temporary name, so it overwrites none.
            let creates = object.as_exact().is_some() && has(Operation::plain(Op::FileCreate));
            if creates && written.contains(*object) {
                let truncate = Operation::plain(Op::FileTruncate);
                rules.extend([open(abi::OPEN_READ), open(abi::OPEN_WRITE), truncate]);
            }
            let rules = rules
                .into_iter()
                .map(|operation| Rule::new(operation, (*object).clone()));
            new.extend(rules.map(|rule| (subject.clone(), rule)));
        }
    }
    for (subject, rule) in new {
        if let Some(entry) = map.subjects.get_mut(&subject) {
            entry.allow.insert(rule);
        }
    }
}

/// Returns the objects that a subject of the map removes.
fn removed(map: &Map) -> BTreeSet<RuleObject> {
    let rules = map.subjects.values().flat_map(|entry| &entry.allow);
    let removals = rules.filter(|rule| rule.operation().op == Op::FileUnlink);
    removals.map(|rule| rule.object().clone()).collect()
}

/// True if the rule makes a file, or a socket with a path.
fn makes(rule: &Rule) -> bool {
    let path = match rule.object() {
        RuleObject::Exact(object) => matches!(object, Object::Path(_)),
        RuleObject::Path(_) => true,
        RuleObject::Inet(_) => false,
    };
    path && matches!(
        rule.operation().op,
        Op::FileCreate | Op::FileSymlink | Op::FileMknod | Op::NetBind
    )
}

fn writes(rule: &Rule) -> bool {
    let operation = rule.operation();
    operation.op == Op::FileOpen && operation.arg & (abi::OPEN_WRITE | abi::OPEN_APPEND) != 0
}

impl Map {
    /// True if the workload makes files or sockets that it removes again, so that a start after a crash differs from others.
    pub fn has_transient_files(&self) -> bool {
        let removed = removed(self);
        let mut rules = self.subjects.values().flat_map(|entry| &entry.allow);
        rules.any(|rule| makes(rule) && removed.contains(rule.object()))
    }
}
