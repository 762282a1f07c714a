// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Merges two maps into one that allows every operation that either of them allows. Merging is commutative, associative
//! and idempotent with respect to the allowed operations, and the ids do not depend on the order of two maps.

use std::collections::{BTreeMap, BTreeSet};

use ambit_event::Subject;

use crate::map::{Entry, Ids, Version};
use crate::{Map, OwnResponses, Responses, Rule};

/// Two maps cannot be merged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MergeError {
    /// The maps have different domain names.
    #[error("the maps have different domains (`{0}` and `{1}`) and cannot be merged")]
    Domain(String, String),
    /// The maps have different values of `chain`, so their subjects differ.
    #[error("the maps have different `chain` values ({0} and {1}) and cannot be merged")]
    Chain(u32, u32),
}

impl Map {
    /// Returns a map that allows everything that either map allows. Of two responses the stricter one is used. If one
    /// map permits any digest or any credentials, the result does, too.
    pub fn merge(&self, other: &Self) -> Result<Self, MergeError> {
        if self.domain != other.domain {
            return Err(MergeError::Domain(
                self.domain.clone(),
                other.domain.clone(),
            ));
        }
        if self.chain != other.chain {
            return Err(MergeError::Chain(self.chain, other.chain));
        }
        let version = self.version.min(other.version);
        let mut merged = Self {
            // Version 1 says exactly what either map allows.
            version,
            groups: match version {
                Version::One => BTreeMap::new(),
                Version::Two => self.groups_with(other),
            },
            domain: self.domain.clone(),
            chain: self.chain,
            // A map with less coverage allows the operations that it does not decide.
            coverage: self.coverage.min(other.coverage),
            // The maximum instead of the sum: merging a map with itself changes nothing.
            incomplete: self.incomplete.max(other.incomplete),
            // Merging with an identical map keeps the seal. Any other merge breaks the seal, so it is removed.
            sealed: self.sealed.filter(|_| self.sealed == other.sealed),
            outside: stricter(self.outside, other.outside),
            untrusted: stricter(self.untrusted, other.untrusted),
            untrusted_by: self.stricter_by_source(other),
            start: &self.start | &other.start,
            subjects: BTreeMap::new(),
        };
        for subject in self.subjects.keys().chain(other.subjects.keys()) {
            if merged.subjects.contains_key(subject) {
                continue;
            }
            let entry = match (self.subjects.get(subject), other.subjects.get(subject)) {
                (Some(ours), Some(theirs)) => ours.merge(theirs),
                (Some(only), None) | (None, Some(only)) => only.clone(),
                (None, None) => continue,
            };
            merged.subjects.insert(subject.clone(), entry);
        }
        merged.separate_ids();
        merged.normalise();
        Ok(merged)
    }

    /// Returns the groups of both maps. Of two groups with one name, the smaller set of rules is kept.
    fn groups_with(&self, other: &Self) -> BTreeMap<String, BTreeSet<Rule>> {
        let mut groups = self.groups.clone();
        for (name, theirs) in &other.groups {
            let ours = groups.entry(name.clone()).or_insert_with(|| theirs.clone());
            if (theirs.len(), theirs) < (ours.len(), ours) {
                ours.clone_from(theirs);
            }
        }
        groups
    }

    /// Returns the responses by source: for each family that either map sets, the stricter of both maps' responses.
    fn stricter_by_source(&self, other: &Self) -> BTreeMap<String, OwnResponses> {
        let names = self.untrusted_by.keys().chain(other.untrusted_by.keys());
        names
            .map(|name| {
                let both = stricter(self.gate(Some(name)), other.gate(Some(name)));
                let set_by = |map: &Self| map.untrusted_by.get(name).copied().unwrap_or_default();
                let mut own = OwnResponses::default();
                for (slot, ((ours, theirs), response)) in own
                    .iter_mut()
                    .zip(set_by(self).into_iter().zip(set_by(other)).zip(both))
                {
                    *slot = ours.or(theirs).map(|_| response);
                }
                (name.clone(), own)
            })
            .collect()
    }

    /// Makes ids unique. Of several subjects with the same id, the first keeps it.
    fn separate_ids(&mut self) {
        let mut first = Ids::default();
        let mut again: Vec<Subject> = Vec::new();
        for (subject, entry) in &self.subjects {
            if !first.insert(&entry.id) {
                again.push(subject.clone());
            }
        }
        for subject in again {
            if let Some(entry) = self.subjects.get_mut(&subject) {
                entry.id = first.free(&entry.id);
            }
        }
    }
}

impl Entry {
    pub(crate) fn merge(&self, other: &Self) -> Self {
        Self {
            id: self.id.clone().min(other.id.clone()),
            digests: union_or_any(&self.digests, &other.digests),
            script_digests: union_or_any(&self.script_digests, &other.script_digests),
            creds: union_or_any(&self.creds, &other.creds),
            allow: &self.allow | &other.allow,
        }
    }
}

/// Returns the union. An empty set stands for any value, so the union with it is empty.
fn union_or_any<T: Ord + Clone>(ours: &BTreeSet<T>, theirs: &BTreeSet<T>) -> BTreeSet<T> {
    if ours.is_empty() || theirs.is_empty() {
        BTreeSet::new()
    } else {
        ours | theirs
    }
}

fn stricter(ours: Responses, theirs: Responses) -> Responses {
    let mut out = ours;
    for (slot, other) in out.iter_mut().zip(theirs) {
        *slot = (*slot).max(other);
    }
    out
}
