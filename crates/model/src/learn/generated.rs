// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Finds names that the workload generated, and replaces them by patterns. Only names of files that the workload
//! created are replaced, and only with evidence; all others stay exact.

use std::collections::{BTreeMap, BTreeSet};

use ambit_abi::{self as abi, Op};
use ambit_event::Object;
use ambit_event::lex::Class;

use super::LearnedPoint;
use super::heuristics::{self, Origin};
use crate::RuleObject;
use crate::pattern::{Index, PathKind, PathPattern, Piece};

/// Directories whose files are temporary.
const TEMPORARY_DIRECTORIES: [&[u8]; 4] = [b"/tmp/", b"/var/tmp/", b"/dev/shm/", b"/run/user/"];
/// Directories in which the kernel part replaces numbers by markers.
const MARKED_DIRECTORIES: [&[u8]; 2] = [b"/proc/", b"/dev/pts/"];
/// Maximum depth of directories that a counter's files are distributed over.
const FANOUT_DEPTH: usize = 3;
/// File modes used by `mkstemp` and `mkdtemp`.
const PRIVATE_MODES: [u32; 2] = [0o600, 0o700];

/// Paths of created files with generated names, each with the pattern of its last component.
#[derive(Debug, Default)]
pub(crate) struct GeneratedNames {
    names: BTreeMap<Vec<u8>, Vec<Piece>>,
}

/// Facts about a created path.
struct Created {
    private: bool,
    socket: bool,
    pids: BTreeSet<u32>,
}

impl GeneratedNames {
    /// Searches the points for generated names.
    pub(super) fn new(points: &[LearnedPoint]) -> Self {
        let mut created: BTreeMap<&[u8], Created> = BTreeMap::new();
        let mut removed_paths: BTreeSet<&[u8]> = BTreeSet::new();
        let processes: BTreeSet<u32> = points.iter().map(|point| point.ns_tgid).collect();
        for point in points {
            let Object::Path(path) = &point.object else {
                continue;
            };
            let path = path.as_bytes();
            if creates(point) {
                let facts = created.entry(path).or_insert_with(|| Created {
                    private: false,
                    socket: false,
                    pids: BTreeSet::new(),
                });
                facts.socket |= point.operation.op == Op::NetBind;
                facts.private |= PRIVATE_MODES.contains(&(point.extra & 0o7777));
                facts.pids.insert(point.ns_tgid);
            } else if removes(point) {
                removed_paths.insert(path);
            }
        }
        let mut out = Self::default();
        let mut other_paths: Vec<(&[u8], bool)> = Vec::new();
        for (path, created) in &created {
            if MARKED_DIRECTORIES
                .iter()
                .any(|prefix| path.starts_with(prefix))
            {
                continue;
            }
            let removed = prefixes(path).any(|prefix| removed_paths.contains(prefix));
            let temporary = removed
                || TEMPORARY_DIRECTORIES
                    .iter()
                    .any(|prefix| path.starts_with(prefix));
            let name = last(path);
            // A process may create files that are named after another one, such as a daemon's helper after the daemon.
            let others = heuristics::process_numbers(name)
                .filter(|number| (temporary || created.socket) && processes.contains(number));
            let mut found = None;
            for pid in created.pids.iter().copied().chain(others) {
                let origin = Origin {
                    temporary,
                    removed,
                    private: created.private,
                    pid,
                };
                // A result that contains a process number is preferred: it explains more of the name.
                match heuristics::pieces(name, origin) {
                    Some(pieces) if pieces.contains(&Piece::Class(Class::Pid)) => {
                        found = Some(pieces);
                        break;
                    }
                    pieces => found = found.or(pieces),
                }
            }
            match found {
                Some(pieces) => {
                    if matches!(&*pieces, [.., Piece::Class(Class::Num), _]) {
                        out.add_fanout_directories(path);
                    }
                    out.names.insert(path.to_vec(), pieces);
                }
                None => other_paths.push((path, temporary)),
            }
        }
        out.add_siblings(&other_paths);
        out
    }

    /// Adds the directories over which a counter's files are distributed. Their names are the last digits of the
    /// counter; nginx, for example, creates `7/12/0000000127`.
    fn add_fanout_directories(&mut self, file: &[u8]) {
        let mut directories = Vec::new();
        let mut ending = Vec::new();
        let mut path = file;
        for _ in 0..FANOUT_DEPTH {
            path = parent(path).strip_suffix(b"/").unwrap_or_default();
            let name = last(path);
            if name.is_empty() || name.len() > 3 || !name.iter().all(u8::is_ascii_digit) {
                break;
            }
            directories.push(path.to_vec());
            ending.extend_from_slice(name);
            if last(file).ends_with(&ending) {
                let named = std::mem::take(&mut directories).into_iter();
                self.names
                    .extend(named.map(|path| (path, vec![Piece::Class(Class::Num)])));
            }
        }
    }

