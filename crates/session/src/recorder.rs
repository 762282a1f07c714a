// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The consumers of a domain's records: points go to the learner, violations to the watch, all operations to the recording.

use std::fmt;

use ambit_abi::{EventKind, Hook, Stat};
use ambit_event::{RecordError, Registry, RingRecord};
use ambit_model::Learner;

use crate::{Delivery, Notice, Outbox, RecordingWriter, Sink, Watch};

/// Notices that wait until the ring has been read. More than a run reports: each of its violations once.
const NOTICES: usize = 2 * ambit_journal::KEPT;

/// Reads the kernel part's counters of each hook.
pub type Counters<'d> = Box<dyn Fn() -> Option<Vec<(Hook, Stat)>> + 'd>;
/// Shows a notice.
pub type Report<'d> = Box<dyn FnMut(Notice) + 'd>;

/// Receives the records of one domain, in order. Each is parsed once.
pub struct Recorder<'d> {
    delivery: Delivery,
    consumer: Consumer,
    recording: Option<RecordingWriter>,
    counters: Counters<'d>,
    notices: Outbox<Notice>,
    report: Report<'d>,
    /// Notices that were reported as lost.
    lost: u64,
}

impl fmt::Debug for Recorder<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorder")
            .field("delivery", &self.delivery)
            .field("consumer", &self.consumer)
            .finish_non_exhaustive()
    }
}

#[derive(Debug)]
enum Consumer {
    Learn(Box<Learner>),
    Watch(Box<Watch>, Box<Registry>),
}

/// What a recorder has collected.
#[derive(Debug)]
pub struct Collected {
    /// The points that were learned.
    pub learner: Option<Learner>,
    /// The violations.
    pub watch: Option<Watch>,
    /// The recording.
    pub recording: Option<RecordingWriter>,
}

impl<'d> Recorder<'d> {
    /// Creates a recorder that learns.
    pub fn learn(learner: Learner, counters: Counters<'d>, report: Report<'d>) -> Self {
        Self::new(Consumer::Learn(Box::new(learner)), counters, report)
    }

    /// Creates a recorder that stores violations. `registry` knows the map's subjects.
    pub fn watch(
        watch: Watch,
        registry: Registry,
        counters: Counters<'d>,
        report: Report<'d>,
    ) -> Self {
        let consumer = Consumer::Watch(Box::new(watch), Box::new(registry));
        Self::new(consumer, counters, report)
    }

    fn new(consumer: Consumer, counters: Counters<'d>, report: Report<'d>) -> Self {
        Self {
            delivery: Delivery::default(),
            consumer,
            recording: None,
            counters,
            notices: Outbox::new(NOTICES),
            report,
            lost: 0,
        }
    }

    /// Also writes a recording.
    pub fn record(&mut self, recording: RecordingWriter) {
        self.recording = Some(recording);
    }

    /// Returns the number of records so far.
    pub const fn delivery(&self) -> Delivery {
        self.delivery
    }

    /// Continues the run of a killed process from what that has stored. Its recording ends where the process ended, and
    /// nothing is reported any more.
    pub(crate) fn take_over(&mut self) {
        self.recording = None;
        self.report = Box::new(drop);
        if let Consumer::Watch(watch, _) = &mut self.consumer {
            watch.resume();
        }
    }

    /// Writes the end of a run that was taken over.
    pub(crate) fn end(&mut self, lost: u64) {
        if let Consumer::Watch(watch, _) = &mut self.consumer {
            watch.end(lost);
        }
    }

    /// Ends the session.
    pub fn into_collected(self) -> Collected {
        let (learner, watch) = match self.consumer {
            Consumer::Learn(learner) => (Some(*learner), None),
            Consumer::Watch(watch, _) => (None, Some(*watch)),
        };
        Collected {
            learner,
            watch,
            recording: self.recording,
        }
    }

    fn consume(&mut self, record: &RingRecord<'_>) -> Result<(), RecordError> {
        if record.kind() == EventKind::Fork {
            // Only the recording has a use for forks.
            self.write(record);
            return Ok(());
        }
        match &mut self.consumer {
            Consumer::Learn(learner) => learner.feed_record(record)?,
            Consumer::Watch(watch, registry) => {
                watched(watch, registry, record, &mut self.notices)?;
            }
        }
        self.write(record);
        Ok(())
    }

    fn write(&mut self, record: &RingRecord<'_>) {
        if let Some(recording) = &mut self.recording {
            let registry = match &self.consumer {
                Consumer::Learn(learner) => learner.registry(),
                Consumer::Watch(_, registry) => registry,
            };
            if let Some(notice) = recording.add(record, |fp| registry.subject(fp)) {
                self.notices.push(notice);
            }
        }
    }
}

impl Sink for Recorder<'_> {
    fn take(&mut self, record: &[u8]) {
        self.delivery.delivered += 1;
        let consumed = RingRecord::parse(record).and_then(|record| self.consume(&record));
        if consumed.is_err() {
            self.delivery.unreadable += 1;
            if let Some(recording) = &mut self.recording {
                recording.count_unreadable();
            }
        }
    }

    fn drained(&mut self) {
        if let Some(recording) = &mut self.recording
            && let Some(notice) = recording.flush(&self.counters)
        {
            self.notices.push(notice);
        }
        while let Some(notice) = self.notices.pop() {
            (self.report)(notice);
        }
        let lost = self.notices.lost() - self.lost;
        if lost > 0 {
            (self.report)(Notice::NotShown(lost));
            self.lost += lost;
        }
    }
}

/// Stores a violation. With a recording the kernel part delivers every repetition; only those are stored that it would
/// deliver without one, at powers of two.
fn watched(
    watch: &mut Watch,
    registry: &mut Registry,
    record: &RingRecord<'_>,
    notices: &mut Outbox<Notice>,
) -> Result<(), RecordError> {
    if record.kind() == EventKind::Match {
        return Ok(());
    }
    let event = record.event()?;
    registry.apply(event);
    if event.kind == EventKind::Violation && event.count.count_ones() <= 1 {
        watch.add(event, registry.subject(event.subject).as_ref(), notices);
    }
    Ok(())
}
