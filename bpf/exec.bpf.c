/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Execution, and how a task's subject changes by it.
 *
 *   bprm_creds_for_exec     an exec begins; a thread that will lead its process has
 *                           its trust and chain from then on
 *   bprm_check_security     once an image: the script, then its interpreter.
 *                           Decides the path and the digest
 *   bprm_creds_from_file    before the point of no return, with the final
 *                           credentials: the subject that will be, its creds, and
 *                           with full coverage the descriptors it inherits
 *   bprm_committed_creds    the exec cannot fail any more: the label changes, and
 *                           what the former leader lost meanwhile is taken over
 *
 * The ELF interpreter and the target are opened before; file_open decides those
 * as `file.open x`.
 *
 * Fail mode: decide.bpf.h. An executable whose digest cannot be had is not the
 * one in the map.
 */

/* Ask IMA again if the file might have changed within the clock's last tick. */
#define DIGEST_SETTLES_NS 1000000000ULL
#define HASH_ALGO_SHA256 4

/* Unlike enter(): the launcher's exec is the workload's first operation. */
static __always_inline bool enter_exec(struct scope *c, __u32 hook)
{
	c->verdict = 0;
	c->l = label_of(bpf_get_current_task_btf());
	if (likely(!c->l))
		return false;
	return take_slot(c, hook);
}

SEC("lsm/bprm_creds_for_exec")
int BPF_PROG(exec_begins, struct linux_binprm *bprm, int ret)
{
	struct ambit_label *l;

	if (ret)
		return ret;
	trust_carry(bpf_get_current_task_btf());
	lineage_carry(bpf_get_current_task_btf());
	l = label_of(bpf_get_current_task_btf());
	if (!l)
		return 0;
	trust_sync(l);
	l->flags &= ~AMBIT_LABEL_SCRIPT;
	l->next_first.lo = 0;
	l->next_first.hi = 0;
	return 0;
}

static __always_inline void ctime_of(struct inode *inode, __s64 *sec, __s64 *nsec)
{
	if (bpf_core_field_exists(inode->i_ctime_sec)) {
		*sec = inode->i_ctime_sec;
		*nsec = inode->i_ctime_nsec;
	} else if (bpf_core_field_exists(struct inode___ctime_hidden, __i_ctime)) {
		struct inode___ctime_hidden *i = (void *)inode;

		*sec = BPF_CORE_READ(i, __i_ctime.tv_sec);
		*nsec = BPF_CORE_READ(i, __i_ctime.tv_nsec);
	} else {
		struct inode___ctime *i = (void *)inode;

		*sec = BPF_CORE_READ(i, i_ctime.tv_sec);
		*nsec = BPF_CORE_READ(i, i_ctime.tv_nsec);
	}
	/* Bit 31 says "was queried" from 6.13 on; it is no part of the time. */
	*nsec &= 0x7fffffff;
}

/*
 * The file's SHA-256 to the slot, before the object that is there. IMA computes
 * it anew on every call, so it is kept with the inode. A second computation a
 * second after the first makes the result final: whatever was written between
 * the two has a change time of its own by then.
 */
static __always_inline bool push_digest(struct slot *s, struct file *file)
{
	struct inode *inode = file->f_inode;
	__u64 now = bpf_ktime_get_boot_ns();
	__s64 sec, nsec, size = inode->i_size;
	struct digest *d;
	bool same;

	ctime_of(inode, &sec, &nsec);
	d = bpf_inode_storage_get(&digests, inode, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!d)
		return false;
	same = d->first_seen_ns && d->ctime_sec == sec && d->ctime_nsec == nsec && d->size == size;
	if (!same || !d->settled) {
		if (bpf_ima_file_hash(file, d->sha256, sizeof(d->sha256)) != HASH_ALGO_SHA256) {
			d->first_seen_ns = 0;
			return false;
		}
		if (!same) {
			d->ctime_sec = sec;
			d->ctime_nsec = nsec;
			d->size = size;
			d->first_seen_ns = now;
			d->settled = 0;
		} else if (now - d->first_seen_ns >= DIGEST_SETTLES_NS) {
			d->settled = 1;
		}
	}
	s->pos -= 32;
	bpf_probe_read_kernel(&s->bytes[s->pos & OFFSET_MASK], 32, d->sha256);
	push_kind(s, AMBIT_KIND_DIGEST);
	return true;
}

