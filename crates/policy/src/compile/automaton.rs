// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `struct ambit_rule_automaton`: a table as the kernel part walks it.

use std::mem::offset_of;

use ambit_abi::{RULE_WORDS, RuleAutomaton};

use super::joint::{Joint, Output, Row, union};

/// An automaton over a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Automaton {
    start: u16,
    /// The first state that marks tests, as all after it do; 0 where none does.
    marking: u16,
    /// The first state that does not lead to itself whatever follows: behind all of those that do, and mark nothing.
    sinks: u32,
    /// From 1 on.
    classes: Vec<u8>,
    rows: Vec<Row>,
    next: Vec<u16>,
    states: usize,
    tests: usize,
}

impl Automaton {
    /// The bytes of the kernel part's structure.
    pub const SIZE: usize = size_of::<RuleAutomaton>();

    /// The kernel part's numbers: a state is the index of its entries, of which the first is its row. `None` where
    /// they don't fit, which whoever joined the tests saw to.
    pub(super) fn new(joint: &Joint) -> Option<Self> {
        let table = &joint.table;
        let stride = table.width + 1;
        let is_marking = |output: &u32| {
            let output = usize::try_from(*output).ok();
            let output = output.and_then(|output| joint.outputs.get(output));
            output.is_some_and(Output::is_marking)
        };
        let (plain, marking): (Vec<usize>, Vec<usize>) = (0..table.output.len())
            .partition(|state| !table.output.get(*state).is_some_and(is_marking));
        let (sinks, plain): (Vec<usize>, Vec<usize>) =
            plain.into_iter().partition(|state| table.is_sink(*state));
        let state = |place: usize| u16::try_from(place * stride).ok();
        let first_marking = if marking.is_empty() {
            0
        } else {
            state(sinks.len() + plain.len())?
        };
        let first_other = u32::try_from(sinks.len() * stride).ok()?;
        let order = [sinks, plain, marking].concat();
        let mut places = vec![0; order.len()];
        for (place, number) in order.iter().enumerate() {
            *places.get_mut(*number)? = place;
        }
        let of = |number: u32| state(*places.get(usize::try_from(number).ok()?)?);
        let (rows, starts) = rows(&joint.outputs)?;
        let mut next = Vec::with_capacity(order.len() * stride);
        for number in &order {
            let output = usize::try_from(*table.output.get(*number)?).ok()?;
            next.push(*starts.get(output)?);
            for target in table
                .next
                .iter()
                .skip(number * table.width)
                .take(table.width)
            {
                next.push(of(*target)?);
            }
        }
        let classes = table.byte_classes.iter();
        let classes = classes.map(|class| u8::try_from(class + 1).ok());
        Some(Self {
            start: of(table.start)?,
            marking: first_marking,
            sinks: first_other,
            classes: classes.collect::<Option<_>>()?,
            rows,
            next,
            states: order.len(),
            tests: joint.tests,
        })
    }

    /// The tests that hold for a text, a bit each.
    pub fn run(&self, bytes: &[u8]) -> Row {
        let entry = |at: usize| self.next.get(at).copied().map_or(0, usize::from);
        let row = |at: usize| self.rows.get(at).copied().unwrap_or_default();
        let mut marked = [0; RULE_WORDS];
        let mut state = usize::from(self.start);
        for byte in bytes {
            let class = self.classes.get(usize::from(*byte)).copied();
            state = entry(state + class.map_or(0, usize::from));
            if u32::try_from(state).is_ok_and(|state| state < self.sinks) {
                break;
            }
            if self.has_marks() && state >= usize::from(self.marking) {
                marked = union(marked, row(entry(state) + 1));
            }
        }
        union(marked, row(entry(state)))
    }

    /// Whether any of its states marks tests.
    pub const fn has_marks(&self) -> bool {
        self.marking != 0
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
        out.extend_from_slice(&u32::from(self.marking).to_ne_bytes());
        out.extend_from_slice(&self.sinks.to_ne_bytes());
        out.resize(offset_of!(RuleAutomaton, classes), 0);
        out.extend_from_slice(&self.classes);
        for next in &self.next {
            out.extend_from_slice(&next.to_ne_bytes());
        }
        out.resize(offset_of!(RuleAutomaton, rows), 0);
        for word in self.rows.iter().flatten() {
            out.extend_from_slice(&word.to_ne_bytes());
        }
        out.resize(Self::SIZE, 0);
        out
    }
}

/// The kernel part's rows, and the first of each output: that of a text which ends there. Behind it is that of the marks, if
/// there are some.
fn rows(outputs: &[Output]) -> Option<(Vec<Row>, Vec<u16>)> {
    let mut rows = Vec::new();
    let mut starts = Vec::with_capacity(outputs.len());
    for output in outputs {
        starts.push(u16::try_from(rows.len()).ok()?);
        rows.push(output.ends);
        if output.is_marking() {
            rows.push(output.marks);
        }
    }
    Some((rows, starts))
}
