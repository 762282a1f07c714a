// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The names of Ambit's state.
//!
//! `/run/ambit` has the state of this boot: the names of trust bits and the description of the active rule set.
//! `/var/lib/ambit`, or `AMBIT_STATE_DIR`, has the state that is kept across boots: runs, the log of trust changes, and files that
//! could not be written at their path.

pub use ambit_files::state_dir;

/// The file in `/run/ambit` with the names of trust bits.
pub(crate) const SOURCES_FILE: &str = "sources.json";

/// Returns the file in `/run/ambit` with the description of the rule set with this generation.
#[cfg(feature = "kernel")]
pub(crate) fn rules_file(generation: u64) -> String {
    format!("rules-{generation}.json")
}

/// Returns the generation in the name of a description file; `None` for other files.
#[cfg(feature = "kernel")]
pub(crate) fn rules_file_generation(name: &str) -> Option<u64> {
    name.strip_prefix("rules-")?
        .strip_suffix(".json")?
        .parse()
        .ok()
}
