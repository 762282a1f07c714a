/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The frame of a hook. Two engines decide at a hook, each by a program of its own:
 * the map (decide.bpf.h) and the rules (rules.bpf.h). Both use the same operation,
 * argument and object, so the hook's arguments are decoded once, in a function that
 * takes the engine as a constant: *_point() below and in the families' files. HOOK()
 * makes the two programs.
 *
 * The engine is known to clang, so each program contains the code of one engine only.
 *
 *                    ENGINE_CORE        ENGINE_FULL         ENGINE_RULES
 *   runs for         labelled tasks     tasks of domains    every task
 *                                       at full coverage
 *   loaded           always             when a domain asks  when a rule names
 *                                       for full coverage   the hook
 *   not decided      counted as a skip  counted as a skip   not counted
 *
 * Programs of full coverage do not look at the result of the hook's earlier programs:
 * the kernel does not call the programs after a refusal.
 */
#ifndef AMBIT_HOOK_H
#define AMBIT_HOOK_H

enum engine {
	ENGINE_CORE,
	ENGINE_FULL,
	ENGINE_RULES,
};

/* One run of a hook's program. */
struct scope {
	enum engine engine;
	struct ambit_label *label; /* of the current task; NULL for rules */
	struct slot *slot;
	int verdict;
};

/*
 * HOOK(LSM hook, engine of the map's program, name of that program, name of the rules'
 * program, expression, arguments): defines both programs. The expression is the hook's
 * answer; `engine` in it is the engine.
 */