    /// Adds names that look like words, if a pattern found for other names of the same directory covers them.
    fn add_siblings(&mut self, other_paths: &[(&[u8], bool)]) {
        let mut distinct: BTreeMap<&[u8], BTreeSet<&Vec<Piece>>> = BTreeMap::new();
        for (path, pieces) in &self.names {
            distinct.entry(parent(path)).or_default().insert(pieces);
        }
        let mut patterns: BTreeMap<&[u8], Index<'_, &Vec<Piece>>> = BTreeMap::new();
        for (folder, all) in distinct {
            let index = patterns.entry(folder).or_default();
            // A pattern without a fixed part would match every name.
            let fixed = |pieces: &&&Vec<Piece>| {
                pieces
                    .iter()
                    .any(|piece| matches!(piece, Piece::Bytes(bytes) if !bytes.is_empty()))
            };
            for pieces in all.iter().filter(fixed) {
                index.insert(pieces, pieces);
            }
        }
        let mut more = Vec::new();
        for (path, temporary) in other_paths {
            let Some(patterns) = patterns.get(parent(path)).filter(|_| *temporary) else {
                continue;
            };
            let name = last(path);
            // The smallest pattern, so that the result does not depend on the order of the index.
            let candidates = patterns.candidates(name);
            if let Some(pieces) = candidates.filter(|pieces| covers(pieces, name)).min() {
                more.push((path.to_vec(), (*pieces).clone()));
            }
        }
        self.names.extend(more);
    }

    /// Returns the object for a rule, with each generated component of its path replaced by its pattern.
    pub(crate) fn object(&self, object: Object) -> RuleObject {
        let (kind, path) = match &object {
            Object::Path(path) => (PathKind::Path, path.as_bytes()),
            Object::Deleted(path) => (PathKind::Deleted, path.as_bytes()),
            Object::Foreign(path) => (PathKind::Foreign, path.as_bytes()),
            _ => return RuleObject::from_object(object),
        };
        if self.names.is_empty() || !prefixes(path).any(|prefix| self.names.contains_key(prefix)) {
            return RuleObject::from_object(object);
        }
        let mut pieces = Vec::new();
        for prefix in prefixes(path) {
            pieces.push(Piece::Bytes(b"/"[..].into()));
            match self.names.get(prefix) {
                Some(generated) => pieces.extend(generated.iter().cloned()),
                None => pieces.extend(
                    PathPattern::of_marked(kind, last(prefix))
                        .pieces()
                        .iter()
                        .cloned(),
                ),
            }
        }
        RuleObject::from_pattern(PathPattern::new(kind, pieces))
    }
}

fn creates(point: &LearnedPoint) -> bool {
    match point.operation.op {
        Op::FileCreate | Op::FileMkdir | Op::FileSymlink | Op::FileMknod | Op::NetBind => true,
        Op::FileLink | Op::FileRename => point.operation.arg == abi::END_TO,
        _ => false,
    }
}

fn removes(point: &LearnedPoint) -> bool {
    match point.operation.op {
        Op::FileUnlink | Op::FileRmdir => true,
        Op::FileRename => point.operation.arg == abi::END_FROM,
        _ => false,
    }
}

/// Returns the ancestors of a path and the path itself, without the root: `/a`, `/a/b`, `/a/b/c`.
fn prefixes(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    let ends = path
        .iter()
        .enumerate()
        .skip(1)
        .filter(|(_, byte)| **byte == b'/')
        .map(|(at, _)| at);
    ends.chain(std::iter::once(path.len()))
        .filter_map(|end| path.get(..end))
        .filter(|path| path.len() > 1)
}

fn last(path: &[u8]) -> &[u8] {
    path.rsplit(|byte| *byte == b'/').next().unwrap_or_default()
}

fn parent(path: &[u8]) -> &[u8] {
    path.get(..path.len().saturating_sub(last(path).len()))
        .unwrap_or_default()
}

fn covers(pieces: &[Piece], name: &[u8]) -> bool {
    let pattern = PathPattern::new(PathKind::Memfd, pieces.to_vec());
    pattern.matches(&Object::Memfd(name.into()))
}
