// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Operations with their arguments, and the parts of a rule's text.

use std::fmt::{self, Write};

use ambit_abi::{self as abi, Op};

use crate::word::cut;
use crate::{Object, TextError, TextErrorKind, arguments, named, names, nearest, text};

/// An operation and its argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Operation {
    /// The operation.
    pub op: Op,
    /// A mask or a number; zero if the operation has no argument.
    pub arg: u32,
}

/// A rule's text, split into its operation and its object's text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SplitRule<'a> {
    /// The operation and its argument.
    pub operation: Operation,
    /// The object's text; empty if the operation has no object.
    pub object: &'a str,
    /// The position of the object's text.
    pub at: usize,
}

const OPEN: [(u32, char); 4] = [
    (abi::OPEN_READ, 'r'),
    (abi::OPEN_WRITE, 'w'),
    (abi::OPEN_APPEND, 'a'),
    (abi::OPEN_EXEC, 'x'),
];

/// How an operation's argument is written.
enum ArgForm {
    None,
    Open,
    /// The text may be left out for zero.
    Optional(&'static names::Table, &'static str),
    Word(&'static names::Table, &'static str),
    /// A name out of a table, or the prefix and a number.
    Named {
        table: &'static names::Table,
        prefix: &'static str,
        what: &'static str,
    },
    Request,
    Signal,
    Capability,
}

fn arg_form(op: Op) -> ArgForm {
    match op {
        Op::FileOpen | Op::FileReceive | Op::FileInherit => ArgForm::Open,
        Op::FileCreate | Op::FileChmod => {
            ArgForm::Optional(&arguments::SET_IDS, "`suid`, `sgid` or `suid,sgid`")
        }
        Op::FileRename | Op::FileLink => ArgForm::Word(&arguments::ENDS, "`from` or `to`"),
        Op::FileMknod => ArgForm::Word(&arguments::NODES, "`fifo`, `chr` or `blk`"),
        Op::MapExec => ArgForm::Optional(&arguments::MAPPINGS, "`dirty`, `write` or `dirty,write`"),
        Op::FileIoctl | Op::KernelQuota | Op::UringCmd => ArgForm::Request,
        Op::FileFcntl => {
            ArgForm::Word(&arguments::FCNTLS, "`owner`, `signal`, `lease` or `notify`")
        }
        Op::NetOption => ArgForm::Word(
            &arguments::SOCKET_OPTIONS,
            "`filter`, `bpf`, `mark`, `device`, `tables`, `repair`, `route` or `ulp`",
        ),
        Op::TaskPrctl => ArgForm::Word(
            &arguments::PRCTLS,
            "`mm`, `ptracer`, `dumpable`, `keepcaps`, `securebits`, `ambient` or `cgroup`",
        ),
        Op::MountMount => ArgForm::Word(
            &arguments::MOUNTS,
            "`new`, `bind`, `remount`, `move` or `propagate`",
        ),
        Op::IpcShm | Op::IpcSem | Op::IpcMsg => ArgForm::Word(
            &arguments::IPC_ACCESSES,
            "`create`, `get`, `read`, `write`, `stat`, `control` or `remove`",
        ),
        Op::KeyUse => ArgForm::Word(
            &arguments::KEY_ACCESSES,
            "`read`, `write`, `link` or `setattr`",
        ),
        Op::KernelRead | Op::KernelLoad => ArgForm::Word(
            &arguments::LOADS,
            "`module`, `firmware`, `kexec`, `initramfs`, `policy`, `certificate` or `other`",
        ),
        Op::TaskRlimit => ArgForm::Named {
            table: &names::RLIMITS,
            prefix: "limit",
            what: "limit",
        },
        Op::KernelBpf => ArgForm::Named {
            table: &names::BPF_COMMANDS,
            prefix: "cmd",
            what: "command of bpf(2)",
        },
        Op::KernelSyslog => ArgForm::Named {
            table: &names::SYSLOG_ACTIONS,
            prefix: "action",
            what: "action of syslog(2)",
        },
        Op::TaskSignal => ArgForm::Signal,
        Op::TaskPtrace => ArgForm::Word(&arguments::PTRACES, "`read`, `attach` or `traceme`"),
        Op::CapUse => ArgForm::Capability,
        _ => ArgForm::None,
    }
}

impl Operation {
    /// Creates an operation without argument.
    pub const fn plain(op: Op) -> Self {
        Self { op, arg: 0 }
    }

