// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The program that decides writes to files which were opened for appending. The kernel calls it for each read and write
//! of each task, so it is attached only while a domain needs it.

use ambit_abi::Hook;

use crate::error::Error;
use crate::object::{self, Part};
use crate::offered;
use crate::pins::{self, Pins};

/// Loads and attaches the program, if it is not attached. The caller has `locks::change`.
pub(crate) fn extend(pins: &Pins) -> Result<(), Error> {
    let offered = |(hook, offered): &(Hook, bool)| *hook == Hook::FilePermission && *offered;
    if pins.has_append()? || !offered::hooks()?.iter().any(offered) {
        return Ok(());
    }
    let wanted = |program: &object::Program| program.part == Part::Append;
    object::load_with_pinned_maps(pins, wanted)?.attach(&pins.links(), wanted)
}

/// Detaches the program. The caller has `locks::change`.
pub(crate) fn cut(pins: &Pins) -> Result<(), Error> {
    for program in object::programs()? {
        if program.part == Part::Append {
            pins::remove_file(&pins.link(&program.name))?;
        }
    }
    Ok(())
}
