/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Evaluates rules and performs their actions.
 *
 * A hook that a rule names has a program for rules, which runs before the map's (the
 * kernel runs the last attached program first). It builds the same object, runs
 * automata over the texts that the hook's rules read, and calls rules_a() or rules_b():
 * stand-ins that user space replaces by the compiled rules (BPF_PROG_TYPE_EXT). The
 * parity of the generation in rule_states selects one of the two, so a single write
 * replaces the rules of all hooks.
 *
 * Fail mode: without a scratch slot or an automaton, rules cannot be evaluated. It is
 * counted (rule_failures), and refused if any rule of the hook denies or kills.
 */
#ifndef AMBIT_RULES_H
#define AMBIT_RULES_H

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, struct ambit_rule_set);
} rule_sets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2 * AMBIT_HOOKS);
	__type(key, __u32);
	__type(value, struct ambit_rule_hook);
} rule_hooks SEC(".maps");

struct rule_automaton {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__uint(value_size, sizeof(struct ambit_rule_automaton));
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 2 * AMBIT_RULE_SLOTS);
	__type(key, __u32);
	__array(values, struct rule_automaton);
} rule_automata SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2 * AMBIT_RULE_MAX);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct ambit_rule_count);
} rule_counts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, AMBIT_HOOKS);
	__type(key, __u32);
	__type(value, __u64);
} rule_failures SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
} rule_ring SEC(".maps");

/*
 * A stand-in that user space replaces. It must use its argument, or the kernel refuses
 * the replacement, and return a value that clang cannot compute.
 */
#define REPLACED(name)                                 \
	__noinline int name(struct ambit_facts *facts) \
	{                                              \
		volatile int none = 0;                 \
                                                       \
		return facts ? none : 0;               \
	}

/* The rules of a generation. */
REPLACED(rules_a)
REPLACED(rules_b)

/* Texts other than the object are built at the start of the slot's bytes, up to here. */
#define TEXT_END 1024

/*
 * Prefilter. Returns the set of context fields (expensive texts: chain, comm, cgroup,
 * domain) needed by rules that may still match; 0 if no rule can match regardless of
 * those fields.
 */
REPLACED(prefilter_a)
REPLACED(prefilter_b)

/* Path program, for files: see AMBIT_PATH_PROGRAM_PATH. */
REPLACED(path_program_a)
REPLACED(path_program_b)

/* Answer of a path program that could not exclude any rule. */
#define PATH_PROGRAM_ALL (AMBIT_PATH_PROGRAM_PRESENT - 1)

struct text_loop {
	struct ambit_rule_automaton *automaton;
	struct slot *slot;
	__u64 *match; /* the automaton's */
	__u32 pos;
	__u32 end;
	__u32 state;
};

static __always_inline void match_add(struct text_loop *loop, __u32 row)
{
	__u64 *match = loop->match;

	barrier_var(row);
	row &= AMBIT_RULE_ROWS - 1;
	match[0] |= loop->automaton->rows[row][0];
	match[1] |= loop->automaton->rows[row][1];
	match[2] |= loop->automaton->rows[row][2];
	match[3] |= loop->automaton->rows[row][3];
}

/* Bytes that one step reads. */
#define TEXT_BYTES 16
#define TEXT_HEAD 8

/* Reads `count` bytes from a state below 65536. Entry 0 of a state is its row; classes begin at 1. */
static __always_inline __u64 text_bytes(struct text_loop *loop, __u64 state, __u8 *bytes,
					__u32 count, bool marks)
{
	struct ambit_rule_automaton *automaton = loop->automaton;
	__u32 k;

#pragma unroll
	for (k = 0; k < count; k++) {
		/* Keeps clang from loading all bytes first, for which it has no registers. */
		barrier_var(bytes);
		state = automaton->next[state + automaton->classes[bytes[k]]];
		if (marks && state >= automaton->marking)
			match_add(loop, automaton->next[state] + 1);
	}
	return state;
}

/* A sink leads to itself, so the remaining bytes of a step do not matter. */
static __always_inline long text_walk(struct text_loop *loop, bool marks)
{
	__u32 pos = loop->pos, left = loop->end - pos;
	__u64 state = loop->state & 0xffff;
	__u8 *bytes;

	barrier_var(pos);
	bytes = &loop->slot->bytes[pos & OFFSET_MASK];
	if (left >= TEXT_BYTES) {
		loop->state = text_bytes(loop, state, bytes, TEXT_BYTES, marks);
		loop->pos = pos + TEXT_BYTES;
		return left == TEXT_BYTES || loop->state < loop->automaton->sinks;
	}
	if (left & 8) {
		state = text_bytes(loop, state, bytes, 8, marks);
		bytes += 8;
	}
	if (left & 4) {
		state = text_bytes(loop, state, bytes, 4, marks);
		bytes += 4;
	}
	if (left & 2) {
		state = text_bytes(loop, state, bytes, 2, marks);
		bytes += 2;
	}
	if (left & 1)
		state = text_bytes(loop, state, bytes, 1, marks);
	loop->state = state;
	return 1;
}

