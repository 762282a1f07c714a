/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The one decision function. A hook gathers its object into a scratch slot and
 * calls decide(); everything that is counted, handed over, learned or refused
 * happens here.
 *
 * Fail mode: where Ambit itself cannot go on (no scratch slot), the attempt is
 * counted as a violation with its reason and answered by the domain's mode:
 * enforce refuses, learn and audit let pass.
 */
#ifndef AMBIT_DECIDE_H
#define AMBIT_DECIDE_H

#define count(field) ((void)__sync_fetch_and_add(&(field), 1))

static __always_inline struct ambit_label *label_of(struct task_struct *task)
{
	return bpf_task_storage_get(&labels, task, NULL, 0);
}

static __always_inline struct ambit_domain *domain_of(struct ambit_label *l)
{
	__u32 id = l->domain;

	return bpf_map_lookup_elem(&domains, &id);
}

static __always_inline struct ambit_stat *stat_of(struct ambit_label *l, __u32 hook)
{
	__u32 id = l->domain * AMBIT_HOOKS + hook;

	return bpf_map_lookup_elem(&stats, &id);
}

static __always_inline void *set_of(struct ambit_label *l)
{
	__u32 id = l->domain;

	return bpf_map_lookup_elem(&sets, &id);
}

static __always_inline struct ambit_member *member_of(void *set, const struct ambit_fp *key)
{
	struct ambit_member *member = bpf_map_lookup_elem(set, &key->lo);

	return member && member->hi == key->hi ? member : NULL;
}

static __always_inline bool in_set(void *set, const struct ambit_fp *key)
{
	return member_of(set, key);
}

static __always_inline bool known(struct ambit_label *l, const struct ambit_fp *key)
{
	void *set = set_of(l);

	return set && in_set(set, key);
}

/* 0, or an error where the set is full or has another point of the same key. */
static __always_inline long add_to_set(void *set, const struct ambit_fp *key, __u32 origin)
{
	struct ambit_member member = {
		.hi = key->hi,
		.origin = origin,
		.hits = origin == AMBIT_ORIGIN_LEARNED ? 1 : AMBIT_HITS_MAX,
	};

	return bpf_map_update_elem(set, &key->lo, &member, BPF_NOEXIST);
}

static __always_inline void skip(struct ambit_label *l, __u32 hook, __u32 why)
{
	struct ambit_stat *st = stat_of(l, hook);

	if (!st)
		return;
	count(st->evaluated);
	count(st->skipped[why & (AMBIT_SKIPS - 1)]);
}

struct slot_loop {
	__u32 first;
	bool found;
};

static long slot_step(__u32 i, struct slot_loop *c)
{
	__u32 id = (c->first + i) & cfg.slot_mask;
	struct slot *s = bpf_map_lookup_elem(&slots, &id);

	if (!s || __sync_val_compare_and_swap(&s->busy, 0, 1) != 0)
		return 0;
	c->first = id;
	c->found = true;
	return 1;
}

/* Any free slot, and which it is; -1 if all are taken. */
static __noinline int slot_search(__u32 first)
{
	struct slot_loop c = { .first = first };

	bpf_loop(64, slot_step, &c, 0);
	return c.found ? (int)c.first : -1;
}

static __always_inline struct slot *slot_get(void)
{
	__u32 id = (bpf_get_smp_processor_id() * 4) & cfg.slot_mask;
	struct slot *s = bpf_map_lookup_elem(&slots, &id);

	if (!s)
		return NULL;
	if (likely(__sync_val_compare_and_swap(&s->busy, 0, 1) == 0))
		return s;
	id = slot_search(id);
	/* Refuses an index of -1. */
	return bpf_map_lookup_elem(&slots, &id);
}

static __always_inline void slot_put(struct slot *s)
{
	*(volatile __u32 *)&s->busy = 0;
}

static __always_inline void key_of(struct slot *s, struct ambit_fp *key)
{
	key->lo = s->fp.lo ^ s->subject.lo;
	key->hi = s->fp.hi ^ s->subject.hi;
}

struct handover {
	struct ambit_label *l;
	struct ambit_stat *st;
	struct ambit_fp key;
	__u32 op;
	__u32 arg;
	__u32 kind;
	__u32 hook;
	__u32 mode;
	__u32 response;
	__u32 reason;
	__u32 repeats;
};

