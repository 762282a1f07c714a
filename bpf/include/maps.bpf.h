/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The maps of the kernel part, and its configuration, which is fixed at load. */
#ifndef AMBIT_MAPS_H
#define AMBIT_MAPS_H

const volatile struct ambit_config cfg = {};

/* Pinned as `shared`; taps write to it as well. */
struct ambit_shared shared SEC(".bss.shared");

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct ambit_label);
} labels SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, AMBIT_DOMAINS);
	__type(key, __u32);
	__type(value, struct ambit_domain);
} domains SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, AMBIT_DOMAINS);
	__type(key, __u32);
	__type(value, struct ambit_domain_state);
} domain_states SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, AMBIT_DOMAINS *AMBIT_HOOKS);
	__type(key, __u32);
	__type(value, struct ambit_stat);
} stats SEC(".maps");

/*
 * The points of a domain's map. A key of 64 bits takes fewer instructions than one of
 * 128; of two points with the same key a set contains at most one.
 */
struct point_set {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1024);
	__type(key, __u64);
	__uint(value_size, sizeof(struct ambit_member));
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, AMBIT_DOMAINS);
	__type(key, __u32);
	__array(values, struct point_set);
} sets SEC(".maps");

struct event_ring {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, AMBIT_DOMAINS);
	__type(key, __u32);
	__array(values, struct event_ring);
} rings SEC(".maps");

/* Pages; their number depends on the patterns. */
struct automaton {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_INNER_MAP);
	__uint(max_entries, 1);
	__type(key, __u32);
	__uint(value_size, sizeof(struct ambit_dfa_page));
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, AMBIT_DOMAINS);
	__type(key, __u32);
	__array(values, struct automaton);
} automata SEC(".maps");

struct shortcut {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__uint(value_size, sizeof(struct ambit_shortcut));
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, AMBIT_DOMAINS);
	__type(key, __u32);
	__array(values, struct shortcut);
} shortcuts SEC(".maps");

/* Counts violations by point, so that repetitions of one do not fill a ring. */
struct repeat_key {
	struct ambit_fp point;
	__u64 reason;
};

struct repeat_table {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, AMBIT_REPEATS);
	__uint(key_size, sizeof(struct repeat_key));
	__uint(value_size, sizeof(__u32));
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, AMBIT_DOMAINS);
	__type(key, __u32);
	__array(values, struct repeat_table);
} repeats SEC(".maps");

/* SHA-256 of an executable; valid while its change time and size are the same. */
struct digest {
	__s64 ctime_sec;
	__s64 ctime_nsec;
	__s64 size;
	__u64 first_seen_ns; /* when this change time was first seen, since boot; 0: no digest */
	__u32 settled;
	__u32 pad;
	__u8 sha256[32];
};

struct {
	__uint(type, BPF_MAP_TYPE_INODE_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct digest);
} digests SEC(".maps");

/* One entry. User space holds a lock from the request to the answer. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct ambit_request);
} requests SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct ambit_rule_state);
} rule_states SEC(".maps");

/*
 * Scratch memory. A per-CPU array does not suffice: where BPF programs can be
 * preempted, another task can overwrite it half-way (seen on 7.3 at its default boot,
 * and with preempt=full on 6.1, 6.12 and 7.3). A slot belongs to the program that set
 * its busy flag.
 *
 * Each processor has a slot, which nearly all operations use. A preempted task keeps its
 * slot, so a workload can use up the processors' slots. Each domain therefore has slots
 * of its own, and tasks without a label have them by user.
 * No program sleeps while it has a slot.
 *
 * Objects are built backwards, so that they end at OBJECT_END, and the header of a
 * record is written directly in front of the object:
 *
 *   bytes[0]                  names and context fields while they are read
 *        [TEXT_END = 1024]    end of texts that are built backwards (cgroup)
 *        [PATH_LOWEST = 2049] lowest byte of an object: 4,095 bytes
 *        [pos - header]       struct ambit_event or ambit_rule_event
 *        [pos]                the object: kind byte, then its payload, for example
 *                                 P / e t c / p a s s w d
 *                                 4 proto a.b.c.d portkind port port
 *        [OBJECT_END = 6144]  end of the object
 *        [CLASS_END = 6160]   end of the object of a pattern class (3 bytes)
 *        [8191]               OFFSET_MASK, the highest masked offset
 *        [8191 + RECORD_MAX]  room for a record of maximal size at any masked offset
 *
 * Offsets are masked for the verifier. It cannot prove that the room behind OBJECT_END
 * is never reached, so the room must exist.
 */
#define OBJECT_END 6144
#define OFFSET_MASK 8191
#define RECORD_MAX 4608
#define CLASS_END (OBJECT_END + 16)

/* The matching rules of an operation. In the slot, since the stack has no room for it. */
struct verdict {
	__u64 generation;
	__u32 rules; /* of the hook; later words of `fired` are not used */
	__u32 outcome;
	__u32 hook;
	__u32 op;
	__u32 arg;
	__u32 trust;
	__u32 domain;
	__u32 pad;
};

struct slot {
	__u32 busy;
	__u32 status; /* 0, or 1 + enum ambit_reason */
	__u32 pos;    /* where the object begins in bytes[] */
	__u32 extra;
	__u32 gated;	/* untrusted, and the family is gated */
	__u32 hidden;	/* see hide() */
	__u32 known;	/* the last point is in the map and needs no count and no record */
	__u32 arg;	/* see stash() */
	__u32 port;	/* of the address, also if the object has a port class */
	__u32 file_uid; /* for rules */
	__u32 file_mode;
	__u32 evaluated;      /* rules were evaluated in this run of a hook's program */
	__u32 outcome;	      /* of the rules on the path that the task sees */
	__u32 path_miss;      /* the path gets an entry of path_cache: this is its second miss */
	__u64 ns;	      /* of the walk of a path: the task's mount namespace */
	__u64 root_mnt;	      /* the task's root, if it is the namespace's: a shorter way; or 0 */
	__u64 hidden_pointer; /* see hide_pointer() */
	__u64 dentry;	      /* of the walk of a path, behind its typed part */
	__u64 mnt;
	__u32 from; /* where the walk began to write, downwards */
	__u32 host; /* rules are evaluated on the host's path */
	struct ambit_fp subject;
	struct ambit_fp fp;
	__u64 sip_state[4];
	struct ambit_subject record;
	struct ambit_facts facts;
	struct verdict verdict;
	__u64 undecided_generation;    /* of the rules that `undecided` belongs to; 0 for none */
	__u64 fired[AMBIT_RULE_FIRED]; /* rules that matched the path that the task sees */
	__u64 undecided;	       /* AMBIT_PATH_PROGRAM_*: kinds of rules that may match */
	__u8 bytes[OFFSET_MASK + 1 + RECORD_MAX];
};

struct slot_pool {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_INNER_MAP);
	__uint(max_entries, 64 * (AMBIT_SLOT_GROUPS + 1));
	__type(key, __u32);
	__uint(value_size, sizeof(struct slot));
};

/* For tasks without a label: AMBIT_SLOT_GROUPS times as many as a domain has. Behind them the processors'. */
struct slot_pool slots SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, AMBIT_DOMAINS);
	__type(key, __u32);
	__array(values, struct slot_pool);
} slot_pools SEC(".maps") = {
	.values = { [0] = &slots }, /* no domain has the number 0 */
};

#endif /* AMBIT_MAPS_H */
