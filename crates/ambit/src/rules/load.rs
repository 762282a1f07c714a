// SPDX-License-Identifier: Apache-2.0 OR MIT
//! From files to what holds.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::PathBuf;

use ambit_abi::{self as abi, Hook, RuleBit, RuleHook};
use ambit_failpoint::fail_point;
use ambit_policy::compile::{self, Automaton, Compiled, Insn};
use ambit_policy::rule::{Actions, Rule};
use ambit_sensor::{Kernel, LoadOptions, RuleProgram, RuleText, Rules};
use anyhow::anyhow;

use super::files::{self, Set};
use super::loaded::Loaded;
use super::sources::Sources;
use crate::exit::{Exit, Failure, OrExit, Outcome};
use crate::out::{count, note};

/// Without the programs that decide for domains, which rules do not need.
fn options() -> LoadOptions {
    LoadOptions {
        core: false,
        ..LoadOptions::default()
    }
}

pub(super) fn main(paths: &[PathBuf], quiet: bool) -> Result<Outcome, Failure> {
    let set = files::read(paths)?;
    let kernel = Kernel::attach(&options())?;
    let loaded = match Sources::lock().and_then(|lock| load(&kernel, set, None, &lock)) {
        Ok(loaded) => loaded,
        Err(failure) => {
            // What was loaded for these rules alone is of no use to anybody.
            let _ = kernel.release();
            return Err(failure);
        }
    };
    if !quiet {
        note!(
            "{} of {} now hold at {}",
            count(loaded.rules, "rule"),
            count(loaded.files, "file"),
            count(loaded.hooks, "hook")
        );
    }
    Ok(Outcome::SUCCESS)
}

pub(super) fn unload() -> Result<Outcome, Failure> {
    let Some(kernel) = Kernel::open(&options())? else {
        note!("no rules are loaded");
        return Ok(Outcome::SUCCESS);
    };
    let held = {
        let _lock = Sources::lock()?;
        let held = kernel.unload_rules()?;
        fail_point!("unload-before-forget");
        Loaded::forget_all_but(0);
        held
    };
    kernel.release()?;
    note!(
        "{}",
        if held {
            "no rule holds any more"
        } else {
            "no rules are loaded"
        }
    );
    Ok(Outcome::SUCCESS)
}

/// Loads the rules that hold once more, so that they are asked before what was attached after them.
pub(crate) fn renew(kernel: &Kernel) -> Result<(), Failure> {
    if !kernel.rules_need_reload() {
        return Ok(());
    }
    // Not to be loaded over what somebody loads meanwhile.
    let lock = Sources::lock()?;
    let Some(mut loaded) = Loaded::read_locked(kernel, &lock)? else {
        return Ok(());
    };
    let set = files::of(std::mem::take(&mut loaded.texts))?;
    load(kernel, set, Some(&loaded), &lock).map(drop)
}

/// What loading came to.
struct Done {
    rules: usize,
    files: usize,
    hooks: usize,
}

/// `renewed`: they hold already, and get programs that are asked first.
fn load(
    kernel: &Kernel,
    set: Set,
    renewed: Option<&Loaded>,
    _lock: &File,
) -> Result<Done, Failure> {
    if set.rules.len() > abi::RULE_MAX {
        return Err(Failure::usage(anyhow!(
            "{} rules are more than the {} that can be loaded",
            set.rules.len(),
            abi::RULE_MAX
        )));
    }
    let hooks = Kernel::rule_hooks()?;
    offered(&set.rules, &hooks)?;
    let names_before = Sources::read()?;
    let mut sources = names_before.clone();
    sources.name_all(&compile::sources(&set.rules), kernel.trust_bits_in_use()?)?;
    let compiled = compiled(&set.rules, &sources, &hooks)?;
    sources.write()?;
    fail_point!("rules-sources-written");
    let done = Done {
        rules: set.rules.len(),
        files: set.texts.len(),
        hooks: compiled.hooks.len(),
    };
    let held = kernel.rules_generation()?;
    let rules = linked(&set.rules, &compiled, &sources, renewed.is_some());
    let texts = set.texts;
    // Written down before they hold, so that they never hold unknown, whenever this one is killed.
    let ready = |result: &_| {
        Loaded::new(result, texts, renewed).write()?;
        fail_point!("rules-description-written");
        Ok(())
    };
    match kernel.load_rules(&rules, ready) {
        Ok(loaded) => {
            fail_point!("rules-loaded");
            Loaded::forget_all_but(loaded.generation);
            Ok(done)
        }
        Err(failure) => {
            // A bit that was given away is still that of a rule which holds.
            if kernel.rules_generation().is_ok_and(|holds| holds == held) {
                let _ = names_before.write();
            }
            Err(failure)
        }
    }
}

