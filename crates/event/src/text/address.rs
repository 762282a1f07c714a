// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The text of addresses, as far as exact ones and patterns have it in common.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::exact::exact_bytes;
use crate::number::plain_number;
use crate::word::cut;
use crate::{Inet, Object, Port, TextError, TextErrorKind, named, names, nearest};

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
    /// The text after the slash, and its position.
    pub prefix: Option<(usize, &'a str)>,
    /// The text after the colon, and its position.
    pub port: Option<(usize, &'a str)>,
}

impl InetText<'_> {
    /// The address, if it is an exact one.
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
        "unix"
            if ["/", "deleted:/", "foreign:/"]
                .iter()
                .any(|start| rest.starts_with(start)) =>
        {
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
            let number = names::number_of(&names::FAMILIES, rest);
            return number
                .and_then(|number| u16::try_from(number).ok())
                .or_else(|| parse_port(rest))
                .map(|family| AddressText::Object(Object::Family(family)))
                .ok_or_else(|| {
                    TextError::new(
                        here,
                        TextErrorKind::Object {
                            expected: "a family's name or number",
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
        .or_else(|| named::inet_number(word))
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
