// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `ambit map generalize`: proposes patterns for names that vary in learned maps, and applies the chosen ones.

use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};

use ambit_event::escape;
use ambit_model::{
    Heuristic, LeftOut, MAPS_MAX, Map, Marks, Options, Proposal, Sensitive, Statistics, propose,
};
use ambit_report::{ProposalsView, Search};
use anyhow::{Context, anyhow};

use super::file::read_host_file;
use super::{add, figures, group_names, print_map, read_with_text, target, unseal, write};
use crate::exit::{Exit, Failure, OrExit, Outcome};
use crate::out::{Style, count, note, shown};
use crate::stdout::{json_line, print};

/// File with the host's additions to the list of sensitive places.
const LIST: &str = "/etc/ambit/sensitive";

/// Length of the shortest ids.
const ID_MIN: usize = 7;

/// Propose patterns for names that vary, and apply chosen proposals
///
/// Finds numbers, dates, hex digits, UUIDs, random names, versions, platforms, addresses, and many siblings of one kind.
/// Several maps of one domain, from different runs or machines, give better evidence than one. Nothing is applied without
/// --apply.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Maps of one domain; `-` is standard input
    #[arg(required_unless_present = "sensitive", value_name = "MAP")]
    files: Vec<PathBuf>,
    /// Apply these proposals and print the map; `all` applies those that are neither sensitive nor of high risk, `safe` those
    /// of them that only replace digits and other fixed forms in names
    #[arg(long, value_name = "ID", value_delimiter = ',')]
    apply: Vec<String>,
    /// Write the map to this file instead of standard output
    #[arg(short, long, value_name = "MAP", requires = "apply")]
    output: Option<PathBuf>,
    /// Print the proposals as one JSON object
    #[arg(long, conflicts_with = "apply")]
    json: bool,
    /// Print the list of sensitive places, where `--apply all` and `--apply safe` change nothing
    #[arg(long)]
    sensitive: bool,
    /// Add the sensitive places of this file, and with `never` the places that stay exact [in addition to /etc/ambit/sensitive]
    #[arg(long, value_name = "FILE")]
    list: Vec<PathBuf>,
    /// Require this many different values for every proposal [default: depends on the kind]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    support: Option<u16>,
    /// Make no proposal by this heuristic, to see its effect; docs/learning.md lists them
    #[arg(
        long,
        value_name = "HEURISTIC",
        value_delimiter = ',',
        value_parser = proposals,
        hide_short_help = true
    )]
    without: Vec<Heuristic>,
    /// Search this directory for paths that proposals would newly allow
    #[arg(long, value_name = "DIR", default_value = "/")]
    against: PathBuf,
    /// Do not search for newly allowed paths
    #[arg(long, conflicts_with = "against")]
    no_walk: bool,
    /// Stop the search after this many paths
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    walk_limit: u64,
}

fn proposals(text: &str) -> Result<Heuristic, String> {
    match text.parse() {
        Ok(found @ Heuristic::Propose(_)) => Ok(found),
        Ok(_) => Err(
            "this is a step of learning; here only proposals can be left out, such as propose-hex"
                .to_owned(),
        ),
        Err(unknown) => Err(unknown.to_string()),
    }
}

const EXAMPLES: &str = "\
Examples:
  ambit map generalize web.map                             list proposals
  ambit map generalize monday.map tuesday.map              list proposals, comparing two maps
  ambit map generalize web.map --apply safe -o web.map     apply those that only replace digits and the like
  ambit map generalize web.map --apply all -o web.map      apply all that are neither sensitive nor of high risk
  ambit map generalize web.map --apply g3fa2c1 -o web.map  apply one
  ambit map generalize --sensitive                         list the sensitive places

A comment `# keep exact` beside or above a line keeps the line; `# never generalize` keeps all lines of a subject.";

pub(super) fn main(args: &Args) -> Result<Outcome, Failure> {
    let sensitive = list(&args.list)?;
    if args.sensitive {
        return print(&sensitive.to_string());
    }
    let mut inputs = Inputs::read(&args.files, sensitive, args.support.map(usize::from))?;
    inputs.options.without = args.without.iter().copied().collect();
    let proposals = propose(&inputs.map, &inputs.maps, &inputs.options);
    if !args.apply.is_empty() {
        return apply(args, &inputs, &proposals);
    }
    let search = if args.no_walk {
        None
    } else {
        Some(search(args, &inputs.map, &proposals)?)
    };
    let runs = inputs
        .options
        .statistics
        .as_ref()
        .map_or(0, |figures| figures.runs().len());
    let view = ProposalsView::new(&inputs.map, &proposals, search.as_ref(), runs);
    if args.json {
        return print(&json_line(&view)?);
    }
    print(&view.text(&names(&args.files), Style::stdout()))
}

