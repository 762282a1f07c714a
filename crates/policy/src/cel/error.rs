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
    /// What is octal in other languages, and what it is there.
    #[error("a number has no zeros before it")]
    LeadingZero(Option<u64>),
    /// Part of CEL, and not of conditions.
    #[error("{0} not part of conditions")]
    NotTaken(&'static str),
    /// Something else.
    #[error("expected {0}")]
    Expected(&'static str),
}

impl SyntaxErrorKind {
    /// What to write instead, where that is known.
    pub fn help(&self) -> Option<String> {
        let help = match self {
            Self::Escape => "a backslash is doubled, or the string is a raw one: r\"…\"",
            Self::Doubled("==") => "values are compared with `==`",
            Self::Doubled(_) => "conditions are joined with `&&`, `||` and `!`",
            Self::NotTaken("chained comparisons are") => "join them with `&&`",
            Self::NotTaken("indexing is") => {
                "`subject.path` is the first of the chain, `subject.parent` the second"
            }
            Self::NotTaken("arithmetic is") => "a text, as a path is, stands in quotes",
            Self::Character('“' | '”' | '„' | '‘' | '’' | '«' | '»') => {
                "a text stands in straight quotes"
            }
            Self::Unterminated => "it ends with the quote that it begins with, in the same line",
            Self::TooLong | Self::TooDeep => "make several rules of it",
            Self::Expected("a field or a value") => {
                "such as `task.uid == 0`; without `when`, a rule always applies"
            }
            Self::Number => "such as `493` or `0x1ed`",
            Self::LeadingZero(Some(octal)) => {
                return Some(format!(
                    "an octal number is written in hexadecimal, {octal:#x} here"
                ));
            }
            Self::LeadingZero(None) => "leave the zeros out",
            _ => return None,
        };
        Some(help.to_owned())
    }
}
