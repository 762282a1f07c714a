/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Files: open, create, unlink, rename, link, symlink, mkdir, rmdir, mknod,
 * truncate, chmod, chown, ioctl.
 *
 *   file_open      every open, with the access it was opened for; files without a name
 *                  (O_TMPFILE) that are set-user-id or set-group-id, as a creation
 *   path_mknod     creation by open(O_CREAT), mknod and bind of a unix socket
 *   inode_create   POSIX message queues (mq_open, mq_unlink), which no path hook sees
 *   inode_unlink
 *   path_*         the rest; rename and link are two points, one for each end
 *   path_truncate  truncate(2), and on 6.1 ftruncate and O_TRUNC
 *   file_truncate  ftruncate and O_TRUNC from 6.2 on, commit 3350607dc563
 *                  ("security: Create file_truncate hook from path_truncate hook")
 *   file_ioctl     and file_ioctl_compat for 32-bit callers
 *
 * Fail mode: decide.bpf.h; of rules, rules.bpf.h.
 */

/*
 * An open that creates a missing file, or truncates an existing one, is one behaviour
 * in two states of the file system. While learning, one of them teaches both. What is
 * decided is only what happens.
 */
static __always_inline void teach_both(struct scope *scope, __u32 flags)
{
	if (!learning(scope->label) || scope->slot->status)
		return;
	if (flags & O_CREAT)
		decide_op(scope, AMBIT_HOOK_FILE_OPEN, AMBIT_OP_FILE_CREATE, 0);
	if (flags & O_TRUNC)
		decide_op(scope, AMBIT_HOOK_FILE_OPEN, AMBIT_OP_FILE_TRUNCATE, 0);
}

/*
 * access_of() for a file that is being opened, perhaps to be executed, which is never for writing.
 * mq_open and ioctls of xfs take the flag of the kernel's own open for execution from their
 * caller (ipc/mqueue.c, do_mq_open; fs/xfs/xfs_handle.c, xfs_open_by_handle).
 */
static __always_inline __u32 open_mask(struct file *file)
{
	__u32 flags = file->f_flags;

	if (unlikely(flags & FMODE_EXEC) && !(file->f_mode & FMODE_WRITE) &&
	    file->f_inode->i_sb->s_magic != MQUEUE_MAGIC)
		return AMBIT_OPEN_EXEC;
	return access_of(file->f_mode, flags);
}

static __always_inline __u32 setid_of(__u32 mode)
{
	__u32 arg = 0;

	if (mode & S_ISUID)
		arg |= AMBIT_SETID_UID;
	if (mode & S_ISGID)
		arg |= AMBIT_SETID_GID;
	return arg;
}

/* True if the task is trusted and the shortcut has this open: it was decided by the map before. */
static __always_inline bool open_known(struct ambit_label *label, struct task_struct *task,
				       struct file *file, __u32 arg)
{
	struct ambit_stat *stat;

	if (unlikely(label->trust || label->taps_seen != clock_now()) || !domain_of(label) ||
	    unlinked(file->f_path.dentry) ||
	    !shortcut_knows(label, task, &file->f_path, AMBIT_OP_FILE_OPEN << 16 | arg))
		return false;
	stat = stat_of(label, AMBIT_HOOK_FILE_OPEN);
	if (!stat)
		return false;
	count(stat->evaluated);
	count(stat->matched);
	return true;
}

/*
 * file_open has two separate programs: the map has its shortcut, the rules have their
 * path cache, and both come before the path string is built.
 */
SEC("lsm/file_open")
int BPF_PROG(file_file_open, struct file *file, int ret)
{
	const __u32 hook = AMBIT_HOOK_FILE_OPEN;
	struct task_struct *task = bpf_get_current_task_btf();
	struct scope scope = { .engine = ENGINE_CORE };
	__u32 mode, flags, arg;
	bool both;

	if (ret)
		return ret;
	scope.label = label_of(task);
	if (likely(!scope.label))
		return 0;
	mode = file->f_mode;
	flags = file->f_flags;
	arg = open_mask(file);
	both = unlikely(flags & (O_CREAT | O_TRUNC));
	if (likely(!(mode & FMODE_NOACCOUNT)) && !(both && learning(scope.label)) &&
	    open_known(scope.label, task, file, arg))
		return 0;
	if (!enter_labelled(&scope, hook))
		return outside(&scope);
	/*
	 * overlayfs opens directories of its layers and files that it copies up without
	 * FMODE_NOACCOUNT, on its private mounts (fs/overlayfs/readdir.c, copy_up.c); a
	 * pidfd is opened by its own system call. No task can open a name on such a mount.
	 */
	if (mode & FMODE_NOACCOUNT || !object_file(scope.slot, file)) {
		skip_op(&scope, hook, AMBIT_SKIP_KERNEL);
		return leave(&scope);
	}
	if (is_standard(scope.label, file->f_inode, arg)) {
		skip_op(&scope, hook, AMBIT_SKIP_BENIGN);
		return leave(&scope);
	}
	decide_op(&scope, hook, AMBIT_OP_FILE_OPEN, arg);
	if (unlikely(flags & O_TMPFILE_BIT) && setid_of(file->f_inode->i_mode)) {
		scope.slot->extra = file->f_inode->i_mode;
		decide_op(&scope, hook, AMBIT_OP_FILE_CREATE, setid_of(file->f_inode->i_mode));
	}
	if (scope.slot->known && !unlinked(file->f_path.dentry))
		shortcut_add(scope.slot, scope.label, &file->f_path,
			     AMBIT_OP_FILE_OPEN << 16 | arg);
	if (both && (file->f_inode->i_mode & S_IFMT) == S_IFREG)
		teach_both(&scope, flags);
	return leave(&scope);
}

