/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What is done through descriptors, and attributes of files.
 *
 *   inode_setxattr     by the attribute's name: these hooks know no mount, so that
 *   inode_removexattr  there is no path to tell. inode_set_acl and inode_remove_acl
 *   inode_set_acl      see ACLs from 6.2 on, commit 72b3897e7878 ("internal: add may_write_xattr()")
 *   inode_remove_acl   and its kin, the others before
 *   file_fcntl         signals that a descriptor sends, and leases
 *   file_lock          gated only: whether a lock is taken depends on who else has one
 *   file_receive       descriptors passed over a socket, or taken by pidfd_getfd
 *
 * Fail mode: decide.bpf.h.
 */

SEC("lsm/inode_setxattr")
int BPF_PROG(file_setxattr, void *idmap, struct dentry *dentry, const char *name)
{
	return word_point(AMBIT_HOOK_INODE_SETXATTR, AMBIT_OP_FILE_SETXATTR, 0, name);
}

SEC("lsm/inode_removexattr")
int BPF_PROG(file_rmxattr, void *idmap, struct dentry *dentry, const char *name)
{
	return word_point(AMBIT_HOOK_INODE_REMOVEXATTR, AMBIT_OP_FILE_REMOVEXATTR, 0, name);
}

SEC("lsm/inode_set_acl")
int BPF_PROG(file_set_acl, void *idmap, struct dentry *dentry, const char *name)
{
	return word_point(AMBIT_HOOK_INODE_SET_ACL, AMBIT_OP_FILE_SETXATTR, 0, name);
}

SEC("lsm/inode_remove_acl")
int BPF_PROG(file_rm_acl, void *idmap, struct dentry *dentry, const char *name)
{
	return word_point(AMBIT_HOOK_INODE_REMOVE_ACL, AMBIT_OP_FILE_REMOVEXATTR, 0, name);
}

/* include/uapi/linux/fcntl.h */
#define F_SETOWN 8
#define F_SETSIG 10
#define F_SETOWN_EX 15
#define F_SETLEASE 1024
#define F_NOTIFY 1026

/* 0 for what takes nothing from others. */
static __always_inline __u32 fcntl_kind(unsigned int cmd)
{
	switch (cmd) {
	case F_SETOWN:
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

SEC("lsm/file_fcntl")
int BPF_PROG(file_fcntl, struct file *file, unsigned int cmd)
{
	__u32 arg = fcntl_kind(cmd);

	if (!arg)
		return benign(AMBIT_HOOK_FILE_FCNTL);
	return descriptor_point(AMBIT_HOOK_FILE_FCNTL, file, AMBIT_OP_FILE_FCNTL, arg);
}

SEC("lsm/file_lock")
int BPF_PROG(file_lock, struct file *file)
{
	return gate_point(AMBIT_HOOK_FILE_LOCK, AMBIT_OP_FILE_LOCK);
}

SEC("lsm/file_receive")
int BPF_PROG(file_receive, struct file *file)
{
	__u32 mode = file->f_mode, arg = 0;

	if (mode & FMODE_READ)
		arg |= AMBIT_OPEN_READ;
	if (mode & FMODE_WRITE)
		arg |= file->f_flags & O_APPEND ? AMBIT_OPEN_APPEND : AMBIT_OPEN_WRITE;
	return descriptor_point(AMBIT_HOOK_FILE_RECEIVE, file, AMBIT_OP_FILE_RECEIVE, arg);
}
