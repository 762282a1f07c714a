// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The command line: the list of verbs. The arguments of a verb are in its own module.

use std::process::ExitCode;

use ambit_event::escape;
use clap::{CommandFactory, Parser, Subcommand};

use crate::exit::{Exit, Failure, Outcome};
use crate::out::write_stderr;
use crate::{accept, explain, generate, map, replay, rules};
#[cfg(feature = "kernel")]
use crate::{act, doctor, run, trust};

/// Keeps a workload inside the behaviour its owner approved
#[derive(Debug, Parser)]
#[command(name = "ambit", version, arg_required_else_help = true, after_help = EXAMPLES)]
pub(crate) struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[cfg(feature = "kernel")]
const EXAMPLES: &str = "\
Examples:
  ambit doctor                                  check that this machine can enforce maps
  ambit run --learn -o web.map -- ./serve.sh    learn the behaviour of a command
  ambit map review web.map                      show what the map gives to an attacker
  $EDITOR web.map; ambit map check web.map      edit the map
  ambit run -m web.map --enforce -- ./serve.sh  refuse everything outside the map
  ambit explain                                 show the refused operations, and why

Exit status: 0 success; 1 the command line or a file is wrong; 2 Ambit failed; 3 an operation was outside the map or refused
(`run` and `replay` with --fail-on-violation, `map seal --against`). `ambit run` otherwise exits as its command does.";

#[cfg(not(feature = "kernel"))]
const EXAMPLES: &str = "\
Examples:
  ambit map check web.map          check a map's syntax
  ambit map review web.map         show what a map gives to an attacker
  ambit rules check my.yaml        check a rule file
  ambit replay web.rec -m web.map  decide a recording by another map

Exit status: 0 success; 1 the command line or a file is wrong; 2 Ambit failed; 3 an operation was outside the map or refused
(`replay --fail-on-violation`, `map seal --against`).";

#[derive(Debug, Subcommand)]
enum Verb {
    #[cfg(feature = "kernel")]
    Run(Box<run::Args>),
    #[command(subcommand)]
    Map(map::Verb),
    Explain(explain::Args),
    Accept(accept::Args),
    Replay(replay::Args),
    #[command(subcommand)]
    Rules(rules::Verb),
    #[cfg(feature = "kernel")]
    #[command(subcommand)]
    Trust(trust::Verb),
    #[cfg(feature = "kernel")]
    Doctor(doctor::Args),
    Completions(generate::CompletionsArgs),
    Man(generate::ManArgs),
    #[cfg(feature = "kernel")]
    #[command(hide = true)]
    Act(act::Args),
}

impl Cli {
    pub(crate) fn run(self) -> Result<Outcome, Failure> {
        match self.verb {
            #[cfg(feature = "kernel")]
            Verb::Run(args) => run::main(&args),
            Verb::Map(verb) => map::main(verb),
            Verb::Explain(args) => explain::main(&args),
            Verb::Accept(args) => accept::main(&args),
            Verb::Replay(args) => replay::main(&args),
            Verb::Rules(verb) => rules::main(&verb),
            #[cfg(feature = "kernel")]
            Verb::Trust(verb) => trust::main(&verb),
            #[cfg(feature = "kernel")]
            Verb::Doctor(args) => doctor::main(&args),
            Verb::Completions(args) => generate::completions(&args, Self::command()),
            Verb::Man(args) => generate::man(&args, Self::command()),
            #[cfg(feature = "kernel")]
            Verb::Act(args) => Ok(Outcome::Code(act::main(&args))),
        }
    }
}

/// Prints the requested help, or the errors of the command line.
pub(crate) fn complain(error: &clap::Error) -> ExitCode {
    if !error.use_stderr() {
        // An error means that the reader closed the stream.
        let _ = error.print();
        return Exit::Success.into();
    }
    // The message contains arguments, which may contain control characters.
    let text = error.render().to_string();
    let lines: Vec<String> = text.trim_end().lines().map(escape::line).collect();
    write_stderr(format_args!("{}", lines.join("\n")));
    Exit::Usage.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }
}
