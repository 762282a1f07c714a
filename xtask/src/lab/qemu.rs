// SPDX-License-Identifier: Apache-2.0 OR MIT
//! QEMU 10 or newer: the host's, else Debian's backport with all its libraries in a folder of the cache.
//!
//! Older ones won't do: 7.2 corrupts the flags around cmpxchg16b, at which recent kernels panic.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::apt::Apt;
use crate::progress::Step;
use crate::{cache, process};

const PROGRAM: &str = "qemu-system-x86_64";
const OLDEST: u32 = 10;
const PACKAGE: &str = "qemu-system-x86";
const SUITES: &[&str] = &["bookworm", "bookworm-security", "bookworm-backports"];

/// A QEMU that can be run.
pub(super) enum Qemu {
    Host(PathBuf),
    Unpacked(PathBuf),
}

impl Qemu {
    /// Finds or fetches it.
    pub(super) fn get() -> Result<Self> {
        if let Some(path) = process::which(PROGRAM)
            && host_version(&path).is_some_and(|version| version >= OLDEST)
        {
            return Ok(Self::Host(path));
        }
        cache::folder("qemu", (PACKAGE, SUITES), |dir| {
            let step = Step::start("downloading QEMU");
            let apt = Apt::new("qemu", SUITES, &step)?;
            let packages = apt.closure(PACKAGE)?;
            apt.unpack(&packages, dir, &step)?;
            let version = process::output(
                Self::Unpacked(dir.to_owned())
                    .command("KILL")
                    .arg("--version"),
            )
            .context("the downloaded QEMU does not run")?;
            ensure!(
                major(&version).is_some_and(|v| v >= OLDEST),
                "Debian's backports have no QEMU {OLDEST}"
            );
            step.done();
            Ok(())
        })
        .map(Self::Unpacked)
    }

    /// A command that ends with this program, by `signal`.
    pub(super) fn command(&self, signal: &str) -> Command {
        match self {
            Self::Host(path) => process::bound(path, signal),
            Self::Unpacked(root) => {
                // Its own loader and C library, so that the host's distribution doesn't matter.
                let libraries: Vec<_> = ["lib", "usr/lib"]
                    .map(|dir| {
                        root.join(dir)
                            .join("x86_64-linux-gnu")
                            .display()
                            .to_string()
                    })
                    .into_iter()
                    .collect();
                let mut command = process::bound(root.join("lib64/ld-linux-x86-64.so.2"), signal);
                command
                    .arg("--library-path")
                    .arg(libraries.join(":"))
                    .arg(root.join("usr/bin").join(PROGRAM));
                for data in ["usr/share/qemu", "usr/share/seabios", "usr/lib/ipxe/qemu"] {
                    command.arg("-L").arg(root.join(data));
                }
                command.env(
                    "QEMU_MODULE_DIR",
                    root.join("usr/lib/x86_64-linux-gnu/qemu"),
                );
                command
            }
        }
    }
}

fn host_version(path: &PathBuf) -> Option<u32> {
    major(&Command::new(path).arg("--version").output().ok()?.stdout)
}

/// "QEMU emulator version 10.0.2 (Debian ...)"
fn major(output: &[u8]) -> Option<u32> {
    let text = String::from_utf8_lossy(output);
    text.split_once("version ")?
        .1
        .split('.')
        .next()?
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_major_version() {
        assert_eq!(
            major(b"QEMU emulator version 10.0.2 (Debian 1:10.0.2+ds)\nCopyright"),
            Some(10)
        );
        assert_eq!(major(b"nonsense"), None);
    }
}
