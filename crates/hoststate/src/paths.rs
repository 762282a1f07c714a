// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The paths of Ambit's state.
//!
//! `/run/ambit` has the state of this boot: the names of trust bits and the description of the active rule set.
//! `/var/lib/ambit`, or `AMBIT_STATE_DIR`, has the state that is kept across boots: runs and the log of trust changes.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// The directory of the state of this boot.
pub const RUN_DIR: &str = "/run/ambit";
/// The directory of the state that is kept across boots, unless `AMBIT_STATE_DIR` names another.
const STATE_DIR: &str = "/var/lib/ambit";

/// Returns the directory of the state that is kept across boots, as an absolute path: the keeper leaves the working directory.
pub fn state_dir() -> PathBuf {
    state_dir_of(std::env::var_os("AMBIT_STATE_DIR"))
}

fn state_dir_of(variable: Option<OsString>) -> PathBuf {
    let directory = variable
        .filter(|dir| !dir.is_empty())
        .map_or_else(|| PathBuf::from(STATE_DIR), PathBuf::from);
    std::path::absolute(&directory).unwrap_or(directory)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_directory_does_not_depend_on_a_later_working_directory() {
        let here = std::env::current_dir().unwrap();
        assert_eq!(state_dir_of(Some("state".into())), here.join("state"));
        assert_eq!(state_dir_of(Some("/s".into())), Path::new("/s"));
        for none in [None, Some(OsString::new())] {
            assert_eq!(state_dir_of(none), Path::new(STATE_DIR));
        }
    }
}
