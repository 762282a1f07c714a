// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What is measured on this machine itself: the model's throughput and the binary's size.

use std::fs;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::progress::Step;
use crate::{build, paths, process};

pub(super) fn measure() -> Result<Value> {
    let binary = paths::release_binary("ambit").context("ambit is not built")?;
    let size = fs::metadata(&binary)
        .with_context(|| format!("cannot see {}", binary.display()))?
        .len();
    let step = Step::start("measuring the model");
    let printed = process::output(build::cargo("bench").args([
        "--quiet",
        "--package",
        "ambit-model",
        "--bench",
        "stream",
    ]))?;
    step.done();
    let printed = String::from_utf8_lossy(&printed);
    let line = printed
        .lines()
        .rfind(|line| line.starts_with('{'))
        .context("the model's benchmark printed no result")?;
    let model: Value =
        serde_json::from_str(line).context("the model's benchmark printed no JSON")?;
    Ok(json!({"binary_bytes": size, "model": model}))
}
