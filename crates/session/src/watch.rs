// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Violations of a run: each is numbered, stored in the journal and reported once.

use std::collections::HashMap;
use std::fmt;

use ambit_abi::{Cause, Fp, Mode, Reason, Response};
use ambit_event::{Event, FirstCause, Hex, Subject, SubjectText, Violation, trust_names};
use ambit_journal::{Clock, End, Journal, KEPT, KEPT_BYTES, Run, Runs, StoredRun, stored_bytes};
use ambit_sensor::{Kernel, LoadOptions};

use crate::{Notice, Outbox};

/// Returns why a thread lost its trust, from the numbers of its process and thread.
pub type CauseOf = Box<dyn Fn(u32, u32) -> Option<Cause>>;

/// Returns a function that reads causes from the kernel part. It finds nothing once the task has ended.
pub fn causes_of_tasks(options: LoadOptions) -> CauseOf {
    Box::new(move |pid, tid| {
        let kernel = Kernel::open(&options).ok()??;
        let tasks = kernel.tasks().ok()?;
        let task = tasks
            .iter()
            .find(|task| task.tid == tid)
            .or_else(|| tasks.iter().find(|task| task.tgid == pid))?;
        (task.label.trust != 0).then_some(task.label.cause)
    })
}

/// Events with the same key are one violation.
#[derive(Debug, PartialEq, Eq, Hash)]
struct ViolationKey {
    by: Option<SubjectText>,
    /// The line that the map lacks.
    rule: String,
    object: Hex,
    reason: Reason,
}

impl ViolationKey {
    fn of(violation: &Violation) -> Self {
        Self {
            by: violation.by.clone(),
            rule: violation.rule.clone(),
            object: violation.object_bytes.clone(),
            reason: violation.reason,
        }
    }
}

/// The violations of a run.
pub struct Watch {
    journal: Option<Journal>,
    violations: Vec<Violation>,
    index: HashMap<ViolationKey, usize>,
    /// Ids by the point's fingerprint.
    by_point: HashMap<Fp, String>,
    /// Bytes of the violations in the journal.
    bytes: u64,
    /// Records of violations beyond the first [`KEPT`] or [`KEPT_BYTES`]: the kernel part emits several of each.
    dropped: u64,
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

/// Numbers of violations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WatchSummary {
    /// Distinct violations, at most [`KEPT`].
    pub distinct: u64,
    /// Distinct violations that were refused.
    pub refused: u64,
    /// Records of other violations. Each violation has one or more.
    pub dropped: u64,
}

impl Watch {
    /// Begins to store a run. A run proceeds without its journal if that cannot be written.
    pub fn begin(runs: &Runs, run: Run, cause_of: CauseOf) -> (Self, Option<Notice>) {
        let (journal, notice) = match runs.begin(run) {
            Ok(journal) => (Some(journal), None),
            Err(error) => (None, Some(Notice::NoJournal(error))),
        };
        let watch = Self {
            journal,
            violations: Vec::new(),
            index: HashMap::new(),
            by_point: HashMap::new(),
            bytes: 0,
            dropped: 0,
            clock: Clock::now(),
            cause_of,
        };
        (watch, notice)
    }

    /// Stores a violation. Its first occurrence goes to `out`.
    pub(crate) fn add(&mut self, event: &Event, by: Option<&Subject>, out: &mut Outbox<Notice>) {
        let id = format!("v{}", self.violations.len() + 1);
        let time = self.clock.utc(event.time_ns);
        let mut violation = Violation::new(id.clone(), event, by, time);
        let key = ViolationKey::of(&violation);
        if let Some(at) = self.index.get(&key) {
            if let Some(violation) = self.violations.get_mut(*at) {
                violation.count = event.count.max(violation.count.saturating_add(1));
                let written = self
                    .journal
                    .as_mut()
                    .map(|journal| journal.again(violation));
                self.check(written, out);
            }
            return;
        }
        let bytes = self.bytes + stored_bytes(&violation);
        if self.violations.len() >= KEPT || bytes > KEPT_BYTES {
            self.dropped += 1;
            return;
        }
        self.bytes = bytes;
        if event.reason == Reason::Gate {
            violation.cause = self.first_cause(event);
        }
        let written = self.journal.as_mut().map(|journal| journal.add(&violation));
        self.check(written, out);
        if !event.key.is_zero() {
            self.by_point.entry(event.key).or_insert(id);
        }
        out.push(Notice::Violation(Box::new(violation.clone())));
        self.index.insert(key, self.violations.len());
        self.violations.push(violation);
    }

