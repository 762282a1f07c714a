// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Records of the ring of rules.

use ambit_abi::{Hook, Op, RULE_ALLOW, RULE_DENY, RULE_KILL, Reason, RuleEvent};
use serde::Serialize;
use zerocopy::FromBytes;

use crate::{Object, Operation, RecordError, escape, text};

/// A record of the ring of rules, parsed once.
#[derive(Clone, Debug)]
pub struct RuleRecord<'a> {
    /// The header.
    pub header: RuleEvent,
    /// The object's bytes.
    pub object: &'a [u8],
    operation: Operation,
    hook: Hook,
    unrepresentable: Option<Reason>,
}

impl<'a> RuleRecord<'a> {
    /// Parses a record; bytes after the object are padding of the ring.
    ///
    /// # Errors
    /// The record is too short, or a number has no meaning.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, RecordError> {
        let (header, rest) = RuleEvent::read_from_prefix(bytes)
            .map_err(|_| RecordError::Short { found: bytes.len() })?;
        let expected = usize::from(header.object_len);
        let object = rest.get(..expected).ok_or(RecordError::Truncated {
            found: rest.len(),
            expected,
        })?;
        Ok(Self {
            operation: Operation {
                op: Op::try_from(header.op)?,
                arg: header.arg,
            },
            hook: Hook::try_from(header.hook)?,
            unrepresentable: header
                .unrepresentable
                .checked_sub(1)
                .map(Reason::try_from)
                .transpose()?,
            header,
            object,
        })
    }

    /// The operation with its object, as a line of a map; the operation alone if the object has no canonical form.
    fn line(&self) -> String {
        let object = Object::parse(self.object)
            .ok()
            .filter(|_| self.unrepresentable.is_none());
        object.map_or_else(
            || self.operation.op.name().to_owned(),
            |object| self.operation.rule(&object),
        )
    }

    /// The text of an executable: the task's (0) or its parent's (1).
    fn exe(&self, at: usize) -> Option<String> {
        let length = usize::from(*self.header.exe_len.get(at)?);
        let bytes = self.header.exes.get(at)?.get(..length)?;
        let object = Object::parse(bytes).ok()?;
        Some(text::object_text(Op::Name, &object))
    }
}

/// What became of an operation that a rule matched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum RuleOutcome {
    /// Refused, and the process was killed.
    Killed,
    /// Refused.
    Refused,
    /// Allowed, even if the map does not.
    Allowed,
    /// Recorded only.
    Recorded,
}

impl RuleOutcome {
    /// Every outcome.
    pub const ALL: [Self; 4] = [Self::Killed, Self::Refused, Self::Allowed, Self::Recorded];

    /// The outcome's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Killed => "killed",
            Self::Refused => "refused",
            Self::Allowed => "allowed",
            Self::Recorded => "recorded",
        }
    }

    const fn of(bits: u8) -> Self {
        if bits & RULE_KILL != 0 {
            Self::Killed
        } else if bits & RULE_DENY != 0 {
            Self::Refused
        } else if bits & RULE_ALLOW != 0 {
            Self::Allowed
        } else {
            Self::Recorded
        }
    }
}

/// The rule of a [`RuleHit`], from the set that is loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleName {
    /// Its id.
    pub id: String,
    /// The name of its severity.
    pub severity: &'static str,
    /// Its ATT&CK techniques.
    pub attack: Vec<String>,
}

/// A rule that matched an operation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RuleHit {
    /// UTC.
    pub time: String,
    /// The rule's id; `#N` if the set that it belongs to is no longer loaded.
    pub rule: String,
    /// The rule's severity.
    pub severity: &'static str,
    /// The rule's ATT&CK techniques.
    pub attack: Vec<String>,
    /// What became of the operation.
    pub outcome: RuleOutcome,
    /// The rule's actions.
    #[serde(rename = "do")]
    pub actions: Vec<&'static str>,
    /// The operation and its object, as a line of a map.
    pub operation: String,
    /// The port, if the operation has one.
    pub port: Option<u16>,
    /// Process, in the initial pid namespace.
    pub pid: u32,
    /// Thread, in the initial pid namespace.
    pub tid: u32,
    /// User id.
    pub uid: u32,
    /// Group id.
    pub gid: u32,
    /// The task's name for itself, escaped.
    pub comm: String,
    /// The task's executable.
    pub exe: Option<String>,
    /// The executable of the task's parent.
    pub parent: Option<String>,
    /// Id of the task's control group.
    pub cgroup: u64,
    /// The domain's slot, if the task is in one.
    pub domain: Option<u16>,
    /// Names of the task's trust bits.
    pub trust: Vec<String>,
    /// The hook.
    pub hook: Hook,
    /// Why the object has no canonical form.
    pub unrepresentable: Option<Reason>,
}

impl RuleHit {
    /// Describes a record. `time` is the record's time as UTC text; `actions` and `trust` are names of the record's bits.
    pub fn new(
        record: &RuleRecord<'_>,
        rule: Option<RuleName>,
        actions: Vec<&'static str>,
        trust: Vec<String>,
        time: String,
    ) -> Self {
        let header = &record.header;
        let rule = rule.unwrap_or_else(|| RuleName {
            id: format!("#{}", header.rule),
            severity: "info",
            attack: Vec::new(),
        });
        Self {
            time,
            rule: rule.id,
            severity: rule.severity,
            attack: rule.attack,
            outcome: RuleOutcome::of(header.outcome),
            actions,
            operation: record.line(),
            port: (header.port != 0).then_some(header.port),
            pid: header.tgid,
            tid: header.tid,
            uid: header.uid,
            gid: header.gid,
            comm: escape::comm(&header.comm),
            exe: record.exe(0),
            parent: record.exe(1),
            cgroup: header.cgroup,
            domain: (header.domain != 0).then_some(header.domain),
            trust,
            hook: record.hook,
            unrepresentable: record.unrepresentable,
        }
    }
}
