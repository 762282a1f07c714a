// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Predicates of runs of letters and digits, shared by learning and generalising.

/// Minimum number of hex digits in a hash.
pub(crate) const HASH_DIGITS_MIN: usize = 16;

/// Returns the number of changes between uppercase letters, lowercase letters and digits. Words and versions have one.
pub(crate) fn transitions(run: &[u8]) -> usize {
    let class = |byte: &u8| (byte.is_ascii_uppercase(), byte.is_ascii_digit());
    run.windows(2)
        .filter(|pair| matches!(pair, [a, b] if class(a) != class(b)))
        .count()
}

/// True if a capital letter follows a small one, as in few words.
pub(crate) fn has_inner_capital(part: &[u8]) -> bool {
    let inner =
        |pair: &[u8]| matches!(pair, [a, b] if a.is_ascii_lowercase() && b.is_ascii_uppercase());
    part.windows(2).any(inner)
}

/// Minimum number of hex digits in a part that a program chose, such as an id.
const HEX_DIGITS_MIN: usize = 8;

/// True for eight or more hex digits with capital letters, or digits only.
pub(crate) fn is_upper_hex(run: &[u8]) -> bool {
    let is_digit = |byte: &u8| matches!(byte, b'0'..=b'9' | b'A'..=b'F');
    run.len() >= HEX_DIGITS_MIN && run.iter().all(is_digit)
}

/// True for eight or more hex digits with small letters, or digits only.
fn is_lower_hex(run: &[u8]) -> bool {
    let is_digit = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    run.len() >= HEX_DIGITS_MIN && run.iter().all(is_digit)
}

/// True for eight or more hex digits of one case whose letters and digits change places twice: no word with a number does that.
pub(crate) fn is_hex_number(run: &[u8]) -> bool {
    (is_lower_hex(run) || is_upper_hex(run)) && transitions(run) >= 2
}

/// True for a number in hex with capital letters.
pub(crate) fn is_upper_hex_number(run: &[u8]) -> bool {
    is_hex_number(run) && run.iter().any(u8::is_ascii_uppercase)
}

/// True for eight or more hex digits that contain both letters and digits.
pub(crate) fn is_hex(run: &[u8]) -> bool {
    is_lower_hex(run) && transitions(run) >= 1
}

/// True for hex digits that are long enough for a hash.
pub(crate) fn is_hash(run: &[u8]) -> bool {
    run.len() >= HASH_DIGITS_MIN && is_hex(run)
}
