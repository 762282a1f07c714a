// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The JSON parts of a recording: header, losses and end. Readers skip unknown keys.

use std::collections::BTreeMap;

use ambit_abi::{Hook, Op};
use serde::{Deserialize, Serialize};

/// The recorded run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Header {
    /// The writer's version.
    pub ambit: String,
    /// The domain's name.
    pub domain: String,
    /// `learn`, `audit` or `enforce`.
    pub mode: String,
    /// Number of executables of the chain that belong to a subject.
    pub chain: u32,
    /// The hooks that were covered: `core` or `full`; empty is `core`.
    pub coverage: String,
    /// The host's ephemeral ports, both ends included.
    pub ephemeral: (u16, u16),
    /// The command line, each word escaped.
    pub command: Vec<String>,
    /// When it began, as UTC.
    pub began: String,
    /// True if forks are recorded.
    pub forks: bool,
    /// Digest of the map that was audited or enforced, in hex.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub map: Option<String>,
    /// The operations by the numbers of this file.
    pub ops: BTreeMap<u16, String>,
    /// The hooks by the numbers of this file.
    pub hooks: BTreeMap<u8, String>,
}

impl Header {
    /// Creates a header with the names of this program's numbers.
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

/// The end of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Summary {
    /// When, as UTC.
    pub ended: String,
    /// Records that could not be read and are missing.
    pub unreadable: u64,
    /// Tasks that continued without being recorded.
    pub stragglers: u64,
    /// The kernel part's counters.
    pub hooks: Vec<HookCounts>,
}

impl Summary {
    /// Returns the number of decided operations that are missing from the recording.
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
    /// Hook calls of the domain.
    pub evaluated: u64,
    /// Operations in the map, or learned before.
    pub matched: u64,
    /// Operations learned.
    pub learned: u64,
    /// Operations outside the map.
    pub violations: u64,
    /// Records that found no room in the ring.
    pub lost: u64,
    /// Calls without a decision, by reason.
    pub skipped: BTreeMap<String, u64>,
}
