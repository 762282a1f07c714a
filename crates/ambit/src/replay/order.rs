// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Operations in the order of time: the ring has those of different CPUs in nearly that order, and forks come ahead.

use std::collections::BTreeMap;

use ambit_recording::{EventAt, Fork};

/// Operations that are held back. Those of two CPUs are never further apart than what these do in the moment between
/// taking the time and writing to the ring.
const WINDOW: usize = 1024;

/// What is held back, by time and then by the order of the recording.
#[derive(Debug, Default)]
pub(super) struct Order {
    events: BTreeMap<(u64, u64), EventAt>,
    forks: BTreeMap<(u64, u64), Fork>,
    count: u64,
}

impl Order {
    /// Takes in an operation.
    pub(super) fn event(&mut self, at: EventAt) {
        self.count += 1;
        self.events.insert((at.time_ns, self.count), at);
    }

    /// Takes in a fork.
    pub(super) fn fork(&mut self, fork: Fork) {
        self.count += 1;
        self.forks.insert((fork.time_ns, self.count), fork);
    }

    /// The next operation, if enough is held back or there will be no more.
    pub(super) fn next(&mut self, last: bool) -> Option<EventAt> {
        (last || self.events.len() > WINDOW)
            .then(|| self.events.pop_first())
            .flatten()
            .map(|(_, at)| at)
    }

    /// The next fork that was not after this time.
    pub(super) fn fork_until(&mut self, time_ns: u64) -> Option<Fork> {
        let first = self.forks.first_entry()?;
        (first.get().time_ns <= time_ns).then(|| first.remove())
    }
}
