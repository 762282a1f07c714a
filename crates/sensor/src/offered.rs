// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Which of Ambit's hooks the running kernel offers, by its type information (BTF).

use std::collections::BTreeSet;
use std::fs;
use std::io;

use ambit_abi::{Coverage, Hook};
use libbpf_rs::btf::Btf;
use libbpf_rs::btf::types::Func;

use crate::error::Error;

pub(crate) const BTF: &str = "/sys/kernel/btf/vmlinux";

/// The running kernel's type information.
pub(crate) fn kernel_btf() -> Result<Btf<'static>, Error> {
    fs::metadata(BTF).map_err(Error::NoBtf)?;
    Btf::from_path(BTF).map_err(|error| Error::NoBtf(io::Error::other(error.to_string())))
}

/// Returns every hook of Ambit, and whether the kernel offers it.
pub(crate) fn hooks() -> Result<Vec<(Hook, bool)>, Error> {
    let btf = kernel_btf()?;
    // One pass: finding a function by name goes through all types, of which a kernel has a hundred thousand.
    let offered: BTreeSet<Hook> = btf
        .type_by_kind::<Func<'_>>()
        .filter_map(|function| {
            Hook::from_name(function.name()?.to_str()?.strip_prefix("bpf_lsm_")?)
        })
        .collect();
    Ok(Hook::ALL
        .iter()
        .map(|&hook| (hook, offered.contains(&hook)))
        .collect())
}

/// Returns why a kernel may lack a hook whose operations another hook sees; none for all other hooks.
pub(crate) fn stand_in(hook: Hook) -> Option<&'static str> {
    match hook {
        Hook::FileTruncate => {
            Some("not in kernels before 6.2, where path_truncate sees ftruncate and O_TRUNC")
        }
        Hook::InodeSetAcl | Hook::InodeRemoveAcl => {
            Some("not in kernels before 6.2, where inode_setxattr and inode_removexattr see ACLs")
        }
        Hook::FileIoctlCompat => Some("not in this kernel, where file_ioctl sees 32-bit callers"),
        _ => None,
    }
}

/// Returns the offered hooks of one level of coverage. It is an error if one is missing, except if another hook sees its
/// operations or `allow_missing` has it.
pub(crate) fn wanted(allow_missing: &[Hook], level: Coverage) -> Result<Vec<Hook>, Error> {
    let (offered, missing): (Vec<_>, Vec<_>) = hooks()?
        .into_iter()
        .filter(|(hook, _)| hook.coverage() == level)
        .partition(|(_, offered)| *offered);
    let missing: Vec<Hook> = missing
        .into_iter()
        .map(|(hook, _)| hook)
        .filter(|hook| stand_in(*hook).is_none() && !allow_missing.contains(hook))
        .collect();
    if missing.is_empty() {
        Ok(offered.into_iter().map(|(hook, _)| hook).collect())
    } else {
        Err(Error::MissingHooks(missing))
    }
}
