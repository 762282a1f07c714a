// SPDX-License-Identifier: Apache-2.0 OR MIT
//! One automaton for all patterns, laid out in pages as `struct ambit_dfa` has it.

use std::collections::{BTreeMap, HashMap};

use ambit_abi as abi;
use ambit_automaton::{Table, reduce};
use regex_automata::dfa::{Automaton as _, StartKind, dense};
use regex_automata::nfa::thompson;
use regex_automata::util::primitives::StateID;
use regex_automata::util::{start, syntax};
use regex_automata::{Anchored, MatchKind};

/// What building may take, in bytes: room for about the states that the kernel part's pages can have. It also bounds
/// the time, for patterns that explode.
const BUILD_BYTES: usize = 24 * 1024 * 1024;
/// Entries of a page.
const ENTRIES: usize = 1 << abi::DFA_PAGE_BITS;

/// An automaton in the kernel part's layout. Sets of patterns that match together are classes, numbered from 1.
#[derive(Clone, Debug)]
pub struct Automaton {
    bytes: Vec<u8>,
    classes: Vec<Vec<usize>>,
    states: usize,
}

/// The automaton can't be built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AutomatonError {
    /// More states than the kernel part's table has.
    #[error("the patterns need too many states")]
    TooLarge,
    /// The expressions are refused.
    #[error("compiling the expressions")]
    Build(#[source] Box<dense::BuildError>),
}

impl Automaton {
    /// Builds the automaton of expressions that are anchored at both ends.
    pub fn build(regexes: &[String]) -> Result<Self, AutomatonError> {
        match small(regexes) {
            Ok((table, classes)) => lay_out(&table, classes).ok_or(AutomatonError::TooLarge),
            Err(error) if error.is_size_limit_exceeded() => Err(AutomatonError::TooLarge),
            Err(error) => Err(AutomatonError::Build(error)),
        }
    }

    /// The pages, in the host's byte order.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The same, taken over.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// The patterns of each class; the first is class 1.
    pub fn classes(&self) -> &[Vec<usize>] {
        &self.classes
    }

    /// States, the dead one included.
    pub const fn states(&self) -> usize {
        self.states
    }
}

/// How many states an expression needs alone; `usize::MAX` where it is beyond all bounds.
pub(super) fn states(regex: &str) -> usize {
    small(&[regex.to_owned()]).map_or(usize::MAX, |(table, _)| table.output.len())
}

/// The smallest automaton of one expression, which accepts in states with an output; `None` if it is too large.
pub(crate) fn table(regex: &str) -> Option<Table> {
    small(&[regex.to_owned()]).ok().map(|(table, _)| table)
}

type Classes = Vec<Vec<usize>>;

/// The smallest automaton of some expressions.
fn small(regexes: &[String]) -> Result<(Table, Classes), Box<dense::BuildError>> {
    let config = dense::Config::new()
        .match_kind(MatchKind::All)
        .start_kind(StartKind::Anchored)
        .accelerate(false)
        .determinize_size_limit(Some(BUILD_BYTES))
        .dfa_size_limit(Some(BUILD_BYTES));
    let dfa = dense::Builder::new()
        .configure(config)
        .syntax(
            syntax::Config::new()
                .unicode(false)
                .utf8(false)
                .nest_limit(64),
        )
        .thompson(
            thompson::Config::new()
                .utf8(false)
                .nfa_size_limit(Some(BUILD_BYTES)),
        )
        .build_many(regexes)
        .map_err(Box::new)?;
    let (table, classes) = explore(&dfa);
    Ok((reduce(&table), classes))
}

