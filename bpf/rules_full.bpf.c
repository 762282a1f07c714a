/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The programs that ask the rules at hooks which maps ask about for full coverage
 * only, and for those that they only gate. As rules.bpf.c.
 *
 * Of a message that somebody waits for, rules are asked in the receiver's own call
 * alone: what is current in the sender's is the sender.
 */

static __always_inline int rules_descriptor(__u32 hook, struct file *file, __u32 op, __u32 arg)
{
	struct rule_scope scope;

	if (enter_rules(&scope, hook)) {
		stash(scope.slot, arg);
		if (object_descriptor(scope.slot, file))
			evaluate_rules(&scope, hook, op, stashed(scope.slot));
	}
	return leave_rules(&scope);
}

SEC("lsm/inode_set_acl")
int BPF_PROG(rules_set_acl, void *idmap, struct dentry *dentry, const char *name)
{
	return rules_word(AMBIT_HOOK_INODE_SET_ACL, AMBIT_OP_FILE_SETXATTR, 0, name);
}

SEC("lsm/inode_remove_acl")
int BPF_PROG(rules_remove_acl, void *idmap, struct dentry *dentry, const char *name)
{
	return rules_word(AMBIT_HOOK_INODE_REMOVE_ACL, AMBIT_OP_FILE_REMOVEXATTR, 0, name);
}

SEC("lsm/file_fcntl")
int BPF_PROG(rules_fcntl, struct file *file, unsigned int cmd)
{
	__u32 arg = fcntl_kind(cmd);

	return arg ? rules_descriptor(AMBIT_HOOK_FILE_FCNTL, file, AMBIT_OP_FILE_FCNTL, arg) : 0;
}

SEC("lsm/file_lock")
int BPF_PROG(rules_lock, struct file *file)
{
	return rules_plain(AMBIT_HOOK_FILE_LOCK, AMBIT_OP_FILE_LOCK, 0);
}

SEC("lsm/socket_setsockopt")
int BPF_PROG(rules_setsockopt, struct socket *sock, int level, int option)
{
	__u32 arg = option_kind(sock, level, option);

	return arg ? rules_plain(AMBIT_HOOK_SOCKET_SETSOCKOPT, AMBIT_OP_NET_OPTION, arg) : 0;
}

SEC("lsm/netlink_send")
int BPF_PROG(rules_netlink)
{
	return rules_plain(AMBIT_HOOK_NETLINK_SEND, AMBIT_OP_NET_NETLINK, 0);
}

/* A process' own tasks are its affair. */
static __always_inline int rules_other(__u32 hook, struct task_struct *other, __u32 op, __u32 arg)
{
	struct rule_scope scope;

	if (other->tgid == bpf_get_current_task_btf()->tgid)
		return 0;
	if (enter_rules(&scope, hook)) {
		object_relation_to(scope.slot, other);
		evaluate_rules(&scope, hook, op, arg);
	}
	return leave_rules(&scope);
}

SEC("lsm/task_setnice")
int BPF_PROG(rules_nice, struct task_struct *p)
{
	return rules_other(AMBIT_HOOK_TASK_SETNICE, p, AMBIT_OP_TASK_NICE, 0);
}

SEC("lsm/task_setscheduler")
int BPF_PROG(rules_scheduler, struct task_struct *p)
{
	return rules_other(AMBIT_HOOK_TASK_SETSCHEDULER, p, AMBIT_OP_TASK_SCHEDULER, 0);
}

SEC("lsm/task_setioprio")
int BPF_PROG(rules_ioprio, struct task_struct *p)
{
	return rules_other(AMBIT_HOOK_TASK_SETIOPRIO, p, AMBIT_OP_TASK_IOPRIO, 0);
}

SEC("lsm/task_setrlimit")
int BPF_PROG(rules_rlimit, struct task_struct *p, unsigned int resource)
{
	return rules_other(AMBIT_HOOK_TASK_SETRLIMIT, p, AMBIT_OP_TASK_RLIMIT, resource);
}

SEC("lsm/task_movememory")
int BPF_PROG(rules_memory, struct task_struct *p)
{
	return rules_other(AMBIT_HOOK_TASK_MOVEMEMORY, p, AMBIT_OP_TASK_MEMORY, 0);
}

SEC("lsm/task_prctl")
int BPF_PROG(rules_prctl, int option, unsigned long arg2)
{
	__u32 arg = prctl_kind(option, arg2);

	return arg ? rules_plain(AMBIT_HOOK_TASK_PRCTL, AMBIT_OP_TASK_PRCTL, arg) : 0;
}

/* arg: 0 for what is not asked about. */
static __always_inline int rules_ipc(__u32 hook, struct kern_ipc_perm *perm, __u32 op, __u32 arg)
{
	struct rule_scope scope;

	if (!arg)
		return 0;
	if (enter_rules(&scope, hook)) {
		if (arg == AMBIT_IPC_CREATE)
			object_new_ipc(scope.slot, perm);
		else
			object_ipc(scope.slot, perm);
		evaluate_rules(&scope, hook, op, arg);
	}
	return leave_rules(&scope);
}

SEC("lsm/shm_alloc_security")
int BPF_PROG(rules_shm_alloc, struct kern_ipc_perm *perm)
{
	return rules_ipc(AMBIT_HOOK_SHM_ALLOC_SECURITY, perm, AMBIT_OP_IPC_SHM, AMBIT_IPC_CREATE);
}

SEC("lsm/shm_associate")
int BPF_PROG(rules_shm_get, struct kern_ipc_perm *perm)
{
	return rules_ipc(AMBIT_HOOK_SHM_ASSOCIATE, perm, AMBIT_OP_IPC_SHM, AMBIT_IPC_GET);
}

