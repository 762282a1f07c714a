// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `ambit rules watch`: what rules record, as it happens.

use ambit_abi::{Hook, Op, RULE_ALLOW, RULE_DENY, RULE_KILL, Reason, RuleEvent};
use ambit_event::{Object, Operation, escape, text};
use ambit_hoststate::CachedSources;
use ambit_hoststate::rules::{Active, active};
use ambit_journal::Clock;
use ambit_policy::rule::{Actions, Rule};
use rustix::event::{PollFd, PollFlags, poll};
use serde::Serialize;
use zerocopy::FromBytes;

use super::words::{actions, severity};
use crate::exit::{Exit, Failure, OrExit, Outcome};
use crate::out::{Style, json_line, note, print};

#[derive(Serialize)]
struct Row {
    time: String,
    rule: String,
    severity: &'static str,
    attack: Vec<String>,
    /// What happened to the operation: `refused`, `killed`, `allowed` or `recorded`.
    outcome: &'static str,
    r#do: Vec<&'static str>,
    operation: String,
    port: Option<u16>,
    pid: u32,
    tid: u32,
    uid: u32,
    gid: u32,
    comm: String,
    exe: Option<String>,
    parent: Option<String>,
    cgroup: u64,
    domain: Option<u16>,
    trust: Vec<String>,
    hook: &'static str,
    unrepresentable: Option<&'static str>,
}

pub(super) fn main(json: bool, once: bool) -> Result<Outcome, Failure> {
    let Some(mut active) = active()? else {
        note!("no rules are loaded");
        return Ok(Outcome::SUCCESS);
    };
    let mut ring = active.kernel.rule_ring()?;
    let mut sources = CachedSources::read()?;
    let clock = Clock::now();
    let style = Style::stdout();
    loop {
        let mut records: Vec<Vec<u8>> = Vec::new();
        let taken = ring.consume(&mut |bytes| records.push(bytes.to_vec()))?;
        sources.refresh()?;
        for bytes in &records {
            let Ok((event, object)) = RuleEvent::read_from_prefix(bytes) else {
                note!("a record of {} bytes is too short", bytes.len());
                continue;
            };
            let rule = rule_of(&mut active, &event)?;
            let trust = sources.names(event.trust)?;
            let row = row(&event, object, rule, trust, clock);
            let text = if json {
                json_line(&row)?
            } else {
                line(&row, style)
            };
            print(&text)?;
        }
        if taken == 0 {
            if once {
                return Ok(Outcome::SUCCESS);
            }
            let fd = ring.fd();
            poll(&mut [PollFd::new(&fd, PollFlags::IN)], None)
                .map(drop)
                .or_else(|error| match error {
                    rustix::io::Errno::INTR => Ok(()),
                    error => Err(error),
                })
                .or_exit(Exit::Trouble)?;
        }
    }
}

/// The rule that made a record; `None` if its set is not active any more. Reads the active set again if a newer one
/// made the record.
fn rule_of<'a>(active: &'a mut Active, event: &RuleEvent) -> Result<Option<&'a Rule>, Failure> {
    if !active.description.covers(event.generation)
        && let Some(newer) = self::active()?
    {
        *active = newer;
    }
    Ok(active
        .description
        .covers(event.generation)
        .then(|| active.set.rules.get(usize::from(event.rule)))
        .flatten())
}

fn row(
    event: &RuleEvent,
    object: &[u8],
    rule: Option<&Rule>,
    trust: Vec<String>,
    clock: Clock,
) -> Row {
    let op = Op::try_from(event.op).ok();
    let object = object
        .get(..usize::from(event.object_len))
        .unwrap_or(object);
    let unrepresentable = event
        .unrepresentable
        .checked_sub(1)
        .and_then(|reason| Reason::try_from(reason).ok());
    let parsed = Object::parse(object)
        .ok()
        .filter(|_| unrepresentable.is_none());
    let operation = match (op, &parsed) {
        (Some(op), Some(object)) => Operation { op, arg: event.arg }.rule(object),
        (Some(op), None) => op.name().to_owned(),
        (None, _) => format!("operation {:#x}", event.op),
    };
    let exe = |at: usize| {
        let len = usize::from(*event.exe_len.get(at)?);
        let bytes = event
            .exes
            .get(at)?
            .get(..len)
            .filter(|bytes| !bytes.is_empty())?;
        Object::parse(bytes)
            .ok()
            .map(|object| text::object_text(Op::Name, &object))
    };
    Row {
        time: clock.utc(event.time_ns),
        rule: rule.map_or_else(|| format!("#{}", event.rule), |rule| rule.id.clone()),
        severity: rule.map_or("info", |rule| severity(rule.severity)),
        attack: rule.map_or_else(Vec::new, |rule| rule.techniques.clone()),
        outcome: if event.outcome & RULE_KILL != 0 {
            "killed"
        } else if event.outcome & RULE_DENY != 0 {
            "refused"
        } else if event.outcome & RULE_ALLOW != 0 {
            "allowed"
        } else {
            "recorded"
        },
        r#do: actions(Actions(event.actions)),
        operation,
        port: (event.port != 0).then_some(event.port),
        pid: event.tgid,
        tid: event.tid,
        uid: event.uid,
        gid: event.gid,
        comm: escape::name(
            event
                .comm
                .split(|byte| *byte == 0)
                .next()
                .unwrap_or_default(),
        ),
        exe: exe(0),
        parent: exe(1),
        cgroup: event.cgroup,
        domain: (event.domain != 0).then_some(event.domain),
        trust,
        hook: Hook::try_from(event.hook).map_or("?", Hook::name),
        unrepresentable: unrepresentable.map(Reason::name),
    }
}

fn line(row: &Row, style: Style) -> String {
    let outcome = match row.outcome {
        "killed" | "refused" => style.red(row.outcome),
        "allowed" => style.green(row.outcome),
        _ => style.yellow(row.outcome),
    };
    let program = row.exe.as_deref().unwrap_or(&row.comm);
    let parent = row
        .parent
        .as_ref()
        .map_or_else(String::new, |parent| format!(" via {parent}"));
    format!(
        "{} {outcome} {}: {}, by {program}{parent} (process {}, user {})\n",
        row.time, row.rule, row.operation, row.pid, row.uid
    )
}
