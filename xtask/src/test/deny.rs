// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Licences, banned crates and sources of all dependencies, by cargo-deny and `deny.toml`.

use std::env;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use super::count::Count;
use crate::{build, paths};

const VERSION: &str = "0.20.2";

/// Checks all dependencies; installs cargo-deny below `target/` if it is missing there.
///
/// Advisories need the `RustSec` database, a git repository that cargo-deny clones with `cargo deny fetch`. They are checked if it
/// is there, and counted as skipped if not.
pub(super) fn check(count: &mut Count) -> Result<bool> {
    let program = installed()?;
    let mut good = deny(&program, &["licenses", "bans", "sources"])?;
    count.passed += u64::from(good);
    if database().is_some_and(|dir| dir.is_dir()) {
        let safe = deny(&program, &["--disable-fetch", "advisories"])?;
        count.passed += u64::from(safe);
        good &= safe;
    } else {
        eprintln!(
            "xtask: skipped: advisories of dependencies, since the RustSec database is not here (cargo deny fetch)"
        );
        count.skipped += 1;
    }
    Ok(good)
}

fn deny(program: &PathBuf, arguments: &[&str]) -> Result<bool> {
    let status = Command::new(program)
        .current_dir(paths::workspace())
        .args(["--log-level", "error", "--all-features", "check"])
        .args(arguments)
        .stdin(Stdio::null())
        .status()
        .context("cannot start cargo-deny")?;
    Ok(status.success())
}

/// Where cargo-deny keeps its copies of advisory databases.
fn database() -> Option<PathBuf> {
    let home = env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| env::home_dir().map(|home| home.join(".cargo")))?;
    Some(home.join("advisory-dbs"))
}

fn installed() -> Result<PathBuf> {
    let root = paths::target().join(format!("tools/cargo-deny-{VERSION}"));
    let program = root.join("bin/cargo-deny");
    if !program.is_file() {
        // Unoptimised: it runs for seconds, and compiling it optimised takes minutes.
        let status = build::cargo("install")
            .args([
                "cargo-deny",
                "--version",
                VERSION,
                "--locked",
                "--no-default-features",
                "--debug",
                "--quiet",
                "--root",
            ])
            .arg(&root)
            .arg("--target-dir")
            .arg(root.join("build"))
            .stdin(Stdio::null())
            .status()
            .context("cannot start cargo")?;
        ensure!(
            status.success(),
            "cannot install cargo-deny {VERSION} ({status})"
        );
        std::fs::remove_dir_all(root.join("build"))
            .context("cannot remove the build folder of cargo-deny")?;
    }
    Ok(program)
}
