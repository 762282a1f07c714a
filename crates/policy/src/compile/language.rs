// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Evaluates a test of a text byte by byte.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};

use regex_automata::Anchored;
use regex_automata::dfa::{Automaton as _, dense};
use regex_automata::util::primitives::StateID;
use regex_automata::util::{alphabet, start};

use super::network::Networks;
use super::{search, text};
use crate::condition::TextTest;

/// Output of a state of one test's table: the test is true for a text that ends in this state.
pub(super) const END: u32 = 1;
/// Output of a state of one test's table: the test is true for every text that passes through this state.
pub(super) const MARK: u32 = 2;

/// The table cannot be built.
#[derive(Debug)]
pub(super) enum MachineError {
    /// Too many states.
    TooLarge,
    /// A regular expression is rejected.
    Build(Box<dense::BuildError>),
}

/// A state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Position {
    state: StateID,
    /// The last byte showed that the test is true.
    found: bool,
}

/// A test with the automaton of its parts.
pub(super) struct Language<'t> {
    test: &'t TextTest,
    /// The number of each part's expression. `None` if one expression stands for all parts, which matches where any
    /// of them is known to be true.
    parts: Option<HashMap<&'t TextTest, usize>>,
    dfa: dense::DFA<Vec<u32>>,
    pub(super) start: Position,
    pub(super) v4: Networks,
    pub(super) v6: Networks,
    /// By state: true if the test is true for every continuation.
    certain: RefCell<HashMap<StateID, bool>>,
}

impl<'t> Language<'t> {
    /// Builds the form that decides the test at the end of the text.
    pub(super) fn of_whole_texts(test: &'t TextTest) -> Result<Self, MachineError> {
        let mut all = Vec::new();
        test.parts(&mut all);
        let mut parts = HashMap::new();
        let mut regexes = Vec::new();
        let (mut v4, mut v6) = (Networks::default(), Networks::default());
        for part in all {
            let number = parts.len();
            if parts.contains_key(part) {
                continue;
            }
            parts.insert(part, number);
            regexes.push(match part {
                TextTest::Network(networks) => {
                    v4.add(number, networks, false);
                    v6.add(number, networks, true);
                    // Never matches; a placeholder that keeps the numbering.
                    "[a&&b]".to_owned()
                }
                _ => text::regex(part),
            });
        }
        let language = Self::new(test, Some(parts), &regexes)?;
        Ok(Self { v4, v6, ..language })
    }

    /// Builds the form that sets a mark as soon as the test is known to be true. `None` if the test is true for every
    /// text, or cannot be searched for.
    pub(super) fn of_searches(test: &'t TextTest) -> Option<Self> {
        let regex = search::regex(search::any_of(test)?)?;
        let language = Self::new(test, None, &[regex]).ok()?;
        (language.output(language.start) != MARK).then_some(language)
    }

    fn new(
        test: &'t TextTest,
        parts: Option<HashMap<&'t TextTest, usize>>,
        regexes: &[String],
    ) -> Result<Self, MachineError> {
        let dfa = text::build(regexes).map_err(|error| {
            if error.is_size_limit_exceeded() {
                MachineError::TooLarge
            } else {
                MachineError::Build(error)
            }
        })?;
        // The start state only fails for Unicode word boundaries, which are off.
        let state = dfa
            .start_state(&start::Config::new().anchored(Anchored::Yes))
            .map_err(|_| MachineError::TooLarge)?;
        Ok(Self {
            test,
            parts,
            dfa,
            start: Position {
                state,
                found: false,
            },
            v4: Networks::default(),
            v6: Networks::default(),
            certain: RefCell::default(),
        })
    }

    /// The class of a byte: expressions do not distinguish bytes of a class.
    pub(super) fn class(&self, byte: u8) -> u8 {
        self.dfa.byte_classes().get(byte)
    }

    /// The parts that are true for a text that ends here.
    pub(super) fn accepted(&self, at: Position) -> BTreeSet<usize> {
        let end = self.dfa.next_eoi_state(at.state);
        if !self.dfa.is_match_state(end) {
            return BTreeSet::new();
        }
        (0..self.dfa.match_len(end))
            .map(|index| self.dfa.match_pattern(end, index).as_usize())
            .collect()
    }

    /// The output of a state in which exactly these parts are true.
    pub(super) fn holds(&self, parts: &BTreeSet<usize>) -> u32 {
        let holds = match &self.parts {
            Some(numbers) => text::evaluate(self.test, &mut |part| {
                let number = numbers.get(part);
                number.is_some_and(|number| parts.contains(number))
            }),
            None => !parts.is_empty(),
        };
        if holds { END } else { 0 }
    }

    /// The output of a state.
    pub(super) fn output(&self, at: Position) -> u32 {
        if self.parts.is_none() && (at.found || self.is_certain(at.state)) {
            MARK
        } else {
            self.holds(&self.accepted(at))
        }
    }

    /// True if the test is false for every continuation.
    pub(super) fn is_over(&self, at: Position) -> bool {
        let dead = self.dfa.is_dead_state(at.state) || self.dfa.is_quit_state(at.state);
        dead && !at.found
    }

    pub(super) fn step(&self, from: Position, byte: u8) -> Position {
        let state = self.dfa.next_state(from.state, byte);
        // The regex automaton reports a match one byte late.
        let found =
            self.parts.is_none() && self.dfa.is_match_state(state) && !self.is_certain(from.state);
        Position { state, found }
    }

    /// The state after several bytes that count as one step.
    pub(super) fn follow(&self, from: Position, bytes: &[u8]) -> Position {
        let mut at = from;
        let mut passed = false;
        for (index, byte) in bytes.iter().enumerate() {
            passed |= index > 0 && self.output(at) == MARK;
            at = self.step(at, *byte);
        }
        Position {
            found: at.found || passed,
            ..at
        }
    }

    /// True if the expressions match here for every continuation.
    fn is_certain(&self, state: StateID) -> bool {
        if let Some(known) = self.certain.borrow().get(&state) {
            return *known;
        }
        let is_match = |next| self.dfa.is_match_state(next);
        let certain = is_match(self.dfa.next_eoi_state(state))
            && self
                .dfa
                .byte_classes()
                .representatives(..)
                .filter_map(alphabet::Unit::as_u8)
                .all(|byte| is_match(self.dfa.next_state(state, byte)));
        self.certain.borrow_mut().insert(state, certain);
        certain
    }
}
