/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * An iterator over all tasks for the operator: lists labels, or changes the trust of one
 * process, labelled or not, with all its threads. Decides nothing.
 */

/* Too large for the stack. The lock of `requests` protects it. */
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
	struct ambit_request *request;
	struct ambit_label *label;
	struct ambit_trust *trust;
	struct task_answer *found;
	__u32 zero = 0;
	bool leads;

	if (!task)
		return 0;
	request = bpf_map_lookup_elem(&requests, &zero);
	found = bpf_map_lookup_elem(&task_answers, &zero);
	if (!request || !found)
		return 0;
	leads = task->pid == task->tgid;
	if (request->kind != AMBIT_REQUEST_LIST && task->tgid != request->tgid)
		return 0;
	if (request->start_ns && task->group_leader->start_boottime != request->start_ns)
		return 0;
	label = bpf_task_storage_get(&labels, task, NULL, 0);
	/* Includes pending losses and tap reports, so that a clear removes them as well. */
	if (leads && clock_now())
		trust_collect(task);
	trust = bpf_task_storage_get(&trusts, task, NULL, 0);
	if (request->kind == AMBIT_REQUEST_LIST && !label && !(leads && trust && trust->bits))
		return 0;
	if (request->kind == AMBIT_REQUEST_SET) {
		struct trust_why why = {
			.bits = request->bits,
			.seconds = request->seconds,
			.hook = AMBIT_HOOK_COUNT,
			.how = AMBIT_TRUST_BY_OPERATOR,
		};

		if (leads)
			trust_lower(task, &why);
		if (label && !label->trust) {
			label->cause.time_ns = bpf_ktime_get_boot_ns();
			label->cause.key.lo = 0;
			label->cause.key.hi = 0;
			label->cause.tgid = request->tgid;
			label->cause.arg = 0;
			label->cause.op = 0;
			label->cause.hook = AMBIT_HOOK_COUNT;
			label->cause.source = AMBIT_TRUST_OPERATOR;
		}
		if (label)
			__sync_fetch_and_or(&label->trust, request->bits);
	} else if (request->kind == AMBIT_REQUEST_CLEAR) {
		if (trust)
			__sync_fetch_and_and(&trust->bits, ~request->bits);
		trust = leads ? exited_leader_of(task) : NULL;
		if (trust)
			__sync_fetch_and_and(&trust->bits, ~request->bits);
		if (label)
			__sync_fetch_and_and(&label->trust, ~request->bits);
	}
	/* A non-leader thread has at most a copy, made for its exec. */
	trust = leads ? bpf_task_storage_get(&trusts, task, NULL, 0) : NULL;
	__builtin_memset(&found->task.label, 0, sizeof(found->task.label));
	found->task.trust.bits = 0;
	found->task.tgid = task->tgid;
	found->task.tid = task->pid;
	found->task.start_ns = task->start_boottime;
	bpf_probe_read_kernel(found->task.comm, sizeof(found->task.comm), task->comm);
	if (label)
		found->task.label = *label;
	if (trust)
		bpf_probe_read_kernel(&found->task.trust, sizeof(*trust), trust);
	bpf_seq_write(ctx->meta->seq, &found->task, sizeof(found->task));
	return 0;
}
