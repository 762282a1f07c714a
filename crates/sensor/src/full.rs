// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The programs of full coverage: loads them over a core that is pinned, and detaches them.

use std::fmt;

use ambit_abi::{Coverage, Hook};
use ambit_failpoint::fail_point;

use crate::error::Error;
use crate::object::{self, Loaded, Part};
use crate::offered;
use crate::options::LoadOptions;
use crate::pins::{self, Pins, entries};

/// A hook of full coverage at which nothing is decided, and why.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LeftOut {
    /// The hook.
    pub hook: Hook,
    /// What the kernel reported; empty if another process loaded full coverage.
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

/// Loads and attaches full coverage over the core that is pinned. Returns the hooks whose program the kernel refused:
/// the others work without it.
pub(crate) fn extend(options: &LoadOptions, pins: &Pins) -> Result<Vec<LeftOut>, Error> {
    if pins.has_full() {
        return listed(pins);
    }
    let wanted = offered::wanted(&options.allow_missing, Coverage::Full)?;
    // A loader that was killed may have left some of it.
    cut(pins)?;
    let mut left_out: Vec<LeftOut> = Vec::new();
    let mut object = loop {
        let hooks: Vec<Hook> = wanted
            .iter()
            .copied()
            .filter(|hook| left_out.iter().all(|left| left.hook != *hook))
            .collect();
        match object::load_with_pinned_maps(pins, |program| {
            program.part == Part::Full && program.hook.is_some_and(|hook| hooks.contains(&hook))
        }) {
            Ok(object) => break object,
            Err(error) => left_out.push(refused(error, &hooks)?),
        }
    };
    let result = pin(&mut object, pins, &mut left_out);
    if result.is_err() {
        let _ = cut(pins);
    }
    result.map(|()| left_out)
}

/// Returns the hook whose program the kernel refused to load, if that is what the error reports.
fn refused(error: Error, hooks: &[Hook]) -> Result<LeftOut, Error> {
    let Error::Load {
        program: Some(name),
        log,
        source,
    } = &error
    else {
        return Err(error);
    };
    let hook = object::programs()?
        .iter()
        .find(|program| program.name == *name)
        .and_then(|program| program.hook)
        .filter(|hook| hooks.contains(hook));
    match hook {
        Some(hook) => Ok(LeftOut {
            hook,
            reason: verifier_reason(log).map_or_else(|| source.to_string(), str::to_owned),
        }),
        None => Err(error),
    }
}

/// Returns the last line of the verifier's log before its statistics.
fn verifier_reason(log: &str) -> Option<&str> {
    const STATISTICS: [&str; 5] = [
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
        .find(|line| !line.is_empty() && STATISTICS.iter().all(|start| !line.starts_with(start)))
}

/// The hooks that the process which loaded full coverage left out.
fn listed(pins: &Pins) -> Result<Vec<LeftOut>, Error> {
    let mut left_out = Vec::new();
    for entry in entries(&pins.left_out())? {
        let name = entry.file_name();
        left_out.extend(name.to_str().and_then(Hook::from_name).map(|hook| LeftOut {
            hook,
            reason: String::new(),
        }));
    }
    left_out.sort_by_key(|left| left.hook);
    Ok(left_out)
}

/// Attaches and pins. Adds the hooks to which the kernel did not attach their program.
fn pin(object: &mut Loaded, pins: &Pins, left_out: &mut Vec<LeftOut>) -> Result<(), Error> {
    let refused = object.attach_offered(&pins.links())?;
    left_out.extend(refused.into_iter().map(|(hook, error)| LeftOut {
        hook,
        reason: format!("it cannot be attached: {error}"),
    }));
    // A directory for each, since the BPF file system has no plain files.
    for left in &*left_out {
        pins::create_dir(&pins.left_out().join(left.hook.name()))?;
    }
    fail_point!("extend-full-pinned");
    object.mark(&pins.full_mark())
}

/// Detaches full coverage.
pub(crate) fn cut(pins: &Pins) -> Result<(), Error> {
    pins.unmark_full()?;
    for program in object::programs()? {
        if program.part == Part::Full {
            pins::remove_file(&pins.link(&program.name))?;
        }
    }
    Ok(())
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
    fn the_reason_is_the_last_line_before_the_statistics() {
        assert_eq!(
            verifier_reason(LOG),
            Some(
                "At program exit the register R0 has value (0x1; 0x0) should have been in [-4095, 0]"
            )
        );
        assert_eq!(verifier_reason("libbpf: map 'x': failed to create"), None);
    }
}
