// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `ambit replay`: what a map would not allow of what was recorded.

mod asked;
mod backtest;
mod order;
mod progress;
mod rules;
mod show;
mod tape;

pub(crate) use backtest::{Backtest, Outside};
pub(crate) use progress::Progress;
pub(crate) use tape::{Recording, Tape};

use std::path::PathBuf;

use ambit_event::Response;
use ambit_model::{Explanation, Map};
use ambit_policy::rule::Rule;
use anyhow::anyhow;

use asked::Asked;

use crate::exit::{Exit, Failure, Outcome};
use crate::map;
use crate::out::{note, print, shown};

/// Say which recorded operations a map would refuse, by subject, and why; or what rules would have done
///
/// Recordings are made by `ambit run --record FILE`. Nothing is executed. What is said of each operation outside the map
/// is what `ambit explain` says. Rules are asked before the map; what a recording does not tell them is counted as
/// undecided.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  ambit run --learn -o web.map --record web.rec -- ./serve.sh\n  ambit replay web.rec -m web.map\n  ambit replay *.rec -m web.map --fail-on-violation\n  ambit replay web.rec --rules my.yaml            would these rules have refused anything?\n  ambit replay web.rec --rules rules/ -m web.map  the same, with a map behind them\n\nExit status: 0, or 3 with --fail-on-violation where something is outside the map or refused by a rule; 1 a file is wrong."
)]
pub(crate) struct Args {
    /// Recordings
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The map
    #[arg(short, long, value_name = "MAP", required_unless_present = "rules")]
    map: Option<PathBuf>,
    /// Rules: a file, or a folder of which every .yaml and .yml is taken; may be given more than once
    #[arg(long, value_name = "FILE")]
    rules: Vec<PathBuf>,
    /// One JSON object a line: what is outside the map, then each rule, then a summary
    #[arg(long)]
    json: bool,
    /// Exit with status 3 where something is outside the map, or refused by a rule
    #[arg(long)]
    fail_on_violation: bool,
    /// Show no progress
    #[arg(short, long)]
    quiet: bool,
}

pub(crate) fn main(args: &Args) -> Result<Outcome, Failure> {
    let map = args.map.as_deref().map(map::read).transpose()?;
    let rules = if args.rules.is_empty() {
        None
    } else {
        Some(ambit_hoststate::RuleSet::read(&args.rules)?.rules)
    };
    let (asked, recordings) = ask_all(&args.files, map.as_ref(), rules.as_deref(), args.quiet)?;
    for flaw in recordings.iter().flat_map(Recording::flaws) {
        note!("{flaw}");
    }
    for unknown in asked.rules.iter().flat_map(rules::notes) {
        note!("{unknown}");
    }
    let said = if args.json {
        show::as_json(&asked, &recordings)?
    } else {
        show::as_text(args.map.as_deref(), &asked, &recordings)
    };
    print(&said)?;
    let outside = asked.map.as_ref().is_some_and(|map| map.times > 0);
    let refused = asked
        .rules
        .as_ref()
        .is_some_and(|rules| rules.totals().refused > 0);
    Ok(Outcome::Exit(
        if args.fail_on_violation && (outside || refused) {
            Exit::Outside
        } else {
            Exit::Success
        },
    ))
}

/// Asks a map about recordings, of one host.
pub(crate) fn replay_all<'m>(
    files: &[PathBuf],
    map: &'m Map,
    quiet: bool,
) -> Result<(Backtest<'m>, Vec<Recording>), Failure> {
    let (asked, recordings) = ask_all(files, Some(map), None, quiet)?;
    Ok((asked.map.ok_or_else(nothing)?, recordings))
}

fn nothing() -> Failure {
    Failure::usage(anyhow!("no recording given"))
}

fn ask_all<'a>(
    files: &[PathBuf],
    map: Option<&'a Map>,
    rules: Option<&'a [Rule]>,
    quiet: bool,
) -> Result<(Asked<'a>, Vec<Recording>), Failure> {
    let mut progress = Progress::over(files, quiet);
    let mut asked: Option<((u16, u16), Asked<'a>)> = None;
    let mut recordings = Vec::new();
    for path in files {
        let tape = Tape::open(path)?;
        let header = tape.header();
        if let Some(map) = map
            && header.chain != map.chain
        {
            return Err(Failure::usage(anyhow!(
                "{} was recorded with `chain: {}`, and the map has `chain: {}`: their subjects are not the same",
                shown(path),
                header.chain,
                map.chain
            )));
        }
        let ports = header.ephemeral;
        let (of, asked) = asked.get_or_insert_with(|| (ports, Asked::new(map, rules, ports)));
        if *of != ports && map.is_some() {
            return Err(Failure::usage(anyhow!(
                "{} was recorded on a host with other ephemeral ports ({}-{}); replay it by itself",
                shown(path),
                ports.0,
                ports.1
            )));
        }
        let recording = tape.replay(asked, &mut progress)?;
        progress.next(
            std::fs::metadata(path).map_or(0, |found| found.len()),
            recording.events,
        );
        recordings.push(recording);
    }
    drop(progress);
    Ok((asked.ok_or_else(nothing)?.1, recordings))
}

/// What `explain` says of an operation that was recorded.
pub(crate) fn explanation(map: &Map, outside: &Outside) -> Explanation {
    let mut violation = outside.violation.clone();
    violation.event.count = u32::try_from(outside.times).unwrap_or(u32::MAX);
    let mut explanation = map.explain(&violation);
    let then = match outside.then {
        Response::Log => "let pass when it was recorded",
        _ => "refused when it was recorded",
    };
    let now = match violation.event.response {
        Response::Log => "the map would only have it logged",
        Response::Kill => "the map would refuse it and have the process killed",
        _ => "the map would refuse it",
    };
    explanation.response = format!("{then}; {now}");
    explanation
}
