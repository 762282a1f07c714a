/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Execution, and the subject that results from it.
 *
 *   bprm_creds_for_exec     an exec begins; a non-leader thread gets a copy of its
 *                           process's trust and chain
 *   bprm_check_security     called for each image: the script, then its interpreter.
 *                           Decides the path and the digest
 *   bprm_creds_from_file    before the point of no return, with the final
 *                           credentials: decides the new subject's credentials and,
 *                           with full coverage, its inherited descriptors
 *   bprm_committed_creds    the exec cannot fail any more: the label changes, and
 *                           losses of the former leader are merged
 *
 * The kernel opens the executable and its ELF interpreter before; file_open decides
 * these as `file.open x`.
 *
 * Fail mode: decide.bpf.h. An executable whose digest cannot be computed counts as
 * different from the one in the map.
 */

/*
 * A digest is final if the file's change time was at least this old when it was computed.
 * Longer than dirty pages stay writable: 30 seconds until they expire, 5 until the next
 * flush (vm.dirty_expire_centisecs, vm.dirty_writeback_centisecs), and the 37 seconds that
 * TAI, the clock that programs can read, is ahead of the file system's.
 */
#define DIGEST_AGED_NS 90000000000LL
/* Also if it was computed again this long after the first time, while the file was not open for writing. */
#define DIGEST_SETTLES_NS 1000000000ULL
#define HASH_ALGO_SHA256 4

/* Unlike enter(): the launcher's exec is the workload's first operation. */
static __always_inline bool enter_exec(struct scope *scope, __u32 hook)
{
	scope->engine = ENGINE_CORE;
	scope->verdict = 0;
	scope->label = label_of(bpf_get_current_task_btf());
	if (likely(!scope->label))
		return false;
	return take_slot(scope, hook);
}

SEC("lsm/bprm_creds_for_exec")
int BPF_PROG(exec_begins, struct linux_binprm *bprm, int ret)
{
	struct ambit_label *label;

	if (ret)
		return ret;
	trust_copy_at_exec(bpf_get_current_task_btf());
	lineage_copy_at_exec(bpf_get_current_task_btf());
	label = label_of(bpf_get_current_task_btf());
	if (!label)
		return 0;
	trust_sync(label);
	label->flags &= ~AMBIT_LABEL_SCRIPT;
	label->next_first.lo = 0;
	label->next_first.hi = 0;
	return 0;
}

static __always_inline void ctime_of(struct inode *inode, __s64 *sec, __s64 *nsec)
{
	if (bpf_core_field_exists(inode->i_ctime_sec)) {
		*sec = inode->i_ctime_sec;
		*nsec = inode->i_ctime_nsec;
	} else if (bpf_core_field_exists(struct inode___ctime_hidden, __i_ctime)) {
		struct inode___ctime_hidden *old = (void *)inode;

		*sec = BPF_CORE_READ(old, __i_ctime.tv_sec);
		*nsec = BPF_CORE_READ(old, __i_ctime.tv_nsec);
	} else {
		struct inode___ctime *old = (void *)inode;

		*sec = BPF_CORE_READ(old, i_ctime.tv_sec);
		*nsec = BPF_CORE_READ(old, i_ctime.tv_nsec);
	}
	/*
	 * From 6.13 on bit 31 is a flag, I_CTIME_QUERIED: commit 4e40eff0b573 ("fs: add
	 * infrastructure for multigrain timestamps").
	 */
	*nsec &= 0x7fffffff;
}

/* include/uapi/linux/magic.h */
#define RAMFS_MAGIC 0x858458f6
#define TMPFS_MAGIC 0x01021994
#define OVERLAYFS_SUPER_MAGIC 0x794c7630

/*
 * True if a write through a shared mapping may change no time of the file: in file systems in
 * memory, and in overlays, whose mappings are of the file in the upper directory. Files that an
 * overlay of the host has only below are never written. In fs/overlayfs/ovl_entry.h, the
 * upper file comes after the inode.
 */
