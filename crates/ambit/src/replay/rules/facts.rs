// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A recorded operation as rules see it, and what of it a recording does not tell.

use std::collections::BTreeSet;

use ambit_abi::{self as abi, CHAIN_MAX, Coverage, Hook, Op};
use ambit_event::{Content, Inet, Object, Port};
use ambit_policy::condition::{Condition, Number, Text};
use ambit_policy::facts::Facts;
use ambit_policy::field;
use ambit_policy::rule::Rule;
use ambit_recording::{Header, Point, Shape, Task};

use super::process::{First, Process};

/// Facts that no recording has.
const NUMBERS: [Number; 5] = [
    Number::Uid,
    Number::Gid,
    Number::RealUid,
    Number::Caps,
    Number::NoNewPrivs,
];
/// Operations whose file's owner and mode rules can ask for.
const FILES: [Op; 3] = [Op::FileOpen, Op::Exec, Op::MapExec];

/// Whether the program of rules at a hook asks about this operation. Opening asks a map about creating and emptying, too.
pub(super) fn is_asked(hook: Hook, op: Op) -> bool {
    field::is_asked(op)
        && hook.ops().contains(&op)
        && !matches!(
            (hook, op),
            (Hook::FileOpen, Op::FileCreate | Op::FileTruncate)
        )
}

/// Whether a recording has an operation wherever it is done.
pub(super) fn is_recorded(header: &Header, coverage: Coverage, op: Op) -> bool {
    // What is only gated is no point of any map.
    let points = !op.gated_only();
    Hook::ALL.iter().any(|hook| {
        points
            && is_asked(*hook, op)
            && hook.coverage() <= coverage
            && header.hooks.values().any(|name| name == hook.name())
    })
}

/// What rules ask about beside operations.
#[derive(Debug, Default)]
pub(super) struct Asked {
    /// Sources of trust that are neither ours nor one of the four without a name.
    pub(super) named: BTreeSet<String>,
    /// What the task calls itself, or its number.
    pub(super) task: bool,
}

impl Asked {
    pub(super) fn of(rules: &[Rule]) -> Self {
        let mut asked = Self::default();
        for rule in rules {
            asked.gather(&rule.when);
        }
        let own: BTreeSet<String> = rules
            .iter()
            .map(|rule| format!("rule:{}", rule.id))
            .collect();
        asked.named.retain(|source| {
            !own.contains(source) && (source.starts_with("tap:") || source.starts_with("rule:"))
        });
        asked
    }

    fn gather(&mut self, condition: &Condition) {
        match condition {
            Condition::Not(inner) => self.gather(inner),
            Condition::And(items) | Condition::Or(items) => {
                for item in items {
                    self.gather(item);
                }
            }
            Condition::Number(Number::Pid, _) | Condition::Text(Text::Comm, _) => self.task = true,
            Condition::Trust(Some(source)) | Condition::Cause(source) => {
                self.named.insert(source.clone());
            }
            _ => {}
        }
    }
}

/// An operation and who did it.
pub(super) struct Done<'a> {
    pub(super) header: &'a Header,
    pub(super) coverage: Coverage,
    pub(super) point: &'a Point,
    pub(super) shape: &'a Shape,
    pub(super) task: &'a Task,
    pub(super) process: &'a Process,
}

