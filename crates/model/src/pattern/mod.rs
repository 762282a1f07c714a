// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Path and address patterns: parsing, printing, matching, and conversion to a regular expression for the automaton.

pub(crate) mod date_parts;
mod index;
mod inet;
mod instance;
mod matching;
mod parse;
mod print;
mod regex;

use ambit_event::canonical::is_marked;
use ambit_event::lex::Class;
use ambit_event::{Object, Path};

pub(crate) use index::Index;
pub use inet::{InetPattern, Ports};
pub(crate) use matching::is_uuid;

/// Maximum depth of nested braces.
pub const NESTING: usize = 4;
/// Maximum length of a pattern's text in bytes.
pub const TEXT_MAX: usize = 16 * 1024;

/// A piece of a path pattern.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Piece {
    /// Literal bytes; never empty, never next to another such piece.
    Bytes(Box<[u8]>),
    /// `*`: any bytes but a slash.
    Star,
    /// `**`: any bytes.
    StarStar,
    /// A class such as `{n}`.
    Class(Class),
    /// `{a,b}`: sorted, at least two alternatives, none empty.
    Either(Vec<Vec<Piece>>),
}

impl Piece {
    /// Returns the choice of these names.
    pub(crate) fn one_of<'n>(names: impl Iterator<Item = &'n [u8]>) -> Self {
        Self::Either(names.map(|name| vec![Self::Bytes(name.into())]).collect())
    }
}

/// The kind of path that a pattern covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PathKind {
    /// `/…`
    Path,
    /// `deleted:/…`
    Deleted,
    /// `foreign:/…`
    Foreign,
    /// `memfd:…`
    Memfd,
}

impl PathKind {
    /// Returns the kind byte of the covered objects.
    pub const fn byte(self) -> u8 {
        match self {
            Self::Path => ambit_abi::KIND_PATH,
            Self::Deleted => ambit_abi::KIND_DELETED,
            Self::Foreign => ambit_abi::KIND_FOREIGN,
            Self::Memfd => ambit_abi::KIND_MEMFD,
        }
    }

    /// Returns the prefix of the text.
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Path => "",
            Self::Deleted => "deleted:",
            Self::Foreign => "foreign:",
            Self::Memfd => "memfd:",
        }
    }
}

/// A path pattern in canonical form: equal patterns have equal text.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PathPattern {
    kind: PathKind,
    pieces: Vec<Piece>,
}

impl PathPattern {
    /// Returns the kind of path.
    pub const fn kind(&self) -> PathKind {
        self.kind
    }

    /// Returns the pieces.
    pub fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    /// Returns the directory that contains all covered paths, without a slash at its end.
    pub fn directory(&self) -> &[u8] {
        let Some(Piece::Bytes(fixed)) = self.pieces.first() else {
            return &[];
        };
        let end = fixed.iter().rposition(|byte| *byte == b'/').unwrap_or(0);
        fixed.get(..end).unwrap_or_default()
    }

    /// Returns the maximum number of components of the covered paths; `None` if it is unlimited.
    pub fn depth(&self) -> Option<usize> {
        self.pieces.iter().try_fold(0, |depth, piece| match piece {
            Piece::Bytes(bytes) => Some(depth + bytes.split(|byte| *byte == b'/').count() - 1),
            Piece::Star | Piece::Class(_) => Some(depth),
            Piece::StarStar => None,
            Piece::Either(alternatives) => {
                let plain = |piece: &Piece| match piece {
                    Piece::Bytes(bytes) => !bytes.contains(&b'/'),
                    Piece::Star | Piece::Class(_) => true,
                    Piece::StarStar | Piece::Either(_) => false,
                };
                alternatives.iter().flatten().all(plain).then_some(depth)
            }
        })
    }

    /// Creates a pattern and brings it into canonical form.
    pub fn new(kind: PathKind, pieces: Vec<Piece>) -> Self {
        Self {
            kind,
            pieces: canonical(pieces),
        }
    }

