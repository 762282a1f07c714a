// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Random sets of rules.

use std::fmt;

use ambit_event::Op;
use ambit_policy::file::{check_set, read};
use ambit_policy::rule::Rule;

use crate::condition::Draw;
use crate::{Near, Random};

/// How often a rejected rule is generated again before it is left out.
const TRIES: usize = 60;

/// Limit of rules that taint in a set: each takes a trust bit.
const TAINTING: usize = 6;

/// A rule in text form.
#[derive(Clone, Debug)]
pub struct Drawn {
    /// Its id.
    pub id: String,
    /// The operations of the rule.
    pub on: Vec<Op>,
    /// Its condition.
    pub when: String,
    /// Its actions in text form.
    pub does: &'static str,
    /// Its scope in text form.
    pub scope: &'static str,
}

impl fmt::Display for Drawn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let on: Vec<&str> = self.on.iter().map(|op| op.name()).collect();
        writeln!(f, "  - id: {}", self.id)?;
        writeln!(f, "    on: [{}]", on.join(", "))?;
        writeln!(f, "    for: {}", self.scope)?;
        writeln!(f, "    when: '{}'", self.when.replace('\'', "''"))?;
        writeln!(f, "    do: {}", self.does)
    }
}

/// Returns the text of a file with these rules.
pub fn file(rules: &[Drawn]) -> String {
    let rules: Vec<String> = rules.iter().map(Drawn::to_string).collect();
    format!("ambit-rules: 1\nrules:\n{}", rules.concat())
}

/// Generates at most `count` rules close to events, which can be loaded together. If there are `bounds`, each rule is
/// restricted to events that match one of them.
pub fn rules(random: &mut Random, near: &Near, count: usize, bounds: &[String]) -> Vec<Drawn> {
    let mut drawn: Vec<Drawn> = Vec::new();
    let mut rules: Vec<Rule> = Vec::new();
    let mut sources = near.sources.clone();
    for number in 0..count {
        let taints = number < TAINTING;
        for _ in 0..TRIES {
            let one = rule(random, near, bounds, &sources, (number, taints));
            let Ok(mut read) = read("drawn", file(std::slice::from_ref(&one)).as_bytes()) else {
                continue;
            };
            rules.append(&mut read);
            if check_set(&rules).is_ok() {
                drawn.push(one);
                break;
            }
            rules.pop();
        }
        if taints && let Some(last) = drawn.last() {
            sources.push(format!("rule:{}", last.id));
        }
    }
    drawn
}

fn rule(
    random: &mut Random,
    near: &Near,
    bounds: &[String],
    sources: &[String],
    (number, taints): (usize, bool),
) -> Drawn {
    let count = if random.once_in(2) {
        1
    } else {
        2 + random.below(3)
    };
    let mut on: Vec<Op> = (0..count)
        .filter_map(|_| random.pick(&near.ops).copied())
        .collect();
    on.sort_unstable();
    on.dedup();
    let does = if taints {
        random.pick(&["taint", "[audit, taint]", "[deny, taint]", "[allow, taint]"])
    } else {
        random.pick(&[
            "audit",
            "audit",
            "audit",
            "deny",
            "deny",
            "allow",
            "untaint",
            "[deny, untaint]",
        ])
    };
    let scope = if random.once_in(12) {
        "domains"
    } else {
        "host"
    };
    let depth = random.below(4);
    let mut draw = Draw {
        random,
        near,
        ops: &on,
        sources,
    };
    let condition = draw.condition(depth);
    let when = match random.pick(bounds) {
        None => condition,
        Some(bound) if random.once_in(8) => bound.clone(),
        Some(bound) => match random.below(3) {
            0 => format!("({condition}) && {bound}"),
            1 => format!("!(!({bound}) || !({condition}))"),
            _ => format!("{bound} && ({condition})"),
        },
    };
    let prefix = if taints { "t" } else { "r" };
    Drawn {
        id: format!("{prefix}{number}"),
        on,
        when,
        does: does.copied().unwrap_or("audit"),
        scope,
    }
}
