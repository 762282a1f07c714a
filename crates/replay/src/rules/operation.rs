// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A recorded operation as facts for rules. Facts that a recording lacks are marked as unknown.

use std::collections::BTreeSet;

use ambit_abi::{self as abi, CHAIN_MAX, Coverage, Hook, Op};
use ambit_event::{Content, Inet, Object, Port};
use ambit_policy::condition::{Condition, Number, Text};
use ambit_policy::facts::Facts;
use ambit_policy::field;
use ambit_policy::rule::Rule;
use ambit_recording::{Header, Point, Shape, Task};

use super::process::{Cause, Process};

/// Fields of the task that no recording has.
const UNRECORDED: [Number; 7] = [
    Number::Uid,
    Number::Gid,
    Number::RealUid,
    Number::Caps,
    Number::NoNewPrivs,
    Number::ExeUnknown,
    Number::ForeignMounts,
];
/// Operations with the fields for a file's owner and mode, which no recording has.
const WITH_FILE_OWNER: [Op; 3] = [Op::FileOpen, Op::Exec, Op::MapExec];

/// True if a recording has every occurrence of an operation.
pub(super) fn is_recorded(header: &Header, coverage: Coverage, op: Op) -> bool {
    // Only operations that are points of maps are recorded.
    let points = !op.gated_only();
    Hook::ALL.iter().any(|hook| {
        points
            && field::is_evaluated(*hook, op)
            && hook.coverage() <= coverage
            && header.hooks.values().any(|name| name == hook.name())
    })
}

/// The inputs of a rule set besides the operation itself.
#[derive(Debug, Default)]
pub(super) struct Inputs {
    /// Taps and rules of other sets whose trust bits are read.
    pub(super) sources: BTreeSet<String>,
    /// True if the task's name or number is read.
    pub(super) task: bool,
}

impl Inputs {
    pub(super) fn of(rules: &[Rule]) -> Self {
        let mut inputs = Self::default();
        for rule in rules {
            inputs.gather(&rule.when);
        }
        let own: BTreeSet<String> = rules
            .iter()
            .map(|rule| format!("rule:{}", rule.id))
            .collect();
        inputs.sources.retain(|source| {
            !own.contains(source) && (source.starts_with("tap:") || source.starts_with("rule:"))
        });
        inputs
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
                self.sources.insert(source.clone());
            }
            _ => {}
        }
    }
}

/// A recorded operation with its task and process.
pub(super) struct RecordedOperation<'a> {
    pub(super) header: &'a Header,
    pub(super) coverage: Coverage,
    pub(super) point: &'a Point,
    pub(super) shape: &'a Shape,
    pub(super) task: &'a Task,
    pub(super) process: &'a Process,
}

impl RecordedOperation<'_> {
    /// Returns the facts that rules are evaluated on.
    pub(super) fn facts(&self, rules: &[Rule], inputs: &Inputs) -> Facts {
        let mut facts = Facts::default();
        self.operation(&mut facts);
        self.task(&mut facts);
        facts.set_chain(self.process.chain.clone());
        if self.process.chain.len() < CHAIN_MAX {
            facts.set_chain_open();
        }
        self.trust(rules, inputs, &mut facts);
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
        if WITH_FILE_OWNER.contains(&operation.op) {
            facts.set_number_unknown(Number::FileUid);
            facts.set_number_unknown(Number::FileMode);
        }
    }

    fn task(&self, facts: &mut Facts) {
        for number in UNRECORDED {
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

    /// True if the process is in a child pid namespace: there it has a second number.
    pub(super) const fn in_container(&self) -> bool {
        self.task.tgid != self.task.ns_tgid
    }

    fn trust(&self, rules: &[Rule], inputs: &Inputs, facts: &mut Facts) {
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
        // Whether the model lowers trust depends on the map, and the rules may be used with another.
        if self.process.model || is(abi::TRUST_MODEL) {
            facts.set_trust_unknown("model");
        }
        // A recording has these bits, but not the names of their sources.
        if bits >> abi::TRUST_NAMED != 0 {
            facts.set_trust_unknown("");
            for source in &inputs.sources {
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
        let trusted = facts.trust().is_empty() && !facts.may_be_untrusted();
        match &self.process.cause {
            Cause::Source(source) if !facts.trust().is_empty() => {
                facts.set_cause(Some(source.clone()));
            }
            _ if trusted => facts.set_cause(None),
            _ => facts.set_cause_unknown(),
        }
    }
}

/// Returns the source of the trust bits if exactly one is set and it has a fixed name.
pub(super) fn single_source(bits: u32) -> Option<&'static str> {
    [
        (abi::TRUST_OPERATOR, "operator"),
        (abi::TRUST_ENGINE, "engine"),
        (abi::TRUST_TAP, "tap"),
    ]
    .into_iter()
    .find(|(bit, _)| bits == 1 << bit)
    .map(|(_, source)| source)
}
