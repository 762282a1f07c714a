// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Rules: loads a compiled set and makes it the active one.
//!
//! Each map has two halves, and a set uses the one that its generation's parity gives. The whole new set is written into
//! the half that is not active; then one write activates it. If the kernel refuses a part of it, the active set stays.

mod fill;
mod program;
mod set;

pub use set::{RuleProgram, RuleText, Rules, RulesLoaded};

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::io::Read;
use std::mem::offset_of;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use ambit_abi::{self as abi, Hook, RuleCount, RuleState, Shared};
use ambit_failpoint::fail_point;
use libbpf_rs::{Iter, Link, MapType, libbpf_sys};

use crate::clock;
use crate::error::{Error, bpf, io as io_error};
use crate::host::Host;
use crate::locks;
use crate::mapped::MappedWords;
use crate::maps::Inner;
use crate::object::{self, Part};
use crate::offered;
use crate::pins::{self, entries};
use crate::ring::Ring;
use fill::fill;
use program::{HookProgram, Replacement};

/// Functions that a set replaces, by the parity of its generation.
const FUNCTIONS: [&str; 2] = ["rules_a", "rules_b"];
/// Functions that a set's prefilter replaces.
const PREFILTER: [&str; 2] = ["prefilter_a", "prefilter_b"];
/// Functions that a set's path program replaces.
const PATH_PROGRAM: [&str; 2] = ["path_program_a", "path_program_b"];
/// Names of the pins of hook programs start so. The other pins are the replacements of a generation.
const HOOK_PROGRAM: &str = "hook-";
const COUNT_WORDS: usize = size_of::<RuleCount>() / size_of::<u64>();

/// Returns the generation of the active set; 0 if no rules are loaded.
pub(crate) fn generation(host: &Host) -> Result<u64, Error> {
    let state: RuleState = host
        .rule_states()?
        .read(&0, "read which rules are active")?;
    Ok(state.generation)
}

/// Returns the hooks for which the object has a program of the rules.
fn hooks_with_program() -> Result<BTreeSet<Hook>, Error> {
    Ok(object::programs()?
        .iter()
        .filter(|program| program.part == Part::Rules)
        .filter_map(|program| program.hook)
        .collect())
}

/// Returns the hooks at which this kernel can evaluate rules.
pub(crate) fn hooks() -> Result<Vec<Hook>, Error> {
    let ours = hooks_with_program()?;
    Ok(offered::hooks()?
        .into_iter()
        .filter(|(hook, offered)| *offered && ours.contains(hook))
        .map(|(hook, _)| hook)
        .collect())
}

/// Loads a set and activates it. See `Kernel::load_rules`.
pub(crate) fn load<E: From<Error>>(
    host: &Host,
    rules: &Rules,
    ready: impl FnOnce(&RulesLoaded) -> Result<(), E>,
) -> Result<RulesLoaded, E> {
    let _lock = locks::change()?;
    let active = generation(host)?;
    let next = next_generation(host, active)?;
    keep_chains(host)?;
    fill(host, rules, next)?;
    fail_point!("rules-filled");
    let programs = hook_programs(host, rules)?;
    let directory = host.pins().rules();
    pins::create_dir(&directory)?;
    let before: BTreeSet<PathBuf> = entries(&directory)?
        .iter()
        .map(fs::DirEntry::path)
        .filter(|path| belongs_to(path, active))
        .collect();
    // A loader that was killed may have left replacements of the functions that this set replaces.
    unpin_all_but(&directory, &before)?;
    let in_place = put_in_place(rules, next, &programs, &directory)
        .map_err(E::from)
        .and_then(|(pins, loaded)| ready(&loaded).map(|()| (pins, loaded)));
    let (pins, loaded) = match in_place {
        Ok(in_place) => in_place,
        Err(error) => {
            let _ = unpin_all_but(&directory, &before);
            return Err(error);
        }
    };
    fail_point!("rules-before-activate");
    host.rule_states()?
        .write(&0, &RuleState { generation: next }, "activate the rules")?;
    fail_point!("rules-after-activate");
    // A program that is running may have read the old generation, and still needs the old replacements.
    wait_for_running_programs(host)?;
    if rules.renew && active != 0 {
        carry_counts(host, active, next, rules.count)?;
    }
    fail_point!("rules-before-unpin");
    let keep: BTreeSet<PathBuf> = pins
        .into_iter()
        .chain(programs.into_iter().map(|program| program.pin))
        .collect();
    unpin_all_but(&directory, &keep)?;
    Ok(loaded)
}

