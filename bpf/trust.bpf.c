/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The operator's view of labels: an iterator over all tasks that lists them or
 * changes the trust of one process, all of its threads included. Decides nothing.
 */

SEC("iter/task")
int trust_tasks(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct ambit_request *r;
	struct ambit_label *l;
	struct ambit_task t = {};
	__u32 zero = 0;

	if (!task)
		return 0;
	l = bpf_task_storage_get(&labels, task, NULL, 0);
	r = bpf_map_lookup_elem(&requests, &zero);
	if (!l || !r)
		return 0;
	if (r->ask != AMBIT_ASK_LIST && task->tgid != r->tgid)
		return 0;
	if (r->ask == AMBIT_ASK_SET) {
		if (!l->trust) {
			l->cause.time_ns = bpf_ktime_get_boot_ns();
			l->cause.key.lo = 0;
			l->cause.key.hi = 0;
			l->cause.tgid = r->tgid;
			l->cause.arg = 0;
			l->cause.op = 0;
			l->cause.hook = AMBIT_HOOK_COUNT;
			l->cause.source = r->bit;
		}
		__sync_fetch_and_or(&l->trust, 1U << (r->bit & 31));
	} else if (r->ask == AMBIT_ASK_CLEAR) {
		l->trust = 0;
	}
	t.tgid = task->tgid;
	t.tid = task->pid;
	bpf_probe_read_kernel(t.comm, sizeof(t.comm), task->comm);
	t.label = *l;
	bpf_seq_write(ctx->meta->seq, &t, sizeof(t));
	return 0;
}
