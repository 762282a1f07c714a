// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Trust of processes: which bits a process lacks and why, and changing them by hand.

mod change;
mod process;

pub use change::{ChangeError, Changed, Order, Target, leader_of, name_of};
pub use process::{BitCause, CauseKind, ProcessTrust, Step, boot_time_ns};