/* Describe a name or a subject to user space, once a domain. */
static __noinline int describe(struct slot *s, struct ambit_label *l, struct ambit_fp *key,
			       __u32 kind, __u32 op)
{
	struct handover h = {
		.l = l,
		.st = stat_of(l, AMBIT_HOOK_BPRM_COMMITTED_CREDS),
		.key = *key,
		.kind = kind,
		.op = op,
		.hook = AMBIT_HOOK_BPRM_COMMITTED_CREDS,
	};
	void *set;

	if (known(l, key))
		return 1;
	if (!h.st || hand_over(s, &h))
		return 0;
	set = set_of(l);
	return set && (!add_to_set(set, key, AMBIT_ORIGIN_LEARNED) || in_set(set, key));
}

/*
 * The digest holds for the domain, whatever the subject. It is asked for where
 * the map has digests of this executable: the point (digest, 1, path) says so.
 */
static __always_inline void ask_digest(struct scope *c, struct file *file)
{
	struct ambit_domain *d = domain_of(c->l);
	struct slot *s = c->s;
	struct ambit_fp zero = {};
	__u32 object = s->pos;

	if (c->verdict || !d || !(d->flags & AMBIT_DOMAIN_DIGESTS) || s->status)
		return;
	s->subject = zero;
	if (d->mode != AMBIT_MODE_LEARN) {
		fingerprint(s, s->pos, OBJECT_END, AMBIT_OP_EXEC_DIGEST, 1);
		if (!known(c->l, &s->fp))
			return;
	}
	if (!push_digest(s, file)) {
		push_kind(s, AMBIT_KIND_DIGEST);
		object_unrepresentable(s, AMBIT_REASON_DIGEST);
	}
	ask(c, AMBIT_HOOK_BPRM_CHECK_SECURITY, AMBIT_OP_EXEC_DIGEST, 0);
	s->pos = object;
}

SEC("lsm.s/bprm_check_security")
int BPF_PROG(exec_bprm_check, struct linux_binprm *bprm, int ret)
{
	struct file *file;
	struct scope c;
	struct slot *s;

	if (ret)
		return ret;
	if (!enter_exec(&c, AMBIT_HOOK_BPRM_CHECK_SECURITY))
		return c.verdict ? -EPERM : 0;
	s = c.s;
	file = bprm->file;
	if (!object_file(s, file))
		object_unrepresentable(s, AMBIT_REASON_UNREACHABLE);
	if (!s->status) {
		fingerprint(s, s->pos, OBJECT_END, AMBIT_OP_NAME, 0);
		c.l->next_exe = s->fp;
		describe(s, c.l, &c.l->next_exe, AMBIT_EVENT_NAME, AMBIT_OP_NAME);
		if (c.l->next_first.lo == 0 && c.l->next_first.hi == 0)
			c.l->next_first = s->fp;
		else
			c.l->flags |= AMBIT_LABEL_SCRIPT;
	}
	ask(&c, AMBIT_HOOK_BPRM_CHECK_SECURITY, AMBIT_OP_EXEC, 0);
	ask_digest(&c, file);
	return leave(&c);
}

struct slash_loop {
	struct slot *s;
	__u32 len;
	__u32 start;
};

static long slash_step(__u32 i, struct slash_loop *c)
{
	if (i >= c->len)
		return 1;
	if (c->s->bytes[i & (AMBIT_AS_MAX - 1)] == '/')
		c->start = i + 1;
	return 0;
}

/*
 * The name the program was invoked by, where it is not the file's own: what
 * tells the programs of busybox apart. Not taken for descriptors (fexecve,
 * /proc/self/fd/3). Returns false for a name that is too long to keep.
 */
