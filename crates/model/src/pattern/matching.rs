// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The reference implementation of pattern matching: maps a set of positions to the set of positions after a piece.

use ambit_abi::{CLASS_NUM, CLASS_PID, CLASS_SELF, CLASS_TMPFILE};
use ambit_event::lex::Class;

use super::Piece;
use super::date_parts::{self, DatePart};

/// A set of positions in an input.
#[derive(Clone)]
struct Positions(Vec<bool>);

impl Positions {
    /// Returns no position of an input.
    fn none(input: &[u8]) -> Self {
        Self(vec![false; input.len() + 1])
    }

    /// Returns some positions of an input.
    fn of(input: &[u8], positions: impl IntoIterator<Item = usize>) -> Self {
        let mut out = Self::none(input);
        for at in positions {
            out.insert(at);
        }
        out
    }

    /// Adds a position; returns false if the set has it. A position behind the input's end is left out.
    fn insert(&mut self, at: usize) -> bool {
        self.0
            .get_mut(at)
            .is_some_and(|contains| !std::mem::replace(contains, true))
    }

    fn contains(&self, at: usize) -> bool {
        self.0.get(at).copied().unwrap_or(false)
    }

    fn iter(&self) -> impl Iterator<Item = usize> {
        let all = self.0.iter().enumerate();
        all.filter(|(_, contains)| **contains).map(|(at, _)| at)
    }

    fn extend(&mut self, other: &Self) {
        for (own, other) in self.0.iter_mut().zip(&other.0) {
            *own |= other;
        }
    }
}

pub(super) fn matches(pieces: &[Piece], input: &[u8]) -> bool {
    all(pieces, input, Positions::of(input, [0])).contains(input.len())
}

/// True unless the literal pieces exclude a match: each must occur in the input behind the ones before it, the first and the last
/// piece at its ends. This costs much less than matching, and excludes nearly all inputs.
pub(super) fn may_match(pieces: &[Piece], input: &[u8]) -> bool {
    let (inner, input) = match pieces {
        [Piece::Bytes(first), inner @ ..] => match input.strip_prefix(&**first) {
            Some(input) => (inner, input),
            None => return false,
        },
        _ => (pieces, input),
    };
    let (inner, mut input) = match inner {
        [inner @ .., Piece::Bytes(last)] => match input.strip_suffix(&**last) {
            Some(input) => (inner, input),
            None => return false,
        },
        _ => (inner, input),
    };
    inner.iter().all(|piece| match piece {
        Piece::Bytes(bytes) => behind(input, bytes).is_some_and(|rest| {
            input = rest;
            true
        }),
        Piece::Either(alternatives) => alternatives.iter().any(|one| may_occur(one, input)),
        _ => true,
    })
}

/// True unless the input lacks a literal piece.
fn may_occur(pieces: &[Piece], input: &[u8]) -> bool {
    pieces.iter().all(|piece| match piece {
        Piece::Bytes(bytes) => behind(input, bytes).is_some(),
        _ => true,
    })
}

/// Returns the input behind the first occurrence of a text.
fn behind<'i>(input: &'i [u8], text: &[u8]) -> Option<&'i [u8]> {
    let first = text.first()?;
    let mut starts = input.iter().enumerate().filter(|(_, byte)| *byte == first);
    starts.find_map(|(at, _)| input.get(at..)?.strip_prefix(text))
}

fn all(pieces: &[Piece], input: &[u8], from: Positions) -> Positions {
    pieces
        .iter()
        .fold(from, |from, piece| one(piece, input, &from))
}

fn one(piece: &Piece, input: &[u8], from: &Positions) -> Positions {
    match piece {
        Piece::Bytes(bytes) => {
            let starts = from
                .iter()
                .filter(|at| input.get(*at..).is_some_and(|rest| rest.starts_with(bytes)));
            Positions::of(input, starts.map(|at| at + bytes.len()))
        }
        Piece::Star => run(input, from, |symbol| symbol != b"/", 0),
        Piece::StarStar => run(input, from, |_| true, 0),
        Piece::Class(class) => of_class(*class, input, from),
        Piece::Either(alternatives) => {
            let mut out = Positions::none(input);
            for alternative in alternatives {
                out.extend(&all(alternative, input, from.clone()));
            }
            out
        }
    }
}

/// Returns the byte or the marker (NUL and letter) at a position.
fn symbol(input: &[u8], at: usize) -> Option<&[u8]> {
    match input.get(at..)? {
        [] | [0] => None,
        [0, ..] => input.get(at..at + 2),
        _ => input.get(at..=at),
    }
}

