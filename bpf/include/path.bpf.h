/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A dentry's path as seen from the root of the task's mount namespace, built leaf to
 * root: chroot changes no name (docs/adr/0015). A path that ends at the root of another
 * mount namespace is foreign.
 *
 * Two stages: to the root of the first mount through typed pointers, which are plain
 * loads; after that, and in procfs and devpts, through bpf_probe_read_kernel, because
 * 6.1 has no typed pointer from a vfsmount to the struct mount that contains it.
 *
 * The walk does not take rename_lock: if a directory above the file is renamed during
 * the walk, the path can mix old and new names. It is then decided like any other.
 */
#ifndef AMBIT_PATH_H
#define AMBIT_PATH_H

#define WALK_MORE 0
#define WALK_DONE 1
#define WALK_TOO_LONG 2
#define WALK_UNREACHABLE 3
#define WALK_INTERNAL 4 /* a mount of no namespace: kernel-internal */
#define WALK_FOREIGN 5	/* a mount of another namespace */

#define TYPED_STEPS 10
/* Longest name in bytes of most file systems; FUSE allows 1,024, vfat, exfat and ntfs 765. */
#define TYPED_NAME 255
#define NAME_MASK 2047
#define PATH_LOWEST (OBJECT_END - 4095)

struct walk {
	struct slot *slot;
	struct dentry *dentry;
	struct vfsmount *mnt;
	__u32 pos;
	__u32 status;
};

static __always_inline void put(struct slot *slot, __u32 off, __u8 byte)
{
	slot->bytes[off & OFFSET_MASK] = byte;
}

/* Puts a slash and a name of at most NAME_MASK bytes in front of the path at `pos`. */
static __always_inline __u32 push_name(struct slot *slot, __u32 pos, const unsigned char *name,
				       __u32 len)
{
	len &= NAME_MASK;
	pos -= len;
	bpf_probe_read_kernel(&slot->bytes[pos & OFFSET_MASK], len, name);
	pos--;
	put(slot, pos, '/');
	return pos;
}

static __always_inline void copy_word(__u8 *to, const __u64 *from, __u32 i)
{
	*(__u64 *)(to + 8 * i) = from[i];
}

/* Returns the words of a name that is stored in the dentry itself. */
static __always_inline const __u64 *short_name(struct dentry *dentry)
{
	__u64 offset;

	/* Two barriers: one of the fields does not exist (verifier.bpf.h). */
	if (bpf_core_field_exists(struct dentry___short, d_shortname)) {
		offset = bpf_core_field_offset(struct dentry___short, d_shortname);
		barrier_var(offset);
	} else {
		offset = bpf_core_field_offset(struct dentry___iname, d_iname);
		barrier_var(offset);
	}
	return (void *)dentry + offset;
}

/*
 * The same through typed pointers, for at most TYPED_NAME bytes. A name shorter than SHORT_NAME is stored in the
 * dentry (fs/dcache.c, dname_external), where plain loads reach it. Whole words are
 * copied, so the bytes behind the name are saved and restored.
 */
static __always_inline __u32 push_typed(struct slot *slot, __u32 pos, struct dentry *dentry)
{
	__u32 len = dentry->d_name.len & TYPED_NAME;
	const __u64 *words;
	__u64 *after, kept;
	__u8 *to;

	if (unlikely(len >= SHORT_NAME))
		return push_name(slot, pos, dentry->d_name.name, len);
	words = short_name(dentry);
	after = (void *)&slot->bytes[pos & OFFSET_MASK];
	kept = *after;
	pos -= len + 1;
	to = &slot->bytes[pos & OFFSET_MASK];
	*to++ = '/';
	copy_word(to, words, 0);
	if (len > 8) {
		copy_word(to, words, 1);
		if (len > 16) {
			copy_word(to, words, 2);
			if (len > 24)
				copy_word(to, words, 3);
		}
	}
	*after = kept;
	return hide(slot, pos);
}

static __always_inline __u32 push_class(struct slot *slot, __u32 pos, __u8 class)
{
	put(slot, pos - 1, class);
	put(slot, pos - 2, 0);
	put(slot, pos - 3, '/');
	return pos - 3;
}

static __always_inline bool all_digits(const __u8 *name, __u32 len)
{
	__u32 i;

	if (len == 0 || len > 10)
		return false;
	for (i = 0; i < 10; i++) {
		if (i >= len)
			break;
		if (name[i] < '0' || name[i] > '9')
			return false;
	}
	return true;
}

/*
 * The inode of a process's procfs directory contains its struct pid. This distinguishes
 * the own process from others in any pid namespace.
 */
