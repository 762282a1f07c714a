// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `cargo xtask build`: the release binaries; with `--failpoints` also `ambit` with fail points, for the lab.

use std::env;
use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};

use crate::{paths, setup};

/// Options of `cargo xtask build`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Also build `ambit` with fail points, which some of the lab's tests need
    #[arg(long)]
    failpoints: bool,
}

pub(crate) fn main(args: &Args) -> Result<ExitCode> {
    if args.failpoints {
        with_failpoints()?;
    } else {
        all()?;
    }
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

/// Builds all, and `ambit` with fail points as `ambit-failpoints`. Checks that the shipped program has none.
pub(crate) fn with_failpoints() -> Result<()> {
    setup::for_build()?;
    // The same profile, so that both share the crates that do not depend on the feature. Cargo has one place for both: the one
    // with fail points is built first and moved away.
    run(build().args(["--package", "ambit", "--features", "failpoints"]))?;
    let stops = paths::failpoints_binary();
    fs::rename(stops.with_file_name("ambit"), &stops)
        .with_context(|| format!("cannot make {}", stops.display()))?;
    all()?;
    let shipped = paths::release_binary("ambit").context("ambit is not built")?;
    if !has_fail_points(&stops)? {
        bail!("{} has no fail points", stops.display());
    }
    if has_fail_points(&shipped)? {
        bail!("{} has fail points", shipped.display());
    }
    Ok(())
}

/// True if the variable that chooses a fail point is named in a program.
fn has_fail_points(program: &Path) -> Result<bool> {
    const VARIABLE: &[u8] = b"AMBIT_FAIL_POINT";
    let bytes = fs::read(program).with_context(|| format!("cannot read {}", program.display()))?;
    Ok(bytes
        .windows(VARIABLE.len())
        .any(|window| window == VARIABLE))
}

/// Static: `ambit` runs on any distribution, and a confined test program touches nothing that its test did not write
/// down.
fn release(packages: &[&str]) -> Result<()> {
    run(build().args(packages.iter().flat_map(|package| ["--package", package])))
}

fn build() -> Command {
    let mut command = cargo("build");
    command
        .args(["--release", "--target", paths::TRIPLE])
        .env("RUSTFLAGS", "-C target-feature=+crt-static");
    command
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
