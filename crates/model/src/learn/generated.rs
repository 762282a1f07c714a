// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Finds names that the workload generated, and replaces them by patterns. Only names of files that the workload
//! created are replaced, and only with evidence; all others stay exact.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use ambit_abi::{self as abi, Op};
use ambit_event::lex::Class;
use ambit_event::{Object, Operation, Path};

use super::LearnedPoint;
use super::around::split_around;
use super::component::{last, parent};
use super::groups::{Groups, Name, has_text};
use super::heuristics::{is_upper_hex, is_upper_hex_number};
use super::known::{self, Known};
use super::name::{self, Reading};
use super::part::{Origin, PRIVATE_MODES};
use crate::heuristic::{Heuristic, LeftOut};
use crate::pattern::{Index, PathKind, PathPattern, Piece, canonical};
use crate::{RuleObject, dates};

/// Directories whose files are temporary.
const TEMPORARY_DIRECTORIES: [&[u8]; 4] = [b"/tmp/", b"/var/tmp/", b"/dev/shm/", b"/run/user/"];
/// Directories in which the kernel part replaces numbers by markers.
const MARKED_DIRECTORIES: [&[u8]; 2] = [b"/proc/", b"/dev/pts/"];
/// Maximum depth of directories that a counter's files are distributed over.
const FANOUT_DEPTH: usize = 3;
/// Maximum length of the text before a final name.
const BEFORE_MAX: usize = 8;
/// Bits, in hundredths, that names of several runs must save to be read as generated.
const NEED_ACROSS_RUNS: i32 = 2000;
/// Number of names of earlier runs that are needed as evidence.
const EARLIER_NAMES_MIN: usize = 2;

/// Minimum length of a name that two files do not have by chance.
const DISTINCTIVE_MIN: usize = 8;

/// The pieces of a name that is a number in hex.
const HEX: [Piece; 1] = [Piece::Class(Class::Hex)];

/// Stands before the names of memfds, which are read as files of a directory of their own.
const MEMFDS: &[u8] = b"memfd:/";

/// Paths of created files with generated names, each with the pattern of its last component.
#[derive(Debug, Default)]
pub(crate) struct GeneratedNames {
    names: BTreeMap<Vec<u8>, Vec<Piece>>,
}

/// Facts about a created path.
#[derive(Default)]
struct Created {
    modes: BTreeSet<u32>,
    socket: bool,
    pids: BTreeSet<u32>,
}

/// Facts about the paths in the points.
#[derive(Default)]
struct Facts<'a> {
    created: BTreeMap<&'a [u8], Created>,
    removed: BTreeSet<&'a [u8]>,
    /// Paths that a file was given by renaming or linking.
    targets: BTreeSet<&'a [u8]>,
    seen: BTreeSet<&'a [u8]>,
    /// Lengths of the names in each directory.
    lengths: BTreeMap<&'a [u8], BTreeSet<usize>>,
    processes: BTreeSet<u32>,
}

impl<'a> Facts<'a> {
    /// Collects the facts. `memfds` are the points with memfds, by their names in the directory of memfds.
    fn of(points: &'a [LearnedPoint], memfds: &'a [(Vec<u8>, u32)]) -> Self {
        let mut out = Self {
            processes: points.iter().map(|point| point.ns_tgid).collect(),
            ..Self::default()
        };
        for (path, process) in memfds {
            // The process that uses a memfd made it or got it from its maker.
            out.created.entry(path).or_default().pids.insert(*process);
        }
        for point in points {
            let Object::Path(path) = &point.object else {
                continue;
            };
            let path = path.as_bytes();
            out.seen.insert(path);
            let lengths = out.lengths.entry(parent(path)).or_default();
            lengths.insert(last(path).len());
            if creates(point.operation) {
                let facts = out.created.entry(path).or_default();
                facts.socket |= point.operation.op == Op::NetBind;
                facts.modes.insert(point.extra & 0o7777);
                facts.pids.insert(point.ns_tgid);
                if matches!(point.operation.op, Op::FileLink | Op::FileRename) {
                    out.targets.insert(path);
                }
            } else if removes(point.operation) {
                out.removed.insert(path);
            }
        }
        out
    }

