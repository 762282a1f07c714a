// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The lines of a stored run.

use ambit_event::{Hex, Mode};
use serde::{Deserialize, Serialize};

/// Version of the lines that this crate writes and reads.
pub const FORMAT: u32 = 1;

/// One line of a stored run.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Line<R, V> {
    /// The first line.
    Run(R),
    /// The first occurrence of a violation.
    Violation(V),
    /// A repetition of a violation.
    Again {
        /// The violation's id.
        id: String,
        /// Number of occurrences so far.
        count: u32,
    },
    /// The last line.
    End(End),
}

/// The beginning of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// Version of the lines: [`FORMAT`].
    pub ambit: u32,
    /// The domain's name.
    pub domain: String,
    /// `audit` or `enforce`.
    pub mode: Mode,
    /// The map's absolute path, escaped by [`ambit_event::escape::name`].
    pub map: String,
    /// Bytes of the map's absolute path.
    pub map_bytes: Hex,
    /// The command line, each word escaped.
    pub command: Vec<String>,
    /// UTC.
    pub began: String,
}

/// The end of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct End {
    /// UTC.
    pub ended: String,
    /// Records of violations beyond the first [`crate::KEPT`] or [`crate::KEPT_BYTES`]. Each violation has one or more.
    pub dropped: u64,
    /// Records that found no room in the ring.
    pub lost: u64,
}

/// Describes the violations of a run that are not stored: `dropped` and `lost` as in [`End`].
pub fn losses(dropped: u64, lost: u64) -> Vec<String> {
    let records = |count| if count == 1 { "record" } else { "records" };
    let dropped = (dropped > 0).then(|| {
        format!(
            "{dropped} {} of other operations not stored: a run stores at most {} operations, and {} MiB of them",
            records(dropped),
            crate::KEPT,
            crate::KEPT_BYTES >> 20
        )
    });
    let lost = (lost > 0).then(|| {
        format!(
            "{lost} {} lost, because the ring buffer was full; run again with a larger --ring-size",
            records(lost)
        )
    });
    dropped.into_iter().chain(lost).collect()
}