static long text_step(__u32 i, struct text_loop *loop)
{
	return text_walk(loop, false);
}

static long mark_step(__u32 i, struct text_loop *loop)
{
	return text_walk(loop, true);
}

/* Reads the first bytes. True if they decide, as in most automata that search for no substring. */
static __always_inline bool text_head(struct text_loop *loop)
{
	__u32 pos = loop->pos;

	if (loop->end - pos < TEXT_HEAD)
		return false;
	barrier_var(pos);
	loop->state = text_bytes(loop, loop->state & 0xffff, &loop->slot->bytes[pos & OFFSET_MASK],
				 TEXT_HEAD, false);
	loop->pos = pos + TEXT_HEAD;
	return loop->state < loop->automaton->sinks;
}

/* Automata of one text, in one half of the maps. */
struct text_run {
	__u32 half;
	__u32 first;
	__u32 count;
	__u32 text; /* the part of `match` that they fill */
	__u32 from;
	__u32 to;
};

static __always_inline void *automaton_at(__u32 half, __u32 number)
{
	__u32 zero = 0, id = half * AMBIT_RULE_SLOTS + (number & (AMBIT_RULE_SLOTS - 1));
	void *inner = bpf_map_lookup_elem(&rule_automata, &id);

	return inner ? bpf_map_lookup_elem(inner, &zero) : NULL;
}

static __always_inline int text_one(struct slot *slot, struct text_run *run, __u32 i)
{
	struct text_loop loop = { .slot = slot, .pos = run->from, .end = run->to };
	__u32 text = run->text;

	loop.automaton = automaton_at(run->half, run->first + i);
	if (!loop.automaton || text >= AMBIT_RULE_TEXTS)
		return -1;
	loop.match = &slot->facts.match[text][i * AMBIT_RULE_WORDS];
	loop.match[0] = 0;
	loop.match[1] = 0;
	loop.match[2] = 0;
	loop.match[3] = 0;
	loop.state = loop.automaton->start;
	/* Two loops: automata without marking states need no test for each byte. */
	if (loop.automaton->marking)
		bpf_loop((OFFSET_MASK + 1) / TEXT_BYTES, mark_step, &loop, 0);
	else if (!text_head(&loop))
		bpf_loop((OFFSET_MASK + 1) / TEXT_BYTES, text_step, &loop, 0);
	match_add(&loop, loop.automaton->next[loop.state & 0xffff]);
	return 0;
}

/*
 * Runs a text's automata over bytes of the slot: 0, or -1. A global function, as others
 * here: see verifier.bpf.h.
 */
__noinline int text_match(struct slot *slot, struct text_run *run)
{
	if (!slot || !run)
		return -1;
	if (run->count > 0 && text_one(slot, run, 0))
		return -1;
	if (run->count > 1 && text_one(slot, run, 1))
		return -1;
	if (run->count > 2 && text_one(slot, run, 2))
		return -1;
	if (run->count > 3 && text_one(slot, run, 3))
		return -1;
	return 0;
}

static __always_inline struct ambit_rule_set *run_of(struct text_run *run, __u32 half, __u32 text)
{
	struct ambit_rule_set *set = bpf_map_lookup_elem(&rule_sets, &half);

	if (!set)
		return NULL;
	run->half = half;
	run->first = set->first[text];
	run->count = set->count[text];
	run->text = text;
	return set;
}

/* One bit for each executable of a chain. */
#define CHAIN_BITS ((1 << AMBIT_CHAIN_MAX) - 1)

