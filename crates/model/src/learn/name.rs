// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Reads a file name as a sequence of fixed parts and classes.
//!
//! First come the parts with a form of their own: UUIDs, hashes and process numbers. Then at most one part that a maker
//! of temporary names generated: the one whose description by the maker saves most bits compared with ordinary text.

use std::ops::Range;

use ambit_event::lex::Class;

use super::heuristics::{has_inner_capital, is_hash, is_hex_number, is_upper_hex_number};
use super::part::{Origin, Part, overlaps, runs};
use super::search::candidates;
use crate::dates;
use crate::pattern::{Piece, is_uuid};

/// Minimum number of digits of a number that becomes a class without a process number beside it.
const NUMBER_DIGITS_MIN: usize = 6;
/// Length of the random part that mkstemp makes.
const RANDOM_LENGTH: usize = 6;
/// Minimum number of digits of a process number that may be part of a longer word.
const PROCESS_DIGITS_MIN: usize = 3;

/// A way to read a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reading {
    pub(super) pieces: Vec<Piece>,
    /// Hundredths of a bit that the generated part saves.
    pub(super) gain: i32,
    /// Hundredths of a bit that it must save if the name is the only evidence.
    pub(super) need: i32,
    /// True if the name contains a process number.
    pub(super) process: bool,
}

impl Reading {
    /// True if the name alone is enough evidence.
    pub(super) const fn suffices(&self) -> bool {
        self.gain > self.need
    }
}

/// Returns the readings of a name, the best one first. `keep` is a part of the name that is not generated. The result
/// is empty if no part of the name may be generated.
pub(super) fn readings(name: &[u8], keep: Option<&Range<usize>>, origin: Origin) -> Vec<Reading> {
    let mut parts: Vec<Part> = keep
        .into_iter()
        .map(|range| Part {
            range: range.clone(),
            class: None,
        })
        .collect();
    let kept = parts.len();
    let mut process = false;
    if let Some((own, base)) = own_number(name, &parts, origin) {
        process = true;
        parts.extend(own);
        if base == Base::Hex && origin.removed {
            add_hex_numbers(name, &mut parts);
        }
    }
    if origin.temporary {
        add_forms(name, &mut parts, origin.removed);
    }
    parts.sort_by_key(|part| part.range.start);
    let candidates = if origin.temporary {
        candidates(name, &parts, keep, origin)
    } else {
        Vec::new()
    };
    let mut out: Vec<Reading> = Vec::new();
    for candidate in candidates {
        let mut parts = parts.clone();
        parts.push(Part {
            range: candidate.range.clone(),
            class: Some(candidate.class),
        });
        let pieces = pieces(name, parts, origin, process, candidate.numbers);
        let reading = Reading {
            pieces,
            gain: candidate.gain,
            need: candidate.need,
            process,
        };
        match out.iter_mut().find(|other| other.pieces == reading.pieces) {
            Some(other) if (other.suffices(), other.gain) < (reading.suffices(), reading.gain) => {
                *other = reading;
            }
            Some(_) => {}
            None => out.push(reading),
        }
    }
    if parts.len() > kept {
        let pieces = pieces(name, parts, origin, process, false);
        // Certain by form, but a reading that explains more is better.
        out.push(Reading {
            pieces,
            gain: 1,
            need: 0,
            process,
        });
    }
    let rank = |reading: &Reading| (reading.suffices(), reading.gain);
    out.sort_by(|one, other| {
        rank(other)
            .cmp(&rank(one))
            .then_with(|| one.pieces.cmp(&other.pieces))
    });
    out
}

/// Builds the pieces. Numbers in the fixed parts of a temporary name become classes if they only distinguish the
/// temporary files of one process, or if they are long and stand beside a hash.
fn pieces(
    name: &[u8],
    mut parts: Vec<Part>,
    origin: Origin,
    process: bool,
    numbers: bool,
) -> Vec<Piece> {
    parts.sort_by_key(|part| part.range.start);
    let hash = parts.iter().any(|part| part.class == Some(Class::Hex));
    let digits_min = if process && (origin.removed || numbers) {
        1
    } else if hash && !process {
        NUMBER_DIGITS_MIN
    } else {
        usize::MAX
    };
    let mut out = Vec::new();
    let mut at = 0;
    for part in parts.iter().chain(&[Part {
        range: name.len()..name.len(),
        class: None,
    }]) {
        let fixed = name.get(at..part.range.start).unwrap_or_default();
        for run in runs(fixed, u8::is_ascii_digit) {
            let bytes = fixed.get(run).unwrap_or_default();
            let number = bytes.len() >= digits_min && bytes.iter().all(u8::is_ascii_digit);
            out.push(if number {
                Piece::Class(Class::Num)
            } else {
                Piece::Bytes(bytes.into())
            });
        }
        out.push(match part.class {
            Some(class) => Piece::Class(class),
            None => Piece::Bytes(name.get(part.range.clone()).unwrap_or_default().into()),
        });
        at = part.range.end;
    }
    out.retain(|piece| !matches!(piece, Piece::Bytes(bytes) if bytes.is_empty()));
    joined(out)
}

