/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The interface between the kernel part and user space. Every type has fixed widths and
 * explicit padding, and crates/abi mirrors it. Tests compare the numbers and layouts of
 * both.
 *
 * All integers are in host byte order unless said otherwise.
 */
#ifndef AMBIT_ABI_H
#define AMBIT_ABI_H

#ifndef __bpf__
#include <linux/types.h>
#endif

#define AMBIT_ABI_VERSION 1

#define AMBIT_DOMAINS 64 /* slots; slot 0 is never used */
#define AMBIT_SLOT_GROUPS \
	4 /* of the scratch slots of tasks without a label: root, and the other users by number */
#define AMBIT_REPEATS 1024  /* violations of a domain whose repetitions are counted */
#define AMBIT_HOOKS 128	    /* room for hook numbers, a power of two */
#define AMBIT_FAMILIES 16   /* room for families, a power of two */
#define AMBIT_CHAIN_MAX 4   /* executables kept in a subject's chain */
#define AMBIT_AS_MAX 64	    /* longest invoked name, NUL included */
#define AMBIT_PATH_MAX 4096 /* longest canonical object, in bytes */
#define AMBIT_NAME_MAX 64   /* longest domain name, NUL included */

/* A keyed fingerprint: SipHash-1-3 with 128 bits of output, as two words. */
struct ambit_fp {
	__u64 lo;
	__u64 hi;
};

enum ambit_mode {
	AMBIT_MODE_FREE = 0, /* the slot is not in use */
	AMBIT_MODE_LEARN = 1,
	AMBIT_MODE_AUDIT = 2,
	AMBIT_MODE_ENFORCE = 3,
};

enum ambit_response {
	AMBIT_RESPOND_LOG = 0,
	AMBIT_RESPOND_DENY = 1,
	AMBIT_RESPOND_KILL = 2,
};

enum ambit_family {
	AMBIT_FAMILY_EXEC = 0,
	AMBIT_FAMILY_FILE = 1,
	AMBIT_FAMILY_MAP = 2,
	AMBIT_FAMILY_NET = 3,
	AMBIT_FAMILY_TASK = 4,
	AMBIT_FAMILY_CAP = 5,
	AMBIT_FAMILY_MOUNT = 6,
	AMBIT_FAMILY_NS = 7,
	AMBIT_FAMILY_IPC = 8,
	AMBIT_FAMILY_KEY = 9,
	AMBIT_FAMILY_KERNEL = 10,
	AMBIT_FAMILY_URING = 11,
};

/* Operations. The family is in the high byte. */
enum ambit_op {
	AMBIT_OP_EXEC = 0x0001,
	AMBIT_OP_EXEC_DIGEST = 0x0002, /* subject 0: the domain's; arg 1: any listed? */
	AMBIT_OP_EXEC_CREDS = 0x0003,
	AMBIT_OP_FILE_OPEN = 0x0101,   /* arg: AMBIT_OPEN_* */
	AMBIT_OP_FILE_CREATE = 0x0102, /* arg: AMBIT_SETID_* */
	AMBIT_OP_FILE_UNLINK = 0x0103,
	AMBIT_OP_FILE_RENAME = 0x0104, /* arg: AMBIT_END_* */
	AMBIT_OP_FILE_LINK = 0x0105,   /* arg: AMBIT_END_* */
	AMBIT_OP_FILE_SYMLINK = 0x0106,
	AMBIT_OP_FILE_MKDIR = 0x0107,
	AMBIT_OP_FILE_RMDIR = 0x0108,
	AMBIT_OP_FILE_MKNOD = 0x0109, /* arg: AMBIT_NODE_* */
	AMBIT_OP_FILE_TRUNCATE = 0x010a,
	AMBIT_OP_FILE_CHMOD = 0x010b, /* arg: AMBIT_SETID_* */
	AMBIT_OP_FILE_CHOWN = 0x010c,
	AMBIT_OP_FILE_IOCTL = 0x010d, /* arg: the request number */
	AMBIT_OP_FILE_SETXATTR = 0x010e,
	AMBIT_OP_FILE_REMOVEXATTR = 0x010f,
	AMBIT_OP_FILE_FCNTL = 0x0110,
	AMBIT_OP_FILE_LOCK = 0x0111,
	AMBIT_OP_FILE_RECEIVE = 0x0112,
	AMBIT_OP_FILE_INHERIT = 0x0113,
	AMBIT_OP_MAP_EXEC = 0x0201, /* arg: AMBIT_MAP_* */
	AMBIT_OP_MAP_ANON = 0x0202,
	AMBIT_OP_NET_SOCKET = 0x0301,
	AMBIT_OP_NET_BIND = 0x0302,
	AMBIT_OP_NET_CONNECT = 0x0303,
	AMBIT_OP_NET_LISTEN = 0x0304,
	AMBIT_OP_NET_ACCEPT = 0x0305,
	AMBIT_OP_NET_SEND = 0x0306,
	AMBIT_OP_NET_TUN = 0x0307,
	AMBIT_OP_NET_OPTION = 0x0308,
	AMBIT_OP_NET_NETLINK = 0x0309,
	AMBIT_OP_TASK_SIGNAL = 0x0401, /* arg: signal number */
	AMBIT_OP_TASK_PTRACE = 0x0402, /* arg: AMBIT_PTRACE_* */
	AMBIT_OP_TASK_SETUID = 0x0403,
	AMBIT_OP_TASK_SETGID = 0x0404,
	AMBIT_OP_TASK_NICE = 0x0405,
	AMBIT_OP_TASK_SCHEDULER = 0x0406,
	AMBIT_OP_TASK_IOPRIO = 0x0407,
	AMBIT_OP_TASK_RLIMIT = 0x0408,
	AMBIT_OP_TASK_PRCTL = 0x0409,
	AMBIT_OP_TASK_MEMORY = 0x040a,
	AMBIT_OP_CAP_USE = 0x0501, /* arg: capability number */
	AMBIT_OP_MOUNT_MOUNT = 0x0601,
	AMBIT_OP_MOUNT_TYPE = 0x0602,
	AMBIT_OP_MOUNT_RECONFIGURE = 0x0603,
	AMBIT_OP_MOUNT_UMOUNT = 0x0604,
	AMBIT_OP_MOUNT_PIVOT = 0x0605,
	AMBIT_OP_MOUNT_CHROOT = 0x0606,
	AMBIT_OP_NS_USER = 0x0701,
	AMBIT_OP_IPC_SHM = 0x0801,
	AMBIT_OP_IPC_SEM = 0x0802,
	AMBIT_OP_IPC_MSG = 0x0803,
	AMBIT_OP_KEY_ADD = 0x0901,
	AMBIT_OP_KEY_USE = 0x0902,
	AMBIT_OP_KERNEL_BPF = 0x0a01,
	AMBIT_OP_KERNEL_READ = 0x0a02,
	AMBIT_OP_KERNEL_LOAD = 0x0a03,
	AMBIT_OP_KERNEL_REQUEST = 0x0a04,
	AMBIT_OP_KERNEL_PERF = 0x0a05,
	AMBIT_OP_KERNEL_LOCKDOWN = 0x0a06,
	AMBIT_OP_KERNEL_SYSLOG = 0x0a07,
	AMBIT_OP_KERNEL_SETTIME = 0x0a08,
	AMBIT_OP_KERNEL_QUOTA = 0x0a09,
	AMBIT_OP_KERNEL_USERFAULT = 0x0a0a,
	AMBIT_OP_URING_SETUP = 0x0b01,
	AMBIT_OP_URING_SQPOLL = 0x0b02,
	AMBIT_OP_URING_CREDS = 0x0b03,
	AMBIT_OP_URING_CMD = 0x0b04,
	/* Not operations: other objects with a fingerprint. */
	AMBIT_OP_NAME = 0x7f01,	   /* an executable's or a script's object */
	AMBIT_OP_SUBJECT = 0x7f02, /* struct ambit_subject */
};

