// SPDX-License-Identifier: Apache-2.0 OR MIT
//! From socket addresses to objects: what the kernel part does, in Rust.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::RangeInclusive;

use ambit_abi::Reason;

use crate::{Inet, Object, Port};

const AF_UNSPEC: u16 = 0;
const AF_UNIX: u16 = 1;
const AF_INET: u16 = 2;
const AF_INET6: u16 = 10;
const AF_NETLINK: u16 = 16;
/// `sizeof(struct sockaddr_in)`.
const INET_LEN: usize = 16;
/// `SIN6_LEN_RFC2133`: an address without its scope.
const INET6_LEN: usize = 24;
const IPPROTO_MPTCP: u16 = 262;
const SOCK_STREAM: u16 = 1;
const SOCK_DGRAM: u16 = 2;
/// Protocols whose addresses have ports: TCP, UDP, DCCP, SCTP, UDP-Lite.
const WITH_PORTS: [u8; 5] = [6, 17, 33, 132, 136];

/// What an address is seen through.
#[derive(Clone, Debug)]
pub struct Context {
    /// The socket's own family.
    pub family: u16,
    /// The socket's protocol, as [`protocol`] gives it.
    pub protocol: u16,
    /// True if the address is bound, false if it is a peer's.
    pub bind: bool,
    /// The host's ephemeral ports.
    pub ephemeral: RangeInclusive<u16>,
}

/// Why an address has no object.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AddressError {
    /// Shorter than its family's.
    #[error("the address is shorter than its family's")]
    Short,
    /// A unix socket's path: it has to be resolved first.
    #[error("the address is a path")]
    UnixPath(Box<[u8]>),
}

impl AddressError {
    /// The reason that the kernel part gives.
    pub fn reason(&self) -> Reason {
        match self {
            Self::Short => Reason::ShortAddress,
            Self::UnixPath(_) => Reason::Unreachable,
        }
    }
}

/// Returns the protocol of a socket of this family and type that was created with protocol 0.
pub fn protocol(family: u16, kind: u16, protocol: u16) -> u16 {
    match (family, kind & 0xf, protocol) {
        (AF_INET | AF_INET6, SOCK_STREAM, 0) => 6,
        (AF_INET | AF_INET6, SOCK_DGRAM, 0) => 17,
        (_, _, protocol) => protocol,
    }
}

/// A socket to be made; flags such as `SOCK_CLOEXEC` are not part of the type.
pub fn socket(family: u16, kind: u16, number: u16) -> Object {
    Object::Socket {
        family,
        kind: kind & 0xf,
        protocol: protocol(family, kind, number),
    }
}

/// The object of an address, of which only `bytes` may be read.
pub fn from_sockaddr(context: &Context, bytes: &[u8]) -> Result<Object, AddressError> {
    // Multipath TCP counts as TCP.
    let [low, _] = match context.protocol {
        IPPROTO_MPTCP => 6u16,
        protocol => protocol,
    }
    .to_le_bytes();
    let (family, rest) = bytes.split_first_chunk::<2>().ok_or(AddressError::Short)?;
    let family = match u16::from_ne_bytes(*family) {
        // The kernel takes it as such: net/ipv4/af_inet.c, __inet_bind.
        AF_UNSPEC if context.family == AF_INET && context.bind => AF_INET,
        family => family,
    };
    match family {
        AF_UNSPEC => {
            let inet = context.family == AF_INET || context.family == AF_INET6;
            Ok(Object::Unspec(if inet { low } else { 0 }))
        }
        AF_INET if bytes.len() < INET_LEN => Err(AddressError::Short),
        AF_INET => {
            let (port, rest) = rest.split_first_chunk::<2>().ok_or(AddressError::Short)?;
            let (octets, _) = rest.split_first_chunk::<4>().ok_or(AddressError::Short)?;
            Ok(context.inet(low, Ipv4Addr::from(*octets).into(), *port))
        }
        AF_INET6 if bytes.len() < INET6_LEN => Err(AddressError::Short),
        AF_INET6 => {
            let (port, rest) = rest.split_first_chunk::<2>().ok_or(AddressError::Short)?;
            let (_flow, rest) = rest.split_first_chunk::<4>().ok_or(AddressError::Short)?;
            let (octets, _) = rest.split_first_chunk::<16>().ok_or(AddressError::Short)?;
            let address = Ipv6Addr::from(*octets);
            let address = address
                .to_ipv4_mapped()
                .map_or(IpAddr::V6(address), IpAddr::V4);
            Ok(context.inet(low, address, *port))
        }
        AF_UNIX => match rest {
            [] => Ok(Object::Unnamed),
            [0, name @ ..] => Ok(Object::Abstract(name.into())),
            path => {
                let end = path
                    .iter()
                    .position(|byte| *byte == 0)
                    .unwrap_or(path.len());
                Err(AddressError::UnixPath(
                    path.get(..end).unwrap_or_default().into(),
                ))
            }
        },
        AF_NETLINK => Ok(Object::Netlink(low.into())),
        other => Ok(Object::Family(other)),
    }
}

