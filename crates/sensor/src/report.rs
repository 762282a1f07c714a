// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Reports what this host can do: facts first, then a trial load, since no file shows whether the kernel accepts LSM
//! programs.

use std::path::Path;

use ambit_abi::Hook;

use crate::error::Error;
use crate::host::Host;
use crate::options::LoadOptions;
use crate::pins::Pins;
use crate::surface::KernelHook;
use crate::{facts, object, offered, preemption, surface};

/// Facts about a host.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts")]
pub struct Report {
    /// `uname -r`.
    pub release: String,
    /// Capabilities that Ambit needs and this process lacks.
    pub missing_capabilities: Vec<&'static str>,
    /// True if `/sys/kernel/btf/vmlinux` exists.
    pub btf: bool,
    /// The active security modules in order, or why they cannot be read.
    pub lsm: Result<String, String>,
    /// True if `bpf` is among them.
    pub bpf_lsm: bool,
    /// True if the BPF file system is mounted at `/sys/fs/bpf`.
    pub bpffs: bool,
    /// The preemption model, if it can be read: `none`, `voluntary`, `none or voluntary`, `full`, `lazy`.
    pub preemption: Option<String>,
    /// True if this kernel with this preemption model never loses a task's label; false if it may be the model with which it does.
    pub labels_dependable: bool,
    /// The result of loading one LSM program.
    pub trial: Result<(), Error>,
    /// The hooks of this kernel; empty without BTF.
    pub hooks: Vec<KernelHook>,
    /// True if the kernel part is loaded.
    pub loaded: bool,
}

/// Returns why a kernel may lack a hook whose operations another hook sees; none for all other hooks.
pub fn stand_in(hook: Hook) -> Option<&'static str> {
    offered::stand_in(hook)
}

/// Returns the facts that `ambit doctor` shows. With `each_hook`, loads a program for every hook of the kernel.
pub fn host(each_hook: bool) -> Report {
    let release = facts::release();
    let preemption = preemption::model();
    let lsm = facts::lsm_list();
    let options = LoadOptions::default();
    let missing = facts::missing_capabilities();
    let trial = if missing.is_empty() {
        object::trial()
    } else {
        Err(Error::Privileges(missing.clone()))
    };
    let each_hook = each_hook && trial.is_ok();
    let pins = Pins::new(&options.pin_dir);
    Report {
        labels_dependable: preemption::labels_dependable(&release, preemption.as_deref()),
        release,
        missing_capabilities: missing,
        btf: Path::new(offered::BTF).exists(),
        bpf_lsm: lsm.as_ref().is_ok_and(|l| l.split(',').any(|m| m == "bpf")),
        lsm,
        bpffs: facts::bpffs_mounted(),
        preemption,
        trial,
        hooks: surface::hooks(&pins, each_hook).unwrap_or_default(),
        loaded: Host::open(&options.pin_dir).is_ok_and(|host| host.is_some()),
    }
}