/* Put the record into the domain's ring: 0, or -1 if there was no room. */
static __noinline int hand_over(struct slot *s, struct handover *h)
{
	struct task_struct *task = bpf_get_current_task_btf();
	__u64 ids = bpf_get_current_pid_tgid();
	__u32 domain = h->l->domain, len = OBJECT_END - s->pos, start;
	__u64 level;
	struct ambit_event *e;
	struct pid *pid;
	void *ring;
	long err;

	count(h->st->emitted);
	if (len > RECORD_MAX - sizeof(*e))
		goto lost;
	start = (s->pos - sizeof(*e)) & OFFSET_MASK;
	e = (void *)&s->bytes[start];
	e->kind = h->kind;
	e->hook = h->hook;
	e->domain = domain;
	e->op = h->op;
	e->object_len = len;
	e->arg = h->arg;
	e->mode = h->mode;
	e->response = h->response;
	e->reason = h->reason;
	e->pad = 0;
	e->time_ns = bpf_ktime_get_boot_ns();
	e->key = h->key;
	e->subject = s->subject;
	e->tgid = ids >> 32;
	e->tid = ids;
	pid = task->group_leader->thread_pid;
	/* MAX_PID_NS_LEVEL is 32 */
	level = (BPF_CORE_READ(pid, level) * bpf_core_type_size(struct upid)) & 1023;
	barrier_var(level);
	e->ns_tgid = 0;
	bpf_probe_read_kernel(&e->ns_tgid, sizeof(e->ns_tgid),
			      (void *)pid + bpf_core_field_offset(struct pid, numbers) +
				      (level & 1023));
	e->trust = h->l->trust;
	e->extra = s->extra;
	e->count = h->repeats;
	bpf_get_current_comm(e->comm, sizeof(e->comm));

	ring = bpf_map_lookup_elem(&rings, &domain);
	if (!ring)
		goto lost;
	len += sizeof(*e);
	barrier_var(len); /* or clang compares one register and passes another */
	if (len > RECORD_MAX)
		goto lost;
	err = bpf_ringbuf_output(ring, e, len, 0);
	if (!err)
		return 0;
lost:
	count(h->st->lost);
	return -1;
}

/*
 * For a recording: what is handed over beyond first occurrences. A short cut
 * around decide() must not be taken for a label that has AMBIT_LABEL_RECORD.
 */
static __always_inline void record(struct slot *s, struct handover *h, __u32 kind)
{
	h->kind = kind;
	if (hand_over(s, h))
		count(h->st->unrecorded);
}

/* The point of s->fp, which is known. */
static __noinline int record_match(struct slot *s, struct ambit_label *l, __u32 hook_op, __u32 arg)
{
	struct ambit_domain *d = domain_of(l);
	struct handover h = {
		.l = l,
		.st = stat_of(l, hook_op >> 16),
		.op = hook_op & 0xffff,
		.arg = arg,
		.hook = hook_op >> 16,
	};

	if (!d || !h.st)
		return 0;
	h.mode = d->mode;
	key_of(s, &h.key);
	record(s, &h, AMBIT_EVENT_MATCH);
	return 0;
}

struct dfa_loop {
	struct slot *s;
	struct ambit_dfa *dfa;
	void *pages;
	struct ambit_dfa_page *page;
	__u32 number; /* of that page */
	__u32 pos;
	__u32 state;
};

#define DFA_BYTES 8

static __always_inline __u32 dfa_entry(struct dfa_loop *c, __u32 first, __u32 index)
{
	__u32 number = first + (index >> AMBIT_DFA_PAGE_BITS);

	if (number != c->number) {
		c->page = bpf_map_lookup_elem(c->pages, &number);
		c->number = number;
	}
	if (!c->page)
		return 0;
	/* 6.1 forgets the bounds that let clang leave the masks out. */
	barrier_var(index);
	return c->page->entries[index & ((1 << AMBIT_DFA_PAGE_BITS) - 1)];
}

static long dfa_step(__u32 i, struct dfa_loop *c)
{
	struct ambit_dfa *dfa = c->dfa;
	__u32 shift = dfa->shift & 15, k, pos;

	for (k = 0; k < DFA_BYTES; k++) {
		if (c->pos >= OBJECT_END || c->state == 0)
			return 1;
		pos = c->pos++;
		barrier_var(pos);
		c->state = dfa_entry(
			c, 1, (c->state << shift) + dfa->classes[c->s->bytes[pos & OFFSET_MASK]]);
	}
	return 0;
}

