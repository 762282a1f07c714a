// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Finds the generated part of a file name: made by mkstemp and similar functions, from a counter, or from a process
//! number.
//!
//! Conventions: glibc's mkstemp appends six of `A-Za-z0-9` to a stem; mktemp(1) appends ten to `tmp.`; Python's
//! tempfile appends eight of `a-z0-9_` to `tmp`; Go's os.CreateTemp appends up to ten digits; other programs use hex
//! digits or a UUID. A file that is named after its content has a hash as its name.

use ambit_event::lex::Class;

use crate::pattern::Piece;

/// Facts about the file that a name belongs to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Origin {
    /// The file is temporary: it was removed, renamed away, or is in a directory for temporary files.
    pub(super) temporary: bool,
    /// The file was removed or renamed away.
    pub(super) removed: bool,
    /// The file is accessible to its owner only, like files of mkstemp and mkdtemp.
    pub(super) private: bool,
    /// The process that created the file, by its number in its own PID namespace.
    pub(super) pid: u32,
}

/// Maximum length of an extension.
const EXTENSION_MAX: usize = 8;
/// Minimum number of hex digits in a hash.
pub(crate) const HASH_DIGITS_MIN: usize = 16;
/// Minimum number of digits in a counter.
const COUNTER_DIGITS_MIN: usize = 6;
/// Number of random characters of mkstemp.
const MKSTEMP_CHARS: usize = 6;

/// Returns the name as a pattern; `None` if no part of it was generated.
pub(super) fn pieces(name: &[u8], origin: Origin) -> Option<Vec<Piece>> {
    let found = if origin.temporary {
        uuid(name)
            .or_else(|| hash(name))
            .or_else(|| mktemp(name, origin))
            .or_else(|| counter(name, origin))
            .or_else(|| python(name, origin))
            .or_else(|| suffix(name, origin.private))
    } else {
        None
    };
    let generated = found.is_some();
    let pieces = found.unwrap_or_else(|| vec![literal(name)]);
    with_pid_class(&pieces, origin).or_else(|| generated.then_some(pieces))
}

/// Replaces the process number by a class; returns `None` if the name does not contain it. If the file was removed,
/// other numbers become classes, too: they only distinguish the temporary files of one process.
fn with_pid_class(pieces: &[Piece], origin: Origin) -> Option<Vec<Piece>> {
    let own = origin.pid.to_string();
    // A single digit is too weak as evidence.
    let is_own = |digits: &[u8]| digits.len() > 1 && digits == own.as_bytes();
    let numbers = |piece: &Piece| match piece {
        Piece::Bytes(bytes) => numbers(bytes).any(is_own),
        _ => false,
    };
    if !pieces.iter().any(numbers) {
        return None;
    }
    let mut out = Vec::new();
    for piece in pieces {
        let Piece::Bytes(bytes) = piece else {
            out.push(piece.clone());
            continue;
        };
        for run in bytes.chunk_by(|a, b| a.is_ascii_digit() == b.is_ascii_digit()) {
            out.push(if is_own(run) {
                Piece::Class(Class::Pid)
            } else if origin.removed && run.iter().all(u8::is_ascii_digit) {
                Piece::Class(Class::Num)
            } else {
                literal(run)
            });
        }
    }
    Some(out)
}

/// Returns the numbers in a name that may be process numbers. Numbers of one or two digits usually have another
/// meaning.
pub(super) fn process_numbers(name: &[u8]) -> impl Iterator<Item = u32> {
    numbers(name)
        .filter(|digits| digits.len() >= 3 && !digits.starts_with(b"0"))
        .filter_map(|digits| std::str::from_utf8(digits).ok()?.parse().ok())
}

/// Returns the runs of digits in a name.
fn numbers(name: &[u8]) -> impl Iterator<Item = &[u8]> {
    name.chunk_by(|a, b| a.is_ascii_digit() == b.is_ascii_digit())
        .filter(|run| run.iter().all(u8::is_ascii_digit))
}

