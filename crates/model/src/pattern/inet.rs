// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Patterns of IP addresses: networks and ranges of ports.

use std::fmt::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::RangeInclusive;

use ambit_abi as abi;
use ambit_event::text::{InetText, parse_port};
use ambit_event::{Inet, Object, Port, TextError, TextErrorKind, names};

use super::regex::byte;

/// Protocols whose addresses have ports.
const WITH_PORTS: [u8; 5] = [6, 17, 33, 132, 136];

/// The ports that a pattern covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Ports {
    /// From the first to the last, both included. The host's ephemeral ports are covered only if the range contains all
    /// of them.
    Range(u16, u16),
    /// The host's ephemeral ports.
    Ephemeral,
    /// None: the protocol has no ports.
    None,
    /// All ports.
    Any,
}

/// A pattern of addresses of one protocol: a network and its ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct InetPattern {
    protocol: u8,
    network: IpAddr,
    prefix: u8,
    ports: Ports,
}

impl InetPattern {
    /// Parses the parts of an address.
    pub fn parse(text: &InetText<'_>) -> Result<Self, TextError> {
        let bits = bits_of(text.address);
        let prefix = match text.prefix {
            None => bits,
            Some((at, digits)) => parse_port(digits)
                .and_then(|number| u8::try_from(number).ok())
                .filter(|number| *number <= bits)
                .ok_or_else(|| TextError {
                    span: at..at + digits.len(),
                    kind: TextErrorKind::Prefix { max: bits },
                })?,
        };
        let network = masked(text.address, prefix);
        if network != text.address {
            let (at, digits) = text.prefix.unwrap_or((0, ""));
            return Err(TextError {
                span: at..at + digits.len(),
                kind: TextErrorKind::PrefixBits { network },
            });
        }
        let ports = match text.port {
            None => Ports::None,
            Some((at, port)) => parse_ports(port).map_err(|kind| TextError {
                span: at..at + port.len(),
                kind,
            })?,
        };
        Ok(Self {
            protocol: text.protocol,
            network,
            prefix,
            ports,
        })
    }

    /// Creates the pattern of the network that an address is in.
    pub fn of(protocol: u8, address: IpAddr, prefix: u8, ports: Ports) -> Self {
        let prefix = prefix.min(bits_of(address));
        Self {
            protocol,
            network: masked(address, prefix),
            prefix,
            ports,
        }
    }

    /// Returns the protocol's number.
    pub const fn protocol(&self) -> u8 {
        self.protocol
    }

    /// Returns the network's first address.
    pub const fn network(&self) -> IpAddr {
        self.network
    }

    /// Returns the prefix length in bits.
    pub const fn prefix(&self) -> u8 {
        self.prefix
    }

    /// Returns the ports.
    pub const fn ports(&self) -> Ports {
        self.ports
    }

    /// True if addresses of the protocol have ports.
    pub fn has_ports(protocol: u8) -> bool {
        WITH_PORTS.contains(&protocol)
    }

    /// Returns the address if the pattern covers only one.
    pub fn as_exact(&self) -> Option<Object> {
        let port = match self.ports {
            Ports::Range(first, last) if first == last => Port::Literal(first),
            Ports::Ephemeral => Port::Ephemeral,
            Ports::None => Port::None,
            Ports::Range(..) | Ports::Any => return None,
        };
        (self.prefix == bits_of(self.network)).then_some(Object::Inet(Inet {
            protocol: self.protocol,
            address: self.network,
            port,
        }))
    }

    /// True if the pattern covers the address on a host with these ephemeral ports.
    pub fn matches(&self, inet: &Inet, ephemeral: &RangeInclusive<u16>) -> bool {
        let port = match (self.ports, inet.port) {
            (Ports::Any, _) | (Ports::Ephemeral, Port::Ephemeral) | (Ports::None, Port::None) => {
                true
            }
            (Ports::Range(first, last), Port::Literal(port)) => (first..=last).contains(&port),
            (Ports::Range(first, last), Port::Ephemeral) => holds_all(first, last, ephemeral),
            _ => false,
        };
        port && inet.protocol == self.protocol
            && bits_of(inet.address) == bits_of(self.network)
            && masked(inet.address, self.prefix) == self.network
    }

    /// True if the range contains some but not all of the host's ephemeral ports: these do not match.
    pub fn cuts_ephemeral(&self, ephemeral: &RangeInclusive<u16>) -> bool {
        match self.ports {
            Ports::Range(first, last) => {
                first <= *ephemeral.end()
                    && *ephemeral.start() <= last
                    && !holds_all(first, last, ephemeral)
            }
            _ => false,
        }
    }

