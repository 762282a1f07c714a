// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Opens the stored runs, and adds a remedy to the error if one is missing.

use ambit_journal::{Error, Runs, StoredRun};
use anyhow::anyhow;

use crate::exit::{Exit, Failure};

/// Returns the stored runs of this host.
pub(crate) fn runs() -> Runs {
    Runs::below(&ambit_hoststate::paths::state_dir())
}

/// Reads the newest run of a domain, or of all domains.
pub(crate) fn stored(domain: Option<&str>) -> Result<StoredRun, Failure> {
    let runs = runs();
    let read = match domain {
        Some(domain) => runs.load(domain),
        None => runs.newest(),
    };
    read.map_err(|error| {
        let exit = if error.is_missing() {
            Exit::Usage
        } else {
            Exit::Trouble
        };
        let hint = match &error {
            Error::NoRuns { .. } => "; store one with `ambit run -m MAP -- CMD` (add --enforce to refuse what is outside the map)",
            Error::NoSuchDomain { .. } => "; `ambit explain` without --domain shows the newest run",
            error if error.is_permission() => "; only root may read stored runs, so try sudo",
            _ => "",
        };
        let error = anyhow::Error::from(error);
        Failure::new(exit, anyhow!("{error:#}{hint}"))
    })
}
