// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A checked condition: tests of numbers and texts, joined by And, Or and Not.
//!
//! Every test has a result: a field that an event does not have is 0 or the empty text. So a condition is either true
//! or false, and the order of tests only changes the cost.

use std::collections::BTreeSet;
use std::net::IpAddr;

/// A condition.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Condition {
    /// Always or never true.
    Const(bool),
    /// The negation.
    Not(Box<Condition>),
    /// All of these; never empty.
    And(Vec<Condition>),
    /// Any of these; never empty.
    Or(Vec<Condition>),
    /// A number of the event.
    Number(Number, NumberTest),
    /// A text of the event, or the executables of the subject's chain.
    Text(Text, TextTest),
    /// True if this source has lowered the task's trust; `None` stands for any source.
    Trust(Option<String>),
    /// True if this source was the first cause of the task's lost trust.
    Cause(String),
}

/// A test of an unsigned number.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum NumberTest {
    /// Equal to one of these; never empty.
    In(BTreeSet<u64>),
    /// Less than this.
    Less(u64),
    /// Greater than this.
    Greater(u64),
    /// Any of these bits is set; never 0.
    AnyBit(u64),
}

/// A test of one text. For [`Text::Chain`], it is true if it is true for any of the executables.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TextTest {
    /// The negation.
    Not(Box<TextTest>),
    /// All of these; never empty.
    And(Vec<TextTest>),
    /// Any of these; never empty.
    Or(Vec<TextTest>),
    /// One of these, byte for byte; never empty.
    In(BTreeSet<Vec<u8>>),
    /// Starts with this.
    StartsWith(Vec<u8>),
    /// Ends with this.
    EndsWith(Vec<u8>),
    /// Contains this.
    Contains(Vec<u8>),
    /// A regular expression (the syntax of Rust's `regex`, ASCII classes, bytes) matches somewhere in it.
    Matches(String),
    /// An IP address in one of these networks (address and prefix length). Only for [`Text::ObjectAddress`]; false if
    /// the object is not an address. IPv4 and IPv6 are distinct: `0.0.0.0/0` matches IPv4 addresses only.
    Network(BTreeSet<(IpAddr, u8)>),
}

/// The texts of an event, by their number in `enum ambit_rule_text`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Text {
    /// The object's path, with `{self}`, `{pid}`, `{n}` and `{tmpfile}` for variable parts; `memfd:NAME` and
    /// `fs:TYPE` for files without a path; empty for other objects. For an unlinked file, its last path.
    ObjectPath,
    /// Another name of the object: the type of a key or file system, the name of an attribute or module, an abstract
    /// Unix name without its `@`.
    ObjectName,
    /// The object's IP address.
    ObjectAddress,
    /// The subject's executable, as an object's path.
    Executable,
    /// The executable before it in the chain.
    Parent,
    /// Any executable of the chain, the subject's first.
    Chain,
    /// The task's command name (`comm`), at most 15 bytes.
    Comm,
    /// The task's cgroup in the unified hierarchy, from its root.
    Cgroup,
    /// The task's domain; empty without a label.
    Domain,
}

/// The numbers of an event, by their index in `struct ambit_facts`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Number {
    /// The operation: `enum ambit_op`.
    Op,
    /// The operation's argument.
    Arg,
    /// The kind byte of the object.
    Kind,
    /// The object could not be represented.
    Unrepresentable,
    /// Requested mode bits: create, mkdir, chmod.
    Mode,
    /// The object's port; in recordings, 0 for ephemeral ports.
    Port,
    /// `IPPROTO_*` of an address or of a socket to be made.
    Protocol,
    /// `AF_*` of a socket to be made.
    Family,
    /// `SOCK_*` of a socket to be made.
    SocketType,
    /// `enum ambit_relation` to the task that is signalled or traced.
    Relation,
    /// Requested effective id: setuid, setgid.
    NewId,
    /// Effective user id of the task.
    Uid,
    /// Effective group id of the task.
    Gid,
    /// Real user id of the task.
    RealUid,
    /// Effective capabilities of the task, a mask.
    Caps,
    /// 1 if the task can gain no privileges by exec.
    NoNewPrivs,
    /// Process id in the initial namespace.
    Pid,
    /// Trust bits of the task.
    Trust,
    /// Bit number of the first source that lowered the task's trust; 255 for none.
    Cause,
    /// 1 if the task is in a domain.
    Labelled,
    /// 1 if the task is in a pid namespace other than the initial one.
    Container,
    /// Owner of the file that is opened, executed or mapped.
    FileUid,
    /// Type and permission bits of that file (`st_mode`).
    FileMode,
    /// 1 if an executable of the chain has no text: it is too long, or not the host's.
    ExeUnknown,
    /// 1 if the task is in another mount namespace than the host's.
    ForeignMounts,
}

impl TextTest {
    /// Collects the parts of the test below And, Or and Not.
    pub(crate) fn parts<'t>(&'t self, out: &mut Vec<&'t Self>) {
        match self {
            Self::Not(inner) => inner.parts(out),
            Self::And(items) | Self::Or(items) => {
                for item in items {
                    item.parts(out);
                }
            }
            _ => out.push(self),
        }
    }
}

impl Number {
    /// The number of variants.
    pub const COUNT: usize = Self::ForeignMounts as usize + 1;
}

impl Text {
    /// The number of variants.
    pub const COUNT: usize = Self::Domain as usize + 1;
}
