// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Objects as text, and text as exact objects.

mod address;
mod exact;
mod parse;
mod write;

use ambit_abi::Op;

pub use address::{AddressText, InetText, parse_port, split_address};
pub use parse::{PATH_EXPECTED, parse_bare_name, parse_digest, parse_object, parse_path_object};
pub use write::{object_text, write_bare_name, write_digest, write_object, write_path};

use crate::names;

/// What kind of object an operation has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `/…`, `deleted:/…`, `foreign:/…`, `memfd:…`, `fs:…`.
    Path,
    /// An address of any family.
    Address,
    /// Family, type and protocol.
    Socket,
    /// A task's relation.
    Relation,
    /// Ids.
    Ids,
    /// Nothing.
    None,
    /// A digest and an executable.
    Digest,
    /// Credentials.
    Creds,
    /// A name of the kernel's.
    Word,
    /// `private`, `key` or `foreign`.
    Ipc,
}

impl Form {
    /// The form of an operation's object.
    pub fn of(op: Op) -> Self {
        match op {
            Op::NetBind | Op::NetConnect | Op::NetListen | Op::NetAccept | Op::NetSend => {
                Self::Address
            }
            Op::NetSocket => Self::Socket,
            Op::TaskSignal
            | Op::TaskPtrace
            | Op::TaskNice
            | Op::TaskScheduler
            | Op::TaskIoprio
            | Op::TaskRlimit
            | Op::TaskMemory => Self::Relation,
            Op::FileSetxattr
            | Op::FileRemovexattr
            | Op::MountType
            | Op::MountReconfigure
            | Op::KeyAdd
            | Op::KeyUse => Self::Word,
            Op::IpcShm | Op::IpcSem | Op::IpcMsg => Self::Ipc,
            Op::TaskSetuid | Op::TaskSetgid => Self::Ids,
            Op::MapAnon
            | Op::CapUse
            | Op::Subject
            | Op::NetTun
            | Op::NetOption
            | Op::TaskPrctl
            | Op::NsUser
            | Op::KernelBpf
            | Op::KernelLoad
            | Op::KernelPerf
            | Op::KernelSyslog
            | Op::KernelSettime
            | Op::KernelQuota
            | Op::KernelUserfault
            | Op::UringSetup
            | Op::UringSqpoll => Self::None,
            op if op.gated_only() => Self::None,
            Op::ExecDigest => Self::Digest,
            Op::ExecCreds | Op::UringCreds => Self::Creds,
            _ => Self::Path,
        }
    }
}

/// Returns the names of a family's protocols in canonical text.
pub(crate) fn canonical_protocols(family: u16) -> &'static names::Table {
    match family {
        2 | 10 => &names::INET_PROTOCOLS,
        16 => &names::NETLINK_PROTOCOLS,
        _ => &[],
    }
}