/* The pattern class of the object, 0 for none. */
static __noinline __u32 pattern_class(struct slot *s, struct ambit_label *l)
{
	struct dfa_loop c = { .s = s, .pos = s->pos };
	__u32 domain = l->domain, zero = 0;

	c.pages = bpf_map_lookup_elem(&automata, &domain);
	if (!c.pages)
		return 0;
	c.page = bpf_map_lookup_elem(c.pages, &zero);
	if (!c.page)
		return 0;
	c.dfa = (void *)c.page;
	c.state = c.dfa->start;
	bpf_loop((OFFSET_MASK + 1) / DFA_BYTES, dfa_step, &c, 0);
	return c.state ? dfa_entry(&c, c.dfa->accept, c.state) : 0;
}

static __always_inline void remember(struct ambit_label *l, struct ambit_domain *d, void *set,
				     struct ambit_fp *key)
{
	__u32 id = l->domain;
	struct ambit_domain_state *state = bpf_map_lookup_elem(&domain_states, &id);

	if (!state || state->cached >= d->cache_max)
		return;
	if (!add_to_set(set, key, AMBIT_ORIGIN_CACHED))
		count(state->cached);
}

/* Is the object covered by a pattern of the subject? */
static __noinline int by_pattern(struct slot *s, struct ambit_label *l, struct ambit_domain *d,
				 __u32 op, __u32 arg)
{
	__u32 class = pattern_class(s, l);
	struct ambit_fp exact, key;
	void *set;

	if (!class)
		return 0;
	key_of(s, &exact);
	put(s, CLASS_END - 3, AMBIT_KIND_CLASS);
	put(s, CLASS_END - 2, class);
	put(s, CLASS_END - 1, class >> 8);
	fingerprint(s, CLASS_END - 3, CLASS_END, op, arg);
	key_of(s, &key);
	set = set_of(l);
	if (!set || !in_set(set, &key))
		return 0;
	remember(l, d, set, &exact);
	return 1;
}

static __noinline int learn(struct slot *s, struct handover *h)
{
	struct ambit_label *l = h->l;
	struct ambit_domain_state *state;
	__u32 id = l->domain;
	void *set;
	long err;

	if (l->trust) {
		count(h->st->skipped[AMBIT_SKIP_UNTRUSTED]);
		if (s->status)
			h->reason = s->status - 1;
		if (l->flags & AMBIT_LABEL_RECORD)
			record(s, h, s->status ? AMBIT_EVENT_UNREPRESENTABLE : AMBIT_EVENT_POINT);
		return 0;
	}
	if (s->status) {
		h->kind = AMBIT_EVENT_UNREPRESENTABLE;
		h->reason = s->status - 1;
		hand_over(s, h);
		count(h->st->skipped[AMBIT_SKIP_UNREPRESENTABLE]);
		return 0;
	}
	h->kind = AMBIT_EVENT_POINT;
	if (!(l->flags & AMBIT_LABEL_DELIVERED) || hand_over(s, h)) {
		count(h->st->skipped[AMBIT_SKIP_LOST]);
		return 0;
	}
	set = set_of(l);
	err = set ? add_to_set(set, &h->key, AMBIT_ORIGIN_LEARNED) : -1;
	state = bpf_map_lookup_elem(&domain_states, &id);
	if (err && set && in_set(set, &h->key)) {
		/* Another CPU was faster. */
		count(h->st->learned);
		return 0;
	}
	if (err) {
		count(h->st->skipped[AMBIT_SKIP_FULL]);
		if (state)
			count(state->full);
		return 0;
	}
	count(h->st->learned);
	if (state)
		count(state->points);
	return 0;
}

static __always_inline void distrust(struct ambit_label *l, struct handover *h, __u32 source)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct trust_why why = {
		.bits = 1U << source,
		.arg = h->arg,
		.op = h->op,
		.hook = h->hook,
	};

	if (!l->trust) {
		l->cause.time_ns = bpf_ktime_get_boot_ns();
		l->cause.key = h->key;
		l->cause.tgid = bpf_get_current_pid_tgid() >> 32;
		l->cause.arg = h->arg;
		l->cause.op = h->op;
		l->cause.hook = h->hook;
		l->cause.source = source;
	}
	if (l->trust & 1U << source)
		return;
	if (task->pid == task->tgid)
		trust_lower(task, &why);
	else
		trust_owe(task, &why);
	l->trust |= 1U << source;
}

