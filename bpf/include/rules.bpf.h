/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What is asked of rules, and what is done about their answer.
 *
 * A hook that a rule names has a program of its own, which runs before the one
 * that asks the map. It gathers the object as that does, runs automata over the
 * texts that the hook's rules read, and calls rules_a() or rules_b(): functions that
 * do nothing until user space replaces them by the compiled rules. Which of the two
 * is asked follows from the generation in rule_states, so that one write exchanges
 * the rules of all hooks at once.
 *
 * Fail mode: without a scratch slot, or with an automaton missing, rules can't be
 * asked. It is counted (rule_failures), and refused where one of the hook's rules
 * refuses anything.
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
 * A function that does nothing until user space replaces it. It must look at its
 * argument and answer nothing that clang can know.
 */
#define REPLACED(name)                             \
	__noinline int name(struct ambit_facts *f) \
	{                                          \
		volatile int none = 0;             \
                                                   \
		return f ? none : 0;               \
	}

/* The rules of a generation. */
REPLACED(rules_a)
REPLACED(rules_b)

/* Texts other than the object are put together at the start of the slot's bytes. */
#define TEXT_END 1024

/* From less: the texts that rules ask for which might apply; 0 where none does whatever the texts are that are dear to have. */
REPLACED(quick_a)
REPLACED(quick_b)

/* Of files, before the path is put together: see AMBIT_EARLY_PATH. */
REPLACED(early_a)
REPLACED(early_b)

/* What it says that has ruled out nothing. */
#define EARLY_ALL (AMBIT_EARLY_THERE - 1)

struct text_loop {
	struct ambit_rule_automaton *a;
	struct slot *s;
	__u64 *match; /* the automaton's */
	__u32 pos;
	__u32 end;
	__u32 state;
};

static __always_inline void match_add(struct text_loop *c, __u32 row)
{
	__u64 *match = c->match;

	barrier_var(row);
	row &= AMBIT_RULE_ROWS - 1;
	match[0] |= c->a->rows[row][0];
	match[1] |= c->a->rows[row][1];
	match[2] |= c->a->rows[row][2];
	match[3] |= c->a->rows[row][3];
}

/* Bytes that are walked at once. */
#define TEXT_BYTES 16
#define TEXT_HEAD 8

/* COUNT bytes, from a state below 65536: classes begin at 1, before them is the row of the state. */
static __always_inline __u64 text_bytes(struct text_loop *c, __u64 state, __u8 *bytes, __u32 count,
					bool marks)
{
	struct ambit_rule_automaton *a = c->a;
	__u32 k;

#pragma unroll
	for (k = 0; k < count; k++) {
		/* Clang would read all bytes first, and has no registers for them. */
		barrier_var(bytes);
		state = a->next[state + a->classes[bytes[k]]];
		if (marks && state >= a->marking)
			match_add(c, a->next[state] + 1);
	}
	return state;
}

/* A sink leads to itself, so that it does not matter how many bytes follow it here. */
static __always_inline long text_walk(struct text_loop *c, bool marks)
{
	__u32 pos = c->pos, left = c->end - pos;
	__u64 state = c->state & 0xffff;
	__u8 *bytes;

	barrier_var(pos);
	bytes = &c->s->bytes[pos & OFFSET_MASK];
	if (left >= TEXT_BYTES) {
		c->state = text_bytes(c, state, bytes, TEXT_BYTES, marks);
		c->pos = pos + TEXT_BYTES;
		return left == TEXT_BYTES || c->state < c->a->sinks;
	}
	if (left & 8) {
		state = text_bytes(c, state, bytes, 8, marks);
		bytes += 8;
	}
	if (left & 4) {
		state = text_bytes(c, state, bytes, 4, marks);
		bytes += 4;
	}
	if (left & 2) {
		state = text_bytes(c, state, bytes, 2, marks);
		bytes += 2;
	}
	if (left & 1)
		state = text_bytes(c, state, bytes, 1, marks);
	c->state = state;
	return 1;
}

static long text_step(__u32 i, struct text_loop *c)
{
	return text_walk(c, false);
}

static long mark_step(__u32 i, struct text_loop *c)
{
	return text_walk(c, true);
}

