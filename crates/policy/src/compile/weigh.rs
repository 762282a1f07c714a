// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Estimates the cost of conditions, and how often they are true. Estimates only decide the order of evaluation.

use super::node::{Leaf, Node, Values};
use super::wire::{self, Place};
use crate::condition::Number;

/// An estimate for a condition.
#[derive(Clone, Copy, Debug)]
pub(super) struct Weight {
    /// Average number of instructions.
    pub(super) cost: f64,
    /// Probability that it is true.
    pub(super) odds: f64,
}

/// Probability that a test of a text is true.
const TEXT_ODDS: f64 = 0.03;
/// Its cost: below one instruction, because 32 tests are checked together first.
const TEXT_COST: f64 = 1.0;
/// Lower bound of a divisor.
const LEAST: f64 = 0.001;

/// Estimates a condition whose parts are evaluated in order.
pub(super) fn weigh(node: &Node) -> Weight {
    match node {
        Node::Const(value) => Weight {
            cost: 0.0,
            odds: f64::from(u8::from(*value)),
        },
        Node::Leaf(leaf) => weigh_leaf(leaf),
        Node::Not(leaf) => opposite(weigh_leaf(leaf)),
        Node::And(nodes) => all(nodes.iter().map(weigh)),
        Node::Or(nodes) => opposite(all(nodes.iter().map(|node| opposite(weigh(node))))),
    }
}

/// Sorts the parts of a condition: cheap and decisive ones first.
pub(super) fn order(node: Node) -> Node {
    let sort = |nodes: Vec<Node>, decides: fn(Weight) -> f64| {
        let mut nodes: Vec<(f64, Node)> = nodes
            .into_iter()
            .map(|node| {
                let node = order(node);
                let weight = weigh(&node);
                (weight.cost / decides(weight).max(LEAST), node)
            })
            .collect();
        nodes.sort_by(|(left, _), (right, _)| left.total_cmp(right));
        nodes.into_iter().map(|(_, node)| node).collect()
    };
    match node {
        Node::And(nodes) => Node::And(sort(nodes, |weight| 1.0 - weight.odds)),
        Node::Or(nodes) => Node::Or(sort(nodes, |weight| weight.odds)),
        other => other,
    }
}

/// Visits each part with the number of its evaluations per evaluation of the whole.
pub(super) fn reach(node: &Node, asked: f64, visit: &mut dyn FnMut(&Node, f64)) {
    visit(node, asked);
    let (nodes, goes_on): (&[Node], fn(f64) -> f64) = match node {
        Node::And(nodes) => (nodes, |odds| odds),
        Node::Or(nodes) => (nodes, |odds| 1.0 - odds),
        _ => return,
    };
    let mut asked = asked;
    for node in nodes {
        reach(node, asked, visit);
        asked *= goes_on(weigh(node).odds);
    }
}

fn opposite(weight: Weight) -> Weight {
    Weight {
        odds: 1.0 - weight.odds,
        ..weight
    }
}

fn all(weights: impl Iterator<Item = Weight>) -> Weight {
    let start = Weight {
        cost: 0.0,
        odds: 1.0,
    };
    weights.fold(start, |before, next| Weight {
        cost: before.cost + before.odds * next.cost,
        odds: before.odds * next.odds,
    })
}

fn weigh_leaf(leaf: &Leaf) -> Weight {
    let weight = |cost, odds| Weight { cost, odds };
    match leaf {
        Leaf::Text(..) => weight(TEXT_COST, TEXT_ODDS),
        Leaf::Shared(_) => weight(3.0, 0.5),
        Leaf::Bits { at, mask } => {
            let (cost, odds) = match wire::place(*at) {
                Place::Text(_) => (TEXT_COST, TEXT_ODDS),
                Place::Number(number) if number == Number::Trust as u32 => (TEXT_COST, TEXT_ODDS),
                Place::Number(_) => (3.0, 0.25),
            };
            let none = (1.0 - odds).powi(mask.count_ones().cast_signed());
            weight(cost, 1.0 - none)
        }
        Leaf::Number(number, test) => {
            let (steps, odds) = match test {
                Values::In(values) => {
                    let count = u32::try_from(values.len()).unwrap_or(u32::MAX);
                    (f64::from(count.min(8)), f64::from(count) * usual(*number))
                }
                Values::Greater(0) if *number == Number::Trust => (0.5, TEXT_ODDS),
                _ => (1.0, 0.5),
            };
            weight(1.0 + steps, odds.min(0.9))
        }
    }
}

/// Probability that a number has a given value.
const fn usual(number: Number) -> f64 {
    match number {
        Number::Labelled
        | Number::Container
        | Number::NoNewPrivs
        | Number::ExeUnknown
        | Number::ForeignMounts => 0.5,
        Number::Uid | Number::Gid | Number::RealUid | Number::Kind | Number::FileUid => 0.4,
        Number::Pid | Number::Port | Number::Cause => 0.02,
        _ => 0.1,
    }
}
