// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A test of a text as a walk over its bytes.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};

use regex_automata::Anchored;
use regex_automata::dfa::{Automaton as _, dense};
use regex_automata::util::primitives::StateID;
use regex_automata::util::{alphabet, start};

use super::machine::MachineError;
use super::network::Networks;
use super::reduce::{END, MARK};
use super::{search, text};
use crate::condition::TextTest;

/// Where a walk is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Position {
    state: StateID,
    /// It was found just now that the test holds, which nothing before had told.
    found: bool,
}

/// The parts of a test.
pub(super) struct Language<'t> {
    test: &'t TextTest,
    /// The part's number among the expressions. None if all parts are one expression, which matches where any of them is
    /// known to hold.
    parts: Option<HashMap<&'t TextTest, usize>>,
    dfa: dense::DFA<Vec<u32>>,
    pub(super) start: Position,
    pub(super) v4: Networks,
    pub(super) v6: Networks,
    /// By state: whether the test holds there whatever follows.
    certain: RefCell<HashMap<StateID, bool>>,
}

impl<'t> Language<'t> {
    /// What a text is at its end says whether the test holds.
    pub(super) fn of_whole_texts(test: &'t TextTest) -> Result<Self, MachineError> {
        let mut all = Vec::new();
        text::parts(test, &mut all);
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
                    // Never matches; it keeps the numbers.
                    "[a&&b]".to_owned()
                }
                _ => text::regex(part),
            });
        }
        let language = Self::new(test, Some(parts), &regexes)?;
        Ok(Self { v4, v6, ..language })
    }

    /// A mark is set where it is known that the test holds. `None` where that is no better: the test holds for every text, or
    /// is not one that can be searched for.
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
        // Without Unicode's word boundaries there is always a start.
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

    /// The class of a byte, among those that the expressions do not tell apart.
    pub(super) fn class(&self, byte: u8) -> u8 {
        self.dfa.byte_classes().get(byte)
    }

    /// The parts that hold for a text which ends here.
    pub(super) fn accepted(&self, at: Position) -> BTreeSet<usize> {
        let end = self.dfa.next_eoi_state(at.state);
        if !self.dfa.is_match_state(end) {
            return BTreeSet::new();
        }
        (0..self.dfa.match_len(end))
            .map(|index| self.dfa.match_pattern(end, index).as_usize())
            .collect()
    }

    /// What a state outputs where these parts hold, and no others.
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

    /// What a state outputs that stands for this.
    pub(super) fn output(&self, at: Position) -> u32 {
        if self.parts.is_none() && (at.found || self.is_certain(at.state)) {
            MARK
        } else {
            self.holds(&self.accepted(at))
        }
    }

    /// Whether nothing that follows leads anywhere any more.
    pub(super) fn is_over(&self, at: Position) -> bool {
        let dead = self.dfa.is_dead_state(at.state) || self.dfa.is_quit_state(at.state);
        dead && !at.found
    }

    pub(super) fn step(&self, from: Position, byte: u8) -> Position {
        let state = self.dfa.next_state(from.state, byte);
        // The expressions' automaton says with the next byte that it had matched before it.
        let found =
            self.parts.is_none() && self.dfa.is_match_state(state) && !self.is_certain(from.state);
        Position { state, found }
    }

    /// Several bytes that are one step.
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

    /// Whether the expressions match here whatever follows.
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
