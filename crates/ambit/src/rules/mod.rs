// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `ambit rules`: statements that hold beside the map, for the whole host, from one command to the next.

mod files;
mod load;
mod loaded;
mod show;
mod sources;
mod test;
mod watch;

use std::fmt::Write as _;
use std::path::PathBuf;

use ambit_policy::field;
use serde::Serialize;

use crate::exit::{Failure, Outcome};
use crate::out::{Style, count, json_line, note, print};

pub(crate) use files::read;
pub(crate) use load::renew;
pub(crate) use loaded::{actions, severity};
pub(crate) use sources::Sources;

/// Record, refuse and distrust by rule, on the whole host
///
/// Rules are YAML files with conditions in CEL. They hold for every task, labelled or not, from the moment they are
/// loaded until they are unloaded or the machine is restarted, and go on holding when every process of Ambit ends.
#[derive(Debug, clap::Subcommand)]
#[command(after_help = EXAMPLES)]
pub(crate) enum Verb {
    /// Say what is wrong with files of rules, without loading them
    Check {
        /// Files, or folders of which every .yaml and .yml is taken
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// Ask rules about the examples beside them, without a kernel
    Test {
        /// Files, or folders of which every .yaml and .yml is taken
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        /// One JSON object an example
        #[arg(long)]
        json: bool,
        /// Name every example, not only those that fail
        #[arg(short, long)]
        verbose: bool,
    },
    /// Make these rules hold, and no other: at once for every hook, or not at all
    Load {
        /// Files, or folders of which every .yaml and .yml is taken
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        /// Say nothing but errors
        #[arg(short, long)]
        quiet: bool,
    },
    /// End all rules
    Unload,
    /// List the rules that hold, and how often each applied
    Ls {
        /// One JSON object a rule
        #[arg(long)]
        json: bool,
    },
    /// Show rules, those that hold or those of files, and what they are compiled to
    Show {
        /// Only the rule of this id
        #[arg(long, value_name = "ID")]
        id: Option<String>,
        /// Files, or folders; without, the rules that hold
        #[arg(value_name = "FILE")]
        files: Vec<PathBuf>,
        /// The instructions that they are compiled to, by hook, and how many the verifier looked at
        #[arg(long)]
        asm: bool,
    },
    /// List what conditions can ask about
    Fields {
        /// Only those of this operation
        #[arg(value_name = "OPERATION")]
        operation: Option<String>,
        /// One JSON object a field
        #[arg(long)]
        json: bool,
    },
    /// Print what rules record, as it happens
    Watch {
        /// One JSON object a record
        #[arg(long)]
        json: bool,
        /// Print what is there and end, instead of waiting for more
        #[arg(long)]
        once: bool,
    },
}

const EXAMPLES: &str = "\
Examples:
  ambit rules check my.yaml            find what is wrong with it
  ambit rules test my.yaml             ask it about its own examples
  ambit rules load rules/base my.yaml  make them hold
  ambit rules watch                    see what they record
  ambit rules unload";

pub(crate) fn main(verb: &Verb) -> Result<Outcome, Failure> {
    match verb {
        Verb::Check { files } => check(files),
        Verb::Test {
            files,
            json,
            verbose,
        } => test::main(files, *json, *verbose),
        Verb::Load { files, quiet } => load::main(files, *quiet),
        Verb::Unload => load::unload(),
        Verb::Ls { json } => loaded::ls(*json),
        Verb::Show { id, files, asm } => show::main(files, id.as_deref(), *asm),
        Verb::Fields { operation, json } => fields(operation.as_deref(), *json),
        Verb::Watch { json, once } => watch::main(*json, *once),
    }
}

fn check(paths: &[PathBuf]) -> Result<Outcome, Failure> {
    let set = read(paths)?;
    note!(
        "{} in {}: nothing is wrong with them",
        count(set.rules.len(), "rule"),
        count(set.texts.len(), "file")
    );
    Ok(Outcome::SUCCESS)
}

#[derive(Serialize)]
struct Row {
    name: &'static str,
    r#type: &'static str,
    operations: Vec<&'static str>,
    words: Vec<&'static str>,
    about: &'static str,
}

fn fields(operation: Option<&str>, json: bool) -> Result<Outcome, Failure> {
    let op = operation
        .map(|name| {
            ambit_abi::Op::from_name(name)
                .filter(|op| field::is_asked(*op))
                .ok_or_else(|| {
                    let known = ambit_abi::Op::ALL.iter().filter(|op| field::is_asked(**op));
                    let help = ambit_event::nearest(name, known.map(|op| op.name())).map_or_else(
                        || "`ambit rules fields` names them".to_owned(),
                        |near| format!("did you mean `{near}`?"),
                    );
                    Failure::usage(anyhow::anyhow!(
                        "rules know no operation `{}`; {help}",
                        ambit_event::escape::line(name)
                    ))
                })
        })
        .transpose()?;
    let rows: Vec<Row> = field::fields()
        .iter()
        .filter(|field| op.is_none_or(|op| field.is_of(op)))
        .map(|field| Row {
            name: field.name,
            r#type: field.type_name(),
            operations: field.ops.iter().map(|op| op.name()).collect(),
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
        let of = if row.operations.is_empty() {
            "all operations".to_owned()
        } else {
            row.operations.join(" ")
        };
        let _ = writeln!(
            out,
            "{}  {}
    {}
    of: {of}",
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
