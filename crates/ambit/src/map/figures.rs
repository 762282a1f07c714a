// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Reads and writes the figures of learning runs, which are in a file beside the map: `web.map.stats`.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use ambit_files::{Target, kept_dir};
use ambit_model::Statistics;
use anyhow::Context;

use super::MAP_MODE;
use super::file::READ_MAX;
use crate::exit::{Exit, Failure, OrExit};
use crate::out::shown;

/// What follows the map's name.
pub(crate) const SUFFIX: &str = ".stats";

/// Returns the path of a map's figures. They are beside the map itself, not beside a link to it.
pub(crate) fn path(map: &Path) -> PathBuf {
    let map = fs::canonicalize(map).unwrap_or_else(|_| map.to_owned());
    let mut name = OsString::from(map);
    name.push(SUFFIX);
    name.into()
}

/// Reads the figures of a map's runs; `None` if the file is missing.
pub(crate) fn read(map: &Path) -> Result<Option<Statistics>, Failure> {
    // The reader may follow links to the map. The figures themselves are never a link.
    let Ok(target) = Target::find(&fs::canonicalize(map).unwrap_or_else(|_| map.to_owned())) else {
        return Ok(None);
    };
    let path = shown(path(map));
    read_beside(&target)
        .with_context(|| format!("cannot read the figures of learning runs in {path}"))
        .or_exit(Exit::Usage)
}

/// Reads the figures beside a map that will be written.
pub(crate) fn read_beside(map: &Target) -> anyhow::Result<Option<Statistics>> {
    let Some(figures) = map.beside(SUFFIX)? else {
        return Ok(None);
    };
    let Some(bytes) = figures.read(READ_MAX)? else {
        return Ok(None);
    };
    Ok(Some(Statistics::parse(&String::from_utf8_lossy(&bytes))?))
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

/// Writes the figures of a map's runs beside it, or keeps them elsewhere and returns an error that says where.
pub(crate) fn write(map: &Target, statistics: &Statistics) -> anyhow::Result<()> {
    let Some(figures) = map.beside(SUFFIX)? else {
        return Ok(());
    };
    Ok(figures.replace_or_keep(statistics.to_string().as_bytes(), MAP_MODE, &kept_dir())?)
}
