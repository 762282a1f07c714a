// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Adds the figures of a learning run to the statistics beside its map.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

use ambit_abi::Fp;
use ambit_files::Target;
use ambit_model::{Learner, Map, Run, RunId, Statistics};
use ambit_session::{Missed, Stats};

use super::Plan;
use crate::map::figures;
use crate::out::{note, shown};

/// Numbers of operations that learning missed.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Missing {
    /// Lost, beyond the capacity of the set, or of unknown subjects.
    pub(super) unknown: u64,
    /// On objects without a canonical form.
    pub(super) unrepresentable: u64,
}

impl Missing {
    pub(super) fn new(missed: &[(&str, Missed)], unresolved: u64) -> Self {
        let mut out = Self {
            unknown: unresolved,
            unrepresentable: 0,
        };
        for (_, missed) in missed {
            out.unrepresentable = out.unrepresentable.saturating_add(missed.unrepresentable);
            out.unknown = out
                .unknown
                .saturating_add(missed.lost)
                .saturating_add(missed.full);
        }
        out
    }

    pub(super) const fn sum(self) -> u64 {
        self.unknown.saturating_add(self.unrepresentable)
    }
}

/// The figures of a learning run.
pub(super) struct Figures<'a> {
    /// The map as it was before.
    pub(super) before: &'a Map,
    pub(super) learner: &'a Learner,
    /// How often each point occurred.
    pub(super) hits: &'a HashMap<Fp, u32>,
    pub(super) began: &'a str,
    pub(super) missed: Missing,
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
        missed: figures.missed.unknown,
        unrepresentable: figures.missed.unrepresentable,
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
