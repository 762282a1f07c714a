// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The figures of rules, in units that can be compared.

use std::fmt::Write;

use anyhow::{Context, Result};
use serde_json::Value;

/// Instructions of the loop that opens and closes, with a set of rules.
pub(super) fn opening(result: &Value, set: &str) -> Result<f64> {
    result["rules"]["rows"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|row| row["rules"] == set)
        .and_then(|row| row["instructions"].as_f64())
        .with_context(|| format!("rules were not measured: {set}"))
}

/// What loading 200 rules takes, in seconds: `again`, in place of others, or `first`, with nothing of Ambit in the kernel
/// before. Derived, as an emulated machine has no seconds of its own: compiling is timed on this machine; all else is the
/// guest's instructions, a thousand million to the second, which a real machine is faster than. What the guest takes to
/// compile 200 rules is what its loader takes more for them than for one.
pub(super) fn loading(result: &Value, which: &str) -> Result<f64> {
    let seconds = |pointer: &str| spent(result, pointer).map(|count| count / 1e9);
    let compiling = seconds("again/user")? - seconds("again_of_one/user")?;
    let here = result
        .pointer("/native/rules/seconds")
        .and_then(Value::as_f64)
        .context("compiling rules was not measured here")?;
    Ok(seconds(&format!("{which}/all"))? - compiling + here)
}

fn spent(result: &Value, pointer: &str) -> Result<f64> {
    result
        .pointer(&format!("/rules/loading/{pointer}"))
        .and_then(Value::as_f64)
        .with_context(|| format!("loading rules was not measured: {pointer}"))
}

/// Writes the figures as text.
pub(super) fn show(result: &Value, out: &mut String) -> std::fmt::Result {
    let rows = result["rules"]["rows"].as_array();
    writeln!(
        out,
        "\nRules of file.open that don't apply: instructions for one turn of open_close (more than without)\n"
    )?;
    let without = opening(result, "none").unwrap_or(f64::NAN);
    for row in rows.into_iter().flatten() {
        let instructions = row["instructions"].as_f64().unwrap_or(f64::NAN);
        writeln!(
            out,
            "{:26} {instructions:8.0} ({:+.0})",
            row["rules"].as_str().unwrap_or_default(),
            instructions - without,
        )?;
    }
    let many = |which: &str| result["rules"]["many"][which].as_f64().unwrap_or(f64::NAN);
    writeln!(
        out,
        "{:26} {:8.0} ({:+.0})",
        "100, of 2,000 files a turn",
        many("with_100"),
        many("with_100") - many("without"),
    )?;
    writeln!(
        out,
        "\nLoading rules, in million instructions of the guest, or waiting; user and system are the loader's own\n"
    )?;
    for (name, what) in [
        ("first", "200, the first of a boot"),
        ("again", "200, in place of others"),
        ("first_of_one", "one, the first of a boot"),
        ("again_of_one", "one, in place of others"),
    ] {
        let million = |part| spent(result, &format!("{name}/{part}")).unwrap_or(f64::NAN) / 1e6;
        writeln!(
            out,
            "{what:26} {:8.0} (user {:.0}, system {:.0})",
            million("all"),
            million("user"),
            million("system"),
        )?;
    }
    let native = &result["native"]["rules"];
    let derived = |which| loading(result, which).unwrap_or(f64::NAN);
    writeln!(
        out,
        "Derived, with what compiling takes here: {:.2} s for the first 200 of a boot, {:.2} s in place of others",
        derived("first"),
        derived("again"),
    )?;
    writeln!(
        out,
        "Compiling 200 rules here: {} s of processor time, {} instructions, {} automata\n",
        native["seconds"], native["instructions"], native["automata"],
    )
}
