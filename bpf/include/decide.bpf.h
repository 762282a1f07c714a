/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The decision function of the map. A hook builds its object in a scratch slot and
 * calls decide(), which counts, emits, learns and refuses.
 *
 * Fail mode: without a scratch slot or counters an operation cannot be evaluated. It
 * is counted, and the domain's mode decides: enforce refuses, learn and audit allow.
 */
#ifndef AMBIT_DECIDE_H
#define AMBIT_DECIDE_H

#define count(field) ((void)__sync_fetch_and_add(&(field), 1))

static __always_inline struct ambit_label *label_of(struct task_struct *task)
{
	return bpf_task_storage_get(&labels, task, NULL, 0);
}

/*
 * Returns the label's domain; NULL if its slot was freed, or belongs to another domain
 * now. A task with such a label is refused everything.
 */
static __always_inline struct ambit_domain *domain_of(struct ambit_label *label)
{
	__u32 id = label->domain;
	struct ambit_domain *domain = bpf_map_lookup_elem(&domains, &id);

	return domain && domain->serial == label->serial ? domain : NULL;
}

static __always_inline bool learning(struct ambit_label *label)
{
	struct ambit_domain *domain = domain_of(label);

	return domain && domain->mode == AMBIT_MODE_LEARN;
}

/* Returns the counters of the label's domain; NULL like domain_of(). */
static __always_inline struct ambit_domain_state *state_of(struct ambit_label *label)
{
	__u32 id = label->domain;

	return domain_of(label) ? bpf_map_lookup_elem(&domain_states, &id) : NULL;
}

static __always_inline struct ambit_stat *stat_of(struct ambit_label *label, __u32 hook)
{
	__u32 id = label->domain * AMBIT_HOOKS + hook;

	return bpf_map_lookup_elem(&stats, &id);
}

