/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A file's way through the rules: evaluate_file() at the end of this file, in three
 * steps, of which each may be the last for a task in the host's mount namespace. The
 * first one is a per-CPU cache of the answers that depend only on (path, argument),
 * consulted before the path string is built (docs/adr/0014).
 *
 * The key of an entry is the names of the dentry chain, leaf to root. They are read
 * for each file and compared whole, so a rename cannot make an entry stale, and a
 * workload cannot construct a path that hits another path's entry. If the answer is
 * that some rules may match, the entry also has the results of the path's tests, so
 * that these rules run without the path string.
 *
 * An entry is made from the string that the rules were evaluated on, not from names
 * that may have changed since. Entries belong to one CPU, so CPUs share no cache
 * line. An entry's count is odd while it is written: where BPF programs can be
 * preempted, a reader notices that an entry changed and ignores it.
 *
 * Fail mode: a path without an entry is evaluated in full.
 */
#ifndef AMBIT_PATH_CACHE_H
#define AMBIT_PATH_CACHE_H

#define PATH_CACHE_NAMES 8
#define PATH_CACHE_BITS 9

struct path_cache_entry {
	__u32 count;
	__u32 undecided;  /* AMBIT_PATH_PROGRAM_*: inputs on which rules still depend */
	__u64 generation; /* of the rules */
	__u64 what;	  /* hook, operation, argument */
	__u32 names;	  /* how many of `words` are used */
	__u32 digits; /* not 0: a name is a number, which the canonical path of procfs and devpts replaces */
	__u32 seen_hash; /* name hash of the last path without an entry here */
	__u32 pad;
	__u64 words[PATH_CACHE_NAMES][SHORT_NAME / 8];
	__u64 match[AMBIT_RULE_AUTOMATA * AMBIT_RULE_WORDS]; /* the path's tests */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1 << PATH_CACHE_BITS);
	__type(key, __u32);
	__type(value, struct path_cache_entry);
} path_cache SEC(".maps");

static __always_inline __u64 path_cache_question(__u32 hook_op, __u32 arg)
{
	return (__u64)hook_op << 32 | arg;
}

/* Returns the only entry that the path can have. */
static __always_inline struct path_cache_entry *path_cache_at(struct dentry *dentry, __u32 arg)
{
	/* The kernel's hash tables use the upper bits as well (fs/dcache.c, d_hash). */
	__u32 id = (dentry->d_name.hash >> (32 - PATH_CACHE_BITS)) ^ (arg & 7);

	return bpf_map_lookup_elem(&path_cache, &id);
}

/*
 * True if the stored words are the dentry's name. The last word has the length in its
 * last byte, where a longer name may have the same byte; but in a longer name the next
 * word is not zero.
 */
static __always_inline bool path_cache_name_is(struct dentry *dentry, const __u64 *stored)
{
	__u32 len = dentry->d_name.len;
	const __u64 *words = short_name(dentry);

	if (len < 8)
		return stored[0] == last_word(words[0], len) && !stored[1];
	if (stored[0] != words[0])
		return false;
	if (len < 16)
		return stored[1] == last_word(words[1], len) && !stored[2];
	if (stored[1] != words[1])
		return false;
	if (len < 24)
		return stored[2] == last_word(words[2], len) && !stored[3];
	/* Longer ones are not in the dentry (fs/dcache.c, dname_external). */
	return len < SHORT_NAME && stored[2] == words[2] && stored[3] == last_word(words[3], len);
}

/* The path has no entry. */
#define PATH_CACHE_MISS (~0U)
/* Bytes of the first automaton's tests; most sets of rules have one automaton. */
#define PATH_CACHE_FIRST (AMBIT_RULE_WORDS * 8)

/* Returns what is undecided about the path and copies its tests to the slot, or returns PATH_CACHE_MISS. */
static __always_inline __u32 path_cache_lookup(struct slot *slot, struct path_cache_entry *entry,
					       __u64 generation, __u64 what, struct dentry *dentry,
					       struct dentry *root, bool more)
{
	__u64 *match = slot->facts.match[AMBIT_RULE_TEXT_OBJECT];
	__u32 i, undecided, count = *(volatile __u32 *)&entry->count;

	barrier();
	undecided = entry->undecided;
	if (count & 1 || entry->generation != generation || entry->what != what)
		return PATH_CACHE_MISS;
	for (i = 0; i < PATH_CACHE_NAMES; i++) {
		if (dentry == root)
			break;
		if (!path_cache_name_is(dentry, entry->words[i]))
			return PATH_CACHE_MISS;
		dentry = dentry->d_parent;
	}
	if (dentry != root || entry->names != i ||
	    (unlikely(entry->digits) && numbers_marked(root)))
		return PATH_CACHE_MISS;
	/* The clock is 0 until a process loses trust, so all processes are trusted. */
	if (!clock_now())
		undecided &= ~AMBIT_PATH_PROGRAM_TRUST;
	if (undecided & (AMBIT_PATH_PROGRAM_OBJECT | AMBIT_PATH_PROGRAM_TRUST)) {
		__builtin_memcpy(match, entry->match, PATH_CACHE_FIRST);
		if (more)
			__builtin_memcpy(match + AMBIT_RULE_WORDS, entry->match + AMBIT_RULE_WORDS,
					 sizeof(entry->match) - PATH_CACHE_FIRST);
	}
	barrier();
	return *(volatile __u32 *)&entry->count == count ? undecided : PATH_CACHE_MISS;
}

