// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Starts a program paused, waits for its end, forwards signals to it, and ends this process as it ended.
//!
//! This crate owns what Ambit does with processes and signals. It knows nothing about the kernel part: its caller labels
//! the paused process through the pidfd. It has no state outside of its values and the actions of signals. Only [`Keeper::start`] requires a
//! process with one thread. Starting a process and ending by a signal need unsafe code; each block says why it is sound.

mod children;
mod die;
mod error;
mod keeper;
mod paused;
mod running;
mod signals;

pub use die::die_by;
pub use error::Error;
pub use keeper::Keeper;
pub use paused::Paused;
pub use running::Running;
pub use signals::{Forwarding, Signals};
