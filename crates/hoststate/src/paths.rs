// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The paths of Ambit's state.
//!
//! `/run/ambit` has the state of this boot: the names of trust bits and the description of the active rule set.
//! `/var/lib/ambit`, or `AMBIT_STATE_DIR`, has the state that is kept across boots: runs and the log of trust changes.

use std::path::{Path, PathBuf};

/// The directory of the state of this boot.
pub const RUN_DIR: &str = "/run/ambit";
/// The directory of the state that is kept across boots, unless `AMBIT_STATE_DIR` names another.
const STATE_DIR: &str = "/var/lib/ambit";

/// Returns the directory of the state that is kept across boots.
pub fn state_dir() -> PathBuf {
    std::env::var_os("AMBIT_STATE_DIR")
        .filter(|dir| !dir.is_empty())
        .map_or_else(|| PathBuf::from(STATE_DIR), PathBuf::from)
}

/// Returns the file with the names of trust bits.
pub(crate) fn sources_file() -> PathBuf {
    Path::new(RUN_DIR).join("sources.json")
}

/// Returns the lock file of the process that reads the records of rules.
pub fn rule_reader_lock() -> PathBuf {
    Path::new(RUN_DIR).join("rules.reader")
}

/// Returns the description file of the rule set with this generation.
#[cfg(feature = "kernel")]
pub(crate) fn rules_file(generation: u64) -> PathBuf {
    Path::new(RUN_DIR).join(format!("rules-{generation}.json"))
}

/// Returns the generation in the name of a description file; `None` for other files.
#[cfg(feature = "kernel")]
pub(crate) fn rules_file_generation(name: &str) -> Option<u64> {
    name.strip_prefix("rules-")?
        .strip_suffix(".json")?
        .parse()
        .ok()
}
