// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A bounded queue between a session and its consumer.

use std::collections::VecDeque;

/// Items that wait for their consumer. If it is full, new items are dropped and counted.
#[derive(Clone, Debug)]
pub struct Outbox<T> {
    items: VecDeque<T>,
    capacity: usize,
    lost: u64,
}

impl<T> Outbox<T> {
    /// Creates an empty queue for at most `capacity` items.
    pub const fn new(capacity: usize) -> Self {
        Self {
            items: VecDeque::new(),
            capacity,
            lost: 0,
        }
    }

    /// Appends an item, or counts it as lost if there is no room.
    pub fn push(&mut self, item: T) {
        if self.items.len() < self.capacity {
            self.items.push_back(item);
        } else {
            self.lost += 1;
        }
    }

    /// Removes and returns the oldest item.
    pub fn pop(&mut self) -> Option<T> {
        self.items.pop_front()
    }

    /// Number of items that found no room.
    pub const fn lost(&self) -> u64 {
        self.lost
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_queue_counts_what_it_drops() {
        let mut outbox = Outbox::new(2);
        for item in 1..=5 {
            outbox.push(item);
        }
        assert_eq!(
            (outbox.pop(), outbox.pop(), outbox.pop()),
            (Some(1), Some(2), None)
        );
        assert_eq!(outbox.lost(), 3);
        outbox.push(6);
        assert_eq!(outbox.pop(), Some(6));
    }
}