    /// Returns the origin of a file, with the first process that created it.
    fn origin(&self, path: &[u8], created: &Created) -> Origin {
        let removed = prefixes(path).any(|prefix| self.removed.contains(prefix));
        let temporary = removed
            || path.starts_with(MEMFDS)
            || TEMPORARY_DIRECTORIES
                .iter()
                .any(|prefix| path.starts_with(prefix));
        let private = PRIVATE_MODES
            .into_iter()
            .find(|mode| created.modes.contains(mode));
        Origin {
            temporary,
            removed,
            mode: private
                .or(created.modes.last().copied())
                .unwrap_or_default(),
            pid: created.pids.first().copied().unwrap_or_default(),
        }
    }

    /// Returns the readings of a created path. Readings that contain a process number are preferred: they explain more
    /// of the name.
    fn readings(
        &self,
        path: &[u8],
        created: &Created,
        origin: Origin,
        keep: Option<&Range<usize>>,
    ) -> Vec<Reading> {
        let text = last(path);
        // A process may create files that are named after another one, such as a daemon's helper after the daemon.
        let others = name::process_numbers(text).filter(|number| {
            (origin.temporary || created.socket) && self.processes.contains(number)
        });
        let mut found = Vec::new();
        for pid in created.pids.iter().copied().chain(others) {
            let readings = name::readings(text, keep, Origin { pid, ..origin });
            let best = readings.first();
            if best.is_some_and(|best| best.process && best.suffices()) {
                return readings;
            }
            if found.is_empty() {
                found = readings;
            }
        }
        found
    }

    /// Returns the names of created files. The kernel part replaces numbers in some directories itself.
    fn names(&self) -> Vec<Name<'_>> {
        let marked = |path: &[u8]| {
            MARKED_DIRECTORIES
                .iter()
                .any(|prefix| path.starts_with(prefix))
        };
        let created = self.created.iter().filter(|(path, _)| !marked(path));
        created
            .map(|(path, created)| {
                let origin = self.origin(path, created);
                let readings = self.readings(path, created, origin, None);
                Name {
                    path,
                    origin,
                    readings,
                }
            })
            .collect()
    }
}

impl GeneratedNames {
    /// Searches the points for generated names. `known` is the evidence of the map that is extended.
    pub(super) fn new(points: &[LearnedPoint], known: &Known, without: &LeftOut) -> Self {
        let used = |heuristic| !without.has(heuristic);
        let memfds = memfds(points);
        let facts = Facts::of(points, &memfds);
        let names = facts.names();
        let groups = Groups::of(&names);
        let mut out = Self::default();
        let mut other_paths: Vec<(&[u8], bool)> = Vec::new();
        for one in &names {
            let found = Some(&groups)
                .filter(|_| used(Heuristic::Names))
                .and_then(|groups| groups.choose(one))
                .filter(|pieces| has_text(pieces) || !one.path.starts_with(MEMFDS))
                .or_else(|| {
                    let found = || across_runs(one, &facts, known);
                    used(Heuristic::AcrossRuns).then(found).flatten()
                });
            match found {
                Some(pieces) => {
                    if matches!(
                        &*pieces,
                        [.., Piece::Class(Class::Num)]
                            | [.., Piece::Class(Class::Num), Piece::Bytes(_)]
                    ) {
                        out.add_fanout_directories(one.path);
                    }
                    out.names.insert(one.path.to_vec(), pieces);
                }
                None => other_paths.push((one.path, one.origin.temporary)),
            }
        }
        if used(Heuristic::Siblings) {
            out.add_siblings(&other_paths);
            out.add_hex_siblings(&names, known);
        }
        if used(Heuristic::Uuids) {
            out.add_shared_uuids(&other_paths);
        }
        if used(Heuristic::SharedNames) {
            out.add_shared_names(&facts);
        }
        if used(Heuristic::Around) {
            out.add_names_around_others(&names, &facts, known);
        }
        if used(Heuristic::Dates) {
            out.add_dates(&facts, known);
        }
        out
    }

