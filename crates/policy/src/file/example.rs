// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Reads the examples of a rule: events given by fields.

use std::collections::HashSet;
use std::net::IpAddr;

use ambit_abi as abi;
use ambit_event::names::is_trust_source;
use ambit_event::{Family, Op, nearest};
use ambit_source::yaml::{Node, Value};

use super::error::{Expected, RuleErrorKind};
use super::node::{Errors, keys, line};
use crate::check::ConditionErrorKind;
use crate::condition::{Number, Text};
use crate::facts::Facts;
use crate::field::{Field, Meaning, Numbered, TYPE_SHIFT, fields};
use crate::rule::Example;

/// Reads the examples of a rule for these operations.
pub(super) fn read(node: &Node<'_>, on: &[Op], errors: &mut Errors<'_>) -> Vec<Example> {
    let Value::Sequence(items) = &node.value else {
        errors.add(node.place, RuleErrorKind::Expected("a list of examples"));
        return Vec::new();
    };
    items
        .iter()
        .filter_map(|item| example(item, on, errors))
        .collect()
}

fn example(node: &Node<'_>, on: &[Op], errors: &mut Errors<'_>) -> Option<Example> {
    let found = keys(
        node,
        &["name", "event", "expect", "run"],
        "an example's keys",
        errors,
    )?;
    for key in ["event", "expect"] {
        if !found.contains_key(key) {
            errors.add(node.place, RuleErrorKind::MissingKey(key));
        }
    }
    let name = match found.get("name") {
        Some(node) => line(node, errors)?,
        None => String::new(),
    };
    let run = match found.get("run") {
        Some(node) if node.scalar().is_none() => {
            errors.add(node.place, RuleErrorKind::Expected("a shell command"));
            return None;
        }
        node => node.and_then(|node| node.scalar()).map(str::to_owned),
    };
    let expect = found.get("expect").and_then(|node| {
        let value = truth(node);
        if value.is_none() {
            errors.add(node.place, RuleErrorKind::Expected("`true` or `false`"));
        }
        value
    });
    let facts = found.get("event").and_then(|node| event(node, on, errors));
    Some(Example {
        name,
        facts: facts?,
        applies: expect?,
        run,
        line: node.place.line,
    })
}

fn truth(node: &Node<'_>) -> Option<bool> {
    node.scalar()?.parse().ok()
}

/// An event while it is read.
struct Reading {
    op: Op,
    facts: Facts,
    /// The first executables of the chain, if they are given as fields of their own.
    executable: Option<Vec<u8>>,
    parent: Option<Vec<u8>>,
    /// The first cause, and the other sources that lowered the task's trust.
    cause: Option<String>,
    trust: Vec<String>,
    untrusted: bool,
}

fn event(node: &Node<'_>, on: &[Op], errors: &mut Errors<'_>) -> Option<Facts> {
    let Value::Mapping(pairs) = &node.value else {
        errors.add(
            node.place,
            RuleErrorKind::Expected(
                "an event's fields, such as `{op: exec, object.path: /bin/sh}`",
            ),
        );
        return None;
    };
    let Some((_, op)) = pairs.iter().find(|(key, _)| key.scalar() == Some("op")) else {
        errors.add(node.place, RuleErrorKind::MissingKey("op"));
        return None;
    };
    let op = operation(op, on, errors)?;
    let mut reading = Reading {
        op,
        facts: Facts::default(),
        executable: None,
        parent: None,
        cause: None,
        trust: Vec::new(),
        untrusted: false,
    };
    reading
        .facts
        .set_number(Number::Op, u64::from(u16::from(op)));
    let mut whole = true;
    let mut seen = HashSet::new();
    for (key, value) in pairs {
        let name = key.scalar().unwrap_or_default();
        if !seen.insert(name) {
            errors.add(key.place, RuleErrorKind::DuplicateKey);
            continue;
        }
        let Some(field) = field(name, op, key, errors) else {
            whole = false;
            continue;
        };
        if let Err(Wrong { expected, nearest }) = reading.set(field, value) {
            let kind = RuleErrorKind::Value {
                field: field.name,
                expected,
                nearest,
            };
            errors.add(value.place, kind);
            whole = false;
        }
    }
    if let Some(error) = reading.finish() {
        errors.add(node.place, error);
        whole = false;
    }
    whole.then_some(reading.facts)
}

