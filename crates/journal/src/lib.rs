// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The journal: the newest run of each domain with its violations, as JSON lines in one file.
//!
//! This crate owns the journal's format and the conversion of kernel times to UTC ([`Clock`]). It knows nothing of the
//! kernel part, maps and rules; its callers choose the folder. It prints nothing: what went wrong is an [`Error`].
#![forbid(unsafe_code)]

mod clock;
mod error;
mod line;
mod read;
mod runs;
mod write;

pub use ambit_event::{FirstCause, Hex, SubjectText, Violation};
pub use clock::Clock;
pub use error::Error;
pub use line::{End, FORMAT, Run, losses};
pub use read::StoredRun;
pub use runs::Runs;
pub use write::{Journal, stored_bytes};

/// Number of violations that a run stores. Later ones are only counted.
pub const KEPT: usize = 10_000;
/// Most bytes of the violations that a run stores, as lines.
pub const KEPT_BYTES: u64 = 8 << 20;
