/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The host's name of a file. In a mount namespace of its own, any user may mount a
 * directory over another and so choose the names of files. Rules are evaluated on the
 * path that the task sees, and then on the path by which the host has the same file:
 * the file's path within its file system, behind the place where the host's mount
 * namespace has that file system (docs/adr/0017). A file system that the host has not
 * mounted has no such path.
 *
 * The host's mount of a file system is found in the kernel's list of all its mounts
 * and kept in host_mounts. A kept mount may be gone, and its memory in use again: it
 * counts only if it still is a mount of that file system in the host's namespace.
 *
 * Fail mode: if the list changes while it is read, or has more than MOUNT_STEPS
 * mounts, the file has an unknown name: rules cannot be evaluated (rules.bpf.h).
 */
#ifndef AMBIT_HOST_PATH_H
#define AMBIT_HOST_PATH_H

#define HOST_NONE 0    /* the host has no path for the file */
#define HOST_SAME 1    /* the path that the task sees is the host's */
#define HOST_OTHER 2   /* the slot has the host's path, which is another one */
#define HOST_UNKNOWN 3 /* the mounts could not be read */

#define MOUNT_STEPS (1 << 16)
#define MOUNT_TRIES 3
/* Mounts of parts of a file system, such as subvolumes, that the host has. */
#define MOUNT_PARTS 4
#define PARENT_STEPS 2048

/* Mounts of one file system in a namespace; a whole one alone, or parts. */
struct own_mounts {
	__u64 mounts[MOUNT_PARTS];
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, __u64);   /* super block */
	__type(value, __u64); /* struct mount of the whole file system */
} host_mounts SEC(".maps");

static __always_inline struct mnt_namespace *namespace_of(__u64 mount)
{
	return BPF_CORE_READ((struct mount *)mount, mnt_ns);
}

static __always_inline __u32 number_of(struct mnt_namespace *ns)
{
	return BPF_CORE_READ(ns, ns.inum);
}

static __always_inline bool is_hosts(struct mnt_namespace *ns)
{
	return number_of(ns) == shared.host_ns;
}

/* True if the current task sees the host's mounts. */
static __always_inline bool in_host_namespace(void)
{
	return bpf_get_current_task_btf()->nsproxy->mnt_ns->ns.inum == shared.host_ns;
}

static __always_inline struct dentry *root_of(__u64 mount)
{
	return BPF_CORE_READ((struct mount *)mount, mnt.mnt_root);
}

static __always_inline bool is_host_mount(__u64 mount, __u64 sb)
{
	return mount && (__u64)BPF_CORE_READ((struct mount *)mount, mnt.mnt_sb) == sb &&
	       is_hosts(namespace_of(mount));
}

/* True if the mount has its whole file system. */
static __always_inline bool is_whole(__u64 mount, __u64 sb)
{
	return root_of(mount) == BPF_CORE_READ((struct super_block *)sb, s_root);
}

struct mounts_loop {
	struct own_mounts *found;
	__u64 sb;
	__u64 at;  /* struct mount */
	__u64 end; /* behind the last one */
	__u32 ns;  /* number of the wanted namespace */
	__u32 parts;
	__u32 status;
};

static __always_inline __u64 next_mount(__u64 mount)
{
	if (bpf_core_field_exists(struct mount___next, mnt_next_for_sb))
		return (__u64)BPF_CORE_READ((struct mount___next *)mount, mnt_next_for_sb);
	return (__u64)BPF_CORE_READ((struct mount___list *)mount, mnt_instance.next) -
	       bpf_core_field_offset(struct mount___list, mnt_instance);
}

