// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Objects as text, and text as exact objects.

use std::fmt::{self, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ambit_abi::Op;

use crate::creds::plain_number;
use crate::lex::{Lexer, Token};
use crate::operation::{cut, parse_ids};
use crate::{
    Creds, Inet, Marker, Object, ObjectError, Path, Port, Relation, TextError, TextErrorKind,
    escape, names, nearest,
};

/// What kind of object an operation has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `/…`, `deleted:/…`, `memfd:…`, `fs:…`.
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
}

impl Form {
    /// The form of an operation's object.
    pub fn of(op: Op) -> Self {
        match op {
            Op::NetBind | Op::NetConnect | Op::NetListen | Op::NetAccept | Op::NetSend => {
                Self::Address
            }
            Op::NetSocket => Self::Socket,
            Op::TaskSignal | Op::TaskPtrace => Self::Relation,
            Op::TaskSetuid | Op::TaskSetgid => Self::Ids,
            Op::MapAnon | Op::CapUse | Op::Subject => Self::None,
            Op::ExecDigest => Self::Digest,
            Op::ExecCreds => Self::Creds,
            _ => Self::Path,
        }
    }
}

/// Appends an object's canonical text, as an operation's rule has it.
pub fn write_object(out: &mut String, op: Op, object: &Object) {
    if Form::of(op) == Form::Address && matches!(object, Object::Path(_) | Object::Deleted(_)) {
        out.push_str("unix ");
    }
    // Writing to a String does not fail.
    let _ = write_inner(out, object);
}

/// An object's canonical text, as an operation's rule has it.
pub fn object_text(op: Op, object: &Object) -> String {
    let mut out = String::new();
    write_object(&mut out, op, object);
    out
}

fn write_inner(out: &mut String, object: &Object) -> fmt::Result {
    match object {
        Object::None => {}
        Object::Path(path) => write_path(out, path.as_bytes()),
        Object::Deleted(path) => {
            out.push_str("deleted:");
            write_path(out, path.as_bytes());
        }
        Object::Memfd(name) => write_name(out, "memfd:", name),
        Object::FsType(name) => write_name(out, "fs:", name),
        Object::Abstract(name) => write_name(out, "unix @", name),
        Object::Unnamed => out.push_str("unix unnamed"),
        Object::Inet(inet) => write_inet(out, inet)?,
        Object::Unspec(protocol) => {
            names::write_numbered(out, &names::INET_PROTOCOLS, "proto", (*protocol).into())?;
            out.push_str(" unspec");
        }
        Object::Netlink(protocol) => {
            out.push_str("netlink ");
            names::write_numbered(out, &names::NETLINK_PROTOCOLS, "", (*protocol).into())?;
        }
        Object::Family(family) => write!(out, "family {family}")?,
        Object::Socket {
            family,
            kind,
            protocol,
        } => {
            names::write_numbered(out, &names::FAMILIES, "", (*family).into())?;
            out.push(' ');
            names::write_numbered(out, &names::SOCKET_TYPES, "", (*kind).into())?;
            out.push(' ');
            names::write_numbered(out, protocols(*family), "", (*protocol).into())?;
        }
        Object::Relation(relation) => out.push_str(relation.name()),
        Object::Ids {
            real,
            effective,
            saved,
        } if real == effective && real == saved => write!(out, "{real}")?,
        Object::Ids {
            real,
            effective,
            saved,
        } => write!(out, "{real}:{effective}:{saved}")?,
        Object::Creds(creds) => write!(out, "{creds}")?,
        Object::Digest { sha256, of } => {
            write_digest(out, sha256);
            out.push(' ');
            write_inner(out, of)?;
        }
        Object::Class(class) => write!(out, "class {class}")?,
    }
    Ok(())
}

fn protocols(family: u16) -> &'static names::Table {
    match family {
        2 | 10 => &names::INET_PROTOCOLS,
        16 => &names::NETLINK_PROTOCOLS,
        _ => &[],
    }
}

/// Appends a digest as `sha256:` and hex digits.
pub fn write_digest(out: &mut String, sha256: &[u8; 32]) {
    out.push_str("sha256:");
    for byte in sha256 {
        let _ = write!(out, "{byte:02x}");
    }
}

/// Reads `sha256:` and 64 lower-case hex digits.
pub fn parse_digest(text: &str) -> Result<[u8; 32], TextError> {
    let wrong = || TextError::new(0..text.len(), TextErrorKind::Digest);
    let digits = text.strip_prefix("sha256:").ok_or_else(wrong)?;
    let mut sha256 = [0; 32];
    let (pairs, rest) = digits.as_bytes().as_chunks::<2>();
    if pairs.len() != sha256.len() || !rest.is_empty() {
        return Err(wrong());
    }
    for (byte, [high, low]) in sha256.iter_mut().zip(pairs) {
        let digit = |c: &u8| {
            char::from(*c)
                .to_digit(16)
                .filter(|_| !c.is_ascii_uppercase())
        };
        let (Some(high), Some(low)) = (digit(high), digit(low)) else {
            return Err(wrong());
        };
        *byte = u8::try_from(high << 4 | low).map_err(|_| wrong())?;
    }
    Ok(sha256)
}