static __noinline int invoked_name(struct slot *s, struct linux_binprm *bprm)
{
	const char *filename = BPF_CORE_READ(bprm, filename);
	struct dentry *dentry = BPF_CORE_READ(bprm, file, f_path.dentry);
	struct slash_loop c = { .s = s };
	__u64 *as = (void *)s->record.as, *own = (void *)&s->bytes[AMBIT_AS_MAX], diff = 0;
	__u32 i, len, own_len = BPF_CORE_READ(dentry, d_name.len);
	long n;

	n = bpf_probe_read_kernel_str(s->bytes, 4096, filename);
	if (n < 2)
		return 1;
	len = n - 1;
	if (len > AMBIT_AS_MAX)
		len = AMBIT_AS_MAX;
	filename += n - 1 - len;
	bpf_probe_read_kernel(s->bytes, len, filename);
	c.len = len;
	bpf_loop(AMBIT_AS_MAX, slash_step, &c, 0);
	if (c.start == 0 && n - 1 > AMBIT_AS_MAX)
		return own_len >= AMBIT_AS_MAX;
	filename += c.start;
	len -= c.start;
	if (len == 0 || len >= AMBIT_AS_MAX)
		return len == own_len;
	bpf_probe_read_kernel(as, len, filename);
	__builtin_memset(own, 0, AMBIT_AS_MAX);
	bpf_probe_read_kernel(own, len, BPF_CORE_READ(dentry, d_name.name));
	for (i = 0; i < AMBIT_AS_MAX / 8; i++)
		diff |= as[i] ^ own[i];
	if ((diff == 0 && len == own_len) || all_digits(s->record.as, len))
		__builtin_memset(as, 0, AMBIT_AS_MAX);
	return 1;
}

/* The standard descriptors belong to whoever starts the program. */
#define FIRST_INHERITED 3
#define INHERIT_STEPS 16384
#define FMODE_ACCESS (FMODE_READ | FMODE_WRITE)

struct inherit_loop {
	struct slot *s;
	struct ambit_label *l;
	struct file **files;
	unsigned long *open;
	unsigned long *cloexec;
	__u32 fd;
	__u32 max;
	int verdict;
};

/* Terminals, /dev/null and its kin, pipes and sockets are what a program finds by chance. */
static __always_inline bool fleeting(struct inode *inode)
{
	__u32 major = BPF_CORE_READ(inode, i_rdev) >> 20;

	switch (BPF_CORE_READ(inode, i_mode) & S_IFMT) {
	case S_IFIFO:
	case S_IFSOCK:
		return true;
	case S_IFCHR:
		return major == 1 || major == 4 || major == 5 || (major >= 136 && major <= 143);
	}
	return false;
}

/* The object of a file that was read by probe; false where it has no name. */
static __noinline int object_inherited(struct slot *s, struct file *file)
{
	struct dentry *dentry = BPF_CORE_READ(file, f_path.dentry);
	struct super_block *sb = BPF_CORE_READ(dentry, d_sb);
	__u8 kind = AMBIT_KIND_PATH;
	int status;

	s->status = 0;
	if (BPF_CORE_READ(sb, s_flags) & SB_NOUSER)
		return object_internal(s, dentry) &&
		       s->bytes[s->pos & OFFSET_MASK] == AMBIT_KIND_MEMFD;
	status = walk_probed(s, dentry, BPF_CORE_READ(file, f_path.mnt));
	if (status == WALK_INTERNAL)
		return object_internal(s, dentry) &&
		       s->bytes[s->pos & OFFSET_MASK] == AMBIT_KIND_MEMFD;
	if (status == WALK_UNREACHABLE) {
		object_fstype(s, sb);
		return 1;
	}
	if (!BPF_CORE_READ(dentry, d_hash.pprev) && BPF_CORE_READ(dentry, d_parent) != dentry)
		kind = AMBIT_KIND_DELETED;
	walk_outcome(s, status, kind);
	return 1;
}

static long inherit_step(__u32 i, struct inherit_loop *c)
{
	const __u32 hook = AMBIT_HOOK_BPRM_CREDS_FROM_FILE;
	unsigned long open = 0, cloexec = 0;
	struct file *file = NULL;
	__u32 fd = c->fd, mode, arg = 0;

	if (fd >= c->max || c->verdict)
		return 1;
	bpf_probe_read_kernel(&open, sizeof(open), c->open + fd / 64);
	bpf_probe_read_kernel(&cloexec, sizeof(cloexec), c->cloexec + fd / 64);
	open = (open & ~cloexec) >> (fd & 63);
	if (!open) {
		c->fd = (fd | 63) + 1;
		return 0;
	}
	c->fd = fd + 1;
	if (!(open & 1))
		return 0;
	bpf_probe_read_kernel(&file, sizeof(file), c->files + fd);
	if (!file)
		return 0;
	if (fleeting(BPF_CORE_READ(file, f_inode)) || !object_inherited(c->s, file)) {
		skip(c->l, hook, AMBIT_SKIP_BENIGN);
		return 0;
	}
	mode = BPF_CORE_READ(file, f_mode);
	if (mode & FMODE_READ)
		arg |= AMBIT_OPEN_READ;
	if (mode & FMODE_WRITE)
		arg |= BPF_CORE_READ(file, f_flags) & O_APPEND ? AMBIT_OPEN_APPEND :
								 AMBIT_OPEN_WRITE;
	c->verdict = decide(c->s, c->l, hook << 16 | AMBIT_OP_FILE_INHERIT, arg);
	return 0;
}

