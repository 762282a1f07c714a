// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Trust that spreads: programs that are attached while the operator wants a kind of it.

use std::collections::BTreeSet;
use std::fs;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use ambit_abi::{INTERPRETER_MANY, INTERPRETER_MAX, INTERPRETER_ONE, Spread, SpreadCount, Trust};
use libbpf_rs::query::ProgInfoIter;
use libbpf_rs::{Link, MapCore, MapFlags, MapHandle};
use zerocopy::FromBytes;

use crate::error::{Error, bpf};
use crate::kernel::{Kernel, LoadOptions, lock};
use crate::load::{self, Part, entries, gone, load_over, pin_programs};

/// Below the pin directory: the links of these programs.
pub(crate) const LINKS: &str = "spread";

/// A kind of spread, as it is now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpreadState {
    /// The kind.
    pub kind: Spread,
    /// Whether it is switched on.
    pub on: bool,
    /// What it did since the kernel part was loaded.
    pub counts: SpreadCount,
    /// How often the kernel skipped a program of it that ran on that CPU already.
    pub skipped: u64,
}

/// Whether programs of a kind are attached.
pub(crate) fn is_pinned(options: &LoadOptions) -> bool {
    entries(&options.pin_dir.join(LINKS)).is_ok_and(|links| !links.is_empty())
}

/// The kind that a program of the object belongs to: `spread_file_open`.
fn kind_of(program: &str) -> Option<Spread> {
    let (kind, _) = program
        .strip_prefix("spread_")
        .map(|rest| rest.split_once('_').unwrap_or((rest, "")))?;
    Spread::from_name(kind)
}

/// The programs of a kind.
fn programs(kind: Spread) -> Result<BTreeSet<String>, Error> {
    Ok(load::open()?
        .progs()
        .filter(|program| load::part_of(program.name(), program.section()) == Part::Spread)
        .filter_map(|program| program.name().to_str().map(str::to_owned))
        .filter(|name| kind_of(name) == Some(kind))
        .collect())
}

/// Takes what is attached of a kind away.
fn detach(directory: &Path, kind: Spread) -> Result<(), Error> {
    for name in programs(kind)? {
        gone(fs::remove_file(directory.join(name)))?;
    }
    Ok(())
}

/// The trust bits on files and descriptors.
pub(crate) fn marked(kernel: &Kernel) -> Result<u32, Error> {
    let mut bits = 0;
    for name in ["marks", "passed"] {
        let map = kernel.map(name)?;
        for key in map.keys() {
            // One that is gone by now has none.
            let value = map
                .lookup(&key, MapFlags::ANY)
                .map_err(bpf("read what is marked"))?;
            let mark = value.and_then(|value| Trust::read_from_bytes(&value).ok());
            bits |= mark.map_or(0, |mark| mark.bits);
        }
    }
    Ok(bits)
}

fn empty(map: &MapHandle) -> Result<(), Error> {
    let keys: Vec<Vec<u8>> = map.keys().collect();
    for key in keys {
        match map.delete(&key) {
            Err(error) if error.kind() != libbpf_rs::ErrorKind::NotFound => {
                return Err(bpf("forget what was marked")(error));
            }
            _ => {}
        }
    }
    Ok(())
}

impl Kernel {
    /// Switches a kind on: true if it was off.
    ///
    /// # Errors
    /// [`Error::Load`] where the kernel has none of the functions that it is about, or refuses a program.
    pub fn spread_on(&self, kind: Spread) -> Result<bool, Error> {
        let _lock = lock()?;
        let directory = self.links()?;
        if self.is_spread_on(kind)? {
            return Ok(false);
        }
        // What a killed process left half-way.
        detach(&directory, kind)?;
        let mut object = load_over(&self.options.pin_dir, |part, _, name| {
            part == Part::Spread && kind_of(name) == Some(kind)
        })?;
        let pinned = pin_programs(&mut object, &directory, |_| true);
        if pinned.is_err() {
            let _ = detach(&directory, kind);
        }
        pinned.map(|()| true)
    }

    /// Switches a kind off, and forgets what it marked: true if it was on.
    ///
    /// # Errors
    /// Removing a pin failed.
    pub fn spread_off(&self, kind: Spread) -> Result<bool, Error> {
        let _lock = lock()?;
        let directory = self.links()?;
        let was_on = self.is_spread_on(kind)?;
        detach(&directory, kind)?;
        match kind {
            Spread::File => empty(&self.map("marks")?)?,
            Spread::Descriptor => empty(&self.map("passed")?)?,
            _ => {}
        }
        if entries(&directory)?.is_empty() {
            gone(fs::remove_dir(&directory))?;
        }
        Ok(was_on)
    }