SEC("lsm/file_open")
int BPF_PROG(rules_file_open, struct file *file, int ret)
{
	const __u32 hook = AMBIT_HOOK_FILE_OPEN;
	struct scope scope;

	if (ret)
		return ret;
	if (kernel_open(file) && likely(!in_users_overlay()))
		return 0;
	if (!enter(&scope, ENGINE_RULES, hook))
		return outside(&scope);
	stash(scope.slot, open_mask(file));
	if (unlikely(kernel_open(file)))
		scope.verdict = evaluate_layer(scope.slot, hook << 16 | AMBIT_OP_FILE_OPEN, file);
	else
		scope.verdict = evaluate_file(scope.slot, hook, AMBIT_OP_FILE_OPEN, file);
	return leave(&scope);
}

/* One point about a name in a directory. */
static __always_inline int name_point(enum engine engine, __u32 hook, struct vfsmount *mnt,
				      struct dentry *dentry, __u32 op, __u32 arg, __u32 mode)
{
	struct scope scope;

	if (!enter(&scope, engine, hook))
		return outside(&scope);
	scope.slot->extra = mode;
	object_dentry(scope.slot, dentry, mnt);
	decide_op(&scope, hook, op, arg);
	return leave(&scope);
}

static __always_inline int mknod_point(enum engine engine, const struct path *dir,
				       struct dentry *dentry, unsigned short mode)
{
	__u32 op = AMBIT_OP_FILE_MKNOD, arg = 0;

	switch (mode & S_IFMT) {
	case 0:
	case S_IFREG:
		op = AMBIT_OP_FILE_CREATE;
		arg = setid_of(mode);
		break;
	case S_IFSOCK:
		op = AMBIT_OP_NET_BIND;
		break;
	case S_IFIFO:
		arg = AMBIT_NODE_FIFO;
		break;
	case S_IFCHR:
		arg = AMBIT_NODE_CHR;
		break;
	case S_IFBLK:
		arg = AMBIT_NODE_BLK;
		break;
	}
	return name_point(engine, AMBIT_HOOK_PATH_MKNOD, dir->mnt, dentry, op, arg, mode);
}

HOOK(path_mknod, ENGINE_CORE, file_path_mknod, rules_mknod,
     ret ?: mknod_point(engine, dir, dentry, mode), const struct path *dir, struct dentry *dentry,
     unsigned short mode, unsigned int dev, int ret)

HOOK(path_unlink, ENGINE_CORE, file_path_unlink, rules_unlink,
     ret ?: name_point(engine, AMBIT_HOOK_PATH_UNLINK, dir->mnt, dentry, AMBIT_OP_FILE_UNLINK, 0, 0),
     const struct path *dir, struct dentry *dentry, int ret)

HOOK(path_symlink, ENGINE_CORE, file_path_symlink, rules_symlink,
     ret   ?:
	     name_point(engine, AMBIT_HOOK_PATH_SYMLINK, dir->mnt, dentry, AMBIT_OP_FILE_SYMLINK, 0,
			0),
     const struct path *dir, struct dentry *dentry, const char *old_name, int ret)

HOOK(path_mkdir, ENGINE_CORE, file_path_mkdir, rules_mkdir,
     ret   ?:
	     name_point(engine, AMBIT_HOOK_PATH_MKDIR, dir->mnt, dentry, AMBIT_OP_FILE_MKDIR, 0,
			mode),
     const struct path *dir, struct dentry *dentry, unsigned short mode, int ret)

HOOK(path_rmdir, ENGINE_CORE, file_path_rmdir, rules_rmdir,
     ret ?: name_point(engine, AMBIT_HOOK_PATH_RMDIR, dir->mnt, dentry, AMBIT_OP_FILE_RMDIR, 0, 0),
     const struct path *dir, struct dentry *dentry, int ret)

