// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Sorts recorded operations and forks by time. The ring delivers operations of different CPUs slightly out of order,
//! and a recording stores forks ahead of the operations around them.

use std::collections::BTreeMap;

use ambit_recording::{EventAt, Fork};

/// Number of operations that are buffered. A CPU takes an operation's time just before it writes the record, so two
/// operations can only be swapped if they are closer together than the records written in between.
const WINDOW: usize = 1024;

/// Buffered operations and forks, by time and then by their place in the recording.
#[derive(Debug, Default)]
pub(crate) struct TimeOrder {
    events: BTreeMap<(u64, u64), EventAt>,
    forks: BTreeMap<(u64, u64), Fork>,
    count: u64,
}

impl TimeOrder {
    /// Adds an operation.
    pub(crate) fn push_event(&mut self, at: EventAt) {
        self.count += 1;
        self.events.insert((at.time_ns, self.count), at);
    }

    /// Adds a fork.
    pub(crate) fn push_fork(&mut self, fork: Fork) {
        self.count += 1;
        self.forks.insert((fork.time_ns, self.count), fork);
    }

    /// Removes and returns the earliest operation if the buffer is full, or if `flush` is set.
    pub(crate) fn pop_event(&mut self, flush: bool) -> Option<EventAt> {
        (flush || self.events.len() > WINDOW)
            .then(|| self.events.pop_first())
            .flatten()
            .map(|(_, at)| at)
    }

    /// Removes and returns the earliest fork that is not later than `time_ns`.
    pub(crate) fn pop_fork_until(&mut self, time_ns: u64) -> Option<Fork> {
        let first = self.forks.first_entry()?;
        (first.get().time_ns <= time_ns).then(|| first.remove())
    }
}
