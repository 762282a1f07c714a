// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Untrusted processes as a table: one line per process, and its causes and path below if wanted.

use std::fmt::Write;

use ambit_abi::Spread;
use ambit_event::named;
use ambit_hoststate::trust::CauseKind;

use super::row::{CauseRow, Row};
use crate::out::Style;

pub(super) fn table(rows: &[Row], verbose: bool, style: Style) -> String {
    let width =
        |of: fn(&Row) -> usize, least: usize| rows.iter().map(of).max().unwrap_or(0).max(least);
    let domain = width(|row| own_domain(row).chars().count(), "DOMAIN".len());
    let comm = width(|row| row.comm.chars().count(), "COMMAND".len());
    let trust = width(|row| lost(row).chars().count(), "UNTRUSTED BY".len());
    let head = format!(
        "{:>7}  {:comm$}  {:domain$}  {:trust$}  FIRST CAUSE",
        "PID", "COMMAND", "DOMAIN", "UNTRUSTED BY"
    );
    let mut out = format!("{}\n", style.bold(head));
    for row in rows {
        let line = format!(
            "{:>7}  {:comm$}  {:domain$}  {:trust$}  {}",
            row.pid,
            row.comm,
            own_domain(row),
            lost(row),
            row.cause.as_ref().map_or_else(String::new, text)
        );
        let _ = writeln!(out, "{}", line.trim_end());
        if verbose {
            for cause in &row.causes {
                let _ = writeln!(out, "{:9}{}: {}", "", cause.source, text(cause));
            }
            if let Some(path) = path(row) {
                let _ = writeln!(out, "{:9}passed on by: {path}", "");
            }
        }
    }
    out
}

fn own_domain(row: &Row) -> &str {
    row.domain.as_deref().unwrap_or("-")
}

fn lost(row: &Row) -> String {
    if row.trust.is_empty() {
        "-".to_owned()
    } else {
        row.trust.join(",")
    }
}

/// Returns the time of a cause, the operation or source, the process, and the end.
fn text(cause: &CauseRow) -> String {
    let mut out = format!("{} ", cause.since);
    match (&cause.rule, &cause.operation) {
        (Some(rule), _) => out.push_str(&named(rule)),
        (None, Some(operation)) if cause.of_rule => {
            let _ = write!(out, "{} at {operation}", cause.source);
        }
        (None, Some(operation)) => out.push_str(operation),
        (None, None) => out.push_str(&cause.source),
    }
    if let Some(detail) = cause.detail.filter(|detail| *detail != 0) {
        let _ = write!(out, " (detail {detail:#x})");
    }
    // An operator or a tap reports about the process, which did nothing itself.
    let by = if matches!(cause.kind, Some(CauseKind::Operator | CauseKind::Tap)) {
        "of"
    } else {
        "by"
    };
    let _ = write!(out, ", {by} process {}", cause.pid);
    if let Some(comm) = cause.comm.as_ref().filter(|comm| !comm.is_empty()) {
        let _ = write!(out, " {comm}");
    }
    if let Some(id) = &cause.violation {
        let _ = write!(out, " ({id})");
    }
    if let Some(way) = cause.spread {
        let _ = write!(out, ", spread by {way}");
    }
    if let Some(until) = &cause.until {
        let _ = write!(out, ", until {until}");
    }
    out
}

fn path(row: &Row) -> Option<String> {
    let steps = row.path.iter().map(|step| match step.way {
        Spread::Fork => format!("{} {}", step.pid, step.comm),
        way => format!("{} {} (by {})", step.pid, step.comm, way.name()),
    });
    let lost = (row.path_lost != 0).then(|| "…".to_owned());
    let text = lost
        .into_iter()
        .chain(steps)
        .collect::<Vec<_>>()
        .join(" > ");
    (!text.is_empty()).then_some(text)
}