#define AMBIT_OPEN_READ 1
#define AMBIT_OPEN_WRITE 2
#define AMBIT_OPEN_APPEND 4
#define AMBIT_OPEN_EXEC 8
#define AMBIT_SETID_UID 1
#define AMBIT_SETID_GID 2
#define AMBIT_END_FROM 1
#define AMBIT_END_TO 2
#define AMBIT_NODE_FIFO 1
#define AMBIT_NODE_CHR 2
#define AMBIT_NODE_BLK 3
#define AMBIT_MAP_DIRTY 1 /* private pages of the mapping were written */
#define AMBIT_MAP_WRITE 2 /* writable while executable; full coverage only */
#define AMBIT_PTRACE_READ 1
#define AMBIT_PTRACE_ATTACH 2
#define AMBIT_PTRACE_TRACEME 3
#define AMBIT_FCNTL_OWNER 1
#define AMBIT_FCNTL_SIGNAL 2
#define AMBIT_FCNTL_LEASE 3
#define AMBIT_FCNTL_NOTIFY 4
#define AMBIT_SOCKOPT_FILTER 1
#define AMBIT_SOCKOPT_BPF 2
#define AMBIT_SOCKOPT_MARK 3
#define AMBIT_SOCKOPT_DEVICE 4
#define AMBIT_SOCKOPT_TABLES 5
#define AMBIT_SOCKOPT_REPAIR 6
#define AMBIT_SOCKOPT_ULP 7
#define AMBIT_SOCKOPT_ROUTE 8 /* the addresses that packets pass on their way */
#define AMBIT_PRCTL_MM 1
#define AMBIT_PRCTL_PTRACER 2
#define AMBIT_PRCTL_DUMPABLE 3
#define AMBIT_PRCTL_KEEPCAPS 4
#define AMBIT_PRCTL_SECUREBITS 5
#define AMBIT_PRCTL_AMBIENT 6
#define AMBIT_PRCTL_CGROUP 7 /* clone3 with CLONE_INTO_CGROUP */
#define AMBIT_MOUNT_NEW 1
#define AMBIT_MOUNT_BIND 2
#define AMBIT_MOUNT_REMOUNT 3
#define AMBIT_MOUNT_MOVE 4
#define AMBIT_MOUNT_PROPAGATE 5
#define AMBIT_IPC_CREATE 1
#define AMBIT_IPC_GET 2
#define AMBIT_IPC_READ 3
#define AMBIT_IPC_WRITE 4
#define AMBIT_IPC_STAT 5
#define AMBIT_IPC_CONTROL 6
#define AMBIT_IPC_REMOVE 7
#define AMBIT_KEY_READ 1
#define AMBIT_KEY_WRITE 2
#define AMBIT_KEY_LINK 3
#define AMBIT_KEY_SETATTR 4
#define AMBIT_LOAD_OTHER 0
#define AMBIT_LOAD_FIRMWARE 1
#define AMBIT_LOAD_MODULE 2
#define AMBIT_LOAD_KEXEC 3
#define AMBIT_LOAD_INITRAMFS 4
#define AMBIT_LOAD_POLICY 5
#define AMBIT_LOAD_CERTIFICATE 6

/*
 * A canonical object is one kind byte and its payload.
 *
 * In a path, a component is never empty and has no NUL, so NUL and a letter
 * replace a name that differs in each run: see AMBIT_CLASS_*.
 */