fn operation(node: &Node<'_>, on: &[Op], errors: &mut Errors<'_>) -> Option<Op> {
    let text = node.scalar().unwrap_or_default();
    let found = on.iter().find(|op| op.name() == text).copied();
    if found.is_none() {
        let kind = match Op::from_name(text).filter(|op| op.family().is_some()) {
            Some(_) => RuleErrorKind::OtherOperation { on: on.to_vec() },
            None => RuleErrorKind::Word {
                what: "operation",
                nearest: nearest(text, on.iter().map(|op| op.name())),
            },
        };
        errors.add(node.place, kind);
    }
    found
}

/// Returns the operation's field of this name.
fn field(name: &str, op: Op, key: &Node<'_>, errors: &mut Errors<'_>) -> Option<&'static Field> {
    let mut named = fields()
        .iter()
        .filter(|field| field.name == name)
        .peekable();
    let kind = match named.peek() {
        None => ConditionErrorKind::UnknownField {
            name: name.to_owned(),
            nearest: nearest(name, fields().iter().map(|field| field.name)),
        },
        Some(first) => ConditionErrorKind::OtherOperation {
            name: first.name,
            ops: named.clone().flat_map(|field| field.ops).copied().collect(),
        },
    };
    let found = named.find(|field| field.is_of(op));
    if found.is_none() {
        errors.add(key.place, RuleErrorKind::Condition(kind));
    }
    found
}

/// The field cannot have this value.
struct Wrong {
    expected: Expected,
    nearest: Option<&'static str>,
}

impl Reading {
    fn set(&mut self, field: &'static Field, node: &Node<'_>) -> Result<(), Wrong> {
        let wrong = |expected, nearest| Wrong { expected, nearest };
        let scalar = || node.scalar().ok_or_else(|| wrong(Expected::Text, None));
        let switch = || truth(node).ok_or_else(|| wrong(Expected::Bool, None));
        match field.meaning {
            Meaning::Operation => {}
            Meaning::Text(text) => self.text(text, scalar()?),
            Meaning::Number(number, max) => {
                let value = node
                    .scalar()
                    .and_then(whole_number)
                    .filter(|value| *value <= max)
                    .ok_or_else(|| wrong(Expected::Number(max), None))?;
                self.facts.set_number(number, value);
            }
            Meaning::Flag(number, value) => {
                if switch()? {
                    self.facts.set_number(number, value);
                }
            }
            // Of several bits, the first is the plain case: `object.write` without `object.append`.
            Meaning::Bits(number, mask) => {
                if switch()? {
                    self.set_bits(number, mask & mask.wrapping_neg());
                }
            }
            Meaning::Untrusted => {
                if switch()? {
                    self.untrusted = true;
                }
            }
            Meaning::Words(number, _, numbered) => {
                let text = scalar()?;
                let value = field.word(text).map(u64::from).or_else(|| {
                    whole_number(text)
                        .filter(|value| numbered == Numbered::Yes && u32::try_from(*value).is_ok())
                });
                let nearest = || nearest(text, field.values());
                let value = value.ok_or_else(|| wrong(Expected::Word, nearest()))?;
                self.facts.set_number(number, value);
            }
            Meaning::FileType => {
                let text = scalar()?;
                let nearest = || nearest(text, field.values());
                let value = field
                    .word(text)
                    .ok_or_else(|| wrong(Expected::Word, nearest()))?;
                self.set_bits(Number::FileMode, u64::from(value) << TYPE_SHIFT);
            }
            Meaning::Address => {
                let address: IpAddr = scalar()?
                    .parse()
                    .map_err(|_| wrong(Expected::Address, None))?;
                self.address(address.to_canonical());
            }
            Meaning::Chain => {
                let chain = texts(node, abi::CHAIN_MAX)
                    .ok_or_else(|| wrong(Expected::List(abi::CHAIN_MAX), None))?;
                let bytes = chain.into_iter().map(|text| text.as_bytes().to_vec());
                self.facts.set_chain(bytes.collect());
            }
            Meaning::Caps => {
                let most = field.values().len();
                let caps = texts(node, most).ok_or_else(|| wrong(Expected::List(most), None))?;
                for name in caps {
                    let nearest = || nearest(name, field.values());
                    let bit = field
                        .word(name)
                        .ok_or_else(|| wrong(Expected::Word, nearest()))?;
                    self.set_bits(Number::Caps, 1u64.checked_shl(bit).unwrap_or(0));
                }
            }
            Meaning::Trust => {
                let most = 32;
                let sources = texts(node, most).ok_or_else(|| wrong(Expected::List(most), None))?;
                for source in sources {
                    if !is_trust_source(source) {
                        return Err(wrong(Expected::Source, None));
                    }
                    self.trust.push(source.to_owned());
                }
            }
            Meaning::Cause => {
                let source = scalar()?;
                if !is_trust_source(source) {
                    return Err(wrong(Expected::Source, None));
                }
                self.cause = Some(source.to_owned());
            }
        }
        Ok(())
    }

