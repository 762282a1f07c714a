// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Disk images of folders, and the read-only disk that a run brings along: its files, its job, Ambit's binaries.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use super::quote;
use crate::progress::Step;
use crate::{paths, process};

const INIT: &str = include_str!("guest/init.sh");
/// The folder on the disk for the lab's own files.
const OWN: &str = ".xtask";
/// Installed into the guest when they are built.
const BINARIES: &[&str] = &[
    "ambit",
    "ambit-failpoints",
    "ambit-lab",
    "ambit-act",
    "ambit-fidelity",
    "ambit-loop",
    "ambit-taps",
];

const MIB: u64 = 1 << 20;
const BLOCK: u64 = 4096;
const INODE: u64 = 256;

/// Makes the disk that goes with a run. `variables` are set in the command's environment.
///
/// # Errors
/// When a path is missing or two have the same last name.
pub(super) fn disk(
    dir: &Path,
    with: &[PathBuf],
    command: &[OsString],
    variables: &[(&str, String)],
    step: &Step,
) -> Result<PathBuf> {
    let (tree, log) = (dir.join("carry"), dir.join("log"));
    let own = tree.join(OWN);
    fs::create_dir_all(own.join("bin")).context("cannot create the run's folder")?;
    fs::write(own.join("job"), job(command, variables)).context("cannot write the run's job")?;
    fs::write(own.join("init"), INIT).context("cannot write the guest's init")?;
    for binary in BINARIES {
        if let Some(path) = paths::release_binary(binary) {
            copy(&path, &own.join("bin").join(binary), &log, step)?;
        }
    }
    for path in with {
        let found =
            fs::canonicalize(path).with_context(|| format!("cannot find {}", path.display()))?;
        // As typed, so that a link keeps its name; "." and "/x/.." have none of their own.
        let name = path.file_name().or(found.file_name());
        let name = name.with_context(|| format!("{} has no last name", path.display()))?;
        let to = tree.join(name);
        ensure!(
            !to.exists(),
            "two paths would both be /lab/{}",
            name.to_string_lossy()
        );
        copy(&found, &to, &log, step)?;
    }
    let file = dir.join("carry.ext4");
    image(&tree, &file, &log, step)?;
    fs::remove_dir_all(&tree).context("cannot remove the folder that was packed")?;
    Ok(file)
}

/// Packs a folder into an ext4 image.
pub(super) fn image(tree: &Path, to: &Path, log: &Path, step: &Step) -> Result<()> {
    image_with_room(tree, to, 0, log, step)
}

/// Packs a folder into an ext4 image with space to spare.
pub(super) fn image_with_room(
    tree: &Path,
    to: &Path,
    free_mib: u64,
    log: &Path,
    step: &Step,
) -> Result<()> {
    let size = measure(tree)?;
    let inodes = size.files + size.files / 2 + 1024 + free_mib * 32;
    // What the file system's own tables take is a few per cent.
    let bytes = (size.bytes + inodes * INODE) * 21 / 20 + (16 + free_mib) * MIB;
    let mke2fs =
        process::which("mke2fs").context("there is no mke2fs: install the package e2fsprogs")?;
    process::run(
        process::bound(mke2fs, "TERM")
            .args([
                "-q",
                "-F",
                "-t",
                "ext4",
                "-O",
                "^has_journal",
                "-b",
                "4096",
                "-m",
                "0",
                "-E",
                "root_owner=0:0",
            ])
            .args(["-N", &inodes.to_string(), "-d"])
            .arg(tree)
            .arg(to)
            .arg(format!("{}k", bytes / 1024)),
        log,
        step,
    )
    .with_context(|| format!("cannot make a disk image of {}", tree.display()))
}

struct Size {
    files: u64,
    bytes: u64,
}

fn measure(dir: &Path) -> Result<Size> {
    let mut size = Size {
        files: 1,
        bytes: BLOCK,
    };
    for entry in fs::read_dir(dir).with_context(|| format!("cannot read {}", dir.display()))? {
        let entry = entry?;
        let meta = entry.metadata()?;
        if meta.is_dir() {
            let below = measure(&entry.path())?;
            size.files += below.files;
            size.bytes += below.bytes;
        } else {
            size.files += 1;
            size.bytes += meta.len().next_multiple_of(BLOCK);
        }
    }
    Ok(size)
}

/// Copies a file or folder with modes, times and links, sharing the blocks where the host's file system can.
fn copy(from: &Path, to: &Path, log: &Path, step: &Step) -> Result<()> {
    process::run(
        process::bound("cp", "TERM")
            .args(["--archive", "--reflink=auto", "--"])
            .arg(from)
            .arg(to),
        log,
        step,
    )
    .with_context(|| format!("cannot copy {}", from.display()))
}

/// The job in the words of the guest's shell.
fn job(command: &[OsString], variables: &[(&str, String)]) -> Vec<u8> {
    let mut script = Vec::new();
    for (name, value) in variables {
        script.extend_from_slice(b"export ");
        script.extend_from_slice(name.as_bytes());
        script.push(b'=');
        script.extend(quote::shell(value.as_ref()));
        script.push(b'\n');
    }
    script.extend_from_slice(b"command=(");
    for word in command {
        script.push(b' ');
        script.extend(quote::shell(word));
    }
    script.extend_from_slice(b" )\n");
    script
}
