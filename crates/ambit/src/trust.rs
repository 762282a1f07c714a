// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `ambit trust`: which tasks are untrusted, and the operator's own say in it.

use std::collections::BTreeMap;
use std::fmt::Write;

use ambit_abi::{Cause, Hook, Op, TRUST_OPERATOR};
use ambit_event::{Operation, escape, trust_names};
use ambit_sensor::{Kernel, LoadOptions, TaskInfo};
use anyhow::anyhow;
use serde::Serialize;

use crate::exit::{Exit, Failure, Outcome};
use crate::out::{Style, count, json_line, note, print};
use crate::store::{self, Clock, Violation};

/// Show and change which tasks are trusted
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Verb {
    /// List the processes that have lost their trust, and what cost it
    Ls {
        /// List the trusted ones too
        #[arg(short, long)]
        all: bool,
        /// One JSON object a line
        #[arg(long)]
        json: bool,
    },
    /// Take the trust from a process, and so from what it starts from now on
    Set {
        /// Its number, outside of any container
        #[arg(long)]
        pid: u32,
    },
    /// Give a process its trust back, whoever took it
    Clear {
        /// Its number, outside of any container
        #[arg(long)]
        pid: u32,
    },
}

pub(crate) fn main(verb: &Verb) -> Result<Outcome, Failure> {
    let Some(kernel) = Kernel::open(&LoadOptions::default())? else {
        if let Verb::Ls { .. } = verb {
            note!("nothing is loaded: no `ambit run` is under way");
            return Ok(Outcome::SUCCESS);
        }
        return Err(Failure::new(
            Exit::Trouble,
            anyhow!("nothing is loaded, so no process has a label: no `ambit run` is under way"),
        ));
    };
    match verb {
        Verb::Ls { all, json } => ls(&kernel, *all, *json),
        Verb::Set { pid } => {
            let threads = kernel.set_trust(*pid, 1 << TRUST_OPERATOR, None)?;
            let threads = count(threads, "thread");
            note!("process {pid} is no longer trusted ({threads})");
            Ok(Outcome::SUCCESS)
        }
        Verb::Clear { pid } => {
            let threads = kernel.clear_trust(*pid, u32::MAX)?;
            let threads = count(threads, "thread");
            note!("process {pid} is trusted again ({threads})");
            Ok(Outcome::SUCCESS)
        }
    }
}

/// One process, as it is listed.
#[derive(Debug, Serialize)]
struct Row {
    pid: u32,
    comm: String,
    domain: String,
    trust: Vec<String>,
    threads: usize,
    since: Option<String>,
    cause: Option<First>,
}

/// What cost the first trust bit.
#[derive(Debug, Serialize)]
struct First {
    source: String,
    pid: u32,
    hook: Option<&'static str>,
    /// Without its object, which the label does not hold.
    operation: Option<String>,
    /// The same with its object, where the run's record has it.
    rule: Option<String>,
    /// What `ambit explain` calls it.
    violation: Option<String>,
}

fn ls(kernel: &Kernel, all: bool, json: bool) -> Result<Outcome, Failure> {
    let domains: BTreeMap<u16, String> = kernel
        .domains()?
        .into_iter()
        .map(|domain| (domain.id, domain.name))
        .collect();
    let clock = Clock::now();
    let mut processes: BTreeMap<u32, Vec<TaskInfo>> = BTreeMap::new();
    for task in kernel.tasks()? {
        processes.entry(task.tgid).or_default().push(task);
    }
    let mut recorded: BTreeMap<String, Vec<Violation>> = BTreeMap::new();
    let rows: Vec<Row> = processes
        .into_values()
        .filter_map(|threads| row(&threads, &domains, clock, &mut recorded))
        .filter(|row| all || !row.trust.is_empty())
        .collect();
    if json {
        let lines: Result<Vec<_>, _> = rows.iter().map(json_line).collect();
        return print(&lines?.concat());
    }
    if rows.is_empty() {
        note!("every labelled process is trusted");
        return Ok(Outcome::SUCCESS);
    }
    print(&table(&rows, Style::stdout()))
}

