// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Objects as canonical text.

use std::fmt::{self, Write};
use std::net::IpAddr;

use ambit_abi::Op;

use super::{Form, canonical_protocols};
use crate::{Inet, Marker, Object, Port, escape, names};

/// Appends an object's canonical text, as an operation's rule has it.
pub fn write_object(out: &mut String, op: Op, object: &Object) {
    if Form::of(op) == Form::Address
        && matches!(
            object,
            Object::Path(_) | Object::Deleted(_) | Object::Foreign(_)
        )
    {
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
        Object::Foreign(path) => {
            out.push_str("foreign:");
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
            names::write_numbered(out, canonical_protocols(*family), "", (*protocol).into())?;
        }
        Object::Relation(relation) => out.push_str(relation.name()),
        Object::Word(word) => write_bare_name(out, word),
        Object::Ipc(kind) => out.push_str(kind.name()),
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

/// Appends a digest as `sha256:` and hex digits.
pub fn write_digest(out: &mut String, sha256: &[u8; 32]) {
    out.push_str("sha256:");
    for byte in sha256 {
        let _ = write!(out, "{byte:02x}");
    }
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