    /// Replaces dates in paths of which earlier runs used others: at least two, and this run at least a third one. One run
    /// alone, which may read files of several days, is no evidence.
    fn add_dates(&mut self, facts: &Facts<'_>, known: &Known) {
        if !known.has_dates() {
            return;
        }
        let mut by_form: BTreeMap<Vec<Piece>, Vec<(&[u8], PathPattern)>> = BTreeMap::new();
        for path in &facts.seen {
            let Ok(object) = Path::new(path.to_vec()) else {
                continue;
            };
            let pattern = match self.object(Object::Path(object)) {
                RuleObject::Path(pattern) => pattern,
                _ => PathPattern::of_marked(PathKind::Path, path),
            };
            if let Some((same, own)) = dates::split(&pattern)
                && known.dated(&same).is_some()
            {
                by_form.entry(same).or_default().push((path, own));
            }
        }
        for (same, paths) in by_form {
            let earlier = known.dated(&same);
            let established = earlier.is_some_and(|earlier| {
                let is_pattern = |own: &PathPattern| own.pieces() == same;
                earlier.iter().any(is_pattern)
                    || earlier.len() >= EARLIER_NAMES_MIN
                        && paths.iter().any(|(_, own)| !earlier.contains(own))
            });
            let components = dates::components(&same);
            let paths = paths.iter().filter(|_| established);
            for (path, _) in paths {
                for (prefix, component) in prefixes(path).zip(&components) {
                    let exact = [Piece::Bytes(last(prefix).into())];
                    if component.iter().any(dates::is_date) && **component != exact {
                        self.names.insert(prefix.to_vec(), component.clone());
                    }
                }
            }
        }
    }

