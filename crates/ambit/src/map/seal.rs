// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `ambit map seal`: marks a map as finished, unless it would refuse operations of its recordings.

use std::path::PathBuf;

use ambit_event::named;
use anyhow::anyhow;

use crate::exit::{Exit, Failure, Outcome};
use crate::out::{count, kept, note, shown};
use crate::replay::replay;

/// Mark a map as finished
///
/// Adds a line `sealed:` with the map's digest. After that, `ambit run` refuses to learn into the map, and to enforce it if
/// its rules have changed. An incomplete map is not sealed, nor one that would refuse an operation of the given recordings.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  ambit map seal web.map\n  ambit map seal web.map --against monday.rec tuesday.rec"
)]
pub(crate) struct Args {
    /// Map to seal
    file: PathBuf,
    /// Seal only if the map allows all operations of these recordings
    #[arg(long, value_name = "FILE", num_args = 1..)]
    against: Vec<PathBuf>,
    /// Accept an incomplete map and incomplete recordings
    #[arg(long)]
    allow_incomplete: bool,
}

pub(crate) fn main(args: &Args) -> Result<Outcome, Failure> {
    let name = shown(&args.file);
    if args.file.as_os_str() == "-" {
        return Err(Failure::usage(anyhow!(
            "cannot seal a map on standard input; give its file"
        )));
    }
    let target = super::target(&args.file, "map")?;
    let (mut map, text) = super::read_with_text(&args.file)?;
    if let Some(missed) = map.incomplete.filter(|_| !args.allow_incomplete) {
        return Err(Failure::usage(anyhow!(
            "{name} is incomplete: learning missed {missed} operations, which enforcing would refuse; `ambit map status {name}` \
             tells why; learn again into a new file, or pass --allow-incomplete"
        )));
    }
    if !args.against.is_empty() {
        against(args, &map, &name)?;
    }
    if map.is_sealed() {
        note!("{name} is already sealed");
        return Ok(Outcome::SUCCESS);
    }
    map.normalise();
    map.sealed = Some(map.digest());
    super::write(&target, &map.print_keeping(&text))?;
    note!(
        "{name} is sealed: {} for {}",
        count(map.rule_count(), "rule"),
        count(map.subjects.len(), "subject")
    );
    Ok(Outcome::SUCCESS)
}

/// Returns an error if the map does not allow all recorded operations, or if the recordings are incomplete.
fn against(args: &Args, map: &ambit_model::Map, name: &str) -> Result<(), Failure> {
    let replay = replay(&args.against, Some(map), None, false)?;
    let flaws = replay.flaws();
    for flaw in &flaws {
        note!("{flaw}");
    }
    let backtest = replay.map.as_ref();
    if let Some((backtest, first)) = backtest.and_then(|one| Some((one, one.outside.first()?))) {
        return Err(Failure::new(
            Exit::Outside,
            anyhow!(
                "{name} is not sealed: it does not allow {}, the first of them `{}`; `ambit replay -m` explains each",
                kept(
                    backtest.outside.len(),
                    backtest.dropped,
                    "recorded operation"
                ),
                named(&first.violation.event.rule())
            ),
        ));
    }
    if !flaws.is_empty() && !args.allow_incomplete {
        return Err(Failure::usage(anyhow!(
            "{name} is not sealed: the recordings do not contain all operations of their runs; record again, or pass \
             --allow-incomplete"
        )));
    }
    Ok(())
}
