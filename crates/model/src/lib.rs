// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Behaviour maps: reading, printing, merging, matching, compiling for the kernel part, learning from events.
//!
//! This crate is pure: no I/O, no clock, no threads. The same events give the same map, byte for byte. It does not know
//! where events come from or how maps are loaded.

mod compile;
mod dates;
mod diff;
mod digest;
mod explain;
mod file;
mod generalize;
mod group;
mod heuristic;
mod learn;
mod map;
mod matcher;
mod merge;
pub mod pattern;
mod reexec;
mod review;
mod rule;
mod statistics;

pub use compile::{
    ANY_CREDS, Automaton, AutomatonError, CompileError, Compiled, LISTED_DIGEST, Warning, compile,
    run, undecided,
};
pub use diff::{Change, Diff, Lines, SubjectDiff};
pub use digest::{Sha256Hash, coefficient, extend, state};
pub use explain::{AcceptError, Explanation, NearRule};
pub use file::{
    IdNames, LineNumbers, MapError, MapErrorKind, MapErrors, Marks, NeverMatches, never, paths,
};
pub use generalize::{
    Kind, ListError, ListErrorKind, MAPS_MAX, Options, Proposal, Rewrite, Risk, Sensitive, propose,
};
pub use group::{GroupNames, GroupNamesError};
pub use heuristic::{Heuristic, LeftOut, UnknownHeuristic};
pub use learn::{Counts, Generalized, Learned, LearnedPoint, Learner, Step, Trajectory, Violation};
pub use map::{
    CHAIN_DEFAULT, Entry, FAMILIES, Map, OwnResponses, Responses, Version, is_chain,
    is_domain_name, is_group_name, is_source,
};
pub use matcher::{ANY_HOST, Matcher};
pub use merge::MergeError;
pub use review::{
    Action as ReviewAction, Change as ReviewChange, Evidence, Exposure, Finding, FindingKind,
    InRecordings, InRuns, MapLine, Reached, Review, ReviewOptions, Severity, SharedLine,
    SubjectReview, candidates, review,
};
pub use rule::{Rule, RuleObject};
pub use statistics::{
    Advice, CHANCE_MAX, ChainMismatch, Doubt, Estimate, Observation, RUNS_MAX, RUNS_MIN, Run,
    RunId, Statistics, StatisticsError, SubjectEstimate, Support, UNUSED_MAX, UnusedLine,
};
