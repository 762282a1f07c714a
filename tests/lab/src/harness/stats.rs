// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The counters that `--stats FILE` writes.

use std::fs;

use serde_json::Value;

pub(crate) struct Stats {
    value: Value,
}

const SKIPS: [&str; 8] = [
    "kernel",
    "benign",
    "deferred",
    "launch",
    "untrusted",
    "lost",
    "unrepresentable",
    "full",
];

impl Stats {
    pub(crate) fn read(path: &str) -> Self {
        let text = fs::read(path)
            .unwrap_or_else(|error| panic!("cannot read the counters {path}: {error}"));
        Self {
            value: serde_json::from_slice(&text)
                .unwrap_or_else(|error| panic!("counters are not JSON: {error}")),
        }
    }

    fn hooks(&self) -> &[Value] {
        self.value["hooks"]
            .as_array()
            .unwrap_or_else(|| panic!("counters without hooks:\n{:#}", self.value))
    }

    /// A counter of a hook; `skipped.lost` is one as well.
    pub(crate) fn of(&self, hook: &str, counter: &str) -> u64 {
        let hook = self.hooks().iter().find(|value| value["hook"] == hook);
        hook.map_or(0, |hook| self.counter(hook, counter))
    }

    /// A counter over all hooks.
    pub(crate) fn sum(&self, counter: &str) -> u64 {
        self.hooks()
            .iter()
            .map(|hook| self.counter(hook, counter))
            .sum()
    }

    pub(crate) fn delivered(&self) -> u64 {
        self.value["delivered"]
            .as_u64()
            .unwrap_or_else(|| panic!("no count of what was delivered:\n{:#}", self.value))
    }

    fn counter(&self, hook: &Value, counter: &str) -> u64 {
        counter
            .split('.')
            .fold(hook, |value, key| &value[key])
            .as_u64()
            .unwrap_or_else(|| panic!("no counter {counter}:\n{hook:#}\n{:#}", self.value))
    }

    /// evaluated = matched + learned + violations + skipped, for each hook; emitted = delivered + lost.
    pub(crate) fn must_add_up(&self) {
        assert!(
            self.sum("evaluated") > 0,
            "nothing was evaluated:\n{:#}",
            self.value
        );
        for hook in self.hooks() {
            let decided: u64 = ["matched", "learned", "violations"]
                .iter()
                .map(|&name| self.counter(hook, name))
                .sum();
            let skipped: u64 = SKIPS
                .iter()
                .map(|name| self.counter(hook, &format!("skipped.{name}")))
                .sum();
            assert_eq!(
                self.counter(hook, "evaluated"),
                decided + skipped,
                "evaluated does not add up:\n{hook:#}"
            );
        }
        let (emitted, lost) = (self.sum("emitted"), self.sum("lost"));
        assert_eq!(
            emitted,
            self.delivered() + lost,
            "emitted does not add up:\n{:#}",
            self.value
        );
    }
}
