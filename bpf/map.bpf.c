/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Executable memory.
 *
 *   mmap_file      mappings that may be executed, of a file or anonymous
 *   file_mprotect  mappings that become executable; a private file mapping
 *                  that was written to is "dirty". With full coverage also those
 *                  that become writable while executable
 *
 * Fail mode: decide.bpf.h.
 */

/*
 * address: the file's, as a number. The verifier of 6.12 takes the file of
 * mmap_file for never NULL and drops the test for it; anonymous memory then
 * faults in the kernel. It does not look into numbers.
 */
static __always_inline int map_point(__u32 hook, struct file *file, unsigned long address,
				     __u32 arg, bool write)
{
	struct scope scope;

	if (!enter(&scope, hook))
		return scope.verdict ? -EPERM : 0;
	if (write && scope.label->flags & AMBIT_LABEL_FULL)
		arg |= AMBIT_MAP_WRITE;
	stash(scope.slot, arg);
	if (!address || !file) {
		object_none(scope.slot);
		decide_op(&scope, hook, AMBIT_OP_MAP_ANON, 0);
	} else if (object_file(scope.slot, file)) {
		decide_op(&scope, hook, AMBIT_OP_MAP_EXEC, stashed(scope.slot));
	} else {
		skip(scope.label, hook, AMBIT_SKIP_KERNEL);
	}
	return leave(&scope);
}

SEC("lsm/mmap_file")
int BPF_PROG(map_mmap_file, struct file *file, unsigned long reqprot, unsigned long prot,
	     unsigned long flags, int ret)
{
	unsigned long address = 0;

	if (ret)
		return ret;
	if (!(prot & PROT_EXEC))
		return 0;
	bpf_probe_read_kernel(&address, sizeof(address), &ctx[0]);
	return map_point(AMBIT_HOOK_MMAP_FILE, file, address, 0, prot & PROT_WRITE);
}

SEC("lsm/file_mprotect")
int BPF_PROG(map_file_mprotect, struct vm_area_struct *vma, unsigned long reqprot,
	     unsigned long prot, int ret)
{
	unsigned long address = 0, flags = vma->vm_flags;
	struct ambit_label *label;

	if (ret)
		return ret;
	if (!(prot & PROT_EXEC))
		return 0;
	if (flags & VM_EXEC) {
		/* Code that becomes writable is news to full coverage alone. */
		if (!(prot & PROT_WRITE) || flags & VM_WRITE)
			return 0;
		label = label_of(bpf_get_current_task_btf());
		if (!label || !(label->flags & AMBIT_LABEL_FULL))
			return 0;
	}
	bpf_probe_read_kernel(&address, sizeof(address), &vma->vm_file);
	return map_point(AMBIT_HOOK_FILE_MPROTECT, vma->vm_file, address,
			 vma->anon_vma ? AMBIT_MAP_DIRTY : 0, prot & PROT_WRITE);
}