static __noinline __u8 number_class(struct dentry *dentry, struct dentry *parent, __u32 magic)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct proc_inode *proc;
	struct dentry *grand;
	struct inode *inode;
	struct pid *pid, *own;
	__u8 name[8] = {};

	if (magic != PROC_SUPER_MAGIC)
		return AMBIT_CLASS_NUM;
	grand = BPF_CORE_READ(parent, d_parent);
	if (grand != parent) {
		bpf_probe_read_kernel(name, 5, BPF_CORE_READ(parent, d_name.name));
		if (BPF_CORE_READ(parent, d_name.len) != 4 ||
		    *(__u32 *)name != 0x6b736174 /* "task" */)
			return AMBIT_CLASS_NUM;
	}
	inode = BPF_CORE_READ(dentry, d_inode);
	if (!inode)
		return AMBIT_CLASS_PID;
	proc = (void *)inode - bpf_core_field_offset(struct proc_inode, vfs_inode);
	pid = BPF_CORE_READ(proc, pid);
	own = grand == parent ? BPF_CORE_READ(task, group_leader, thread_pid) :
				BPF_CORE_READ(task, thread_pid);
	return pid == own ? AMBIT_CLASS_SELF : AMBIT_CLASS_PID;
}

static __always_inline struct mount *mount_of(struct vfsmount *mnt)
{
	return (void *)mnt - bpf_core_field_offset(struct mount, mnt);
}

/* Returns the status of a walk that ended at the top of a mount tree. */
static __always_inline __u32 walk_top(struct walk *walk, struct vfsmount *mnt)
{
	struct mnt_namespace *ns = BPF_CORE_READ(mount_of(mnt), mnt_ns);

	if ((unsigned long)ns == walk->slot->ns)
		return WALK_DONE;
	if (ns == MNT_NS_INTERNAL)
		return WALK_INTERNAL;
	/* NULL: the mount was detached. */
	return ns ? WALK_FOREIGN : WALK_UNREACHABLE;
}

/*
 * True if the task's root, in this mount, is the root of its mount namespace. At the bottom of a
 * namespace is the kernel's own root file system, which the root is mounted on; from 7.0
 * on there may be two of them: commit 313c47f4fe4d ("fs: use nullfs unconditionally as
 * the real rootfs").
 */
static __always_inline bool at_namespace_root(struct task_struct *task, struct dentry *root,
					      struct vfsmount *mnt)
{
	struct mount *bottom = task->nsproxy->mnt_ns->root, *up;
	struct dentry *point;

	if (root != mnt->mnt_root)
		return false;
	point = field_of(mount, mount_of(mnt), mnt_mountpoint);
	up = field_of(mount, mount_of(mnt), mnt_parent);
	if (likely(up == bottom))
		return point == bottom->mnt.mnt_root || up == mount_of(mnt);
	return point == field_of(mount, up, mnt.mnt_root) &&
	       field_of(mount, up, mnt_parent) == bottom &&
	       field_of(mount, up, mnt_mountpoint) == bottom->mnt.mnt_root;
}

static long walk_step(__u32 i, struct walk *walk)
{
	struct dentry *dentry = walk->dentry, *parent;
	struct vfsmount *mnt = walk->mnt;
	struct slot *slot = walk->slot;
	__u32 len, pos = walk->pos, magic;
	__u8 digits[16] = {};
	struct super_block *sb;

	if (dentry == field_of(vfsmount, mnt, mnt_root)) {
		struct mount *mount = mount_of(mnt);
		struct mount *up = field_of(mount, mount, mnt_parent);

		if ((unsigned long)mnt == slot->root_mnt) {
			walk->status = WALK_DONE;
			return 1;
		}
		if (up == mount) {
			walk->status = walk_top(walk, mnt);
			return 1;
		}
		walk->dentry = hide_pointer(slot, field_of(mount, mount, mnt_mountpoint));
		walk->mnt = hide_pointer(slot, up) + bpf_core_field_offset(struct mount, mnt);
		return 0;
	}
	parent = hide_pointer(slot, field_of(dentry, dentry, d_parent));
	if (parent == dentry) {
		/*
		 * Not the mount's root: memfds and sockets have dentries of their own, and
		 * a directory can be moved out of the one that was bind-mounted.
		 */
		walk->status = walk_top(walk, mnt);
		if (walk->status != WALK_INTERNAL)
			walk->status = WALK_UNREACHABLE;
		return 1;
	}
	len = field_of(dentry, dentry, d_name.len);
	if (len > NAME_MASK || pos < PATH_LOWEST + len + 1) {
		walk->status = WALK_TOO_LONG;
		return 1;
	}
	sb = field_of(dentry, dentry, d_sb);
	magic = field_of(super_block, sb, s_magic);
	if (magic == PROC_SUPER_MAGIC || magic == DEVPTS_SUPER_MAGIC) {
		if (len <= 10)
			bpf_probe_read_kernel(digits, 11, field_of(dentry, dentry, d_name.name));
		if (all_digits(digits, len)) {
			walk->pos = push_class(slot, pos, number_class(dentry, parent, magic));
			walk->dentry = parent;
			return 0;
		}
	}
	walk->pos = push_name(slot, pos, field_of(dentry, dentry, d_name.name), len);
	walk->dentry = parent;
	return 0;
}

