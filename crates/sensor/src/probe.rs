// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What this host can do: facts first, then one trial load, which is the only answer that counts.

use std::fs;
use std::path::Path;

use ambit_abi::Hook;
use rustix::thread::{CapabilitySet, capabilities};

use crate::error::Error;
use crate::kernel::{Kernel, LoadOptions};
use crate::{KernelHook, load, surface};

/// What a host has and lacks.
#[derive(Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "facts, each with an answer of its own"
)]
pub struct Report {
    /// `uname -r`.
    pub release: String,
    /// Capabilities that Ambit needs and this process lacks.
    pub missing_capabilities: Vec<&'static str>,
    /// Whether `/sys/kernel/btf/vmlinux` is there.
    pub btf: bool,
    /// The active security modules in order, or why they cannot be read.
    pub lsm: Result<String, String>,
    /// Whether `bpf` is among them.
    pub bpf_lsm: bool,
    /// Whether the BPF file system is mounted at `/sys/fs/bpf`.
    pub bpffs: bool,
    /// The preemption model where it can be read (debugfs): `none`, `voluntary`, `full`, `lazy`.
    pub preemption: Option<String>,
    /// Whether task labels are dependable with this kernel and preemption model.
    pub labels_dependable: bool,
    /// The trial load of one LSM program.
    pub trial: Result<(), Error>,
    /// The hooks of this kernel; empty without BTF.
    pub hooks: Vec<KernelHook>,
    /// Whether the kernel part is loaded.
    pub loaded: bool,
}

const NEEDED: [(CapabilitySet, &str); 2] = [
    (CapabilitySet::BPF, "CAP_BPF"),
    (CapabilitySet::PERFMON, "CAP_PERFMON"),
];

fn missing_capabilities() -> Vec<&'static str> {
    let have = capabilities(None).map_or(CapabilitySet::empty(), |sets| sets.effective);
    if have.contains(CapabilitySet::SYS_ADMIN) {
        return Vec::new(); // stands for both: include/linux/capability.h, bpf_capable() and perfmon_capable()
    }
    NEEDED
        .iter()
        .filter(|(cap, _)| !have.contains(*cap))
        .map(|(_, name)| *name)
        .collect()
}

pub(crate) fn privileges() -> Result<(), Error> {
    let missing = missing_capabilities();
    if missing.is_empty() {
        Ok(())
    } else {
        Err(Error::Privileges(missing))
    }
}

fn lsm_list() -> Result<String, String> {
    fs::read_to_string("/sys/kernel/security/lsm")
        .map(|s| s.trim().to_owned())
        .map_err(|e| e.to_string())
}

fn release() -> String {
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

/// The preemption model, from where it can be read.
fn preemption() -> Option<String> {
    let read = |path| fs::read_to_string(path).unwrap_or_default();
    preemption_of(
        &read("/sys/kernel/debug/sched/preempt"),
        &read("/proc/cmdline"),
        &read("/proc/sys/kernel/version"),
    )
}

/// In parentheses in `none voluntary (full)`; else what the kernel was booted with; else what it was built as, where
/// that can't be changed: `#1 SMP PREEMPT`.
fn preemption_of(debugfs: &str, cmdline: &str, version: &str) -> Option<String> {
    let now = |word: &str| Some(word.strip_prefix('(')?.strip_suffix(')')?.to_owned());
    let booted = |word: &str| word.strip_prefix("preempt=").map(str::to_owned);
    let built = |word: &str| matches!(word, "PREEMPT" | "PREEMPT_RT").then(|| "full".to_owned());
    debugfs
        .split_whitespace()
        .find_map(now)
        .or_else(|| cmdline.split_whitespace().find_map(booted))
        .or_else(|| version.split_whitespace().find_map(built))
}

/// Before 6.2 a task storage look-up answers NULL while the storage is busy on that CPU, which only happens where
/// BPF programs can be preempted.
fn labels_dependable(release: &str, preemption: Option<&str>) -> bool {
    version(release) >= (6, 2) || preemption != Some("full")
}

fn bpffs_mounted() -> bool {
    // BPF_FS_MAGIC, include/uapi/linux/magic.h
    rustix::fs::statfs("/sys/fs/bpf").is_ok_and(|s| s.f_type == 0xcafe_4a11_u32.into())
}

/// What has to hold before the object is loaded, cheapest first.
pub(crate) fn requirements() -> Result<(), Error> {
    if let Err(e) = fs::metadata("/sys/kernel/btf/vmlinux") {
        return Err(Error::NoBtf(e));
    }
    if let Ok(list) = lsm_list()
        && !list.split(',').any(|m| m == "bpf")
    {
        return Err(Error::NotInLsmList(list));
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

/// A process' start time in clock ticks since boot: with the number it names a process for good. None of one that has
/// ended, though nobody has waited for it.
pub(crate) fn start_time(pid: u32) -> Option<u64> {
    let stat = fs::read(Path::new("/proc").join(pid.to_string()).join("stat")).ok()?;
    // The name is in parentheses and may hold anything, parentheses included.
    let after = stat.iter().rposition(|&b| b == b')')? + 1;
    let rest = String::from_utf8_lossy(stat.get(after..)?).into_owned();
    let mut fields = rest.split_whitespace();
    let state = fields.next()?;
    if matches!(state, "Z" | "X") {
        return None;
    }
    fields.nth(18)?.parse().ok()
}

/// The hook that stands in for one that a kernel does not have, with the kernel's reason.
pub fn stand_in(hook: Hook) -> Option<&'static str> {
    load::stand_in(hook)
}

/// Everything `ambit doctor` asks; where `each_hook`, whether the kernel takes a program for it, too.
pub fn host(each_hook: bool) -> Report {
    let release = release();
    let preemption = preemption();
    let lsm = lsm_list();
    let options = LoadOptions::default();
    let missing = missing_capabilities();
    let trial = if missing.is_empty() {
        load::trial()
    } else {
        Err(Error::Privileges(missing.clone()))
    };
    let each_hook = each_hook && trial.is_ok();
    Report {
        labels_dependable: labels_dependable(&release, preemption.as_deref()),
        release,
        missing_capabilities: missing,
        btf: Path::new("/sys/kernel/btf/vmlinux").exists(),
        bpf_lsm: lsm.as_ref().is_ok_and(|l| l.split(',').any(|m| m == "bpf")),
        lsm,
        bpffs: bpffs_mounted(),
        preemption,
        trial,
        hooks: surface::hooks(&options.pin_dir, each_hook).unwrap_or_default(),
        loaded: Kernel::open(&options).is_ok_and(|k| k.is_some()),
    }
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
    fn the_preemption_model_is_read_from_where_it_is() {
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

    #[test]
    fn a_process_is_known_by_number_and_start() {
        let own = start_time(std::process::id());
        assert!(own.is_some());
        assert_eq!(start_time(u32::MAX), None);
    }

    #[test]
    fn a_process_that_has_ended_has_no_start_time_though_nobody_waited_for_it() {
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let ended = || start_time(child.id()).is_none();
        let patience = std::time::Instant::now() + std::time::Duration::from_secs(30);
        while !ended() && std::time::Instant::now() < patience {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        assert!(ended() && Path::new("/proc").join(child.id().to_string()).exists());
        child.wait().unwrap();
    }
}
