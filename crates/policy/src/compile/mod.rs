// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Rules as the kernel part runs them: for each hook an eBPF program, and automata that run the tests of texts before
//! it.
//!
//! It knows the layout of `struct ambit_facts` and `struct ambit_rule_automaton`, and nothing of how they are loaded.

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
mod reduce;
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
use crate::rule::{Actions, Rule};

/// Rules, ready to be loaded.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// The hooks that have rules, in the order in which they were given.
    pub hooks: Vec<HookProgram>,
    /// Automata over an executable's canonical bytes, for every hook.
    pub chain: Vec<Automaton>,
    /// Over what the task calls itself.
    pub comm: Vec<Automaton>,
    /// Over the task's cgroup.
    pub cgroup: Vec<Automaton>,
    /// Over the task's domain.
    pub domain: Vec<Automaton>,
}

/// The rules of a hook.
#[derive(Clone, Debug)]
pub struct HookProgram {
    /// The hook.
    pub hook: Hook,
    /// `int rules(struct ambit_facts *facts)`: marks the rules that apply in `fired`, which it clears before, and
    /// returns the union of what they do.
    pub instructions: Vec<Insn>,
    /// Which texts are asked for by rules that might apply, known without those that are dear to have (the chain, what the
    /// task calls itself, its cgroup, its domain): a mask as `needs` is, 0 where no rule can apply whatever these are. The
    /// bits of other texts may be anything. None where that would tell nothing.
    pub prefilter: Option<Vec<Insn>>,
    /// What is asked before the object is put together, at hooks where that is worth it.
    pub path_program: Option<PathProgram>,
    /// Automata over the object's canonical bytes.
    pub object: Vec<Automaton>,
    /// Whose words of `match` are read: a mask of `1 << AMBIT_RULE_TEXT_*`.
    pub needs: u32,
    /// Which of `numbers` are read: a mask of `1 << AMBIT_RULE_*`.
    pub numbers: u32,
    /// The index of the rule that each bit of `fired` stands for.
    pub rules: Vec<usize>,
    /// What instructions are for: text, and the number of the instruction that it stands before.
    pub comments: Vec<(usize, String)>,
}

/// What can be told of a file's rules before its path is put together: `int path_program(struct ambit_facts *facts)`, whose
/// stages (`PATH_PROGRAM_*` of the `abi`) are told apart by what stands above the operation's number.
///
/// By the path's tests and the argument alone, it says which kinds of rules might apply. Of rules that ask for no path it
/// says first which texts they ask for, then whether one applies.
#[derive(Clone, Debug)]
pub struct PathProgram {
    /// Its instructions.
    pub instructions: Vec<Insn>,
    /// Some rule asks for the path.
    pub object: bool,
    /// Which of `numbers` rules read that ask for no path.
    pub numbers: u32,
}

impl HookProgram {
    /// The instructions as text.
    pub fn listing(&self) -> String {
        listing(&self.instructions, &self.comments)
    }
}

/// Every source of distrust that rules set, which is `rule:ID`, or ask for.
pub fn sources(rules: &[Rule]) -> BTreeSet<String> {
    let mut sources = BTreeSet::new();
    for rule in rules {
        if rule.actions.has(Actions::TAINT) {
            sources.insert(format!("rule:{}", rule.id));
        }
        asked(&rule.when, &mut sources);
    }
    sources
}

fn asked(condition: &Condition, sources: &mut BTreeSet<String>) {
    match condition {
        Condition::Not(inner) => asked(inner, sources),
        Condition::And(inner) | Condition::Or(inner) => {
            for inner in inner {
                asked(inner, sources);
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

/// Compiles rules for these hooks. `sources` has the trust bit of each source; what is not in it never lowered trust.
/// A hook gets a program if it asks about an operation at which some rule can apply.
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
    // Mostly rules name several hooks, which then have the same tests.
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

/// What there is once for all hooks: one for each input but the object.
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

/// A hook whose tests of texts have no bits yet.
struct Draft {
    hook: Hook,
    parts: Vec<Part>,
    rules: Vec<usize>,
    object: Tests,
}

/// The operations that a hook asks rules about. Opening with the wish to create or to cut is asked about as such
/// elsewhere; digests, credentials and descriptors that are inherited are of maps only.
fn operations(hook: Hook) -> Vec<Op> {
    let asks = |op: &Op| match hook {
        Hook::FileOpen => *op == Op::FileOpen,
        _ => !matches!(op, Op::ExecDigest | Op::ExecCreds | Op::FileInherit),
    };
    hook.ops().iter().copied().filter(asks).collect()
}

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
        // A test that was taken apart may turn out to contradict itself.
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
    let prefilter = match bound::prefilter(&draft.parts) {
        Some(parts) => Some(
            program::write(parts, only)
                .map_err(too_long)?
                .0
                .instructions,
        ),
        None => None,
    };
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
