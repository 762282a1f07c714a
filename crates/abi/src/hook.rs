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
    }
}

impl Hook {
    /// How many hooks there are; their numbers are below.
    pub const COUNT: usize = Self::ALL.len();

    /// Whether the hook makes decisions; the others only keep labels.
    pub const fn decides(self) -> bool {
        !matches!(
            self,
            Self::BprmCommittedCreds | Self::TaskAlloc | Self::TaskFree | Self::BprmCredsForExec
        )
    }

    /// The operations that the hook decides: what its program asks about.
    pub const fn ops(self) -> &'static [Op] {
        match self {
            Self::FileOpen => &[Op::FileOpen, Op::FileCreate, Op::FileTruncate],
            Self::BprmCheckSecurity => &[Op::Exec, Op::ExecDigest],
            Self::BprmCredsFromFile | Self::Capset => &[Op::ExecCreds],
            Self::PathMknod => &[Op::FileCreate, Op::FileMknod, Op::NetBind],
            Self::PathUnlink => &[Op::FileUnlink],
            Self::PathRename => &[Op::FileRename],
            Self::PathLink => &[Op::FileLink],
            Self::PathSymlink => &[Op::FileSymlink],
            Self::PathMkdir => &[Op::FileMkdir],
            Self::PathRmdir => &[Op::FileRmdir],
            Self::PathTruncate | Self::FileTruncate => &[Op::FileTruncate],
            Self::PathChmod => &[Op::FileChmod],
            Self::PathChown => &[Op::FileChown],
            Self::FileIoctl | Self::FileIoctlCompat => &[Op::FileIoctl],
            Self::MmapFile | Self::FileMprotect => &[Op::MapExec, Op::MapAnon],
            Self::SocketCreate => &[Op::NetSocket],
            Self::SocketBind => &[Op::NetBind],
            Self::SocketConnect | Self::UnixStreamConnect => &[Op::NetConnect],
            Self::SocketListen => &[Op::NetListen],
            Self::SocketAccept => &[Op::NetAccept],
            Self::SocketSendmsg => &[Op::NetConnect, Op::NetSend],
            Self::UnixMaySend => &[Op::NetSend],
            Self::TaskKill => &[Op::TaskSignal],
            Self::PtraceAccessCheck | Self::PtraceTraceme => &[Op::TaskPtrace],
            Self::TaskFixSetuid => &[Op::TaskSetuid, Op::ExecCreds],
            Self::TaskFixSetgid => &[Op::TaskSetgid],
            Self::Capable => &[Op::CapUse],
            Self::BprmCommittedCreds
            | Self::TaskAlloc
            | Self::TaskFree
            | Self::BprmCredsForExec => &[],
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
