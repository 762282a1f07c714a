// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `ambit map diff --used FILE MAP`: the part of a map that allowed something in recordings.

use std::path::PathBuf;

use ambit_model::Map;

use crate::exit::Failure;
use crate::out::note;
use crate::replay::replay;

/// Returns the map without the lines that the recordings did not use.
pub(super) fn of(map: &Map, recordings: &[PathBuf]) -> Result<Map, Failure> {
    let replay = replay(recordings, Some(map), None, false)?;
    for flaw in replay.flaws() {
        note!("{flaw}; lines used only there are reported as unused");
    }
    let Some(backtest) = replay.map else {
        return Ok(map.clone());
    };
    if backtest.times > 0 {
        note!("the map does not allow all recorded operations; `ambit replay -m` lists the others");
    }
    Ok(backtest.used)
}
