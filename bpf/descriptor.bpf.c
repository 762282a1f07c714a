/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Operations on descriptors, and attributes of files.
 *
 *   inode_setxattr     The object is the attribute's name: these hooks get no mount, so
 *   inode_removexattr  there is no path. From 6.2 on ACLs call inode_set_acl and
 *   inode_set_acl      inode_remove_acl, before that the other two: commit 72b3897e7810
 *   inode_remove_acl   ("security: add get, remove and set acl hook")
 *   file_fcntl         the receiver and the number of signals that a descriptor sends; with
 *                      full coverage also leases and notifications, which signal the
 *                      caller alone
 *   file_lock          gated only: whether a lock is taken depends on other processes
 *   file_receive       descriptors passed over a socket, or taken by pidfd_getfd
 *
 * Fail mode: decide.bpf.h.
 */

HOOK(inode_setxattr, ENGINE_FULL, file_setxattr, rules_setxattr,
     word_point(engine, AMBIT_HOOK_INODE_SETXATTR, AMBIT_OP_FILE_SETXATTR, 0, name), void *idmap,
     struct dentry *dentry, const char *name)

HOOK(inode_removexattr, ENGINE_FULL, file_rmxattr, rules_removexattr,
     word_point(engine, AMBIT_HOOK_INODE_REMOVEXATTR, AMBIT_OP_FILE_REMOVEXATTR, 0, name),
     void *idmap, struct dentry *dentry, const char *name)

HOOK(inode_set_acl, ENGINE_FULL, file_set_acl, rules_set_acl,
     word_point(engine, AMBIT_HOOK_INODE_SET_ACL, AMBIT_OP_FILE_SETXATTR, 0, name), void *idmap,
     struct dentry *dentry, const char *name)

HOOK(inode_remove_acl, ENGINE_FULL, file_rm_acl, rules_remove_acl,
     word_point(engine, AMBIT_HOOK_INODE_REMOVE_ACL, AMBIT_OP_FILE_REMOVEXATTR, 0, name),
     void *idmap, struct dentry *dentry, const char *name)

/* include/uapi/linux/fcntl.h */
#define F_SETOWN 8
#define F_SETSIG 10
#define F_SETOWN_EX 15
#define F_SETLEASE 1024
#define F_NOTIFY 1026
#define FASYNC 0x2000 /* O_ASYNC */

/*
 * Returns 0 for commands that affect no other process. The argument of F_SETOWN_EX is in
 * the caller's memory and is not read. O_ASYNC makes a terminal's foreground process group
 * the owner (drivers/tty/tty_io.c, __tty_fasync).
 */
static __always_inline __u32 fcntl_kind(struct file *file, unsigned int cmd, unsigned long arg)
{
	int owner = arg;

	switch (cmd) {
	case F_SETFL:
		return arg & FASYNC && is_character(file) ? AMBIT_FCNTL_OWNER : 0;
	case F_SETOWN:
		return owner == 0 || owner == own_number(bpf_get_current_task_btf()) ?
			       0 :
			       AMBIT_FCNTL_OWNER;
	case F_SETOWN_EX:
		return AMBIT_FCNTL_OWNER;
	case F_SETSIG:
		return AMBIT_FCNTL_SIGNAL;
	case F_SETLEASE:
		return AMBIT_FCNTL_LEASE;
	case F_NOTIFY:
		return AMBIT_FCNTL_NOTIFY;
	}
	return 0;
}

static __always_inline int fcntl_point(enum engine engine, struct file *file, unsigned int cmd,
				       unsigned long arg)
{
	const __u32 hook = AMBIT_HOOK_FILE_FCNTL;
	struct ambit_label *label;
	__u32 kind;

	if (engine == ENGINE_CORE) {
		label = label_of(bpf_get_current_task_btf());
		if (likely(!label))
			return 0;
	}
	kind = fcntl_kind(file, cmd, arg);
	if (engine == ENGINE_CORE && kind > AMBIT_FCNTL_SIGNAL &&
	    !(label->flags & AMBIT_LABEL_FULL))
		kind = 0;
	if (!kind)
		return benign(engine, hook);
	return descriptor_point(engine, hook, file, AMBIT_OP_FILE_FCNTL, kind);
}

HOOK(file_fcntl, ENGINE_CORE, file_fcntl, rules_fcntl, ret ?: fcntl_point(engine, file, cmd, arg),
     struct file *file, unsigned int cmd, unsigned long arg, int ret)

HOOK(file_lock, ENGINE_FULL, file_lock, rules_lock,
     gate_point(engine, AMBIT_HOOK_FILE_LOCK, AMBIT_OP_FILE_LOCK), struct file *file)

HOOK(file_receive, ENGINE_FULL, file_receive, rules_receive,
     descriptor_point(engine, AMBIT_HOOK_FILE_RECEIVE, file, AMBIT_OP_FILE_RECEIVE,
		      access_of(file->f_mode, file->f_flags)),
     struct file *file)
