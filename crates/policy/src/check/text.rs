// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Normal form of the tests of a text.

use std::collections::BTreeSet;

use crate::condition::TextTest;
use crate::interpret::{contains, in_network};

/// Folded tests: a single test, or a constant.
pub(super) enum Folded {
    Const(bool),
    Test(TextTest),
}

/// The negation.
pub(super) fn not(test: TextTest) -> TextTest {
    let negated = |items: Vec<TextTest>| items.into_iter().map(not).collect();
    match test {
        TextTest::Not(inner) => *inner,
        TextTest::And(items) => TextTest::Or(sorted(negated(items))),
        TextTest::Or(items) => TextTest::And(sorted(negated(items))),
        test => TextTest::Not(Box::new(test)),
    }
}

fn sorted(mut items: Vec<TextTest>) -> Vec<TextTest> {
    items.sort();
    items
}

/// Counts the tests.
pub(super) fn size(test: &TextTest) -> usize {
    match test {
        TextTest::Not(inner) => size(inner),
        TextTest::And(items) | TextTest::Or(items) => items.iter().map(size).sum(),
        _ => 1,
    }
}

/// Joins by And (`all`) or by Or.
pub(super) fn join(tests: Vec<TextTest>, all: bool) -> Folded {
    // Described for And: texts common to all lists, and texts that are excluded. For Or, negated.
    let mut among: Option<BTreeSet<Vec<u8>>> = None;
    let mut except: BTreeSet<Vec<u8>> = BTreeSet::new();
    let mut networks = BTreeSet::new();
    let mut rest = BTreeSet::new();
    let mut queue = tests;
    while let Some(test) = queue.pop() {
        match test {
            TextTest::And(items) if all => queue.extend(items),
            TextTest::Or(items) if !all => queue.extend(items),
            TextTest::In(list) if all => narrow(&mut among, list),
            TextTest::In(list) => except.extend(list),
            TextTest::Network(more) if !all => networks.extend(more),
            TextTest::Not(inner) => match *inner {
                TextTest::In(list) if all => except.extend(list),
                TextTest::In(list) => narrow(&mut among, list),
                TextTest::Network(more) if all => networks.extend(more),
                inner => {
                    rest.insert(TextTest::Not(Box::new(inner)));
                }
            },
            other => {
                rest.insert(other);
            }
        }
    }
    let plain = |positive: bool, test: TextTest| if positive { test } else { not(test) };
    if !networks.is_empty() {
        rest.insert(plain(!all, TextTest::Network(networks)));
    }
    if let Some(among) = &mut among {
        among.retain(|text| {
            !except.contains(text) && rest.iter().all(|test| decided(test, text) != Some(!all))
        });
        if among.is_empty() {
            return Folded::Const(!all);
        }
        // Tests that are decided for every text of the list are redundant.
        rest.retain(|test| among.iter().any(|text| decided(test, text).is_none()));
        rest.insert(plain(all, TextTest::In(among.clone())));
    } else if !except.is_empty() {
        rest.insert(plain(!all, TextTest::In(except)));
    }
    let opposite =
        |item: &TextTest| matches!(item, TextTest::Not(inner) if rest.contains(inner.as_ref()));
    if rest.iter().any(opposite) {
        return Folded::Const(!all);
    }
    let mut items: Vec<TextTest> = rest.into_iter().collect();
    match (items.len(), all) {
        (0, _) => Folded::Const(all),
        (1, _) => Folded::Test(items.remove(0)),
        (_, true) => Folded::Test(TextTest::And(items)),
        (_, false) => Folded::Test(TextTest::Or(items)),
    }
}

fn narrow(among: &mut Option<BTreeSet<Vec<u8>>>, list: BTreeSet<Vec<u8>>) {
    *among = Some(match among.take() {
        Some(among) => among.intersection(&list).cloned().collect(),
        None => list,
    });
}

/// Evaluates a test on a text; `None` if the result depends on a regular expression.
pub(super) fn decided(test: &TextTest, value: &[u8]) -> Option<bool> {
    match test {
        TextTest::Not(inner) => decided(inner, value).map(|holds| !holds),
        TextTest::And(items) => decided_all(items, value, true),
        TextTest::Or(items) => decided_all(items, value, false),
        TextTest::In(list) => Some(list.contains(value)),
        TextTest::StartsWith(part) => Some(value.starts_with(part)),
        TextTest::EndsWith(part) => Some(value.ends_with(part)),
        TextTest::Contains(part) => Some(contains(value, part)),
        TextTest::Matches(_) => None,
        TextTest::Network(networks) => Some(
            std::str::from_utf8(value)
                .ok()
                .and_then(|text| text.parse().ok())
                .is_some_and(|address| {
                    networks.iter().any(|network| in_network(address, *network))
                }),
        ),
    }
}

fn decided_all(items: &[TextTest], value: &[u8], all: bool) -> Option<bool> {
    let mut known = true;
    for item in items {
        match decided(item, value) {
            Some(value) if value != all => return Some(!all),
            Some(_) => {}
            None => known = false,
        }
    }
    known.then_some(all)
}
