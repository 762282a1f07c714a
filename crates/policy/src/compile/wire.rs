// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Layout of `struct ambit_facts`.

use ambit_abi as abi;

use crate::condition::{Number, Text};

#[cfg(not(target_endian = "little"))]
compile_error!("words of tests are read in halves, the lower one first");

/// Words of 64 tests of each text.
const TEXT_WORDS: usize = abi::RULE_AUTOMATA * abi::RULE_WORDS;
const MATCH: usize = abi::RULE_NUMBERS * 8;
const FIRED: usize = MATCH + abi::RULE_TEXTS * TEXT_WORDS * 8;
/// Limit of rules of a hook.
pub(super) const RULES: usize = abi::RULE_FIRED * 64;
/// Size of the structure.
const SIZE: usize = FIRED + abi::RULE_FIRED * 8;

const _: () = assert!(
    Number::COUNT == abi::RULE_NUMBERS,
    "every number has its place"
);
const _: () = assert!(SIZE <= 0x7fff, "offsets fit an instruction");

/// Offset of a number.
pub(super) const fn number(number: Number) -> i16 {
    offset(number as usize * 8)
}

/// Offset of a word with 32 tests of a text.
pub(super) const fn word(text: Text, automaton: usize, half: usize) -> i16 {
    let own = slot(text) * TEXT_WORDS * 8;
    offset(MATCH + own + automaton * abi::RULE_WORDS * 8 + half * 4)
}

/// Offset of the marks of 64 rules.
pub(super) const fn fired(word: usize) -> i16 {
    offset(FIRED + word * 8)
}

/// Offset of the marks of 32 rules.
pub(super) const fn fired_half(half: usize) -> i16 {
    offset(FIRED + half * 4)
}

/// The field at an offset: a number or a text, by index.
pub(super) enum Place {
    Number(u32),
    Text(u32),
}

/// Returns the field at an offset.
pub(super) fn place(at: i16) -> Place {
    let at = usize::try_from(at).unwrap_or(0);
    let index = |number: usize| u32::try_from(number).unwrap_or(0);
    match at.checked_sub(MATCH) {
        None => Place::Number(index(at / 8)),
        Some(beyond) => Place::Text(index(beyond / (TEXT_WORDS * 8))),
    }
}

/// `enum ambit_rule_text`.
const fn slot(text: Text) -> usize {
    match text {
        Text::ObjectPath | Text::ObjectName | Text::ObjectAddress => abi::RULE_TEXT_OBJECT,
        Text::Executable => abi::RULE_TEXT_EXE,
        Text::Parent => abi::RULE_TEXT_PARENT,
        Text::Chain => abi::RULE_TEXT_CHAIN,
        Text::Comm => abi::RULE_TEXT_COMM,
        Text::Cgroup => abi::RULE_TEXT_CGROUP,
        Text::Domain => abi::RULE_TEXT_DOMAIN,
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    reason = "nothing is beyond SIZE, which is asserted to fit"
)]
const fn offset(bytes: usize) -> i16 {
    assert!(bytes < SIZE);
    bytes as i16
}
