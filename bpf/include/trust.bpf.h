/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Who lowered a process' trust, and why. It is kept with the thread group's
 * leader, so that no thread is trusted more than another; a label's own trust is a
 * copy of the bits, for the one test that a hook makes of it. `shared.clock` moves
 * on whenever anybody's trust was lowered, also by a tap: a label that has not seen
 * that is brought up to date before its next operation is decided.
 *
 * A thread that executes takes its leader's place, and its storage that of the
 * leader's, which ends before the exec is committed: what the leader had when the
 * exec began is carried over, and what it lost until its end is its legacy.
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
 * By process: what threads lost that are not its leader, who is out of reach in a
 * program that may sleep. Any thread takes it in before its next operation.
 */
struct loss {
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
	__type(value, struct loss);
} losses SEC(".maps");

/* Of leaders that have ended while their process goes on. */
struct legacy_key {
	__u64 start_ns; /* a thread that takes the leader's place has its */
	__u32 tgid;
	__u32 pad;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 4096);
	__type(key, struct legacy_key);
	__type(value, struct ambit_trust);
} legacies SEC(".maps");

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
	struct ambit_trust *t;
	struct trust_why *why;
	__u64 now;
	__u32 tgid;
	__u64 comm[2];
};

static long expire_step(__u32 i, struct cause_loop *c)
{
	struct ambit_trust_cause *cause;

	if (i >= AMBIT_TRUST_BITS)
		return 1;
	cause = &c->t->causes[i];
	if (!(c->t->bits & 1U << i) || !cause->until_ns)
		return 0;
	if (cause->until_ns <= c->now)
		__sync_fetch_and_and(&c->t->bits, ~(1U << i));
	else if (!c->t->soonest_ns || cause->until_ns < c->t->soonest_ns)
		c->t->soonest_ns = cause->until_ns;
	return 0;
}

static __always_inline void trust_expire(struct cause_loop *c)
{
	if (c->t->soonest_ns && c->t->soonest_ns <= c->now) {
		c->t->soonest_ns = 0;
		bpf_loop(AMBIT_TRUST_BITS, expire_step, c, 0);
	}
}

/* Clears what has had its time. */
static __noinline __u32 trust_now(struct ambit_trust *t)
{
	struct cause_loop c = { .t = t };

	if (t->soonest_ns) {
		c.now = bpf_ktime_get_boot_ns();
		trust_expire(&c);
	}
	return t->bits;
}

static long cause_step(__u32 i, struct cause_loop *c)
{
	struct ambit_trust_cause *cause;

	if (i >= AMBIT_TRUST_BITS)
		return 1;
	if (!(c->why->bits & 1U << i))
		return 0;
	cause = &c->t->causes[i];
	if (c->why->seconds) {
		cause->until_ns = c->now + (__u64)c->why->seconds * 1000000000ULL;
		if (!c->t->soonest_ns || cause->until_ns < c->t->soonest_ns)
			c->t->soonest_ns = cause->until_ns;
	} else {
		cause->until_ns = 0;
	}
	/* The first cause stays; only its end moves. */
	if (c->t->bits & 1U << i)
		return 0;
	if (!c->t->bits) {
		c->t->first = i;
		c->t->steps = 0;
	}
	cause->time_ns = c->now;
	cause->detail = c->why->detail;
	cause->tgid = c->tgid;
	cause->arg = c->why->arg;
	cause->op = c->why->op;
	cause->hook = c->why->hook;
	cause->how = c->why->how;
	cause->spread = 0;
	__builtin_memcpy(cause->comm, c->comm, 16);
	__sync_fetch_and_or(&c->t->bits, 1U << i);
	return 0;
}

static __always_inline struct legacy_key legacy_key_of(struct task_struct *leader)
{
	return (struct legacy_key){ .start_ns = leader->start_boottime, .tgid = leader->tgid };
}

static __always_inline struct ambit_trust *legacy_of(struct task_struct *leader)
{
	struct legacy_key key = legacy_key_of(leader);

	return bpf_map_lookup_elem(&legacies, &key);
}

static __always_inline bool process_lives(struct task_struct *task)
{
	return BPF_CORE_READ(task, signal, live.counter) > 0;
}

static __noinline int trust_bequeath(struct task_struct *leader, struct ambit_trust *t)
{
	struct legacy_key key = legacy_key_of(leader);

	bpf_map_update_elem(&legacies, &key, t, BPF_ANY);
	return 0;
}

