/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a task may do to others' priorities, limits and memory, and attributes of
 * its own process that matter.
 *
 *   task_setnice       A task's own, threads included, are its affair: libraries
 *   task_setscheduler  set them as they find the machine, and what would gain by it
 *   task_setioprio     asks for a capability
 *   task_setrlimit
 *   task_movememory
 *   task_prctl         few of its options; the others are the process' own affair
 *
 * Fail mode: decide.bpf.h.
 */

static __always_inline int other_point(__u32 hook, struct task_struct *other, __u32 op, __u32 arg)
{
	struct scope scope;

	if (other->tgid == bpf_get_current_task_btf()->tgid)
		return benign(hook);
	if (!enter_full(&scope, hook))
		return scope.verdict ? -EPERM : 0;
	object_relation(scope.slot, scope.label, other);
	decide_op(&scope, hook, op, arg);
	return leave(&scope);
}

SEC("lsm/task_setnice")
int BPF_PROG(task_setnice, struct task_struct *p)
{
	return other_point(AMBIT_HOOK_TASK_SETNICE, p, AMBIT_OP_TASK_NICE, 0);
}

SEC("lsm/task_setscheduler")
int BPF_PROG(task_setsched, struct task_struct *p)
{
	return other_point(AMBIT_HOOK_TASK_SETSCHEDULER, p, AMBIT_OP_TASK_SCHEDULER, 0);
}

SEC("lsm/task_setioprio")
int BPF_PROG(task_setioprio, struct task_struct *p)
{
	return other_point(AMBIT_HOOK_TASK_SETIOPRIO, p, AMBIT_OP_TASK_IOPRIO, 0);
}

SEC("lsm/task_setrlimit")
int BPF_PROG(task_setrlimit, struct task_struct *p, unsigned int resource)
{
	return other_point(AMBIT_HOOK_TASK_SETRLIMIT, p, AMBIT_OP_TASK_RLIMIT, resource);
}

SEC("lsm/task_movememory")
int BPF_PROG(task_movemem, struct task_struct *p)
{
	return other_point(AMBIT_HOOK_TASK_MOVEMEMORY, p, AMBIT_OP_TASK_MEMORY, 0);
}

/* include/uapi/linux/prctl.h */
#define PR_SET_DUMPABLE 4
#define PR_SET_KEEPCAPS 8
#define PR_SET_SECUREBITS 28
#define PR_SET_MM 35
#define PR_CAP_AMBIENT 47
#define PR_CAP_AMBIENT_RAISE 2
#define PR_SET_PTRACER 0x59616d61

/* 0 for what is the process' own affair. */
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

/* To answer 0 leaves the option to whoever knows it: the hook's own default is -ENOSYS. */
SEC("lsm/task_prctl")
int BPF_PROG(task_prctl, int option, unsigned long arg2)
{
	const __u32 hook = AMBIT_HOOK_TASK_PRCTL;
	__u32 arg = prctl_kind(option, arg2);

	return arg ? plain_point(hook, AMBIT_OP_TASK_PRCTL, arg) : benign(hook);
}
