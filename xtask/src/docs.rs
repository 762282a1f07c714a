// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `cargo xtask docs`: the documents that are written from the code. A test fails where one is not up to date.

use std::fs;
use std::process::ExitCode;

use anyhow::{Context, Result};

use crate::house::{layers, picture};
use crate::paths;

/// Options of `cargo xtask docs`.
#[derive(clap::Args)]
pub(crate) struct Args {}

pub(crate) fn main(_args: &Args) -> Result<ExitCode> {
    write("docs/coverage.md", &ambit_coverage::markdown())?;
    write("docs/architecture.svg", &picture::svg(&layers::crates()?))?;
    Ok(ExitCode::SUCCESS)
}

fn write(name: &str, text: &str) -> Result<()> {
    let path = paths::workspace().join(name);
    fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
}
