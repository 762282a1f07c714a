// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Files: opening, changing, mapping, and what belongs to inodes.

use crate::why::{LABELS, LOOKING, MEMORY, SIGIO_TESTS, informs, kernel, modules, tested};

hooks! {
    backing_file_alloc no yes yes: MEMORY;
    backing_file_free no yes yes: MEMORY;
    d_instantiate yes yes yes: LABELS;
    dentry_create_files_as yes yes yes: LABELS;
    dentry_init_security yes yes yes: LABELS;
    file_alloc_security yes yes refused: MEMORY;
    file_fcntl yes yes yes;
    file_free_security yes yes yes: MEMORY;
    file_ioctl yes yes yes;
    file_ioctl_compat yes yes yes;
    file_lock yes yes yes;
    file_mprotect yes yes yes;
    file_open yes yes yes;
    file_permission yes yes yes;
    file_post_open no yes yes: informs("called after file_open in the same open, which is decided there");
    file_receive yes yes yes;
    file_release no yes yes: informs("a descriptor is closed");
    file_send_sigiotask yes yes yes: tested(
        "delivery of SIGIO in whichever task is interrupted; its number and receiver are decided at file_fcntl and file_ioctl, for a terminal also O_ASYNC",
        SIGIO_TESTS,
    );
    file_set_fowner yes yes yes: tested(
        "cannot refuse; the receiver of SIGIO is decided at file_fcntl and file_ioctl, for a terminal also O_ASYNC",
        SIGIO_TESTS,
    );
    file_truncate no yes yes;
    inode_alloc_security yes yes yes: MEMORY;
    inode_copy_up yes yes yes: LABELS;
    inode_copy_up_xattr refused refused refused: LABELS;
    inode_create yes yes yes;
    inode_file_getattr no no yes: LOOKING;
    inode_file_setattr no no yes: tested(
        "flags of an inode by file_setattr(2): those that restrict others require a capability, decided at capable; the rest is not decided, unlike their ioctl (file.ioctl)",
        &["attacks::a_file_made_immutable_without_an_ioctl_is_refused"],
    );
    inode_follow_link yes yes yes: tested(
        "a step of resolving a path; operations on the target are decided, under its own path",
        &["refusals::a_symlink_does_not_lead_around_the_map"],
    );
    inode_free_security yes yes yes: MEMORY;
    inode_free_security_rcu no yes yes: MEMORY;
    inode_get_acl no yes yes: LOOKING;
    inode_getattr yes yes yes: LOOKING;
    inode_getlsmprop no no yes: LABELS;
    inode_getsecctx yes yes yes: LABELS;
    inode_getsecid yes yes no: LABELS;
    inode_getsecurity refused refused refused: LABELS;
    inode_getxattr yes yes yes: LOOKING;
    inode_init_security yes yes yes: LABELS;
    inode_init_security_anon yes yes yes;
    inode_invalidate_secctx yes yes yes: LABELS;
    inode_killpriv yes yes yes: tested(
        "removes set-id bits and file capabilities before a write, which was decided when the file was opened",
        &["refusals::an_open_for_writing_is_refused_and_the_file_stays_as_it_is"],
    );
    inode_link yes yes yes: tested(
        "decided at path_link, which also knows the path",
        &["refusals::a_link_is_refused_by_its_source", "refusals::a_link_is_refused_by_its_target"],
    );
    inode_listsecurity refused refused refused: LABELS;
    inode_listxattr yes yes yes: LOOKING;
    inode_mkdir yes yes yes: tested(
        "decided at path_mkdir, which also knows the path",
        &["refusals::a_refused_mkdir_makes_no_directory"],
    );
    inode_mknod yes yes yes: tested(
        "decided at path_mknod, which also knows the path",
        &["refusals::a_refused_mknod_makes_no_fifo", "refusals::a_refused_mknod_makes_no_device", "refusals::a_bind_to_a_path_is_refused_and_no_socket_is_left"],
    );
    inode_need_killpriv refused refused refused: tested(
        "removes set-id bits and file capabilities before a write, which was decided when the file was opened",
        &["refusals::an_open_for_writing_is_refused_and_the_file_stays_as_it_is"],
    );
    inode_notifysecctx yes yes yes: LABELS;
    inode_permission yes yes yes: tested(
        "called for each component of each path; a lookup alone is free, and each operation on the file is decided at its own hook",
        &["attacks::looking_at_a_file_changes_nothing_and_does_not_read_it", "attacks::an_open_of_a_file_by_its_handle_is_refused"],
    );
    inode_post_create_tmpfile no yes yes: informs("called after the operation, too late to refuse; see file_open");
    inode_post_remove_acl no yes yes: informs("called after the operation, too late to refuse; see inode_remove_acl");
    inode_post_removexattr no yes yes: informs("called after the operation, too late to refuse; see inode_removexattr");
    inode_post_set_acl no yes yes: informs("called after the operation, too late to refuse; see inode_set_acl");
    inode_post_setattr no yes yes: informs("called after the operation, too late to refuse; see path_chmod, path_chown and path_truncate");
    inode_post_setxattr yes yes yes: informs("called after the operation, too late to refuse; see inode_setxattr");
    inode_readlink yes yes yes: LOOKING;
    inode_remove_acl no yes yes;
    inode_removexattr yes yes yes;
    inode_rename yes yes yes: tested(
        "decided at path_rename, which also knows the path",
        &["refusals::a_rename_is_refused_by_its_source", "refusals::a_rename_is_refused_by_its_target", "refusals::a_refused_exchange_leaves_both_files_where_they_are"],
    );
    inode_rmdir yes yes yes: tested(
        "decided at path_rmdir, which also knows the path",
        &["refusals::a_refused_rmdir_leaves_the_directory"],
    );
    inode_set_acl no yes yes;
    inode_setattr yes yes yes: tested(
        "decided at path_chmod, path_chown, path_truncate and file_truncate; only timestamps (utime) remain, which are not decided",
        &["refusals::a_refused_chmod_leaves_the_mode", "refusals::a_refused_chown_leaves_the_owner", "refusals::a_refused_truncate_leaves_the_size", "refusals::a_refused_ftruncate_leaves_the_size", "attacks::setting_a_timestamp_needs_no_rule"],
    );
    inode_setintegrity no yes yes: kernel("IMA and fs-verity report a measurement of a file; no access is checked here");
    inode_setsecctx yes yes yes: LABELS;
    inode_setsecurity yes yes yes: LABELS;
    inode_setxattr yes yes yes;
    inode_symlink yes yes yes: tested(
        "decided at path_symlink, which also knows the path",
        &["refusals::a_refused_symlink_is_not_made"],
    );
    inode_unlink yes yes yes;
    inode_xattr_skipcap no yes yes: modules("lets a security module replace a capability check; Ambit never does");
    kernfs_init_security yes yes yes: LABELS;
    mmap_addr yes yes yes;
    mmap_backing_file no yes yes: tested(
        "the lower file of an overlayfs file; the file that the user sees was decided at mmap_file",
        &["attacks::a_mapping_of_a_lower_file_of_an_overlay_is_refused"],
    );
    mmap_file yes yes yes;
    path_chmod yes yes yes;
    path_chown yes yes yes;
    path_chroot yes yes yes;
    path_link yes yes yes;
    path_mkdir yes yes yes;
    path_mknod yes yes yes;
    path_notify yes yes yes: tested(
        "reports changes of readable files; blocking other tasks requires a capability, decided at capable",
        &["attacks::watching_a_file_to_block_others_is_refused"],
    );
    path_post_mknod no yes yes: informs("called after the operation, too late to refuse; see path_mknod");
    path_rename yes yes yes;
    path_rmdir yes yes yes;
    path_symlink yes yes yes;
    path_truncate yes yes yes;
    path_unlink yes yes yes;
}
