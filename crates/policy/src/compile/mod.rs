// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Compiles rules to the form that the kernel part runs: up to three eBPF programs for each hook, and automata for the
//! tests of texts.
//!
//! # What is compiled for a hook
//!
//! The kernel part runs the programs of a hook in this order, and stops at the first that excludes all rules. `finish`
//! compiles them in the same order. Costs are instructions, measured in `docs/SPECIFICATION.md` (rows of `bench --part
//! rules`).
//!
//! | step | program | reads | answer | cost |
//! |---|---|---|---|---|
//! | 1 | path program ([`PathProgram`]), hooks of files only | path and argument; then numbers; then texts | classes of rules that may match | cached for each path and argument: 100 rules cost 1,100 together at a cached file, 2,000 at its first open |
//! | 2 | prefilter ([`HookProgram::prefilter`]) | the object and all numbers | context fields needed by rules that may match | saves the 600 to 850 of building the executables' chain unless a rule needs it |
//! | 3 | full program ([`HookProgram::instructions`]) | the object, all numbers, the needed context fields | actions, and marks of the matching rules | 3 for each rule that does not match |
//!
//! Before step 2, the kernel part builds the object's text and runs the automata of [`HookProgram::object`] over it, about
//! 740 for a path; before step 3, the automata of the context fields that step 2 has reported. Automata turn each test of a
//! text into a bit of `struct ambit_facts`, so the programs only test numbers and bits.
//!
//! Programs of steps 1 and 2 are made of weakened conditions (see `bound`): they may report a rule that does not match, but
//! never miss one.
//!
//! # How it is compiled
//!
//! 1. `draft` lowers each rule's condition for each operation of the hook (`node`) and collects the tests of texts.
//! 2. `pack` distributes the tests over automata; inputs other than the object are shared by all hooks.
//! 3. `finish` replaces the tests by bits and writes the three programs (`program`): shared conditions first (`share`),
//!    parts of a condition in the order of their estimated cost (`weigh`), then jumps (`emit`).
//!
//! This module knows the layout of `struct ambit_facts` and `struct ambit_rule_automaton`, but not how they are loaded.

mod assemble;
mod automaton;
mod bound;
mod emit;
mod error;
mod insn;
mod joint;
mod language;
mod machine;
mod network;
mod node;
mod pack;
mod program;
mod search;
mod share;
mod split;
mod text;
mod weigh;
mod wire;

use std::collections::{BTreeMap, BTreeSet};

use ambit_abi::{Hook, Op};

pub use automaton::Automaton;
pub use error::CompileError;
pub use insn::{Insn, listing};

use self::node::{Context, Leaf, Node};
use self::pack::{PackCause, PackError, Packed, Tests};
use self::program::{Entry, Part};
use self::text::Input;
use crate::condition::Condition;
use crate::field::is_evaluated;
use crate::rule::{Actions, Rule};

/// Compiled rules, ready to be loaded.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// The hooks that have rules, in the order that was requested.
    pub hooks: Vec<HookProgram>,
    /// Automata over an executable's canonical bytes, for every hook.
    pub chain: Vec<Automaton>,
    /// Automata over the task's command name.
    pub comm: Vec<Automaton>,
    /// Automata over the task's cgroup.
    pub cgroup: Vec<Automaton>,
    /// Automata over the task's domain.
    pub domain: Vec<Automaton>,
}

/// The rules of a hook.
#[derive(Clone, Debug)]
pub struct HookProgram {
    /// The hook.
    pub hook: Hook,
    /// The full program, `int rules(struct ambit_facts *facts)`: clears `fired`, marks the matching rules in it, and returns
    /// the union of their actions.
    pub instructions: Vec<Insn>,
    /// The prefilter: returns a mask like `needs` with the texts of rules that may match, or 0 if no rule can match regardless
    /// of the context fields (the chain, the command name, the cgroup, the domain), which it does not read. The bits of
    /// texts other than the object may have any value. `None` if it could never save reading a context field.
    pub prefilter: Option<Vec<Insn>>,
    /// The program to run before the object's path is built; `None` for hooks without one.
    pub path_program: Option<PathProgram>,
    /// Automata over the object's canonical bytes.
    pub object: Vec<Automaton>,
    /// The texts whose words of `match` are read: a mask of `1 << AMBIT_RULE_TEXT_*`.
    pub needs: u32,
    /// The `numbers` that are read: a mask of `1 << AMBIT_RULE_*`.
    pub numbers: u32,
    /// The index of the rule for each bit of `fired`.
    pub rules: Vec<usize>,
    /// Comments, each with the number of the instruction that it precedes.
    pub comments: Vec<(usize, String)>,
}