/*
 * The descriptors that stay open are points of the subject that will have them.
 * A task that shares its descriptors with another process, as threads of one do
 * not, may get one more after this.
 */
static __always_inline void ask_inherited(struct scope *c)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct fdtable *table = BPF_CORE_READ(task, files, fdt);
	struct inherit_loop loop = {
		.s = c->s,
		.l = c->l,
		.files = BPF_CORE_READ(table, fd),
		.open = BPF_CORE_READ(table, open_fds),
		.cloexec = BPF_CORE_READ(table, close_on_exec),
		.fd = FIRST_INHERITED,
		.max = BPF_CORE_READ(table, max_fds),
	};

	if (c->verdict || !(c->l->flags & AMBIT_LABEL_FULL))
		return;
	bpf_loop(INHERIT_STEPS, inherit_step, &loop, 0);
	c->verdict = loop.verdict;
	if (c->verdict || loop.fd >= loop.max)
		return;
	object_none(c->s);
	object_unrepresentable(c->s, AMBIT_REASON_TOO_LONG);
	ask(c, AMBIT_HOOK_BPRM_CREDS_FROM_FILE, AMBIT_OP_FILE_INHERIT, 0);
}

SEC("lsm.s/bprm_creds_from_file")
int BPF_PROG(exec_creds_from_file, struct linux_binprm *bprm, struct file *file, int ret)
{
	struct ambit_domain *d;
	struct scope c;
	struct slot *s;
	__u32 i;

	if (ret)
		return ret;
	if (!enter_exec(&c, AMBIT_HOOK_BPRM_CREDS_FROM_FILE))
		return c.verdict ? -EPERM : 0;
	s = c.s;
	d = domain_of(c.l);
	if (!d) {
		c.verdict = -EPERM;
		return leave(&c);
	}
	__builtin_memset(&s->record, 0, sizeof(s->record));
	s->record.exe = c.l->next_exe;
	if (c.l->flags & AMBIT_LABEL_SCRIPT) {
		s->record.script = c.l->next_first;
	} else if (!bprm->fdpath && !invoked_name(s, bprm)) {
		object_none(s);
		object_unrepresentable(s, AMBIT_REASON_TOO_LONG);
		ask(&c, AMBIT_HOOK_BPRM_CREDS_FROM_FILE, AMBIT_OP_EXEC_CREDS, 0);
		return leave(&c);
	}
	for (i = 0; i < AMBIT_CHAIN_MAX - 1; i++) {
		if (i + 1 >= d->chain)
			break;
		s->record.via[i] = c.l->chain[i];
	}
	s->pos = OBJECT_END - sizeof(s->record);
	bpf_probe_read_kernel(&s->bytes[OBJECT_END - sizeof(s->record)], sizeof(s->record),
			      &s->record);
	fingerprint(s, s->pos, OBJECT_END, AMBIT_OP_SUBJECT, 0);
	c.l->next_subject = s->fp;
	c.l->next_flags = 0;
	s->subject = c.l->next_subject;
	if (describe(s, c.l, &c.l->next_subject, AMBIT_EVENT_SUBJECT, AMBIT_OP_SUBJECT))
		c.l->next_flags = AMBIT_LABEL_DELIVERED;
	ask_creds(&c, AMBIT_HOOK_BPRM_CREDS_FROM_FILE, bprm->cred);
	ask_inherited(&c);
	return leave(&c);
}

SEC("lsm/bprm_committed_creds")
void BPF_PROG(exec_committed, struct linux_binprm *bprm)
{
	struct ambit_label *l = label_of(bpf_get_current_task_btf());
	__u32 i;

	trust_succeed(bpf_get_current_task_btf());
	lineage_exec(bprm);
	if (!l)
		return;
	for (i = AMBIT_CHAIN_MAX - 1; i > 0; i--)
		l->chain[i] = l->chain[i - 1];
	l->chain[0] = l->next_exe;
	l->subject = l->next_subject;
	l->flags = l->next_flags | (l->flags & (AMBIT_LABEL_RECORD | AMBIT_LABEL_FULL));
}
