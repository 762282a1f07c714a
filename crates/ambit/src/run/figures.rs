// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Adds the figures of a learning run to the statistics beside its map.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

use ambit_abi::Fp;
use ambit_files::Target;
use ambit_model::{Learner, Map, Run, RunId, Statistics};
use ambit_session::Stats;

use super::Plan;
use crate::map::figures;
use crate::out::{note, shown};

/// The figures of a learning run.
pub(super) struct Figures<'a> {
    /// The map as it was before.
    pub(super) before: &'a Map,
    pub(super) learner: &'a Learner,
    /// How often each point occurred.
    pub(super) hits: &'a HashMap<Fp, u32>,
    pub(super) began: &'a str,
    /// Number of operations that it missed.
    pub(super) missed: u64,
}

/// Adds a run to the map's statistics. A failure is printed and not returned: the map itself is already written.
pub(super) fn add(plan: &Plan, target: &Target, stats: &Stats, figures: &Figures<'_>) {
    // A map that was written to a pipe or a terminal has no statistics.
    if target.is_stream() {
        return;
    }
    let seen = figures.learner.observations(figures.hits);
    let run = Run {
        began: figures.began.to_owned(),
        operations: stats.taught(),
        lines: 0,
        new: 0,
        missed: figures.missed,
        untrusted: stats.untrusted(),
    };
    // No other run has this id, on this machine or another one: the hash has a random key.
    let id = RunId(RandomState::new().hash_one(figures.began));
    let one = Statistics::of_run(id, run, &seen, figures.before);
    // The figures beside a new map are of a map that was there before.
    let before = plan.existed.then(|| figures::read_beside(target));
    let written = before.unwrap_or(Ok(None)).and_then(|before| {
        let all = match before {
            None => one,
            Some(before) => before.merge(&one)?,
        };
        figures::write(target, &all)
    });
    if let Err(error) = written {
        note!(
            "cannot add this run to {}: {error:#}; the map itself is written; move that file away to start new statistics",
            shown(figures::path(&plan.path))
        );
    }
}
