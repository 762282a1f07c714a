// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Operations on sockets.
//!
//! Addresses: `tcp:127.0.0.1:80`, `udp:[::1]:53`, `unix:/path`, `unix-dgram:/path`, `abstract:NAME`,
//! `abstract-dgram:NAME`, `netlink:0`, `raw:127.0.0.1:0`, `sctp:127.0.0.1:1`, `mptcp:127.0.0.1:1`, `packet:lo`, `alg:hash:sha256`.

use std::net::SocketAddr;
use std::os::fd::{AsRawFd, OwnedFd};

use crate::outcome::{Done, Failure, Preparing};
use crate::sys::{check, number, owned, read_all, write_all};

/// The longest address that the kernel accepts.
const STORAGE: usize = 128;

pub(crate) fn operation(name: &str, words: &[&[u8]]) -> Option<Done> {
    Some(match (name, words) {
        ("socket", [family, kind, protocol]) => socket_of(family, kind, protocol),
        ("bind", [address]) => prepared(address).and_then(|(fd, address)| bind(&fd, &address)),
        ("listen", [address]) => prepared(address).and_then(|(fd, address)| {
            bind(&fd, &address).before("bind")?;
            listen(&fd)
        }),
        ("accept", [address]) => accept(address),
        ("connect", [address]) => {
            prepared(address).and_then(|(fd, address)| connect(&fd, &address.bytes))
        }
        ("connect-read", [address]) => prepared(address).and_then(|(fd, address)| {
            connect(&fd, &address.bytes)?;
            read_all(&fd)
                .before("read")
                .map(|bytes| Some(bytes.escape_ascii().to_string()))
        }),
        // The first LEN bytes of the address.
        ("connect-short", [address, length]) => prepared(address).and_then(|(fd, address)| {
            let length: usize = number(length)?;
            connect(&fd, &address.bytes[..length.min(address.bytes.len())])
        }),
        // The address, followed by as many other bytes as fit.
        ("connect-garbage", [address, seed]) => prepared(address)
            .and_then(|(fd, address)| connect(&fd, &with_garbage(&address.bytes, number(seed)?))),
        // AF_UNSPEC, followed by bytes as they may be on a stack.
        ("connect-unspec", [protocol, seed]) => {
            prepared(&[protocol, b":127.0.0.1:1".as_slice()].concat()).and_then(|(fd, _)| {
                connect(
                    &fd,
                    &with_garbage(&0_u16.to_ne_bytes(), number(seed)?)[..28],
                )
            })
        }
        ("connect-send", [address, text]) => prepared(address).and_then(|(fd, address)| {
            connect(&fd, &address.bytes).before("connect")?;
            send(&fd, &[], text, 0)
        }),
        ("send", [address, text]) => {
            prepared(address).and_then(|(fd, address)| send(&fd, &address.bytes, text, 0))
        }
        ("sendmsg", [address, text]) => {
            prepared(address).and_then(|(fd, address)| sendmsg(&fd, &address.bytes, text))
        }
        ("fastopen", [address, text]) => prepared(address)
            .and_then(|(fd, address)| send(&fd, &address.bytes, text, libc::MSG_FASTOPEN)),
        // The address under another family than its own.
        ("bind-as", [family, address]) => {
            disguised(family, address).and_then(|(fd, address)| bind(&fd, &address))
        }
        ("send-as", [family, address, text]) => {
            disguised(family, address).and_then(|(fd, address)| send(&fd, &address.bytes, text, 0))
        }
        ("sendmsg-as", [family, address, text]) => {
            disguised(family, address).and_then(|(fd, address)| sendmsg(&fd, &address.bytes, text))
        }
        // The address on a socket of another family.
        ("send-over", [family, address, text]) => {
            over(family, address).and_then(|(fd, address)| send(&fd, &address.bytes, text, 0))
        }
        ("connect-over", [family, address]) => {
            over(family, address).and_then(|(fd, address)| connect(&fd, &address.bytes))
        }
        ("socketpair", [kind]) => socketpair(kind),
        ("accept-own", []) => accept_own(),
        ("send-own", []) => send_own(),
        _ => return None,
    })
}

/// A socket address in the kernel's form, with the family and type of its socket.
pub(crate) struct Address {
    family: i32,
    kind: i32,
    protocol: i32,
    pub(crate) bytes: Vec<u8>,
}