static __always_inline void *set_of(struct ambit_label *label)
{
	__u32 id = label->domain;

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

static __always_inline bool known(struct ambit_label *label, const struct ambit_fp *key)
{
	void *set = set_of(label);

	return set && in_set(set, key);
}

/* Returns 0, or an error if the set is full or has another point of the same key. */
static __always_inline long add_to_set(void *set, const struct ambit_fp *key, __u32 origin)
{
	struct ambit_member member = {
		.hi = key->hi,
		.origin = origin,
		.hits = origin == AMBIT_ORIGIN_LEARNED ? 1 : AMBIT_HITS_MAX,
	};

	return bpf_map_update_elem(set, &key->lo, &member, BPF_NOEXIST);
}

static __always_inline void skip(struct ambit_label *label, __u32 hook, __u32 why)
{
	struct ambit_stat *stat = stat_of(label, hook);

	if (!stat)
		return;
	count(stat->evaluated);
	count(stat->skipped[why & (AMBIT_SKIPS - 1)]);
}

/* No slot has this index. */
#define SLOT_NONE 0xffffffff

struct slot_loop {
	void *pool;
	__u32 base;
	__u32 first;
	bool found;
};

static long slot_step(__u32 i, struct slot_loop *loop)
{
	__u32 id = loop->base + ((loop->first + i) & cfg.slot_mask);
	struct slot *slot = bpf_map_lookup_elem(loop->pool, &id);

	if (!slot || __sync_val_compare_and_swap(&slot->busy, 0, 1) != 0)
		return 0;
	loop->first = id;
	loop->found = true;
	return 1;
}

/* Returns the group of the current task's user: 0 for root, below AMBIT_SLOT_GROUPS. */
static __always_inline __u32 user_group(void)
{
	__u32 uid = bpf_get_current_uid_gid();

	return uid ? 1 + uid % (AMBIT_SLOT_GROUPS - 1) : 0;
}

/*
 * Takes a slot of the current task's domain, or of its user if it has no label. Returns
 * the pool in the upper half and the slot's index in the lower; the index is
 * SLOT_NONE if all are taken.
 */
static __noinline __u64 slot_search(void)
{
	struct ambit_label *label = label_of(bpf_get_current_task_btf());
	struct slot_loop loop = { .first = bpf_get_smp_processor_id() * 4 };
	__u32 domain = label ? label->domain : 0;

	loop.pool = bpf_map_lookup_elem(&slot_pools, &domain);
	if (!loop.pool)
		return SLOT_NONE;
	if (!label)
		loop.base = user_group() * (cfg.slot_mask + 1);
	bpf_loop(64, slot_step, &loop, 0);
	return (__u64)domain << 32 | (loop.found ? loop.first : SLOT_NONE);
}

/*
 * Takes a scratch slot for the current task: the processor's, and if another task left it
 * there when it was preempted, one of the task's own. Returns its place as slot_search()
 * does. A global function, see verifier.bpf.h: a program that takes many slots, as for
 * each address of an SCTP call, has too many states otherwise.
 */
__noinline __u64 slot_take(void)
{
	__u32 id = AMBIT_SLOT_GROUPS * (cfg.slot_mask + 1) +
		   (bpf_get_smp_processor_id() & cfg.slot_mask);
	__u32 domain = 0;
	struct slot *slot;
	void *pool;

	pool = bpf_map_lookup_elem(&slot_pools, &domain);
	slot = pool ? bpf_map_lookup_elem(pool, &id) : NULL;
	if (slot && likely(__sync_val_compare_and_swap(&slot->busy, 0, 1) == 0))
		return id;
	return slot_search();
}

/* Takes a scratch slot; NULL if all are taken. */
static __always_inline struct slot *slot_get(void)
{
	__u64 taken = slot_take();
	__u32 domain = taken >> 32, id = taken;
	void *pool = bpf_map_lookup_elem(&slot_pools, &domain);

	/* Returns NULL for SLOT_NONE. */
	return pool ? bpf_map_lookup_elem(pool, &id) : NULL;
}

static __always_inline void slot_put(struct slot *slot)
{
	*(volatile __u32 *)&slot->busy = 0;
}

static __always_inline void key_of(struct slot *slot, struct ambit_fp *key)
{
	key->lo = slot->fp.lo ^ slot->subject.lo;
	key->hi = slot->fp.hi ^ slot->subject.hi;
}

/* Returns the number of the task's process in its own pid namespace. */
static __always_inline int own_number(struct task_struct *task)
{
	struct pid *pid = BPF_CORE_READ(task, group_leader, thread_pid);
	__u64 level;
	int number = 0;

	/* MAX_PID_NS_LEVEL is 32 (include/linux/pid_namespace.h). */
	level = (BPF_CORE_READ(pid, level) * bpf_core_type_size(struct upid)) & 1023;
	barrier_var(level);
	bpf_probe_read_kernel(&number, sizeof(number),
			      (void *)pid + bpf_core_field_offset(struct pid, numbers) +
				      (level & 1023));
	return number;
}

/* The fields of a record that may be emitted. */
struct draft {
	struct ambit_label *label;
	struct ambit_stat *stat;
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

/* Writes the record to the domain's ring. Returns 0, or -1 if the ring has no room. */
static __noinline int emit(struct slot *slot, struct draft *draft)
{
	struct task_struct *task = bpf_get_current_task_btf();
	__u64 ids = bpf_get_current_pid_tgid();
	__u32 domain = draft->label->domain, len = OBJECT_END - slot->pos, start;
	struct ambit_event *event;
	void *ring;
	long err;

	count(draft->stat->emitted);
	if (len > RECORD_MAX - sizeof(*event))
		goto lost;
	start = (slot->pos - sizeof(*event)) & OFFSET_MASK;
	event = (void *)&slot->bytes[start];
	event->kind = draft->kind;
	event->hook = draft->hook;
	event->domain = domain;
	event->op = draft->op;
	event->object_len = len;
	event->arg = draft->arg;
	event->mode = draft->mode;
	event->response = draft->response;
	event->reason = draft->reason;
	event->pad = 0;
	event->time_ns = bpf_ktime_get_boot_ns();
	event->key = draft->key;
	event->subject = slot->subject;
	event->tgid = ids >> 32;
	event->tid = ids;
	event->ns_tgid = own_number(task);
	event->trust = draft->label->trust;
	event->extra = slot->extra;
	event->count = draft->repeats;
	bpf_get_current_comm(event->comm, sizeof(event->comm));

	ring = bpf_map_lookup_elem(&rings, &domain);
	if (!ring)
		goto lost;
	len += sizeof(*event);
	barrier_var(len); /* or clang compares one register and passes another */
	if (len > RECORD_MAX)
		goto lost;
	err = bpf_ringbuf_output(ring, event, len, 0);
	if (!err)
		return 0;
lost:
	count(draft->stat->lost);
	return -1;
}

/*
 * Emits a record that only a recording needs, beyond first occurrences. The shortcut
 * around decide() must not be taken for a label that has AMBIT_LABEL_RECORD.
 */
static __always_inline void emit_recorded(struct slot *slot, struct draft *draft, __u32 kind)
{
	draft->kind = kind;
	if (emit(slot, draft))
		count(draft->stat->unrecorded);
}

/* Emits the point of slot->fp, which the map has. */
static __noinline int emit_match(struct slot *slot, struct ambit_label *label, __u32 hook_op,
				 __u32 arg)
{
	struct ambit_domain *domain = domain_of(label);
	struct draft draft = {
		.label = label,
		.stat = stat_of(label, hook_op >> 16),
		.op = hook_op & 0xffff,
		.arg = arg,
		.hook = hook_op >> 16,
	};

	if (!domain || !draft.stat)
		return 0;
	draft.mode = domain->mode;
	key_of(slot, &draft.key);
	emit_recorded(slot, &draft, AMBIT_EVENT_MATCH);
	return 0;
}

struct dfa_loop {
	struct slot *slot;
	struct ambit_dfa *dfa;
	void *pages;
	struct ambit_dfa_page *page;
	__u32 number; /* the page's */
	__u32 pos;
	__u32 state;
};

#define DFA_BYTES 8

static __always_inline __u32 dfa_entry(struct dfa_loop *loop, __u32 first, __u32 index)
{
	__u32 number = first + (index >> AMBIT_DFA_PAGE_BITS);

	if (number != loop->number) {
		loop->page = bpf_map_lookup_elem(loop->pages, &number);
		loop->number = number;
	}
	if (!loop->page)
		return 0;
	/* Keeps the mask, which 6.1 needs (verifier.bpf.h). */
	barrier_var(index);
	return loop->page->entries[index & ((1 << AMBIT_DFA_PAGE_BITS) - 1)];
}

static long dfa_step(__u32 i, struct dfa_loop *loop)
{
	struct ambit_dfa *dfa = loop->dfa;
	__u32 shift = dfa->shift & 15, k, pos;

	for (k = 0; k < DFA_BYTES; k++) {
		if (loop->pos >= OBJECT_END || loop->state == 0)
			return 1;
		pos = loop->pos++;
		barrier_var(pos);
		loop->state = dfa_entry(loop, 1,
					(loop->state << shift) +
						dfa->classes[loop->slot->bytes[pos & OFFSET_MASK]]);
	}
	return 0;
}

/* Returns the pattern class of the object, 0 for none. */
static __noinline __u32 pattern_class(struct slot *slot, struct ambit_label *label)
{
	struct dfa_loop loop = { .slot = slot, .pos = slot->pos };
	__u32 domain = label->domain, zero = 0;

	loop.pages = bpf_map_lookup_elem(&automata, &domain);
	if (!loop.pages)
		return 0;
	loop.page = bpf_map_lookup_elem(loop.pages, &zero);
	if (!loop.page)
		return 0;
	loop.dfa = (void *)loop.page;
	loop.state = loop.dfa->start;
	bpf_loop((OFFSET_MASK + 1) / DFA_BYTES, dfa_step, &loop, 0);
	return loop.state ? dfa_entry(&loop, loop.dfa->accept, loop.state) : 0;
}

static __always_inline void cache_pattern_result(struct ambit_label *label,
						 struct ambit_domain *domain, void *set,
						 struct ambit_fp *key)
{
	struct ambit_domain_state *state = state_of(label);

	if (!state || state->cached >= domain->cache_max)
		return;
	if (!add_to_set(set, key, AMBIT_ORIGIN_CACHED))
		count(state->cached);
}

/* Returns 1 if a pattern of the subject matches the object. */
static __noinline int matches_pattern(struct slot *slot, struct ambit_label *label,
				      struct ambit_domain *domain, __u32 op, __u32 arg)
{
	__u32 class = pattern_class(slot, label);
	struct ambit_fp exact, key;
	void *set;

	if (!class)
		return 0;
	key_of(slot, &exact);
	put(slot, CLASS_END - 3, AMBIT_KIND_CLASS);
	put(slot, CLASS_END - 2, class);
	put(slot, CLASS_END - 1, class >> 8);
	fingerprint(slot, CLASS_END - 3, CLASS_END, op, arg);
	key_of(slot, &key);
	set = set_of(label);
	if (!set || !in_set(set, &key))
		return 0;
	cache_pattern_result(label, domain, set, &exact);
	return 1;
}

static __noinline int learn(struct slot *slot, struct draft *draft)
{
	struct ambit_label *label = draft->label;
	struct ambit_domain_state *state;
	void *set;
	long err;

	if (label->trust) {
		count(draft->stat->skipped[AMBIT_SKIP_UNTRUSTED]);
		if (slot->status)
			draft->reason = slot->status - 1;
		if (label->flags & AMBIT_LABEL_RECORD)
			emit_recorded(slot, draft,
				      slot->status ? AMBIT_EVENT_UNREPRESENTABLE :
						     AMBIT_EVENT_POINT);
		return 0;
	}
	if (slot->status) {
		draft->kind = AMBIT_EVENT_UNREPRESENTABLE;
		draft->reason = slot->status - 1;
		emit(slot, draft);
		count(draft->stat->skipped[AMBIT_SKIP_UNREPRESENTABLE]);
		return 0;
	}
	draft->kind = AMBIT_EVENT_POINT;
	if (!(label->flags & AMBIT_LABEL_DELIVERED) || emit(slot, draft)) {
		count(draft->stat->skipped[AMBIT_SKIP_LOST]);
		return 0;
	}
	set = set_of(label);
	err = set ? add_to_set(set, &draft->key, AMBIT_ORIGIN_LEARNED) : -1;
	state = state_of(label);
	if (err && set && in_set(set, &draft->key)) {
		/* Another CPU has just added it. */
		count(draft->stat->learned);
		return 0;
	}
	if (err) {
		count(draft->stat->skipped[AMBIT_SKIP_FULL]);
		if (state)
			count(state->full);
		return 0;
	}
	count(draft->stat->learned);
	if (state)
		count(state->points);
	return 0;
}

static __always_inline void distrust(struct ambit_label *label, struct draft *draft, __u32 source)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct trust_why why = {
		.bits = 1U << source,
		.arg = draft->arg,
		.op = draft->op,
		.hook = draft->hook,
	};

	if (!label->trust) {
		label->cause.time_ns = bpf_ktime_get_boot_ns();
		label->cause.key = draft->key;
		label->cause.tgid = bpf_get_current_pid_tgid() >> 32;
		label->cause.arg = draft->arg;
		label->cause.op = draft->op;
		label->cause.hook = draft->hook;
		label->cause.source = source;
	}
	if (label->trust & 1U << source)
		return;
	if (task->pid == task->tgid)
		trust_lower(task, &why);
	else
		trust_defer(task, &why);
	label->trust |= 1U << source;
}

static __always_inline bool fp_is(const struct ambit_fp *one, const struct ambit_fp *other)
{
	return one->lo == other->lo && one->hi == other->hi;
}

static __always_inline bool allows(const struct ambit_label *label, __u32 at,
				   const struct ambit_fp *fp)
{
	return at < label->allowed_count && fp_is(&label->allowed[at], fp);
}

/*
 * True if a rule allowed the operation on the slot's object; the rules' program runs
 * before the map's. An object that cannot be represented has the fingerprint 0.
 */
static __noinline bool allowed(struct slot *slot, struct ambit_label *label, __u32 hook)
{
	struct ambit_rule_state *state;
	struct ambit_fp fp = {};
	__u32 zero = 0;

	state = bpf_map_lookup_elem(&rule_states, &zero);
	if (!state || state->generation != label->allowed_at || label->allowed_hook != hook)
		return false;
	if (!slot->status)
		fp = slot->fp;
	return allows(label, 0, &fp) || allows(label, 1, &fp) || allows(label, 2, &fp) ||
	       allows(label, 3, &fp);
}

/* Returns the response to an untrusted task: enum ambit_response. */
static __always_inline __u32 gate_response(struct ambit_domain *domain, __u32 op, __u32 trust)
{
	struct ambit_gate *gate = &domain->gates[(op >> 8) & (AMBIT_FAMILIES - 1)];

	if (trust & gate->kill)
		return AMBIT_RESPOND_KILL;
	return trust & gate->deny ? AMBIT_RESPOND_DENY : AMBIT_RESPOND_LOG;
}

static __noinline int violation(struct slot *slot, struct draft *draft, struct ambit_domain *domain)
{
	struct repeat_key repeat = { .point = draft->key, .reason = draft->reason };
	__u32 id = draft->label->domain;
	void *table = bpf_map_lookup_elem(&repeats, &id);
	__u32 family = (draft->op >> 8) & (AMBIT_FAMILIES - 1), one = 1, n = 1, *seen;

	count(draft->stat->violations);
	if (draft->reason == AMBIT_REASON_GATE)
		count(draft->stat->gated);
	draft->response = AMBIT_RESPOND_LOG;
	if (draft->mode == AMBIT_MODE_ENFORCE)
		draft->response = draft->reason == AMBIT_REASON_GATE ?
					  gate_response(domain, draft->op, draft->label->trust) :
					  domain->outside[family];
	/*
	 * A receiver that waits is decided in the sender's call: neither its signal nor its loss of
	 * trust is the sender's.
	 */
	if (unlikely((unsigned long)label_of(bpf_get_current_task_btf()) !=
		     (unsigned long)draft->label)) {
		if (draft->response == AMBIT_RESPOND_KILL)
			draft->response = AMBIT_RESPOND_DENY;
		draft->label->trust |= 1U << AMBIT_TRUST_MODEL;
	} else {
		distrust(draft->label, draft, AMBIT_TRUST_MODEL);
	}

	/* Emits the first, second, fourth, ... repetition. */
	seen = table ? bpf_map_lookup_elem(table, &repeat) : NULL;
	if (seen)
		n = __sync_fetch_and_add(seen, 1) + 1;
	else if (table)
		bpf_map_update_elem(table, &repeat, &one, BPF_NOEXIST);
	draft->repeats = n;
	if (!(n & (n - 1))) {
		draft->kind = AMBIT_EVENT_VIOLATION;
		emit(slot, draft);
	} else {
		count(draft->stat->suppressed);
		if (draft->label->flags & AMBIT_LABEL_RECORD)
			emit_recorded(slot, draft, AMBIT_EVENT_VIOLATION);
	}
	if (draft->response == AMBIT_RESPOND_KILL)
		bpf_send_signal(SIGKILL);
	return draft->response == AMBIT_RESPOND_LOG ? 0 : -EPERM;
}

/* Decides every point that the set does not contain exactly. */
static __noinline int decide_rest(struct slot *slot, struct ambit_label *label, __u32 hook_op,
				  __u32 arg, struct ambit_stat *stat)
{
	__u32 op = hook_op & 0xffff;
	struct ambit_domain *domain = domain_of(label);
	struct draft draft = {
		.label = label,
		.stat = stat,
		.op = op,
		.arg = arg,
		.hook = hook_op >> 16,
	};

	if (!domain)
		return -EPERM;
	if (unlikely(label->allowed_at) && allowed(slot, label, hook_op >> 16)) {
		count(stat->skipped[AMBIT_SKIP_ALLOWED]);
		return 0;
	}
	draft.mode = domain->mode;
	if (!slot->status)
		key_of(slot, &draft.key);
	if (slot->gated && domain->mode != AMBIT_MODE_LEARN) {
		draft.reason = AMBIT_REASON_GATE;
		return violation(slot, &draft, domain);
	}
	if (!slot->status && (domain->flags & AMBIT_DOMAIN_PATTERNS) &&
	    matches_pattern(slot, label, domain, op, arg)) {
		count(stat->matched);
		if (label->flags & AMBIT_LABEL_RECORD)
			emit_recorded(slot, &draft, AMBIT_EVENT_MATCH);
		else
			slot->known = true;
		return 0;
	}
	if (domain->mode == AMBIT_MODE_LEARN)
		return learn(slot, &draft);
	if (slot->status)
		draft.reason = slot->status - 1;
	else if (op == AMBIT_OP_EXEC_DIGEST)
		draft.reason = AMBIT_REASON_DIGEST;
	else if (op == AMBIT_OP_EXEC_CREDS)
		draft.reason = AMBIT_REASON_CREDS;
	return violation(slot, &draft, domain);
}

/* True if membership in the set does not suffice: a gate, or learning, which ignores untrusted tasks. */
static __always_inline bool gated(struct ambit_label *label, __u32 op)
{
	struct ambit_domain *domain = domain_of(label);

	return domain && (domain->mode == AMBIT_MODE_LEARN ||
			  gate_response(domain, op, label->trust) != AMBIT_RESPOND_LOG);
}

/*
 * Answers for an operation that cannot be evaluated: there is no scratch slot, or the
 * domain has no counters. The domain's mode decides, and the operation is counted; by
 * domain 0, which no task belongs to, if the domain's own counters are missing. A
 * label without a domain has no mode and is refused.
 */
static __noinline int cannot_decide(struct ambit_label *label, __u32 hook)
{
	struct ambit_domain *domain = domain_of(label);
	struct ambit_stat *stat = stat_of(label, hook);
	__u32 id = hook & (AMBIT_HOOKS - 1);

	if (!stat)
		stat = bpf_map_lookup_elem(&stats, &id);
	if (!domain || !stat)
		return -EPERM;
	count(stat->evaluated);
	if (domain->mode == AMBIT_MODE_LEARN) {
		count(stat->skipped[AMBIT_SKIP_UNREPRESENTABLE]);
		return 0;
	}
	count(stat->violations);
	count(stat->suppressed);
	return domain->mode == AMBIT_MODE_ENFORCE ? -EPERM : 0;
}

/*
 * Decides the point (slot->subject, op, arg, object that ends at OBJECT_END). Returns
 * 0 or -EPERM. A global function, see verifier.bpf.h.
 */
__noinline int decide(struct slot *slot, struct ambit_label *label, __u32 hook_op, __u32 arg)
{
	struct ambit_member *member;
	struct ambit_stat *stat;
	struct ambit_fp key;
	void *set;

	/* Never NULL; the verifier assumes it of a global function's arguments. */
	if (!slot || !label)
		return -EPERM;
	stat = stat_of(label, hook_op >> 16);
	if (!stat)
		return cannot_decide(label, hook_op >> 16);
	count(stat->evaluated);
	slot->gated = unlikely(label->trust) && gated(label, hook_op & 0xffff);
	if (likely(!slot->status)) {
		sip(slot, slot->pos, OBJECT_END, hook_op & 0xffff, arg);
		key_of(slot, &key);
		set = set_of(label);
		if (likely(!slot->gated) && set && (member = member_of(set, &key))) {
			count(stat->matched);
			slot->known = member->hits >= AMBIT_HITS_MAX &&
				      !(label->flags & AMBIT_LABEL_RECORD);
			if (likely(slot->known))
				return 0;
			if (member->hits < AMBIT_HITS_MAX)
				*(volatile __u32 *)&member->hits = member->hits + 1;
			if (label->flags & AMBIT_LABEL_RECORD)
				emit_match(slot, label, hook_op, arg);
			return 0;
		}
	}
	return decide_rest(slot, label, hook_op, arg, stat);
}

#endif /* AMBIT_DECIDE_H */
