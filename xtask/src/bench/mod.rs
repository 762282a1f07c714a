// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `cargo xtask bench`: what Ambit costs, against the bars that it is to reach.
//!
//! The lab's machine counts instructions, so its figures do not depend on other load of this one. `ambit-lab bench`
//! measures in the guest; this module adds the native figures, compares them with the bars and prints both.

mod bars;
mod native;
mod rules;
mod table;

use std::process::ExitCode;
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use serde_json::{Value, json};

use crate::lab::{Kernel, Run};
use crate::progress::Step;
use crate::{build, lab};

/// Options of `cargo xtask bench`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// A kernel to measure on; may be given again [default: all three]
    #[arg(long, value_enum)]
    kernel: Vec<Kernel>,
    /// Measure only this part [default: all]
    #[arg(long, value_enum)]
    part: Option<Part>,
    /// Print JSON: an object, or an array of them for several kernels
    #[arg(long)]
    json: bool,
}

/// A part of the benchmarks that can be run alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Part {
    /// Hooks that ask a map, starting, and the model
    Maps,
    /// Hooks that ask rules, and loading these
    Rules,
    /// Whole jobs that are learned
    Learning,
}

impl Part {
    const fn name(self) -> &'static str {
        match self {
            Self::Maps => "maps",
            Self::Rules => "rules",
            Self::Learning => "learning",
        }
    }

    /// True if it is measured when `asked` is.
    fn is_in(self, asked: Option<Self>) -> bool {
        asked.is_none_or(|asked| asked == self)
    }
}

/// An emulated machine on one CPU takes a few minutes; much more means that something hangs.
const LIMIT: Duration = Duration::from_mins(25);

pub(crate) fn main(args: &Args) -> Result<ExitCode> {
    let kernels = if args.kernel.is_empty() {
        Kernel::ALL.to_vec()
    } else {
        args.kernel.clone()
    };
    build::all()?;
    lab::prepare()?;
    let native = native::measure(args.part)?;
    let step = Step::start("measuring in the lab");
    let mut results = in_parallel(&kernels, args.part)?;
    step.done();
    let mut missed = false;
    for result in &mut results {
        result["native"] = native.clone();
        let mut bars = Vec::new();
        if Part::Maps.is_in(args.part) {
            add_ratios(result)?;
            bars.extend(bars::maps(result)?);
        }
        if Part::Rules.is_in(args.part) {
            bars.extend(bars::rules(result)?);
        }
        if Part::Learning.is_in(args.part) {
            bars.extend(bars::learning(result)?);
        }
        missed |= bars.iter().any(|bar| bar["reached"] != true);
        result["bars"] = Value::Array(bars);
    }
    if args.json {
        println!(
            "{}",
            match results.as_slice() {
                [one] => one.clone(),
                several => Value::Array(several.to_vec()),
            }
        );
    } else {
        for result in &results {
            print!("{}", table::show(result));
        }
    }
    Ok(ExitCode::from(u8::from(missed)))
}

/// Two machines at a time: each keeps one CPU of this one busy.
fn in_parallel(kernels: &[Kernel], part: Option<Part>) -> Result<Vec<Value>> {
    let next = Mutex::new(kernels.iter().copied().enumerate());
    let results = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..kernels.len().min(2) {
            scope.spawn(|| {
                loop {
                    let taken = next.lock().ok().and_then(|mut next| next.next());
                    let Some((place, kernel)) = taken else { break };
                    let result = on(kernel, part);
                    if let Ok(mut results) = results.lock() {
                        results.push((place, result));
                    }
                }
            });
        }
    });
    let mut results = results
        .into_inner()
        .map_err(|_| anyhow!("a measurement panicked"))?;
    results.sort_by_key(|(place, _)| *place);
    results.into_iter().map(|(_, result)| result).collect()
}

fn on(kernel: Kernel, part: Option<Part>) -> Result<Value> {
    let outcome = Run::new(kernel).icount().timeout(Some(LIMIT)).capture(
        ["ambit-lab", "bench"]
            .into_iter()
            .chain(part.map(Part::name)),
    )?;
    if outcome.status != 0 {
        bail!(
            "measuring on kernel {} failed with status {}",
            kernel.name(),
            outcome.status
        );
    }
    let measured: Value = serde_json::from_slice(&outcome.stdout)
        .context("cannot read the figures of the guest as JSON")?;
    let Value::Object(mut measured) = measured else {
        bail!("the figures of the guest are not a JSON object");
    };
    measured.insert("kernel".to_owned(), json!(kernel.name()));
    Ok(Value::Object(measured))
}

/// Instructions for one turn of a loop.
fn instructions(result: &Value, name: &str, setting: &str) -> Result<f64> {
    result["rows"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|row| row["loop"] == name && row["setting"] == setting)
        .and_then(|row| row["instructions"].as_f64())
        .with_context(|| format!("{name} was not measured {setting}"))
}

fn add_ratios(result: &mut Value) -> Result<()> {
    let mut rows = result["rows"].take();
    let base: Vec<_> = rows.as_array().cloned().unwrap_or_default();
    let base = json!({ "rows": base });
    for row in rows.as_array_mut().into_iter().flatten() {
        let name = row["loop"].as_str().unwrap_or_default().to_owned();
        let without = instructions(&base, &name, "without")?;
        let ratio = row["instructions"].as_f64().unwrap_or_default() / without;
        row["ratio"] = json!((ratio * 10_000.0).round() / 10_000.0);
    }
    result["rows"] = rows;
    Ok(())
}
