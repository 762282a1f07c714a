// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `ambit map status`: estimates from the figures of learning runs whether a map has been learned long enough.

use std::path::PathBuf;

use ambit_report::EstimateView;
use anyhow::anyhow;

use super::figures;
use crate::exit::{Failure, Outcome};
use crate::out::{Style, shown};
use crate::stdout::{json_line, print};

/// Estimate how likely the next run is outside a map, and advise whether to continue learning
///
/// Reads the figures of the map's learning runs from the file beside it (MAP.stats). docs/learning.md explains the estimates
/// and their limits.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  ambit map status web.map\n  ambit map status web.map --json")]
pub(crate) struct Args {
    /// Map to examine
    file: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub(crate) fn main(args: &Args) -> Result<Outcome, Failure> {
    let map = super::read(&args.file)?;
    let Some(statistics) = figures::read(&args.file)? else {
        return Err(Failure::usage(anyhow!(
            "there are no figures of learning runs for {} ({} is missing); `ambit run --learn -o {0}` creates them",
            shown(&args.file),
            shown(figures::path(&args.file))
        )));
    };
    if statistics.chain != map.chain {
        return Err(Failure::usage(anyhow!(
            "{} belongs to a map with `chain: {}`, but this map has `chain: {}`; move the file away and learn again",
            shown(figures::path(&args.file)),
            statistics.chain,
            map.chain
        )));
    }
    let estimate = statistics.estimate(&map);
    let view = EstimateView::new(shown(&args.file), &map, &estimate);
    if args.json {
        return print(&json_line(&view)?);
    }
    print(&view.text(Style::stdout()))
}
