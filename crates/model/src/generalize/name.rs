// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Splits names into fixed parts and parts that may vary.

use std::ops::Range;

use ambit_event::lex::Class;

use crate::learn::heuristics::{is_hex, transitions};
use crate::pattern::is_uuid;

/// The kind of a part that may vary; a kind earlier in the list has the narrower class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum PartKind {
    /// Digits.
    Number,
    /// Digits of a date, or of a time beside a date.
    Date,
    /// Eight or more hex digits that contain both letters and digits.
    Hex,
    /// A UUID.
    Uuid,
    /// Letters and digits in the style of `mkstemp`.
    Random,
}

impl PartKind {
    pub(super) const fn class(self) -> Class {
        match self {
            Self::Number | Self::Date => Class::Num,
            Self::Hex => Class::Hex,
            Self::Uuid => Class::Uuid,
            Self::Random => Class::Tmp,
        }
    }
}

/// A part of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Part<'a> {
    pub(super) bytes: &'a [u8],
    /// `None` if the part is fixed.
    pub(super) kind: Option<PartKind>,
}

/// A part of a name's template. Names with equal templates may form a cluster.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum TemplatePart {
    Fixed(Box<[u8]>),
    Varies(Class),
    /// A random part, which has the same length in all names.
    Random(usize),
}