/// Replaces the functions of the set's half and attaches the programs that are not. Returns the pins of the
/// replacements as well.
fn put_in_place(
    rules: &Rules,
    next: u64,
    programs: &[HookProgram],
    directory: &Path,
) -> Result<(Vec<PathBuf>, RulesLoaded), Error> {
    let mut verified = Vec::new();
    let mut pins = Vec::new();
    let odd = usize::from(next & 1 == 1);
    for rule in &rules.programs {
        let Some(target) = programs.iter().find(|program| program.hook == rule.hook) else {
            return Err(Error::NoRuleHook(rule.hook));
        };
        let parts = [
            (Some(&rule.instructions), FUNCTIONS[odd], "rules"),
            (rule.prefilter.as_ref(), PREFILTER[odd], "prefilter"),
            (rule.path_program.as_ref(), PATH_PROGRAM[odd], "path"),
        ];
        for (instructions, function, name) in parts {
            let Some(instructions) = instructions else {
                continue;
            };
            let replacement = Replacement::load(target, instructions, function)?;
            if name == "rules" {
                verified.extend(replacement.verified.map(|count| (rule.hook, count)));
            }
            let pin = directory.join(format!("{name}-{}-{next}", rule.hook.name()));
            replacement.pin(&pin)?;
            pins.push(pin);
        }
    }
    fail_point!("rules-programs-pinned");
    for program in programs {
        program.attach()?;
    }
    fail_point!("rules-programs-attached");
    let loaded = RulesLoaded {
        generation: next,
        verified,
    };
    Ok((pins, loaded))
}

/// Ends all rules. See `Kernel::unload_rules`.
pub(crate) fn unload(host: &Host, empty_ring: bool) -> Result<bool, Error> {
    let _lock = locks::change()?;
    let active = generation(host)? != 0;
    host.rule_states()?
        .write(&0, &RuleState::default(), "deactivate the rules")?;
    fail_point!("unload-deactivated");
    if empty_ring {
        let mut ring = ring(host)?;
        while ring.consume(&mut |_| {})? > 0 {}
    }
    let directory = host.pins().rules();
    unpin_all_but(&directory, &BTreeSet::new())?;
    fail_point!("unload-unpinned");
    pins::remove_dir(&directory)?;
    share_chains(host, 0)?;
    Ok(active)
}

/// Returns the counts of the first `count` rules of the active set.
pub(crate) fn counts(host: &Host, count: usize) -> Result<Vec<RuleCount>, Error> {
    let half = generation(host)? & 1;
    let map = host.rule_counts()?;
    (0..count.min(abi::RULE_MAX))
        .map(|rule| {
            let at = half * abi::RULE_MAX as u64 + rule as u64;
            map.read(
                &u32::try_from(at).unwrap_or(0),
                "read how often rules matched",
            )
        })
        .collect()
}

/// Returns by hook how often rules could not be evaluated; hooks without a failure are left out.
pub(crate) fn failures(host: &Host) -> Result<Vec<(Hook, u64)>, Error> {
    let map = host.rule_failures()?;
    let mut all = Vec::new();
    for &hook in Hook::ALL {
        let count = map.read(
            &(hook as u32),
            "read how often rules could not be evaluated",
        )?;
        if count > 0 {
            all.push((hook, count));
        }
    }
    Ok(all)
}

pub(crate) fn ring(host: &Host) -> Result<Ring, Error> {
    Ring::new(host.rule_ring()?.handle())
}

/// Returns a number that no set had before, since results that tasks cache are valid for one generation. It has not the
/// half of the active set; neither after sets that could not be loaded.
fn next_generation(host: &Host, active: u64) -> Result<u64, Error> {
    let sets = host.rule_sets()?;
    let mut last = 1;
    for half in 0..2 {
        last = last.max(sets.read(&half, "read the sets of rules")?.generation);
    }
    let next = last + 1;
    let same_half = active != 0 && (active ^ next) & 1 == 0;
    Ok(next + u64::from(same_half))
}

/// Sets one of the variables that programs share. Programs change others next to it, so that only this one is written.
fn share(host: &Host, offset: usize, value: u64) -> Result<(), Error> {
    let words = host.shared_words()?;
    if let Some(word) = words.get(offset / size_of::<u64>()) {
        word.store(value, Ordering::SeqCst);
    }
    Ok(())
}

/// Sets whether tasks have their chains of executables.
fn share_chains(host: &Host, lineages: u64) -> Result<(), Error> {
    share(host, offset_of!(Shared, lineages), lineages)
}

/// The mount namespace of the first process is the host's.
const HOST_MOUNTS: &str = "/proc/1/ns/mnt";

/// Adds the counts of the set `before` to the counts of `next`, which has the same rules. Programs do not count in the half of
/// `before` any more.
fn carry_counts(host: &Host, before: u64, next: u64, rules: usize) -> Result<(), Error> {
    let half = abi::RULE_MAX * COUNT_WORDS;
    let words = MappedWords::of(host.rule_counts()?.handle(), 2 * half)?;
    let first = |generation: u64| if generation & 1 == 0 { 0 } else { half };
    for at in 0..rules.min(abi::RULE_MAX) * COUNT_WORDS {
        if let (Some(from), Some(to)) = (words.get(first(before) + at), words.get(first(next) + at))
        {
            to.fetch_add(from.load(Ordering::Relaxed), Ordering::Relaxed);
        }
    }
    Ok(())
}

