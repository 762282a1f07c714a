// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What runs leave behind for `explain` and `accept`: one file of JSON lines a domain, holding its newest run.

mod clock;
mod file;
mod record;
mod trust;

pub(crate) use clock::Clock;
pub(crate) use file::{Journal, StoredRun, load, newest};
pub(crate) use record::{End, FirstCause, Hex, Run, Violation, Who, hex};
pub(crate) use trust::{TrustChange, TrustHolder, TrustLog, trust_log_path};

use std::path::PathBuf;

/// How many violations a run keeps; the rest is counted.
pub(crate) const KEPT: usize = 10_000;

/// The folder of the runs: below `AMBIT_STATE_DIR`, or `/var/lib/ambit`.
fn folder() -> PathBuf {
    std::env::var_os("AMBIT_STATE_DIR")
        .filter(|dir| !dir.is_empty())
        .map_or_else(|| PathBuf::from("/var/lib/ambit"), PathBuf::from)
        .join("runs")
}

fn path(domain: &str) -> PathBuf {
    folder().join(format!("{domain}.jsonl"))
}
