// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `cargo xtask build`: the release binaries.

use std::env;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};

use crate::{paths, setup};

/// Options of `cargo xtask build`.
#[derive(clap::Args)]
pub(crate) struct Args {}

pub(crate) fn main(_args: &Args) -> Result<ExitCode> {
    all()?;
    Ok(ExitCode::SUCCESS)
}

/// Builds `ambit`, and as static programs those that the lab's tests run and confine.
pub(crate) fn all() -> Result<()> {
    setup::for_build()?;
    release(&["ambit", "ambit-lab", "ambit-taps"])
}

/// Builds `ambit`.
pub(crate) fn ambit() -> Result<()> {
    setup::for_build()?;
    release(&["ambit"])
}

/// Static: `ambit` runs on any distribution, and a confined test program touches nothing that its test did not write
/// down.
fn release(packages: &[&str]) -> Result<()> {
    run(cargo("build")
        .arg("--release")
        .args(packages.iter().flat_map(|package| ["--package", package]))
        .args(["--target", paths::TRIPLE])
        .env("RUSTFLAGS", "-C target-feature=+crt-static"))
}

/// One of cargo's own commands, in the workspace.
pub(crate) fn cargo(verb: &str) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(paths::workspace()).arg(verb);
    command
}

fn run(command: &mut Command) -> Result<()> {
    let status = command.status().context("cannot start cargo")?;
    if !status.success() {
        bail!("cargo build failed ({status})");
    }
    Ok(())
}