/* Runs the tests of executables. The results are cached with the chain until it or the rules change. */
__noinline int chain_match(struct slot *slot, __u32 half)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct ambit_lineage *lineage = lineage_of(task->group_leader);
	struct ambit_rule_set *set;
	struct text_run run = {};
	__u32 i, k, len, view;

	if (!slot)
		return -1;
	set = run_of(&run, half, AMBIT_RULE_TEXT_CHAIN);
	if (!set)
		return -1;
	if (!lineage) {
		__builtin_memset(slot->facts.match[AMBIT_RULE_TEXT_EXE], 0,
				 sizeof(lineage->match[0]));
		return 0;
	}
	view = slot->host && lineage->foreign & CHAIN_BITS ? 1 : 0;
	if (lineage->generation[view] != set->generation) {
		__builtin_memset(lineage->match[view], 0, sizeof(lineage->match[0]));
		run.text = AMBIT_RULE_TEXT_EXE;
		for (i = 0; i < AMBIT_CHAIN_MAX; i++) {
			/* An unknown executable is the empty text. */
			len = lineage->lengths[i] & (AMBIT_EXE_MAX - 1);
			if (i >= lineage->count)
				continue;
			if (view && lineage->foreign & 1 << i)
				len = 0;
			bpf_probe_read_kernel(slot->bytes, len, lineage->exes[i]);
			run.to = len;
			if (text_match(slot, &run))
				return -1;
			for (k = 0; k < AMBIT_RULE_AUTOMATA * AMBIT_RULE_WORDS; k++) {
				__u64 word = slot->facts.match[AMBIT_RULE_TEXT_EXE][k];

				if (i == 0)
					lineage->match[view][0][k] = word;
				if (i == 1)
					lineage->match[view][1][k] = word;
				lineage->match[view][2][k] |= word;
			}
		}
		lineage->generation[view] = set->generation;
	}
	bpf_probe_read_kernel(slot->facts.match[AMBIT_RULE_TEXT_EXE], sizeof(lineage->match[0]),
			      lineage->match[view]);
	return 0;
}

struct cgroup_loop {
	struct slot *slot;
	struct kernfs_node *kn;
	__u32 pos;
};

static __always_inline struct kernfs_node *kernfs_parent(struct kernfs_node *kn)
{
	if (bpf_core_field_exists(struct kernfs_node___parent, parent)) {
		struct kernfs_node___parent *old = (void *)kn;

		return BPF_CORE_READ(old, parent);
	}
	return BPF_CORE_READ(kn, __parent);
}

static long cgroup_step(__u32 i, struct cgroup_loop *loop)
{
	struct kernfs_node *kn = loop->kn, *up = kernfs_parent(kn);
	__u8 *room = &loop->slot->bytes[TEXT_END];
	const char *name;
	long n;

	if (!up)
		return 1;
	name = BPF_CORE_READ(kn, name);
	n = bpf_probe_read_kernel_str(room, 256, name);
	if (n < 1 || loop->pos < n + 1) {
		loop->pos = TEXT_END;
		return 1;
	}
	n = (n - 1) & 0xff;
	loop->pos -= n;
	bpf_probe_read_kernel(&loop->slot->bytes[loop->pos & (TEXT_END - 1)], n, name);
	loop->pos--;
	loop->slot->bytes[loop->pos & (TEXT_END - 1)] = '/';
	loop->kn = up;
	return 0;
}

/* Builds the path of the task's cgroup, "/" for the root. Returns its position. */
__noinline int cgroup_text(struct slot *slot)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct cgroup_loop loop = { .slot = slot, .pos = TEXT_END - 1 };

	if (!slot)
		return 0;
	loop.kn = BPF_CORE_READ(task, cgroups, dfl_cgrp, kn);
	if (loop.kn)
		bpf_loop(32, cgroup_step, &loop, 0);
	if (loop.pos >= TEXT_END - 1) {
		loop.pos = TEXT_END - 2;
		slot->bytes[TEXT_END - 2] = '/';
	}
	return loop.pos;
}

__noinline int plain_match(struct slot *slot, __u32 half, __u32 needs)
{
	struct ambit_label *label;
	struct ambit_domain *domain;
	struct text_run run = {};
	__u32 i;

	if (!slot)
		return -1;
	if (needs & 1 << AMBIT_RULE_TEXT_COMM) {
		bpf_get_current_comm(slot->bytes, 16);
		if (!run_of(&run, half, AMBIT_RULE_TEXT_COMM))
			return -1;
		for (i = 0; i < 16; i++)
			if (!slot->bytes[i])
				break;
		run.to = i;
		if (text_match(slot, &run))
			return -1;
	}
	if (needs & 1 << AMBIT_RULE_TEXT_CGROUP) {
		if (!run_of(&run, half, AMBIT_RULE_TEXT_CGROUP))
			return -1;
		run.from = cgroup_text(slot);
		run.to = TEXT_END - 1;
		if (text_match(slot, &run))
			return -1;
	}
	if (needs & 1 << AMBIT_RULE_TEXT_DOMAIN) {
		if (!run_of(&run, half, AMBIT_RULE_TEXT_DOMAIN))
			return -1;
		run.from = 0;
		run.to = 0;
		label = label_of(bpf_get_current_task_btf());
		domain = label ? domain_of(label) : NULL;
		if (domain) {
			long n = bpf_probe_read_kernel_str(slot->bytes, AMBIT_NAME_MAX,
							   domain->name);

			run.to = n > 0 ? n - 1 : 0;
		}
		if (text_match(slot, &run))
			return -1;
	}
	return 0;
}

