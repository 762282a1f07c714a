// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Errors of the compiler.

use ambit_abi::Hook;
use regex_automata::dfa::dense;

use super::wire;

/// The rules cannot be compiled.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CompileError {
    /// A hook has more rules than bits.
    #[error(
        "{rules} rules are for operations of the hook {hook}, which has room for {}: join some of them with `||`, or list \
         fewer operations in `on`",
        wire::RULES
    )]
    TooManyRules {
        /// The hook.
        hook: Hook,
        /// Number of rules for it.
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
    /// The tests of a text do not fit its automata.
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
        /// The cause.
        #[source]
        source: Box<dense::BuildError>,
    },
    /// A rule's condition is longer than a jump can reach.
    #[error("rule {rule}: at hook {hook} its condition needs too many instructions")]
    TooLong {
        /// The hook.
        hook: Hook,
        /// The rule's id.
        rule: String,
    },
}