#define AMBIT_KIND_NONE '-'    /* no payload */
#define AMBIT_KIND_PATH 'P'    /* absolute path from the root of the task's mount namespace */
#define AMBIT_KIND_DELETED 'X' /* the same, unlinked */
#define AMBIT_KIND_FOREIGN 'O' /* a path from the root of another mount namespace */
#define AMBIT_KIND_MEMFD 'M'   /* name given to memfd_create */
#define AMBIT_KIND_FSTYPE \
	'K' /* type name of a kernel-internal file system; mqueue/NAME for a message queue */
#define AMBIT_KIND_INET4 '4'	/* protocol u8, address 4 B, port kind u8, port u16 big endian */
#define AMBIT_KIND_INET6 '6'	/* protocol u8, address 16 B, port kind u8, port u16 big endian */
#define AMBIT_KIND_UNSPEC 'D'	/* protocol u8: AF_UNSPEC, dissolves an association */
#define AMBIT_KIND_ABSTRACT 'A' /* abstract unix name, without its first NUL */
#define AMBIT_KIND_UNNAMED 'U'	/* unix socket without a name, or autobind */
#define AMBIT_KIND_NETLINK 'N'	/* protocol u16 */
#define AMBIT_KIND_FAMILY 'F'	/* any other address family u16 */
#define AMBIT_KIND_SOCKET 'S'	/* family u16, type u16, protocol u16 */
#define AMBIT_KIND_RELATION 'R' /* AMBIT_RELATION_* u8 */
#define AMBIT_KIND_IDS 'I'	/* real, effective, saved id, u32 each */
#define AMBIT_KIND_CREDS 'C'	/* uid u32, gid u32, effective caps u64, no_new_privs u8 */
#define AMBIT_KIND_DIGEST 'H'	/* SHA-256 (32 B), then an executable's object */
#define AMBIT_KIND_WORD 'W'	/* a name of the kernel */
#define AMBIT_KIND_IPC 'Q'	/* AMBIT_IPCKEY_* u8 */
#define AMBIT_KIND_CLASS 'Z'	/* u16: a pattern class, see struct ambit_dfa */

/* After a NUL, in a path. */
#define AMBIT_CLASS_SELF 's'	/* own pid in procfs */
#define AMBIT_CLASS_PID 'p'	/* another pid in procfs */
#define AMBIT_CLASS_NUM 'n'	/* any other number in procfs; a number in devpts */
#define AMBIT_CLASS_TMPFILE 't' /* a file made with O_TMPFILE */

#define AMBIT_PORT_LITERAL 0
#define AMBIT_PORT_EPHEMERAL 1 /* the port bytes are zero; also bind to port 0 */
#define AMBIT_PORT_NONE 2      /* the protocol has no ports; the port bytes are zero */

/* The creator of a System V object. Keys contain inode numbers and are not part of it. */
#define AMBIT_IPCKEY_PRIVATE 1 /* without a key */
#define AMBIT_IPCKEY_KEYED 2
#define AMBIT_IPCKEY_FOREIGN 3 /* made by another user */

#define AMBIT_RELATION_SELF 1
#define AMBIT_RELATION_CHILD 2
#define AMBIT_RELATION_DOMAIN 3
#define AMBIT_RELATION_OUTSIDE 4

/* The input of a subject's fingerprint (operation AMBIT_OP_SUBJECT). */
struct ambit_subject {
	struct ambit_fp exe;			  /* AMBIT_OP_NAME of the executable */
	struct ambit_fp script;			  /* AMBIT_OP_NAME of the script, or zero */
	struct ambit_fp via[AMBIT_CHAIN_MAX - 1]; /* executables before it, nearest first */
	__u8 as[AMBIT_AS_MAX];			  /* invoked name if it differs, zero filled */
};

/* A trust bit's first cause. */
struct ambit_cause {
	__u64 time_ns;	     /* CLOCK_BOOTTIME */
	struct ambit_fp key; /* the point, or zero */
	__u32 tgid;	     /* as the initial pid namespace numbers it */
	__u32 arg;
	__u16 op;
	__u8 hook;
	__u8 source; /* bit number: AMBIT_TRUST_* */
	__u32 pad;
};

/*
 * The source and cause of a process's lost trust, in a task storage that only untrusted
 * processes have. A labelled task has the same bits in label.trust.
 */
struct ambit_trust_cause {
	__u64 time_ns;	/* CLOCK_BOOTTIME */
	__u64 until_ns; /* 0: for ever */
	__u64 detail;	/* of a tap; the rule's number; 0 */
	__u32 tgid;	/* the process that lost it */
	__u32 arg;
	__u16 op;
	__u8 hook;
	__u8 how;     /* AMBIT_TRUST_BY_* */
	__u32 spread; /* how it spread to this process, except by fork: enum ambit_spread */
	__u8 comm[16];
};

#define AMBIT_TRUST_BY_EVENT 0
#define AMBIT_TRUST_BY_OPERATOR 1
#define AMBIT_TRUST_BY_TAP 2

/* How distrust spread from one process to another. */
enum ambit_spread {
	AMBIT_SPREAD_FORK = 0, /* always; the others if the operator switches them on */
	AMBIT_SPREAD_PTRACE = 1,
	AMBIT_SPREAD_SIGNAL = 2,
	AMBIT_SPREAD_FILE = 3,	     /* written by one, executed or read as a script by the other */
	AMBIT_SPREAD_DESCRIPTOR = 4, /* passed through a socket */
	AMBIT_SPREADS = 8,
};

/* A process between the first cause and this process, and how it spread distrust. */
struct ambit_trust_step {
	__u32 tgid;
	__u32 how; /* enum ambit_spread */
	__u8 comm[16];
};

#define AMBIT_TRUST_BITS 32
#define AMBIT_TRUST_STEPS 8

struct ambit_trust {
	__u32 bits;
	__u32 first;	  /* the bit that was set first */
	__u64 soonest_ns; /* the first expiry of a bit; 0: none expires */
	__u32 steps;	  /* number of processes between the first cause and this process */
	__u32 owner;	  /* of a file's mark, see spread.bpf.c; else 0 */
	struct ambit_trust_cause causes[AMBIT_TRUST_BITS];
	struct ambit_trust_step path[AMBIT_TRUST_STEPS]; /* ring buffer of the last ones */
};

