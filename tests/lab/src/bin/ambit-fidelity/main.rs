// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Trains, holds out and attacks one workload of `tests/fidelity` in the lab, and prints the results as JSON:
//! `ambit-fidelity FOLDER WORKLOAD [ATTACK]...`. `cargo xtask fidelity` makes a table of it. With `--without HEURISTIC` it learns
//! without a heuristic, and does not attack. With `--costs` it compares what a day costs alone, learned and enforced. With
//! `--noise RULES` it runs the workload without a map, and prints how often each of the rules applied; `cargo xtask noise` makes a table of that.
//!
//! Days of the workload (its scripts) run under `ambit run`; violations are read from its output.

// In a test tool, every unexpected result should panic at once.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod attack;
mod costs;
mod curve;
mod day;
mod group;
mod idle;
mod noise;
mod review;

use std::path::Path;
use std::process::ExitCode;

use serde_json::json;

use curve::Curve;
use day::{Days, Mode};
use idle::IdleDomain;

/// The bars: at most so many training days, then so many that must pass.
const TRAINING: u32 = 5;
const HELD_OUT: u32 = 10;
/// Seeds of held-out days start here, far from the seeds of training days.
const HELD_OUT_FROM: u32 = 1000;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let done = match arguments.as_slice() {
        [noise, rules, folder, workload] if noise == "--noise" => {
            Days::prepare(Path::new(folder), workload, None)
                .and_then(|days| noise::report(&days, rules))
        }
        [costs, folder, workload] if costs == "--costs" => IdleDomain::begin()
            .and_then(|held| Days::prepare(Path::new(folder), workload, Some(held)))
            .and_then(|days| costs::report(&days)),
        [without, heuristic, folder, workload] if without == "--without" => IdleDomain::begin()
            .and_then(|held| Days::prepare(Path::new(folder), workload, Some(held)))
            .map(|days| days.without(heuristic))
            .and_then(|days| report(&days, &[])),
        [folder, workload, attacks @ ..] => IdleDomain::begin()
            .and_then(|held| Days::prepare(Path::new(folder), workload, Some(held)))
            .and_then(|days| report(&days, attacks)),
        _ => {
            eprintln!(
                "usage: ambit-fidelity FOLDER WORKLOAD [ATTACK]...\n       ambit-fidelity --without HEURISTIC FOLDER WORKLOAD\n       ambit-fidelity --costs FOLDER WORKLOAD\n       ambit-fidelity --noise RULES FOLDER WORKLOAD"
            );
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(report) => {
            println!("{report}");
            ExitCode::SUCCESS
        }
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

fn report(days: &Days, only: &[String]) -> Result<serde_json::Value, String> {
    let mut lines: Vec<Vec<String>> = Vec::new();
    let mut points = 0;
    let mut curve = Curve::default();
    for seed in 1..=TRAINING {
        let day = days.run(Mode::Learn, seed, None)?;
        day.must_succeed()?;
        points += day.learned;
        let now = Days::map_lines()?;
        eprintln!("training {seed}: {} lines", now.len());
        if let Some(before) = lines.last() {
            new_lines(before, &now);
        }
        lines.push(now);
        curve.keep(seed, days.left_out())?;
    }
    // The last day that added a rule.
    let stable = (1..lines.len())
        .rev()
        .find(|&at| lines[at] != lines[at - 1])
        .map_or(1, |at| at + 1);
    let review = days.review()?;
    let map = Days::map_lines()?;
    eprintln!(
        "reviewed: {} lines, {} proposals applied, {:?} accepted",
        map.len(),
        review.applied,
        review.accepted
    );
    let files = json!({
        "learned.map": days.file("learned")?,
        "reviewed.map": days.file("map")?,
        "proposals.json": serde_json::to_string_pretty(&review.proposals).unwrap_or_default(),
    });
    // A line of its own, in case the time is up before the last one.
    println!("{}", json!({ "workload": days.workload(), "files": files }));
    let mut held_out = Vec::new();
    if only.is_empty() {
        for seed in HELD_OUT_FROM..HELD_OUT_FROM + HELD_OUT {
            let day = days.run(Mode::Enforce, seed, None)?;
            eprintln!("held out {seed}: {}", day.summary());
            curve.replay(day::RECORDING)?;
            held_out.push(day);
        }
    }
    let mut attacks = Vec::new();
    let mut left_behind = Vec::new();
    let chosen = if days.left_out().is_none() {
        days.attacks(only)?
    } else {
        Vec::new()
    };
    for attack in chosen {
        let result = attack::run(days, &attack, &left_behind)?;
        eprintln!("attack {}", result.line());
        attacks.push(result.json());
        left_behind = attack::left_behind(days)?;
    }
    let refusals: Vec<_> = held_out.iter().flat_map(day::Day::distinct).collect();
    Ok(json!({
        "workload": days.workload(),
        "about": days.about(),
        "training": lines.len(),
        "stable": stable,
        "new": lines.iter().scan(0, |before, now| {
            let new = now.len().saturating_sub(*before);
            *before = now.len();
            Some(new)
        }).collect::<Vec<_>>(),
        "points": points,
        "lines": map.len(),
        "curve": curve.json(),
        "patterns": review.applied,
        "accepted": review.accepted,
        "held_out": held_out.len(),
        "held_out_failed": held_out.iter().filter(|day| day.status != Some(0)).count(),
        "false_refusals": refusals.len(),
        "refused": refusals,
        "failures": held_out.iter().filter(|day| day.status != Some(0)).map(day::Day::reason).collect::<Vec<_>>(),
        "files": files,
        "attacks": attacks,
    }))
}

/// Prints the rules that a day added.
fn new_lines(before: &[String], now: &[String]) {
    const SHOWN: usize = 12;
    let known: std::collections::BTreeSet<_> = before.iter().collect();
    let new = now.iter().filter(|line| !known.contains(line));
    new.take(SHOWN)
        .for_each(|line| eprintln!("    new {}", line.trim()));
}
