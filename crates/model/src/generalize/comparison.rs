// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Compares maps and runs by their lines.

use std::collections::BTreeSet;

use ambit_event::Subject;

use super::Options;
use crate::{Map, Rule};

/// Tells which lines vary between maps and runs.
pub(super) struct Comparison<'a> {
    /// Rules that all maps have.
    steady: BTreeSet<Rule>,
    pub(super) several: bool,
    pub(super) options: &'a Options,
    runs: usize,
}

impl<'a> Comparison<'a> {
    pub(super) fn new(maps: &[Map], options: &'a Options) -> Self {
        let runs = options
            .statistics
            .as_ref()
            .map_or(0, |statistics| statistics.runs().len());
        Self {
            steady: steady(maps),
            several: maps.len() > 1 || runs > 1,
            options,
            runs,
        }
    }

    /// True if the line is missing in one of the maps or runs.
    pub(super) fn differs(&self, subject: &Subject, rule: &Rule) -> bool {
        let seen = self.options.statistics.as_ref().map_or(0, |statistics| {
            statistics.seen_by(subject, &rule.to_string()).count()
        });
        !self.steady.contains(rule) || seen > 0 && seen < self.runs
    }

    /// True if maps or runs were compared and all have all of these lines: nothing varies.
    pub(super) fn is_steady<'l>(
        &self,
        mut lines: impl Iterator<Item = (&'l Subject, &'l Rule)>,
    ) -> bool {
        self.several && !lines.any(|(subject, rule)| self.differs(subject, rule))
    }
}

/// Returns the rules that all maps have.
fn steady(maps: &[Map]) -> BTreeSet<Rule> {
    let mut rules = maps.iter().map(|map| -> BTreeSet<Rule> {
        let all = map.subjects.values().flat_map(|entry| &entry.allow);
        all.cloned().collect()
    });
    let first = rules.next().unwrap_or_default();
    rules.fold(first, |common, rules| &common & &rules)
}
