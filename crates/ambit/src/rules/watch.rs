// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `ambit rules watch`: what rules record, as it happens.

use ambit_abi::{Hook, Op, RULE_ALLOW, RULE_DENY, RULE_KILL, Reason, RuleEvent};
use ambit_event::{Object, Operation, escape, text};
use ambit_hoststate::rules::{Active, active};
use ambit_hoststate::{CachedSources, paths};
use ambit_journal::Clock;
use ambit_policy::rule::{Actions, Rule};
use ambit_session::{Pump, ReaderLock, Sink};
use serde::Serialize;
use zerocopy::FromBytes;

use super::words::{actions, severity};
use crate::exit::{Failure, Outcome};
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
    let Some(active) = active()? else {
        note!("no rules are loaded");
        return Ok(Outcome::SUCCESS);
    };
    let _lock = ReaderLock::acquire(&paths::rule_reader_lock())?;
    let mut pump = Pump::new(active.kernel.rule_ring()?);
    let mut printer = Printer {
        active,
        sources: CachedSources::read()?,
        clock: Clock::now(),
        style: Style::stdout(),
        json,
        failure: None,
    };
    loop {
        printer.sources.refresh()?;
        pump.drain(&mut printer)?;
        if let Some(failure) = printer.failure.take() {
            return Err(failure);
        }
        if once {
            return Ok(Outcome::SUCCESS);
        }
        pump.wait(&[], None)?;
    }
}

/// Prints each record. After a failure it prints nothing more.
struct Printer {
    active: Active,
    sources: CachedSources,
    clock: Clock,
    style: Style,
    json: bool,
    failure: Option<Failure>,
}

impl Sink for Printer {
    fn take(&mut self, record: &[u8]) {
        if self.failure.is_none() {
            self.failure = self.print(record).err();
        }
    }
}

impl Printer {
    fn print(&mut self, record: &[u8]) -> Result<(), Failure> {
        let Ok((event, object)) = RuleEvent::read_from_prefix(record) else {
            note!("skipped a record of {} bytes: too short", record.len());
            return Ok(());
        };
        let trust = self.sources.names(event.trust)?;
        let rule = rule_of(&mut self.active, &event)?;
        let row = row(&event, object, rule, trust, self.clock);
        let text = if self.json {
            json_line(&row)?
        } else {
            line(&row, self.style)
        };
        print(&text).map(drop)
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
