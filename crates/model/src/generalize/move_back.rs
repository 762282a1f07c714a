// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Drafts for files with generated names that a program moves from one directory to another: at a start after a crash it may move
//! back those that it left there. A draft concerns one subject.

use std::collections::{BTreeMap, BTreeSet};

use ambit_abi::{self as abi, Op};
use ambit_event::Subject;

use super::tree::{self, Component};
use super::{Draft, Kind, beside, path_text};
use crate::Rule;
use crate::pattern::{PathKind, Piece};

/// Maximum number of directories that a draft connects.
const DIRECTORIES_MAX: usize = 16;

/// Directories, each with the line that renames a file of it.
type Renamed<'a> = BTreeMap<Vec<Component>, &'a Rule>;

/// Returns drafts for moves from the directories that a subject moves files to, and to the directories that it moves files from.
/// `replaced` are lines that other drafts replace.
pub(super) fn drafts(
    lines: &[(&Subject, &Rule)],
    replaced: &BTreeSet<(&Subject, &Rule)>,
) -> Vec<Draft> {
    let mut from: BTreeMap<(&Subject, Component), Renamed<'_>> = BTreeMap::new();
    let mut to = from.clone();
    for (subject, rule) in lines {
        if rule.operation().op != Op::FileRename || replaced.contains(&(*subject, *rule)) {
            continue;
        }
        let Some((PathKind::Path, mut path)) = tree::components(rule.object()) else {
            continue;
        };
        let Some(name) = path.pop().filter(is_generated) else {
            continue;
        };
        let ends = if rule.operation().arg == abi::END_TO {
            &mut to
        } else {
            &mut from
        };
        let renamed = ends.entry((subject, name)).or_default();
        renamed.entry(path).or_insert(rule);
    }
    from.iter()
        .filter_map(|(key, from)| Some((key, from, to.get(key)?)))
        .filter_map(|((subject, name), from, to)| draft(subject, name, from, to))
        .collect()
}

fn draft(
    subject: &Subject,
    name: &Component,
    from: &Renamed<'_>,
    to: &Renamed<'_>,
) -> Option<Draft> {
    let directories: BTreeSet<&Vec<Component>> = from.keys().chain(to.keys()).collect();
    if !(2..=DIRECTORIES_MAX).contains(&directories.len()) {
        return None;
    }
    let back = |one: &Renamed<'_>, other: &Renamed<'_>, arg| -> Vec<(Rule, Rule)> {
        let missing = one
            .iter()
            .filter(|(directory, _)| !other.contains_key(*directory));
        missing
            .flat_map(|(_, rule)| beside(rule, Op::FileRename, arg))
            .collect()
    };
    let lines = [back(from, to, abi::END_TO), back(to, from, abi::END_FROM)].concat();
    (!lines.is_empty()).then(|| Draft {
        kind: Kind::MoveBack,
        place: format!(
            "moves of {}",
            path_text(std::slice::from_ref(name)).trim_start_matches('/')
        ),
        subject: Some(subject.to_string()),
        values: directories
            .into_iter()
            .map(|directory| path_text(directory))
            .collect(),
        steady: false,
        inside: None,
        lines: BTreeMap::from([(subject.clone(), lines)]),
    })
}

/// True for a name that has a generated part: a fixed name is moved for another reason.
fn is_generated(name: &Component) -> bool {
    name.iter().any(|piece| matches!(piece, Piece::Class(_)))
}
