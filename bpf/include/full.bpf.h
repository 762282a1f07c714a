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
	struct ambit_label *l = label_of(bpf_get_current_task_btf());

	return l && l->flags & AMBIT_LABEL_FULL ? l : NULL;
}

static __always_inline bool enter_full(struct scope *c, __u32 hook)
{
	c->verdict = 0;
	c->l = full_label();
	if (likely(!c->l))
		return false;
	if (unlikely(c->l->flags & AMBIT_LABEL_LAUNCHING)) {
		skip(c->l, hook, AMBIT_SKIP_LAUNCH);
		return false;
	}
	trust_sync(c->l);
	return take_slot(c, hook);
}

/* Counts what is not decided: a question, or one's own affair. */
static __always_inline int benign(__u32 hook)
{
	struct ambit_label *l = full_label();

	if (l)
		skip(l, hook, AMBIT_SKIP_BENIGN);
	return 0;
}

static __always_inline int plain_point(__u32 hook, __u32 op, __u32 arg)
{
	struct scope c;

	if (!enter_full(&c, hook))
		return c.verdict ? -EPERM : 0;
	object_none(c.s);
	ask(&c, hook, op, arg);
	return leave(&c);
}

/* What comes and goes by chance: refused to tasks without trust, and no point. */
static __always_inline int gate_point(__u32 hook, __u32 op)
{
	struct ambit_label *l = full_label();

	if (likely(!l))
		return 0;
	if (!l->trust || !gated(l, op)) {
		skip(l, hook, AMBIT_SKIP_BENIGN);
		return 0;
	}
	return plain_point(hook, op, 0);
}

#define WORD_MAX 256

/* A name that the kernel has, of at most 254 bytes. */
static __noinline int object_word(struct slot *s, const void *word)
{
	long n = bpf_probe_read_kernel_str(s->bytes, WORD_MAX, word);
	__u32 len = 0;

	if (n > 0)
		len = (n - 1) & (WORD_MAX - 1);
	if (len == 0 || len == WORD_MAX - 1)
		object_unrepresentable(s, AMBIT_REASON_TOO_LONG);
	s->pos = OBJECT_END - len;
	bpf_probe_read_kernel(&s->bytes[s->pos & OFFSET_MASK], len, s->bytes);
	push_kind(s, AMBIT_KIND_WORD);
	return 0;
}

static __always_inline int word_point(__u32 hook, __u32 op, __u32 arg, const void *word)
{
	struct scope c;

	if (!enter_full(&c, hook))
		return c.verdict ? -EPERM : 0;
	object_word(c.s, word);
	ask(&c, hook, op, arg);
	return leave(&c);
}

/* A directory or a mount that is there. */
static __always_inline int place_point(__u32 hook, struct dentry *dentry, struct vfsmount *mnt,
				       __u32 op, __u32 arg)
{
	struct scope c;

	if (!enter_full(&c, hook))
		return c.verdict ? -EPERM : 0;
	stash(c.s, arg);
	object_dentry(c.s, dentry, mnt);
	ask(&c, hook, op, stashed(c.s));
	return leave(&c);
}

/* An open file, whatever it is. */
static __always_inline int descriptor_point(__u32 hook, struct file *file, __u32 op, __u32 arg)
{
	struct scope c;

	if (!enter_full(&c, hook))
		return c.verdict ? -EPERM : 0;
	stash(c.s, arg);
	if (object_descriptor(c.s, file))
		ask(&c, hook, op, stashed(c.s));
	else
		skip(c.l, hook, AMBIT_SKIP_KERNEL);
	return leave(&c);
}

#endif /* AMBIT_FULL_H */
