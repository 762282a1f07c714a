// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The programs that decide writes to files which were opened for appending. The kernel calls one of them for each read and
//! write of each task, so they are attached only while a domain needs them.

use ambit_abi::Hook;

use crate::error::Error;
use crate::object::{self, Part};
use crate::offered;
use crate::pins::{self, Pins};

/// Loads and attaches the programs, if they are not attached. The caller has `locks::change`.
pub(crate) fn extend(pins: &Pins) -> Result<(), Error> {
    let offered = |(hook, offered): &(Hook, bool)| *hook == Hook::FilePermission && *offered;
    if pins.has_append()? || !offered::hooks()?.iter().any(offered) {
        return Ok(());
    }
    // A loader that was killed may have left some of them.
    cut(pins)?;
    let wanted = |program: &object::Program| program.part == Part::Append;
    object::load_with_pinned_maps(pins, wanted)?.attach(&pins.links(), wanted)
}

/// Detaches the programs. The caller has `locks::change`.
pub(crate) fn cut(pins: &Pins) -> Result<(), Error> {
    for program in object::programs()? {
        if program.part == Part::Append {
            pins::remove_file(&pins.link(&program.name))?;
        }
    }
    Ok(())
}
