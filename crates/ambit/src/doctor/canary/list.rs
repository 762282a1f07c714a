// SPDX-License-Identifier: Apache-2.0 OR MIT
//! One harmless operation of each kind.
//!
//! Harmless: it touches the canary's own folder, its own process or the loopback interface, and ends with the
//! process. It is performed where nothing refuses it, too.

use ambit_abi::Op;

/// How an operation is tried, or why it is not.
#[derive(Clone, Copy, Debug)]
pub(super) enum Canary {
    /// What the exerciser is told. `{d}` is the canary's folder, `{ambit}` this program.
    Act(&'static str),
    /// The same for what is only gated: the exerciser first does `crime`, which is refused and costs it its trust.
    Gate {
        /// What the exerciser is told.
        act: &'static str,
        /// Part of it, and not allowed.
        crime: Op,
    },
    /// There is nothing that does no harm.
    Not(&'static str),
}

use Canary::{Act, Gate, Not};

/// The canary of an operation.
pub(super) fn canary(op: Op) -> Option<Canary> {
    CANARIES
        .iter()
        .find(|(of, _)| *of == op)
        .map(|(_, canary)| *canary)
}

/// The folder has `file`, a page long, and the empty folder `empty`.
const CANARIES: &[(Op, Canary)] = &[
    (Op::Exec, Act("exec {ambit} act true")),
    (Op::ExecDigest, Act("true")),
    (Op::ExecCreds, Act("setuid 65534")),
    (Op::FileOpen, Act("open-r {d}/file")),
    (Op::FileCreate, Act("create-excl {d}/new")),
    (Op::FileUnlink, Act("unlink {d}/file")),
    (Op::FileRename, Act("rename {d}/file {d}/new")),
    (Op::FileLink, Act("link {d}/file {d}/new")),
    (Op::FileSymlink, Act("symlink file {d}/new")),
    (Op::FileMkdir, Act("mkdir {d}/new")),
    (Op::FileRmdir, Act("rmdir {d}/empty")),
    (Op::FileMknod, Act("mknod-fifo {d}/new")),
    (Op::FileTruncate, Act("truncate {d}/file 1")),
    (Op::FileChmod, Act("chmod {d}/file 600")),
    (Op::FileChown, Act("chown {d}/file 0 0")),
    // FIGETBSZ: how large a block of the file system is
    (Op::FileIoctl, Act("ioctl {d}/file 2")),
    (Op::MapExec, Act("map-exec {d}/file")),
    (Op::MapAnon, Act("anon-exec")),
    (Op::NetSocket, Act("socket inet dgram 0")),
    (Op::NetBind, Act("bind udp:127.0.0.1:0")),
    // A datagram socket sends nothing when it connects.
    (Op::NetConnect, Act("connect udp:127.0.0.1:9")),
    (Op::NetListen, Act("listen tcp:127.0.0.1:0")),
    (Op::NetAccept, Act("accept-own")),
    (Op::NetSend, Act("send-own")),
    // Signal 0 asks whether one could be sent, and sends none.
    (Op::TaskSignal, Act("signal self 0")),
    (Op::TaskPtrace, Act("ptrace-attach child")),
    (Op::TaskSetuid, Act("setuid 65534")),
    (Op::TaskSetgid, Act("setgid 65534")),
    (Op::CapUse, Act("chroot {d}")),
    (Op::FileSetxattr, Act("setxattr {d}/file user.ambit x")),
    (Op::FileRemovexattr, Act("removexattr {d}/file user.ambit")),
    (Op::FileFcntl, Act("fcntl-owner {d}/file")),
    (
        Op::FileLock,
        Gate {
            act: "lock-after-crime {d}/file",
            crime: Op::NetSocket,
        },
    ),
    (Op::FileReceive, Act("pidfd-getfd {d}/file")),
    (
        Op::FileInherit,
        Act("keep-open {d}/file , exec {ambit} act true"),
    ),
    (
        Op::NetTun,
        Not("a network device would come and go, and others on this machine watch for these"),
    ),
    (Op::NetOption, Act("socket-mark 1")),
    (
        Op::NetNetlink,
        Gate {
            act: "netlink-after-crime",
            crime: Op::MapAnon,
        },
    ),
    (Op::TaskNice, Act("nice-of child 5")),
    (Op::TaskScheduler, Act("affinity-of child")),
    (Op::TaskIoprio, Act("ioprio-of child")),
    (Op::TaskRlimit, Act("rlimit-of child 0")),
    (Op::TaskPrctl, Act("dumpable 0")),
    (Op::TaskMemory, Act("memory-of child")),
    (Op::MountMount, Act("own-mounts")),
    (Op::MountType, Act("own-mount {d}/empty")),
    (Op::MountReconfigure, Act("own-remount {d}/empty")),
    (Op::MountUmount, Act("own-umount {d}/empty")),
    (Op::MountPivot, Act("own-pivot {d}/empty")),
    (Op::MountChroot, Act("chroot {d}")),
    (Op::NsUser, Act("unshare-user")),
    // Without a key of the system's: gone when the process is, or removed by it.
    (Op::IpcShm, Act("shm-create")),
    (Op::IpcSem, Act("sem-create")),
    (Op::IpcMsg, Act("msg-create")),
    // On the keyring of the process.
    (Op::KeyAdd, Act("key-add user ambit:canary")),
    (Op::KeyUse, Act("key-read user ambit:canary")),
    (Op::KernelBpf, Act("bpf-map")),
    // Neither the file's dots nor zeroes are a module.
    (Op::KernelRead, Act("load-module {d}/file")),
    (Op::KernelLoad, Act("load-module")),
    (
        Op::KernelRequest,
        Gate {
            act: "module-after-crime",
            crime: Op::MapAnon,
        },
    ),
    (Op::KernelPerf, Act("perf")),
    (
        Op::KernelLockdown,
        Gate {
            act: "port-after-crime",
            crime: Op::MapAnon,
        },
    ),
    (Op::KernelSyslog, Act("syslog 3")),
    (Op::KernelSettime, Act("settime-wrong")),
    (Op::KernelQuota, Act("quota-sync")),
    (Op::KernelUserfault, Act("userfault")),
    (Op::UringSetup, Act("uring")),
    (Op::UringSqpoll, Act("uring-open-sqpoll {d}/file")),
    (Op::UringCreds, Act("uring-personality")),
    (Op::UringCmd, Act("uring-cmd")),
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
            let gate = matches!(canary, Gate { .. });
            let (Act(words) | Not(words) | Gate { act: words, .. }) = canary;
            assert!(!words.is_empty(), "{op}");
            if !matches!(canary, Not(_)) {
                assert_eq!(gate, op.gated_only(), "{op}");
            }
        }
    }
}