static __always_inline bool is_timeless(struct inode *inode)
{
	unsigned long magic = inode->i_sb->s_magic;
	struct dentry *upper = NULL;

	if (magic != OVERLAYFS_SUPER_MAGIC)
		return magic == TMPFS_MAGIC || magic == RAMFS_MAGIC;
	bpf_probe_read_kernel(&upper, sizeof(upper),
			      (void *)inode + bpf_core_type_size(struct inode));
	return upper || BPF_CORE_READ(inode, i_sb, s_user_ns, level);
}

/* True if no later write can leave the file's change time as it was when the digest was computed. */
static __always_inline bool settles(const struct digest *digest, struct inode *inode, __u64 now)
{
	__s64 changed = digest->ctime_sec * 1000000000LL + digest->ctime_nsec;

	if (is_timeless(inode))
		return false;
	if ((__s64)bpf_ktime_get_tai_ns() - changed >= DIGEST_AGED_NS)
		return true;
	return now - digest->first_seen_ns >= DIGEST_SETTLES_NS &&
	       BPF_CORE_READ(inode, i_writecount.counter) <= 0;
}

/*
 * Returns the file's SHA-256; NULL if it cannot be computed. May sleep. Without an IMA policy, IMA
 * computes it at each call (seen on 6.1 to 7.3), so it is cached with the inode. The
 * cached value is final once every later write, also through a mapping, changes the
 * change time: see settles(). Files whose time a write can leave as it is (is_timeless)
 * are read for each exec.
 */
static __always_inline struct digest *digest_of(struct file *file)
{
	struct inode *inode = file->f_inode;
	__u64 now = bpf_ktime_get_boot_ns();
	__s64 sec, nsec, size = inode->i_size;
	struct digest *digest;
	bool same;

	ctime_of(inode, &sec, &nsec);
	digest = storage_of(bpf_inode_storage_get, &digests, inode);
	if (!digest)
		return NULL;
	same = digest->first_seen_ns && digest->ctime_sec == sec && digest->ctime_nsec == nsec &&
	       digest->size == size;
	if (same && digest->settled)
		return digest;
	digest->settled = 0;
	if (bpf_ima_file_hash(file, digest->sha256, sizeof(digest->sha256)) != HASH_ALGO_SHA256) {
		digest->first_seen_ns = 0;
		return NULL;
	}
	if (!same) {
		digest->ctime_sec = sec;
		digest->ctime_nsec = nsec;
		digest->size = size;
		digest->first_seen_ns = now;
	}
	digest->settled = settles(digest, inode, now);
	return digest;
}

/* Describes a name or a subject to user space, once per domain. Returns 1 if user space has it. */
static __noinline int describe(struct slot *slot, struct ambit_label *label, struct ambit_fp *key,
			       __u32 kind, __u32 op)
{
	struct draft draft = {
		.label = label,
		.stat = stat_of(label, AMBIT_HOOK_BPRM_COMMITTED_CREDS),
		.key = *key,
		.kind = kind,
		.op = op,
		.hook = AMBIT_HOOK_BPRM_COMMITTED_CREDS,
	};
	void *set;

	if (known(label, key))
		return 1;
	if (!draft.stat || emit(slot, &draft))
		return 0;
	set = set_of(label);
	return set && (!add_to_set(set, key, AMBIT_ORIGIN_LEARNED) || in_set(set, key));
}

/*
 * True if the digest of an executable is to be decided: the map lists it, as the
 * point (digest, 1, path), or the domain learns.
 */
static __always_inline bool has_digest(struct scope *scope, struct file *file)
{
	struct ambit_domain *domain = domain_of(scope->label);
	struct slot *slot = scope->slot;
	struct ambit_fp zero = {};

	if (!domain || !(domain->flags & AMBIT_DOMAIN_DIGESTS))
		return false;
	object_user_file(slot, file);
	if (slot->status)
		return false;
	if (domain->mode == AMBIT_MODE_LEARN)
		return true;
	slot->subject = zero;
	fingerprint(slot, slot->pos, OBJECT_END, AMBIT_OP_EXEC_DIGEST, 1);
	return known(scope->label, &slot->fp);
}

