// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The exerciser: performs the operations in its arguments, one after the other, each with its own system call, and
//! prints one line for each.
//!
//! ```text
//! open-r /a , fork { open-w /b , unlink /b } , loop 100 open-r /c{i}
//! ```
//!
//! A line is `OP: ok`, `OP: ok DETAIL`, `OP: errno NAME`, `OP: status N` or `OP: signal NAME` (of a program that it
//! ran). If a step that prepares the operation fails, ` at STEP` follows. In arguments `\xNN` is
//! a byte and `\\` a backslash.
//!
//! It opens only files that its arguments name, and avoids features of the C library that open others (locale, name
//! services), so that a domain sees exactly these operations. The lab's tests run it as a workload, and
//! `ambit doctor --canary` runs it as the canary. It knows nothing about Ambit. Raw system calls need unsafe code, which
//! runs in processes that do nothing else.

// Numbers from the arguments are passed to system calls unchanged.
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss
)]

mod append;
mod bpf;
mod child;
mod code;
mod descriptor;
mod exec;
mod file;
mod flow;
mod harmless;
mod ipc;
mod look;
mod memory;
mod mount;
mod mqueue;
mod net;
mod outcome;
mod parse;
mod route;
mod sctp;
mod signal;
mod sys;
mod system;
mod task;
mod uring;

/// Performs the operations in the arguments. Returns the exit status: 0 if all succeeded, 1 if not. Exits with 2 if the
/// arguments are invalid.
pub fn perform(arguments: &[Vec<u8>]) -> u8 {
    match parse::parse(arguments) {
        Ok(step) => u8::from(flow::run(&step, None).is_err()),
        Err(message) => flow::usage(&message),
    }
}
