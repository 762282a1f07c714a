// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A compiled set of rules, as the kernel part takes it.

use ambit_abi::{Hook, RuleHook};

/// The compiled rules of a hook.
#[derive(Clone, Debug)]
pub struct RuleProgram {
    /// The hook.
    pub hook: Hook,
    /// Instructions of a function from `struct ambit_facts *` to a mask of actions, as `struct bpf_insn`.
    pub instructions: Vec<u64>,
    /// Prefilter: returns the mask of context fields that are read by rules which may still match. None if
    /// `settings.prefilter` is 0.
    pub prefilter: Option<Vec<u64>>,
    /// Path program: decides by the path's tests and the argument alone. None if `settings.path_program` is 0.
    pub path_program: Option<Vec<u64>>,
    /// The meaning of its bits, and the fields it reads. Loading fills in the slots of its automata.
    pub settings: RuleHook,
    /// Automata for the object (`struct ambit_rule_automaton`).
    pub automata: Vec<Vec<u8>>,
}

/// Automata for a text that all hooks share.
#[derive(Clone, Debug)]
pub struct RuleText {
    /// `abi::RULE_TEXT_*`.
    pub text: usize,
    /// `struct ambit_rule_automaton`.
    pub automata: Vec<Vec<u8>>,
}

/// A compiled set of rules.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    /// By hook.
    pub programs: Vec<RuleProgram>,
    /// By text.
    pub texts: Vec<RuleText>,
    /// The number of rules.
    pub count: usize,
    /// The active set has the same rules: load the programs of all hooks again, so that they run before other programs
    /// that were attached since, and keep the counts.
    pub renew: bool,
}

/// The result of loading a set.
#[derive(Clone, Debug)]
pub struct RulesLoaded {
    /// The set's number.
    pub generation: u64,
    /// By hook, how many instructions the verifier processed; empty if this kernel does not report that.
    pub verified: Vec<(Hook, u32)>,
}
