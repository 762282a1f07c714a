/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A process's trust bits and their causes. They are stored with the thread group's
 * leader and so are equal for all threads; a label has a copy of the bits for the one
 * test that a hook makes. `shared.clock` increases each time a process loses trust,
 * also by a tap. A label whose clock is older is updated before its next operation.
 *
 * When a non-leader thread calls execve, it becomes the leader with its own task
 * storage. trust_copy_at_exec() copies the leader's trust when the exec begins. Bits
 * that the old leader loses after that are saved in `exited_leaders` when it exits and
 * merged when the exec commits.
 *
 * A program that may sleep cannot reach the leader's storage. A loss of a non-leader
 * thread is therefore deferred: trust_defer() stores it by process number, and the next
 * trust_collect() of any thread settles it.
 */
#ifndef AMBIT_TRUST_H
#define AMBIT_TRUST_H

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct ambit_trust);
} trusts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, AMBIT_TAPS);
	__type(key, __u32); /* process */
	__type(value, struct ambit_tap);
} taps SEC(".maps");

/*
 * Deferred losses, by process: bits that non-leader threads lost and that are not yet
 * in the leader's storage.
 */
struct deferred_loss {
	__u64 time_ns;
	__u32 bits;
	__u32 arg;
	__u16 op;
	__u8 hook;
	__u8 pad[5];
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, AMBIT_TAPS);
	__type(key, __u32); /* process */
	__type(value, struct deferred_loss);
} deferred_losses SEC(".maps");

/* The trust of leaders that exited before the other threads of their process. */
struct exited_leader_key {
	__u64 start_ns; /* a thread that becomes the leader takes over the leader's */
	__u32 tgid;
	__u32 pad;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 4096);
	__type(key, struct exited_leader_key);
	__type(value, struct ambit_trust);
} exited_leaders SEC(".maps");

struct trust_why {
	__u64 detail;
	__u32 bits;
	__u32 seconds;
	__u32 arg;
	__u16 op;
	__u8 hook;
	__u8 how;
};

static __always_inline struct ambit_trust *trust_of(struct task_struct *leader)
{
	return bpf_task_storage_get(&trusts, leader, NULL, 0);
}

static __always_inline __u32 clock_now(void)
{
	return *(volatile __u32 *)&shared.clock;
}

struct cause_loop {
	struct ambit_trust *trust;
	struct trust_why *why;
	__u64 now;
	__u32 tgid;
	__u64 comm[2];
};

static long expire_step(__u32 i, struct cause_loop *loop)
{
	struct ambit_trust_cause *cause;

	if (i >= AMBIT_TRUST_BITS)
		return 1;
	cause = &loop->trust->causes[i];
	if (!(loop->trust->bits & 1U << i) || !cause->until_ns)
		return 0;
	if (cause->until_ns <= loop->now)
		__sync_fetch_and_and(&loop->trust->bits, ~(1U << i));
	else if (!loop->trust->soonest_ns || cause->until_ns < loop->trust->soonest_ns)
		loop->trust->soonest_ns = cause->until_ns;
	return 0;
}

static __always_inline void trust_expire(struct cause_loop *loop)
{
	if (loop->trust->soonest_ns && loop->trust->soonest_ns <= loop->now) {
		loop->trust->soonest_ns = 0;
		bpf_loop(AMBIT_TRUST_BITS, expire_step, loop, 0);
	}
}

/* Clears expired bits and returns the others. */
static __noinline __u32 trust_now(struct ambit_trust *trust)
{
	struct cause_loop loop = { .trust = trust };

	if (trust->soonest_ns) {
		loop.now = bpf_ktime_get_boot_ns();
		trust_expire(&loop);
	}
	return trust->bits;
}

static long cause_step(__u32 i, struct cause_loop *loop)
{
	struct ambit_trust_cause *cause;

	if (i >= AMBIT_TRUST_BITS)
		return 1;
	if (!(loop->why->bits & 1U << i))
		return 0;
	cause = &loop->trust->causes[i];
	if (loop->why->seconds) {
		cause->until_ns = loop->now + (__u64)loop->why->seconds * 1000000000ULL;
		if (!loop->trust->soonest_ns || cause->until_ns < loop->trust->soonest_ns)
			loop->trust->soonest_ns = cause->until_ns;
	} else {
		cause->until_ns = 0;
	}
	/* The first cause stays; only its expiry changes. */
	if (loop->trust->bits & 1U << i)
		return 0;
	if (!loop->trust->bits) {
		loop->trust->first = i;
		loop->trust->steps = 0;
	}
	cause->time_ns = loop->now;
	cause->detail = loop->why->detail;
	cause->tgid = loop->tgid;
	cause->arg = loop->why->arg;
	cause->op = loop->why->op;
	cause->hook = loop->why->hook;
	cause->how = loop->why->how;
	cause->spread = 0;
	__builtin_memcpy(cause->comm, loop->comm, 16);
	__sync_fetch_and_or(&loop->trust->bits, 1U << i);
	return 0;
}

