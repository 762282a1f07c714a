// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The part of CEL that conditions are written in: from text to a tree with places. It knows no fields and no types.

mod ast;
mod error;
mod lex;
mod parse;

pub use ast::{Comparison, Expr, ExprKind, Span};
pub use error::{SyntaxError, SyntaxErrorKind};
pub use parse::parse;

/// The strings of a text that can be read, and where they are.
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
/// How deep a condition nests.
pub const DEPTH_MAX: usize = 64;
