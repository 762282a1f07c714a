// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `ambit replay`: shows which recorded operations a map or rules would have refused.

mod progress;
mod show;
mod show_rules;

use std::path::PathBuf;

use ambit_model::Map;
use ambit_policy::rule::Rule;
use ambit_replay::{Replay, RuleTest};

use crate::exit::{Exit, Failure, Outcome};
use crate::map;
use crate::out::note;
use crate::stdout::print;
use progress::ProgressBar;

/// Show which recorded operations a map or rules would have refused, and why
///
/// Recordings are made by `ambit run --record FILE`. Nothing is executed. Each operation outside the map is explained as
/// by `ambit explain`. Rules are evaluated before the map. A rule that depends on a field that the recording lacks is
/// counted as undecided.
#[derive(Debug, clap::Args)]
#[command(
    group = clap::ArgGroup::new("evaluated").args(["map", "rules"]).required(true).multiple(true),
    after_help = "Examples:\n  ambit run --learn -o web.map --record web.rec -- ./serve.sh\n  ambit replay web.rec -m web.map\n  ambit replay *.rec -m web.map --fail-on-violation\n  ambit replay web.rec --rules my.yaml            which operations would these rules have refused?\n  ambit replay web.rec --rules rules/ -m web.map  the same, followed by a map\n\nExit status: 0; 1 if the command line or a file is wrong; 2 if a recording cannot be read to its end; with --fail-on-violation, 3 if an operation is outside the map or refused by a rule."
)]
pub(crate) struct Args {
    /// Recordings to evaluate
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Evaluate this map
    #[arg(short, long, value_name = "MAP")]
    map: Option<PathBuf>,
    /// Evaluate the rules of this file, or of all .yaml and .yml files of this folder; may be repeated
    #[arg(long, value_name = "FILE")]
    rules: Vec<PathBuf>,
    /// Print JSON, one object per line: operations outside the map, then rules, then a summary
    #[arg(long)]
    json: bool,
    /// Exit with status 3 if an operation is outside the map or refused by a rule
    #[arg(long)]
    fail_on_violation: bool,
    /// Show no progress bar
    #[arg(short, long)]
    quiet: bool,
}

pub(crate) fn main(args: &Args) -> Result<Outcome, Failure> {
    let map = args.map.as_deref().map(map::read).transpose()?;
    let rules = if args.rules.is_empty() {
        None
    } else {
        Some(ambit_hoststate::RuleSet::read(&args.rules)?.rules)
    };
    let replay = replay(&args.files, map.as_ref(), rules.as_deref(), args.quiet)?;
    for flaw in replay.flaws() {
        note!("{flaw}");
    }
    for gap in replay.rules.iter().flat_map(RuleTest::gaps) {
        note!("{}", show_rules::gap(&gap));
    }
    let text = if args.json {
        show::as_json(&replay)?
    } else {
        show::as_text(args.map.as_deref(), &replay)
    };
    print(&text)?;
    let outside = replay.map.as_ref().is_some_and(|map| map.times > 0);
    let refused = replay
        .rules
        .as_ref()
        .is_some_and(|rules| rules.totals().refused > 0);
    Ok(Outcome::Exit(
        if args.fail_on_violation && (outside || refused) {
            Exit::Outside
        } else {
            Exit::Success
        },
    ))
}

/// Replays recordings with a progress bar.
pub(crate) fn replay<'a>(
    files: &[PathBuf],
    map: Option<&'a Map>,
    rules: Option<&'a [Rule]>,
    quiet: bool,
) -> Result<Replay<'a>, Failure> {
    let mut bar = ProgressBar::new(files, quiet);
    let replay = ambit_replay::replay(files, map, rules, |progress| bar.update(progress));
    Ok(replay?)
}

impl From<ambit_replay::Error> for Failure {
    fn from(error: ambit_replay::Error) -> Self {
        let exit = match error {
            ambit_replay::Error::Read { .. } => Exit::Trouble,
            _ => Exit::Usage,
        };
        Self::new(exit, error)
    }
}
