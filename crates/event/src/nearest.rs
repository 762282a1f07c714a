// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The known word that somebody probably meant.

/// Levenshtein distance between two sequences.
pub fn edit_distance<T: PartialEq>(a: &[T], b: &[T]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (y, cell) in b.iter().zip(row.iter_mut().skip(1)) {
            let above = *cell;
            let replaced = diagonal + usize::from(x != y);
            *cell = replaced.min(above + 1).min(left + 1);
            diagonal = above;
            left = *cell;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or(a.len())
}

/// The candidate nearest to `word`, if it is near enough to be a slip, another case, or one of both without its family
/// (`connect` of `net.connect`, `CAP_CHOWN` of `chown`).
pub fn nearest(
    word: &str,
    candidates: impl IntoIterator<Item = &'static str>,
) -> Option<&'static str> {
    if word.len() > 64 {
        return None;
    }
    let limit = word.chars().count() / 3 + 1;
    let word = word.to_ascii_lowercase();
    let far = limit + 1;
    let distance = |candidate: &str| {
        let known = candidate.to_ascii_lowercase();
        if is_end(&word, &known) || is_end(&known, &word) {
            0
        } else if known.len().abs_diff(word.len()) > limit {
            far
        } else {
            edit_distance(word.as_bytes(), known.as_bytes())
        }
    };
    candidates
        .into_iter()
        .map(|candidate| (distance(candidate), candidate))
        .filter(|(distance, _)| *distance <= limit)
        // Of those that are as near, one of the same letters: two of them were exchanged.
        .min_by_key(|(distance, candidate)| (*distance, letters(candidate) != letters(&word)))
        .map(|(_, candidate)| candidate)
}

/// The letters of a word, whatever their order and case.
fn letters(word: &str) -> Vec<u8> {
    let mut letters = word.to_ascii_lowercase().into_bytes();
    letters.sort_unstable();
    letters
}

/// Whether a text is what comes behind the family of another.
fn is_end(whole: &str, end: &str) -> bool {
    whole
        .strip_suffix(end)
        .is_some_and(|family| !end.is_empty() && (family.ends_with('.') || family.ends_with('_')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_single_edits() {
        assert_eq!(edit_distance(b"kitten", b"sitting"), 3);
        assert_eq!(edit_distance::<u8>(b"", b"abc"), 3);
        assert_eq!(edit_distance(b"abc", b"abc"), 0);
    }

    #[test]
    fn a_slip_is_recognised_and_noise_is_not() {
        assert_eq!(
            nearest("file.opne", ["file.open", "file.unlink"]),
            Some("file.open")
        );
        assert_eq!(nearest("qqqqqqqqq", ["file.open", "file.unlink"]), None);
    }

    #[test]
    fn another_case_and_another_family_are_slips() {
        assert_eq!(
            nearest("CAP_SYS_ADMIN", ["chown", "sys_admin"]),
            Some("sys_admin")
        );
        assert_eq!(nearest("SIGKILL", ["HUP", "KILL"]), Some("KILL"));
        assert_eq!(nearest("SOCK_STREAM", ["dgram", "stream"]), Some("stream"));
        assert_eq!(nearest("TCP", ["tcp", "udp"]), Some("tcp"));
        assert_eq!(
            nearest("connect", ["exec", "net.connect"]),
            Some("net.connect")
        );
        assert_eq!(
            nearest("uid", ["task.gid", "task.uid", "object.uid"]),
            Some("task.uid")
        );
        assert_eq!(nearest("", ["a.", "b"]), Some("b"));
    }
}
