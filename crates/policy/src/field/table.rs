// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The table of fields.

use ambit_abi::{self as abi, Op};
use ambit_event::names::{self, Table};
use ambit_event::{Ipc, Relation, arguments};

use super::Meaning::{
    self, Address, Bits, Caps, Cause, Chain, FileType, Flag, Operation, Trust, Untrusted,
};
use super::{Field, Numbered};
use crate::condition::{Number, Text};

const PATHS: [Op; 28] = [
    Op::Exec,
    Op::FileOpen,
    Op::FileCreate,
    Op::FileUnlink,
    Op::FileRename,
    Op::FileLink,
    Op::FileSymlink,
    Op::FileMkdir,
    Op::FileRmdir,
    Op::FileMknod,
    Op::FileTruncate,
    Op::FileChmod,
    Op::FileChown,
    Op::FileIoctl,
    Op::FileFcntl,
    Op::FileReceive,
    Op::MapExec,
    Op::NetBind,
    Op::NetConnect,
    Op::NetListen,
    Op::NetAccept,
    Op::NetSend,
    Op::MountMount,
    Op::MountUmount,
    Op::MountPivot,
    Op::MountChroot,
    Op::KernelRead,
    Op::UringCmd,
];
const ADDRESSES: [Op; 5] = [
    Op::NetBind,
    Op::NetConnect,
    Op::NetListen,
    Op::NetAccept,
    Op::NetSend,
];
const NAMES: [Op; 11] = [
    Op::NetBind,
    Op::NetConnect,
    Op::NetListen,
    Op::NetAccept,
    Op::NetSend,
    Op::KeyAdd,
    Op::KeyUse,
    Op::MountType,
    Op::MountReconfigure,
    Op::FileSetxattr,
    Op::FileRemovexattr,
];
const OPENS: [Op; 2] = [Op::FileOpen, Op::FileReceive];
const FILES: [Op; 3] = [Op::FileOpen, Op::Exec, Op::MapExec];
const SETIDS: [Op; 2] = [Op::FileCreate, Op::FileChmod];
const MODES: [Op; 3] = [Op::FileCreate, Op::FileMkdir, Op::FileChmod];
const ENDED: [Op; 2] = [Op::FileRename, Op::FileLink];
const REQUESTS: [Op; 3] = [Op::FileIoctl, Op::UringCmd, Op::KernelQuota];
const IPC: [Op; 3] = [Op::IpcShm, Op::IpcSem, Op::IpcMsg];
const LOADED: [Op; 2] = [Op::KernelRead, Op::KernelLoad];
const RELATED: [Op; 7] = [
    Op::TaskSignal,
    Op::TaskPtrace,
    Op::TaskNice,
    Op::TaskScheduler,
    Op::TaskIoprio,
    Op::TaskRlimit,
    Op::TaskMemory,
];

const RELATIONS: [(u32, &str); 4] = [
    relation(Relation::Own),
    relation(Relation::Child),
    relation(Relation::Domain),
    relation(Relation::Outside),
];
const IPC_KEYS: [(u32, &str); 3] = [
    ipc_key(Ipc::Private),
    ipc_key(Ipc::Keyed),
    ipc_key(Ipc::Foreign),
];
/// `S_IF*`, without the bits below.
pub(super) const FILE_TYPES: [(u32, &str); 7] = [
    (1, "fifo"),
    (2, "chr"),
    (4, "dir"),
    (6, "blk"),
    (8, "file"),
    (10, "symlink"),
    (12, "socket"),
];

const S_ISUID: u64 = 0o4000;
const S_ISGID: u64 = 0o2000;
const ID_MAX: u64 = u32::MAX as u64;
/// `PID_MAX_LIMIT` of 64-bit kernels.
const PID_MAX: u64 = 4 * 1024 * 1024;

const fn relation(relation: Relation) -> (u32, &'static str) {
    (relation.number() as u32, relation.name())
}

const fn ipc_key(key: Ipc) -> (u32, &'static str) {
    (key.number() as u32, key.name())
}

const fn field(
    name: &'static str,
    ops: &'static [Op],
    meaning: Meaning,
    doc: &'static str,
) -> Field {
    Field {
        name,
        ops,
        doc,
        meaning,
    }
}

