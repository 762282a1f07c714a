// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Splits the name of a temporary file around the final name that it contains.

use std::collections::BTreeSet;

use super::makers::AROUND;
use crate::pattern::Piece;

/// Returns the pieces before and behind the final name in a temporary name, which is one component of a path:
/// `.` and `.{tmp}` for `.IMG_4973.jpg.{tmp}` and `IMG_4973.jpg`. Returns `None` if the final name is not a part of it,
/// or if programs do not put such text around a final name.
pub(crate) fn split_around(
    temporary: &[Piece],
    final_name: &[u8],
) -> Option<(Vec<Piece>, Vec<Piece>)> {
    if final_name.is_empty() {
        return None;
    }
    temporary.iter().enumerate().find_map(|(index, piece)| {
        let Piece::Bytes(bytes) = piece else {
            return None;
        };
        let places = bytes.windows(final_name.len()).enumerate();
        let mut places = places.filter(|(_, part)| *part == final_name);
        places.find_map(|(at, _)| {
            let (left, right) = (bytes.get(..at)?, bytes.get(at + final_name.len()..)?);
            let mut before = temporary.get(..index)?.to_vec();
            before.extend(literal(left));
            let mut after: Vec<Piece> = literal(right).into_iter().collect();
            after.extend(temporary.get(index + 1..)?.iter().cloned());
            surrounds(&before, &after).then_some((before, after))
        })
    })
}

/// Returns the final names that a temporary name may contain, one component of a path.
pub(crate) fn inner_names(name: &[Piece]) -> BTreeSet<&[u8]> {
    let exact = name.len() == 1;
    let texts = name
        .iter()
        .enumerate()
        .filter_map(|(at, piece)| match piece {
            Piece::Bytes(bytes) => Some((at, &**bytes)),
            _ => None,
        });
    let mut out = BTreeSet::new();
    for (at, text) in texts {
        for row in AROUND {
            let before = if at == 0 { row.before.as_bytes() } else { b"" };
            let Some(rest) = text.strip_prefix(before) else {
                continue;
            };
            if exact {
                out.extend(rest.strip_suffix(row.after.as_bytes()));
                continue;
            }
            // One separator stands between the name and the generated part.
            let rest = match rest.split_first() {
                Some((first, others)) if at > 0 && !first.is_ascii_alphanumeric() => others,
                _ => rest,
            };
            out.insert(rest);
            out.extend(rest.split_last().map(|(_, others)| others));
        }
    }
    out.retain(|inner| split_around(name, inner).is_some());
    out
}

fn literal(bytes: &[u8]) -> Option<Piece> {
    (!bytes.is_empty()).then(|| Piece::Bytes(bytes.into()))
}

/// True if programs put these pieces around a final name.
fn surrounds(before: &[Piece], after: &[Piece]) -> bool {
    let known_before =
        |text: &[u8]| text.is_empty() || AROUND.iter().any(|row| row.before.as_bytes() == text);
    let known_after =
        |text: &[u8]| text.is_empty() || AROUND.iter().any(|row| row.after.as_bytes() == text);
    match (fixed(before), fixed(after)) {
        (Some(before), Some(after)) => AROUND
            .iter()
            .any(|row| row.before.as_bytes() == before && row.after.as_bytes() == after),
        // A part between them was generated.
        (Some(before), None) => {
            let separated = !matches!(after.first(), Some(Piece::Bytes(bytes)) if bytes.first().is_some_and(u8::is_ascii_alphanumeric));
            known_before(before) && separated
        }
        (None, Some(after)) => {
            let separated = !matches!(before.last(), Some(Piece::Bytes(bytes)) if bytes.last().is_some_and(u8::is_ascii_alphanumeric));
            known_after(after) && separated
        }
        (None, None) => false,
    }
}

/// Returns the text of pieces without a class.
fn fixed(pieces: &[Piece]) -> Option<&[u8]> {
    match pieces {
        [] => Some(&[]),
        [Piece::Bytes(bytes)] => Some(bytes),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pattern::{PathKind, PathPattern};

    fn split(temporary: &str, final_name: &str) -> Option<(String, String)> {
        let pattern = PathPattern::parse(PathKind::Memfd, temporary).unwrap();
        let (before, after) = split_around(pattern.pieces(), final_name.as_bytes())?;
        let text = |pieces| {
            let text = PathPattern::new(PathKind::Memfd, pieces).to_string();
            text.trim_start_matches("memfd:").to_owned()
        };
        Some((text(before), text(after)))
    }

    #[test]
    fn temporary_names_are_split_around_their_final_names() {
        for (temporary, final_name, before, after) in [
            (".photo_12.png.{tmp}", "photo_12.png", ".", ".{tmp}"),
            ("photo_12.png.{tmp}", "photo_12.png", "", ".{tmp}"),
            (".#unit.service{hex}", "unit.service", ".#", "{hex}"),
            ("notes.txt~", "notes.txt", "", "~"),
            ("#notes.txt#", "notes.txt", "#", "#"),
            ("refs.lock", "refs", "", ".lock"),
            ("film.mkv.part", "film.mkv", "", ".part"),
            ("a.a.lock", "a.a", "", ".lock"),
            ("{tmp}-report.csv", "report.csv", "{tmp}-", ""),
            (".state.{pid}.new", "state", ".", ".{pid}.new"),
        ] {
            let expected = Some((before.to_owned(), after.to_owned()));
            assert_eq!(split(temporary, final_name), expected, "{temporary}");
        }
    }

    #[test]
    fn other_names_that_contain_a_name_are_not_split() {
        for (name, part) in [
            ("classes.log", "class"),
            ("notes.txt", "notes.txt"),
            ("notes.txt.gz", "notes.txt"),
            ("subnotes{tmp}", "notes"),
            ("other", "notes"),
            ("x", ""),
        ] {
            assert_eq!(split(name, part), None, "{name}");
        }
    }
}
