// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The initial file system: busybox, the drivers of the disks, and a script that mounts them.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::rootfs::{Rootfs, Userland};
use crate::process;

const INIT: &str = include_str!("guest/initramfs.sh");
/// Drivers in the order of loading; a kernel that has one built in has no file for it.
const MODULES: &[&str] = &[
    "virtio_ring",
    "virtio",
    "virtio_pci_legacy_dev",
    "virtio_pci_modern_dev",
    "virtio_pci",
    "virtio_blk",
    "virtio_console",
];

/// What the result depends on, beside the kernel and busybox.
pub(super) const RECIPE: (&str, &[&str]) = (INIT, MODULES);

/// Writes an initramfs for the kernel with these modules.
pub(super) fn build(modules: &Path, to: &Path) -> Result<()> {
    let busybox = Rootfs::get(Userland::Suites)?.busybox();
    let mut archive = Archive::default();
    for dir in ["bin", "dev", "proc", "sys", "root", "modules"] {
        archive.entry(dir, 0o040_755, b"")?;
    }
    let busybox =
        fs::read(&busybox).with_context(|| format!("cannot read {}", busybox.display()))?;
    archive.entry("bin/busybox", 0o100_755, &busybox)?;
    archive.entry("init", 0o100_755, INIT.as_bytes())?;
    for (position, name) in MODULES.iter().enumerate() {
        if let Some(file) = find(&modules.join("kernel"), name)? {
            archive.entry(
                &format!("modules/{position}-{name}.ko"),
                0o100_644,
                &unpacked(&file)?,
            )?;
        }
    }
    fs::write(to, archive.finish()?).with_context(|| format!("cannot write {}", to.display()))
}

/// The file of a module, compressed or not.
fn find(dir: &Path, module: &str) -> Result<Option<PathBuf>> {
    for entry in fs::read_dir(dir).with_context(|| format!("cannot read {}", dir.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            if let Some(found) = find(&path, module)? {
                return Ok(Some(found));
            }
        } else if let Some((stem, _)) = path
            .file_name()
            .and_then(|n| n.to_str())
            .and_then(|n| n.split_once(".ko"))
            && stem == module
        {
            return Ok(Some(path));
        }
    }
    Ok(None)
}

fn unpacked(file: &Path) -> Result<Vec<u8>> {
    let tool = match file.extension().and_then(|e| e.to_str()) {
        Some("xz") => "xz",
        Some("zst") => "zstd",
        Some("ko") => {
            return fs::read(file).with_context(|| format!("cannot read {}", file.display()));
        }
        _ => bail!("unknown compression of {}", file.display()),
    };
    process::output(Command::new(tool).arg("-dc").arg(file))
}

/// A cpio archive in the format that the kernel unpacks ("newc").
#[derive(Default)]
struct Archive {
    bytes: Vec<u8>,
    entries: u32,
}

impl Archive {
    fn entry(&mut self, name: &str, mode: u32, data: &[u8]) -> Result<()> {
        self.entries += 1;
        let (inode, links, data_len, name_len) = (self.entries, 1, data.len(), name.len() + 1);
        // magic, inode, mode, uid, gid, links, mtime, size, device (4 times), length of the name, checksum
        write!(
            self.bytes,
            "070701{inode:08x}{mode:08x}{0:08x}{0:08x}{links:08x}{0:08x}{data_len:08x}\
             {0:08x}{0:08x}{0:08x}{0:08x}{name_len:08x}{0:08x}{name}\0",
            0
        )
        .context("cannot write to memory")?;
        self.pad();
        self.bytes.extend_from_slice(data);
        self.pad();
        Ok(())
    }

    fn finish(mut self) -> Result<Vec<u8>> {
        self.entry("TRAILER!!!", 0, b"")?;
        Ok(self.bytes)
    }

    fn pad(&mut self) {
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn archives_are_aligned_and_end_with_the_trailer() -> Result<()> {
        let mut archive = Archive::default();
        archive.entry("a", 0o100_644, b"12345")?;
        let bytes = archive.finish()?;
        assert_eq!(bytes.len() % 4, 0);
        assert_eq!(&bytes[..6], b"070701");
        // The header has 110 bytes; "a\0" makes it 112, where the data starts.
        assert_eq!(&bytes[112..117], b"12345");
        assert_eq!(&bytes[120..126], b"070701");
        assert!(bytes.windows(11).any(|w| w == b"TRAILER!!!\0"));
        Ok(())
    }
}
