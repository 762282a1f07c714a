// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What is left of a run: the map that was learned, or what was outside of it, and what to do next.

use std::collections::{BTreeSet, HashMap};

use ambit_abi::{Fp, Mode};
use ambit_model::{Learner, Map};
use anyhow::{Context, anyhow};

use super::command::complain;
use super::figures::{self, Figures};
use super::session::How;
use super::stats::Missed;
use super::watch::Seen;
use super::{Args, Ended, Plan, Recorder, Stats};
use crate::exit::{Exit, Failure, OrExit, Outcome};
use crate::map::{MAP_MODE, hint, read_if_there};
use crate::out::{count, note, shown};

/// What there is when the session has ended.
pub(super) struct Rest {
    pub(super) recorder: Recorder,
    pub(super) ended: Ended,
    pub(super) stats: Stats,
    /// Learning: how often each point was met.
    pub(super) hits: HashMap<Fp, u32>,
    /// UTC.
    pub(super) began: String,
}

pub(super) fn finish(args: &Args, plan: &Plan, rest: Rest) -> Result<Outcome, Failure> {
    let Rest {
        recorder,
        ended,
        stats,
        hits,
        began,
    } = rest;
    let stats = &stats;
    if let Some(path) = &args.stats {
        let json = stats.json(&plan.domain, plan.mode.name());
        ambit_journal::replace(path, json.as_bytes(), 0o644)
            .with_context(|| format!("cannot write the counters to {}", shown(path)))
            .or_exit(Exit::Trouble)?;
    }
    let (learner, watch, tape) = recorder.into_parts();
    if let Some(tape) = tape {
        tape.end(stats, ended.stragglers, args.quiet);
    }
    if let Some(mut watch) = watch {
        let seen = watch.end(stats.violations_lost(), ended.stragglers > 0);
        if !args.quiet && !args.json {
            tell(plan, seen, stats);
        }
    }
    let outcome = match ended.how {
        How::With(exit) => Outcome::As(exit),
        How::NotStarted(error) => return Err(not_started(plan, &error)),
    };
    if let Some(learner) = learner {
        let (before, missed) = learned(args, plan, &learner, stats)?;
        let figures = Figures {
            before: &before,
            learner: &learner,
            hits: &hits,
            began: &began,
            missed,
        };
        figures::add(plan, stats, &figures);
        if let Some(hint) = hint(&plan.path).filter(|_| !args.quiet) {
            note!("{hint}");
        }
    }
    if args.fail_on_violation && stats.violations() > 0 {
        return Ok(Outcome::Exit(Exit::Outside));
    }
    Ok(outcome)
}

fn not_started(plan: &Plan, error: &std::io::Error) -> Failure {
    let name = plan
        .command
        .argv
        .first()
        .map_or_else(Default::default, Clone::clone);
    let errno = rustix::io::Errno::from_io_error(error).unwrap_or(rustix::io::Errno::IO);
    if plan.mode == Mode::Enforce && errno == rustix::io::Errno::PERM {
        return Failure::new(
            Exit::NotExecutable,
            anyhow!(
                "{} does not let `ambit run` start {}; `ambit explain` says what is missing",
                shown(&plan.path),
                shown(&plan.command.program)
            ),
        );
    }
    complain(&name, errno)
}

/// What was outside the map.
fn tell(plan: &Plan, seen: Seen, stats: &Stats) {
    let map = shown(&plan.path);
    if seen.distinct == 0 && stats.violations() == 0 {
        note!("nothing was outside {map}");
    } else {
        let what = count(seen.distinct, "operation");
        let times = stats.violations();
        let times = if times > seen.distinct {
            format!(" ({times} times in all)")
        } else {
            String::new()
        };
        let refused = match plan.mode {
            Mode::Enforce if seen.refused == seen.distinct => ", refused".to_owned(),
            Mode::Enforce => format!(", {} refused", seen.refused),
            _ => ", let pass".to_owned(),
        };
        note!("{what} outside {map}{times}{refused}; `ambit explain` says why and what to do");
    }
    if seen.dropped > 0 {
        note!(
            "{} of them were not recorded: there were too many",
            seen.dropped
        );
    }
    if stats.violations_lost() > 0 {
        note!(
            "{} could not be recorded; a larger --ring-size keeps them",
            count(stats.violations_lost(), "event")
        );
    }
}

