// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Finds dates and times in names, and the classes that cover other dates in the same spelling.
//!
//! A date has a year from 1970 to 2099, a month and a day: `20261129`, or `2026-11-29` with `-`, `_`, `.`, `:` or `/` twice. A
//! time may follow it, directly or behind `T`, `_`, `-`, `.`, `:` or a blank: `112843`, `1128`, `11:28:43` or `11:28`. A year
//! and a month may stand alone with `-` or `/`. Left out, since they have more other meanings than this one: years of two
//! digits, days before months, and seconds since 1970.

use std::collections::BTreeSet;
use std::ops::Range;

use ambit_event::lex::Class;

use crate::pattern::date_parts::{self, DAY, DatePart, HOUR, MINUTE, MONTH, SECOND, YEAR};
use crate::pattern::{PathPattern, Piece};

/// The digits of a number in a date, and the classes that cover them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Field {
    pub(crate) digits: Range<usize>,
    pub(crate) classes: &'static [Class],
}

impl Field {
    /// Returns the digits of each class.
    pub(crate) fn split(self) -> impl Iterator<Item = (Range<usize>, Class)> {
        let mut at = self.digits.start;
        self.classes.iter().map(move |class| {
            let start = at;
            let parts = date_parts::of_class(*class).iter();
            at += parts.map(|(length, _)| length).sum::<usize>();
            (start..at, *class)
        })
    }
}

/// Separators between a date's parts.
const BETWEEN: &[u8] = b"-_.:/";
/// Separators between a year and a month without a day.
const BETWEEN_MONTH: &[u8] = b"-/";
/// Separators between a date and a time.
const BEFORE_TIME: &[u8] = b"T_-.: ";

/// Returns the fields of all dates and times in a path or name.
pub(crate) fn fields(text: &[u8]) -> Vec<Field> {
    let mut out = Vec::new();
    let mut at = 0;
    while at < text.len() {
        if text.get(at).is_some_and(u8::is_ascii_digit) {
            let run = digits(text, at);
            match date(text, at) {
                Some(found) => {
                    at = found.last().map_or(run.end, |last| last.digits.end);
                    out.extend(found);
                }
                None => at = run.end,
            }
        } else {
            at += 1;
        }
    }
    out
}

/// Returns the range of the digits that begin at a position; an empty range if there is no digit.
fn digits(text: &[u8], at: usize) -> Range<usize> {
    let rest = text.get(at..).unwrap_or_default();
    let length = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    at..at + length
}

/// Reads a part of a date that is at a position, as a whole number.
fn number(text: &[u8], at: usize, (length, values): DatePart) -> Option<Range<usize>> {
    let range = digits(text, at);
    (range.len() == length && values.contains(&value(text, range.clone())?)).then_some(range)
}

fn value(text: &[u8], range: Range<usize>) -> Option<u32> {
    std::str::from_utf8(text.get(range)?).ok()?.parse().ok()
}

/// Returns the date that begins at a position, with its time.
fn date(text: &[u8], at: usize) -> Option<Vec<Field>> {
    let run = digits(text, at);
    let is = |from: usize, (length, values): DatePart| {
        let range = at + from..at + from + length;
        value(text, range).is_some_and(|value| values.contains(&value))
    };
    let whole = || is(0, YEAR) && is(4, MONTH) && is(6, DAY);
    let clock = || is(8, HOUR) && is(10, MINUTE);
    let one = |classes| {
        vec![Field {
            digits: run.clone(),
            classes,
        }]
    };
    match run.len() {
        14 if whole() && clock() && is(12, SECOND) => Some(one(&[Class::Date, Class::Time])),
        12 if whole() && clock() => Some(one(&[Class::Date, Class::Hour, Class::Minute])),
        8 if whole() => {
            let mut out = one(&[Class::Date]);
            out.extend(time(text, run.end));
            Some(out)
        }
        4 if is(0, YEAR) => separated(text, run),
        _ => None,
    }
}

/// Returns the date that begins with this year, if separators follow it.
fn separated(text: &[u8], year: Range<usize>) -> Option<Vec<Field>> {
    let between = text.get(year.end).filter(|byte| BETWEEN.contains(byte))?;
    let month = number(text, year.end + 1, MONTH)?;
    let field = |digits: Range<usize>, classes| Field { digits, classes };
    let mut out = vec![
        field(year, &[Class::Year]),
        field(month.clone(), &[Class::Month]),
    ];
    let day = (text.get(month.end) == Some(between))
        .then(|| number(text, month.end + 1, DAY))
        .flatten();
    if let Some(day) = day {
        out.push(field(day.clone(), &[Class::Day]));
        out.extend(time(text, day.end));
        return Some(out);
    }
    // A third number that is no day makes it something else, such as a version.
    let more = text.get(month.end) == Some(between) && !digits(text, month.end + 1).is_empty();
    (!more && BETWEEN_MONTH.contains(between)).then_some(out)
}

