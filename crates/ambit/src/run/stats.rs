// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What the kernel part counted during a run.

use std::collections::BTreeMap;

use ambit_abi::{DomainState, Hook, SkipReason, Stat};
use ambit_sensor::Domain;
use serde::Serialize;

use super::Recorder;
use crate::exit::Failure;

/// The counters of a run.
#[derive(Debug)]
pub(super) struct Stats {
    hooks: Vec<(Hook, Stat)>,
    state: DomainState,
    delivered: u64,
    unreadable: u64,
}

/// What learning has missed, and why.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Missed {
    /// The ring had no room.
    pub(super) lost: u64,
    /// No canonical form.
    pub(super) unrepresentable: u64,
    /// The set had no room.
    pub(super) full: u64,
}

impl Missed {
    pub(super) fn sum(self) -> u64 {
        self.lost + self.unrepresentable + self.full
    }
}

impl Stats {
    pub(super) fn of(domain: &Domain, recorder: &Recorder) -> Result<Self, Failure> {
        Ok(Self {
            hooks: domain.stats()?,
            state: domain.state()?,
            delivered: recorder.delivered,
            unreadable: recorder.unreadable,
        })
    }

    /// The counters of each hook.
    pub(super) fn hooks(&self) -> &[(Hook, Stat)] {
        &self.hooks
    }

    /// Records that the ring had no room for, those for a recording only left out.
    pub(super) fn violations_lost(&self) -> u64 {
        let of = |(_, stat): &(Hook, Stat)| stat.lost.saturating_sub(stat.unrecorded);
        self.hooks.iter().map(of).sum()
    }

    /// What was outside the map, each time counted.
    pub(super) fn violations(&self) -> u64 {
        self.hooks.iter().map(|(_, stat)| stat.violations).sum()
    }

    /// Operations of trusted tasks that learning took in, repetitions included.
    pub(super) fn taught(&self) -> u64 {
        self.hooks
            .iter()
            .map(|(_, stat)| stat.matched + stat.learned)
            .sum()
    }

    /// Operations of untrusted tasks, which learning passed over.
    pub(super) fn untrusted(&self) -> u64 {
        let of = |(_, stat): &(Hook, Stat)| skipped(stat, SkipReason::Untrusted);
        self.hooks.iter().map(of).sum()
    }

    /// What learning has missed at each hook, and what came and could not be read.
    pub(super) fn missed(&self) -> Vec<(&'static str, Missed)> {
        let unreadable = Missed {
            lost: self.unreadable,
            ..Missed::default()
        };
        self.hooks
            .iter()
            .map(|(hook, stat)| (hook.name(), missed(stat)))
            .chain([("records that could not be read", unreadable)])
            .filter(|(_, missed)| missed.sum() > 0)
            .collect()
    }

    /// One line of JSON.
    pub(super) fn json(&self, domain: &str, mode: &str) -> String {
        let view = View {
            domain,
            mode,
            delivered: self.delivered,
            unreadable: self.unreadable,
            points: self.state.points,
            cached: self.state.cached,
            full: self.state.full,
            hooks: self
                .hooks
                .iter()
                .map(|(hook, stat)| HookView::of(*hook, stat))
                .collect(),
        };
        serde_json::to_string(&view).unwrap_or_default() + "\n"
    }
}

fn missed(stat: &Stat) -> Missed {
    let skipped = |reason| skipped(stat, reason);
    Missed {
        // A name that was lost loses the points after it: those count, where there are any.
        // What was for a recording only was learned before.
        lost: skipped(SkipReason::Lost).max(stat.lost.saturating_sub(stat.unrecorded)),
        unrepresentable: skipped(SkipReason::Unrepresentable),
        full: skipped(SkipReason::Full),
    }
}

fn skipped(stat: &Stat, reason: SkipReason) -> u64 {
    let index = usize::from(u8::from(reason));
    stat.skipped.get(index).copied().unwrap_or(0)
}

#[derive(Debug, Serialize)]
struct View<'a> {
    domain: &'a str,
    mode: &'a str,
    delivered: u64,
    unreadable: u64,
    points: u64,
    cached: u64,
    full: u64,
    hooks: Vec<HookView>,
}

#[derive(Debug, Serialize)]
struct HookView {
    hook: &'static str,
    evaluated: u64,
    matched: u64,
    learned: u64,
    violations: u64,
    gated: u64,
    skipped: BTreeMap<&'static str, u64>,
    emitted: u64,
    lost: u64,
    suppressed: u64,
    unrecorded: u64,
}

impl HookView {
    fn of(hook: Hook, stat: &Stat) -> Self {
        Self {
            hook: hook.name(),
            evaluated: stat.evaluated,
            matched: stat.matched,
            learned: stat.learned,
            violations: stat.violations,
            gated: stat.gated,
            skipped: SkipReason::ALL
                .iter()
                .map(|reason| (reason.name(), skipped(stat, *reason)))
                .collect(),
            emitted: stat.emitted,
            lost: stat.lost,
            suppressed: stat.suppressed,
            unrecorded: stat.unrecorded,
        }
    }
}
