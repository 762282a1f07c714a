// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `ambit map compact`: rewrites a map with few lines, in version 2 of the format.

use std::path::{Path, PathBuf};

use ambit_model::{GroupNames, Version};
use anyhow::Context;

use super::file::read_host_file;
use super::{print_map, read_with_text, target, unseal, write};
use crate::exit::{Exit, Failure, OrExit, Outcome};
use crate::out::{count, note, shown};
use crate::stdout::print;

/// File with the host's own names for groups.
const NAMES: &str = "/etc/ambit/groups";

/// Rewrite a map with fewer lines: version 2 of the format
///
/// Leaves out lines that another line implies: `map.exec FILE` implies `file.open r FILE`, and `exe: FILE` implies both for
/// the subject's own file. Lines that several subjects share become a group, which stands once in the file and is named
/// after its paths. A map of version 1 may then allow rules that it lacked; their number is printed.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  ambit map compact web.map                print it\n  ambit map compact web.map -o web.map     rewrite the file\n  ambit map show --flat web.map            print all rules of each subject\n  ambit map compact --names > groups       print the built-in names of groups; /etc/ambit/groups adds others"
)]
pub(crate) struct Args {
    /// Map to read; `-` is standard input
    #[arg(required_unless_present = "names")]
    file: Option<PathBuf>,
    /// Write to this file instead of standard output
    #[arg(short, long, value_name = "MAP")]
    output: Option<PathBuf>,
    /// Print the built-in names of groups, by the paths that they stand for
    #[arg(long, conflicts_with_all = ["file", "output"])]
    names: bool,
}

pub(super) fn main(args: &Args) -> Result<Outcome, Failure> {
    let Some(file) = &args.file else {
        return print(GroupNames::BUILT_IN);
    };
    let names = host_names()?;
    let (before, text) = read_with_text(file)?;
    let mut map = before.clone();
    map.version = Version::Two;
    map.normalise();
    map.regroup(&names);
    let new = map.rules_beyond(&before);
    unseal(&before, &mut map, &shown(file));
    let compact = map.print_keeping(&text);
    match &args.output {
        None => drop(print_map(&compact)?),
        Some(path) => write(&target(path, "map")?, &compact)?,
    }
    note!(
        "{} become {}; {} new: implied by other lines",
        count(before.line_count(), "line"),
        map.line_count(),
        count(new, "rule"),
    );
    Ok(Outcome::SUCCESS)
}

/// Returns the names of groups: the host's, then the built-in ones.
fn host_names() -> Result<GroupNames, Failure> {
    let own = Path::new(NAMES);
    let Some(text) = read_host_file(own, "the names of groups in")? else {
        return Ok(GroupNames::default());
    };
    let own = GroupNames::parse(&text)
        .with_context(|| format!("in {}", shown(own)))
        .or_exit(Exit::Usage)?;
    Ok(GroupNames::default().after(own))
}

/// The same, for callers that have written most of a map already: `ambit map compact` reports errors in the host's file.
pub(crate) fn group_names() -> GroupNames {
    host_names().unwrap_or_default()
}
