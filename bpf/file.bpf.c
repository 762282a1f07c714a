/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Files: open, create, unlink, rename, link, symlink, mkdir, rmdir, mknod,
 * truncate, chmod, chown, ioctl.
 *
 *   file_open      every open, with the access it was opened for
 *   path_mknod     creation by open(O_CREAT), mknod and bind of a unix socket
 *   path_*         the rest; rename and link are two points, one an end
 *   path_truncate  truncate(2), and on 6.1 ftruncate and O_TRUNC
 *   file_truncate  ftruncate and O_TRUNC from 6.2 on, commit 3350607dc563
 *                  ("security: Create file_truncate hook from path_truncate hook")
 *   file_ioctl     and file_ioctl_compat for 32-bit callers
 *
 * Fail mode: decide.bpf.h.
 */

static __always_inline bool learning(struct ambit_label *label)
{
	struct ambit_domain *domain = domain_of(label);

	return domain && domain->mode == AMBIT_MODE_LEARN;
}

/*
 * An open that creates a file where there is none, and empties it where there is
 * one, is one behaviour in two states of the file system: seen in one of them, it
 * teaches what it does in the other, too. Only where it happens is it decided.
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
 * By arithmetic, since the verifier would look at all that follows once for each
 * branch taken. AMBIT_OPEN_READ and _WRITE are FMODE_READ and _WRITE.
 */
static __always_inline __u32 open_mask(__u32 mode, __u32 flags)
{
	__u32 append = flags / O_APPEND & 1;

	if (unlikely(flags & FMODE_EXEC))
		return AMBIT_OPEN_EXEC;
	return (mode & FMODE_READ) | (mode & FMODE_WRITE) << append;
}

/* Whether an open by a task that all trust is one of those that were found known before. */
static __always_inline bool open_known(struct ambit_label *label, struct task_struct *task,
				       struct file *file, __u32 arg)
{
	struct ambit_stat *stat;