/* The bits as they are then; 0 if memory is short. */
static __noinline __u32 trust_lower(struct task_struct *leader, struct trust_why *why)
{
	struct cause_loop c = {
		.t = bpf_task_storage_get(&trusts, leader, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE),
		.why = why,
		.now = bpf_ktime_get_boot_ns(),
		.tgid = leader->tgid,
	};

	if (!c.t)
		return 0;
	bpf_probe_read_kernel(c.comm, sizeof(c.comm), leader->comm);
	/* A cause that has ended is none any more. */
	trust_expire(&c);
	bpf_loop(AMBIT_TRUST_BITS, cause_step, &c, 0);
	if (unlikely(leader->exit_state) && process_lives(leader))
		trust_bequeath(leader, c.t);
	__sync_fetch_and_add(&shared.clock, 1);
	return c.t->bits;
}

struct hand_loop {
	struct ambit_trust *from;
	struct ambit_trust *to;
	__u32 spread;
};

static long hand_step(__u32 i, struct hand_loop *c)
{
	__u64 ours, theirs;

	if (i >= AMBIT_TRUST_BITS)
		return 1;
	if (!(c->from->bits & 1U << i))
		return 0;
	if (c->to->bits & 1U << i) {
		/* The cause is the one that it had first, the end is the later one. */
		theirs = c->from->causes[i].until_ns;
		ours = c->to->causes[i].until_ns;
		if (ours && (!theirs || theirs > ours))
			c->to->causes[i].until_ns = theirs;
		return 0;
	}
	__builtin_memcpy(&c->to->causes[i], &c->from->causes[i], sizeof(c->to->causes[i]));
	if (c->spread)
		c->to->causes[i].spread = c->spread;
	__sync_fetch_and_or(&c->to->bits, 1U << i);
	return 0;
}

/* The bits that one has, with their causes where the other has not got them. */
static __always_inline void trust_hand_on(struct ambit_trust *from, struct ambit_trust *to,
					  __u32 spread)
{
	struct hand_loop c = { .from = from, .to = to, .spread = spread };
	bool more = from->bits & ~to->bits;

	if (!more && !to->soonest_ns)
		return;
	if (!to->bits)
		to->first = from->first;
	if (from->soonest_ns && (!to->soonest_ns || from->soonest_ns < to->soonest_ns))
		to->soonest_ns = from->soonest_ns;
	bpf_loop(AMBIT_TRUST_BITS, hand_step, &c, 0);
	if (more)
		__sync_fetch_and_add(&shared.clock, 1);
}

/* The current thread lost it, which is not the leader. */
static __noinline int trust_owe(struct task_struct *task, struct trust_why *why)
{
	__u32 tgid = task->tgid;
	struct loss *owed = bpf_map_lookup_elem(&losses, &tgid);
	struct loss loss = {
		.time_ns = bpf_ktime_get_boot_ns(),
		.bits = why->bits,
		.arg = why->arg,
		.op = why->op,
		.hook = why->hook,
	};

	/* What another thread lost just before is owed as well, with that cause. */
	if (owed && owed->bits && owed->time_ns >= task->group_leader->start_boottime)
		__sync_fetch_and_or(&owed->bits, why->bits);
	else
		bpf_map_update_elem(&losses, &tgid, &loss, BPF_ANY);
	__sync_fetch_and_add(&shared.clock, 1);
	return 0;
}

/* The process that handed it on is on the way from the first cause. */
static __always_inline void trust_step(struct ambit_trust *t, struct task_struct *leader, __u32 how)
{
	struct ambit_trust_step *step = &t->path[t->steps & (AMBIT_TRUST_STEPS - 1)];

	step->tgid = leader->tgid;
	step->how = how;
	bpf_probe_read_kernel(step->comm, sizeof(step->comm), leader->comm);
	t->steps++;
}

static __always_inline void trust_pay(struct task_struct *leader, struct loss *loss)
{
	struct trust_why why = {
		.arg = loss->arg,
		.op = loss->op,
		.hook = loss->hook,
		.how = AMBIT_TRUST_BY_EVENT,
	};

	why.bits = __sync_lock_test_and_set(&loss->bits, 0);
	/* Or of a process that had the number before. */
	if (why.bits && loss->time_ns >= leader->start_boottime)
		trust_lower(leader, &why);
}

