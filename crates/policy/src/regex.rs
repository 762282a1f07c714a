// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The regular expressions of conditions: one definition of what they mean and of how large they may get.

use regex_automata::Input;
use regex_automata::dfa::{Automaton as _, StartKind, dense};
use regex_automata::nfa::thompson;
use regex_automata::util::syntax;

/// What building one may take, in bytes.
const BUILD_BYTES: usize = 16 * 1024 * 1024;
/// Groups in groups of an expression.
const NEST_MAX: u32 = 64;

/// An expression, to be searched for.
#[derive(Debug)]
pub(crate) struct Regex(dense::DFA<Vec<u32>>);

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

    /// Whether it matches somewhere.
    pub(crate) fn is_match(&self, text: &[u8]) -> bool {
        // Searching fails only for automata that quit at some byte, which this configuration has not.
        let input = Input::new(text).earliest(true);
        matches!(self.0.try_search_fwd(&input), Ok(Some(_)))
    }
}
