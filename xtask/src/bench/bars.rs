// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The bars: the figures that each kernel must reach.

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::{instructions, rules};

/// Returns the bars of maps as rows: name, measured figure, limit, true if the limit is a floor, true if it was reached.
pub(super) fn maps(result: &Value) -> Result<Vec<Value>> {
    let more = |name, setting| -> Result<f64> {
        Ok(instructions(result, name, setting)? - instructions(result, name, "without")?)
    };
    let ratio = |name| -> Result<f64> {
        Ok(instructions(result, name, "enforcing")? / instructions(result, name, "without")?)
    };
    let number = |pointer: &str| {
        result
            .pointer(pointer)
            .and_then(Value::as_f64)
            .context(pointer.to_owned())
    };
    let (few, many) = (
        number("/points/0/instructions")?,
        number("/points/1/instructions")?,
    );
    Ok(vec![
        at_most(
            "open+close, unlabelled: instructions more",
            more("open_close", "unlabelled")?,
            320.0,
        ),
        at_most(
            "open+close, enforcing: instructions more",
            more("open_close", "enforcing")?,
            900.0,
        ),
        at_most(
            "open+close, enforcing, a gate: instructions more",
            instructions(result, "open_close", "gated")?
                - instructions(result, "open_close", "enforcing")?,
            10.0,
        ),
        at_most(
            "open+close by a pattern, enforcing: instructions more",
            more("open_close", "pattern")?,
            900.0,
        ),
        at_most(
            "open+close of 60 bytes outside: instructions more",
            more("open_outside", "audit")?,
            6000.0,
        ),
        at_most(
            "fork+exec+wait, enforcing: ratio",
            ratio("fork_exec")?,
            1.05,
        ),
        at_most(
            "connect+accept, enforcing: ratio",
            ratio("connect_accept")?,
            1.05,
        ),
        at_most(
            "open+close, 100,000 points against 100: ratio",
            many / few,
            1.02,
        ),
        at_most(
            "`ambit run`, 1,000 points: peak MiB",
            number("/memory/peak_kib")? / 1024.0,
            16.0,
        ),
        at_most(
            "binary, stripped: MiB",
            number("/native/binary_bytes")? / 1_048_576.0,
            8.0,
        ),
        at_least(
            "model: events a second",
            number("/native/model/events_per_second")?,
            2e6,
        ),
        at_most(
            "2,000 patterns: seconds to compile",
            number("/native/patterns/seconds")?,
            1.0,
        ),
        at_most(
            "2,000 patterns: peak MiB",
            number("/native/patterns/peak_kib")? / 1024.0,
            64.0,
        ),
        at_least(
            "replay: events a second",
            number("/native/recording/replayed_per_second")?,
            3e6,
        ),
    ])
}

/// Returns the bars of rules, as [`maps`] does.
pub(super) fn rules(result: &Value) -> Result<Vec<Value>> {
    let more = |of, than| Ok(rules::opening(result, of)? - rules::opening(result, than)?);
    let each: fn(Result<f64>, f64) -> Result<f64> = |all, rules| all.map(|all| all / rules);
    Ok(vec![
        at_most(
            "100 rules that don't apply, counted from none: instructions each",
            each(more("100", "none"), 100.0)?,
            12.0,
        ),
        at_most(
            "the same, from the first: instructions each",
            each(more("100", "1"), 99.0)?,
            12.0,
        ),
        at_most(
            "a gate beside 100 rules: instructions more",
            more("100 and a gate", "100")?,
            10.0,
        ),
        at_most(
            "200 rules in place of others: seconds, derived",
            rules::loading(result, "again")?,
            1.0,
        ),
    ])
}

/// Returns the bars of learning, as [`maps`] does.
pub(super) fn learning(result: &Value) -> Result<Vec<Value>> {
    let rows = result["learning"]
        .as_array()
        .context("no row of learning")?;
    let row = |row: &Value| -> Result<Value> {
        let number = |name| {
            row[name]
                .as_f64()
                .context("a row of learning lacks a figure")
        };
        let job = row["job"].as_str().unwrap_or_default();
        let ratio = number("first")? / number("without")?;
        Ok(at_most(
            &format!("{job}, first learning run: ratio"),
            ratio,
            1.3,
        ))
    };
    rows.iter().map(row).collect()
}

fn at_most(what: &str, measured: f64, limit: f64) -> Value {
    bar(what, measured, ("at_most", limit), measured <= limit)
}

fn at_least(what: &str, measured: f64, limit: f64) -> Value {
    bar(what, measured, ("at_least", limit), measured >= limit)
}

fn bar(what: &str, measured: f64, (kind, limit): (&str, f64), reached: bool) -> Value {
    let measured = (measured * 10_000.0).round() / 10_000.0;
    json!({"bar": what, "measured": measured, kind: limit, "reached": reached})
}
