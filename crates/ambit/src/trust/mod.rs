// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `ambit trust`: which processes are untrusted and why, and the operator's own say in it.

mod change;
mod log;
mod ls;
mod row;
mod source;
mod spread;
mod table;

use ambit_sensor::{Kernel, LoadOptions};
use anyhow::anyhow;

use crate::exit::{Exit, Failure, Outcome};

/// Show and change which processes are trusted
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Verb {
    /// List the processes that have lost their trust, and what cost it
    Ls {
        /// List the labelled ones that are trusted, too
        #[arg(short, long)]
        all: bool,
        /// Say of each source what cost its trust, and which processes handed it down
        #[arg(short, long)]
        verbose: bool,
        /// One JSON object a line
        #[arg(long)]
        json: bool,
    },
    /// Take the trust from processes, and so from what they start from now on
    Set {
        #[command(flatten)]
        target: change::Target,
        /// Give it back after so many seconds
        #[arg(long = "for", value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..))]
        seconds: Option<u32>,
        /// Why, for the record
        #[arg(long, value_name = "TEXT", value_parser = change::reason)]
        reason: Option<String>,
    },
    /// Give processes their trust back, whoever took it
    Clear {
        #[command(flatten)]
        target: change::Target,
        /// Only what this source took, as `trust ls` names it; may be given more than once
        #[arg(long = "source", value_name = "NAME")]
        sources: Vec<String>,
        /// Why, for the record, without which nothing is given back
        #[arg(long, value_name = "TEXT", value_parser = change::reason)]
        reason: String,
    },
    /// Show by what distrust spreads from one process to another, and switch that on and off
    ///
    /// Children always have what their parent has. Everything else is off until it is switched on here, for the whole
    /// host, and until the next boot.
    Spread {
        #[command(subcommand)]
        verb: Option<spread::Verb>,
        /// One JSON object a line
        #[arg(long)]
        json: bool,
    },
    /// Print who set and cleared trust by hand, and why
    Log {
        /// One JSON object a line
        #[arg(long)]
        json: bool,
    },
    /// Print the trust bit of a source, and give it one if it has none; without a name, list them all
    Source {
        /// `tap:NAME` for a BPF program of your own, `rule:ID` for a rule
        #[arg(value_name = "NAME")]
        name: Option<String>,
    },
}

pub(crate) fn main(verb: &Verb) -> Result<Outcome, Failure> {
    match verb {
        Verb::Ls { all, verbose, json } => ls::main(*all, *verbose, *json),
        Verb::Set {
            target,
            seconds,
            reason,
        } => change::set(&loaded()?, target, *seconds, reason.as_deref()),
        Verb::Clear {
            target,
            sources,
            reason,
        } => change::clear(&loaded()?, target, sources, reason),
        Verb::Spread { verb, json } => spread::main(verb.as_ref(), *json),
        Verb::Log { json } => log::main(*json),
        Verb::Source { name } => source::main(name.as_deref()),
    }
}

fn open() -> Result<Option<Kernel>, Failure> {
    Ok(Kernel::open(&LoadOptions::default())?)
}

fn loaded() -> Result<Kernel, Failure> {
    open()?.ok_or_else(|| {
        Failure::new(
            Exit::Trouble,
            anyhow!("nothing is loaded, so no process has lost its trust: no `ambit run` is under way and no rule holds"),
        )
    })
}