    /// Appends a rule's canonical text.
    pub fn write_rule(self, object: &Object, out: &mut String) {
        let mut object_text = String::new();
        text::write_object(&mut object_text, self.op, object);
        self.write_rule_text(&object_text, out);
    }

    /// Returns a rule's canonical text.
    pub fn rule(self, object: &Object) -> String {
        let mut out = String::with_capacity(48);
        self.write_rule(object, &mut out);
        out
    }

    /// Appends a rule's text with an object that is text already, such as a pattern.
    pub fn write_rule_text(self, object: &str, out: &mut String) {
        out.push_str(self.op.name());
        if self.op == Op::TaskSignal {
            out.push(' ');
            out.push_str(object);
        }
        // Writing to a String does not fail.
        let _ = self.write_arg(out);
        if self.op != Op::TaskSignal && !object.is_empty() {
            out.push(' ');
            out.push_str(object);
        }
    }

    fn write_arg(self, out: &mut String) -> fmt::Result {
        let arg = self.arg;
        match arg_form(self.op) {
            ArgForm::None | ArgForm::Optional(..) if arg == 0 => Ok(()),
            ArgForm::Open if arg == 0 => out.write_str(" -"),
            ArgForm::Open if arg < 16 => {
                out.push(' ');
                out.extend(
                    OPEN.iter()
                        .filter(|(bit, _)| arg & bit != 0)
                        .map(|(_, letter)| letter),
                );
                Ok(())
            }
            ArgForm::Optional(table, _) | ArgForm::Word(table, _) => {
                match names::name_of(table, arg) {
                    Some(name) => write!(out, " {name}"),
                    None => write!(out, " {arg:#x}"),
                }
            }
            ArgForm::Signal => {
                out.push(' ');
                names::write_numbered(out, &names::SIGNALS, "", arg)
            }
            ArgForm::Capability => {
                out.push(' ');
                names::write_numbered(out, &names::CAPABILITIES, "cap", arg)
            }
            ArgForm::Named { table, prefix, .. } => {
                out.push(' ');
                names::write_numbered(out, table, prefix, arg)
            }
            ArgForm::Request | ArgForm::None | ArgForm::Open => write!(out, " {arg:#x}"),
        }
    }

    /// Splits a rule's text. The object's text may be a pattern.
    pub fn split(text: &str) -> Result<SplitRule<'_>, TextError> {
        let (word, rest) = cut(text, 0);
        let Some(op) = Op::from_name(word).filter(|op| !matches!(op, Op::Name | Op::Subject))
        else {
            let known = Op::ALL
                .iter()
                .filter(|op| op.family().is_some())
                .map(|op| op.name());
            return Err(TextError::new(
                0..word.len(),
                TextErrorKind::UnknownOperation {
                    nearest: nearest(word, known),
                },
            ));
        };
        if matches!(op, Op::ExecDigest | Op::ExecCreds) || op.gated_only() {
            return Err(TextError::new(0..word.len(), TextErrorKind::NotARule(op)));
        }
        match arg_form(op) {
            ArgForm::None => Ok(rule(text, op, 0, rest)),
            ArgForm::Optional(table, expected) => {
                let (word, after) = cut(text, rest);
                match names::number_of(table, word).or_else(|| odd_mask(table, word)) {
                    Some(arg) => Ok(rule(text, op, arg, after)),
                    // Neither an argument nor an object: an error in the argument.
                    None if word.contains(['/', ':']) || word.is_empty() => {
                        Ok(rule(text, op, 0, rest))
                    }
                    None => Err(argument(rest, word, expected)),
                }
            }
            ArgForm::Open => {
                let (word, after) = cut(text, rest);
                let arg = open_mask(word)
                    .ok_or_else(|| argument(rest, word, "letters out of `rwax`, in that order"))?;
                Ok(rule(text, op, arg, after))
            }
            ArgForm::Word(table, expected) => {
                let (word, after) = cut(text, rest);
                let arg = names::number_of(table, word)
                    .or_else(|| odd_mask(table, word))
                    .ok_or_else(|| argument(rest, word, expected))?;
                Ok(rule(text, op, arg, after))
            }
            ArgForm::Request => {
                let (word, after) = cut(text, rest);
                let arg = request(op, rest, word)?;
                Ok(rule(text, op, arg, after))
            }
            ArgForm::Signal => Self::split_signal(text, rest),
            ArgForm::Named {
                table,
                prefix,
                what,
            } => {
                let (word, after) = cut(text, rest);
                let arg = parse_named(table, prefix, what, rest, word)?;
                Ok(rule(text, op, arg, after))
            }
            ArgForm::Capability => {
                let (word, after) = cut(text, rest);
                let arg = parse_named(&names::CAPABILITIES, "cap", "capability", rest, word)?;
                Ok(rule(text, op, arg, after))
            }
        }
    }

    fn split_signal(text: &str, rest: usize) -> Result<SplitRule<'_>, TextError> {
        let (relation, after) = cut(text, rest);
        let (word, end) = cut(text, after);
        if word.is_empty() {
            return Err(argument(after, word, "a signal such as `TERM`"));
        }
        let arg = parse_named(&names::SIGNALS, "", "signal", after, word)?;
        let (trailing, _) = cut(text, end);
        if !trailing.is_empty() {
            return Err(TextError::new(
                end..end + trailing.len(),
                TextErrorKind::Trailing,
            ));
        }
        Ok(SplitRule {
            operation: Self {
                op: Op::TaskSignal,
                arg,
            },
            object: relation,
            at: rest,
        })
    }

    /// Reads a rule with an exact object.
    pub fn parse_rule(text: &str) -> Result<(Self, Object), TextError> {
        let split = Self::split(text)?;
        let object = text::parse_object(split.operation.op, split.object)
            .map_err(|error| error.shifted(split.at))?;
        Ok((split.operation, object))
    }

    /// True if the operation can have this argument.
    pub fn is_sound(self) -> bool {
        match arg_form(self.op) {
            ArgForm::None => {
                self.arg == 0
                    || matches!(
                        self.op,
                        Op::ExecCreds | Op::ExecDigest | Op::Name | Op::Subject
                    )
            }
            _ => true,
        }
    }
}

