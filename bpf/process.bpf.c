/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Changes to the priority, limits and memory of other processes, and to attributes of
 * the task's own process that weaken its confinement.
 *
 *   task_setnice       Changes within the own process are benign: libraries choose
 *   task_setscheduler  them by the machine they run on, and raising a priority
 *   task_setioprio     requires a capability
 *   task_setrlimit     At core coverage: RLIMIT_CPU kills like a signal
 *   task_movememory
 *   task_prctl         the options listed below; the others are benign
 *   task_alloc         clone3 into another cgroup
 *
 * Fail mode: decide.bpf.h.
 */

static __always_inline int other_point(enum engine engine, __u32 hook, struct task_struct *other,
				       __u32 op, __u32 arg)
{
	struct scope scope;

	if (other->tgid == bpf_get_current_task_btf()->tgid)
		return benign(engine, hook);
	if (!enter(&scope, engine, hook))
		return outside(&scope);
	object_relation(&scope, other);
	decide_op(&scope, hook, op, arg);
	return leave(&scope);
}

HOOK(task_setnice, ENGINE_FULL, task_setnice, rules_nice,
     other_point(engine, AMBIT_HOOK_TASK_SETNICE, p, AMBIT_OP_TASK_NICE, 0), struct task_struct *p)

HOOK(task_setscheduler, ENGINE_FULL, task_setsched, rules_scheduler,
     other_point(engine, AMBIT_HOOK_TASK_SETSCHEDULER, p, AMBIT_OP_TASK_SCHEDULER, 0),
     struct task_struct *p)

HOOK(task_setioprio, ENGINE_FULL, task_setioprio, rules_ioprio,
     other_point(engine, AMBIT_HOOK_TASK_SETIOPRIO, p, AMBIT_OP_TASK_IOPRIO, 0),
     struct task_struct *p)

HOOK(task_setrlimit, ENGINE_CORE, task_setrlimit, rules_rlimit,
     ret ?: other_point(engine, AMBIT_HOOK_TASK_SETRLIMIT, p, AMBIT_OP_TASK_RLIMIT, resource),
     struct task_struct *p, unsigned int resource, void *limit, int ret)

HOOK(task_movememory, ENGINE_FULL, task_movemem, rules_memory,
     other_point(engine, AMBIT_HOOK_TASK_MOVEMEMORY, p, AMBIT_OP_TASK_MEMORY, 0),
     struct task_struct *p)

/* include/uapi/linux/prctl.h */
#define PR_SET_DUMPABLE 4
#define PR_SET_KEEPCAPS 8
#define PR_SET_SECUREBITS 28
#define PR_SET_MM 35
#define PR_CAP_AMBIENT 47
#define PR_CAP_AMBIENT_RAISE 2
#define PR_SET_PTRACER 0x59616d61

/* Returns 0 for options that concern only the process itself. */
static __always_inline __u32 prctl_kind(int option, unsigned long arg2)
{
	switch (option) {
	case PR_SET_DUMPABLE:
		return AMBIT_PRCTL_DUMPABLE;
	case PR_SET_KEEPCAPS:
		return AMBIT_PRCTL_KEEPCAPS;
	case PR_SET_SECUREBITS:
		return AMBIT_PRCTL_SECUREBITS;
	case PR_SET_MM:
		return AMBIT_PRCTL_MM;
	case PR_SET_PTRACER:
		return AMBIT_PRCTL_PTRACER;
	case PR_CAP_AMBIENT:
		if (arg2 == PR_CAP_AMBIENT_RAISE)
			return AMBIT_PRCTL_AMBIENT;
		break;
	}
	return 0;
}

/* 0 lets the kernel continue with the option; the hook's own default is -ENOSYS. */
static __always_inline int prctl_point(enum engine engine, __u32 arg)
{
	return arg ? plain_point(engine, AMBIT_HOOK_TASK_PRCTL, AMBIT_OP_TASK_PRCTL, arg) :
		     benign(engine, AMBIT_HOOK_TASK_PRCTL);
}

/* include/uapi/linux/sched.h */
#define CLONE_INTO_CGROUP 0x200000000UL

/* clone3 may start the child in another cgroup; which one, the hook does not tell. */
static __always_inline int clone_point(enum engine engine, unsigned long clone_flags)
{
	if (likely(!(clone_flags & CLONE_INTO_CGROUP)))
		return 0;
	if (engine == ENGINE_CORE && !full_label())
		return 0;
	return plain_point(engine, AMBIT_HOOK_TASK_ALLOC, AMBIT_OP_TASK_PRCTL, AMBIT_PRCTL_CGROUP);
}

HOOK(task_alloc, ENGINE_CORE, task_into_cgroup, rules_clone,
     ret ?: clone_point(engine, clone_flags), struct task_struct *task, unsigned long clone_flags,
     int ret)

HOOK(task_prctl, ENGINE_FULL, task_prctl, rules_prctl,
     prctl_point(engine, prctl_kind(option, arg2)), int option, unsigned long arg2)
