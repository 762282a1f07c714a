// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The map file: a parser whose errors show the place of the fault, and a canonical printer.

mod comments;
mod error;
mod ids;
mod marks;
mod node;
mod numbers;
mod paths;
mod print;
mod read;
mod subject;

pub use error::{MapError, MapErrorKind, MapErrors};
pub use ids::IdNames;
pub use marks::Marks;
pub use numbers::LineNumbers;
pub use paths::{NeverMatches, never, paths};
