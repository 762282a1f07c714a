// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Checks of the source tree itself: imports between files, dependencies between crates, the prose, and the places that
//! an addition has to reach.
//!
//! The checks read files as text or syntax trees and run nothing. Each is a test of this crate, so that
//! `cargo xtask test` runs them; `cargo xtask prose` also lists and lowers the counts.

#[cfg(test)]
mod dependencies;
#[cfg(test)]
mod imports;
pub(crate) mod layers;
#[cfg(test)]
mod page;
pub(crate) mod picture;
#[cfg(test)]
mod places;
pub(crate) mod prose;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::paths;

/// Returns the files below `folder` of the workspace whose names end in one of `endings`, sorted; build output and
/// hidden folders are left out.
fn files(folder: &str, endings: &[&str]) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    collect(&paths::workspace().join(folder), endings, &mut found)?;
    found.sort();
    Ok(found)
}

fn collect(folder: &Path, endings: &[&str], found: &mut Vec<PathBuf>) -> Result<()> {
    for entry in
        fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?
    {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with('.') || name == "target" || name == "corpus" {
            continue;
        }
        if path.is_dir() {
            collect(&path, endings, found)?;
        } else if endings.iter().any(|ending| name.ends_with(ending)) {
            found.push(path);
        }
    }
    Ok(())
}

/// Returns a path as it is written in documents: relative to the workspace.
fn relative(path: &Path) -> String {
    path.strip_prefix(paths::workspace())
        .unwrap_or(path)
        .to_string_lossy()
        .into_owned()
}
