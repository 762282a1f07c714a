// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `ambit doctor`: shows whether this host can enforce maps, with a remedy for each failed check.

mod canary;
mod checks;
mod coverage;

use std::fmt::Write;

use ambit_canary::{Checked, all_refused};
use ambit_sensor::probe;
use serde::Serialize;

use crate::exit::{Exit, Failure, Outcome};
use crate::out::Style;
use crate::stdout::{json_line, print};
use checks::Check;
use coverage::Coverage;

/// Check whether this machine can enforce maps, and show a remedy for each failed check
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  ambit doctor\n  ambit doctor --hooks   which hooks does this kernel offer?\n  ambit doctor --canary  does enforcing work for every operation?\n\nExit status: 0 if this machine can enforce maps, and with --canary if every operation that can be tried is seen and refused; otherwise 2."
)]
pub(crate) struct Args {
    /// List every hook of this kernel, with its operations or the reason why Ambit does not use it
    #[arg(long)]
    hooks: bool,
    /// Perform one harmless operation of each kind in a short-lived process, and show which were seen and refused
    #[arg(long, conflicts_with = "hooks")]
    canary: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Host {
    can_enforce: bool,
    kernel: String,
    loaded: bool,
    checks: Vec<Check>,
    coverage: Coverage,
    /// With --canary, if this machine can enforce.
    #[serde(skip_serializing_if = "Option::is_none")]
    canary: Option<Vec<Checked>>,
}

pub(crate) fn main(args: &Args) -> Result<Outcome, Failure> {
    let report = probe::host(args.hooks);
    let mut host = examine(&report);
    if args.canary && host.can_enforce {
        host.canary = Some(canary::all(&report.hooks)?);
    }
    match &host.canary {
        _ if args.json => print(&json_line(&host)?)?,
        Some(checked) => print(&canary::text(checked, Style::stdout()))?,
        None => print(&text(&host, args.hooks, Style::stdout()))?,
    };
    let good = host.can_enforce && host.canary.as_deref().is_none_or(all_refused);
    Ok(Outcome::Exit(if good {
        Exit::Success
    } else {
        Exit::Trouble
    }))
}

fn examine(report: &probe::Report) -> Host {
    let coverage = Coverage::new(&report.hooks);
    let mut checks = checks::all(report);
    checks.push(coverage.check());
    Host {
        // `ambit run` mounts the BPF file system if it is missing.
        can_enforce: checks
            .iter()
            .all(|check| check.ok || check.name == "bpf file system"),
        kernel: report.release.clone(),
        loaded: report.loaded,
        checks,
        coverage,
        canary: None,
    }
}

fn text(host: &Host, hooks: bool, style: Style) -> String {
    let mut out = format!("kernel {}\n", ambit_event::escape::line(&host.kernel));
    for check in &host.checks {
        let mark = if check.ok {
            style.green("ok     ")
        } else {
            style.red("missing")
        };
        let _ = writeln!(
            out,
            "{mark}  {:<18}{}",
            check.name,
            ambit_event::escape::line(&check.found)
        );
        if let Some(help) = &check.help {
            let _ = writeln!(
                out,
                "         {:<18}{}",
                "",
                style.yellow(format!("-> {help}"))
            );
        }
    }
    if hooks {
        out.push('\n');
        out.push_str(&host.coverage.text(style));
    }
    let loaded = if host.loaded {
        "The kernel part is loaded."
    } else {
        "The kernel part is not loaded."
    };
    let verdict = if host.can_enforce {
        style.green("This machine can enforce maps.")
    } else {
        style.red("This machine cannot enforce maps.")
    };
    let _ = writeln!(out, "\n{verdict} {loaded}");
    out
}
