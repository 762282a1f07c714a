// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Suggestions for misspelt words.

/// Returns the Levenshtein distance between two sequences.
pub fn edit_distance<T: PartialEq>(a: &[T], b: &[T]) -> usize {
    let (a, b): (Vec<&T>, Vec<&T>) = (a.iter().collect(), b.iter().collect());
    strsim::generic_levenshtein(&a, &b)
}

/// Returns the candidate nearest to `word`, if they differ by a typing error, by case, or because one of them lacks the
/// other's family (`connect` for `net.connect`, `CAP_CHOWN` for `chown`).
pub fn nearest<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
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
            strsim::levenshtein(&word, &known)
        }
    };
    candidates
        .into_iter()
        .map(|candidate| (distance(candidate), candidate))
        .filter(|(distance, _)| *distance <= limit)
        // Of equally near candidates prefer one with the same letters: two letters were swapped.
        .min_by_key(|(distance, candidate)| (*distance, letters(candidate) != letters(&word)))
        .map(|(_, candidate)| candidate)
}

/// Returns the sorted letters of a word, in lower case.
fn letters(word: &str) -> Vec<u8> {
    let mut letters = word.to_ascii_lowercase().into_bytes();
    letters.sort_unstable();
    letters
}

/// True if `end` is what follows the family in `whole`.
fn is_end(whole: &str, end: &str) -> bool {
    whole
        .strip_suffix(end)
        .is_some_and(|family| !end.is_empty() && (family.ends_with('.') || family.ends_with('_')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggests_for_a_typing_error_and_not_for_noise() {
        assert_eq!(
            nearest("file.opne", ["file.open", "file.unlink"]),
            Some("file.open")
        );
        assert_eq!(nearest("qqqqqqqqq", ["file.open", "file.unlink"]), None);
    }

    #[test]
    fn suggests_for_another_case_and_a_missing_family() {
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
