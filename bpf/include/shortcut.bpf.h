/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The short way of paths that were found known before: an automaton over the
 * names of a dentry chain, leaf to root, whose edges are made as paths are found
 * known (docs/adr/0010). No string is built and nothing is hashed that would have
 * to be kept from those who choose names: edges and grants are compared whole.
 *
 * It says "known" or "not here". A domain's points never become fewer, and a
 * chain of names up to the task's root is the canonical path, so that what it
 * says can't go stale. What has no place in it takes the long way: other mounts
 * than that of the task's root, long names, deep paths, deleted files.
 *
 * Words of an edge and of a grant are written once, from zero to something that
 * is never zero, and compared with nothing that is zero: a reader that sees
 * half of an entry does not take it for another one.
 */
#ifndef AMBIT_SHORTCUT_H
#define AMBIT_SHORTCUT_H

#define SHORTCUT_STEPS 12
/* 2^64 by the golden ratio: spreads what is multiplied by it over the upper bits. */
#define SHORTCUT_MIX 0x9e3779b97f4a7c15ULL

/*
 * An edge's link: in the upper half the state that it leads to, in the lower the
 * one that it comes from and how many words its name has.
 */
#define STATE_DIGITS (1U << 31) /* the name is a number: procfs and devpts have markers for it */
#define LINK_FROM(state, more) (((state) & ~STATE_DIGITS) | (more) << 30)

static __always_inline struct ambit_shortcut *shortcut_of(struct ambit_label *l)
{
	__u32 id = l->domain, zero = 0;
	void *inner = bpf_map_lookup_elem(&shortcuts, &id);

	return inner ? bpf_map_lookup_elem(inner, &zero) : NULL;
}

/* The last word of a name has its length in its last byte, which no other byte fills. */
static __always_inline __u64 last_word(__u64 word, __u32 len)
{
	return (word & ((1ULL << ((len & 7) * 8)) - 1)) | (__u64)(len | 0x80) << 56;
}

/* `more` is a constant: how many words there are besides the first. */
static __always_inline __u32 edge_index(const __u64 *w, __u32 more, __u32 from)
{
	__u64 mixed = (w[0] ^ from) * SHORTCUT_MIX;

	if (more > 0)
		mixed = (mixed ^ w[1]) * SHORTCUT_MIX;
	if (more > 1)
		mixed = (mixed ^ w[2]) * SHORTCUT_MIX;
	if (more > 2)
		mixed = (mixed ^ w[3]) * SHORTCUT_MIX;
	return mixed >> (64 - AMBIT_SHORTCUT_EDGE_BITS);
}

/* The state that an edge leads to; 0 if it is another edge. Its link is read once. */
static __always_inline __u32 edge_is(const struct ambit_edge *e, const __u64 *w, __u32 more,
				     __u32 from)
{
	__u64 link;

	if (e->name[0] != w[0] || (more > 0 && e->name[1] != w[1]) ||
	    (more > 1 && e->name[2] != w[2]) || (more > 2 && e->name[3] != w[3]))
		return 0;
	link = *(volatile __u64 *)&e->link;
	return (__u32)link == LINK_FROM(from, more) ? link >> 32 : 0;
}

static __always_inline __u32 edge_find(struct ambit_shortcut *t, const __u64 *w, __u32 more,
				       __u32 from)
{
	__u32 index = edge_index(w, more, from), to = edge_is(&t->edges[index], w, more, from);

	return likely(to) ? to : edge_is(&t->edges[index ^ 1], w, more, from);
}

/* The state after a dentry's name, or 0. */
static __always_inline __u32 step(struct ambit_shortcut *t, struct dentry *dentry, __u32 from)
{
	__u32 len = dentry->d_name.len;
	const __u64 *words = short_name(dentry);
	__u64 w[4];

	w[0] = words[0];
	if (len < 8) {
		w[0] = last_word(w[0], len);
		return edge_find(t, w, 0, from);
	}
	w[1] = words[1];
	if (len < 16) {
		w[1] = last_word(w[1], len);
		return edge_find(t, w, 1, from);
	}
	w[2] = words[2];
	if (len < 24) {
		w[2] = last_word(w[2], len);
		return edge_find(t, w, 2, from);
	}
	/* Longer ones are not in the dentry (fs/dcache.c, dname_external). */
	if (len >= SHORT_NAME)
		return 0;
	w[3] = last_word(words[3], len);
	return edge_find(t, w, 3, from);
}

static __always_inline __u32 grant_index(__u64 subject, __u64 what)
{
	return ((subject ^ what) * SHORTCUT_MIX) >> (64 - AMBIT_SHORTCUT_GRANT_BITS);
}

static __always_inline bool numbers_marked(struct dentry *root)
{
	unsigned long magic = root->d_sb->s_magic;

	return magic == PROC_SUPER_MAGIC || magic == DEVPTS_SUPER_MAGIC;
}

/* Whether the subject was found to be allowed `what` (operation, argument) on the path. */
static __noinline bool shortcut_knows(struct ambit_label *l, struct task_struct *task,
				      struct path *at, __u32 what)
{
	struct dentry *dentry = at->dentry, *root;
	struct path *top = &task->fs->root;
	__u32 i, index, state = 0, all = 0;
	__u64 subject = l->subject.lo, of;
	struct ambit_shortcut *t;
	struct ambit_grant *g;

