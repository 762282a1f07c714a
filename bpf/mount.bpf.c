/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Mounts, roots and user namespaces.
 *
 *   sb_mount       mount(2), by kind of mount and mount point. The source is a string
 *                  of the caller and no part of the object
 *   sb_kern_mount  the type of a new file system, by mount(2) or fsconfig(2)
 *   sb_remount     options of a file system by mount(2) or fsconfig(2)
 *   move_mount     a mount attached or moved by move_mount(2)
 *   sb_umount, sb_pivotroot, path_chroot, userns_create
 *
 * mount_setattr(2), open_tree(2), setns(2) and unshare(2) of other namespaces have
 * no hook of their own; they require a capability, which cap.use decides.
 *
 * Fail mode: decide.bpf.h.
 */

/* include/uapi/linux/mount.h */
#define MS_REMOUNT 0x20
#define MS_BIND 0x1000
#define MS_MOVE 0x2000
#define MS_PROPAGATION 0x1e0000 /* unbindable, private, slave, shared */

/* In the order of fs/namespace.c, path_mount(). */
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

HOOK(sb_mount, ENGINE_FULL, mount_sb_mount, rules_mount,
     place_point(engine, AMBIT_HOOK_SB_MOUNT, path->dentry, path->mnt, AMBIT_OP_MOUNT_MOUNT,
		 mount_kind(flags)),
     const char *dev_name, const struct path *path, const char *type, unsigned long flags)

HOOK(sb_kern_mount, ENGINE_FULL, mount_kern, rules_mount_type,
     word_point(engine, AMBIT_HOOK_SB_KERN_MOUNT, AMBIT_OP_MOUNT_TYPE, 0, sb->s_type->name),
     struct super_block *sb)

HOOK(sb_remount, ENGINE_FULL, mount_remount, rules_remount,
     word_point(engine, AMBIT_HOOK_SB_REMOUNT, AMBIT_OP_MOUNT_RECONFIGURE, 0, sb->s_type->name),
     struct super_block *sb)

HOOK(move_mount, ENGINE_FULL, mount_move, rules_move_mount,
     place_point(engine, AMBIT_HOOK_MOVE_MOUNT, to->dentry, to->mnt, AMBIT_OP_MOUNT_MOUNT,
		 AMBIT_MOUNT_MOVE),
     const struct path *from, const struct path *to)

HOOK(sb_umount, ENGINE_FULL, mount_umount, rules_umount,
     place_point(engine, AMBIT_HOOK_SB_UMOUNT, mnt->mnt_root, mnt, AMBIT_OP_MOUNT_UMOUNT, 0),
     struct vfsmount *mnt)

HOOK(sb_pivotroot, ENGINE_FULL, mount_pivot, rules_pivot,
     place_point(engine, AMBIT_HOOK_SB_PIVOTROOT, new->dentry, new->mnt, AMBIT_OP_MOUNT_PIVOT, 0),
     const struct path *old, const struct path *new)

HOOK(path_chroot, ENGINE_FULL, mount_chroot, rules_chroot,
     place_point(engine, AMBIT_HOOK_PATH_CHROOT, path->dentry, path->mnt, AMBIT_OP_MOUNT_CHROOT, 0),
     const struct path *path)

HOOK(userns_create, ENGINE_FULL, ns_userns, rules_userns,
     plain_point(engine, AMBIT_HOOK_USERNS_CREATE, AMBIT_OP_NS_USER, 0))