static __always_inline void file_numbers(struct slot *slot, struct inode *inode)
{
	slot->file_uid = inode->i_uid.val;
	slot->file_mode = inode->i_mode;
}

/* The same for an inode read by probe; NULL has neither. */
static __always_inline void file_numbers_probed(struct slot *slot, struct inode *inode)
{
	slot->file_uid = BPF_CORE_READ(inode, i_uid.val);
	slot->file_mode = BPF_CORE_READ(inode, i_mode);
}

/*
 * Step 1. Returns what is undecided about the file without its path string: a mask of
 * AMBIT_PATH_PROGRAM_OBJECT and _NUMBERS, 0 if no rule can match, or PATH_CACHE_MISS.
 * A function of its own for the callers' stack.
 */
static __noinline __u32 path_cache_query(struct slot *slot, __u32 hook_op, struct file *file)
{
	struct task_struct *task = bpf_get_current_task_btf();
	__u32 undecided = AMBIT_PATH_PROGRAM_NUMBERS;
	struct dentry *dentry = file->f_path.dentry;
	struct path *top = &task->fs->root;
	struct path_cache_entry *entry;
	struct ambit_rule_hook *rules;
	__u64 generation;

	rules = rules_of(hook_op >> 16, &generation);
	if (!rules || !rules->bits_used)
		return 0;
	if (!rules->path_program)
		return PATH_CACHE_MISS;
	if (rules->path_program & AMBIT_PATH_PROGRAM_OBJECT) {
		if (file->f_path.mnt != top->mnt || unlinked(dentry) ||
		    !at_namespace_root(task, top->dentry, file->f_path.mnt))
			return PATH_CACHE_MISS;
		entry = path_cache_at(dentry, stashed(slot));
		if (!entry)
			return PATH_CACHE_MISS;
		undecided = path_cache_lookup(slot, entry, generation,
					      path_cache_question(hook_op, stashed(slot)), dentry,
					      top->dentry, rules->count > 1);
		if (undecided == PATH_CACHE_MISS) {
			/* The second miss makes an entry: a walk over a disk evicts none. */
			slot->path_miss = entry->seen_hash == dentry->d_name.hash;
			entry->seen_hash = dentry->d_name.hash;
			return PATH_CACHE_MISS;
		}
	}
	if (unlikely(undecided & AMBIT_PATH_PROGRAM_TRUST) && trust_collect(task))
		undecided |= AMBIT_PATH_PROGRAM_OBJECT;
	undecided &= AMBIT_PATH_PROGRAM_OBJECT | AMBIT_PATH_PROGRAM_NUMBERS;
	if (!undecided) {
		rules_clear_allowed(rules);
		return 0;
	}
	if (rules->numbers & (RULE_NUMBER(FILE_UID) | RULE_NUMBER(FILE_MODE)))
		file_numbers(slot, file->f_inode);
	slot->undecided = undecided;
	slot->undecided_generation = generation;
	return undecided;
}

/*
 * Step 2. True if a rule may match among the undecided ones: the rules that read no
 * path, or all rules, with the path's tests from the cache. On an error the answer is
 * true; step 3 finds the error again and counts it.
 */
__noinline int undecided_match(struct slot *slot, __u32 hook_op)
{
	struct ambit_rule_hook *rules;
	__u32 needs, half;
	int match;

	if (!slot)
		return 1;
	half = slot->undecided_generation & 1;
	rules = rules_in(hook_op >> 16, half);
	if (!rules)
		return 1;
	slot->facts.numbers[AMBIT_RULE_OP] = hook_op & 0xffff;
	slot->facts.numbers[AMBIT_RULE_ARG] = stashed(slot);
	slot->pos = OBJECT_END - 1;
	put(slot, OBJECT_END - 1, AMBIT_KIND_PATH);
	if (slot->undecided & AMBIT_PATH_PROGRAM_OBJECT) {
		rules_numbers(slot, rules->numbers);
		match = rules_outcome(slot, rules, half);
	} else {
		rules_numbers(slot, rules->path_numbers);
		needs = path_program_run(slot, half, AMBIT_PATH_PROGRAM_REST, hook_op);
		match = needs && (context_match(slot, half, needs) ||
				  path_program_run(slot, half, AMBIT_PATH_PROGRAM_EXACT, hook_op));
	}
	if (!match)
		rules_clear_allowed(rules);
	return match;
}

/* Returns a word of a name in the slot's path string. */
static __always_inline __u64 path_cache_word(struct slot *slot, __u32 pos, __u32 len, __u32 at)
{
	__u64 word = *(__u64 *)&slot->bytes[(pos + at * 8) & OFFSET_MASK];

	if (len < at * 8)
		return 0;
	return len >= at * 8 + 8 ? word : last_word(word, len);
}

