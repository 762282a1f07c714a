// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Debian's kernels for clouds: the image, its modules on a disk, and those that the initramfs must load.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};

use super::{carry, initramfs};
use crate::apt::Apt;
use crate::progress::Step;
use crate::{cache, process};

const PACKAGE: &str = "linux-image-cloud-amd64";
/// Raised when the files that are made from a kernel's packages change.
const RECIPE: u32 = 1;

/// A kernel line that Ambit is tested on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Kernel {
    /// Of Debian 12
    #[value(name = "6.1")]
    V6_1,
    /// Of Debian 13, and of Debian 12's backports
    #[value(name = "6.12")]
    V6_12,
    /// The newest in Debian 13's backports
    #[value(name = "7")]
    V7,
}

/// What booting a kernel takes.
pub(super) struct Files {
    /// The kernel's image.
    pub(super) image: PathBuf,
    /// The initial file system, which mounts the disks.
    pub(super) initramfs: PathBuf,
    /// A disk to mount on `/lib/modules`.
    pub(super) modules: PathBuf,
}

impl Kernel {
    /// All of them, oldest first.
    pub(crate) const ALL: [Self; 3] = [Self::V6_1, Self::V6_12, Self::V7];

    /// As on the command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::V6_1 => "6.1",
            Self::V6_12 => "6.12",
            Self::V7 => "7",
        }
    }

    /// Where its packages are; the last suite is preferred.
    fn suites(self) -> &'static [&'static str] {
        match self {
            Self::V6_1 => &["bookworm", "bookworm-security"],
            Self::V6_12 => &["bookworm", "bookworm-backports"],
            Self::V7 => &["trixie", "trixie-backports"],
        }
    }

    /// Finds or fetches its files.
    pub(super) fn get(self) -> Result<Files> {
        let name = format!("kernel-{}", self.name());
        let dir = cache::folder(
            &name,
            (RECIPE, PACKAGE, self.suites(), initramfs::RECIPE),
            |dir| self.build(dir),
        )?;
        Ok(Files {
            image: dir.join("vmlinuz"),
            initramfs: dir.join("initramfs"),
            modules: dir.join("modules.ext4"),
        })
    }

    fn build(self, dir: &Path) -> Result<()> {
        let step = Step::start(format!("downloading kernel {}", self.name()));
        let apt = Apt::new(&format!("kernel-{}", self.name()), self.suites(), &step)?;
        // Of the dependencies, the kernel's own parts are wanted and not the programs for installing it.
        let packages: Vec<_> = apt
            .closure(PACKAGE)?
            .into_iter()
            .filter(|p| p.name.starts_with("linux-") && p.name != "linux-base")
            .collect();
        let tree = dir.join("tree");
        apt.unpack(&packages, &tree, &step)?;
        step.done();

        let step = Step::start(format!("preparing kernel {}", self.name()));
        let (modules, release) = find_modules(&tree)?;
        ensure!(
            release.starts_with(self.name())
                && !release[self.name().len()..].starts_with(|c: char| c.is_ascii_digit()),
            "the suites {:?} have kernel {release}, not {}",
            self.suites(),
            self.name()
        );
        let image = [
            tree.join("boot").join(format!("vmlinuz-{release}")),
            modules.join("vmlinuz"),
        ]
        .into_iter()
        .find(|path| path.is_file())
        .with_context(|| format!("the packages of kernel {release} have no image"))?;
        fs::rename(&image, dir.join("vmlinuz")).context("cannot move the kernel's image")?;
        initramfs::build(&modules, &dir.join("initramfs"))?;

        // depmod expects the modules in lib/modules; the disk has the folders below that.
        let disk = dir.join("disk/lib/modules");
        fs::create_dir_all(&disk).context("cannot create a folder for the modules")?;
        fs::rename(&modules, disk.join(&release)).context("cannot move the modules")?;
        let log = dir.join("log");
        let depmod =
            process::which("depmod").context("there is no depmod: install the package kmod")?;
        process::run(
            process::bound(depmod, "TERM")
                .arg("-b")
                .arg(dir.join("disk"))
                .arg(&release),
            &log,
            &step,
        )?;
        carry::image(&disk, &dir.join("modules.ext4"), &log, &step)?;
        for used in ["tree", "disk"] {
            fs::remove_dir_all(dir.join(used))
                .context("cannot remove the folder that was packed")?;
        }
        step.done();
        Ok(())
    }
}

/// The folder of modules in the unpacked packages, and its name, which is the kernel's release.
fn find_modules(tree: &Path) -> Result<(PathBuf, String)> {
    for place in ["usr/lib/modules", "lib/modules"] {
        let Ok(mut entries) = fs::read_dir(tree.join(place)) else {
            continue;
        };
        if let Some(entry) = entries.next() {
            let entry = entry.context("cannot read the folder of modules")?;
            return Ok((
                entry.path(),
                entry.file_name().to_string_lossy().into_owned(),
            ));
        }
    }
    bail!("the kernel's packages have no modules")
}
