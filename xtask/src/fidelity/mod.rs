// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `cargo xtask fidelity`: whether learned maps hold. Each workload of `tests/fidelity` is trained, held out and
//! attacked in a machine of its own, and `docs/fidelity.md` gets what came of it.
//!
//! The judging is done in the machine, by `ambit-fidelity`; this boots, writes the table, and keeps maps, proposals and
//! figures in `target/fidelity`.

mod table;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::lab::{Kernel, Run};
use crate::{build, lab, paths};

/// Options of `cargo xtask fidelity`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// A kernel to run on; may be given again [default: 6.12]
    #[arg(long, value_enum)]
    kernel: Vec<Kernel>,
    /// Print the results as JSON, and leave docs/fidelity.md alone
    #[arg(long)]
    json: bool,
    /// Learn without this heuristic, do not attack, and say which workloads need it; leaves docs/fidelity.md alone
    #[arg(long, value_name = "HEURISTIC")]
    without: Option<String>,
    /// Compare what a day of each workload costs alone, learned and enforced, instead of judging its maps
    #[arg(long, conflicts_with = "without")]
    costs: bool,
    /// List the workloads and end
    #[arg(long)]
    list: bool,
    /// The workloads [default: all]
    #[arg(value_name = "WORKLOAD")]
    workloads: Vec<String>,
}

/// Twenty-odd days and two for each attack, emulated.
const LIMIT: Duration = Duration::from_mins(30);

pub(crate) fn main(args: &Args) -> Result<ExitCode> {
    let mut all = workloads()?;
    // One that is never attacked is of no use here.
    all.retain(|name| folder().join(name).join("attacks").is_dir());
    if args.list {
        for name in &all {
            println!("{name}");
        }
        return Ok(ExitCode::SUCCESS);
    }
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
    let kernels = match args.kernel.as_slice() {
        [] => &[Kernel::V6_12],
        some => some,
    };
    build::all()?;
    let mut results = Vec::new();
    let mut failed = 0;
    for &kernel in kernels {
        lab::prepare_workloads(kernel)?;
        for (at, workload) in chosen.iter().enumerate() {
            eprintln!(
                "xtask: fidelity of {workload} on Linux {} ({} of {})",
                kernel.name(),
                at + 1,
                chosen.len()
            );
            let begun = Instant::now();
            match one(kernel, workload, args) {
                Ok(result) if args.costs => {
                    eprintln!("{}", table::summary_of_costs(&result));
                    if !args.json {
                        write(kernel, &result, table::with_costs)?;
                    }
                    results.push(result);
                }
                Ok(result) if args.without.is_some() => {
                    eprintln!("{}", compared(kernel, &result)?);
                    results.push(result);
                }
                Ok(mut result) => {
                    eprintln!(
                        "{} ({} s)",
                        table::summary(&result),
                        begun.elapsed().as_secs()
                    );
                    keep(kernel, &mut result)?;
                    if !args.json {
                        write(kernel, &result, table::updated)?;
                    }
                    results.push(result);
                }
                Err(error) => {
                    eprintln!("xtask: {workload}: {error:#}");
                    failed += 1;
                }
            }
        }
    }
    if args.json {
        println!("{}", Value::Array(results));
    }
    Ok(ExitCode::from(u8::from(failed > 0)))
}

/// Where workloads are.
pub(crate) fn folder() -> PathBuf {
    paths::workspace().join("tests/fidelity")
}

/// The folders that have a workload, by name.
pub(crate) fn workloads() -> Result<Vec<String>> {
    let folder = folder();
    let mut names: Vec<_> = fs::read_dir(&folder)
        .with_context(|| format!("cannot read {}", folder.display()))?
        .flatten()
        .filter(|entry| entry.path().join("workload.sh").is_file())
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    names.sort();
    Ok(names)
}

/// Returns what a workload's maps refuse without a heuristic, beside the figure of its last run with all of them.
fn compared(kernel: Kernel, result: &Value) -> Result<String> {
    let workload = result["workload"].as_str().unwrap_or_default();
    let refused = result["false_refusals"].as_u64().unwrap_or_default();
    let file = kept(kernel, workload).join(FIGURES);
    let Ok(text) = fs::read_to_string(&file) else {
        return Ok(format!(
            "{workload}: {refused} false refusals; run it once with all heuristics to compare"
        ));
    };
    let figures: Value = serde_json::from_str(&text)
        .with_context(|| format!("cannot read {} as JSON", file.display()))?;
    let all = figures["false_refusals"].as_u64().unwrap_or_default();
    let need = if refused > all {
        "needed"
    } else {
        "not needed"
    };
    Ok(format!(
        "{workload}: {refused} false refusals, {all} with all heuristics: {need}"
    ))
}

