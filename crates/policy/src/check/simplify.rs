// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Normal form of conditions: constants folded, And and Or flat and sorted, Not at single tests only, and all tests
//! of a text in one. Equal normal forms mean equal conditions.

use std::collections::{BTreeMap, BTreeSet};

use super::text::{self, Folded};
use crate::condition::{Condition, Number, NumberTest, Text, TextTest};
use crate::interpret::number_holds;

/// Joins by And.
pub(crate) fn and(items: impl IntoIterator<Item = Condition>) -> Condition {
    join(items, true)
}

/// Joins by Or.
pub(crate) fn or(items: impl IntoIterator<Item = Condition>) -> Condition {
    join(items, false)
}

/// The negation.
pub(crate) fn not(condition: Condition) -> Condition {
    match condition {
        Condition::Const(value) => Condition::Const(!value),
        Condition::Not(inner) => *inner,
        Condition::And(items) => or(items.into_iter().map(not)),
        Condition::Or(items) => and(items.into_iter().map(not)),
        Condition::Number(field, NumberTest::Less(limit)) => match limit.checked_sub(1) {
            Some(below) => Condition::Number(field, NumberTest::Greater(below)),
            None => Condition::Const(true),
        },
        Condition::Number(field, NumberTest::Greater(limit)) => match limit.checked_add(1) {
            Some(above) => Condition::Number(field, NumberTest::Less(above)),
            None => Condition::Const(true),
        },
        Condition::Text(field, test) if field != Text::Chain => {
            Condition::Text(field, text::not(test))
        }
        test => Condition::Not(Box::new(test)),
    }
}

/// Counts the tests.
pub(crate) fn size(condition: &Condition) -> usize {
    match condition {
        Condition::Not(inner) => size(inner),
        Condition::And(items) | Condition::Or(items) => items.iter().map(size).sum(),
        Condition::Text(_, test) => text::size(test),
        _ => 1,
    }
}

/// The items of a join, grouped by field.
#[derive(Default)]
struct Parts {
    numbers: BTreeMap<Number, Vec<(bool, NumberTest)>>,
    texts: BTreeMap<Text, Vec<TextTest>>,
    /// Tests that no executable of the chain passes.
    unchained: Vec<TextTest>,
    rest: Vec<Condition>,
}

/// Joins by And (`all`) or by Or. In an And, the constant false decides and true is dropped; in an Or, the other way
/// round.
fn join(items: impl IntoIterator<Item = Condition>, all: bool) -> Condition {
    let mut parts = Parts::default();
    for item in items {
        if !parts.add(item, all) {
            return Condition::Const(!all);
        }
    }
    let mut joined: BTreeSet<Condition> = parts.rest.into_iter().collect();
    for (field, tests) in parts.numbers {
        match numbers(field, tests, all) {
            Some(tests) => joined.extend(tests),
            None => return Condition::Const(!all),
        }
    }
    for (field, tests) in parts.texts {
        match text::join(tests.clone(), all) {
            // For the chain, the test still requires an executable.
            Folded::Const(_) if field == Text::Chain => {
                joined.extend(tests.into_iter().map(|test| Condition::Text(field, test)));
            }
            Folded::Const(value) if value == all => {}
            Folded::Const(_) => return Condition::Const(!all),
            Folded::Test(test) => {
                joined.insert(Condition::Text(field, test));
            }
        }
    }
    // "No executable passes a" and "none passes b" is "none passes a or b".
    let none = |test| Condition::Not(Box::new(Condition::Text(Text::Chain, test)));
    if !parts.unchained.is_empty() {
        match text::join(parts.unchained.clone(), false) {
            Folded::Const(_) => joined.extend(parts.unchained.into_iter().map(none)),
            Folded::Test(test) => {
                joined.insert(none(test));
            }
        }
    }
    let opposite =
        |item: &Condition| matches!(item, Condition::Not(inner) if joined.contains(inner.as_ref()));
    if joined.iter().any(opposite) {
        return Condition::Const(!all);
    }
    let mut items: Vec<Condition> = joined.into_iter().collect();
    match (items.len(), all) {
        (0, _) => Condition::Const(all),
        (1, _) => items.remove(0),
        (_, true) => Condition::And(items),
        (_, false) => Condition::Or(items),
    }
}

