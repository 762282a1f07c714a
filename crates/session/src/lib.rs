// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Sessions: one process reads a ring of the kernel part and delivers its records.
//!
//! This crate owns the only loop that waits for a ring and empties it ([`Pump`]), and the lock that keeps a second reader
//! away from a ring ([`ReaderLock`]). It prints nothing and knows no exit codes; its callers choose paths and texts.
#![forbid(unsafe_code)]

mod error;
mod lock;
mod outbox;
mod pump;

pub use error::Error;
pub use lock::ReaderLock;
pub use outbox::Outbox;
pub use pump::{Next, Pump, Sink};
