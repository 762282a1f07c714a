// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The errors of a map file, each with its place and an excerpt.

use ambit_event::TextError;
use ambit_source::yaml::YamlError;
use ambit_source::{FileError, FileErrors, Problem};

/// All errors of a map file. Displays as text for a terminal, hidden characters escaped.
pub type MapErrors = FileErrors<MapErrorKind>;
/// One error in a map file.
pub type MapError = FileError<MapErrorKind>;

/// The kinds of errors in a map file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MapErrorKind {
    /// The text is not a YAML document.
    #[error("{0}")]
    Yaml(#[source] YamlError),
    /// A node of another kind than the one that belongs here.
    #[error("expected {0}")]
    Expected(&'static str),
    /// The first key is not `ambit`.
    #[error("the first key must be `ambit`")]
    NotAMap,
    /// The version of the format is unknown.
    #[error("unknown version of the map's format; this program reads versions 1 and 2")]
    Version,
    /// The key is unknown here.
    #[error("unknown key")]
    UnknownKey {
        /// The known word that is spelled most like it.
        nearest: Option<&'static str>,
    },
    /// The key occurs twice.
    #[error("the key occurs twice")]
    DuplicateKey,
    /// A required key is missing.
    #[error("the key `{0}` is missing")]
    MissingKey(&'static str),
    /// The text is not a domain name.
    #[error("expected a domain's name: 1 to 63 of `A-Za-z0-9._-`, the first no `.` or `-`")]
    DomainName,
    /// The number is not a chain depth.
    #[error("expected a number from 1 to {}", ambit_abi::CHAIN_MAX)]
    Chain,
    /// The word is not a response.
    #[error("expected `log`, `deny` or `kill`")]
    Response {
        /// The known word that is spelled most like it.
        nearest: Option<&'static str>,
    },
    /// The id is empty, too long, or has a hidden character.
    #[error("an id has 1 to 255 visible characters")]
    Id,
    /// Two subjects have the same id.
    #[error("another subject has this id")]
    DuplicateId {
        /// The other one's line, from 1.
        line: usize,
    },
    /// Two entries describe the same subject.
    #[error("another entry is for the same executable, name, script and chain")]
    DuplicateSubject {
        /// The other one's line, from 1.
        line: usize,
    },
    /// `via` has more executables than the chain.
    #[error("`via` has more than {max} paths, the most that `chain: {chain}` allows")]
    Via {
        /// The largest number of paths.
        max: usize,
        /// The map's chain depth.
        chain: u32,
    },
    /// The name is empty or longer than the kernel part stores.
    #[error("the name has no bytes, or more than {}", ambit_abi::AS_MAX - 1)]
    AsName,
    /// A key of version 2 in a file of version 1.
    #[error("`{0}` needs `ambit: 2` in the file's first line")]
    NeedsVersionTwo(&'static str),
    /// The text is not a name of a group.
    #[error("expected a group's name: 1 to 63 of `A-Za-z0-9._-`, the first no `.` or `-`")]
    GroupName,
    /// No group has this name.
    #[error("there is no group of this name")]
    UnknownGroup {
        /// The known name that is spelled most like it.
        nearest: Option<String>,
    },
    /// The text of a rule, an object, a digest or credentials is wrong.
    #[error("{0}")]
    Text(#[source] TextError),
}

impl Problem for MapErrorKind {
    fn help(&self) -> Option<String> {
        Self::help(self)
    }
}

impl MapErrorKind {
    /// Returns the correction to suggest, if there is one.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::UnknownKey {
                nearest: Some(name),
            }
            | Self::Response {
                nearest: Some(name),
            } => Some(format!("did you mean `{name}`?")),
            Self::UnknownGroup {
                nearest: Some(name),
            } => Some(format!("did you mean `{name}`?")),
            Self::UnknownGroup { nearest: None } => {
                Some("define it below `groups:`, before `subjects:`".to_owned())
            }
            Self::DuplicateId { line } | Self::DuplicateSubject { line } => {
                Some(format!("the other one is on line {line}"))
            }
            Self::Via { .. } => Some("raise `chain`, or leave out the farthest".to_owned()),
            Self::Yaml(error) => error.help().map(str::to_owned),
            Self::Text(error) => error.help(),
            Self::NotAMap => Some("a map begins with `ambit: 2`, or with `ambit: 1` if each subject lists all its rules".to_owned()),
            _ => None,
        }
    }
}
