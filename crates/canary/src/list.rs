// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The list of canaries: one harmless operation of each kind.
//!
//! A harmless operation affects only the canary's own directory, its own process or the loopback interface, and its
//! effects end with the process. This must hold even if nothing refuses the operation.

use ambit_abi::Op;

/// How an operation is performed.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Canary {
    /// With this script of the exerciser. `{d}` stands for the canary's directory, `{ambit}` for this program.
    Perform(&'static str),
    /// For an operation that is only gated: the exerciser first performs `violation`, which the map does not allow. The
    /// refusal lowers its trust, and the gate refuses the operation.
    Gated {
        /// The script of the exerciser, which includes the violation.
        script: &'static str,
        /// The operation that lowers trust.
        violation: Op,
    },
    /// Not at all, for this reason: every way to perform it would do harm.
    Skip(&'static str),
}

use Canary::{Gated, Perform, Skip};

/// Returns the canary of an operation.
pub(crate) fn canary(op: Op) -> Option<Canary> {
    CANARIES
        .iter()
        .find(|(of, _)| *of == op)
        .map(|(_, canary)| *canary)
}

/// The canary's directory contains `file`, which is one page long, and the empty directory `empty`.
const CANARIES: &[(Op, Canary)] = &[
    (Op::Exec, Perform("exec {ambit} act true")),
    (Op::ExecDigest, Perform("true")),
    (Op::ExecCreds, Perform("setuid 65534")),
    (Op::FileOpen, Perform("open-r {d}/file")),
    (Op::FileCreate, Perform("create-excl {d}/new")),
    (Op::FileUnlink, Perform("unlink {d}/file")),
    (Op::FileRename, Perform("rename {d}/file {d}/new")),
    (Op::FileLink, Perform("link {d}/file {d}/new")),
    (Op::FileSymlink, Perform("symlink file {d}/new")),
    (Op::FileMkdir, Perform("mkdir {d}/new")),
    (Op::FileRmdir, Perform("rmdir {d}/empty")),
    (Op::FileMknod, Perform("mknod-fifo {d}/new")),
    (Op::FileTruncate, Perform("truncate {d}/file 1")),
    (Op::FileChmod, Perform("chmod {d}/file 600")),
    (Op::FileChown, Perform("chown {d}/file 0 0")),
    // FIGETBSZ reads the block size of the file system.
    (Op::FileIoctl, Perform("ioctl {d}/file 2")),
    (Op::MapExec, Perform("map-exec {d}/file")),
    (Op::MapAnon, Perform("anon-exec")),
    (Op::NetSocket, Perform("socket inet dgram 0")),
    (Op::NetBind, Perform("bind udp:127.0.0.1:0")),
    // A datagram socket sends nothing when it connects.
    (Op::NetConnect, Perform("connect udp:127.0.0.1:9")),
    (Op::NetListen, Perform("listen tcp:127.0.0.1:0")),
    (Op::NetAccept, Perform("accept-own")),
    (Op::NetSend, Perform("send-own")),
    // Signal 0 checks the permission and sends nothing.
    (Op::TaskSignal, Perform("signal child 0")),
    (Op::TaskPtrace, Perform("ptrace-attach child")),
    (Op::TaskSetuid, Perform("setuid 65534")),
    (Op::TaskSetgid, Perform("setgid 65534")),
    (Op::CapUse, Perform("chroot {d}")),
    (Op::FileSetxattr, Perform("setxattr {d}/file user.ambit x")),
    (
        Op::FileRemovexattr,
        Perform("removexattr {d}/file user.ambit"),
    ),
    (Op::FileFcntl, Perform("fcntl-owner {d}/file")),
    (
        Op::FileLock,
        Gated {
            script: "lock-after-violation {d}/file",
            violation: Op::NetSocket,
        },
    ),
    (Op::FileReceive, Perform("pidfd-getfd {d}/file")),
    (
        Op::FileInherit,
        Perform("keep-open {d}/file , exec {ambit} act true"),
    ),
    (
        Op::NetTun,
        Skip("it would create a network device, which other programs of this machine would notice"),
    ),
    (Op::NetOption, Perform("socket-mark 1")),
    (
        Op::NetNetlink,
        Gated {
            script: "netlink-after-violation",
            violation: Op::MapAnon,
        },
    ),
    (Op::TaskNice, Perform("nice-of child 5")),
    (Op::TaskScheduler, Perform("affinity-of child")),
    (Op::TaskIoprio, Perform("ioprio-of child")),
    (Op::TaskRlimit, Perform("rlimit-of child 0")),
    (Op::TaskPrctl, Perform("dumpable 0")),
    (Op::TaskMemory, Perform("memory-of child")),
    (Op::MountMount, Perform("own-mounts")),
    (Op::MountType, Perform("own-mount {d}/empty")),
    (Op::MountReconfigure, Perform("own-remount {d}/empty")),
    (Op::MountUmount, Perform("own-umount {d}/empty")),
    (Op::MountPivot, Perform("own-pivot {d}/empty")),
    (Op::MountChroot, Perform("chroot {d}")),
    (Op::NsUser, Perform("unshare-user")),
    // With IPC_PRIVATE. The process removes the object, or its end does.
    (Op::IpcShm, Perform("shm-create")),
    (Op::IpcSem, Perform("sem-create")),
    (Op::IpcMsg, Perform("msg-create")),
    // On the keyring of the process.
    (Op::KeyAdd, Perform("key-add user ambit:canary")),
    (Op::KeyUse, Perform("key-read user ambit:canary")),
    (Op::KernelBpf, Perform("bpf-map")),
    // Neither the content of the file nor zeroes are a valid module.
    (Op::KernelRead, Perform("load-module {d}/file")),
    (Op::KernelLoad, Perform("load-module")),
    (
        Op::KernelRequest,
        Gated {
            script: "module-after-violation",
            violation: Op::MapAnon,
        },
    ),
    (Op::KernelPerf, Perform("perf")),
    (
        Op::KernelLockdown,
        Gated {
            script: "port-after-violation",
            violation: Op::MapAnon,
        },
    ),
    (Op::KernelSyslog, Perform("syslog 3")),
    (Op::KernelSettime, Perform("settime-wrong")),
    (Op::KernelQuota, Perform("quota-sync")),
    (Op::KernelUserfault, Perform("userfault")),
    (Op::UringSetup, Perform("uring")),
    (Op::UringSqpoll, Perform("uring-open-sqpoll {d}/file")),
    (Op::UringCreds, Perform("uring-personality")),
    (Op::UringCmd, Perform("uring-cmd")),
];

/// Other ways to executable memory, which other hooks see: operation, name, script of the exerciser. Each calls the memory.
pub(crate) const WAYS: &[(Op, &str, &str)] = &[
    (Op::MapAnon, "mprotect", "code mprotect"),
    (Op::MapAnon, "pkey_mprotect", "code pkey-mprotect"),
    (Op::MapAnon, "stack", "code stack"),
    (Op::MapAnon, "brk, READ_IMPLIES_EXEC", "code-implied brk"),
    (Op::MapAnon, "mmap, READ_IMPLIES_EXEC", "code-implied mmap"),
    (Op::MapExec, "shmat", "code shmat"),
    (Op::MapExec, "mprotect, shared", "code mprotect-shared"),
    (Op::MapAnon, "mremap", "code mremap"),
    (Op::MapAnon, "remap_file_pages", "code remap-file-pages"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_has_a_canary_or_a_reason() {
        for op in Op::ALL.iter().filter(|op| op.family().is_some()) {
            assert!(canary(*op).is_some(), "{op} has no canary and no reason");
        }
        for (op, canary) in CANARIES {
            let same = CANARIES.iter().filter(|(other, _)| other == op);
            assert_eq!(same.count(), 1, "{op} has two");
            let gate = matches!(canary, Gated { .. });
            let (Perform(words) | Skip(words) | Gated { script: words, .. }) = canary;
            assert!(!words.is_empty(), "{op}");
            if !matches!(canary, Skip(_)) {
                assert_eq!(gate, op.gated_only(), "{op}");
            }
        }
    }
}
