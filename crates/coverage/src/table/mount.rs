// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Mounts, superblocks, block devices and quotas.

use crate::why::{LABELS, LOOKING, MEMORY};

hooks! {
    bdev_alloc_security no yes yes: MEMORY;
    bdev_free_security no yes yes: MEMORY;
    bdev_setintegrity no yes yes: "dm-verity tells what it found of a device; nobody asks for anything here";
    fs_context_dup yes yes yes: "one step of making a file system; decided are its type (sb_kern_mount) and where it is attached (move_mount)";
    fs_context_parse_param yes yes yes: "one step of making a file system; decided are its type (sb_kern_mount) and where it is attached (move_mount)";
    fs_context_submount yes yes yes: "the kernel mounts what is below a mount as it is walked into, in no task's name";
    initramfs_populated no yes yes: "once while the machine boots, before anything can be labelled";
    move_mount yes yes yes;
    quota_on yes yes yes: "part of quotactl(2), decided at quotactl";
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
