// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The part of CEL that conditions are written in: from text to a tree with places. It knows no fields and no types.

mod ast;
mod error;
mod lex;
mod parse;

pub use ast::{Comparison, Expr, ExprKind, Span};
pub use error::{SyntaxError, SyntaxErrorKind};
pub use parse::parse;

/// Longest condition in bytes.
pub const SIZE_MAX: usize = 64 * 1024;
/// How deep a condition nests.
pub const DEPTH_MAX: usize = 64;
