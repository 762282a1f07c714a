// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The estimate of a map's learning runs as text and as JSON.

use std::fmt::Write;

use ambit_event::{escape, named};
use ambit_model::{Advice, CHANCE_MAX, Doubt, Estimate, Map, RUNS_MIN};
use serde::Serialize;

use crate::style::{Style, count};

/// Number of runs that the curve shows, the newest ones.
const CURVE: usize = 20;
const WIDTH: u64 = 40;
/// Maximum number of unused lines to print.
const UNUSED: usize = 5;
/// Number of thin subjects that are listed.
const THIN_MAX: usize = 12;

/// The estimate of a map's learning runs.
#[derive(Debug, Serialize)]
pub struct EstimateView<'e> {
    /// The map's name, as it is shown.
    map: String,
    sealed: bool,
    incomplete: Option<u64>,
    #[serde(flatten)]
    estimate: &'e Estimate,
    #[serde(skip)]
    of: &'e Map,
}

impl<'e> EstimateView<'e> {
    /// Makes the view of an estimate for a map with this name.
    pub fn new(name: String, map: &'e Map, estimate: &'e Estimate) -> Self {
        Self {
            map: name,
            sealed: map.is_sealed(),
            incomplete: map.incomplete,
            estimate,
            of: map,
        }
    }

    /// Returns the estimate as text.
    pub fn text(&self, style: Style) -> String {
        text(&self.map, self.of, self.estimate, style)
    }
}

fn text(name: &str, map: &Map, estimate: &Estimate, style: Style) -> String {
    let mut out = String::new();
    // Writing to a String does not fail.
    let _ = writeln!(
        out,
        "{name}: {} for {}, learned in {} ({} with {})",
        count(map.rule_count(), "rule"),
        count(map.subjects.len(), "subject"),
        count(estimate.runs, "run"),
        count(estimate.whole_runs, "complete run"),
        count(estimate.operations, "operation"),
    );
    if map.is_sealed() {
        let _ = writeln!(out, "sealed");
    } else if map.is_seal_broken() {
        let _ = writeln!(out, "changed since it was sealed");
    }
    curve(estimate, &mut out);
    chances(estimate, &mut out);
    thin(estimate, style, &mut out);
    let _ = match &estimate.advice {
        Advice::Seal => writeln!(
            out,
            "\n{}: these runs show nothing new any more. `ambit map seal {name}` marks the map as finished",
            style.green("seal")
        ),
        Advice::Learn(doubts) => writeln!(
            out,
            "\n{}: {}",
            style.yellow("keep learning"),
            doubts
                .iter()
                .map(|doubt| why(*doubt))
                .collect::<Vec<_>>()
                .join("; ")
        ),
    };
    out
}

/// Appends the number of new lines of each run.
fn curve(estimate: &Estimate, out: &mut String) {
    let skipped = estimate.curve.len().saturating_sub(CURVE);
    let shown = estimate.curve.iter().skip(skipped);
    let most = shown.clone().map(|run| run.new).max().unwrap_or(0).max(1);
    out.push_str("\nnew lines by run\n");
    if skipped > 0 {
        let _ = writeln!(out, "  … {}", count(skipped, "earlier run"));
    }
    for run in shown {
        let bar = (run.new * WIDTH).div_ceil(most);
        let mut notes = String::new();
        if run.missed > 0 {
            let _ = write!(notes, "  ({} missed: not used for estimates)", run.missed);
        }
        if run.unrepresentable > 0 {
            let _ = write!(
                notes,
                "  ({} without a canonical form: no map can contain them)",
                run.unrepresentable
            );
        }
        if run.untrusted > 0 {
            let _ = write!(
                notes,
                "  ({} of untrusted tasks: not counted)",
                run.untrusted
            );
        }
        let _ = writeln!(
            out,
            "  {}  {:>6}  {}{notes}",
            escape::line(&to_the_second(&run.began)),
            run.new,
            "#".repeat(usize::try_from(bar).unwrap_or(0))
        );
    }
}

/// Returns a time without its fraction of a second.
fn to_the_second(time: &str) -> String {
    match time.split_once('.') {
        Some((whole, fraction)) if fraction.ends_with('Z') => format!("{whole}Z"),
        _ => time.to_owned(),
    }
}

fn chances(estimate: &Estimate, out: &mut String) {
    let percent = |part: Option<f64>| {
        part.map_or_else(
            || "unknown".to_owned(),
            |part| format!("{:.2} %", part * 100.0),
        )
    };
    let _ = writeln!(
        out,
        "\nchance that the next operation is outside the map: {} ({} of {} seen once in {})",
        percent(estimate.next_operation),
        estimate.seen_once,
        count(estimate.lines, "line"),
        count(estimate.operations, "operation"),
    );
    let _ = writeln!(
        out,
        "chance that the next run has something outside it:  {} (at most {} with this few runs; {} in one run only)",
        percent(estimate.next_run),
        percent(estimate.next_run_at_most),
        count(estimate.in_one_run, "line"),
    );
    if let Some(lines) = estimate.next_run_lines {
        let _ = writeln!(out, "new lines expected of the next run: {lines:.1}");
    }
    if estimate.never_seen > 0 {
        let _ = writeln!(
            out,
            "{} of the map used in no complete run",
            count(estimate.never_seen, "line")
        );
        for unused in estimate.unused.iter().take(UNUSED) {
            let _ = writeln!(
                out,
                "  {}: {}",
                escape::line(&unused.subject),
                escape::line(&named(&unused.line))
            );
        }
        if estimate.never_seen > UNUSED {
            let _ = writeln!(out, "  … {} more", estimate.never_seen - UNUSED);
        }
    }
    if estimate.taken_out > 0 {
        let _ = writeln!(
            out,
            "{} learned and since removed from the map",
            count(estimate.taken_out, "line")
        );
    }
}

fn thin(estimate: &Estimate, style: Style, out: &mut String) {
    let mut thin: Vec<_> = estimate
        .subjects
        .iter()
        .filter(|subject| subject.thin)
        .collect();
    if thin.is_empty() {
        return;
    }
    thin.sort_by_key(|subject| (subject.runs, std::cmp::Reverse(subject.in_one_run)));
    out.push_str("\nthin subjects\n");
    for subject in thin.iter().take(THIN_MAX) {
        let _ = writeln!(
            out,
            "  {}: in {}, {} of {} in one run only",
            style.bold(escape::line(&subject.id)),
            count(subject.runs, "run"),
            subject.in_one_run,
            count(subject.lines, "line"),
        );
    }
    if thin.len() > THIN_MAX {
        let _ = writeln!(out, "  … {}", count(thin.len() - THIN_MAX, "more subject"));
    }
}

fn why(doubt: Doubt) -> String {
    match doubt {
        Doubt::FewRuns => format!("fewer than {RUNS_MIN} complete runs"),
        Doubt::StillNew => "one of the two newest runs added lines".to_owned(),
        Doubt::Likely => format!(
            "the chance that the next run is outside the map is above {:.0} %",
            CHANCE_MAX * 100.0
        ),
        Doubt::Missed => {
            "the newest run lost operations, or had no room for them; learn with a larger --ring-size and --max-points".to_owned()
        }
        Doubt::Copies => {
            "the runs are copies of each other, down to the number of operations: not enough variety".to_owned()
        }
        _ => "the figures are not sufficient".to_owned(),
    }
}