static __always_inline struct exited_leader_key exited_leader_key_of(struct task_struct *leader)
{
	return (struct exited_leader_key){ .start_ns = leader->start_boottime,
					   .tgid = leader->tgid };
}

static __always_inline struct ambit_trust *exited_leader_of(struct task_struct *leader)
{
	struct exited_leader_key key = exited_leader_key_of(leader);

	return bpf_map_lookup_elem(&exited_leaders, &key);
}

static __always_inline bool process_lives(struct task_struct *task)
{
	return BPF_CORE_READ(task, signal, live.counter) > 0;
}

static __noinline int trust_save_exited(struct task_struct *leader, struct ambit_trust *trust)
{
	struct exited_leader_key key = exited_leader_key_of(leader);

	bpf_map_update_elem(&exited_leaders, &key, trust, BPF_ANY);
	return 0;
}

/* Sets bits and returns all bits; 0 if there is no memory. */
static __noinline __u32 trust_lower(struct task_struct *leader, struct trust_why *why)
{
	struct cause_loop loop = {
		.trust = storage_of(bpf_task_storage_get, &trusts, leader),
		.why = why,
		.now = bpf_ktime_get_boot_ns(),
		.tgid = leader->tgid,
	};

	if (!loop.trust)
		return 0;
	bpf_probe_read_kernel(loop.comm, sizeof(loop.comm), leader->comm);
	/* First removes expired causes. */
	trust_expire(&loop);
	bpf_loop(AMBIT_TRUST_BITS, cause_step, &loop, 0);
	if (unlikely(leader->exit_state) && process_lives(leader))
		trust_save_exited(leader, loop.trust);
	__sync_fetch_and_add(&shared.clock, 1);
	return loop.trust->bits;
}

struct merge_loop {
	struct ambit_trust *from;
	struct ambit_trust *to;
	__u32 spread;
};

static long merge_step(__u32 i, struct merge_loop *loop)
{
	__u64 ours, theirs;

	if (i >= AMBIT_TRUST_BITS)
		return 1;
	if (!(loop->from->bits & 1U << i))
		return 0;
	if (loop->to->bits & 1U << i) {
		/* The first cause stays, with the later expiry of the two. */
		theirs = loop->from->causes[i].until_ns;
		ours = loop->to->causes[i].until_ns;
		if (ours && (!theirs || theirs > ours))
			loop->to->causes[i].until_ns = theirs;
		return 0;
	}
	__builtin_memcpy(&loop->to->causes[i], &loop->from->causes[i], sizeof(loop->to->causes[i]));
	if (loop->spread)
		loop->to->causes[i].spread = loop->spread;
	__sync_fetch_and_or(&loop->to->bits, 1U << i);
	return 0;
}

/* Copies the bits of `from` to `to`, with the causes of the bits that are new there. */
static __always_inline void trust_merge(struct ambit_trust *from, struct ambit_trust *to,
					__u32 spread)
{
	struct merge_loop loop = { .from = from, .to = to, .spread = spread };
	bool more = from->bits & ~to->bits;

	if (!more && !to->soonest_ns)
		return;
	if (!to->bits)
		to->first = from->first;
	if (from->soonest_ns && (!to->soonest_ns || from->soonest_ns < to->soonest_ns))
		to->soonest_ns = from->soonest_ns;
	bpf_loop(AMBIT_TRUST_BITS, merge_step, &loop, 0);
	if (more)
		__sync_fetch_and_add(&shared.clock, 1);
}

/* Records a loss of the current thread, which is not the leader. */
static __noinline int trust_defer(struct task_struct *task, struct trust_why *why)
{
	__u32 tgid = task->tgid;
	struct deferred_loss *pending = bpf_map_lookup_elem(&deferred_losses, &tgid);
	struct deferred_loss loss = {
		.time_ns = bpf_ktime_get_boot_ns(),
		.bits = why->bits,
		.arg = why->arg,
		.op = why->op,
		.hook = why->hook,
	};

	/* Bits deferred by another thread stay, with their cause. */
	if (pending && pending->bits && pending->time_ns >= task->group_leader->start_boottime)
		__sync_fetch_and_or(&pending->bits, why->bits);
	else
		bpf_map_update_elem(&deferred_losses, &tgid, &loss, BPF_ANY);
	__sync_fetch_and_add(&shared.clock, 1);
	return 0;
}

/* Appends a process to the path from the first cause. */
static __always_inline void trust_step(struct ambit_trust *trust, struct task_struct *leader,
				       __u32 how)
{
	struct ambit_trust_step *step = &trust->path[trust->steps & (AMBIT_TRUST_STEPS - 1)];

	step->tgid = leader->tgid;
	step->how = how;
	bpf_probe_read_kernel(step->comm, sizeof(step->comm), leader->comm);
	trust->steps++;
}

static __always_inline void trust_settle(struct task_struct *leader, struct deferred_loss *loss)
{
	struct trust_why why = {
		.arg = loss->arg,
		.op = loss->op,
		.hook = loss->hook,
		.how = AMBIT_TRUST_BY_EVENT,
	};

	why.bits = __sync_lock_test_and_set(&loss->bits, 0);
	/* Otherwise it belongs to an earlier process of that number. */
	if (why.bits && loss->time_ns >= leader->start_boottime)
		trust_lower(leader, &why);
}

