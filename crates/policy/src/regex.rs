// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Regular expressions of conditions: one definition of their syntax and their limits.

use regex_automata::dfa::{Automaton as _, StartKind, dense};
use regex_automata::nfa::thompson;
use regex_automata::util::primitives::StateID;
use regex_automata::util::{start, syntax};
use regex_automata::{Anchored, Input};

/// Memory limit for building an expression, in bytes.
const BUILD_BYTES: usize = 16 * 1024 * 1024;
/// Limit of nested groups.
const NEST_MAX: u32 = 64;

/// A compiled expression.
#[derive(Debug)]
pub(crate) struct Regex(dense::DFA<Vec<u32>>);

/// State of a search that gets one byte at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Walk {
    /// Further bytes decide.
    At(StateID),
    /// It matches for every continuation.
    Found,
    /// It matches for no continuation.
    Dead,
}

impl Walk {
    /// The result, if no further byte can change it.
    pub(crate) const fn decided(self) -> Option<bool> {
        match self {
            Self::At(_) => None,
            Self::Found => Some(true),
            Self::Dead => Some(false),
        }
    }
}

impl Regex {
    /// Compiles an expression: ASCII classes, bytes.
    pub(crate) fn new(pattern: &str) -> Result<Self, Box<dense::BuildError>> {
        let config = dense::Config::new()
            .start_kind(StartKind::Unanchored)
            .determinize_size_limit(Some(BUILD_BYTES))
            .dfa_size_limit(Some(BUILD_BYTES));
        dense::Builder::new()
            .configure(config)
            .syntax(
                syntax::Config::new()
                    .unicode(false)
                    .utf8(false)
                    .nest_limit(NEST_MAX),
            )
            .thompson(
                thompson::Config::new()
                    .utf8(false)
                    .nfa_size_limit(Some(BUILD_BYTES)),
            )
            .build(pattern)
            .map(Self)
            .map_err(Box::new)
    }

    /// True if it matches anywhere in the text.
    pub(crate) fn is_match(&self, text: &[u8]) -> bool {
        // A search only fails for automata that quit at some byte; this configuration has none.
        let input = Input::new(text).earliest(true);
        matches!(self.0.try_search_fwd(&input), Ok(Some(_)))
    }

    /// The state before the first byte.
    pub(crate) fn start(&self) -> Walk {
        // The start state only fails for Unicode word boundaries, which are off.
        let config = start::Config::new().anchored(Anchored::No);
        self.0.start_state(&config).map_or(Walk::Dead, Walk::At)
    }

    /// The state after one more byte.
    pub(crate) fn step(&self, walk: Walk, byte: u8) -> Walk {
        let Walk::At(state) = walk else {
            return walk;
        };
        let state = self.0.next_state(state, byte);
        if self.0.is_match_state(state) {
            Walk::Found
        } else if self.0.is_dead_state(state) {
            Walk::Dead
        } else {
            Walk::At(state)
        }
    }

    /// True if it matches a text that ends here.
    pub(crate) fn ends(&self, walk: Walk) -> bool {
        match walk {
            Walk::At(state) => self.0.is_match_state(self.0.next_eoi_state(state)),
            Walk::Found => true,
            Walk::Dead => false,
        }
    }

    /// The class of a byte: bytes of a class are not distinguished.
    pub(crate) fn kind(&self, byte: u8) -> u8 {
        self.0.byte_classes().get(byte)
    }
}
