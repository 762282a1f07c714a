// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Why rules can't be compiled.

use ambit_abi::Hook;
use regex_automata::dfa::dense;

use super::wire;

/// Rules can't be compiled.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CompileError {
    /// A hook has more rules than there are bits for.
    #[error(
        "{rules} rules are asked at hook {hook}, and it has room for {}: join some of them by `||`, or ask fewer \
         operations",
        wire::RULES
    )]
    TooManyRules {
        /// The hook.
        hook: Hook,
        /// How many rules it would have.
        rules: usize,
    },
    /// A test of a text needs more states than an automaton has.
    #[error(
        "rule {rule}: this test of a text needs more states than the kernel part's table has: {test}"
    )]
    TestTooLarge {
        /// The rule's id.
        rule: String,
        /// The test, shortened.
        test: String,
    },
    /// The tests of a text don't fit the automata that it has.
    #[error(
        "rule {rule}: with the other rules' tests of the same text, this one does not fit the kernel part's tables: {test}; \
         expressions that repeat something in their midst, like `a.*b`, need most of them"
    )]
    TestsTooLarge {
        /// The id of the first rule that does not fit.
        rule: String,
        /// The test, shortened.
        test: String,
    },
    /// A regular expression is refused.
    #[error("rule {rule}: compiling the test {test}")]
    Expression {
        /// The rule's id.
        rule: String,
        /// The test, shortened.
        test: String,
        /// Why.
        #[source]
        source: Box<dense::BuildError>,
    },
    /// A rule's condition needs more instructions than a jump can pass over.
    #[error("rule {rule}: at hook {hook} its condition needs too many instructions")]
    TooLong {
        /// The hook.
        hook: Hook,
        /// The rule's id.
        rule: String,
    },
}
