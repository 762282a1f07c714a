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
#ifndef AMBIT_PATH_CACHE_H
#define AMBIT_PATH_CACHE_H

#define PATH_CACHE_NAMES 8
#define PATH_CACHE_BITS 9

struct path_cache_entry {
	__u32 count;
	__u32 undecided;  /* AMBIT_PATH_PROGRAM_*: what has to be asked */
	__u64 generation; /* of the rules */
	__u64 what;	  /* hook, operation, argument */
	__u32 names;	  /* how many there are */
	__u32 digits;	  /* not 0: one is a number, which procfs and devpts have markers for */
	__u32 seen_hash;  /* hash of the last path that had no entry */
	__u32 pad;
	__u64 words[PATH_CACHE_NAMES][SHORT_NAME / 8];
	__u64 match[AMBIT_RULE_AUTOMATA *
		    AMBIT_RULE_WORDS]; /* of the path, where rules have to be asked */
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

/* The only place where a path's entry can be. */
static __always_inline struct path_cache_entry *path_cache_at(struct dentry *dentry, __u32 arg)
{
	/* The kernel's hash tables go by the upper bits, too (fs/dcache.c, d_hash). */
	__u32 id = (dentry->d_name.hash >> (32 - PATH_CACHE_BITS)) ^ (arg & 7);

	return bpf_map_lookup_elem(&path_cache, &id);
}

/*
 * Whether these are a name's words. The last one has its length where a longer name
 * may have any byte, but no word of a longer name that comes after it is zero.
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

/* No entry. */
#define PATH_CACHE_MISS (~0U)
/* Bytes of the tests of the first automaton, which mostly is the only one. */
#define PATH_CACHE_FIRST (AMBIT_RULE_WORDS * 8)

/* What has to be asked about the path; then its tests are in the slot. */
static __always_inline __u32 path_cache_lookup(struct slot *slot, struct path_cache_entry *entry,
					       __u64 generation, __u64 what, struct dentry *dentry,
					       struct dentry *root, bool more)
{
	__u64 *match = slot->facts.match[AMBIT_RULE_TEXT_OBJECT];
	__u32 i, asks, count = *(volatile __u32 *)&entry->count;

