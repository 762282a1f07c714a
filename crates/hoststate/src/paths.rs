// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Where Ambit keeps its state.
//!
//! `/run/ambit` is what belongs to this boot: the names of trust bits and the description of the active rule set.
//! `/var/lib/ambit`, or `AMBIT_STATE_DIR`, is what outlives it: runs and the log of trust changes.

use std::path::{Path, PathBuf};

/// The directory of this boot's state.
pub const RUN_DIR: &str = "/run/ambit";
/// The directory of what outlives a boot, unless `AMBIT_STATE_DIR` names another.
const STATE_DIR: &str = "/var/lib/ambit";

/// Returns the directory of what outlives a boot.
pub fn state_dir() -> PathBuf {
    std::env::var_os("AMBIT_STATE_DIR")
        .filter(|dir| !dir.is_empty())
        .map_or_else(|| PathBuf::from(STATE_DIR), PathBuf::from)
}

/// The file with the names of trust bits.
pub(crate) fn sources_file() -> PathBuf {
    Path::new(RUN_DIR).join("sources.json")
}

/// The lock of the process that reads the records of rules.
pub fn rule_reader_lock() -> PathBuf {
    Path::new(RUN_DIR).join("rules.reader")
}

/// The description file of the rule set with this generation.
#[cfg(feature = "kernel")]
pub(crate) fn rules_file(generation: u64) -> PathBuf {
    Path::new(RUN_DIR).join(format!("rules-{generation}.json"))
}

/// The generation of the rule set that a file of this name describes.
#[cfg(feature = "kernel")]
pub(crate) fn rules_file_generation(name: &str) -> Option<u64> {
    name.strip_prefix("rules-")?
        .strip_suffix(".json")?
        .parse()
        .ok()
}
