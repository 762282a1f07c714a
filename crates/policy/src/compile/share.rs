// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Finds conditions that several rules share, and evaluates them once if that is cheaper.

use std::collections::{BTreeMap, BTreeSet};

use super::node::{Leaf, Node, Values};
use super::weigh;

/// Limit of shared conditions: the non-negative bits of an immediate operand.
const SHARED: usize = 31;
/// Cost of testing the bit of a shared condition.
const BIT: f64 = 3.0;
/// Cost of setting it.
const SET: f64 = 1.0;

/// Replaces shared conditions in the rules by bits. Returns the conditions by bit; each may use lower bits.
pub(super) fn share(rules: &mut [Node]) -> Vec<Node> {
    let mut shared: Vec<Node> = Vec::new();
    while shared.len() < SHARED {
        let Some(best) = best(rules, &shared) else {
            break;
        };
        let bit = u8::try_from(shared.len()).unwrap_or(u8::MAX);
        for node in rules.iter_mut().chain(shared.iter_mut()) {
            *node = replace(node, &best, bit);
        }
        shared.push(best);
    }
    let order = sequence(&shared);
    let renumber = |node: &Node| {
        node.map(&|leaf| match leaf {
            Leaf::Shared(bit) => {
                let place = order.iter().position(|own| own == bit).unwrap_or(0);
                Node::Leaf(Leaf::Shared(u8::try_from(place).unwrap_or(u8::MAX)))
            }
            other => Node::Leaf(other.clone()),
        })
    };
    for node in rules.iter_mut() {
        *node = renumber(node);
    }
    let ordered = order.iter().filter_map(|bit| shared.get(usize::from(*bit)));
    ordered.map(renumber).collect()
}

/// Orders the bits of shared conditions so that each follows the bits that it uses. Conditions may contain conditions
/// that were found earlier or later.
fn sequence(shared: &[Node]) -> Vec<u8> {
    let mut order: Vec<u8> = Vec::with_capacity(shared.len());
    while order.len() < shared.len() {
        let before = order.len();
        for (bit, node) in (0_u8..).zip(shared) {
            let mut ready = !order.contains(&bit);
            node.leaves(&mut |leaf| {
                if let Leaf::Shared(other) = leaf {
                    ready &= order.contains(other);
                }
            });
            if ready {
                order.push(bit);
            }
        }
        if order.len() == before {
            break;
        }
    }
    order
}

/// Returns the condition whose sharing saves most, if any saves.
fn best(rules: &[Node], shared: &[Node]) -> Option<Node> {
    let mut found: BTreeMap<Node, Uses> = BTreeMap::new();
    for (index, node) in rules.iter().chain(shared).enumerate() {
        let node = weigh::order(node.clone());
        weigh::reach(&node, 1.0, &mut |part, asked| {
            if is_worth(part) {
                let uses = found.entry(canonical(part)).or_default();
                uses.asked += asked;
                uses.rules.insert(index);
            }
        });
    }
    let gain = |(node, uses): (Node, Uses)| {
        let cost = weigh::weigh(&node).cost;
        let gain = uses.asked * (cost - BIT) - cost - SET;
        (uses.rules.len() > 1 && gain > 0.0).then_some((gain, node))
    };
    let gains = found.into_iter().filter_map(gain);
    let best = gains.max_by(|(left, _), (right, _)| left.total_cmp(right));
    best.map(|(_, node)| node)
}

#[derive(Default)]
struct Uses {
    /// How often it is evaluated per evaluation of the rules.
    asked: f64,
    rules: BTreeSet<usize>,
}

fn is_worth(node: &Node) -> bool {
    match node {
        Node::And(_) | Node::Or(_) => true,
        Node::Leaf(Leaf::Number(_, Values::In(values)))
        | Node::Not(Leaf::Number(_, Values::In(values))) => values.len() > 2,
        _ => false,
    }
}

/// Returns the same for a condition, its negation, and any order of its parts.
fn canonical(node: &Node) -> Node {
    let node = sorted(node.clone());
    let opposite = sorted(node.clone().negate());
    node.min(opposite)
}

fn sorted(node: Node) -> Node {
    let sort = |nodes: Vec<Node>| {
        let mut nodes: Vec<Node> = nodes.into_iter().map(sorted).collect();
        nodes.sort();
        nodes
    };
    match node {
        Node::And(nodes) => Node::And(sort(nodes)),
        Node::Or(nodes) => Node::Or(sort(nodes)),
        other => other,
    }
}

fn replace(node: &Node, what: &Node, bit: u8) -> Node {
    if is_worth(node) && canonical(node) == *what {
        let leaf = Node::Leaf(Leaf::Shared(bit));
        return if sorted(node.clone()) == *what {
            leaf
        } else {
            leaf.negate()
        };
    }
    let each = |nodes: &[Node]| nodes.iter().map(|node| replace(node, what, bit)).collect();
    match node {
        Node::And(nodes) => Node::and(each(nodes)),
        Node::Or(nodes) => Node::or(each(nodes)),
        other => other.clone(),
    }
}