    /// Stops writing the journal after an error, which is reported once.
    fn check(
        &mut self,
        written: Option<Result<(), ambit_journal::Error>>,
        out: &mut Outbox<Notice>,
    ) {
        if let Some(Err(error)) = written {
            out.push(Notice::JournalStopped(error));
            self.journal = None;
        }
    }

    fn first_cause(&self, event: &Event) -> Option<FirstCause> {
        let cause = (self.cause_of)(event.tgid, event.tid)?;
        let source = 1_u32.checked_shl(cause.source.into()).unwrap_or_default();
        Some(FirstCause {
            source: trust_names(source).concat(),
            violation: self.by_point.get(&cause.key).cloned(),
            pid: cause.tgid,
            time: self.clock.utc(cause.time_ns),
        })
    }

    /// Continues the run of a killed process from what that has stored. If that cannot be read, nothing more is stored: the end
    /// of the run would replace it.
    pub(crate) fn resume(&mut self) {
        let stored = self.journal.as_mut().map(Journal::resume);
        let Some(Ok(StoredRun { violations, .. })) = stored else {
            self.journal = None;
            return;
        };
        self.index = violations.iter().map(ViolationKey::of).zip(0..).collect();
        self.bytes = violations.iter().map(stored_bytes).sum();
        self.violations = violations;
    }

    /// Counts the violations.
    pub fn summary(&self) -> WatchSummary {
        let refused = self
            .violations
            .iter()
            .filter(|one| one.response != Response::Log && one.mode == Mode::Enforce)
            .count();
        WatchSummary {
            distinct: u64::try_from(self.violations.len()).unwrap_or(u64::MAX),
            refused: u64::try_from(refused).unwrap_or(u64::MAX),
            dropped: self.dropped,
        }
    }

    /// Writes the end of the run. `lost` is the number of records that found no room in the ring.
    pub fn end(&mut self, lost: u64) -> Option<Notice> {
        let end = End {
            ended: Clock::now_utc(),
            dropped: self.dropped,
            lost,
        };
        let journal = self.journal.take()?;
        let ended = journal.end(&self.violations, end);
        ended.err().map(Notice::JournalNotEnded)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begin(runs: &Runs) -> Watch {
        let run = Run {
            ambit: ambit_journal::FORMAT,
            domain: "d".to_owned(),
            mode: Mode::Audit,
            map: "/m".to_owned(),
            map_bytes: Hex(b"/m".to_vec()),
            command: vec!["c".to_owned()],
            began: "t".to_owned(),
        };
        let (watch, notice) = Watch::begin(runs, run, Box::new(|_, _| None));
        assert!(notice.is_none());
        watch
    }

    #[test]
    fn violations_that_cannot_be_read_are_not_replaced() {
        let state = tempfile::tempdir().unwrap();
        let runs = Runs::below(state.path());
        let mut watch = begin(&runs);
        let path = runs.folder().join("d.jsonl");
        std::fs::write(&path, "damaged\n").unwrap();
        watch.resume();
        assert!(watch.end(0).is_none());
        assert_eq!(std::fs::read(&path).unwrap(), b"damaged\n");
    }

    #[test]
    fn a_run_that_is_continued_is_ended() {
        let state = tempfile::tempdir().unwrap();
        let runs = Runs::below(state.path());
        let mut watch = begin(&runs);
        watch.resume();
        assert!(watch.end(3).is_none());
        assert_eq!(runs.load("d").unwrap().end.unwrap().lost, 3);
    }
}
