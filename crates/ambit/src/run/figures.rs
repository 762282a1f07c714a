// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Adds the figures of a learning run to the statistics beside its map.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

use ambit_abi::Fp;
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
pub(super) fn add(plan: &Plan, stats: &Stats, figures: &Figures<'_>) {
    // A map that was written to a pipe or a terminal has no statistics.
    if !std::fs::metadata(&plan.path).is_ok_and(|found| found.is_file()) {
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
    let written = before(plan).and_then(|before| {
        let all = match before {
            None => one,
            Some(before) => before.merge(&one)?,
        };
        Ok(figures::write(&plan.path, &all)?)
    });
    if let Err(error) = written {
        note!(
            "cannot add this run to {}: {error:#}; the map itself is written; move that file away to start new statistics",
            shown(figures::path(&plan.path))
        );
    }
}

/// Returns the statistics of earlier runs; none for a new map.
fn before(plan: &Plan) -> anyhow::Result<Option<Statistics>> {
    if plan.existed {
        figures::read(&plan.path).map_err(crate::exit::Failure::into_error)
    } else {
        Ok(None)
    }
}
