/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Builds the canonical objects of paths and files in a slot. */
#ifndef AMBIT_OBJECT_H
#define AMBIT_OBJECT_H

/* The object of an operation that has none: a kind byte without a payload. */
static __always_inline void object_none(struct slot *slot)
{
	slot->pos = OBJECT_END - 1;
	put(slot, slot->pos, AMBIT_KIND_NONE);
}

static __always_inline void object_unrepresentable(struct slot *slot, __u32 reason)
{
	slot->status = reason + 1;
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
	} else if (status == WALK_FOREIGN) {
		kind = AMBIT_KIND_FOREIGN;
	} else if (status != WALK_DONE) {
		object_unrepresentable(slot, AMBIT_REASON_UNREACHABLE);
	}
	push_kind(slot, kind);
}

/*
 * True if the file was created with O_TMPFILE: its name is "#" and its inode number,
 * which is no property of a behaviour.
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

/* The object of a name in a directory; the file may not exist yet. */
static __always_inline void object_dentry(struct slot *slot, struct dentry *dentry,
					  struct vfsmount *mnt)
{
	walk_outcome(slot, walk_path(slot, dentry, mnt), AMBIT_KIND_PATH);
}

static __always_inline bool unlinked(struct dentry *dentry)
{
	return !dentry->d_hash.pprev && dentry != dentry->d_parent;
}

/* The object of a file that gets a new name, and that may have none so far. */
static __always_inline void object_linked(struct slot *slot, struct dentry *dentry,
					  struct vfsmount *mnt)
{
	if (unlikely(hide(slot, unlinked(dentry)) && nameless(dentry)))
		walk_outcome(slot, walk_nameless(slot, dentry, mnt), AMBIT_KIND_PATH);
	else
		object_dentry(slot, dentry, mnt);
}

/*
 * The object of a POSIX message queue, wherever its file system is mounted: mq_open and
 * mq_unlink use a mount of the ipc namespace, which no task sees.
 */
static __noinline int object_mqueue(struct slot *slot, struct dentry *dentry)
{
	const unsigned char *name = BPF_CORE_READ(dentry, d_name.name);
	__u32 len = BPF_CORE_READ(dentry, d_name.len), pos = OBJECT_END;

	slot->status = 0;
	if (len > TYPED_NAME) {
		object_unrepresentable(slot, AMBIT_REASON_TOO_LONG);
		len = 0;
	}
	pos -= len & TYPED_NAME;
	bpf_probe_read_kernel(&slot->bytes[pos & OFFSET_MASK], len & TYPED_NAME, name);
	pos -= 7;
	put(slot, pos, 'm');
	put(slot, pos + 1, 'q');
	put(slot, pos + 2, 'u');
	put(slot, pos + 3, 'e');
	put(slot, pos + 4, 'u');
	put(slot, pos + 5, 'e');
	put(slot, pos + 6, '/');
	slot->pos = pos;
	push_kind(slot, AMBIT_KIND_FSTYPE);
	return 1;
}

/* The object of a file without a path: the type of its file system. */
static __noinline int object_fstype(struct slot *slot, struct super_block *sb)
{
	long n;

	/* Read into the record, then moved to the end of the object. */
	n = bpf_probe_read_kernel_str(slot->record.as, sizeof(slot->record.as),
				      BPF_CORE_READ(sb, s_type, name));
	if (n < 1 || n >= sizeof(slot->record.as)) {
		object_unrepresentable(slot, AMBIT_REASON_TOO_LONG);
		n = 1;
	}
	n -= 1;
	slot->pos = OBJECT_END - n;
	bpf_probe_read_kernel(&slot->bytes[slot->pos & OFFSET_MASK], n & 0x3f, slot->record.as);
	push_kind(slot, AMBIT_KIND_FSTYPE);
	return 1;
}

/*
 * The object of a file on a mount without a namespace: memory of memfd_create, pipes,
 * sockets and other pseudo files. False for private mounts, by which overlayfs opens
 * its layers: no action of a user.
 */
