// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Builds Ambit, prepares a machine for working on it, and runs it in a virtual machine.
//!
//! Everything that takes more than `cargo build` lives here, so that `cargo xtask <COMMAND>` on a bare Debian is all
//! that a newcomer needs. It knows nothing about what Ambit does, save where the documents come from.

mod apt;
mod bench;
mod build;
mod cache;
mod demo;
mod docs;
mod fidelity;
mod house;
mod lab;
mod mirror;
mod noise;
mod paths;
mod process;
mod progress;
mod setup;
mod test;

use std::process::ExitCode;

use clap::Parser;

/// Builds Ambit and runs it in a virtual machine.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
enum Command {
    /// Install what building Ambit and running the lab need on this machine
    Setup(setup::Args),
    /// Build the release binaries: ambit, and the lab's own as static programs
    Build(build::Args),
    /// Measure what Ambit costs, in instructions, and compare with the bars that it is to reach
    Bench(bench::Args),
    /// See what Ambit does: a small web service, learned, held to its map, and attacked
    Demo(demo::Args),
    /// Learn real workloads, hold them to their maps, attack them, and write docs/fidelity.md
    Fidelity(fidelity::Args),
    /// Count what the library of rules records where nothing is wrong, and write docs/noise.md
    Noise(noise::Args),
    /// Check everything: the code's form, the tests, and the lab's suites on three kernels
    Test(test::Args),
    /// Write the documents that come from the code: docs/coverage.md
    Docs(docs::Args),
    /// Count phrases that make comments, documents and messages hard to read
    Prose(house::prose::Args),
    /// Run a command in a virtual machine with a Debian kernel; exits with the command's status
    ///
    /// The command's standard output and standard error go to this program's. The exit status is the
    /// command's, 128+N for a signal; 124 when the time is up, 125 when the machine itself failed.
    Lab(lab::Args),
}

fn main() -> ExitCode {
    let (outcome, failure) = match Command::parse() {
        Command::Setup(args) => (setup::main(&args, lab::prepare), 1),
        Command::Build(args) => (build::main(&args), 1),
        Command::Bench(args) => (bench::main(&args), 1),
        Command::Test(args) => (test::main(&args), 1),
        Command::Docs(args) => (docs::main(&args), 1),
        Command::Prose(args) => (house::prose::main(&args), 1),
        Command::Demo(args) => (demo::main(&args), 1),
        Command::Fidelity(args) => (fidelity::main(&args), 1),
        Command::Noise(args) => (noise::main(&args), 1),
        Command::Lab(args) => (lab::main(args), lab::EXIT_LAB_FAILED),
    };
    outcome.unwrap_or_else(|error| {
        eprintln!("xtask: {error:#}");
        ExitCode::from(failure)
    })
}
