/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Spreading of distrust, which the operator can switch on: an untrusted process makes
 * another one untrusted by tracing it, signalling it, writing a file that the other one
 * executes or reads as a script, or passing it a descriptor. Each of the four kinds has
 * programs of its own, which are loaded only when the kind is switched on.
 *
 *   ptrace      security_ptrace_access_check, security_ptrace_traceme
 *   signal      security_task_kill
 *   file        security_file_open, security_file_permission, security_mmap_file,
 *               security_file_mprotect, security_bprm_check, security_inode_free
 *   descriptor  __scm_send, security_file_receive, security_file_free
 *
 * The programs run at the end of these functions, after all security modules allowed
 * the operation: a refused operation spreads nothing.
 *
 * Fail mode: nothing is spread if memory or a table is full, or if the kernel skips a
 * program that already runs on the same CPU. The first is counted here, the second by
 * the kernel; `ambit trust spread` shows both.
 */

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, AMBIT_MARKS);
	__type(key, struct ambit_mark_key);
	__type(value, struct ambit_trust);
} marks SEC(".maps");

/* Number of marks by owner: the domain, or AMBIT_DOMAINS and the group of users. None may have all marks. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, AMBIT_DOMAINS + AMBIT_SLOT_GROUPS);
	__type(key, __u32);
	__type(value, __u32);
} mark_owners SEC(".maps");

/* Keyed by the address of the open file; removed at its last close. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, AMBIT_PASSED);
	__type(key, __u64);
	__type(value, struct ambit_trust);
} passed SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, AMBIT_INTERPRETERS);
	__type(key, __u8[AMBIT_INTERPRETER_MAX]);
	__type(value, __u32);
} interpreters SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, AMBIT_SPREADS);
	__type(key, __u32);
	__type(value, struct ambit_spread_count);
} spread_counts SEC(".maps");

static __always_inline struct ambit_spread_count *spread_count(__u32 kind)
{
	return bpf_map_lookup_elem(&spread_counts, &kind);
}

static __always_inline void spread_failed(__u32 kind)
{
	struct ambit_spread_count *counts = spread_count(kind);

	if (counts)
		count(counts->failed);
}

/* Returns the current process's lost trust; NULL if it is trusted. */
static __noinline struct ambit_trust *spread_lost(void)
{
	struct task_struct *task = bpf_get_current_task_btf();

	if (likely(!clock_now()) || !trust_collect(task))
		return NULL;
	return trust_of(task->group_leader);
}

/* Lowers the trust of `to`. by: the process that spreads it now; NULL if it is the last step of `from`. */
static __noinline int spread_to(struct ambit_trust *from, struct task_struct *to,
				struct task_struct *by, __u32 kind)
{
	struct ambit_spread_count *counts = spread_count(kind);
	struct ambit_trust *trust;
	bool first, more;

	trust = storage_of(bpf_task_storage_get, &trusts, to);
	if (!trust) {
		spread_failed(kind);
		return 0;
	}
	more = from->bits & ~trust_now(trust);
	first = !trust->bits;
	if (first) {
		trust->steps = from->steps;
		bpf_probe_read_kernel(trust->path, sizeof(trust->path), from->path);
		if (by)
			trust_step(trust, by, kind);
	}
	trust_merge(from, trust, kind);
	if (more && counts)
		count(counts->spread);
	return 0;
}

/* Spreads from the current process to the process of `other`. */
static __always_inline int spread_on(struct task_struct *other, __u32 kind)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct ambit_trust *trust;

	if (other->tgid == task->tgid)
		return 0;
	trust = spread_lost();
	if (trust)
		spread_to(trust, other->group_leader, task->group_leader, kind);
	return 0;
}

SEC("fexit/security_ptrace_access_check")
int BPF_PROG(spread_ptrace_access, struct task_struct *child, unsigned int mode, int ret)
{
	if (ret || !(mode & PTRACE_MODE_ATTACH))
		return 0;
	return spread_on(child, AMBIT_SPREAD_PTRACE);
}

