// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `cargo xtask noise`: how much the library of rules records where nothing is wrong. Each workload of `tests/fidelity`, and
//! a server that is idle, runs in a machine of its own while all rules of `rules/` hold for the whole host; their
//! counts are written to `docs/noise.md`.

mod table;

use std::fs;
use std::io;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::fidelity::{folder, workloads};
use crate::lab::{Kernel, Run};
use crate::{build, lab, paths};

/// Options of `cargo xtask noise`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The kernel to run on
    #[arg(long, value_enum, default_value_t = Kernel::V6_12)]
    kernel: Kernel,
    /// Print the results as JSON, and leave docs/noise.md alone
    #[arg(long)]
    json: bool,
    /// The workloads [default: all, and the idle server]
    #[arg(value_name = "WORKLOAD")]
    workloads: Vec<String>,
}

/// The idle server is idle for twenty minutes.
const LIMIT: Duration = Duration::from_mins(50);

pub(crate) fn main(args: &Args) -> Result<ExitCode> {
    let all = workloads()?;
    for name in &args.workloads {
        ensure!(
            all.contains(name),
            "there is no workload {name}; there are: {}",
            all.join(", ")
        );
    }
    let chosen = if args.workloads.is_empty() {
        &all
    } else {
        &args.workloads
    };
    build::all()?;
    lab::prepare_workloads(args.kernel)?;
    let mut results = Vec::new();
    let mut failed = 0;
    for (at, workload) in chosen.iter().enumerate() {
        eprintln!(
            "xtask: noise of {workload} on Linux {} ({} of {})",
            args.kernel.name(),
            at + 1,
            chosen.len()
        );
        match one(args.kernel, workload) {
            Ok(result) => {
                eprintln!("{}", table::summary(&result));
                if !args.json {
                    write(args.kernel, &result)?;
                }
                results.push(result);
            }
            Err(error) => {
                eprintln!("xtask: {workload}: {error:#}");
                failed += 1;
            }
        }
    }
    if args.json {
        println!("{}", Value::Array(results));
    }
    Ok(ExitCode::from(u8::from(failed > 0)))
}

/// Boots a machine for a workload.
fn one(kernel: Kernel, workload: &str) -> Result<Value> {
    let outcome = Run::new(kernel)
        .with_workloads()
        .with(folder())
        .with(paths::workspace().join("rules"))
        .timeout(Some(LIMIT))
        .capture([
            "ambit-fidelity",
            "--noise",
            "/lab/rules",
            "/lab/fidelity",
            workload,
        ])?;
    if outcome.status != 0 {
        bail!("ended with status {}", outcome.status);
    }
    serde_json::from_slice(&outcome.stdout).context("cannot read the guest's result as JSON")
}

/// Puts a result into the document; the rows of others stay.
fn write(kernel: Kernel, result: &Value) -> Result<()> {
    let path = paths::workspace().join("docs/noise.md");
    let before = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(error).context("cannot read docs/noise.md"),
    };
    fs::write(&path, table::updated(&before, kernel.name(), result))
        .context("cannot write docs/noise.md")
}