static long mounts_step(__u32 i, struct mounts_loop *loop)
{
	__u64 mount = loop->at, sb = loop->sb;
	__u32 parts = loop->parts;

	if (mount == loop->end) {
		loop->status = parts ? HOST_OTHER : HOST_NONE;
		return 1;
	}
	/* Not in the list any more: it changed. */
	if ((__u64)BPF_CORE_READ((struct mount *)mount, mnt.mnt_sb) != sb)
		return 1;
	loop->at = next_mount(mount);
	if (number_of(namespace_of(mount)) != loop->ns)
		return 0;
	if (is_whole(mount, sb)) {
		__builtin_memset(loop->found, 0, sizeof(*loop->found));
		loop->found->mounts[0] = mount;
		loop->status = HOST_OTHER;
		return 1;
	}
	if (parts < MOUNT_PARTS) {
		loop->found->mounts[parts & (MOUNT_PARTS - 1)] = mount;
		loop->parts = parts + 1;
	}
	return 0;
}

/* Reads the list of a file system's mounts and keeps the mounts of one namespace. */
static __noinline int search_mounts(struct own_mounts *found, __u64 sb, __u32 ns)
{
	struct mounts_loop loop = { .found = found, .sb = sb, .ns = ns };
	__u32 i;

	for (i = 0; i < MOUNT_TRIES; i++) {
		__builtin_memset(found, 0, sizeof(*found));
		loop.parts = 0;
		loop.status = HOST_UNKNOWN;
		if (bpf_core_field_exists(struct mount___next, mnt_next_for_sb)) {
			loop.at = (__u64)BPF_CORE_READ((struct super_block___next *)sb, s_mounts);
			loop.end = 0;
		} else {
			__u64 head =
				sb + bpf_core_field_offset(struct super_block___list, s_mounts);
			__u64 offset = bpf_core_field_offset(struct mount___list, mnt_instance);

			loop.at = (__u64)BPF_CORE_READ((struct super_block___list *)sb,
						       s_mounts.next) -
				  offset;
			loop.end = head - offset;
		}
		bpf_loop(MOUNT_STEPS, mounts_step, &loop, 0);
		if (loop.status != HOST_UNKNOWN)
			break;
	}
	return loop.status;
}

struct parent_loop {
	const struct own_mounts *mounts;
	struct dentry *dentry;
	__u64 found;
};

static long parent_step(__u32 i, struct parent_loop *loop)
{
	struct dentry *dentry = loop->dentry, *parent;
	__u32 k;

	for (k = 0; k < MOUNT_PARTS; k++) {
		__u64 mount = loop->mounts->mounts[k];

		if (mount && root_of(mount) == dentry) {
			loop->found = mount;
			return 1;
		}
	}
	parent = BPF_CORE_READ(dentry, d_parent);
	loop->dentry = parent;
	return parent == dentry;
}

/*
 * Returns the mount of a namespace that has the dentry; 0 if none has it. The status is
 * HOST_UNKNOWN, or any other.
 */
static __always_inline __u64 mount_in(__u32 ns, struct dentry *dentry, __u64 sb, __u32 *status)
{
	struct own_mounts found = {};
	struct parent_loop loop = { .mounts = &found, .dentry = dentry };

	*status = search_mounts(&found, sb, ns);
	if (*status == HOST_OTHER)
		bpf_loop(PARENT_STEPS, parent_step, &loop, 0);
	return loop.found;
}

/* The same for the host's namespace. */
static __noinline __u64 host_mount(struct dentry *dentry, __u32 *status)
{
	__u64 sb = (__u64)BPF_CORE_READ(dentry, d_sb), *kept, mount;

	*status = HOST_NONE;
	kept = bpf_map_lookup_elem(&host_mounts, &sb);
	if (kept && is_host_mount(*kept, sb) && is_whole(*kept, sb))
		return *kept;
	mount = mount_in(shared.host_ns, dentry, sb, status);
	if (mount && is_whole(mount, sb))
		bpf_map_update_elem(&host_mounts, &sb, &mount, BPF_ANY);
	return mount;
}

/*
 * A file of a mount of another namespace, as of a service of systemd that has
 * ProtectSystem=, may be one that the task finds through a mount of its own. Returns that
 * mount; NULL if the namespace has no such mount.
 */
