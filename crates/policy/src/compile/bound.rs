// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Weakened conditions: a test whose value is not known yet becomes true, so a weakened condition is true whenever the
//! rule's condition is. The prefilter and the path program are made of them.

use ambit_abi::{self as abi, Hook};

use super::node::{Leaf, Node, Values};
use super::program::{Entry, Part};
use super::wire::{self, Place};
use crate::condition::Number;
use crate::rule::Actions;

/// The text that is always present. The other texts (chain, command name, cgroup, domain) are context fields: expensive
/// to read, so the kernel part reads them only if a rule needs them.
const OBJECT_TEXT: u8 = 1 << abi::RULE_TEXT_OBJECT;

/// What a weakened condition can use of a single test.
enum Known {
    /// The test as it is: its value can be read.
    Readable,
    /// Nothing; the test may have either result.
    Unknown,
    /// The result.
    Is(bool),
}

/// Returns the rules of the prefilter. Their conditions are weakened to read no context field; the actions of each are
/// the set of texts that the full condition reads. `None` if the prefilter could never save reading a context field.
pub(super) fn prefilter(parts: &[Part]) -> Option<Vec<Part>> {
    let mut saves = false;
    let part = |part: &Part| {
        let (mut some, mut always) = (0, 0);
        let entries = part.entries.iter().map(|entry| {
            let bounded = without_context_texts(entry);
            let texts = bounded.actions.0;
            some |= texts;
            if bounded.when == Node::Const(true) {
                always |= texts;
            }
            bounded
        });
        let entries = entries.collect();
        saves |= some & !always & !OBJECT_TEXT != 0;
        Part { entries, ..*part }
    };
    let parts = parts.iter().map(part).collect();
    saves.then_some(parts)
}

/// The rules of a path program, by operation and stage.
pub(super) struct PathStages {
    pub(super) parts: Vec<Part>,
    /// True if some rule tests the path.
    pub(super) object: bool,
}

/// Returns the rules of a hook's path program; `None` for hooks at which the kernel part runs none.
pub(super) fn path_stages(hook: Hook, parts: &[Part]) -> Option<PathStages> {
    if !matches!(hook, Hook::FileOpen | Hook::MmapFile | Hook::FileMprotect) {
        return None;
    }
    let mut stages = PathStages {
        parts: Vec::new(),
        object: false,
    };
    for part in parts {
        let (object, rest): (Vec<&Entry>, Vec<&Entry>) = part
            .entries
            .iter()
            .partition(|entry| needs_object(&entry.when));
        stages.object |= !object.is_empty();
        let path = object
            .iter()
            .flat_map(|entry| of_path(entry, abi::PATH_PROGRAM_OBJECT))
            .chain(
                rest.iter()
                    .flat_map(|entry| of_path(entry, abi::PATH_PROGRAM_NUMBERS)),
            );
        let bounded = rest.iter().copied().map(without_context_texts);
        let exact = rest.iter().map(|entry| (*entry).clone());
        for (stage, entries) in [
            (abi::PATH_PROGRAM_PATH, path.collect::<Vec<Entry>>()),
            (abi::PATH_PROGRAM_REST, bounded.collect()),
            (abi::PATH_PROGRAM_EXACT, exact.collect()),
        ] {
            stages.parts.push(Part {
                op: part.op,
                stage,
                entries: entries.into_iter().chain(answered(part)).collect(),
            });
        }
    }
    Some(stages)
}

/// A rule that always matches and sets the bit for "this stage ran". Without the bit, the kernel part treats the answer as
/// missing and excludes no rule.
fn answered(part: &Part) -> Option<Entry> {
    let some = part.entries.first()?;
    Some(Entry {
        when: Node::Const(true),
        actions: Actions(abi::PATH_PROGRAM_PRESENT),
        ..some.clone()
    })
}

/// Weakens a rule to its tests of the path and the argument. Its action is the class of rules that may still match: `kind`,
/// or `PATH_PROGRAM_TRUST` if the rule can match untrusted tasks only.
fn of_path(entry: &Entry, kind: u8) -> Vec<Entry> {
    let trusted = bound(&entry.when, &|leaf| path_and_argument(leaf, true));
    let any_task = bound(&entry.when, &|leaf| path_and_argument(leaf, false));
    let mut entries = Vec::new();
    for (when, actions) in [
        (trusted.clone(), kind),
        (any_task.clone(), abi::PATH_PROGRAM_TRUST),
    ] {
        let twice = actions == abi::PATH_PROGRAM_TRUST && any_task == trusted;
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

/// Returns the known part of a test if the object is a file with a path, and nothing else about it was read. With `trusted`, the
/// task has no trust bit set.
fn path_and_argument(leaf: &Leaf, trusted: bool) -> Known {
    let (number, values) = match leaf {
        Leaf::Bits { at, mask } => match wire::place(*at) {
            Place::Text(text) if OBJECT_TEXT >> text & 1 == 1 => return Known::Readable,
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
        return Known::Readable;
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

/// The value of the first cause for a task without one.
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

/// True if the condition cannot be evaluated before the object's path is built.
fn needs_object(when: &Node) -> bool {
    let mut needs = false;
    when.leaves(&mut |leaf| {
        let number =
            |number: u32| number == Number::Kind as u32 || number == Number::Unrepresentable as u32;
        needs |= match leaf {
            Leaf::Bits { at, .. } => match wire::place(*at) {
                Place::Text(text) => OBJECT_TEXT >> text & 1 == 1,
                Place::Number(own) => number(own),
            },
            Leaf::Number(own, _) => number(*own as u32),
            Leaf::Text(..) | Leaf::Shared(_) => true,
        };
    });
    needs
}

/// Weakens a rule to read no context field; its action is the set of texts that the full condition reads.
fn without_context_texts(entry: &Entry) -> Entry {
    let known = |leaf: &Leaf| match leaf {
        Leaf::Bits { at, .. } if matches!(wire::place(*at), Place::Text(text) if OBJECT_TEXT >> text & 1 == 0) => {
            Known::Unknown
        }
        _ => Known::Readable,
    };
    Entry {
        when: bound(&entry.when, &known),
        actions: Actions(texts(&entry.when)),
        ..entry.clone()
    }
}

/// Returns the set of texts that a condition reads. The object's is always included, so the set is never empty.
fn texts(node: &Node) -> u8 {
    let mut texts = OBJECT_TEXT;
    node.leaves(&mut |leaf| {
        if let Leaf::Bits { at, .. } = leaf
            && let Place::Text(text) = wire::place(*at)
        {
            texts |= 1 << text;
        }
    });
    texts
}

/// Returns the weakened condition. Only leaves are negated in `node`, so replacing a leaf by true can only weaken it.
fn bound(node: &Node, known: &dyn Fn(&Leaf) -> Known) -> Node {
    let each = |nodes: &[Node]| nodes.iter().map(|node| bound(node, known)).collect();
    match node {
        Node::Leaf(leaf) | Node::Not(leaf) => match known(leaf) {
            Known::Readable => node.clone(),
            Known::Unknown => Node::Const(true),
            Known::Is(value) => Node::Const(value == matches!(node, Node::Leaf(_))),
        },
        Node::And(nodes) => Node::and(each(nodes)),
        Node::Or(nodes) => Node::or(each(nodes)),
        Node::Const(_) => node.clone(),
    }
}
