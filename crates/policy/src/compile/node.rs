// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A condition for one operation, in the compiler's form: without constants inside, Not only at single tests.

use std::collections::{BTreeMap, BTreeSet};

use ambit_abi::Op;

use super::text;
use super::wire;
use crate::condition::{Condition, Number, NumberTest, Text, TextTest};

/// A condition. `And` and `Or` have at least two parts, none of their own kind and none constant.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Node {
    Const(bool),
    Leaf(Leaf),
    Not(Leaf),
    And(Vec<Node>),
    Or(Vec<Node>),
}

/// A bit of an automaton: the automaton's number, and the bit's.
pub(super) type Place = (usize, usize);

/// A single test.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Leaf {
    /// True if any of these bits of the word at this offset of the facts is set.
    Bits { at: i16, mask: u32 },
    /// A test of a number, except tests of its bits.
    Number(Number, Values),
    /// A test of a text that was not assigned a bit yet.
    Text(Text, TextTest),
    /// A condition that rules share, by its bit.
    Shared(u8),
}

/// Values of a number.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Values {
    /// These; never empty.
    In(BTreeSet<u64>),
    /// Values less than this; never 0.
    Less(u64),
    /// Values greater than this; never the maximum.
    Greater(u64),
}

/// The context of lowering.
pub(super) struct Context<'c> {
    pub(super) op: Op,
    pub(super) sources: &'c BTreeMap<String, u8>,
}

/// A regular expression is rejected.
#[derive(Debug)]
pub(super) struct Refused {
    pub(super) test: TextTest,
    pub(super) cause: Box<regex_automata::dfa::dense::BuildError>,
}

/// Lowers a condition for one operation.
pub(super) fn lower(condition: &Condition, context: &Context<'_>) -> Result<Node, Refused> {
    Ok(match condition {
        Condition::Const(value) => Node::Const(*value),
        Condition::Not(inner) => lower(inner, context)?.negate(),
        Condition::And(all) => Node::and(each(all, context)?),
        Condition::Or(any) => Node::or(each(any, context)?),
        Condition::Number(Number::Op, test) => {
            Node::Const(holds(test, u64::from(u16::from(context.op))))
        }
        Condition::Number(number, test) => number_test(*number, test),
        Condition::Text(field, test) => text_test(*field, test)?,
        Condition::Trust(None) => number_test(Number::Trust, &NumberTest::Greater(0)),
        Condition::Trust(Some(source)) => {
            let bit = context.sources.get(source).copied();
            let mask = bit.and_then(|bit| 1_u64.checked_shl(bit.into()));
            number_test(Number::Trust, &NumberTest::AnyBit(mask.unwrap_or(0)))
        }
        Condition::Cause(source) => match context.sources.get(source) {
            Some(bit) => number_test(Number::Cause, &NumberTest::In([u64::from(*bit)].into())),
            None => Node::Const(false),
        },
    })
}

fn each(conditions: &[Condition], context: &Context<'_>) -> Result<Vec<Node>, Refused> {
    let nodes = conditions.iter();
    nodes.map(|condition| lower(condition, context)).collect()
}

/// Evaluates a test of a number.
fn holds(test: &NumberTest, value: u64) -> bool {
    match test {
        NumberTest::In(values) => values.contains(&value),
        NumberTest::Less(limit) => value < *limit,
        NumberTest::Greater(limit) => value > *limit,
        NumberTest::AnyBit(mask) => value & mask != 0,
    }
}

fn number_test(number: Number, test: &NumberTest) -> Node {
    let values = match test {
        NumberTest::In(values) if values.is_empty() => return Node::Const(false),
        NumberTest::Less(0) | NumberTest::Greater(u64::MAX) => return Node::Const(false),
        NumberTest::AnyBit(mask) => {
            let at = wire::number(number);
            let [low @ .., _, _, _, _] = mask.to_le_bytes();
            let [_, _, _, _, high @ ..] = mask.to_le_bytes();
            let half = |at, bytes| Node::bits(at, u32::from_le_bytes(bytes));
            return Node::or(vec![half(at, low), half(at + 4, high)]);
        }
        NumberTest::In(values) => Values::In(values.clone()),
        NumberTest::Less(limit) => Values::Less(*limit),
        NumberTest::Greater(limit) => Values::Greater(*limit),
    };
    Node::Leaf(Leaf::Number(number, values))
}

