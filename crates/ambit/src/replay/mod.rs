// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `ambit replay`: what a map would not allow of what was recorded.

mod backtest;
mod progress;

pub(crate) use backtest::{Backtest, Outside, Recording, Tape};
pub(crate) use progress::Progress;

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::PathBuf;

use ambit_event::{Response, Subject, escape};
use ambit_model::{Explanation, Map};
use ambit_recording::Stop;
use anyhow::anyhow;
use serde::Serialize;

use crate::exit::{Exit, Failure, Outcome};
use crate::map;
use crate::out::{Style, count, json_line, note, print, shown};

/// Say which recorded operations a map would refuse, by subject, and why
///
/// Recordings are made by `ambit run --record FILE`. Nothing is executed. What is said of each operation is what
/// `ambit explain` says.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  ambit run --learn -o web.map --record web.rec -- ./serve.sh\n  ambit replay web.rec -m web.map\n  ambit replay *.rec -m web.map --fail-on-violation\n\nExit status: 0, or 3 with --fail-on-violation where something is outside the map; 1 a file is wrong."
)]
pub(crate) struct Args {
    /// Recordings
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The map
    #[arg(short, long, value_name = "MAP")]
    map: PathBuf,
    /// One JSON object a line: what is outside the map, then a summary
    #[arg(long)]
    json: bool,
    /// Exit with status 3 where something is outside the map
    #[arg(long)]
    fail_on_violation: bool,
    /// Show no progress
    #[arg(short, long)]
    quiet: bool,
}

pub(crate) fn main(args: &Args) -> Result<Outcome, Failure> {
    let map = map::read(&args.map)?;
    let (backtest, recordings) = replay_all(&args.files, &map, args.quiet)?;
    for flaw in recordings.iter().flat_map(Recording::flaws) {
        note!("{flaw}");
    }
    if args.json {
        print(&as_json(&map, &backtest, &recordings)?)?;
    } else {
        print(&as_text(args, &map, &backtest, &recordings))?;
    }
    let outside = args.fail_on_violation && backtest.times > 0;
    Ok(Outcome::Exit(if outside {
        Exit::Outside
    } else {
        Exit::Success
    }))
}

/// Asks a map about recordings, of one host.
pub(crate) fn replay_all<'m>(
    files: &[PathBuf],
    map: &'m Map,
    quiet: bool,
) -> Result<(Backtest<'m>, Vec<Recording>), Failure> {
    let mut progress = Progress::over(files, quiet);
    let mut backtest: Option<((u16, u16), Backtest<'m>)> = None;
    let mut recordings = Vec::new();
    for path in files {
        let tape = Tape::open(path)?;
        let header = tape.header();
        if header.chain != map.chain {
            return Err(Failure::usage(anyhow!(
                "{} was recorded with `chain: {}`, and the map has `chain: {}`: their subjects are not the same",
                shown(path),
                header.chain,
                map.chain
            )));
        }
        let ports = header.ephemeral;
        let (of, backtest) = backtest.get_or_insert_with(|| (ports, Backtest::new(map, ports)));
        if *of != ports {
            return Err(Failure::usage(anyhow!(
                "{} was recorded on a host with other ephemeral ports ({}-{}); replay it by itself",
                shown(path),
                ports.0,
                ports.1
            )));
        }
        let recording = backtest.replay(tape, &mut progress)?;
        progress.next(
            std::fs::metadata(path).map_or(0, |found| found.len()),
            recording.events,
        );
        recordings.push(recording);
    }
    drop(progress);
    let backtest = backtest.map(|(_, backtest)| backtest);
    Ok((
        backtest.ok_or_else(|| Failure::usage(anyhow!("no recording given")))?,
        recordings,
    ))
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

#[derive(Serialize)]
struct Row<'a> {
    #[serde(flatten)]
    explanation: &'a Explanation,
    /// How often it was recorded.
    times: u64,
    /// What the map would do: `deny`, `kill` or `log`.
    would: &'static str,
    hook: &'static str,
    pid: u32,
    comm: String,
    first_ns: u64,
}

#[derive(Serialize)]
struct Summary<'a> {
    outside: usize,
    times: u64,
    dropped: u64,
    recordings: Vec<RecordingView<'a>>,
}

#[derive(Serialize)]
struct RecordingView<'a> {
    file: &'a str,
    domain: String,
    mode: String,
    operations: u64,
    /// `end`, `cut` or `damaged`.
    stop: &'static str,
    lost: BTreeMap<String, u64>,
}

fn as_json(
    map: &Map,
    backtest: &Backtest<'_>,
    recordings: &[Recording],
) -> Result<String, Failure> {
    let mut out = String::new();
    for outside in &backtest.outside {
        let event = &outside.violation.event;
        out += &json_line(&Row {
            explanation: &explanation(map, outside),
            times: outside.times,
            would: event.response.name(),
            hook: event.hook.name(),
            pid: event.tgid,
            comm: event.comm(),
            first_ns: event.time_ns,
        })?;
    }
    let summary = Summary {
        outside: backtest.outside.len(),
        times: backtest.times,
        dropped: backtest.dropped,
        recordings: recordings.iter().map(recording_view).collect(),
    };
    out += &json_line(&BTreeMap::from([("summary", summary)]))?;
    Ok(out)
}

fn recording_view(recording: &Recording) -> RecordingView<'_> {
    RecordingView {
        file: &recording.name,
        domain: escape::line(&recording.header.domain),
        mode: escape::line(&recording.header.mode),
        operations: recording.events,
        stop: match recording.stop {
            Stop::End(_) => "end",
            Stop::Cut { .. } => "cut",
            Stop::Damaged { .. } => "damaged",
        },
        lost: recording
            .losses
            .iter()
            .map(|loss| (escape::line(&loss.hook), loss.lost))
            .collect(),
    }
}

fn as_text(args: &Args, map: &Map, backtest: &Backtest<'_>, recordings: &[Recording]) -> String {
    let style = Style::stdout();
    let mut out = String::new();
    // By subject, and in each in the order of the recording.
    let mut by: BTreeMap<Option<&Subject>, Vec<&Outside>> = BTreeMap::new();
    for outside in &backtest.outside {
        by.entry(outside.violation.subject.as_ref())
            .or_default()
            .push(outside);
    }
    // Writing to a String does not fail.
    for (subject, all) in by {
        let who = subject.map_or_else(
            || "the domain, or nobody that was described".to_owned(),
            ToString::to_string,
        );
        let _ = writeln!(
            out,
            "{}: {}\n",
            style.bold(who),
            count(all.len(), "operation")
        );
        for outside in all {
            let _ = writeln!(out, "{}", explanation(map, outside));
        }
    }
    let events: u64 = recordings.iter().map(|recording| recording.events).sum();
    let map = shown(&args.map);
    let said = if backtest.times == 0 {
        style.green(format!(
            "{map} allows all of {}",
            count(events, "recorded operation")
        ))
    } else {
        style.red(format!(
            "{map} does not allow {} ({} of {})",
            count(backtest.different(), "operation"),
            count(backtest.times, "occurrence"),
            count(events, "recorded operation"),
        ))
    };
    let _ = writeln!(out, "{said}");
    if backtest.dropped > 0 {
        let _ = writeln!(
            out,
            "{} of them are not shown: there are too many",
            backtest.dropped
        );
    }
    out
}
