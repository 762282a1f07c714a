// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Packets that are sent to another host than the address of the call names, by a source route. No capability is needed.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::fd::{AsRawFd, OwnedFd};

use crate::net::{connect, parsed, prepared};
use crate::outcome::{Done, Failure, Preparing};
use crate::sys::{check, owned};

/// `IPV6_2292PKTOPTIONS`: control messages as an option.
const PACKET_OPTIONS: i32 = 6;
/// `IP_UNICAST_IF`
const UNICAST_IF: i32 = 50;

pub(crate) fn operation(name: &str, words: &[&[u8]]) -> Option<Done> {
    Some(match (name, words) {
        // route WAY HOP ADDRESS: sends to ADDRESS, or connects to it, by way of HOP.
        ("route", [way, hop, address]) => std::str::from_utf8(hop)
            .ok()
            .and_then(|hop| hop.parse().ok())
            .ok_or_else(|| Failure::Usage(format!("not a host: {}", hop.escape_ascii())))
            .and_then(|hop| route(way, hop, address)),
        // Sends to a host a packet whose own header names another one.
        ("send-header", [to, host]) => send_header(to, host),
        // The type of service, by option and by control message.
        ("send-tos", [address]) => prepared(address).and_then(|(fd, address)| {
            let tos = 16_i32.to_ne_bytes();
            option(&fd, libc::IPPROTO_IP, libc::IP_TOS, &tos)?;
            let control = control_message(libc::IPPROTO_IP, libc::IP_TOS, &tos);
            send(&fd, &address.bytes, &control)
        }),
        // The mark and the device of a packet, by control message.
        ("send-mark", [address]) => with_control(
            address,
            libc::SOL_SOCKET,
            libc::SO_MARK,
            &1_u32.to_ne_bytes(),
        ),
        ("send-device", [address]) => with_control(
            address,
            libc::IPPROTO_IP,
            libc::IP_PKTINFO,
            &[1_u32.to_ne_bytes(), [0; 4], [0; 4]].concat(),
        ),
        ("send-source", [address]) => with_control(
            address,
            libc::IPPROTO_IP,
            libc::IP_PKTINFO,
            &[[0; 4], [127, 0, 0, 1], [0; 4]].concat(),
        ),
        // The same device by an option of the socket, which is in network order.
        ("send-by-device", [address]) => prepared(address).and_then(|(fd, address)| {
            option(&fd, libc::IPPROTO_IP, UNICAST_IF, &1_u32.to_be_bytes())?;
            send(&fd, &address.bytes, &[]).before("sendmsg")
        }),
        _ => return None,
    })
}

fn with_control(address: &[u8], level: i32, kind: i32, data: &[u8]) -> Done {
    let (fd, address) = prepared(address)?;
    send(&fd, &address.bytes, &control_message(level, kind, data))
}

fn send_header(to: &[u8], host: &[u8]) -> Done {
    let (host, to) = (parsed(host)?, parsed(to)?);
    // SAFETY: three numbers.
    let fd = owned(unsafe {
        libc::socket(
            libc::AF_INET,
            libc::SOCK_RAW | libc::SOCK_CLOEXEC,
            libc::IPPROTO_RAW,
        )
    })
    .before("socket")?;
    // Version and lengths; 64 hops, a protocol for experiments; the source 127.0.0.1. The kernel computes the checksum.
    let mut packet = vec![0x45, 0, 0, 24, 0, 0, 0, 0, 64, 253, 0, 0, 127, 0, 0, 1];
    packet.extend_from_slice(&host.bytes[4..8]);
    packet.extend_from_slice(b"data");
    // SAFETY: live slices and their lengths.
    let sent = unsafe {
        libc::sendto(
            fd.as_raw_fd(),
            packet.as_ptr().cast(),
            packet.len(),
            0,
            to.bytes.as_ptr().cast(),
            to.bytes.len() as u32,
        )
    };
    check(sent as i64).map(|_| None)
}