/// Searches for paths that the proposals would newly allow. On a terminal, shows the progress.
fn search(args: &Args, map: &Map, proposals: &[Proposal]) -> Result<Search, Failure> {
    // A failure loses only the progress line.
    let line = |text: &str| {
        let mut stderr = io::stderr().lock();
        if stderr.is_terminal() {
            let _ = write!(stderr, "\r\x1b[K{text}");
            let _ = stderr.flush();
        }
    };
    let mut progress = |paths, directory: &[u8]| {
        let shown: String = escape::name(directory).chars().take(50).collect();
        line(&format!("{paths} paths searched: {shown}"));
    };
    let search = Search::over(
        &args.against,
        args.walk_limit,
        proposals,
        map,
        &mut progress,
    );
    line("");
    search.or_exit(Exit::Usage)
}

/// The maps that were read, merged, and the options that their comments set.
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
                without: LeftOut::default(),
            },
        })
    }
}

fn apply(args: &Args, inputs: &Inputs, proposals: &[Proposal]) -> Result<Outcome, Failure> {
    let chosen = choose(&args.apply, proposals)?;
    let mut after = inputs.map.generalized(chosen.iter().copied());
    after.regroup(&group_names());
    let first = args.files.first().map(shown).unwrap_or_default();
    unseal(&inputs.map, &mut after, &first);
    let text = after.print_keeping(&inputs.text);
    match &args.output {
        None => drop(print_map(&text)?),
        Some(path) => write(&target(path, "map")?, &text)?,
    }
    note!(
        "{} applied: {} of {} become {}",
        count(chosen.len(), "proposal"),
        chosen.iter().map(|one| one.removed_lines()).sum::<usize>(),
        count(inputs.map.rule_count(), "line"),
        chosen.iter().map(|one| one.added_lines()).sum::<usize>(),
    );
    if inputs.maps.len() > 1 {
        note!("only the comments of {first} were kept");
    }
    let left: Vec<&str> = proposals
        .iter()
        .filter(|one| !one.is_for_all() && one.instead_of.is_none() && !chosen.contains(one))
        .map(|one| &*one.id)
        .collect();
    if !left.is_empty() {
        note!(
            "{} not applied because sensitive or of high risk; to apply, pass --apply {}",
            count(left.len(), "proposal"),
            left.join(",")
        );
    }
    Ok(Outcome::SUCCESS)
}

/// Returns the proposals with these ids; `all` and `safe` select proposals by their risk.
fn choose<'p>(ids: &[String], proposals: &'p [Proposal]) -> Result<Vec<&'p Proposal>, Failure> {
    // Other maps or lines may make an id longer or shorter.
    let is = |one: &Proposal, id: &String| {
        id.len() >= ID_MIN && (one.id.starts_with(&**id) || id.starts_with(&*one.id))
    };
    for id in ids {
        let chosen = proposals.iter().filter(|one| is(one, id)).count();
        if chosen > 1 {
            return Err(Failure::usage(anyhow!(
                "several proposals have ids that begin with `{}`; give more of the id",
                escape::line(id)
            )));
        }
        if id != "all" && id != "safe" && chosen == 0 {
            return Err(Failure::usage(anyhow!(
                "there is no proposal `{}`; run without --apply to list the proposals",
                escape::line(id)
            )));
        }
    }
    let has = |word: &str| ids.iter().any(|id| id == word);
    let (all, safe) = (has("all"), has("safe"));
    let chosen = proposals.iter().filter(|one| {
        ids.iter().any(|id| is(one, id)) || all && one.is_for_all() || safe && one.is_safe()
    });
    Ok(chosen.collect())
}

/// Reads the list of sensitive places: the built-in entries, the host's entries and the entries of the given files.
pub(super) fn list(files: &[PathBuf]) -> Result<Sensitive, Failure> {
    let mut list = Sensitive::default();
    let mut extend = |path: &Path, text: &str| {
        list.extend(text)
            .with_context(|| format!("in the list {}", shown(path)))
            .or_exit(Exit::Usage)
    };
    let own = Path::new(LIST);
    if let Some(text) = read_host_file(own, "the list")? {
        extend(own, &text)?;
    }
    for path in files {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read the list {}", shown(path)))
            .or_exit(Exit::Usage)?;
        extend(path, &text)?;
    }
    Ok(list)
}

fn names(files: &[PathBuf]) -> String {
    let names: Vec<String> = files.iter().map(shown).collect();
    names.join(" ")
}

/// Returns a line about the proposals for a map that was just learned, and written with this text, if there are any.
#[cfg(feature = "kernel")]
pub(crate) fn hint(path: &Path, map: &Map, text: &str) -> Option<String> {
    let options = Options {
        // Errors in the host's list are reported by `ambit map generalize`.
        sensitive: list(&[]).unwrap_or_default(),
        marks: Marks::of(text, map),
        statistics: figures::read(path)
            .ok()?
            .filter(|figures| figures.chain == map.chain),
        support: None,
        without: LeftOut::default(),
    };
    let proposals = propose(map, std::slice::from_ref(map), &options);
    let outer = proposals.iter().filter(|one| one.instead_of.is_none());
    let lines: usize = outer.map(Proposal::removed_lines).sum();
    (lines > 0).then(|| {
        format!(
            "{} would cover {}: ambit map generalize {}",
            count(proposals.len(), "proposal"),
            count(lines, "line"),
            shown(path)
        )
    })
}
