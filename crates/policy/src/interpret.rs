// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The meaning of rules, in plain Rust. The compiler and the kernel part are tested against it.
//!
//! An event of a recording has unknown fields. A rule whose result depends on them is undecided.

use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;
use std::ops::RangeInclusive;

use ambit_event::Op;

use crate::condition::{Condition, Number, NumberTest, Text, TextTest};
use crate::facts::Facts;
use crate::field;
use crate::regex::Regex;
use crate::rule::{Actions, Rule};

/// The result of all rules for an event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is an effect of its own"
)]
pub struct Outcome {
    /// The rules that match, by index.
    pub fired: Vec<usize>,
    /// The operation is refused.
    pub refused: bool,
    /// The process is killed.
    pub killed: bool,
    /// The operation is allowed without the map.
    pub allowed: bool,
    /// Sources that lower the task's trust.
    pub taints: Vec<String>,
    /// The operator's bit is cleared.
    pub untaint: bool,
}

/// The result of all rules for an event with unknown fields. `None` stands for a result that depends on them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Partly {
    /// The rules that match, by index.
    pub fired: Vec<usize>,
    /// The undecided rules, by index.
    pub undecided: Vec<usize>,
    /// The operation is refused.
    pub refused: Option<bool>,
    /// The process is killed.
    pub killed: Option<bool>,
    /// The operation is allowed without the map.
    pub allowed: Option<bool>,
    /// The rules that lower the task's trust, or may do so (`false`).
    pub taints: Vec<(usize, bool)>,
    /// The operator's bit is cleared.
    pub untaint: Option<bool>,
}

/// Rules with compiled regular expressions.
#[derive(Debug)]
pub struct Prepared<'a> {
    rules: &'a [Rule],
    regexes: Regexes<'a>,
}

type Regexes<'a> = HashMap<&'a str, Option<Regex>>;

impl<'a> Prepared<'a> {
    /// Compiles the regular expressions of rules. An invalid expression never matches; checked rules have none.
    pub fn new(rules: &'a [Rule]) -> Self {
        let mut regexes = Regexes::new();
        for rule in rules {
            compile(&rule.when, &mut regexes);
        }
        Self { rules, regexes }
    }

