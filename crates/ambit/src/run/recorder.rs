// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What becomes of the ring's records: points go to the learner, violations to the watch.

use ambit_abi::EventKind;
use ambit_event::{Event, Registry};
use ambit_model::Learner;

use super::watch::Watch;
use crate::store::Violation;

/// Takes in the records of one domain, in order.
#[derive(Debug)]
pub(super) struct Recorder {
    /// Records that came.
    pub(super) delivered: u64,
    /// Of these: what could not be read, and so was not learned.
    pub(super) unreadable: u64,
    sink: Sink,
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
        }
    }

    /// Takes in a record.
    pub(super) fn take(&mut self, record: &[u8]) {
        self.delivered += 1;
        let read = match &mut self.sink {
            Sink::Learn(learner) => learner.feed_raw(record),
            Sink::Watch(watch, registry) => Event::parse(record).map(|event| {
                registry.apply(&event);
                if event.kind == EventKind::Violation {
                    watch.see(&event, registry.subject(event.subject).as_ref());
                }
            }),
        };
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

    /// What was learned, or what was seen.
    pub(super) fn into_parts(self) -> (Option<Learner>, Option<Watch>) {
        match self.sink {
            Sink::Learn(learner) => (Some(*learner), None),
            Sink::Watch(watch, _) => (None, Some(*watch)),
        }
    }
}
