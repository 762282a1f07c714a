// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `ambit doctor`: what this host can enforce, what is missing, and how to get it.

mod canary;
mod checks;
mod coverage;

use std::fmt::Write;

use ambit_sensor::probe;
use serde::Serialize;

use crate::exit::{Exit, Failure, Outcome};
use crate::out::{Style, json_line, print};
use checks::Check;
use coverage::Coverage;

/// Say whether this machine can enforce maps, and if not, what is missing
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Exit status: 0 where enforcing is possible, and with --canary works for every operation that can be tried; 2 \
                  otherwise."
)]
pub(crate) struct Args {
    /// List every hook of this kernel: what is decided there, or why it is left alone
    #[arg(long)]
    hooks: bool,
    /// Perform one harmless operation of each kind, in throw-away processes, and show which were seen and refused
    #[arg(long, conflicts_with = "hooks")]
    canary: bool,
    /// As one JSON object
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
    /// With --canary, where this machine can enforce.
    #[serde(skip_serializing_if = "Option::is_none")]
    canary: Option<Vec<canary::Tried>>,
}

pub(crate) fn main(args: &Args) -> Result<Outcome, Failure> {
    let report = probe::host(args.hooks);
    let mut host = examine(&report);
    if args.canary && host.can_enforce {
        host.canary = Some(canary::all(&report.hooks)?);
    }
    match &host.canary {
        _ if args.json => print(&json_line(&host)?)?,
        Some(tried) => print(&canary::text(tried, Style::stdout()))?,
        None => print(&text(&host, args.hooks, Style::stdout()))?,
    };
    let good = host.can_enforce && host.canary.as_deref().is_none_or(canary::good);
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
        // The BPF file system is mounted on the way, where that is all that is missing.
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
        "The kernel part is loaded: `ambit run` is under way."
    } else {
        "Nothing is loaded at the moment."
    };
    let verdict = if host.can_enforce {
        style.green("This machine can enforce maps.")
    } else {
        style.red("This machine cannot enforce maps.")
    };
    let _ = writeln!(out, "\n{verdict} {loaded}");
    out
}
