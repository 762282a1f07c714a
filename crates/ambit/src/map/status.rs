// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `ambit map status`: what learning runs have shown of a workload, and whether they were enough.

use std::fmt::Write;
use std::path::PathBuf;

use ambit_event::escape;
use ambit_model::{Advice, CHANCE_MAX, Doubt, Estimate, Map, RUNS_MIN};
use anyhow::anyhow;
use serde::Serialize;

use super::figures;
use crate::exit::{Failure, Outcome};
use crate::out::{Style, count, json_line, print, shown};

/// Runs that the curve shows, the newest.
const CURVE: usize = 20;
const WIDTH: u64 = 40;
/// Thin subjects that are named.
const THIN: usize = 12;

/// Say how likely it is that what comes next is outside a map
///
/// By what learning runs saw, which is in the file beside the map (MAP.stats). How it is estimated, and what the estimate
/// can't know, is in docs/learning.md.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  ambit map status web.map\n  ambit map status web.map --json")]
pub(crate) struct Args {
    /// The map
    file: PathBuf,
    /// As one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct View<'a> {
    map: String,
    sealed: bool,
    incomplete: Option<u64>,
    #[serde(flatten)]
    estimate: &'a Estimate,
}

pub(crate) fn main(args: &Args) -> Result<Outcome, Failure> {
    let map = super::read(&args.file)?;
    let Some(statistics) = figures::read(&args.file)? else {
        return Err(Failure::usage(anyhow!(
            "there are no figures of learning runs beside {} ({}); `ambit run --learn -o {0}` adds those of its run",
            shown(&args.file),
            shown(figures::path(&args.file))
        )));
    };
    if statistics.chain != map.chain {
        return Err(Failure::usage(anyhow!(
            "{} is of a map with `chain: {}`, and this one has `chain: {}`; move it away",
            shown(figures::path(&args.file)),
            statistics.chain,
            map.chain
        )));
    }
    let estimate = statistics.estimate(&map);
    if args.json {
        return print(&json_line(&View {
            map: shown(&args.file),
            sealed: map.is_sealed(),
            incomplete: map.incomplete,
            estimate: &estimate,
        })?);
    }
    print(&text(&shown(&args.file), &map, &estimate))
}

fn text(name: &str, map: &Map, estimate: &Estimate) -> String {
    let style = Style::stdout();
    let mut out = String::new();
    // Writing to a String does not fail.
    let _ = writeln!(
        out,
        "{name}: {} for {}, learned in {} ({} that missed nothing, {} in them)",
        count(map.rules(), "rule"),
        count(map.subjects.len(), "subject"),
        count(estimate.runs, "run"),
        estimate.whole_runs,
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
            "\n{}: as far as these runs can tell, learning has come to its end. `ambit map seal {name}` marks it",
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

/// New lines by run.
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
            let _ = write!(notes, "  ({} not learned: no evidence)", run.missed);
        }
        if run.untrusted > 0 {
            let _ = write!(
                notes,
                "  ({} of untrusted tasks: passed over)",
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

/// A time without its fraction, if it has one.
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
            "{} of the map no whole run saw",
            count(estimate.never_seen, "line")
        );
    }
    if estimate.taken_out > 0 {
        let _ = writeln!(
            out,
            "{} learned and not in the map any more",
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
    for subject in thin.iter().take(THIN) {
        let _ = writeln!(
            out,
            "  {}: in {}, {} of {} in one run only",
            style.bold(escape::line(&subject.id)),
            count(subject.runs, "run"),
            subject.in_one_run,
            count(subject.lines, "line"),
        );
    }
    if thin.len() > THIN {
        let _ = writeln!(out, "  … {}", count(thin.len() - THIN, "more subject"));
    }
}

fn why(doubt: Doubt) -> String {
    match doubt {
        Doubt::FewRuns => format!("{RUNS_MIN} runs that missed nothing are the least"),
        Doubt::StillNew => "one of the two newest runs brought something new".to_owned(),
        Doubt::Likely => format!(
            "the next run is likelier than {:.0} % to bring something new",
            CHANCE_MAX * 100.0
        ),
        Doubt::Missed => {
            "the newest run missed something; learn with a larger --ring-size".to_owned()
        }
        _ => "there is some doubt".to_owned(),
    }
}
