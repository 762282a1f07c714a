// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Violations while a run goes on: numbered, told, and kept for `explain`.

use std::collections::HashMap;
use std::fmt;

use ambit_abi::{Cause, Fp, Mode, Reason, Response};
use ambit_event::{Event, FirstCause, Hex, Subject, SubjectText, Violation, trust_names};
use ambit_journal::{Clock, End, Journal, KEPT, Run};

use crate::out::{Style, note, note_json, write_stderr};
use crate::store;

/// How violations are told while they happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tell {
    Lines,
    Json,
    Nothing,
}

/// Finds out why a thread lost its trust: by its numbers, process and thread.
pub(super) type CauseOf = Box<dyn Fn(u32, u32) -> Option<Cause>>;

/// What tells violations apart: who, the line that the map does not have, the object's bytes and the reason.
type Sameness = (Option<SubjectText>, String, Hex, Reason);

/// The violations of a run.
pub(super) struct Watch {
    journal: Option<Journal>,
    violations: Vec<Violation>,
    index: HashMap<Sameness, usize>,
    by_key: HashMap<Fp, String>,
    dropped: u64,
    tell: Tell,
    style: Style,
    clock: Clock,
    cause_of: CauseOf,
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch")
            .field("violations", &self.violations.len())
            .finish_non_exhaustive()
    }
}

/// What there was of violations.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Seen {
    /// Different ones.
    pub(super) distinct: u64,
    /// Of these: refused.
    pub(super) refused: u64,
    /// Of these: there was no room for them.
    pub(super) dropped: u64,
}

impl Watch {
    /// Begins a run. That its record can't be kept is no reason not to run.
    pub(super) fn begin(run: Run, tell: Tell, cause_of: CauseOf) -> Self {
        let journal = store::runs()
            .begin(run)
            .inspect_err(|error| note!("`ambit explain` will know nothing of this run: {error}"))
            .ok();
        Self {
            journal,
            violations: Vec::new(),
            index: HashMap::new(),
            by_key: HashMap::new(),
            dropped: 0,
            tell,
            style: Style::stderr(),
            clock: Clock::now(),
            cause_of,
        }
    }

    /// Takes in a violation.
    pub(super) fn see(&mut self, event: &Event, by: Option<&Subject>) {
        let id = format!("v{}", self.violations.len() + 1);
        let mut violation = Violation::new(id.clone(), event, by, self.clock.utc(event.time_ns));
        let sameness = sameness(&violation);
        if let Some(at) = self.index.get(&sameness) {
            if let Some(violation) = self.violations.get_mut(*at) {
                violation.count = event.count.max(violation.count.saturating_add(1));
                let written = self
                    .journal
                    .as_mut()
                    .map(|journal| journal.again(violation));
                self.lose_journal(written);
            }
            return;
        }
        if self.violations.len() >= KEPT {
            self.dropped += 1;
            return;
        }
        if event.reason == Reason::Gate {
            violation.cause = self.first_cause(event);
        }
        self.tell(&violation);
        let written = self.journal.as_mut().map(|journal| journal.add(&violation));
        self.lose_journal(written);
        if !event.key.is_zero() {
            self.by_key.entry(event.key).or_insert(id);
        }
        self.index.insert(sameness, self.violations.len());
        self.violations.push(violation);
    }

    /// A full disk is told once.
    fn lose_journal(&mut self, written: Option<std::io::Result<()>>) {
        if let Some(Err(error)) = written {
            note!("cannot record violations any more: {error}");
            self.journal = None;
        }
    }

    /// What cost the task its trust, as long as it lives to be asked.
    fn first_cause(&self, event: &Event) -> Option<FirstCause> {
        let cause = (self.cause_of)(event.tgid, event.tid)?;
        let source = 1_u32.checked_shl(cause.source.into()).unwrap_or_default();
        Some(FirstCause {
            source: trust_names(source).concat(),
            violation: self.by_key.get(&cause.key).cloned(),
            pid: cause.tgid,
            time: self.clock.utc(cause.time_ns),
        })
    }

    fn tell(&self, violation: &Violation) {
        match self.tell {
            Tell::Nothing => {}
            Tell::Json => note_json(violation),
            Tell::Lines => {
                let what = match violation.response {
                    Response::Deny => self.style.red("refused"),
                    Response::Kill => self.style.red("killed at"),
                    _ => self.style.yellow("outside the map:"),
                };
                let who = violation
                    .by
                    .as_ref()
                    .map_or_else(|| violation.comm.clone(), SubjectText::line);
                let why = match violation.reason {
                    Reason::Outside => "",
                    Reason::Gate => " (untrusted)",
                    Reason::Digest => " (binary changed)",
                    Reason::Creds => " (other credentials)",
                    _ => " (cannot be represented)",
                };
                write_stderr(format_args!(
                    "ambit: {what} {}: {who}: {}{why}",
                    violation.id, violation.rule
                ));
            }
        }
    }

    /// Goes on with a run, in silence, from what was recorded of it.
    pub(super) fn take_over(&mut self, violations: Vec<Violation>) {
        self.tell = Tell::Nothing;
        self.index = violations.iter().map(sameness).zip(0..).collect();
        self.violations = violations;
    }

    /// Ends the run's record, unless its tasks go on.
    pub(super) fn end(&mut self, lost: u64, goes_on: bool) -> Seen {
        let refused = self
            .violations
            .iter()
            .filter(|violation| {
                violation.response != Response::Log && violation.mode == Mode::Enforce
            })
            .count();
        let seen = Seen {
            distinct: u64::try_from(self.violations.len()).unwrap_or(u64::MAX) + self.dropped,
            refused: u64::try_from(refused).unwrap_or(u64::MAX),
            dropped: self.dropped,
        };
        let end = End {
            ended: Clock::now_utc(),
            dropped: self.dropped,
            lost,
        };
        if let Some(journal) = self.journal.take()
            && !goes_on
            && let Err(error) = journal.end(&self.violations, end)
        {
            note!("cannot record this run's violations: {error}");
        }
        seen
    }
}

fn sameness(violation: &Violation) -> Sameness {
    (
        violation.by.clone(),
        violation.rule.clone(),
        violation.object_bytes.clone(),
        violation.reason,
    )
}
