/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The fields of kernel types that Ambit reads, relocated at load against the
 * running kernel's BTF. Fields that are not declared here are not read.
 */
#ifndef AMBIT_KERNEL_H
#define AMBIT_KERNEL_H

typedef unsigned char __u8;
typedef unsigned short __u16;
typedef unsigned int __u32;
typedef unsigned long long __u64;
typedef signed int __s32;
typedef signed long long __s64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u32 __wsum;
typedef _Bool bool;
#define true 1
#define false 0

#define NULL ((void *)0)
#define EPERM 1

/* uapi values */
#define BPF_ANY 0
#define BPF_NOEXIST 1
#define BPF_F_NO_PREALLOC 1
#define BPF_F_MMAPABLE 0x400
#define BPF_F_INNER_MAP 0x1000
#define BPF_LOCAL_STORAGE_GET_F_CREATE 1
enum bpf_map_type {
	BPF_MAP_TYPE_HASH = 1,
	BPF_MAP_TYPE_ARRAY = 2,
	BPF_MAP_TYPE_PERCPU_ARRAY = 6,
	BPF_MAP_TYPE_LRU_HASH = 9,
	BPF_MAP_TYPE_ARRAY_OF_MAPS = 12,
	BPF_MAP_TYPE_RINGBUF = 27,
	BPF_MAP_TYPE_INODE_STORAGE = 28,
	BPF_MAP_TYPE_TASK_STORAGE = 29,
};

#define S_IFMT 0170000
#define S_IFREG 0100000
#define S_IFCHR 0020000
#define S_IFBLK 0060000
#define S_IFIFO 0010000
#define S_IFSOCK 0140000
#define S_ISUID 04000
#define S_ISGID 02000

#define O_CREAT 0100
#define O_TRUNC 01000
#define O_APPEND 02000
#define O_TMPFILE_BIT 020000000

/* fmode bits: include/linux/fs.h, unchanged from 6.1 to 7.3 but for the last */
#define FMODE_READ 0x1
#define FMODE_WRITE 0x2
#define FMODE_EXEC \
	0x20 /* read from f_flags; 6.12 does not copy it to f_mode (fs/open.c, do_dentry_open) */
#define FMODE_NOACCOUNT 0x20000000
/*
 * From 6.5 on: commit 62d53c4a1dfe ("fs: use backing_file container for internal files with \"fake\" f_path").
 * The series for events before access, which has `struct file_range`, moved it in 6.14.
 */
#define FMODE_BACKING (bpf_core_type_exists(struct file_range) ? 0x1000000 : 0x2000000)

#define F_SETFL 4 /* include/uapi/asm-generic/fcntl.h */
#define MAY_WRITE 0x2
#define MAP_SHARED 0x1
#define VM_SHARED 0x8

#define SB_NOUSER (1UL << 31)
#define PROC_SUPER_MAGIC 0x9fa0
#define DEVPTS_SUPER_MAGIC 0x1cd1
#define TMPFS_MAGIC 0x01021994
#define HUGETLBFS_MAGIC 0x958458f6
#define PID_FS_MAGIC 0x50494446
#define MQUEUE_MAGIC 0x19800202 /* ipc/mqueue.c */
/* fs/mount.h MNT_NS_INTERNAL: mounts that belong to no namespace */
#define MNT_NS_INTERNAL ((void *)-22L)

#define PROT_WRITE 0x2
#define PROT_EXEC 0x4
#define VM_WRITE 0x2UL
#define VM_EXEC 0x4UL
#define READ_IMPLIES_EXEC 0x0400000 /* include/uapi/linux/personality.h */

#define AF_UNSPEC 0
#define AF_UNIX 1
#define AF_INET 2
#define AF_INET6 10
#define AF_NETLINK 16
#define AF_SMC 43
#define SOCK_STREAM 1
#define SOCK_DGRAM 2
#define SOCK_RAW 3
#define SOCK_TYPE_MASK 0xf
#define MSG_FASTOPEN 0x20000000
#define IPPROTO_TCP 6
#define IPPROTO_UDP 17
#define IPPROTO_DCCP 33
#define IPPROTO_SCTP 132
#define IPPROTO_UDPLITE 136
#define IPPROTO_RAW 255
#define IPPROTO_SMC 256
#define IPPROTO_MPTCP 262

#define CAP_OPT_NOAUDIT 2 /* include/linux/security.h */
#define PTRACE_MODE_NOAUDIT 0x4
#define PTRACE_MODE_ATTACH 0x2
#define SIGKILL 9
#define CLONE_THREAD 0x10000
#define PF_IO_WORKER 0x10
#define PF_KTHREAD 0x200000

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct super_block;
struct inode;
struct mnt_namespace;
struct sock;