/// Returns the fields of the time behind a date that ends at a position; none if there is no time.
fn time(text: &[u8], end: usize) -> Vec<Field> {
    let field = |digits: Range<usize>, classes| Field { digits, classes };
    let is_behind = text.get(end).is_some_and(|byte| BEFORE_TIME.contains(byte));
    let run = digits(text, end + 1);
    if !is_behind || run.is_empty() {
        return Vec::new();
    }
    let is = |from: usize, (length, values): DatePart| {
        let range = run.start + from..run.start + from + length;
        value(text, range).is_some_and(|value| values.contains(&value))
    };
    match run.len() {
        6 if is(0, HOUR) && is(2, MINUTE) && is(4, SECOND) => vec![field(run, &[Class::Time])],
        4 if is(0, HOUR) && is(2, MINUTE) => vec![field(run, &[Class::Hour, Class::Minute])],
        2 if is(0, HOUR) => {
            let Some(between) = text.get(run.end).filter(|byte| b":-._".contains(byte)) else {
                return Vec::new();
            };
            let Some(minute) = number(text, run.end + 1, MINUTE) else {
                return Vec::new();
            };
            let second = (text.get(minute.end) == Some(between))
                .then(|| number(text, minute.end + 1, SECOND))
                .flatten();
            let mut out = vec![field(run, &[Class::Hour]), field(minute, &[Class::Minute])];
            out.extend(second.map(|second| field(second, &[Class::Second])));
            out
        }
        _ => Vec::new(),
    }
}

const CLASSES: [Class; 8] = [
    Class::Date,
    Class::Time,
    Class::Year,
    Class::Month,
    Class::Day,
    Class::Hour,
    Class::Minute,
    Class::Second,
];

/// True for a class of dates or times.
pub(crate) fn is_date(piece: &Piece) -> bool {
    matches!(piece, Piece::Class(class) if CLASSES.contains(class))
}

/// Returns the pieces with classes in place of the dates in their fixed parts, up to the end of the component with the last
/// date; `None` if there is no date.
pub(crate) fn dated(pieces: &[Piece]) -> Option<Vec<Piece>> {
    let mut out: Vec<Piece> = Vec::new();
    let mut last = None;
    for piece in pieces {
        let Piece::Bytes(bytes) = piece else {
            out.push(piece.clone());
            if is_date(piece) {
                last = Some(out.len());
            }
            continue;
        };
        let mut at = 0;
        for field in fields(bytes) {
            out.push(Piece::Bytes(bytes.get(at..field.digits.start)?.into()));
            out.extend(field.classes.iter().copied().map(Piece::Class));
            last = Some(out.len());
            at = field.digits.end;
        }
        out.push(Piece::Bytes(bytes.get(at..)?.into()));
    }
    let last = last?;
    // The names below the component with the last date may differ.
    for index in last..out.len() {
        if let Some(Piece::Bytes(bytes)) = out.get(index)
            && let Some(slash) = bytes.iter().position(|byte| *byte == b'/')
        {
            let rest = Piece::Bytes(bytes.get(..slash)?.into());
            out.truncate(index);
            out.push(rest);
            break;
        }
    }
    out.retain(|piece| !matches!(piece, Piece::Bytes(bytes) if bytes.is_empty()));
    Some(out)
}

/// Returns the pieces of a pattern with the classes of dates in place of `{n}`, if these paths, which the pattern covers,
/// have the same dates there in the same spelling.
pub(crate) fn narrowed<'a>(
    pieces: &[Piece],
    paths: impl Iterator<Item = &'a [u8]>,
) -> Option<Vec<Piece>> {
    let all: BTreeSet<Vec<Piece>> = paths
        .map(|path| narrowed_by(pieces, path))
        .collect::<Option<_>>()?;
    match <[Vec<Piece>; 1]>::try_from(Vec::from_iter(all)) {
        Ok([only]) if only != pieces => Some(only),
        _ => None,
    }
}

fn narrowed_by(pieces: &[Piece], path: &[u8]) -> Option<Vec<Piece>> {
    let fields = fields(path);
    let mut out = Vec::new();
    let mut at = 0;
    for piece in pieces {
        match piece {
            Piece::Bytes(bytes) => {
                path.get(at..)?.strip_prefix(&**bytes)?;
                at += bytes.len();
                out.push(piece.clone());
            }
            Piece::Class(Class::Num) => {
                let run = digits(path, at);
                let field = fields.iter().find(|field| field.digits == run);
                match field {
                    Some(field) => out.extend(field.classes.iter().copied().map(Piece::Class)),
                    None => out.push(piece.clone()),
                }
                at = run.end;
            }
            // Other pieces have no fixed end.
            _ => return None,
        }
    }
    (at == path.len()).then_some(out)
}

