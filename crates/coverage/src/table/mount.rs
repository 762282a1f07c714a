// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Mounts, superblocks, block devices and quotas.

use crate::why::{FS_CONTEXT, LABELS, LOOKING, MEMORY, kernel, tested};

hooks! {
    bdev_alloc_security no yes yes: MEMORY;
    bdev_free_security no yes yes: MEMORY;
    bdev_setintegrity no yes yes: kernel("dm-verity reports a measurement of a device; no access is checked here");
    fs_context_dup yes yes yes: FS_CONTEXT;
    fs_context_parse_param yes yes yes: FS_CONTEXT;
    fs_context_submount yes yes yes: kernel("an automatic mount by the kernel during path resolution");
    initramfs_populated no yes yes: kernel("once during boot, before any task has a label");
    move_mount yes yes yes;
    quota_on yes yes yes: tested(
        "part of quotactl(2), decided at quotactl",
        &["refusals::asking_for_quotas_is_refused"],
    );
    quotactl yes yes yes;
    sb_alloc_security yes yes yes: MEMORY;
    sb_clone_mnt_opts yes yes yes: LABELS;
    sb_delete yes yes yes: MEMORY;
    sb_eat_lsm_opts yes yes yes: LABELS;
    sb_free_mnt_opts yes yes yes: MEMORY;
    sb_free_security yes yes yes: MEMORY;
    sb_kern_mount yes yes yes;
    sb_mnt_opts_compat yes yes yes: LABELS;
    sb_mount yes yes yes;
    sb_pivotroot yes yes yes;
    sb_remount yes yes yes;
    sb_set_mnt_opts yes yes yes: LABELS;
    sb_show_options yes yes yes: LABELS;
    sb_statfs yes yes yes: LOOKING;
    sb_umount yes yes yes;
}