	if (unlikely(label->trust || label->taps_seen != clock_now()) ||
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

SEC("lsm/file_open")
int BPF_PROG(file_file_open, struct file *file, int ret)
{
	const __u32 hook = AMBIT_HOOK_FILE_OPEN;
	struct task_struct *task = bpf_get_current_task_btf();
	struct scope scope = {};
	__u32 mode, flags, arg;
	bool both;

	if (ret)
		return ret;
	scope.label = label_of(task);
	if (likely(!scope.label))
		return 0;
	mode = file->f_mode;
	flags = file->f_flags;
	arg = open_mask(mode, flags);
	both = unlikely(flags & (O_CREAT | O_TRUNC));
	/*
	 * FMODE_NOACCOUNT: a file that a file system opens beneath the user's, which
	 * was decided already (overlayfs' layers; 6.1 shows it under the user's path).
	 */
	if (likely(!(mode & FMODE_NOACCOUNT)) && !(both && learning(scope.label)) &&
	    open_known(scope.label, task, file, arg))
		return 0;
	if (!enter_labelled(&scope, hook))
		return scope.verdict ? -EPERM : 0;
	if (mode & FMODE_NOACCOUNT || !object_file(scope.slot, file)) {
		skip(scope.label, hook, AMBIT_SKIP_KERNEL);
		return leave(&scope);
	}
	decide_op(&scope, hook, AMBIT_OP_FILE_OPEN, arg);
	if (scope.slot->known && !unlinked(file->f_path.dentry))
		shortcut_add(scope.slot, scope.label, &file->f_path,
			     AMBIT_OP_FILE_OPEN << 16 | arg);
	if (both && (file->f_inode->i_mode & S_IFMT) == S_IFREG)
		teach_both(&scope, flags);
	return leave(&scope);
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

/* One point about a name in a directory. */
static __always_inline int name_point(__u32 hook, struct vfsmount *mnt, struct dentry *dentry,
				      __u32 op, __u32 arg, __u32 mode)
{
	struct scope scope;

	if (!enter(&scope, hook))
		return scope.verdict ? -EPERM : 0;
	scope.slot->extra = mode;
	object_dentry(scope.slot, dentry, mnt);
	decide_op(&scope, hook, op, arg);
	return leave(&scope);
}

SEC("lsm/path_mknod")
int BPF_PROG(file_path_mknod, const struct path *dir, struct dentry *dentry, unsigned short mode,
	     unsigned int dev, int ret)
{
	__u32 op = AMBIT_OP_FILE_MKNOD, arg = 0;

	if (ret)
		return ret;
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
	return name_point(AMBIT_HOOK_PATH_MKNOD, dir->mnt, dentry, op, arg, mode);
}

SEC("lsm/path_unlink")
int BPF_PROG(file_path_unlink, const struct path *dir, struct dentry *dentry, int ret)
{
	if (ret)
		return ret;
	return name_point(AMBIT_HOOK_PATH_UNLINK, dir->mnt, dentry, AMBIT_OP_FILE_UNLINK, 0, 0);
}

SEC("lsm/path_symlink")
int BPF_PROG(file_path_symlink, const struct path *dir, struct dentry *dentry, const char *old_name,
	     int ret)
{
	if (ret)
		return ret;
	return name_point(AMBIT_HOOK_PATH_SYMLINK, dir->mnt, dentry, AMBIT_OP_FILE_SYMLINK, 0, 0);
}

SEC("lsm/path_mkdir")
int BPF_PROG(file_path_mkdir, const struct path *dir, struct dentry *dentry, unsigned short mode,
	     int ret)
{
	if (ret)
		return ret;
	return name_point(AMBIT_HOOK_PATH_MKDIR, dir->mnt, dentry, AMBIT_OP_FILE_MKDIR, 0, mode);
}

SEC("lsm/path_rmdir")
int BPF_PROG(file_path_rmdir, const struct path *dir, struct dentry *dentry, int ret)
{
	if (ret)
		return ret;
	return name_point(AMBIT_HOOK_PATH_RMDIR, dir->mnt, dentry, AMBIT_OP_FILE_RMDIR, 0, 0);
}

/* One point about what a path leads to; by a descriptor that may be a file without a name. */
static __always_inline int path_point(__u32 hook, const struct path *path, __u32 op, __u32 arg,
				      __u32 mode)
{
	struct scope scope;

	if (!enter(&scope, hook))
		return scope.verdict ? -EPERM : 0;
	scope.slot->extra = mode;
	if (object_at(scope.slot, path->dentry, path->mnt))
		decide_op(&scope, hook, op, arg);
	else
		skip(scope.label, hook, AMBIT_SKIP_KERNEL);
	return leave(&scope);
}

SEC("lsm/path_truncate")
int BPF_PROG(file_path_truncate, const struct path *path, int ret)
{
	if (ret)
		return ret;
	return path_point(AMBIT_HOOK_PATH_TRUNCATE, path, AMBIT_OP_FILE_TRUNCATE, 0, 0);
}

SEC("lsm/path_chmod")
int BPF_PROG(file_path_chmod, const struct path *path, unsigned short mode, int ret)
{
	if (ret)
		return ret;
	return path_point(AMBIT_HOOK_PATH_CHMOD, path, AMBIT_OP_FILE_CHMOD, setid_of(mode), mode);
}

SEC("lsm/path_chown")
int BPF_PROG(file_path_chown, const struct path *path, int ret)
{
	/* The hook's uid and gid are not read, so they are not declared; ret is past them. */
	if (ctx[3])
		return -EPERM;
	return path_point(AMBIT_HOOK_PATH_CHOWN, path, AMBIT_OP_FILE_CHOWN, 0, 0);
}

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

/* Both ends share a mount. In an exchange each is both. */
SEC("lsm/path_rename")
int BPF_PROG(file_path_rename, const struct path *old_dir, struct dentry *old_dentry,
	     const struct path *new_dir, struct dentry *new_dentry, unsigned int flags, int ret)
{
	const __u32 hook = AMBIT_HOOK_PATH_RENAME, op = AMBIT_OP_FILE_RENAME;
	struct vfsmount *mnt = new_dir->mnt;
	struct scope scope;

	if (ret)
		return ret;
	if (!enter(&scope, hook))
		return scope.verdict ? -EPERM : 0;
	decide_end(&scope, hook, op, mnt, old_dentry, AMBIT_END_FROM);
	decide_end(&scope, hook, op, mnt, new_dentry, AMBIT_END_TO);
	if (flags & RENAME_EXCHANGE) {
		decide_end(&scope, hook, op, mnt, new_dentry, AMBIT_END_FROM);
		decide_end(&scope, hook, op, mnt, old_dentry, AMBIT_END_TO);
	}
	return leave(&scope);
}

SEC("lsm/path_link")
int BPF_PROG(file_path_link, struct dentry *old_dentry, const struct path *new_dir,
	     struct dentry *new_dentry, int ret)
{
	const __u32 hook = AMBIT_HOOK_PATH_LINK, op = AMBIT_OP_FILE_LINK;
	struct scope scope;

	if (ret)
		return ret;
	if (!enter(&scope, hook))
		return scope.verdict ? -EPERM : 0;
	decide_end(&scope, hook, op, new_dir->mnt, old_dentry, AMBIT_END_FROM);
	decide_end(&scope, hook, op, new_dir->mnt, new_dentry, AMBIT_END_TO);
	return leave(&scope);
}

SEC("lsm/file_truncate")
int BPF_PROG(file_file_truncate, struct file *file, int ret)
{
	if (ret)
		return ret;
	return path_point(AMBIT_HOOK_FILE_TRUNCATE, &file->f_path, AMBIT_OP_FILE_TRUNCATE, 0, 0);
}

/* Requests that answer a question or set the descriptor's own flags. */
static __always_inline bool benign_ioctl(__u32 cmd)
{
	switch (cmd) {
	case 0x5401: /* TCGETS */
	case 0x5413: /* TIOCGWINSZ */
	case 0x541b: /* FIONREAD */
	case 0x5421: /* FIONBIO */
	case 0x5450: /* FIONCLEX */
	case 0x5451: /* FIOCLEX */
	case 0x5452: /* FIOASYNC */
		return true;
	}
	return false;
}

static __always_inline int ioctl_point(__u32 hook, struct file *file, __u32 cmd)
{
	struct ambit_label *label;
	struct scope scope;

	if (benign_ioctl(cmd)) {
		label = label_of(bpf_get_current_task_btf());
		if (label)
			skip(label, hook, AMBIT_SKIP_BENIGN);
		return 0;
	}
	if (!enter(&scope, hook))
		return scope.verdict ? -EPERM : 0;
	if (object_descriptor(scope.slot, file))
		decide_op(&scope, hook, AMBIT_OP_FILE_IOCTL, cmd);
	else
		skip(scope.label, hook, AMBIT_SKIP_KERNEL);
	return leave(&scope);
}

SEC("lsm/file_ioctl")
int BPF_PROG(file_file_ioctl, struct file *file, unsigned int cmd, unsigned long arg, int ret)
{
	if (ret)
		return ret;
	return ioctl_point(AMBIT_HOOK_FILE_IOCTL, file, cmd);
}

SEC("lsm/file_ioctl_compat")
int BPF_PROG(file_ioctl_compat, struct file *file, unsigned int cmd, unsigned long arg, int ret)
{
	if (ret)
		return ret;
	return ioctl_point(AMBIT_HOOK_FILE_IOCTL_COMPAT, file, cmd);
}