/* Whether a rule allowed this very operation; rules are asked before. */
static __always_inline bool allowed(struct ambit_label *l, __u32 hook_op, __u32 arg)
{
	struct ambit_rule_state *state;
	__u32 zero = 0;

	if (likely(!l->allowed_at))
		return false;
	state = bpf_map_lookup_elem(&rule_states, &zero);
	return state && state->generation == l->allowed_at && l->allowed_op == hook_op &&
	       l->allowed_arg == arg;
}

/* What is done about an untrusted task: enum ambit_response. */
static __always_inline __u32 gate(struct ambit_domain *d, __u32 op, __u32 trust)
{
	struct ambit_gate *g = &d->gates[(op >> 8) & (AMBIT_FAMILIES - 1)];

	if (trust & g->kill)
		return AMBIT_RESPOND_KILL;
	return trust & g->deny ? AMBIT_RESPOND_DENY : AMBIT_RESPOND_LOG;
}

static __noinline int violation(struct slot *s, struct handover *h, struct ambit_domain *d)
{
	struct repeat_key rk = { .point = h->key, .serial = d->serial, .reason = h->reason };
	__u32 family = (h->op >> 8) & (AMBIT_FAMILIES - 1), one = 1, n = 1, *seen;

	count(h->st->violations);
	if (h->reason == AMBIT_REASON_GATE)
		count(h->st->gated);
	h->response = AMBIT_RESPOND_LOG;
	if (h->mode == AMBIT_MODE_ENFORCE)
		h->response = h->reason == AMBIT_REASON_GATE ? gate(d, h->op, h->l->trust) :
							       d->outside[family];
	distrust(h->l, h, AMBIT_TRUST_MODEL);

	/* The first, second, fourth, ... repetition is handed over. */
	seen = bpf_map_lookup_elem(&repeats, &rk);
	if (seen)
		n = __sync_fetch_and_add(seen, 1) + 1;
	else
		bpf_map_update_elem(&repeats, &rk, &one, BPF_NOEXIST);
	h->repeats = n;
	if (!(n & (n - 1))) {
		h->kind = AMBIT_EVENT_VIOLATION;
		hand_over(s, h);
	} else {
		count(h->st->suppressed);
		if (h->l->flags & AMBIT_LABEL_RECORD)
			record(s, h, AMBIT_EVENT_VIOLATION);
	}
	if (h->response == AMBIT_RESPOND_KILL)
		bpf_send_signal(SIGKILL);
	return h->response == AMBIT_RESPOND_LOG ? 0 : -EPERM;
}

/* Everything but a point that is known exactly. */
static __noinline int decide_rest(struct slot *s, struct ambit_label *l, __u32 hook_op, __u32 arg,
				  struct ambit_stat *st)
{
	__u32 op = hook_op & 0xffff;
	struct ambit_domain *d = domain_of(l);
	struct handover h = {
		.l = l,
		.st = st,
		.op = op,
		.arg = arg,
		.hook = hook_op >> 16,
	};

	if (!d)
		return -EPERM;
	if (unlikely(allowed(l, hook_op, arg))) {
		count(st->skipped[AMBIT_SKIP_ALLOWED]);
		return 0;
	}
	h.mode = d->mode;
	if (!s->status)
		key_of(s, &h.key);
	if (s->gated && d->mode != AMBIT_MODE_LEARN) {
		h.reason = AMBIT_REASON_GATE;
		return violation(s, &h, d);
	}
	if (!s->status && (d->flags & AMBIT_DOMAIN_PATTERNS) && by_pattern(s, l, d, op, arg)) {
		count(st->matched);
		if (l->flags & AMBIT_LABEL_RECORD)
			record(s, &h, AMBIT_EVENT_MATCH);
		else
			s->known = true;
		return 0;
	}
	if (d->mode == AMBIT_MODE_LEARN)
		return learn(s, &h);
	if (s->status)
		h.reason = s->status - 1;
	else if (op == AMBIT_OP_EXEC_DIGEST)
		h.reason = AMBIT_REASON_DIGEST;
	else if (op == AMBIT_OP_EXEC_CREDS)
		h.reason = AMBIT_REASON_CREDS;
	return violation(s, &h, d);
}

