/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the hooks of full coverage have in common: tasks of other domains are
 * skipped uncounted, and most objects are small.
 *
 * A hook's programs after a refusal are not called, so that none here looks at what
 * the one before answered.
 */
#ifndef AMBIT_FULL_H
#define AMBIT_FULL_H

static __always_inline struct ambit_label *full_label(void)
{
	struct ambit_label *label = label_of(bpf_get_current_task_btf());

	return label && label->flags & AMBIT_LABEL_FULL ? label : NULL;
}

static __always_inline bool enter_full(struct scope *scope, __u32 hook)
{
	scope->verdict = 0;
	scope->label = full_label();
	if (likely(!scope->label))
		return false;
	if (unlikely(scope->label->flags & AMBIT_LABEL_LAUNCHING)) {
		skip(scope->label, hook, AMBIT_SKIP_LAUNCH);
		return false;
	}
	trust_sync(scope->label);
	return take_slot(scope, hook);
}

/* Counts what is not decided: a question, or one's own affair. */
static __always_inline int benign(__u32 hook)
{
	struct ambit_label *label = full_label();

	if (label)
		skip(label, hook, AMBIT_SKIP_BENIGN);
	return 0;
}

static __always_inline int plain_point(__u32 hook, __u32 op, __u32 arg)
{
	struct scope scope;

	if (!enter_full(&scope, hook))
		return scope.verdict ? -EPERM : 0;
	object_none(scope.slot);
	decide_op(&scope, hook, op, arg);
	return leave(&scope);
}

/* What comes and goes by chance: refused to tasks without trust, and no point. */
static __always_inline int gate_point(__u32 hook, __u32 op)
{
	struct ambit_label *label = full_label();

	if (likely(!label))
		return 0;
	if (!label->trust || !gated(label, op)) {
		skip(label, hook, AMBIT_SKIP_BENIGN);
		return 0;
	}
	return plain_point(hook, op, 0);
}

#define WORD_MAX 256

/* A name that the kernel has, of at most 254 bytes. */
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

static __always_inline int word_point(__u32 hook, __u32 op, __u32 arg, const void *word)
{
	struct scope scope;

	if (!enter_full(&scope, hook))
		return scope.verdict ? -EPERM : 0;
	object_word(scope.slot, word);
	decide_op(&scope, hook, op, arg);
	return leave(&scope);
}

/* A directory or a mount that is there. */
static __always_inline int place_point(__u32 hook, struct dentry *dentry, struct vfsmount *mnt,
				       __u32 op, __u32 arg)
{
	struct scope scope;

	if (!enter_full(&scope, hook))
		return scope.verdict ? -EPERM : 0;
	stash(scope.slot, arg);
	object_dentry(scope.slot, dentry, mnt);
	decide_op(&scope, hook, op, stashed(scope.slot));
	return leave(&scope);
}

/* An open file, whatever it is. */
static __always_inline int descriptor_point(__u32 hook, struct file *file, __u32 op, __u32 arg)
{
	struct scope scope;

	if (!enter_full(&scope, hook))
		return scope.verdict ? -EPERM : 0;
	stash(scope.slot, arg);
	if (object_descriptor(scope.slot, file))
		decide_op(&scope, hook, op, stashed(scope.slot));
	else
		skip(scope.label, hook, AMBIT_SKIP_KERNEL);
	return leave(&scope);
}

#endif /* AMBIT_FULL_H */