    /// The rules.
    pub const fn rules(&self) -> &'a [Rule] {
        self.rules
    }

    /// True if a rule matches; false if that is undecided.
    pub fn applies(&self, rule: &Rule, facts: &Facts) -> bool {
        self.judge(rule, facts) == Some(true)
    }

    /// Returns if a rule matches; `None` if that depends on unknown fields.
    pub fn judge(&self, rule: &Rule, facts: &Facts) -> Option<bool> {
        if rule.on.iter().any(|op| is_op(*op, facts)) {
            truth(&rule.when, facts, &self.regexes)
        } else {
            Some(false)
        }
    }

    /// Returns the unknown fields that an undecided rule reads.
    pub fn missing(&self, rule: &Rule, facts: &Facts) -> BTreeSet<&'static str> {
        let mut missing = BTreeSet::new();
        if let Some(op) = rule.on.iter().find(|op| is_op(**op, facts)) {
            self.gather(&rule.when, facts, *op, &mut missing);
        }
        missing
    }

    fn gather(
        &self,
        condition: &Condition,
        facts: &Facts,
        op: Op,
        missing: &mut BTreeSet<&'static str>,
    ) {
        if truth(condition, facts, &self.regexes).is_some() {
            return;
        }
        match condition {
            Condition::Not(inner) => self.gather(inner, facts, op, missing),
            Condition::And(items) | Condition::Or(items) => {
                for item in items {
                    self.gather(item, facts, op, missing);
                }
            }
            leaf => missing.extend(field::asked_by(leaf, op)),
        }
    }

    /// Evaluates all rules. `deny` and `kill` take precedence over `allow`; `allow` over the map and the taints of
    /// rules without `allow`.
    pub fn decide(&self, facts: &Facts) -> Outcome {
        let partly = self.decide_partly(facts);
        let is = |answer| answer == Some(true);
        Outcome {
            refused: is(partly.refused),
            killed: is(partly.killed),
            allowed: is(partly.allowed),
            taints: partly
                .taints
                .iter()
                .filter(|(_, surely)| *surely)
                .filter_map(|(index, _)| self.rules.get(*index))
                .map(|rule| format!("rule:{}", rule.id))
                .collect(),
            untaint: is(partly.untaint),
            fired: partly.fired,
        }
    }

    /// The same for an event with unknown fields.
    pub fn decide_partly(&self, facts: &Facts) -> Partly {
        let judged: Vec<(usize, &Rule, Option<bool>)> = self
            .rules
            .iter()
            .enumerate()
            .map(|(index, rule)| (index, rule, self.judge(rule, facts)))
            .filter(|(_, _, judged)| *judged != Some(false))
            .collect();
        let any = |actions| {
            let doing = judged
                .iter()
                .filter(|(_, rule, _)| rule.actions.has(actions));
            or(doing.map(|(_, _, judged)| *judged))
        };
        let killed = any(Actions::KILL);
        let refused = or([killed, any(Actions::DENY)]);
        let allowed = and([not(refused), any(Actions::ALLOW)]);
        // Of the rules that taint, only those that allow as well take effect if a rule allows.
        let acting = |rule: &Rule, judged| {
            let others = if rule.actions.has(Actions::ALLOW) {
                Some(true)
            } else {
                not(allowed)
            };
            and([judged, others])
        };
        let by = |judgement| {
            let of = judged
                .iter()
                .filter(move |(_, _, judged)| *judged == judgement);
            of.map(|(index, _, _)| *index).collect()
        };
        Partly {
            fired: by(Some(true)),
            undecided: by(None),
            refused,
            killed,
            allowed,
            taints: judged
                .iter()
                .filter(|(_, rule, _)| rule.actions.has(Actions::TAINT))
                .map(|(index, rule, judged)| (*index, acting(rule, *judged)))
                .filter(|(_, acts)| *acts != Some(false))
                .map(|(index, acts)| (index, acts == Some(true)))
                .collect(),
            untaint: or(judged
                .iter()
                .filter(|(_, rule, _)| rule.actions.has(Actions::UNTAINT))
                .map(|(_, rule, judged)| acting(rule, *judged))),
        }
    }
}

fn is_op(op: Op, facts: &Facts) -> bool {
    u64::from(u16::from(op)) == facts.number(Number::Op)
}

fn not(one: Option<bool>) -> Option<bool> {
    one.map(|one| !one)
}

fn and(all: impl IntoIterator<Item = Option<bool>>) -> Option<bool> {
    let mut known = Some(true);
    for one in all {
        match one {
            Some(true) => {}
            Some(false) => return Some(false),
            None => known = None,
        }
    }
    known
}

fn or(any: impl IntoIterator<Item = Option<bool>>) -> Option<bool> {
    not(and(any.into_iter().map(not)))
}

/// Applies the trust changes of matching rules, in the order of `rules`. Each first clears the operator's bit if it
/// untaints, and then taints.
pub fn carry_out(rules: &[Rule], outcome: &Outcome, facts: &mut Facts) {
    for rule in outcome.fired.iter().filter_map(|index| rules.get(*index)) {
        if outcome.allowed && !rule.actions.has(Actions::ALLOW) {
            continue;
        }
        if rule.actions.has(Actions::UNTAINT) {
            facts.trust_again("operator");
        }
        if rule.actions.has(Actions::TAINT) {
            facts.distrust(&format!("rule:{}", rule.id));
        }
    }
}

/// Evaluates rules on an event.
pub fn decide(rules: &[Rule], facts: &Facts) -> Outcome {
    Prepared::new(rules).decide(facts)
}

