// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The LSM hooks of the running kernel: which exist, which accept a BPF program, and which have one of Ambit's.

use std::collections::BTreeSet;
use std::ffi::CStr;
use std::os::fd::{FromRawFd, OwnedFd};

use libbpf_rs::btf::types::{Func, Union};
use libbpf_rs::btf::{Btf, TypeId};
use libbpf_rs::query::LinkTypeInfo;
use libbpf_rs::{Link, libbpf_sys};

use crate::error::{Error, bpf};
use crate::offered::kernel_btf;
use crate::pins::{Pins, entries};

/// A hook of the running kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KernelHook {
    /// Its name in the kernel.
    pub name: String,
    /// True if a BPF program can be attached; none if that was not tried, or if trying failed for another reason.
    pub attachable: Option<bool>,
    /// True if a program of the loaded kernel part is attached.
    pub attached: bool,
}

/// Returns every LSM hook that the running kernel has for BPF, sorted by name. With `try_each`, a program is loaded for
/// each.
pub(crate) fn hooks(pins: &Pins, try_each: bool) -> Result<Vec<KernelHook>, Error> {
    let btf = kernel_btf()?;
    let attached = attached(&btf, pins)?;
    let mut found: Vec<_> = offered(&btf)
        .into_iter()
        .map(|(name, id)| KernelHook {
            attachable: try_each.then(|| accepts_program(id)).flatten(),
            attached: attached.contains(&name),
            name,
        })
        .collect();
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}

/// Returns the kernel's functions `bpf_lsm_NAME` where NAME is a hook. Some helpers have such names as well, but only
/// hooks are members of the union `security_list_options`.
fn offered(btf: &Btf<'_>) -> Vec<(String, TypeId)> {
    let Some(hooks) = btf.type_by_name::<Union<'_>>("security_list_options") else {
        return Vec::new();
    };
    hooks
        .iter()
        .filter_map(|member| {
            let name = member.name?.to_str()?.to_owned();
            let function = btf.type_by_name::<Func<'_>>(&format!("bpf_lsm_{name}"))?;
            Some((name, function.type_id()))
        })
        .collect()
}

/// Returns the hooks whose links are pinned.
fn attached(btf: &Btf<'_>, pins: &Pins) -> Result<BTreeSet<String>, Error> {
    let mut found = BTreeSet::new();
    for entry in entries(&pins.links()).unwrap_or_default() {
        let info = Link::open(entry.path())
            .and_then(|link| link.info())
            .map_err(bpf("read a pinned link"))?;
        let LinkTypeInfo::Tracing(tracing) = info.info else {
            continue;
        };
        let function = btf.type_by_id::<Func<'_>>(TypeId::from(tracing.target_btf_id));
        let name = function.and_then(|function| function.name()?.to_str());
        if let Some(hook) = name.and_then(|name| name.strip_prefix("bpf_lsm_")) {
            found.insert(hook.to_owned());
        }
    }
    Ok(found)
}

/// True if the kernel accepts a program for a hook: one that returns 0 is loaded, but not attached.
fn accepts_program(hook: TypeId) -> Option<bool> {
    const NAME: &CStr = c"ambit_try";
    const LICENSE: &CStr = c"GPL";
    let instruction = |code: u32| libbpf_sys::bpf_insn {
        code: u8::try_from(code).unwrap_or(0),
        ..Default::default()
    };
    // r0 = 0; exit
    let program = [
        instruction(libbpf_sys::BPF_ALU64 | libbpf_sys::BPF_MOV | libbpf_sys::BPF_K),
        instruction(libbpf_sys::BPF_JMP | libbpf_sys::BPF_EXIT),
    ];
    let mut options = libbpf_sys::bpf_prog_load_opts {
        sz: size_of::<libbpf_sys::bpf_prog_load_opts>() as libbpf_sys::size_t,
        expected_attach_type: libbpf_sys::BPF_LSM_MAC,
        attach_btf_id: hook.into(),
        ..Default::default()
    };
    // SAFETY: the strings, instructions and options live longer than the call, and have the sizes given.
    let fd = unsafe {
        libbpf_sys::bpf_prog_load(
            libbpf_sys::BPF_PROG_TYPE_LSM,
            NAME.as_ptr(),
            LICENSE.as_ptr(),
            program.as_ptr(),
            program.len() as libbpf_sys::size_t,
            &raw mut options,
        )
    };
    if fd >= 0 {
        // SAFETY: the kernel has just created this descriptor; closing it frees the program.
        drop(unsafe { OwnedFd::from_raw_fd(fd) });
        return Some(true);
    }
    // Other errors (no privileges, no memory) do not depend on the hook.
    (fd == -libc::EINVAL).then_some(false)
}