    /// Returns the only object that the pattern covers, if the kernel part writes all its classes as markers.
    pub fn as_exact(&self) -> Option<Object> {
        let mut bytes = Vec::new();
        for piece in &self.pieces {
            match piece {
                Piece::Bytes(literal) => bytes.extend_from_slice(literal),
                Piece::Class(class) => bytes.extend_from_slice(&[0, class.marker()?.letter()]),
                Piece::Star | Piece::StarStar | Piece::Either(_) => return None,
            }
        }
        match self.kind {
            PathKind::Memfd if bytes.contains(&0) => None,
            PathKind::Memfd => Some(Object::Memfd(bytes.into())),
            PathKind::Path | PathKind::Deleted | PathKind::Foreign if !kernel_writes(&bytes) => {
                None
            }
            PathKind::Path => Path::new(bytes).ok().map(Object::Path),
            PathKind::Deleted => Path::new(bytes).ok().map(Object::Deleted),
            PathKind::Foreign => Path::new(bytes).ok().map(Object::Foreign),
        }
    }

    /// Creates the pattern for an object with markers.
    pub fn of_marked(kind: PathKind, bytes: &[u8]) -> Self {
        let mut pieces = Vec::new();
        let mut rest = bytes;
        while let Some(at) = rest.iter().position(|byte| *byte == 0) {
            let (before, after) = rest.split_at_checked(at).unwrap_or((rest, &[]));
            pieces.push(Piece::Bytes(before.into()));
            let letter = after.get(1).copied().unwrap_or_default();
            let class = Class::ALL.into_iter().find(|class| {
                class
                    .marker()
                    .is_some_and(|marker| marker.letter() == letter)
            });
            pieces.extend(class.map(Piece::Class));
            rest = after.get(2..).unwrap_or_default();
        }
        pieces.push(Piece::Bytes(rest.into()));
        Self::new(kind, pieces)
    }

    /// True if the pattern covers the object. This is the reference that tests compare the automaton with.
    pub fn matches(&self, object: &Object) -> bool {
        let bytes = match (self.kind, object) {
            (PathKind::Path, Object::Path(path))
            | (PathKind::Deleted, Object::Deleted(path))
            | (PathKind::Foreign, Object::Foreign(path)) => path.as_bytes(),
            (PathKind::Memfd, Object::Memfd(name)) => name,
            _ => return false,
        };
        matching::may_match(&self.pieces, bytes) && matching::matches(&self.pieces, bytes)
    }
}

/// True if the kernel part writes every marker of this path. It writes whole components in procfs and devpts, and names
/// of `O_TMPFILE` files in any directory. All other paths with markers are patterns, which also cover digits.
fn kernel_writes(bytes: &[u8]) -> bool {
    let numbered = is_marked(bytes);
    // Numbers in the root of procfs are processes, with a marker of their own.
    if bytes.starts_with(b"/proc/\0n") {
        return false;
    }
    bytes
        .split(|byte| *byte == b'/')
        .all(|component| match component {
            [0, ambit_abi::CLASS_TMPFILE] => true,
            [0, _] => numbered,
            other => !other.contains(&0),
        })
}

/// Returns pieces in canonical form: no empty or neighbouring literals, and sorted alternatives.
pub(crate) fn canonical(pieces: Vec<Piece>) -> Vec<Piece> {
    let mut out: Vec<Piece> = Vec::with_capacity(pieces.len());
    for piece in pieces {
        match piece {
            Piece::Either(alternatives) => {
                let mut alternatives: Vec<_> = alternatives.into_iter().map(canonical).collect();
                alternatives.sort();
                alternatives.dedup();
                match <[Vec<Piece>; 1]>::try_from(alternatives) {
                    Ok([only]) => only.into_iter().for_each(|piece| push(&mut out, piece)),
                    Err(alternatives) => out.push(Piece::Either(alternatives)),
                }
            }
            piece => push(&mut out, piece),
        }
    }
    out
}

fn push(out: &mut Vec<Piece>, piece: Piece) {
    match (out.last_mut(), piece) {
        (_, Piece::Bytes(bytes)) if bytes.is_empty() => {}
        (Some(Piece::Bytes(before)), Piece::Bytes(bytes)) => {
            *before = [&**before, &*bytes].concat().into_boxed_slice();
        }
        (Some(Piece::StarStar), Piece::Star | Piece::StarStar)
        | (Some(Piece::Star), Piece::Star) => {}
        (Some(last @ Piece::Star), Piece::StarStar) => *last = Piece::StarStar,
        (_, piece) => out.push(piece),
    }
}