fn route(way: &[u8], hop: IpAddr, address: &[u8]) -> Done {
    let (fd, address) = prepared(address)?;
    let (level, name, header) = match (way, hop) {
        (b"loose" | b"loose-control" | b"loose-connect", IpAddr::V4(hop)) => {
            (libc::IPPROTO_IP, libc::IP_OPTIONS, source_route(0x83, hop))
        }
        (b"strict", IpAddr::V4(hop)) => {
            (libc::IPPROTO_IP, libc::IP_OPTIONS, source_route(0x89, hop))
        }
        (b"segments", IpAddr::V6(hop)) => (libc::IPPROTO_IPV6, libc::IPV6_RTHDR, segments(hop)),
        (b"home" | b"home-control" | b"home-packet-options", IpAddr::V6(hop)) => {
            (libc::IPPROTO_IPV6, libc::IPV6_RTHDR, home(hop))
        }
        _ => return Err(Failure::Usage("not a way to route this".to_owned())),
    };
    match way {
        b"loose-control" => {
            let control = control_message(level, libc::IP_RETOPTS, &header);
            send(&fd, &address.bytes, &control)
        }
        b"home-control" => {
            let control = control_message(level, name, &header);
            send(&fd, &address.bytes, &control)
        }
        b"home-packet-options" => {
            option(
                &fd,
                level,
                PACKET_OPTIONS,
                &control_message(level, name, &header),
            )?;
            send(&fd, &address.bytes, &[]).before("sendmsg")
        }
        b"loose-connect" => {
            option(&fd, level, name, &header)?;
            // SAFETY: takes numbers.
            check(unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_SETFL, libc::O_NONBLOCK) })
                .before("fcntl")?;
            match connect(&fd, &address.bytes) {
                Err(Failure::Errno(libc::EINPROGRESS)) => Ok(None),
                other => other.before("connect"),
            }
        }
        _ => {
            option(&fd, level, name, &header)?;
            send(&fd, &address.bytes, &[]).before("sendmsg")
        }
    }
}

/// An IPv4 option with one hop, after a byte that aligns it: kind, length, pointer. The kernel adds the destination.
fn source_route(kind: u8, hop: Ipv4Addr) -> Vec<u8> {
    [&[1, kind, 7, 4], hop.octets().as_slice()].concat()
}

/// An IPv6 segment routing header (type 4) with two segments; the last one is visited first.
fn segments(hop: Ipv6Addr) -> Vec<u8> {
    [&[0, 4, 4, 1, 1, 0, 0, 0], [0; 16].as_slice(), &hop.octets()].concat()
}

/// An IPv6 routing header of type 2, as mobile hosts use it.
fn home(hop: Ipv6Addr) -> Vec<u8> {
    [&[0, 2, 2, 1, 0, 0, 0, 0], hop.octets().as_slice()].concat()
}

/// `struct cmsghdr` and its data, padded to eight bytes.
fn control_message(level: i32, kind: i32, data: &[u8]) -> Vec<u8> {
    let length = size_of::<libc::cmsghdr>() + data.len();
    let mut message = length.to_ne_bytes().to_vec();
    message.extend_from_slice(&level.to_ne_bytes());
    message.extend_from_slice(&kind.to_ne_bytes());
    message.extend_from_slice(data);
    message.resize(length.next_multiple_of(8), 0);
    message
}

fn option(fd: &OwnedFd, level: i32, name: i32, value: &[u8]) -> Result<(), Failure> {
    // SAFETY: a live slice and its length.
    check(unsafe {
        libc::setsockopt(
            fd.as_raw_fd(),
            level,
            name,
            value.as_ptr().cast(),
            value.len() as u32,
        )
    })
    .map(|_| ())
}

/// Sends a byte with control messages.
fn send(fd: &OwnedFd, address: &[u8], control: &[u8]) -> Done {
    let text = b"x";
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
    if !control.is_empty() {
        message.msg_control = control.as_ptr().cast_mut().cast();
        message.msg_controllen = control.len();
    }
    // SAFETY: the message points to live slices, which the kernel only reads.
    check(unsafe { libc::sendmsg(fd.as_raw_fd(), &raw const message, libc::MSG_NOSIGNAL) } as i64)
        .map(|_| None)
}
