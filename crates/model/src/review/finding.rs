// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Findings, with the lines of the map that cause them, and the review of a subject.

use ambit_event::Subject;
use serde::Serialize;

use super::kind::{FindingKind, Severity};

/// A line of a map.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct MapLine {
    /// The id of its subject; `None` for a line that belongs to the whole map.
    pub subject: Option<String>,
    /// The line: a rule, or a key with its value.
    pub line: String,
    /// Its number in the map's file, if known.
    pub number: Option<usize>,
    /// The group that it stands in, if other subjects use that group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shared: Option<SharedLine>,
}

/// A group whose lines several subjects have. To remove a line for one subject, the others need it as a line of their own.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct SharedLine {
    /// The group's name.
    pub group: String,
    /// Number of other subjects that use it.
    pub others: usize,
}

/// What a map gives to an attacker in one respect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The kind.
    pub kind: FindingKind,
    /// The severity.
    pub severity: Severity,
    /// A sentence about the subject, which is *it*.
    pub text: String,
    /// The lines that cause it, sorted.
    pub lines: Vec<MapLine>,
}

/// A subject that an attacker gets by starting programs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reached {
    /// The subject's id.
    pub id: String,
    /// The programs to start, one after the other.
    pub through: Vec<String>,
    /// The highest severity among the kinds of `adds`; `None` if it adds no kind.
    pub severity: Option<Severity>,
    /// The kinds of findings that are more severe there than for the subject itself and the subjects before this one.
    pub adds: Vec<FindingKind>,
}

/// The review of one subject.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SubjectReview {
    /// The subject's id.
    pub id: String,
    /// The subject.
    pub subject: Subject,
    /// The exposure, with everything that it reaches.
    pub exposure: super::Exposure,
    /// The severity of a single finding with about this exposure.
    pub level: Option<Severity>,
    /// The exposure without the subjects that it reaches.
    pub own_exposure: super::Exposure,
    /// Its findings, the worst first.
    pub findings: Vec<Finding>,
    /// The subjects that it reaches by starting programs, the nearest first.
    pub reaches: Vec<Reached>,
}
