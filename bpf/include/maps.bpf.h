/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The maps of the kernel part, and what is fixed when it is loaded. */
#ifndef AMBIT_MAPS_H
#define AMBIT_MAPS_H

const volatile struct ambit_config cfg = {};

/* Pinned as `shared`; taps write it, too. */
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
 * The points that a domain may do. A key of 64 bits takes fewer instructions than
 * one of 128; two points that share it are never both in a set.
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

/* Pages; how many depends on the patterns. */
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

/* How often a point was outside, so that a flood of one does not fill a ring. */
struct repeat_key {
	struct ambit_fp point;
	__u64 serial; /* of the domain */
	__u64 reason;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct repeat_key);
	__type(value, __u32);
} repeats SEC(".maps");

/* SHA-256 of an executable, as long as its change time and size stay. */
struct digest {
	__s64 ctime_sec;
	__s64 ctime_nsec;
	__s64 size;
	__u64 first_seen_ns;
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

/* One entry: user space holds a lock from writing it to reading the answer. */
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
 * Scratch memory. Per-CPU arrays are not enough: where BPF programs can be
 * preempted another task may overwrite them half-way. A slot belongs to whoever
 * set its busy flag.
 *
 * Objects are built backwards so that they end at OBJECT_END, and the event's
 * header goes right before them. Offsets are masked for the verifier; the room
 * past OBJECT_END is for what it cannot know to be unreachable.
 */
#define OBJECT_END 6144
#define OFFSET_MASK 8191
#define RECORD_MAX 4608
#define CLASS_END (OBJECT_END + 16)

/* Rules applied. In the slot, as the stack of the programs that ask is small. */
struct verdict {
	__u64 generation;
	__u32 rules; /* of the hook; only the words of `fired` that they need are theirs */
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
	__u32 gated;	 /* untrusted, and the family is gated */
	__u32 forgotten; /* see forget() */
	__u32 known;	 /* the last point is in the map, and need not be counted or recorded */
	__u32 arg;	 /* see stash() */
	__u32 port;	 /* of the address, whatever it is in the object */
	__u32 file_uid;	 /* for rules */
	__u32 file_mode;
	__u32 path_miss; /* the path has no entry of early_paths, and could have one */
	struct ambit_fp subject;
	struct ambit_fp fp;
	__u64 sip_state[4];
	struct ambit_subject record;
	struct ambit_facts facts;
	struct verdict verdict;
	__u64 undecided_generation; /* the generation of the rules that `early` is of; 0 for none */
	__u64 undecided; /* AMBIT_PATH_PROGRAM_*: what has to be asked for this path and argument */
	__u8 bytes[OFFSET_MASK + 1 + RECORD_MAX];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, struct slot);
} slots SEC(".maps");

#endif /* AMBIT_MAPS_H */
