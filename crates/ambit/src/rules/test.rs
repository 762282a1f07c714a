// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `ambit rules test`: rules evaluated on the examples in their files.

use std::fmt::Write as _;
use std::path::PathBuf;

use ambit_event::escape;
use ambit_hoststate::RuleSet;
use ambit_policy::examples::run_examples;
use serde::Serialize;

use crate::exit::{Exit, Failure, Outcome};
use crate::out::{Style, count, note};
use crate::stdout::{json_line, print};

#[derive(Serialize)]
struct Row<'a> {
    rule: &'a str,
    example: &'a str,
    expected: bool,
    applies: bool,
    passed: bool,
    file: &'a str,
    line: usize,
    run: Option<&'a str>,
}

pub(super) fn main(paths: &[PathBuf], json: bool, verbose: bool) -> Result<Outcome, Failure> {
    let set = RuleSet::read(paths)?;
    let mut rows = Vec::new();
    for result in run_examples(&set.rules) {
        let Some(rule) = set.rules.get(result.rule) else {
            continue;
        };
        let Some(example) = rule.examples.get(result.example) else {
            continue;
        };
        rows.push(Row {
            rule: &rule.id,
            example: &example.name,
            expected: result.expected,
            applies: result.applies,
            passed: result.passed(),
            file: &rule.file,
            line: example.line,
            run: example.run.as_deref(),
        });
    }
    let failed = rows.iter().filter(|row| !row.passed).count();
    if json {
        let lines: Result<Vec<_>, _> = rows.iter().map(json_line).collect();
        print(&lines?.concat())?;
    } else {
        let style = Style::stdout();
        let mut out = String::new();
        for row in rows.iter().filter(|row| verbose || !row.passed) {
            let place = format!("{}:{}", escape::line(row.file), row.line);
            let name = escape::line(row.example);
            let word = if row.passed {
                style.green("ok")
            } else {
                style.red("FAILED")
            };
            let what = match (row.passed, row.applies) {
                (true, true) => "matches",
                (true, false) => "does not match",
                (false, true) => "matches, but should not",
                (false, false) => "does not match, but should",
            };
            let _ = writeln!(out, "{word} {}: {name}: {what} ({place})", row.rule);
        }
        print(&out)?;
    }
    let without = set
        .rules
        .iter()
        .filter(|rule| rule.examples.is_empty())
        .count();
    note!(
        "{} of {}: {failed} failed{}",
        count(rows.len(), "example"),
        count(set.rules.len(), "rule"),
        if without == 0 {
            String::new()
        } else {
            format!("; {} without examples", count(without, "rule"))
        }
    );
    Ok(if failed == 0 {
        Outcome::SUCCESS
    } else {
        Outcome::Exit(Exit::Usage)
    })
}
