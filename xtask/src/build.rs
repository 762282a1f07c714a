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
    cargo(&mut cargo_build("ambit"))?;
    // Static, so that a confined program touches nothing that the test did not write down.
    cargo(
        cargo_build("ambit-lab")
            .args(["--target", paths::TRIPLE])
            .env("RUSTFLAGS", "-C target-feature=+crt-static"),
    )
}

fn cargo_build(package: &str) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command
        .current_dir(paths::workspace())
        .args(["build", "--release", "--package", package]);
    command
}

fn cargo(command: &mut Command) -> Result<()> {
    let status = command.status().context("cannot start cargo")?;
    if !status.success() {
        bail!("cargo build failed ({status})");
    }
    Ok(())
}
