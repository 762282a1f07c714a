/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Tasks: labels over fork and exit, signals, ptrace, user and group ids,
 * capabilities.
 *
 *   task_alloc           the child's label, before it can run
 *   task_newtask         (a tracepoint) for a recording, which process made which: at
 *                        task_alloc the child has no number yet
 *   sched_process_exit   (a tracepoint) counts the task out of its domain; a zombie
 *                        that nobody waits for does nothing any more. What a leader
 *                        lost goes to the thread that takes its place by exec
 *   task_free            the same for a child that never ran
 *   task_kill            signals that a task sends, by relation to the target
 *   ptrace_access_check  reading and attaching; procfs asks here as well
 *   ptrace_traceme
 *   task_fix_setuid      the ids asked for, and the credentials they lead to
 *   task_fix_setgid
 *   capset               the credentials it leads to
 *   capable              capabilities used with success so far: commoncap is asked first
 *
 * Fail mode: decide.bpf.h. A child that gets no label because memory is short
 * is not created: an unlabelled child would be free.
 */

SEC("lsm/task_alloc")
int BPF_PROG(task_task_alloc, struct task_struct *task, unsigned long clone_flags, int ret)
{
	struct ambit_label *label, *child;
	struct ambit_domain_state *state;
	__u32 id;

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
	id = label->domain;
	state = bpf_map_lookup_elem(&domain_states, &id);
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

/* Count a task out of its domain, once. */
static __always_inline void count_out(struct task_struct *task)
{
	struct ambit_label *label = label_of(task);
	struct ambit_domain_state *state;
	__u32 id;

	if (!label || label->flags & AMBIT_LABEL_EXITED)
		return;
	label->flags |= AMBIT_LABEL_EXITED;
	id = label->domain;
	state = bpf_map_lookup_elem(&domain_states, &id);
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

static __always_inline void object_relation(struct slot *slot, struct ambit_label *label,
					    struct task_struct *other)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct ambit_label *theirs;
	__u8 relation = AMBIT_RELATION_OUTSIDE;

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

static __always_inline int relation_point(__u32 hook, struct task_struct *other, __u32 op,
					  __u32 arg)
{
	struct scope scope;

	if (!enter(&scope, hook))
		return scope.verdict ? -EPERM : 0;
	object_relation(scope.slot, scope.label, other);
	decide_op(&scope, hook, op, arg);
	return leave(&scope);
}

SEC("lsm/task_kill")
int BPF_PROG(task_task_kill, struct task_struct *p, struct kernel_siginfo *info, int sig,
	     const struct cred *cred, int ret)
{
	if (ret)
		return ret;
	/* SEND_SIG_NOINFO is 0 and SEND_SIG_PRIV is 1: the kernel's own signals. */
	if ((unsigned long)info == 1)
		return 0;
	return relation_point(AMBIT_HOOK_TASK_KILL, p, AMBIT_OP_TASK_SIGNAL, sig);
}

SEC("lsm/ptrace_access_check")
int BPF_PROG(task_ptrace_access, struct task_struct *child, unsigned int mode, int ret)
{
	struct ambit_label *label;

	if (ret)
		return ret;
	if (mode & PTRACE_MODE_NOAUDIT && !(mode & PTRACE_MODE_ATTACH)) {
		/* "May I show this?": a refusal only hides fields of /proc/PID/stat. */
		label = label_of(bpf_get_current_task_btf());
		if (label)
			skip(label, AMBIT_HOOK_PTRACE_ACCESS_CHECK, AMBIT_SKIP_BENIGN);
		return 0;
	}
	return relation_point(AMBIT_HOOK_PTRACE_ACCESS_CHECK, child, AMBIT_OP_TASK_PTRACE,
			      mode & PTRACE_MODE_ATTACH ? AMBIT_PTRACE_ATTACH : AMBIT_PTRACE_READ);
}

SEC("lsm/ptrace_traceme")
int BPF_PROG(task_ptrace_traceme, struct task_struct *parent, int ret)
{
	if (ret)
		return ret;
	return relation_point(AMBIT_HOOK_PTRACE_TRACEME, parent, AMBIT_OP_TASK_PTRACE,
			      AMBIT_PTRACE_TRACEME);
}

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

	/* Two u32 before 6.3, one u64 since: the same eight bytes. */
	bpf_probe_read_kernel(&caps, sizeof(caps), &cred->cap_effective);

	slot->pos = OBJECT_END - 18;
	put(slot, OBJECT_END - 18, AMBIT_KIND_CREDS);
	*(__u32 *)&slot->bytes[OBJECT_END - 17] = cred->euid.val;
	*(__u32 *)&slot->bytes[OBJECT_END - 13] = cred->egid.val;
	*(__u64 *)&slot->bytes[OBJECT_END - 9] = caps;
	/* PFA_NO_NEW_PRIVS is bit 0. */
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

/* Credentials are a point of the subject that will run with them. */
static __always_inline void decide_creds(struct scope *scope, __u32 hook, const struct cred *cred)
{
	if (scope->verdict || any_creds(scope->slot, scope->label))
		return;
	object_creds(scope->slot, cred);
	decide_op(scope, hook, AMBIT_OP_EXEC_CREDS, 0);
}

SEC("lsm/task_fix_setuid")
int BPF_PROG(task_fix_setuid, struct cred *new, const struct cred *old, int flags, int ret)
{
	struct scope scope;

	if (ret)
		return ret;
	if (!enter(&scope, AMBIT_HOOK_TASK_FIX_SETUID))
		return scope.verdict ? -EPERM : 0;
	object_ids(scope.slot, new->uid.val, new->euid.val, new->suid.val);
	decide_op(&scope, AMBIT_HOOK_TASK_FIX_SETUID, AMBIT_OP_TASK_SETUID, 0);
	decide_creds(&scope, AMBIT_HOOK_TASK_FIX_SETUID, new);
	return leave(&scope);
}

SEC("lsm/task_fix_setgid")
int BPF_PROG(task_fix_setgid, struct cred *new, const struct cred *old, int flags, int ret)
{
	struct scope scope;

	if (ret)
		return ret;
	if (!enter(&scope, AMBIT_HOOK_TASK_FIX_SETGID))
		return scope.verdict ? -EPERM : 0;
	object_ids(scope.slot, new->gid.val, new->egid.val, new->sgid.val);
	decide_op(&scope, AMBIT_HOOK_TASK_FIX_SETGID, AMBIT_OP_TASK_SETGID, 0);
	return leave(&scope);
}

SEC("lsm/capset")
int BPF_PROG(task_capset, struct cred *new, const struct cred *old)
{
	struct scope scope;

	if (!enter(&scope, AMBIT_HOOK_CAPSET))
		return scope.verdict ? -EPERM : 0;
	decide_creds(&scope, AMBIT_HOOK_CAPSET, new);
	return leave(&scope);
}

SEC("lsm/capable")
int BPF_PROG(cap_capable, const struct cred *cred, struct user_namespace *ns, int cap,
	     unsigned int opts, int ret)
{
	struct ambit_label *label;
	struct scope scope;

	if (ret)
		return ret;
	if (opts & CAP_OPT_NOAUDIT) {
		/* The kernel asks to choose between two lawful ways, not to grant. */
		label = label_of(bpf_get_current_task_btf());
		if (label)
			skip(label, AMBIT_HOOK_CAPABLE, AMBIT_SKIP_BENIGN);
		return 0;
	}
	if (!enter(&scope, AMBIT_HOOK_CAPABLE))
		return scope.verdict ? -EPERM : 0;
	object_none(scope.slot);
	decide_op(&scope, AMBIT_HOOK_CAPABLE, AMBIT_OP_CAP_USE, cap);
	return leave(&scope);
}