    /// Returns a regular expression over canonical bytes; the caller anchors it at both ends.
    pub fn regex(&self, ephemeral: &RangeInclusive<u16>) -> String {
        let mut out = String::from("(?s-u)");
        byte(
            &mut out,
            if self.network.is_ipv4() {
                abi::KIND_INET4
            } else {
                abi::KIND_INET6
            },
        );
        byte(&mut out, self.protocol);
        let mut bits = usize::from(self.prefix);
        for octet in octets(self.network) {
            match bits.min(8) {
                0 => out.push('.'),
                8 => byte(&mut out, octet),
                some => {
                    let last = octet
                        | u8::MAX
                            .checked_shr(u32::try_from(some).unwrap_or(0))
                            .unwrap_or(0);
                    class(&mut out, octet, last);
                }
            }
            bits -= bits.min(8);
        }
        match self.ports {
            Ports::Any => out.push_str("..."),
            Ports::None => bytes(&mut out, [abi::PORT_NONE, 0, 0]),
            Ports::Ephemeral => {
                bytes(&mut out, [abi::PORT_EPHEMERAL, 0, 0]);
            }
            Ports::Range(first, last) => {
                out.push_str("(?:");
                byte(&mut out, abi::PORT_LITERAL);
                ports(&mut out, first, last);
                if holds_all(first, last, ephemeral) {
                    out.push('|');
                    bytes(&mut out, [abi::PORT_EPHEMERAL, 0, 0]);
                }
                out.push(')');
            }
        }
        out
    }

    /// Appends the canonical text.
    pub fn write(&self, out: &mut String) {
        // Writing to a String does not fail.
        let _ = names::write_numbered(out, &names::INET_PROTOCOLS, "proto", self.protocol.into());
        let (open, close) = if self.network.is_ipv4() {
            ("", "")
        } else {
            ("[", "]")
        };
        let _ = write!(out, " {open}{}", self.network);
        if self.prefix != bits_of(self.network) {
            let _ = write!(out, "/{}", self.prefix);
        }
        out.push_str(close);
        let _ = match self.ports {
            Ports::Range(first, last) if first == last => write!(out, ":{first}"),
            Ports::Range(first, last) => write!(out, ":{first}-{last}"),
            Ports::Ephemeral => write!(out, ":ephemeral"),
            Ports::Any => write!(out, ":*"),
            Ports::None => Ok(()),
        };
    }
}

fn parse_ports(text: &str) -> Result<Ports, TextErrorKind> {
    match text {
        "*" => return Ok(Ports::Any),
        "ephemeral" => return Ok(Ports::Ephemeral),
        _ => {}
    }
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    match (parse_port(first), parse_port(last)) {
        (Some(first), Some(last)) if first <= last => Ok(Ports::Range(first, last)),
        (Some(_), Some(_)) => Err(TextErrorKind::PortRange),
        _ => Err(TextErrorKind::Port),
    }
}

fn holds_all(first: u16, last: u16, ephemeral: &RangeInclusive<u16>) -> bool {
    first <= *ephemeral.start() && *ephemeral.end() <= last
}

fn bits_of(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

fn octets(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    }
}

fn masked(address: IpAddr, prefix: u8) -> IpAddr {
    match address {
        IpAddr::V4(address) => {
            let mask = u32::MAX
                .checked_shl(32 - u32::from(prefix.min(32)))
                .unwrap_or(0);
            Ipv4Addr::from(u32::from(address) & mask).into()
        }
        IpAddr::V6(address) => {
            let mask = u128::MAX
                .checked_shl(128 - u32::from(prefix.min(128)))
                .unwrap_or(0);
            Ipv6Addr::from(u128::from(address) & mask).into()
        }
    }
}

fn bytes(out: &mut String, values: [u8; 3]) {
    for value in values {
        byte(out, value);
    }
}

fn class(out: &mut String, first: u8, last: u8) {
    out.push('[');
    byte(out, first);
    out.push('-');
    byte(out, last);
    out.push(']');
}

/// Appends an expression for two bytes, big endian, from the first port to the last.
fn ports(out: &mut String, first: u16, last: u16) {
    let [first_high, first_low] = first.to_be_bytes();
    let [last_high, last_low] = last.to_be_bytes();
    if first_high == last_high {
        byte(out, first_high);
        class(out, first_low, last_low);
        return;
    }
    out.push_str("(?:");
    byte(out, first_high);
    class(out, first_low, 0xff);
    if last_high - first_high > 1 {
        out.push('|');
        class(out, first_high + 1, last_high - 1);
        out.push('.');
    }
    out.push('|');
    byte(out, last_high);
    class(out, 0, last_low);
    out.push(')');
}
