// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `ambit act`: the program of the canary's processes. `ambit doctor --canary` starts it; it is hidden from help.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::process::ExitCode;

/// Perform operations and print the result of each
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Operations with their arguments, separated by `,`
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    words: Vec<OsString>,
}

pub(crate) fn main(args: &Args) -> ExitCode {
    let words: Vec<_> = args
        .words
        .iter()
        .map(|word| word.as_bytes().to_vec())
        .collect();
    ambit_exerciser::perform(&words).into()
}
