// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Errors in records of the ring and in texts that people write.

use std::ops::Range;

use ambit_abi::{Op, Unknown};

/// An object's bytes are not in canonical form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ObjectError {
    /// The kind byte is missing.
    #[error("the object is empty")]
    Empty,
    /// No object has this kind.
    #[error("unknown kind of object {0:#04x}")]
    UnknownKind(u8),
    /// The payload is shorter or longer than its kind requires.
    #[error("payload of {found} bytes, but kind {kind:?} has {expected}")]
    Length {
        /// The kind.
        kind: char,
        /// Bytes of payload.
        found: usize,
        /// Bytes that this kind has.
        expected: usize,
    },
    /// Longer than the canonical form allows.
    #[error("object of {0} bytes is longer than {max}", max = ambit_abi::PATH_MAX)]
    TooLong(usize),
    /// A path does not begin with a slash.
    #[error("the path does not begin with a slash")]
    NotAbsolute,
    /// A path has two slashes in a row, or ends in one.
    #[error("a component of the path is empty")]
    EmptyComponent,
    /// A path has a component `.` or `..`.
    #[error("a component of the path is `.` or `..`")]
    DotComponent,
    /// A NUL is not followed by the letter of a class.
    #[error("a NUL in the path is not followed by a class")]
    BadMarker,
    /// A NUL in a name that cannot contain one.
    #[error("the name contains a NUL")]
    Nul,
    /// A field has a value that the canonical form does not use.
    #[error("{field} has the value {value}")]
    Value {
        /// The field.
        field: &'static str,
        /// Its value.
        value: u32,
    },
}

/// A record of the ring cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// Shorter than its header.
    #[error("record of {found} bytes is shorter than its header ({})", size_of::<ambit_abi::Event>())]
    Short {
        /// Bytes that were found.
        found: usize,
    },
    /// The object is cut off.
    #[error("record has {found} bytes of object, but its header announces {expected}")]
    Truncated {
        /// Bytes that were found.
        found: usize,
        /// Bytes that the header announces.
        expected: usize,
    },
    /// A number has no meaning.
    #[error("reading the record's header")]
    Unknown(#[from] Unknown),
    /// The object is not canonical.
    #[error("reading the record's object")]
    Object(#[from] ObjectError),
}

/// Text that is not a rule or an object, with where and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind}")]
pub struct TextError {
    /// Bytes of the text that are wrong.
    pub span: Range<usize>,
    /// The error.
    pub kind: TextErrorKind,
}

impl TextError {
    pub(crate) fn new(span: Range<usize>, kind: TextErrorKind) -> Self {
        Self { span, kind }
    }

    /// The same error, where the text began `by` bytes later.
    #[must_use]
    pub fn shifted(mut self, by: usize) -> Self {
        self.span = self.span.start.saturating_add(by)..self.span.end.saturating_add(by);
        self
    }

    /// Returns a correction, if one is known.
    pub fn help(&self) -> Option<String> {
        self.kind.help()
    }
}

/// An error in a text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TextErrorKind {
    /// No operation has this name.
    #[error("unknown operation")]
    UnknownOperation {
        /// The known one nearest to it.
        nearest: Option<&'static str>,
    },
    /// The operation exists, but is not written as a rule.
    #[error("`{}` is not a rule", .0.name())]
    NotARule(Op),
    /// The argument is missing or is not one that the operation has.
    #[error("expected {expected}")]
    Argument {
        /// What the operation takes.
        expected: &'static str,
    },
    /// The object is missing or is of another kind than the operation has.
    #[error("expected {expected}")]
    Object {
        /// What the operation takes.
        expected: &'static str,
    },
    /// The operation has no object.
    #[error("expected the end of the rule")]
    Trailing,
    /// No class has this name.
    #[error("unknown class")]
    UnknownClass {
        /// The known one nearest to it.
        nearest: Option<&'static str>,
    },
    /// A pattern instead of an exact object.
    #[error("a pattern cannot be used here")]
    Pattern,
    /// A backslash before a character that needs none.
    #[error("unknown escape")]
    Escape,
    /// A character that is invisible or changes how others are shown.
    #[error("character U+{:04X} is invisible", u32::from(*.0))]
    Hidden(char),
    /// `\x00` in a name that cannot contain a NUL.
    #[error("a name cannot contain a NUL")]
    Nul,
    /// A path with an empty component, or with `.` or `..`.
    #[error("not a canonical path: {0}")]
    Path(ObjectError),
    /// A brace that is never closed.
    #[error("the brace is never closed")]
    UnclosedBrace,
    /// A closing brace without an opening one.
    #[error("this closing brace has no opening one")]
    UnopenedBrace,
    /// `{a,}`.
    #[error("an alternative is empty")]
    EmptyAlternative,
    /// Braces within braces, too deep.
    #[error("braces are nested deeper than {0}")]
    Nesting(usize),
    /// A pattern with too many elements.
    #[error("the pattern is too large")]
    Size,
    /// Not an IP address, or not in its canonical form.
    #[error("expected an IPv4 address or an IPv6 address in brackets")]
    Address,
    /// A prefix length that the address does not have.
    #[error("expected a prefix length of at most {max}")]
    Prefix {
        /// Bits of the address.
        max: u8,
    },
    /// Address bits after the prefix.
    #[error("the address has bits set beyond its prefix")]
    PrefixBits {
        /// The network it belongs to.
        network: std::net::IpAddr,
    },
    /// Not a port.
    #[error("expected a port: a number, `first-last`, `ephemeral` or `*`")]
    Port,
    /// A range of ports that ends before it begins.
    #[error("the range of ports is empty")]
    PortRange,
    /// A name that its table does not contain.
    #[error("unknown {what}")]
    Name {
        /// What the name belongs to.
        what: &'static str,
        /// The known one nearest to it.
        nearest: Option<&'static str>,
    },
    /// Not `sha256:` and 64 hex digits.
    #[error("expected `sha256:` and 64 hex digits")]
    Digest,
}

impl TextErrorKind {
    /// Returns a correction, if one is known.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::UnknownOperation {
                nearest: Some(name),
            }
            | Self::Name {
                nearest: Some(name),
                ..
            } => Some(format!("did you mean `{name}`?")),
            Self::UnknownClass {
                nearest: Some(name),
            } => Some(format!("did you mean `{{{name}}}`?")),
            Self::UnknownClass { nearest: None } => {
                Some("a literal brace is written `\\{`; alternatives need a comma".to_owned())
            }
            Self::NotARule(Op::ExecDigest) => Some("use the subject's key `digest`".to_owned()),
            Self::NotARule(op) if op.gated_only() => Some(
                "whether it occurs depends on timing, so maps do not contain it; `respond: untrusted:` can refuse it to untrusted tasks"
                    .to_owned(),
            ),
            Self::NotARule(Op::ExecCreds) => Some("use the subject's key `creds`".to_owned()),
            Self::Pattern => {
                Some("write `\\*`, `\\{`, `\\}` for the characters themselves".to_owned())
            }
            Self::Escape => Some(
                "a backslash escapes `* { } , \\`; any other byte is written `\\xNN`".to_owned(),
            ),
            Self::Hidden(c) => {
                let mut text = String::from("write it as `");
                crate::escape::push_hex(&mut text, c.encode_utf8(&mut [0; 4]).as_bytes());
                text.push('`');
                Some(text)
            }
            Self::PrefixBits { network } => Some(format!("the network's address is {network}")),
            _ => None,
        }
    }
}