/* One point about the file that a path leads to; through a descriptor it may have no name. */
static __always_inline int path_point(enum engine engine, __u32 hook, const struct path *path,
				      __u32 op, __u32 arg, __u32 mode)
{
	struct scope scope;

	if (!enter(&scope, engine, hook))
		return outside(&scope);
	scope.slot->extra = mode;
	if (!object_at(scope.slot, path->dentry, path->mnt))
		object_unrepresentable(scope.slot, AMBIT_REASON_UNREACHABLE);
	decide_op(&scope, hook, op, arg);
	return leave(&scope);
}

/* A standard descriptor that is open for writing, but not for appending, may destroy the content anyway. */
static __always_inline int truncate_point(enum engine engine, __u32 hook, const struct path *path)
{
	struct ambit_label *label;

	if (engine != ENGINE_RULES) {
		label = label_of(bpf_get_current_task_btf());
		if (likely(!label))
			return 0;
		if (is_standard(label, BPF_CORE_READ(path, dentry, d_inode), AMBIT_OPEN_WRITE))
			return benign(engine, hook);
	}
	return path_point(engine, hook, path, AMBIT_OP_FILE_TRUNCATE, 0, 0);
}

HOOK(path_truncate, ENGINE_CORE, file_path_truncate, rules_truncate,
     ret ?: truncate_point(engine, AMBIT_HOOK_PATH_TRUNCATE, path), const struct path *path,
     int ret)

HOOK(path_chmod, ENGINE_CORE, file_path_chmod, rules_chmod,
     ret   ?:
	     path_point(engine, AMBIT_HOOK_PATH_CHMOD, path, AMBIT_OP_FILE_CHMOD, setid_of(mode),
			mode),
     const struct path *path, unsigned short mode, int ret)

/* uid and gid are not read, so they are not declared; ctx[3] is the result so far. */
HOOK(path_chown, ENGINE_CORE, file_path_chown, rules_chown,
     ctx[3] ? -EPERM : path_point(engine, AMBIT_HOOK_PATH_CHOWN, path, AMBIT_OP_FILE_CHOWN, 0, 0),
     const struct path *path)

static __always_inline void decide_end(struct scope *scope, __u32 hook, __u32 op,
				       struct vfsmount *mnt, struct dentry *dentry, __u32 end)
{
	if (scope->verdict)
		return;
	scope->slot->status = 0;
	object_linked(scope->slot, dentry, mnt);
	decide_op(scope, hook, op, end);
}

#define RENAME_EXCHANGE 2
#define RENAME_WHITEOUT 4

/*
 * Both ends are on the same mount. In an exchange each of them is source and target. A
 * whiteout is a character device that stays under the old name.
 */
static __always_inline int rename_point(enum engine engine, struct vfsmount *mnt,
					struct dentry *old_dentry, struct dentry *new_dentry,
					unsigned int flags)
{
	const __u32 hook = AMBIT_HOOK_PATH_RENAME, op = AMBIT_OP_FILE_RENAME;
	struct scope scope;

	if (!enter(&scope, engine, hook))
		return outside(&scope);
	decide_end(&scope, hook, op, mnt, old_dentry, AMBIT_END_FROM);
	decide_end(&scope, hook, op, mnt, new_dentry, AMBIT_END_TO);
	if (flags & RENAME_EXCHANGE) {
		decide_end(&scope, hook, op, mnt, new_dentry, AMBIT_END_FROM);
		decide_end(&scope, hook, op, mnt, old_dentry, AMBIT_END_TO);
	}
	if (unlikely(flags & RENAME_WHITEOUT)) {
		scope.slot->extra = S_IFCHR;
		decide_end(&scope, hook, AMBIT_OP_FILE_MKNOD, mnt, old_dentry, AMBIT_NODE_CHR);
	}
	return leave(&scope);
}

HOOK(path_rename, ENGINE_CORE, file_path_rename, rules_rename,
     ret ?: rename_point(engine, new_dir->mnt, old_dentry, new_dentry, flags),
     const struct path *old_dir, struct dentry *old_dentry, const struct path *new_dir,
     struct dentry *new_dentry, unsigned int flags, int ret)

/* For rules, the first name of a file without one is its creation: the map decides its link. */
static __always_inline int link_point(enum engine engine, struct vfsmount *mnt,
				      struct dentry *old_dentry, struct dentry *new_dentry)
{
	const __u32 hook = AMBIT_HOOK_PATH_LINK, op = AMBIT_OP_FILE_LINK;
	struct scope scope;

