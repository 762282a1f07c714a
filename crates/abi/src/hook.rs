// SPDX-License-Identifier: Apache-2.0 OR MIT
//! LSM hooks, numbered for counters and events, and the operations that each decides.

use crate::Op;

wire_enum! {
    /// An LSM hook (`enum ambit_hook`); the name is the kernel's.
    Hook: u8, "hook" {
        /// `file_open`.
        FileOpen = 0 "file_open",
        /// `bprm_check_security`.
        BprmCheckSecurity = 1 "bprm_check_security",
        /// `bprm_creds_from_file`.
        BprmCredsFromFile = 2 "bprm_creds_from_file",
        /// `path_mknod`.
        PathMknod = 3 "path_mknod",
        /// `path_unlink`.
        PathUnlink = 4 "path_unlink",
        /// `path_rename`.
        PathRename = 5 "path_rename",
        /// `path_link`.
        PathLink = 6 "path_link",
        /// `path_symlink`.
        PathSymlink = 7 "path_symlink",
        /// `path_mkdir`.
        PathMkdir = 8 "path_mkdir",
        /// `path_rmdir`.
        PathRmdir = 9 "path_rmdir",
        /// `path_truncate`.
        PathTruncate = 10 "path_truncate",
        /// `file_truncate`.
        FileTruncate = 11 "file_truncate",
        /// `path_chmod`.
        PathChmod = 12 "path_chmod",
        /// `path_chown`.
        PathChown = 13 "path_chown",
        /// `file_ioctl`.
        FileIoctl = 14 "file_ioctl",
        /// `file_ioctl_compat`.
        FileIoctlCompat = 15 "file_ioctl_compat",
        /// `mmap_file`.
        MmapFile = 16 "mmap_file",
        /// `file_mprotect`.
        FileMprotect = 17 "file_mprotect",
        /// `socket_create`.
        SocketCreate = 18 "socket_create",
        /// `socket_bind`.
        SocketBind = 19 "socket_bind",
        /// `socket_connect`.
        SocketConnect = 20 "socket_connect",
        /// `socket_listen`.
        SocketListen = 21 "socket_listen",
        /// `socket_accept`.
        SocketAccept = 22 "socket_accept",
        /// `socket_sendmsg`.
        SocketSendmsg = 23 "socket_sendmsg",
        /// `unix_stream_connect`.
        UnixStreamConnect = 24 "unix_stream_connect",
        /// `unix_may_send`.
        UnixMaySend = 25 "unix_may_send",
        /// `task_kill`.
        TaskKill = 26 "task_kill",
        /// `ptrace_access_check`.
        PtraceAccessCheck = 27 "ptrace_access_check",
        /// `ptrace_traceme`.
        PtraceTraceme = 28 "ptrace_traceme",
        /// `task_fix_setuid`.
        TaskFixSetuid = 29 "task_fix_setuid",
        /// `task_fix_setgid`.
        TaskFixSetgid = 30 "task_fix_setgid",
        /// `capset`.
        Capset = 31 "capset",
        /// `capable`.
        Capable = 32 "capable",
        /// `bprm_committed_creds`.
        BprmCommittedCreds = 33 "bprm_committed_creds",
        /// `task_alloc`.
        TaskAlloc = 34 "task_alloc",
        /// `task_free`.
        TaskFree = 35 "task_free",
        /// `bprm_creds_for_exec`.
        BprmCredsForExec = 36 "bprm_creds_for_exec",
        /// `inode_setxattr`.
        InodeSetxattr = 37 "inode_setxattr",
        /// `inode_removexattr`.
        InodeRemovexattr = 38 "inode_removexattr",
        /// `inode_set_acl`.
        InodeSetAcl = 39 "inode_set_acl",
        /// `inode_remove_acl`.
        InodeRemoveAcl = 40 "inode_remove_acl",
        /// `file_fcntl`.
        FileFcntl = 41 "file_fcntl",
        /// `file_lock`.
        FileLock = 42 "file_lock",
        /// `file_receive`.
        FileReceive = 43 "file_receive",
        /// `task_setnice`.
        TaskSetnice = 44 "task_setnice",
        /// `task_setscheduler`.
        TaskSetscheduler = 45 "task_setscheduler",
        /// `task_setioprio`.
        TaskSetioprio = 46 "task_setioprio",
        /// `task_setrlimit`.
        TaskSetrlimit = 47 "task_setrlimit",
        /// `task_prctl`.
        TaskPrctl = 48 "task_prctl",
        /// `task_movememory`.
        TaskMovememory = 49 "task_movememory",
        /// `shm_alloc_security`.
        ShmAllocSecurity = 50 "shm_alloc_security",
        /// `shm_associate`.
        ShmAssociate = 51 "shm_associate",
        /// `shm_shmctl`.
        ShmShmctl = 52 "shm_shmctl",
        /// `shm_shmat`.
        ShmShmat = 53 "shm_shmat",
        /// `sem_alloc_security`.
        SemAllocSecurity = 54 "sem_alloc_security",
        /// `sem_associate`.
        SemAssociate = 55 "sem_associate",
        /// `sem_semctl`.
        SemSemctl = 56 "sem_semctl",
        /// `sem_semop`.
        SemSemop = 57 "sem_semop",
        /// `msg_queue_alloc_security`.
        MsgQueueAllocSecurity = 58 "msg_queue_alloc_security",
        /// `msg_queue_associate`.
        MsgQueueAssociate = 59 "msg_queue_associate",
        /// `msg_queue_msgctl`.
        MsgQueueMsgctl = 60 "msg_queue_msgctl",
        /// `msg_queue_msgsnd`.
        MsgQueueMsgsnd = 61 "msg_queue_msgsnd",
        /// `msg_queue_msgrcv`.
        MsgQueueMsgrcv = 62 "msg_queue_msgrcv",
        /// `sb_mount`.
        SbMount = 63 "sb_mount",
        /// `sb_umount`.
        SbUmount = 64 "sb_umount",
        /// `sb_remount`.
        SbRemount = 65 "sb_remount",
        /// `sb_kern_mount`.
        SbKernMount = 66 "sb_kern_mount",
        /// `sb_pivotroot`.
        SbPivotroot = 67 "sb_pivotroot",
        /// `move_mount`.
        MoveMount = 68 "move_mount",
        /// `path_chroot`.
        PathChroot = 69 "path_chroot",
        /// `userns_create`.
        UsernsCreate = 70 "userns_create",
        /// `key_alloc`.
        KeyAlloc = 71 "key_alloc",
        /// `key_permission`.
        KeyPermission = 72 "key_permission",
        /// `bpf`.
        Bpf = 73 "bpf",
        /// `kernel_read_file`.
        KernelReadFile = 74 "kernel_read_file",
        /// `kernel_load_data`.
        KernelLoadData = 75 "kernel_load_data",
        /// `kernel_module_request`.
        KernelModuleRequest = 76 "kernel_module_request",
        /// `perf_event_open`.
        PerfEventOpen = 77 "perf_event_open",
        /// `locked_down`.
        LockedDown = 78 "locked_down",
        /// `syslog`.
        Syslog = 79 "syslog",
        /// `settime`.
        Settime = 80 "settime",
        /// `quotactl`.
        Quotactl = 81 "quotactl",
        /// `uring_override_creds`.
        UringOverrideCreds = 82 "uring_override_creds",
        /// `uring_sqpoll`.
        UringSqpoll = 83 "uring_sqpoll",
        /// `uring_cmd`.
        UringCmd = 84 "uring_cmd",
        /// `inode_init_security_anon`.
        InodeInitSecurityAnon = 85 "inode_init_security_anon",
        /// `tun_dev_create`.
        TunDevCreate = 86 "tun_dev_create",
        /// `socket_setsockopt`.
        SocketSetsockopt = 87 "socket_setsockopt",
        /// `netlink_send`.
        NetlinkSend = 88 "netlink_send",
        /// `mmap_addr`.
        MmapAddr = 89 "mmap_addr",
        /// `file_permission`.
        FilePermission = 90 "file_permission",
        /// `sctp_bind_connect`.
        SctpBindConnect = 91 "sctp_bind_connect",
        /// `inode_create`.
        InodeCreate = 92 "inode_create",
        /// `inode_unlink`.
        InodeUnlink = 93 "inode_unlink",
    }
}

