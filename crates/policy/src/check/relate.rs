// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Pairs of conditions that are never true together. Conservative: `false` in unclear cases.

use std::net::IpAddr;

use super::text;
use crate::condition::{Condition, NumberTest, Text, TextTest};
use crate::interpret::{contains, in_network, number_holds};

/// True if the two conditions are never true together.
pub(crate) fn clash(a: &Condition, b: &Condition) -> bool {
    match (a, b) {
        (Condition::Const(false), _) | (_, Condition::Const(false)) => true,
        (Condition::Or(items), other) | (other, Condition::Or(items)) => {
            items.iter().all(|item| clash(item, other))
        }
        (Condition::And(items), other) | (other, Condition::And(items)) => {
            items.iter().any(|item| clash(item, other))
        }
        (Condition::Number(field, test), Condition::Number(other, test_other)) => {
            field == other && numbers(test, test_other)
        }
        (Condition::Text(field, test), Condition::Text(other, test_other)) => {
            field == other && *field != Text::Chain && texts(test, test_other)
        }
        (Condition::Cause(one), Condition::Cause(other)) => one != other,
        (Condition::Not(inner), other) | (other, Condition::Not(inner)) => excluded(inner, other),
        _ => false,
    }
}

/// True if a single test is false whenever the other condition is true.
fn excluded(test: &Condition, other: &Condition) -> bool {
    match (test, other) {
        (test, other) if test == other => true,
        (Condition::Text(Text::Chain, wanted), Condition::Text(Text::Chain, found)) => {
            texts(found, &text::not(wanted.clone()))
        }
        (Condition::Trust(None), Condition::Trust(_) | Condition::Cause(_)) => true,
        (Condition::Trust(Some(source)), Condition::Cause(cause)) => source == cause,
        (Condition::Number(field, wanted), Condition::Number(other, found)) if field == other => {
            match (wanted, found) {
                (wanted, NumberTest::In(values)) => {
                    values.iter().all(|value| number_holds(wanted, *value))
                }
                (NumberTest::AnyBit(wanted), NumberTest::AnyBit(found)) => found & !wanted == 0,
                _ => false,
            }
        }
        _ => false,
    }
}

fn numbers(a: &NumberTest, b: &NumberTest) -> bool {
    match (a, b) {
        (NumberTest::In(values), test) | (test, NumberTest::In(values)) => {
            values.iter().all(|value| !number_holds(test, *value))
        }
        (NumberTest::Less(below), NumberTest::Greater(above))
        | (NumberTest::Greater(above), NumberTest::Less(below)) => {
            *below <= above.saturating_add(1)
        }
        _ => false,
    }
}

/// True if no text passes both.
fn texts(a: &TextTest, b: &TextTest) -> bool {
    match (a, b) {
        (TextTest::In(list), test) | (test, TextTest::In(list)) => list
            .iter()
            .all(|item| text::decided(test, item) == Some(false)),
        (TextTest::Or(items), other) | (other, TextTest::Or(items)) => {
            items.iter().all(|item| texts(item, other))
        }
        (TextTest::And(items), other) | (other, TextTest::And(items)) => {
            items.iter().any(|item| texts(item, other))
        }
        (TextTest::StartsWith(a), TextTest::StartsWith(b)) => {
            !a.starts_with(b) && !b.starts_with(a)
        }
        (TextTest::EndsWith(a), TextTest::EndsWith(b)) => !a.ends_with(b) && !b.ends_with(a),
        (TextTest::Network(a), TextTest::Network(b)) => !a
            .iter()
            .any(|one| b.iter().any(|other| overlap(*one, *other))),
        (test, TextTest::Not(inner)) | (TextTest::Not(inner), test) => text_implies(test, inner),
        _ => false,
    }
}

/// True if every text that passes `a` passes `b`.
fn text_implies(a: &TextTest, b: &TextTest) -> bool {
    match (a, b) {
        (a, b) if a == b => true,
        (TextTest::StartsWith(a), TextTest::StartsWith(b)) => a.starts_with(b),
        (TextTest::EndsWith(a), TextTest::EndsWith(b)) => a.ends_with(b),
        (
            TextTest::StartsWith(a) | TextTest::EndsWith(a) | TextTest::Contains(a),
            TextTest::Contains(b),
        ) => contains(a, b),
        (TextTest::Network(a), TextTest::Network(b)) => a.iter().all(|one| {
            b.iter()
                .any(|other| other.1 <= one.1 && in_network(one.0, *other))
        }),
        _ => false,
    }
}

fn overlap(a: (IpAddr, u8), b: (IpAddr, u8)) -> bool {
    in_network(a.0, b) || in_network(b.0, a)
}