    /// Programs that read what is a script to them, by the names of their executables up to the first digit, dot or
    /// dash: what they are called matters to kind `file`. `many` are programs of many names, of which `one` has those
    /// that count. Those from before are forgotten.
    ///
    /// # Errors
    /// [`Error::Bpf`] for more than `INTERPRETERS` of them.
    pub fn set_interpreters(&self, one: &[String], many: &[String]) -> Result<(), Error> {
        let _lock = lock()?;
        let map = self.map("interpreters")?;
        empty(&map)?;
        for (names, what) in [(one, INTERPRETER_ONE), (many, INTERPRETER_MANY)] {
            for name in names {
                let mut key = [0_u8; INTERPRETER_MAX];
                // The last byte stays zero, as that of a string.
                for (to, from) in key.iter_mut().take(INTERPRETER_MAX - 1).zip(name.bytes()) {
                    *to = from;
                }
                map.update(&key, &what.to_ne_bytes(), MapFlags::ANY)
                    .map_err(bpf("write the names of interpreters"))?;
            }
        }
        Ok(())
    }

    /// The names that [`Kernel::set_interpreters`] was given, as far as they are looked at.
    ///
    /// # Errors
    /// Opening the map failed.
    pub fn interpreters(&self) -> Result<Vec<String>, Error> {
        let mut names: Vec<String> = self
            .map("interpreters")?
            .keys()
            .map(|key| {
                let name = key.split(|byte| *byte == 0).next().unwrap_or_default();
                String::from_utf8_lossy(name).into_owned()
            })
            .collect();
        names.sort();
        Ok(names)
    }

    /// Each kind that can be switched, and what it did.
    ///
    /// # Errors
    /// Reading a map or a pin failed.
    pub fn spread(&self) -> Result<Vec<SpreadState>, Error> {
        let _lock = lock()?;
        let map = self.map("spread_counts")?;
        let mut states = Vec::new();
        for &kind in Spread::ALL.iter().filter(|kind| **kind != Spread::Fork) {
            let value = map
                .lookup(&u32::from(kind).to_ne_bytes(), MapFlags::ANY)
                .map_err(bpf("read what spread"))?
                .ok_or(Error::Layout("a value is missing"))?;
            let counts = SpreadCount::read_from_bytes(&value)
                .map_err(|_| Error::Layout("a value has another size"))?;
            states.push(SpreadState {
                kind,
                on: self.is_spread_on(kind)?,
                counts,
                skipped: self.skipped(kind)?,
            });
        }
        Ok(states)
    }

    fn links(&self) -> Result<PathBuf, Error> {
        let directory = self.options.pin_dir.join(LINKS);
        fs::create_dir_all(&directory).map_err(|source| Error::PinDirectory {
            path: directory.clone(),
            source,
        })?;
        Ok(directory)
    }

    /// Whole, and not what a killed process left.
    fn is_spread_on(&self, kind: Spread) -> Result<bool, Error> {
        let directory = self.options.pin_dir.join(LINKS);
        Ok(programs(kind)?
            .iter()
            .all(|name| directory.join(name).exists()))
    }

    fn skipped(&self, kind: Spread) -> Result<u64, Error> {
        let mut ids = BTreeSet::new();
        for name in programs(kind)? {
            let path = self.options.pin_dir.join(LINKS).join(name);
            if !path.exists() {
                continue;
            }
            let link = Link::open(path).map_err(bpf("open a pinned program"))?;
            let info = libbpf_rs::query::LinkInfo::from_fd(link.as_fd())
                .map_err(bpf("read what the kernel knows of a program"))?;
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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_but_fork_has_programs() {
        for &kind in Spread::ALL {
            let count = programs(kind).map_or(0, |names| names.len());
            assert_eq!(count == 0, kind == Spread::Fork, "{kind:?}");
        }
    }

    #[test]
    fn every_program_that_spreads_trust_is_of_a_kind() {
        let names: Vec<String> = load::open()
            .map(|object| {
                object
                    .progs()
                    .map(|program| program.name().to_string_lossy().into_owned())
                    .filter(|name| name.starts_with("spread_"))
                    .collect()
            })
            .unwrap_or_default();
        assert!(names.len() > 10);
        for name in names {
            assert!(kind_of(&name).is_some(), "{name}");
        }
    }
}