/* What threads lost and taps said of the process, and all that was said before. */
static __noinline __u32 trust_take(struct task_struct *task)
{
	struct task_struct *leader = task->group_leader;
	struct ambit_trust *t;
	struct ambit_tap *tap;
	struct loss *loss;
	__u32 tgid = task->tgid;

	tap = bpf_map_lookup_elem(&taps, &tgid);
	if (tap && tap->bits && tap->time_ns < leader->start_boottime) {
		/* Of a process that had the number before. */
		tap->bits = 0;
	} else if (tap && tap->bits) {
		struct trust_why why = {
			.detail = tap->detail,
			.hook = AMBIT_HOOK_COUNT,
			.how = AMBIT_TRUST_BY_TAP,
		};

		/* Once: what the operator clears is not brought back. */
		why.bits = __sync_lock_test_and_set(&tap->bits, 0) &
			   ~((1U << AMBIT_TRUST_NAMED) - 1);
		if (why.bits)
			trust_lower(leader, &why);
	}
	loss = bpf_map_lookup_elem(&losses, &tgid);
	if (unlikely(loss && loss->bits))
		trust_pay(leader, loss);
	t = trust_of(leader);
	return t ? trust_now(t) : 0;
}

/* A global function: the verifier looks at it once a program. */
__noinline int trust_refresh(struct ambit_label *l)
{
	struct task_struct *task = bpf_get_current_task_btf();
	__u32 now = clock_now();
	struct ambit_trust *t;

	if (!l)
		return 0;
	if (l->taps_seen != now) {
		l->taps_seen = now;
		trust_take(task);
	}
	/* A label that lost trust when memory was short has bits that are nowhere else. */
	t = trust_of(task->group_leader);
	if (t)
		l->trust = trust_now(t);
	return 0;
}

/*
 * Brings the current task's label up to date: once for each time that somebody's
 * trust was lowered, and as long as its own is. Not in a program that may sleep,
 * where the leader is out of reach.
 */
static __always_inline void trust_sync(struct ambit_label *l)
{
	if (unlikely(l->taps_seen != clock_now() || l->trust))
		trust_refresh(l);
}

/* A child has what its parent has. Not for threads. */
static __always_inline int trust_inherit(struct task_struct *child, struct task_struct *parent)
{
	struct ambit_trust *t, *theirs;

	if (likely(!clock_now()))
		return 0;
	if (!trust_take(parent))
		return 0;
	t = trust_of(parent->group_leader);
	if (!t)
		return 0;
	theirs = bpf_task_storage_get(&trusts, child, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!theirs)
		return -EPERM;
	bpf_probe_read_kernel(theirs, sizeof(*theirs), t);
	trust_step(theirs, parent->group_leader, AMBIT_SPREAD_FORK);
	return 0;
}

/* A thread that is not the leader will be it once its exec is committed. */
static __always_inline void trust_carry(struct task_struct *task)
{
	struct ambit_trust *t, *own;

	if (likely(!clock_now() || task->pid == task->tgid))
		return;
	trust_take(task);
	t = trust_of(task->group_leader);
	if (!t)
		return;
	own = bpf_task_storage_get(&trusts, task, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (own)
		bpf_probe_read_kernel(own, sizeof(*own), t);
}

/* It leads its process now. What its predecessor lost since the exec began it has lost. */
static __always_inline void trust_succeed(struct task_struct *task)
{
	struct legacy_key key = legacy_key_of(task);
	struct ambit_trust *left, *t;

	if (likely(!clock_now()))
		return;
	left = bpf_map_lookup_elem(&legacies, &key);
	if (likely(!left))
		return;
	t = bpf_task_storage_get(&trusts, task, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (t && !trust_now(t))
		bpf_probe_read_kernel(t, sizeof(*t), left);
	else if (t)
		trust_hand_on(left, t, 0);
	bpf_map_delete_elem(&legacies, &key);
}

/* A task has ended. Where it led its process, that may go on without it. */
static __always_inline void trust_end(struct task_struct *task)
{
	struct task_struct *leader = task->group_leader;
	struct ambit_trust *t;
	struct legacy_key key = legacy_key_of(leader);

	if (likely(!clock_now()))
		return;
	if (!process_lives(task)) {
		if (bpf_map_lookup_elem(&legacies, &key))
			bpf_map_delete_elem(&legacies, &key);
		return;
	}
	if (task->pid != task->tgid || BPF_CORE_READ(task, signal, flags) & SIGNAL_GROUP_EXIT)
		return;
	t = trust_of(task);
	if (t && trust_now(t))
		trust_bequeath(task, t);
}

#endif /* AMBIT_TRUST_H */