/// A process is as untrusted as all of its threads together; its leader names it.
fn row(
    threads: &[TaskInfo],
    domains: &BTreeMap<u16, String>,
    clock: Clock,
    recorded: &mut BTreeMap<String, Vec<Violation>>,
) -> Option<Row> {
    let leader = threads
        .iter()
        .find(|task| task.tid == task.tgid)
        .or(threads.first())?;
    let trust = threads.iter().fold(0, |bits, task| bits | task.label.trust);
    let cause = threads
        .iter()
        .filter(|task| task.label.trust != 0)
        .map(|task| task.label.cause)
        .min_by_key(|cause| cause.time_ns);
    let recorded = match (cause, domains.get(&leader.label.domain)) {
        (Some(_), Some(domain)) => &**recorded.entry(domain.clone()).or_insert_with(|| {
            store::load(domain).map_or_else(|_| Vec::new(), |run| run.violations)
        }),
        _ => &[],
    };
    Some(Row {
        pid: leader.tgid,
        comm: comm(&leader.comm),
        domain: domains.get(&leader.label.domain).map_or_else(
            || format!("#{}", leader.label.domain),
            |name| escape::name(name.as_bytes()),
        ),
        trust: trust_names(trust),
        threads: threads.len(),
        since: cause.map(|cause| clock.utc(cause.time_ns)),
        cause: cause.map(|cause| first(&cause, recorded)),
    })
}

fn comm(bytes: &[u8]) -> String {
    escape::name(bytes.split(|byte| *byte == 0).next().unwrap_or_default())
}

fn first(cause: &Cause, recorded: &[Violation]) -> First {
    let key = cause.key.to_string();
    let known = recorded
        .iter()
        .find(|violation| !cause.key.is_zero() && violation.key == key);
    let operation = Op::try_from(cause.op)
        .ok()
        .filter(|op| op.family().is_some() && !cause.key.is_zero())
        .map(|op| {
            let mut text = String::new();
            Operation { op, arg: cause.arg }.write_rule_text("", &mut text);
            text.trim_end().to_owned()
        });
    First {
        source: trust_names(1_u32.checked_shl(cause.source.into()).unwrap_or_default()).concat(),
        pid: cause.tgid,
        hook: operation
            .is_some()
            .then(|| Hook::try_from(cause.hook).ok().map(Hook::name))
            .flatten(),
        operation,
        rule: known.map(|violation| violation.rule.clone()),
        violation: known.map(|violation| violation.id.clone()),
    }
}

fn table(rows: &[Row], style: Style) -> String {
    let width =
        |of: fn(&Row) -> usize, least: usize| rows.iter().map(of).max().unwrap_or(0).max(least);
    let domain = width(|row| row.domain.chars().count(), "DOMAIN".len());
    let comm = width(|row| row.comm.chars().count(), "COMMAND".len());
    let trust = width(|row| lost(row).chars().count(), "UNTRUSTED BY".len());
    let head = format!(
        "{:>7}  {:comm$}  {:domain$}  {:trust$}  FIRST CAUSE",
        "PID", "COMMAND", "DOMAIN", "UNTRUSTED BY"
    );
    let mut out = format!("{}\n", style.bold(head));
    for row in rows {
        let cause = row.cause.as_ref().map_or_else(String::new, |cause| {
            let since = row.since.as_deref().unwrap_or_default();
            let what = cause.rule.as_ref().or(cause.operation.as_ref());
            let what = what.unwrap_or(&cause.source);
            let id = cause.violation.as_ref();
            let id = id.map_or_else(String::new, |id| format!(" ({id})"));
            format!("{since} {what}, by process {}{id}", cause.pid)
        });
        let untrusted = lost(row);
        let line = format!(
            "{:>7}  {:comm$}  {:domain$}  {untrusted:trust$}  {cause}",
            row.pid, row.comm, row.domain
        );
        let _ = writeln!(out, "{}", line.trim_end());
    }
    out
}

fn lost(row: &Row) -> String {
    if row.trust.is_empty() {
        "-".to_owned()
    } else {
        row.trust.join(",")
    }
}
