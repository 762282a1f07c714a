// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The map file: reading, with errors that point at what is wrong, and canonical printing.

mod comments;
mod error;
mod marks;
mod print;
mod read;
mod subject;
mod yaml;

pub use error::{MapError, MapErrorKind, MapErrors};
pub use marks::Marks;
