// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `ambit rules load` and `unload`.

use std::path::PathBuf;

use ambit_files::RunDir;
use ambit_hoststate::{RuleSet, rules};
use ambit_session::ReaderLock;

use crate::exit::{Failure, Outcome};
use crate::out::{count, note, report};

pub(super) fn load(paths: &[PathBuf], quiet: bool) -> Result<Outcome, Failure> {
    let set = RuleSet::read(paths)?;
    if !quiet {
        report(set.link_warnings());
    }
    let loaded = rules::load(set)?;
    if !quiet {
        note!(
            "loaded {} from {}, evaluated at {}",
            count(loaded.rules, "rule"),
            count(loaded.files, "file"),
            count(loaded.hooks, "hook")
        );
    }
    Ok(Outcome::SUCCESS)
}

pub(super) fn unload() -> Result<Outcome, Failure> {
    // Without the lock, another process prints the records.
    let run = RunDir::open().ok();
    let reader = run.and_then(|run| ReaderLock::acquire(&run).ok());
    note!(
        "{}",
        if rules::unload(reader.is_some())? {
            "all rules are unloaded"
        } else {
            "no rules are loaded"
        }
    );
    Ok(Outcome::SUCCESS)
}
