/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The system call that the task is in. Its number and arguments are read from the registers
 * that the kernel saved: they are numbers and not memory, so no other thread can change
 * them.
 */
#ifndef AMBIT_CALL_H
#define AMBIT_CALL_H

#define ENOSYS 38
#define TS_COMPAT 2 /* arch/x86/include/asm/thread_info.h: a 32-bit system call */

#define X32_BIT 0x40000000 /* of the number of an x32 system call */

/*
 * Returns the registers of the task's last system call, and its number; NULL if the machine
 * is not x86. In a 32-bit system call, number and registers follow i386.
 */
static __always_inline struct pt_regs *call_registers(__u32 *number, bool *compat)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct pt_regs *regs;

	if (task->flags & PF_IO_WORKER || !bpf_core_field_exists(struct pt_regs, orig_ax))
		return NULL;
	regs = (void *)bpf_task_pt_regs(task);
	if (!regs)
		return NULL;
	*number = BPF_CORE_READ(regs, orig_ax);
	*compat = BPF_CORE_READ(task, thread_info.status) & TS_COMPAT;
	return regs;
}

/*
 * The same, and NULL if the task may be in no system call. Until the call returns, ax is
 * -ENOSYS (arch/x86/entry/calling.h, PUSH_AND_CLEAR_REGS rax=$-ENOSYS); later, a request of
 * io_uring may run in the same task. A tracer can set ax, with the same result.
 */
static __always_inline struct pt_regs *system_call(__u32 *number, bool *compat)
{
	struct pt_regs *regs = call_registers(number, compat);

	return regs && BPF_CORE_READ(regs, ax) == (unsigned long)-ENOSYS ? regs : NULL;
}

#endif /* AMBIT_CALL_H */
