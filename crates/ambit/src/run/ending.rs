// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The end of a run: writes the learned map, or shows how much was outside the map.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::fs;

use ambit_abi::{Fp, Mode};
use ambit_files::{Target, kept_dir};
use ambit_journal::losses;
use ambit_model::{Generalized, IdNames, Learner, Map};
use ambit_session::{Collected, Ended, Error, How, Missed, RecordingSummary, Stats, WatchSummary};
use anyhow::{Context, anyhow};
use rustix::io::Errno;

use super::figures::{self, Figures, Missing};
use super::{Args, Plan};
use crate::exit::{Exit, Failure, OrExit, Outcome};
use crate::map::{MAP_MODE, group_names, hint, hints, read_again};
use crate::out::{count, kept, note, shown};

/// The result of a session.
pub(super) struct SessionResult {
    pub(super) collected: Collected,
    pub(super) ended: Ended,
    pub(super) stats: Stats,
    /// Learning: how often each point occurred.
    pub(super) hits: HashMap<Fp, u32>,
    /// Start time, in UTC.
    pub(super) began: String,
}

pub(super) fn finish(args: &Args, plan: &Plan, result: SessionResult) -> Result<Outcome, Failure> {
    let json = result.stats.json(&plan.domain, plan.mode.name());
    let outcome = conclude(args, plan, result);
    // The counters are written last: a failure loses nothing else.
    let written = plan.counters.as_ref().map_or(Ok(()), |target| {
        target
            .replace_or_keep(json.as_bytes(), 0o644, &kept_dir())
            .with_context(|| format!("cannot write the counters to {}", shown(target.path())))
    });
    if let (Err(_), Err(error)) = (&outcome, &written) {
        note!("{error:#}");
    }
    outcome.and_then(|outcome| written.or_exit(Exit::Trouble).map(|()| outcome))
}

fn conclude(args: &Args, plan: &Plan, result: SessionResult) -> Result<Outcome, Failure> {
    let SessionResult {
        collected,
        ended,
        stats,
        hits,
        began,
    } = result;
    let stats = &stats;
    let recorded = collected.recording;
    match recorded.and_then(|recording| recording.end(stats, ended.stragglers, &kept_dir())) {
        Some(Ok(summary)) => show_recording(summary, args.quiet),
        Some(Err(notice)) => note!("{notice}"),
        None => {}
    }
    if let Some(mut watch) = collected.watch {
        if ended.stragglers == 0
            && let Some(notice) = watch.end(stats.violations_lost())
        {
            note!("{notice}");
        }
        if !args.quiet && !args.json {
            show_violations(plan, watch.summary(), stats);
        }
    }
    let outcome = match ended.how {
        How::With(exit) => Outcome::As(exit),
        How::NotStarted(error) => return Err(not_started(plan, &error)),
    };
    if let Some((learner, target)) = collected.learner.zip(plan.target.as_ref()) {
        let learned = learned(args, plan, target, &learner, stats)?;
        let figures = Figures {
            before: &learned.before,
            learner: &learner,
            hits: &hits,
            began: &began,
            missed: learned.missed,
        };
        figures::add(plan, target, stats, &figures);
        if !args.quiet {
            if let Some(hint) = hint(&plan.path, &learned.map, &learned.text) {
                note!("{hint}");
            }
            for line in hints(&plan.path, &learned.map, !plan.existed) {
                note!("{line}");
            }
        }
    }
    if args.fail_on_violation && stats.violations() > 0 {
        return Ok(Outcome::Exit(Exit::Outside));
    }
    Ok(outcome)
}

fn not_started(plan: &Plan, error: &std::io::Error) -> Failure {
    let errno = Errno::from_io_error(error).unwrap_or(Errno::IO);
    if plan.mode == Mode::Enforce && errno == Errno::PERM {
        return Failure::new(
            Exit::NotExecutable,
            anyhow!(
                "{} does not let `ambit run` start {}; `ambit explain` shows the missing line",
                shown(&plan.path),
                shown(&plan.command.program)
            ),
        );
    }
    let name = plan.command.argv.first().cloned().unwrap_or_default();
    Error::Command { name, errno }.into()
}

fn show_recording(summary: RecordingSummary, quiet: bool) {
    if let Err(error) = summary.written {
        let error = anyhow::Error::from(error);
        note!(
            "cannot write the recording {}: {error:#}",
            shown(&summary.path)
        );
    } else if !quiet {
        note!(
            "recorded {} in {} ({} KiB)",
            count(summary.events, "operation"),
            shown(&summary.path),
            summary.bytes.div_ceil(1024)
        );
    }
    for loss in &summary.losses {
        note!(
            "warning: the recording lacks {} at {}; record again with a larger --ring-size",
            count(loss.lost, "operation"),
            loss.hook
        );
    }
}

/// Shows how much was outside the map.
fn show_violations(plan: &Plan, seen: WatchSummary, stats: &Stats) {
    let map = shown(&plan.path);
    if seen.distinct == 0 && stats.violations() == 0 {
        note!("nothing was outside {map}");
    } else {
        let what = kept(seen.distinct, seen.dropped, "operation");
        let times = stats.violations();
        let times = if times > seen.distinct {
            format!(" ({times} times in all)")
        } else {
            String::new()
        };
        let refused = match plan.mode {
            Mode::Enforce if seen.refused == seen.distinct => ", refused".to_owned(),
            Mode::Enforce => format!(", {} refused", seen.refused),
            _ => ", not refused".to_owned(),
        };
        note!("{what} outside {map}{times}{refused}; `ambit explain` shows why and what to do");
    }
    for loss in losses(seen.dropped, stats.violations_lost()) {
        note!("{loss}");
    }
}

