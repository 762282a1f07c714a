// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What becomes of the ring's records: points go to the learner, violations to the watch.

use ambit_abi::EventKind;
use ambit_event::{RawEvent, RecordError, Registry, Violation};
use ambit_model::Learner;
use ambit_sensor::Domain;

use super::tape::Tape;
use super::watch::Watch;

/// Takes in the records of one domain, in order.
#[derive(Debug)]
pub(super) struct Recorder {
    /// Records that came.
    pub(super) delivered: u64,
    /// Of these: what could not be read, and so was not learned.
    pub(super) unreadable: u64,
    sink: Sink,
    tape: Option<Tape>,
}

#[derive(Debug)]
enum Sink {
    Learn(Box<Learner>),
    Watch(Box<Watch>, Box<Registry>),
}

impl Recorder {
    pub(super) fn learn(learner: Learner) -> Self {
        Self::new(Sink::Learn(Box::new(learner)))
    }

    pub(super) fn watch(watch: Watch, registry: Registry) -> Self {
        Self::new(Sink::Watch(Box::new(watch), Box::new(registry)))
    }

    fn new(sink: Sink) -> Self {
        Self {
            delivered: 0,
            unreadable: 0,
            sink,
            tape: None,
        }
    }

    /// Writes a recording from now on.
    pub(super) fn record(&mut self, tape: Tape) {
        self.tape = Some(tape);
    }

    /// Leaves the recording as it is.
    pub(super) fn stop_recording(&mut self) {
        self.tape = None;
    }

    /// What was taken in is in the recording, whatever happens to this process.
    pub(super) fn flush(&mut self, domain: &Domain) {
        if let Some(tape) = &mut self.tape {
            tape.flush(domain);
        }
    }

    /// Takes in a record.
    pub(super) fn take(&mut self, record: &[u8]) {
        self.delivered += 1;
        if let Ok(raw) = RawEvent::parse(record)
            && raw.header.kind == EventKind::Fork as u8
        {
            // For the recording alone.
            if let Some(tape) = &mut self.tape {
                tape.take(&raw, |_| None);
            }
            return;
        }
        let read = match &mut self.sink {
            Sink::Learn(learner) => learner.feed_raw(record),
            Sink::Watch(watch, registry) => watched(watch, registry, record),
        };
        if let Some(tape) = &mut self.tape {
            let registry = match &self.sink {
                Sink::Learn(learner) => learner.registry(),
                Sink::Watch(_, registry) => registry,
            };
            match RawEvent::parse(record) {
                Ok(raw) if read.is_ok() => tape.take(&raw, |fp| registry.subject(fp)),
                _ => tape.miss(),
            }
        }
        if read.is_err() {
            self.unreadable += 1;
        }
    }

    /// Goes on where another recorder of the same run has ended.
    pub(super) fn take_over(&mut self, violations: Vec<Violation>) {
        if let Sink::Watch(watch, _) = &mut self.sink {
            watch.take_over(violations);
        }
    }

    /// Ends the record of a run that was taken over.
    pub(super) fn end(&mut self, lost: u64) {
        if let Sink::Watch(watch, _) = &mut self.sink {
            watch.end(lost, false);
        }
    }

    /// What was learned, or what was seen, and the recording.
    pub(super) fn into_parts(self) -> (Option<Learner>, Option<Watch>, Option<Tape>) {
        match self.sink {
            Sink::Learn(learner) => (Some(*learner), None, self.tape),
            Sink::Watch(watch, _) => (None, Some(*watch), self.tape),
        }
    }
}

/// What is told of a record: violations, and repetitions of them as rarely as without a recording.
fn watched(watch: &mut Watch, registry: &mut Registry, record: &[u8]) -> Result<(), RecordError> {
    let raw = RawEvent::parse(record)?;
    if raw.header.kind == EventKind::Match as u8 {
        return Ok(());
    }
    let event = raw.to_owned()?;
    registry.apply(&event);
    if event.kind == EventKind::Violation && event.count.count_ones() <= 1 {
        watch.see(&event, registry.subject(event.subject).as_ref());
    }
    Ok(())
}
