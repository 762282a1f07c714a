// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What this machine must have installed, and installing it.

use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Result, bail};

use crate::progress::Step;
use crate::{paths, process};

/// A Debian package and a file by which to tell that it is there.
type Need = (&'static str, &'static str);

/// What building the kernel part and its loader takes.
const BUILD: &[Need] = &[
    ("clang-19", "/usr/bin/clang-19"),
    ("clang-format-19", "/usr/bin/clang-format-19"),
    ("libelf-dev", "/usr/include/libelf.h"),
    ("zlib1g-dev", "/usr/include/zlib.h"),
    ("libzstd-dev", "/usr/include/zstd.h"),
    ("pkg-config", "/usr/bin/pkg-config"),
    ("make", "/usr/bin/make"),
    ("gcc", "/usr/bin/cc"),
    ("libc6-dev", "/usr/include/stdio.h"),
];

/// What making and booting the lab's machine takes.
const LAB: &[Need] = &[
    ("mmdebstrap", "/usr/bin/mmdebstrap"),
    ("e2fsprogs", "/usr/sbin/mke2fs"),
    ("kmod", "/usr/sbin/depmod"),
    ("xz-utils", "/usr/bin/xz"),
    (
        "debian-archive-keyring",
        "/usr/share/keyrings/debian-archive-keyring.gpg",
    ),
];

/// Options of `cargo xtask setup`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Also fetch QEMU, build the lab's file system, and fetch its three kernels
    #[arg(long)]
    lab: bool,
}

/// `prepare_lab` builds the lab's file system and fetches its kernels.
pub(crate) fn main(args: &Args, prepare_lab: impl FnOnce() -> Result<()>) -> Result<ExitCode> {
    install(&[BUILD, LAB])?;
    if args.lab {
        prepare_lab()?;
    }
    eprintln!("xtask: everything needed is there");
    Ok(ExitCode::SUCCESS)
}

/// Makes sure that Ambit can be built here.
pub(crate) fn for_build() -> Result<()> {
    install(&[BUILD])
}

/// Makes sure that the lab's machine can be made here.
pub(crate) fn for_lab() -> Result<()> {
    install(&[LAB])
}

fn install(needs: &[&[Need]]) -> Result<()> {
    let missing: Vec<_> = needs
        .iter()
        .flat_map(|list| list.iter())
        .filter(|(_, file)| !is_there(Path::new(file)))
        .map(|&(package, _)| package)
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let list = missing.join(" ");
    if process::which("apt-get").is_none() {
        bail!(
            "missing here: {list} (names of Debian packages; this system has no apt-get to install them with)"
        );
    }
    if !rustix::process::geteuid().is_root() {
        bail!(
            "missing here: {list}; install with: sudo apt-get install --no-install-recommends {list}"
        );
    }
    let step = Step::start(format!("installing {list}"));
    let log = paths::lab()?.join("setup.log");
    if process::run(apt_get().arg("install").args(&missing), &log, &step).is_err() {
        // The lists may be missing or old; one source out of reach must not stop us while another has it all.
        let update = process::run(apt_get().arg("update"), &log, &step);
        process::run(apt_get().arg("install").args(&missing), &log, &step)
            .or_else(|error| update.and(Err(error)))?;
    }
    step.done();
    Ok(())
}

fn is_there(file: &Path) -> bool {
    // Where /usr is not merged, or the tool is installed by hand, PATH knows better.
    let by_name = || {
        let in_bin = file
            .parent()
            .is_some_and(|dir| dir.ends_with("bin") || dir.ends_with("sbin"));
        in_bin
            && file
                .file_name()
                .and_then(|name| name.to_str())
                .and_then(process::which)
                .is_some()
    };
    file.exists() || by_name()
}

fn apt_get() -> Command {
    let mut command = process::bound("apt-get", "TERM");
    command.env("DEBIAN_FRONTEND", "noninteractive").args([
        "-q",
        "--yes",
        "--no-install-recommends",
    ]);
    command
}