/// Creates the socket for an address, and writes another family into the address.
fn disguised(family: &[u8], address: &[u8]) -> Result<(OwnedFd, Address), Failure> {
    let family = family_of(family)?;
    let (fd, mut address) = prepared(address)?;
    address.bytes[..2].copy_from_slice(&(family as u16).to_ne_bytes());
    Ok((fd, address))
}

/// Creates a socket of another family for an address.
fn over(family: &[u8], address: &[u8]) -> Result<(OwnedFd, Address), Failure> {
    let mut address = parsed(address)?;
    address.family = family_of(family)?;
    prepare(address)
}

/// Creates the socket for an address.
pub(crate) fn prepared(address: &[u8]) -> Result<(OwnedFd, Address), Failure> {
    prepare(parsed(address)?)
}

pub(crate) fn parsed(address: &[u8]) -> Result<Address, Failure> {
    parse(address)
        .ok_or_else(|| Failure::Usage(format!("not an address: {}", address.escape_ascii())))
}

pub(crate) fn prepare(address: Address) -> Result<(OwnedFd, Address), Failure> {
    // SAFETY: three numbers.
    let fd = owned(unsafe {
        libc::socket(
            address.family,
            address.kind | libc::SOCK_CLOEXEC,
            address.protocol,
        )
    });
    let fd = fd.before("socket")?;
    if address.kind == libc::SOCK_STREAM && address.family != libc::AF_UNIX {
        let one = 1_i32;
        // SAFETY: a live integer of the size given.
        check(unsafe {
            libc::setsockopt(
                fd.as_raw_fd(),
                libc::SOL_SOCKET,
                libc::SO_REUSEADDR,
                (&raw const one).cast(),
                4,
            )
        })
        .before("setsockopt")?;
    }
    Ok((fd, address))
}

fn parse(text: &[u8]) -> Option<Address> {
    let colon = text.iter().position(|&byte| byte == b':')?;
    let (scheme, rest) = (&text[..colon], &text[colon + 1..]);
    let unix = |kind: i32, name: &[u8]| {
        let mut bytes = (libc::AF_UNIX as u16).to_ne_bytes().to_vec();
        bytes.extend_from_slice(name);
        Some(Address {
            family: libc::AF_UNIX,
            kind,
            protocol: 0,
            bytes,
        })
    };
    match scheme {
        b"tcp" => inet(rest, libc::SOCK_STREAM, libc::IPPROTO_TCP),
        b"udp" => inet(rest, libc::SOCK_DGRAM, libc::IPPROTO_UDP),
        // A protocol number for experiments.
        b"raw" => inet(rest, libc::SOCK_RAW, 253),
        b"sctp" => inet(rest, libc::SOCK_STREAM, libc::IPPROTO_SCTP),
        b"mptcp" => inet(rest, libc::SOCK_STREAM, libc::IPPROTO_MPTCP),
        // A socket of many associations.
        b"sctp-many" => inet(rest, libc::SOCK_SEQPACKET, libc::IPPROTO_SCTP),
        b"packet" => Some(packet()),
        b"alg" => algorithm(rest),
        b"unix" => unix(libc::SOCK_STREAM, &[rest, b"\0"].concat()),
        b"unix-dgram" => unix(libc::SOCK_DGRAM, &[rest, b"\0"].concat()),
        b"abstract" => unix(libc::SOCK_STREAM, &[b"\0", rest].concat()),
        b"abstract-dgram" => unix(libc::SOCK_DGRAM, &[b"\0", rest].concat()),
        b"netlink" => {
            let mut bytes = vec![0; 12];
            bytes[..2].copy_from_slice(&(libc::AF_NETLINK as u16).to_ne_bytes());
            Some(Address {
                family: libc::AF_NETLINK,
                kind: libc::SOCK_RAW,
                protocol: number(rest).ok()?,
                bytes,
            })
        }
        _ => None,
    }
}