/* The first few bytes, which are all that most automata need that search for nothing: true if so. */
static __always_inline bool text_head(struct text_loop *c)
{
	__u32 pos = c->pos;

	if (c->end - pos < TEXT_HEAD)
		return false;
	barrier_var(pos);
	c->state =
		text_bytes(c, c->state & 0xffff, &c->s->bytes[pos & OFFSET_MASK], TEXT_HEAD, false);
	c->pos = pos + TEXT_HEAD;
	return c->state < c->a->sinks;
}

/* Automata of one text, in one half of the maps. */
struct text_run {
	__u32 half;
	__u32 first;
	__u32 count;
	__u32 text; /* whose part of match they fill */
	__u32 from;
	__u32 to;
};

static __always_inline void *automaton_at(__u32 half, __u32 number)
{
	__u32 zero = 0, id = half * AMBIT_RULE_SLOTS + (number & (AMBIT_RULE_SLOTS - 1));
	void *inner = bpf_map_lookup_elem(&rule_automata, &id);

	return inner ? bpf_map_lookup_elem(inner, &zero) : NULL;
}

static __always_inline int text_one(struct slot *s, struct text_run *r, __u32 i)
{
	struct text_loop c = { .s = s, .pos = r->from, .end = r->to };
	__u32 text = r->text;

	c.a = automaton_at(r->half, r->first + i);
	if (!c.a || text >= AMBIT_RULE_TEXTS)
		return -1;
	c.match = &s->facts.match[text][i * AMBIT_RULE_WORDS];
	c.match[0] = 0;
	c.match[1] = 0;
	c.match[2] = 0;
	c.match[3] = 0;
	c.state = c.a->start;
	/* Two of them, so that what marks nothing does not look for it with every byte. */
	if (c.a->marking)
		bpf_loop((OFFSET_MASK + 1) / TEXT_BYTES, mark_step, &c, 0);
	else if (!text_head(&c))
		bpf_loop((OFFSET_MASK + 1) / TEXT_BYTES, text_step, &c, 0);
	match_add(&c, c.a->next[c.state & 0xffff]);
	return 0;
}

/*
 * Runs a text's automata over bytes of the slot. This and others here are global
 * functions so that the verifier looks at each of them once a program.
 */
__noinline int text_match(struct slot *s, struct text_run *r)
{
	if (!s || !r)
		return -1;
	if (r->count > 0 && text_one(s, r, 0))
		return -1;
	if (r->count > 1 && text_one(s, r, 1))
		return -1;
	if (r->count > 2 && text_one(s, r, 2))
		return -1;
	if (r->count > 3 && text_one(s, r, 3))
		return -1;
	return 0;
}

static __always_inline struct ambit_rule_set *run_of(struct text_run *r, __u32 half, __u32 text)
{
	struct ambit_rule_set *set = bpf_map_lookup_elem(&rule_sets, &half);

	if (!set)
		return NULL;
	r->half = half;
	r->first = set->first[text];
	r->count = set->count[text];
	r->text = text;
	return set;
}

/* The executables' tests are kept with the chain until it, or the rules, change. */
__noinline int chain_match(struct slot *s, __u32 half)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct ambit_lineage *n = lineage_of(task->group_leader);
	struct ambit_rule_set *set;
	struct text_run r = {};
	__u32 i, k, len;

	if (!s)
		return -1;
	set = run_of(&r, half, AMBIT_RULE_TEXT_CHAIN);
	if (!set)
		return -1;
	if (!n) {
		__builtin_memset(s->facts.match[AMBIT_RULE_TEXT_EXE], 0, sizeof(n->match));
		return 0;
	}
	if (n->generation != set->generation) {
		__builtin_memset(n->match, 0, sizeof(n->match));
		r.text = AMBIT_RULE_TEXT_EXE;
		for (i = 0; i < AMBIT_CHAIN_MAX; i++) {
			/* One of which nothing is known is the empty text. */
			len = n->lengths[i] & (AMBIT_EXE_MAX - 1);
			if (i >= n->count)
				continue;
			bpf_probe_read_kernel(s->bytes, len, n->exes[i]);
			r.to = len;
			if (text_match(s, &r))
				return -1;
			for (k = 0; k < AMBIT_RULE_AUTOMATA * AMBIT_RULE_WORDS; k++) {
				__u64 word = s->facts.match[AMBIT_RULE_TEXT_EXE][k];

				if (i == 0)
					n->match[0][k] = word;
				if (i == 1)
					n->match[1][k] = word;
				n->match[2][k] |= word;
			}
		}
		n->generation = set->generation;
	}
	bpf_probe_read_kernel(s->facts.match[AMBIT_RULE_TEXT_EXE], sizeof(n->match), n->match);
	return 0;
}