fn write_name(out: &mut String, prefix: &str, name: &[u8]) {
    out.push_str(prefix);
    write_bare_name(out, name);
}

/// Appends a name that is no path, such as the one a program was invoked by.
pub fn write_bare_name(out: &mut String, name: &[u8]) {
    let blanks = name.iter().take_while(|byte| **byte == b' ').count();
    let (leading, rest) = name.split_at_checked(blanks).unwrap_or((&[], name));
    escape::push_hex(out, leading);
    escape::push_escaped(out, rest, b"*{}\\", true);
}

/// Appends a path's bytes with its markers as classes and everything else escaped.
pub fn write_path(out: &mut String, bytes: &[u8]) {
    let mut rest = bytes;
    while let Some(at) = rest.iter().position(|byte| *byte == 0) {
        let (before, after) = rest.split_at_checked(at).unwrap_or((rest, &[]));
        escape::push_escaped(out, before, b"*{}\\", false);
        let marker = after.get(1).copied().and_then(Marker::from_letter);
        if let Some(marker) = marker {
            out.push('{');
            out.push_str(marker.name());
            out.push('}');
        } else {
            escape::push_hex(out, after.get(..2).unwrap_or(after));
        }
        rest = after.get(2..).unwrap_or_default();
    }
    escape::push_escaped(out, rest, b"*{}\\", true);
}

fn write_inet(out: &mut String, inet: &Inet) -> fmt::Result {
    names::write_numbered(out, &names::INET_PROTOCOLS, "proto", inet.protocol.into())?;
    match inet.address {
        IpAddr::V4(address) => write!(out, " {address}")?,
        IpAddr::V6(address) => write!(out, " [{address}]")?,
    }
    match inet.port {
        Port::Literal(port) => write!(out, ":{port}"),
        Port::Ephemeral => out.write_str(":ephemeral"),
        Port::None => Ok(()),
    }
}

/// Reads an exact object, as an operation's rule has it.
pub fn parse_object(op: Op, text: &str) -> Result<Object, TextError> {
    let whole = 0..text.len();
    match Form::of(op) {
        Form::Path => parse_path_object(text),
        Form::Address => match split_address(text)? {
            AddressText::Object(object) => Ok(object),
            AddressText::UnixPath { at } => parse_path_object(text.get(at..).unwrap_or_default())
                .map_err(|error| error.shifted(at)),
            AddressText::Inet(inet) => inet.exact().map(Object::Inet),
        },
        Form::Socket => parse_socket(text),
        Form::Relation => Relation::from_name(text)
            .map(Object::Relation)
            .ok_or_else(|| {
                TextError::new(
                    whole,
                    TextErrorKind::Object {
                        expected: "`self`, `child`, `domain` or `outside`",
                    },
                )
            }),
        Form::Ids => parse_ids(text).ok_or_else(|| {
            TextError::new(
                whole,
                TextErrorKind::Object {
                    expected: "an id such as `33`, or `real:effective:saved`",
                },
            )
        }),
        Form::None if text.is_empty() => Ok(Object::None),
        Form::None => Err(TextError::new(whole, TextErrorKind::Trailing)),
        Form::Digest => {
            let (digest, at) = cut(text, 0);
            let of = parse_path_object(text.get(at..).unwrap_or_default())
                .map_err(|error| error.shifted(at))?;
            Ok(Object::Digest {
                sha256: parse_digest(digest)?,
                of: Box::new(of),
            })
        }
        Form::Creds => Creds::parse(text).map(Object::Creds),
    }
}

/// The prefixes of objects that are not plain paths.
pub const PATH_EXPECTED: &str = "a path: `/…`, `deleted:/…`, `memfd:NAME` or `fs:TYPE`";

/// Reads a path, an unlinked path, a memfd or a kernel-internal file system, without patterns.
pub fn parse_path_object(text: &str) -> Result<Object, TextError> {
    let named = |at: usize| {
        let name = exact_bytes(text, at)?;
        match name.iter().position(|byte| *byte == 0) {
            None => Ok(name.into_boxed_slice()),
            Some(_) => Err(TextError::new(at..text.len(), TextErrorKind::Nul)),
        }
    };
    if text.starts_with('/') {
        parse_path(text, 0).map(Object::Path)
    } else if text.starts_with("deleted:/") {
        parse_path(text, "deleted:".len()).map(Object::Deleted)
    } else if text.starts_with("memfd:") {
        named("memfd:".len()).map(Object::Memfd)
    } else if text.starts_with("fs:") {
        named("fs:".len()).map(Object::FsType)
    } else {
        Err(TextError::new(
            0..text.len(),
            TextErrorKind::Object {
                expected: PATH_EXPECTED,
            },
        ))
    }
}