const fn text(text: Text) -> Meaning {
    Meaning::Text(text)
}

const fn number(number: Number, max: u64) -> Meaning {
    Meaning::Number(number, max)
}

/// Words that Ambit defines: the table is complete.
const fn words(number: Number, table: &'static Table) -> Meaning {
    Meaning::Words(number, table, Numbered::No)
}

/// Words for the kernel's numbers, which may have further values.
const fn numbered(number: Number, table: &'static Table) -> Meaning {
    Meaning::Words(number, table, Numbered::Yes)
}

const fn arg_bits(mask: u32) -> Meaning {
    Bits(Number::Arg, mask as u64)
}

/// Every field, in the order of `ambit rules fields`.
pub fn fields() -> &'static [Field] {
    &FIELDS
}

#[rustfmt::skip]
static FIELDS: [Field; 64] = [
    field("op", &[], Operation, "the operation"),
    field("task.uid", &[], number(Number::Uid, ID_MAX), "effective user id"),
    field("task.gid", &[], number(Number::Gid, ID_MAX), "effective group id"),
    field("task.ruid", &[], number(Number::RealUid, ID_MAX), "real user id"),
    field("task.pid", &[], number(Number::Pid, PID_MAX), "process id outside of any container"),
    field("task.comm", &[], text(Text::Comm), "name of the task (comm), at most 15 bytes"),
    field("task.cgroup", &[], text(Text::Cgroup), "cgroup in the unified hierarchy, such as `/system.slice/nginx.service`"),
    field("task.domain", &[], text(Text::Domain), "domain of the task; empty without a label"),
    field("task.labelled", &[], Flag(Number::Labelled, 1), "true if the task is in a domain"),
    field("task.container", &[], Flag(Number::Container, 1), "true if the task is outside of the initial pid namespace"),
    field("task.foreign_mounts", &[], Flag(Number::ForeignMounts, 1), "true if the task is in another mount namespace than the host's"),
    field("task.no_new_privs", &[], Flag(Number::NoNewPrivs, 1), "true if exec cannot raise the privileges of the task"),
    field("task.caps", &[], Caps, "effective capabilities"),
    field("task.trust", &[], Trust, "sources of its trust bits, such as `model` or `rule:ID`"),
    field("task.untrusted", &[], Untrusted, "true if the task has a trust bit"),
    field("task.cause", &[], Cause, "source of its first trust bit; empty if the task is trusted"),
    field("subject.path", &[], text(Text::Executable), "executable of the task; for `exec`, the executable of the caller"),
    field("subject.parent", &[], text(Text::Parent), "executable before `subject.path` in the chain"),
    field("subject.chain", &[], Chain, "executables of the chain, current one first, at most 4"),
    field("subject.unrepresentable", &[], Flag(Number::ExeUnknown, 1), "true if a path of the chain is too long to be kept, or is not the host's: it is empty"),
    field("object.path", &PATHS, text(Text::ObjectPath), "path; `memfd:NAME` or `fs:TYPE` for files without a path; empty for other objects"),
    field("object.deleted", &PATHS, Flag(Number::Kind, abi::KIND_DELETED as u64), "true if the file was unlinked"),
    field("object.foreign", &PATHS, Flag(Number::Kind, abi::KIND_FOREIGN as u64), "true if the path is one of another mount namespace"),
    field("object.unrepresentable", &PATHS, Flag(Number::Unrepresentable, 1), "true if the path is too long or unreachable"),
    field("object.read", &OPENS, arg_bits(abi::OPEN_READ), "opened for reading"),
    field("object.write", &OPENS, arg_bits(abi::OPEN_WRITE | abi::OPEN_APPEND), "opened for writing, also if only to append"),
    field("object.append", &OPENS, arg_bits(abi::OPEN_APPEND), "opened with `O_APPEND`: writes add to the end; `object.write` is true as well"),
    field("object.exec", &OPENS, arg_bits(abi::OPEN_EXEC), "opened to be executed"),
    field("object.uid", &FILES, number(Number::FileUid, ID_MAX), "owner of the file"),
    field("object.type", &FILES, FileType, "type of the file"),
    field("object.setuid", &FILES, Bits(Number::FileMode, S_ISUID), "true if the file has the set-user-id bit"),
    field("object.setgid", &FILES, Bits(Number::FileMode, S_ISGID), "true if the file has the set-group-id bit"),
    field("object.setuid", &SETIDS, arg_bits(abi::SETID_UID), "true if the set-user-id bit is requested"),
    field("object.setgid", &SETIDS, arg_bits(abi::SETID_GID), "true if the set-group-id bit is requested"),
    field("object.new_mode", &MODES, number(Number::Mode, 0o7777), "permission bits that are requested"),
    field("object.end", &ENDED, words(Number::Arg, &arguments::ENDS), "side of the operation: old name or new name"),
    field("object.node", &[Op::FileMknod], words(Number::Arg, &arguments::NODES), "type of the new node"),
    field("object.request", &REQUESTS, number(Number::Arg, ID_MAX), "number of the request"),
    field("object.dirty", &[Op::MapExec], arg_bits(abi::MAP_DIRTY), "true if private pages of the mapping were written"),
    field("object.writable", &[Op::MapExec], arg_bits(abi::MAP_WRITE), "true if the mapping is also writable"),
    field("object.address", &ADDRESSES, Address, "IP address; empty for other objects"),
    field("object.port", &ADDRESSES, number(Number::Port, 65535), "port; 0 for addresses without a port"),
    field("object.protocol", &ADDRESSES, numbered(Number::Protocol, &names::INET_PROTOCOLS), "protocol of the address"),
    field("object.name", &NAMES, text(Text::ObjectName), "abstract unix name, type of key or file system, name of an attribute"),
    field("object.family", &[Op::NetSocket], numbered(Number::Family, &names::FAMILIES), "family of the socket"),
    field("object.type", &[Op::NetSocket], numbered(Number::SocketType, &names::SOCKET_TYPES), "type of the socket"),
    field("object.protocol", &[Op::NetSocket], numbered(Number::Protocol, &names::INET_PROTOCOLS), "protocol of the socket"),
    field("object.signal", &[Op::TaskSignal], numbered(Number::Arg, &names::SIGNALS), "the signal"),
    field("object.relation", &RELATED, words(Number::Relation, &RELATIONS), "relation of the other task to this one"),
    field("object.access", &[Op::TaskPtrace], words(Number::Arg, &arguments::PTRACES), "access that is requested"),
    field("object.access", &IPC, words(Number::Arg, &arguments::IPC_ACCESSES), "access that is requested"),
    field("object.access", &[Op::KeyUse], words(Number::Arg, &arguments::KEY_ACCESSES), "access that is requested"),
    field("object.key", &IPC, words(Number::Relation, &IPC_KEYS), "kind of key; `foreign` for an object of another user"),
    field("object.option", &[Op::FileFcntl], words(Number::Arg, &arguments::FCNTLS), "setting of the descriptor that is changed"),
    field("object.option", &[Op::NetOption], words(Number::Arg, &arguments::SOCKET_OPTIONS), "socket option that is set"),
    field("object.option", &[Op::TaskPrctl], words(Number::Arg, &arguments::PRCTLS), "setting of the process that is changed"),
    field("object.limit", &[Op::TaskRlimit], numbered(Number::Arg, &names::RLIMITS), "resource limit that is set"),
    field("object.action", &[Op::KernelSyslog], numbered(Number::Arg, &names::SYSLOG_ACTIONS), "action of syslog(2)"),
    field("object.uid", &[Op::TaskSetuid], number(Number::NewId, ID_MAX), "effective user id that is requested"),
    field("object.gid", &[Op::TaskSetgid], number(Number::NewId, ID_MAX), "effective group id that is requested"),
    field("object.capability", &[Op::CapUse], numbered(Number::Arg, &names::CAPABILITIES), "the capability"),
    field("object.kind", &[Op::MountMount], words(Number::Arg, &arguments::MOUNTS), "kind of mount"),
    field("object.kind", &LOADED, words(Number::Arg, &arguments::LOADS), "kind of file or data that is loaded"),
    field("object.command", &[Op::KernelBpf], numbered(Number::Arg, &names::BPF_COMMANDS), "command of bpf(2)"),
];
