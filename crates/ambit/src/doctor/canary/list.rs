// SPDX-License-Identifier: Apache-2.0 OR MIT
//! One harmless operation of each kind.
//!
//! Harmless: it touches the canary's own folder, its own process or the loopback interface, and ends with the
//! process. It is performed where nothing refuses it, too.

use ambit_abi::Op;

/// How an operation is tried.
#[derive(Clone, Copy, Debug)]
pub(super) enum Canary {
    /// What the actor is told. `{d}` is the canary's folder, `{ambit}` this program.
    Act(&'static str),
}

use Canary::Act;

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
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_has_a_canary() {
        for op in Op::ALL.iter().filter(|op| op.family().is_some()) {
            assert!(canary(*op).is_some(), "{op} has no canary and no reason");
        }
        for (op, canary) in CANARIES {
            let same = CANARIES.iter().filter(|(other, _)| other == op);
            assert_eq!(same.count(), 1, "{op} has two");
            let Act(words) = canary;
            assert!(!words.is_empty(), "{op}");
        }
    }
}
