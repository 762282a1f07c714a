// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `ambit trust`: which processes are untrusted and why, and changing that by hand.

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
    /// List untrusted processes, with the cause of each
    Ls {
        /// List trusted processes with a label, too
        #[arg(short, long)]
        all: bool,
        /// Show the cause of each trust bit, and the processes that passed the first one on
        #[arg(short, long)]
        verbose: bool,
        /// Print one JSON object per line
        #[arg(long)]
        json: bool,
    },
    /// Mark processes untrusted, and so their future children
    Set {
        #[command(flatten)]
        target: change::Target,
        /// Clear the mark after this many seconds
        #[arg(long = "for", value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..))]
        seconds: Option<u32>,
        /// Reason for the log
        #[arg(long, value_name = "TEXT", value_parser = change::reason)]
        reason: Option<String>,
    },
    /// Clear all trust bits, or the bits of some sources
    Clear {
        #[command(flatten)]
        target: change::Target,
        /// Clear only the bit of this source, as `trust ls` shows it; may be repeated
        #[arg(long = "source", value_name = "NAME")]
        sources: Vec<String>,
        /// Reason for the log; bits are not cleared if it cannot be written
        #[arg(long, value_name = "TEXT", value_parser = change::reason)]
        reason: String,
    },
    /// Show the ways in which distrust spreads between processes, and switch them on and off
    ///
    /// Children always inherit the trust bits of their parent. Every other way is off until it is switched on here, for
    /// the whole host and until the next boot.
    Spread {
        #[command(subcommand)]
        verb: Option<spread::Verb>,
        /// Print one JSON object per line
        #[arg(long)]
        json: bool,
    },
    /// Print the log of trust set and cleared by hand
    Log {
        /// Print one JSON object per line
        #[arg(long)]
        json: bool,
    },
    /// Print the trust bit of a source and assign one if it has none; without a name, list all sources
    Source {
        /// `tap:NAME` for your own BPF program, `rule:ID` for a rule
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
            anyhow!("the kernel part is not loaded: no domain is running and no rules are active, so every process is trusted"),
        )
    })
}