/*
 * Decides the digest, which is a point of the domain and not of a subject. A program of
 * its own: it sleeps while IMA reads the file, and has no slot then.
 */
SEC("lsm.s/bprm_check_security")
int BPF_PROG(exec_digest, struct linux_binprm *bprm, int ret)
{
	const __u32 hook = AMBIT_HOOK_BPRM_CHECK_SECURITY;
	struct file *file = bprm->file;
	struct digest *digest;
	struct scope scope;
	bool wanted;

	if (ret)
		return ret;
	if (!enter_exec(&scope, hook))
		return outside(&scope);
	wanted = has_digest(&scope, file);
	slot_put(scope.slot);
	if (!wanted)
		return 0;
	digest = digest_of(file);
	if (!enter_exec(&scope, hook))
		return outside(&scope);
	__builtin_memset(&scope.slot->subject, 0, sizeof(scope.slot->subject));
	object_user_file(scope.slot, file);
	if (digest) {
		scope.slot->pos -= 32;
		bpf_probe_read_kernel(&scope.slot->bytes[scope.slot->pos & OFFSET_MASK], 32,
				      digest->sha256);
	} else {
		object_unrepresentable(scope.slot, AMBIT_REASON_DIGEST);
	}
	push_kind(scope.slot, AMBIT_KIND_DIGEST);
	decide_op(&scope, hook, AMBIT_OP_EXEC_DIGEST, 0);
	return leave(&scope);
}

/*
 * bprm_check_security has two separate programs: the map's may sleep, since IMA reads
 * the file for the digest, and the rules' must not, since rules read the leader's
 * task storage.
 */
SEC("lsm.s/bprm_check_security")
int BPF_PROG(exec_bprm_check, struct linux_binprm *bprm, int ret)
{
	struct file *file;
	struct scope scope;
	struct slot *slot;

	if (ret)
		return ret;
	if (!enter_exec(&scope, AMBIT_HOOK_BPRM_CHECK_SECURITY))
		return outside(&scope);
	slot = scope.slot;
	file = bprm->file;
	object_user_file(slot, file);
	if (!slot->status) {
		fingerprint(slot, slot->pos, OBJECT_END, AMBIT_OP_NAME, 0);
		scope.label->next_exe = slot->fp;
		describe(slot, scope.label, &scope.label->next_exe, AMBIT_EVENT_NAME,
			 AMBIT_OP_NAME);
		if (scope.label->next_first.lo == 0 && scope.label->next_first.hi == 0)
			scope.label->next_first = slot->fp;
		else
			scope.label->flags |= AMBIT_LABEL_SCRIPT;
	}
	decide_op(&scope, AMBIT_HOOK_BPRM_CHECK_SECURITY, AMBIT_OP_EXEC, 0);
	return leave(&scope);
}

SEC("lsm/bprm_check_security")
int BPF_PROG(rules_exec, struct linux_binprm *bprm, int ret)
{
	const __u32 hook = AMBIT_HOOK_BPRM_CHECK_SECURITY;
	struct scope scope;

	if (ret)
		return ret;
	if (!enter(&scope, ENGINE_RULES, hook))
		return outside(&scope);
	file_numbers(scope.slot, bprm->file->f_inode);
	object_user_file(scope.slot, bprm->file);
	decide_op(&scope, hook, AMBIT_OP_EXEC, 0);
	return leave(&scope);
}

struct slash_loop {
	struct slot *slot;
	__u32 len;
	__u32 start;
};

static long slash_step(__u32 i, struct slash_loop *loop)
{
	if (i >= loop->len)
		return 1;
	if (loop->slot->bytes[i & (AMBIT_AS_MAX - 1)] == '/')
		loop->start = i + 1;
	return 0;
}

/*
 * Writes the name that the program was invoked by to the record, if it differs from
 * the file's name: it distinguishes the programs of busybox. Descriptors (fexecve,
 * /proc/self/fd/3) have no such name. Returns 0 for a name that is too long.
 */