/// Writes the map. Answers what it was before, and how much was missed.
fn learned(
    args: &Args,
    plan: &Plan,
    learner: &Learner,
    stats: &Stats,
) -> Result<(Map, u64), Failure> {
    // Another run may have learned into the same file in the meantime.
    let (before, text) = match read_if_there(&plan.path) {
        Ok(Some((map, text))) if map.domain == plan.map.domain && map.chain == plan.map.chain => {
            (map, text)
        }
        Ok(None) => (plan.map.clone(), String::new()),
        _ => {
            return Err(Failure::new(
                Exit::Trouble,
                anyhow!(
                    "{} was changed to another domain's map, or broken, while this run learned; nothing was written",
                    shown(&plan.path)
                ),
            ));
        }
    };
    let result = learner.finish(&before);
    let mut map = result.map;
    let missed = stats.missed();
    let missing = missed
        .iter()
        .map(|(_, missed)| missed.sum())
        .sum::<u64>()
        .saturating_add(result.unresolved);
    if missing > 0 {
        map.incomplete = Some(missing.max(map.incomplete.unwrap_or(0)));
    }
    ambit_journal::replace(&plan.path, map.print_keeping(&text).as_bytes(), MAP_MODE)
        .with_context(|| format!("cannot write the map {}", shown(&plan.path)))
        .or_exit(Exit::Trouble)?;
    if !args.quiet {
        summarise(plan, &before, &map, result.counts.points);
    }
    if missing > 0 {
        warn(args, plan, &missed, result.unresolved, missing);
    }
    Ok((before, missing))
}

fn summarise(plan: &Plan, before: &Map, after: &Map, points: u64) {
    let lines = |map: &Map| -> BTreeSet<String> {
        let rules = map.subjects.iter().flat_map(|(subject, entry)| {
            entry
                .allow
                .iter()
                .map(move |rule| format!("{subject}\n{rule}"))
        });
        rules.collect()
    };
    let new = lines(after).difference(&lines(before)).count();
    note!(
        "saw {}; {} {} {} for {}{}",
        count(points, "point"),
        shown(&plan.path),
        if plan.existed { "now has" } else { "has" },
        count(after.rules(), "rule"),
        count(after.subjects.len(), "subject"),
        if plan.existed {
            format!(", {new} of them new")
        } else {
            String::new()
        }
    );
}

/// Says what learning has missed, and how to miss less.
fn warn(args: &Args, plan: &Plan, missed: &[(&str, Missed)], unresolved: u64, missing: u64) {
    note!(
        "warning: {} is incomplete: {missing} of what the command did was not learned",
        shown(&plan.path)
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
        note!("  {unresolved} of subjects that were never described");
    }
    let any = |of: fn(&Missed) -> u64| missed.iter().any(|(_, missed)| of(missed) > 0);
    if any(|missed| missed.lost) || unresolved > 0 {
        let larger = (args.ring_bytes() / 1024).saturating_mul(8).min(1 << 20);
        note!("  to lose nothing, learn again with --ring-size {larger}K");
    }
    if any(|missed| missed.full) {
        note!(
            "  to have room for more, learn again with --max-points {}",
            args.max_points.saturating_mul(4)
        );
    }
    if any(|missed| missed.unrepresentable) {
        note!("  what has no canonical form can't be in any map: enforcing will refuse it");
    }
    note!(
        "  a line `incomplete:` in the map says so; enforcing it takes --allow-incomplete, or the line's removal"
    );
}
