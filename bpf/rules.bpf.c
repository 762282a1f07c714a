/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The programs that ask the rules, one for each hook that rules can name; only those
 * are loaded that a rule names. They gather objects as the programs of the map do,
 * and ask whatever task it is, labelled or not.
 *
 * Left out, as by those: what the kernel does beneath a user's action, its own
 * sockets and signals, and questions that grant nothing.
 *
 * Fail mode: rules.bpf.h.
 */

static __always_inline void object_relation_to(struct slot *slot, struct task_struct *other)
{
	object_relation(slot, label_of(bpf_get_current_task_btf()), other);
}

/* A hook whose object is put together in BODY, in the slot scope.slot. */
#define RULES(hook, op, arg, body)                                              \
	({                                                                      \
		struct rule_scope scope;                                        \
		if (enter_rules(&scope, AMBIT_HOOK_##hook)) {                   \
			body;                                                   \
			evaluate_rules(&scope, AMBIT_HOOK_##hook, (op), (arg)); \
		}                                                               \
		leave_rules(&scope);                                            \
	})

static __always_inline int rules_name(__u32 hook, struct vfsmount *mnt, struct dentry *dentry,
				      __u32 op, __u32 arg, __u32 mode)
{
	struct rule_scope scope;

	if (enter_rules(&scope, hook)) {
		scope.slot->extra = mode;
		object_dentry(scope.slot, dentry, mnt);
		evaluate_rules(&scope, hook, op, arg);
	}
	return leave_rules(&scope);
}

static __always_inline int rules_at(__u32 hook, struct dentry *dentry, struct vfsmount *mnt,
				    __u32 op, __u32 arg, __u32 mode)
{
	struct rule_scope scope;

	if (enter_rules(&scope, hook)) {
		scope.slot->extra = mode;
		if (object_at(scope.slot, dentry, mnt))
			evaluate_rules(&scope, hook, op, arg);
	}
	return leave_rules(&scope);
}

static __always_inline int rules_word(__u32 hook, __u32 op, __u32 arg, const void *word)
{
	struct rule_scope scope;

	if (enter_rules(&scope, hook)) {
		object_word(scope.slot, word);
		evaluate_rules(&scope, hook, op, arg);
	}
	return leave_rules(&scope);
}

static __always_inline int rules_plain(__u32 hook, __u32 op, __u32 arg)
{
	struct rule_scope scope;

	if (enter_rules(&scope, hook)) {
		object_none(scope.slot);
		evaluate_rules(&scope, hook, op, arg);
	}
	return leave_rules(&scope);
}

SEC("lsm/file_open")
int BPF_PROG(rules_file_open, struct file *file, int ret)
{
	struct rule_scope scope;

	if (ret)
		return ret;
	if (file->f_mode & FMODE_NOACCOUNT)
		return 0;
	if (enter_rules(&scope, AMBIT_HOOK_FILE_OPEN)) {
		stash(scope.slot, open_mask(file->f_mode, file->f_flags));
		evaluate_file(&scope, AMBIT_HOOK_FILE_OPEN, AMBIT_OP_FILE_OPEN, file);
	}
	return leave_rules(&scope);
}

SEC("lsm/bprm_check_security")
int BPF_PROG(rules_exec, struct linux_binprm *bprm, int ret)
{
	struct file *file = bprm->file;
	struct rule_scope scope;

	if (ret)
		return ret;
	if (enter_rules(&scope, AMBIT_HOOK_BPRM_CHECK_SECURITY)) {
		file_numbers(scope.slot, file->f_inode);
		if (!object_file(scope.slot, file))
			object_unrepresentable(scope.slot, AMBIT_REASON_UNREACHABLE);
		evaluate_rules(&scope, AMBIT_HOOK_BPRM_CHECK_SECURITY, AMBIT_OP_EXEC, 0);
	}
	return leave_rules(&scope);
}

SEC("lsm/path_mknod")
int BPF_PROG(rules_mknod, const struct path *dir, struct dentry *dentry, unsigned short mode,
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
	return rules_name(AMBIT_HOOK_PATH_MKNOD, dir->mnt, dentry, op, arg, mode);
}

SEC("lsm/path_unlink")
int BPF_PROG(rules_unlink, const struct path *dir, struct dentry *dentry, int ret)
{
	if (ret)
		return ret;
	return rules_name(AMBIT_HOOK_PATH_UNLINK, dir->mnt, dentry, AMBIT_OP_FILE_UNLINK, 0, 0);
}

SEC("lsm/path_symlink")
int BPF_PROG(rules_symlink, const struct path *dir, struct dentry *dentry, const char *old_name,
	     int ret)
{
	if (ret)
		return ret;
	return rules_name(AMBIT_HOOK_PATH_SYMLINK, dir->mnt, dentry, AMBIT_OP_FILE_SYMLINK, 0, 0);
}

SEC("lsm/path_mkdir")
int BPF_PROG(rules_mkdir, const struct path *dir, struct dentry *dentry, unsigned short mode,
	     int ret)
{
	if (ret)
		return ret;
	return rules_name(AMBIT_HOOK_PATH_MKDIR, dir->mnt, dentry, AMBIT_OP_FILE_MKDIR, 0, mode);
}

SEC("lsm/path_rmdir")
int BPF_PROG(rules_rmdir, const struct path *dir, struct dentry *dentry, int ret)
{
	if (ret)
		return ret;
	return rules_name(AMBIT_HOOK_PATH_RMDIR, dir->mnt, dentry, AMBIT_OP_FILE_RMDIR, 0, 0);
}

SEC("lsm/path_truncate")
int BPF_PROG(rules_truncate, const struct path *path, int ret)
{
	if (ret)
		return ret;
	return rules_at(AMBIT_HOOK_PATH_TRUNCATE, path->dentry, path->mnt, AMBIT_OP_FILE_TRUNCATE,
			0, 0);
}

SEC("lsm/file_truncate")
int BPF_PROG(rules_ftruncate, struct file *file, int ret)
{
	if (ret)
		return ret;
	return rules_at(AMBIT_HOOK_FILE_TRUNCATE, file->f_path.dentry, file->f_path.mnt,
			AMBIT_OP_FILE_TRUNCATE, 0, 0);
}

SEC("lsm/path_chmod")
int BPF_PROG(rules_chmod, const struct path *path, unsigned short mode, int ret)
{
	if (ret)
		return ret;
	return rules_at(AMBIT_HOOK_PATH_CHMOD, path->dentry, path->mnt, AMBIT_OP_FILE_CHMOD,
			setid_of(mode), mode);
}

SEC("lsm/path_chown")
int BPF_PROG(rules_chown, const struct path *path)
{
	if (ctx[3])
		return -EPERM;
	return rules_at(AMBIT_HOOK_PATH_CHOWN, path->dentry, path->mnt, AMBIT_OP_FILE_CHOWN, 0, 0);
}

static __always_inline void evaluate_rules_end(struct rule_scope *scope, __u32 hook, __u32 op,
					       struct vfsmount *mnt, struct dentry *dentry,
					       __u32 end)
{
	if (scope->verdict)
		return;
	scope->slot->status = 0;
	object_linked(scope->slot, dentry, mnt);
	evaluate_rules(scope, hook, op, end);
}

SEC("lsm/path_rename")
int BPF_PROG(rules_rename, const struct path *old_dir, struct dentry *old_dentry,
	     const struct path *new_dir, struct dentry *new_dentry, unsigned int flags, int ret)
{
	const __u32 hook = AMBIT_HOOK_PATH_RENAME, op = AMBIT_OP_FILE_RENAME;
	struct vfsmount *mnt = new_dir->mnt;
	struct rule_scope scope;

	if (ret)
		return ret;
	if (enter_rules(&scope, hook)) {
		evaluate_rules_end(&scope, hook, op, mnt, old_dentry, AMBIT_END_FROM);
		evaluate_rules_end(&scope, hook, op, mnt, new_dentry, AMBIT_END_TO);
		if (flags & RENAME_EXCHANGE) {
			evaluate_rules_end(&scope, hook, op, mnt, new_dentry, AMBIT_END_FROM);
			evaluate_rules_end(&scope, hook, op, mnt, old_dentry, AMBIT_END_TO);
		}
	}
	return leave_rules(&scope);
}

SEC("lsm/path_link")
int BPF_PROG(rules_link, struct dentry *old_dentry, const struct path *new_dir,
	     struct dentry *new_dentry, int ret)
{
	const __u32 hook = AMBIT_HOOK_PATH_LINK, op = AMBIT_OP_FILE_LINK;
	struct rule_scope scope;

	if (ret)
		return ret;
	if (enter_rules(&scope, hook)) {
		evaluate_rules_end(&scope, hook, op, new_dir->mnt, old_dentry, AMBIT_END_FROM);
		evaluate_rules_end(&scope, hook, op, new_dir->mnt, new_dentry, AMBIT_END_TO);
	}
	return leave_rules(&scope);
}

static __always_inline int rules_device(__u32 hook, struct file *file, __u32 cmd)
{
	struct rule_scope scope;

	if (benign_ioctl(cmd))
		return 0;
	if (enter_rules(&scope, hook)) {
		file_numbers(scope.slot, file->f_inode);
		if (object_descriptor(scope.slot, file))
			evaluate_rules(&scope, hook, AMBIT_OP_FILE_IOCTL, cmd);
	}
	return leave_rules(&scope);
}

SEC("lsm/file_ioctl")
int BPF_PROG(rules_ioctl, struct file *file, unsigned int cmd, unsigned long arg, int ret)
{
	if (ret)
		return ret;
	return rules_device(AMBIT_HOOK_FILE_IOCTL, file, cmd);
}

SEC("lsm/file_ioctl_compat")
int BPF_PROG(rules_compat, struct file *file, unsigned int cmd, unsigned long arg, int ret)
{
	if (ret)
		return ret;
	return rules_device(AMBIT_HOOK_FILE_IOCTL_COMPAT, file, cmd);
}

/* address: see map_point(). */
static __always_inline int rules_map(__u32 hook, struct file *file, unsigned long address,
				     __u32 arg)
{
	struct rule_scope scope;

	if (enter_rules(&scope, hook)) {
		stash(scope.slot, arg);
		if (!address || !file) {
			object_none(scope.slot);
			evaluate_rules(&scope, hook, AMBIT_OP_MAP_ANON, 0);
		} else {
			evaluate_file(&scope, hook, AMBIT_OP_MAP_EXEC, file);
		}
	}
	return leave_rules(&scope);
}

SEC("lsm/mmap_file")
int BPF_PROG(rules_mmap, struct file *file, unsigned long reqprot, unsigned long prot,
	     unsigned long flags, int ret)
{
	unsigned long address = 0;

	if (ret)
		return ret;
	if (!(prot & PROT_EXEC))
		return 0;
	bpf_probe_read_kernel(&address, sizeof(address), &ctx[0]);
	return rules_map(AMBIT_HOOK_MMAP_FILE, file, address,
			 prot & PROT_WRITE ? AMBIT_MAP_WRITE : 0);
}

SEC("lsm/file_mprotect")
int BPF_PROG(rules_mprotect, struct vm_area_struct *vma, unsigned long reqprot, unsigned long prot,
	     int ret)
{
	unsigned long address = 0, flags = vma->vm_flags;

	if (ret)
		return ret;
	if (!(prot & PROT_EXEC))
		return 0;
	if (flags & VM_EXEC && (!(prot & PROT_WRITE) || flags & VM_WRITE))
		return 0;
	bpf_probe_read_kernel(&address, sizeof(address), &vma->vm_file);
	return rules_map(AMBIT_HOOK_FILE_MPROTECT, vma->vm_file, address,
			 (vma->anon_vma ? AMBIT_MAP_DIRTY : 0) |
				 (prot & PROT_WRITE ? AMBIT_MAP_WRITE : 0));
}

SEC("lsm/socket_create")
int BPF_PROG(rules_socket, int family, int type, int protocol, int kern, int ret)
{
	if (ret)
		return ret;
	if (kern)
		return 0;
	return RULES(SOCKET_CREATE, AMBIT_OP_NET_SOCKET, 0,
		     object_socket(scope.slot, family, type, protocol));
}

static __always_inline int rules_address(__u32 hook, struct socket *sock, const void *address,
					 int len, __u32 op)
{
	struct rule_scope scope;

	if (enter_rules(&scope, hook) &&
	    object_address(scope.slot, sock->sk, address, len, op == AMBIT_OP_NET_BIND))
		evaluate_rules(&scope, hook, op, 0);
	return leave_rules(&scope);
}

SEC("lsm/socket_bind")
int BPF_PROG(rules_bind, struct socket *sock, struct sockaddr *address, int addrlen, int ret)
{
	if (ret)
		return ret;
	return rules_address(AMBIT_HOOK_SOCKET_BIND, sock, address, addrlen, AMBIT_OP_NET_BIND);
}

SEC("lsm/socket_connect")
int BPF_PROG(rules_connect, struct socket *sock, struct sockaddr *address, int addrlen, int ret)
{
	if (ret)
		return ret;
	return rules_address(AMBIT_HOOK_SOCKET_CONNECT, sock, address, addrlen,
			     AMBIT_OP_NET_CONNECT);
}

SEC("lsm/socket_listen")
int BPF_PROG(rules_listen, struct socket *sock, int backlog, int ret)
{
	if (ret)
		return ret;
	return RULES(SOCKET_LISTEN, AMBIT_OP_NET_LISTEN, 0, object_local(scope.slot, sock->sk));
}

SEC("lsm/socket_accept")
int BPF_PROG(rules_accept, struct socket *sock, struct socket *newsock, int ret)
{
	if (ret)
		return ret;
	return RULES(SOCKET_ACCEPT, AMBIT_OP_NET_ACCEPT, 0, object_local(scope.slot, sock->sk));
}

SEC("lsm/socket_sendmsg")
int BPF_PROG(rules_send, struct socket *sock, struct msghdr *msg, int size, int ret)
{
	__u32 op = AMBIT_OP_NET_SEND;

	if (ret)
		return ret;
	if (!msg->msg_name || msg->msg_namelen == 0)
		return 0;
	if (sock->type == SOCK_STREAM && msg->msg_flags & MSG_FASTOPEN)
		op = AMBIT_OP_NET_CONNECT;
	return rules_address(AMBIT_HOOK_SOCKET_SENDMSG, sock, msg->msg_name, msg->msg_namelen, op);
}

SEC("lsm/unix_stream_connect")
int BPF_PROG(rules_unix_connect, struct sock *sock, struct sock *other, struct sock *newsk, int ret)
{
	if (ret)
		return ret;
	return RULES(UNIX_STREAM_CONNECT, AMBIT_OP_NET_CONNECT, 0, object_unix(scope.slot, other));
}

SEC("lsm/unix_may_send")
int BPF_PROG(rules_unix_send, struct socket *sock, struct socket *other, int ret)
{
	if (ret)
		return ret;
	return RULES(UNIX_MAY_SEND, AMBIT_OP_NET_SEND, 0, object_unix(scope.slot, other->sk));
}

SEC("lsm/task_kill")
int BPF_PROG(rules_kill, struct task_struct *p, struct kernel_siginfo *info, int sig,
	     const struct cred *cred, int ret)
{
	if (ret)
		return ret;
	/* SEND_SIG_PRIV: the kernel's own. */
	if ((unsigned long)info == 1)
		return 0;
	return RULES(TASK_KILL, AMBIT_OP_TASK_SIGNAL, sig, object_relation_to(scope.slot, p));
}

SEC("lsm/ptrace_access_check")
int BPF_PROG(rules_ptrace, struct task_struct *child, unsigned int mode, int ret)
{
	__u32 arg = mode & PTRACE_MODE_ATTACH ? AMBIT_PTRACE_ATTACH : AMBIT_PTRACE_READ;

	if (ret)
		return ret;
	if (mode & PTRACE_MODE_NOAUDIT && !(mode & PTRACE_MODE_ATTACH))
		return 0;
	return RULES(PTRACE_ACCESS_CHECK, AMBIT_OP_TASK_PTRACE, arg,
		     object_relation_to(scope.slot, child));
}

SEC("lsm/ptrace_traceme")
int BPF_PROG(rules_traceme, struct task_struct *parent, int ret)
{
	if (ret)
		return ret;
	return RULES(PTRACE_TRACEME, AMBIT_OP_TASK_PTRACE, AMBIT_PTRACE_TRACEME,
		     object_relation_to(scope.slot, parent));
}

SEC("lsm/task_fix_setuid")
int BPF_PROG(rules_setuid, struct cred *new, const struct cred *old, int flags, int ret)
{
	if (ret)
		return ret;
	return RULES(TASK_FIX_SETUID, AMBIT_OP_TASK_SETUID, 0,
		     object_ids(scope.slot, new->uid.val, new->euid.val, new->suid.val));
}

SEC("lsm/task_fix_setgid")
int BPF_PROG(rules_setgid, struct cred *new, const struct cred *old, int flags, int ret)
{
	if (ret)
		return ret;
	return RULES(TASK_FIX_SETGID, AMBIT_OP_TASK_SETGID, 0,
		     object_ids(scope.slot, new->gid.val, new->egid.val, new->sgid.val));
}

SEC("lsm/capable")
int BPF_PROG(rules_capable, const struct cred *cred, struct user_namespace *ns, int cap,
	     unsigned int opts, int ret)
{
	if (ret)
		return ret;
	if (opts & CAP_OPT_NOAUDIT)
		return 0;
	return rules_plain(AMBIT_HOOK_CAPABLE, AMBIT_OP_CAP_USE, cap);
}

SEC("lsm/inode_setxattr")
int BPF_PROG(rules_setxattr, void *idmap, struct dentry *dentry, const char *name)
{
	return rules_word(AMBIT_HOOK_INODE_SETXATTR, AMBIT_OP_FILE_SETXATTR, 0, name);
}

SEC("lsm/inode_removexattr")
int BPF_PROG(rules_removexattr, void *idmap, struct dentry *dentry, const char *name)
{
	return rules_word(AMBIT_HOOK_INODE_REMOVEXATTR, AMBIT_OP_FILE_REMOVEXATTR, 0, name);
}

SEC("lsm/file_receive")
int BPF_PROG(rules_receive, struct file *file)
{
	struct rule_scope scope;

	if (enter_rules(&scope, AMBIT_HOOK_FILE_RECEIVE)) {
		stash(scope.slot, open_mask(file->f_mode, file->f_flags));
		if (object_descriptor(scope.slot, file))
			evaluate_rules(&scope, AMBIT_HOOK_FILE_RECEIVE, AMBIT_OP_FILE_RECEIVE,
				       stashed(scope.slot));
	}
	return leave_rules(&scope);
}

SEC("lsm/sb_mount")
int BPF_PROG(rules_mount, const char *dev_name, const struct path *path, const char *type,
	     unsigned long flags)
{
	return rules_name(AMBIT_HOOK_SB_MOUNT, path->mnt, path->dentry, AMBIT_OP_MOUNT_MOUNT,
			  mount_kind(flags), 0);
}

SEC("lsm/move_mount")
int BPF_PROG(rules_move_mount, const struct path *from, const struct path *to)
{
	return rules_name(AMBIT_HOOK_MOVE_MOUNT, to->mnt, to->dentry, AMBIT_OP_MOUNT_MOUNT,
			  AMBIT_MOUNT_MOVE, 0);
}

SEC("lsm/sb_kern_mount")
int BPF_PROG(rules_mount_type, struct super_block *sb)
{
	return rules_word(AMBIT_HOOK_SB_KERN_MOUNT, AMBIT_OP_MOUNT_TYPE, 0, sb->s_type->name);
}

SEC("lsm/sb_remount")
int BPF_PROG(rules_remount, struct super_block *sb)
{
	return rules_word(AMBIT_HOOK_SB_REMOUNT, AMBIT_OP_MOUNT_RECONFIGURE, 0, sb->s_type->name);
}

SEC("lsm/sb_umount")
int BPF_PROG(rules_umount, struct vfsmount *mnt)
{
	return rules_name(AMBIT_HOOK_SB_UMOUNT, mnt, mnt->mnt_root, AMBIT_OP_MOUNT_UMOUNT, 0, 0);
}

SEC("lsm/sb_pivotroot")
int BPF_PROG(rules_pivot, const struct path *old, const struct path *new)
{
	return rules_name(AMBIT_HOOK_SB_PIVOTROOT, new->mnt, new->dentry, AMBIT_OP_MOUNT_PIVOT, 0,
			  0);
}

SEC("lsm/path_chroot")
int BPF_PROG(rules_chroot, const struct path *path)
{
	return rules_name(AMBIT_HOOK_PATH_CHROOT, path->mnt, path->dentry, AMBIT_OP_MOUNT_CHROOT, 0,
			  0);
}

SEC("lsm/userns_create")
int BPF_PROG(rules_userns)
{
	return rules_plain(AMBIT_HOOK_USERNS_CREATE, AMBIT_OP_NS_USER, 0);
}

SEC("lsm/key_alloc")
int BPF_PROG(rules_key, struct key *key)
{
	return rules_word(AMBIT_HOOK_KEY_ALLOC, AMBIT_OP_KEY_ADD, 0,
			  BPF_CORE_READ(key, index_key.type, name));
}

SEC("lsm/bpf")
int BPF_PROG(rules_bpf, int cmd)
{
	return rules_plain(AMBIT_HOOK_BPF, AMBIT_OP_KERNEL_BPF, cmd);
}

SEC("lsm/kernel_read_file")
int BPF_PROG(rules_read_file, struct file *file, int id)
{
	struct rule_scope scope;

	if (enter_rules(&scope, AMBIT_HOOK_KERNEL_READ_FILE)) {
		stash(scope.slot, LOAD_KIND(kernel_read_file_id, READING, id));
		if (object_descriptor(scope.slot, file))
			evaluate_rules(&scope, AMBIT_HOOK_KERNEL_READ_FILE, AMBIT_OP_KERNEL_READ,
				       stashed(scope.slot));
	}
	return leave_rules(&scope);
}

SEC("lsm/kernel_load_data")
int BPF_PROG(rules_load_data, int id)
{
	return rules_plain(AMBIT_HOOK_KERNEL_LOAD_DATA, AMBIT_OP_KERNEL_LOAD,
			   LOAD_KIND(kernel_load_data_id, LOADING, id));
}

SEC("lsm/perf_event_open")
int BPF_PROG(rules_perf)
{
	return rules_plain(AMBIT_HOOK_PERF_EVENT_OPEN, AMBIT_OP_KERNEL_PERF, 0);
}

SEC("lsm/syslog")
int BPF_PROG(rules_syslog, int type)
{
	return rules_plain(AMBIT_HOOK_SYSLOG, AMBIT_OP_KERNEL_SYSLOG, type);
}

SEC("lsm/settime")
int BPF_PROG(rules_settime)
{
	return rules_plain(AMBIT_HOOK_SETTIME, AMBIT_OP_KERNEL_SETTIME, 0);
}

SEC("lsm/tun_dev_create")
int BPF_PROG(rules_tun)
{
	return rules_plain(AMBIT_HOOK_TUN_DEV_CREATE, AMBIT_OP_NET_TUN, 0);
}

SEC("lsm/uring_override_creds")
int BPF_PROG(rules_uring_creds)
{
	return rules_plain(AMBIT_HOOK_URING_OVERRIDE_CREDS, AMBIT_OP_URING_CREDS, 0);
}

SEC("lsm/uring_sqpoll")
int BPF_PROG(rules_uring_sqpoll)
{
	return rules_plain(AMBIT_HOOK_URING_SQPOLL, AMBIT_OP_URING_SQPOLL, 0);
}

/* Chains of the tasks that ran before rules were loaded, from their parents as they are. */
SEC("iter/task")
int lineage_tasks(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task, *at = task;
	struct ambit_lineage *lineage;
	struct slot *slot;
	__u32 i;

	if (!task || task->pid != task->tgid || lineage_of(task))
		return 0;
	lineage = bpf_task_storage_get(&lineages, task, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
	slot = slot_get();
	if (!lineage || !slot)
		goto out;
	for (i = 0; i < AMBIT_CHAIN_MAX; i++) {
		struct file *exe = BPF_CORE_READ(at, mm, exe_file);
		struct walk walk;

		if (!exe)
			break;
		slot->status = 0;
		walk_init_for(&walk, slot, task);
		walk.dentry = BPF_CORE_READ(exe, f_path.dentry);
		walk.mnt = BPF_CORE_READ(exe, f_path.mnt);
		walk_rest(&walk);
		walk_outcome(slot, walk_finish(&walk), AMBIT_KIND_PATH);
		lineage_put(lineage, i, slot);
		lineage->count = i + 1;
		at = BPF_CORE_READ(at, real_parent);
	}
out:
	if (slot)
		slot_put(slot);
	return 0;
}