    fn set_bits(&mut self, number: Number, mask: u64) {
        let old = self.facts.number(number);
        self.facts.set_number(number, old | mask);
    }

    /// Sets the kind, unless it is set.
    fn set_kind(&mut self, kind: u8) {
        if self.facts.number(Number::Kind) == 0 {
            self.facts.set_number(Number::Kind, kind.into());
        }
    }

    fn text(&mut self, field: Text, text: &str) {
        let bytes = text.as_bytes().to_vec();
        match field {
            Text::Executable => self.executable = Some(bytes),
            Text::Parent => self.parent = Some(bytes),
            _ => self.facts.set_text(field, bytes),
        }
        match field {
            Text::ObjectPath if text.starts_with("memfd:") => self.set_kind(abi::KIND_MEMFD),
            Text::ObjectPath if text.starts_with("fs:") => self.set_kind(abi::KIND_FSTYPE),
            Text::ObjectPath => self.set_kind(abi::KIND_PATH),
            Text::ObjectName if self.op.family() == Some(Family::Net) => {
                self.set_kind(abi::KIND_ABSTRACT);
            }
            Text::ObjectName => self.set_kind(abi::KIND_WORD),
            Text::Domain if !text.is_empty() => self.facts.set_number(Number::Labelled, 1),
            _ => {}
        }
    }

    fn address(&mut self, address: IpAddr) {
        self.set_kind(match address {
            IpAddr::V4(_) => abi::KIND_INET4,
            IpAddr::V6(_) => abi::KIND_INET6,
        });
        self.facts
            .set_text(Text::ObjectAddress, address.to_string().into_bytes());
    }

    /// Sets the facts that depend on several fields.
    fn finish(&mut self) -> Option<RuleErrorKind> {
        let (own, parent) = (self.executable.take(), self.parent.take());
        let name = match (&own, &parent) {
            (Some(_), _) => Some("subject.path"),
            (None, Some(_)) => Some("subject.parent"),
            (None, None) => None,
        };
        if let Some(name) = name {
            if !self.facts.chain().is_empty() {
                return Some(RuleErrorKind::ChainTwice(name));
            }
            let mut chain = vec![own.unwrap_or_default()];
            chain.extend(parent);
            self.facts.set_chain(chain);
        }
        // An open for appending only has no other right to write.
        let arg = self.facts.number(Number::Arg);
        let append = u64::from(abi::OPEN_APPEND);
        if matches!(self.op, Op::FileOpen | Op::FileReceive) && arg & append != 0 {
            let write = u64::from(abi::OPEN_WRITE);
            self.facts.set_number(Number::Arg, arg & !write);
        }
        for source in self.cause.take().into_iter().chain(self.trust.drain(..)) {
            self.facts.distrust(&source);
        }
        if self.untrusted && self.facts.trust().is_empty() {
            // Any source will do.
            self.facts.distrust("model");
        }
        None
    }
}

/// Returns a list of at most `most` texts.
fn texts<'n>(node: &'n Node<'_>, most: usize) -> Option<Vec<&'n str>> {
    let Value::Sequence(items) = &node.value else {
        return None;
    };
    if items.len() > most {
        return None;
    }
    items.iter().map(Node::scalar).collect()
}

/// Parses a number of YAML or CEL.
fn whole_number(text: &str) -> Option<u64> {
    match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        // Octal in YAML 1.1, decimal in CEL: ambiguous.
        None if text.len() > 1 && text.starts_with('0') => None,
        None => text
            .bytes()
            .all(|byte| byte.is_ascii_digit())
            .then(|| text.parse().ok())
            .flatten(),
    }
}
