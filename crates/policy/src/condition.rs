// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What a condition is once it was checked: tests of numbers and of texts, joined by and, or and not.
//!
//! Every test is total: a field that an event does not have is 0, or the empty text. So there is no third value beside
//! true and false, and the order of tests changes nothing but their cost.

use std::collections::BTreeSet;
use std::net::IpAddr;

/// A condition.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Condition {
    /// Always, or never.
    Const(bool),
    /// Not this.
    Not(Box<Condition>),
    /// All of these; never empty.
    And(Vec<Condition>),
    /// Any of these; never empty.
    Or(Vec<Condition>),
    /// A number of the event.
    Number(Number, NumberTest),
    /// A text of the event, or the executables of the subject's chain.
    Text(Text, TextTest),
    /// Whether a source has lowered the task's trust; `None` for any.
    Trust(Option<String>),
    /// Whether the first cause of the task's trust status is this source's.
    Cause(String),
}

/// A test of an unsigned number.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum NumberTest {
    /// Equal to one of these; never empty.
    In(BTreeSet<u64>),
    /// Below.
    Less(u64),
    /// Above.
    Greater(u64),
    /// Any of these bits is set; never 0.
    AnyBit(u64),
}

/// A test of one text. For [`Text::Chain`] it holds if it holds for any of the executables.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TextTest {
    /// Not this.
    Not(Box<TextTest>),
    /// All of these; never empty.
    And(Vec<TextTest>),
    /// Any of these; never empty.
    Or(Vec<TextTest>),
    /// One of these, byte for byte; never empty.
    In(BTreeSet<Vec<u8>>),
    /// Begins with this.
    StartsWith(Vec<u8>),
    /// Ends with this.
    EndsWith(Vec<u8>),
    /// Has this in it.
    Contains(Vec<u8>),
    /// A regular expression (the syntax of Rust's `regex`, ASCII classes, bytes) matches somewhere in it.
    Matches(String),
    /// An IP address in one of these networks: address and prefix length. Only for [`Text::ObjectAddress`]; never
    /// holds for what is no address. IPv4 and IPv6 are apart: `0.0.0.0/0` is any IPv4 address.
    Network(BTreeSet<(IpAddr, u8)>),
}

/// The texts of an event, by their number in `enum ambit_rule_text`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Text {
    /// The object's path, with `{self}`, `{pid}`, `{n}` and `{tmpfile}` for what varies by nature; `memfd:NAME` and
    /// `fs:TYPE` for what has no path. Not there for other objects. Of an unlinked file, the path that it had.
    ObjectPath,
    /// Another name of the object: a key's or a file system's type, an attribute's or a module's name, an abstract
    /// unix name without its `@`.
    ObjectName,
    /// The object's IP address.
    ObjectAddress,
    /// The subject's executable, as an object's path.
    Executable,
    /// The executable before it in the chain.
    Parent,
    /// Any executable of the chain, the subject's first.
    Chain,
    /// What the task calls itself, at most 15 bytes.
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
    /// Mode bits that are asked for: create, mkdir, chmod.
    Mode,
    /// The object's port; in a recording 0 where it is ephemeral.
    Port,
    /// `IPPROTO_*` of an address or of a socket to be made.
    Protocol,
    /// `AF_*` of a socket to be made.
    Family,
    /// `SOCK_*` of a socket to be made.
    SocketType,
    /// `enum ambit_relation` to the task that is signalled or traced.
    Relation,
    /// The effective id that is asked for: setuid, setgid.
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
    /// Bit number of the source that was first to lower the task's trust; 255 for none.
    Cause,
    /// 1 if the task is in a domain.
    Labelled,
    /// 1 if the task is in a pid namespace other than the initial one.
    Container,
    /// Owner of the file that is opened, executed or mapped.
    FileUid,
    /// Type and permission bits of that file (`st_mode`).
    FileMode,
}

impl Number {
    /// How many there are.
    pub const COUNT: usize = Self::FileMode as usize + 1;
}

impl Text {
    /// How many there are.
    pub const COUNT: usize = Self::Domain as usize + 1;
}
