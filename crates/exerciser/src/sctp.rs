// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Addresses of SCTP that are given by options and control messages. Several addresses are separated by commas.

use std::os::fd::{AsRawFd, OwnedFd};

use crate::net::{Address, connect, parsed, prepare, prepared};
use crate::outcome::{Done, Failure, Preparing};
use crate::sys::{call, check};

const LEVEL: i32 = libc::IPPROTO_SCTP;
const PRIMARY_ADDR: i32 = 6;
const BINDX_ADD: i32 = 100;
const CONNECTX_OLD: i32 = 107;
const CONNECTX: i32 = 110;
const CONNECTX3: i32 = 111;
/// Control message: another address of the peer.
const DSTADDRV4: i32 = 7;

pub(crate) fn operation(name: &str, words: &[&[u8]]) -> Option<Done> {
    Some(match (name, words) {
        ("sctp-connectx", [addresses]) => {
            several(addresses).and_then(|(fd, bytes)| option(&fd, CONNECTX, &bytes))
        }
        ("sctp-connectx-old", [addresses]) => {
            several(addresses).and_then(|(fd, bytes)| option(&fd, CONNECTX_OLD, &bytes))
        }
        ("sctp-connectx3", [addresses]) => {
            several(addresses).and_then(|(fd, bytes)| connectx3(&fd, &bytes))
        }
        // Begins to connect, and does not wait for an answer.
        ("sctp-start", [addresses]) => several(addresses).and_then(|(fd, bytes)| {
            check(call!(fcntl(
                fd.as_raw_fd(),
                libc::F_SETFL,
                libc::O_NONBLOCK
            )))
            .before("fcntl")?;
            match option(&fd, CONNECTX, &bytes) {
                Err(Failure::Errno(libc::EINPROGRESS)) => Ok(None),
                other => other,
            }
        }),
        ("sctp-bindx", [addresses]) => {
            several(addresses).and_then(|(fd, bytes)| option(&fd, BINDX_ADD, &bytes))
        }
        // Connects to an address, and sends to another one of the peer first.
        ("sctp-primary", [address, other]) => prepared(address).and_then(|(fd, address)| {
            connect(&fd, &address.bytes).before("connect")?;
            // struct sctp_setprim: no association's number, an address.
            let mut primary = vec![0; 4];
            primary.extend_from_slice(&parsed(other)?.bytes);
            primary.resize(132, 0);
            option(&fd, PRIMARY_ADDR, &primary)
        }),
        // Sends to an address, and names another address of the peer, with the same port.
        ("sctp-send", [address, other]) => send(address, other),
        _ => return None,
    })
}

/// A socket, and the addresses one after the other.
fn several(addresses: &[u8]) -> Result<(OwnedFd, Vec<u8>), Failure> {
    let mut bytes = Vec::new();
    let mut last = None;
    for address in addresses.split(|&byte| byte == b',') {
        let address = parsed(address)?;
        bytes.extend_from_slice(&address.bytes);
        last = Some(address);
    }
    let last: Address = last.ok_or_else(|| Failure::Usage("no address".to_owned()))?;
    Ok((prepare(last)?.0, bytes))
}

fn option(fd: &OwnedFd, name: i32, value: &[u8]) -> Done {
    let (pointer, length) = (value.as_ptr().cast(), value.len() as u32);
    check(call!(setsockopt(
        fd.as_raw_fd(),
        LEVEL,
        name,
        pointer,
        length
    )))
    .map(|_| None)
}

/// `getsockopt` with this option connects.
fn connectx3(fd: &OwnedFd, addresses: &[u8]) -> Done {
    // struct sctp_getaddrs_old: the association's number, the length of the addresses, and a pointer to them.
    let mut value = [(addresses.len() as u64) << 32, addresses.as_ptr() as u64];
    let mut length = 16_u32;
    // SAFETY: the kernel reads the addresses and writes at most as many bytes as there are.
    check(unsafe {
        libc::getsockopt(
            fd.as_raw_fd(),
            LEVEL,
            CONNECTX3,
            value.as_mut_ptr().cast(),
            &raw mut length,
        )
    })
    .map(|_| None)
}

fn send(address: &[u8], other: &[u8]) -> Done {
    let (fd, address) = prepared(address)?;
    let other = parsed(other)?;
    let text = b"x";
    let mut part = libc::iovec {
        iov_base: text.as_ptr().cast_mut().cast(),
        iov_len: text.len(),
    };
    // struct cmsghdr of 16 bytes, then struct in_addr, which is at 4 in an address.
    let mut control = 20_u64.to_ne_bytes().to_vec();
    control.extend_from_slice(&LEVEL.to_ne_bytes());
    control.extend_from_slice(&DSTADDRV4.to_ne_bytes());
    control.extend_from_slice(&other.bytes[4..8]);
    control.resize(24, 0);
    // SAFETY: a message header with all bytes zero is an empty message.
    let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
    message.msg_name = address.bytes.as_ptr().cast_mut().cast();
    message.msg_namelen = address.bytes.len() as u32;
    message.msg_iov = &raw mut part;
    message.msg_iovlen = 1;
    message.msg_control = control.as_mut_ptr().cast();
    message.msg_controllen = control.len();
    // SAFETY: the message points to live memory, which the kernel only reads.
    check(unsafe { libc::sendmsg(fd.as_raw_fd(), &raw const message, libc::MSG_NOSIGNAL) } as i64)?;
    // The association is made after the call.
    let mut poll = libc::pollfd {
        fd: fd.as_raw_fd(),
        events: libc::POLLOUT,
        revents: 0,
    };
    // SAFETY: one live pollfd.
    match check(unsafe { libc::poll(&raw mut poll, 1, 20_000) }).before("poll")? {
        0 => Err(Failure::Before(libc::ETIMEDOUT, "poll")),
        _ => Ok(None),
    }
}
