// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `ambit map generalize`: what varies by nature in learned maps, and patterns for it that a person chooses from.

mod show;
mod walk;

use std::io;
use std::path::{Path, PathBuf};

use ambit_event::escape;
use ambit_model::{MAPS_MAX, Map, Marks, Options, Proposal, Sensitive, Statistics, propose};
use anyhow::{Context, anyhow};

use super::{add, figures, read_with_text, write};
use crate::exit::{Exit, Failure, OrExit, Outcome};
use crate::out::{Style, count, json_line, note, print, shown};
use show::View;
use walk::Walk;

/// The host's own entries for the list of sensitive places.
const LIST: &str = "/etc/ambit/sensitive";

/// Propose patterns for what varies by nature, and apply those that are chosen
///
/// Numbers, dates, hex digits, UUIDs, random names, versions, platforms, addresses, and many siblings of one kind.
/// Several maps of one domain, of different runs or machines, tell more than one. Nothing is applied without --apply.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Maps of one domain; `-` is standard input
    #[arg(required_unless_present = "sensitive", value_name = "MAP")]
    files: Vec<PathBuf>,
    /// Apply these proposals, or `all` that are not sensitive, and print the map
    #[arg(long, value_name = "ID", value_delimiter = ',')]
    apply: Vec<String>,
    /// Where to write the map; standard output otherwise
    #[arg(short, long, value_name = "MAP", requires = "apply")]
    output: Option<PathBuf>,
    /// The proposals as one JSON object
    #[arg(long, conflicts_with = "apply")]
    json: bool,
    /// Print the places where nothing is applied unless it is named
    #[arg(long)]
    sensitive: bool,
    /// More sensitive places, and with `never` places that stay exact [besides /etc/ambit/sensitive]
    #[arg(long, value_name = "FILE")]
    list: Vec<PathBuf>,
    /// How many different values it takes, whatever varies [default: by what varies]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    support: Option<u16>,
    /// The file system on which to look for what would be newly allowed
    #[arg(long, value_name = "DIR", default_value = "/")]
    against: PathBuf,
    /// Look at no file system
    #[arg(long, conflicts_with = "against")]
    no_walk: bool,
    /// How many paths to look at
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    walk_limit: u64,
}

const EXAMPLES: &str = "\
Examples:
  ambit map generalize web.map                            what could be patterns
  ambit map generalize monday.map tuesday.map             the same, from what differs between them
  ambit map generalize web.map --apply all -o web.map     apply what is not sensitive
  ambit map generalize web.map --apply g3fa2c1 -o web.map apply one
  ambit map generalize --sensitive > list                 the sensitive places, to be read

A line of a map stays as it is with a comment `# keep exact` beside or above it, a subject with `# never generalize`.";

pub(super) fn main(args: &Args) -> Result<Outcome, Failure> {
    let sensitive = list(&args.list)?;
    if args.sensitive {
        return print(&sensitive.to_string());
    }
    let inputs = Inputs::read(&args.files, sensitive, args.support.map(usize::from))?;
    let proposals = propose(&inputs.map, &inputs.maps, &inputs.options);
    if !args.apply.is_empty() {
        return apply(args, &inputs, &proposals);
    }
    let walk = if args.no_walk {
        None
    } else {
        Some(Walk::over(
            &args.against,
            args.walk_limit,
            &proposals,
            &inputs.map,
        )?)
    };
    let runs = inputs
        .options
        .statistics
        .as_ref()
        .map_or(0, |figures| figures.runs().len());
    let view = View::new(&inputs.map, &proposals, walk.as_ref(), runs);
    if args.json {
        return print(&json_line(&view)?);
    }
    print(&show::text(&view, &names(&args.files), Style::stdout()))
}

/// The maps, what they are together, and what their comments ask for.
struct Inputs {
    maps: Vec<Map>,
    map: Map,
    /// The first map's text, whose comments are kept.
    text: String,
    options: Options,
}

