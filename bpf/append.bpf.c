/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Files that were opened for appending, `file.open a`: their task may add to the end and
 * change nothing else. Everything else that such a descriptor can do is decided as the
 * open that would have allowed it, `file.open w` or `rw`.
 *
 *   file_fcntl       F_SETFL that removes O_APPEND
 *   mmap_file        shared writable mappings
 *   file_mprotect    shared mappings that become writable
 *   file_permission  writes other than at the end: fallocate, RWF_NOAPPEND (from 6.9 on,
 *                    commit 73fa7547c70b ("vfs: add RWF_NOAPPEND flag for pwritev2"))
 *
 * Loaded only with a domain that has `file.open a` in its map, or learns: the kernel
 * calls file_permission for each read and write of each task. It is the last program of
 * this file, so its link tells that all of them are attached.
 *
 * sendfile, splice, copy_file_range and FICLONE refuse such a descriptor themselves
 * (fs/splice.c, do_splice; fs/remap_range.c and fs/read_write.c, generic_file_rw_checks).
 *
 * Rules see none of these: for them, append is a kind of write.
 *
 * Fail mode: decide.bpf.h.
 */

/* True if the file is open for appending only. */
static __always_inline bool appends(struct file *file)
{
	return file->f_flags & O_APPEND && file->f_mode & FMODE_WRITE;
}

/* An open file that appends is about to be written at any place. */
static __always_inline int overwrite_point(__u32 hook, struct file *file)
{
	struct scope scope;
	struct path *path;

	if (!enter(&scope, ENGINE_CORE, hook))
		return outside(&scope);
	stash(scope.slot, access_of(file->f_mode, file->f_flags & ~O_APPEND));
	path = user_path(file);
	if (unlikely(path))
		object_probed(scope.slot, BPF_CORE_READ(path, dentry), BPF_CORE_READ(path, mnt));
	else
		object_user_file(scope.slot, file);
	decide_op(&scope, hook, AMBIT_OP_FILE_OPEN, stashed(scope.slot));
	return leave(&scope);
}

#define RWF_NOAPPEND 0x20

/* True if the task is in a system call that can only append. */
static __always_inline bool only_appends(void)
{
	struct pt_regs *regs;
	__u32 number;
	bool compat;

	regs = system_call(&number, &compat);
	if (!regs)
		return false;
	if (compat) {
		switch (number) {
		case 4:	  /* write */
		case 146: /* writev */
		case 181: /* pwrite64 */
		case 334: /* pwritev */
			return true;
		case 379: /* pwritev2 */
			return !(BPF_CORE_READ(regs, di) & RWF_NOAPPEND);
		}
		return false;
	}
	switch (number) {
	case 1:	  /* write */
	case 18:  /* pwrite64 */
	case 20:  /* writev */
	case 296: /* pwritev */
		return true;
	case 328: /* pwritev2 */
		return !(BPF_CORE_READ(regs, r9) & RWF_NOAPPEND);
	}
	return false;
}

SEC("lsm/file_fcntl")
int BPF_PROG(append_fcntl, struct file *file, unsigned int cmd, unsigned long arg, int ret)
{
	if (ret || likely(cmd != F_SETFL || arg & O_APPEND || !appends(file)))
		return ret;
	return overwrite_point(AMBIT_HOOK_FILE_FCNTL, file);
}

SEC("lsm/mmap_file")
int BPF_PROG(append_mmap, struct file *file, unsigned long reqprot, unsigned long prot,
	     unsigned long flags, int ret)
{
	if (ret || likely(!(prot & PROT_WRITE) || !(flags & MAP_SHARED)))
		return ret;
	/* The number as well: see number_at(). */
	if (!number_at(&ctx[0]) || !file || likely(!appends(file)))
		return 0;
	return overwrite_point(AMBIT_HOOK_MMAP_FILE, file);
}

SEC("lsm/file_mprotect")
int BPF_PROG(append_mprotect, struct vm_area_struct *vma, unsigned long reqprot, unsigned long prot,
	     int ret)
{
	unsigned long flags = vma->vm_flags;
	struct file *file = vma->vm_file;

	if (ret || likely(!(prot & PROT_WRITE) || !(flags & VM_SHARED) || flags & VM_WRITE))
		return ret;
	if (!number_at(&vma->vm_file) || !file || likely(!appends(file)))
		return 0;
	return overwrite_point(AMBIT_HOOK_FILE_MPROTECT, file);
}

SEC("lsm/file_permission")
int BPF_PROG(append_permission, struct file *file, int mask, int ret)
{
	if (ret || likely(!(mask & MAY_WRITE) || !appends(file)))
		return ret;
	if (likely(!label_of(bpf_get_current_task_btf())) || only_appends())
		return 0;
	return overwrite_point(AMBIT_HOOK_FILE_PERMISSION, file);
}