typedef struct {
	__u32 val;
} kuid_t;

typedef struct {
	__u32 val;
} kgid_t;

struct qstr {
	union {
		struct {
			__u32 hash;
			__u32 len;
		};
		__u64 hash_len;
	};
	const unsigned char *name;
};

struct hlist_bl_node {
	struct hlist_bl_node *next;
	struct hlist_bl_node **pprev;
};

struct dentry {
	struct hlist_bl_node d_hash;
	struct dentry *d_parent;
	struct qstr d_name;
	struct inode *d_inode;
	struct super_block *d_sb;
};

/*
 * The place of a short name: until 6.13, and from 6.14 on, commit 58cf9c383c5c
 * ("dcache: back inline names with a struct-wrapped array of unsigned long"). Both
 * have room for SHORT_NAME bytes.
 */
struct dentry___iname {
	unsigned char d_iname[32];
};

union shortname_store {
	unsigned char string[40];
};

struct hlist_node;

struct hlist_head {
	struct hlist_node *first;
};

/* One of the names of its inode, in inode's i_dentry. */
struct dentry___alias {
	union {
		struct {
			struct hlist_node *next;
		} d_alias;
	} d_u;
};

struct dentry___short {
	union shortname_store d_shortname;
};

#define SHORT_NAME 32

struct vfsmount {
	struct dentry *mnt_root;
	struct super_block *mnt_sb;
};

struct mount {
	struct mount *mnt_master; /* the mount that propagates to this one */
	struct mount *mnt_parent;
	struct dentry *mnt_mountpoint;
	struct vfsmount mnt;
	struct mnt_namespace *mnt_ns;
};

struct list_head {
	struct list_head *next;
};

/* Mounts of a file system: a list until 6.17, from 6.18 on linked by one pointer, newest first. */
struct mount___list {
	struct list_head mnt_instance;
};

struct mount___next {
	struct mount *mnt_next_for_sb;
};

struct super_block___list {
	struct list_head s_mounts;
};

struct super_block___next {
	struct mount *s_mounts;
};

struct ns_common {
	unsigned int inum;
};

struct mnt_namespace {
	struct ns_common ns;
	struct mount *root;
};

struct nsproxy {
	struct mnt_namespace *mnt_ns;
};

struct path {
	struct vfsmount *mnt;
	struct dentry *dentry;
};

struct file_system_type {
	const char *name;
};

struct super_block {
	unsigned long s_flags;
	unsigned long s_magic;
	__u32 s_dev;
	struct file_system_type *s_type;
	struct dentry *s_root;
	struct user_namespace *s_user_ns;
};

struct timespec64 {
	__s64 tv_sec;
	long tv_nsec;
};

typedef struct {
	int counter;
} atomic_t;

struct inode {
	unsigned short i_mode;
	unsigned int i_nlink;
	kuid_t i_uid;
	__u32 i_rdev;
	__u32 i_generation;
	unsigned long i_ino;
	long long i_size;
	struct super_block *i_sb;
	struct hlist_head i_dentry;
	atomic_t i_writecount; /* negative: writing is denied while it is executed */
	/* from 6.11, commit 3aa63a569c64 ("fs: switch timespec64 fields in inode to discrete integers") */
	__s64 i_ctime_sec;
	__u32 i_ctime_nsec;
};

/* before 6.6 */
struct inode___ctime {
	struct timespec64 i_ctime;
};

/* 6.6 to 6.10, commit 13bc24457850 ("fs: rename i_ctime field to __i_ctime") */
struct inode___ctime_hidden {
	struct timespec64 __i_ctime;
};

struct file {
	unsigned int f_mode;
	unsigned int f_flags;
	struct path f_path;
	struct inode *f_inode;
};

/* Tells the kernels that have moved FMODE_BACKING. */
struct file_range {
	const struct path *path;
};

/*
 * From 6.5 on: a file that a file system opens beneath the user's file. user_path is the
 * user's: commit def3ae83da02 ("fs: store real path instead of fake path in
 * backing file f_path"), 6.7.
 */
struct backing_file {
	struct file file;
	struct path user_path;
};

struct upid {
	int nr;
};

struct pid {
	unsigned int level;
	struct upid numbers[1];
};

struct proc_inode {
	struct pid *pid;
	struct inode vfs_inode;
};

/*
 * Two u32 before 6.3, one u64 since, commit f122a08b197d ("capability: just use a 'u64'
 * instead of a 'u32[2]' array"): read as eight bytes.
 */
typedef struct {
} kernel_cap_t;

struct user_namespace {
	int level;
};