/// How much of the kernel's surface a domain is decided at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Coverage {
    /// Programs, files, executable memory, sockets, signals, ids and capabilities.
    #[default]
    Core,
    /// All of it: the rest of the hooks as well, by programs of their own.
    Full,
}

impl Coverage {
    /// Every level.
    pub const ALL: &'static [Self] = &[Self::Core, Self::Full];

    /// The name used in text and JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Core => "core",
            Self::Full => "full",
        }
    }

    /// The level of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|level| level.name() == name)
    }
}

impl core::fmt::Display for Coverage {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.pad(self.name())
    }
}

impl Hook {
    /// How many hooks there are; their numbers are below.
    pub const COUNT: usize = Self::ALL.len();

    /// The level from which on it decides.
    pub const fn coverage(self) -> Coverage {
        match self {
            Self::FileFcntl
            | Self::TaskSetrlimit
            | Self::SocketSetsockopt
            | Self::InodeInitSecurityAnon
            | Self::MmapAddr
            | Self::FilePermission
            | Self::SctpBindConnect
            | Self::InodeCreate
            | Self::InodeUnlink => Coverage::Core,
            _ if self as u8 <= Self::BprmCredsForExec as u8 => Coverage::Core,
            _ => Coverage::Full,
        }
    }

    /// True if the hook makes decisions; the others only maintain labels.
    pub const fn decides(self) -> bool {
        !matches!(
            self,
            Self::BprmCommittedCreds | Self::TaskFree | Self::BprmCredsForExec
        )
    }

