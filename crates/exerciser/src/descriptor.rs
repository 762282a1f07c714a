// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Operations through descriptors, and on attributes of files.

use std::os::fd::{AsRawFd, IntoRawFd, OwnedFd};

use crate::net::{bind, connect, prepared};
use crate::outcome::{Done, Failure, Preparing};
use crate::sys::{c, check, open, owned, pair};

pub(crate) fn operation(name: &str, words: &[&[u8]]) -> Option<Done> {
    Some(match (name, words) {
        ("setxattr", [path, name, value]) => setxattr(path, name, value),
        ("removexattr", [path, name]) => removexattr(path, name),
        ("fcntl-owner", [path]) => on(path, |fd| {
            // Another process: its own is no operation. Nothing is ever sent for a regular file.
            // SAFETY: a descriptor and numbers.
            unsafe { libc::fcntl(fd, libc::F_SETOWN, 1) }
        }),
        // On a terminal, both make its foreground process group the owner.
        ("async-fcntl", [path]) => on(path, |fd| {
            // SAFETY: as above.
            unsafe { libc::fcntl(fd, libc::F_SETFL, libc::O_ASYNC) }
        }),
        ("async-ioctl", [path]) => on(path, |fd| {
            let on = 1;
            // SAFETY: as above, and a number that lives.
            unsafe { libc::ioctl(fd, libc::FIOASYNC, &raw const on) }
        }),
        ("lease", [path]) => on(path, |fd| {
            // SAFETY: as above.
            unsafe { libc::fcntl(fd, libc::F_SETLEASE, libc::F_RDLCK) }
        }),
        // SAFETY: as above.
        ("lock", [path]) => on(path, |fd| unsafe { libc::flock(fd, libc::LOCK_EX) }),
        // An operation that tests leave out of the map comes between the open and the lock.
        ("lock-after-violation", [path]) => on(path, |fd| {
            // SAFETY: takes numbers.
            unsafe {
                libc::close(libc::socket(libc::AF_INET, libc::SOCK_DGRAM, 0));
                libc::flock(fd, libc::LOCK_EX)
            }
        }),
        // Opens a file that every program executed later inherits.
        ("keep-open", [path]) => keep_open(path),
        ("receive", [path]) => receive(path),
        ("pass", [path, address]) => pass(path, address),
        ("take", [address]) => take(address),
        ("pidfd-getfd", [path]) => pidfd_getfd(path),
        _ => return None,
    })
}

fn file(path: &[u8]) -> Result<OwnedFd, Failure> {
    open(path, libc::O_RDONLY, 0).before("open")
}

fn on(path: &[u8], call: impl FnOnce(i32) -> i32) -> Done {
    let fd = file(path)?;
    check(call(fd.as_raw_fd())).map(|_| None)
}

fn setxattr(path: &[u8], name: &[u8], value: &[u8]) -> Done {
    let (path, name) = (c(path)?, c(name)?);
    // SAFETY: C strings, and the pointer and length of a live slice.
    let set = unsafe {
        libc::setxattr(
            path.as_ptr(),
            name.as_ptr(),
            value.as_ptr().cast(),
            value.len(),
            0,
        )
    };
    check(set).map(|_| None)
}

fn removexattr(path: &[u8], name: &[u8]) -> Done {
    let (path, name) = (c(path)?, c(name)?);
    // SAFETY: C strings that live through the call.
    check(unsafe { libc::removexattr(path.as_ptr(), name.as_ptr()) }).map(|_| None)
}

fn keep_open(path: &[u8]) -> Done {
    let fd = open(path, libc::O_RDONLY, 0)?.into_raw_fd();
    // SAFETY: takes numbers. The descriptor belongs to this function alone.
    check(unsafe { libc::fcntl(fd, libc::F_SETFD, 0) })
        .before("fcntl")
        .map(|_| None)
}

/// A header and one descriptor: `CMSG_SPACE(4)`.
#[repr(C, align(8))]
struct Passed {
    header: libc::cmsghdr,
    fd: i32,
    pad: i32,
}

/// Sends a descriptor to itself. If the hook refuses it, the kernel leaves it out of the message and sets `MSG_CTRUNC`.
fn receive(path: &[u8]) -> Done {
    let fd = file(path)?;
    let (ours, theirs) = pair()?;
    send_descriptor(&ours, &fd)?;
    take_descriptor(&theirs)
}

/// Sends a descriptor to the process that waits at an address.
fn pass(path: &[u8], address: &[u8]) -> Done {
    let fd = file(path)?;
    let (socket, address) = prepared(address)?;
    connect(&socket, &address.bytes).before("connect")?;
    send_descriptor(&socket, &fd).map(|()| None)
}

/// Waits at an address for a descriptor.
fn take(address: &[u8]) -> Done {
    let (socket, address) = prepared(address)?;
    bind(&socket, &address).before("bind")?;
    take_descriptor(&socket)
}

fn send_descriptor(socket: &OwnedFd, fd: &OwnedFd) -> Result<(), Failure> {
    with_message(fd.as_raw_fd(), |message, _| {
        // SAFETY: everything that the header points to is alive.
        check(unsafe { libc::sendmsg(socket.as_raw_fd(), message, 0) } as i64)
            .before("sendmsg")
            .map(|_| ())
    })
}

fn take_descriptor(socket: &OwnedFd) -> Done {
    with_message(-1, |message, passed| {
        // SAFETY: everything that the header points to is alive.
        let received =
            unsafe { libc::recvmsg(socket.as_raw_fd(), message, libc::MSG_CMSG_CLOEXEC) };
        check(received as i64).before("recvmsg")?;
        // SAFETY: as above; the kernel does not use them after the call.
        let (flags, fd) = unsafe { ((*message).msg_flags, (*passed).fd) };
        if flags & libc::MSG_CTRUNC != 0 || fd < 0 {
            return Err(Failure::Errno(libc::EBADF));
        }
        owned(fd).map(|_| None)
    })
}

/// Builds a message of one byte, and of one descriptor, which is `fd`.
fn with_message<T>(
    fd: i32,
    act: impl FnOnce(*mut libc::msghdr, *const Passed) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let mut byte = [b'x'];
    let mut piece = libc::iovec {
        iov_base: byte.as_mut_ptr().cast(),
        iov_len: 1,
    };
    // SAFETY: both structs are valid if all their bytes are zero.
    let (mut passed, mut message): (Passed, libc::msghdr) = unsafe { std::mem::zeroed() };
    passed.header.cmsg_len = size_of::<libc::cmsghdr>() + 4;
    passed.header.cmsg_level = libc::SOL_SOCKET;
    passed.header.cmsg_type = libc::SCM_RIGHTS;
    passed.fd = fd;
    let passed = &raw mut passed;
    message.msg_iov = &raw mut piece;
    message.msg_iovlen = 1;
    message.msg_control = passed.cast();
    message.msg_controllen = size_of::<Passed>();
    act(&raw mut message, passed)
}

/// Copies a descriptor from a process with `pidfd_getfd`: from itself.
fn pidfd_getfd(path: &[u8]) -> Done {
    let fd = file(path)?;
    // SAFETY: takes numbers.
    let process = owned(unsafe { libc::syscall(libc::SYS_pidfd_open, libc::getpid(), 0) })
        .before("pidfd_open")?;
    // SAFETY: as above.
    owned(unsafe {
        libc::syscall(
            libc::SYS_pidfd_getfd,
            process.as_raw_fd(),
            fd.as_raw_fd(),
            0,
        )
    })
    .map(|_| None)
}
