// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Reads and writes the figures of learning runs, which are in a file beside the map: `web.map.stats`.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use ambit_model::Statistics;
use anyhow::Context;

use super::MAP_MODE;
use crate::exit::{Exit, Failure, OrExit};
use crate::out::shown;

/// Returns the path of a map's figures. They are beside the map itself, not beside a link to it.
pub(crate) fn path(map: &Path) -> PathBuf {
    let map = fs::canonicalize(map).unwrap_or_else(|_| map.to_owned());
    let mut name = OsString::from(map);
    name.push(".stats");
    name.into()
}

/// Reads the figures of a map's runs; `None` if the file is missing.
pub(crate) fn read(map: &Path) -> Result<Option<Statistics>, Failure> {
    let path = path(map);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => {
            return Err(error)
                .with_context(|| {
                    format!(
                        "cannot read the figures of learning runs in {}",
                        shown(&path)
                    )
                })
                .or_exit(Exit::Usage);
        }
    };
    Statistics::parse(&text)
        .map(Some)
        .with_context(|| {
            format!(
                "cannot read the figures of learning runs in {}",
                shown(&path)
            )
        })
        .or_exit(Exit::Usage)
}

/// Reads and merges the figures of several maps; `None` if no map has figures.
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