/// A program that excludes rules of a file before the file's path is built: `int path_program(struct ambit_facts *facts)`.
///
/// It has three stages, selected by the bits above the operation's number (`PATH_PROGRAM_*` of the `abi`). The first stage reports the
/// classes of rules that may match, from the tests of the path and the argument alone; its answers can be cached. For rules
/// that do not test the path, the second stage reports the texts they need, and the third if one of them matches.
#[derive(Clone, Debug)]
pub struct PathProgram {
    /// The instructions.
    pub instructions: Vec<Insn>,
    /// True if some rule tests the path.
    pub object: bool,
    /// The `numbers` that are read by rules without a test of the path.
    pub numbers: u32,
}

impl HookProgram {
    /// The instructions as text.
    pub fn listing(&self) -> String {
        listing(&self.instructions, &self.comments)
    }
}

/// Returns every trust source that rules set (`rule:ID`) or test.
pub fn sources(rules: &[Rule]) -> BTreeSet<String> {
    let mut sources = BTreeSet::new();
    for rule in rules {
        if rule.actions.has(Actions::TAINT) {
            sources.insert(format!("rule:{}", rule.id));
        }
        tested(&rule.when, &mut sources);
    }
    sources
}

fn tested(condition: &Condition, sources: &mut BTreeSet<String>) {
    match condition {
        Condition::Not(inner) => tested(inner, sources),
        Condition::And(inner) | Condition::Or(inner) => {
            for inner in inner {
                tested(inner, sources);
            }
        }
        Condition::Trust(Some(source)) | Condition::Cause(source) => {
            sources.insert(source.clone());
        }
        Condition::Const(_)
        | Condition::Number(..)
        | Condition::Text(..)
        | Condition::Trust(None) => {}
    }
}

/// Compiles rules for these hooks. `sources` has the trust bit of each source; a source that is not in it never lowered trust.
/// A hook gets programs if some rule can match one of its operations.
pub fn compile(
    rules: &[Rule],
    sources: &BTreeMap<String, u8>,
    hooks: &[Hook],
) -> Result<Compiled, CompileError> {
    let mut inputs = Inputs::default();
    let mut drafts = Vec::new();
    for hook in hooks {
        drafts.extend(draft(*hook, rules, sources, &mut inputs)?);
    }
    let pack = |tests: &Tests| tests.pack().map_err(|error| pack_error(error, rules));
    let packed = Inputs {
        executable: pack(&inputs.executable)?,
        comm: pack(&inputs.comm)?,
        cgroup: pack(&inputs.cgroup)?,
        domain: pack(&inputs.domain)?,
    };
    // Rules often name several hooks, which then share tests.
    let mut objects: Vec<(Tests, Packed)> = Vec::new();
    let mut programs = Vec::with_capacity(drafts.len());
    for mut draft in drafts {
        let tests = std::mem::take(&mut draft.object);
        let same = objects.iter().position(|(own, _)| *own == tests);
        let at = if let Some(at) = same {
            at
        } else {
            let object = pack(&tests)?;
            objects.push((tests, object));
            objects.len() - 1
        };
        if let Some((_, object)) = objects.get(at) {
            programs.push(finish(draft, object, &packed, rules)?);
        }
    }
    Ok(Compiled {
        hooks: programs,
        chain: packed.executable.automata,
        comm: packed.comm.automata,
        cgroup: packed.cgroup.automata,
        domain: packed.domain.automata,
    })
}

/// A value for each input except the object; these are shared by all hooks.
#[derive(Default)]
struct Inputs<T> {
    executable: T,
    comm: T,
    cgroup: T,
    domain: T,
}

impl Inputs<Tests> {
    fn of<'t>(&'t mut self, input: Input, object: &'t mut Tests) -> &'t mut Tests {
        match input {
            Input::Object => object,
            Input::Executable => &mut self.executable,
            Input::Comm => &mut self.comm,
            Input::Cgroup => &mut self.cgroup,
            Input::Domain => &mut self.domain,
        }
    }
}

impl Inputs<Packed> {
    fn of<'t>(&'t self, input: Input, object: &'t Packed) -> &'t Packed {
        match input {
            Input::Object => object,
            Input::Executable => &self.executable,
            Input::Comm => &self.comm,
            Input::Cgroup => &self.cgroup,
            Input::Domain => &self.domain,
        }
    }
}

/// A hook whose tests of texts were not assigned bits yet.
struct Draft {
    hook: Hook,
    parts: Vec<Part>,
    rules: Vec<usize>,
    object: Tests,
}

/// Returns the operations for which a hook evaluates rules.
fn operations(hook: Hook) -> Vec<Op> {
    let ops = hook.ops().iter().copied();
    ops.filter(|op| is_evaluated(hook, *op)).collect()
}

