/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The operator's view of labels: an iterator over all tasks that lists them or
 * changes the trust of one process, labelled or not, all of its threads included.
 * Decides nothing.
 */

/* Too large for the stack; its user holds the lock of `requests`. */
struct task_answer {
	struct ambit_task task;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct task_answer);
} task_answers SEC(".maps");

SEC("iter/task")
int trust_tasks(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct ambit_request *r;
	struct ambit_label *l;
	struct ambit_trust *t;
	struct task_answer *answer;
	__u32 zero = 0;
	bool leads;

	if (!task)
		return 0;
	r = bpf_map_lookup_elem(&requests, &zero);
	answer = bpf_map_lookup_elem(&task_answers, &zero);
	if (!r || !answer)
		return 0;
	leads = task->pid == task->tgid;
	if (r->ask != AMBIT_ASK_LIST && task->tgid != r->tgid)
		return 0;
	if (r->start_ns && task->group_leader->start_boottime != r->start_ns)
		return 0;
	l = bpf_task_storage_get(&labels, task, NULL, 0);
	/* What was said of it and not taken in yet counts, and is cleared with the rest. */
	if (leads && clock_now())
		trust_take(task);
	t = bpf_task_storage_get(&trusts, task, NULL, 0);
	if (r->ask == AMBIT_ASK_LIST && !l && !(leads && t && t->bits))
		return 0;
	if (r->ask == AMBIT_ASK_SET) {
		struct trust_why why = {
			.bits = r->bits,
			.seconds = r->seconds,
			.hook = AMBIT_HOOK_COUNT,
			.how = AMBIT_TRUST_BY_OPERATOR,
		};

		if (leads)
			trust_lower(task, &why);
		if (l && !l->trust) {
			l->cause.time_ns = bpf_ktime_get_boot_ns();
			l->cause.key.lo = 0;
			l->cause.key.hi = 0;
			l->cause.tgid = r->tgid;
			l->cause.arg = 0;
			l->cause.op = 0;
			l->cause.hook = AMBIT_HOOK_COUNT;
			l->cause.source = AMBIT_TRUST_OPERATOR;
		}
		if (l)
			__sync_fetch_and_or(&l->trust, r->bits);
	} else if (r->ask == AMBIT_ASK_CLEAR) {
		if (t)
			__sync_fetch_and_and(&t->bits, ~r->bits);
		t = leads ? legacy_of(task) : NULL;
		if (t)
			__sync_fetch_and_and(&t->bits, ~r->bits);
		if (l)
			__sync_fetch_and_and(&l->trust, ~r->bits);
	}
	/* Another thread's is a copy, for when it takes the leader's place. */
	t = leads ? bpf_task_storage_get(&trusts, task, NULL, 0) : NULL;
	__builtin_memset(&answer->task.label, 0, sizeof(answer->task.label));
	answer->task.trust.bits = 0;
	answer->task.tgid = task->tgid;
	answer->task.tid = task->pid;
	answer->task.start_ns = task->start_boottime;
	bpf_probe_read_kernel(answer->task.comm, sizeof(answer->task.comm), task->comm);
	if (l)
		answer->task.label = *l;
	if (t)
		bpf_probe_read_kernel(&answer->task.trust, sizeof(*t), t);
	bpf_seq_write(ctx->meta->seq, &answer->task, sizeof(answer->task));
	return 0;
}
