// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `struct ambit_rule_automaton`: a table as the kernel part walks it.

use ambit_abi::{RULE_ENTRIES, RULE_ROWS, RULE_WORDS};

use super::joint::{Joint, Row};

/// What `next` has beyond its entries, so that no sum of a state and a class leaves it.
const SLACK: usize = 256;

/// An automaton over a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Automaton {
    start: u16,
    /// From 1 on.
    classes: Vec<u8>,
    rows: Vec<Row>,
    next: Vec<u16>,
    states: usize,
    tests: usize,
}

impl Automaton {
    /// The bytes of the kernel part's structure.
    pub const SIZE: usize = 8 + 256 + RULE_ROWS * RULE_WORDS * 8 + (RULE_ENTRIES + SLACK) * 2;

    /// The kernel part's numbers: a state is the index of its entries, of which the first is its row. `None` where
    /// they don't fit, which whoever joined the tests saw to.
    pub(super) fn new(joint: &Joint) -> Option<Self> {
        let table = &joint.table;
        let stride = table.width + 1;
        let state = |number: u32| u16::try_from(usize::try_from(number).ok()? * stride).ok();
        let classes = table.byte_classes.iter();
        let classes = classes.map(|class| u8::try_from(class + 1).ok());
        let mut next = Vec::with_capacity(table.accept.len() * stride);
        for (row, targets) in table.accept.iter().zip(table.next.chunks(table.width)) {
            next.push(u16::try_from(*row).ok()?);
            for target in targets {
                next.push(state(*target)?);
            }
        }
        Some(Self {
            start: state(table.start)?,
            classes: classes.collect::<Option<_>>()?,
            rows: joint.rows.clone(),
            next,
            states: table.accept.len(),
            tests: joint.tests,
        })
    }

    /// The tests that hold for a text, a bit each.
    pub fn run(&self, bytes: &[u8]) -> [u64; 4] {
        let entry = |at: usize| self.next.get(at).copied().map_or(0, usize::from);
        let mut state = usize::from(self.start);
        for byte in bytes {
            let class = self.classes.get(usize::from(*byte)).copied();
            state = entry(state + class.map_or(0, usize::from));
            if state == 0 {
                break;
            }
        }
        self.rows.get(entry(state)).copied().unwrap_or_default()
    }

    /// How many states it has, the dead one included.
    pub const fn states(&self) -> usize {
        self.states
    }

    /// How many entries of `next` are in use.
    pub fn entries(&self) -> usize {
        self.next.len()
    }

    /// How many tests it runs.
    pub const fn tests(&self) -> usize {
        self.tests
    }

    /// The kernel part's structure, in the host's byte order.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(Self::SIZE);
        out.extend_from_slice(&u32::from(self.start).to_ne_bytes());
        out.extend_from_slice(&[0; 4]);
        out.extend_from_slice(&self.classes);
        for word in self.rows.iter().flatten() {
            out.extend_from_slice(&word.to_ne_bytes());
        }
        out.resize(8 + 256 + RULE_ROWS * RULE_WORDS * 8, 0);
        for next in &self.next {
            out.extend_from_slice(&next.to_ne_bytes());
        }
        out.resize(Self::SIZE, 0);
        out
    }
}
