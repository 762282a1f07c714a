// SPDX-License-Identifier: Apache-2.0 OR MIT
//! An event as rules see it.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use ambit_abi::CHAIN_MAX;

use crate::condition::{Number, Text};

/// An event as rules see it. Fields that were not set are 0 or the empty text; fields marked as unknown can have any
/// value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    numbers: [u64; Number::COUNT],
    texts: [Vec<u8>; Text::COUNT],
    chain: Vec<Vec<u8>>,
    trust: BTreeSet<String>,
    cause: Option<String>,
    unknown: Unknown,
}

/// Fields of the event that its source does not know, such as a recording.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Unknown {
    numbers: BTreeMap<Number, Vec<RangeInclusive<u64>>>,
    texts: BTreeSet<Text>,
    /// There may be further executables before the chain.
    before: bool,
    /// Sources that may have lowered the task's trust.
    trust: BTreeSet<String>,
    cause: bool,
}

impl Facts {
    /// The value of a number.
    pub fn number(&self, field: Number) -> u64 {
        self.numbers.get(field as usize).copied().unwrap_or(0)
    }

    /// Sets a number. Not for [`Number::Trust`] and [`Number::Cause`], which follow from the sources.
    pub fn set_number(&mut self, field: Number, value: u64) {
        if let Some(slot) = self.numbers.get_mut(field as usize) {
            *slot = value;
        }
    }

    /// The value of a text; for [`Text::Chain`], see [`Facts::chain`]. An address is a text such as `10.0.0.1`.
    pub fn text(&self, field: Text) -> &[u8] {
        match field {
            Text::Executable => self.chain.first().map_or(&[], Vec::as_slice),
            Text::Parent => self.chain.get(1).map_or(&[], Vec::as_slice),
            _ => self.texts.get(field as usize).map_or(&[], Vec::as_slice),
        }
    }

    /// Sets a text. Not for the executables of the chain.
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

    /// The first cause among them.
    pub fn cause(&self) -> Option<&str> {
        self.cause.as_deref()
    }

    /// Adds a source that has lowered the task's trust.
    pub fn distrust(&mut self, source: &str) {
        self.cause.get_or_insert_with(|| source.to_owned());
        self.trust.insert(source.to_owned());
    }

    /// Sets the first cause, if it is not the source that was added first.
    pub fn set_cause(&mut self, source: Option<String>) {
        self.cause = source;
    }

    /// Marks a number as unknown within these ranges, which do not overlap.
    pub fn set_number_among(&mut self, field: Number, ranges: Vec<RangeInclusive<u64>>) {
        self.unknown.numbers.insert(field, ranges);
    }

    /// Marks a number as unknown.
    pub fn set_number_unknown(&mut self, field: Number) {
        self.set_number_among(field, vec![0..=u64::MAX]);
    }

    /// Marks a text as unknown. Not for the executables of the chain.
    pub fn set_text_unknown(&mut self, field: Text) {
        self.unknown.texts.insert(field);
    }

    /// Marks the chain as incomplete: there may be further executables before it.
    pub fn set_chain_open(&mut self) {
        self.unknown.before = true;
    }

    /// Marks as unknown if this source has lowered the task's trust.
    pub fn set_trust_unknown(&mut self, source: &str) {
        self.unknown.trust.insert(source.to_owned());
    }

    /// Marks the first cause as unknown.
    pub fn set_cause_unknown(&mut self) {
        self.unknown.cause = true;
    }

    /// The possible values of an unknown number; `None` if it is known.
    pub(crate) fn possible(&self, field: Number) -> Option<&[RangeInclusive<u64>]> {
        self.unknown.numbers.get(&field).map(Vec::as_slice)
    }

    /// True if a text, or a part of the chain, is unknown.
    pub(crate) fn is_unknown(&self, field: Text) -> bool {
        match field {
            Text::Executable => self.unknown.before && self.chain.is_empty(),
            Text::Parent => self.unknown.before && self.chain.len() < 2,
            Text::Chain => self.unknown.before && self.chain.len() < CHAIN_MAX,
            _ => self.unknown.texts.contains(&field),
        }
    }

    /// True if sources other than the known ones may have lowered the task's trust.
    pub fn may_be_untrusted(&self) -> bool {
        !self.unknown.trust.is_empty()
    }

    /// Sources that may have lowered the task's trust, in addition to the known ones.
    pub(crate) fn maybe_trust(&self) -> &BTreeSet<String> {
        &self.unknown.trust
    }

    /// True if the first cause is unknown.
    pub(crate) fn is_cause_unknown(&self) -> bool {
        self.unknown.cause
    }

    /// Clears a source's bit. The first cause stays as long as any bit is set.
    pub fn trust_again(&mut self, source: &str) {
        self.trust.remove(source);
        if self.trust.is_empty() {
            self.cause = None;
        }
    }
}
