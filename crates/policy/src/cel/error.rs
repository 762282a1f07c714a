// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Syntax errors of conditions.

use super::{DEPTH_MAX, SIZE_MAX, Span};

/// A syntax error.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind}")]
pub struct SyntaxError {
    /// The bytes it is about.
    pub span: Span,
    /// The error.
    #[source]
    pub kind: SyntaxErrorKind,
}

/// Kinds of syntax errors.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SyntaxErrorKind {
    /// The text is too long.
    #[error("the condition is longer than {} KiB", SIZE_MAX / 1024)]
    TooLong,
    /// Parentheses, lists and calls are nested too deep.
    #[error("the condition nests deeper than {DEPTH_MAX}")]
    TooDeep,
    /// A character that begins no token.
    #[error("unexpected character {0:?}")]
    Character(char),
    /// A single `=`, `&` or `|`.
    #[error("expected `{0}`")]
    Doubled(&'static str),
    /// A string without closing quote.
    #[error("unterminated string")]
    Unterminated,
    /// An unknown escape sequence.
    #[error("unknown escape in a string")]
    Escape,
    /// A number beyond 64 bits, or with letters.
    #[error("not a 64-bit integer")]
    Number,
    /// Leading zeros. If the digits are an octal number, as in C, its value.
    #[error("a number cannot have leading zeros")]
    LeadingZero(Option<u64>),
    /// A part of CEL that conditions do not have.
    #[error("{0} not supported in conditions")]
    NotTaken(&'static str),
    /// Another token was expected.
    #[error("expected {0}")]
    Expected(&'static str),
}

impl SyntaxErrorKind {
    /// Returns a suggestion for a correction, if there is one.
    pub fn help(&self) -> Option<String> {
        let help = match self {
            Self::Escape => "double the backslash, or use a raw string: r\"…\"",
            Self::Doubled("==") => "compare values with `==`",
            Self::Doubled(_) => "join conditions with `&&`, `||` and `!`",
            Self::NotTaken("chained comparisons are") => "join them with `&&`",
            Self::NotTaken("indexing is") => {
                "use `subject.path` for the first element of the chain, `subject.parent` for the second"
            }
            Self::NotTaken("arithmetic is") => "quote texts, paths included",
            Self::Character('“' | '”' | '„' | '‘' | '’' | '«' | '»') => {
                "use straight quotes"
            }
            Self::Unterminated => {
                "close the string with the quote that opened it, on the same line"
            }
            Self::TooLong | Self::TooDeep => "split it into several rules",
            Self::Expected("a field or a value") => {
                "for example `task.uid == 0`; a rule without `when` always matches"
            }
            Self::Number => "for example `493` or `0x1ed`",
            Self::LeadingZero(Some(octal)) => {
                return Some(format!(
                    "write octal numbers in hexadecimal, here {octal:#x}"
                ));
            }
            Self::LeadingZero(None) => "remove the leading zeros",
            _ => return None,
        };
        Some(help.to_owned())
    }
}