static __noinline int invoked_name(struct slot *slot, struct linux_binprm *bprm)
{
	const char *filename = BPF_CORE_READ(bprm, filename);
	struct dentry *dentry = BPF_CORE_READ(bprm, file, f_path.dentry);
	struct slash_loop loop = { .slot = slot };
	__u64 *as = (void *)slot->record.as, *own = (void *)&slot->bytes[AMBIT_AS_MAX], diff = 0;
	__u32 i, len, own_len = BPF_CORE_READ(dentry, d_name.len);
	long n;

	n = bpf_probe_read_kernel_str(slot->bytes, 4096, filename);
	if (n < 2)
		return 1;
	len = n - 1;
	if (len > AMBIT_AS_MAX)
		len = AMBIT_AS_MAX;
	filename += n - 1 - len;
	bpf_probe_read_kernel(slot->bytes, len, filename);
	loop.len = len;
	bpf_loop(AMBIT_AS_MAX, slash_step, &loop, 0);
	if (loop.start == 0 && n - 1 > AMBIT_AS_MAX)
		return own_len >= AMBIT_AS_MAX;
	filename += loop.start;
	len -= loop.start;
	if (len == 0 || len >= AMBIT_AS_MAX)
		return len == own_len;
	bpf_probe_read_kernel(as, len, filename);
	__builtin_memset(own, 0, AMBIT_AS_MAX);
	bpf_probe_read_kernel(own, len, BPF_CORE_READ(dentry, d_name.name));
	for (i = 0; i < AMBIT_AS_MAX / 8; i++)
		diff |= as[i] ^ own[i];
	if ((diff == 0 && len == own_len) || all_digits(slot->record.as, len))
		__builtin_memset(as, 0, AMBIT_AS_MAX);
	return 1;
}

/* The standard descriptors are chosen by the parent and are not decided. */
#define FIRST_INHERITED 3
#define INHERIT_STEPS 16384
#define FMODE_ACCESS (FMODE_READ | FMODE_WRITE)

struct inherit_loop {
	struct slot *slot;
	struct ambit_label *label;
	struct file **files;
	unsigned long *open;
	unsigned long *cloexec;
	__u32 fd;
	__u32 max;
	int verdict;
};

/* Character devices of major number 1, by their minor number: null, zero, full, random and urandom. */
#define HARMLESS_DEVICES (1 << 3 | 1 << 5 | 1 << 7 | 1 << 8 | 1 << 9)

/* True for terminals, /dev/null and the like, pipes and sockets, which vary from run to run. */
static __always_inline bool fleeting(struct inode *inode)
{
	__u32 device = BPF_CORE_READ(inode, i_rdev), major = device >> 20;
	__u32 minor = device & 0xfffff;

	switch (BPF_CORE_READ(inode, i_mode) & S_IFMT) {
	case S_IFIFO:
	case S_IFSOCK:
		return true;
	case S_IFCHR:
		return (major == 1 && minor < 32 && HARMLESS_DEVICES >> minor & 1) || major == 4 ||
		       major == 5 || (major >= 136 && major <= 143);
	}
	return false;
}

/* The object of a file that was read by probe; 0 if it has no name. */
static __noinline int object_inherited(struct slot *slot, struct file *file)
{
	struct dentry *dentry = BPF_CORE_READ(file, f_path.dentry);
	struct super_block *sb = BPF_CORE_READ(dentry, d_sb);
	__u8 kind = AMBIT_KIND_PATH;
	int status;

	slot->status = 0;
	if (BPF_CORE_READ(sb, s_magic) == MQUEUE_MAGIC)
		return object_mqueue(slot, dentry);
	if (BPF_CORE_READ(sb, s_flags) & SB_NOUSER)
		return object_internal(slot, dentry) &&
		       slot->bytes[slot->pos & OFFSET_MASK] == AMBIT_KIND_MEMFD;
	status = walk_probed(slot, dentry, BPF_CORE_READ(file, f_path.mnt));
	if (status == WALK_INTERNAL)
		return object_internal(slot, dentry) &&
		       slot->bytes[slot->pos & OFFSET_MASK] == AMBIT_KIND_MEMFD;
	if (status == WALK_UNREACHABLE) {
		object_fstype(slot, sb);
		return 1;
	}
	if (!BPF_CORE_READ(dentry, d_hash.pprev) && BPF_CORE_READ(dentry, d_parent) != dentry)
		kind = AMBIT_KIND_DELETED;
	walk_outcome(slot, status, kind);
	return 1;
}

