// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `ambit explain`: shows operations outside the map, the reason, and the smallest change that allows each.

use std::ffi::OsString;
use std::fmt::Write;
use std::ops::RangeInclusive;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

use ambit_event::{Reason, escape};
use ambit_journal::{StoredRun, Violation, losses};
use ambit_model::{Explanation, Map, Matcher};
use anyhow::anyhow;
use serde::Serialize;

use crate::exit::{Failure, Outcome};
use crate::map;
use crate::out::{Style, count, kept, note};
use crate::stdout::{json_line, print};
use crate::store::stored;
use crate::value::domain_name;

/// Show the operations outside the map in the newest run, why they were, and how to allow them
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  ambit explain\n  ambit explain v3\n  ambit accept v3 --into web.map"
)]
pub(crate) struct Args {
    /// Show only these violations (v1, v2, ...)
    ids: Vec<String>,
    /// Show the newest run of this domain instead of the newest run
    #[arg(long, value_name = "NAME", value_parser = domain_name)]
    domain: Option<String>,
    /// Print JSON, one object per line
    #[arg(long)]
    json: bool,
}

pub(crate) fn main(args: &Args) -> Result<Outcome, Failure> {
    let stored = stored(args.domain.as_deref())?;
    let chosen = choose(&stored, &args.ids)?;
    let map = map_of(&stored, args.json);
    let matcher = Matcher::new(&map, ephemeral_ports());
    let explained: Vec<Explained<'_>> = chosen
        .into_iter()
        .filter_map(|violation| Explained::new(violation, &stored, &matcher))
        .collect();
    if args.json {
        let lines: Result<Vec<_>, _> = explained.iter().map(json_line).collect();
        return print(&lines?.concat());
    }
    let style = Style::stdout();
    let mut out = if args.ids.is_empty() {
        head(&stored, style)
    } else {
        String::new()
    };
    for explained in &explained {
        out.push_str(&explained.text(style));
    }
    print(&out)
}

/// Returns the violations with these ids, or all.
pub(crate) fn choose<'s>(
    stored: &'s StoredRun,
    ids: &[String],
) -> Result<Vec<&'s Violation>, Failure> {
    if ids.is_empty() {
        return Ok(stored.violations.iter().collect());
    }
    ids.iter()
        .map(|id| {
            stored.violation(id).ok_or_else(|| {
                Failure::usage(anyhow!(
                    "the run of {} in domain `{}` has no violation `{}`; it has {}",
                    stored.run.began,
                    stored.run.domain,
                    escape::line(id),
                    match stored.violations.len() {
                        0 => "none".to_owned(),
                        1 => "v1".to_owned(),
                        last => format!("v1 to v{last}"),
                    }
                ))
            })
        })
        .collect()
}

/// Reads the map as it is now; if that fails, returns one that allows nothing.
fn map_of(stored: &StoredRun, silent: bool) -> Map {
    let path = PathBuf::from(OsString::from_vec(stored.run.map_bytes.0.clone()));
    let read = if silent {
        map::read(&path)
    } else {
        map::read_reporting(&path, true)
    };
    read.unwrap_or_else(|failure| {
        if !silent {
            failure.report();
            note!("the explanations do not use the map");
        }
        Map::new(stored.run.domain.clone())
    })
}

/// Reads the host's range of ephemeral ports; the kernel's default if that fails.
fn ephemeral_ports() -> RangeInclusive<u16> {
    let read = || {
        let text = std::fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").ok()?;
        let mut numbers = text.split_whitespace().map(str::parse);
        Some(numbers.next()?.ok()?..=numbers.next()?.ok()?)
    };
    read().unwrap_or(32_768..=60_999)
}