/* Adds deferred losses and reports of taps to the process's trust. Returns its bits. */
static __noinline __u32 trust_collect(struct task_struct *task)
{
	struct task_struct *leader = task->group_leader;
	struct ambit_trust *trust;
	struct ambit_tap *tap;
	struct deferred_loss *loss;
	__u32 tgid = task->tgid;

	tap = bpf_map_lookup_elem(&taps, &tgid);
	if (tap && tap->bits && tap->time_ns < leader->start_boottime) {
		/* Reported about an earlier process of that number. */
		tap->bits = 0;
	} else if (tap && tap->bits) {
		struct trust_why why = {
			.detail = tap->detail,
			.hook = AMBIT_HOOK_COUNT,
			.how = AMBIT_TRUST_BY_TAP,
		};

		/* Applied once: bits that the operator clears stay cleared. */
		why.bits = __sync_lock_test_and_set(&tap->bits, 0) &
			   ~((1U << AMBIT_TRUST_NAMED) - 1);
		if (why.bits)
			trust_lower(leader, &why);
	}
	loss = bpf_map_lookup_elem(&deferred_losses, &tgid);
	if (unlikely(loss && loss->bits))
		trust_settle(leader, loss);
	trust = trust_of(leader);
	return trust ? trust_now(trust) : 0;
}

/* A global function, see verifier.bpf.h. */
__noinline int trust_refresh(struct ambit_label *label)
{
	struct task_struct *task = bpf_get_current_task_btf();
	__u32 now = clock_now();
	struct ambit_trust *trust;

	if (!label)
		return 0;
	if (label->taps_seen != now) {
		label->taps_seen = now;
		trust_collect(task);
	}
	/* Without memory for a trust entry the bits are in the label only; then keep them. */
	trust = trust_of(task->group_leader);
	if (trust)
		label->trust = trust_now(trust);
	return 0;
}

/*
 * Updates the current task's label: after each loss of trust on the host, and while its
 * own trust is lowered, since bits expire. Not for programs that may sleep.
 */
static __always_inline void trust_sync(struct ambit_label *label)
{
	if (unlikely(label->taps_seen != clock_now() || label->trust))
		trust_refresh(label);
}

/* Copies the parent's trust to a new process. Not for threads. */
static __always_inline int trust_inherit(struct task_struct *child, struct task_struct *parent)
{
	struct ambit_trust *trust, *theirs;

	if (likely(!clock_now()))
		return 0;
	if (!trust_collect(parent))
		return 0;
	trust = trust_of(parent->group_leader);
	if (!trust)
		return 0;
	theirs = bpf_task_storage_get(&trusts, child, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!theirs)
		return -EPERM;
	bpf_probe_read_kernel(theirs, sizeof(*theirs), trust);
	trust_step(theirs, parent->group_leader, AMBIT_SPREAD_FORK);
	return 0;
}

/* At the start of an exec by a non-leader thread: copies the leader's trust to it. */
static __always_inline void trust_copy_at_exec(struct task_struct *task)
{
	struct ambit_trust *trust, *own;

	if (likely(!clock_now() || task->pid == task->tgid))
		return;
	trust_collect(task);
	trust = trust_of(task->group_leader);
	if (!trust)
		return;
	own = bpf_task_storage_get(&trusts, task, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (own)
		bpf_probe_read_kernel(own, sizeof(*own), trust);
}

/* At the commit of an exec: merges what the former leader lost since the exec began. */
static __always_inline void trust_merge_exited(struct task_struct *task)
{
	struct exited_leader_key key = exited_leader_key_of(task);
	struct ambit_trust *left, *trust;

	if (likely(!clock_now()))
		return;
	left = bpf_map_lookup_elem(&exited_leaders, &key);
	if (likely(!left))
		return;
	trust = storage_of(bpf_task_storage_get, &trusts, task);
	if (trust && !trust_now(trust))
		bpf_probe_read_kernel(trust, sizeof(*trust), left);
	else if (trust)
		trust_merge(left, trust, 0);
	bpf_map_delete_elem(&exited_leaders, &key);
}

/* At the exit of a task: saves the trust of a leader whose process continues. */
static __always_inline void trust_on_exit(struct task_struct *task)
{
	struct task_struct *leader = task->group_leader;
	struct ambit_trust *trust;
	struct exited_leader_key key = exited_leader_key_of(leader);

	if (likely(!clock_now()))
		return;
	if (!process_lives(task)) {
		if (bpf_map_lookup_elem(&exited_leaders, &key))
			bpf_map_delete_elem(&exited_leaders, &key);
		return;
	}
	if (task->pid != task->tgid || BPF_CORE_READ(task, signal, flags) & SIGNAL_GROUP_EXIT)
		return;
	trust = trust_of(task);
	if (trust && trust_now(trust))
		trust_save_exited(task, trust);
}

#endif /* AMBIT_TRUST_H */
