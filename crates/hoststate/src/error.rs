// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What can go wrong with the host's state.

use std::io;
use std::path::{Path, PathBuf};

use crate::rule_files::RuleFileError;
use crate::shown::shown;

/// Why the host's state could not be read or changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A system call failed.
    #[error("cannot {doing} {}", shown(path))]
    Io {
        /// What was attempted.
        doing: &'static str,
        /// On which file or directory.
        path: PathBuf,
        /// What the system reported.
        #[source]
        source: io::Error,
    },
    /// A file of the state is not what Ambit writes there.
    #[error("{} is damaged; remove it and try again", shown(path))]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
    /// All trust bits are in use.
    #[error(
        "all {total} trust bits for rules and taps are in use and `{name}` needs one; load fewer rules that taint"
    )]
    NoFreeTrustBit {
        /// The source that would need one more.
        name: String,
        /// How many trust bits there are for rules and taps.
        total: u8,
    },
    /// No trust bit has this name.
    #[error("no trust source `{}`; `ambit trust source` lists them", ambit_event::escape::line(.0))]
    UnknownSource(String),
    /// Rule files are wrong.
    #[error(transparent)]
    RuleFiles(#[from] RuleFileError),
    /// More rules than a set can have.
    #[error("{count} rules are too many: at most {max} can be loaded")]
    TooManyRules {
        /// How many there are.
        count: usize,
        /// How many can be loaded.
        max: usize,
    },
    /// A rule is for an operation that this kernel has no hook for.
    #[error("rule `{rule}` is for {op}, and this kernel has no hook at which rules see it")]
    NoHookForOperation {
        /// The rule's id.
        rule: String,
        /// The operation.
        op: ambit_abi::Op,
    },
    /// Rules that cannot be compiled together.
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

impl Error {
    /// For `map_err`: what was attempted, and on which file.
    pub(crate) fn io(
        doing: &'static str,
        path: impl AsRef<Path>,
    ) -> impl FnOnce(io::Error) -> Self {
        let path = path.as_ref().to_owned();
        move |source| Self::Io {
            doing,
            path,
            source,
        }
    }
}
