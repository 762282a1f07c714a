// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Reading and writing map files.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use ambit_files::Target;
use ambit_hoststate::links;
use ambit_model::Map;
use anyhow::Context;

use crate::exit::{Exit, Failure, OrExit};
use crate::out::{report, shown};

/// A new map's mode, before the umask.
pub(crate) const MAP_MODE: u32 = 0o666;

/// One byte more than the largest map, so that the parser refuses a larger file.
pub(super) const READ_MAX: u64 = 64 * 1024 * 1024 + 1;

/// Reads a map; `-` is standard input.
pub(crate) fn read(path: &Path) -> Result<Map, Failure> {
    read_with_text(path).map(|(map, _)| map)
}

/// Reads a map and its text, whose comments are kept when it is changed.
pub(crate) fn read_with_text(path: &Path) -> Result<(Map, String), Failure> {
    let name = shown(path);
    let bytes = bytes(path)
        .with_context(|| format!("cannot read the map {name}"))
        .or_exit(Exit::Usage)?;
    let map = parse(&bytes, &name)?;
    Ok((map, String::from_utf8_lossy(&bytes).into_owned()))
}

/// Reads the map at a place where it will be written; `None` if it is missing or empty.
#[cfg(feature = "kernel")]
pub(crate) fn read_if_there(target: &Target) -> Result<Option<(Map, String)>, Failure> {
    let name = shown(target.path());
    let read = target
        .read(READ_MAX)
        .with_context(|| format!("cannot read the map {name}"))
        .or_exit(Exit::Usage)?;
    let Some(bytes) = read.filter(|bytes| !bytes.is_empty()) else {
        return Ok(None);
    };
    let map = parse(&bytes, &name)?;
    Ok(Some((map, String::from_utf8_lossy(&bytes).into_owned())))
}

/// As [`read_if_there`], for a map that was read before: it is parsed only if its text is not `before` any more. The map of
/// `before` is `map`.
#[cfg(feature = "kernel")]
pub(crate) fn read_again(
    target: &Target,
    map: &Map,
    before: &str,
) -> Result<Option<(Map, String)>, Failure> {
    let unchanged = target
        .read(READ_MAX)
        .is_ok_and(|read| read.is_some_and(|bytes| bytes == before.as_bytes()));
    if unchanged && !before.is_empty() {
        return Ok(Some((map.clone(), before.to_owned())));
    }
    read_if_there(target)
}

/// Holds the directory of a file that will be written; `what` is its noun.
pub(crate) fn target(path: &Path, what: &str) -> Result<Target, Failure> {
    Target::plan(path)
        .with_context(|| format!("cannot write the {what} {}", shown(path)))
        .or_exit(Exit::Usage)
}

/// Writes a map.
pub(crate) fn write(target: &Target, text: &str) -> Result<(), Failure> {
    target
        .replace(text.as_bytes(), MAP_MODE)
        .with_context(|| format!("cannot write the map {}", shown(target.path())))
        .or_exit(Exit::Trouble)
}

/// Reads a map, and reports its lines that never match; with `host`, those too that name links of this machine.
pub(crate) fn read_reporting(path: &Path, host: bool) -> Result<Map, Failure> {
    let (map, text) = read_with_text(path)?;
    report(ambit_model::never(&text, &shown(path)));
    if host {
        let paths = ambit_model::paths(&text);
        report(links::warnings(&shown(path), &text, &paths));
    }
    Ok(map)
}

fn parse(bytes: &[u8], name: &str) -> Result<Map, Failure> {
    Map::parse_bytes(bytes, name).map_err(Failure::in_file)
}

/// Reads a text file of the host's configuration; `None` if it is missing. `what` is its name in errors.
pub(super) fn read_host_file(path: &Path, what: &str) -> Result<Option<String>, Failure> {
    match std::fs::read_to_string(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        text => text
            .map(Some)
            .with_context(|| format!("cannot read {what} {}", shown(path)))
            .or_exit(Exit::Usage),
    }
}

fn bytes(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if path.as_os_str() == "-" {
        io::stdin().lock().take(READ_MAX).read_to_end(&mut bytes)?;
    } else {
        File::open(path)?.take(READ_MAX).read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}
