/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Files that no rule wants to know more of, known before their path is put together.
 *
 * What rules say by a path and an argument alone is the same each time. It is kept
 * by the names of the dentry chain, leaf to root, which are read afresh for each
 * file and compared whole: so it can't go stale, whatever is renamed, and nobody can
 * aim for another path's entry. What it says may be that some rules have to be asked all
 * the same, for which the tests of the path are kept as well (docs/adr/0014). Only
 * where one applies, the path has to be put together, for its record.
 *
 * An entry is made from the text that the rules were asked about, not from names
 * that may have changed since. It belongs to one CPU, so that no cache line is
 * fought over, and has a count that is odd while it is written: where programs can
 * be preempted, what was overwritten in between is not believed.
 *
 * Fail mode: what has no place here, or nothing is known of, is asked about.
 */
#ifndef AMBIT_EARLY_H
#define AMBIT_EARLY_H

#define EARLY_NAMES 8
#define EARLY_BITS 9

struct early_path {
	__u32 count;
	__u32 asks;	  /* AMBIT_EARLY_*: what has to be asked */
	__u64 generation; /* of the rules */
	__u64 what;	  /* hook, operation, argument */
	__u32 names;	  /* how many there are */
	__u32 digits;	  /* not 0: one is a number, which procfs and devpts have markers for */
	__u32 met;	  /* hash of the last path that had no entry */
	__u32 pad;
	__u64 words[EARLY_NAMES][SHORT_NAME / 8];
	__u64 match[AMBIT_RULE_AUTOMATA *
		    AMBIT_RULE_WORDS]; /* of the path, where rules have to be asked */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1 << EARLY_BITS);
	__type(key, __u32);
	__type(value, struct early_path);
} early_paths SEC(".maps");

static __always_inline __u64 early_what(__u32 hook_op, __u32 arg)
{
	return (__u64)hook_op << 32 | arg;
}

/* The only place where a path's entry can be. */
static __always_inline struct early_path *early_place(struct dentry *dentry, __u32 arg)
{
	/* The kernel's hash tables go by the upper bits, too (fs/dcache.c, d_hash). */
	__u32 id = (dentry->d_name.hash >> (32 - EARLY_BITS)) ^ (arg & 7);

	return bpf_map_lookup_elem(&early_paths, &id);
}

/*
 * Whether these are a name's words. The last one has its length where a longer name
 * may have any byte, but no word of a longer name that comes after it is zero.
 */
static __always_inline bool early_name(struct dentry *dentry, const __u64 *w)
{
	__u32 len = dentry->d_name.len;
	const __u64 *words = short_name(dentry);

	if (len < 8)
		return w[0] == last_word(words[0], len) && !w[1];
	if (w[0] != words[0])
		return false;
	if (len < 16)
		return w[1] == last_word(words[1], len) && !w[2];
	if (w[1] != words[1])
		return false;
	if (len < 24)
		return w[2] == last_word(words[2], len) && !w[3];
	/* Longer ones are not in the dentry (fs/dcache.c, dname_external). */
	return len < SHORT_NAME && w[2] == words[2] && w[3] == last_word(words[3], len);
}

/* No entry. */
#define EARLY_UNMET (~0U)
/* Bytes of the tests of the first automaton, which mostly is the only one. */
#define EARLY_FIRST (AMBIT_RULE_WORDS * 8)

