/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * io_uring. What it does passes the hooks of what is done; here is what only it has.
 *
 *   inode_init_security_anon  a ring, or a userfaultfd, is made: on all kernels, where
 *                             uring_allowed is on the newest alone
 *   uring_sqpoll              a kernel thread submits for the task
 *   uring_override_creds      an operation runs with registered credentials
 *   uring_cmd                 a driver's command
 *
 * Fail mode: decide.bpf.h.
 */

static __always_inline bool is_named(const void *name, const char *wanted, __u32 len)
{
	char found[16] = {};
	__u32 i;

	bpf_probe_read_kernel(found, len, name);
	for (i = 0; i < len; i++)
		if (found[i] != wanted[i])
			return false;
	return true;
}

SEC("lsm/inode_init_security_anon")
int BPF_PROG(uring_anon, struct inode *inode, const struct qstr *name)
{
	const __u32 hook = AMBIT_HOOK_INODE_INIT_SECURITY_ANON;
	const void *text = name->name;

	if (is_named(text, "[io_uring]", 11))
		return plain_point(hook, AMBIT_OP_URING_SETUP, 0);
	if (is_named(text, "[userfaultfd]", 14))
		return plain_point(hook, AMBIT_OP_KERNEL_USERFAULT, 0);
	return benign(hook);
}

SEC("lsm/uring_sqpoll")
int BPF_PROG(uring_sqpoll)
{
	return plain_point(AMBIT_HOOK_URING_SQPOLL, AMBIT_OP_URING_SQPOLL, 0);
}

SEC("lsm/uring_override_creds")
int BPF_PROG(uring_creds, const struct cred *new)
{
	struct scope scope;

	if (!enter_full(&scope, AMBIT_HOOK_URING_OVERRIDE_CREDS))
		return scope.verdict ? -EPERM : 0;
	object_creds(scope.slot, new);
	decide_op(&scope, AMBIT_HOOK_URING_OVERRIDE_CREDS, AMBIT_OP_URING_CREDS, 0);
	return leave(&scope);
}

SEC("lsm/uring_cmd")
int BPF_PROG(uring_cmd, struct io_uring_cmd *cmd)
{
	return descriptor_point(AMBIT_HOOK_URING_CMD, cmd->file, AMBIT_OP_URING_CMD, cmd->cmd_op);
}