struct cgroup_loop {
	struct slot *s;
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

static long cgroup_step(__u32 i, struct cgroup_loop *c)
{
	struct kernfs_node *kn = c->kn, *up = kernfs_parent(kn);
	__u8 *room = &c->s->bytes[TEXT_END];
	const char *name;
	long n;

	if (!up)
		return 1;
	name = BPF_CORE_READ(kn, name);
	n = bpf_probe_read_kernel_str(room, 256, name);
	if (n < 1 || c->pos < n + 1) {
		c->pos = TEXT_END;
		return 1;
	}
	n = (n - 1) & 0xff;
	c->pos -= n;
	bpf_probe_read_kernel(&c->s->bytes[c->pos & (TEXT_END - 1)], n, name);
	c->pos--;
	c->s->bytes[c->pos & (TEXT_END - 1)] = '/';
	c->kn = up;
	return 0;
}

/* The path of the task's cgroup; "/" for the root. */
__noinline int cgroup_text(struct slot *s)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct cgroup_loop c = { .s = s, .pos = TEXT_END - 1 };

	if (!s)
		return 0;
	c.kn = BPF_CORE_READ(task, cgroups, dfl_cgrp, kn);
	if (c.kn)
		bpf_loop(32, cgroup_step, &c, 0);
	if (c.pos >= TEXT_END - 1) {
		c.pos = TEXT_END - 2;
		s->bytes[TEXT_END - 2] = '/';
	}
	return c.pos;
}

__noinline int plain_match(struct slot *s, __u32 half, __u32 needs)
{
	struct ambit_label *l;
	struct ambit_domain *d;
	struct text_run r = {};
	__u32 i;

	if (!s)
		return -1;
	if (needs & 1 << AMBIT_RULE_TEXT_COMM) {
		bpf_get_current_comm(s->bytes, 16);
		if (!run_of(&r, half, AMBIT_RULE_TEXT_COMM))
			return -1;
		for (i = 0; i < 16; i++)
			if (!s->bytes[i])
				break;
		r.to = i;
		if (text_match(s, &r))
			return -1;
	}
	if (needs & 1 << AMBIT_RULE_TEXT_CGROUP) {
		if (!run_of(&r, half, AMBIT_RULE_TEXT_CGROUP))
			return -1;
		r.from = cgroup_text(s);
		r.to = TEXT_END - 1;
		if (text_match(s, &r))
			return -1;
	}
	if (needs & 1 << AMBIT_RULE_TEXT_DOMAIN) {
		if (!run_of(&r, half, AMBIT_RULE_TEXT_DOMAIN))
			return -1;
		r.from = 0;
		r.to = 0;
		l = label_of(bpf_get_current_task_btf());
		d = l ? domain_of(l) : NULL;
		if (d) {
			long n = bpf_probe_read_kernel_str(s->bytes, AMBIT_NAME_MAX, d->name);

			r.to = n > 0 ? n - 1 : 0;
		}
		if (text_match(s, &r))
			return -1;
	}
	return 0;
}

#define CHAIN_TEXTS \
	(1 << AMBIT_RULE_TEXT_EXE | 1 << AMBIT_RULE_TEXT_PARENT | 1 << AMBIT_RULE_TEXT_CHAIN)
#define PLAIN_TEXTS \
	(1 << AMBIT_RULE_TEXT_COMM | 1 << AMBIT_RULE_TEXT_CGROUP | 1 << AMBIT_RULE_TEXT_DOMAIN)

/* The texts that are dear to have, of those that rules need: 0, or -1. */
static __always_inline int dear_match(struct slot *s, __u32 half, __u32 needs)
{
	if (needs & CHAIN_TEXTS && chain_match(s, half))
		return -1;
	return needs & PLAIN_TEXTS ? plain_match(s, half, needs) : 0;
}

#define RULE_NUMBER(name) (1U << AMBIT_RULE_##name)
#define TASK_NUMBERS                                                                              \
	(RULE_NUMBER(UID) | RULE_NUMBER(GID) | RULE_NUMBER(REAL_UID) | RULE_NUMBER(CAPS) |        \
	 RULE_NUMBER(NO_NEW_PRIVS) | RULE_NUMBER(PID) | RULE_NUMBER(TRUST) | RULE_NUMBER(CAUSE) | \
	 RULE_NUMBER(LABELLED) | RULE_NUMBER(CONTAINER))