/* What has to be asked about the path; then its tests are in the slot. */
static __always_inline __u32 early_asks(struct slot *s, struct early_path *e, __u64 generation,
					__u64 what, struct dentry *dentry, struct dentry *root,
					bool more)
{
	__u64 *match = s->facts.match[AMBIT_RULE_TEXT_OBJECT];
	__u32 i, asks, count = *(volatile __u32 *)&e->count;

	barrier();
	asks = e->asks;
	if (count & 1 || e->generation != generation || e->what != what)
		return EARLY_UNMET;
	for (i = 0; i < EARLY_NAMES; i++) {
		if (dentry == root)
			break;
		if (!early_name(dentry, e->words[i]))
			return EARLY_UNMET;
		dentry = dentry->d_parent;
	}
	if (dentry != root || e->names != i || (unlikely(e->digits) && numbers_marked(root)))
		return EARLY_UNMET;
	/* As long as nobody was ever untrusted, nobody is. */
	if (!clock_now())
		asks &= ~AMBIT_EARLY_TRUST;
	if (asks & (AMBIT_EARLY_OBJECT | AMBIT_EARLY_TRUST)) {
		__builtin_memcpy(match, e->match, EARLY_FIRST);
		if (more)
			__builtin_memcpy(match + AMBIT_RULE_WORDS, e->match + AMBIT_RULE_WORDS,
					 sizeof(e->match) - EARLY_FIRST);
	}
	barrier();
	return *(volatile __u32 *)&e->count == count ? asks : EARLY_UNMET;
}

/*
 * Whether a rule applies; of those that ask for no path, or of all, where the tests
 * of the path are in the slot. Where that can't be told it may be so: whoever asks
 * them about the path then finds that out, too.
 */
__noinline int early_apply(struct slot *s, __u32 hook_op, __u32 asks, __u32 half)
{
	struct ambit_rule_hook *h = rules_in(hook_op >> 16, half);
	bool all = asks & AMBIT_EARLY_OBJECT;
	__u32 needs;

	if (!s || !h)
		return 1;
	s->facts.numbers[AMBIT_RULE_OP] = hook_op & 0xffff;
	s->facts.numbers[AMBIT_RULE_ARG] = stashed(s);
	s->pos = OBJECT_END - 1;
	put(s, OBJECT_END - 1, AMBIT_KIND_PATH);
	rules_numbers(s, all ? h->numbers : h->early_numbers);
	if (all)
		return rules_outcome(s, h, half);
	needs = early_ask(s, half, AMBIT_EARLY_REST, hook_op);
	if (!needs)
		return 0;
	if (dear_match(s, half, needs))
		return 1;
	return early_ask(s, half, AMBIT_EARLY_EXACT, hook_op);
}

static __always_inline void about_file(struct slot *s, struct inode *inode)
{
	s->file_uid = inode->i_uid.val;
	s->file_mode = inode->i_mode;
}

/*
 * Whether no rule of the hook applies to the file, as far as that can be told without
 * its path. This and the next are functions of their own for the callers' stack.
 */
static __noinline bool early_none(struct slot *s, __u32 hook_op, struct file *file)
{
	struct task_struct *task = bpf_get_current_task_btf();
	__u32 asks = AMBIT_EARLY_NUMBERS;
	struct dentry *dentry = file->f_path.dentry;
	struct path *top = &task->fs->root;
	struct ambit_rule_hook *h;
	struct early_path *e;
	__u64 generation;

	h = rules_of(hook_op >> 16, &generation);
	if (!h || !h->bits_used)
		return true;
	if (!h->early)
		return false;
	if (h->early & AMBIT_EARLY_OBJECT) {
		if (file->f_path.mnt != top->mnt || unlinked(dentry))
			return false;
		e = early_place(dentry, stashed(s));
		if (!e)
			return false;
		asks = early_asks(s, e, generation, early_what(hook_op, stashed(s)), dentry,
				  top->dentry, h->count > 1);
		if (asks == EARLY_UNMET) {
			/* Not for what is met once: whoever walks a whole disk takes nobody's place. */
			s->unmet = e->met == dentry->d_name.hash;
			e->met = dentry->d_name.hash;
			return false;
		}
	}
	if (h->numbers & (RULE_NUMBER(FILE_UID) | RULE_NUMBER(FILE_MODE)))
		about_file(s, file->f_inode);
	if (unlikely(asks & AMBIT_EARLY_TRUST) && trust_take(task))
		asks |= AMBIT_EARLY_OBJECT;
	if (asks & (AMBIT_EARLY_OBJECT | AMBIT_EARLY_NUMBERS) &&
	    early_apply(s, hook_op, asks, generation & 1))
		return false;
	rules_none(h);
	return true;
}

