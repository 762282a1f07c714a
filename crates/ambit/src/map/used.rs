// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `ambit map diff --used FILE MAP`: the part of a map that recordings used.

use std::path::PathBuf;

use ambit_model::Map;

use crate::exit::Failure;
use crate::out::note;
use crate::replay::{Recording, replay_all};

/// The map without the lines that nothing used.
pub(super) fn of(map: &Map, recordings: &[PathBuf]) -> Result<Map, Failure> {
    let (backtest, recordings) = replay_all(recordings, map, false)?;
    for flaw in recordings.iter().flat_map(Recording::flaws) {
        note!("{flaw}; what was used there is not known");
    }
    if backtest.times > 0 {
        note!("the map does not allow all that was recorded; `ambit replay -m` says what");
    }
    Ok(backtest.used)
}