#define OBJECT_NUMBERS                                                            \
	(RULE_NUMBER(KIND) | RULE_NUMBER(UNREPRESENTABLE) | RULE_NUMBER(MODE) |   \
	 RULE_NUMBER(PORT) | RULE_NUMBER(PROTOCOL) | RULE_NUMBER(FAMILY) |        \
	 RULE_NUMBER(SOCKET_TYPE) | RULE_NUMBER(RELATION) | RULE_NUMBER(NEW_ID) | \
	 RULE_NUMBER(FILE_UID) | RULE_NUMBER(FILE_MODE))

/* Sixty-four bits on every kernel, however they are declared; a load of the field itself could not be relocated. */
static __always_inline __u64 caps_of(const struct cred *cred)
{
	__u64 offset = bpf_core_field_offset(struct cred, cap_effective);

	barrier_var(offset);
	return *(const __u64 *)((const void *)cred + offset);
}

/* The numbers that are the task's. */
__noinline int task_numbers(struct slot *s, __u32 numbers)
{
	struct task_struct *task = bpf_get_current_task_btf();
	const struct cred *cred = task->cred;
	struct ambit_trust *t;
	__u64 *n;

	if (!s)
		return 0;
	n = s->facts.numbers;
	if (numbers & RULE_NUMBER(UID))
		n[AMBIT_RULE_UID] = cred->euid.val;
	if (numbers & RULE_NUMBER(GID))
		n[AMBIT_RULE_GID] = cred->egid.val;
	if (numbers & RULE_NUMBER(REAL_UID))
		n[AMBIT_RULE_REAL_UID] = cred->uid.val;
	if (numbers & RULE_NUMBER(PID))
		n[AMBIT_RULE_PID] = task->tgid;
	if (numbers & RULE_NUMBER(CAPS))
		n[AMBIT_RULE_CAPS] = caps_of(cred);
	/* PFA_NO_NEW_PRIVS is bit 0. */
	if (numbers & RULE_NUMBER(NO_NEW_PRIVS))
		n[AMBIT_RULE_NO_NEW_PRIVS] = task->atomic_flags & 1;
	if (numbers & (RULE_NUMBER(TRUST) | RULE_NUMBER(CAUSE))) {
		n[AMBIT_RULE_TRUST] = 0;
		n[AMBIT_RULE_CAUSE] = 255;
		if (clock_now()) {
			n[AMBIT_RULE_TRUST] = trust_take(task);
			t = trust_of(task->group_leader);
			if (t && n[AMBIT_RULE_TRUST])
				n[AMBIT_RULE_CAUSE] = t->first;
		}
	}
	if (numbers & RULE_NUMBER(LABELLED))
		n[AMBIT_RULE_LABELLED] = label_of(task) ? 1 : 0;
	if (numbers & RULE_NUMBER(CONTAINER))
		n[AMBIT_RULE_CONTAINER] = task->thread_pid->level ? 1 : 0;
	return 0;
}

