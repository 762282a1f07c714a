// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Patterns of paths and of addresses: text, meaning, and the regular expression for the automaton.

mod index;
mod inet;
mod matching;
mod parse;
mod print;
mod regex;

use ambit_event::lex::Class;
use ambit_event::{Object, Path};

pub(crate) use index::Index;
pub use inet::{InetPattern, Ports};

/// Braces may be nested this deep.
pub const NESTING: usize = 4;
/// Longest pattern in bytes of text.
pub const TEXT_MAX: usize = 16 * 1024;

/// A piece of a path's pattern.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Piece {
    /// These bytes; never next to another such piece, never empty.
    Bytes(Box<[u8]>),
    /// `*`: any run within one component.
    Star,
    /// `**`: any run.
    StarStar,
    /// `{n}` and so on.
    Class(Class),
    /// `{a,b}`: sorted, at least two, none empty.
    Either(Vec<Vec<Piece>>),
}

/// What kind of path a pattern is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PathKind {
    /// `/…`
    Path,
    /// `deleted:/…`
    Deleted,
    /// `memfd:…`
    Memfd,
}

impl PathKind {
    /// The kind byte of the objects.
    pub const fn byte(self) -> u8 {
        match self {
            Self::Path => ambit_abi::KIND_PATH,
            Self::Deleted => ambit_abi::KIND_DELETED,
            Self::Memfd => ambit_abi::KIND_MEMFD,
        }
    }

    /// What the text begins with.
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Path => "",
            Self::Deleted => "deleted:",
            Self::Memfd => "memfd:",
        }
    }
}

/// A pattern of paths, in canonical form: equal patterns have equal text.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PathPattern {
    kind: PathKind,
    pieces: Vec<Piece>,
}

impl PathPattern {
    /// The kind of path.
    pub const fn kind(&self) -> PathKind {
        self.kind
    }

    /// The pieces.
    pub fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    /// The fixed directory that all it covers is in, without a slash at its end.
    pub fn directory(&self) -> &[u8] {
        let Some(Piece::Bytes(fixed)) = self.pieces.first() else {
            return &[];
        };
        let end = fixed.iter().rposition(|byte| *byte == b'/').unwrap_or(0);
        fixed.get(..end).unwrap_or_default()
    }

    /// How many components the paths have that it covers; `None` where any number.
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

    /// Puts pieces into canonical form.
    pub fn new(kind: PathKind, pieces: Vec<Piece>) -> Self {
        Self {
            kind,
            pieces: normal(pieces),
        }
    }

    /// The one object that the pattern stands for, where the kernel part writes all its classes itself.
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
            PathKind::Path | PathKind::Deleted if !kernel_writes(&bytes) => None,
            PathKind::Path => Path::new(bytes).ok().map(Object::Path),
            PathKind::Deleted => Path::new(bytes).ok().map(Object::Deleted),
        }
    }

    /// The pattern that an object with markers stands for.
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

    /// Whether the object is covered. Slow and plain: what the automaton is checked against.
    pub fn matches(&self, object: &Object) -> bool {
        let bytes = match (self.kind, object) {
            (PathKind::Path, Object::Path(path)) | (PathKind::Deleted, Object::Deleted(path)) => {
                path.as_bytes()
            }
            (PathKind::Memfd, Object::Memfd(name)) => name,
            _ => return false,
        };
        self.may_match(bytes) && matching::matches(&self.pieces, bytes)
    }

    /// What the fixed ends rule out, so that many patterns cost little.
    fn may_match(&self, bytes: &[u8]) -> bool {
        let begins = match self.pieces.first() {
            Some(Piece::Bytes(fixed)) => bytes.starts_with(fixed),
            _ => true,
        };
        let ends = match self.pieces.last() {
            Some(Piece::Bytes(fixed)) => bytes.ends_with(fixed),
            _ => true,
        };
        begins && ends
    }
}

/// Whether the kernel part writes every marker of this path: whole components in procfs and devpts, and names of
/// `O_TMPFILE` anywhere. Elsewhere the same text is a pattern, so that it means digits as well.
fn kernel_writes(bytes: &[u8]) -> bool {
    let numbered = bytes.starts_with(b"/proc/") || bytes.starts_with(b"/dev/pts/");
    // What is numbered in procfs' root is a process.
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

fn normal(pieces: Vec<Piece>) -> Vec<Piece> {
    let mut out: Vec<Piece> = Vec::with_capacity(pieces.len());
    for piece in pieces {
        match piece {
            Piece::Either(alternatives) => {
                let mut alternatives: Vec<_> = alternatives.into_iter().map(normal).collect();
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