    /// Replaces names that contain the final name of their file: both share a pattern, and a final name that is exact
    /// stays a fixed part.
    fn add_names_around_others(&mut self, names: &[Name<'_>], facts: &Facts<'_>, known: &Known) {
        let patterns = known.patterns();
        let mut longer: Vec<&Name<'_>> = names.iter().collect();
        // A name is shorter than one that contains it, so its pattern is known when it is needed.
        longer.sort_by_key(|one| (one.path.len(), one.path));
        for one in longer {
            let Some((inner, before, after)) = find_around(one, facts) else {
                continue;
            };
            let path = [parent(one.path), inner].concat();
            let of_run = self.names.get(&path).cloned();
            let pattern = of_run.or_else(|| known::component(&patterns, &path));
            let varies =
                |pieces: &[Piece]| pieces.iter().any(|piece| matches!(piece, Piece::Class(_)));
            if pattern.is_some() || varies(&before) || varies(&after) {
                let inner = pattern.unwrap_or_else(|| vec![Piece::Bytes(inner.into())]);
                let pieces = name::joined([before, inner, after].concat());
                self.names.insert(one.path.to_vec(), pieces);
            } else {
                self.names.remove(one.path);
            }
        }
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

    /// Reads names as numbers in hex if they have digits only, or letters on one side only, and stand beside such numbers:
    /// `480217093` and `C40217093` beside `4C0217A9E`.
    fn add_hex_siblings(&mut self, names: &[Name<'_>], known: &Known) {
        let mut lengths: BTreeMap<Vec<u8>, BTreeSet<usize>> = BTreeMap::new();
        for (path, pieces) in &self.names {
            if **pieces == HEX && is_upper_hex_number(last(path)) {
                let lengths = lengths.entry(parent(path).to_vec()).or_default();
                lengths.insert(last(path).len());
            }
        }
        let temporary = names.iter().filter(|one| one.origin.temporary);
        for one in temporary.filter(|one| is_upper_hex(last(one.path))) {
            let (directory, name) = (parent(one.path), last(one.path));
            // The next number may have one digit more or fewer.
            let near = name.len() - 1..=name.len() + 1;
            let beside = lengths
                .get(directory)
                .is_some_and(|lengths| lengths.range(near).next().is_some());
            if beside || known.has_hex_names(directory) {
                self.names.insert(one.path.to_vec(), HEX.to_vec());
            }
        }
    }

    /// Adds names that are generated as a whole in another directory: the files of one job have its name in each of them.
    fn add_shared_names(&mut self, facts: &Facts<'_>) {
        let mut generated: BTreeMap<Vec<u8>, Vec<Piece>> = BTreeMap::new();
        for (path, pieces) in &self.names {
            let name = last(path);
            let number = **pieces == HEX && is_upper_hex(name);
            if number || matches!(**pieces, [Piece::Class(_)]) && is_distinctive(name) {
                let known = generated.entry(name.to_vec());
                let known = known.or_insert_with(|| pieces.clone());
                // A number in hex has evidence that another reading of its digits lacks.
                if number {
                    known.clone_from(pieces);
                }
            }
        }
        if generated.is_empty() {
            return;
        }
        let created = facts.created.keys().copied();
        let seen = facts.seen.iter().flat_map(|path| prefixes(path));
        for path in created.chain(seen) {
            let Some(pieces) = generated.get(last(path)) else {
                continue;
            };
            let own = self.names.get(path);
            if own.is_none_or(|own| own != pieces && *pieces == HEX) {
                self.names.insert(path.to_vec(), pieces.clone());
            }
        }
    }

    /// Adds names with a UUID that a generated name contains too: a file is written under one of them and renamed to the other.
    fn add_shared_uuids(&mut self, other_paths: &[(&[u8], bool)]) {
        let text = |path: &[u8], at: &Range<usize>| last(path).get(at.clone()).map(<[u8]>::to_vec);
        let generated = self
            .names
            .iter()
            .filter(|(_, pieces)| pieces.contains(&Piece::Class(Class::Uuid)));
        let known: BTreeSet<Vec<u8>> = generated
            .flat_map(|(path, _)| {
                let found = name::uuids(last(path)).into_iter();
                found.filter_map(move |at| text(path, &at))
            })
            .collect();
        for (path, _) in other_paths {
            let name = last(path);
            let shared = name::uuids(name).into_iter();
            let shared = shared
                .filter(|at| text(path, at).is_some_and(|uuid| known.contains(&uuid)))
                .collect::<Vec<_>>();
            let [at] = &*shared else {
                continue;
            };
            let fixed = |part: Option<&[u8]>| Piece::Bytes(part.unwrap_or_default().into());
            let pieces = vec![
                fixed(name.get(..at.start)),
                Piece::Class(Class::Uuid),
                fixed(name.get(at.end..)),
            ];
            self.names
                .entry(path.to_vec())
                .or_insert_with(|| canonical(pieces));
        }
    }

    /// Returns the patterns, each with the number of names that it stands for and the first of them.
    pub(super) fn patterns(&self) -> BTreeMap<RuleObject, (usize, &[u8])> {
        let mut out = BTreeMap::new();
        for path in self.names.keys() {
            let object = match path.strip_prefix(MEMFDS) {
                Some(name) => Object::Memfd(name.into()),
                None => match Path::new(path.clone()) {
                    Ok(path) => Object::Path(path),
                    Err(_) => continue,
                },
            };
            let name = path.strip_prefix(MEMFDS).unwrap_or(path);
            let (count, _) = out.entry(self.object(object)).or_insert((0, name));
            *count += 1;
        }
        out
    }

    /// Returns the object for a rule, with each generated component of its path replaced by its pattern.
    pub(crate) fn object(&self, object: Object) -> RuleObject {
        let (kind, path) = match &object {
            Object::Path(path) => (PathKind::Path, path.as_bytes()),
            Object::Deleted(path) => (PathKind::Deleted, path.as_bytes()),
            Object::Foreign(path) => (PathKind::Foreign, path.as_bytes()),
            Object::Memfd(name) => {
                return match self.names.get(&*memfd_path(name)) {
                    Some(pieces) => {
                        RuleObject::from_pattern(PathPattern::new(PathKind::Memfd, pieces.clone()))
                    }
                    None => RuleObject::from_object(object),
                };
            }
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

fn memfd_path(name: &[u8]) -> Vec<u8> {
    [MEMFDS, name].concat()
}

/// Returns the memfds of the points by their names in the directory of memfds, with the processes that used them. Names
/// with a slash or a marker's NUL are not read.
fn memfds(points: &[LearnedPoint]) -> Vec<(Vec<u8>, u32)> {
    let named = points.iter().filter_map(|point| match &point.object {
        Object::Memfd(name) if !name.contains(&b'/') && !name.contains(&0) => {
            Some((memfd_path(name), point.ns_tgid))
        }
        _ => None,
    });
    named.collect()
}

/// Returns the final name in a temporary name, and the pieces before and behind it. The longest final name is preferred.
fn find_around<'a>(
    one: &Name<'a>,
    facts: &Facts<'_>,
) -> Option<(&'a [u8], Vec<Piece>, Vec<Piece>)> {
    let created = facts.created.get(one.path)?;
    let (directory, text) = (parent(one.path), last(one.path));
    if !one.origin.temporary && !facts.targets.contains(one.path) {
        return None;
    }
    // Without the lengths, long names would cost as much as their length times the text before them.
    let lengths = facts.lengths.get(directory)?;
    for length in lengths.range(1..text.len()).rev().copied() {
        for start in 0..=BEFORE_MAX.min(text.len() - length) {
            let keep = start..start + length;
            let inner = text.get(keep.clone())?;
            let path = [directory, inner].concat();
            if !facts.seen.contains(&*path) {
                continue;
            }
            let fixed = vec![Piece::Bytes(text.into())];
            if let Some((before, after)) = split_around(&fixed, inner) {
                return Some((inner, before, after));
            }
            if !facts.targets.contains(&*path) || !one.origin.removed {
                continue;
            }
            let best = facts
                .readings(one.path, created, one.origin, Some(&keep))
                .into_iter()
                .next();
            let split = best
                .filter(Reading::suffices)
                .and_then(|best| split_around(&best.pieces, inner));
            if let Some((before, after)) = split {
                return Some((inner, before, after));
            }
        }
    }
    None
}

/// Returns the pieces of a name if names of earlier runs with the same fixed parts and length show that the rest is
/// random: each run used one of them and no other run did.
fn across_runs(one: &Name<'_>, facts: &Facts<'_>, known: &Known) -> Option<Vec<Piece>> {
    let (directory, text) = (parent(one.path), last(one.path));
    let unused = |name: &&[u8]| {
        name.len() == text.len() && !facts.seen.contains(&*[directory, name].concat())
    };
    let earlier: Vec<&[u8]> = known.created(directory).filter(unused).collect();
    if earlier.len() < EARLIER_NAMES_MIN {
        return None;
    }
    let origin = Origin {
        temporary: true,
        ..one.origin
    };
    let random = |name: &[u8]| {
        let readings = name::readings(name, None, origin).into_iter();
        readings.filter(|reading| reading.pieces.contains(&Piece::Class(Class::Tmp)))
    };
    let earlier: Vec<Vec<Reading>> = earlier
        .into_iter()
        .map(|name| random(name).collect())
        .collect();
    let shared = random(text).filter_map(|reading| {
        let same = earlier
            .iter()
            .flatten()
            .filter(|other| other.pieces == reading.pieces);
        let gains: Vec<i32> = same.map(|other| other.gain).collect();
        let sum = gains.iter().sum::<i32>() + reading.gain;
        (gains.len() >= EARLIER_NAMES_MIN && sum >= NEED_ACROSS_RUNS)
            .then_some((sum, reading.pieces))
    });
    shared.max().map(|(_, pieces)| pieces)
}

/// True if the operation gives a file its name.
pub(crate) fn creates(operation: Operation) -> bool {
    match operation.op {
        Op::FileCreate | Op::FileMkdir | Op::FileSymlink | Op::FileMknod | Op::NetBind => true,
        Op::FileLink | Op::FileRename => operation.arg == abi::END_TO,
        _ => false,
    }
}

/// True if the operation takes a name away.
pub(crate) fn removes(operation: Operation) -> bool {
    match operation.op {
        Op::FileUnlink | Op::FileRmdir => true,
        Op::FileRename => operation.arg == abi::END_FROM,
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

/// True for a name that two files do not have by chance: eight or more characters, letters and digits.
fn is_distinctive(name: &[u8]) -> bool {
    name.len() >= DISTINCTIVE_MIN
        && name.iter().any(u8::is_ascii_alphabetic)
        && name.iter().any(u8::is_ascii_digit)
}

fn covers(pieces: &[Piece], name: &[u8]) -> bool {
    let pattern = PathPattern::new(PathKind::Memfd, pieces.to_vec());
    pattern.matches(&Object::Memfd(name.into()))
}
