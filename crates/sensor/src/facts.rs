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

fn version(release: &str) -> (u32, u32) {
    let mut parts = release
        .split(|c: char| !c.is_ascii_digit())
        .map(|p| p.parse().unwrap_or(0));
    (parts.next().unwrap_or(0), parts.next().unwrap_or(0))
}

/// Returns the preemption model, if it can be read.
pub(crate) fn preemption() -> Option<String> {
    let read = |path| fs::read_to_string(path).unwrap_or_default();
    preemption_of(
        &read("/sys/kernel/debug/sched/preempt"),
        &read("/proc/cmdline"),
        &read("/proc/sys/kernel/version"),
    )
}

/// Returns the model in parentheses (`none voluntary (full)`); without debugfs, the one on the kernel command line; without
/// that, the one that the kernel was built with, if it can't be changed (`#1 SMP PREEMPT`).
fn preemption_of(debugfs: &str, cmdline: &str, version: &str) -> Option<String> {
    let current = |word: &str| Some(word.strip_prefix('(')?.strip_suffix(')')?.to_owned());
    let booted = |word: &str| word.strip_prefix("preempt=").map(str::to_owned);
    let built = |word: &str| matches!(word, "PREEMPT" | "PREEMPT_RT").then(|| "full".to_owned());
    debugfs
        .split_whitespace()
        .find_map(current)
        .or_else(|| cmdline.split_whitespace().find_map(booted))
        .or_else(|| version.split_whitespace().find_map(built))
}

/// True if looking up a task's label always finds it. Before 6.2, the look-up in task storage fails while another program
/// is using the storage on the same CPU, which happens only where BPF programs can be preempted.
pub(crate) fn labels_dependable(release: &str, preemption: Option<&str>) -> bool {
    version(release) >= (6, 2) || preemption != Some("full")
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
    if !labels_dependable(&release(), preemption().as_deref()) {
        return Err(Error::UnsafePreemption);
    }
    if !bpffs_mounted() {
        mount_bpffs()?;
    }
    Ok(())
}

fn mount_bpffs() -> Result<(), Error> {
    rustix::mount::mount(
        "bpf",
        "/sys/fs/bpf",
        "bpf",
        rustix::mount::MountFlags::empty(),
        None,
    )
    .map_err(|e| Error::PinDirectory {
        path: "/sys/fs/bpf".into(),
        source: e.into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_preemption_is_refused_before_6_2_only() {
        assert!(!labels_dependable("6.1.0-56-cloud-amd64", Some("full")));
        assert!(labels_dependable("6.1.0-56-cloud-amd64", Some("voluntary")));
        assert!(labels_dependable("6.12.95", Some("full")));
    }

    #[test]
    fn the_preemption_model_is_read_from_the_first_source_that_has_it() {
        let of = |debugfs, cmdline, version| preemption_of(debugfs, cmdline, version);
        let dynamic = "#1 SMP PREEMPT_DYNAMIC Debian";
        assert_eq!(
            of("none (voluntary) full", "preempt=full", dynamic).as_deref(),
            Some("voluntary")
        );
        assert_eq!(of("", "ro preempt=full", dynamic).as_deref(), Some("full"));
        assert_eq!(
            of("", "ro", "#1 SMP PREEMPT Debian").as_deref(),
            Some("full")
        );
        assert_eq!(of("", "ro", dynamic), None);
    }
}