#define CHAIN_TEXTS \
	(1 << AMBIT_RULE_TEXT_EXE | 1 << AMBIT_RULE_TEXT_PARENT | 1 << AMBIT_RULE_TEXT_CHAIN)
#define PLAIN_TEXTS \
	(1 << AMBIT_RULE_TEXT_COMM | 1 << AMBIT_RULE_TEXT_CGROUP | 1 << AMBIT_RULE_TEXT_DOMAIN)

/* Runs the tests of the needed context fields: 0, or -1. */
static __always_inline int context_match(struct slot *slot, __u32 half, __u32 needs)
{
	if (needs & CHAIN_TEXTS && chain_match(slot, half))
		return -1;
	return needs & PLAIN_TEXTS ? plain_match(slot, half, needs) : 0;
}

#define RULE_NUMBER(name) (1U << AMBIT_RULE_##name)
#define TASK_NUMBERS                                                                              \
	(RULE_NUMBER(UID) | RULE_NUMBER(GID) | RULE_NUMBER(REAL_UID) | RULE_NUMBER(CAPS) |        \
	 RULE_NUMBER(NO_NEW_PRIVS) | RULE_NUMBER(PID) | RULE_NUMBER(TRUST) | RULE_NUMBER(CAUSE) | \
	 RULE_NUMBER(LABELLED) | RULE_NUMBER(CONTAINER) | RULE_NUMBER(EXE_UNKNOWN) |              \
	 RULE_NUMBER(FOREIGN_MOUNTS))
#define OBJECT_NUMBERS                                                            \
	(RULE_NUMBER(KIND) | RULE_NUMBER(UNREPRESENTABLE) | RULE_NUMBER(MODE) |   \
	 RULE_NUMBER(PORT) | RULE_NUMBER(PROTOCOL) | RULE_NUMBER(FAMILY) |        \
	 RULE_NUMBER(SOCKET_TYPE) | RULE_NUMBER(RELATION) | RULE_NUMBER(NEW_ID) | \
	 RULE_NUMBER(FILE_UID) | RULE_NUMBER(FILE_MODE))

/* Reads eight bytes at the field's offset: its type differs between kernels, so CO-RE cannot relocate a load of it. */
static __always_inline __u64 caps_of(const struct cred *cred)
{
	__u64 offset = bpf_core_field_offset(struct cred, cap_effective);

	barrier_var(offset);
	return *(const __u64 *)((const void *)cred + offset);
}

/* True if an executable in the task's chain has no text. */
static __always_inline bool exe_unknown(struct slot *slot, struct task_struct *task)
{
	struct ambit_lineage *lineage = lineage_of(task->group_leader);

	if (!lineage)
		return true;
	return (lineage->unknown | (slot->host ? lineage->foreign : 0)) & CHAIN_BITS;
}

/* Writes the numbers of the task. */
__noinline int task_numbers(struct slot *slot, __u32 numbers)
{
	struct task_struct *task = bpf_get_current_task_btf();
	const struct cred *cred = task->cred;
	struct ambit_trust *trust;
	__u64 *out;

	if (!slot)
		return 0;
	out = slot->facts.numbers;
	if (numbers & RULE_NUMBER(UID))
		out[AMBIT_RULE_UID] = cred->euid.val;
	if (numbers & RULE_NUMBER(GID))
		out[AMBIT_RULE_GID] = cred->egid.val;
	if (numbers & RULE_NUMBER(REAL_UID))
		out[AMBIT_RULE_REAL_UID] = cred->uid.val;
	if (numbers & RULE_NUMBER(PID))
		out[AMBIT_RULE_PID] = task->tgid;
	if (numbers & RULE_NUMBER(CAPS))
		out[AMBIT_RULE_CAPS] = caps_of(cred);
	/* PFA_NO_NEW_PRIVS is bit 0 (include/linux/sched.h). */
	if (numbers & RULE_NUMBER(NO_NEW_PRIVS))
		out[AMBIT_RULE_NO_NEW_PRIVS] = task->atomic_flags & 1;
	if (numbers & (RULE_NUMBER(TRUST) | RULE_NUMBER(CAUSE))) {
		out[AMBIT_RULE_TRUST] = 0;
		out[AMBIT_RULE_CAUSE] = 255;
		if (clock_now()) {
			out[AMBIT_RULE_TRUST] = trust_collect(task);
			trust = trust_of(task->group_leader);
			if (trust && out[AMBIT_RULE_TRUST])
				out[AMBIT_RULE_CAUSE] = trust->first;
		}
	}
	if (numbers & RULE_NUMBER(LABELLED))
		out[AMBIT_RULE_LABELLED] = label_of(task) ? 1 : 0;
	if (numbers & RULE_NUMBER(CONTAINER))
		out[AMBIT_RULE_CONTAINER] = task->thread_pid->level ? 1 : 0;
	if (numbers & RULE_NUMBER(FOREIGN_MOUNTS))
		out[AMBIT_RULE_FOREIGN_MOUNTS] = in_host_namespace() ? 0 : 1;
	if (numbers & RULE_NUMBER(EXE_UNKNOWN))
		out[AMBIT_RULE_EXE_UNKNOWN] = exe_unknown(slot, task) ? 1 : 0;
	return 0;
}