/// The states that can be reached, as a plain table: 0 is dead, 1 is the start.
fn explore(dfa: &dense::DFA<Vec<u32>>) -> (Table, Classes) {
    let byte_classes: Vec<usize> = (0..=u8::MAX)
        .map(|byte| usize::from(dfa.byte_classes().get(byte)))
        .collect();
    let width = byte_classes.iter().max().map_or(1, |last| last + 1);
    let mut samples = vec![0u8; width];
    for (byte, class) in (0..=u8::MAX).zip(&byte_classes) {
        if let Some(sample) = samples.get_mut(*class) {
            *sample = byte;
        }
    }
    let mut numbers: HashMap<StateID, u32> = HashMap::new();
    let mut queue: Vec<StateID> = Vec::new();
    let mut sets: BTreeMap<Vec<usize>, u32> = BTreeMap::new();
    let mut classes = Vec::new();
    let mut table = Table {
        width,
        byte_classes,
        start: 0,
        output: vec![0],
        next: vec![0; width],
    };
    let mut number = |state: StateID, queue: &mut Vec<StateID>| {
        if dfa.is_dead_state(state) || dfa.is_quit_state(state) {
            return 0;
        }
        let fresh = u32::try_from(queue.len() + 1).unwrap_or(u32::MAX);
        *numbers.entry(state).or_insert_with(|| {
            queue.push(state);
            fresh
        })
    };
    let config = start::Config::new().anchored(Anchored::Yes);
    if let Ok(start) = dfa.start_state(&config) {
        table.start = number(start, &mut queue);
    }
    let mut done = 0;
    while let Some(state) = queue.get(done).copied() {
        done += 1;
        for sample in &samples {
            let next = number(dfa.next_state(state, *sample), &mut queue);
            table.next.push(next);
        }
        let end = dfa.next_eoi_state(state);
        let accept = if dfa.is_match_state(end) {
            let mut set: Vec<usize> = (0..dfa.match_len(end))
                .map(|index| dfa.match_pattern(end, index).as_usize())
                .collect();
            set.sort_unstable();
            let fresh = u32::try_from(classes.len() + 1).unwrap_or(u32::MAX);
            *sets.entry(set.clone()).or_insert_with(|| {
                classes.push(set);
                fresh
            })
        } else {
            0
        };
        table.output.push(accept);
    }
    (table, classes)
}

/// The kernel part's layout; `None` where it does not fit.
fn lay_out(table: &Table, classes: Classes) -> Option<Automaton> {
    let states = table.output.len();
    let padded = table.width.next_power_of_two();
    let shift = padded.trailing_zeros();
    if states > abi::DFA_STATES || shift > 8 {
        return None;
    }
    let accept_page = 1 + (states * padded).div_ceil(ENTRIES);
    let pages = accept_page + states.div_ceil(ENTRIES);
    let mut bytes = vec![0u8; pages * abi::DFA_PAGE_SIZE];
    let mut put = |at: usize, value: &[u8]| -> Option<()> {
        bytes.get_mut(at..at + value.len())?.copy_from_slice(value);
        Some(())
    };
    let header = abi::DFA_HEADER_OFFSET;
    put(header, &table.start.to_ne_bytes())?;
    put(header + 4, &shift.to_ne_bytes())?;
    put(header + 8, &u32::try_from(states).ok()?.to_ne_bytes())?;
    put(header + 12, &u32::try_from(accept_page).ok()?.to_ne_bytes())?;
    for (byte, class) in table.byte_classes.iter().enumerate() {
        put(
            abi::DFA_CLASSES_OFFSET + byte,
            &[u8::try_from(*class).ok()?],
        )?;
    }
    for (state, accept) in table.output.iter().enumerate() {
        put(
            accept_page * abi::DFA_PAGE_SIZE + 2 * state,
            &u16::try_from(*accept).ok()?.to_ne_bytes(),
        )?;
    }
    for (state, row) in table.next.chunks(table.width).enumerate() {
        for (class, next) in row.iter().enumerate() {
            let at = abi::DFA_PAGE_SIZE + 2 * (state * padded + class);
            put(at, &u16::try_from(*next).ok()?.to_ne_bytes())?;
        }
    }
    Some(Automaton {
        bytes,
        classes,
        states,
    })
}

/// The pattern class of an object, 0 for none: what the kernel part does with the pages. If any is missing, nothing
/// matches.
pub fn run(dfa: &[u8], object: &[u8]) -> u16 {
    walk(dfa, object).unwrap_or(0)
}

fn walk(dfa: &[u8], object: &[u8]) -> Option<u16> {
    let word = |at: usize| -> Option<usize> {
        let word = u32::from_ne_bytes(dfa.get(at..at + 4)?.try_into().ok()?);
        usize::try_from(word).ok()
    };
    let entry = |page: usize, index: usize| -> Option<u16> {
        let at = page.checked_mul(abi::DFA_PAGE_SIZE)? + 2 * index;
        Some(u16::from_ne_bytes(dfa.get(at..at + 2)?.try_into().ok()?))
    };
    let accept = word(abi::DFA_HEADER_OFFSET + 12)?;
    let pages = accept.checked_add(word(abi::DFA_HEADER_OFFSET + 8)?.div_ceil(ENTRIES))?;
    if Some(dfa.len()) != pages.checked_mul(abi::DFA_PAGE_SIZE) {
        return None;
    }
    let mut state = word(abi::DFA_HEADER_OFFSET)?;
    let shift = word(abi::DFA_HEADER_OFFSET + 4)? & 15;
    for byte in object {
        let class = usize::from(*dfa.get(abi::DFA_CLASSES_OFFSET + usize::from(*byte))?);
        state = usize::from(entry(1, (state << shift) + class)?);
        if state == 0 {
            return Some(0);
        }
    }
    entry(accept, state)
}