/// Returns all positions after at least `least` fitting symbols.
fn run(input: &[u8], from: &Positions, fits: impl Fn(&[u8]) -> bool, least: usize) -> Positions {
    let mut out = Positions::none(input);
    for start in from.iter() {
        let mut at = start;
        let mut count = 0;
        loop {
            if count >= least && !out.insert(at) && least == 0 {
                break;
            }
            match symbol(input, at).filter(|symbol| fits(symbol)) {
                Some(symbol) => at += symbol.len(),
                None => break,
            }
            count += 1;
        }
    }
    out
}

fn of_class(class: Class, input: &[u8], from: &Positions) -> Positions {
    let marker = |letters: &[u8]| -> Positions {
        let marked = from.iter().filter(|at| match input.get(*at..) {
            Some([0, letter, ..]) => letters.contains(letter),
            _ => false,
        });
        Positions::of(input, marked.map(|at| at + 2))
    };
    let digit = |symbol: &[u8]| matches!(symbol, [byte] if byte.is_ascii_digit());
    let number = || {
        let from = from.iter().filter(|at| {
            input
                .get(*at)
                .is_some_and(|byte| (b'1'..=b'9').contains(byte))
        });
        run(input, &Positions::of(input, from), digit, 1)
    };
    let or = |mut one: Positions, other: &Positions| {
        one.extend(other);
        one
    };
    match class {
        Class::Num => or(
            marker(&[CLASS_NUM, CLASS_PID, CLASS_SELF]),
            &run(input, from, digit, 1),
        ),
        Class::Pid => or(marker(&[CLASS_PID, CLASS_SELF]), &number()),
        Class::Own => or(marker(&[CLASS_SELF]), &number()),
        Class::Tmpfile => marker(&[CLASS_TMPFILE]),
        Class::Hex => run(
            input,
            from,
            |symbol| matches!(symbol, [byte] if byte.is_ascii_hexdigit()),
            1,
        ),
        Class::Tmp => run(
            input,
            from,
            |symbol| matches!(symbol, [byte] if byte.is_ascii_alphanumeric() || *byte == b'_'),
            6,
        ),
        Class::Date
        | Class::Time
        | Class::Year
        | Class::Month
        | Class::Day
        | Class::Hour
        | Class::Minute
        | Class::Second => parts(input, from, date_parts::of_class(class)),
        Class::Uuid => {
            let uuids = from
                .iter()
                .filter(|at| input.get(*at..*at + 36).is_some_and(is_uuid));
            Positions::of(input, uuids.map(|at| at + 36))
        }
    }
}

/// Returns the positions after parts of a date that stand side by side.
fn parts(input: &[u8], from: &Positions, parts: &[DatePart]) -> Positions {
    let fits = |at: usize, (length, values): &DatePart| {
        let digits = input.get(at..at + length)?;
        let value: u32 = std::str::from_utf8(digits).ok()?.parse().ok()?;
        (digits.iter().all(u8::is_ascii_digit) && values.contains(&value)).then_some(at + length)
    };
    let whole = |at: usize| parts.iter().try_fold(at, fits);
    Positions::of(input, from.iter().filter_map(whole))
}

/// True if 36 bytes have the form of a UUID, in either case.
pub(crate) fn is_uuid(bytes: &[u8]) -> bool {
    bytes.iter().enumerate().all(|(index, byte)| match index {
        8 | 13 | 18 | 23 => *byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    })
}

#[cfg(test)]
mod tests {
    use ambit_event::{Object, Path};

    use crate::pattern::{PathKind, PathPattern};

    fn matches(pattern: &str, path: &str) -> bool {
        let object = Object::Path(Path::new(path.as_bytes().to_vec()).unwrap());
        let pattern = PathPattern::parse(PathKind::Path, pattern).unwrap();
        pattern.matches(&object)
    }

    #[test]
    fn literal_pieces_must_occur_in_order_and_apart() {
        assert!(matches("**/.ssh/**/x*y", "/home/u/.ssh/a/xy"));
        assert!(!matches("**/.ssh/**/x*y", "/home/u/ssh/a/xy"));
        assert!(!matches("/a*b*a", "/aa"));
        assert!(!matches("/ab*ba", "/aba"));
        assert!(matches("/ab*ba", "/abba"));
        assert!(!matches("/*b*a*", "/ab"));
        assert!(matches("/*aab*", "/aaab"));
        assert!(matches("**/*.{key,p*em}", "/a.key/b.pxem"));
        assert!(!matches("**/*.{key,p*em}", "/a.pem/b.crt"));
        assert!(matches("/{a,b}{b,c}*", "/bb"));
        assert!(matches("/a{*,b}c", "/abc"));
    }
}
