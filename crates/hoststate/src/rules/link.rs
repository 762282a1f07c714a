// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Compiles rules for the hooks of this kernel, and replaces rules and trust sources by their numbers for the kernel part.

use ambit_abi::{self as abi, Hook, RuleBit, RuleHook};
use ambit_policy::compile::{self, Automaton, Compiled, HookProgram, Insn};
use ambit_policy::rule::{Actions, Rule};
use ambit_sensor::{Kernel, RuleProgram, RuleText, Rules};

use crate::error::Error;
use crate::sources::TrustSources;

/// Compiles rules for these hooks. `sources` must have a bit for each rule that taints.
///
/// # Errors
/// Rules cannot be compiled together.
pub fn compile_for(
    rules: &[Rule],
    sources: &TrustSources,
    hooks: &[Hook],
) -> Result<Compiled, Error> {
    Ok(compile::compile(rules, &sources.all(), hooks)?)
}

/// Returns the hooks at which this kernel evaluates rules; all hooks of Ambit if the kernel cannot be read.
pub fn hooks() -> Vec<Hook> {
    Kernel::rule_hooks().unwrap_or_else(|_| Hook::ALL.to_vec())
}

/// Checks that each operation of each rule belongs to one of these hooks.
pub(super) fn check_hooks(rules: &[Rule], hooks: &[Hook]) -> Result<(), Error> {
    for rule in rules {
        for op in &rule.on {
            if !hooks.iter().any(|hook| hook.ops().contains(op)) {
                return Err(Error::NoHookForOperation {
                    rule: rule.id.clone(),
                    op: *op,
                });
            }
        }
    }
    Ok(())
}

/// Converts compiled rules to the form that the kernel part takes. `renew` loads the programs of all hooks again.
pub(super) fn link(
    rules: &[Rule],
    compiled: &Compiled,
    sources: &TrustSources,
    renew: bool,
) -> Rules {
    let texts = [
        (abi::RULE_TEXT_CHAIN, &compiled.chain),
        (abi::RULE_TEXT_COMM, &compiled.comm),
        (abi::RULE_TEXT_CGROUP, &compiled.cgroup),
        (abi::RULE_TEXT_DOMAIN, &compiled.domain),
    ];
    Rules {
        programs: compiled
            .hooks
            .iter()
            .map(|hook| RuleProgram {
                hook: hook.hook,
                instructions: raw(&hook.instructions),
                prefilter: hook.prefilter.as_deref().map(raw),
                path_program: hook
                    .path_program
                    .as_ref()
                    .map(|program| raw(&program.instructions)),
                settings: settings(hook, rules, sources),
                automata: bytes(&hook.object),
            })
            .collect(),
        texts: texts
            .into_iter()
            .map(|(text, automata)| RuleText {
                text,
                automata: bytes(automata),
            })
            .collect(),
        count: rules.len(),
        renew,
    }
}

fn raw(program: &[Insn]) -> Vec<u64> {
    program.iter().map(|insn| insn.raw()).collect()
}

fn bytes(automata: &[Automaton]) -> Vec<Vec<u8>> {
    automata.iter().map(Automaton::to_bytes).collect()
}

/// Returns the settings of a hook: the fields that its program reads, and the rule and actions of each answer bit.
fn settings(hook: &HookProgram, rules: &[Rule], sources: &TrustSources) -> RuleHook {
    let bits = sources.all();
    let mut settings = RuleHook {
        needs: hook.needs,
        numbers: hook.numbers,
        prefilter: u32::from(hook.prefilter.is_some()),
        path_program: hook.path_program.as_ref().map_or(0, |program| {
            let object = if program.object {
                abi::PATH_PROGRAM_OBJECT
            } else {
                0
            };
            u32::from(abi::PATH_PROGRAM_PRESENT | object)
        }),
        path_numbers: hook
            .path_program
            .as_ref()
            .map_or(0, |program| program.numbers),
        bits_used: u32::try_from(hook.rules.len()).unwrap_or(u32::MAX),
        ..RuleHook::default()
    };
    let rules = hook
        .rules
        .iter()
        .filter_map(|index| Some((*index, rules.get(*index)?)));
    for (bit, (index, rule)) in settings.bits.iter_mut().zip(rules) {
        settings.actions |= u32::from(rule.actions.0);
        *bit = RuleBit {
            rule: u16::try_from(index).unwrap_or(u16::MAX),
            actions: rule.actions.0,
            source: if rule.actions.has(Actions::TAINT) {
                let name = format!("rule:{}", rule.id);
                bits.get(&name).copied().unwrap_or(0)
            } else {
                0
            },
            seconds: rule.taint_seconds.unwrap_or(0),
        };
    }
    settings
}
