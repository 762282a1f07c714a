// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The part of CEL that conditions use: parses text to a tree with places. Fields and types are checked elsewhere.

mod ast;
mod error;
mod lex;
mod parse;

pub use ast::{Comparison, Expr, ExprKind, Span};
pub use error::{SyntaxError, SyntaxErrorKind};
pub use parse::parse;

/// Returns the string literals of a condition, with their places.
pub(crate) fn texts(text: &str) -> Vec<(Vec<u8>, Span)> {
    let tokens = lex::tokens(text).unwrap_or_default();
    let texts = tokens.into_iter().filter_map(|(token, span)| match token {
        lex::Token::Text(text) => Some((text, span)),
        _ => None,
    });
    texts.collect()
}

/// Longest condition in bytes.
pub const SIZE_MAX: usize = 64 * 1024;
/// Limit of nesting.
pub const DEPTH_MAX: usize = 64;
