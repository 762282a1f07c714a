/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Tasks: labels over fork and exit, signals, ptrace, user and group ids,
 * capabilities.
 *
 *   task_alloc           the child's label, before it can run
 *   task_newtask         (a tracepoint) emits parent and child for a recording: at
 *                        task_alloc the child has no number yet
 *   sched_process_exit   (a tracepoint) removes the task from the domain's count; a
 *                        zombie performs no operation. Saves the trust of a leader for
 *                        the thread that replaces it by exec
 *   task_free            the same for a child that never ran
 *   task_kill            signals that a task sends, by relation to the target
 *   ptrace_access_check  reading and attaching, also through procfs
 *   ptrace_traceme
 *   task_fix_setuid      the new ids, and the resulting credentials
 *   task_fix_setgid
 *   capset               the resulting credentials
 *   capable              capabilities that commoncap, which runs first, has granted
 *
 * Fail mode: decide.bpf.h. Without memory for the label, the child is not created: an
 * unlabelled child would be unconfined.
 */

SEC("lsm/task_alloc")
int BPF_PROG(task_task_alloc, struct task_struct *task, unsigned long clone_flags, int ret)
{
	struct ambit_label *label, *child;
	struct ambit_domain_state *state;

	if (ret)
		return ret;
	if (!(clone_flags & CLONE_THREAD) && (trust_inherit(task, bpf_get_current_task_btf()) ||
					      lineage_inherit(task, bpf_get_current_task_btf())))
		return -EPERM;
	label = label_of(bpf_get_current_task_btf());
	if (!label)
		return 0;
	child = bpf_task_storage_get(&labels, task, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!child)
		return -EPERM;
	*child = *label;
	child->flags &= ~AMBIT_LABEL_SCRIPT;
	state = state_of(label);
	if (state)
		count(state->tasks);
	return 0;
}

SEC("tp_btf/task_newtask")
int BPF_PROG(task_forked, struct task_struct *task, unsigned long clone_flags)
{
	struct ambit_label *label = label_of(bpf_get_current_task_btf());
	struct draft draft = {
		.label = label,
		.op = AMBIT_OP_NAME,
		.hook = AMBIT_HOOK_TASK_ALLOC,
	};
	struct slot *slot;

	if (likely(!label) || !(label->flags & AMBIT_LABEL_RECORD) || clone_flags & CLONE_THREAD)
		return 0;
	draft.stat = stat_of(label, AMBIT_HOOK_TASK_ALLOC);
	if (!draft.stat)
		return 0;
	slot = slot_get();
	if (!slot) {
		count(draft.stat->emitted);
		count(draft.stat->lost);
		count(draft.stat->unrecorded);
		return 0;
	}
	slot->status = 0;
	slot->extra = task->tgid;
	slot->subject = label->subject;
	object_none(slot);
	emit_recorded(slot, &draft, AMBIT_EVENT_FORK);
	slot_put(slot);
	return 0;
}

/* Removes a task from its domain's count, once. */
static __always_inline void count_out(struct task_struct *task)
{
	struct ambit_label *label = label_of(task);
	struct ambit_domain_state *state;

	if (!label || label->flags & AMBIT_LABEL_EXITED)
		return;
	label->flags |= AMBIT_LABEL_EXITED;
	state = state_of(label);
	if (state)
		__sync_fetch_and_add(&state->tasks, -1);
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(task_exited, struct task_struct *task)
{
	count_out(task);
	trust_on_exit(task);
	return 0;
}

SEC("lsm/task_free")
void BPF_PROG(task_task_free, struct task_struct *task)
{
	count_out(task);
}

/* The object of an operation on another task: its relation to the current one. */
static __always_inline void object_relation(struct scope *scope, struct task_struct *other)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct ambit_label *label = scope->label, *theirs;
	struct slot *slot = scope->slot;
	__u8 relation = AMBIT_RELATION_OUTSIDE;

	if (scope->engine == ENGINE_RULES)
		label = label_of(task);
	if (other->tgid == task->tgid) {
		relation = AMBIT_RELATION_SELF;
	} else if (other->real_parent->tgid == task->tgid) {
		relation = AMBIT_RELATION_CHILD;
	} else {
		theirs = label_of(other);
		if (theirs && label && theirs->domain == label->domain)
			relation = AMBIT_RELATION_DOMAIN;
	}
	slot->pos = OBJECT_END - 2;
	put(slot, OBJECT_END - 2, AMBIT_KIND_RELATION);
	put(slot, OBJECT_END - 1, relation);
}

