// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `ambit rules fields`: lists the fields that conditions can read.

use std::fmt::Write as _;

use ambit_abi::Op;
use ambit_policy::field;
use anyhow::anyhow;
use serde::Serialize;

use crate::exit::{Failure, Outcome};
use crate::out::Style;
use crate::stdout::{json_line, print};

#[derive(Serialize)]
struct Row {
    name: &'static str,
    r#type: &'static str,
    operations: Vec<&'static str>,
    words: Vec<&'static str>,
    about: &'static str,
}

pub(super) fn main(operation: Option<&str>, json: bool) -> Result<Outcome, Failure> {
    let op = operation.map(parse_operation).transpose()?;
    let rows: Vec<Row> = field::fields()
        .iter()
        .filter(|field| op.is_none_or(|op| field.can_apply(op)))
        .map(|field| Row {
            name: field.name,
            r#type: field.type_name(),
            operations: field
                .ops
                .iter()
                .filter(|op| field.can_apply(**op))
                .map(|op| op.name())
                .collect(),
            words: field.values(),
            about: field.doc,
        })
        .collect();
    if json {
        let lines: Result<Vec<_>, _> = rows.iter().map(json_line).collect();
        return print(&lines?.concat());
    }
    let style = Style::stdout();
    let mut out = String::new();
    for row in &rows {
        let operations = if row.operations.is_empty() {
            "all operations".to_owned()
        } else {
            row.operations.join(" ")
        };
        let _ = writeln!(
            out,
            "{}  {}\n    {}\n    of: {operations}",
            style.bold(row.name),
            row.r#type,
            row.about
        );
        if !row.words.is_empty() {
            let _ = writeln!(out, "    words: {}", row.words.join(" "));
        }
    }
    print(&out)
}

fn parse_operation(name: &str) -> Result<Op, Failure> {
    Op::from_name(name)
        .filter(|op| field::can_match(*op))
        .ok_or_else(|| {
            let known = Op::ALL.iter().filter(|op| field::can_match(**op));
            let help = ambit_event::nearest(name, known.map(|op| op.name())).map_or_else(
                || "`ambit rules fields` lists them".to_owned(),
                |near| format!("did you mean `{near}`?"),
            );
            Failure::usage(anyhow!(
                "no rule can name the operation `{}`; {help}",
                ambit_event::escape::line(name)
            ))
        })
}