/// Splits the pieces of a path pattern into the components between its slashes.
pub(crate) fn components(pieces: &[Piece]) -> Vec<Vec<Piece>> {
    let mut out: Vec<Vec<Piece>> = Vec::new();
    for piece in pieces {
        let Piece::Bytes(bytes) = piece else {
            if let Some(last) = out.last_mut() {
                last.push(piece.clone());
            }
            continue;
        };
        for (index, part) in bytes.split(|byte| *byte == b'/').enumerate() {
            if index > 0 {
                out.push(Vec::new());
            }
            if let Some(last) = out.last_mut()
                && !part.is_empty()
            {
                last.push(Piece::Bytes(part.into()));
            }
        }
    }
    out
}

/// Returns the pieces of a path up to the component with its last date, with classes in place of dates and without; `None` if
/// it has no date. Both are equal for a pattern that has classes already.
pub(crate) fn split(pattern: &PathPattern) -> Option<(Vec<Piece>, PathPattern)> {
    let dated = dated(pattern.pieces())?;
    let count = components(&dated).len();
    let own: Vec<Piece> = components(pattern.pieces())
        .into_iter()
        .take(count)
        .flat_map(|component| std::iter::once(Piece::Bytes(b"/"[..].into())).chain(component))
        .collect();
    Some((dated, PathPattern::new(pattern.kind(), own)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pattern::PathKind;

    fn text(path: &str) -> Option<String> {
        let pieces = dated(&[Piece::Bytes(path.as_bytes().into())])?;
        Some(PathPattern::new(PathKind::Path, pieces).to_string())
    }

    #[test]
    fn usual_spellings_are_dates() {
        for (path, expected) in [
            ("/l/a-20261129.log", "/l/a-{date}.log"),
            ("/l/a.20261129-112843.gz", "/l/a.{date}-{time}.gz"),
            ("/l/20261129112843", "/l/{date}{time}"),
            ("/l/202611291128", "/l/{date}{hour}{minute}"),
            ("/l/20261129_1128", "/l/{date}_{hour}{minute}"),
            ("/l/2026-11-29", "/l/{year}-{month}-{day}"),
            (
                "/l/2026-11-29T11:28:43Z.json",
                "/l/{year}-{month}-{day}T{hour}:{minute}:{second}Z.json",
            ),
            (
                "/l/x_2026.11.29_11.28",
                "/l/x_{year}.{month}.{day}_{hour}.{minute}",
            ),
            ("/l/2026/11/29/x.csv", "/l/{year}/{month}/{day}"),
            ("/l/2026/11", "/l/{year}/{month}"),
            ("/l/log.2026-11", "/l/log.{year}-{month}"),
            ("/l/2026-11-29/raw", "/l/{year}-{month}-{day}"),
        ] {
            assert_eq!(text(path).as_deref(), Some(expected), "{path}");
        }
    }

    #[test]
    fn other_numbers_are_no_dates() {
        for path in [
            "/l/20261399",
            "/l/20260029",
            "/l/18991231",
            "/l/2026",
            "/l/2026.11",
            "/l/2026-13-01",
            "/l/26-11-29",
            "/l/29-11-2026",
            "/l/1795951723",
            "/l/120261129",
            "/l/x86_64",
            "/usr/share/app/2026.11.77",
        ] {
            assert_eq!(text(path), None, "{path}");
        }
    }

    #[test]
    fn numbers_of_a_pattern_become_dates_where_all_paths_have_them() {
        let narrow = |pattern: &str, paths: [&str; 2]| {
            let pattern = PathPattern::parse(PathKind::Path, pattern).unwrap();
            let pieces = narrowed(pattern.pieces(), paths.into_iter().map(str::as_bytes))?;
            Some(PathPattern::new(PathKind::Path, pieces).to_string())
        };
        assert_eq!(
            narrow(
                "/l/a-{n}-{n}.log",
                ["/l/a-20261129-7.log", "/l/a-20261130-8.log"]
            )
            .as_deref(),
            Some("/l/a-{date}-{n}.log")
        );
        assert_eq!(
            narrow("/l/{n}/{n}/{n}", ["/l/2026/11/29", "/l/2026/12/01"]).as_deref(),
            Some("/l/{year}/{month}/{day}")
        );
        assert_eq!(narrow("/l/{n}", ["/l/20261129", "/l/20269999"]), None);
        assert_eq!(narrow("/l/{n}*", ["/l/20261129x", "/l/20261130x"]), None);
    }
}