static __always_inline int relation_point(enum engine engine, __u32 hook, struct task_struct *other,
					  __u32 op, __u32 arg)
{
	struct scope scope;

	if (!enter(&scope, engine, hook))
		return outside(&scope);
	object_relation(&scope, other);
	decide_op(&scope, hook, op, arg);
	return leave(&scope);
}

#define SEND_SIG_PRIV 1UL /* include/linux/sched/signal.h: a signal of the kernel */

static __always_inline int kill_point(enum engine engine, struct task_struct *target,
				      struct kernel_siginfo *info, int sig)
{
	const __u32 hook = AMBIT_HOOK_TASK_KILL;

	if ((unsigned long)info == SEND_SIG_PRIV)
		return 0;
	/*
	 * A process may end itself without a signal, and a handler often repeats the signal that it
	 * got. Maps do not ask about either; rules do.
	 */
	if (engine != ENGINE_RULES && target->tgid == bpf_get_current_task_btf()->tgid)
		return benign(engine, hook);
	return relation_point(engine, hook, target, AMBIT_OP_TASK_SIGNAL, sig);
}

HOOK(task_kill, ENGINE_CORE, task_task_kill, rules_kill, ret ?: kill_point(engine, p, info, sig),
     struct task_struct *p, struct kernel_siginfo *info, int sig, const struct cred *cred, int ret)

static __always_inline int ptrace_point(enum engine engine, struct task_struct *child,
					unsigned int mode)
{
	const __u32 hook = AMBIT_HOOK_PTRACE_ACCESS_CHECK;

	/* fs/proc/array.c, do_task_stat: a refusal only hides fields of /proc/PID/stat. */
	if (mode & PTRACE_MODE_NOAUDIT && !(mode & PTRACE_MODE_ATTACH))
		return benign(engine, hook);
	return relation_point(engine, hook, child, AMBIT_OP_TASK_PTRACE,
			      mode & PTRACE_MODE_ATTACH ? AMBIT_PTRACE_ATTACH : AMBIT_PTRACE_READ);
}

HOOK(ptrace_access_check, ENGINE_CORE, task_ptrace_access, rules_ptrace,
     ret ?: ptrace_point(engine, child, mode), struct task_struct *child, unsigned int mode,
     int ret)

HOOK(ptrace_traceme, ENGINE_CORE, task_ptrace_traceme, rules_traceme,
     ret   ?:
	     relation_point(engine, AMBIT_HOOK_PTRACE_TRACEME, parent, AMBIT_OP_TASK_PTRACE,
			    AMBIT_PTRACE_TRACEME),
     struct task_struct *parent, int ret)

static __always_inline void object_ids(struct slot *slot, __u32 real, __u32 effective, __u32 saved)
{
	slot->pos = OBJECT_END - 13;
	put(slot, OBJECT_END - 13, AMBIT_KIND_IDS);
	*(__u32 *)&slot->bytes[OBJECT_END - 12] = real;
	*(__u32 *)&slot->bytes[OBJECT_END - 8] = effective;
	*(__u32 *)&slot->bytes[OBJECT_END - 4] = saved;
}

static __always_inline void object_creds(struct slot *slot, const struct cred *cred)
{
	struct task_struct *task = bpf_get_current_task_btf();
	__u64 caps = 0;

	/* As eight bytes: see kernel_cap_t in kernel.h. */
	bpf_probe_read_kernel(&caps, sizeof(caps), &cred->cap_effective);

	slot->pos = OBJECT_END - 18;
	put(slot, OBJECT_END - 18, AMBIT_KIND_CREDS);
	*(__u32 *)&slot->bytes[OBJECT_END - 17] = cred->euid.val;
	*(__u32 *)&slot->bytes[OBJECT_END - 13] = cred->egid.val;
	*(__u64 *)&slot->bytes[OBJECT_END - 9] = caps;
	/* PFA_NO_NEW_PRIVS is bit 0 (include/linux/sched.h). */
	put(slot, OBJECT_END - 1, task->atomic_flags & 1);
}

