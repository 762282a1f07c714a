// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What can be told of rules before all is known of an event: conditions that hold whenever theirs do.

use ambit_abi::{self as abi, Hook};

use super::node::{Leaf, Node, Values};
use super::program::{Entry, Part};
use super::wire::{self, Place};
use crate::condition::Number;
use crate::rule::Actions;

/// The texts that are there for every event.
const CHEAP: u8 = 1 << abi::RULE_TEXT_OBJECT;

/// What is known of a single test.
enum Known {
    /// It can be asked.
    Asked,
    /// Nothing.
    Unknown,
    /// Its answer.
    Is(bool),
}

/// The rules with conditions that hold whenever theirs do, and ask for no text that is dear; what they do is to say which
/// texts theirs ask for. None where every text that is dear is asked for whatever is known without them.
pub(super) fn quick(parts: &[Part]) -> Option<Vec<Part>> {
    let mut saves = false;
    let part = |part: &Part| {
        let (mut some, mut always) = (0, 0);
        let entries = part.entries.iter().map(|entry| {
            let bounded = without_dear_texts(entry);
            let texts = bounded.actions.0;
            some |= texts;
            if bounded.when == Node::Const(true) {
                always |= texts;
            }
            bounded
        });
        let entries = entries.collect();
        saves |= some & !always & !CHEAP != 0;
        Part { entries, ..*part }
    };
    let parts = parts.iter().map(part).collect();
    saves.then_some(parts)
}

/// The stages of an early program.
pub(super) struct Early {
    pub(super) parts: Vec<Part>,
    /// Some rule asks for the path.
    pub(super) object: bool,
}

/// What is asked of a hook's rules before the object's path is put together; None at hooks where the kernel part does not
/// ask for that.
pub(super) fn early(hook: Hook, parts: &[Part]) -> Option<Early> {
    if !matches!(hook, Hook::FileOpen | Hook::MmapFile | Hook::FileMprotect) {
        return None;
    }
    let mut early = Early {
        parts: Vec::new(),
        object: false,
    };
    for part in parts {
        let (object, rest): (Vec<&Entry>, Vec<&Entry>) = part
            .entries
            .iter()
            .partition(|entry| asks_object(&entry.when));
        early.object |= !object.is_empty();
        let path = object
            .iter()
            .flat_map(|entry| of_path(entry, abi::EARLY_OBJECT))
            .chain(
                rest.iter()
                    .flat_map(|entry| of_path(entry, abi::EARLY_NUMBERS)),
            );
        let bounded = rest.iter().copied().map(without_dear_texts);
        let exact = rest.iter().map(|entry| (*entry).clone());
        for (stage, entries) in [
            (abi::EARLY_PATH, path.collect::<Vec<Entry>>()),
            (abi::EARLY_REST, bounded.collect()),
            (abi::EARLY_EXACT, exact.collect()),
        ] {
            early.parts.push(Part {
                op: part.op,
                stage,
                entries: entries.into_iter().chain(answered(part)).collect(),
            });
        }
    }
    Some(early)
}

/// A stage that was asked says so: what says nothing has ruled out nothing.
fn answered(part: &Part) -> Option<Entry> {
    let some = part.entries.first()?;
    Some(Entry {
        when: Node::Const(true),
        actions: Actions(abi::EARLY_THERE),
        ..some.clone()
    })
}

/// A rule by its path and argument: what it does is to say that it has to be asked, as one of this kind, or as one of what
/// is not trusted.
fn of_path(entry: &Entry, kind: u8) -> Vec<Entry> {
    let trusted = bound(&entry.when, &|leaf| path_and_argument(leaf, true));
    let whoever = bound(&entry.when, &|leaf| path_and_argument(leaf, false));
    let mut entries = Vec::new();
    for (when, actions) in [(trusted.clone(), kind), (whoever.clone(), abi::EARLY_TRUST)] {
        let twice = actions == abi::EARLY_TRUST && whoever == trusted;
        if when != Node::Const(false) && !twice {
            entries.push(Entry {
                when,
                actions: Actions(actions),
                ..entry.clone()
            });
        }
    }
    entries
}

