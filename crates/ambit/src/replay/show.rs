// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The results of a replay, as text and as JSON.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use ambit_event::{Subject, escape};
use ambit_model::Explanation;
use ambit_recording::Stop;
use ambit_replay::{Backtest, OutsideOperation, Recording, Replay};
use serde::Serialize;

use super::show_rules;
use crate::exit::Failure;
use crate::out::{Style, count, kept, shown};
use crate::stdout::json_line;

#[derive(Serialize)]
struct Row<'a> {
    #[serde(flatten)]
    explanation: &'a Explanation,
    /// Number of occurrences.
    times: u64,
    /// The map's response: `deny`, `kill` or `log`.
    would: &'static str,
    hook: &'static str,
    pid: u32,
    comm: String,
    first_ns: u64,
}

#[derive(Serialize)]
struct Summary<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    outside: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    times: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dropped: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rules: Option<show_rules::Summary>,
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

pub(super) fn as_json(replay: &Replay<'_>) -> Result<String, Failure> {
    let mut out = String::new();
    let map = replay.map.as_ref();
    for (map, outside) in map
        .into_iter()
        .flat_map(|map| map.outside.iter().map(move |outside| (map.map(), outside)))
    {
        let event = &outside.violation.event;
        out += &json_line(&Row {
            explanation: &outside.explain(map),
            times: outside.times,
            would: event.response.name(),
            hook: event.hook.name(),
            pid: event.tgid,
            comm: event.comm(),
            first_ns: event.time_ns,
        })?;
    }
    if let Some(rules) = &replay.rules {
        for row in show_rules::rows(rules) {
            out += &json_line(&row)?;
        }
    }
    let summary = Summary {
        outside: map.map(|map| map.outside.len()),
        times: map.map(|map| map.times),
        dropped: map.map(|map| map.dropped),
        rules: replay.rules.as_ref().map(show_rules::summary),
        recordings: replay.recordings.iter().map(recording_view).collect(),
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

pub(super) fn as_text(map: Option<&Path>, replay: &Replay<'_>) -> String {
    let events: u64 = replay.recordings.iter().map(|one| one.events).sum();
    let mut out = String::new();
    if let Some((path, backtest)) = map.zip(replay.map.as_ref()) {
        out += &outside_text(path, backtest, events);
    }
    if let Some(rules) = &replay.rules {
        if replay.map.is_some() {
            out.push('\n');
        }
        out += &show_rules::as_text(rules, events);
        let totals = rules.totals();
        if replay.map.is_some() && totals.allowed > 0 {
            let _ = writeln!(
                out,
                "operations that rules allow ({}) are not counted as outside the map",
                count(totals.allowed, "occurrence")
            );
        }
        if totals.perhaps_allowed > 0 {
            let _ = writeln!(
                out,
                "{} outside the map may be allowed by a rule that is undecided",
                count(totals.perhaps_allowed, "occurrence")
            );
        }
    }
    out
}

fn outside_text(map: &Path, backtest: &Backtest<'_>, events: u64) -> String {
    let style = Style::stdout();
    let mut out = String::new();
    // Each subject's operations stay in the order of the recording.
    let mut by: BTreeMap<Option<&Subject>, Vec<&OutsideOperation>> = BTreeMap::new();
    for outside in &backtest.outside {
        by.entry(outside.violation.subject.as_ref())
            .or_default()
            .push(outside);
    }
    // Writing to a String does not fail.
    for (subject, all) in by {
        let subject = subject.map_or_else(
            || "the whole domain, or an unknown subject".to_owned(),
            ToString::to_string,
        );
        let _ = writeln!(
            out,
            "{}: {}\n",
            style.bold(subject),
            count(all.len(), "operation")
        );
        for outside in all {
            let _ = writeln!(out, "{}", outside.explain(backtest.map()));
        }
    }
    let map = shown(map);
    let result = if backtest.times == 0 {
        style.green(format!(
            "{map} allows all of {}",
            count(events, "recorded operation")
        ))
    } else {
        style.red(format!(
            "{map} does not allow {} ({} of {})",
            kept(backtest.outside.len(), backtest.dropped, "operation"),
            count(backtest.times, "occurrence"),
            count(events, "recorded operation"),
        ))
    };
    let _ = writeln!(out, "{result}");
    if backtest.dropped > 0 {
        let _ = writeln!(
            out,
            "{} are not shown: only the first 10,000 different operations are kept",
            count(backtest.dropped, "other occurrence")
        );
    }
    out
}
