// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Sessions: one process reads a ring of the kernel part and delivers its records.
//!
//! This crate owns the only loop that waits for a ring and empties it ([`Pump`]), the lock that keeps a second reader away
//! from a ring ([`ReaderLock`]), and the session of a command: [`run`] delivers the records of its domain to a
//! [`Recorder`], and [`keep`] continues after the process that ran it was killed. Each record is parsed once.
//!
//! It prints nothing and knows no exit codes: what the user should see is a [`Notice`], what ended a session is an
//! [`Error`]. It does not know the state directory, the names of trust bits and the loaded rules.
//!
//! Files import only files above them in this list: `error`, `gates`; `outbox`, `lock`; `pump`; `command`; `stats`;
//! `notice`; `watch`, `recording`; `recorder`; `run`, `keep`.
#![forbid(unsafe_code)]

mod command;
mod error;
mod gates;
mod keep;
mod lock;
mod notice;
mod outbox;
mod pump;
mod recorder;
mod recording;
mod run;
mod stats;
mod watch;

pub use command::Command;
pub use error::Error;
pub use gates::{Gates, responses};
pub use keep::keep;
pub use lock::ReaderLock;
pub use notice::Notice;
pub use outbox::Outbox;
pub use pump::{Next, Pump, Sink, is_closed};
pub use recorder::{Collected, Counters, Recorder, Report};
pub use recording::{NewRecording, RecordingSummary, RecordingWriter};
pub use run::{Ended, How, run};
pub use stats::{Delivery, Missed, Stats};
pub use watch::{CauseOf, Watch, WatchSummary, causes_of_tasks};
