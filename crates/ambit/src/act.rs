// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `ambit act`: what the canary's throw-away processes run. Not for people: `ambit doctor --canary` starts it.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::process::ExitCode;

/// Perform single operations and say how each ended
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Operations and their arguments, with `,` between
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