struct cred {
	kuid_t uid;
	kgid_t gid;
	kuid_t suid;
	kgid_t sgid;
	kuid_t euid;
	kgid_t egid;
	kuid_t fsuid;
	kgid_t fsgid;
	kernel_cap_t cap_effective;
	struct user_namespace *user_ns;
};

struct fdtable {
	unsigned int max_fds;
	struct file **fd;
	unsigned long *close_on_exec;
	unsigned long *open_fds;
};

struct files_struct {
	struct fdtable *fdt;
};

struct kern_ipc_perm {
	int key;
	kuid_t cuid;
};

struct key_type {
	const char *name;
};

struct keyring_index_key {
	struct key_type *type;
};

struct key {
	int serial;
	struct keyring_index_key index_key;
};

struct io_uring_cmd {
	struct file *file;
	__u32 cmd_op;
};

struct fs_struct {
	struct path root;
};

struct thread_info {
	__u32 status; /* x86 */
};

/* x86 */
struct pt_regs {
	unsigned long bx;
	unsigned long cx;
	unsigned long si;
	unsigned long r9;
	unsigned long di;
	unsigned long ax;
	unsigned long orig_ax;
};

struct task_struct {
	struct thread_info thread_info;
	unsigned int personality;
	unsigned long atomic_flags;
	int pid;
	int tgid;
	struct task_struct *real_parent;
	struct task_struct *group_leader;
	struct pid *thread_pid;
	const struct cred *real_cred;
	const struct cred *cred;
	struct fs_struct *fs;
	struct nsproxy *nsproxy;
	struct files_struct *files;
	struct css_set *cgroups;
	struct mm_struct *mm;
	__u64 start_boottime;
	unsigned int flags;
	int exit_state;
	struct signal_struct *signal;
	char comm[16];
};

#define SIGNAL_GROUP_EXIT 4 /* include/linux/sched/signal.h: all threads exit */

struct signal_struct {
	struct {
		int counter;
	} live; /* threads that have not ended */
	unsigned int flags;
};

struct mm_struct {
	struct file *exe_file;
};

struct kernfs_node {
	const char *name;
	__u64 id;
	/* from 6.15, commit 633488947ef6 ("kernfs: Use RCU to access kernfs_node::parent.") */
	struct kernfs_node *__parent;
};

struct kernfs_node___parent {
	struct kernfs_node *parent;
};

struct cgroup {
	struct kernfs_node *kn;
};

struct css_set {
	struct cgroup *dfl_cgrp;
};

struct seq_file;
struct bpf_iter_meta {
	struct seq_file *seq;
};

struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
};

struct linux_binprm {
	struct file *file;
	struct cred *cred;
	const char *filename;
	const char *fdpath;
};

struct anon_vma;
struct scm_fp_list {
	short count;
	struct file *fp[1]; /* 253, SCM_MAX_FD */
};

struct scm_cookie {
	struct scm_fp_list *fp;
};

struct vm_area_struct {
	unsigned long vm_flags;
	struct anon_vma *anon_vma;
	struct file *vm_file;
};

struct in6_addr {
	__u8 bytes[16];
};

struct sock_common {
	__be32 skc_rcv_saddr;
	__u16 skc_num;
	unsigned short skc_family;
	struct in6_addr skc_v6_rcv_saddr;
};

struct sock {
	struct sock_common __sk_common;
	__u16 sk_type;
	__u16 sk_protocol;
};

struct socket {
	short type;
	struct sock *sk;
};

struct unix_address {
	int len;
};

struct unix_sock {
	struct unix_address *addr;
	struct path path;
};

struct msghdr {
	void *msg_name;
	int msg_namelen;
	unsigned int msg_flags;
	void *msg_control;
	unsigned long msg_controllen;
};

#pragma clang attribute pop

/* numbers that differ between kernels */
enum kernel_read_file_id {
	READING_FIRMWARE = 1,
	READING_MODULE = 2,
	READING_KEXEC_IMAGE = 3,
	READING_KEXEC_INITRAMFS = 4,
	READING_POLICY = 5,
	READING_X509_CERTIFICATE = 6,
	READING_MODULE_COMPRESSED = 7,
};

enum kernel_load_data_id {
	LOADING_FIRMWARE = 1,
	LOADING_MODULE = 2,
	LOADING_KEXEC_IMAGE = 3,
	LOADING_KEXEC_INITRAMFS = 4,
	LOADING_POLICY = 5,
	LOADING_X509_CERTIFICATE = 6,
	LOADING_MODULE_COMPRESSED = 7,
};

struct sockaddr;
struct kernel_siginfo;
struct bpf_map;

#endif /* AMBIT_KERNEL_H */
