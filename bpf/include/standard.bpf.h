/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Standard descriptors: where a program reads from and writes to is its caller's choice,
 * a terminal today and a log tomorrow, and no behaviour of the program. The file of a
 * standard descriptor may therefore be opened again (/dev/stderr) and kept over exec
 * as another descriptor (3>&1), with the access that the descriptor has. That gives a
 * process no further access. Changes of the file itself, such as its
 * mode, and ioctls are decided by its path, as for other files.
 *
 * Learning writes these operations down: the same file may be opened without being
 * a standard descriptor on another day. Tasks that lost their trust are
 * decided as for other files.
 */
#ifndef AMBIT_STANDARD_H
#define AMBIT_STANDARD_H

#define STANDARD_DESCRIPTORS 3

/* Returns the access, as AMBIT_OPEN_*, that the current task has to a file by its standard descriptors. */
static __noinline __u32 standard_access(const struct inode *inode)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct file **files = BPF_CORE_READ(task, files, fdt, fd), *file;
	__u32 i, access = 0;

	for (i = 0; i < STANDARD_DESCRIPTORS; i++) {
		file = NULL;
		bpf_probe_read_kernel(&file, sizeof(file), files + i);
		if (file && BPF_CORE_READ(file, f_inode) == inode)
			access |= access_of(BPF_CORE_READ(file, f_mode),
					    BPF_CORE_READ(file, f_flags));
	}
	return access & AMBIT_OPEN_WRITE ? access | AMBIT_OPEN_APPEND : access;
}

/* True if the task has this access, one of AMBIT_OPEN_*, to the file by its standard descriptors anyway. */
static __always_inline bool is_standard(struct ambit_label *label, const struct inode *inode,
					__u32 access)
{
	const __u32 can = AMBIT_OPEN_READ | AMBIT_OPEN_WRITE | AMBIT_OPEN_APPEND;

	return access && !(access & ~can) && !label->trust && !learning(label) &&
	       !(access & ~standard_access(inode));
}

#endif /* AMBIT_STANDARD_H */
