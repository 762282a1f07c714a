// SPDX-License-Identifier: Apache-2.0 OR MIT
//! How many tests went how, from the closing lines that cargo's tests and the lab's suites print.

use std::fmt;

/// At most so many failed tests are named; the rest are counted.
const NAMED: usize = 20;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Count {
    pub(super) passed: u64,
    pub(super) failed: u64,
    pub(super) skipped: u64,
    /// Names of failed tests, in the order in which they ended.
    pub(super) names: Vec<String>,
}

impl Count {
    /// Adds what a line tells, if it is one that does:
    /// `test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; …`, or `test NAME ... FAILED`.
    pub(super) fn line(&mut self, line: &str) {
        if let Some(test) = line.strip_prefix("test ")
            && let Some(name) = test.strip_suffix(" ... FAILED")
            && self.names.len() < NAMED
        {
            self.names.push(name.trim_end().to_owned());
        }
        let Some((_, numbers)) = line
            .strip_prefix("test result: ")
            .and_then(|rest| rest.split_once(". "))
        else {
            return;
        };
        for part in numbers.split(';') {
            let mut words = part.split_whitespace();
            let number = words.next().and_then(|word| word.parse().ok()).unwrap_or(0);
            match words.next() {
                Some("passed") => self.passed += number,
                Some("failed") => self.failed += number,
                Some("ignored") => self.skipped += number,
                _ => {}
            }
        }
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            passed,
            failed,
            skipped,
            names: _,
        } = self;
        write!(f, "{passed} passed, {failed} failed, {skipped} skipped")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closing_lines_are_added_up_and_others_are_not() {
        let mut count = Count::default();
        count.line("running 4 tests");
        count.line("test one ... ok");
        count.line("test two      ... FAILED");
        count.line("test result: FAILED. 2 passed; 1 failed; 1 ignored; 0 measured; 7 filtered out; finished in 0.1s");
        count.line("test result: ok. 5 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out");
        assert_eq!(count.to_string(), "7 passed, 1 failed, 1 skipped");
        assert_eq!(count.names, ["two"]);
    }
}
