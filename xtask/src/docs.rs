// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `cargo xtask docs`: the documents that are written from the code. A test fails where one is not up to date.

use std::fs;
use std::process::ExitCode;

use anyhow::{Context, Result};

use crate::paths;

/// Options of `cargo xtask docs`.
#[derive(clap::Args)]
pub(crate) struct Args {}

pub(crate) fn main(_args: &Args) -> Result<ExitCode> {
    let path = paths::workspace().join("docs/coverage.md");
    fs::write(&path, ambit_coverage::markdown())
        .with_context(|| format!("cannot write {}", path.display()))?;
    Ok(ExitCode::SUCCESS)
}