	barrier();
	asks = entry->undecided;
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
	/* As long as nobody was ever untrusted, nobody is. */
	if (!clock_now())
		asks &= ~AMBIT_PATH_PROGRAM_TRUST;
	if (asks & (AMBIT_PATH_PROGRAM_OBJECT | AMBIT_PATH_PROGRAM_TRUST)) {
		__builtin_memcpy(match, entry->match, PATH_CACHE_FIRST);
		if (more)
			__builtin_memcpy(match + AMBIT_RULE_WORDS, entry->match + AMBIT_RULE_WORDS,
					 sizeof(entry->match) - PATH_CACHE_FIRST);
	}
	barrier();
	return *(volatile __u32 *)&entry->count == count ? asks : PATH_CACHE_MISS;
}

/*
 * Whether a rule applies; of those that ask for no path, or of all, where the tests
 * of the path are in the slot. Where that can't be told it may be so: whoever asks
 * them about the path then finds that out, too.
 */
__noinline int rules_match_cached(struct slot *slot, __u32 hook_op, __u32 asks, __u32 half)
{
	struct ambit_rule_hook *rules = rules_in(hook_op >> 16, half);
	bool all = asks & AMBIT_PATH_PROGRAM_OBJECT;
	__u32 needs;

	if (!slot || !rules)
		return 1;
	slot->facts.numbers[AMBIT_RULE_OP] = hook_op & 0xffff;
	slot->facts.numbers[AMBIT_RULE_ARG] = stashed(slot);
	slot->pos = OBJECT_END - 1;
	put(slot, OBJECT_END - 1, AMBIT_KIND_PATH);
	rules_numbers(slot, all ? rules->numbers : rules->path_numbers);
	if (all)
		return rules_outcome(slot, rules, half);
	needs = path_program_run(slot, half, AMBIT_PATH_PROGRAM_REST, hook_op);
	if (!needs)
		return 0;
	if (context_match(slot, half, needs))
		return 1;
	return path_program_run(slot, half, AMBIT_PATH_PROGRAM_EXACT, hook_op);
}

static __always_inline void file_numbers(struct slot *slot, struct inode *inode)
{
	slot->file_uid = inode->i_uid.val;
	slot->file_mode = inode->i_mode;
}

/*
 * Whether no rule of the hook applies to the file, as far as that can be told without
 * its path. This and the next are functions of their own for the callers' stack.
 */
static __noinline bool file_needs_no_rules(struct slot *slot, __u32 hook_op, struct file *file)
{
	struct task_struct *task = bpf_get_current_task_btf();
	__u32 asks = AMBIT_PATH_PROGRAM_NUMBERS;
	struct dentry *dentry = file->f_path.dentry;
	struct path *top = &task->fs->root;
	struct ambit_rule_hook *rules;
	struct path_cache_entry *entry;
	__u64 generation;

	rules = rules_of(hook_op >> 16, &generation);
	if (!rules || !rules->bits_used)
		return true;
	if (!rules->path_program)
		return false;
	if (rules->path_program & AMBIT_PATH_PROGRAM_OBJECT) {
		if (file->f_path.mnt != top->mnt || unlinked(dentry))
			return false;
		entry = path_cache_at(dentry, stashed(slot));
		if (!entry)
			return false;
		asks = path_cache_lookup(slot, entry, generation,
					 path_cache_question(hook_op, stashed(slot)), dentry,
					 top->dentry, rules->count > 1);
		if (asks == PATH_CACHE_MISS) {
			/* Not for what is met once: whoever walks a whole disk takes nobody's place. */
			slot->path_miss = entry->seen_hash == dentry->d_name.hash;
			entry->seen_hash = dentry->d_name.hash;
			return false;
		}
	}
	if (rules->numbers & (RULE_NUMBER(FILE_UID) | RULE_NUMBER(FILE_MODE)))
		file_numbers(slot, file->f_inode);
	if (unlikely(asks & AMBIT_PATH_PROGRAM_TRUST) && trust_collect(task))
		asks |= AMBIT_PATH_PROGRAM_OBJECT;
	if (asks & (AMBIT_PATH_PROGRAM_OBJECT | AMBIT_PATH_PROGRAM_NUMBERS) &&
	    rules_match_cached(slot, hook_op, asks, generation & 1))
		return false;
	rules_clear_allowed(rules);
	return true;
}

/* A word of a name in the slot's text. */
static __always_inline __u64 path_cache_word(struct slot *slot, __u32 pos, __u32 len, __u32 at)
{
	__u64 word = *(__u64 *)&slot->bytes[(pos + at * 8) & OFFSET_MASK];

	if (len < at * 8)
		return 0;
	return len >= at * 8 + 8 ? word : last_word(word, len);
}

/* Writes the chain's names, as long as they are those of the text that the slot has. */
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
	/* Nothing else is before them but the kind of an object that is there. */
	return dentry == root && slot->pos == pos - 1 && !slot->status &&
	       slot->bytes[slot->pos & OFFSET_MASK] == AMBIT_KIND_PATH;
}

/* Nobody else writes it before. */
static __always_inline void path_cache_unlock(struct path_cache_entry *entry)
{
	barrier();
	(*(volatile __u32 *)&entry->count)++;
}

/* The path's entry, to be settled; NULL where there is to be none. */
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
	/* Until it is settled, it is of no rules. */
	entry->generation = 0;
	if (path_cache_write(entry, slot, dentry, task->fs->root.dentry))
		return entry;
	slot->path_miss = 0;
	path_cache_unlock(entry);
	return NULL;
}

/* What the rules said about the path holds the next time. */
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

/* Asks the rules about a file; the argument is stashed. */
static __always_inline void evaluate_file(struct rule_scope *scope, __u32 hook, __u32 op,
					  struct file *file)
{
	__u32 hook_op = hook << 16 | op;
	struct path_cache_entry *entry;
	struct slot *slot = scope->slot;

	if (file_needs_no_rules(slot, hook_op, file))
		return;
	file_numbers(slot, file->f_inode);
	if (!object_file(slot, file))
		return;
	entry = path_cache_lock(slot, file);
	evaluate_rules(scope, hook, op, stashed(slot));
	if (entry)
		path_cache_store(entry, slot, hook_op);
}

#endif /* AMBIT_PATH_CACHE_H */