/* Trust bits; a set bit means that this source distrusts the process. Bits from AMBIT_TRUST_NAMED on have names. */
#define AMBIT_TRUST_MODEL 0
#define AMBIT_TRUST_RULE 1
#define AMBIT_TRUST_OPERATOR 2
#define AMBIT_TRUST_ENGINE 3
#define AMBIT_TRUST_TAP 4
#define AMBIT_TRUST_NAMED 8

#define AMBIT_ALLOWED_MAX 4 /* points of one hook: an exchange of two names has four */

#define AMBIT_LABEL_LAUNCHING 1 /* our own code, until its first exec commits */
#define AMBIT_LABEL_DELIVERED 2 /* the subject's description reached user space */
#define AMBIT_LABEL_SCRIPT 8	/* the pending exec began with a script */
#define AMBIT_LABEL_EXITED 16	/* no longer counted; a zombie at most */
#define AMBIT_LABEL_RECORD 32	/* every decided operation is emitted; kept over exec */
#define AMBIT_LABEL_FULL 64	/* the domain's coverage is full */
#define AMBIT_LABEL_STAYS 128	/* the pending exec keeps the subject */

struct ambit_label {
	__u16 domain;
	__u16 flags;
	__u32 trust;
	struct ambit_fp subject;
	struct ambit_fp chain[AMBIT_CHAIN_MAX]; /* own executable first */
	struct ambit_fp next_subject;		/* the exec under way */
	struct ambit_fp next_exe;
	struct ambit_fp next_first; /* the first image of the exec under way */
	struct ambit_cause cause;   /* of the first trust bit */
	__u32 next_flags;
	__u32 taps_seen;  /* see struct ambit_tap */
	__u64 serial;	  /* of the domain; a slot that was used again has another one */
	__u64 allowed_at; /* generation of the rules that allowed points of this hook: */
	__u32 allowed_hook;
	__u32 allowed_count;
	struct ambit_fp allowed[AMBIT_ALLOWED_MAX]; /* fingerprints of (op, arg, object) */
};

#define AMBIT_DOMAIN_PATTERNS 1 /* the domain has an automaton */
#define AMBIT_DOMAIN_DIGESTS 2	/* digests of executables are points */
#define AMBIT_DOMAIN_FULL 4	/* coverage is full */
#define AMBIT_DOMAIN_APPEND 8	/* for user space: the domain needs append_permission */

/* The response to tasks with one of these trust bits; other tasks are not affected. */
struct ambit_gate {
	__u32 deny;
	__u32 kill; /* overrides deny */
};

struct ambit_domain {
	__u32 mode; /* enum ambit_mode */
	__u32 flags;
	__u32 chain;		      /* executables in a subject, 1 to AMBIT_CHAIN_MAX */
	__u32 owner_pid;	      /* the process that made the domain */
	__u64 owner_start;	      /* its start time, clock ticks since boot (/proc/PID/stat) */
	__u64 serial;		      /* of this use of the slot, since boot */
	__u64 cache_max;	      /* limit of cached pattern results in the set */
	__u8 outside[AMBIT_FAMILIES]; /* enum ambit_response; used in mode enforce */
	struct ambit_gate gates[AMBIT_FAMILIES];
	__u32 named; /* trust bits that its map names */
	__u32 pad;
	__u8 name[AMBIT_NAME_MAX];
};

/* Counters of a domain; the kernel part writes them with atomics only. */
struct ambit_domain_state {
	__s64 tasks;  /* alive and labelled */
	__u64 points; /* learned since the domain was made */
	__u64 cached; /* pattern results kept in the set */
	__u64 full;   /* points that the set had no room for */
};

enum ambit_skip {
	AMBIT_SKIP_KERNEL = 0,		/* a kernel-internal repetition of a user's action */
	AMBIT_SKIP_BENIGN = 1,		/* has no effect outside the descriptor */
	AMBIT_SKIP_DEFERRED = 2,	/* decided by another hook of the same action */
	AMBIT_SKIP_LAUNCH = 3,		/* Ambit's own code, before the workload's exec */
	AMBIT_SKIP_UNTRUSTED = 4,	/* learning: untrusted tasks do not teach */
	AMBIT_SKIP_LOST = 5,		/* learning: the point could not be delivered */
	AMBIT_SKIP_UNREPRESENTABLE = 6, /* learning: the object has no canonical form */
	AMBIT_SKIP_FULL = 7,		/* learning: delivered, but the set is full */
	AMBIT_SKIP_ALLOWED = 8,		/* a rule allowed it, regardless of the map */
	AMBIT_SKIPS = 16,
};

/*
 * Counters, per CPU, at index domain * AMBIT_HOOKS + hook. No task belongs to domain 0:
 * its entries count operations that no other domain's counters could take.
 */
struct ambit_stat {
	__u64 evaluated;
	__u64 matched;
	__u64 learned;
	__u64 violations;
	__u64 gated;	  /* of the violations: an untrusted task at a gate */
	__u64 emitted;	  /* records, delivered or lost */
	__u64 lost;	  /* of these: the ring had no room */
	__u64 suppressed; /* violations not emitted: repetitions */
	__u64 unrecorded; /* of the lost: records for a recording only */
	__u64 skipped[AMBIT_SKIPS];
};

