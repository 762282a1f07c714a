/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The chain of executables that led to a task, for rules. It is stored for every
 * process of the host while rules are loaded, copied by fork and extended by exec. For
 * processes that are older than the rules, lineage_tasks builds it from their parents.
 *
 * A path that is not the host's, in a mount namespace of its own, is marked: evaluated on
 * the host's paths, it is the empty text (host_path.bpf.h).
 *
 * Fail mode: without memory a process has no chain, and no test of a chain matches. A
 * rule can test for this, and for paths that are too long: AMBIT_RULE_EXE_UNKNOWN.
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

/* Bytes kept of each end of a path that is too long, with an ellipsis between them. */
#define EXE_END ((AMBIT_EXE_MAX - 1 - 3) / 2)

static __always_inline void lineage_put_ends(struct ambit_lineage *lineage, __u32 at,
					     struct slot *slot)
{
	__u8 *text = lineage->exes[at];

	bpf_probe_read_kernel(text, EXE_END, &slot->bytes[slot->pos & OFFSET_MASK]);
	text[EXE_END] = 0xe2;
	text[EXE_END + 1] = 0x80;
	text[EXE_END + 2] = 0xa6;
	bpf_probe_read_kernel(text + EXE_END + 3, EXE_END, &slot->bytes[OBJECT_END - EXE_END]);
	lineage->lengths[at] = 2 * EXE_END + 3;
}

/* Stores the slot's object as executable number `at`; its ends if it is too long, nothing if it cannot be represented. */
static __always_inline void lineage_put(struct ambit_lineage *lineage, __u32 at, struct slot *slot)
{
	__u32 len = OBJECT_END - slot->pos;

	at &= AMBIT_CHAIN_MAX - 1;
	lineage->lengths[at] = 0;
	if (slot->status || len >= AMBIT_EXE_MAX) {
		lineage->unknown |= 1 << at;
		if (!slot->status)
			lineage_put_ends(lineage, at, slot);
		return;
	}
	barrier_var(len);
	len &= AMBIT_EXE_MAX - 1;
	bpf_probe_read_kernel(lineage->exes[at], len, &slot->bytes[slot->pos & OFFSET_MASK]);
	lineage->lengths[at] = len;
}

/* Marks executable number `at`, whose path is in the slot, if that path is not the host's. */
static __always_inline void lineage_mark(struct ambit_lineage *lineage, __u32 at, struct slot *slot)
{
	if (slot->dentry && host_path(slot) != HOST_SAME)
		lineage->foreign |= 1 << (at & (AMBIT_CHAIN_MAX - 1));
}

/* Puts the executed file in front of the chain. */
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
	lineage->foreign <<= 1;
	lineage->unknown <<= 1;
	lineage_put(lineage, 0, slot);
	if (lineage->count < AMBIT_CHAIN_MAX)
		lineage->count++;
	if (seen_elsewhere(slot))
		lineage_mark(lineage, 0, slot);
	lineage->generation[0] = 0;
	lineage->generation[1] = 0;
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
	slot->dentry = 0;
	if (!object_at(slot, bprm->file->f_path.dentry, bprm->file->f_path.mnt))
		slot->status = 1;
	lineage_push(bpf_get_current_task_btf(), slot);
	slot_put(slot);
}

/* At the start of an exec by a non-leader thread, which will be the leader: copies the process's chain. */
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
	/* Threads share the chain of their process. */
	lineage = lineage_of(parent->group_leader);
	if (!lineage)
		return 0;
	theirs = bpf_task_storage_get(&lineages, child, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (theirs)
		bpf_probe_read_kernel(theirs, sizeof(*theirs), lineage);
	return 0;
}

#endif /* AMBIT_LINEAGE_H */
