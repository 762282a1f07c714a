// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The user land: a Debian root file system on a disk image, made of packages by mmdebstrap.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use super::carry;
use crate::mirror::Mirror;
use crate::progress::Step;
use crate::{cache, process};

const SUITE: &str = "bookworm";
const SUITES: &[&str] = &["bookworm", "bookworm-updates", "bookworm-security"];
/// Raised when the files that are made from the packages change.
const RECIPE: u32 = 1;
/// Beside what Debian calls essential.
const PACKAGES: &[&str] = &[
    "acl",
    "apache2",
    "apparmor",
    "apt-utils",
    "attr",
    "busybox-static",
    "ca-certificates",
    "cron",
    "crun",
    "curl",
    "e2fsprogs",
    "file",
    "gawk",
    "gcc",
    "git",
    "iproute2",
    "iputils-ping",
    "jq",
    "keyutils",
    "kmod",
    "less",
    "libc6-dev",
    "libcap2-bin",
    "libelf1",
    "libgcc-s1",
    "libstdc++6",
    "logrotate",
    "lsof",
    "make",
    "netbase",
    "netcat-openbsd",
    "nginx",
    "openssh-client",
    "openssh-server",
    "postgresql",
    "procps",
    "psmisc",
    "python3",
    "redis-server",
    "socat",
    "strace",
    "stress-ng",
    "sudo",
    "vim",
    "xz-utils",
];
/// Packages of the workloads of `tests/fidelity` that no suite needs.
const OF_WORKLOADS: &[&str] = &[
    "caddy",
    "dovecot-imapd",
    "libfcgi-bin",
    "mosquitto",
    "mosquitto-clients",
    "nodejs",
    "php8.2-cli",
    "php8.2-fpm",
    "postfix",
    "rsync",
    "rsyslog",
    "runit",
    // For php8.2-fpm, in place of all of systemd.
    "systemd-standalone-tmpfiles",
    "unbound",
];
/// Space that a run finds free; untouched, it takes none on the host.
const FREE_MIB: u64 = 2048;

/// The programs that a guest has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Userland {
    /// The packages of the suites.
    Suites,
    /// The packages of the fidelity workloads, too.
    Workloads,
}

impl Userland {
    fn packages(self) -> Vec<&'static str> {
        let more = match self {
            Self::Suites => &[],
            Self::Workloads => OF_WORKLOADS,
        };
        PACKAGES.iter().chain(more).copied().collect()
    }
}

/// The root file system's files.
pub(super) struct Rootfs {
    dir: PathBuf,
}

impl Rootfs {
    /// Finds or builds it.
    pub(super) fn get(userland: Userland) -> Result<Self> {
        let name = match userland {
            Userland::Suites => "userland",
            Userland::Workloads => "workloads",
        };
        let packages = userland.packages();
        let dir = cache::folder(name, (RECIPE, SUITES, &packages, FREE_MIB), |dir| {
            build(dir, &packages)
        })?;
        Ok(Self { dir })
    }

    /// An ext4 image.
    pub(super) fn image(&self) -> PathBuf {
        self.dir.join("root.ext4")
    }

    /// A static busybox, for the initramfs.
    pub(super) fn busybox(&self) -> PathBuf {
        self.dir.join("busybox")
    }
}

fn build(dir: &Path, packages: &[&str]) -> Result<()> {
    ensure!(
        rustix::process::geteuid().is_root(),
        "the lab's file system has to be built as root, once: run `sudo cargo xtask setup --lab`"
    );
    let step = Step::start("building the lab's file system from Debian packages");
    let log = dir.join("log");
    let tree = dir.join("tree");
    let archives = cache::downloads("rootfs")?;
    let archives = archives.display();
    let mut command = process::bound("mmdebstrap", "TERM");
    command
        .args(["--mode=root", "--variant=minbase", "--format=directory"])
        .arg("--aptopt=APT::Install-Recommends \"false\"")
        .arg("--aptopt=APT::Sandbox::User \"root\"")
        // Keeps the downloaded packages for when the list above changes.
        .args(["--skip=download/empty", "--skip=essential/unlink"])
        .arg(format!("--setup-hook=mkdir -p \"$1/var/cache/apt/archives\" && cp -a '{archives}/.' \"$1/var/cache/apt/archives/\""))
        .arg(format!("--customize-hook=cp -au \"$1\"/var/cache/apt/archives/*.deb '{archives}/'"))
        .arg(format!("--include={}", packages.join(",")))
        .arg(SUITE)
        .arg(&tree)
        .args(Mirror::find()?.lines(SUITES));
    process::run(&mut command, &log, &step)?;
    finish_tree(&tree)?;
    fs::copy(tree.join("bin/busybox"), dir.join("busybox")).context("cannot copy busybox")?;
    carry::image_with_room(&tree, &dir.join("root.ext4"), FREE_MIB, &log, &step)?;
    fs::remove_dir_all(&tree).context("cannot remove the tree that is packed now")?;
    step.done();
    Ok(())
}

/// What a machine needs beyond its packages.
fn finish_tree(tree: &Path) -> Result<()> {
    for dir in ["lab", "lib/modules"] {
        fs::create_dir_all(tree.join(dir)).with_context(|| format!("cannot create /{dir}"))?;
    }
    for (file, text) in [
        ("etc/hostname", "lab\n"),
        (
            "etc/hosts",
            "127.0.0.1 localhost lab\n::1 localhost ip6-localhost\n",
        ),
        ("etc/resolv.conf", ""),
    ] {
        fs::write(tree.join(file), text).with_context(|| format!("cannot write /{file}"))?;
    }
    Ok(())
}
