// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Exposure: a number from 0.0 to 10.0 for comparison.
//!
//! Each kind of finding counts once, with the weight of its most severe finding. The exposure is
//! `10 * (1 - (1 - w1) * (1 - w2) * …)`. A further line adds findings or makes them more severe, so it never lowers the
//! exposure. Integers keep the result equal on all machines.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};

use super::kind::{FindingKind, Severity};

/// The highest severity of each kind.
pub(super) type Worst = BTreeMap<FindingKind, Severity>;

/// An exposure in tenths: 0 to 100.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Exposure(u32);

const MILLION: u64 = 1_000_000;

/// Returns the weight of a severity in thousandths.
const fn weight(severity: Severity) -> u64 {
    match severity {
        Severity::Low => 30,
        Severity::Medium => 150,
        Severity::High => 400,
        Severity::Critical => 700,
    }
}

impl Exposure {
    pub(super) fn of(worst: &Worst) -> Self {
        let rest = worst.values().fold(MILLION, |rest, severity| {
            rest * (1000 - weight(*severity)) / 1000
        });
        let tenths = (MILLION - rest + 5_000) / 10_000;
        Self(u32::try_from(tenths).unwrap_or(100))
    }

    /// Returns the exposure in tenths.
    pub const fn tenths(self) -> u32 {
        self.0
    }

    /// Returns the severity of a single finding with about this exposure; `None` if the exposure is zero.
    pub const fn level(self) -> Option<Severity> {
        match self.0 {
            0 => None,
            1..15 => Some(Severity::Low),
            15..40 => Some(Severity::Medium),
            40..70 => Some(Severity::High),
            _ => Some(Severity::Critical),
        }
    }
}

impl std::fmt::Display for Exposure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.0 / 10, self.0 % 10)
    }
}

impl Serialize for Exposure {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(f64::from(self.0) / 10.0)
    }
}

/// Raises the severity of each kind to the other set's, if that is higher.
pub(super) fn raise(worst: &mut Worst, other: &Worst) {
    for (kind, severity) in other {
        let known = worst.entry(*kind).or_insert(*severity);
        *known = (*known).max(*severity);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_finding_has_the_level_of_its_severity() {
        assert_eq!(Exposure::of(&Worst::new()).to_string(), "0.0");
        for (severity, exposure) in Severity::ALL.into_iter().zip(["0.3", "1.5", "4.0", "7.0"]) {
            let one = Exposure::of(&Worst::from([(FindingKind::Kernel, severity)]));
            assert_eq!(one.to_string(), exposure);
            assert_eq!(one.level(), Some(severity));
        }
    }

    #[test]
    fn kinds_of_findings_add_up_to_ten_at_most() {
        let all = FindingKind::ALL
            .iter()
            .map(|kind| (*kind, Severity::Critical));
        assert_eq!(Exposure::of(&all.collect()).to_string(), "10.0");
    }
}