fn parse_path(text: &str, at: usize) -> Result<Path, TextError> {
    let mut bytes = Vec::with_capacity(text.len());
    for item in Lexer::new(text.get(at..).unwrap_or_default()) {
        let (span, token) = item.map_err(|error| error.shifted(at))?;
        let here = span.start + at..span.end + at;
        match token {
            Token::Byte(0) => return Err(TextError::new(here, TextErrorKind::Nul)),
            Token::Byte(byte) => bytes.push(byte),
            Token::Comma => bytes.push(b','),
            Token::Class(class) => match class.marker() {
                Some(marker) => bytes.extend_from_slice(&[0, marker.letter()]),
                None => return Err(TextError::new(here, TextErrorKind::Pattern)),
            },
            _ => return Err(TextError::new(here, TextErrorKind::Pattern)),
        }
    }
    Path::new(bytes).map_err(|error| TextError::new(at..text.len(), TextErrorKind::Path(error)))
}

/// The bytes of a name without markers.
fn exact_bytes(text: &str, at: usize) -> Result<Vec<u8>, TextError> {
    let mut bytes = Vec::with_capacity(text.len());
    for item in Lexer::new(text.get(at..).unwrap_or_default()) {
        let (span, token) = item.map_err(|error| error.shifted(at))?;
        match token {
            Token::Byte(byte) => bytes.push(byte),
            Token::Comma => bytes.push(b','),
            _ => {
                return Err(TextError::new(
                    span.start + at..span.end + at,
                    TextErrorKind::Pattern,
                ));
            }
        }
    }
    if bytes.len() >= ambit_abi::PATH_MAX {
        let error = ObjectError::TooLong(bytes.len());
        return Err(TextError::new(at..text.len(), TextErrorKind::Path(error)));
    }
    Ok(bytes)
}

/// Reads a name that is no path; NULs are refused.
pub fn parse_bare_name(text: &str) -> Result<Box<[u8]>, TextError> {
    let name = exact_bytes(text, 0)?;
    if name.contains(&0) {
        return Err(TextError::new(0..text.len(), TextErrorKind::Nul));
    }
    Ok(name.into_boxed_slice())
}

fn parse_socket(text: &str) -> Result<Object, TextError> {
    let number = |table: &'static names::Table, what, (at, word): (usize, &str)| {
        names::parse_numbered(table, "", word)
            .and_then(|number| u16::try_from(number).ok())
            .ok_or_else(|| {
                let kind = if word.is_empty() {
                    TextErrorKind::Object {
                        expected: "family, type and protocol, such as `inet stream tcp`",
                    }
                } else {
                    TextErrorKind::Name {
                        what,
                        nearest: nearest(word, names::all(table)),
                    }
                };
                TextError::new(at..at + word.len(), kind)
            })
    };
    let (word, second) = cut(text, 0);
    let family = number(&names::FAMILIES, "socket family", (0, word))?;
    let (word, third) = cut(text, second);
    let kind = number(&names::SOCKET_TYPES, "socket type", (second, word))?;
    let (word, end) = cut(text, third);
    let protocol = number(protocols(family), "protocol", (third, word))?;
    if end < text.len() {
        return Err(TextError::new(end..text.len(), TextErrorKind::Trailing));
    }
    Ok(Object::Socket {
        family,
        kind,
        protocol,
    })
}

/// An address's text, cut as far as exact addresses and patterns have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AddressText<'a> {
    /// Nothing in it can be a pattern.
    Object(Object),
    /// A unix socket's path begins here.
    UnixPath {
        /// Where the path begins.
        at: usize,
    },
    /// An IP address.
    Inet(InetText<'a>),
}

/// The parts of an IP address's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InetText<'a> {
    /// `IPPROTO_*`.
    pub protocol: u8,
    /// The address, as it may be a network's.
    pub address: IpAddr,
    /// What follows the slash, and where it begins.
    pub prefix: Option<(usize, &'a str)>,
    /// What follows the colon, and where it begins.
    pub port: Option<(usize, &'a str)>,
}

impl InetText<'_> {
    /// The exact address, where it is one.
    pub fn exact(&self) -> Result<Inet, TextError> {
        let pattern =
            |at: usize, text: &str| TextError::new(at..at + text.len(), TextErrorKind::Pattern);
        if let Some((at, prefix)) = self.prefix {
            return Err(pattern(at, prefix));
        }
        let port = match self.port {
            None => Port::None,
            Some((_, "ephemeral")) => Port::Ephemeral,
            Some((at, text)) => match parse_port(text) {
                Some(port) => Port::Literal(port),
                None if text == "*" || text.contains('-') => return Err(pattern(at, text)),
                None => return Err(TextError::new(at..at + text.len(), TextErrorKind::Port)),
            },
        };
        Ok(Inet {
            protocol: self.protocol,
            address: self.address,
            port,
        })
    }
}