enum ambit_event_kind {
	AMBIT_EVENT_NAME = 1,	 /* object: an executable or script */
	AMBIT_EVENT_SUBJECT = 2, /* object: struct ambit_subject, unaligned */
	AMBIT_EVENT_POINT = 3,	 /* learned */
	AMBIT_EVENT_VIOLATION = 4,
	AMBIT_EVENT_UNREPRESENTABLE = 5, /* learning: an object without canonical form */
	AMBIT_EVENT_MATCH = 6,		 /* in the map, or learned before: for a recording */
	AMBIT_EVENT_FORK = 7,		 /* extra: the new process; for a recording */
};

enum ambit_reason {
	AMBIT_REASON_OUTSIDE = 0,	/* the point is not in the map */
	AMBIT_REASON_GATE = 1,		/* the task is untrusted and the family gated */
	AMBIT_REASON_TOO_LONG = 2,	/* path or name longer than can be represented */
	AMBIT_REASON_UNREACHABLE = 3,	/* not below the task's root */
	AMBIT_REASON_SHORT_ADDRESS = 4, /* address shorter than its family's */
	AMBIT_REASON_NO_SCRATCH = 5,	/* Ambit ran out of scratch memory */
	AMBIT_REASON_DIGEST = 6,	/* the executable is not the one in the map */
	AMBIT_REASON_CREDS = 7,		/* the credentials are not in the map */
};

/* A record in the ring; object_len bytes of the object follow. */
struct ambit_event {
	__u8 kind; /* enum ambit_event_kind */
	__u8 hook; /* enum ambit_hook */
	__u16 domain;
	__u16 op;
	__u16 object_len;
	__u32 arg;
	__u8 mode;
	__u8 response; /* enum ambit_response */
	__u8 reason;   /* enum ambit_reason */
	__u8 pad;
	__u64 time_ns;	     /* CLOCK_BOOTTIME */
	struct ambit_fp key; /* fingerprint of (op, arg, object) xor subject */
	struct ambit_fp subject;
	__u32 tgid; /* initial pid namespace */
	__u32 tid;
	__u32 ns_tgid; /* as the task itself sees it */
	__u32 trust;   /* after this event */
	__u32 extra;   /* create, mkdir, chmod: mode bits; of a fork: the child */
	__u32 count;   /* violations: number of them for this point so far */
	__u8 comm[16]; /* untrusted: chosen by the task */
};

/* Hooks, numbered for counters and events. */
enum ambit_hook {
	AMBIT_HOOK_FILE_OPEN = 0,
	AMBIT_HOOK_BPRM_CHECK_SECURITY = 1,
	AMBIT_HOOK_BPRM_CREDS_FROM_FILE = 2,
	AMBIT_HOOK_PATH_MKNOD = 3,
	AMBIT_HOOK_PATH_UNLINK = 4,
	AMBIT_HOOK_PATH_RENAME = 5,
	AMBIT_HOOK_PATH_LINK = 6,
	AMBIT_HOOK_PATH_SYMLINK = 7,
	AMBIT_HOOK_PATH_MKDIR = 8,
	AMBIT_HOOK_PATH_RMDIR = 9,
	AMBIT_HOOK_PATH_TRUNCATE = 10,
	AMBIT_HOOK_FILE_TRUNCATE = 11,
	AMBIT_HOOK_PATH_CHMOD = 12,
	AMBIT_HOOK_PATH_CHOWN = 13,
	AMBIT_HOOK_FILE_IOCTL = 14,
	AMBIT_HOOK_FILE_IOCTL_COMPAT = 15,
	AMBIT_HOOK_MMAP_FILE = 16,
	AMBIT_HOOK_FILE_MPROTECT = 17,
	AMBIT_HOOK_SOCKET_CREATE = 18,
	AMBIT_HOOK_SOCKET_BIND = 19,
	AMBIT_HOOK_SOCKET_CONNECT = 20,
	AMBIT_HOOK_SOCKET_LISTEN = 21,
	AMBIT_HOOK_SOCKET_ACCEPT = 22,
	AMBIT_HOOK_SOCKET_SENDMSG = 23,
	AMBIT_HOOK_UNIX_STREAM_CONNECT = 24,
	AMBIT_HOOK_UNIX_MAY_SEND = 25,
	AMBIT_HOOK_TASK_KILL = 26,
	AMBIT_HOOK_PTRACE_ACCESS_CHECK = 27,
	AMBIT_HOOK_PTRACE_TRACEME = 28,
	AMBIT_HOOK_TASK_FIX_SETUID = 29,
	AMBIT_HOOK_TASK_FIX_SETGID = 30,
	AMBIT_HOOK_CAPSET = 31,
	AMBIT_HOOK_CAPABLE = 32,
	/* These maintain labels and decide nothing. */
	AMBIT_HOOK_BPRM_COMMITTED_CREDS = 33,
	AMBIT_HOOK_TASK_ALLOC = 34,
	AMBIT_HOOK_TASK_FREE = 35,
	AMBIT_HOOK_BPRM_CREDS_FOR_EXEC = 36,
	/* From here on: hooks of both levels; Hook::coverage() in crates/abi has the level. */
	AMBIT_HOOK_INODE_SETXATTR = 37,
	AMBIT_HOOK_INODE_REMOVEXATTR = 38,
	AMBIT_HOOK_INODE_SET_ACL = 39,
	AMBIT_HOOK_INODE_REMOVE_ACL = 40,
	AMBIT_HOOK_FILE_FCNTL = 41,
	AMBIT_HOOK_FILE_LOCK = 42,
	AMBIT_HOOK_FILE_RECEIVE = 43,
	AMBIT_HOOK_TASK_SETNICE = 44,
	AMBIT_HOOK_TASK_SETSCHEDULER = 45,
	AMBIT_HOOK_TASK_SETIOPRIO = 46,
	AMBIT_HOOK_TASK_SETRLIMIT = 47,
	AMBIT_HOOK_TASK_PRCTL = 48,
	AMBIT_HOOK_TASK_MOVEMEMORY = 49,
	AMBIT_HOOK_SHM_ALLOC_SECURITY = 50,
	AMBIT_HOOK_SHM_ASSOCIATE = 51,
	AMBIT_HOOK_SHM_SHMCTL = 52,
	AMBIT_HOOK_SHM_SHMAT = 53,
	AMBIT_HOOK_SEM_ALLOC_SECURITY = 54,
	AMBIT_HOOK_SEM_ASSOCIATE = 55,
	AMBIT_HOOK_SEM_SEMCTL = 56,
	AMBIT_HOOK_SEM_SEMOP = 57,
	AMBIT_HOOK_MSG_QUEUE_ALLOC_SECURITY = 58,
	AMBIT_HOOK_MSG_QUEUE_ASSOCIATE = 59,
	AMBIT_HOOK_MSG_QUEUE_MSGCTL = 60,
	AMBIT_HOOK_MSG_QUEUE_MSGSND = 61,
	AMBIT_HOOK_MSG_QUEUE_MSGRCV = 62,
	AMBIT_HOOK_SB_MOUNT = 63,
	AMBIT_HOOK_SB_UMOUNT = 64,
	AMBIT_HOOK_SB_REMOUNT = 65,
	AMBIT_HOOK_SB_KERN_MOUNT = 66,
	AMBIT_HOOK_SB_PIVOTROOT = 67,
	AMBIT_HOOK_MOVE_MOUNT = 68,
	AMBIT_HOOK_PATH_CHROOT = 69,
	AMBIT_HOOK_USERNS_CREATE = 70,
	AMBIT_HOOK_KEY_ALLOC = 71,
	AMBIT_HOOK_KEY_PERMISSION = 72,
	AMBIT_HOOK_BPF = 73,
	AMBIT_HOOK_KERNEL_READ_FILE = 74,
	AMBIT_HOOK_KERNEL_LOAD_DATA = 75,
	AMBIT_HOOK_KERNEL_MODULE_REQUEST = 76,
	AMBIT_HOOK_PERF_EVENT_OPEN = 77,
	AMBIT_HOOK_LOCKED_DOWN = 78,
	AMBIT_HOOK_SYSLOG = 79,
	AMBIT_HOOK_SETTIME = 80,
	AMBIT_HOOK_QUOTACTL = 81,
	AMBIT_HOOK_URING_OVERRIDE_CREDS = 82,
	AMBIT_HOOK_URING_SQPOLL = 83,
	AMBIT_HOOK_URING_CMD = 84,
	AMBIT_HOOK_INODE_INIT_SECURITY_ANON = 85,
	AMBIT_HOOK_TUN_DEV_CREATE = 86,
	AMBIT_HOOK_SOCKET_SETSOCKOPT = 87,
	AMBIT_HOOK_NETLINK_SEND = 88,
	AMBIT_HOOK_MMAP_ADDR = 89,
	AMBIT_HOOK_FILE_PERMISSION = 90,
	AMBIT_HOOK_SCTP_BIND_CONNECT = 91,
	AMBIT_HOOK_INODE_CREATE = 92,
	AMBIT_HOOK_INODE_UNLINK = 93,
	AMBIT_HOOK_COUNT = 94,
};

