// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Facts about the host that decide whether the kernel part can be loaded.

use std::fs;

use rustix::thread::{CapabilitySet, capabilities};

use crate::error::Error;
use crate::offered::BTF;

const NEEDED: [(CapabilitySet, &str); 2] = [
    (CapabilitySet::BPF, "CAP_BPF"),
    (CapabilitySet::PERFMON, "CAP_PERFMON"),
];

pub(crate) fn missing_capabilities() -> Vec<&'static str> {
    let have = capabilities(None).map_or(CapabilitySet::empty(), |sets| sets.effective);
    if have.contains(CapabilitySet::SYS_ADMIN) {
        return Vec::new(); // replaces both: include/linux/capability.h, bpf_capable() and perfmon_capable()
    }
    NEEDED
        .iter()
        .filter(|(cap, _)| !have.contains(*cap))
        .map(|(_, name)| *name)
        .collect()
}

/// Checks that this process has the capabilities that Ambit needs.
pub(crate) fn privileges() -> Result<(), Error> {
    let missing = missing_capabilities();
    if missing.is_empty() {
        Ok(())
    } else {
        Err(Error::Privileges(missing))
    }
}

/// Returns the active security modules, separated by commas.
pub(crate) fn lsm_list() -> Result<String, String> {
    fs::read_to_string("/sys/kernel/security/lsm")
        .map(|s| s.trim().to_owned())
        .map_err(|e| e.to_string())
}

pub(crate) fn release() -> String {
    rustix::system::uname()
        .release()
        .to_string_lossy()
        .into_owned()
}

/// Returns the first two numbers of a release.
pub(crate) fn version(release: &str) -> (u32, u32) {
    let mut parts = release
        .split(|c: char| !c.is_ascii_digit())
        .map(|p| p.parse().unwrap_or(0));
    (parts.next().unwrap_or(0), parts.next().unwrap_or(0))
}

pub(crate) fn bpffs_mounted() -> bool {
    // BPF_FS_MAGIC, include/uapi/linux/magic.h
    rustix::fs::statfs("/sys/fs/bpf").is_ok_and(|s| s.f_type == 0xcafe_4a11_u32.into())
}

/// Checks what loading the object needs, and mounts the BPF file system if it is not mounted. Cheapest checks first.
pub(crate) fn requirements() -> Result<(), Error> {
    if let Err(e) = fs::metadata(BTF) {
        return Err(Error::NoBtf(e));
    }
    if let Ok(list) = lsm_list()
        && !list.split(',').any(|m| m == "bpf")
    {
        return Err(Error::NotInLsmList { active: list });
    }
    if !bpffs_mounted() {
        mount_bpffs()?;
    }
    Ok(())
}

fn mount_bpffs() -> Result<(), Error> {
    // Without an option, everybody may write to it: mode 1777.
    rustix::mount::mount(
        "bpf",
        "/sys/fs/bpf",
        "bpf",
        rustix::mount::MountFlags::empty(),
        c"mode=0700",
    )
    .map_err(|e| Error::PinDirectory {
        path: "/sys/fs/bpf".into(),
        source: e.into(),
    })
}
