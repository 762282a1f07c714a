// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The words of operations' arguments. Maps, rules and records use the same tables.

use ambit_abi as abi;

/// File modes that run a program as its owner or group.
pub const SET_IDS: [(u32, &str); 3] = [
    (abi::SETID_UID, "suid"),
    (abi::SETID_GID, "sgid"),
    (abi::SETID_UID | abi::SETID_GID, "suid,sgid"),
];
/// Sides of an operation on two names.
pub const ENDS: [(u32, &str); 2] = [(abi::END_FROM, "from"), (abi::END_TO, "to")];
/// Types of new nodes.
pub const NODES: [(u32, &str); 3] = [
    (abi::NODE_FIFO, "fifo"),
    (abi::NODE_CHR, "chr"),
    (abi::NODE_BLK, "blk"),
];
/// Properties of executable mappings.
pub const MAPPINGS: [(u32, &str); 3] = [
    (abi::MAP_DIRTY, "dirty"),
    (abi::MAP_WRITE, "write"),
    (abi::MAP_DIRTY | abi::MAP_WRITE, "dirty,write"),
];
/// Accesses to another process.
pub const PTRACES: [(u32, &str); 3] = [
    (abi::PTRACE_READ, "read"),
    (abi::PTRACE_ATTACH, "attach"),
    (abi::PTRACE_TRACEME, "traceme"),
];
/// Settings of descriptors.
pub const FCNTLS: [(u32, &str); 4] = [
    (abi::FCNTL_OWNER, "owner"),
    (abi::FCNTL_SIGNAL, "signal"),
    (abi::FCNTL_LEASE, "lease"),
    (abi::FCNTL_NOTIFY, "notify"),
];
/// Socket options.
pub const SOCKET_OPTIONS: [(u32, &str); 8] = [
    (abi::SOCKOPT_FILTER, "filter"),
    (abi::SOCKOPT_BPF, "bpf"),
    (abi::SOCKOPT_MARK, "mark"),
    (abi::SOCKOPT_DEVICE, "device"),
    (abi::SOCKOPT_TABLES, "tables"),
    (abi::SOCKOPT_REPAIR, "repair"),
    (abi::SOCKOPT_ULP, "ulp"),
    (abi::SOCKOPT_ROUTE, "route"),
];
/// Settings of processes.
pub const PRCTLS: [(u32, &str); 7] = [
    (abi::PRCTL_MM, "mm"),
    (abi::PRCTL_PTRACER, "ptracer"),
    (abi::PRCTL_DUMPABLE, "dumpable"),
    (abi::PRCTL_KEEPCAPS, "keepcaps"),
    (abi::PRCTL_SECUREBITS, "securebits"),
    (abi::PRCTL_AMBIENT, "ambient"),
    (abi::PRCTL_CGROUP, "cgroup"),
];
/// Kinds of mounts.
pub const MOUNTS: [(u32, &str); 5] = [
    (abi::MOUNT_NEW, "new"),
    (abi::MOUNT_BIND, "bind"),
    (abi::MOUNT_REMOUNT, "remount"),
    (abi::MOUNT_MOVE, "move"),
    (abi::MOUNT_PROPAGATE, "propagate"),
];
/// Accesses to System V objects.
pub const IPC_ACCESSES: [(u32, &str); 7] = [
    (abi::IPC_CREATE, "create"),
    (abi::IPC_GET, "get"),
    (abi::IPC_READ, "read"),
    (abi::IPC_WRITE, "write"),
    (abi::IPC_STAT, "stat"),
    (abi::IPC_CONTROL, "control"),
    (abi::IPC_REMOVE, "remove"),
];
/// Accesses to keys.
pub const KEY_ACCESSES: [(u32, &str); 4] = [
    (abi::KEY_READ, "read"),
    (abi::KEY_WRITE, "write"),
    (abi::KEY_LINK, "link"),
    (abi::KEY_SETATTR, "setattr"),
];
/// Kinds of files and data that the kernel loads.
pub const LOADS: [(u32, &str); 7] = [
    (abi::LOAD_FIRMWARE, "firmware"),
    (abi::LOAD_MODULE, "module"),
    (abi::LOAD_KEXEC, "kexec"),
    (abi::LOAD_INITRAMFS, "initramfs"),
    (abi::LOAD_POLICY, "policy"),
    (abi::LOAD_CERTIFICATE, "certificate"),
    (abi::LOAD_OTHER, "other"),
];
