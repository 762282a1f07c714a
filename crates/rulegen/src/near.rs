// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The field values of some events, which become the constants of rules.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ambit_event::Op;
use ambit_policy::condition::{Number, Text};
use ambit_policy::facts::Facts;
use ambit_policy::field::{Field, fields};

/// The values of some events' fields.
#[derive(Clone, Debug, Default)]
pub struct Near {
    /// Operations of the events, with duplicates as a weight.
    pub(crate) ops: Vec<Op>,
    texts: BTreeMap<Text, Vec<Vec<u8>>>,
    numbers: BTreeMap<(&'static str, Op), Vec<u64>>,
    pub(crate) addresses: Vec<IpAddr>,
    /// Trust sources that conditions test, in addition to the sources of rules that taint.
    pub(crate) sources: Vec<String>,
}

impl Near {
    /// Collects the values of these events.
    pub fn of<'f>(events: impl IntoIterator<Item = &'f Facts>) -> Self {
        let mut ops = Vec::new();
        let mut texts: BTreeMap<Text, BTreeSet<Vec<u8>>> = BTreeMap::new();
        let mut numbers: BTreeMap<(&'static str, Op), BTreeSet<u64>> = BTreeMap::new();
        let mut addresses = BTreeSet::new();
        for facts in events {
            let number = u16::try_from(facts.number(Number::Op)).unwrap_or(0);
            let Ok(op) = Op::try_from(number) else {
                continue;
            };
            ops.push(op);
            for field in fields().iter().filter(|field| field.is_of(op)) {
                if let Some(number) = field.number() {
                    let values = numbers.entry((field.name, op)).or_default();
                    values.insert(facts.number(number));
                }
                if let Some(text) = field.text() {
                    let values = texts.entry(text).or_default();
                    values.insert(facts.text(text).to_vec());
                }
            }
            let chain = texts.entry(Text::Chain).or_default();
            chain.extend(facts.chain().iter().cloned());
            let address = std::str::from_utf8(facts.text(Text::ObjectAddress));
            addresses.extend(address.ok().and_then(|text| text.parse::<IpAddr>().ok()));
        }
        Self {
            ops,
            texts: listed(texts),
            numbers: listed(numbers),
            addresses: addresses.into_iter().collect(),
            sources: Vec::new(),
        }
    }

    /// Adds trust sources that conditions may test.
    #[must_use]
    pub fn with_sources(mut self, sources: &[&str]) -> Self {
        self.sources = sources.iter().map(|&source| source.to_owned()).collect();
        self
    }

    pub(crate) fn texts(&self, text: Text) -> &[Vec<u8>] {
        self.texts.get(&text).map_or(&[], Vec::as_slice)
    }

    /// Returns the values of a field in events of an operation.
    pub(crate) fn numbers(&self, field: &Field, op: Op) -> &[u64] {
        let values = self.numbers.get(&(field.name, op));
        values.map_or(&[], Vec::as_slice)
    }
}

fn listed<K: Ord, V>(sets: BTreeMap<K, BTreeSet<V>>) -> BTreeMap<K, Vec<V>> {
    let lists = sets
        .into_iter()
        .map(|(key, set)| (key, set.into_iter().collect()));
    lists.collect()
}