/// That each rule can be asked at some hook of this kernel.
fn offered(rules: &[Rule], hooks: &[Hook]) -> Result<(), Failure> {
    for rule in rules {
        for op in &rule.on {
            if !hooks.iter().any(|hook| hook.ops().contains(op)) {
                return Err(Failure::new(
                    Exit::Trouble,
                    anyhow!(
                        "rule `{}` is for {op}, and this kernel has no hook where rules could be asked about it",
                        rule.id
                    ),
                ));
            }
        }
    }
    Ok(())
}

/// Rules as this kernel runs them.
pub(super) fn compiled(
    rules: &[Rule],
    sources: &Sources,
    hooks: &[Hook],
) -> Result<Compiled, Failure> {
    compile::compile(rules, &sources.all(), hooks).or_exit(Exit::Usage)
}

/// Compiled rules with what is known to the kernel part by numbers.
fn linked(rules: &[Rule], compiled: &Compiled, sources: &Sources, renew: bool) -> Rules {
    let bytes = |automata: &[Automaton]| automata.iter().map(Automaton::to_bytes).collect();
    let raw = |program: &[Insn]| -> Vec<u64> { program.iter().map(|insn| insn.raw()).collect() };
    let names = sources.all();
    let programs = compiled
        .hooks
        .iter()
        .map(|hook| {
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
            for (bit, (index, rule)) in settings.bits.iter_mut().zip(
                hook.rules
                    .iter()
                    .filter_map(|index| Some((*index, rules.get(*index)?))),
            ) {
                let source = format!("rule:{}", rule.id);
                settings.actions |= u32::from(rule.actions.0);
                *bit = RuleBit {
                    rule: u16::try_from(index).unwrap_or(u16::MAX),
                    actions: rule.actions.0,
                    source: if rule.actions.has(Actions::TAINT) {
                        names.get(&source).copied().unwrap_or(0)
                    } else {
                        0
                    },
                    seconds: rule.taint_seconds.unwrap_or(0),
                };
            }
            RuleProgram {
                hook: hook.hook,
                instructions: raw(&hook.instructions),
                prefilter: hook.prefilter.as_deref().map(raw),
                path_program: hook
                    .path_program
                    .as_ref()
                    .map(|program| raw(&program.instructions)),
                settings,
                automata: bytes(&hook.object),
            }
        })
        .collect();
    let texts = [
        (abi::RULE_TEXT_CHAIN, &compiled.chain),
        (abi::RULE_TEXT_COMM, &compiled.comm),
        (abi::RULE_TEXT_CGROUP, &compiled.cgroup),
        (abi::RULE_TEXT_DOMAIN, &compiled.domain),
    ];
    Rules {
        programs,
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

/// The hooks of this kernel, or all that rules can be asked at where it does not tell.
pub(super) fn hooks() -> Vec<Hook> {
    Kernel::rule_hooks().unwrap_or_else(|_| {
        let every: BTreeSet<Hook> = Hook::ALL.iter().copied().collect();
        every.into_iter().collect()
    })
}
