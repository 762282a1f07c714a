// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `ambit rules`: statements in CEL that are active beside the map, for the whole host.
//!
//! This folder has the command line and the output. Files, loading and the active set are in `ambit-hoststate`.

mod fields;
#[cfg(feature = "kernel")]
mod load;
#[cfg(feature = "kernel")]
mod ls;
#[cfg(feature = "kernel")]
mod show;
mod test;
#[cfg(feature = "kernel")]
mod watch;

use std::path::PathBuf;

use ambit_hoststate::RuleSet;

use crate::exit::{Failure, Outcome};
use crate::out::{count, note, report};

/// Record, refuse and mark untrusted by rule, on the whole host
///
/// Rules are YAML files with conditions in CEL. They apply to every task, with or without a label, from `load` until
/// `unload` or the next boot. They stay active when every process of Ambit ends.
#[derive(Debug, clap::Subcommand)]
#[command(after_help = EXAMPLES)]
pub(crate) enum Verb {
    /// Check rule files and report every error, without loading them
    Check {
        /// Files, or folders with .yaml and .yml files
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        /// Also report paths that are links on this machine
        #[arg(long)]
        host: bool,
    },
    /// Evaluate rules on the examples in their files, without a kernel
    Test {
        /// Files, or folders with .yaml and .yml files
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        /// Print one JSON object per example
        #[arg(long)]
        json: bool,
        /// List every example, not only those that fail
        #[arg(short, long)]
        verbose: bool,
    },
    #[cfg(feature = "kernel")]
    /// Load rules in place of those that are active: at all hooks at once, or not at all
    Load {
        /// Files, or folders with .yaml and .yml files
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        /// Print errors only
        #[arg(short, long)]
        quiet: bool,
    },
    #[cfg(feature = "kernel")]
    /// Unload all rules
    Unload,
    #[cfg(feature = "kernel")]
    /// List the active rules, and how often each matched
    Ls {
        /// Print one JSON object per rule
        #[arg(long)]
        json: bool,
    },
    /// Show the active rules, or the rules of files, and the programs that they compile to
    #[cfg(feature = "kernel")]
    Show {
        /// Show only the rule with this id
        #[arg(long, value_name = "ID")]
        id: Option<String>,
        /// Files or folders; without any, the active rules
        #[arg(value_name = "FILE")]
        files: Vec<PathBuf>,
        /// Show the BPF instructions of each hook, and how many of them the verifier processed
        #[arg(long)]
        asm: bool,
    },
    /// List the fields that conditions can read
    Fields {
        /// List only the fields of this operation
        #[arg(value_name = "OPERATION")]
        operation: Option<String>,
        /// Print one JSON object per field
        #[arg(long)]
        json: bool,
    },
    /// Print the records of rules as they arrive
    #[cfg(feature = "kernel")]
    Watch {
        /// Print one JSON object per record
        #[arg(long)]
        json: bool,
        /// Print the records that are waiting, then exit
        #[arg(long)]
        once: bool,
    },
}

const EXAMPLES: &str = "\
Examples:
  ambit rules check my.yaml            find errors in a file
  ambit rules test my.yaml             evaluate its rules on its examples
  ambit rules load rules/base my.yaml  make these rules the active ones
  ambit rules watch                    print each record of a rule
  ambit rules unload";

pub(crate) fn main(verb: &Verb) -> Result<Outcome, Failure> {
    match verb {
        Verb::Check { files, host } => check(files, *host),
        Verb::Test {
            files,
            json,
            verbose,
        } => test::main(files, *json, *verbose),
        #[cfg(feature = "kernel")]
        Verb::Load { files, quiet } => load::load(files, *quiet),
        #[cfg(feature = "kernel")]
        Verb::Unload => load::unload(),
        #[cfg(feature = "kernel")]
        Verb::Ls { json } => ls::main(*json),
        #[cfg(feature = "kernel")]
        Verb::Show { id, files, asm } => show::main(files, id.as_deref(), *asm),
        Verb::Fields { operation, json } => fields::main(operation.as_deref(), *json),
        #[cfg(feature = "kernel")]
        Verb::Watch { json, once } => watch::main(*json, *once),
    }
}

fn check(paths: &[PathBuf], host: bool) -> Result<Outcome, Failure> {
    let set = RuleSet::read(paths)?;
    if host {
        report(set.link_warnings());
    }
    note!(
        "{} in {}: no errors",
        count(set.rules.len(), "rule"),
        count(set.texts.len(), "file")
    );
    Ok(Outcome::SUCCESS)
}
