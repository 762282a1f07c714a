/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The executables that led to a task, for rules: kept for every task of the host
 * while rules are loaded, handed down by fork and moved on by exec. A task that ran
 * before has what lineage_tasks made of its parents.
 *
 * Fail mode: where memory is short a task has no chain, and no test of one holds.
 */
#ifndef AMBIT_LINEAGE_H
#define AMBIT_LINEAGE_H

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct ambit_lineage);
} lineages SEC(".maps");

static __always_inline struct ambit_lineage *lineage_of(struct task_struct *task)
{
	return bpf_task_storage_get(&lineages, task, NULL, 0);
}

/* The object in the slot becomes number `at`; what is too long is left out. */
static __always_inline void lineage_put(struct ambit_lineage *lineage, __u32 at, struct slot *slot)
{
	__u32 len = OBJECT_END - slot->pos;

	at &= AMBIT_CHAIN_MAX - 1;
	lineage->lengths[at] = 0;
	if (slot->status || len >= AMBIT_EXE_MAX)
		return;
	barrier_var(len);
	len &= AMBIT_EXE_MAX - 1;
	bpf_probe_read_kernel(lineage->exes[at], len, &slot->bytes[slot->pos & OFFSET_MASK]);
	lineage->lengths[at] = len;
}

/* The file that is executed, before the task is anything else. */
static __noinline int lineage_push(struct task_struct *task, struct slot *slot)
{
	struct ambit_lineage *lineage;
	__u32 i;

	lineage = bpf_task_storage_get(&lineages, task, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!lineage)
		return 0;
	for (i = AMBIT_CHAIN_MAX - 1; i > 0; i--) {
		lineage->lengths[i] = lineage->lengths[i - 1];
		__builtin_memcpy(lineage->exes[i], lineage->exes[i - 1], AMBIT_EXE_MAX);
	}
	lineage_put(lineage, 0, slot);
	if (lineage->count < AMBIT_CHAIN_MAX)
		lineage->count++;
	lineage->generation = 0;
	return 0;
}

static __always_inline void lineage_exec(struct linux_binprm *bprm)
{
	struct slot *slot;

	if (likely(!*(volatile __u64 *)&shared.lineages))
		return;
	slot = slot_get();
	if (!slot)
		return;
	slot->status = 0;
	slot->pos = OBJECT_END;
	if (!object_at(slot, bprm->file->f_path.dentry, bprm->file->f_path.mnt))
		slot->status = 1;
	lineage_push(bpf_get_current_task_btf(), slot);
	slot_put(slot);
}

/* A thread that is not the leader will be it once its exec is committed: its chain is that of its process. */
static __always_inline void lineage_copy_at_exec(struct task_struct *task)
{
	struct ambit_lineage *lineage, *own;

	if (likely(!*(volatile __u64 *)&shared.lineages) || likely(task->pid == task->tgid))
		return;
	lineage = lineage_of(task->group_leader);
	if (!lineage)
		return;
	own = bpf_task_storage_get(&lineages, task, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (own)
		bpf_probe_read_kernel(own, sizeof(*own), lineage);
}

static __always_inline int lineage_inherit(struct task_struct *child, struct task_struct *parent)
{
	struct ambit_lineage *lineage, *theirs;

	if (likely(!*(volatile __u64 *)&shared.lineages))
		return 0;
	/* Of the process; threads have none of their own. */
	lineage = lineage_of(parent->group_leader);
	if (!lineage)
		return 0;
	theirs = bpf_task_storage_get(&lineages, child, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (theirs)
		bpf_probe_read_kernel(theirs, sizeof(*theirs), lineage);
	return 0;
}

#endif /* AMBIT_LINEAGE_H */
