/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The shortcut: an automaton over the names of a dentry chain, leaf to root, for paths
 * that the map matched before (docs/adr/0010). It needs no path string and no secret
 * hash: edges and grants are compared whole, so a chosen name cannot collide.
 *
 * The answer is "known" or "not in the shortcut". It cannot become stale: a domain's
 * points are never removed, and the names up to the namespace's root are the canonical
 * path. Tasks with another root, files on other mounts than the root, long names, deep paths and deleted files
 * have no place in it and are decided in full.
 *
 * The words of an edge and of a grant are written once, from zero to a value that is
 * never zero, and are compared with such values only. A reader that sees a half-written
 * entry does not match it.
 */
#ifndef AMBIT_SHORTCUT_H
#define AMBIT_SHORTCUT_H

#define SHORTCUT_STEPS 12
/* 2^64 divided by the golden ratio: multiplication spreads a key over the upper bits. */
#define SHORTCUT_MIX 0x9e3779b97f4a7c15ULL

/*
 * An edge's link: its target state in the upper half; its source state and the number
 * of words of its name in the lower half.
 */
#define STATE_DIGITS \
	(1U << 31) /* the name is a number, which procfs and devpts replace by a marker */
#define LINK_FROM(state, more) (((state) & ~STATE_DIGITS) | (more) << 30)

static __always_inline struct ambit_shortcut *shortcut_of(struct ambit_label *label)
{
	__u32 id = label->domain, zero = 0;
	void *inner = bpf_map_lookup_elem(&shortcuts, &id);

	return inner ? bpf_map_lookup_elem(inner, &zero) : NULL;
}

/* Returns the last word of a name, with the length in its unused last byte. */
static __always_inline __u64 last_word(__u64 word, __u32 len)
{
	return (word & ((1ULL << ((len & 7) * 8)) - 1)) | (__u64)(len | 0x80) << 56;
}

/* `more` is a constant: the number of words after the first. */
static __always_inline __u32 edge_index(const __u64 *words, __u32 more, __u32 from)
{
	__u64 mixed = (words[0] ^ from) * SHORTCUT_MIX;

	if (more > 0)
		mixed = (mixed ^ words[1]) * SHORTCUT_MIX;
	if (more > 1)
		mixed = (mixed ^ words[2]) * SHORTCUT_MIX;
	if (more > 2)
		mixed = (mixed ^ words[3]) * SHORTCUT_MIX;
	return mixed >> (64 - AMBIT_SHORTCUT_EDGE_BITS);
}

/* Returns the edge's target state, or 0 if it is another edge. Reads the link once. */
static __always_inline __u32 edge_is(const struct ambit_edge *edge, const __u64 *words, __u32 more,
				     __u32 from)
{
	__u64 link;

	if (edge->name[0] != words[0] || (more > 0 && edge->name[1] != words[1]) ||
	    (more > 1 && edge->name[2] != words[2]) || (more > 2 && edge->name[3] != words[3]))
		return 0;
	link = *(volatile __u64 *)&edge->link;
	return (__u32)link == LINK_FROM(from, more) ? link >> 32 : 0;
}

static __always_inline __u32 edge_find(struct ambit_shortcut *shortcut, const __u64 *words,
				       __u32 more, __u32 from)
{
	__u32 index = edge_index(words, more, from),
	      to = edge_is(&shortcut->edges[index], words, more, from);

	return likely(to) ? to : edge_is(&shortcut->edges[index ^ 1], words, more, from);
}