/* A function of its own, since the stack of inherit_step() is nearly used up (6.1). */
static __noinline bool is_another_standard(struct ambit_label *label, struct file *file)
{
	__u32 access = access_of(BPF_CORE_READ(file, f_mode), BPF_CORE_READ(file, f_flags));

	return is_standard(label, BPF_CORE_READ(file, f_inode), access);
}

static long inherit_step(__u32 i, struct inherit_loop *loop)
{
	const __u32 hook = AMBIT_HOOK_BPRM_CREDS_FROM_FILE;
	unsigned long open = 0, cloexec = 0;
	struct file *file = NULL;
	__u32 fd = loop->fd, arg;

	if (fd >= loop->max || loop->verdict)
		return 1;
	bpf_probe_read_kernel(&open, sizeof(open), loop->open + fd / 64);
	bpf_probe_read_kernel(&cloexec, sizeof(cloexec), loop->cloexec + fd / 64);
	open = (open & ~cloexec) >> (fd & 63);
	if (!open) {
		loop->fd = (fd | 63) + 1;
		return 0;
	}
	loop->fd = fd + 1;
	if (!(open & 1))
		return 0;
	bpf_probe_read_kernel(&file, sizeof(file), loop->files + fd);
	if (!file)
		return 0;
	if (fleeting(BPF_CORE_READ(file, f_inode)) || is_another_standard(loop->label, file) ||
	    !object_inherited(loop->slot, file)) {
		skip(loop->label, hook, AMBIT_SKIP_BENIGN);
		return 0;
	}
	arg = access_of(BPF_CORE_READ(file, f_mode), BPF_CORE_READ(file, f_flags));
	loop->verdict = decide(loop->slot, loop->label, hook << 16 | AMBIT_OP_FILE_INHERIT, arg);
	return 0;
}

/*
 * Decides the descriptors that stay open, as points of the new subject. If the task
 * shares its descriptor table with another process, that process may add one later.
 */
static __always_inline void decide_inherited(struct scope *scope)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct fdtable *table = BPF_CORE_READ(task, files, fdt);
	struct inherit_loop loop = {
		.slot = scope->slot,
		.label = scope->label,
		.files = BPF_CORE_READ(table, fd),
		.open = BPF_CORE_READ(table, open_fds),
		.cloexec = BPF_CORE_READ(table, close_on_exec),
		.fd = FIRST_INHERITED,
		.max = BPF_CORE_READ(table, max_fds),
	};

	if (scope->verdict || !(scope->label->flags & AMBIT_LABEL_FULL))
		return;
	bpf_loop(INHERIT_STEPS, inherit_step, &loop, 0);
	scope->verdict = loop.verdict;
	if (scope->verdict || loop.fd >= loop.max)
		return;
	object_none(scope->slot);
	object_unrepresentable(scope->slot, AMBIT_REASON_TOO_LONG);
	decide_op(scope, AMBIT_HOOK_BPRM_CREDS_FROM_FILE, AMBIT_OP_FILE_INHERIT, 0);
}

/* True if the parent runs another executable: the process is no helper of its own program. */
static __always_inline bool on_its_own(void)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct inode *own = BPF_CORE_READ(task, mm, exe_file, f_inode);

	return own != BPF_CORE_READ(task, real_parent, mm, exe_file, f_inode);
}

