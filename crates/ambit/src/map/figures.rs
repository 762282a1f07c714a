// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The figures of learning runs, in the file beside a map: `web.map.stats`.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use ambit_model::Statistics;
use anyhow::Context;

use super::MAP_MODE;
use crate::exit::{Exit, Failure, OrExit};
use crate::out::shown;

/// The file beside a map, or beside what a link to it names.
pub(crate) fn path(map: &Path) -> PathBuf {
    let map = fs::canonicalize(map).unwrap_or_else(|_| map.to_owned());
    let mut name = OsString::from(map);
    name.push(".stats");
    name.into()
}

/// Reads the figures of a map's runs; `None` where there are none.
pub(crate) fn read(map: &Path) -> Result<Option<Statistics>, Failure> {
    let path = path(map);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => {
            return Err(error)
                .with_context(|| format!("cannot read the figures {}", shown(&path)))
                .or_exit(Exit::Usage);
        }
    };
    Statistics::parse(&text)
        .map(Some)
        .with_context(|| format!("cannot read the figures {}", shown(&path)))
        .or_exit(Exit::Usage)
}

/// The figures of all runs of several maps; `None` where none has any.
pub(super) fn of_all(maps: &[PathBuf]) -> Result<Option<Statistics>, Failure> {
    let mut all: Option<Statistics> = None;
    for map in maps.iter().filter(|map| map.as_os_str() != "-") {
        let Some(one) = read(map)? else { continue };
        all = Some(match all {
            None => one,
            Some(all) => all
                .merge(&one)
                .with_context(|| format!("merging {}", shown(path(map))))
                .or_exit(Exit::Usage)?,
        });
    }
    Ok(all)
}

/// Writes the figures of a map's runs beside it.
pub(crate) fn write(map: &Path, statistics: &Statistics) -> io::Result<()> {
    ambit_journal::replace(&path(map), statistics.to_string().as_bytes(), MAP_MODE)
}
