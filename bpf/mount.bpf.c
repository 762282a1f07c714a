/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Mounts, roots and user namespaces.
 *
 *   sb_mount       mount(2), by what it asks for and where. A source in the call is
 *                  the caller's word and is not told
 *   sb_kern_mount  the type of a new file system, whoever asks: mount(2) or fsconfig(2)
 *   sb_remount     options of a file system by mount(2) or fsconfig(2)
 *   move_mount     a mount attached or moved by move_mount(2)
 *   sb_umount, sb_pivotroot, path_chroot, userns_create
 *
 * mount_setattr(2), open_tree(2), setns(2) and unshare(2) of other namespaces have
 * no hook of their own; they ask for a capability.
 *
 * Fail mode: decide.bpf.h.
 */

/* include/uapi/linux/mount.h */
#define MS_REMOUNT 0x20
#define MS_BIND 0x1000
#define MS_MOVE 0x2000
#define MS_PROPAGATION 0x1e0000 /* unbindable, private, slave, shared */

/* In the order of path_mount(). */
static __always_inline __u32 mount_kind(unsigned long flags)
{
	if (flags & MS_REMOUNT)
		return AMBIT_MOUNT_REMOUNT;
	if (flags & MS_BIND)
		return AMBIT_MOUNT_BIND;
	if (flags & MS_PROPAGATION)
		return AMBIT_MOUNT_PROPAGATE;
	if (flags & MS_MOVE)
		return AMBIT_MOUNT_MOVE;
	return AMBIT_MOUNT_NEW;
}

SEC("lsm/sb_mount")
int BPF_PROG(mount_sb_mount, const char *dev_name, const struct path *path, const char *type,
	     unsigned long flags)
{
	return place_point(AMBIT_HOOK_SB_MOUNT, path->dentry, path->mnt, AMBIT_OP_MOUNT_MOUNT,
			   mount_kind(flags));
}

SEC("lsm/sb_kern_mount")
int BPF_PROG(mount_kern, struct super_block *sb)
{
	return word_point(AMBIT_HOOK_SB_KERN_MOUNT, AMBIT_OP_MOUNT_TYPE, 0, sb->s_type->name);
}

SEC("lsm/sb_remount")
int BPF_PROG(mount_remount, struct super_block *sb)
{
	return word_point(AMBIT_HOOK_SB_REMOUNT, AMBIT_OP_MOUNT_RECONFIGURE, 0, sb->s_type->name);
}

SEC("lsm/move_mount")
int BPF_PROG(mount_move, const struct path *from, const struct path *to)
{
	return place_point(AMBIT_HOOK_MOVE_MOUNT, to->dentry, to->mnt, AMBIT_OP_MOUNT_MOUNT,
			   AMBIT_MOUNT_MOVE);
}

SEC("lsm/sb_umount")
int BPF_PROG(mount_umount, struct vfsmount *mnt)
{
	return place_point(AMBIT_HOOK_SB_UMOUNT, mnt->mnt_root, mnt, AMBIT_OP_MOUNT_UMOUNT, 0);
}

SEC("lsm/sb_pivotroot")
int BPF_PROG(mount_pivot, const struct path *old, const struct path *new)
{
	return place_point(AMBIT_HOOK_SB_PIVOTROOT, new->dentry, new->mnt, AMBIT_OP_MOUNT_PIVOT, 0);
}

SEC("lsm/path_chroot")
int BPF_PROG(mount_chroot, const struct path *path)
{
	return place_point(AMBIT_HOOK_PATH_CHROOT, path->dentry, path->mnt, AMBIT_OP_MOUNT_CHROOT,
			   0);
}

SEC("lsm/userns_create")
int BPF_PROG(ns_userns)
{
	return plain_point(AMBIT_HOOK_USERNS_CREATE, AMBIT_OP_NS_USER, 0);
}
