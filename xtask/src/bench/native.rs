// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Figures that are measured on this machine itself: the throughput of the model and of replaying, what
//! compiling patterns and rules takes, and the binary's size.

use std::fs;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::Part;
use crate::progress::Step;
use crate::{build, paths, process};

pub(super) fn measure(part: Option<Part>) -> Result<Value> {
    let mut measured = json!({});
    if Part::Maps.is_in(part) {
        measured = maps()?;
    }
    if Part::Rules.is_in(part) {
        let step = Step::start("measuring the compiler of rules");
        measured["rules"] = bench("ambit-policy", "compile")?;
        step.done();
    }
    Ok(measured)
}

fn maps() -> Result<Value> {
    let binary = paths::release_binary("ambit").context("ambit is not built")?;
    let size = fs::metadata(&binary)
        .with_context(|| format!("cannot see {}", binary.display()))?
        .len();
    let step = Step::start("measuring the model");
    let model = bench("ambit-model", "stream")?;
    step.done();
    let step = Step::start("measuring a map of patterns");
    let patterns = bench("ambit-model", "compile")?;
    step.done();
    let step = Step::start("measuring a recording");
    let recording = bench("ambit-recording", "replay")?;
    step.done();
    Ok(json!({"binary_bytes": size, "model": model, "patterns": patterns, "recording": recording}))
}

/// What a benchmark of this workspace prints: a line of JSON.
fn bench(package: &str, name: &str) -> Result<Value> {
    let printed = process::output(build::cargo("bench").args([
        "--quiet",
        "--package",
        package,
        "--bench",
        name,
    ]))?;
    let printed = String::from_utf8_lossy(&printed);
    let line = printed
        .lines()
        .rfind(|line| line.starts_with('{'))
        .with_context(|| format!("the benchmark {name} printed no result"))?;
    serde_json::from_str(line).with_context(|| format!("the benchmark {name} printed no JSON"))
}