fn literal(bytes: &[u8]) -> Piece {
    Piece::Bytes(bytes.into())
}

fn around(before: &[u8], class: Class, after: &[u8]) -> Vec<Piece> {
    vec![literal(before), Piece::Class(class), literal(after)]
}

fn split3(name: &[u8], start: usize, end: usize) -> Option<(&[u8], &[u8], &[u8])> {
    Some((name.get(..start)?, name.get(start..end)?, name.get(end..)?))
}

fn uuid(name: &[u8]) -> Option<Vec<Piece>> {
    let at = name.windows(36).position(|part| {
        part.iter().enumerate().all(|(index, byte)| match index {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
    })?;
    let (before, _, after) = split3(name, at, at + 36)?;
    Some(around(before, Class::Uuid, after))
}

/// Replaces a hash that is delimited by non-alphanumeric characters. Long numbers in the same name are replaced as
/// well.
fn hash(name: &[u8]) -> Option<Vec<Piece>> {
    let mut start = 0;
    for run in name.chunk_by(|a, b| a.is_ascii_alphanumeric() == b.is_ascii_alphanumeric()) {
        let end = start + run.len();
        if is_hash(run) {
            let (before, _, after) = split3(name, start, end)?;
            let mut pieces = with_number_classes(before);
            pieces.push(Piece::Class(Class::Hex));
            pieces.extend(with_number_classes(after));
            return Some(pieces);
        }
        start = end;
    }
    None
}

/// Replaces each long number by a class.
fn with_number_classes(text: &[u8]) -> Vec<Piece> {
    text.chunk_by(|a, b| a.is_ascii_digit() == b.is_ascii_digit())
        .map(|run| {
            if run.len() >= COUNTER_DIGITS_MIN && run.iter().all(u8::is_ascii_digit) {
                Piece::Class(Class::Num)
            } else {
                literal(run)
            }
        })
        .collect()
}

/// Replaces a long number that is the whole name or its end, as made by counters and by Go.
fn counter(name: &[u8], origin: Origin) -> Option<Vec<Piece>> {
    let (start, end) = run_before_extension(name, u8::is_ascii_digit)?;
    let (before, digits, after) = split3(name, start, end)?;
    let is_whole_name = before.is_empty() && after.is_empty();
    let long = digits.len() >= COUNTER_DIGITS_MIN;
    (long && (origin.removed || !is_whole_name)).then(|| around(before, Class::Num, after))
}

/// Replaces ten of `A-Za-z0-9` after `tmp.`, even if they look like a word.
fn mktemp(name: &[u8], origin: Origin) -> Option<Vec<Piece>> {
    let generated = name.strip_prefix(b"tmp.")?;
    let matches =
        origin.private && generated.len() == 10 && generated.iter().all(u8::is_ascii_alphanumeric);
    matches.then(|| around(b"tmp.", Class::Tmp, b""))
}

/// Replaces eight of `a-z0-9_` after `tmp`, with an optional extension; or eight as the whole name, which Python's
/// tempfile creates to test whether a directory is writable.
fn python(name: &[u8], origin: Origin) -> Option<Vec<Piece>> {
    let alphabet = |generated: &[u8]| {
        generated
            .iter()
            .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'))
    };
    if name.len() == 8 && origin.private && origin.removed && alphabet(name) && !is_word_like(name)
    {
        return Some(around(b"", Class::Tmp, b""));
    }
    let rest = name.strip_prefix(b"tmp")?;
    let (generated, after) = rest.split_at_checked(8)?;
    (alphabet(generated) && is_extension(after)).then(|| around(b"tmp", Class::Tmp, after))
}

/// True if the name consists of words and numbers: `lockfile`, `t3_16402`.
fn is_word_like(name: &[u8]) -> bool {
    name.split(|byte| *byte == b'_').all(|part| {
        let letters = part.iter().take_while(|byte| byte.is_ascii_lowercase());
        let number = part.get(letters.count()..).unwrap_or_default();
        number.iter().all(u8::is_ascii_digit)
    })
}

fn suffix(name: &[u8], private: bool) -> Option<Vec<Piece>> {
    let mut end = name.len();
    // Searches the last run that looks generated; a fixed end such as `-journal` may follow it.
    while end > 0 {
        let run = name
            .get(..end)?
            .iter()
            .rev()
            .take_while(|byte| byte.is_ascii_alphanumeric())
            .count();
        let start = end - run;
        let (_, generated, after) = split3(name, start, end)?;
        if run >= MKSTEMP_CHARS && is_extension(after) {
            // A stem may precede the six characters directly. After a separator, the whole run is random.
            let first = name.iter().take(start).all(|byte| *byte == b'.');
            let stem = if first { stem(generated) } else { 0 };
            let random = generated.get(stem..)?;
            let transitions_min = if private { 1 } else { 2 };
            if transitions(random) >= transitions_min || is_hex(random) {
                let (before, _, after) = split3(name, start + stem, end)?;
                return Some(around(before, Class::Tmp, after));
            }
        }
        end = start.saturating_sub(1);
    }
    None
}

/// Returns the length of the word before mkstemp's six characters: 3 for `sedAb3dEf`, 1 for `vAb3dEf`.
fn stem(run: &[u8]) -> usize {
    let Some(split) = run.len().checked_sub(MKSTEMP_CHARS) else {
        return 0;
    };
    let Some((word, random)) = run.split_at_checked(split) else {
        return 0;
    };
    let [first, rest @ ..] = word else { return 0 };
    let is_word = first.is_ascii_alphabetic() && rest.iter().all(u8::is_ascii_lowercase);
    if is_word && transitions(random) >= 1 && !is_hex(run) {
        split
    } else {
        0
    }
}

/// Returns the number of changes between uppercase letters, lowercase letters and digits. Words and versions have one.
pub(crate) fn transitions(run: &[u8]) -> usize {
    let class = |byte: &u8| (byte.is_ascii_uppercase(), byte.is_ascii_digit());
    run.windows(2)
        .filter(|pair| matches!(pair, [a, b] if class(a) != class(b)))
        .count()
}

/// True for eight or more hex digits that contain both letters and digits.
pub(crate) fn is_hex(run: &[u8]) -> bool {
    run.len() >= 8
        && run
            .iter()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        && transitions(run) >= 1
}

/// True for hex digits that are long enough for a hash.
pub(crate) fn is_hash(run: &[u8]) -> bool {
    run.len() >= HASH_DIGITS_MIN && is_hex(run)
}

/// True for an empty end, and for a fixed end that begins with a separator: `.txt`, `-journal`.
fn is_extension(after: &[u8]) -> bool {
    match after {
        [] => true,
        [first, rest @ ..] => {
            !first.is_ascii_alphanumeric()
                && rest.len() <= EXTENSION_MAX
                && rest.iter().all(|byte| {
                    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'~')
                })
        }
    }
}

/// Returns the range of the last run of matching bytes; only an extension may follow it.
fn run_before_extension(name: &[u8], is: impl Fn(&u8) -> bool) -> Option<(usize, usize)> {
    let last = name.iter().rposition(&is)?;
    let end = last + 1;
    let start = name
        .get(..end)?
        .iter()
        .rposition(|byte| !is(byte))
        .map_or(0, |before| before + 1);
    is_extension(name.get(end..)?).then_some((start, end))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::pattern::{PathKind, PathPattern};

    fn text(name: &str, origin: Origin) -> Option<String> {
        pieces(name.as_bytes(), origin)
            .map(|pieces| PathPattern::new(PathKind::Path, pieces).to_string())
    }

    const REMOVED: Origin = Origin {
        temporary: true,
        removed: true,
        private: false,
        pid: 4711,
    };
    const PRIVATE: Origin = Origin {
        private: true,
        ..REMOVED
    };
    const KEPT: Origin = Origin {
        temporary: false,
        removed: false,
        private: false,
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