static __always_inline bool any_creds(struct slot *slot, struct ambit_label *label)
{
	struct ambit_fp key;

	object_none(slot);
	fingerprint(slot, slot->pos, OBJECT_END, AMBIT_OP_EXEC_CREDS, 1);
	key_of(slot, &key);
	return known(label, &key);
}

/* Decides credentials, as a point of the subject that will have them. */
static __always_inline void decide_creds(struct scope *scope, __u32 hook, const struct cred *cred)
{
	if (scope->verdict || any_creds(scope->slot, scope->label))
		return;
	object_creds(scope->slot, cred);
	decide_op(scope, hook, AMBIT_OP_EXEC_CREDS, 0);
}

#define LSM_SETID_FS 8 /* include/linux/security.h: setfsuid, setfsgid */

/*
 * The id that files are opened with, which only setfsuid and setfsgid change without the
 * effective one, stands in the effective one's place.
 */
static __always_inline __u32 effective_id(__u32 effective, __u32 fs, int flags)
{
	return flags == LSM_SETID_FS ? fs : effective;
}

static __always_inline int setuid_point(enum engine engine, const struct cred *new, int flags)
{
	const __u32 hook = AMBIT_HOOK_TASK_FIX_SETUID;
	struct scope scope;

	if (!enter(&scope, engine, hook))
		return outside(&scope);
	object_ids(scope.slot, new->uid.val, effective_id(new->euid.val, new->fsuid.val, flags),
		   new->suid.val);
	decide_op(&scope, hook, AMBIT_OP_TASK_SETUID, 0);
	if (engine != ENGINE_RULES)
		decide_creds(&scope, hook, new);
	return leave(&scope);
}

HOOK(task_fix_setuid, ENGINE_CORE, task_fix_setuid, rules_setuid,
     ret ?: setuid_point(engine, new, flags), struct cred *new, const struct cred *old, int flags,
     int ret)

static __always_inline int setgid_point(enum engine engine, const struct cred *new, int flags)
{
	const __u32 hook = AMBIT_HOOK_TASK_FIX_SETGID;
	struct scope scope;

	if (!enter(&scope, engine, hook))
		return outside(&scope);
	object_ids(scope.slot, new->gid.val, effective_id(new->egid.val, new->fsgid.val, flags),
		   new->sgid.val);
	decide_op(&scope, hook, AMBIT_OP_TASK_SETGID, 0);
	return leave(&scope);
}

HOOK(task_fix_setgid, ENGINE_CORE, task_fix_setgid, rules_setgid,
     ret ?: setgid_point(engine, new, flags), struct cred *new, const struct cred *old, int flags,
     int ret)

/* The map only: rules have no operation for this hook. */
SEC("lsm/capset")
int BPF_PROG(task_capset, struct cred *new, const struct cred *old)
{
	struct scope scope;

	if (!enter(&scope, ENGINE_CORE, AMBIT_HOOK_CAPSET))
		return outside(&scope);
	decide_creds(&scope, AMBIT_HOOK_CAPSET, new);
	return leave(&scope);
}

static __always_inline int capable_point(enum engine engine, int cap, unsigned int opts)
{
	/* The kernel chooses between two permitted ways; nothing is granted. */
	if (opts & CAP_OPT_NOAUDIT)
		return benign(engine, AMBIT_HOOK_CAPABLE);
	return plain_point(engine, AMBIT_HOOK_CAPABLE, AMBIT_OP_CAP_USE, cap);
}

HOOK(capable, ENGINE_CORE, cap_capable, rules_capable, ret ?: capable_point(engine, cap, opts),
     const struct cred *cred, struct user_namespace *ns, int cap, unsigned int opts, int ret)