SEC("fexit/security_ptrace_traceme")
int BPF_PROG(spread_ptrace_traceme, struct task_struct *parent, int ret)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct ambit_trust *trust;

	if (ret || likely(!clock_now()))
		return 0;
	trust = trust_collect(parent) ? trust_of(parent->group_leader) : NULL;
	if (trust)
		spread_to(trust, task->group_leader, parent->group_leader, AMBIT_SPREAD_PTRACE);
	return 0;
}

SEC("fexit/security_task_kill")
int BPF_PROG(spread_signal, struct task_struct *p, struct kernel_siginfo *info, int sig,
	     const struct cred *cred, int ret)
{
	if (ret || !sig)
		return 0;
	/* SEND_SIG_PRIV: the kernel's own. */
	if ((unsigned long)info == 1)
		return 0;
	/* Sent on behalf of a task that is not the current one. For the barriers see verifier.bpf.h. */
	barrier();
	if (cred)
		return 0;
	barrier();
	return spread_on(p, AMBIT_SPREAD_SIGNAL);
}

/* By probe, since the inode of an overlayfs mapping was read by probe. */
static __always_inline bool mark_key(struct ambit_mark_key *key, struct inode *inode)
{
	if ((BPF_CORE_READ(inode, i_mode) & S_IFMT) != S_IFREG)
		return false;
	key->inode = BPF_CORE_READ(inode, i_ino);
	key->dev = BPF_CORE_READ(inode, i_sb, s_dev);
	key->generation = BPF_CORE_READ(inode, i_generation);
	return true;
}

static __always_inline __u32 *marks_of(__u32 owner)
{
	return bpf_map_lookup_elem(&mark_owners, &owner);
}

/* Returns the owner of the current process's marks. */
static __always_inline __u32 mark_owner(void)
{
	struct ambit_label *label = label_of(bpf_get_current_task_btf());

	return label ? label->domain : AMBIT_DOMAINS + user_group();
}

static __always_inline void release_mark(struct ambit_mark_key *key, __u32 owner)
{
	__u32 *held = marks_of(owner);

	if (!bpf_map_delete_elem(&marks, key) && held)
		__sync_fetch_and_sub(held, 1);
}

/* Marks a file that the current process writes. */
static __noinline int mark_file(struct inode *inode, struct ambit_trust *trust)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct ambit_spread_count *counts = spread_count(AMBIT_SPREAD_FILE);
	struct ambit_mark_key key = {};
	__u32 owner = mark_owner(), *held = marks_of(owner);
	struct ambit_trust *mark;
	bool made;

	if (!counts || !held || !mark_key(&key, inode))
		return 0;
	mark = bpf_map_lookup_elem(&marks, &key);
	if (mark && trust_now(mark)) {
		trust_merge(trust, mark, 0);
		return 0;
	}
	/* An expired mark is replaced. */
	if (mark)
		release_mark(&key, mark->owner);
	/* Another process may mark the file first; then the mark is its own. */
	made = *held < AMBIT_MARKS_OF_ONE && !bpf_map_update_elem(&marks, &key, trust, BPF_NOEXIST);
	mark = bpf_map_lookup_elem(&marks, &key);
	if (!mark) {
		count(counts->failed);
		return 0;
	}
	if (made) {
		mark->owner = owner;
		__sync_fetch_and_add(held, 1);
	}
	trust_step(mark, task->group_leader, AMBIT_SPREAD_FILE);
	count(counts->marked);
	return 0;
}

/* Returns the lost trust of the file's writer; NULL if it has no mark. */
static __always_inline struct ambit_trust *mark_of(struct inode *inode)
{
	struct ambit_mark_key key = {};
	struct ambit_trust *mark;

	if (!mark_key(&key, inode))
		return NULL;
	mark = bpf_map_lookup_elem(&marks, &key);
	return mark && trust_now(mark) ? mark : NULL;
}

