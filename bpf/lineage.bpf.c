/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Chains of the tasks that ran before rules were loaded, from their parents as they are. */
SEC("iter/task")
int lineage_tasks(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task, *at = task;
	struct ambit_lineage *lineage;
	struct slot *slot;
	__u32 i;

	if (!task || task->pid != task->tgid || lineage_of(task))
		return 0;
	lineage = bpf_task_storage_get(&lineages, task, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
	slot = slot_get();
	if (!lineage || !slot)
		goto out;
	for (i = 0; i < AMBIT_CHAIN_MAX; i++) {
		struct file *exe = BPF_CORE_READ(at, mm, exe_file);

		if (!exe)
			break;
		slot->status = 0;
		/* As seen in the namespace of the process that executed it. */
		slot->ns = (unsigned long)BPF_CORE_READ(at, nsproxy, mnt_ns);
		slot->root_mnt = 0;
		walk_outcome(slot,
			     walk_from(slot, BPF_CORE_READ(exe, f_path.dentry),
				       BPF_CORE_READ(exe, f_path.mnt), OBJECT_END),
			     AMBIT_KIND_PATH);
		lineage_put(lineage, i, slot);
		lineage->count = i + 1;
		if (!is_hosts((void *)slot->ns))
			lineage_mark(lineage, i, slot);
		at = BPF_CORE_READ(at, real_parent);
	}
out:
	if (slot)
		slot_put(slot);
	return 0;
}
