// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Joins tests into one table: the product automaton of two tables.
//!
//! The product of two minimal tables is minimal, because each keeps its own output bits. So it shows directly if the
//! tests fit, and each test is built only once.

use std::collections::HashMap;

use ambit_abi::{RULE_ENTRIES, RULE_ROWS, RULE_WORDS};
use ambit_automaton::Table;

/// Bits of a row, one per test.
const TESTS: usize = RULE_WORDS * 64;
/// Limit of byte classes, which are numbered from 1 in a byte.
const CLASSES: usize = 255;

/// A set of tests.
pub(super) type Row = [u64; RULE_WORDS];

/// The output of a state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Output {
    /// The tests that are true for a text that ends in this state.
    pub(super) ends: Row,
    /// The tests that are true for every text that passes this state.
    pub(super) marks: Row,
}

/// A table of several tests. The output of a state is an index of `outputs`; the first output has no test.
#[derive(Clone, Debug)]
pub(super) struct Joint {
    pub(super) table: Table,
    pub(super) outputs: Vec<Output>,
    pub(super) tests: usize,
}

impl Joint {
    /// A table of one test; `None` if it does not fit the kernel part's structure.
    pub(super) fn new(table: Table) -> Option<Self> {
        let (none, only) = ([0; RULE_WORDS], [1, 0, 0, 0]);
        // By END and MARK.
        let outputs = [(none, none), (only, none), (none, only)];
        let outputs = outputs.map(|(ends, marks)| Output { ends, marks });
        let joint = Self {
            table,
            outputs: outputs.into(),
            tests: 1,
        };
        let room = room(joint.table.width)?;
        (joint.table.output.len() <= room).then_some(joint)
    }

    /// How many states it has.
    pub(super) fn states(&self) -> usize {
        self.table.output.len()
    }

    /// Joins two tables; the bits of `other` follow. `None` if the result does not fit the kernel part's structure.
    pub(super) fn join(&self, other: &Self) -> Option<Self> {
        let tests = self.tests + other.tests;
        if tests > TESTS {
            return None;
        }
        let (byte_classes, samples) = self.byte_classes(other);
        let room = room(samples.len())?;
        let mut joined = Self {
            table: Table {
                width: samples.len(),
                byte_classes,
                start: 0,
                output: Vec::new(),
                next: Vec::new(),
            },
            outputs: vec![Output::default()],
            tests,
        };
        let mut outputs = HashMap::from([((0, 0), 0)]);
        // The pair of dead states comes first, so state 0 stays the dead state.
        let dead = (0, 0);
        let start = (self.table.start, other.table.start);
        let mut queue = vec![dead];
        let mut numbers = HashMap::from([(dead, 0)]);
        joined.table.start = number(&mut numbers, &mut queue, start);
        let mut done = 0;
        while let Some((left, right)) = queue.get(done).copied() {
            done += 1;
            if queue.len() > room {
                return None;
            }
            let key = (self.output(left), other.output(right));
            let fresh = u32::try_from(joined.outputs.len()).ok()?;
            let output = *outputs.entry(key).or_insert(fresh);
            if output == fresh {
                let (left, right) = (self.tells(key.0), other.tells(key.1));
                joined.outputs.push(Output {
                    ends: union(left.ends, shift(right.ends, self.tests)),
                    marks: union(left.marks, shift(right.marks, self.tests)),
                });
            }
            joined.table.output.push(output);
            for (left_class, right_class) in &samples {
                let next = (
                    self.next(left, *left_class),
                    other.next(right, *right_class),
                );
                joined
                    .table
                    .next
                    .push(number(&mut numbers, &mut queue, next));
            }
        }
        let rows: usize = joined.outputs.iter().map(Output::rows).sum();
        (rows <= RULE_ROWS).then_some(joined)
    }

    /// Returns the joint class of each byte, and for each joint class its classes in the two tables.
    fn byte_classes(&self, other: &Self) -> (Vec<usize>, Vec<(usize, usize)>) {
        let mut numbers = HashMap::new();
        let mut samples = Vec::new();
        let pairs = self
            .table
            .byte_classes
            .iter()
            .zip(&other.table.byte_classes);
        let classes = pairs.map(|(left, right)| {
            *numbers.entry((*left, *right)).or_insert_with(|| {
                samples.push((*left, *right));
                samples.len() - 1
            })
        });
        (classes.collect(), samples)
    }

    fn output(&self, state: u32) -> u32 {
        let state = usize::try_from(state).unwrap_or(usize::MAX);
        self.table.output.get(state).copied().unwrap_or(0)
    }

    fn next(&self, state: u32, class: usize) -> u32 {
        let state = usize::try_from(state).unwrap_or(usize::MAX);
        let at = state.saturating_mul(self.table.width).saturating_add(class);
        self.table.next.get(at).copied().unwrap_or(0)
    }

    fn tells(&self, output: u32) -> Output {
        let output = usize::try_from(output).unwrap_or(usize::MAX);
        self.outputs.get(output).copied().unwrap_or_default()
    }
}

impl Output {
    /// True if the state marks tests, so that the kernel part has to record them.
    pub(super) fn is_marking(&self) -> bool {
        self.marks != [0; RULE_WORDS]
    }

    /// The number of rows that it takes in the kernel part's structure.
    fn rows(&self) -> usize {
        1 + usize::from(self.is_marking())
    }
}

/// Returns the limit of states for this many classes; `None` for too many classes. Each state needs an additional
/// entry for its row.
fn room(width: usize) -> Option<usize> {
    (width <= CLASSES).then_some(RULE_ENTRIES / (width + 1))
}

/// The number of a pair of states.
fn number(
    numbers: &mut HashMap<(u32, u32), u32>,
    queue: &mut Vec<(u32, u32)>,
    pair: (u32, u32),
) -> u32 {
    *numbers.entry(pair).or_insert_with(|| {
        queue.push(pair);
        u32::try_from(queue.len() - 1).unwrap_or(u32::MAX)
    })
}

pub(super) fn union(left: Row, right: Row) -> Row {
    std::array::from_fn(|word| {
        let of = |row: &Row| row.get(word).copied().unwrap_or(0);
        of(&left) | of(&right)
    })
}

/// Shifts the bits of a row.
fn shift(row: Row, by: usize) -> Row {
    let (words, bits) = (by / 64, by % 64);
    std::array::from_fn(|word| {
        let of = |back: usize| {
            let from = word.checked_sub(words + back);
            from.and_then(|from| row.get(from)).copied().unwrap_or(0)
        };
        let carried = u32::try_from(64 - bits).ok();
        of(0) << bits | carried.and_then(|by| of(1).checked_shr(by)).unwrap_or(0)
    })
}