impl Inputs {
    fn read(
        files: &[PathBuf],
        sensitive: Sensitive,
        support: Option<usize>,
    ) -> Result<Self, Failure> {
        if files.len() > MAPS_MAX {
            return Err(Failure::usage(anyhow!(
                "at most {MAPS_MAX} maps can be compared; merge some with `ambit map merge`"
            )));
        }
        let mut marks = Marks::default();
        let (mut maps, mut merged, mut first) = (Vec::new(), None, None);
        let mut statistics: Option<Statistics> = None;
        for path in files {
            let (map, text) = read_with_text(path)?;
            marks.merge(Marks::of(&text, &map));
            merged = Some(add(merged, map.clone(), path)?);
            let figures = figures::read(path)?.filter(|figures| figures.chain == map.chain);
            statistics = match (statistics, figures) {
                (Some(before), Some(more)) => before.merge(&more).ok(),
                (one, other) => one.or(other),
            };
            maps.push(map);
            first.get_or_insert(text);
        }
        Ok(Self {
            maps,
            map: merged.ok_or_else(|| Failure::usage(anyhow!("no map was given")))?,
            text: first.unwrap_or_default(),
            options: Options {
                sensitive,
                marks,
                statistics,
                support,
            },
        })
    }
}

fn apply(args: &Args, inputs: &Inputs, proposals: &[Proposal]) -> Result<Outcome, Failure> {
    let chosen = choose(&args.apply, proposals)?;
    let after = inputs.map.generalized(chosen.iter().copied());
    let outcome = write(&after.print_keeping(&inputs.text), args.output.as_deref())?;
    note!(
        "{} applied: {} of {} become {}",
        count(chosen.len(), "proposal"),
        chosen.iter().map(|one| one.replaced()).sum::<usize>(),
        count(inputs.map.rules(), "line"),
        chosen.iter().map(|one| one.lines()).sum::<usize>(),
    );
    if inputs.maps.len() > 1 {
        let first = args.files.first().map(shown).unwrap_or_default();
        note!("comments were kept of {first} only");
    }
    let left: Vec<&str> = proposals
        .iter()
        .filter(|one| !one.sensitive.is_empty() && !chosen.contains(one))
        .map(|one| &*one.id)
        .collect();
    if !left.is_empty() {
        note!(
            "not applied, being sensitive: {}; name them to apply them: --apply {}",
            count(left.len(), "proposal"),
            left.join(",")
        );
    }
    Ok(outcome)
}

/// The proposals of these ids; `all` is those that are not sensitive.
fn choose<'p>(ids: &[String], proposals: &'p [Proposal]) -> Result<Vec<&'p Proposal>, Failure> {
    for id in ids {
        if id != "all" && !proposals.iter().any(|one| one.id == *id) {
            return Err(Failure::usage(anyhow!(
                "there is no proposal `{}`; without --apply those that there are are listed",
                escape::line(id)
            )));
        }
    }
    let all = ids.iter().any(|id| id == "all");
    Ok(proposals
        .iter()
        .filter(|one| ids.contains(&one.id) || all && one.sensitive.is_empty())
        .collect())
}

/// The built-in list with the host's own entries and those of the files given.
fn list(files: &[PathBuf]) -> Result<Sensitive, Failure> {
    let mut list = Sensitive::default();
    let own = Path::new(LIST);
    for (path, needed) in
        std::iter::once((own, false)).chain(files.iter().map(|path| (&**path, true)))
    {
        let text = match std::fs::read_to_string(path) {
            Err(error) if !needed && error.kind() == io::ErrorKind::NotFound => continue,
            text => text
                .with_context(|| format!("cannot read the list {}", shown(path)))
                .or_exit(Exit::Usage)?,
        };
        list.extend(&text)
            .with_context(|| format!("in the list {}", shown(path)))
            .or_exit(Exit::Usage)?;
    }
    Ok(list)
}

fn names(files: &[PathBuf]) -> String {
    let names: Vec<String> = files.iter().map(shown).collect();
    names.join(" ")
}

/// A line about what could be generalised in a map that was just learned, if there is anything.
pub(crate) fn hint(path: &Path) -> Option<String> {
    // What is wrong with the host's list is told by the command itself.
    let sensitive = list(&[]).unwrap_or_default();
    let inputs = Inputs::read(&[path.to_owned()], sensitive, None).ok()?;
    let proposals = propose(&inputs.map, &inputs.maps, &inputs.options);
    let lines: usize = proposals.iter().map(Proposal::replaced).sum();
    (lines > 0).then(|| {
        format!(
            "{} would cover {}: ambit map generalize {}",
            count(proposals.len(), "proposal"),
            count(lines, "line"),
            shown(path)
        )
    })
}
