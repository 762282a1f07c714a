// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `ambit rules watch`: prints the records of rules as they arrive.

use std::io;
use std::os::fd::AsFd;
use std::time::Duration;

use ambit_event::{RuleHit, RuleName, RuleOutcome, RuleRecord, named};
use ambit_files::RunDir;
use ambit_hoststate::CachedSources;
use ambit_hoststate::rules::{Active, active, active_elsewhere};
use ambit_journal::Clock;
use ambit_policy::rule::{Actions, Rule};
use ambit_session::{Pump, ReaderLock, Sink, is_closed};

use crate::exit::{Failure, Outcome};
use crate::out::{Style, note};
use crate::stdout::{json_line, write};

/// Longest wait for a record. After it, a closed pipe and another kernel part, with another ring, are noticed.
const LOOK: Duration = Duration::from_secs(1);

pub(super) fn main(json: bool, once: bool) -> Result<Outcome, Failure> {
    let Some(active) = active()? else {
        note!("no rules are loaded");
        return Ok(Outcome::SUCCESS);
    };
    let _lock = ReaderLock::acquire(&RunDir::open().map_err(ambit_session::Error::from)?)?;
    let mut secret = active.kernel.secret();
    let mut pump = Pump::new(active.kernel.rule_ring()?);
    let mut printer = Printer {
        active,
        sources: CachedSources::read()?,
        clock: Clock::now(),
        style: Style::stdout(),
        json,
        end: None,
    };
    loop {
        printer.sources.refresh()?;
        let replaced = active_elsewhere(secret)?;
        while printer.end.is_none() && pump.step(&mut printer)? {}
        if let Some(end) = printer.end {
            return end;
        }
        if once || is_closed(io::stdout().as_fd()) {
            return Ok(Outcome::SUCCESS);
        }
        match replaced {
            Some(active) => {
                secret = active.kernel.secret();
                pump = Pump::new(active.kernel.rule_ring()?);
                printer.active = active;
            }
            None => pump.wait(&[], Some(LOOK))?,
        }
    }
}

/// Prints each record.
struct Printer {
    active: Active,
    sources: CachedSources,
    clock: Clock,
    style: Style,
    json: bool,
    /// Set by a closed pipe or a failure. Nothing is printed after it, so the records that follow stay in the ring.
    end: Option<Result<Outcome, Failure>>,
}

impl Sink for Printer {
    fn take(&mut self, record: &[u8]) {
        let open = self.print(record);
        self.end = open
            .map(|open| (!open).then_some(Outcome::SUCCESS))
            .transpose();
    }
}

impl Printer {
    /// Returns false if the reader has closed the pipe.
    fn print(&mut self, record: &[u8]) -> Result<bool, Failure> {
        let record = match RuleRecord::parse(record) {
            Ok(record) => record,
            Err(error) => {
                note!("skipped a record: {:#}", anyhow::Error::from(error));
                return Ok(true);
            }
        };
        let header = &record.header;
        let trust = self.sources.names(header.trust)?;
        let rule = rule_of(&mut self.active, header.generation, header.rule)?;
        let rule = rule.map(|rule| RuleName {
            id: rule.id.clone(),
            severity: rule.severity.word(),
            attack: rule.techniques.clone(),
        });
        let time = self.clock.utc(header.time_ns);
        let hit = RuleHit::new(
            &record,
            rule,
            Actions(header.actions).words().collect(),
            trust,
            time,
        );
        let text = if self.json {
            json_line(&hit)?
        } else {
            line(&hit, self.style)
        };
        write(&text)
    }
}

/// Returns the rule that made a record; `None` if its set is no longer active. Reads the active set again if a newer one
/// made the record.
fn rule_of(active: &mut Active, generation: u64, index: u16) -> Result<Option<&Rule>, Failure> {
    if !active.description.covers(generation)
        && let Some(newer) = self::active()?
    {
        *active = newer;
    }
    Ok(active
        .description
        .covers(generation)
        .then(|| active.set.rules.get(usize::from(index)))
        .flatten())
}

fn line(hit: &RuleHit, style: Style) -> String {
    let outcome = hit.outcome.name();
    let outcome = match hit.outcome {
        RuleOutcome::Killed | RuleOutcome::Refused => style.red(outcome),
        RuleOutcome::Allowed => style.green(outcome),
        RuleOutcome::Recorded => style.yellow(outcome),
    };
    let program = hit.exe.as_deref().unwrap_or(&hit.comm);
    let parent = hit
        .parent
        .as_ref()
        .map_or_else(String::new, |parent| format!(" via {parent}"));
    format!(
        "{} {outcome} {}: {}, by {program}{parent} (process {}, user {})\n",
        hit.time,
        hit.rule,
        named(&hit.operation),
        hit.pid,
        hit.uid
    )
}
