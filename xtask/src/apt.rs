// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Packages of any Debian suite, downloaded and unpacked without touching the system's own apt state.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::mirror::Mirror;
use crate::progress::Step;
use crate::{cache, process};

/// An apt of its own, in which no package is installed.
pub(crate) struct Apt {
    dir: PathBuf,
    release: String,
}

/// A package file that apt would download.
pub(crate) struct Package {
    /// What apt-get calls it: `name=version`.
    pub(crate) selector: String,
    pub(crate) name: String,
    file: String,
}

impl Apt {
    /// Prepares an apt for `suites`, prefers packages from the last of them, and fetches the lists.
    pub(crate) fn new(name: &str, suites: &[&str], step: &Step) -> Result<Self> {
        let dir = cache::downloads(name)?;
        for sub in ["lists/partial", "archives", "none/partial"] {
            fs::create_dir_all(dir.join(sub)).context("cannot create a folder for apt")?;
        }
        let sources = Mirror::find()?.lines(suites).join("\n") + "\n";
        fs::write(dir.join("sources.list"), sources).context("cannot write apt's sources")?;
        fs::write(dir.join("status"), "").context("cannot write apt's state")?;
        let release = suites.last().copied().unwrap_or_default().to_owned();
        let apt = Self { dir, release };
        process::run(apt.get().arg("update"), &apt.log(), step)
            .context("cannot fetch the package lists")?;
        Ok(apt)
    }

    /// The files of a package and of all that it depends on.
    pub(crate) fn closure(&self, package: &str) -> Result<Vec<Package>> {
        let uris = process::output(
            self.get()
                .args(["install", "--yes", "--print-uris", package]),
        )
        .with_context(|| format!("cannot resolve the package {package}"))?;
        // 'URI' NAME_VERSION_ARCHITECTURE.deb SIZE HASH, where the version has its colon as %3a.
        let files: Vec<_> = String::from_utf8_lossy(&uris)
            .lines()
            .filter(|line| line.starts_with('\''))
            .filter_map(|line| {
                let file = line.split_whitespace().nth(1)?;
                let mut parts = file.split('_');
                let (name, version) = (parts.next()?.to_owned(), parts.next()?.replace("%3a", ":"));
                Some(Package {
                    selector: format!("{name}={version}"),
                    name,
                    file: file.to_owned(),
                })
            })
            .collect();
        ensure!(
            !files.is_empty(),
            "apt knows no files for the package {package}"
        );
        Ok(files)
    }

    /// Downloads packages, checks them against the signed lists, and unpacks them into one folder.
    pub(crate) fn unpack(&self, packages: &[Package], into: &Path, step: &Step) -> Result<()> {
        let archives = self.dir.join("archives");
        let missing: Vec<_> = packages
            .iter()
            .filter(|p| !archives.join(&p.file).exists())
            .collect();
        if !missing.is_empty() {
            let selectors = missing.iter().map(|p| &p.selector);
            // `download` writes under the final name only when the hash is right.
            process::run(
                self.get()
                    .arg("download")
                    .args(selectors)
                    .current_dir(&archives),
                &self.log(),
                step,
            )
            .context("cannot download packages")?;
        }
        fs::create_dir_all(into).with_context(|| format!("cannot create {}", into.display()))?;
        for package in packages {
            step.detail(&package.name);
            process::run(
                process::bound("dpkg-deb", "TERM")
                    .arg("--extract")
                    .arg(archives.join(&package.file))
                    .arg(into),
                &self.log(),
                step,
            )?;
        }
        Ok(())
    }

    fn get(&self) -> Command {
        let mut command = process::bound("apt-get", "TERM");
        let dir = self.dir.display();
        for option in [
            format!("Dir::Etc::SourceList={dir}/sources.list"),
            "Dir::Etc::SourceParts=/dev/null".to_owned(),
            format!("Dir::State={dir}"),
            format!("Dir::State::Lists={dir}/lists"),
            format!("Dir::State::Status={dir}/status"),
            format!("Dir::Cache={dir}"),
            // Always empty: apt omits packages that are in its archive folder from the list of addresses.
            format!("Dir::Cache::Archives={dir}/none"),
            "Dir::Cache::PkgCache=".to_owned(),
            "Dir::Cache::SrcPkgCache=".to_owned(),
            "Acquire::Languages=none".to_owned(),
            "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false".to_owned(),
            "Acquire::Retries=3".to_owned(),
            "APT::Get::List-Cleanup=true".to_owned(),
            "APT::Install-Recommends=false".to_owned(),
            // The folder may be closed to apt's own user.
            "APT::Sandbox::User=".to_owned(),
            // Hooks that images of containers put there would touch the system's own cache.
            "APT::Update::Post-Invoke=".to_owned(),
            format!("APT::Default-Release={}", self.release),
        ] {
            command.arg("-o").arg(option);
        }
        command.arg("-q");
        command
    }

    fn log(&self) -> PathBuf {
        self.dir.join("log")
    }
}