/* Spreads the file's mark to the current process, which executes or interprets the file. */
static __noinline int mark_read(struct inode *inode)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct ambit_trust *mark;

	if (likely(!clock_now()))
		return 0;
	mark = mark_of(inode);
	if (mark)
		spread_to(mark, task->group_leader, NULL, AMBIT_SPREAD_FILE);
	return 0;
}

/* Shortens a name to its form in the table. */
static __always_inline void interpreter_name(__u8 *name)
{
	bool over = false;
	__u32 i;

	for (i = 0; i < AMBIT_INTERPRETER_MAX; i++) {
		__u8 byte = name[i];

		if (!byte || byte == '.' || byte == '-' || (i && byte >= '0' && byte <= '9'))
			over = true;
		if (over)
			name[i] = 0;
	}
}

static __noinline int interprets(void)
{
	struct task_struct *task = bpf_get_current_task_btf();
	__u8 name[AMBIT_INTERPRETER_MAX] = {};
	__u32 *kind;

	bpf_probe_read_kernel_str(name, sizeof(name),
				  BPF_CORE_READ(task, mm, exe_file, f_path.dentry, d_name.name));
	interpreter_name(name);
	kind = bpf_map_lookup_elem(&interpreters, name);
	if (!kind)
		return 0;
	if (*kind != AMBIT_INTERPRETER_MANY)
		return 1;
	__builtin_memset(name, 0, sizeof(name));
	bpf_probe_read_kernel(name, sizeof(name), task->comm);
	interpreter_name(name);
	kind = bpf_map_lookup_elem(&interpreters, name);
	return kind && *kind == AMBIT_INTERPRETER_ONE;
}

static __always_inline void mark_inode_writer(struct inode *inode)
{
	struct ambit_trust *trust = spread_lost();

	if (trust)
		mark_file(inode, trust);
}

static __always_inline void mark_writer(struct file *file)
{
	mark_inode_writer(file->f_inode);
}

/* The inode that the user mapped: a mapping of an overlayfs file has the file beneath it. */
static __always_inline struct inode *mapped_inode(struct file *file)
{
	struct path *path = user_path(file);

	return path ? BPF_CORE_READ(path, dentry, d_inode) : file->f_inode;
}

SEC("fexit/security_file_open")
int BPF_PROG(spread_file_open, struct file *file, int ret)
{
	if (ret || likely(!clock_now()))
		return 0;
	if (file->f_mode & FMODE_WRITE)
		mark_writer(file);
	/* A file opened for execution is handled by spread_file_exec. */
	if (file->f_mode & FMODE_READ && !(file->f_flags & FMODE_EXEC) && mark_of(file->f_inode) &&
	    interprets())
		mark_read(file->f_inode);
	return 0;
}

SEC("fexit/security_file_permission")
int BPF_PROG(spread_file_permission, struct file *file, int mask, int ret)
{
	/* The file may have been opened before the process lost its trust, or by another process. */
	if (ret || !(mask & MAY_WRITE) || likely(!clock_now()))
		return 0;
	mark_writer(file);
	return 0;
}

SEC("fexit/security_mmap_file")
int BPF_PROG(spread_file_mmap, struct file *file, unsigned long prot, unsigned long flags, int ret)
{
	if (ret || likely(!clock_now()) || !file)
		return 0;
	if (prot & PROT_WRITE && flags & MAP_SHARED && file->f_mode & FMODE_WRITE)
		mark_writer(file);
	if (prot & PROT_EXEC)
		mark_read(file->f_inode);
	return 0;
}

