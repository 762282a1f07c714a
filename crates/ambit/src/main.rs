// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The `ambit` command: command line, rendering and exit codes. Each verb is a module; the engines are the libraries below
//! it. The feature `kernel`, on by default, adds the verbs that need the kernel part.

mod accept;
#[cfg(feature = "kernel")]
mod act;
mod cli;
#[cfg(feature = "kernel")]
mod doctor;
mod exit;
mod explain;
mod generate;
#[cfg(feature = "kernel")]
mod kernel_errors;
mod map;
mod out;
mod replay;
mod rules;
#[cfg(feature = "kernel")]
mod run;
mod stdout;
mod store;
#[cfg(feature = "kernel")]
mod trust;
mod value;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let cli = match cli::Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return cli::complain(&error),
    };
    match cli.run() {
        Ok(outcome) => outcome.code(),
        Err(failure) => failure.report(),
    }
}