/// Lets every task have its chain of executables from now on, and gives it to the tasks that run.
fn keep_chains(host: &Host) -> Result<(), Error> {
    let shared: Shared = host
        .shared()?
        .read(&0, "read the variables that programs share")?;
    if shared.lineages != 0 {
        return Ok(());
    }
    let mounts = fs::metadata(HOST_MOUNTS).map_err(io_error("look at /proc/1/ns/mnt"))?;
    share(host, offset_of!(Shared, host_ns), mounts.ino())?;
    share_chains(host, 1)?;
    let link = Link::open(host.pins().link("lineage_tasks"))
        .map_err(bpf("open the iterator that builds chains"))?;
    let mut output = Vec::new();
    Iter::new(&link)
        .map_err(bpf("start the iterator that builds chains"))?
        .read_to_end(&mut output)
        .map_err(io_error("read the iterator that builds chains"))?;
    Ok(())
}

/// Returns the hook that the pin of a hook program belongs to.
fn hook_of(pin: &Path) -> Option<&str> {
    let name = pin.file_name()?.to_str()?;
    let (hook, _) = name.strip_prefix(HOOK_PROGRAM)?.split_once('-')?;
    Some(hook)
}

/// Returns the programs that evaluate the rules: the attached ones, and for the other hooks (all of them if the rules are
/// renewed) newly loaded ones.
fn hook_programs(host: &Host, rules: &Rules) -> Result<Vec<HookProgram>, Error> {
    let directory = host.pins().rules();
    let mut programs = Vec::new();
    let mut missing = BTreeSet::new();
    let pinned = entries(&directory)?;
    for hook in rules.programs.iter().map(|program| program.hook) {
        let attached = pinned
            .iter()
            .map(fs::DirEntry::path)
            .find(|path| hook_of(path) == Some(hook.name()));
        match attached {
            Some(pin) if !rules.renew => programs.push(HookProgram::attached(hook, pin)?),
            _ => {
                missing.insert(hook);
            }
        }
    }
    let ours = hooks_with_program()?;
    if let Some(hook) = missing.iter().find(|hook| !ours.contains(hook)) {
        return Err(Error::NoRuleHook(*hook));
    }
    if missing.is_empty() {
        return Ok(programs);
    }
    let mut object = object::load_with_pinned_maps(host.pins(), |program| {
        program.part == Part::Rules && program.hook.is_some_and(|hook| missing.contains(&hook))
    })?;
    for (hook, program) in object.hook_programs()? {
        let name = format!("{HOOK_PROGRAM}{}-{}", hook.name(), clock::boot_ns());
        programs.push(HookProgram {
            hook,
            program,
            pin: directory.join(name),
        });
    }
    Ok(programs)
}

/// Waits until every program that was running has returned: one that starts later sees the active set. The kernel waits
/// for that when a map of maps is changed (`maybe_wait_bpf_programs`); slot 0 of this map belongs to no domain.
fn wait_for_running_programs(host: &Host) -> Result<(), Error> {
    const DOING: &str = "wait for programs that are running";
    let sets = host.sets()?;
    let inner = Inner {
        map_type: MapType::Hash,
        name: "ambit_pause",
        key_bytes: size_of::<u64>(),
        value_bytes: size_of::<abi::Member>(),
        max_entries: 1,
        flags: libbpf_sys::BPF_F_NO_PREALLOC,
    }
    .create(DOING)?;
    sets.put(0, &inner, DOING)?;
    sets.delete(&0, DOING)
}

/// Removes the pins that are not in `keep`.
fn unpin_all_but(directory: &Path, keep: &BTreeSet<PathBuf>) -> Result<(), Error> {
    let mut old: Vec<PathBuf> = entries(directory)?
        .iter()
        .map(fs::DirEntry::path)
        .filter(|path| !keep.contains(path))
        .collect();
    // Hook programs before replacements: one without its rules would allow everything.
    old.sort_by_key(|path| hook_of(path).is_none());
    old.iter().try_for_each(|path| pins::remove_file(path))
}

/// True if a pin is a hook program or belongs to the set with this number.
fn belongs_to(pin: &Path, generation: u64) -> bool {
    let name = pin.file_name().and_then(OsStr::to_str).unwrap_or_default();
    name.starts_with(HOOK_PROGRAM)
        || name
            .rsplit_once('-')
            .is_some_and(|(_, number)| number.parse() == Ok(generation))
}
