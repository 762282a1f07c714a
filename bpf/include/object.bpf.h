/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Canonical objects of paths and files, put into a slot. */
#ifndef AMBIT_OBJECT_H
#define AMBIT_OBJECT_H

/*
 * An argument that is one of several constants, kept where the verifier does not
 * follow it: or it looks at all that comes after once for each of them.
 */
static __always_inline void stash(struct slot *slot, __u32 arg)
{
	*(volatile __u32 *)&slot->arg = arg;
}

static __always_inline __u32 stashed(struct slot *slot)
{
	return *(volatile __u32 *)&slot->arg;
}

static __always_inline void push_kind(struct slot *slot, __u8 kind)
{
	slot->pos--;
	put(slot, slot->pos, kind);
}

static __always_inline void walk_outcome(struct slot *slot, int status, __u8 kind)
{
	if (status == WALK_TOO_LONG) {
		slot->pos = PATH_LOWEST;
		object_unrepresentable(slot, AMBIT_REASON_TOO_LONG);
	} else if (status != WALK_DONE) {
		object_unrepresentable(slot, AMBIT_REASON_UNREACHABLE);
	}
	push_kind(slot, kind);
}

/*
 * The name of a file made with O_TMPFILE is "#" and its inode number, which is
 * not behaviour. Returns the walk's status.
 */
static __always_inline bool nameless(struct dentry *dentry)
{
	__u16 head = 0;

	bpf_probe_read_kernel(&head, 2, dentry->d_name.name);
	return (head & 0xff) == '#' && (head >> 8) >= '0' && (head >> 8) <= '9';
}

static __always_inline int walk_nameless(struct slot *slot, struct dentry *dentry,
					 struct vfsmount *mnt)
{
	put(slot, OBJECT_END - 1, AMBIT_CLASS_TMPFILE);
	put(slot, OBJECT_END - 2, 0);
	return walk_tail(slot, dentry->d_parent, mnt, OBJECT_END - 2);
}

/* A name in a directory, whether or not it exists yet. */
static __always_inline void object_dentry(struct slot *slot, struct dentry *dentry,
					  struct vfsmount *mnt)
{
	walk_outcome(slot, walk_path(slot, dentry, mnt), AMBIT_KIND_PATH);
}

static __always_inline bool unlinked(struct dentry *dentry)
{
	return !dentry->d_hash.pprev && dentry != dentry->d_parent;
}

/* A file that is given a name: its old one, or none so far. */
static __always_inline void object_linked(struct slot *slot, struct dentry *dentry,
					  struct vfsmount *mnt)
{
	if (unlikely(unlinked(dentry) && nameless(dentry)))
		walk_outcome(slot, walk_nameless(slot, dentry, mnt), AMBIT_KIND_PATH);
	else
		object_dentry(slot, dentry, mnt);
}

/* The type of a file system, for what has no path in it. */
static __noinline int object_fstype(struct slot *slot, struct super_block *sb)
{
	long n;

	/* Moved to where objects end; the record has room for it. */
	n = bpf_probe_read_kernel_str(slot->record.as, sizeof(slot->record.as),
				      BPF_CORE_READ(sb, s_type, name));
	if (n < 1 || n > sizeof(slot->record.as))
		n = 1;
	n -= 1;
	slot->pos = OBJECT_END - n;
	bpf_probe_read_kernel(&slot->bytes[slot->pos & OFFSET_MASK], n & 0x3f, slot->record.as);
	push_kind(slot, AMBIT_KIND_FSTYPE);
	return 1;
}

/*
 * A file on a mount of no namespace: memory of memfd_create, pipes, sockets,
 * other pseudo files; or the private mounts that overlayfs opens its layers by.
 * Returns false for those last: not a user's action.
 */
static __noinline int object_internal(struct slot *slot, struct dentry *dentry)
{
	struct super_block *sb = BPF_CORE_READ(dentry, d_sb);
	unsigned long magic = BPF_CORE_READ(sb, s_magic);
	bool nouser = BPF_CORE_READ(sb, s_flags) & SB_NOUSER;
	const unsigned char *name = BPF_CORE_READ(dentry, d_name.name);
	__u32 len = BPF_CORE_READ(dentry, d_name.len) & 0xff;
	__u64 head = 0;

	slot->status = 0;
	slot->pos = OBJECT_END;
	if (magic == PID_FS_MAGIC)
		return 0;
	if (!nouser && magic != HUGETLBFS_MAGIC)
		return 0;
	bpf_probe_read_kernel(&head, 6, name);
	if (len >= 6 && head == 0x3a64666d656dULL /* "memfd:" */) {
		slot->pos = OBJECT_END - (len - 6);
		bpf_probe_read_kernel(&slot->bytes[slot->pos & OFFSET_MASK], (len - 6) & 0xff,
				      name + 6);
		push_kind(slot, AMBIT_KIND_MEMFD);
		return 1;
	}
	return object_fstype(slot, sb);
}

/* What is there, named or not. Returns false where it is none of the user's. */
static __always_inline bool object_at(struct slot *slot, struct dentry *dentry,
				      struct vfsmount *mnt)
{
	bool gone = unlinked(dentry);
	__u8 kind = AMBIT_KIND_PATH;
	int status;

	status = walk_path(slot, dentry, mnt);
	if (unlikely(status == WALK_INTERNAL))
		return object_internal(slot, dentry);
	if (unlikely(gone)) {
		kind = AMBIT_KIND_DELETED;
		if (nameless(dentry)) {
			status = walk_nameless(slot, dentry, mnt);
			kind = AMBIT_KIND_PATH;
		}
	}
	walk_outcome(slot, status, kind);
	return true;
}

static __always_inline bool object_file(struct slot *slot, struct file *file)
{
	return object_at(slot, file->f_path.dentry, file->f_path.mnt);
}

/*
 * A file behind a descriptor that was handed in from outside the task's root,
 * as terminals and pipes of containers are: only the type of its file system is
 * known to whoever reads the map.
 */
static __always_inline bool object_descriptor(struct slot *slot, struct file *file)
{
	if (!object_file(slot, file))
		return false;
	if (unlikely(slot->status == AMBIT_REASON_UNREACHABLE + 1)) {
		slot->status = 0;
		object_fstype(slot, file->f_inode->i_sb);
	}
	return true;
}

#endif /* AMBIT_OBJECT_H */
