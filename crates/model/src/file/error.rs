// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What is wrong with a map file, shown as a compiler would.

use ambit_event::TextError;
use ambit_source::yaml::YamlError;
use ambit_source::{FileError, FileErrors, Problem};

/// Everything that is wrong with a map file. Displays as text for a terminal, hidden characters escaped.
pub type MapErrors = FileErrors<MapErrorKind>;
/// One error in a map file.
pub type MapError = FileError<MapErrorKind>;

/// What can be wrong with a map file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MapErrorKind {
    /// Not a document of YAML.
    #[error("{0}")]
    Yaml(#[source] YamlError),
    /// Another kind of node.
    #[error("expected {0}")]
    Expected(&'static str),
    /// `ambit` does not come first.
    #[error("expected the key `ambit` first")]
    NotAMap,
    /// Another version.
    #[error("unknown version of the map's format; this program reads version 1")]
    Version,
    /// No such key here.
    #[error("unknown key")]
    UnknownKey {
        /// The known one nearest to it.
        nearest: Option<&'static str>,
    },
    /// A key twice.
    #[error("the key is here twice")]
    DuplicateKey,
    /// A key that must be there.
    #[error("the key `{0}` is missing")]
    MissingKey(&'static str),
    /// Not a domain's name.
    #[error("expected a domain's name: 1 to 63 of `A-Za-z0-9._-`, the first no `.` or `-`")]
    DomainName,
    /// Not a chain's depth.
    #[error("expected a number from 1 to {}", ambit_abi::CHAIN_MAX)]
    Chain,
    /// Not a response.
    #[error("expected `log`, `deny` or `kill`")]
    Response {
        /// The known one nearest to it.
        nearest: Option<&'static str>,
    },
    /// An id with nothing in it, or with a hidden character.
    #[error("an id has 1 to 255 visible characters")]
    Id,
    /// Two subjects of one id.
    #[error("another subject has this id")]
    DuplicateId {
        /// Where the other one is.
        line: usize,
    },
    /// Two entries for one subject.
    #[error("another entry is for the same executable, name, script and chain")]
    DuplicateSubject {
        /// Where the other one is.
        line: usize,
    },
    /// More executables than the chain has.
    #[error("`via` has more than {max} paths, which is what `chain: {chain}` tells apart")]
    Via {
        /// What there may be.
        max: usize,
        /// The map's chain.
        chain: u32,
    },
    /// A name that the kernel part can't keep.
    #[error("the name has no bytes, or more than {}", ambit_abi::AS_MAX - 1)]
    AsName,
    /// A rule, an object, a digest or credentials.
    #[error("{0}")]
    Text(#[source] TextError),
}

impl Problem for MapErrorKind {
    fn help(&self) -> Option<String> {
        Self::help(self)
    }
}

impl MapErrorKind {
    /// What to write instead, where that is known.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::UnknownKey {
                nearest: Some(name),
            }
            | Self::Response {
                nearest: Some(name),
            } => Some(format!("did you mean `{name}`?")),
            Self::DuplicateId { line } | Self::DuplicateSubject { line } => {
                Some(format!("the other one is on line {line}"))
            }
            Self::Via { .. } => Some("raise `chain`, or leave out the farthest".to_owned()),
            Self::Yaml(error) => error.help().map(str::to_owned),
            Self::Text(error) => error.help(),
            Self::NotAMap => Some("a map begins with `ambit: 1`".to_owned()),
            _ => None,
        }
    }
}