/// A map that was learned and written.
struct Written {
    /// The map as it was before.
    before: Map,
    map: Map,
    /// The map's text, with comments.
    text: String,
    /// How many operations were missed.
    missed: Missing,
}

/// Writes the map.
fn learned(
    args: &Args,
    plan: &Plan,
    target: &Target,
    learner: &Learner,
    stats: &Stats,
) -> Result<Written, Failure> {
    // Another run may have learned into the same file in the meantime.
    let (before, text, fits) = match read_again(target, &plan.map, &plan.text) {
        Ok(Some((map, text))) if map.domain == plan.map.domain && map.chain == plan.map.chain => {
            (map, text, true)
        }
        found => (plan.map.clone(), String::new(), matches!(found, Ok(None))),
    };
    let result = learner.finish(&before);
    let mut map = result.map;
    let missed = stats.missed();
    let missing = Missing::new(&missed, result.unresolved);
    map.regroup(&group_names());
    if missing.sum() > 0 {
        map.incomplete = Some(missing.sum().max(map.incomplete.unwrap_or(0)));
    }
    let (text, kept) = (map.print_naming(&text, &id_names()), kept_dir());
    if fits {
        target
            .replace_or_keep(text.as_bytes(), MAP_MODE, &kept)
            .with_context(|| format!("cannot write the map {}", shown(&plan.path)))
            .or_exit(Exit::Trouble)?;
    } else {
        let kept = target
            .keep_content(text.as_bytes(), &kept)
            .context("cannot keep the learned map")
            .or_exit(Exit::Trouble)?;
        return Err(Failure::new(
            Exit::Trouble,
            anyhow!(
                "while this run learned, {} was replaced by something that is not a map of this domain; the learned map is in {}",
                shown(&plan.path),
                shown(kept)
            ),
        ));
    }
    if !args.quiet {
        summarise(plan, &before, &map, result.counts.points);
        show_patterns(&result.generalized);
    }
    if missing.sum() > 0 {
        warn(args, plan, &missed, result.unresolved, missing.sum());
    }
    Ok(Written {
        before,
        map,
        text,
        missed: missing,
    })
}

/// Returns the names of this host's users and groups, which become comments of the map.
fn id_names() -> IdNames {
    // Without the files, the map has numbers only.
    let read = |path| fs::read_to_string(path).unwrap_or_default();
    IdNames::parse(&read("/etc/passwd"), &read("/etc/group"))
}

fn summarise(plan: &Plan, before: &Map, after: &Map, points: u64) {
    note!(
        "saw {}; {} {} {} in {} for {}{}",
        count(points, "point"),
        shown(&plan.path),
        if plan.existed { "now has" } else { "has" },
        count(after.rule_count(), "rule"),
        count(after.line_count(), "line"),
        count(after.subjects.len(), "subject"),
        if plan.existed {
            format!(", {} of them new", after.rules_beyond(before))
        } else {
            String::new()
        }
    );
}

/// Maximum number of patterns to show.
const PATTERNS_SHOWN_MAX: usize = 8;

/// Shows the patterns that learning put in place of names, those for most names first.
fn show_patterns(patterns: &[Generalized]) {
    let mut sorted: Vec<&Generalized> = patterns.iter().collect();
    // Stable: patterns for equally many names stay sorted by text.
    sorted.sort_by_key(|one| Reverse(one.names));
    for one in sorted.iter().take(PATTERNS_SHOWN_MAX) {
        note!(
            "  {} replaces {}, for example {}",
            one.pattern,
            count(one.names, "name"),
            one.example
        );
    }
    let more = sorted.len().saturating_sub(PATTERNS_SHOWN_MAX);
    if more > 0 {
        note!("  and {} more", count(more, "pattern"));
    }
}

/// Shows the number of operations that learning missed, and how to miss fewer.
fn warn(args: &Args, plan: &Plan, missed: &[(&str, Missed)], unresolved: u64, missing: u64) {
    note!(
        "warning: {} is incomplete: {} not learned",
        shown(&plan.path),
        if missing == 1 {
            "1 operation was".to_owned()
        } else {
            format!("{missing} operations were")
        }
    );
    for (hook, missed) in missed {
        let parts = [
            (missed.lost, "lost"),
            (missed.unrepresentable, "without canonical form"),
            (missed.full, "beyond --max-points"),
        ];
        let parts: Vec<String> = parts
            .iter()
            .filter(|(number, _)| *number > 0)
            .map(|(number, what)| format!("{number} {what}"))
            .collect();
        note!("  {hook}: {}", parts.join(", "));
    }
    if unresolved > 0 {
        note!("  {unresolved} by subjects without a description");
    }
    let any = |of: fn(&Missed) -> u64| missed.iter().any(|(_, missed)| of(missed) > 0);
    if any(|missed| missed.lost) || unresolved > 0 {
        let larger = (args.ring_bytes() / 1024).saturating_mul(8).min(1 << 20);
        note!("  learn again with --ring-size {larger}K to lose none");
    }
    if any(|missed| missed.full) {
        note!(
            "  learn again with --max-points {} to have room for all",
            args.max_points.saturating_mul(4)
        );
    }
    if any(|missed| missed.unrepresentable) {
        note!(
            "  no map can contain an operation without canonical form, so enforcing will refuse it"
        );
    }
    note!(
        "  the map now has a line `incomplete:`; to enforce it, remove the line or give --allow-incomplete"
    );
}
