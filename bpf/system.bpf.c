/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The kernel itself, and its keys.
 *
 *   bpf                    by command, once per call
 *   kernel_read_file       modules, firmware and kernels: files that the kernel reads,
 *   kernel_load_data       and data that a task passes to it for the same purpose
 *   kernel_module_request  gated only: depends on which modules are loaded already
 *   locked_down            gated only: everything it forbids requires a capability or
 *                          an open file as well
 *   perf_event_open        its arguments differ between kernels and are not read
 *   syslog, settime, quotactl
 *   key_alloc              by type, without keyrings
 *   key_permission         reading and changing, also of keyrings; searching grants
 *                          nothing
 *
 * Fail mode: decide.bpf.h.
 */

HOOK(bpf, ENGINE_FULL, kernel_bpf, rules_bpf,
     plain_point(engine, AMBIT_HOOK_BPF, AMBIT_OP_KERNEL_BPF, cmd), int cmd)

/* The running kernel's numbers, which differ between kernels. */
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

HOOK(kernel_read_file, ENGINE_FULL, kernel_read_file, rules_read_file,
     descriptor_point(engine, AMBIT_HOOK_KERNEL_READ_FILE, file, AMBIT_OP_KERNEL_READ,
		      LOAD_KIND(kernel_read_file_id, READING, id)),
     struct file *file, int id)

HOOK(kernel_load_data, ENGINE_FULL, kernel_load_data, rules_load_data,
     plain_point(engine, AMBIT_HOOK_KERNEL_LOAD_DATA, AMBIT_OP_KERNEL_LOAD,
		 LOAD_KIND(kernel_load_data_id, LOADING, id)),
     int id)

HOOK(kernel_module_request, ENGINE_FULL, kernel_request, rules_request,
     gate_point(engine, AMBIT_HOOK_KERNEL_MODULE_REQUEST, AMBIT_OP_KERNEL_REQUEST))

HOOK(locked_down, ENGINE_FULL, kernel_lockdown, rules_lockdown,
     gate_point(engine, AMBIT_HOOK_LOCKED_DOWN, AMBIT_OP_KERNEL_LOCKDOWN))

HOOK(perf_event_open, ENGINE_FULL, kernel_perf, rules_perf,
     plain_point(engine, AMBIT_HOOK_PERF_EVENT_OPEN, AMBIT_OP_KERNEL_PERF, 0))

HOOK(syslog, ENGINE_FULL, kernel_syslog, rules_syslog,
     plain_point(engine, AMBIT_HOOK_SYSLOG, AMBIT_OP_KERNEL_SYSLOG, type), int type)

HOOK(settime, ENGINE_FULL, kernel_settime, rules_settime,
     plain_point(engine, AMBIT_HOOK_SETTIME, AMBIT_OP_KERNEL_SETTIME, 0))

HOOK(quotactl, ENGINE_FULL, kernel_quota, rules_quota,
     plain_point(engine, AMBIT_HOOK_QUOTACTL, AMBIT_OP_KERNEL_QUOTA, cmds), int cmds)

#define KEYRING 0x00676e697279656bULL /* "keyring" */

static __always_inline const char *key_type(struct key *key)
{
	return BPF_CORE_READ(key, index_key.type, name);
}

/* The kernel creates missing keyrings by itself: no point of the map, but rules see them. */
static __always_inline int key_alloc_point(enum engine engine, struct key *key)
{
	const __u32 hook = AMBIT_HOOK_KEY_ALLOC;
	const char *type = key_type(key);
	__u64 head = 0;

	if (engine != ENGINE_RULES) {
		bpf_probe_read_kernel(&head, sizeof(head), type);
		if (head == KEYRING)
			return benign(engine, hook);
	}
	return word_point(engine, hook, AMBIT_OP_KEY_ADD, 0, type);
}

HOOK(key_alloc, ENGINE_FULL, key_alloc, rules_key, key_alloc_point(engine, key), struct key *key)

/* include/linux/key.h, enum key_need_perm */
#define KEY_NEED_READ 2
#define KEY_NEED_WRITE 3
#define KEY_NEED_SEARCH 4
#define KEY_NEED_LINK 5
#define KEY_NEED_SETATTR 6
#define KEY_SYSADMIN_OVERRIDE \
	8 /* root's second attempt to clear a keyring or to invalidate a key */

/* include/uapi/linux/keyctl.h */
#define KEYCTL_INVALIDATE 21
#define KEYCTL_PKEY_ENCRYPT 25
#define KEYCTL_PKEY_VERIFY 28

/*
 * Searching grants nothing, but keyctl(2) asks for no other permission to invalidate a key
 * and to compute with one. Command and key are read from the registers of the system call.
 * The keyrings in which the kernel searches for the key are asked for as well.
 */
static __always_inline __u32 search_kind(struct key *key)
{
	struct pt_regs *regs;
	__u32 number, command;
	int serial;
	bool compat;

	regs = call_registers(&number, &compat);
	if (!regs || (number & ~X32_BIT) != (compat ? 288 : 250))
		return 0;
	command = compat ? BPF_CORE_READ(regs, bx) : BPF_CORE_READ(regs, di);
	serial = compat ? BPF_CORE_READ(regs, cx) : BPF_CORE_READ(regs, si);
	if (serial > 0 && serial != BPF_CORE_READ(key, serial))
		return 0;
	if (command == KEYCTL_INVALIDATE)
		return AMBIT_KEY_WRITE;
	return command >= KEYCTL_PKEY_ENCRYPT && command <= KEYCTL_PKEY_VERIFY ? AMBIT_KEY_READ : 0;
}

/* Returns 0 for permissions that grant nothing. */
static __always_inline __u32 key_kind(struct key *key, int need)
{
	switch (need) {
	case KEY_NEED_SEARCH:
		return search_kind(key);
	case KEY_NEED_READ:
		return AMBIT_KEY_READ;
	case KEY_SYSADMIN_OVERRIDE:
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
 * The first argument of key_permission is a pointer to a type that is only declared,
 * so it is read by probe (verifier.bpf.h). Its lowest bit tells whether the task
 * possesses the key.
 */
static __always_inline struct key *key_argument(const unsigned long long *ctx)
{
	return (struct key *)(number_at(&ctx[0]) & ~1UL);
}

/*
 * The kernel itself uses keys in a task's system call, with other credentials and when its
 * cache has no answer (net/dns_resolver/dns_query.c, fs/nfs/nfs4idmap.c).
 */
static __always_inline bool by_the_kernel(void)
{
	struct task_struct *task = bpf_get_current_task_btf();

	return task->cred != task->real_cred;
}

static __always_inline int key_use(enum engine engine, struct key *key, int need)
{
	const __u32 hook = AMBIT_HOOK_KEY_PERMISSION;
	__u32 arg;

	if (engine == ENGINE_FULL) {
		if (likely(!full_label()))
			return 0;
		if (by_the_kernel())
			return benign(engine, hook);
	}
	arg = key_kind(key, need);
	return arg ? word_point(engine, hook, AMBIT_OP_KEY_USE, arg, key_type(key)) :
		     benign(engine, hook);
}

HOOK(key_permission, ENGINE_FULL, key_permission, rules_key_use,
     key_use(engine, key_argument(ctx), need), void *unread, const struct cred *cred, int need)
