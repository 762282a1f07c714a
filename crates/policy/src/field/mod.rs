// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The fields of conditions: one table for the checker, for examples and for `ambit rules fields`.

mod table;

use ambit_abi::{Hook, KIND_DELETED, Op};
use ambit_event::canonical::is_entry;
use ambit_event::names;

use crate::condition::{Condition, Number, NumberTest, Text};

pub use table::fields;

/// A field of an event. Fields of the same name belong to different operations.
#[derive(Debug)]
pub struct Field {
    /// Its name in conditions and examples.
    pub name: &'static str,
    /// The operations that have it; empty for all.
    pub ops: &'static [Op],
    /// A description of one line.
    pub doc: &'static str,
    pub(crate) meaning: Meaning,
}

/// The value behind a field.
#[derive(Debug)]
pub(crate) enum Meaning {
    /// A text.
    Text(Text),
    /// A number from 0 to this.
    Number(Number, u64),
    /// True if the number has this value.
    Flag(Number, u64),
    /// True if any of these bits is set.
    Bits(Number, u64),
    /// A word for the number.
    Words(Number, &'static names::Table, Numbered),
    /// A word for the type in the mode of a file.
    FileType,
    /// The name of the operation.
    Operation,
    /// The object's IP address.
    Address,
    /// The executables of the subject's chain.
    Chain,
    /// The names of the task's capabilities.
    Caps,
    /// The sources that have lowered the task's trust.
    Trust,
    /// True if any source has lowered the task's trust.
    Untrusted,
    /// The first source that lowered it.
    Cause,
}

/// Tells if a number can be written in place of a word, for values that newer kernels add.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Numbered {
    Yes,
    No,
}

/// How far the file type is shifted in `st_mode`.
pub(crate) const TYPE_SHIFT: u32 = 12;