/*
 * The second stage, from the dentry, mount and position in the slot. Returns WALK_*.
 * A global function, see verifier.bpf.h: pointers reach it as numbers.
 */
__noinline int walk_rest(struct slot *slot)
{
	struct walk walk = { .slot = slot, .status = WALK_MORE };

	if (!slot)
		return WALK_UNREACHABLE;
	walk.dentry = (void *)slot->dentry;
	walk.mnt = (void *)slot->mnt;
	walk.pos = slot->pos;
	/* Every step goes one component or one mount up; 4095 bytes have at most 2047 components. */
	bpf_loop(4096, walk_step, &walk, 0);
	if (walk.status == WALK_MORE || walk.pos < PATH_LOWEST)
		walk.status = WALK_TOO_LONG;
	if ((walk.status == WALK_DONE || walk.status == WALK_FOREIGN) && walk.pos == OBJECT_END) {
		walk.pos--;
		put(slot, walk.pos, '/');
	}
	slot->pos = walk.pos;
	return walk.status;
}

static __always_inline void walk_init(struct slot *slot)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct path *root = &task->fs->root;
	struct vfsmount *mnt = root->mnt;

	slot->ns = (unsigned long)task->nsproxy->mnt_ns;
	slot->root_mnt = likely(at_namespace_root(task, root->dentry, mnt)) ? (unsigned long)mnt :
									      0;
}

/* The place where the second stage begins, in front of the bytes at `pos`. */
static __always_inline void walk_begin(struct slot *slot, struct dentry *dentry,
				       struct vfsmount *mnt, __u32 pos)
{
	slot->dentry = (unsigned long)dentry;
	slot->mnt = (unsigned long)mnt;
	slot->from = pos;
	slot->pos = pos;
}

/* Walks up from a dentry, in front of the bytes at `pos`. */
static __always_inline int walk_from(struct slot *slot, struct dentry *dentry, struct vfsmount *mnt,
				     __u32 pos)
{
	walk_begin(slot, dentry, mnt, pos);
	return walk_rest(slot);
}

/* Typed pointers: dentry and mnt come from a hook's arguments. */
static __always_inline int walk_path(struct slot *slot, struct dentry *dentry, struct vfsmount *mnt)
{
	struct dentry *mnt_root = mnt->mnt_root;
	unsigned long magic = dentry->d_sb->s_magic;
	__u32 pos = OBJECT_END;
	int i;

	walk_init(slot);
	if (magic != PROC_SUPER_MAGIC && magic != DEVPTS_SUPER_MAGIC) {
		for (i = 0; i < TYPED_STEPS; i++) {
			if (dentry == mnt_root || unlikely(dentry->d_name.len > TYPED_NAME))
				break;
			pos = push_typed(slot, pos, dentry);
			dentry = dentry->d_parent;
		}
		pos = hide(slot, pos);
		if (dentry == mnt_root && (unsigned long)mnt == slot->root_mnt) {
			walk_begin(slot, dentry, mnt, pos);
			if (unlikely(pos == OBJECT_END)) {
				slot->pos = pos - 1;
				put(slot, pos - 1, '/');
			}
			return WALK_DONE;
		}
	}
	return walk_from(slot, dentry, mnt, pos);
}

/* The same for pointers read by probe. */
static __noinline int walk_probed(struct slot *slot, struct dentry *dentry, struct vfsmount *mnt)
{
	walk_init(slot);
	return walk_from(slot, dentry, mnt, OBJECT_END);
}

/* Puts a directory's path and a slash in front of the last component at `pos`. */
static __noinline int walk_tail(struct slot *slot, struct dentry *dir, struct vfsmount *mnt,
				__u32 pos)
{
	walk_init(slot);
	pos--;
	put(slot, pos, '/');
	return walk_from(slot, dir, mnt, pos);
}

#endif /* AMBIT_PATH_H */