#define HOOK(lsm_hook, map_engine, map_program, rules_program, expression, ...) \
	SEC("lsm/" #lsm_hook)                                                   \
	int BPF_PROG(map_program, ##__VA_ARGS__)                                \
	{                                                                       \
		const enum engine engine = map_engine;                          \
                                                                                \
		return expression;                                              \
	}                                                                       \
                                                                                \
	SEC("lsm/" #lsm_hook)                                                   \
	int BPF_PROG(rules_program, ##__VA_ARGS__)                              \
	{                                                                       \
		const enum engine engine = ENGINE_RULES;                        \
                                                                                \
		return expression;                                              \
	}

/* Returns the current task's label if its domain is at full coverage, else NULL. */
static __always_inline struct ambit_label *full_label(void)
{
	struct ambit_label *label = label_of(bpf_get_current_task_btf());

	return label && label->flags & AMBIT_LABEL_FULL ? label : NULL;
}

/* Takes a slot for the scope's label. A label of a domain that is gone is refused everything. */
static __always_inline bool take_slot(struct scope *scope, __u32 hook)
{
	if (unlikely(!domain_of(scope->label))) {
		scope->verdict = cannot_decide(scope->label, hook);
		return false;
	}
	scope->slot = slot_get();
	if (unlikely(!scope->slot)) {
		scope->verdict = cannot_decide(scope->label, hook);
		return false;
	}
	scope->slot->status = 0;
	scope->slot->extra = 0;
	scope->slot->known = false;
	scope->slot->pos = OBJECT_END;
	scope->slot->subject = scope->label->subject;
	return true;
}

static __always_inline bool enter_labelled(struct scope *scope, __u32 hook)
{
	if (unlikely(scope->label->flags & AMBIT_LABEL_LAUNCHING)) {
		skip(scope->label, hook, AMBIT_SKIP_LAUNCH);
		return false;
	}
	trust_sync(scope->label);
	return take_slot(scope, hook);
}

static __always_inline bool enter_rules(struct scope *scope, __u32 hook)
{
	struct slot *slot = slot_get();

	scope->slot = slot;
	if (unlikely(!slot)) {
		scope->verdict = rules_failed(hook);
		return false;
	}
	slot->status = 0;
	slot->extra = 0;
	slot->port = 0;
	slot->file_uid = 0;
	slot->file_mode = 0;
	slot->pos = OBJECT_END;
	slot->path_miss = 0;
	slot->evaluated = false;
	slot->outcome = 0;
	slot->host = 0;
	slot->dentry = 0;
	slot->undecided_generation = 0;
	return true;
}

/* Begins a hook: true if an object is to be built and decided; then leave() ends it. */
static __always_inline bool enter(struct scope *scope, enum engine engine, __u32 hook)
{
	scope->engine = engine;
	scope->verdict = 0;
	scope->label = NULL;
	if (engine == ENGINE_RULES)
		return enter_rules(scope, hook);
	scope->label = engine == ENGINE_FULL ? full_label() : label_of(bpf_get_current_task_btf());
	if (likely(!scope->label))
		return false;
	return enter_labelled(scope, hook);
}

/* The answer of a hook where enter() returned false. */
static __always_inline int outside(struct scope *scope)
{
	return scope->verdict ? -EPERM : 0;
}

static __always_inline int leave(struct scope *scope)
{
	slot_put(scope->slot);
	return scope->verdict ? -EPERM : 0;
}

/* Decides the slot's object, unless this hook's run refused one before. */
static __always_inline void decide_op(struct scope *scope, __u32 hook, __u32 op, __u32 arg)
{
	if (scope->verdict)
		return;
	if (scope->engine == ENGINE_RULES) {
		scope->verdict = rules_evaluate(scope->slot, hook << 16 | op, arg);
		if (!scope->verdict)
			scope->verdict = rules_evaluate_host(scope->slot, hook << 16 | op, arg);
		scope->slot->dentry = 0;
	} else {
		scope->verdict = decide(scope->slot, scope->label, hook << 16 | op, arg);
	}
}

/* Counts that nothing is decided, for the reason. */
static __always_inline void skip_op(struct scope *scope, __u32 hook, __u32 reason)
{
	if (scope->engine != ENGINE_RULES)
		skip(scope->label, hook, reason);
}

/* Answers a call that grants nothing, or that concerns the caller alone. */
static __always_inline int benign(enum engine engine, __u32 hook)
{
	struct ambit_label *label = NULL;

	if (engine == ENGINE_CORE)
		label = label_of(bpf_get_current_task_btf());
	else if (engine == ENGINE_FULL)
		label = full_label();
	if (label)
		skip(label, hook, AMBIT_SKIP_BENIGN);
	return 0;
}

/* An operation without an object. */
static __always_inline int plain_point(enum engine engine, __u32 hook, __u32 op, __u32 arg)
{
	struct scope scope;

	if (!enter(&scope, engine, hook))
		return outside(&scope);
	object_none(scope.slot);
	decide_op(&scope, hook, op, arg);
	return leave(&scope);
}

/*
 * An operation that occurs or not by chance: not a point of the map, but refused to
 * untrusted tasks where the family has a gate.
 */
static __always_inline int gate_point(enum engine engine, __u32 hook, __u32 op)
{
	struct ambit_label *label;

	if (engine != ENGINE_RULES) {
		label = full_label();
		if (likely(!label))
			return 0;
		if (unlikely(!domain_of(label)))
			return -EPERM;
		if (!label->trust || !gated(label, op)) {
			skip(label, hook, AMBIT_SKIP_BENIGN);
			return 0;
		}
	}
	return plain_point(engine, hook, op, 0);
}

#define WORD_MAX 256

/* Builds an object from a name that the kernel has, of at most 254 bytes. */
static __noinline int object_word(struct slot *slot, const void *word)
{
	long n = bpf_probe_read_kernel_str(slot->bytes, WORD_MAX, word);
	__u32 len = 0;

	if (n > 0)
		len = (n - 1) & (WORD_MAX - 1);
	if (len == 0 || len == WORD_MAX - 1)
		object_unrepresentable(slot, AMBIT_REASON_TOO_LONG);
	slot->pos = OBJECT_END - len;
	bpf_probe_read_kernel(&slot->bytes[slot->pos & OFFSET_MASK], len, slot->bytes);
	push_kind(slot, AMBIT_KIND_WORD);
	return 0;
}

static __always_inline int word_point(enum engine engine, __u32 hook, __u32 op, __u32 arg,
				      const void *word)
{
	struct scope scope;

	if (!enter(&scope, engine, hook))
		return outside(&scope);
	object_word(scope.slot, word);
	decide_op(&scope, hook, op, arg);
	return leave(&scope);
}

/* A directory or a mount that exists. */
static __always_inline int place_point(enum engine engine, __u32 hook, struct dentry *dentry,
				       struct vfsmount *mnt, __u32 op, __u32 arg)
{
	struct scope scope;

	if (!enter(&scope, engine, hook))
		return outside(&scope);
	stash(scope.slot, arg);
	object_dentry(scope.slot, dentry, mnt);
	decide_op(&scope, hook, op, stashed(scope.slot));
	return leave(&scope);
}

/* An open file of any kind. */
static __always_inline int descriptor_point(enum engine engine, __u32 hook, struct file *file,
					    __u32 op, __u32 arg)
{
	struct scope scope;

	if (!enter(&scope, engine, hook))
		return outside(&scope);
	stash(scope.slot, arg);
	object_descriptor(scope.slot, file);
	decide_op(&scope, hook, op, stashed(scope.slot));
	return leave(&scope);
}

#endif /* AMBIT_HOOK_H */