fn inet(text: &[u8], kind: i32, protocol: i32) -> Option<Address> {
    let address: SocketAddr = std::str::from_utf8(text).ok()?.parse().ok()?;
    let (family, mut bytes) = match address {
        SocketAddr::V4(_) => (libc::AF_INET, vec![0; 16]),
        SocketAddr::V6(_) => (libc::AF_INET6, vec![0; 28]),
    };
    bytes[..2].copy_from_slice(&(family as u16).to_ne_bytes());
    bytes[2..4].copy_from_slice(&address.port().to_be_bytes());
    match address {
        SocketAddr::V4(address) => bytes[4..8].copy_from_slice(&address.ip().octets()),
        SocketAddr::V6(address) => bytes[8..24].copy_from_slice(&address.ip().octets()),
    }
    Some(Address {
        family,
        kind,
        protocol,
        bytes,
    })
}

/// An address of the loopback interface, which is the first one, and an Ethernet protocol for experiments.
fn packet() -> Address {
    // struct sockaddr_ll
    let mut bytes = vec![0; 20];
    bytes[..2].copy_from_slice(&(libc::AF_PACKET as u16).to_ne_bytes());
    bytes[2..4].copy_from_slice(&0x88b5_u16.to_be_bytes());
    bytes[4..8].copy_from_slice(&1_i32.to_ne_bytes());
    bytes[11] = 6;
    Address {
        family: libc::AF_PACKET,
        kind: libc::SOCK_DGRAM,
        protocol: 0,
        bytes,
    }
}

/// `TYPE:NAME` of the kernel's cryptography.
fn algorithm(text: &[u8]) -> Option<Address> {
    let colon = text.iter().position(|&byte| byte == b':')?;
    let (kind, name) = (text.get(..colon)?, text.get(colon + 1..)?);
    // struct sockaddr_alg: family, type, two numbers, name
    let mut bytes = vec![0; 88];
    bytes[..2].copy_from_slice(&(libc::AF_ALG as u16).to_ne_bytes());
    bytes
        .get_mut(2..16)?
        .get_mut(..kind.len())?
        .copy_from_slice(kind);
    bytes
        .get_mut(24..87)?
        .get_mut(..name.len())?
        .copy_from_slice(name);
    Some(Address {
        family: libc::AF_ALG,
        kind: libc::SOCK_SEQPACKET,
        protocol: 0,
        bytes,
    })
}

fn with_garbage(bytes: &[u8], seed: u8) -> Vec<u8> {
    let tail = (bytes.len()..STORAGE).map(|at| seed.wrapping_mul(31).wrapping_add(at as u8) | 1);
    bytes.iter().copied().chain(tail).collect()
}

pub(crate) fn bind(fd: &OwnedFd, address: &Address) -> Done {
    // SAFETY: a live slice and its length.
    let bound = unsafe {
        libc::bind(
            fd.as_raw_fd(),
            address.bytes.as_ptr().cast(),
            address.bytes.len() as u32,
        )
    };
    check(bound).map(|_| None)
}

fn listen(fd: &OwnedFd) -> Done {
    // SAFETY: a descriptor and a number.
    check(unsafe { libc::listen(fd.as_raw_fd(), 16) }).map(|_| None)
}

pub(crate) fn connect(fd: &OwnedFd, address: &[u8]) -> Done {
    // SAFETY: a live slice and its length.
    check(unsafe {
        libc::connect(
            fd.as_raw_fd(),
            address.as_ptr().cast(),
            address.len() as u32,
        )
    })
    .map(|_| None)
}

/// Waits at most ten seconds for a client, and greets it with `hi`.
fn accept(address: &[u8]) -> Done {
    let (fd, address) = prepared(address)?;
    bind(&fd, &address).before("bind")?;
    listen(&fd).before("listen")?;
    let mut poll = libc::pollfd {
        fd: fd.as_raw_fd(),
        events: libc::POLLIN,
        revents: 0,
    };
    // SAFETY: one live pollfd.
    if check(unsafe { libc::poll(&raw mut poll, 1, 10_000) }).before("poll")? == 0 {
        return Err(Failure::Before(libc::ETIMEDOUT, "poll"));
    }
    // SAFETY: null pointers mean that the address is not returned.
    let client =
        owned(unsafe { libc::accept(fd.as_raw_fd(), std::ptr::null_mut(), std::ptr::null_mut()) })?;
    write_all(&client, b"hi").before("write")?;
    Ok(None)
}

