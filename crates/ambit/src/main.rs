// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The `ambit` command: command line, rendering and exit codes. Each verb is a module; the engines are the libraries below
//! it.

mod accept;
mod act;
mod cli;
mod doctor;
mod exit;
mod explain;
mod generate;
mod map;
mod out;
mod replay;
mod rules;
mod run;
mod stdout;
mod store;
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