SEC("lsm/shm_shmctl")
int BPF_PROG(rules_shm_ctl, struct kern_ipc_perm *perm, int cmd)
{
	return rules_ipc(AMBIT_HOOK_SHM_SHMCTL, perm, AMBIT_OP_IPC_SHM, shm_kind(cmd));
}

SEC("lsm/shm_shmat")
int BPF_PROG(rules_shm_at, struct kern_ipc_perm *perm, void *address, int flags)
{
	return rules_ipc(AMBIT_HOOK_SHM_SHMAT, perm, AMBIT_OP_IPC_SHM,
			 flags & SHM_RDONLY ? AMBIT_IPC_READ : AMBIT_IPC_WRITE);
}

SEC("lsm/sem_alloc_security")
int BPF_PROG(rules_sem_alloc, struct kern_ipc_perm *perm)
{
	return rules_ipc(AMBIT_HOOK_SEM_ALLOC_SECURITY, perm, AMBIT_OP_IPC_SEM, AMBIT_IPC_CREATE);
}

SEC("lsm/sem_associate")
int BPF_PROG(rules_sem_get, struct kern_ipc_perm *perm)
{
	return rules_ipc(AMBIT_HOOK_SEM_ASSOCIATE, perm, AMBIT_OP_IPC_SEM, AMBIT_IPC_GET);
}

SEC("lsm/sem_semctl")
int BPF_PROG(rules_sem_ctl, struct kern_ipc_perm *perm, int cmd)
{
	return rules_ipc(AMBIT_HOOK_SEM_SEMCTL, perm, AMBIT_OP_IPC_SEM, sem_kind(cmd));
}

SEC("lsm/sem_semop")
int BPF_PROG(rules_sem_op, struct kern_ipc_perm *perm, void *sops, unsigned int nsops, int alter)
{
	return rules_ipc(AMBIT_HOOK_SEM_SEMOP, perm, AMBIT_OP_IPC_SEM,
			 alter ? AMBIT_IPC_WRITE : AMBIT_IPC_READ);
}

SEC("lsm/msg_queue_alloc_security")
int BPF_PROG(rules_msg_alloc, struct kern_ipc_perm *perm)
{
	return rules_ipc(AMBIT_HOOK_MSG_QUEUE_ALLOC_SECURITY, perm, AMBIT_OP_IPC_MSG,
			 AMBIT_IPC_CREATE);
}

SEC("lsm/msg_queue_associate")
int BPF_PROG(rules_msg_get, struct kern_ipc_perm *perm)
{
	return rules_ipc(AMBIT_HOOK_MSG_QUEUE_ASSOCIATE, perm, AMBIT_OP_IPC_MSG, AMBIT_IPC_GET);
}

SEC("lsm/msg_queue_msgctl")
int BPF_PROG(rules_msg_ctl, struct kern_ipc_perm *perm, int cmd)
{
	return rules_ipc(AMBIT_HOOK_MSG_QUEUE_MSGCTL, perm, AMBIT_OP_IPC_MSG, msg_kind(cmd));
}

SEC("lsm/msg_queue_msgsnd")
int BPF_PROG(rules_msg_send, struct kern_ipc_perm *perm)
{
	return rules_ipc(AMBIT_HOOK_MSG_QUEUE_MSGSND, perm, AMBIT_OP_IPC_MSG, AMBIT_IPC_WRITE);
}

SEC("lsm/msg_queue_msgrcv")
int BPF_PROG(rules_msg_receive, struct kern_ipc_perm *perm, void *message,
	     struct task_struct *target)
{
	if (target != bpf_get_current_task_btf())
		return 0;
	return rules_ipc(AMBIT_HOOK_MSG_QUEUE_MSGRCV, perm, AMBIT_OP_IPC_MSG, AMBIT_IPC_READ);
}

SEC("lsm/key_permission")
int BPF_PROG(rules_key_use, void *unread, const struct cred *cred, int need)
{
	__u32 arg = key_kind(need);

	if (!arg)
		return 0;
	return rules_word(AMBIT_HOOK_KEY_PERMISSION, AMBIT_OP_KEY_USE, arg,
			  BPF_CORE_READ(key_argument(ctx), index_key.type, name));
}

SEC("lsm/kernel_module_request")
int BPF_PROG(rules_request)
{
	return rules_plain(AMBIT_HOOK_KERNEL_MODULE_REQUEST, AMBIT_OP_KERNEL_REQUEST, 0);
}

SEC("lsm/locked_down")
int BPF_PROG(rules_lockdown)
{
	return rules_plain(AMBIT_HOOK_LOCKED_DOWN, AMBIT_OP_KERNEL_LOCKDOWN, 0);
}

SEC("lsm/quotactl")
int BPF_PROG(rules_quota, int cmds)
{
	return rules_plain(AMBIT_HOOK_QUOTACTL, AMBIT_OP_KERNEL_QUOTA, cmds);
}

SEC("lsm/inode_init_security_anon")
int BPF_PROG(rules_anon, struct inode *inode, const struct qstr *name)
{
	const __u32 hook = AMBIT_HOOK_INODE_INIT_SECURITY_ANON;
	const void *text = name->name;

	if (is_named(text, "[io_uring]", 11))
		return rules_plain(hook, AMBIT_OP_URING_SETUP, 0);
	if (is_named(text, "[userfaultfd]", 14))
		return rules_plain(hook, AMBIT_OP_KERNEL_USERFAULT, 0);
	return 0;
}

SEC("lsm/uring_cmd")
int BPF_PROG(rules_uring_cmd, struct io_uring_cmd *cmd)
{
	return rules_descriptor(AMBIT_HOOK_URING_CMD, cmd->file, AMBIT_OP_URING_CMD, cmd->cmd_op);
}
