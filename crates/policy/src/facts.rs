// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What is known of an event when rules are asked.

use std::collections::BTreeSet;

use crate::condition::{Number, Text};

/// An event as rules see it. What is not set is 0, or the empty text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    numbers: [u64; Number::COUNT],
    texts: [Vec<u8>; Text::COUNT],
    chain: Vec<Vec<u8>>,
    trust: BTreeSet<String>,
    cause: Option<String>,
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
}