/* The numbers that are in the object. */
__noinline int object_numbers(struct slot *s)
{
	__u32 pos;
	__u8 kind;
	__u64 *n;

	if (!s)
		return 0;
	n = s->facts.numbers;
	pos = s->pos;
	kind = s->bytes[pos & OFFSET_MASK];
	n[AMBIT_RULE_KIND] = kind;
	n[AMBIT_RULE_UNREPRESENTABLE] = s->status ? 1 : 0;
	/* What is created has its type beside the permission bits. */
	n[AMBIT_RULE_MODE] = s->extra & 07777;
	n[AMBIT_RULE_FILE_UID] = s->file_uid;
	n[AMBIT_RULE_FILE_MODE] = s->file_mode;
	n[AMBIT_RULE_PORT] = 0;
	n[AMBIT_RULE_PROTOCOL] = 0;
	n[AMBIT_RULE_FAMILY] = 0;
	n[AMBIT_RULE_SOCKET_TYPE] = 0;
	n[AMBIT_RULE_RELATION] = 0;
	n[AMBIT_RULE_NEW_ID] = 0;
	if (s->status) {
		n[AMBIT_RULE_KIND] = 0;
		return 0;
	}
	switch (kind) {
	case AMBIT_KIND_INET4:
	case AMBIT_KIND_INET6:
		n[AMBIT_RULE_PROTOCOL] = s->bytes[(pos + 1) & OFFSET_MASK];
		n[AMBIT_RULE_PORT] = s->port;
		break;
	case AMBIT_KIND_UNSPEC:
		n[AMBIT_RULE_PROTOCOL] = s->bytes[(pos + 1) & OFFSET_MASK];
		break;
	case AMBIT_KIND_SOCKET:
		n[AMBIT_RULE_FAMILY] = *(__u16 *)&s->bytes[OBJECT_END - 6];
		n[AMBIT_RULE_SOCKET_TYPE] = *(__u16 *)&s->bytes[OBJECT_END - 4];
		n[AMBIT_RULE_PROTOCOL] = *(__u16 *)&s->bytes[OBJECT_END - 2];
		break;
	case AMBIT_KIND_RELATION:
	case AMBIT_KIND_IPC:
		n[AMBIT_RULE_RELATION] = s->bytes[OBJECT_END - 1];
		break;
	case AMBIT_KIND_IDS:
		n[AMBIT_RULE_NEW_ID] = *(__u32 *)&s->bytes[OBJECT_END - 8];
		break;
	}
	return 0;
}

static __always_inline struct ambit_rule_hook *rules_in(__u32 hook, __u32 half)
{
	__u32 id = (half & 1) * AMBIT_HOOKS + (hook & (AMBIT_HOOKS - 1));

	return bpf_map_lookup_elem(&rule_hooks, &id);
}

/* The hook's rules, as they hold now; NULL if there are none. */
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

static __always_inline void exe_to(struct ambit_rule_event *e, struct ambit_lineage *n, __u32 at)
{
	e->exe_len[at] = n->lengths[at] & (AMBIT_EXE_MAX - 1);
	bpf_probe_read_kernel(e->exes[at], AMBIT_EXE_MAX, n->exes[at]);
}

/* The record goes before the object, as in hand_over(). */
static __always_inline int rule_record(struct slot *s, struct verdict *v,
				       struct ambit_rule_bit *bit)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct ambit_lineage *n = lineage_of(task->group_leader);
	__u32 len = OBJECT_END - s->pos;
	__u64 ids = bpf_get_current_pid_tgid();
	struct ambit_rule_event *e;

	if (len > RECORD_MAX - sizeof(*e))
		return -1;
	e = (void *)&s->bytes[(s->pos - sizeof(*e)) & OFFSET_MASK];
	e->time_ns = bpf_ktime_get_boot_ns();
	e->generation = v->generation;
	e->cgroup = bpf_get_current_cgroup_id();
	e->tgid = ids >> 32;
	e->tid = ids;
	e->uid = task->cred->euid.val;
	e->gid = task->cred->egid.val;
	e->arg = v->arg;
	e->trust = v->trust;
	e->mode = s->extra;
	e->op = v->op;
	e->object_len = len;
	e->rule = bit->rule;
	e->domain = v->domain;
	e->port = s->port;
	e->hook = v->hook;
	e->actions = bit->actions;
	e->outcome = v->outcome;
	e->unrepresentable = s->status;
	e->pad = 0;
	bpf_get_current_comm(e->comm, sizeof(e->comm));
	e->exe_len[0] = 0;
	e->exe_len[1] = 0;
	if (n) {
		exe_to(e, n, 0);
		exe_to(e, n, 1);
	}
	len += sizeof(*e);
	barrier_var(len);
	if (len > RECORD_MAX)
		return -1;
	return bpf_ringbuf_output(&rule_ring, e, len, 0);
}

/* Takes back what the operator said. */
static __always_inline void rule_untaint(struct task_struct *task, struct verdict *v)
{
	struct ambit_trust *t = trust_of(task->group_leader);
	struct ambit_label *l = label_of(task);

	if (!t)
		return;
	__sync_fetch_and_and(&t->bits, ~(1U << AMBIT_TRUST_OPERATOR));
	v->trust = t->bits;
	if (l)
		l->trust = v->trust;
}

