// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Trust that spreads other than by fork: programs that are attached while a kind of spread is switched on.

use std::collections::BTreeSet;
use std::os::fd::AsFd;

use ambit_abi::{
    DOMAINS, INTERPRETER_MANY, INTERPRETER_MAX, INTERPRETER_ONE, SLOT_GROUPS, Spread, SpreadCount,
};
use libbpf_rs::Link;
use libbpf_rs::query::ProgInfoIter;

use crate::error::{Error, bpf};
use crate::host::Host;
use crate::locks;
use crate::object::{self, Part, Program};
use crate::pins::{self, Pins};

/// The state of a kind of spread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpreadState {
    /// The kind.
    pub kind: Spread,
    /// True if it is switched on.
    pub on: bool,
    /// What its programs counted since the kernel part was loaded.
    pub counts: SpreadCount,
    /// How often the kernel skipped one of its programs, because that was running on the same CPU already.
    pub skipped: u64,
}

/// Returns the kind that a program of the object belongs to: `spread_file_open` is of kind `file`.
fn kind_of(program: &str) -> Option<Spread> {
    let (kind, _) = program
        .strip_prefix("spread_")
        .map(|rest| rest.split_once('_').unwrap_or((rest, "")))?;
    Spread::from_name(kind)
}

fn is_of_kind(program: &Program, kind: Spread) -> bool {
    program.part == Part::Spread && kind_of(&program.name) == Some(kind)
}

/// Returns the names of the programs of a kind.
fn programs(kind: Spread) -> Result<impl Iterator<Item = &'static str>, Error> {
    Ok(object::programs()?
        .iter()
        .filter(move |program| is_of_kind(program, kind))
        .map(|program| program.name.as_str()))
}

/// Detaches the programs of a kind.
fn detach(pins: &Pins, kind: Spread) -> Result<(), Error> {
    let directory = pins.spread();
    programs(kind)?.try_for_each(|name| pins::remove_file(&directory.join(name)))
}

/// Returns the trust bits that files or descriptors are marked with.
pub(crate) fn marked(host: &Host) -> Result<u32, Error> {
    const DOING: &str = "read the trust bits of files and descriptors";
    let files = host.file_marks()?.values(DOING)?;
    let descriptors = host.descriptor_marks()?.values(DOING)?;
    let marks = files.iter().chain(&descriptors);
    Ok(marks.fold(0, |bits, mark| bits | mark.bits))
}

/// Switches a kind on. Returns true if it was off. See `Kernel::spread_on`.
pub(crate) fn switch_on(host: &Host, kind: Spread) -> Result<bool, Error> {
    let _lock = locks::change()?;
    let pins = host.pins();
    pins::create_dir(&pins.spread())?;
    if is_on(pins, kind)? {
        return Ok(false);
    }
    // A process that was killed may have left some of it.
    detach(pins, kind)?;
    let mut object = object::load_with_pinned_maps(pins, |program| is_of_kind(program, kind))?;
    let attached = object.attach(&pins.spread(), |_| true);
    if attached.is_err() {
        let _ = detach(pins, kind);
    }
    attached.map(|()| true)
}

/// Switches a kind off and deletes its marks. Returns true if it was on.
pub(crate) fn switch_off(host: &Host, kind: Spread) -> Result<bool, Error> {
    const DOING: &str = "delete the trust bits of files and descriptors";
    let _lock = locks::change()?;
    let pins = host.pins();
    let was_on = is_on(pins, kind)?;
    detach(pins, kind)?;
    match kind {
        Spread::File => {
            host.file_marks()?.clear(DOING)?;
            let owners = host.mark_owners()?;
            let domains = u32::try_from(DOMAINS).unwrap_or(u32::MAX);
            for owner in 0..domains + SLOT_GROUPS {
                owners.write(&owner, &0, DOING)?;
            }
        }
        Spread::Descriptor => host.descriptor_marks()?.clear(DOING)?,
        _ => {}
    }
    if !pins.has_spread() {
        pins::remove_dir(&pins.spread())?;
    }
    Ok(was_on)
}

/// Replaces the names of interpreters. See `Kernel::set_interpreters`.
pub(crate) fn set_interpreters(host: &Host, one: &[String], many: &[String]) -> Result<(), Error> {
    const DOING: &str = "write the names of interpreters";
    let _lock = locks::change()?;
    let map = host.interpreters()?;
    map.clear(DOING)?;
    for (names, what) in [(one, INTERPRETER_ONE), (many, INTERPRETER_MANY)] {
        for name in names {
            let mut key = [0_u8; INTERPRETER_MAX];
            // The last byte stays 0: it ends the string.
            for (to, from) in key.iter_mut().take(INTERPRETER_MAX - 1).zip(name.bytes()) {
                *to = from;
            }
            map.write(&key, &what, DOING)?;
        }
    }
    Ok(())
}

/// Returns the names of interpreters, sorted, as far as programs compare them.
pub(crate) fn interpreters(host: &Host) -> Result<Vec<String>, Error> {
    let name = |key: &[u8; INTERPRETER_MAX]| {
        let name = key.split(|byte| *byte == 0).next().unwrap_or_default();
        String::from_utf8_lossy(name).into_owned()
    };
    let mut names: Vec<String> = host.interpreters()?.keys()?.iter().map(name).collect();
    names.sort();
    Ok(names)
}

/// Returns the state of each kind that can be switched.
pub(crate) fn states(host: &Host) -> Result<Vec<SpreadState>, Error> {
    let _lock = locks::read()?;
    let map = host.spread_counts()?;
    Spread::ALL
        .iter()
        .filter(|kind| **kind != Spread::Fork)
        .map(|&kind| {
            Ok(SpreadState {
                kind,
                on: is_on(host.pins(), kind)?,
                counts: map.read(&u32::from(kind), "read the counts of a kind of spread")?,
                skipped: skipped(host.pins(), kind)?,
            })
        })
        .collect()
}

/// True if all programs of a kind are attached. A process that was killed leaves some of them.
fn is_on(pins: &Pins, kind: Spread) -> Result<bool, Error> {
    let directory = pins.spread();
    Ok(programs(kind)?.all(|name| directory.join(name).exists()))
}

/// Sums how often the kernel skipped a program of a kind.
fn skipped(pins: &Pins, kind: Spread) -> Result<u64, Error> {
    let mut ids = BTreeSet::new();
    for name in programs(kind)? {
        let path = pins.spread().join(name);
        if !path.exists() {
            continue;
        }
        let link = Link::open(path).map_err(bpf("open a pinned program"))?;
        let info = libbpf_rs::query::LinkInfo::from_fd(link.as_fd())
            .map_err(bpf("read the kernel's information about a program"))?;
        ids.insert(info.prog_id);
    }
    if ids.is_empty() {
        return Ok(0);
    }
    Ok(ProgInfoIter::default()
        .filter(|program| ids.contains(&program.id))
        .map(|program| program.recursion_misses)
        .sum())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_but_fork_has_programs() {
        for &kind in Spread::ALL {
            let count = programs(kind).unwrap().count();
            assert_eq!(count == 0, kind == Spread::Fork, "{kind:?}");
        }
    }

    #[test]
    fn every_program_that_spreads_trust_has_a_kind() {
        let programs = object::programs().unwrap();
        let spreads = |program: &&Program| program.part == Part::Spread;
        assert!(programs.iter().filter(spreads).count() > 10);
        for program in programs.iter().filter(spreads) {
            assert!(kind_of(&program.name).is_some(), "{program:?}");
        }
    }
}
