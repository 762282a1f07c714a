// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Everything that Ambit reports, as one typed value. `docs/events.md` describes its JSON.

use serde::{Deserialize, Serialize};

use crate::{Event, RuleHit, Violation};

/// Something that happened.
///
/// Each variant serialises as the object that the verbs print and store. Field names distinguish them; see
/// `docs/events.schema.json`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum Record {
    /// An operation that a hook decided.
    Point(Box<Event>),
    /// A violation with its id and UTC time, as `ambit run --json` prints it.
    Violation(Box<Violation>),
    /// A rule that matched, as `ambit rules watch --json` prints it.
    RuleHit(Box<RuleHit>),
    /// A change of trust by an operator, as `ambit trust log --json` prints it.
    TrustChange(Box<TrustChange>),
    /// A new process.
    Fork(Fork),
    /// Operations that are missing from a recording.
    Loss(Loss),
}

/// A new process. Both numbers are of the initial pid namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fork {
    /// The process that made it.
    pub parent: u32,
    /// The new process.
    pub child: u32,
    /// Nanoseconds of `CLOCK_BOOTTIME`.
    pub time_ns: u64,
}

/// Operations of one hook whose records found no room in the ring.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Loss {
    /// The hook's name.
    pub hook: String,
    /// Number of operations so far.
    pub lost: u64,
}

/// A change of trust by an operator: one call of `ambit trust set` or `ambit trust clear`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrustChange {
    /// UTC.
    pub time: String,
    /// Set or clear.
    #[serde(rename = "verb")]
    pub kind: ChangeKind,
    /// The processes.
    pub processes: Vec<ChangedProcess>,
    /// The domain, if the change was for all of its processes.
    pub domain: Option<String>,
    /// Names of trust bits, or `all`.
    pub sources: Vec<String>,
    /// How long the change lasts; `null` is for ever.
    pub seconds: Option<u32>,
    /// The operator's reason.
    pub reason: Option<String>,
    /// The operator's user id.
    pub uid: u32,
    /// The operator's name, if `sudo` was used.
    pub sudo_user: Option<String>,
    /// Why the change failed. It is a second entry, after the one that announced the change.
    pub failed: Option<String>,
}

/// What an operator did to trust bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ChangeKind {
    /// Set them: the processes are untrusted.
    Set,
    /// Cleared them.
    Clear,
}

impl ChangeKind {
    /// Returns the name in the log.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Set => "set",
            Self::Clear => "clear",
        }
    }
}

/// A process whose trust was changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangedProcess {
    /// In the initial pid namespace.
    pub pid: u32,
    /// Its name, escaped.
    pub comm: String,
    /// Names of the trust bits that were set before.
    pub trust: Vec<String>,
}
