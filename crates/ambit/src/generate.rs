// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `ambit completions` and `ambit man`: files that packages install beside the binary.

use std::path::{Path, PathBuf};

use ambit_files::Target;
use anyhow::Context;
use clap::Command;

use crate::exit::{Exit, Failure, OrExit, Outcome};
use crate::out::shown;
use crate::stdout::print;

/// Print the completion script of a shell
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  ambit completions bash >/usr/share/bash-completion/completions/ambit"
)]
pub(crate) struct CompletionsArgs {
    /// Shell to generate for
    shell: clap_complete::Shell,
}

/// Print the manual page, or write the pages of all verbs to a directory
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  ambit man | man -l -\n  ambit man /usr/share/man/man1")]
pub(crate) struct ManArgs {
    /// Directory for `ambit.1`, `ambit-run.1` and so on
    folder: Option<PathBuf>,
}

/// `command` is the whole command line.
pub(crate) fn completions(
    args: &CompletionsArgs,
    mut command: Command,
) -> Result<Outcome, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, "ambit", &mut script);
    print(&String::from_utf8_lossy(&script))
}

/// `command` is the whole command line.
pub(crate) fn man(args: &ManArgs, command: Command) -> Result<Outcome, Failure> {
    let Some(folder) = &args.folder else {
        let mut page = Vec::new();
        clap_mangen::Man::new(command)
            .render(&mut page)
            .context("writing the manual page")
            .or_exit(Exit::Trouble)?;
        return print(&String::from_utf8_lossy(&page));
    };
    std::fs::create_dir_all(folder)
        .map_err(anyhow::Error::from)
        .and_then(|()| pages(command, folder))
        .with_context(|| format!("writing manual pages to {}", shown(folder)))
        .or_exit(Exit::Trouble)?;
    Ok(Outcome::SUCCESS)
}

/// Writes the pages of a command and of its verbs.
fn pages(command: Command, folder: &Path) -> anyhow::Result<()> {
    let mut command = command.disable_help_subcommand(true);
    command.build();
    let mut left = vec![command];
    while let Some(command) = left.pop() {
        let verbs = command.get_subcommands().filter(|verb| !verb.is_hide_set());
        left.extend(verbs.cloned());
        let page = clap_mangen::Man::new(command);
        let mut bytes = Vec::new();
        page.render(&mut bytes)?;
        Target::plan(&folder.join(page.get_filename()))?.replace(&bytes, 0o666)?;
    }
    Ok(())
}
