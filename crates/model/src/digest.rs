// SPDX-License-Identifier: Apache-2.0 OR MIT
//! SHA-256 digests of a map and of its points.

use std::collections::BTreeSet;

use ambit_event::Subject;
use sha2::{Digest, Sha256};

use crate::{Map, Rule};

/// A SHA-256 digest.
pub type Sha256Hash = [u8; 32];

/// Returns a point's coefficient: SHA-256 over the texts of its subject and its rule.
pub fn coefficient(subject: &Subject, rule: &str) -> Sha256Hash {
    let mut hasher = Sha256::new();
    let subject = subject.to_string();
    // Both texts come from the workload; the length marks the end of the subject.
    hasher.update(
        u64::try_from(subject.len())
            .unwrap_or(u64::MAX)
            .to_le_bytes(),
    );
    hasher.update(subject);
    hasher.update(rule);
    hasher.finalize().into()
}

/// Returns the measurement after one more point: SHA-256 over the previous measurement and the point's coefficient. The
/// first measurement consists of zeros.
pub fn extend(measurement: &Sha256Hash, coefficient: &Sha256Hash) -> Sha256Hash {
    let mut hasher = Sha256::new();
    hasher.update(measurement);
    hasher.update(coefficient);
    hasher.finalize().into()
}

/// Returns the state of a set of points: [`extend`] folded over their coefficients, sorted by their bytes.
pub fn state(coefficients: &BTreeSet<Sha256Hash>) -> Sha256Hash {
    coefficients
        .iter()
        .fold([0; 32], |state, coefficient| extend(&state, coefficient))
}

impl Map {
    /// Returns SHA-256 over the canonical text without comments, ids, the domain's name, `incomplete` and `sealed`.
    pub fn digest(&self) -> Sha256Hash {
        Sha256::digest(self.print_for_digest()).into()
    }

    /// Returns the state of the map's lines; their order does not matter.
    pub fn state(&self) -> Sha256Hash {
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
