// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The heuristics of learning and generalising by name, so that each can be left out to see which workloads need it.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use crate::generalize::kind::Kind;

/// A step of learning, or a kind of proposal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Heuristic {
    /// Generated parts of single names: makers, process numbers, hashes.
    Names,
    /// Names of earlier runs as evidence for a name.
    AcrossRuns,
    /// Names that a pattern of their directory covers.
    Siblings,
    /// UUIDs that two names share.
    Uuids,
    /// Names that are generated as a whole in another directory.
    SharedNames,
    /// Names that contain another file's final name.
    Around,
    /// Dates that are different in each run.
    Dates,
    /// Files that are used under the pattern under which they are made.
    Follow,
    /// Removals of files that the same executable creates.
    Removals,
    /// Proposals of a kind.
    Propose(Kind),
}

impl Heuristic {
    const LEARNING: [Self; 9] = [
        Self::Names,
        Self::AcrossRuns,
        Self::Siblings,
        Self::Uuids,
        Self::SharedNames,
        Self::Around,
        Self::Dates,
        Self::Follow,
        Self::Removals,
    ];

    /// Returns all heuristics: the steps of learning, then the kinds of proposals.
    pub fn all() -> impl Iterator<Item = Self> {
        Self::LEARNING
            .into_iter()
            .chain(Kind::ALL.into_iter().map(Self::Propose))
    }
}

impl fmt::Display for Heuristic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Names => f.write_str("names"),
            Self::AcrossRuns => f.write_str("across-runs"),
            Self::Siblings => f.write_str("siblings"),
            Self::Uuids => f.write_str("uuids"),
            Self::SharedNames => f.write_str("shared-names"),
            Self::Around => f.write_str("around"),
            Self::Dates => f.write_str("dates"),
            Self::Follow => f.write_str("follow"),
            Self::Removals => f.write_str("removals"),
            Self::Propose(kind) => write!(f, "propose-{}", kind.name()),
        }
    }
}

/// The text is the name of no heuristic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown heuristic; there are: {}", names())]
pub struct UnknownHeuristic;

fn names() -> String {
    let names: Vec<String> = Heuristic::all().map(|one| one.to_string()).collect();
    names.join(", ")
}

impl FromStr for Heuristic {
    type Err = UnknownHeuristic;

    fn from_str(text: &str) -> Result<Self, UnknownHeuristic> {
        Self::all()
            .find(|one| one.to_string() == text)
            .ok_or(UnknownHeuristic)
    }
}

/// Heuristics that are not used; by default none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LeftOut(BTreeSet<Heuristic>);

impl LeftOut {
    /// True if this heuristic is not used.
    pub fn has(&self, heuristic: Heuristic) -> bool {
        self.0.contains(&heuristic)
    }
}

impl FromIterator<Heuristic> for LeftOut {
    fn from_iter<I: IntoIterator<Item = Heuristic>>(heuristics: I) -> Self {
        Self(heuristics.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_heuristic_is_read_by_its_own_name() {
        for one in Heuristic::all() {
            assert_eq!(one.to_string().parse(), Ok(one));
        }
        let error = "luck".parse::<Heuristic>().unwrap_err().to_string();
        assert!(error.contains("names, across-runs"), "{error}");
    }
}