impl Context {
    fn inet(&self, protocol: u8, address: IpAddr, port: [u8; 2]) -> Object {
        let number = u16::from_be_bytes(port);
        let port = if !WITH_PORTS.contains(&protocol) {
            Port::None
        } else if number == 0 || self.ephemeral.contains(&number) {
            Port::Ephemeral
        } else {
            Port::Literal(number)
        };
        Object::Inet(Inet {
            protocol,
            address,
            port,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ambit_abi::Op;

    fn context(protocol: u16, bind: bool) -> Context {
        Context {
            family: AF_INET,
            protocol,
            bind,
            ephemeral: 32768..=60999,
        }
    }

    fn text(context: &Context, bytes: &[u8]) -> String {
        crate::text::object_text(Op::NetConnect, &from_sockaddr(context, bytes).unwrap())
    }

    fn inet(port: u16, address: [u8; 4]) -> Vec<u8> {
        let mut bytes = AF_INET.to_ne_bytes().to_vec();
        bytes.extend(port.to_be_bytes());
        bytes.extend(address);
        bytes.extend([0xaa; 8]);
        bytes
    }

    fn inet6(port: u16, address: &str) -> Vec<u8> {
        let mut bytes = AF_INET6.to_ne_bytes().to_vec();
        bytes.extend(port.to_be_bytes());
        bytes.extend([1, 2, 3, 4]);
        bytes.extend(address.parse::<Ipv6Addr>().unwrap().octets());
        bytes
    }

    #[test]
    fn ports_of_the_ephemeral_range_are_not_told_apart() {
        let tcp = context(6, false);
        assert_eq!(text(&tcp, &inet(80, [10, 0, 0, 1])), "tcp 10.0.0.1:80");
        assert_eq!(
            text(&tcp, &inet(32768, [10, 0, 0, 1])),
            "tcp 10.0.0.1:ephemeral"
        );
        assert_eq!(
            text(&tcp, &inet(0, [10, 0, 0, 1])),
            "tcp 10.0.0.1:ephemeral"
        );
        assert_eq!(
            text(&context(17, true), &inet(0, [0; 4])),
            "udp 0.0.0.0:ephemeral"
        );
    }

    #[test]
    fn protocols_without_ports_ignore_the_port_bytes() {
        assert_eq!(
            text(&context(1, false), &inet(7, [10, 0, 0, 1])),
            "icmp 10.0.0.1"
        );
        assert_eq!(
            text(&context(47, false), &inet(7, [10, 0, 0, 1])),
            "proto47 10.0.0.1"
        );
    }

    #[test]
    fn a_mapped_address_is_the_ipv4_address() {
        assert_eq!(
            text(&context(6, false), &inet6(443, "::ffff:10.0.0.1")),
            "tcp 10.0.0.1:443"
        );
        assert_eq!(
            text(&context(6, false), &inet6(443, "::1")),
            "tcp [::1]:443"
        );
    }

    #[test]
    fn nothing_beyond_the_length_is_read_and_short_addresses_are_refused() {
        let tcp = context(6, false);
        for len in 0..16 {
            let short = &inet(80, [1; 4])[..len];
            assert_eq!(
                from_sockaddr(&tcp, short),
                Err(AddressError::Short),
                "{len}"
            );
        }
        for len in 2..24 {
            assert_eq!(
                from_sockaddr(&tcp, &inet6(80, "::1")[..len]),
                Err(AddressError::Short)
            );
        }
        assert_eq!(from_sockaddr(&tcp, &[0, 0]), Ok(Object::Unspec(6)));
        assert_eq!(from_sockaddr(&tcp, &[0; 28]), Ok(Object::Unspec(6)));
        assert_eq!(text(&context(6, true), &[0; 16]), "tcp 0.0.0.0:ephemeral");
    }

    #[test]
    fn unix_names_keep_their_nuls() {
        let unix = context(0, false);
        assert_eq!(text(&unix, &[1, 0]), "unix unnamed");
        assert_eq!(text(&unix, b"\x01\x00\x00a\x00b"), "unix @a\\x00b");
        assert_eq!(
            from_sockaddr(&unix, b"\x01\x00/run/x\x00junk"),
            Err(AddressError::UnixPath(b"/run/x"[..].into()))
        );
    }

    #[test]
    fn a_socket_made_without_protocol_has_its_type_s() {
        let text = |object| crate::text::object_text(Op::NetSocket, &object);
        assert_eq!(text(socket(2, 1 | 0o4000, 0)), "inet stream tcp");
        assert_eq!(text(socket(10, 2, 0)), "inet6 dgram udp");
        assert_eq!(text(socket(1, 2, 0)), "unix dgram 0");
    }
}