/// Returns the template of a name.
pub(super) fn template(parts: &[Part<'_>]) -> Vec<TemplatePart> {
    parts
        .iter()
        .map(|part| match part.kind {
            None => TemplatePart::Fixed(part.bytes.into()),
            Some(PartKind::Random) => TemplatePart::Random(part.bytes.len()),
            Some(kind) => TemplatePart::Varies(kind.class()),
        })
        .collect()
}

/// True if a directory with this name may distribute hashes by their first or last digits.
pub(super) fn is_fanout(name: &[u8]) -> bool {
    (1..=3).contains(&name.len())
        && name
            .iter()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// True for platform names of Debian and GNU, such as `x86_64-linux-gnu`.
pub(super) fn is_platform(name: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(name) else {
        return false;
    };
    let Some((machine, system)) = text.split_once("-linux-") else {
        return false;
    };
    let word = |text: &str| {
        !text.is_empty()
            && text
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
    };
    word(machine) && word(system) && (system.starts_with("gnu") || system.starts_with("musl"))
}

/// Splits a name into parts.
pub(super) fn parts(name: &[u8]) -> Vec<Part<'_>> {
    let mut cut: Vec<(Range<usize>, Option<PartKind>)> = Vec::new();
    let mut at = 0;
    while at < name.len() {
        let rest = name.get(at..).unwrap_or_default();
        let at_boundary = at == 0 || !name.get(at - 1).is_some_and(u8::is_ascii_alphanumeric);
        let (length, kind) = if at_boundary && begins_with_uuid(rest) {
            (36, Some(PartKind::Uuid))
        } else {
            let length = rest
                .iter()
                .take_while(|byte| byte.is_ascii_alphanumeric())
                .count();
            if length == 0 {
                (1, None)
            } else {
                split_run(&mut cut, rest.get(..length).unwrap_or_default(), at);
                at += length;
                continue;
            }
        };
        push(&mut cut, at..at + length, kind);
        at += length;
    }
    let mut parts: Vec<Part<'_>> = cut
        .into_iter()
        .map(|(range, kind)| Part {
            bytes: name.get(range).unwrap_or_default(),
            kind,
        })
        .collect();
    mark_dates(&mut parts);
    parts
}

/// Splits a run of letters and digits, or keeps it whole if it has one kind.
fn split_run(cut: &mut Vec<(Range<usize>, Option<PartKind>)>, run: &[u8], at: usize) {
    let whole = at..at + run.len();
    if run.iter().all(u8::is_ascii_digit) {
        push(cut, whole, Some(PartKind::Number));
    } else if is_hex(run) || is_hex(&run.to_ascii_lowercase()) && !has_lowercase(run) {
        push(cut, whole, Some(PartKind::Hex));
    } else if is_random(run) {
        push(cut, whole, Some(PartKind::Random));
    } else {
        let mut from = at;
        for piece in run.chunk_by(|a, b| a.is_ascii_digit() == b.is_ascii_digit()) {
            let kind = piece
                .first()
                .is_some_and(u8::is_ascii_digit)
                .then_some(PartKind::Number);
            push(cut, from..from + piece.len(), kind);
            from += piece.len();
        }
    }
}

fn push(
    cut: &mut Vec<(Range<usize>, Option<PartKind>)>,
    range: Range<usize>,
    kind: Option<PartKind>,
) {
    match cut.last_mut() {
        Some((before, None)) if kind.is_none() => before.end = range.end,
        _ => cut.push((range, kind)),
    }
}

fn has_lowercase(run: &[u8]) -> bool {
    run.iter().any(u8::is_ascii_lowercase)
}

/// True if a run looks random. Words written by people also mix upper case, lower case and digits, so a random run must
/// contain a digit and have more changes than words have.
fn is_random(run: &[u8]) -> bool {
    run.len() >= 6 && transitions(run) >= 3 && run.iter().any(u8::is_ascii_digit)
}

/// True if the bytes begin with a whole UUID.
fn begins_with_uuid(bytes: &[u8]) -> bool {
    bytes.get(..36).is_some_and(is_uuid) && !bytes.get(36).is_some_and(u8::is_ascii_alphanumeric)
}

fn number(part: Option<&Part<'_>>) -> Option<(usize, u64)> {
    let part = part.filter(|part| part.kind == Some(PartKind::Number))?;
    let value = std::str::from_utf8(part.bytes).ok()?.parse().ok()?;
    Some((part.bytes.len(), value))
}

/// Returns a separator of one character.
fn separator(part: Option<&Part<'_>>) -> Option<u8> {
    match part? {
        Part {
            bytes: [separator],
            kind: None,
        } => Some(*separator),
        _ => None,
    }
}

pub(super) fn is_year(value: u64) -> bool {
    (1970..2100).contains(&value)
}

/// True for a date without separators such as `20261124`, with an optional time behind it.
fn is_whole_date(length: usize, value: u64) -> bool {
    let date = match length {
        8 => value,
        12 => value / 10_000,
        14 => value / 1_000_000,
        _ => return false,
    };
    is_year(date / 10_000)
        && (1..=12).contains(&(date / 100 % 100))
        && (1..=31).contains(&(date % 100))
}

/// Returns the number of parts, from the first on, that form a date.
fn date_parts(parts: &[Part<'_>]) -> Option<usize> {
    let (length, value) = number(parts.first())?;
    if is_whole_date(length, value) {
        return Some(1);
    }
    if length != 4 || !is_year(value) {
        return None;
    }
    let separator_at =
        |index: usize| separator(parts.get(index)).filter(|separator| b"-_.".contains(separator));
    let two = |index: usize, most: u64| {
        number(parts.get(index))
            .is_some_and(|(length, value)| length == 2 && (1..=most).contains(&value))
    };
    let between = separator_at(1)?;
    if !two(2, 12) {
        return None;
    }
    if separator_at(3) == Some(between) && two(4, 31) {
        return Some(5);
    }
    // A year and a month only.
    number(parts.get(4)).is_none().then_some(3)
}

fn mark_dates(parts: &mut [Part<'_>]) {
    let mut at = 0;
    while at < parts.len() {
        let Some(length) = parts.get(at..).and_then(date_parts) else {
            at += 1;
            continue;
        };
        let mut end = at + length;
        // A time behind the date: hours, minutes and seconds, in one number or several.
        for _ in 0..4 {
            let time = separator(parts.get(end))
                .is_some_and(|separator| b"T_-.: ".contains(&separator))
                && number(parts.get(end + 1)).is_some_and(|(length, _)| length != 1 && length <= 9);
            if !time {
                break;
            }
            end += 2;
        }
        for part in parts.get_mut(at..end).unwrap_or_default() {
            if part.kind == Some(PartKind::Number) {
                part.kind = Some(PartKind::Date);
            }
        }
        at = end;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::heuristics::is_hash;

    fn shown(name: &str) -> String {
        parts(name.as_bytes())
            .iter()
            .map(|part| match part.kind {
                None => String::from_utf8_lossy(part.bytes).into_owned(),
                Some(kind) => format!("<{kind:?}>"),
            })
            .collect()
    }

    #[test]
    fn dates_and_times_are_distinguished_from_other_numbers() {
        for (name, expected) in [
            ("app-2026-11-24.log", "app-<Date>-<Date>-<Date>.log"),
            ("log.2026-11", "log.<Date>-<Date>"),
            ("20261124", "<Date>"),
            ("dump_20261124_101500.sql", "dump_<Date>_<Date>.sql"),
            (
                "x-2026-11-24T10:15:00.1.gz",
                "x-<Date>-<Date>-<Date>T<Date>:<Date>:<Date>.<Number>.gz",
            ),
            ("20261399", "<Number>"),
            ("2026", "<Number>"),
            ("1.2.3", "<Number>.<Number>.<Number>"),
        ] {
            assert_eq!(shown(name), expected, "{name}");
        }
    }

    #[test]
    fn words_versions_and_platforms_are_fixed_but_for_their_numbers() {
        for (name, expected) in [
            ("libfoo.so.1.2.3", "libfoo.so.<Number>.<Number>.<Number>"),
            ("x86_64-linux-gnu", "x<Number>_<Number>-linux-gnu"),
            ("NetworkManager", "NetworkManager"),
            ("README1", "README<Number>"),
            ("deadbeef", "deadbeef"),
            ("os.cpython-311.pyc", "os.cpython-<Number>.pyc"),
        ] {
            assert_eq!(shown(name), expected, "{name}");
        }
        assert!(is_platform(b"x86_64-linux-gnu") && is_platform(b"arm-linux-gnueabihf"));
        assert!(!is_platform(b"my-linux-box") && !is_platform(b"-linux-gnu"));
    }

    #[test]
    fn uuids_hashes_and_random_names_are_seen() {
        for (name, expected) in [
            (
                "s-550e8400-e29b-41d4-a716-446655440000.lock",
                "s-<Uuid>.lock",
            ),
            ("b7f54b2df7773722d382f4809d65029c", "<Hex>"),
            ("obj-9F86D081884C7D65", "obj-<Hex>"),
            ("up.k2LqP9xYzA", "up.<Random>"),
        ] {
            assert_eq!(shown(name), expected, "{name}");
        }
        assert!(is_hash(b"b7f54b2df7773722d382f4809d65029c") && !is_hash(b"0123"));
        assert!(is_fanout(b"29") && is_fanout(b"c") && !is_fanout(b"pack"));
    }
}
