// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What rules mean, in plain Rust: what the compiler and the kernel part are tested against.

use std::collections::HashMap;
use std::net::IpAddr;

use crate::condition::{Condition, Number, NumberTest, Text, TextTest};
use crate::facts::Facts;
use crate::regex::Regex;
use crate::rule::{Actions, Rule};

/// What rules do about an event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is an effect of its own"
)]
pub struct Outcome {
    /// The rules that apply, by their index.
    pub fired: Vec<usize>,
    /// The operation is refused.
    pub refused: bool,
    /// The process is killed.
    pub killed: bool,
    /// The operation is allowed, whatever the map says.
    pub allowed: bool,
    /// Sources that lower the task's trust.
    pub taints: Vec<String>,
    /// The operator's bit is cleared.
    pub untaint: bool,
}

/// Rules whose regular expressions are compiled.
#[derive(Debug)]
pub struct Prepared<'a> {
    rules: &'a [Rule],
    regexes: Regexes<'a>,
}

type Regexes<'a> = HashMap<&'a str, Option<Regex>>;

impl<'a> Prepared<'a> {
    /// Compiles the expressions of some rules. One that can't be compiled, which no rule that was checked has, never
    /// matches.
    pub fn new(rules: &'a [Rule]) -> Self {
        let mut regexes = Regexes::new();
        for rule in rules {
            compile(&rule.when, &mut regexes);
        }
        Self { rules, regexes }
    }

    /// Whether a rule applies.
    pub fn applies(&self, rule: &Rule, facts: &Facts) -> bool {
        rule.on
            .iter()
            .any(|op| u64::from(u16::from(*op)) == facts.number(Number::Op))
            && holds_with(&rule.when, facts, &self.regexes)
    }

    /// What the rules do: refusing goes before allowing, and allowing before the taints of other rules and the map.
    pub fn decide(&self, facts: &Facts) -> Outcome {
        let fired: Vec<(usize, &Rule)> = self
            .rules
            .iter()
            .enumerate()
            .filter(|(_, rule)| self.applies(rule, facts))
            .collect();
        let any = |actions| fired.iter().any(|(_, rule)| rule.actions.has(actions));
        let killed = any(Actions::KILL);
        let refused = killed || any(Actions::DENY);
        let allowed = !refused && any(Actions::ALLOW);
        let acting = || {
            fired
                .iter()
                .map(|(_, rule)| *rule)
                .filter(move |rule| !allowed || rule.actions.has(Actions::ALLOW))
        };
        Outcome {
            refused,
            killed,
            allowed,
            taints: acting()
                .filter(|rule| rule.actions.has(Actions::TAINT))
                .map(|rule| format!("rule:{}", rule.id))
                .collect(),
            untaint: acting().any(|rule| rule.actions.has(Actions::UNTAINT)),
            fired: fired.iter().map(|(index, _)| *index).collect(),
        }
    }
}

/// What some rules do about an event.
pub fn decide(rules: &[Rule], facts: &Facts) -> Outcome {
    Prepared::new(rules).decide(facts)
}

/// Whether a condition holds.
pub fn holds(condition: &Condition, facts: &Facts) -> bool {
    let mut regexes = Regexes::new();
    compile(condition, &mut regexes);
    holds_with(condition, facts, &regexes)
}

fn compile<'a>(condition: &'a Condition, regexes: &mut Regexes<'a>) {
    match condition {
        Condition::Not(inner) => compile(inner, regexes),
        Condition::And(items) | Condition::Or(items) => {
            for item in items {
                compile(item, regexes);
            }
        }
        Condition::Text(_, test) => compile_text(test, regexes),
        Condition::Const(_) | Condition::Number(..) | Condition::Trust(_) | Condition::Cause(_) => {
        }
    }
}

fn compile_text<'a>(test: &'a TextTest, regexes: &mut Regexes<'a>) {
    match test {
        TextTest::Not(inner) => compile_text(inner, regexes),
        TextTest::And(items) | TextTest::Or(items) => {
            for item in items {
                compile_text(item, regexes);
            }
        }
        TextTest::Matches(pattern) => {
            regexes
                .entry(pattern)
                .or_insert_with(|| Regex::new(pattern).ok());
        }
        _ => {}
    }
}

fn holds_with(condition: &Condition, facts: &Facts, regexes: &Regexes<'_>) -> bool {
    let text_holds = |test: &TextTest, text: &[u8]| {
        text_holds(
            test,
            text,
            &|pattern, text| matches!(regexes.get(pattern), Some(Some(regex)) if regex.is_match(text)),
        )
    };
    match condition {
        Condition::Const(value) => *value,
        Condition::Not(inner) => !holds_with(inner, facts, regexes),
        Condition::And(items) => items.iter().all(|item| holds_with(item, facts, regexes)),
        Condition::Or(items) => items.iter().any(|item| holds_with(item, facts, regexes)),
        Condition::Number(field, test) => number_holds(test, facts.number(*field)),
        Condition::Text(Text::Chain, test) => {
            facts.chain().iter().any(|text| text_holds(test, text))
        }
        Condition::Text(field, test) => text_holds(test, facts.text(*field)),
        Condition::Trust(None) => !facts.trust().is_empty(),
        Condition::Trust(Some(source)) => facts.trust().contains(source),
        Condition::Cause(source) => facts.cause() == Some(source),
    }
}

/// Whether a test of a number holds.
pub(crate) fn number_holds(test: &NumberTest, value: u64) -> bool {
    match test {
        NumberTest::In(values) => values.contains(&value),
        NumberTest::Less(limit) => value < *limit,
        NumberTest::Greater(limit) => value > *limit,
        NumberTest::AnyBit(mask) => value & mask != 0,
    }
}

fn text_holds(test: &TextTest, value: &[u8], matches: &dyn Fn(&str, &[u8]) -> bool) -> bool {
    match test {
        TextTest::Not(inner) => !text_holds(inner, value, matches),
        TextTest::And(items) => items.iter().all(|item| text_holds(item, value, matches)),
        TextTest::Or(items) => items.iter().any(|item| text_holds(item, value, matches)),
        TextTest::In(texts) => texts.contains(value),
        TextTest::StartsWith(part) => value.starts_with(part),
        TextTest::EndsWith(part) => value.ends_with(part),
        TextTest::Contains(part) => contains(value, part),
        TextTest::Matches(pattern) => matches(pattern, value),
        TextTest::Network(networks) => std::str::from_utf8(value)
            .ok()
            .and_then(|text| text.parse().ok())
            .is_some_and(|address| networks.iter().any(|network| in_network(address, *network))),
    }
}

/// Whether one text is somewhere in another.
pub(crate) fn contains(text: &[u8], part: &[u8]) -> bool {
    part.is_empty() || text.windows(part.len()).any(|window| window == part)
}

/// Whether an address is in a network; IPv4 and IPv6 are apart.
pub(crate) fn in_network(address: IpAddr, (network, length): (IpAddr, u8)) -> bool {
    let (address, network, width) = match (address, network) {
        (IpAddr::V4(address), IpAddr::V4(network)) => {
            (address.to_bits().into(), network.to_bits().into(), 32u32)
        }
        (IpAddr::V6(address), IpAddr::V6(network)) => (address.to_bits(), network.to_bits(), 128),
        _ => return false,
    };
    let differ: u128 = address ^ network;
    let host = width.saturating_sub(length.into());
    differ.checked_shr(host).unwrap_or(0) == 0
}
