// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Where things are: the workspace, cargo's target directory, the lab's cache.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The target triple of statically linked programs; naming it keeps build scripts and macros dynamic.
pub(crate) const TRIPLE: &str = "x86_64-unknown-linux-gnu";

/// The root of the workspace: what cargo says at run time, else where this was compiled.
pub(crate) fn workspace() -> PathBuf {
    let manifest = env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    manifest
        .parent()
        .map_or_else(|| manifest.clone(), Path::to_path_buf)
}

/// Cargo's target directory, absolute.
pub(crate) fn target() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| workspace().join("target"), |dir| workspace().join(dir))
}

/// The lab's cache of downloads, kernels and disks; created when missing.
pub(crate) fn lab() -> Result<PathBuf> {
    let dir = target().join("lab");
    fs::create_dir_all(&dir).with_context(|| format!("cannot create {}", dir.display()))?;
    Ok(dir)
}

/// Where `ambit` with fail points is put when it is built.
pub(crate) fn failpoints_binary() -> PathBuf {
    target()
        .join(TRIPLE)
        .join("release")
        .join("ambit-failpoints")
}

/// The newest build of a release binary, if there is one.
pub(crate) fn release_binary(name: &str) -> Option<PathBuf> {
    [
        target().join("release"),
        target().join(TRIPLE).join("release"),
    ]
    .into_iter()
    .map(|dir| dir.join(name))
    .filter_map(|path| Some((fs::metadata(&path).ok()?.modified().ok()?, path)))
    .max()
    .map(|(_, path)| path)
}
