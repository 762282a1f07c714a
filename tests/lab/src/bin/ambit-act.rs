// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `ambit-act OP [ARG...] [, OP [ARG...]]...`: the workload of most tests. See the crate ambit-exerciser.

use std::os::unix::ffi::OsStrExt;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<Vec<u8>> = std::env::args_os()
        .skip(1)
        .map(|argument| argument.as_bytes().to_vec())
        .collect();
    ambit_exerciser::perform(&arguments).into()
}
