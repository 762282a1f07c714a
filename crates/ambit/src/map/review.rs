// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `ambit map review`: shows what a map gives to an attacker in control of a subject.

use std::path::{Path, PathBuf};

use ambit_model::{
    Evidence, LineNumbers, Map, ReviewOptions, Sensitive, Statistics, candidates, review,
};
use ambit_report::ReviewView;
#[cfg(feature = "kernel")]
use ambit_report::worst;

use super::{figures, generalize, read_with_text};
use crate::exit::{Failure, Outcome};
use crate::out::{Style, note, shown};
use crate::replay::replay;
use crate::stdout::{json_line, print};

/// Show what a map gives to an attacker in control of a subject
///
/// Lists the findings of each subject, the worst first, with the lines that cause them, the subjects that it reaches by starting
/// programs, an exposure from 0.0 to 10.0, and the smallest changes that lower it. For each change it shows how often the
/// learning runs used the lines (MAP.stats), and with --against which recorded operations the changed map would have refused.
/// docs/maps.md explains the kinds of findings and the exposure.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  ambit map review web.map\n  ambit map review web.map --subject nginx\n  ambit map review web.map --against monday.rec tuesday.rec\n  ambit map review web.map --json | jq '.subjects[0].findings'"
)]
pub(crate) struct Args {
    /// Map to review; `-` is standard input
    file: PathBuf,
    /// Show for each change which operations of these recordings it would have refused
    #[arg(long, value_name = "FILE", num_args = 1..)]
    against: Vec<PathBuf>,
    /// Show only this subject
    #[arg(long, value_name = "ID")]
    subject: Option<String>,
    /// Show all lines of each finding, and findings of severity low
    #[arg(short, long)]
    verbose: bool,
    /// Add the sensitive places of this file [in addition to /etc/ambit/sensitive]
    #[arg(long, value_name = "FILE")]
    list: Vec<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub(super) fn main(args: &Args) -> Result<Outcome, Failure> {
    let sensitive = generalize::list(&args.list)?;
    let (map, text) = read_with_text(&args.file)?;
    super::known_subject(&map, args.subject.as_deref())?;
    let statistics = statistics(&args.file, &map)?;
    let evidence = if args.against.is_empty() {
        None
    } else {
        Some(evidence(
            &map,
            &sensitive,
            statistics.as_ref(),
            &args.against,
        )?)
    };
    let numbers = LineNumbers::of(&text, &map);
    let mut review = review(
        &map,
        &sensitive,
        &ReviewOptions {
            statistics: statistics.as_ref(),
            evidence: evidence.as_ref(),
            numbers: Some(&numbers),
            without_changes: false,
        },
    );
    if let Some(id) = &args.subject {
        review.subjects.retain(|subject| subject.id == *id);
        review.changes.retain(|change| change.subject == *id);
    }
    let runs = statistics.map_or(0, |statistics| statistics.runs().len());
    let view = ReviewView {
        map: shown(&args.file),
        runs,
        recordings: args.against.len(),
        review: &review,
    };
    if args.json {
        return print(&json_line(&view)?);
    }
    print(&view.text(args.verbose, Style::stdout()))
}

/// Reads the statistics of a map, unless they belong to a map with another chain.
fn statistics(file: &Path, map: &Map) -> Result<Option<Statistics>, Failure> {
    if file.as_os_str() == "-" {
        return Ok(None);
    }
    Ok(figures::read(file)?.filter(|statistics| statistics.chain == map.chain))
}

/// Finds the recorded operations that a change may refuse.
fn evidence(
    map: &Map,
    sensitive: &Sensitive,
    statistics: Option<&Statistics>,
    recordings: &[PathBuf],
) -> Result<Evidence, Failure> {
    let without = candidates(map, sensitive, statistics);
    let replay = replay(recordings, Some(&without), None, false)?;
    let mut evidence = Evidence::default();
    for flaw in replay.flaws() {
        note!("{flaw}; operations that it lacks are not counted");
        evidence.is_partial = true;
    }
    let Some(backtest) = &replay.map else {
        return Ok(evidence);
    };
    evidence.is_partial |= backtest.dropped > 0;
    for outside in &backtest.outside {
        let violation = &outside.violation;
        if let (Some(subject), Some(object)) = (&violation.subject, violation.event.object()) {
            let operation = violation.event.wanted(object);
            evidence.add(subject, operation, object, outside.times);
        }
    }
    Ok(evidence)
}

/// Returns the worst findings of a map that was just learned, one line each, the exposure, and the next step.
#[cfg(feature = "kernel")]
pub(crate) fn hints(path: &Path, map: &Map, new: bool) -> Vec<String> {
    /// Number of findings.
    const WORST: usize = 3;
    // A pipe or a terminal does not keep the map.
    if !std::fs::metadata(path).is_ok_and(|found| found.is_file()) {
        return Vec::new();
    }
    // Errors in the host's list are reported by `ambit map review`.
    let sensitive = generalize::list(&[]).unwrap_or_default();
    let options = ReviewOptions {
        without_changes: true,
        ..ReviewOptions::default()
    };
    let review = review(map, &sensitive, &options);
    let mut lines = worst(&review, WORST);
    lines.push(format!(
        "exposure {} of 10; next: ambit map review {}",
        review.exposure,
        shown(path)
    ));
    if new && map.has_transient_files() {
        lines.push(
            "the workload makes files that it removes again: end one learning run by `kill -9`, and learn the start after it"
                .to_owned(),
        );
    }
    lines
}