SEC("fexit/security_file_mprotect")
int BPF_PROG(spread_file_mprotect, struct vm_area_struct *vma, unsigned long reqprot,
	     unsigned long prot, int ret)
{
	if (ret || likely(!clock_now()) || !vma->vm_file)
		return 0;
	if (prot & PROT_WRITE && vma->vm_flags & VM_SHARED && vma->vm_file->f_mode & FMODE_WRITE)
		mark_inode_writer(mapped_inode(vma->vm_file));
	if (prot & PROT_EXEC)
		mark_read(mapped_inode(vma->vm_file));
	return 0;
}

/* Called for the script, then for its interpreter. */
SEC("fexit/security_bprm_check")
int BPF_PROG(spread_file_exec, struct linux_binprm *bprm, int ret)
{
	if (!ret)
		mark_read(bprm->file->f_inode);
	return 0;
}

/* Removes the mark when the last link and the last open file are gone. */
SEC("fentry/security_inode_free")
int BPF_PROG(spread_file_gone, struct inode *inode)
{
	struct ambit_mark_key key = {};
	struct ambit_trust *mark;

	if (inode->i_nlink || likely(!clock_now()) || !mark_key(&key, inode))
		return 0;
	mark = bpf_map_lookup_elem(&marks, &key);
	if (mark)
		release_mark(&key, mark->owner);
	return 0;
}

#define SCM_MAX_FD 253 /* include/net/scm.h */

struct pass_loop {
	struct ambit_trust *trust;
	struct file **files;
	__u32 count;
};

static long pass_step(__u32 i, struct pass_loop *loop)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct ambit_spread_count *counts;
	struct ambit_trust *mark;
	__u64 key = 0;

	if (i >= loop->count)
		return 1;
	counts = spread_count(AMBIT_SPREAD_DESCRIPTOR);
	bpf_probe_read_kernel(&key, sizeof(key), loop->files + i);
	if (!key || !counts)
		return 0;
	mark = bpf_map_lookup_elem(&passed, &key);
	if (mark && trust_now(mark)) {
		trust_merge(loop->trust, mark, 0);
		return 0;
	}
	/* Replaces an expired mark as well. */
	bpf_map_update_elem(&passed, &key, loop->trust, BPF_ANY);
	mark = bpf_map_lookup_elem(&passed, &key);
	if (!mark) {
		count(counts->failed);
		return 0;
	}
	trust_step(mark, task->group_leader, AMBIT_SPREAD_DESCRIPTOR);
	count(counts->marked);
	return 0;
}

SEC("fexit/__scm_send")
int BPF_PROG(spread_descriptor_send, struct socket *sock, struct msghdr *msg,
	     struct scm_cookie *scm, int ret)
{
	struct scm_fp_list *list;
	struct pass_loop loop = {};

	if (ret || likely(!clock_now()))
		return 0;
	list = BPF_CORE_READ(scm, fp);
	if (!list)
		return 0;
	loop.trust = spread_lost();
	if (!loop.trust)
		return 0;
	loop.count = BPF_CORE_READ(list, count);
	loop.files = (void *)list + bpf_core_field_offset(struct scm_fp_list, fp);
	bpf_loop(SCM_MAX_FD, pass_step, &loop, 0);
	return 0;
}

SEC("fexit/security_file_receive")
int BPF_PROG(spread_descriptor_receive, struct file *file, int ret)
{
	struct task_struct *task = bpf_get_current_task_btf();
	__u64 key = (unsigned long)file;
	struct ambit_trust *mark;

	if (ret || likely(!clock_now()))
		return 0;
	mark = bpf_map_lookup_elem(&passed, &key);
	if (mark && trust_now(mark))
		spread_to(mark, task->group_leader, NULL, AMBIT_SPREAD_DESCRIPTOR);
	return 0;
}

SEC("fentry/security_file_free")
int BPF_PROG(spread_descriptor_gone, struct file *file)
{
	__u64 key = (unsigned long)file;

	if (likely(!clock_now()))
		return 0;
	if (bpf_map_lookup_elem(&passed, &key))
		bpf_map_delete_elem(&passed, &key);
	return 0;
}
