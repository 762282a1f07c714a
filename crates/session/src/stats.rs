// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The kernel part's counters of a run.

use std::collections::BTreeMap;

use ambit_abi::{DomainState, Hook, SkipReason, Stat};
use ambit_sensor::Domain;
use serde::Serialize;

use crate::Error;

/// The records of a session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Delivery {
    /// Records that were delivered.
    pub delivered: u64,
    /// Delivered records that could not be read, and so were not learned.
    pub unreadable: u64,
}

/// The counters of a run.
#[derive(Debug)]
pub struct Stats {
    hooks: Vec<(Hook, Stat)>,
    state: DomainState,
    delivered: u64,
    unreadable: u64,
}

/// Operations that learning missed, by cause.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Missed {
    /// The record found no room in the ring.
    pub lost: u64,
    /// The object has no canonical form.
    pub unrepresentable: u64,
    /// The domain's set of points was full.
    pub full: u64,
}

impl Missed {
    /// Returns the sum of all causes.
    pub fn sum(self) -> u64 {
        self.lost + self.unrepresentable + self.full
    }
}

impl Stats {
    /// Reads the counters of a domain.
    ///
    /// # Errors
    /// The kernel part cannot be read.
    pub fn read(domain: &Domain, delivery: Delivery) -> Result<Self, Error> {
        Ok(Self {
            hooks: domain.stats()?,
            state: domain.state()?,
            delivered: delivery.delivered,
            unreadable: delivery.unreadable,
        })
    }

    /// Returns the counters of each hook.
    pub fn hooks(&self) -> &[(Hook, Stat)] {
        &self.hooks
    }

    /// Returns the number of records that found no room in the ring, without those that only a recording needs.
    pub fn violations_lost(&self) -> u64 {
        let of = |(_, stat): &(Hook, Stat)| stat.lost.saturating_sub(stat.unrecorded);
        self.hooks.iter().map(of).sum()
    }

    /// Returns how often an operation was outside the map.
    pub fn violations(&self) -> u64 {
        self.hooks.iter().map(|(_, stat)| stat.violations).sum()
    }

    /// Returns the number of operations of trusted tasks, repetitions included.
    pub fn taught(&self) -> u64 {
        self.hooks
            .iter()
            .map(|(_, stat)| stat.matched + stat.learned)
            .sum()
    }

    /// Returns the number of operations of untrusted tasks, which are not learned.
    pub fn untrusted(&self) -> u64 {
        let of = |(_, stat): &(Hook, Stat)| skipped(stat, SkipReason::Untrusted);
        self.hooks.iter().map(of).sum()
    }

    /// Returns what learning missed at each hook, and the number of records that could not be read.
    pub fn missed(&self) -> Vec<(&'static str, Missed)> {
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

    /// Returns the counters as one line of JSON.
    pub fn json(&self, domain: &str, mode: &str) -> String {
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
        // A lost name loses the points that refer to it, so those count, if there are any. What only a recording needs
        // was learned before.
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
