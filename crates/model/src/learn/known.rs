// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The evidence that an earlier map has for the names of files.

use std::collections::{BTreeMap, BTreeSet};

use ambit_abi::Op;
use ambit_event::lex::Class;
use ambit_event::{Object, Path};

use super::component::{last, parent};
use crate::pattern::{Index, PathKind, PathPattern, Piece};
use crate::{Map, RuleObject, dates};

/// Names of created files, and patterns for files that are written, of an earlier map.
#[derive(Clone, Debug, Default)]
pub(super) struct Known {
    /// By directory.
    created: BTreeMap<Vec<u8>, BTreeSet<Vec<u8>>>,
    patterns: BTreeSet<PathPattern>,
    /// Directories in which files are named by numbers in hex.
    hex: BTreeSet<Vec<u8>>,
    /// Paths with dates, up to the component with the last date, by their pieces with classes in place of dates.
    dated: BTreeMap<Vec<Piece>, BTreeSet<PathPattern>>,
}

impl Known {
    /// Collects the evidence of a map.
    pub(super) fn of(map: &Map) -> Self {
        let mut out = Self::default();
        let rules = map.subjects.values().flat_map(|entry| &entry.allow);
        for rule in rules.clone() {
            out.add_dated(rule.object());
        }
        for rule in rules.filter(|rule| super::writes(rule.operation())) {
            match rule.object() {
                RuleObject::Exact(Object::Path(path)) if rule.operation().op == Op::FileCreate => {
                    let path = path.as_bytes();
                    let names = out.created.entry(parent(path).to_vec()).or_default();
                    names.insert(last(path).to_vec());
                }
                RuleObject::Path(pattern) if pattern.kind() == PathKind::Path => {
                    out.hex.extend(hex_directory(pattern).map(<[u8]>::to_vec));
                    out.patterns.insert(pattern.clone());
                }
                _ => {}
            }
        }
        out
    }

    fn add_dated(&mut self, object: &RuleObject) {
        let pattern = match object {
            RuleObject::Exact(Object::Path(path)) => {
                PathPattern::of_marked(PathKind::Path, path.as_bytes())
            }
            RuleObject::Path(pattern) if pattern.kind() == PathKind::Path => pattern.clone(),
            _ => return,
        };
        if let Some((same, own)) = dates::split(&pattern) {
            self.dated.entry(same).or_default().insert(own);
        }
    }

    /// True if any path has a date.
    pub(super) fn has_dates(&self) -> bool {
        !self.dated.is_empty()
    }

    /// Returns the paths of earlier runs that differ only in their dates; a pattern of dates is one of them.
    pub(super) fn dated(&self, same: &[Piece]) -> Option<&BTreeSet<PathPattern>> {
        self.dated.get(same)
    }

    /// Returns the names of files in a directory that the workload created in earlier runs.
    pub(super) fn created(&self, directory: &[u8]) -> impl Iterator<Item = &[u8]> {
        self.created
            .get(directory)
            .into_iter()
            .flatten()
            .map(Vec::as_slice)
    }

    /// True if files in the directory are named by numbers in hex.
    pub(super) fn has_hex_names(&self, directory: &[u8]) -> bool {
        self.hex.contains(directory)
    }

    /// Returns the patterns, ready for look-ups.
    pub(super) fn patterns(&self) -> Index<'_, &PathPattern> {
        let mut index = Index::default();
        for pattern in &self.patterns {
            index.insert(pattern.pieces(), pattern);
        }
        index
    }
}

/// Returns the last component of the pattern that covers a path; the least one of several.
pub(super) fn component(patterns: &Index<'_, &PathPattern>, path: &[u8]) -> Option<Vec<Piece>> {
    let object = Object::Path(Path::new(path.to_vec()).ok()?);
    let covering = patterns
        .candidates(path)
        .filter(|pattern| pattern.matches(&object));
    covering
        .filter_map(|pattern| last_component(pattern.pieces()))
        .min()
}

/// Returns the pieces behind the last slash. A component without any fixed text is not evidence for the form of names.
fn last_component(pieces: &[Piece]) -> Option<Vec<Piece>> {
    let (index, at) = pieces
        .iter()
        .enumerate()
        .rev()
        .find_map(|(index, piece)| match piece {
            Piece::Bytes(bytes) => Some((index, bytes.iter().rposition(|byte| *byte == b'/')?)),
            _ => None,
        })?;
    let Some(Piece::Bytes(bytes)) = pieces.get(index) else {
        return None;
    };
    let mut out = Vec::new();
    let rest = bytes.get(at + 1..)?;
    if !rest.is_empty() {
        out.push(Piece::Bytes(rest.into()));
    }
    out.extend(pieces.get(index + 1..)?.iter().cloned());
    let plain = |piece: &Piece| matches!(piece, Piece::Bytes(_) | Piece::Class(_) | Piece::Star);
    let narrow = |piece: &Piece| matches!(piece, Piece::Bytes(_) | Piece::Class(_));
    (out.len() + usize::from(out.iter().any(|piece| matches!(piece, Piece::Class(_)))) > 1
        && out.iter().all(plain)
        && out.iter().any(narrow))
    .then_some(out)
}

/// Returns the directory, with its slash, of a pattern for files that are named by numbers in hex; `None` for other patterns.
pub(super) fn hex_directory(pattern: &PathPattern) -> Option<&[u8]> {
    match pattern.pieces() {
        [Piece::Bytes(directory), Piece::Class(Class::Hex)] if directory.ends_with(b"/") => {
            Some(directory)
        }
        _ => None,
    }
}