/* A word of a name in the slot's text. */
static __always_inline __u64 early_word(struct slot *s, __u32 pos, __u32 len, __u32 at)
{
	__u64 word = *(__u64 *)&s->bytes[(pos + at * 8) & OFFSET_MASK];

	if (len < at * 8)
		return 0;
	return len >= at * 8 + 8 ? word : last_word(word, len);
}

/* Writes the chain's names, as long as they are those of the text that the slot has. */
static __noinline bool early_write(struct early_path *e, struct slot *s, struct dentry *dentry,
				   struct dentry *root)
{
	__u32 i, k, len, pos = OBJECT_END, digits = 0;

	for (i = 0; i < EARLY_NAMES; i++) {
		if (dentry == root)
			break;
		len = dentry->d_name.len;
		if (len >= SHORT_NAME)
			return false;
		pos = forget(s, pos - len);
#pragma unroll
		for (k = 0; k < SHORT_NAME / 8; k++)
			e->words[i][k] = early_word(s, pos, len, k);
		if (!early_name(dentry, e->words[i]))
			return false;
		if (all_digits(&s->bytes[pos & OFFSET_MASK], len))
			digits = 1;
		pos = forget(s, pos - 1);
		if (s->bytes[pos & OFFSET_MASK] != '/')
			return false;
		dentry = dentry->d_parent;
	}
	if (i == 0)
		pos--;
	e->names = i;
	e->digits = digits;
	/* Nothing else is before them but the kind of an object that is there. */
	return dentry == root && s->pos == pos - 1 && !s->status &&
	       s->bytes[s->pos & OFFSET_MASK] == AMBIT_KIND_PATH;
}

/* Nobody else writes it before. */
static __always_inline void early_release(struct early_path *e)
{
	barrier();
	(*(volatile __u32 *)&e->count)++;
}

/* The path's entry, to be settled; NULL where there is to be none. */
static __noinline struct early_path *early_take(struct slot *s, struct file *file)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct dentry *dentry = file->f_path.dentry;
	struct early_path *e;
	__u32 count;

	if (!s->unmet)
		return NULL;
	e = early_place(dentry, stashed(s));
	if (!e)
		return NULL;
	count = *(volatile __u32 *)&e->count;
	if (count & 1 || __sync_val_compare_and_swap(&e->count, count, count + 1) != count)
		return NULL;
	/* Until it is settled, it is of no rules. */
	e->generation = 0;
	if (early_write(e, s, dentry, task->fs->root.dentry))
		return e;
	s->unmet = 0;
	early_release(e);
	return NULL;
}

/* What the rules said about the path holds the next time. */
static __always_inline void early_settle(struct early_path *e, struct slot *s, __u32 hook_op)
{
	e->what = early_what(hook_op, stashed(s));
	e->asks = s->early;
	__builtin_memcpy(e->match, s->facts.match[AMBIT_RULE_TEXT_OBJECT], sizeof(e->match));
	e->generation = s->early_of;
	early_release(e);
}

/* Asks the rules about a file; the argument is stashed. */
static __always_inline void ask_file(struct asking *a, __u32 hook, __u32 op, struct file *file)
{
	__u32 hook_op = hook << 16 | op;
	struct early_path *e;
	struct slot *s = a->s;

	if (early_none(s, hook_op, file))
		return;
	about_file(s, file->f_inode);
	if (!object_file(s, file))
		return;
	e = early_take(s, file);
	ask_rules(a, hook, op, stashed(s));
	if (e)
		early_settle(e, s, hook_op);
}

#endif /* AMBIT_EARLY_H */