	if (at->mnt != top->mnt)
		return false;
	t = shortcut_of(l);
	if (!t)
		return false;
	root = top->dentry;
	for (i = 0; i < SHORTCUT_STEPS; i++) {
		if (dentry == root)
			break;
		state = step(t, dentry, state);
		if (!state)
			return false;
		all |= state;
		dentry = dentry->d_parent;
	}
	if (dentry != root || (unlikely(all & STATE_DIGITS) && numbers_marked(root)))
		return false;
	of = (__u64)state << 32 | what;
	index = grant_index(subject, of);
	g = &t->grants[index];
	if (likely(g->subject == subject && g->what == of))
		return true;
	g = &t->grants[index ^ 1];
	return g->subject == subject && g->what == of;
}

struct shortcut_loop {
	struct ambit_shortcut *t;
	struct slot *s;
	struct dentry *dentry;
	struct dentry *root;
	__u32 pos; /* of the text, what was not taken yet ends here */
	__u32 state;
	bool done;
};

/* Takes an edge that nobody has: the state it leads to, or 0. */
static __always_inline __u32 edge_take(struct ambit_shortcut *t, __u32 index, const __u64 *w,
				       __u32 more, __u32 from, __u32 flag)
{
	__u32 to = (index + 1) | flag;
	struct ambit_edge *e;

	index &= (1 << AMBIT_SHORTCUT_EDGE_BITS) - 1;
	e = &t->edges[index];
	if (__sync_val_compare_and_swap(&e->name[0], 0, w[0]) != 0)
		return 0;
	e->name[1] = w[1];
	e->name[2] = w[2];
	e->name[3] = w[3];
	*(volatile __u64 *)&e->link = (__u64)to << 32 | LINK_FROM(from, more);
	return to;
}

static __always_inline __u32 edge_make(struct ambit_shortcut *t, const __u64 *w, __u32 more,
				       __u32 from, __u32 flag)
{
	__u32 index = edge_index(w, more, from), to = edge_find(t, w, more, from);

	to = to ?: edge_take(t, index, w, more, from, flag);
	return to ?: edge_take(t, index ^ 1, w, more, from, flag);
}

/*
 * The same steps by probe reads, making the edges that are missing. Names are those
 * of the text that was found known: the file may have been renamed since.
 */
static long shortcut_step(__u32 i, struct shortcut_loop *c)
{
	struct dentry *dentry = c->dentry;
	__u32 len, more, flag = 0, to = 0, from = c->state, pos = c->pos;
	__u64 w[4] = {};

	if (dentry == c->root) {
		c->done = true;
		return 1;
	}
	len = BPF_CORE_READ(dentry, d_name.len);
	if (len >= SHORT_NAME)
		return 1;
	pos -= len;
	bpf_probe_read_kernel(w, len & (SHORT_NAME - 1), &c->s->bytes[pos & OFFSET_MASK]);
	pos--;
	if (c->s->bytes[pos & OFFSET_MASK] != '/')
		return 1;
	c->pos = pos;
	if (all_digits((__u8 *)w, len))
		flag = STATE_DIGITS;
	more = len >> 3;
	if (more == 0) {
		w[0] = last_word(w[0], len);
		to = edge_make(c->t, w, 0, from, flag);
	} else if (more == 1) {
		w[1] = last_word(w[1], len);
		to = edge_make(c->t, w, 1, from, flag);
	} else if (more == 2) {
		w[2] = last_word(w[2], len);
		to = edge_make(c->t, w, 2, from, flag);
	} else {
		w[3] = last_word(w[3], len);
		to = edge_make(c->t, w, 3, from, flag);
	}
	c->state = to;
	c->dentry = BPF_CORE_READ(dentry, d_parent);
	return to == 0;
}

static __always_inline bool grant(struct ambit_grant *g, __u64 subject, __u64 what)
{
	if (__sync_val_compare_and_swap(&g->subject, 0, subject) != 0)
		return g->subject == subject && g->what == what;
	*(volatile __u64 *)&g->what = what;
	return true;
}

/* Remember a path that was found known, which is in the slot. */
static __noinline int shortcut_add(struct slot *s, struct ambit_label *l, struct path *at,
				   __u32 what)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct path *top = &task->fs->root;
	struct shortcut_loop c = { .s = s, .dentry = at->dentry, .root = top->dentry };
	__u64 subject = l->subject.lo, of;
	__u32 index;

	if (at->mnt != top->mnt || numbers_marked(top->dentry))
		return 0;
	c.t = shortcut_of(l);
	if (!c.t)
		return 0;
	c.pos = c.dentry == c.root ? OBJECT_END - 1 : OBJECT_END;
	bpf_loop(SHORTCUT_STEPS + 1, shortcut_step, &c, 0);
	/* Before the names is nothing but the kind. */
	if (!c.done || s->pos != c.pos - 1)
		return 0;
	of = (__u64)c.state << 32 | what;
	index = grant_index(subject, of);
	if (!grant(&c.t->grants[index], subject, of))
		grant(&c.t->grants[index ^ 1], subject, of);
	return 0;
}

#endif /* AMBIT_SHORTCUT_H */