impl Parts {
    /// Adds an item; false if it decides the whole join.
    fn add(&mut self, item: Condition, all: bool) -> bool {
        match item {
            Condition::Const(value) => return value == all,
            Condition::And(items) if all => {
                return items.into_iter().all(|item| self.add(item, all));
            }
            Condition::Or(items) if !all => {
                return items.into_iter().all(|item| self.add(item, all));
            }
            Condition::Number(field, test) => {
                self.numbers.entry(field).or_default().push((true, test));
            }
            Condition::Text(field, test) if field != Text::Chain || !all => {
                self.texts.entry(field).or_default().push(test);
            }
            Condition::Not(inner) => match *inner {
                Condition::Number(field, test) => {
                    self.numbers.entry(field).or_default().push((false, test));
                }
                Condition::Text(Text::Chain, test) if all => self.unchained.push(test),
                inner => self.rest.push(Condition::Not(Box::new(inner))),
            },
            other => self.rest.push(other),
        }
        true
    }
}

/// Joins tests of a number; `None` if no number passes all of them (And), or every number passes one (Or).
fn numbers(field: Number, tests: Vec<(bool, NumberTest)>, all: bool) -> Option<Vec<Condition>> {
    let (mut below, mut above): (Option<u64>, Option<u64>) = (None, None);
    // Described for And: values common to all lists, and values that are excluded. For Or, negated.
    let mut among: Option<BTreeSet<u64>> = None;
    let mut except: BTreeSet<u64> = BTreeSet::new();
    let mut bits = BTreeSet::new();
    let narrower = |old: Option<u64>, new: u64, least: bool| {
        Some(old.map_or(new, |old| {
            if least == all {
                old.min(new)
            } else {
                old.max(new)
            }
        }))
    };
    for (positive, test) in tests {
        match test {
            NumberTest::Less(limit) => below = narrower(below, limit, true),
            NumberTest::Greater(limit) => above = narrower(above, limit, false),
            NumberTest::In(values) if positive == all => {
                among = Some(match among {
                    Some(among) => among.intersection(&values).copied().collect(),
                    None => values,
                });
            }
            NumberTest::In(values) => except.extend(values),
            NumberTest::AnyBit(mask) => {
                bits.insert((positive, mask));
            }
        }
    }
    let mut rest: Vec<(bool, NumberTest)> = Vec::new();
    rest.extend(below.map(|limit| (true, NumberTest::Less(limit))));
    rest.extend(above.map(|limit| (true, NumberTest::Greater(limit))));
    rest.extend(
        bits.into_iter()
            .map(|(positive, mask)| (positive, NumberTest::AnyBit(mask))),
    );
    let test = |positive, test| {
        let test = Condition::Number(field, test);
        if positive {
            test
        } else {
            Condition::Not(Box::new(test))
        }
    };
    if let Some(mut among) = among {
        // A list has few values: check each against the other tests, which are then redundant.
        among.retain(|value| {
            !except.contains(value)
                && rest
                    .iter()
                    .all(|(positive, test)| (number_holds(test, *value) == *positive) == all)
        });
        return (!among.is_empty()).then(|| vec![test(all, NumberTest::In(among))]);
    }
    let decided = match (below, above) {
        (Some(below), Some(above)) if all => below <= above.saturating_add(1),
        (Some(below), Some(above)) => above < below,
        _ => false,
    };
    if decided {
        return None;
    }
    // Exclusions outside of the limits are redundant.
    except.retain(|value| {
        [
            below.map(|limit| *value < limit),
            above.map(|limit| *value > limit),
        ]
        .into_iter()
        .flatten()
        .all(|inside| inside == all)
    });
    if !except.is_empty() {
        rest.push((!all, NumberTest::In(except)));
    }
    Some(
        rest.into_iter()
            .map(|(positive, tested)| test(positive, tested))
            .collect(),
    )
}