/* Returns the state after a dentry's name, or 0. */
static __always_inline __u32 step(struct ambit_shortcut *shortcut, struct dentry *dentry,
				  __u32 from)
{
	__u32 len = dentry->d_name.len;
	const __u64 *words = short_name(dentry);
	__u64 name[4];

	name[0] = words[0];
	if (len < 8) {
		name[0] = last_word(name[0], len);
		return edge_find(shortcut, name, 0, from);
	}
	name[1] = words[1];
	if (len < 16) {
		name[1] = last_word(name[1], len);
		return edge_find(shortcut, name, 1, from);
	}
	name[2] = words[2];
	if (len < 24) {
		name[2] = last_word(name[2], len);
		return edge_find(shortcut, name, 2, from);
	}
	/* Longer ones are not in the dentry (fs/dcache.c, dname_external). */
	if (len >= SHORT_NAME)
		return 0;
	name[3] = last_word(words[3], len);
	return edge_find(shortcut, name, 3, from);
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

/* True if the shortcut has the subject's permission for `what` (operation, argument) on the path. */
static __noinline bool shortcut_knows(struct ambit_label *label, struct task_struct *task,
				      struct path *at, __u32 what)
{
	struct dentry *dentry = at->dentry, *root;
	struct path *top = &task->fs->root;
	__u32 i, index, state = 0, all = 0;
	__u64 subject = label->subject.lo, granted;
	struct ambit_shortcut *shortcut;
	struct ambit_grant *grant;

	root = top->dentry;
	if (at->mnt != top->mnt || !at_namespace_root(task, root, at->mnt))
		return false;
	shortcut = shortcut_of(label);
	if (!shortcut)
		return false;
	for (i = 0; i < SHORTCUT_STEPS; i++) {
		if (dentry == root)
			break;
		state = step(shortcut, dentry, state);
		if (!state)
			return false;
		all |= state;
		dentry = dentry->d_parent;
	}
	if (dentry != root || (unlikely(all & STATE_DIGITS) && numbers_marked(root)))
		return false;
	granted = (__u64)state << 32 | what;
	index = grant_index(subject, granted);
	grant = &shortcut->grants[index];
	if (likely(grant->subject == subject && grant->what == granted))
		return true;
	grant = &shortcut->grants[index ^ 1];
	return grant->subject == subject && grant->what == granted;
}

struct shortcut_loop {
	struct ambit_shortcut *shortcut;
	struct slot *slot;
	struct dentry *dentry;
	struct dentry *root;
	__u32 pos; /* end of the unread part of the path string */
	__u32 state;
	bool done;
};

/* Takes a free edge. Returns its target state, or 0 if it is in use. */
static __always_inline __u32 edge_take(struct ambit_shortcut *shortcut, __u32 index,
				       const __u64 *words, __u32 more, __u32 from, __u32 flag)
{
	__u32 to = (index + 1) | flag;
	struct ambit_edge *edge;

	index &= (1 << AMBIT_SHORTCUT_EDGE_BITS) - 1;
	edge = &shortcut->edges[index];
	if (__sync_val_compare_and_swap(&edge->name[0], 0, words[0]) != 0)
		return 0;
	edge->name[1] = words[1];
	edge->name[2] = words[2];
	edge->name[3] = words[3];
	*(volatile __u64 *)&edge->link = (__u64)to << 32 | LINK_FROM(from, more);
	return to;
}

static __always_inline __u32 edge_make(struct ambit_shortcut *shortcut, const __u64 *words,
				       __u32 more, __u32 from, __u32 flag)
{
	__u32 index = edge_index(words, more, from), to = edge_find(shortcut, words, more, from);

	to = to ?: edge_take(shortcut, index, words, more, from, flag);
	return to ?: edge_take(shortcut, index ^ 1, words, more, from, flag);
}

/*
 * The same steps by probe reads, adding missing edges. Names come from the path string
 * that was decided, since the file may have been renamed meanwhile.
 */
static long shortcut_step(__u32 i, struct shortcut_loop *loop)
{
	struct dentry *dentry = loop->dentry;
	__u32 len, more, flag = 0, to = 0, from = loop->state, pos = loop->pos;
	__u64 name[4] = {};

	if (dentry == loop->root) {
		loop->done = true;
		return 1;
	}
	len = field_of(dentry, dentry, d_name.len);
	if (len >= SHORT_NAME)
		return 1;
	pos -= len;
	bpf_probe_read_kernel(name, len & (SHORT_NAME - 1), &loop->slot->bytes[pos & OFFSET_MASK]);
	pos--;
	if (loop->slot->bytes[pos & OFFSET_MASK] != '/')
		return 1;
	loop->pos = pos;
	if (all_digits((__u8 *)name, len))
		flag = STATE_DIGITS;
	more = len >> 3;
	if (more == 0) {
		name[0] = last_word(name[0], len);
		to = edge_make(loop->shortcut, name, 0, from, flag);
	} else if (more == 1) {
		name[1] = last_word(name[1], len);
		to = edge_make(loop->shortcut, name, 1, from, flag);
	} else if (more == 2) {
		name[2] = last_word(name[2], len);
		to = edge_make(loop->shortcut, name, 2, from, flag);
	} else {
		name[3] = last_word(name[3], len);
		to = edge_make(loop->shortcut, name, 3, from, flag);
	}
	loop->state = to;
	loop->dentry = hide_pointer(loop->slot, field_of(dentry, dentry, d_parent));
	return to == 0;
}

static __always_inline bool grant_take(struct ambit_grant *grant, __u64 subject, __u64 what)
{
	if (__sync_val_compare_and_swap(&grant->subject, 0, subject) != 0)
		return grant->subject == subject && grant->what == what;
	*(volatile __u64 *)&grant->what = what;
	return true;
}

/* Adds the slot's path, which the map has just matched. */
static __noinline int shortcut_add(struct slot *slot, struct ambit_label *label, struct path *at,
				   __u32 what)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct path *top = &task->fs->root;
	struct shortcut_loop loop = { .slot = slot, .dentry = at->dentry, .root = top->dentry };
	__u64 subject = label->subject.lo, granted;
	__u32 index;

	if (at->mnt != top->mnt || !at_namespace_root(task, top->dentry, at->mnt) ||
	    numbers_marked(top->dentry))
		return 0;
	loop.shortcut = shortcut_of(label);
	if (!loop.shortcut)
		return 0;
	loop.pos = loop.dentry == loop.root ? OBJECT_END - 1 : OBJECT_END;
	bpf_loop(SHORTCUT_STEPS + 1, shortcut_step, &loop, 0);
	/* Only the kind byte is left before the names. */
	if (!loop.done || slot->pos != loop.pos - 1)
		return 0;
	granted = (__u64)loop.state << 32 | what;
	index = grant_index(subject, granted);
	if (!grant_take(&loop.shortcut->grants[index], subject, granted))
		grant_take(&loop.shortcut->grants[index ^ 1], subject, granted);
	return 0;
}

#endif /* AMBIT_SHORTCUT_H */