/// Lowers the rules of a hook and collects their tests of texts; `None` if no rule can match at the hook.
fn draft(
    hook: Hook,
    rules: &[Rule],
    sources: &BTreeMap<String, u8>,
    inputs: &mut Inputs<Tests>,
) -> Result<Option<Draft>, CompileError> {
    let mut object = Tests::default();
    let mut used = BTreeSet::new();
    let mut lowered = Vec::new();
    for op in operations(hook) {
        let context = Context { op, sources };
        let mut entries = Vec::new();
        for (index, rule) in rules.iter().enumerate() {
            if !rule.on.contains(&op) {
                continue;
            }
            let when =
                node::lower(&rule.when, &context).map_err(|refused| CompileError::Expression {
                    rule: rule.id.clone(),
                    test: text::describe(&refused.test),
                    source: refused.cause,
                })?;
            if when == Node::Const(false) {
                continue;
            }
            when.leaves(&mut |leaf| {
                if let Leaf::Text(field, test) = leaf {
                    let tests = inputs.of(Input::of(*field), &mut object);
                    tests.add(*field, test, index);
                }
            });
            used.insert(index);
            entries.push((index, when));
        }
        if !entries.is_empty() {
            lowered.push((op, entries));
        }
    }
    if used.len() > wire::RULES {
        return Err(CompileError::TooManyRules {
            hook,
            rules: used.len(),
        });
    }
    if used.is_empty() {
        return Ok(None);
    }
    let bits: Vec<usize> = used.into_iter().collect();
    let entry = |(index, when): (usize, Node)| {
        let rule = rules.get(index)?;
        Some(Entry {
            bit: bits.binary_search(&index).ok()?,
            id: rule.id.clone(),
            actions: rule.actions,
            when,
        })
    };
    let parts = lowered.into_iter().map(|(op, entries)| Part {
        op,
        stage: 0,
        entries: entries.into_iter().filter_map(entry).collect(),
    });
    Ok(Some(Draft {
        hook,
        parts: parts.collect(),
        rules: bits.clone(),
        object,
    }))
}

/// Assigns bits to the tests of a hook and compiles its three programs.
fn finish(
    mut draft: Draft,
    object: &Packed,
    packed: &Inputs<Packed>,
    rules: &[Rule],
) -> Result<HookProgram, CompileError> {
    let resolve = |leaf: &Leaf| {
        let Leaf::Text(field, test) = leaf else {
            return Node::Leaf(leaf.clone());
        };
        packed.of(Input::of(*field), object).resolve(*field, test)
    };
    for part in &mut draft.parts {
        for entry in &mut part.entries {
            entry.when = entry.when.map(&resolve);
        }
        // A test that was split may turn out to contradict itself.
        part.entries
            .retain(|entry| entry.when != Node::Const(false));
    }
    draft.parts.retain(|part| !part.entries.is_empty());
    let only = operations(draft.hook).len() == 1;
    let too_long = |program::TooLong(bit)| {
        let rule = draft.rules.get(bit).and_then(|index| rules.get(*index));
        CompileError::TooLong {
            hook: draft.hook,
            rule: rule.map(|rule| rule.id.clone()).unwrap_or_default(),
        }
    };
    // 1. The path program, before the path is built.
    let path_program = match bound::path_stages(draft.hook, &draft.parts) {
        Some(bound::PathStages { parts, object }) => {
            let (code, reads) = program::write(parts, false).map_err(too_long)?;
            Some(PathProgram {
                instructions: code.instructions,
                object,
                numbers: reads.numbers,
            })
        }
        None => None,
    };
    // 2. The prefilter, before context fields are read.
    let prefilter = match bound::prefilter(&draft.parts) {
        Some(parts) => Some(
            program::write(parts, only)
                .map_err(too_long)?
                .0
                .instructions,
        ),
        None => None,
    };
    // 3. The full program.
    let (code, reads) = program::write(draft.parts, only).map_err(too_long)?;
    Ok(HookProgram {
        hook: draft.hook,
        instructions: code.instructions,
        prefilter,
        path_program,
        object: object.automata.clone(),
        needs: reads.texts,
        numbers: reads.numbers,
        rules: draft.rules,
        comments: code.comments,
    })
}

fn pack_error(error: PackError, rules: &[Rule]) -> CompileError {
    let rule = rules.get(error.rule).map(|rule| rule.id.clone());
    let rule = rule.unwrap_or_default();
    let test = text::describe(&error.test);
    match error.cause {
        PackCause::Alone => CompileError::TestTooLarge { rule, test },
        PackCause::Full => CompileError::TestsTooLarge { rule, test },
        PackCause::Build(source) => CompileError::Expression { rule, test, source },
    }
}
