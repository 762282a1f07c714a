// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The error of this crate.

use std::path::PathBuf;

use crate::rule_files::RuleFileError;
use crate::shown::shown;

/// Why the host's state could not be read or changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A directory of Ambit or a file in it cannot be used.
    #[error(transparent)]
    Files(#[from] ambit_files::Error),
    /// A line cannot be appended to a file.
    #[error("cannot write to {}", shown(path))]
    Append {
        /// The file.
        path: PathBuf,
        /// The system's error.
        #[source]
        source: std::io::Error,
    },
    /// A state file cannot be put into words.
    #[error("cannot write {name}")]
    Encode {
        /// The file.
        name: String,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// The contents of a state file cannot be parsed.
    #[error("{} is damaged; remove it and try again", shown(path))]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The parser's error.
        #[source]
        source: serde_json::Error,
    },
    /// All trust bits are in use.
    #[error(
        "all {total} trust bits for rules and taps are in use and `{name}` needs one; load fewer rules that taint"
    )]
    NoFreeTrustBit {
        /// The source that needs a bit.
        name: String,
        /// Number of trust bits for rules and taps.
        total: u8,
    },
    /// No trust bit has this name.
    #[error("no trust source `{}`; `ambit trust source` lists them", ambit_event::escape::line(.0))]
    UnknownSource(String),
    /// Rule files are wrong.
    #[error(transparent)]
    RuleFiles(#[from] RuleFileError),
    /// A set has more rules than can be loaded.
    #[error("{count} rules are too many: at most {max} can be loaded")]
    TooManyRules {
        /// Number of rules in the set.
        count: usize,
        /// Maximum number of rules.
        max: usize,
    },
    /// A rule is for an operation for which this kernel has no hook.
    #[error("rule `{rule}` is for {op}, and this kernel has no hook at which rules see it")]
    NoHookForOperation {
        /// The rule's id.
        rule: String,
        /// The operation.
        op: ambit_abi::Op,
    },
    /// Rules cannot be compiled together.
    #[error(transparent)]
    Compile(#[from] ambit_policy::compile::CompileError),
    /// The description of the active rule set is missing.
    #[error(
        "rules are active but their description {} is missing; run `ambit rules load` again",
        shown(.0)
    )]
    DescriptionMissing(PathBuf),
    /// The kernel part reported an error.
    #[cfg(feature = "kernel")]
    #[error(transparent)]
    Kernel(#[from] ambit_sensor::Error),
}