/*
 * The automaton of a domain's patterns: a dense DFA over a canonical object's
 * bytes, kind byte first, in pages. Page 0 begins with struct ambit_dfa; the next
 * ones hold transitions: from state s, byte b leads to entry (s << shift) +
 * classes[b]; state 0 is dead. From page `accept` on, entry s is the pattern class
 * of an object that ends in s, 0 for none. A set of patterns that match together
 * is one class; (op, arg, AMBIT_KIND_CLASS class) of the subject is then looked up.
 */
#define AMBIT_DFA_PAGE_BITS 14 /* log2 of the entries in a page */
#define AMBIT_DFA_STATES 65536 /* at most */

struct ambit_dfa {
	__u32 start;
	__u32 shift; /* log2 of the number of byte classes, at most 8 */
	__u32 states;
	__u32 accept; /* a page */
	__u8 classes[256];
};

struct ambit_dfa_page {
	__u16 entries[1 << AMBIT_DFA_PAGE_BITS];
};

/*
 * A domain's shortcut for paths that the map matched before: edges of an automaton over
 * the names of a path, last name first, and grants in its states. The kernel part fills
 * it; a zero entry is free.
 */
#define AMBIT_SHORTCUT_EDGE_BITS 13
#define AMBIT_SHORTCUT_GRANT_BITS 13

struct ambit_edge {
	__u64 name[4]; /* the name's words */
	__u64 link;    /* target state, source state */
};

struct ambit_grant {
	__u64 subject; /* first half of its fingerprint */
	__u64 what;    /* state, operation and argument */
};

struct ambit_shortcut {
	struct ambit_edge edges[1 << AMBIT_SHORTCUT_EDGE_BITS];
	struct ambit_grant grants[1 << AMBIT_SHORTCUT_GRANT_BITS];
};

/*
 * Rules. User space compiles a hook's rules to one program. It reads struct ambit_facts,
 * sets a bit of `fired` for each rule that matches, and returns the union of their
 * actions. It reads no texts: automata run before it, and each test of a text is a bit
 * of `match`.
 */
#define AMBIT_RULE_NUMBERS 25
#define AMBIT_RULE_TEXTS 7
#define AMBIT_RULE_AUTOMATA 4 /* for each text */
#define AMBIT_RULE_WORDS 4    /* of 64 tests, for each automaton */
#define AMBIT_RULE_FIRED 8    /* words of 64 rules, for each hook */
#define AMBIT_RULE_ENTRIES 65536
#define AMBIT_RULE_ROWS 2048
#define AMBIT_RULE_SLOTS 128 /* automata of a set of rules */

