// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What is wrong with a map file, shown as a compiler would.

use std::fmt;

use ambit_event::{TextError, escape};

/// How many errors are kept; the rest is counted.
pub(super) const KEPT: usize = 20;
/// How much of a long line is shown on either side.
const AROUND: usize = 60;

/// Everything that is wrong with a map file. Displays as text for a terminal, hidden characters escaped.
#[derive(Debug)]
pub struct MapErrors {
    pub(super) name: String,
    pub(super) errors: Vec<MapError>,
    pub(super) more: usize,
}

/// One thing that is wrong.
#[derive(Debug, thiserror::Error)]
#[error("{kind}")]
pub struct MapError {
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// Characters that are wrong, on that line.
    pub width: usize,
    /// The line.
    pub text: String,
    /// What is wrong.
    #[source]
    pub kind: MapErrorKind,
}

/// What can be wrong with a map file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MapErrorKind {
    /// Larger than any map.
    #[error("the file is larger than {} MiB", super::read::SIZE_MAX / (1024 * 1024))]
    TooLarge,
    /// Not UTF-8.
    #[error("the file is not UTF-8 from here on")]
    NotUtf8,
    /// Nothing there.
    #[error("the file is empty")]
    Empty,
    /// Not YAML.
    #[error("not YAML: {}", .0.info())]
    Syntax(#[source] saphyr_parser::ScanError),
    /// Anchors, aliases and tags.
    #[error("{0} are not used in maps")]
    NotUsed(&'static str),
    /// A second document.
    #[error("a map is one document")]
    Documents,
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
            Self::NotUsed(_) => Some("write the text where it is meant, or in quotes".to_owned()),
            Self::Text(error) => error.help(),
            Self::NotAMap => Some("a map begins with `ambit: 1`".to_owned()),
            _ => None,
        }
    }
}

impl MapErrors {
    /// The errors in the order of the file, as many as were kept.
    pub fn errors(&self) -> &[MapError] {
        &self.errors
    }

    /// How many more there are.
    pub fn more(&self) -> usize {
        self.more
    }
}

impl std::error::Error for MapErrors {}

impl fmt::Display for MapErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.errors.iter().enumerate() {
            if index > 0 {
                f.write_str("\n\n")?;
            }
            show(error, &self.name, f)?;
        }
        match self.more {
            0 => Ok(()),
            1 => f.write_str("\n\nand one more error"),
            more => write!(f, "\n\nand {more} more errors"),
        }
    }
}

fn show(error: &MapError, name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let MapError {
        line, column, kind, ..
    } = error;
    let gutter = line.to_string().len();
    let blank = " ".repeat(gutter);
    writeln!(f, "error: {kind}")?;
    writeln!(f, "{blank}--> {}:{line}:{column}", escape::line(name))?;
    let (shown, before, wrong) = excerpt(error);
    writeln!(f, "{blank} |")?;
    writeln!(f, "{line} | {shown}")?;
    write!(
        f,
        "{blank} | {}{}",
        " ".repeat(before),
        "^".repeat(wrong.max(1))
    )?;
    if let Some(help) = kind.help() {
        write!(f, " help: {}", escape::line(&help))?;
    }
    Ok(())
}

/// The part of the line around the error, escaped; how many characters of it come before, and how many are wrong.
fn excerpt(error: &MapError) -> (String, usize, usize) {
    let start = error.column.saturating_sub(1);
    let from = start.saturating_sub(AROUND);
    let mut chars = error.text.chars().skip(from);
    let mut take = |count: usize| escape::line(&chars.by_ref().take(count).collect::<String>());
    let mut shown = String::new();
    if from > 0 {
        shown.push('…');
    }
    shown.push_str(&take(start - from));
    let before = shown.chars().count();
    let wrong = take(error.width.min(2 * AROUND));
    shown.push_str(&wrong);
    shown.push_str(&take(AROUND));
    if chars.next().is_some() {
        shown.push('…');
    }
    (shown, before, wrong.chars().count())
}
