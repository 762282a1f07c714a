// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Files that people write: reads the YAML subset, finds places in a file, and displays errors with the line.
//!
//! The crate owns the syntax tree with places ([`yaml`]), the way from bytes of a scalar's value back to line and column
//! ([`within`]), and the collection and display of errors ([`Collector`], [`FileErrors`]). It does not know what a map
//! or a rule is: callers bring their own error kinds through [`Problem`]. It does no I/O.
//!
//! Files are hostile. Everything that is displayed is escaped, of a long line only an [`Excerpt`] is kept, at most
//! [`KEPT`] errors of a file are kept, and nesting and size are limited.
//!
//! Errors are displayed here and not with miette: its graphical handler prints source text unescaped, so control and
//! direction characters would reach the terminal, and escaping the text beforehand moves the columns that its spans
//! count. It would also add dependencies for about sixty lines.

mod collect;
mod error;
mod excerpt;
mod place;
mod within;
mod written;
pub mod yaml;

pub use collect::Collector;
pub use error::{FileError, FileErrors, KEPT, Problem};
pub use excerpt::{Excerpt, Excerpts};
pub use place::{Place, end_of};
pub use within::within;
pub use written::{End, Written};