/* The first index of `match`. */
enum ambit_rule_text {
	AMBIT_RULE_TEXT_OBJECT = 0, /* the object's canonical bytes, kind byte first */
	AMBIT_RULE_TEXT_EXE = 1, /* these three: canonical bytes of an executable, one automaton */
	AMBIT_RULE_TEXT_PARENT = 2,
	AMBIT_RULE_TEXT_CHAIN = 3, /* the union over the chain */
	AMBIT_RULE_TEXT_COMM = 4,  /* plain bytes, as the next two */
	AMBIT_RULE_TEXT_CGROUP = 5,
	AMBIT_RULE_TEXT_DOMAIN = 6,
};

/* Indices of `numbers`: see crates/policy, Number. */
enum ambit_rule_number {
	AMBIT_RULE_OP = 0,
	AMBIT_RULE_ARG = 1,
	AMBIT_RULE_KIND = 2,
	AMBIT_RULE_UNREPRESENTABLE = 3,
	AMBIT_RULE_MODE = 4,
	AMBIT_RULE_PORT = 5,
	AMBIT_RULE_PROTOCOL = 6,
	AMBIT_RULE_FAMILY = 7,
	AMBIT_RULE_SOCKET_TYPE = 8,
	AMBIT_RULE_RELATION = 9,
	AMBIT_RULE_NEW_ID = 10,
	AMBIT_RULE_UID = 11,
	AMBIT_RULE_GID = 12,
	AMBIT_RULE_REAL_UID = 13,
	AMBIT_RULE_CAPS = 14,
	AMBIT_RULE_NO_NEW_PRIVS = 15,
	AMBIT_RULE_PID = 16,
	AMBIT_RULE_TRUST = 17,
	AMBIT_RULE_CAUSE = 18,
	AMBIT_RULE_LABELLED = 19,
	AMBIT_RULE_CONTAINER = 20,
	AMBIT_RULE_FILE_UID = 21,
	AMBIT_RULE_FILE_MODE = 22,
	AMBIT_RULE_EXE_UNKNOWN = 23,
	AMBIT_RULE_FOREIGN_MOUNTS = 24,
};

struct ambit_facts {
	__u64 numbers[AMBIT_RULE_NUMBERS];
	__u64 match[AMBIT_RULE_TEXTS][AMBIT_RULE_AUTOMATA * AMBIT_RULE_WORDS];
	__u64 fired[AMBIT_RULE_FIRED];
};

/* Actions of rules: a set. */
#define AMBIT_RULE_AUDIT 1
#define AMBIT_RULE_DENY 2
#define AMBIT_RULE_ALLOW 4
#define AMBIT_RULE_TAINT 8
#define AMBIT_RULE_UNTAINT 16
#define AMBIT_RULE_KILL 32

/*
 * An automaton over a text. A state s is an index of `next`. Byte b leads from it to
 * next[s + classes[b]]; classes begin at 1. next[s] is the row of a text that ends in s:
 * its bits are the tests that match. States before `sinks` lead to themselves, so their
 * row is final. From state `marking` on, row next[s] + 1 has the tests that match every
 * text that passes s, regardless of its end.
 */
struct ambit_rule_automaton {
	__u32 start;
	__u32 marking; /* 0 for none */
	__u32 sinks;   /* the first state that is no sink */
	__u32 pad;
	__u8 classes[256];
	__u16 next[AMBIT_RULE_ENTRIES + 256];
	__u64 rows[AMBIT_RULE_ROWS][AMBIT_RULE_WORDS];
};

/* A set of rules uses one half of each map: even generations the first, odd ones the second. */
struct ambit_rule_set {
	__u64 generation;
	__u16 first[8]; /* by text: its first automaton within the half */
	__u16 count[8]; /* the object's are in struct ambit_rule_hook */
};

struct ambit_rule_state {
	__u64 generation; /* of the active set; 0 for none */
};

/* The rule of a bit of `fired`. */
struct ambit_rule_bit {
	__u16 rule;    /* index in the set */
	__u8 actions;  /* AMBIT_RULE_* */
	__u8 source;   /* the trust bit that AMBIT_RULE_TAINT sets */
	__u32 seconds; /* until the bit expires, 0: never */
};

struct ambit_rule_hook {
	__u32 needs;   /* texts, 1 << AMBIT_RULE_TEXT_* */
	__u32 numbers; /* 1 << AMBIT_RULE_* */
	__u16 first;   /* automata of the object */
	__u16 count;
	__u32 bits_used;
	__u32 actions;	    /* union over all rules */
	__u32 prefilter;    /* not 0: the hook has one, see prefilter_a() */
	__u32 path_program; /* AMBIT_PATH_PROGRAM_PRESENT and _OBJECT; 0: the hook has none */
	__u32 path_numbers; /* numbers that the path program reads, 1 << AMBIT_RULE_* */
	struct ambit_rule_bit bits[AMBIT_RULE_FIRED * 64];
};

/*
 * A hook whose object is a file has a path program beside its rules: it excludes
 * rules before the path string is built. It has three stages; the caller writes the
 * stage into the upper half of the operation's number.
 */
#define AMBIT_PATH_PROGRAM_STAGE 16
/* Reads the path's tests and the argument only; returns a mask of the undecided rules. */
#define AMBIT_PATH_PROGRAM_PATH 1
/* Of the rules that read no path: the texts needed by those that may still match. */
#define AMBIT_PATH_PROGRAM_REST 2
/* The same rules with all texts present: not 0 if one matches. */
#define AMBIT_PATH_PROGRAM_EXACT 3

/*
 * In struct ambit_rule_hook: the hook has a path program. In an answer: a path
 * program was run. An answer without this bit comes from the empty function that
 * stands in for the program, and excludes no rule.
 */