/// Describes the run and the number of operations outside the map.
fn head(stored: &StoredRun, style: Style) -> String {
    let StoredRun {
        run,
        violations,
        end,
        unreadable,
    } = stored;
    let mut out = String::new();
    let until = end.as_ref().map_or_else(
        || ", still running or interrupted".to_owned(),
        |end| format!(" to {}", end.ended),
    );
    let _ = writeln!(
        out,
        "{}: {} with {} from {}{until}",
        style.bold(escape::line(&run.domain)),
        run.mode,
        escape::line(&run.map),
        escape::line(&run.began),
    );
    let command: Vec<String> = run.command.iter().map(|word| escape::line(word)).collect();
    let _ = writeln!(out, "command: {}", command.join(" "));
    if *unreadable > 0 {
        let _ = writeln!(out, "{} cannot be read", count(*unreadable, "stored line"));
    }
    let (dropped, lost) = end.as_ref().map_or((0, 0), |end| (end.dropped, end.lost));
    if !violations.is_empty() {
        let what = kept(violations.len(), dropped, "operation");
        let _ = writeln!(out, "{what} outside the map");
    } else if lost == 0 && *unreadable == 0 {
        out.push_str("nothing was outside the map\n");
        return out;
    }
    for loss in losses(dropped, lost) {
        let _ = writeln!(out, "{loss}");
    }
    out.push('\n');
    out
}

/// A violation with its explanation.
#[derive(Debug, Serialize)]
struct Explained<'s> {
    id: &'s str,
    /// The command that allows it; `null` if no line of a map can.
    accept: Option<String>,
    /// True if the map has been changed to allow it.
    allowed_by_now: bool,
    explanation: Explanation,
    violation: &'s Violation,
}

impl<'s> Explained<'s> {
    fn new(violation: &'s Violation, stored: &StoredRun, matcher: &Matcher<'_>) -> Option<Self> {
        let (event, subject) = violation.event()?;
        let event = ambit_model::Violation { event, subject };
        let explanation = matcher.map().explain(&event);
        let gated = event.event.reason == Reason::Gate;
        let allowed = match (&event.subject, event.event.object()) {
            (Some(subject), Some(object)) => matcher.allows(subject, event.event.operation, object),
            _ => false,
        };
        let accept = (!gated && !allowed && explanation.change.is_some()).then(|| {
            format!(
                "ambit accept {} --into {} --domain {}",
                violation.id,
                escape::shell(&stored.run.map),
                escape::shell(&stored.run.domain)
            )
        });
        Some(Self {
            id: &violation.id,
            accept,
            allowed_by_now: allowed && !gated,
            explanation,
            violation,
        })
    }

    fn text(&self, style: Style) -> String {
        let mut explanation = self.explanation.clone();
        let gated = self.violation.reason == Reason::Gate;
        if gated || self.allowed_by_now {
            explanation.change = None;
        }
        let text = explanation.to_string();
        let (first, rest) = text.split_once('\n').unwrap_or((&text, ""));
        let mut out = format!("{} {}\n{rest}", style.bold(self.id), style.bold(first));
        let Violation {
            comm, pid, time, ..
        } = self.violation;
        let _ = writeln!(
            out,
            "  first    {} (process {pid}) at {}",
            escape::line(comm),
            escape::line(time)
        );
        if let Some(cause) = &self.violation.cause {
            let what = cause.violation.as_ref().map_or_else(
                || {
                    format!(
                        "taken by {}, process {}",
                        escape::line(&cause.source),
                        cause.pid
                    )
                },
                |id| format!("lost by {} of process {}", escape::line(id), cause.pid),
            );
            let _ = writeln!(
                out,
                "  untrusted since {}: {what}",
                escape::line(&cause.time)
            );
        }
        if gated {
            let pid = self.violation.pid;
            let _ = writeln!(
                out,
                "  no rule of a map allows it: `ambit trust clear --pid {pid} --reason WHY` restores the trust of the process; the map's \
                 `respond: untrusted:` chooses the gated operations"
            );
        } else if self.allowed_by_now {
            out.push_str("  the map now allows it\n");
        } else if let Some(accept) = &self.accept {
            let _ = writeln!(out, "  with     {}", style.green(accept));
        }
        out.push('\n');
        out
    }
}
