// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Merging: what either map allows. Commutative, associative and idempotent in what is allowed; ids are chosen so that
//! the order of two maps does not matter.

use std::collections::{BTreeMap, BTreeSet};

use ambit_event::Subject;

use crate::map::{Entry, free_id};
use crate::{Map, OwnResponses, Responses};

/// Two maps can't be merged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MergeError {
    /// They are of different domains.
    #[error("the maps are of different domains, `{0}` and `{1}`")]
    Domain(String, String),
    /// Their subjects are told apart differently.
    #[error("the maps tell subjects apart by chains of {0} and of {1} executables")]
    Chain(u32, u32),
}

impl Map {
    /// What either map allows. Of responses the stricter one holds; digests and credentials that one of them leaves
    /// open stay open.
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
        let mut merged = Self {
            domain: self.domain.clone(),
            chain: self.chain,
            // What the lesser one leaves out it allows.
            coverage: self.coverage.min(other.coverage),
            // The larger one, not the sum: merging a map with itself changes nothing.
            incomplete: self.incomplete.max(other.incomplete),
            // Of a map merged with itself the seal stays; of any other it is broken, and so left out.
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

    /// Where either says what a source's distrust means, the stricter of what it means to both.
    fn stricter_by_source(&self, other: &Self) -> BTreeMap<String, OwnResponses> {
        let names = self.untrusted_by.keys().chain(other.untrusted_by.keys());
        names
            .map(|name| {
                let both = stricter(self.gate(Some(name)), other.gate(Some(name)));
                let said = |map: &Self| map.untrusted_by.get(name).copied().unwrap_or_default();
                let mut own = OwnResponses::default();
                for (slot, ((ours, theirs), response)) in own
                    .iter_mut()
                    .zip(said(self).into_iter().zip(said(other)).zip(both))
                {
                    *slot = ours.or(theirs).map(|_| response);
                }
                (name.clone(), own)
            })
            .collect()
    }

    /// Gives every subject an id of its own; the first subject keeps an id that several have.
    fn separate_ids(&mut self) {
        let mut first: BTreeSet<String> = BTreeSet::new();
        let mut again: Vec<Subject> = Vec::new();
        for (subject, entry) in &self.subjects {
            if !first.insert(entry.id.clone()) {
                again.push(subject.clone());
            }
        }
        for subject in again {
            if let Some(entry) = self.subjects.get_mut(&subject) {
                entry.id = free_id(&entry.id, |id| first.contains(id));
                first.insert(entry.id.clone());
            }
        }
    }
}

impl Entry {
    fn merge(&self, other: &Self) -> Self {
        Self {
            id: self.id.clone().min(other.id.clone()),
            digests: open_or_both(&self.digests, &other.digests),
            script_digests: open_or_both(&self.script_digests, &other.script_digests),
            creds: open_or_both(&self.creds, &other.creds),
            allow: &self.allow | &other.allow,
        }
    }
}

/// An empty set stands for any, and any with some is any.
fn open_or_both<T: Ord + Clone>(ours: &BTreeSet<T>, theirs: &BTreeSet<T>) -> BTreeSet<T> {
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