#define AMBIT_PATH_PROGRAM_PRESENT 128
/* The hook has a rule that reads the path; in an answer: such a rule may match. */
#define AMBIT_PATH_PROGRAM_OBJECT 1
/* A rule that reads no path may match. */
#define AMBIT_PATH_PROGRAM_NUMBERS 2
/* A rule of either kind may match if the task is untrusted. */
#define AMBIT_PATH_PROGRAM_TRUST 4

/* Matches of a rule and its lost records; index: half * AMBIT_RULE_MAX + rule. */
#define AMBIT_RULE_MAX 4096
struct ambit_rule_count {
	__u64 applied;
	__u64 refused;
	__u64 lost; /* the ring had no room */
};

#define AMBIT_EXE_MAX 256 /* of an executable's canonical bytes, in a lineage */

/* The chain of executables that led to a task, its own first. */
struct ambit_lineage {
	__u64 generation[2]; /* of the rules that `match` belongs to; 1: for the host's paths */
	__u32 count;
	__u16 foreign; /* bit by executable: the path is not the host's */
	__u16 unknown; /* bit by executable: the path was too long, or there is none */
	__u32 lengths[AMBIT_CHAIN_MAX];
	__u64 match[2][3][AMBIT_RULE_AUTOMATA * AMBIT_RULE_WORDS];
	__u8 exes[AMBIT_CHAIN_MAX][AMBIT_EXE_MAX];
};

/* The record of a rule that matched; object_len bytes of the object follow. */
struct ambit_rule_event {
	__u64 time_ns; /* CLOCK_BOOTTIME */
	__u64 generation;
	__u64 cgroup;
	__u32 tgid; /* initial pid namespace */
	__u32 tid;
	__u32 uid; /* effective */
	__u32 gid;
	__u32 arg;
	__u32 trust; /* after this */
	__u32 mode;
	__u16 op;
	__u16 object_len;
	__u16 rule;
	__u16 domain; /* 0 without a label */
	__u16 port;
	__u8 hook;
	__u8 actions; /* of this rule */
	__u8 outcome; /* union of all matching rules: AMBIT_RULE_* */
	__u8 unrepresentable;
	__u16 exe_len[2];
	__u16 pad;
	__u8 comm[16];
	__u8 exes[2][AMBIT_EXE_MAX]; /* the task's executable, and the previous one */
};

/*
 * The report of a tap about a process; include/ambit_tap.h is for its author. It takes
 * effect before the next decided operation of the process.
 */
struct ambit_tap {
	__u64 time_ns; /* CLOCK_BOOTTIME; processes that started later are not affected */
	__u64 detail;
	__u32 bits;
	__u32 pad;
};

struct ambit_shared {
	__u64 clock;	/* increases when any process loses trust */
	__u64 lineages; /* not 0: chains of executables are stored */
	__u64 host_ns;	/* inode number of the host's mount namespace */
};

/* A file that an untrusted process wrote. A later file with the same number has another generation. */
struct ambit_mark_key {
	__u64 inode;
	__u32 dev;
	__u32 generation;
};

#define AMBIT_MARKS 16384
#define AMBIT_MARKS_OF_ONE 8192 /* of one domain, or without one of one user */
#define AMBIT_PASSED 4096

/* Results of spreading, by enum ambit_spread. */
struct ambit_spread_count {
	__u64 spread; /* processes that lost trust */
	__u64 marked; /* files and descriptors */
	__u64 failed; /* memory or a table was full */
};

/*
 * Interpreters of scripts, by name: the executable's name up to the first digit, dot or
 * dash, zero filled.
 */
#define AMBIT_INTERPRETER_MAX 16
#define AMBIT_INTERPRETERS 256
#define AMBIT_INTERPRETER_ONE 1
#define AMBIT_INTERPRETER_MANY 2 /* an executable with many names; the task's comm selects one */

#define AMBIT_TAPS 4096 /* processes with a pending tap report */

/* Origin of a point in a domain's set. */
enum ambit_origin {
	AMBIT_ORIGIN_LOADED = 0,
	AMBIT_ORIGIN_LEARNED = 1,
	AMBIT_ORIGIN_CACHED = 2, /* found by pattern */
};

/*
 * Matches of a set's member are counted up to this number. Counting further would make
 * all CPUs write the same cache line. Members that were not learned start with it.
 */
#define AMBIT_HITS_MAX 255

/* The value of a domain's set; the key is the first half of the point's fingerprint. */
struct ambit_member {
	__u64 hi; /* second half of the fingerprint */
	__u32 origin;
	__u32 hits; /* by trusted tasks, while learning; simultaneous matches may count once */
};

/* Configuration, fixed at load: the only variable in .rodata. */
struct ambit_config {
	__u64 key0; /* SipHash key: 128 random bits */
	__u64 key1;
	__u64 sip[4];	/* SipHash's state before the first block */
	__u64 build;	/* identifies the build of this object */
	__u16 port_low; /* the host's ephemeral ports, both ends included */
	__u16 port_high;
	__u32 slot_mask; /* scratch slots of a domain, less one */
};

/* Requests to the task iterator. */
enum ambit_request_kind {
	AMBIT_REQUEST_LIST = 0,
	AMBIT_REQUEST_SET = 1,	 /* set bit of all threads of tgid */
	AMBIT_REQUEST_CLEAR = 2, /* clear these bits of all threads of tgid */
	AMBIT_REQUEST_FIND = 3,	 /* list all threads of tgid */
};

struct ambit_request {
	__u32 kind; /* AMBIT_REQUEST_* */
	__u32 tgid;
	__u32 bits;
	__u32 seconds;
	__u64 start_ns; /* start time of the process; 0: any process of that number */
};

/* The iterator's answer for each task that it listed or changed. */
struct ambit_task {
	__u32 tgid;
	__u32 tid;
	__u8 comm[16];
	__u64 start_ns; /* CLOCK_BOOTTIME */
	struct ambit_label label;
	struct ambit_trust trust;
};

#endif /* AMBIT_ABI_H */