/// Lowers a test of a text to a bit. All bits of an absent text are 0, so a test that is true for the empty text is
/// inverted. Absent executables of a chain never pass a test, so chain tests are not inverted.
fn text_test(field: Text, test: &TextTest) -> Result<Node, Refused> {
    let test = text::plain(test);
    let refused = |cause| Refused {
        test: test.clone(),
        cause,
    };
    let inverted = field != Text::Chain && text::on_empty(test).map_err(refused)?;
    Ok(if inverted {
        Node::Not(Leaf::Text(field, text::negate(test)))
    } else {
        Node::Leaf(Leaf::Text(field, test.clone()))
    })
}

impl Node {
    fn bits(at: i16, mask: u32) -> Self {
        match mask {
            0 => Self::Const(false),
            mask => Self::Leaf(Leaf::Bits { at, mask }),
        }
    }

    /// The negation.
    pub(super) fn negate(self) -> Self {
        let each = |nodes: Vec<Self>| nodes.into_iter().map(Self::negate).collect();
        match self {
            Self::Const(value) => Self::Const(!value),
            Self::Leaf(leaf) => Self::Not(leaf),
            Self::Not(leaf) => Self::Leaf(leaf),
            Self::And(nodes) => Self::Or(each(nodes)),
            Self::Or(nodes) => Self::And(each(nodes)),
        }
    }

    /// Joins by And.
    pub(super) fn and(nodes: Vec<Self>) -> Self {
        // By De Morgan, so that the rules of `or` are written once.
        Self::or(nodes.into_iter().map(Self::negate).collect()).negate()
    }

    /// Joins by Or.
    pub(super) fn or(nodes: Vec<Self>) -> Self {
        let mut kept: Vec<Self> = Vec::new();
        let mut words: BTreeMap<i16, u32> = BTreeMap::new();
        let mut queue: Vec<Self> = nodes.into_iter().rev().collect();
        while let Some(node) = queue.pop() {
            match node {
                Self::Const(true) => return Self::Const(true),
                Self::Const(false) => {}
                Self::Or(nodes) => queue.extend(nodes.into_iter().rev()),
                // Bits of one word are tested together.
                Self::Leaf(Leaf::Bits { at, mask }) => *words.entry(at).or_default() |= mask,
                other if kept.contains(&other) => {}
                other if kept.contains(&other.clone().negate()) => return Self::Const(true),
                other => kept.push(other),
            }
        }
        kept.extend(words.into_iter().map(|(at, mask)| Self::bits(at, mask)));
        match kept.pop() {
            None => Self::Const(false),
            Some(only) if kept.is_empty() => only,
            Some(last) => {
                kept.push(last);
                Self::Or(kept)
            }
        }
    }

    /// Replaces the leaves.
    pub(super) fn map(&self, leaf: &dyn Fn(&Leaf) -> Self) -> Self {
        let each = |nodes: &[Self]| nodes.iter().map(|node| node.map(leaf)).collect();
        match self {
            Self::Const(value) => Self::Const(*value),
            Self::Leaf(own) => leaf(own),
            Self::Not(own) => leaf(own).negate(),
            Self::And(nodes) => Self::and(each(nodes)),
            Self::Or(nodes) => Self::or(each(nodes)),
        }
    }

    /// Visits all leaves.
    pub(super) fn leaves(&self, visit: &mut dyn FnMut(&Leaf)) {
        match self {
            Self::Const(_) => {}
            Self::Leaf(leaf) | Self::Not(leaf) => visit(leaf),
            Self::And(nodes) | Self::Or(nodes) => {
                for node in nodes {
                    node.leaves(visit);
                }
            }
        }
    }

    /// Returns the condition that any of these bits of a text is set, each given by automaton and number.
    pub(super) fn text_bits(field: Text, places: &[Place]) -> Self {
        let bit = |(automaton, bit): &Place| {
            Self::bits(wire::word(field, *automaton, bit / 32), 1 << (bit % 32))
        };
        Self::or(places.iter().map(bit).collect())
    }
}
