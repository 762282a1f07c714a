/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the verifier and clang require of this code, and how the code complies. The
 * kernels named are those on which the refusal or the cost was seen.
 *
 *   technique                  reason, and where it was seen
 *   hide(slot, value)          A loop with several exits leaves one verifier state per exit, and
 *                              each of them is followed to the end of the program. A value read
 *                              back from memory is unknown, so the states merge. All kernels.
 *                              Around the walk of a path it saves a fifth of the verification
 *                              of a program that decides about an open file (7.3).
 *   stash(slot, arg)           The same for an argument that is one of several constants.
 *   barrier_var(x); x & MASK   6.1 loses the bounds of a register that was spilled ("unbounded
 *                              min value"), and clang drops a mask that it considers redundant.
 *                              The barrier keeps clang from dropping it.
 *   barrier_var(len)           Before a length is compared and passed to a helper: clang otherwise
 *                              compares one register and passes a copy of it, whose bounds the
 *                              verifier does not know. All kernels.
 *   barrier_var(word pointer)  slot->bytes has no alignment, so clang would load eight bytes one
 *                              by one. The slot is aligned to eight bytes in its map.
 *   barrier_var(field offset)  CO-RE: clang hoists the offsets of both branches of
 *                              bpf_core_field_exists(), and one of the fields does not exist.
 *   global functions           `__noinline` without `static`: verified once per program and not
 *                              once per path to the call. All kernels. The verifier assumes that
 *                              their pointers may be NULL, hence the tests at their start.
 *   static __noinline          Own stack frame: a program and the functions below it share 512
 *                              bytes of stack (MAX_BPF_STACK).
 *   bpf_loop()                 The callback is verified once; a C loop once per iteration.
 *   reading a pointer as a     number_at(): 6.12 regards the file of mmap_file as never NULL and
 *   number                     deletes the test, so anonymous memory faulted in the kernel. A
 *                              number carries no such assumption. 7.0 declares the argument
 *                              nullable: commit 94e948b7e684 ("bpf: annotate file argument as
 *                              __nullable in bpf_lsm_mmap_file"). On 6.1 also a pointer that
 *                              becomes a choice of numbers: clang keeps the pointer as the 0,
 *                              which is no scalar for a function that a rule replaces.
 *   reading an argument by     key_permission: its first argument points to a type that is only
 *   probe                      declared, and the verifier refuses the load. All kernels.
 *   BPF_CORE_READ in place of  From 6.4 on each load of a pointer field through a trusted pointer
 *   a typed load               searches the kernel's BTF by name (kernel/bpf/btf.c,
 *                              btf_nested_type_is_trusted). The walk group_leader->thread_pid was
 *                              the most frequent one: with it, verifying all programs took 44
 *                              thousand million instructions on 6.12; without it, and with
 *                              hide() around the walks, 20. Also where
 *                              a pointer may be NULL for the verifier: socket->sk from 6.10 on,
 *                              commit 0db63c0b86e9 ("bpf: Fix verifier assumptions about
 *                              socket->sk").
 *   verdict ? -EPERM : 0       From 6.12 on the return value of an LSM program must provably lie
 *                              within [-4095, 0], commit 5d99e198be27 ("bpf, lsm: Add check for
 *                              BPF LSM return value").
 *   volatile store before a    The stand-ins for compiled rules read nothing that clang can see,
 *   replaced function          so it would remove a store that is overwritten later.
 *   barrier() between tests    6.1 to 7.3 refuse arithmetic on pointers; clang merges the tests of
 *                              two arguments into such arithmetic.
 */
#ifndef AMBIT_VERIFIER_H
#define AMBIT_VERIFIER_H

/* Returns the value, with bounds that the verifier does not know. */
static __always_inline __u32 hide(struct slot *slot, __u32 value)
{
	*(volatile __u32 *)&slot->hidden = value;
	return *(volatile __u32 *)&slot->hidden;
}

/* The same for a pointer: a number, which a walk's next step does not follow. */
static __always_inline void *hide_pointer(struct slot *slot, const void *pointer)
{
	*(const void *volatile *)&slot->hidden_pointer = pointer;
	return *(void *volatile *)&slot->hidden_pointer;
}

/* Keeps an operation's argument in the slot, where the verifier does not follow it. */
static __always_inline void stash(struct slot *slot, __u32 arg)
{
	*(volatile __u32 *)&slot->arg = arg;
}

static __always_inline __u32 stashed(struct slot *slot)
{
	return *(volatile __u32 *)&slot->arg;
}

/* Returns the pointer that is stored at `at`, as a number. */
static __always_inline unsigned long number_at(const void *at)
{
	unsigned long number = 0;

	bpf_probe_read_kernel(&number, sizeof(number), at);
	return number;
}

extern void *bpf_rdonly_cast(const void *pointer, __u32 type) __ksym __weak;

/*
 * Reads a field through a pointer whose type the verifier does not know: by a load that
 * may fault, where the kernel can cast the pointer (from 6.2 on), else by a helper.
 */
#define field_of(type, pointer, field)                                                           \
	(bpf_ksym_exists(bpf_rdonly_cast) ?                                                      \
		 ((struct type *)bpf_rdonly_cast(pointer, bpf_core_type_id_kernel(struct type))) \
			 ->field :                                                               \
		 BPF_CORE_READ((struct type *)(pointer), field))

/*
 * Returns the owner's storage, which is created if it is missing. Of several tasks that
 * create the first storage of an owner at once, all but one fail (kernel/bpf/
 * bpf_local_storage.c, bpf_local_storage_alloc): the second attempt finds it.
 */
#define storage_of(get, map, owner)                                                   \
	({                                                                            \
		void *made = get(map, owner, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);   \
                                                                                      \
		if (!made)                                                            \
			made = get(map, owner, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE); \
		made;                                                                 \
	})

#endif /* AMBIT_VERIFIER_H */
