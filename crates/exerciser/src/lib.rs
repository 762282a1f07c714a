// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The exerciser: performs the operations it is told to, one after the other, each by its own system call, and prints
//! one line for each.
//!
//! ```text
//! open-r /a , fork { open-w /b , unlink /b } , loop 100 open-r /c{i}
//! ```
//!
//! A line is `OP: ok`, `OP: ok DETAIL`, `OP: errno NAME`, `OP: status N` or `OP: signal NAME` (of a program that it
//! ran). Where an operation needs preparing steps and one of these fails, ` at STEP` follows. In arguments `\xNN` is
//! a byte and `\\` a backslash.
//!
//! It opens nothing that it was not told to open, and stays out of the C library's conveniences (locale, name
//! services), so that what a domain sees is what the arguments say. The lab's tests run it as a workload, and
//! `ambit doctor --canary` as its canary. It knows nothing of Ambit. System calls as they are need unsafe code:
//! it is kept here, and runs in processes that do nothing else.

// Numbers come from the arguments and go to system calls as they are.
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss
)]

mod descriptor;
mod exec;
mod file;
mod flow;
mod harmless;
mod ipc;
mod memory;
mod mount;
mod net;
mod outcome;
mod parse;
mod sys;
mod system;
mod task;
mod uring;

/// Does what the arguments say. Answers the exit status: 0 if all were ok, 1 if not. Ends the process with 2 if the
/// arguments make no sense.
pub fn perform(arguments: &[Vec<u8>]) -> u8 {
    match parse::parse(arguments) {
        Ok(step) => u8::from(flow::run(&step, None).is_err()),
        Err(message) => flow::usage(&message),
    }
}