/* What one rule does, which is the hook's number `number`. */
__noinline int rule_applied(struct slot *s, struct verdict *v, __u32 number)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct ambit_rule_count *counts;
	struct ambit_rule_bit *bit;
	struct ambit_rule_hook *h;
	__u32 id;

	if (!s || !v)
		return 0;
	id = (v->generation & 1) * AMBIT_HOOKS + (v->hook & (AMBIT_HOOKS - 1));
	h = bpf_map_lookup_elem(&rule_hooks, &id);
	if (!h)
		return 0;
	bit = &h->bits[number & (AMBIT_RULE_FIRED * 64 - 1)];
	id = (v->generation & 1) * AMBIT_RULE_MAX + (bit->rule & (AMBIT_RULE_MAX - 1));
	counts = bpf_map_lookup_elem(&rule_counts, &id);
	if (!counts)
		return 0;
	count(counts->applied);
	if (bit->actions & (AMBIT_RULE_DENY | AMBIT_RULE_KILL))
		count(counts->refused);
	/* Where the operation is allowed, only the rules that allow it act. */
	if (v->outcome & AMBIT_RULE_ALLOW && !(bit->actions & AMBIT_RULE_ALLOW))
		goto record;
	if (bit->actions & AMBIT_RULE_UNTAINT)
		rule_untaint(task, v);
	if (bit->actions & AMBIT_RULE_TAINT) {
		struct trust_why why = {
			.detail = bit->rule,
			.bits = 1U << (bit->source & 31),
			.seconds = bit->seconds,
			.arg = v->arg,
			.op = v->op,
			.hook = v->hook,
		};

		v->trust = trust_lower(task->group_leader, &why);
	}
record:
	if (rule_record(s, v, bit))
		count(counts->lost);
	return 0;
}

struct fired_loop {
	struct slot *s;
	struct verdict *v;
	__u64 word;
	__u32 number; /* of the bit that is next */
};

static long fired_step(__u32 i, struct fired_loop *c)
{
	__u32 number = c->number;

	if (c->word & 0xff) {
		if (c->word & 1)
			rule_applied(c->s, c->v, number);
		c->word >>= 1;
		c->number = number + 1;
		return 0;
	}
	if (c->word) {
		c->word >>= 8;
		c->number = number + 8;
		return 0;
	}
	return 1;
}

static __always_inline void fired_word(struct fired_loop *c, __u32 at)
{
	if (at * 64 >= c->v->rules)
		return;
	c->word = c->s->facts.fired[at];
	c->number = at * 64;
	if (c->word)
		bpf_loop(64 + 8, fired_step, c, 0);
}

/* Does what the rules that applied say: 0 or -EPERM. */
__noinline int rules_carry_out(struct slot *s, struct verdict *v)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct fired_loop c = { .s = s, .v = v };
	struct ambit_label *l = label_of(task);
	struct ambit_trust *t = trust_of(task->group_leader);
	bool refused;

	if (!s || !v)
		return 0;
	refused = v->outcome & (AMBIT_RULE_DENY | AMBIT_RULE_KILL);
	v->trust = t ? t->bits : 0;
	v->domain = l ? l->domain : 0;
	/* What is refused is not allowed, whatever allows it. */
	if (refused)
		v->outcome &= ~AMBIT_RULE_ALLOW;
	fired_word(&c, 0);
	fired_word(&c, 1);
	fired_word(&c, 2);
	fired_word(&c, 3);
	fired_word(&c, 4);
	fired_word(&c, 5);
	fired_word(&c, 6);
	fired_word(&c, 7);
	if (l)
		l->trust |= v->trust;
	if (l && v->outcome & AMBIT_RULE_ALLOW) {
		l->allowed_op = v->hook << 16 | v->op;
		l->allowed_arg = v->arg;
		l->allowed_at = v->generation;
	}
	if (v->outcome & AMBIT_RULE_KILL)
		bpf_send_signal(SIGKILL);
	return refused ? -EPERM : 0;
}

static __noinline int rules_failed(__u32 hook)
{
	__u64 generation, *n = bpf_map_lookup_elem(&rule_failures, &hook);
	struct ambit_rule_hook *h = rules_of(hook, &generation);

	if (!h || !h->bits_used)
		return 0;
	if (n)
		count(*n);
	return h->actions & (AMBIT_RULE_DENY | AMBIT_RULE_KILL) ? -EPERM : 0;
}

/* Nothing is allowed by rules so far. */
static __always_inline int rules_none(struct ambit_rule_hook *h)
{
	struct ambit_label *l;

	if (h->actions & AMBIT_RULE_ALLOW) {
		l = label_of(bpf_get_current_task_btf());
		if (l)
			l->allowed_at = 0;
	}
	return 0;
}

