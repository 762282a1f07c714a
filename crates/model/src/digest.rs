// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Figures of a map: its digest, and those of its points.

use std::collections::BTreeSet;

use ambit_event::Subject;
use sha2::{Digest, Sha256};

use crate::{Map, Rule};

/// A SHA-256.
pub type Figure = [u8; 32];

/// A point's coefficient: SHA-256 over the subject's and the rule's text.
pub fn coefficient(subject: &Subject, rule: &str) -> Figure {
    let mut hasher = Sha256::new();
    let subject = subject.to_string();
    // The length tells where the subject ends: both texts come from a workload.
    hasher.update(
        u64::try_from(subject.len())
            .unwrap_or(u64::MAX)
            .to_le_bytes(),
    );
    hasher.update(subject);
    hasher.update(rule);
    hasher.finalize().into()
}

/// The measurement after a further point: SHA-256 over the one before and the point's coefficient. It begins as zeros.
pub fn extend(measurement: &Figure, coefficient: &Figure) -> Figure {
    let mut hasher = Sha256::new();
    hasher.update(measurement);
    hasher.update(coefficient);
    hasher.finalize().into()
}

/// The state of a set of points: the extension over their coefficients in the order of their bytes.
pub fn state(coefficients: &BTreeSet<Figure>) -> Figure {
    coefficients
        .iter()
        .fold([0; 32], |state, coefficient| extend(&state, coefficient))
}

impl Map {
    /// SHA-256 over the canonical print without comments, ids and the domain's name.
    pub fn digest(&self) -> Figure {
        Sha256::digest(self.print_nameless()).into()
    }

    /// The state of the map's lines, whatever their order.
    pub fn state(&self) -> Figure {
        let launcher = Subject::LAUNCHER;
        let started = self
            .launcher_rules()
            .map(|rule| coefficient(&launcher, &rule.to_string()));
        let allowed = self.subjects.iter().flat_map(|(subject, entry)| {
            entry
                .allow
                .iter()
                .map(move |rule: &Rule| coefficient(subject, &rule.to_string()))
        });
        state(&started.chain(allowed).collect())
    }
}
