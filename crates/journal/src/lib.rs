// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The journal: the newest run of each domain with its violations, as JSON lines in one file.
//!
//! This crate owns the journal's format, the replacement of whole files ([`replace`]), the end of a line that was cut
//! ([`end_last_line`]) and the conversion of kernel times to UTC ([`Clock`]). It knows nothing of the kernel part, maps and
//! rules; its callers choose the folder. It prints nothing: what went wrong is an [`Error`].
#![forbid(unsafe_code)]

mod append;
mod clock;
mod error;
mod line;
mod read;
mod replace;
mod runs;
mod write;

pub use ambit_event::{FirstCause, Hex, SubjectText, Violation};
pub use append::end_last_line;
pub use clock::Clock;
pub use error::Error;
pub use line::{End, FORMAT, Run, losses};
pub use read::StoredRun;
pub use replace::{folder, replace};
pub use runs::Runs;
pub use write::Journal;

/// Number of violations that a run stores. Later ones are only counted.
pub const KEPT: usize = 10_000;