static __noinline int object_internal(struct slot *slot, struct dentry *dentry)
{
	struct super_block *sb = BPF_CORE_READ(dentry, d_sb);
	unsigned long magic = BPF_CORE_READ(sb, s_magic);
	bool nouser = BPF_CORE_READ(sb, s_flags) & SB_NOUSER;
	const unsigned char *name = BPF_CORE_READ(dentry, d_name.name);
	__u32 len = BPF_CORE_READ(dentry, d_name.len);
	__u64 head = 0;

	slot->status = 0;
	slot->pos = OBJECT_END;
	if (magic == PID_FS_MAGIC)
		return 0;
	if (magic == MQUEUE_MAGIC)
		return object_mqueue(slot, dentry);
	if (!nouser && magic != HUGETLBFS_MAGIC)
		return 0;
	bpf_probe_read_kernel(&head, 6, name);
	if (len >= 6 && head == 0x3a64666d656dULL /* "memfd:" */) {
		len -= 6;
		if (len > TYPED_NAME) {
			object_unrepresentable(slot, AMBIT_REASON_TOO_LONG);
			len = 0;
		}
		slot->pos = OBJECT_END - len;
		bpf_probe_read_kernel(&slot->bytes[slot->pos & OFFSET_MASK], len & TYPED_NAME,
				      name + 6);
		push_kind(slot, AMBIT_KIND_MEMFD);
		return 1;
	}
	return object_fstype(slot, sb);
}

/* The object of an existing file, linked or not. False for a file that the kernel opened itself. */
static __always_inline bool object_at(struct slot *slot, struct dentry *dentry,
				      struct vfsmount *mnt)
{
	__u32 gone = hide(slot, unlinked(dentry));
	__u8 kind = AMBIT_KIND_PATH;
	int status;

	status = walk_path(slot, dentry, mnt);
	if (unlikely(status == WALK_INTERNAL ||
		     (status == WALK_UNREACHABLE && dentry->d_sb->s_magic == MQUEUE_MAGIC)))
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
 * The same for a hook that only a task's own action reaches. Such a file has an object,
 * or the operation cannot be represented: it is never skipped.
 */
static __always_inline void object_user_file(struct slot *slot, struct file *file)
{
	if (!object_file(slot, file))
		object_unrepresentable(slot, AMBIT_REASON_UNREACHABLE);
}

/* The object of a file whose path was read by probe. */
static __noinline int object_probed(struct slot *slot, struct dentry *dentry, struct vfsmount *mnt)
{
	int status = walk_probed(slot, dentry, mnt);
	__u8 kind = AMBIT_KIND_PATH;

	if (status == WALK_INTERNAL) {
		if (!object_internal(slot, dentry))
			object_unrepresentable(slot, AMBIT_REASON_UNREACHABLE);
		return 0;
	}
	if (!BPF_CORE_READ(dentry, d_hash.pprev) && BPF_CORE_READ(dentry, d_parent) != dentry)
		kind = AMBIT_KIND_DELETED;
	walk_outcome(slot, status, kind);
	return 0;
}

/*
 * The path that the user opened, if the file is one that a file system opened beneath
 * it (overlayfs from 6.6 on, where a mapping has the file beneath); else NULL.
 */
static __always_inline struct path *user_path(struct file *file)
{
	__u64 offset;

	if (!bpf_core_field_exists(struct backing_file, user_path) ||
	    !(file->f_mode & FMODE_BACKING))
		return NULL;
	/* `file` is the first member. */
	offset = bpf_core_field_offset(struct backing_file, user_path);
	barrier_var(offset);
	return (void *)file + offset;
}

/*
 * Returns AMBIT_OPEN_* of an open file, by arithmetic: the verifier would follow each
 * branch to the end of the program. AMBIT_OPEN_READ and _WRITE equal FMODE_READ and _WRITE.
 */
static __always_inline __u32 access_of(__u32 mode, __u32 flags)
{
	__u32 append = flags / O_APPEND & 1;

	return (mode & FMODE_READ) | (mode & FMODE_WRITE) << append;
}

/* True for terminals, among other devices. */
static __always_inline bool is_character(struct file *file)
{
	return (file->f_inode->i_mode & S_IFMT) == S_IFCHR;
}

/*
 * The object of a file behind a descriptor. If the file is outside the task's root,
 * like a container's terminal, the object is the type of its file system.
 */
static __always_inline void object_descriptor(struct slot *slot, struct file *file)
{
	object_user_file(slot, file);
	if (unlikely(slot->status == AMBIT_REASON_UNREACHABLE + 1)) {
		slot->status = 0;
		object_fstype(slot, file->f_inode->i_sb);
	}
}

#endif /* AMBIT_OBJECT_H */
