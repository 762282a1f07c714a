// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The actor: performs the operations it is told to, one after the other, each by its own system call, and prints
//! one line for each.
//!
//!     ambit-act open-r /a , fork { open-w /b , unlink /b } , loop 100 open-r /c{i}
//!
//! A line is `OP: ok`, `OP: ok DETAIL`, `OP: errno NAME`, `OP: status N` or `OP: signal NAME` (of a program that it
//! ran). Where an operation needs preparing steps and one of these fails, ` at STEP` follows. The exit status is 0
//! if all were ok, 1 if not, 2 if the arguments make no sense. In arguments `\xNN` is a byte and `\\` a backslash.
//!
//! It opens nothing that it was not told to open, and stays out of the C library's conveniences (locale, name
//! services), so that what a domain sees is what the arguments say.

// A tool for tests: numbers come from its arguments and go to system calls as they are.
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss
)]

mod exec;
mod file;
mod flow;
mod memory;
mod net;
mod outcome;
mod parse;
mod sys;
mod task;
mod uring;

use std::os::unix::ffi::OsStrExt;

fn main() {
    let arguments: Vec<Vec<u8>> = std::env::args_os()
        .skip(1)
        .map(|argument| argument.as_bytes().to_vec())
        .collect();
    let step = match parse::parse(&arguments) {
        Ok(step) => step,
        Err(message) => flow::usage(&message),
    };
    let ok = flow::run(&step, None).is_ok();
    std::process::exit(i32::from(!ok));
}