/* Writes the chain's names. False if they differ from the path string in the slot. */
static __noinline bool path_cache_write(struct path_cache_entry *entry, struct slot *slot,
					struct dentry *dentry, struct dentry *root)
{
	__u32 i, k, len, pos = OBJECT_END, digits = 0;

	for (i = 0; i < PATH_CACHE_NAMES; i++) {
		if (dentry == root)
			break;
		len = dentry->d_name.len;
		if (len >= SHORT_NAME)
			return false;
		pos = hide(slot, pos - len);
#pragma unroll
		for (k = 0; k < SHORT_NAME / 8; k++)
			entry->words[i][k] = path_cache_word(slot, pos, len, k);
		if (!path_cache_name_is(dentry, entry->words[i]))
			return false;
		if (all_digits(&slot->bytes[pos & OFFSET_MASK], len))
			digits = 1;
		pos = hide(slot, pos - 1);
		if (slot->bytes[pos & OFFSET_MASK] != '/')
			return false;
		dentry = dentry->d_parent;
	}
	if (i == 0)
		pos--;
	entry->names = i;
	entry->digits = digits;
	/* The string begins where the names begin, with the kind of a file that is linked. */
	return dentry == root && slot->pos == pos - 1 && !slot->status &&
	       slot->bytes[slot->pos & OFFSET_MASK] == AMBIT_KIND_PATH;
}

/* Ends the writing of an entry. */
static __always_inline void path_cache_unlock(struct path_cache_entry *entry)
{
	barrier();
	(*(volatile __u32 *)&entry->count)++;
}

/* Begins the writing of the path's entry; NULL if the path gets none. */
static __noinline struct path_cache_entry *path_cache_lock(struct slot *slot, struct file *file)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct dentry *dentry = file->f_path.dentry;
	struct path_cache_entry *entry;
	__u32 count;

	if (!slot->path_miss)
		return NULL;
	entry = path_cache_at(dentry, stashed(slot));
	if (!entry)
		return NULL;
	count = *(volatile __u32 *)&entry->count;
	if (count & 1 || __sync_val_compare_and_swap(&entry->count, count, count + 1) != count)
		return NULL;
	/* Matches no set of rules until path_cache_store(). */
	entry->generation = 0;
	if (path_cache_write(entry, slot, dentry, task->fs->root.dentry))
		return entry;
	slot->path_miss = 0;
	path_cache_unlock(entry);
	return NULL;
}

/* Stores what the rules answered about the path. */
static __always_inline void path_cache_store(struct path_cache_entry *entry, struct slot *slot,
					     __u32 hook_op)
{
	entry->what = path_cache_question(hook_op, stashed(slot));
	entry->undecided = slot->undecided;
	__builtin_memcpy(entry->match, slot->facts.match[AMBIT_RULE_TEXT_OBJECT],
			 sizeof(entry->match));
	entry->generation = slot->undecided_generation;
	path_cache_unlock(entry);
}

/*
 * Evaluates the rules on a file beneath an overlay that a user mounted. Other overlays are a
 * matter of the host, whose rules name the files that a container sees.
 */
static __noinline int evaluate_layer(struct slot *slot, __u32 hook_op, struct file *file)
{
	file_numbers(slot, file->f_inode);
	object_layer(slot, file);
	return rules_evaluate_host(slot, hook_op, stashed(slot));
}

/*
 * Evaluates the rules about a file: 0 or -EPERM. The operation's argument is stashed.
 * Costs are instructions for one open, beside a hook without a program, as
 * docs/SPECIFICATION.md has them (6.1, 6.12, 7.3).
 */
static __always_inline int evaluate_file(struct slot *slot, __u32 hook, __u32 op, struct file *file)
{
	__u32 undecided, settled, hook_op = hook << 16 | op;
	struct path_cache_entry *entry;
	int verdict;

	/* 1. Path cache: 742, 735, 708 with one rule about paths that cannot match. */
	undecided = path_cache_query(slot, hook_op, file);
	settled = !undecided;
	/*
	 * 2. Path program, or prefilter and rules on cached tests: 635, 584, 557 with
	 * one rule about the user and none about paths; 13 for each rule whose path
	 * test holds.
	 */
	if (undecided && undecided != PATH_CACHE_MISS)
		settled = !undecided_match(slot, hook_op);
	if (settled && likely(in_host_namespace()))
		return 0;
	/*
	 * 3. Everything: path string, automata, prefilter, context fields, rules. About
	 * 2,000 beside a hundred rules for a path that is seen for the first time.
	 */
	settled = hide(slot, settled);
	if (unlikely(!object_file(slot, file)))
		return in_users_overlay() ? evaluate_layer(slot, hook_op, file) : 0;
	file_numbers(slot, file->f_inode);
	if (!settled) {
		entry = path_cache_lock(slot, file);
		verdict = rules_evaluate(slot, hook_op, stashed(slot));
		if (entry)
			path_cache_store(entry, slot, hook_op);
		if (verdict)
			return verdict;
	}
	return rules_evaluate_host(slot, hook_op, stashed(slot));
}

#endif /* AMBIT_PATH_CACHE_H */