/// True if a condition is true; false if that is undecided.
pub fn holds(condition: &Condition, facts: &Facts) -> bool {
    let mut regexes = Regexes::new();
    compile(condition, &mut regexes);
    truth(condition, facts, &regexes) == Some(true)
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

/// Evaluates a condition; `None` if the result depends on unknown fields.
fn truth(condition: &Condition, facts: &Facts, regexes: &Regexes<'_>) -> Option<bool> {
    let text_holds = |test: &TextTest, text: &[u8]| {
        text_holds(
            test,
            text,
            &|pattern, text| matches!(regexes.get(pattern), Some(Some(regex)) if regex.is_match(text)),
        )
    };
    match condition {
        Condition::Const(value) => Some(*value),
        Condition::Not(inner) => not(truth(inner, facts, regexes)),
        Condition::And(items) => and(items.iter().map(|item| truth(item, facts, regexes))),
        Condition::Or(items) => or(items.iter().map(|item| truth(item, facts, regexes))),
        Condition::Number(field, test) => match facts.possible(*field) {
            Some(ranges) => holds_among(test, ranges),
            None => Some(number_holds(test, facts.number(*field))),
        },
        Condition::Text(Text::Chain, test) => {
            let known = facts
                .chain()
                .iter()
                .map(|text| Some(text_holds(test, text)));
            or(known.chain(facts.is_unknown(Text::Chain).then_some(None)))
        }
        Condition::Text(field, _) if facts.is_unknown(*field) => None,
        Condition::Text(field, test) => Some(text_holds(test, facts.text(*field))),
        Condition::Trust(None) if facts.trust().is_empty() && !facts.maybe_trust().is_empty() => {
            None
        }
        Condition::Trust(None) => Some(!facts.trust().is_empty()),
        Condition::Trust(Some(source)) => {
            may_be(source, facts.trust().contains(source), facts.maybe_trust())
        }
        Condition::Cause(source) if facts.is_cause_unknown() => {
            let may = facts.trust().contains(source) || facts.maybe_trust().contains(source);
            if may { None } else { Some(false) }
        }
        Condition::Cause(source) => Some(facts.cause() == Some(source)),
    }
}

fn may_be(source: &str, is: bool, maybe: &BTreeSet<String>) -> Option<bool> {
    if !is && maybe.contains(source) {
        None
    } else {
        Some(is)
    }
}

/// Evaluates a test on all numbers of ranges that do not overlap; `None` if the results differ.
fn holds_among(test: &NumberTest, ranges: &[RangeInclusive<u64>]) -> Option<bool> {
    let any = |holds: &dyn Fn(&RangeInclusive<u64>) -> bool| ranges.iter().any(holds);
    let (may, may_not) = match test {
        NumberTest::In(values) => {
            let inside = |range: &RangeInclusive<u64>| {
                values.iter().filter(|value| range.contains(value)).count()
            };
            let whole = |range: &RangeInclusive<u64>| {
                u128::from(*range.end()) - u128::from(*range.start()) + 1
                    == u128::try_from(inside(range)).unwrap_or(0)
            };
            (any(&|range| inside(range) > 0), any(&|range| !whole(range)))
        }
        NumberTest::Less(limit) => (
            any(&|range| range.start() < limit),
            any(&|range| range.end() >= limit),
        ),
        NumberTest::Greater(limit) => (
            any(&|range| range.end() > limit),
            any(&|range| range.start() <= limit),
        ),
        NumberTest::AnyBit(mask) => {
            let is_one = |range: &RangeInclusive<u64>| range.start() == range.end();
            (
                any(&|range| !is_one(range) || range.start() & mask != 0),
                any(&|range| !is_one(range) || range.start() & mask == 0),
            )
        }
    };
    match (may, may_not) {
        (true, false) => Some(true),
        (false, _) => Some(false),
        (true, true) => None,
    }
}

/// Evaluates a test of a number.
pub(crate) fn number_holds(test: &NumberTest, value: u64) -> bool {
    match test {
        NumberTest::In(values) => values.contains(&value),
        NumberTest::Less(limit) => value < *limit,
        NumberTest::Greater(limit) => value > *limit,
        NumberTest::AnyBit(mask) => value & mask != 0,
    }
}

/// Evaluates a test of a text; regular expressions by `matches`.
pub(crate) fn text_holds(
    test: &TextTest,
    value: &[u8],
    matches: &dyn Fn(&str, &[u8]) -> bool,
) -> bool {
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

/// True if one text contains the other.
pub(crate) fn contains(text: &[u8], part: &[u8]) -> bool {
    part.is_empty() || text.windows(part.len()).any(|window| window == part)
}

/// True if an address is in a network. IPv4 and IPv6 are distinct.
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
