// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Evaluates rules on their examples.

use crate::interpret::Prepared;
use crate::rule::Rule;

/// The result of an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExampleResult {
    /// The rule, by its index.
    pub rule: usize,
    /// The example, by its index in the rule.
    pub example: usize,
    /// True if the rule should match.
    pub expected: bool,
    /// True if it matches.
    pub applies: bool,
}

impl ExampleResult {
    /// True if the result is as expected.
    pub const fn passed(&self) -> bool {
        self.expected == self.applies
    }
}

/// Evaluates each rule on its own examples.
pub fn run_examples(rules: &[Rule]) -> Vec<ExampleResult> {
    let prepared = Prepared::new(rules);
    let mut results = Vec::new();
    for (index, rule) in rules.iter().enumerate() {
        for (number, example) in rule.examples.iter().enumerate() {
            results.push(ExampleResult {
                rule: index,
                example: number,
                expected: example.applies,
                applies: prepared.applies(rule, &example.facts),
            });
        }
    }
    results
}
