// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What to load, and where to pin it.

use std::path::PathBuf;

use ambit_abi::Hook;

/// What to load, and where to pin it.
#[derive(Clone, Debug)]
pub struct LoadOptions {
    /// A directory of the BPF file system.
    pub pin_dir: PathBuf,
    /// Hooks without which loading succeeds.
    pub allow_missing: Vec<Hook>,
    /// Load the programs that decide for domains. Without them, labels, trust and chains are maintained, no more.
    pub core: bool,
    /// Load the programs of full coverage as well.
    pub full: bool,
}

impl Default for LoadOptions {
    fn default() -> Self {
        Self {
            pin_dir: "/sys/fs/bpf/ambit".into(),
            allow_missing: Vec::new(),
            core: true,
            full: false,
        }
    }
}