/* A stage of the early program. */
static __always_inline __u32 early_ask(struct slot *s, __u32 half, __u32 stage, __u32 hook_op)
{
	volatile __u64 *op = &s->facts.numbers[AMBIT_RULE_OP];
	__u32 answer;

	/* Clang sees functions that read nothing: it would leave the first of two stores out. */
	*op = stage << AMBIT_EARLY_STAGE | (hook_op & 0xffff);
	answer = half ? early_b(&s->facts) : early_a(&s->facts);
	*op = hook_op & 0xffff;
	return answer & AMBIT_EARLY_THERE ? answer & ~AMBIT_EARLY_THERE : EARLY_ALL;
}

/* What the rules say that apply, once the object's tests and numbers are there; -1 if they can't be asked. */
static __always_inline int rules_outcome(struct slot *s, struct ambit_rule_hook *h, __u32 half)
{
	__u32 needs = h->needs;

	if (h->quick) {
		/* A rule that does not apply for what is known so far does not with other texts' bits of another event. */
		needs = half ? quick_b(&s->facts) : quick_a(&s->facts);
		if (!needs)
			return 0;
	}
	if (dear_match(s, half, needs))
		return -1;
	return half ? rules_b(&s->facts) : rules_a(&s->facts);
}

static __always_inline void rules_numbers(struct slot *s, __u32 numbers)
{
	if (numbers & OBJECT_NUMBERS)
		object_numbers(s);
	if (numbers & TASK_NUMBERS)
		task_numbers(s, numbers);
}

/* Asks the rules about the slot's object. A global function: the verifier looks at it once a program. */
__noinline int rules_ask(struct slot *s, __u32 hook_op, __u32 arg)
{
	__u32 hook = hook_op >> 16, half;
	struct text_run r = {};
	struct ambit_rule_hook *h;
	struct verdict *v;
	__u64 generation;
	int outcome;

	if (!s)
		return 0;
	v = &s->verdict;
	h = rules_of(hook, &generation);
	if (!h || !h->bits_used)
		return 0;
	half = generation & 1;
	s->facts.numbers[AMBIT_RULE_OP] = hook_op & 0xffff;
	s->facts.numbers[AMBIT_RULE_ARG] = arg;
	rules_numbers(s, h->numbers);
	if (h->needs & 1 << AMBIT_RULE_TEXT_OBJECT) {
		r.half = half;
		r.first = h->first;
		r.count = h->count;
		r.text = AMBIT_RULE_TEXT_OBJECT;
		r.from = s->status ? OBJECT_END : s->pos;
		r.to = OBJECT_END;
		if (text_match(s, &r))
			goto failed;
	}
	if (s->unmet && h->early & AMBIT_EARLY_OBJECT) {
		s->early = early_ask(s, half, AMBIT_EARLY_PATH, hook_op);
		s->early_of = generation;
	}
	outcome = rules_outcome(s, h, half);
	if (unlikely(outcome < 0))
		goto failed;
	rules_none(h);
	if (likely(!outcome))
		return 0;
	v->outcome = outcome;
	v->generation = generation;
	v->rules = h->bits_used;
	v->hook = hook;
	v->op = hook_op & 0xffff;
	v->arg = arg;
	return rules_carry_out(s, v);
failed:
	return rules_failed(hook);
}

/* The start of a rule's hook: a slot for the object. */
struct asking {
	struct slot *s;
	int verdict;
};

static __always_inline bool asking(struct asking *a, __u32 hook)
{
	struct slot *s = slot_get();

	a->s = s;
	a->verdict = 0;
	if (unlikely(!s)) {
		a->verdict = rules_failed(hook);
		return false;
	}
	s->status = 0;
	s->extra = 0;
	s->port = 0;
	s->file_uid = 0;
	s->file_mode = 0;
	s->pos = OBJECT_END;
	s->unmet = 0;
	s->early_of = 0;
	return true;
}

static __always_inline void ask_rules(struct asking *a, __u32 hook, __u32 op, __u32 arg)
{
	if (!a->verdict)
		a->verdict = rules_ask(a->s, hook << 16 | op, arg);
}

static __always_inline int answer(struct asking *a)
{
	if (a->s)
		slot_put(a->s);
	return a->verdict ? -EPERM : 0;
}

#endif /* AMBIT_RULES_H */
