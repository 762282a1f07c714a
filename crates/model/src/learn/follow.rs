// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Files that one run makes, and another operation, program or run uses: their names look like any others there, so the
//! pattern under which they were made holds for them too.

use std::collections::BTreeSet;

use ambit_abi::{self as abi, Op};
use ambit_event::lex::Class;
use ambit_event::{Object, Operation};

use super::component::last;
use super::heuristics::is_upper_hex_number;
use super::known::hex_directory;
use crate::pattern::{Index, PathKind, PathPattern, Piece};
use crate::{Map, Rule, RuleObject};

/// Replaces the exact paths of new lines by the pattern under which the map makes such files. Lines of `base` stay as they
/// are, and lines that execute files.
pub(super) fn apply(map: &mut Map, base: &Map) {
    let made = made(map);
    if made.is_empty() {
        return;
    }
    let mut index: Index<'_, &PathPattern> = Index::default();
    for pattern in &made {
        index.insert(pattern.pieces(), pattern);
    }
    for (subject, entry) in &mut map.subjects {
        let before = base.subjects.get(subject);
        let old = |rule: &Rule| before.is_some_and(|entry| entry.allow.contains(rule));
        let follows: Vec<(Rule, Rule)> = entry
            .allow
            .iter()
            .filter(|rule| uses(rule.operation()) && !old(rule))
            .filter_map(|rule| {
                let RuleObject::Exact(object @ Object::Path(path)) = rule.object() else {
                    return None;
                };
                let mut found = index.candidates(path.as_bytes());
                let number = is_upper_hex_number(last(path.as_bytes()));
                let pattern = found
                    .find(|pattern| (number || is_narrow(pattern)) && pattern.matches(object))?;
                let follows = RuleObject::from_pattern((**pattern).clone());
                Some((rule.clone(), Rule::new(rule.operation(), follows)))
            })
            .collect();
        for (exact, pattern) in follows {
            entry.allow.remove(&exact);
            entry.allow.insert(pattern);
        }
    }
}

/// Returns the patterns under which files are made.
fn made(map: &Map) -> BTreeSet<PathPattern> {
    let rules = map.subjects.values().flat_map(|entry| &entry.allow);
    rules
        .filter(|rule| makes(rule.operation()))
        .filter_map(|rule| match rule.object() {
            RuleObject::Path(pattern) if pattern.kind() == PathKind::Path => Some(pattern),
            _ => None,
        })
        .filter(|pattern| is_narrow(pattern) || hex_directory(pattern).is_some())
        .cloned()
        .collect()
}

fn makes(operation: Operation) -> bool {
    match operation.op {
        Op::FileCreate | Op::FileMkdir => true,
        Op::FileRename | Op::FileLink => operation.arg == abi::END_TO,
        _ => false,
    }
}

fn uses(operation: Operation) -> bool {
    !matches!(
        operation.op,
        Op::Exec | Op::MapExec | Op::NetBind | Op::NetConnect | Op::NetSend
    )
}

/// True if the name of the files has a class and a fixed text with a letter, or is a UUID, and nothing wider.
fn is_narrow(pattern: &PathPattern) -> bool {
    let wide = |piece: &Piece| matches!(piece, Piece::Star | Piece::StarStar | Piece::Either(_));
    let slash = |piece: &Piece| matches!(piece, Piece::Bytes(bytes) if bytes.contains(&b'/'));
    let pieces = pattern.pieces();
    let Some(at) = pieces.iter().rposition(slash) else {
        return false;
    };
    let name = pieces.get(at + 1..).unwrap_or_default();
    let before = match pieces.get(at) {
        Some(Piece::Bytes(bytes)) => last(bytes),
        _ => &[],
    };
    let letter = |bytes: &[u8]| bytes.iter().any(u8::is_ascii_alphabetic);
    let text = letter(before)
        || name
            .iter()
            .any(|piece| matches!(piece, Piece::Bytes(bytes) if letter(bytes)));
    let class = name.iter().any(|piece| matches!(piece, Piece::Class(_)));
    !pieces.iter().any(wide) && class && (text || name.contains(&Piece::Class(Class::Uuid)))
}
