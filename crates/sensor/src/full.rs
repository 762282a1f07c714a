// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The programs of full coverage, loaded over a core that is pinned, and taken away from it again.

use std::fmt;
use std::fs;
use std::path::Path;

use ambit_abi::{Coverage, Hook};
use ambit_failpoint::fail_point;
use libbpf_rs::Object;

use crate::error::Error;
use crate::kernel::LoadOptions;
use crate::load::{
    Part, entries, gone, hook_of, load_error, load_over, mark, open, part_of, wanted,
};

/// Pinned last of full coverage: whoever sees it sees all of it.
const FULL: &str = "full";
/// The hooks that full coverage goes without here.
const LEFT_OUT: &str = "left-out";

/// A hook of full coverage that is not decided, and why.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LeftOut {
    /// The hook.
    pub hook: Hook,
    /// What the kernel said; empty where another process was told.
    pub reason: String,
}

impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.reason.as_str() {
            "" => write!(
                f,
                "{}, whose program was refused when it was loaded",
                self.hook
            ),
            reason => write!(f, "{}, whose program was refused: {reason}", self.hook),
        }
    }
}

/// Whether it is loaded, whole.
pub(crate) fn is_there(options: &LoadOptions) -> bool {
    options.pin_dir.join(FULL).exists()
}

/// Load and attach the rest, for full coverage, over the maps of the core that is pinned. What the kernel refuses of it
/// is left out: the others hold without it.
pub(crate) fn extend(options: &LoadOptions) -> Result<Vec<LeftOut>, Error> {
    let dir = &options.pin_dir;
    if is_there(options) {
        return noted(dir);
    }
    let wanted = wanted(options, Coverage::Full)?;
    // What a killed loader left half-way.
    cut_back(dir)?;
    let mut left_out: Vec<LeftOut> = Vec::new();
    let mut object = loop {
        let hooks: Vec<Hook> = wanted
            .iter()
            .copied()
            .filter(|hook| left_out.iter().all(|left| left.hook != *hook))
            .collect();
        match load_over(dir, |part, hook, _| {
            part == Part::Full && hook.is_some_and(|hook| hooks.contains(&hook))
        }) {
            Ok(object) => break object,
            Err(error) => left_out.push(refused(error, &hooks)?),
        }
    };
    let result = pin_full(&mut object, dir, &mut left_out);
    if result.is_err() {
        let _ = cut_back(dir);
    }
    result.map(|()| left_out)
}

/// Which of the hooks is left out, if that the kernel refused its program is what failed.
fn refused(error: Error, hooks: &[Hook]) -> Result<LeftOut, Error> {
    let Error::Load {
        program: Some(name),
        log,
        source,
    } = &error
    else {
        return Err(error);
    };
    let object = open()?;
    let hook = object
        .progs()
        .find(|program| program.name().to_str() == Some(name))
        .and_then(|program| program.section().to_str().and_then(hook_of))
        .filter(|hook| hooks.contains(hook));
    match hook {
        Some(hook) => Ok(LeftOut {
            hook,
            reason: last_words(log).map_or_else(|| source.to_string(), str::to_owned),
        }),
        None => Err(error),
    }
}

/// What the verifier said last, before its figures.
fn last_words(log: &str) -> Option<&str> {
    const FIGURES: [&str; 5] = [
        "processed ",
        "verification time ",
        "stack depth ",
        "max_states",
        "insns processed",
    ];
    let (verifier, _) = log.rsplit_once("-- END PROG LOAD LOG --")?;
    verifier
        .lines()
        .rev()
        .map(str::trim)
        .find(|line| !line.is_empty() && FIGURES.iter().all(|figure| !line.starts_with(figure)))
}

/// The hooks that another process left out when it loaded.
fn noted(dir: &Path) -> Result<Vec<LeftOut>, Error> {
    let mut left_out = Vec::new();
    for entry in entries(&dir.join(LEFT_OUT))? {
        let name = entry.file_name();
        left_out.extend(name.to_str().and_then(Hook::from_name).map(|hook| LeftOut {
            hook,
            reason: String::new(),
        }));
    }
    left_out.sort_by_key(|left| left.hook);
    Ok(left_out)
}

/// Notes which hooks are left out, for those who come later: a directory each, as there is nothing to pin.
fn note(dir: &Path, left_out: &[LeftOut]) -> Result<(), Error> {
    for left in left_out {
        let path = dir.join(LEFT_OUT).join(left.hook.name());
        fs::create_dir_all(&path).map_err(|source| Error::PinDirectory { path, source })?;
    }
    Ok(())
}

/// Attaches and pins, and adds the hooks where attaching failed.
fn pin_full(object: &mut Object, dir: &Path, left_out: &mut Vec<LeftOut>) -> Result<(), Error> {
    for program in object.progs_mut().filter(|program| program.autoload()) {
        match (
            program.attach(),
            program.section().to_str().and_then(hook_of),
        ) {
            (Ok(mut link), _) => link
                .pin(dir.join("links").join(program.name()))
                .map_err(load_error)?,
            (Err(error), Some(hook)) => left_out.push(LeftOut {
                hook,
                reason: format!("it cannot be attached: {error}"),
            }),
            (Err(error), None) => return Err(load_error(error)),
        }
    }
    note(dir, left_out)?;
    fail_point!("extend-full-pinned");
    mark(object, dir, FULL)
}

/// Detach what only full coverage needs.
pub(crate) fn cut_back(dir: &Path) -> Result<(), Error> {
    unmark(dir)?;
    for program in open()?.progs() {
        if part_of(program.name(), program.section()) == Part::Full {
            gone(fs::remove_file(dir.join("links").join(program.name())))?;
        }
    }
    Ok(())
}

/// From now on it is not there for those who come.
pub(crate) fn unmark(dir: &Path) -> Result<(), Error> {
    gone(fs::remove_file(dir.join(FULL)))?;
    let place = dir.join(LEFT_OUT);
    for entry in entries(&place)? {
        gone(fs::remove_dir(entry.path()))?;
    }
    gone(fs::remove_dir(place))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "libbpf: prog 'mount_sb_mount': BPF program load failed: Invalid argument\n\
        libbpf: prog 'mount_sb_mount': -- BEGIN PROG LOAD LOG --\n\
        0: (b7) r0 = 1\n\
        At program exit the register R0 has value (0x1; 0x0) should have been in [-4095, 0]\n\
        processed 2 insns (limit 1000000) max_states_per_insn 0 total_states 0\n\
        -- END PROG LOAD LOG --\n\
        libbpf: prog 'mount_sb_mount': failed to load: -22\n";

    #[test]
    fn what_the_verifier_said_last_is_the_reason() {
        assert_eq!(
            last_words(LOG),
            Some(
                "At program exit the register R0 has value (0x1; 0x0) should have been in [-4095, 0]"
            )
        );
        assert_eq!(last_words("libbpf: map 'x': failed to create"), None);
    }
}