/// What is known where the object is a file with a path, nothing else about it was looked at, and the task has no trust bit
/// if it is `trusted`.
fn path_and_argument(leaf: &Leaf, trusted: bool) -> Known {
    let (number, values) = match leaf {
        Leaf::Bits { at, mask } => match wire::place(*at) {
            Place::Text(text) if CHEAP >> text & 1 == 1 => return Known::Asked,
            Place::Text(_) => return Known::Unknown,
            Place::Number(number) => {
                let low = at % 8 == 0;
                (number, Test::Bits(*mask, low))
            }
        },
        Leaf::Number(number, values) => (*number as u32, Test::Values(values)),
        Leaf::Text(..) | Leaf::Shared(_) => return Known::Unknown,
    };
    let is = |other: Number| number == other as u32;
    let value = if is(Number::Arg) {
        return Known::Asked;
    } else if is(Number::Kind) {
        abi::KIND_PATH.into()
    } else if is(Number::Unrepresentable) || trusted && is(Number::Trust) {
        0
    } else if trusted && is(Number::Cause) {
        NO_CAUSE
    } else {
        return Known::Unknown;
    };
    Known::Is(values.hold(value))
}

/// The first cause of a task that has none.
const NO_CAUSE: u64 = 255;

/// A test of a number.
enum Test<'t> {
    /// Any of these bits of the lower half, or of the upper one, is set.
    Bits(u32, bool),
    Values(&'t Values),
}

impl Test<'_> {
    fn hold(&self, value: u64) -> bool {
        match self {
            Self::Bits(mask, low) => {
                let half = if *low {
                    value & 0xffff_ffff
                } else {
                    value >> 32
                };
                half & u64::from(*mask) != 0
            }
            Self::Values(Values::In(values)) => values.contains(&value),
            Self::Values(Values::Less(limit)) => value < *limit,
            Self::Values(Values::Greater(limit)) => value > *limit,
        }
    }
}

/// Whether it can't be asked before the object is put together.
fn asks_object(when: &Node) -> bool {
    let mut asks = false;
    when.leaves(&mut |leaf| {
        let number =
            |number: u32| number == Number::Kind as u32 || number == Number::Unrepresentable as u32;
        asks |= match leaf {
            Leaf::Bits { at, .. } => match wire::place(*at) {
                Place::Text(text) => CHEAP >> text & 1 == 1,
                Place::Number(own) => number(own),
            },
            Leaf::Number(own, _) => number(*own as u32),
            Leaf::Text(..) | Leaf::Shared(_) => true,
        };
    });
    asks
}

/// The rule with a condition that asks for no text that is dear.
fn without_dear_texts(entry: &Entry) -> Entry {
    let dear = |leaf: &Leaf| match leaf {
        Leaf::Bits { at, .. } if matches!(wire::place(*at), Place::Text(text) if CHEAP >> text & 1 == 0) => {
            Known::Unknown
        }
        _ => Known::Asked,
    };
    Entry {
        when: bound(&entry.when, &dear),
        actions: Actions(texts(&entry.when)),
        ..entry.clone()
    }
}

/// The texts that a condition asks for; the object's in any case, so that there is one.
fn texts(node: &Node) -> u8 {
    let mut texts = CHEAP;
    node.leaves(&mut |leaf| {
        if let Leaf::Bits { at, .. } = leaf
            && let Place::Text(text) = wire::place(*at)
        {
            texts |= 1 << text;
        }
    });
    texts
}

/// What holds whenever a condition does; nothing in it is negated but single tests.
fn bound(node: &Node, known: &dyn Fn(&Leaf) -> Known) -> Node {
    let each = |nodes: &[Node]| nodes.iter().map(|node| bound(node, known)).collect();
    match node {
        Node::Leaf(leaf) | Node::Not(leaf) => match known(leaf) {
            Known::Asked => node.clone(),
            Known::Unknown => Node::Const(true),
            Known::Is(value) => Node::Const(value == matches!(node, Node::Leaf(_))),
        },
        Node::And(nodes) => Node::and(each(nodes)),
        Node::Or(nodes) => Node::or(each(nodes)),
        Node::Const(_) => node.clone(),
    }
}