/// Joins literals that stand side by side.
pub(super) fn joined(pieces: Vec<Piece>) -> Vec<Piece> {
    let mut out: Vec<Piece> = Vec::new();
    for piece in pieces {
        match (out.last_mut(), piece) {
            (Some(Piece::Bytes(before)), Piece::Bytes(bytes)) => {
                *before = [&**before, &*bytes].concat().into_boxed_slice();
            }
            (_, piece) => out.push(piece),
        }
    }
    out
}

/// True if no letter or digit is beside the range.
fn delimited(name: &[u8], range: &Range<usize>) -> bool {
    let before = range.start.checked_sub(1).and_then(|at| name.get(at));
    let after = name.get(range.end);
    [before, after]
        .into_iter()
        .flatten()
        .all(|byte| !byte.is_ascii_alphanumeric())
}

/// True if the letters beside the range, up to a separator, mix their cases as no word does, or if all are one number in hex.
fn is_in_random_text(name: &[u8], range: &Range<usize>) -> bool {
    let mixed = |at: Range<usize>| name.get(at).is_some_and(has_inner_capital);
    runs(name, u8::is_ascii_alphanumeric)
        .find(|run| run.start <= range.start && range.end <= run.end)
        .is_some_and(|run| {
            let is_longer = run.len() > range.len();
            let in_hex = is_longer && name.get(run.clone()).is_some_and(is_hex_number);
            in_hex
                || run.len() == RANDOM_LENGTH
                    && (mixed(run.start..range.start) || mixed(range.end..run.end))
        })
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Base {
    Ten,
    Hex,
}

/// Returns the places of the own process number, in decimal or else in hex.
fn own_number(name: &[u8], parts: &[Part], origin: Origin) -> Option<(Vec<Part>, Base)> {
    let find = |text: &[u8], is: fn(&u8) -> bool, class| -> Vec<Part> {
        runs(name, is)
            .filter(|range| {
                name.get(range.clone())
                    .is_some_and(|run| run.eq_ignore_ascii_case(text))
            })
            .filter(|range| !overlaps(parts, range))
            .map(|range| Part {
                range,
                class: Some(class),
            })
            .collect()
    };
    let decimal = origin.pid.to_string();
    // A single digit is too weak as evidence; two digits may be a part of a random word.
    let mut found = find(decimal.as_bytes(), u8::is_ascii_digit, Class::Pid);
    if decimal.len() < PROCESS_DIGITS_MIN {
        found.retain(|part| decimal.len() > 1 && delimited(name, &part.range));
    }
    // By chance, a random text such as `335pTo` contains it.
    found.retain(|part| !is_in_random_text(name, &part.range));
    if !found.is_empty() {
        return Some((found, Base::Ten));
    }
    let hex = format!("{:x}", origin.pid);
    let mut found = find(hex.as_bytes(), u8::is_ascii_hexdigit, Class::Hex);
    let mixed = hex.bytes().any(|byte| byte.is_ascii_digit())
        && hex.bytes().any(|byte| !byte.is_ascii_digit());
    let long = hex.len() > PROCESS_DIGITS_MIN;
    found.retain(|part| {
        let delimited = delimited(name, &part.range);
        match (mixed, origin.temporary) {
            (true, true) => long || hex.len() == PROCESS_DIGITS_MIN && delimited,
            (true, false) => long && delimited,
            (false, temporary) => temporary && origin.removed && long && delimited,
        }
    });
    (!found.is_empty()).then_some((found, Base::Hex))
}

/// Adds the other hex numbers behind a process number in hex: they have the same base. The extension stays.
fn add_hex_numbers(name: &[u8], parts: &mut Vec<Part>) {
    let first = parts
        .iter()
        .filter(|part| part.class.is_some())
        .map(|part| part.range.end)
        .min();
    let end = name
        .iter()
        .rposition(|byte| *byte == b'.')
        .unwrap_or(name.len());
    let more: Vec<Part> = runs(name, u8::is_ascii_alphanumeric)
        .filter(|range| first.is_some_and(|first| first < range.start) && range.end <= end)
        .filter(|range| {
            let run = name.get(range.clone()).unwrap_or_default();
            run.iter().all(u8::is_ascii_hexdigit) && !overlaps(parts, range)
        })
        .map(|range| Part {
            range,
            class: Some(Class::Hex),
        })
        .collect();
    parts.extend(more);
}

/// Returns the places of UUIDs in a name.
pub(super) fn uuids(name: &[u8]) -> Vec<Range<usize>> {
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(window) = name.get(at..at + 36) {
        if is_uuid(window) {
            out.push(at..at + 36);
            at += 36;
        } else {
            at += 1;
        }
    }
    out
}

/// Adds UUIDs, delimited hashes and numbers in hex with capital letters, and the dates of a file that was removed: it has another date tomorrow.
fn add_forms(name: &[u8], parts: &mut Vec<Part>, removed: bool) {
    let uuids = uuids(name).into_iter().map(|range| (range, Class::Uuid));
    let hashes = runs(name, u8::is_ascii_alphanumeric)
        .filter(|range| {
            name.get(range.clone())
                .is_some_and(|run| is_hash(run) || is_upper_hex_number(run))
        })
        .map(|range| (range, Class::Hex));
    // A hash may contain digits that look like a date.
    let dates = dates::fields(name).into_iter().filter(|_| removed);
    let dates = dates.flat_map(dates::Field::split);
    for (range, class) in uuids.chain(hashes).chain(dates) {
        if !overlaps(parts, &range) {
            parts.push(Part {
                range,
                class: Some(class),
            });
        }
    }
}

/// Returns the numbers in a name that may be process numbers, in decimal or hex. Numbers of one or two digits usually
/// have another meaning.
pub(super) fn process_numbers(name: &[u8]) -> impl Iterator<Item = u32> {
    let text = |range: Range<usize>| std::str::from_utf8(name.get(range)?).ok();
    let decimal = runs(name, u8::is_ascii_digit)
        .filter_map(text)
        .filter(|digits| digits.len() >= PROCESS_DIGITS_MIN && !digits.starts_with('0'))
        .filter_map(|digits| digits.parse().ok());
    let hex = runs(name, u8::is_ascii_hexdigit)
        .filter(|range| delimited(name, range))
        .filter_map(text)
        .filter(|digits| digits.len() > PROCESS_DIGITS_MIN && !digits.starts_with('0'))
        .filter(|digits| digits.bytes().any(|byte| !byte.is_ascii_digit()))
        .filter_map(|digits| u32::from_str_radix(digits, 16).ok());
    decimal.chain(hex)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::pattern::{PathKind, PathPattern};

    fn text(name: &str, origin: Origin) -> Option<String> {
        let best = readings(name.as_bytes(), None, origin).into_iter().next()?;
        let pieces = best.suffices().then_some(best.pieces)?;
        Some(PathPattern::new(PathKind::Path, pieces).to_string())
    }

    const REMOVED: Origin = Origin {
        temporary: true,
        removed: true,
        mode: 0,
        pid: 4711,
    };
    const PRIVATE: Origin = Origin {
        mode: 0o600,
        ..REMOVED
    };
    const KEPT: Origin = Origin {
        temporary: false,
        removed: false,
        mode: 0,
        pid: 4711,
    };

    #[test]
    fn generated_names_become_classes() {
        for (name, pattern) in [
            ("sedAb3dEf", "sed{tmp}"),
            ("tmp.k2LqP9xYzA", "tmp.{tmp}"),
            ("tmp.KxyzeFgh12", "tmp.{tmp}"),
            (".sedAb3dEf", ".sed{tmp}"),
            ("vA5bCd9", "v{tmp}"),
            ("Backup1a2B3c", "Backup{tmp}"),
            (".nginx-aB3dE6", ".nginx-{tmp}"),
            ("Xy9Zab.txt", "{tmp}.txt"),
            ("db-aB3dE6-journal", "db-{tmp}-journal"),
            ("tmpk3_x9ab2", "tmp{tmp}"),
            ("tmpabcdefgh.py", "tmp{tmp}.py"),
            ("ccQ1w2E3.s", "cc{tmp}.s"),
            ("go-build1234567890", "go-build{n}"),
            ("0000000001", "{n}"),
            ("cache-9f8e7d6c5b", "cache-{tmp}"),
            ("b7f54b2df7773722d382f4809d65029c", "{hex}"),
            (
                "pack-809e532d03eaa42c3c7f81c8c0dfc69d.idx",
                "pack-{hex}.idx",
            ),
            ("b7f54b2df7773722d382f4809d65029c.0000000012", "{hex}.{n}"),
            ("e4c96ec01673432fd6ccb16d0d4f32e3312499", "{hex}"),
            ("550e8400-e29b-41d4-a716-446655440000.lock", "{uuid}.lock"),
            ("server-4711.pid", "server-{pid}.pid"),
            ("link-4711-0-17", "link-{pid}-{n}-{n}"),
            ("link-4711-3812672356-end", "link-{pid}-{n}-end"),
            ("mail-20261130-101409", "mail-{date}-{time}"),
            ("20261130101409.csv.part", "{date}{time}.csv.part"),
            (
                "dump-2026-11-30T1014.4711",
                "dump-{year}-{month}-{day}T{hour}{minute}.{pid}",
            ),
            ("20261130-18d1f8e.sha256", "{date}-18d1f8e.sha256"),
        ] {
            assert_eq!(text(name, REMOVED).as_deref(), Some(pattern), "{name}");
        }
    }

    proptest! {
        #[test]
        fn names_of_mktemp_become_the_same_pattern(generated in "[A-Za-z0-9]{10}") {
            let name = format!("tmp.{generated}");
            let found = text(&name, PRIVATE);
            prop_assert_eq!(found.as_deref(), Some("tmp.{tmp}"));
        }

        #[test]
        fn the_run_after_a_separator_is_generated_as_a_whole(generated in "[a-z]{4}[A-Z][a-z0-9]{5}") {
            let name = format!("db-{generated}");
            let found = text(&name, PRIVATE);
            prop_assert_eq!(found.as_deref(), Some("db-{tmp}"));
        }
    }

    #[test]
    fn ordinary_names_stay_exact() {
        for name in [
            "Makefile",
            "README",
            "README1",
            "passwd.lock",
            "nginx2024",
            "temporary",
            "dpkg-new",
            "file001",
            "index.html",
            "47110.log",
            "x86_64",
        ] {
            assert_eq!(text(name, REMOVED), None, "{name}");
        }
    }

    #[test]
    fn dates_of_files_that_stay_are_exact() {
        let stays = Origin {
            removed: false,
            ..REMOVED
        };
        assert_eq!(text("app-2026-11-24.log", stays), None);
    }

    #[test]
    fn a_process_number_in_random_text_is_none() {
        let of = |name: &str| {
            let origin = Origin {
                pid: 335,
                ..PRIVATE
            };
            text(name, origin)
        };
        assert_eq!(of(".x.jpg.335pTo").as_deref(), Some(".x.jpg.{tmp}"));
        assert_eq!(of(".x.jpg.335").as_deref(), Some(".x.jpg.{pid}"));
        assert_eq!(of("job335").as_deref(), Some("job{pid}"));
        assert_eq!(of("335C70A9E").as_deref(), Some("{hex}"));
    }

    #[test]
    fn names_of_permanent_files_stay_exact() {
        for name in ["sedAb3dEf", "0000000001", "tmp.k2LqP9xYzA", ".bash_history"] {
            assert_eq!(text(name, KEPT), None, "{name}");
        }
        assert_eq!(text("run-4711", KEPT).as_deref(), Some("run-{pid}"));
        assert_eq!(text("run-4711-2", KEPT).as_deref(), Some("run-{pid}-2"));
    }

    #[test]
    fn a_private_file_needs_less_evidence_to_be_temporary() {
        assert_eq!(text("sedabcde1", REMOVED), None);
        assert_eq!(text("sedabcde1", PRIVATE).as_deref(), Some("sed{tmp}"));
        assert_eq!(text("2ui_34rm", PRIVATE).as_deref(), Some("{tmp}"));
        assert_eq!(text("2ui_34rm", REMOVED), None);
        for name in ["lockfile", "t3_16402"] {
            assert_eq!(text(name, PRIVATE), None, "{name}");
        }
    }
}
