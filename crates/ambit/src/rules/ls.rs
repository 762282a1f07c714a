// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `ambit rules ls`: the active rules with their counts.

use std::fmt::Write as _;

use ambit_abi::RuleCount;
use ambit_hoststate::rules::active;
use ambit_policy::rule::Rule;
use serde::Serialize;

use crate::exit::{Failure, Outcome};
use crate::out::{Style, count, note};
use crate::stdout::{json_line, print};

#[derive(Serialize)]
struct Row<'a> {
    id: &'a str,
    title: &'a str,
    severity: &'static str,
    attack: &'a [String],
    on: Vec<&'static str>,
    r#do: Vec<&'static str>,
    applied: u64,
    refused: u64,
    lost: u64,
    file: String,
    line: usize,
}

fn row(rule: &Rule, count: RuleCount) -> Row<'_> {
    Row {
        id: &rule.id,
        title: &rule.title,
        severity: rule.severity.word(),
        attack: &rule.techniques,
        on: rule.on.iter().map(|op| op.name()).collect(),
        r#do: rule.actions.words().collect(),
        applied: count.applied,
        refused: count.refused,
        lost: count.lost,
        file: ambit_event::escape::line(&rule.file),
        line: rule.line,
    }
}

pub(super) fn main(json: bool) -> Result<Outcome, Failure> {
    let Some(active) = active()? else {
        note!("no rules are loaded");
        return Ok(Outcome::SUCCESS);
    };
    let rules = &active.set.rules;
    let counts = active.kernel.rule_counts(rules.len())?;
    let rows: Vec<Row<'_>> = rules
        .iter()
        .zip(counts)
        .map(|(rule, count)| row(rule, count))
        .collect();
    for (hook, times) in active.kernel.rule_failures()? {
        note!(
            "{hook}: rules could not be evaluated {}: out of memory",
            count(times, "time")
        );
    }
    if json {
        let lines: Result<Vec<_>, _> = rows.iter().map(json_line).collect();
        return print(&lines?.concat());
    }
    print(&table(&rows, Style::stdout()))
}

fn table(rows: &[Row<'_>], style: Style) -> String {
    let width = rows
        .iter()
        .map(|row| row.id.len())
        .max()
        .unwrap_or(0)
        .max(2);
    let head = format!(
        "{:width$}  {:8}  {:>9}  {:>9}  {:>6}  {:14}  ON",
        "ID", "SEVERITY", "APPLIED", "REFUSED", "LOST", "DO"
    );
    let mut out = format!("{}\n", style.bold(head));
    for row in rows {
        let _ = writeln!(
            out,
            "{:width$}  {:8}  {:>9}  {:>9}  {:>6}  {:14}  {}",
            row.id,
            row.severity,
            row.applied,
            row.refused,
            row.lost,
            row.r#do.join(","),
            row.on.join(" ")
        );
    }
    out
}