/* Writes the numbers of the object. */
__noinline int object_numbers(struct slot *slot)
{
	__u32 pos;
	__u8 kind;
	__u64 *out;

	if (!slot)
		return 0;
	out = slot->facts.numbers;
	pos = slot->pos;
	kind = slot->bytes[pos & OFFSET_MASK];
	out[AMBIT_RULE_KIND] = kind;
	out[AMBIT_RULE_UNREPRESENTABLE] = slot->status ? 1 : 0;
	/* Without the file type, which a creation has beside the permission bits. */
	out[AMBIT_RULE_MODE] = slot->extra & 07777;
	out[AMBIT_RULE_FILE_UID] = slot->file_uid;
	out[AMBIT_RULE_FILE_MODE] = slot->file_mode;
	out[AMBIT_RULE_PORT] = 0;
	out[AMBIT_RULE_PROTOCOL] = 0;
	out[AMBIT_RULE_FAMILY] = 0;
	out[AMBIT_RULE_SOCKET_TYPE] = 0;
	out[AMBIT_RULE_RELATION] = 0;
	out[AMBIT_RULE_NEW_ID] = 0;
	if (slot->status) {
		out[AMBIT_RULE_KIND] = 0;
		return 0;
	}
	switch (kind) {
	case AMBIT_KIND_INET4:
	case AMBIT_KIND_INET6:
		out[AMBIT_RULE_PROTOCOL] = slot->bytes[(pos + 1) & OFFSET_MASK];
		out[AMBIT_RULE_PORT] = slot->port;
		break;
	case AMBIT_KIND_UNSPEC:
		out[AMBIT_RULE_PROTOCOL] = slot->bytes[(pos + 1) & OFFSET_MASK];
		break;
	case AMBIT_KIND_SOCKET:
		out[AMBIT_RULE_FAMILY] = *(__u16 *)&slot->bytes[OBJECT_END - 6];
		out[AMBIT_RULE_SOCKET_TYPE] = *(__u16 *)&slot->bytes[OBJECT_END - 4];
		out[AMBIT_RULE_PROTOCOL] = *(__u16 *)&slot->bytes[OBJECT_END - 2];
		break;
	case AMBIT_KIND_RELATION:
	case AMBIT_KIND_IPC:
		out[AMBIT_RULE_RELATION] = slot->bytes[OBJECT_END - 1];
		break;
	case AMBIT_KIND_IDS:
		out[AMBIT_RULE_NEW_ID] = *(__u32 *)&slot->bytes[OBJECT_END - 8];
		break;
	}
	return 0;
}

static __always_inline struct ambit_rule_hook *rules_in(__u32 hook, __u32 half)
{
	__u32 id = (half & 1) * AMBIT_HOOKS + (hook & (AMBIT_HOOKS - 1));

	return bpf_map_lookup_elem(&rule_hooks, &id);
}

/* Returns the hook's active rules; NULL if there are none. */
static __always_inline struct ambit_rule_hook *rules_of(__u32 hook, __u64 *generation)
{
	struct ambit_rule_state *state;
	__u32 zero = 0;

	state = bpf_map_lookup_elem(&rule_states, &zero);
	if (!state)
		return NULL;
	*generation = *(volatile __u64 *)&state->generation;
	return *generation ? rules_in(hook, *generation) : NULL;
}

static __always_inline void exe_to(struct ambit_rule_event *event, struct ambit_lineage *lineage,
				   __u32 at)
{
	event->exe_len[at] = lineage->lengths[at] & (AMBIT_EXE_MAX - 1);
	bpf_probe_read_kernel(event->exes[at], AMBIT_EXE_MAX, lineage->exes[at]);
}