fn rule(text: &str, op: Op, arg: u32, at: usize) -> SplitRule<'_> {
    let object = text.get(at..).unwrap_or_default().trim_end_matches(' ');
    SplitRule {
        operation: Operation { op, arg },
        object,
        at,
    }
}

fn argument(at: usize, word: &str, expected: &'static str) -> TextError {
    TextError::new(at..at + word.len(), TextErrorKind::Argument { expected })
}

fn parse_named(
    table: &'static names::Table,
    prefix: &str,
    what: &'static str,
    at: usize,
    word: &str,
) -> Result<u32, TextError> {
    names::parse_numbered(table, prefix, word).ok_or_else(|| {
        let nearest = nearest(word, names::all(table));
        TextError::new(at..at + word.len(), TextErrorKind::Name { what, nearest })
    })
}

/// Reads a request: a number, or the kernel's name for it.
fn request(op: Op, at: usize, word: &str) -> Result<u32, TextError> {
    let number = if op == Op::KernelQuota {
        named::quota_number(word)
    } else {
        named::request_number(word)
    };
    hex(word).or(number).ok_or_else(|| {
        let is_name = word.starts_with(|c: char| c.is_ascii_uppercase());
        match nearest(word, named::request_names()).filter(|_| is_name) {
            Some(nearest) => TextError::new(
                at..at + word.len(),
                TextErrorKind::Name {
                    what: "request",
                    nearest: Some(nearest),
                },
            ),
            None => argument(at, word, "a request such as `TCGETS` or `0x5401`"),
        }
    })
}

fn hex(word: &str) -> Option<u32> {
    let digits = word.strip_prefix("0x")?;
    digits
        .bytes()
        .all(|byte| byte.is_ascii_hexdigit())
        .then(|| u32::from_str_radix(digits, 16).ok())
        .flatten()
}

/// Reads an argument without a word, which a newer kernel part may use.
fn odd_mask(table: &names::Table, word: &str) -> Option<u32> {
    hex(word).filter(|arg| names::name_of(table, *arg).is_none())
}

fn open_mask(word: &str) -> Option<u32> {
    if word == "-" {
        return Some(0);
    }
    if let Some(mask) = hex(word) {
        return (mask >= 16).then_some(mask);
    }
    let mut mask = 0;
    let mut rest = word;
    for (bit, letter) in OPEN {
        if let Some(after) = rest.strip_prefix(letter) {
            mask |= bit;
            rest = after;
        }
    }
    (rest.is_empty() && mask != 0).then_some(mask)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn errors_list_the_words_of_their_table() {
        for &op in Op::ALL {
            let (ArgForm::Word(table, expected) | ArgForm::Optional(table, expected)) =
                arg_form(op)
            else {
                continue;
            };
            let listed: BTreeSet<&str> = expected.split('`').skip(1).step_by(2).collect();
            let words: BTreeSet<&str> = names::all(table).collect();
            assert_eq!(listed, words, "{}", op.name());
        }
    }
}
