// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What is said once, as JSON: what the run was, what was lost, how it ended. Keys that are not known are passed over.

use std::collections::BTreeMap;

use ambit_abi::{Hook, Op};
use serde::{Deserialize, Serialize};

/// What was recorded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Header {
    /// The program that wrote it.
    pub ambit: String,
    /// The domain's name.
    pub domain: String,
    /// `learn`, `audit` or `enforce`.
    pub mode: String,
    /// Executables that tell subjects apart.
    pub chain: u32,
    /// `core` or `full`: how much of the kernel's surface was asked about; empty is `core`.
    pub coverage: String,
    /// The host's ephemeral ports, both ends included.
    pub ephemeral: (u16, u16),
    /// The command line, each word escaped.
    pub command: Vec<String>,
    /// When it began, as UTC.
    pub began: String,
    /// Which process made which is recorded.
    pub forks: bool,
    /// Digest of the map that it was held to, in hex.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub map: Option<String>,
    /// The operations by the numbers that are used here.
    pub ops: BTreeMap<u16, String>,
    /// The hooks by the numbers that are used here.
    pub hooks: BTreeMap<u8, String>,
}

impl Header {
    /// One that has the names of this program's numbers.
    pub fn new() -> Self {
        Self {
            ambit: env!("CARGO_PKG_VERSION").to_owned(),
            ops: Op::ALL
                .iter()
                .map(|op| (u16::from(*op), op.name().to_owned()))
                .collect(),
            hooks: Hook::ALL
                .iter()
                .map(|hook| (u8::from(*hook), hook.name().to_owned()))
                .collect(),
            forks: true,
            ..Self::default()
        }
    }
}

/// What the recording misses of a hook.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Loss {
    /// The hook's name.
    pub hook: String,
    /// How many operations so far.
    pub lost: u64,
}

/// How a run ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Summary {
    /// When, as UTC.
    pub ended: String,
    /// Records that could not be read, and so not written.
    pub unreadable: u64,
    /// Tasks that went on unrecorded.
    pub stragglers: u64,
    /// What the kernel part counted.
    pub hooks: Vec<HookCounts>,
}

impl Summary {
    /// Operations that were decided and are not in the recording.
    pub fn lost(&self) -> u64 {
        let of_hooks = self.hooks.iter().map(|hook| hook.lost).sum::<u64>();
        of_hooks.saturating_add(self.unreadable)
    }
}

/// The counters of a hook at the end.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct HookCounts {
    /// The hook's name.
    pub hook: String,
    /// Calls that had to be decided.
    pub evaluated: u64,
    /// In the map, or learned before.
    pub matched: u64,
    /// Learned.
    pub learned: u64,
    /// Outside the map.
    pub violations: u64,
    /// Records that the ring had no room for.
    pub lost: u64,
    /// Not decided, by reason.
    pub skipped: BTreeMap<String, u64>,
}