static __noinline struct vfsmount *own_mount(struct dentry *dentry)
{
	struct task_struct *task = bpf_get_current_task_btf();
	__u64 sb = (__u64)BPF_CORE_READ(dentry, d_sb), mount;
	__u32 status;

	mount = mount_in(task->nsproxy->mnt_ns->ns.inum, dentry, sb, &status);
	return mount ? (void *)mount + bpf_core_field_offset(struct mount, mnt) : NULL;
}

/*
 * True if the host may have another path for the file that the walk of the slot began with:
 * the task has mounts of its own, the file is on a part of a file system, or it was reached
 * through the root of a process with other mounts.
 */
__noinline int seen_elsewhere(struct slot *slot)
{
	struct vfsmount *mnt;
	struct super_block *sb;

	if (!slot || !slot->dentry)
		return false;
	mnt = (void *)slot->mnt;
	if (!in_host_namespace() || slot->status ||
	    slot->bytes[slot->pos & OFFSET_MASK] == AMBIT_KIND_FOREIGN)
		return true;
	sb = field_of(vfsmount, mnt, mnt_sb);
	return field_of(vfsmount, mnt, mnt_root) != field_of(super_block, sb, s_root);
}

/*
 * Replaces the path in the slot by the host's. Returns HOST_*. A global function, see
 * verifier.bpf.h.
 */
__noinline int host_path(struct slot *slot)
{
	struct dentry *dentry;
	struct ambit_fp seen;
	__u32 status = 0;
	__u8 kind = AMBIT_KIND_PATH;
	__u64 mount;
	bool was;

	if (!slot)
		return HOST_NONE;
	dentry = (void *)slot->dentry;
	was = !slot->status;
	if (was) {
		kind = slot->bytes[slot->pos & OFFSET_MASK];
		fingerprint(slot, slot->pos, OBJECT_END, 0, 0);
	}
	seen = slot->fp;
	mount = host_mount(dentry, &status);
	if (!mount)
		return status == HOST_UNKNOWN ? HOST_UNKNOWN : HOST_NONE;
	slot->status = 0;
	slot->ns = (unsigned long)namespace_of(mount);
	slot->root_mnt = 0;
	slot->mnt = mount + bpf_core_field_offset(struct mount, mnt);
	slot->pos = slot->from;
	status = walk_rest(slot);
	walk_outcome(slot, status, kind == AMBIT_KIND_DELETED ? kind : AMBIT_KIND_PATH);
	if (slot->status || !was)
		return HOST_OTHER;
	fingerprint(slot, slot->pos, OBJECT_END, 0, 0);
	return fp_is(&seen, &slot->fp) ? HOST_SAME : HOST_OTHER;
}

/*
 * FMODE_NOACCOUNT: a file that a file system opens beneath the user's file, which was
 * decided already (overlayfs' layers; 6.1 shows them under the user's path).
 */
static __always_inline bool kernel_open(struct file *file)
{
	return file->f_mode & FMODE_NOACCOUNT;
}

/*
 * True if a file beneath an overlay belongs to one that was mounted in a user namespace, as
 * any user can: overlayfs opens it with the credentials of the task that mounted it
 * (fs/overlayfs/util.c, ovl_override_creds).
 */
static __always_inline bool in_users_overlay(void)
{
	struct task_struct *task = bpf_get_current_task_btf();

	return BPF_CORE_READ(task, cred, user_ns, level);
}

/*
 * The object of a file beneath an overlay: it has no path but the host's. Until 6.6 the
 * open file has the user's path, and its name is found by the inode.
 */
static __always_inline void object_layer(struct slot *slot, struct file *file)
{
	struct dentry *dentry = file->f_path.dentry;

	if (!bpf_core_field_exists(struct backing_file, user_path))
		dentry = (void *)BPF_CORE_READ(file, f_inode, i_dentry.first) -
			 bpf_core_field_offset(struct dentry___alias, d_u.d_alias);
	walk_begin(slot, dentry, file->f_path.mnt, OBJECT_END);
	object_unrepresentable(slot, AMBIT_REASON_UNREACHABLE);
}

#endif /* AMBIT_HOST_PATH_H */