/* Emits the record of a rule, which is written in front of the object, as in emit(). */
static __always_inline int rule_record(struct slot *slot, struct verdict *verdict,
				       struct ambit_rule_bit *bit)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct ambit_lineage *lineage = lineage_of(task->group_leader);
	__u32 len = OBJECT_END - slot->pos;
	__u64 ids = bpf_get_current_pid_tgid();
	struct ambit_rule_event *event;

	if (len > RECORD_MAX - sizeof(*event))
		return -1;
	event = (void *)&slot->bytes[(slot->pos - sizeof(*event)) & OFFSET_MASK];
	event->time_ns = bpf_ktime_get_boot_ns();
	event->generation = verdict->generation;
	event->cgroup = bpf_get_current_cgroup_id();
	event->tgid = ids >> 32;
	event->tid = ids;
	event->uid = task->cred->euid.val;
	event->gid = task->cred->egid.val;
	event->arg = verdict->arg;
	event->trust = verdict->trust;
	event->mode = slot->extra;
	event->op = verdict->op;
	event->object_len = len;
	event->rule = bit->rule;
	event->domain = verdict->domain;
	event->port = slot->port;
	event->hook = verdict->hook;
	event->actions = bit->actions;
	event->outcome = verdict->outcome;
	event->unrepresentable = slot->status;
	event->pad = 0;
	bpf_get_current_comm(event->comm, sizeof(event->comm));
	event->exe_len[0] = 0;
	event->exe_len[1] = 0;
	if (lineage) {
		exe_to(event, lineage, 0);
		exe_to(event, lineage, 1);
	}
	len += sizeof(*event);
	barrier_var(len);
	if (len > RECORD_MAX)
		return -1;
	return bpf_ringbuf_output(&rule_ring, event, len, 0);
}

/* Clears the operator's trust bit. */
static __always_inline void rule_untaint(struct task_struct *task, struct verdict *verdict)
{
	struct ambit_trust *trust = trust_of(task->group_leader);
	struct ambit_label *label = label_of(task);

	if (!trust)
		return;
	__sync_fetch_and_and(&trust->bits, ~(1U << AMBIT_TRUST_OPERATOR));
	verdict->trust = trust->bits;
	if (label)
		label->trust = verdict->trust;
}

/* Performs the actions of the hook's rule `number`. */
__noinline int rule_act(struct slot *slot, struct verdict *verdict, __u32 number)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct ambit_rule_count *counts;
	struct ambit_rule_bit *bit;
	struct ambit_rule_hook *rules;
	__u32 id;

	if (!slot || !verdict)
		return 0;
	id = (verdict->generation & 1) * AMBIT_HOOKS + (verdict->hook & (AMBIT_HOOKS - 1));
	rules = bpf_map_lookup_elem(&rule_hooks, &id);
	if (!rules)
		return 0;
	bit = &rules->bits[number & (AMBIT_RULE_FIRED * 64 - 1)];
	id = (verdict->generation & 1) * AMBIT_RULE_MAX + (bit->rule & (AMBIT_RULE_MAX - 1));
	counts = bpf_map_lookup_elem(&rule_counts, &id);
	if (!counts)
		return 0;
	count(counts->applied);
	if (bit->actions & (AMBIT_RULE_DENY | AMBIT_RULE_KILL))
		count(counts->refused);
	/* If the operation is allowed, only the rules that allow it act. */
	if (verdict->outcome & AMBIT_RULE_ALLOW && !(bit->actions & AMBIT_RULE_ALLOW))
		goto record;
	if (bit->actions & AMBIT_RULE_UNTAINT)
		rule_untaint(task, verdict);
	if (bit->actions & AMBIT_RULE_TAINT) {
		struct trust_why why = {
			.detail = bit->rule,
			.bits = 1U << (bit->source & 31),
			.seconds = bit->seconds,
			.arg = verdict->arg,
			.op = verdict->op,
			.hook = verdict->hook,
		};

		verdict->trust = trust_lower(task->group_leader, &why);
	}
record:
	if (rule_record(slot, verdict, bit))
		count(counts->lost);
	return 0;
}

struct fired_loop {
	struct slot *slot;
	struct verdict *verdict;
	__u64 word;
	__u32 number; /* of the next bit */
};

static long fired_step(__u32 i, struct fired_loop *loop)
{
	__u32 number = loop->number;

	if (loop->word & 0xff) {
		if (loop->word & 1)
			rule_act(loop->slot, loop->verdict, number);
		loop->word >>= 1;
		loop->number = number + 1;
		return 0;
	}
	if (loop->word) {
		loop->word >>= 8;
		loop->number = number + 8;
		return 0;
	}
	return 1;
}

static __always_inline void fired_word(struct fired_loop *loop, __u32 at)
{
	if (at * 64 >= loop->verdict->rules)
		return;
	loop->word = loop->slot->facts.fired[at];
	loop->number = at * 64;
	if (loop->word)
		bpf_loop(64 + 8, fired_step, loop, 0);
}