impl Done<'_> {
    /// What rules see of it.
    pub(super) fn facts(&self, rules: &[Rule], asked: &Asked) -> Facts {
        let mut facts = Facts::default();
        self.operation(&mut facts);
        self.task(&mut facts);
        facts.set_chain(self.process.chain.clone());
        if self.process.chain.len() < CHAIN_MAX {
            facts.set_chain_open();
        }
        self.trust(rules, asked, &mut facts);
        facts
    }

    fn operation(&self, facts: &mut Facts) {
        let operation = self.point.operation;
        facts.set_number(Number::Op, u64::from(u16::from(operation.op)));
        facts.set_number(Number::Arg, operation.arg.into());
        facts.set_number(Number::Mode, self.shape.extra.into());
        match &self.point.content {
            Content::Object(object) => facts.set_object(object),
            _ => facts.set_number(Number::Unrepresentable, 1),
        }
        if let Content::Object(Object::Inet(Inet {
            port: Port::Ephemeral,
            ..
        })) = &self.point.content
        {
            let (first, last) = self.header.ephemeral;
            let range = u64::from(first.max(1))..=u64::from(last);
            facts.set_number_among(Number::Port, vec![0..=0, range]);
        }
        if operation.op == Op::MapExec && self.coverage == Coverage::Core {
            let arg = u64::from(operation.arg);
            let writable = arg | u64::from(abi::MAP_WRITE);
            facts.set_number_among(Number::Arg, vec![arg..=arg, writable..=writable]);
        }
        if FILES.contains(&operation.op) {
            facts.set_number_unknown(Number::FileUid);
            facts.set_number_unknown(Number::FileMode);
        }
    }

    fn task(&self, facts: &mut Facts) {
        for number in NUMBERS {
            facts.set_number_unknown(number);
        }
        facts.set_text_unknown(Text::Cgroup);
        facts.set_number(Number::Pid, self.task.tgid.into());
        let comm = self.task.comm.split(|byte| *byte == 0).next();
        facts.set_text(Text::Comm, comm.unwrap_or_default().to_vec());
        facts.set_number(Number::Labelled, 1);
        facts.set_text(Text::Domain, self.header.domain.clone().into_bytes());
        facts.set_number(Number::Container, u64::from(self.in_container()));
    }

    /// A process of the first namespace has one number.
    pub(super) const fn in_container(&self) -> bool {
        self.task.tgid != self.task.ns_tgid
    }

    fn trust(&self, rules: &[Rule], asked: &Asked, facts: &mut Facts) {
        let bits = self.shape.trust;
        let is = |bit: u32| bits >> bit & 1 == 1;
        if is(abi::TRUST_OPERATOR) {
            match self.process.untainted {
                Some(false) => facts.distrust("operator"),
                Some(true) => {}
                None => facts.set_trust_unknown("operator"),
            }
        }
        for (bit, source) in [(abi::TRUST_ENGINE, "engine"), (abi::TRUST_TAP, "tap")] {
            if is(bit) {
                facts.distrust(source);
            }
        }
        // Another map, or none, might have thought otherwise.
        if self.process.model || is(abi::TRUST_MODEL) {
            facts.set_trust_unknown("model");
        }
        // The names of these bits are not in a recording.
        if bits >> abi::TRUST_NAMED != 0 {
            facts.set_trust_unknown("");
            for source in &asked.named {
                facts.set_trust_unknown(source);
            }
        }
        for (rule, surely) in self.process.taints() {
            let Some(rule) = rules.get(rule) else {
                continue;
            };
            let source = format!("rule:{}", rule.id);
            if surely {
                facts.distrust(&source);
            } else {
                facts.set_trust_unknown(&source);
            }
        }
        let nobody = facts.trust().is_empty() && !facts.may_be_untrusted();
        match &self.process.first {
            First::Source(source) if !facts.trust().is_empty() => {
                facts.set_cause(Some(source.clone()));
            }
            _ if nobody => facts.set_cause(None),
            _ => facts.set_cause_unknown(),
        }
    }
}

/// The source of a single bit that is not a rule's; `None` where there are others, or its name is not known.
pub(super) fn only_source(bits: u32) -> Option<&'static str> {
    [
        (abi::TRUST_OPERATOR, "operator"),
        (abi::TRUST_ENGINE, "engine"),
        (abi::TRUST_TAP, "tap"),
    ]
    .into_iter()
    .find(|(bit, _)| bits == 1 << bit)
    .map(|(_, source)| source)
}
