/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Executable memory.
 *
 *   mmap_file      executable mappings, of a file or anonymous
 *   file_mprotect  mappings that become executable; a private file mapping that was
 *                  written to is "dirty". With full coverage, and for rules, also
 *                  executable mappings that become writable
 *   mmap_addr      memory of a task with the personality READ_IMPLIES_EXEC, which is
 *                  executable however it is made: brk and, on 6.1, remap_file_pages ask
 *                  no other hook (mm/mmap.c, check_brk_limits)
 *
 * The memory of the stack is made by exec: whether it is executable is a property of the
 * program.
 *
 * Fail mode: decide.bpf.h; of rules, rules.bpf.h.
 */

/*
 * number: the file's address as a number, 0 for anonymous memory (number_at() in
 * verifier.bpf.h). dirty: AMBIT_MAP_DIRTY or 0.
 */
static __always_inline int map_point(enum engine engine, __u32 hook, struct file *file,
				     unsigned long number, __u32 dirty, unsigned long prot)
{
	__u32 write = prot & PROT_WRITE ? AMBIT_MAP_WRITE : 0;
	struct scope scope;
	struct path *path;

	if (!enter(&scope, engine, hook))
		return outside(&scope);
	if (engine == ENGINE_CORE && !(scope.label->flags & AMBIT_LABEL_FULL))
		write = 0;
	stash(scope.slot, dirty | write);
	if (!number || !file) {
		object_none(scope.slot);
		decide_op(&scope, hook, AMBIT_OP_MAP_ANON, 0);
	} else if (hook == AMBIT_HOOK_FILE_MPROTECT && (path = user_path(file))) {
		if (engine == ENGINE_RULES)
			file_numbers_probed(scope.slot, BPF_CORE_READ(path, dentry, d_inode));
		object_probed(scope.slot, BPF_CORE_READ(path, dentry), BPF_CORE_READ(path, mnt));
		decide_op(&scope, hook, AMBIT_OP_MAP_EXEC, stashed(scope.slot));
	} else if (engine == ENGINE_RULES) {
		scope.verdict = evaluate_file(scope.slot, hook, AMBIT_OP_MAP_EXEC, file);
	} else {
		object_user_file(scope.slot, file);
		decide_op(&scope, hook, AMBIT_OP_MAP_EXEC, stashed(scope.slot));
	}
	return leave(&scope);
}

static __always_inline int mmap_point(enum engine engine, const unsigned long long *ctx,
				      struct file *file, unsigned long prot)
{
	if (!(prot & PROT_EXEC))
		return 0;
	return map_point(engine, AMBIT_HOOK_MMAP_FILE, file, number_at(&ctx[0]), 0, prot);
}

HOOK(mmap_file, ENGINE_CORE, map_mmap_file, rules_mmap, ret ?: mmap_point(engine, ctx, file, prot),
     struct file *file, unsigned long reqprot, unsigned long prot, unsigned long flags, int ret)

static __always_inline int mprotect_point(enum engine engine, struct vm_area_struct *vma,
					  unsigned long prot)
{
	unsigned long flags = vma->vm_flags;

	if (!(prot & PROT_EXEC))
		return 0;
	if (flags & VM_EXEC) {
		if (!(prot & PROT_WRITE) || flags & VM_WRITE)
			return 0;
		if (engine == ENGINE_CORE && !full_label())
			return 0;
	}
	return map_point(engine, AMBIT_HOOK_FILE_MPROTECT, vma->vm_file, number_at(&vma->vm_file),
			 number_at(&vma->anon_vma) ? AMBIT_MAP_DIRTY : 0, prot);
}

HOOK(file_mprotect, ENGINE_CORE, map_file_mprotect, rules_mprotect,
     ret ?: mprotect_point(engine, vma, prot), struct vm_area_struct *vma, unsigned long reqprot,
     unsigned long prot, int ret)

static __always_inline int address_space_point(enum engine engine)
{
	if (likely(!(bpf_get_current_task_btf()->personality & READ_IMPLIES_EXEC)))
		return 0;
	return plain_point(engine, AMBIT_HOOK_MMAP_ADDR, AMBIT_OP_MAP_ANON, 0);
}

HOOK(mmap_addr, ENGINE_CORE, map_mmap_addr, rules_mmap_addr, ret ?: address_space_point(engine),
     unsigned long addr, int ret)
