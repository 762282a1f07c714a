// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Counts the false alarms of rules: runs days of a workload without a map while the rules are active for the whole host.

use std::collections::BTreeMap;
use std::process::Command;
use std::time::Instant;

use serde_json::{Value, json};

use crate::day::Days;

/// Few days are enough: their figures hardly differ.
const DAYS: u32 = 3;

/// Prepares the workload before the rules are loaded: setting up the machine is not part of the workload.
pub(crate) fn report(days: &Days, rules: &str) -> Result<Value, String> {
    ambit(&["load", rules])?;
    let begun = Instant::now();
    // The workload's file says if its day has real length.
    let count = days.variable("days").and_then(|days| days.parse().ok());
    let count = count.unwrap_or(DAYS);
    let mut failed = 0;
    for seed in 1..=count {
        let day = days.alone(seed)?;
        eprintln!("day {seed}: {:?} after {:.0?}", day.status, begun.elapsed());
        if day.status != Some(0) {
            eprintln!("{}", day.output());
            failed += 1;
        }
    }
    let seconds = begun.elapsed().as_secs();
    let rows = lines(&["ls", "--json"])?;
    let first = first_of_each(lines(&["watch", "--once", "--json"])?);
    ambit(&["unload"])?;
    let heard = rows
        .iter()
        .filter(|row| row["applied"].as_u64().is_some_and(|count| count > 0))
        .map(|row| {
            let first = row["id"].as_str().and_then(|id| first.get(id));
            json!({"rule": row["id"], "events": row["applied"], "first": first})
        });
    Ok(json!({
        "workload": days.workload(),
        "about": days.about(),
        "days": count,
        "failed": failed,
        "seconds": seconds,
        "rules": rows.len(),
        "heard": heard.collect::<Vec<_>>(),
    }))
}

/// Returns the first record of each rule, with its executable.
fn first_of_each(records: Vec<Value>) -> BTreeMap<String, String> {
    let mut first = BTreeMap::new();
    for record in records {
        let text = |name: &str| record[name].as_str().unwrap_or_default().to_owned();
        first.entry(text("rule")).or_insert_with(|| {
            format!(
                "{} via {}: {}",
                text("exe"),
                text("parent"),
                text("operation")
            )
        });
    }
    first
}

/// The JSON objects that `ambit rules` prints, one a line.
fn lines(words: &[&str]) -> Result<Vec<Value>, String> {
    ambit(words)?
        .lines()
        .map(serde_json::from_str)
        .collect::<Result<_, _>>()
        .map_err(|error| format!("ambit rules {words:?} wrote no JSON: {error}"))
}

fn ambit(words: &[&str]) -> Result<String, String> {
    let output = Command::new("ambit")
        .arg("rules")
        .args(words)
        .output()
        .map_err(|error| format!("cannot start ambit: {error}"))?;
    if !output.status.success() {
        return Err(format!(
            "ambit rules {words:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        ));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
