// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Layouts of trust, taps and rules.

use zerocopy::{FromBytes, FromZeros, Immutable, IntoBytes, KnownLayout};

use crate::{EXE_MAX, RULE_ENTRIES, RULE_FIRED, RULE_ROWS, RULE_WORDS, TRUST_BITS, TRUST_STEPS};

/// Why a trust bit was set (`struct ambit_trust_cause`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct TrustCause {
    /// `CLOCK_BOOTTIME`.
    pub time_ns: u64,
    /// When it ends; 0 for never.
    pub until_ns: u64,
    /// A tap's word, or the rule's number.
    pub detail: u64,
    /// The process that lost the trust.
    pub tgid: u32,
    /// The operation's argument.
    pub arg: u32,
    /// The operation; 0 for none.
    pub op: u16,
    /// The hook; `Hook::COUNT` for none.
    pub hook: u8,
    /// One of `TRUST_BY_*`.
    pub how: u8,
    /// How it came to the process, but for fork: a [`Spread`](crate::Spread), or 0.
    pub spread: u32,
    /// Hostile: what the process called itself.
    pub comm: [u8; 16],
}

/// A process that handed a trust status down (`struct ambit_trust_step`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct TrustStep {
    /// The process.
    pub tgid: u32,
    /// How it handed that on: a [`Spread`](crate::Spread).
    pub how: u32,
    /// Untrusted: chosen by the task.
    pub comm: [u8; 16],
}

/// What became of trust that was to spread (`struct ambit_spread_count`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct SpreadCount {
    /// Processes that lost trust by it.
    pub spread: u64,
    /// Files and descriptors that were marked.
    pub marked: u64,
    /// What memory, or a table, had no room for.
    pub failed: u64,
}

/// A process' trust (`struct ambit_trust`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Trust {
    /// The bits; set means not trusted by that source.
    pub bits: u32,
    /// The bit that was set first.
    pub first: u32,
    /// When the first of them ends; 0 for never.
    pub soonest_ns: u64,
    /// How many processes handed it down.
    pub steps: u32,
    /// Of a file's mark: the domain or the group of users that it counts for. Else 0.
    pub owner: u32,
    /// By bit.
    pub causes: [TrustCause; TRUST_BITS],
    /// The last of those processes, in a circle.
    pub path: [TrustStep; TRUST_STEPS],
}

/// What a tap says of a process (`struct ambit_tap`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Tap {
    /// `CLOCK_BOOTTIME`.
    pub time_ns: u64,
    /// A number that the tap chooses; shown with the cause.
    pub detail: u64,
    /// Trust bits, not before [`crate::TRUST_NAMED`].
    pub bits: u32,
    /// Zero.
    pub pad: u32,
}

/// What moves on when anybody's trust is lowered (`struct ambit_shared`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Shared {
    /// Its count.
    pub clock: u64,
    /// Not 0: executables that led to a task are kept.
    pub lineages: u64,
    /// Inode number of the host's mount namespace.
    pub host_ns: u64,
}

/// A set of rules: one half of the maps (`struct ambit_rule_set`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct RuleSet {
    /// Its number.
    pub generation: u64,
    /// By text: its first automaton.
    pub first: [u16; 8],
    /// By text: how many there are.
    pub count: [u16; 8],
}

/// Which set of rules holds (`struct ambit_rule_state`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct RuleState {
    /// Its number; 0 for none.
    pub generation: u64,
}

/// What a rule of a hook does (`struct ambit_rule_bit`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct RuleBit {
    /// Its index in the set.
    pub rule: u16,
    /// Mask of `RULE_*`.
    pub actions: u8,
    /// The trust bit that it sets.
    pub source: u8,
    /// How long that lasts; 0 for ever.
    pub seconds: u32,
}

/// An automaton over a text (`struct ambit_rule_automaton`). It is made as bytes; this says where in them things are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct RuleAutomaton {
    /// The state before the first byte.
    pub start: u32,
    /// The first state that marks tests; 0 for none.
    pub marking: u32,
    /// The first state that is no sink.
    pub sinks: u32,
    /// Zero.
    pub pad: u32,
    /// By byte, from 1 on.
    pub classes: [u8; 256],
    /// By state: its row, and the states that its classes lead to.
    pub next: [u16; RULE_ENTRIES + 256],
    /// Sets of tests.
    pub rows: [[u64; RULE_WORDS]; RULE_ROWS],
}

/// The rules of a hook (`struct ambit_rule_hook`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct RuleHook {
    /// Texts, a mask.
    pub needs: u32,
    /// Numbers, a mask.
    pub numbers: u32,
    /// Its first automaton of the object.
    pub first: u16,
    /// How many there are.
    pub count: u16,
    /// How many rules there are.
    pub bits_used: u32,
    /// Of all of them.
    pub actions: u32,
    /// Not 0 if the hook has a prefilter: a program that returns the context fields needed by rules that may still match.
    pub prefilter: u32,
    /// `PATH_PROGRAM_PRESENT` and perhaps `PATH_PROGRAM_OBJECT`, or 0 if the hook has no path program.
    pub path_program: u32,
    /// Numbers that the path program reads, a mask.
    pub path_numbers: u32,
    /// By the bit that stands for the rule.
    pub bits: [RuleBit; RULE_FIRED * 64],
}

/// How often a rule applied (`struct ambit_rule_count`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct RuleCount {
    /// Times.
    pub applied: u64,
    /// Of these: it refused.
    pub refused: u64,
    /// Of these: there was no room for the record.
    pub lost: u64,
}

/// The record of a rule that applied; the object's bytes follow (`struct ambit_rule_event`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct RuleEvent {
    /// `CLOCK_BOOTTIME`.
    pub time_ns: u64,
    /// Of the set of rules.
    pub generation: u64,
    /// The cgroup's id.
    pub cgroup: u64,
    /// The process.
    pub tgid: u32,
    /// The thread.
    pub tid: u32,
    /// Effective.
    pub uid: u32,
    /// Effective.
    pub gid: u32,
    /// The operation's argument.
    pub arg: u32,
    /// Trust bits, after this.
    pub trust: u32,
    /// Mode bits that were asked for.
    pub mode: u32,
    /// The operation.
    pub op: u16,
    /// Bytes that follow.
    pub object_len: u16,
    /// Index in the set.
    pub rule: u16,
    /// The domain's slot; 0 for none.
    pub domain: u16,
    /// The address' port.
    pub port: u16,
    /// The hook.
    pub hook: u8,
    /// Of this rule.
    pub actions: u8,
    /// Of all rules together.
    pub outcome: u8,
    /// Not 0: why the object is not there, `enum ambit_reason` and one.
    pub unrepresentable: u8,
    /// Bytes of the executables.
    pub exe_len: [u16; 2],
    /// Zero.
    pub pad: u16,
    /// Hostile: what the task called itself.
    pub comm: [u8; 16],
    /// Canonical bytes: the task's executable, and the one before it.
    pub exes: [[u8; EXE_MAX]; 2],
}

macro_rules! zeroed {
    ($($type:ident)*) => {
        $(impl Default for $type {
            fn default() -> Self {
                Self::new_zeroed()
            }
        })*
    };
}

zeroed!(TrustCause TrustStep SpreadCount Trust Tap Shared RuleSet RuleState RuleBit RuleHook RuleCount RuleEvent);