/// A port's number, written as plain digits.
pub fn parse_port(text: &str) -> Option<u16> {
    if text.is_empty() {
        return None;
    }
    plain_number(text).and_then(|port| u16::try_from(port).ok())
}

/// Cuts an address's text.
pub fn split_address(text: &str) -> Result<AddressText<'_>, TextError> {
    const EXPECTED: &str = "an address: `tcp 10.0.0.1:80`, `udp [::1]:53`, `unix /path`, `unix @name`, `netlink route`, `family 40`";
    let (word, at) = cut(text, 0);
    let rest = text.get(at..).unwrap_or_default();
    let here = at..text.len();
    match word {
        "unix" if rest == "unnamed" => return Ok(AddressText::Object(Object::Unnamed)),
        "unix" if rest.starts_with('@') => {
            let name = exact_bytes(text, at + 1)?;
            return Ok(AddressText::Object(Object::Abstract(
                name.into_boxed_slice(),
            )));
        }
        "unix" if rest.starts_with('/') || rest.starts_with("deleted:/") => {
            return Ok(AddressText::UnixPath { at });
        }
        "unix" => {
            let expected = "`unix /path`, `unix @name` or `unix unnamed`";
            return Err(TextError::new(here, TextErrorKind::Object { expected }));
        }
        "netlink" => {
            let table = &names::NETLINK_PROTOCOLS;
            return names::parse_numbered(table, "", rest)
                .and_then(|number| u16::try_from(number).ok())
                .map(|number| AddressText::Object(Object::Netlink(number)))
                .ok_or_else(|| {
                    let nearest = nearest(rest, names::all(table));
                    TextError::new(
                        here,
                        TextErrorKind::Name {
                            what: "netlink protocol",
                            nearest,
                        },
                    )
                });
        }
        "family" => {
            return parse_port(rest)
                .map(|family| AddressText::Object(Object::Family(family)))
                .ok_or_else(|| {
                    TextError::new(
                        here,
                        TextErrorKind::Object {
                            expected: "a family's number",
                        },
                    )
                });
        }
        _ => {}
    }
    if word.is_empty() {
        return Err(TextError::new(
            0..0,
            TextErrorKind::Object { expected: EXPECTED },
        ));
    }
    let protocol = names::parse_numbered(&names::INET_PROTOCOLS, "proto", word)
        .and_then(|number| u8::try_from(number).ok())
        .ok_or_else(|| {
            let others = ["unix", "netlink", "family"];
            let known = names::all(&names::INET_PROTOCOLS).chain(others);
            let kind = TextErrorKind::Name {
                what: "protocol",
                nearest: nearest(word, known),
            };
            TextError::new(0..word.len(), kind)
        })?;
    if rest == "unspec" {
        return Ok(AddressText::Object(Object::Unspec(protocol)));
    }
    split_inet(protocol, text, at).map(AddressText::Inet)
}

fn split_inet(protocol: u8, text: &str, at: usize) -> Result<InetText<'_>, TextError> {
    let rest = text.get(at..).unwrap_or_default();
    let wrong = || TextError::new(at..text.len(), TextErrorKind::Address);
    let (host, host_at, port) = if let Some(inside) = rest.strip_prefix('[') {
        let (host, after) = inside.split_once(']').ok_or_else(wrong)?;
        let port_at = at + 1 + host.len() + 2;
        let port = match after.strip_prefix(':') {
            Some(port) => Some((port_at, port)),
            None if after.is_empty() => None,
            None => return Err(wrong()),
        };
        (host, at + 1, port)
    } else {
        match rest.split_once(':') {
            Some((host, port)) => (host, at, Some((at + host.len() + 1, port))),
            None => (rest, at, None),
        }
    };
    let (address, prefix) = match host.split_once('/') {
        Some((address, prefix)) => (address, Some((host_at + address.len() + 1, prefix))),
        None => (host, None),
    };
    let span = host_at..host_at + address.len();
    let wrong = |_| TextError::new(span.clone(), TextErrorKind::Address);
    let address = if rest.starts_with('[') {
        let address: Ipv6Addr = address.parse().map_err(wrong)?;
        if address.to_ipv4_mapped().is_some() {
            return Err(TextError::new(span, TextErrorKind::Address));
        }
        IpAddr::V6(address)
    } else {
        IpAddr::V4(address.parse::<Ipv4Addr>().map_err(wrong)?)
    };
    Ok(InetText {
        protocol,
        address,
        prefix,
        port,
    })
}