/* Not to be let pass as known: while learning, what an untrusted task does counts for nothing. */
static __always_inline bool gated(struct ambit_label *l, __u32 op)
{
	struct ambit_domain *d = domain_of(l);

	return d && (d->mode == AMBIT_MODE_LEARN || gate(d, op, l->trust) != AMBIT_RESPOND_LOG);
}

/*
 * Decide the point made of s->subject, op, arg and the object that ends at
 * OBJECT_END: 0 or -EPERM. A global function: the verifier looks at it once a
 * program, not once a way that leads to it.
 */
__noinline int decide(struct slot *s, struct ambit_label *l, __u32 hook_op, __u32 arg)
{
	struct ambit_member *member;
	struct ambit_stat *st;
	struct ambit_fp key;
	void *set;

	if (!s || !l)
		return -EPERM;
	st = stat_of(l, hook_op >> 16);
	if (!st)
		return -EPERM;
	count(st->evaluated);
	s->gated = unlikely(l->trust) && gated(l, hook_op & 0xffff);
	if (likely(!s->status)) {
		sip(s, s->pos, OBJECT_END, hook_op & 0xffff, arg);
		key_of(s, &key);
		set = set_of(l);
		if (likely(!s->gated) && set && (member = member_of(set, &key))) {
			count(st->matched);
			s->known = member->hits >= AMBIT_HITS_MAX &&
				   !(l->flags & AMBIT_LABEL_RECORD);
			if (likely(s->known))
				return 0;
			if (member->hits < AMBIT_HITS_MAX)
				*(volatile __u32 *)&member->hits = member->hits + 1;
			if (l->flags & AMBIT_LABEL_RECORD)
				record_match(s, l, hook_op, arg);
			return 0;
		}
	}
	return decide_rest(s, l, hook_op, arg, st);
}

/* No scratch slot: nothing can be represented, nothing can be handed over. */
static __noinline int no_scratch(struct ambit_label *l, __u32 hook)
{
	struct ambit_domain *d = domain_of(l);
	struct ambit_stat *st = stat_of(l, hook);

	if (!d || !st)
		return -EPERM;
	count(st->evaluated);
	if (d->mode == AMBIT_MODE_LEARN) {
		count(st->skipped[AMBIT_SKIP_UNREPRESENTABLE]);
		return 0;
	}
	count(st->violations);
	count(st->suppressed);
	return d->mode == AMBIT_MODE_ENFORCE ? -EPERM : 0;
}

/* The start of a hook: the label of the current task and a slot for its object. */
struct scope {
	struct ambit_label *l;
	struct slot *s;
	int verdict;
};

/* Takes a slot for the label that c has. */
static __always_inline bool take_slot(struct scope *c, __u32 hook)
{
	c->s = slot_get();
	if (unlikely(!c->s)) {
		c->verdict = no_scratch(c->l, hook);
		return false;
	}
	c->s->status = 0;
	c->s->extra = 0;
	c->s->known = false;
	c->s->pos = OBJECT_END;
	c->s->subject = c->l->subject;
	return true;
}

static __always_inline bool enter_labelled(struct scope *c, __u32 hook)
{
	if (unlikely(c->l->flags & AMBIT_LABEL_LAUNCHING)) {
		skip(c->l, hook, AMBIT_SKIP_LAUNCH);
		return false;
	}
	trust_sync(c->l);
	return take_slot(c, hook);
}

static __always_inline bool enter(struct scope *c, __u32 hook)
{
	c->verdict = 0;
	c->l = label_of(bpf_get_current_task_btf());
	if (likely(!c->l))
		return false;
	return enter_labelled(c, hook);
}

static __always_inline int leave(struct scope *c)
{
	slot_put(c->s);
	/* From 6.12 on the verifier wants the range. */
	return c->verdict ? -EPERM : 0;
}

static __always_inline void ask(struct scope *c, __u32 hook, __u32 op, __u32 arg)
{
	if (!c->verdict)
		c->verdict = decide(c->s, c->l, hook << 16 | op, arg);
}

/* Objects without a payload. */
static __always_inline void object_none(struct slot *s)
{
	s->pos = OBJECT_END - 1;
	put(s, s->pos, AMBIT_KIND_NONE);
}

static __always_inline void object_unrepresentable(struct slot *s, __u32 reason)
{
	s->status = reason + 1;
}

#endif /* AMBIT_DECIDE_H */