/* Computes the fingerprint of the subject with these executables before it, as next_subject. */
static __noinline int subject_after(struct slot *slot, struct ambit_label *label, __u32 before,
				    __u32 depth)
{
	__u32 i;

	for (i = 0; i < AMBIT_CHAIN_MAX - 1; i++) {
		if (i + 1 >= depth || i + before >= AMBIT_CHAIN_MAX)
			break;
		slot->record.via[i] = label->chain[i + before];
	}
	slot->pos = OBJECT_END - sizeof(slot->record);
	bpf_probe_read_kernel(&slot->bytes[OBJECT_END - sizeof(slot->record)], sizeof(slot->record),
			      &slot->record);
	fingerprint(slot, slot->pos, OBJECT_END, AMBIT_OP_SUBJECT, 0);
	label->next_subject = slot->fp;
	return 0;
}

/*
 * A process that executes its own program again, as servers do to reload, keeps its subject. A
 * helper of a program that runs becomes a further link of the chain, so that it can have
 * less rights than its parent.
 */
static __always_inline void choose_subject(struct slot *slot, struct ambit_label *label,
					   __u32 depth)
{
	label->next_flags = 0;
	if (fp_is(&label->next_exe, &label->chain[0]) && on_its_own()) {
		subject_after(slot, label, 1, depth);
		if (fp_is(&label->next_subject, &label->subject)) {
			label->next_flags = AMBIT_LABEL_STAYS;
			return;
		}
	}
	subject_after(slot, label, 0, depth);
}

SEC("lsm.s/bprm_creds_from_file")
int BPF_PROG(exec_creds_from_file, struct linux_binprm *bprm, struct file *file, int ret)
{
	struct ambit_domain *domain;
	struct scope scope;
	struct slot *slot;

	if (ret)
		return ret;
	if (!enter_exec(&scope, AMBIT_HOOK_BPRM_CREDS_FROM_FILE))
		return outside(&scope);
	slot = scope.slot;
	domain = domain_of(scope.label);
	if (!domain) {
		scope.verdict = -EPERM;
		return leave(&scope);
	}
	__builtin_memset(&slot->record, 0, sizeof(slot->record));
	slot->record.exe = scope.label->next_exe;
	if (scope.label->flags & AMBIT_LABEL_SCRIPT) {
		slot->record.script = scope.label->next_first;
	} else if (!bprm->fdpath && !invoked_name(slot, bprm)) {
		object_none(slot);
		object_unrepresentable(slot, AMBIT_REASON_TOO_LONG);
		decide_op(&scope, AMBIT_HOOK_BPRM_CREDS_FROM_FILE, AMBIT_OP_EXEC_CREDS, 0);
		return leave(&scope);
	}
	choose_subject(slot, scope.label, domain->chain);
	slot->subject = scope.label->next_subject;
	if (describe(slot, scope.label, &scope.label->next_subject, AMBIT_EVENT_SUBJECT,
		     AMBIT_OP_SUBJECT))
		scope.label->next_flags |= AMBIT_LABEL_DELIVERED;
	decide_creds(&scope, AMBIT_HOOK_BPRM_CREDS_FROM_FILE, bprm->cred);
	decide_inherited(&scope);
	return leave(&scope);
}

SEC("lsm/bprm_committed_creds")
void BPF_PROG(exec_committed, struct linux_binprm *bprm)
{
	struct ambit_label *label = label_of(bpf_get_current_task_btf());
	__u32 i;

	trust_merge_exited(bpf_get_current_task_btf());
	lineage_exec(bprm);
	if (!label)
		return;
	if (!(label->next_flags & AMBIT_LABEL_STAYS)) {
		for (i = AMBIT_CHAIN_MAX - 1; i > 0; i--)
			label->chain[i] = label->chain[i - 1];
		label->chain[0] = label->next_exe;
	}
	label->subject = label->next_subject;
	label->flags = (label->next_flags & AMBIT_LABEL_DELIVERED) |
		       (label->flags & (AMBIT_LABEL_RECORD | AMBIT_LABEL_FULL));
}
