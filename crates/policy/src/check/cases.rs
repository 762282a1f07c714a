// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The objects that operations can have, by the fields that they fill. An object is a path, an address, a name or
//! something else, and only the fields of its kind have a value.

use std::collections::BTreeSet;

use ambit_abi as abi;
use ambit_event::Op;
use ambit_event::text::Form;

use crate::condition::{Number, NumberTest, TextTest};
use crate::field::is_name;

/// A kind of object of some operations.
#[derive(Clone, Debug)]
pub(super) struct Case {
    /// Its numbers: each with values that it has, or (`false`) does not have.
    pub(super) numbers: Vec<(Number, bool, NumberTest)>,
    /// The start of its path; `None` if it has no path.
    pub(super) path: Option<TextTest>,
    /// True if it has a name.
    pub(super) is_named: bool,
    /// The kind byte of its address; `None` if it has no address.
    pub(super) address: Option<u8>,
}

/// The numbers that differ between cases.
pub(super) const NUMBERS: [Number; 5] = [
    Number::Op,
    Number::Kind,
    Number::Unrepresentable,
    Number::Port,
    Number::Protocol,
];

const PATH_KINDS: [u8; 5] = [
    abi::KIND_PATH,
    abi::KIND_DELETED,
    abi::KIND_FOREIGN,
    abi::KIND_MEMFD,
    abi::KIND_FSTYPE,
];
/// Kinds with an address, a name, or a protocol of their own.
const OTHER_KINDS: [u8; 6] = [
    abi::KIND_INET4,
    abi::KIND_INET6,
    abi::KIND_UNSPEC,
    abi::KIND_ABSTRACT,
    abi::KIND_WORD,
    abi::KIND_SOCKET,
];

fn one_of(values: impl IntoIterator<Item = u8>) -> NumberTest {
    NumberTest::In(values.into_iter().map(u64::from).collect())
}

/// Returns every case of these operations.
pub(super) fn cases(ops: &[Op]) -> Vec<Case> {
    let numbered = |keep: &dyn Fn(Op) -> bool| -> BTreeSet<u64> {
        let ops = ops.iter().filter(|op| keep(**op));
        ops.map(|op| u64::from(u16::from(*op))).collect()
    };
    let mut cases = Vec::new();
    let mut add = |ops: &BTreeSet<u64>, kinds: &[u8], path: Option<&str>| {
        if !ops.is_empty() {
            cases.push(case(ops, kinds, path));
        }
    };
    let paths = numbered(&|op| matches!(Form::of(op), Form::Path | Form::Address | Form::Digest));
    add(&paths, &[abi::KIND_PATH, abi::KIND_FOREIGN], Some("/"));
    let files = numbered(&|op| matches!(Form::of(op), Form::Path | Form::Digest) && !is_name(op));
    add(&files, &[abi::KIND_DELETED], Some("/"));
    add(&files, &[abi::KIND_MEMFD], Some("memfd:"));
    // Message queues are created and removed without a directory entry that a task sees.
    let queues = numbered(&|op| matches!(op, Op::FileCreate | Op::FileUnlink));
    add(
        &files.union(&queues).copied().collect(),
        &[abi::KIND_FSTYPE],
        Some("fs:"),
    );
    let addresses = numbered(&|op| Form::of(op) == Form::Address);
    for kind in [
        abi::KIND_INET4,
        abi::KIND_INET6,
        abi::KIND_UNSPEC,
        abi::KIND_ABSTRACT,
    ] {
        add(&addresses, &[kind], None);
    }
    let words = numbered(&|op| Form::of(op) == Form::Word);
    add(&words, &[abi::KIND_WORD], None);
    // Everything else, without and with an object that cannot be represented.
    add(&numbered(&|op| Form::of(op) != Form::Socket), &[], None);
    let sockets = numbered(&|op| Form::of(op) == Form::Socket);
    add(&sockets, &[abi::KIND_SOCKET], None);
    cases
}

/// Returns a case. Without kinds: any kind that fills no field of another case.
fn case(ops: &BTreeSet<u64>, kinds: &[u8], path: Option<&str>) -> Case {
    let kind = kinds.first().copied();
    let is_inet = matches!(kind, Some(abi::KIND_INET4 | abi::KIND_INET6));
    let mut numbers = vec![(Number::Op, true, NumberTest::In(ops.clone()))];
    if kinds.is_empty() {
        let others = PATH_KINDS.into_iter().chain(OTHER_KINDS);
        numbers.push((Number::Kind, false, one_of(others)));
    } else {
        numbers.push((Number::Kind, true, one_of(kinds.iter().copied())));
        numbers.push((Number::Unrepresentable, true, one_of([0])));
    }
    // The protocol of an address is one byte: multipath TCP counts as TCP.
    match kind {
        Some(abi::KIND_SOCKET) => {}
        Some(abi::KIND_INET4 | abi::KIND_INET6 | abi::KIND_UNSPEC) => {
            numbers.push((Number::Protocol, true, NumberTest::Less(256)));
        }
        _ => numbers.push((Number::Protocol, true, one_of([0]))),
    }
    if !is_inet {
        numbers.push((Number::Port, true, one_of([0])));
    }
    Case {
        numbers,
        path: path.map(|start| TextTest::StartsWith(start.as_bytes().to_vec())),
        is_named: matches!(kind, Some(abi::KIND_ABSTRACT | abi::KIND_WORD)),
        address: kind.filter(|_| is_inet),
    }
}