/* Passes the permission for the slot's point to the map's program. */
static __noinline int rule_allow(struct slot *slot, struct ambit_label *label,
				 struct verdict *verdict)
{
	__u32 at = label->allowed_at ? label->allowed_count : 0;

	if (at >= AMBIT_ALLOWED_MAX)
		return 0;
	slot->fp.lo = 0;
	slot->fp.hi = 0;
	if (!slot->status)
		fingerprint(slot, slot->pos, OBJECT_END, verdict->op, verdict->arg);
	label->allowed[at & (AMBIT_ALLOWED_MAX - 1)] = slot->fp;
	label->allowed_count = at + 1;
	label->allowed_hook = verdict->hook;
	label->allowed_at = verdict->generation;
	return 0;
}

/*
 * Leaves the rules that match the host's path and did not match the path that the task
 * sees. A rule allows nothing by a path that the task does not see. False if no rule is
 * left.
 */
static __always_inline bool host_rules(struct slot *slot, struct verdict *verdict)
{
	__u64 left = 0;
	__u32 i;

	for (i = 0; i < AMBIT_RULE_FIRED; i++) {
		if (slot->outcome)
			slot->facts.fired[i] &= ~slot->fired[i];
		left |= slot->facts.fired[i];
	}
	verdict->outcome &= ~AMBIT_RULE_ALLOW;
	return left;
}

/* Performs the actions of the matching rules: 0 or -EPERM. */
__noinline int rules_act(struct slot *slot, struct verdict *verdict)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct fired_loop loop = { .slot = slot, .verdict = verdict };
	struct ambit_label *label = label_of(task);
	struct ambit_trust *trust = trust_of(task->group_leader);
	bool refused;

	if (!slot || !verdict)
		return 0;
	if (slot->host && !host_rules(slot, verdict))
		return 0;
	refused = verdict->outcome & (AMBIT_RULE_DENY | AMBIT_RULE_KILL);
	verdict->trust = trust ? trust->bits : 0;
	verdict->domain = label ? label->domain : 0;
	/* A refusal overrides all rules that allow. */
	if (refused)
		verdict->outcome &= ~AMBIT_RULE_ALLOW;
	fired_word(&loop, 0);
	fired_word(&loop, 1);
	fired_word(&loop, 2);
	fired_word(&loop, 3);
	fired_word(&loop, 4);
	fired_word(&loop, 5);
	fired_word(&loop, 6);
	fired_word(&loop, 7);
	if (label)
		label->trust |= verdict->trust;
	if (label && verdict->outcome & AMBIT_RULE_ALLOW)
		rule_allow(slot, label, verdict);
	if (verdict->outcome & AMBIT_RULE_KILL)
		bpf_send_signal(SIGKILL);
	return refused ? -EPERM : 0;
}

static __noinline int rules_failed(__u32 hook)
{
	__u64 generation, *failures = bpf_map_lookup_elem(&rule_failures, &hook);
	struct ambit_rule_hook *rules = rules_of(hook, &generation);

	if (!rules || !rules->bits_used)
		return 0;
	if (failures)
		count(*failures);
	return rules->actions & (AMBIT_RULE_DENY | AMBIT_RULE_KILL) ? -EPERM : 0;
}

/* Clears the permissions that rules gave to an earlier operation of the task. */
static __always_inline int rules_clear_allowed(struct ambit_rule_hook *rules)
{
	struct ambit_label *label;

	if (rules->actions & AMBIT_RULE_ALLOW) {
		label = label_of(bpf_get_current_task_btf());
		if (label)
			label->allowed_at = 0;
	}
	return 0;
}

/* Runs a stage of the path program. */
static __always_inline __u32 path_program_run(struct slot *slot, __u32 half, __u32 stage,
					      __u32 hook_op)
{
	volatile __u64 *op = &slot->facts.numbers[AMBIT_RULE_OP];
	__u32 answer;

	/* Volatile: see verifier.bpf.h. */
	*op = stage << AMBIT_PATH_PROGRAM_STAGE | (hook_op & 0xffff);
	answer = half ? path_program_b(&slot->facts) : path_program_a(&slot->facts);
	*op = hook_op & 0xffff;
	return answer & AMBIT_PATH_PROGRAM_PRESENT ? answer & ~AMBIT_PATH_PROGRAM_PRESENT :
						     PATH_PROGRAM_ALL;
}

