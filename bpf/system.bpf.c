/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The kernel itself, and its keys.
 *
 *   bpf                    by command, once a call: what it makes and opens follows from it
 *   kernel_read_file       modules, firmware, kernels: files that the kernel reads for
 *   kernel_load_data       itself, and data that it is handed for the same
 *   kernel_module_request  gated only: a module is asked for where it is not loaded yet
 *   locked_down            gated only: whatever it forbids is asked for with a capability,
 *                          or through a file that was opened
 *   perf_event_open        Its arguments differ between kernels and are not read
 *   syslog, settime, quotactl
 *   key_alloc              by type; keyrings are made by the kernel as they are missing
 *   key_permission         reading and changing; to look for one is a question
 *
 * Fail mode: decide.bpf.h.
 */

SEC("lsm/bpf")
int BPF_PROG(kernel_bpf, int cmd)
{
	return plain_point(AMBIT_HOOK_BPF, AMBIT_OP_KERNEL_BPF, cmd);
}

/* Numbers of one kind of kernel to another's. */
#define NUMBER(type, name) bpf_core_enum_value(enum type, name)
#define HAS(type, name) bpf_core_enum_value_exists(enum type, name)

#define LOAD_KIND(type, prefix, id)                                       \
	({                                                                \
		__u32 kind = AMBIT_LOAD_OTHER;                            \
		if ((id) == NUMBER(type, prefix##_MODULE) ||              \
		    (HAS(type, prefix##_MODULE_COMPRESSED) &&             \
		     (id) == NUMBER(type, prefix##_MODULE_COMPRESSED)))   \
			kind = AMBIT_LOAD_MODULE;                         \
		else if ((id) == NUMBER(type, prefix##_FIRMWARE))         \
			kind = AMBIT_LOAD_FIRMWARE;                       \
		else if ((id) == NUMBER(type, prefix##_KEXEC_IMAGE))      \
			kind = AMBIT_LOAD_KEXEC;                          \
		else if ((id) == NUMBER(type, prefix##_KEXEC_INITRAMFS))  \
			kind = AMBIT_LOAD_INITRAMFS;                      \
		else if ((id) == NUMBER(type, prefix##_POLICY))           \
			kind = AMBIT_LOAD_POLICY;                         \
		else if ((id) == NUMBER(type, prefix##_X509_CERTIFICATE)) \
			kind = AMBIT_LOAD_CERTIFICATE;                    \
		kind;                                                     \
	})

SEC("lsm/kernel_read_file")
int BPF_PROG(kernel_read_file, struct file *file, int id)
{
	__u32 arg = LOAD_KIND(kernel_read_file_id, READING, id);

	return descriptor_point(AMBIT_HOOK_KERNEL_READ_FILE, file, AMBIT_OP_KERNEL_READ, arg);
}

SEC("lsm/kernel_load_data")
int BPF_PROG(kernel_load_data, int id)
{
	__u32 arg = LOAD_KIND(kernel_load_data_id, LOADING, id);

	return plain_point(AMBIT_HOOK_KERNEL_LOAD_DATA, AMBIT_OP_KERNEL_LOAD, arg);
}

SEC("lsm/kernel_module_request")
int BPF_PROG(kernel_request)
{
	return gate_point(AMBIT_HOOK_KERNEL_MODULE_REQUEST, AMBIT_OP_KERNEL_REQUEST);
}

SEC("lsm/locked_down")
int BPF_PROG(kernel_lockdown)
{
	return gate_point(AMBIT_HOOK_LOCKED_DOWN, AMBIT_OP_KERNEL_LOCKDOWN);
}

SEC("lsm/perf_event_open")
int BPF_PROG(kernel_perf)
{
	return plain_point(AMBIT_HOOK_PERF_EVENT_OPEN, AMBIT_OP_KERNEL_PERF, 0);
}

SEC("lsm/syslog")
int BPF_PROG(kernel_syslog, int type)
{
	return plain_point(AMBIT_HOOK_SYSLOG, AMBIT_OP_KERNEL_SYSLOG, type);
}

SEC("lsm/settime")
int BPF_PROG(kernel_settime)
{
	return plain_point(AMBIT_HOOK_SETTIME, AMBIT_OP_KERNEL_SETTIME, 0);
}

SEC("lsm/quotactl")
int BPF_PROG(kernel_quota, int cmds)
{
	return plain_point(AMBIT_HOOK_QUOTACTL, AMBIT_OP_KERNEL_QUOTA, cmds);
}

#define KEYRING 0x00676e697279656bULL /* "keyring" */

static __always_inline int key_point(__u32 hook, struct key *key, __u32 op, __u32 arg)
{
	const char *type = BPF_CORE_READ(key, index_key.type, name);
	__u64 head = 0;

	bpf_probe_read_kernel(&head, sizeof(head), type);
	return head == KEYRING ? benign(hook) : word_point(hook, op, arg, type);
}

SEC("lsm/key_alloc")
int BPF_PROG(key_alloc, struct key *key)
{
	return key_point(AMBIT_HOOK_KEY_ALLOC, key, AMBIT_OP_KEY_ADD, 0);
}

/* enum key_need_perm */
#define KEY_NEED_READ 2
#define KEY_NEED_WRITE 3
#define KEY_NEED_LINK 5
#define KEY_NEED_SETATTR 6

/* 0 for questions. */
static __always_inline __u32 key_kind(int need)
{
	switch (need) {
	case KEY_NEED_READ:
		return AMBIT_KEY_READ;
	case KEY_NEED_WRITE:
		return AMBIT_KEY_WRITE;
	case KEY_NEED_LINK:
		return AMBIT_KEY_LINK;
	case KEY_NEED_SETATTR:
		return AMBIT_KEY_SETATTR;
	}
	return 0;
}

/*
 * The first argument of key_permission is of a type that has no definition, which the
 * verifier refuses to load. Its lowest bit says whether the key is the task's own.
 */
static __always_inline struct key *key_argument(const unsigned long long *ctx)
{
	unsigned long ref = 0;

	bpf_probe_read_kernel(&ref, sizeof(ref), &ctx[0]);
	return (struct key *)(ref & ~1UL);
}

SEC("lsm/key_permission")
int BPF_PROG(key_permission, void *unread, const struct cred *cred, int need)
{
	const __u32 hook = AMBIT_HOOK_KEY_PERMISSION;
	__u32 arg = key_kind(need);

	return arg ? key_point(hook, key_argument(ctx), AMBIT_OP_KEY_USE, arg) : benign(hook);
}
