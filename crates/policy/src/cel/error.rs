// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What is no condition at all.

use super::{DEPTH_MAX, SIZE_MAX, Span};

/// A condition's text can't be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind}")]
pub struct SyntaxError {
    /// The bytes that are wrong.
    pub span: Span,
    /// What is wrong with them.
    #[source]
    pub kind: SyntaxErrorKind,
}

/// What can be wrong with a condition's text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SyntaxErrorKind {
    /// Longer than any condition.
    #[error("the condition is longer than {} KiB", SIZE_MAX / 1024)]
    TooLong,
    /// Too many parentheses, lists and calls in each other.
    #[error("the condition nests deeper than {DEPTH_MAX}")]
    TooDeep,
    /// No token begins so.
    #[error("{0:?} has no meaning here")]
    Character(char),
    /// `=`, `&` or `|` alone.
    #[error("expected `{0}`")]
    Doubled(&'static str),
    /// A string without its end.
    #[error("the string does not end")]
    Unterminated,
    /// No such escape.
    #[error("no such escape in a string")]
    Escape,
    /// Larger than any number, or with letters in it.
    #[error("not a whole number of 64 bits")]
    Number,
    /// Part of CEL, and not of conditions.
    #[error("{0} not part of conditions")]
    NotTaken(&'static str),
    /// Something else.
    #[error("expected {0}")]
    Expected(&'static str),
}

impl SyntaxErrorKind {
    /// What to write instead, where that is known.
    pub fn help(&self) -> Option<&'static str> {
        match self {
            Self::Escape => Some("a backslash is doubled, or the string is a raw one: r\"…\""),
            Self::Doubled("==") => Some("values are compared with `==`"),
            Self::NotTaken("chained comparisons are") => Some("join them with `&&`"),
            Self::NotTaken("indexing is") => {
                Some("`subject.path` is the first of the chain, `subject.parent` the second")
            }
            _ => None,
        }
    }
}
