// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `ambit accept`: extends a map by violations.

use std::path::PathBuf;

use ambit_event::Reason;
use anyhow::{Context, anyhow};

use crate::exit::{Exit, Failure, OrExit, Outcome};
use crate::explain::choose;
use crate::map;
use crate::out::{Style, note, shown};
use crate::stdout::print;
use crate::store::stored;
use crate::value::domain_name;

/// Change a map as little as possible so that it allows a violation
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  ambit accept v3 --into web.map\n  ambit accept v1 v2 v5 --into web.map --domain web"
)]
pub(crate) struct Args {
    /// Ids of violations, as `ambit explain` shows them
    #[arg(required = true)]
    ids: Vec<String>,
    /// The map to change
    #[arg(long, value_name = "MAP")]
    into: PathBuf,
    /// Use the newest run of this domain, instead of the newest run of all
    #[arg(long, value_name = "NAME", value_parser = domain_name)]
    domain: Option<String>,
}

pub(crate) fn main(args: &Args) -> Result<Outcome, Failure> {
    let stored = stored(args.domain.as_deref())?;
    let target = map::target(&args.into, "map")?;
    let (before, text) = map::read_with_text(&args.into)?;
    if args.domain.is_none() && stored.run.domain != before.domain {
        return Err(Failure::usage(anyhow!(
            "the newest run is of domain `{0}`, and {1} is the map of domain `{2}`; give `--domain {2}` for that domain's newest \
             run, or `--domain {0}` if the map shall allow operations of this one",
            stored.run.domain,
            shown(&args.into),
            before.domain
        )));
    }
    let mut after = before.clone();
    for violation in choose(&stored, &args.ids)? {
        let id = &violation.id;
        let (event, subject) = violation
            .event()
            .ok_or_else(|| Failure::new(Exit::Trouble, anyhow!("the record of {id} is damaged")))?;
        if event.reason == Reason::Gate {
            return Err(Failure::usage(anyhow!(
                "{id} was refused because the task was not trusted any more, and no line of a map changes that; see `ambit explain {id}`"
            )));
        }
        after = after
            .accept(&ambit_model::Violation { event, subject })
            .with_context(|| format!("cannot accept {id}"))
            .or_exit(Exit::Usage)?;
    }
    let diff = before.diff(&after);
    if diff.is_empty() {
        note!("{} allows this already", shown(&args.into));
        return Ok(Outcome::SUCCESS);
    }
    map::unseal(&before, &mut after, &shown(&args.into));
    map::write(&target, &after.print_keeping(&text))?;
    print(&map::painted(&diff.to_string(), Style::stdout()))
}