/// Returns an address of the loopback interface with a free port, and the socket that is bound to it.
fn bound(scheme: &[u8]) -> Result<(OwnedFd, Address), Failure> {
    let (fd, mut address) = prepared(&[scheme, b":127.0.0.1:0".as_slice()].concat())?;
    bind(&fd, &address).before("bind")?;
    let mut length = address.bytes.len() as libc::socklen_t;
    // SAFETY: a live buffer and its length; the kernel fills it.
    let named = unsafe {
        libc::getsockname(
            fd.as_raw_fd(),
            address.bytes.as_mut_ptr().cast(),
            &raw mut length,
        )
    };
    check(named).before("getsockname")?;
    Ok((fd, address))
}

/// Accepts a connection from itself.
fn accept_own() -> Done {
    let (server, address) = bound(b"tcp")?;
    listen(&server).before("listen")?;
    let (client, _) = prepared(b"tcp:127.0.0.1:0")?;
    connect(&client, &address.bytes).before("connect")?;
    // SAFETY: null pointers mean that the address is not returned.
    owned(unsafe {
        libc::accept(
            server.as_raw_fd(),
            std::ptr::null_mut(),
            std::ptr::null_mut(),
        )
    })
    .map(|_| None)
}

/// Sends to one of its own sockets.
fn send_own() -> Done {
    let (_to, address) = bound(b"udp")?;
    let (from, _) = prepared(b"udp:127.0.0.1:0")?;
    send(&from, &address.bytes, b"x", 0)
}

fn send(fd: &OwnedFd, address: &[u8], text: &[u8], flags: i32) -> Done {
    let pointer = if address.is_empty() {
        std::ptr::null()
    } else {
        address.as_ptr()
    };
    // SAFETY: live slices and their lengths, or null and zero.
    let sent = unsafe {
        libc::sendto(
            fd.as_raw_fd(),
            text.as_ptr().cast(),
            text.len(),
            flags | libc::MSG_NOSIGNAL,
            pointer.cast(),
            address.len() as u32,
        )
    };
    check(sent as i64).map(|_| None)
}

fn sendmsg(fd: &OwnedFd, address: &[u8], text: &[u8]) -> Done {
    let mut part = libc::iovec {
        iov_base: text.as_ptr().cast_mut().cast(),
        iov_len: text.len(),
    };
    // SAFETY: a message header with all bytes zero is an empty message.
    let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
    message.msg_name = address.as_ptr().cast_mut().cast();
    message.msg_namelen = address.len() as u32;
    message.msg_iov = &raw mut part;
    message.msg_iovlen = 1;
    // SAFETY: the message points to live slices, which the kernel only reads.
    check(unsafe { libc::sendmsg(fd.as_raw_fd(), &raw const message, libc::MSG_NOSIGNAL) } as i64)
        .map(|_| None)
}

fn socket_of(family: &[u8], kind: &[u8], protocol: &[u8]) -> Done {
    let family = family_of(family)?;
    // SAFETY: three numbers.
    owned(unsafe { libc::socket(family, type_of(kind)?, number(protocol)?) }).map(|_| None)
}

fn family_of(family: &[u8]) -> Result<i32, Failure> {
    Ok(match family {
        b"unspec" => libc::AF_UNSPEC,
        b"inet" => libc::AF_INET,
        b"inet6" => libc::AF_INET6,
        b"unix" => libc::AF_UNIX,
        b"netlink" => libc::AF_NETLINK,
        b"packet" => libc::AF_PACKET,
        other => number(other)?,
    })
}

fn type_of(kind: &[u8]) -> Result<i32, Failure> {
    Ok(match kind {
        b"stream" => libc::SOCK_STREAM,
        b"dgram" => libc::SOCK_DGRAM,
        b"raw" => libc::SOCK_RAW,
        b"seqpacket" => libc::SOCK_SEQPACKET,
        other => number(other)?,
    })
}

fn socketpair(kind: &[u8]) -> Done {
    let mut ends = [0_i32; 2];
    // SAFETY: the kernel writes two descriptors to a live array.
    check(unsafe { libc::socketpair(libc::AF_UNIX, type_of(kind)?, 0, ends.as_mut_ptr()) })?;
    let _ = (owned(ends[0])?, owned(ends[1])?);
    Ok(None)
}
