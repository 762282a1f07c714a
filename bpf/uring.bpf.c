/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * io_uring. Its operations pass the hooks of the operations themselves; these are the
 * hooks of io_uring alone.
 *
 *   inode_init_security_anon  a ring, or a userfaultfd, is created; at core coverage the
 *                             latter, which fills executable mappings at their first
 *                             use. On all kernels, unlike
 *                             uring_allowed: commit c6ad9fdbd44b ("io_uring,lsm,selinux: add
 *                             LSM hooks for io_uring_setup()"), seen on 7.3
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

static __always_inline int anon_point(enum engine engine, const void *name)
{
	const __u32 hook = AMBIT_HOOK_INODE_INIT_SECURITY_ANON;

	if (engine == ENGINE_CORE && likely(!label_of(bpf_get_current_task_btf())))
		return 0;
	if (is_named(name, "[io_uring]", 11) && (engine != ENGINE_CORE || full_label()))
		return plain_point(engine, hook, AMBIT_OP_URING_SETUP, 0);
	if (is_named(name, "[userfaultfd]", 14))
		return plain_point(engine, hook, AMBIT_OP_KERNEL_USERFAULT, 0);
	return benign(engine, hook);
}

HOOK(inode_init_security_anon, ENGINE_CORE, uring_anon, rules_anon,
     ret ?: anon_point(engine, name->name), struct inode *inode, const struct qstr *name,
     const struct inode *context, int ret)

HOOK(uring_sqpoll, ENGINE_FULL, uring_sqpoll, rules_uring_sqpoll,
     plain_point(engine, AMBIT_HOOK_URING_SQPOLL, AMBIT_OP_URING_SQPOLL, 0))

/* The map has the credentials as the object; rules read no credentials of an object. */
static __always_inline int override_point(enum engine engine, const struct cred *new)
{
	const __u32 hook = AMBIT_HOOK_URING_OVERRIDE_CREDS;
	struct scope scope;

	if (!enter(&scope, engine, hook))
		return outside(&scope);
	if (engine == ENGINE_RULES)
		object_none(scope.slot);
	else
		object_creds(scope.slot, new);
	decide_op(&scope, hook, AMBIT_OP_URING_CREDS, 0);
	return leave(&scope);
}

HOOK(uring_override_creds, ENGINE_FULL, uring_creds, rules_uring_creds, override_point(engine, new),
     const struct cred *new)

HOOK(uring_cmd, ENGINE_FULL, uring_cmd, rules_uring_cmd,
     descriptor_point(engine, AMBIT_HOOK_URING_CMD, cmd->file, AMBIT_OP_URING_CMD, cmd->cmd_op),
     struct io_uring_cmd *cmd)
