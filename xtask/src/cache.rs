// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Things that are made once: a folder per recipe under `target/lab`, complete or absent.

use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::{io, process};

use anyhow::{Context, Result};

use crate::paths;

/// Returns the folder that `build` made for this name and recipe, now or earlier.
///
/// `build` fills an empty folder that gets its final name only when it succeeds; a second xtask waits. What other
/// recipes made under the same name is removed.
pub(crate) fn folder(
    name: &str,
    recipe: impl Hash,
    build: impl FnOnce(&Path) -> Result<()>,
) -> Result<PathBuf> {
    let mut hasher = DefaultHasher::new();
    recipe.hash(&mut hasher);
    let done = paths::lab()?.join(format!("{name}-{:016x}", hasher.finish()));
    if done.is_dir() {
        return Ok(done);
    }
    let _lock = lock(name)?;
    if done.is_dir() {
        return Ok(done);
    }
    remove_others(name)?;
    let draft = paths::lab()?.join(format!("{name}-draft-{}", process::id()));
    fs::create_dir(&draft).with_context(|| format!("cannot create {}", draft.display()))?;
    build(&draft)?;
    fs::rename(&draft, &done).with_context(|| format!("cannot name {}", done.display()))?;
    Ok(done)
}

/// Where downloads under a name are kept, for a recipe that changes little.
pub(crate) fn downloads(name: &str) -> Result<PathBuf> {
    let dir = paths::lab()?.join("downloads").join(name);
    fs::create_dir_all(&dir).with_context(|| format!("cannot create {}", dir.display()))?;
    Ok(dir)
}

/// Held until dropped, and released by the kernel should this program die.
fn lock(name: &str) -> Result<File> {
    let path = paths::lab()?.join(format!("{name}.lock"));
    let file = File::create(&path).with_context(|| format!("cannot create {}", path.display()))?;
    if file.try_lock().is_err() {
        eprintln!("xtask: waiting for another xtask that builds {name}");
        file.lock()
            .with_context(|| format!("cannot lock {}", path.display()))?;
    }
    Ok(file)
}

fn remove_others(name: &str) -> Result<()> {
    let prefix = format!("{name}-");
    for entry in fs::read_dir(paths::lab()?)? {
        let entry = entry?;
        let file_name = entry.file_name();
        // "kernel-6.1-..." must not match "kernel-6.12-...": what follows the prefix is a hash or a draft.
        let Some(rest) = file_name.to_str().and_then(|n| n.strip_prefix(&prefix)) else {
            continue;
        };
        let is_hash = rest.len() == 16 && rest.bytes().all(|b| b.is_ascii_hexdigit());
        if entry.path().is_dir() && (is_hash || rest.starts_with("draft-")) {
            match fs::remove_dir_all(entry.path()) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(error)
                        .with_context(|| format!("cannot remove {}", entry.path().display()));
                }
                _ => {}
            }
        }
    }
    Ok(())
}
