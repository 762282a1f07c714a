// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What a replay says, as text and as JSON.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use ambit_event::{Subject, escape};
use ambit_model::Explanation;
use ambit_recording::Stop;
use serde::Serialize;

use super::asked::Asked;
use super::rules::{self, RuleTest};
use super::{Backtest, Outside, Recording, explanation};
use crate::exit::Failure;
use crate::out::{Style, count, json_line, shown};

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
    #[serde(skip_serializing_if = "Option::is_none")]
    outside: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    times: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dropped: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rules: Option<rules::Summary>,
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

pub(super) fn as_json(asked: &Asked<'_>, recordings: &[Recording]) -> Result<String, Failure> {
    let mut out = String::new();
    let map = asked.map.as_ref();
    for (map, outside) in map
        .into_iter()
        .flat_map(|map| map.outside.iter().map(move |outside| (map.map(), outside)))
    {
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
    if let Some(test) = &asked.rules {
        for row in rules::rows(test) {
            out += &json_line(&row)?;
        }
    }
    let summary = Summary {
        outside: map.map(|map| map.outside.len()),
        times: map.map(|map| map.times),
        dropped: map.map(|map| map.dropped),
        rules: asked.rules.as_ref().map(RuleTest::summary),
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

pub(super) fn as_text(map: Option<&Path>, asked: &Asked<'_>, recordings: &[Recording]) -> String {
    let events: u64 = recordings.iter().map(|recording| recording.events).sum();
    let mut out = String::new();
    if let Some((path, backtest)) = map.zip(asked.map.as_ref()) {
        out += &outside_text(path, backtest, events);
    }
    if let Some(test) = &asked.rules {
        if asked.map.is_some() {
            out.push('\n');
        }
        out += &rules::as_text(test, events);
        let totals = test.totals();
        if asked.map.is_some() && totals.allowed > 0 {
            let _ = writeln!(
                out,
                "what rules allow ({}) is not counted as outside the map",
                count(totals.allowed, "occurrence")
            );
        }
        if totals.perhaps_allowed > 0 {
            let _ = writeln!(
                out,
                "{} outside the map may be allowed by a rule that could not be judged",
                count(totals.perhaps_allowed, "occurrence")
            );
        }
    }
    out
}

fn outside_text(map: &Path, backtest: &Backtest<'_>, events: u64) -> String {
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
            let _ = writeln!(out, "{}", explanation(backtest.map(), outside));
        }
    }
    let map = shown(map);
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
