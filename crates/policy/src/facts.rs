// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What is known of an event when rules are asked.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use ambit_abi::CHAIN_MAX;

use crate::condition::{Number, Text};

/// An event as rules see it. What is not set is 0, or the empty text; what is said to be unknown may be anything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    numbers: [u64; Number::COUNT],
    texts: [Vec<u8>; Text::COUNT],
    chain: Vec<Vec<u8>>,
    trust: BTreeSet<String>,
    cause: Option<String>,
    unknown: Unknown,
}

/// What whoever tells of an event does not know of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Unknown {
    numbers: BTreeMap<Number, Vec<RangeInclusive<u64>>>,
    texts: BTreeSet<Text>,
    /// The executables before those of the chain.
    before: bool,
    /// Sources that may have lowered the task's trust.
    trust: BTreeSet<String>,
    cause: bool,
}

impl Facts {
    /// A number.
    pub fn number(&self, field: Number) -> u64 {
        self.numbers.get(field as usize).copied().unwrap_or(0)
    }

    /// Sets a number. [`Number::Trust`] and [`Number::Cause`] follow from the sources and are not set so.
    pub fn set_number(&mut self, field: Number, value: u64) {
        if let Some(slot) = self.numbers.get_mut(field as usize) {
            *slot = value;
        }
    }

    /// A text; of [`Text::Chain`] see [`Facts::chain`]. An address is its text, such as `10.0.0.1`.
    pub fn text(&self, field: Text) -> &[u8] {
        match field {
            Text::Executable => self.chain.first().map_or(&[], Vec::as_slice),
            Text::Parent => self.chain.get(1).map_or(&[], Vec::as_slice),
            _ => self.texts.get(field as usize).map_or(&[], Vec::as_slice),
        }
    }

    /// Sets a text other than those of the chain.
    pub fn set_text(&mut self, field: Text, value: Vec<u8>) {
        if let Some(slot) = self.texts.get_mut(field as usize) {
            *slot = value;
        }
    }

    /// The executables of the subject's chain, its own first.
    pub fn chain(&self) -> &[Vec<u8>] {
        &self.chain
    }

    /// Sets the chain.
    pub fn set_chain(&mut self, chain: Vec<Vec<u8>>) {
        self.chain = chain;
    }

    /// The sources that have lowered the task's trust.
    pub fn trust(&self) -> &BTreeSet<String> {
        &self.trust
    }

    /// Which of them was first.
    pub fn cause(&self) -> Option<&str> {
        self.cause.as_deref()
    }

    /// Lowers the task's trust.
    pub fn distrust(&mut self, source: &str) {
        self.cause.get_or_insert_with(|| source.to_owned());
        self.trust.insert(source.to_owned());
    }

    /// Sets which of the sources was first, where that is not the one that was told first.
    pub fn set_cause(&mut self, source: Option<String>) {
        self.cause = source;
    }

    /// A number is one of these, which do not overlap; it is not known which.
    pub fn set_number_among(&mut self, field: Number, ranges: Vec<RangeInclusive<u64>>) {
        self.unknown.numbers.insert(field, ranges);
    }

    /// A number is not known.
    pub fn set_number_unknown(&mut self, field: Number) {
        self.set_number_among(field, vec![0..=u64::MAX]);
    }

    /// A text other than those of the chain is not known.
    pub fn set_text_unknown(&mut self, field: Text) {
        self.unknown.texts.insert(field);
    }

    /// There may be more executables than those of the chain, before them.
    pub fn set_chain_open(&mut self) {
        self.unknown.before = true;
    }

    /// A source may have lowered the task's trust.
    pub fn set_trust_unknown(&mut self, source: &str) {
        self.unknown.trust.insert(source.to_owned());
    }

    /// Which of the sources was first is not known.
    pub fn set_cause_unknown(&mut self) {
        self.unknown.cause = true;
    }

    /// The values that a number may have; `None` where it is known.
    pub(crate) fn possible(&self, field: Number) -> Option<&[RangeInclusive<u64>]> {
        self.unknown.numbers.get(&field).map(Vec::as_slice)
    }

    /// Whether a text, or a part of the chain, is not known.
    pub(crate) fn is_unknown(&self, field: Text) -> bool {
        match field {
            Text::Executable => self.unknown.before && self.chain.is_empty(),
            Text::Parent => self.unknown.before && self.chain.len() < 2,
            Text::Chain => self.unknown.before && self.chain.len() < CHAIN_MAX,
            _ => self.unknown.texts.contains(&field),
        }
    }

    /// Whether some source may have lowered the task's trust, beside those that have.
    pub fn may_be_untrusted(&self) -> bool {
        !self.unknown.trust.is_empty()
    }

    /// The sources that may have lowered the task's trust, beside those that have.
    pub(crate) fn maybe_trust(&self) -> &BTreeSet<String> {
        &self.unknown.trust
    }

    /// Whether it is not known which source was first.
    pub(crate) fn is_cause_unknown(&self) -> bool {
        self.unknown.cause
    }

    /// Gives back what a source took. The first cause stays as long as anything is left.
    pub fn trust_again(&mut self, source: &str) {
        self.trust.remove(source);
        if self.trust.is_empty() {
            self.cause = None;
        }
    }
}