    /// The operations that the hook decides.
    pub const fn ops(self) -> &'static [Op] {
        match self {
            Self::FileOpen => &[Op::FileOpen, Op::FileCreate, Op::FileTruncate],
            Self::BprmCheckSecurity => &[Op::Exec, Op::ExecDigest],
            Self::BprmCredsFromFile => &[Op::ExecCreds, Op::FileInherit],
            Self::Capset => &[Op::ExecCreds],
            Self::PathMknod => &[Op::FileCreate, Op::FileMknod, Op::NetBind],
            Self::PathUnlink | Self::InodeUnlink => &[Op::FileUnlink],
            Self::PathRename => &[Op::FileRename, Op::FileMknod],
            Self::PathLink => &[Op::FileLink, Op::FileCreate],
            Self::PathSymlink => &[Op::FileSymlink],
            Self::PathMkdir => &[Op::FileMkdir],
            Self::PathRmdir => &[Op::FileRmdir],
            Self::PathTruncate | Self::FileTruncate => &[Op::FileTruncate],
            Self::PathChmod => &[Op::FileChmod],
            Self::PathChown => &[Op::FileChown],
            Self::FileIoctl | Self::FileIoctlCompat => &[Op::FileIoctl],
            Self::MmapFile | Self::FileMprotect => &[Op::MapExec, Op::MapAnon, Op::FileOpen],
            Self::MmapAddr => &[Op::MapAnon],
            Self::FilePermission => &[Op::FileOpen],
            Self::SctpBindConnect => &[Op::NetBind, Op::NetConnect, Op::NetSend],
            Self::InodeCreate => &[Op::FileCreate],
            Self::SocketCreate => &[Op::NetSocket],
            Self::SocketBind => &[Op::NetBind],
            Self::SocketConnect | Self::UnixStreamConnect => &[Op::NetConnect],
            Self::SocketListen => &[Op::NetListen],
            Self::SocketAccept => &[Op::NetAccept],
            Self::SocketSendmsg => &[Op::NetConnect, Op::NetSend, Op::NetOption],
            Self::UnixMaySend => &[Op::NetSend],
            Self::TaskKill => &[Op::TaskSignal],
            Self::PtraceAccessCheck | Self::PtraceTraceme => &[Op::TaskPtrace],
            Self::TaskFixSetuid => &[Op::TaskSetuid, Op::ExecCreds],
            Self::TaskFixSetgid => &[Op::TaskSetgid],
            Self::Capable => &[Op::CapUse],
            Self::InodeSetxattr | Self::InodeSetAcl => &[Op::FileSetxattr],
            Self::InodeRemovexattr | Self::InodeRemoveAcl => &[Op::FileRemovexattr],
            Self::FileFcntl => &[Op::FileFcntl, Op::FileOpen],
            Self::FileLock => &[Op::FileLock],
            Self::FileReceive => &[Op::FileReceive],
            Self::TaskSetnice => &[Op::TaskNice],
            Self::TaskSetscheduler => &[Op::TaskScheduler],
            Self::TaskSetioprio => &[Op::TaskIoprio],
            Self::TaskSetrlimit => &[Op::TaskRlimit],
            Self::TaskPrctl | Self::TaskAlloc => &[Op::TaskPrctl],
            Self::TaskMovememory => &[Op::TaskMemory],
            Self::ShmAllocSecurity | Self::ShmAssociate | Self::ShmShmctl | Self::ShmShmat => {
                &[Op::IpcShm]
            }
            Self::SemAllocSecurity | Self::SemAssociate | Self::SemSemctl | Self::SemSemop => {
                &[Op::IpcSem]
            }
            Self::MsgQueueAllocSecurity
            | Self::MsgQueueAssociate
            | Self::MsgQueueMsgctl
            | Self::MsgQueueMsgsnd
            | Self::MsgQueueMsgrcv => &[Op::IpcMsg],
            Self::SbMount | Self::MoveMount => &[Op::MountMount],
            Self::SbKernMount => &[Op::MountType],
            Self::SbRemount => &[Op::MountReconfigure],
            Self::SbUmount => &[Op::MountUmount],
            Self::SbPivotroot => &[Op::MountPivot],
            Self::PathChroot => &[Op::MountChroot],
            Self::UsernsCreate => &[Op::NsUser],
            Self::KeyAlloc => &[Op::KeyAdd],
            Self::KeyPermission => &[Op::KeyUse],
            Self::Bpf => &[Op::KernelBpf],
            Self::KernelReadFile => &[Op::KernelRead],
            Self::KernelLoadData => &[Op::KernelLoad],
            Self::KernelModuleRequest => &[Op::KernelRequest],
            Self::PerfEventOpen => &[Op::KernelPerf],
            Self::LockedDown => &[Op::KernelLockdown],
            Self::Syslog => &[Op::KernelSyslog],
            Self::Settime => &[Op::KernelSettime],
            Self::Quotactl => &[Op::KernelQuota],
            Self::UringOverrideCreds => &[Op::UringCreds],
            Self::UringSqpoll => &[Op::UringSqpoll],
            Self::UringCmd => &[Op::UringCmd],
            Self::InodeInitSecurityAnon => &[Op::UringSetup, Op::KernelUserfault],
            Self::TunDevCreate => &[Op::NetTun],
            Self::SocketSetsockopt => &[Op::NetOption],
            Self::NetlinkSend => &[Op::NetNetlink],
            Self::BprmCommittedCreds | Self::TaskFree | Self::BprmCredsForExec => &[],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hook_decides_operations_or_keeps_labels() {
        for hook in Hook::ALL {
            assert_eq!(hook.decides(), !hook.ops().is_empty(), "{hook}");
        }
    }

    #[test]
    fn every_operation_is_decided_by_a_hook() {
        for op in Op::ALL.iter().filter(|op| op.family().is_some()) {
            assert!(
                Hook::ALL.iter().any(|hook| hook.ops().contains(op)),
                "{op} is decided by no hook"
            );
        }
    }
}