/* Evaluates the rules, given the object's tests and numbers: the union of their actions, or -1 on a failure. */
static __always_inline int rules_outcome(struct slot *slot, struct ambit_rule_hook *rules,
					 __u32 half)
{
	__u32 needs = rules->needs;

	if (rules->prefilter) {
		/* Context fields that no remaining rule needs may keep the results of another event. */
		needs = half ? prefilter_b(&slot->facts) : prefilter_a(&slot->facts);
		if (!needs)
			return 0;
	}
	if (context_match(slot, half, needs))
		return -1;
	return half ? rules_b(&slot->facts) : rules_a(&slot->facts);
}

static __always_inline void rules_numbers(struct slot *slot, __u32 numbers)
{
	if (numbers & OBJECT_NUMBERS)
		object_numbers(slot);
	if (numbers & TASK_NUMBERS)
		task_numbers(slot, numbers);
}

/* Prepares the evaluation on the host's path. Returns HOST_*: HOST_OTHER if there is something to evaluate. */
__noinline int rules_host(struct slot *slot, __u32 hook)
{
	struct ambit_lineage *lineage;
	struct ambit_rule_hook *rules;
	__u64 generation;
	int found;

	if (!slot)
		return HOST_NONE;
	rules = rules_of(hook, &generation);
	/* Rules without paths have the same answer. */
	if (!rules || !(rules->needs & (CHAIN_TEXTS | 1 << AMBIT_RULE_TEXT_OBJECT) ||
			rules->numbers & (OBJECT_NUMBERS | RULE_NUMBER(EXE_UNKNOWN))))
		return HOST_NONE;
	__builtin_memcpy(slot->fired, slot->facts.fired, sizeof(slot->fired));
	found = host_path(slot);
	if (found == HOST_SAME) {
		lineage = lineage_of(bpf_get_current_task_btf()->group_leader);
		if (lineage && lineage->foreign & CHAIN_BITS)
			found = HOST_OTHER;
	}
	slot->host = found == HOST_OTHER;
	return found;
}

/* Evaluates the rules on the slot's object: 0 or -EPERM. A global function, see verifier.bpf.h. */
__noinline int rules_evaluate(struct slot *slot, __u32 hook_op, __u32 arg)
{
	__u32 hook = hook_op >> 16, half;
	struct text_run run = {};
	struct ambit_rule_hook *rules;
	struct verdict *verdict;
	__u64 generation;
	int outcome;

	if (!slot)
		return 0;
	verdict = &slot->verdict;
	rules = rules_of(hook, &generation);
	if (!rules || !rules->bits_used)
		return 0;
	half = generation & 1;
	slot->facts.numbers[AMBIT_RULE_OP] = hook_op & 0xffff;
	slot->facts.numbers[AMBIT_RULE_ARG] = arg;
	rules_numbers(slot, rules->numbers);
	if (rules->needs & 1 << AMBIT_RULE_TEXT_OBJECT) {
		run.half = half;
		run.first = rules->first;
		run.count = rules->count;
		run.text = AMBIT_RULE_TEXT_OBJECT;
		run.from = slot->status ? OBJECT_END : slot->pos;
		run.to = OBJECT_END;
		if (text_match(slot, &run))
			goto failed;
	}
	if (slot->path_miss && rules->path_program & AMBIT_PATH_PROGRAM_OBJECT) {
		slot->undecided = path_program_run(slot, half, AMBIT_PATH_PROGRAM_PATH, hook_op);
		slot->undecided_generation = generation;
	}
	outcome = rules_outcome(slot, rules, half);
	if (unlikely(outcome < 0))
		goto failed;
	if (!slot->evaluated)
		rules_clear_allowed(rules);
	slot->evaluated = true;
	if (!slot->host)
		slot->outcome = outcome;
	if (likely(!outcome))
		return 0;
	verdict->outcome = outcome;
	verdict->generation = generation;
	verdict->rules = rules->bits_used;
	verdict->hook = hook;
	verdict->op = hook_op & 0xffff;
	verdict->arg = arg;
	return rules_act(slot, verdict);
failed:
	return rules_failed(hook);
}

/*
 * Evaluates the rules on the host's path for the slot's file, after rules_evaluate():
 * 0 or -EPERM.
 */
static __always_inline int rules_evaluate_host(struct slot *slot, __u32 hook_op, __u32 arg)
{
	int found, verdict = 0;

	if (likely(!seen_elsewhere(slot)))
		return 0;
	found = rules_host(slot, hook_op >> 16);
	if (found == HOST_OTHER)
		verdict = rules_evaluate(slot, hook_op, arg);
	else if (found == HOST_UNKNOWN)
		verdict = rules_failed(hook_op >> 16);
	slot->host = 0;
	return verdict;
}

#endif /* AMBIT_RULES_H */