	if (!enter(&scope, engine, hook))
		return outside(&scope);
	decide_end(&scope, hook, op, mnt, old_dentry, AMBIT_END_FROM);
	decide_end(&scope, hook, op, mnt, new_dentry, AMBIT_END_TO);
	if (engine == ENGINE_RULES && unlinked(old_dentry) && nameless(old_dentry)) {
		__u32 mode = BPF_CORE_READ(old_dentry, d_inode, i_mode);

		scope.slot->extra = mode;
		decide_end(&scope, hook, AMBIT_OP_FILE_CREATE, mnt, new_dentry, setid_of(mode));
	}
	return leave(&scope);
}

HOOK(path_link, ENGINE_CORE, file_path_link, rules_link,
     ret ?: link_point(engine, new_dir->mnt, old_dentry, new_dentry), struct dentry *old_dentry,
     const struct path *new_dir, struct dentry *new_dentry, int ret)

HOOK(file_truncate, ENGINE_CORE, file_file_truncate, rules_ftruncate,
     ret ?: truncate_point(engine, AMBIT_HOOK_FILE_TRUNCATE, &file->f_path), struct file *file,
     int ret)

/*
 * Requests that only ask, about a terminal or the bytes that wait, or set flags of the
 * descriptor itself. Programs ask them of a descriptor that may be a terminal, such as a
 * standard one (include/uapi/asm-generic/ioctls.h).
 */
static __always_inline bool benign_ioctl(struct file *file, __u32 cmd)
{
	switch (cmd) {
	case 0x5401:	 /* TCGETS */
	case 0x5405:	 /* TCGETA */
	case 0x540f:	 /* TIOCGPGRP */
	case 0x5411:	 /* TIOCOUTQ */
	case 0x5413:	 /* TIOCGWINSZ */
	case 0x541b:	 /* FIONREAD */
	case 0x5421:	 /* FIONBIO */
	case 0x5424:	 /* TIOCGETD */
	case 0x5429:	 /* TIOCGSID */
	case 0x5450:	 /* FIONCLEX */
	case 0x5451:	 /* FIOCLEX */
	case 0x5460:	 /* FIOQSIZE */
	case 0x802c542a: /* TCGETS2 */
	case 0x80045430: /* TIOCGPTN */
	case 0x80045438: /* TIOCGPKT */
	case 0x80045439: /* TIOCGPTLCK */
	case 0x80045440: /* TIOCGEXCL */
		return true;
	case 0x5452: /* FIOASYNC, as F_SETFL with O_ASYNC */
		return !is_character(file);
	}
	return false;
}

static __always_inline int ioctl_point(enum engine engine, __u32 hook, struct file *file, __u32 cmd)
{
	struct scope scope;

	if (benign_ioctl(file, cmd))
		return benign(engine, hook);
	if (!enter(&scope, engine, hook))
		return outside(&scope);
	if (engine == ENGINE_RULES)
		file_numbers(scope.slot, file->f_inode);
	object_descriptor(scope.slot, file);
	decide_op(&scope, hook, AMBIT_OP_FILE_IOCTL, cmd);
	return leave(&scope);
}

HOOK(file_ioctl, ENGINE_CORE, file_file_ioctl, rules_ioctl,
     ret ?: ioctl_point(engine, AMBIT_HOOK_FILE_IOCTL, file, cmd), struct file *file,
     unsigned int cmd, unsigned long arg, int ret)

HOOK(file_ioctl_compat, ENGINE_CORE, file_ioctl_compat, rules_compat,
     ret ?: ioctl_point(engine, AMBIT_HOOK_FILE_IOCTL_COMPAT, file, cmd), struct file *file,
     unsigned int cmd, unsigned long arg, int ret)

/* A POSIX message queue is created or removed; other files are decided at the path hooks. */
static __always_inline int mqueue_point(enum engine engine, __u32 hook, struct inode *dir,
					struct dentry *dentry, __u32 op, __u32 mode)
{
	struct scope scope;

	if (likely(dir->i_sb->s_magic != MQUEUE_MAGIC))
		return 0;
	if (!enter(&scope, engine, hook))
		return outside(&scope);
	scope.slot->extra = mode;
	object_mqueue(scope.slot, dentry);
	decide_op(&scope, hook, op, 0);
	return leave(&scope);
}

HOOK(inode_create, ENGINE_CORE, file_inode_create, rules_inode_create,
     ret ?: mqueue_point(engine, AMBIT_HOOK_INODE_CREATE, dir, dentry, AMBIT_OP_FILE_CREATE, mode),
     struct inode *dir, struct dentry *dentry, unsigned short mode, int ret)

HOOK(inode_unlink, ENGINE_CORE, file_inode_unlink, rules_inode_unlink,
     ret ?: mqueue_point(engine, AMBIT_HOOK_INODE_UNLINK, dir, dentry, AMBIT_OP_FILE_UNLINK, 0),
     struct inode *dir, struct dentry *dentry, int ret)