impl Field {
    /// The name of its type.
    pub fn type_name(&self) -> &'static str {
        match self.meaning {
            Meaning::Text(_) => "string",
            Meaning::Number(..) => "number",
            Meaning::Flag(..) | Meaning::Bits(..) | Meaning::Untrusted => "bool",
            Meaning::Words(..) | Meaning::FileType | Meaning::Operation => "word",
            Meaning::Address => "address",
            Meaning::Chain | Meaning::Caps | Meaning::Trust => "list of strings",
            Meaning::Cause => "source",
        }
    }

    /// The words that it can be compared with; empty if any value is possible.
    pub fn values(&self) -> Vec<&'static str> {
        match self.meaning {
            Meaning::Words(_, table, _) => names::all(table).collect(),
            Meaning::FileType => names::all(&table::FILE_TYPES).collect(),
            Meaning::Caps => names::all(&names::CAPABILITIES).collect(),
            Meaning::Operation => Op::ALL
                .iter()
                .filter(|op| can_match(**op))
                .map(|op| op.name())
                .collect(),
            Meaning::Trust | Meaning::Cause => names::all(&names::TRUST_SOURCES).collect(),
            _ => Vec::new(),
        }
    }

    /// Its text, if it is a text field.
    pub fn text(&self) -> Option<Text> {
        match self.meaning {
            Meaning::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The number behind it, for numbers, words and booleans.
    pub fn number(&self) -> Option<Number> {
        match self.meaning {
            Meaning::Number(number, _)
            | Meaning::Flag(number, _)
            | Meaning::Bits(number, _)
            | Meaning::Words(number, ..) => Some(number),
            _ => None,
        }
    }

    /// True if an operation has this field.
    pub fn is_of(&self, op: Op) -> bool {
        self.ops.is_empty() || self.ops.contains(&op)
    }

    /// True if an object of the operation can have this field: the name of a directory entry is never one of an unlinked
    /// file.
    pub fn can_apply(&self, op: Op) -> bool {
        let of_unlinked = matches!(self.meaning, Meaning::Flag(Number::Kind, kind) if kind == u64::from(KIND_DELETED));
        self.is_of(op) && !(of_unlinked && is_name(op))
    }

    /// True if its number has another meaning for operations without the field.
    pub(crate) fn is_shared(&self) -> bool {
        match self.meaning {
            Meaning::Number(number, _)
            | Meaning::Flag(number, _)
            | Meaning::Bits(number, _)
            | Meaning::Words(number, ..) => {
                !self.ops.is_empty() && !matches!(number, Number::Kind | Number::Unrepresentable)
            }
            Meaning::FileType => true,
            _ => false,
        }
    }

    /// The number of one of its words; for file types, shifted to bit 0.
    pub(crate) fn word(&self, word: &str) -> Option<u32> {
        match self.meaning {
            Meaning::Words(_, table, _) => names::number_of(table, word),
            Meaning::FileType => names::number_of(&table::FILE_TYPES, word),
            Meaning::Caps => names::number_of(&names::CAPABILITIES, word),
            _ => None,
        }
    }
}

/// True if the operation's object is a name in a directory, or the place of a mount or a socket: the kernel part builds it
/// by `object_dentry`, `object_linked` or `object_unix`. Its path begins with a slash and is never one of an unlinked file.
pub(crate) const fn is_name(op: Op) -> bool {
    is_entry(op)
        || matches!(
            op,
            Op::NetBind
                | Op::NetConnect
                | Op::NetListen
                | Op::NetAccept
                | Op::NetSend
                | Op::MountMount
                | Op::MountUmount
                | Op::MountPivot
                | Op::MountChroot
        )
}

/// Returns the field that a test reads, for an operation; `None` for constants.
pub(crate) fn asked_by(leaf: &Condition, op: Op) -> Option<&'static str> {
    let is = |field: &&Field| match (&field.meaning, leaf) {
        (Meaning::Text(own), Condition::Text(text, _)) => own == text,
        (Meaning::Address, Condition::Text(text, _)) => *text == Text::ObjectAddress,
        (Meaning::Chain, Condition::Text(text, _)) => *text == Text::Chain,
        (Meaning::Bits(own, mask), Condition::Number(number, NumberTest::AnyBit(asked))) => {
            own == number && mask & asked != 0
        }
        (
            Meaning::Number(own, _) | Meaning::Flag(own, _) | Meaning::Words(own, ..),
            Condition::Number(number, _),
        ) => own == number,
        (Meaning::FileType, Condition::Number(number, _)) => *number == Number::FileMode,
        (Meaning::Caps, Condition::Number(number, _)) => *number == Number::Caps,
        (Meaning::Operation, Condition::Number(number, _)) => *number == Number::Op,
        (Meaning::Trust, Condition::Trust(Some(_)))
        | (Meaning::Untrusted, Condition::Trust(None))
        | (Meaning::Cause, Condition::Cause(_)) => true,
        _ => false,
    };
    let of = || fields().iter().filter(|field| field.is_of(op));
    // A field of exactly these bits takes precedence, then fields of some of them over the file type, which is in the
    // same number.
    let exact = |field: &&Field| match (&field.meaning, leaf) {
        (Meaning::Bits(own, mask), Condition::Number(number, NumberTest::AnyBit(asked))) => {
            own == number && mask == asked
        }
        _ => false,
    };
    let bits = |field: &&Field| matches!(field.meaning, Meaning::Bits(..));
    of().find(exact)
        .or_else(|| of().filter(bits).find(is))
        .or_else(|| of().find(is))
        .map(|field| field.name)
}

/// True if rules can match the operation: the kernel part evaluates rules at one of its hooks.
pub fn can_match(op: Op) -> bool {
    // The first three are evaluated as other operations; the last two are internal.
    !matches!(
        op,
        Op::ExecDigest | Op::ExecCreds | Op::FileInherit | Op::Name | Op::Subject
    )
}

/// True if the rule program of a hook evaluates the operation. Where a hook decides an operation for maps only, rules are
/// evaluated at the operation's own hook: for rules, append is a kind of write, so they see such a file when it is opened.
pub fn is_evaluated(hook: Hook, op: Op) -> bool {
    can_match(op)
        && hook.ops().contains(&op)
        && !matches!(
            (hook, op),
            (Hook::FileOpen, Op::FileCreate | Op::FileTruncate)
                | (
                    Hook::MmapFile | Hook::FileMprotect | Hook::FileFcntl | Hook::FilePermission,
                    Op::FileOpen
                )
        )
}

/// True if this is a valid rule id.
pub(crate) fn is_id(text: &str) -> bool {
    (1..=63).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}

/// True if this is a valid domain name.
pub(crate) fn is_domain(text: &[u8]) -> bool {
    !text.starts_with(b".") && !text.starts_with(b"-") && std::str::from_utf8(text).is_ok_and(is_id)
}