/// Boots a machine for a workload.
fn one(kernel: Kernel, workload: &str, args: &Args) -> Result<Value> {
    let without = args.without.iter().flat_map(|one| ["--without", one]);
    let costs = args.costs.then_some("--costs");
    let run = Run::new(kernel).with_workloads().with(folder());
    let run = if args.costs { run.icount() } else { run };
    let outcome = run.timeout(Some(LIMIT)).capture(
        std::iter::once("ambit-fidelity")
            .chain(without)
            .chain(costs)
            .chain(["/lab/fidelity", workload]),
    )?;
    let mut result = last_line(&outcome.stdout);
    if outcome.status != 0 {
        if args.without.is_none()
            && !args.costs
            && let Ok(partial) = &mut result
        {
            keep_files(kernel, partial)?;
        }
        bail!("ended with status {}", outcome.status);
    }
    let mut result = result?;
    result["kernel"] = kernel.name().into();
    Ok(result)
}

/// Returns the last result that the guest printed: the one with all figures, or the one with the files, which comes first.
fn last_line(stdout: &[u8]) -> Result<Value> {
    let mut lines = stdout.split(|byte| *byte == b'\n').rev();
    let last = lines.find(|line| !line.is_empty()).unwrap_or_default();
    serde_json::from_slice(last).context("cannot read the guest's result as JSON")
}

/// The name of the file with a workload's figures.
const FIGURES: &str = "figures.json";

/// The folder in which the files of a workload's last run are kept.
fn kept(kernel: Kernel, workload: &str) -> PathBuf {
    let folder = paths::target().join("fidelity");
    folder.join(kernel.name()).join(workload)
}

/// Moves the files of a result, and a copy of its figures, to `target/fidelity/KERNEL/WORKLOAD`.
fn keep(kernel: Kernel, result: &mut Value) -> Result<()> {
    let folder = keep_files(kernel, result)?;
    let figures = serde_json::to_string_pretty(result)?;
    write_file(&folder.join(FIGURES), &figures)
}

/// Moves the files of a result to its folder, which is returned. Figures of an earlier run are removed.
fn keep_files(kernel: Kernel, result: &mut Value) -> Result<PathBuf> {
    let workload = result["workload"].as_str().unwrap_or_default();
    let folder = kept(kernel, workload);
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let figures = folder.join(FIGURES);
    if figures.exists() {
        fs::remove_file(&figures)
            .with_context(|| format!("cannot remove {}", figures.display()))?;
    }
    let files = result["files"].take();
    for (name, text) in files.as_object().into_iter().flatten() {
        write_file(&folder.join(name), text.as_str().unwrap_or_default())?;
    }
    Ok(folder)
}

fn write_file(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

/// Puts a result into the document; the rows of others stay.
fn write(kernel: Kernel, result: &Value, updated: fn(&str, &str, &Value) -> String) -> Result<()> {
    let path = paths::workspace().join("docs/fidelity.md");
    let before = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(error).context("cannot read docs/fidelity.md"),
    };
    fs::write(&path, updated(&before, kernel.name(), result))
        .context("cannot write docs/fidelity.md")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the loops of a shell script that wait and count no tries.
    fn endless(script: &str) -> Vec<String> {
        let lines: Vec<&str> = script.lines().map(str::trim).collect();
        let begins = |line: &str| {
            (line.starts_with("while ") || line.starts_with("until "))
                && !line.starts_with("while read ")
        };
        lines
            .iter()
            .enumerate()
            .filter(|(_, line)| begins(line))
            .map(|(at, _)| {
                let rest = lines.get(at..).unwrap_or_default();
                let end = rest.iter().position(|line| line.contains("done"));
                rest.get(..=end.unwrap_or(0)).unwrap_or_default().join("\n")
            })
            .filter(|text| text.contains("sleep ") || text.contains("nap "))
            .filter(|text| !text.contains("tries"))
            .collect()
    }

    #[test]
    fn the_last_line_that_the_guest_printed_is_its_result() {
        let files = "{\"files\":{}}\n";
        assert!(last_line(files.as_bytes()).unwrap()["files"].is_object());
        let both = format!("{files}{{\"points\":3}}\n");
        assert_eq!(last_line(both.as_bytes()).unwrap()["points"], 3);
        assert!(last_line(b"").is_err());
        let cut = format!("{files}{{\"poi");
        assert!(last_line(cut.as_bytes()).is_err());
    }

    #[test]
    fn every_loop_of_a_workload_that_waits_ends() {
        assert_eq!(endless("while [ ! -e x ]; do sleep 0.1; done\n").len(), 1);
        let counted = "until x; do\n\t((tries-- > 0)) || exit\n\tnap 1\ndone\n";
        assert_eq!(endless(counted), Vec::<String>::new());
        let mut left = vec![folder()];
        let mut scripts = 0;
        while let Some(path) = left.pop() {
            if path.is_dir() {
                let entries = fs::read_dir(&path).unwrap();
                left.extend(entries.map(|entry| entry.unwrap().path()));
            } else if let Ok(text) = fs::read_to_string(&path) {
                scripts += 1;
                assert_eq!(endless(&text), Vec::<String>::new(), "{}", path.display());
            }
        }
        assert!(scripts > 50, "{scripts}");
    }
}
