// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The reference implementation of pattern matching: maps a set of positions to the set of positions after a piece.

use std::collections::BTreeSet;

use ambit_abi::{CLASS_NUM, CLASS_PID, CLASS_SELF, CLASS_TMPFILE};
use ambit_event::lex::Class;

use super::Piece;
use super::date_parts::{self, DatePart};

type Positions = BTreeSet<usize>;

pub(super) fn matches(pieces: &[Piece], input: &[u8]) -> bool {
    all(pieces, input, Positions::from([0])).contains(&input.len())
}

fn all(pieces: &[Piece], input: &[u8], from: Positions) -> Positions {
    pieces
        .iter()
        .fold(from, |from, piece| one(piece, input, &from))
}

fn one(piece: &Piece, input: &[u8], from: &Positions) -> Positions {
    match piece {
        Piece::Bytes(bytes) => from
            .iter()
            .filter(|at| {
                input
                    .get(**at..)
                    .is_some_and(|rest| rest.starts_with(bytes))
            })
            .map(|at| at + bytes.len())
            .collect(),
        Piece::Star => run(input, from, |symbol| symbol != b"/", 0),
        Piece::StarStar => run(input, from, |_| true, 0),
        Piece::Class(class) => of_class(*class, input, from),
        Piece::Either(alternatives) => alternatives
            .iter()
            .flat_map(|alternative| all(alternative, input, from.clone()))
            .collect(),
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
    let mut out = Positions::new();
    for start in from {
        let mut at = *start;
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
        from.iter()
            .filter(|at| match input.get(**at..) {
                Some([0, letter, ..]) => letters.contains(letter),
                _ => false,
            })
            .map(|at| at + 2)
            .collect()
    };
    let digit = |symbol: &[u8]| matches!(symbol, [byte] if byte.is_ascii_digit());
    let number = || {
        let from = from
            .iter()
            .copied()
            .filter(|at| {
                input
                    .get(*at)
                    .is_some_and(|byte| (b'1'..=b'9').contains(byte))
            })
            .collect();
        run(input, &from, digit, 1)
    };
    match class {
        Class::Num => &marker(&[CLASS_NUM, CLASS_PID, CLASS_SELF]) | &run(input, from, digit, 1),
        Class::Pid => &marker(&[CLASS_PID, CLASS_SELF]) | &number(),
        Class::Own => &marker(&[CLASS_SELF]) | &number(),
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
        Class::Uuid => from
            .iter()
            .filter(|at| input.get(**at..**at + 36).is_some_and(is_uuid))
            .map(|at| at + 36)
            .collect(),
    }
}

/// Returns the positions after parts of a date that stand side by side.
fn parts(input: &[u8], from: &Positions, parts: &[DatePart]) -> Positions {
    let fits = |at: usize, (length, values): &DatePart| {
        let digits = input.get(at..at + length)?;
        let value: u32 = std::str::from_utf8(digits).ok()?.parse().ok()?;
        (digits.iter().all(u8::is_ascii_digit) && values.contains(&value)).then_some(at + length)
    };
    let whole = |at: &usize| parts.iter().try_fold(*at, fits);
    from.iter().filter_map(whole).collect()
}

/// True if 36 bytes have the form of a UUID, in either case.
pub(crate) fn is_uuid(bytes: &[u8]) -> bool {
    bytes.iter().enumerate().all(|(index, byte)| match index {
        8 | 13 | 18 | 23 => *byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    })
}
