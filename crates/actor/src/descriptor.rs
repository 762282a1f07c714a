// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Operations through descriptors, and on attributes of files.

use std::os::fd::{AsRawFd, IntoRawFd, OwnedFd};

use crate::outcome::{Done, Failure, Preparing};
use crate::sys::{c, check, open, owned};

pub(crate) fn operation(name: &str, words: &[&[u8]]) -> Option<Done> {
    Some(match (name, words) {
        ("setxattr", [path, name, value]) => setxattr(path, name, value),
        ("removexattr", [path, name]) => removexattr(path, name),
        ("fcntl-owner", [path]) => on(path, |fd| {
            // SAFETY: a descriptor and numbers.
            unsafe { libc::fcntl(fd, libc::F_SETOWN, libc::getpid()) }
        }),
        ("lease", [path]) => on(path, |fd| {
            // SAFETY: as above.
            unsafe { libc::fcntl(fd, libc::F_SETLEASE, libc::F_RDLCK) }
        }),
        // SAFETY: as above.
        ("lock", [path]) => on(path, |fd| unsafe { libc::flock(fd, libc::LOCK_EX) }),
        // Opened, then something that a map of files lacks, then locked.
        ("lock-after-crime", [path]) => on(path, |fd| {
            // SAFETY: takes numbers.
            unsafe {
                libc::close(libc::socket(libc::AF_INET, libc::SOCK_DGRAM, 0));
                libc::flock(fd, libc::LOCK_EX)
            }
        }),
        // Opened, and kept open in whatever is executed from here on.
        ("keep-open", [path]) => keep_open(path),
        ("receive", [path]) => receive(path),
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
    // SAFETY: C strings, and pointer and length of a live slice.
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
    // SAFETY: takes numbers; nobody else knows the descriptor.
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

/// Sends a descriptor to itself. The kernel leaves out what is not let through and says that something was cut off.
fn receive(path: &[u8]) -> Done {
    let fd = file(path)?;
    let mut ends = [0_i32; 2];
    // SAFETY: the kernel writes two descriptors to a live array.
    check(unsafe {
        libc::socketpair(
            libc::AF_UNIX,
            libc::SOCK_STREAM | libc::SOCK_CLOEXEC,
            0,
            ends.as_mut_ptr(),
        )
    })
    .before("socketpair")?;
    let (ours, theirs) = (owned(ends[0])?, owned(ends[1])?);
    let mut byte = [b'x'];
    let mut piece = libc::iovec {
        iov_base: byte.as_mut_ptr().cast(),
        iov_len: 1,
    };
    // SAFETY: all zeroes is a control message header and a message header.
    let (mut passed, mut message): (Passed, libc::msghdr) = unsafe { std::mem::zeroed() };
    passed.header.cmsg_len = size_of::<libc::cmsghdr>() + 4;
    passed.header.cmsg_level = libc::SOL_SOCKET;
    passed.header.cmsg_type = libc::SCM_RIGHTS;
    passed.fd = fd.as_raw_fd();
    message.msg_iov = &raw mut piece;
    message.msg_iovlen = 1;
    message.msg_control = (&raw mut passed).cast();
    message.msg_controllen = size_of::<Passed>();
    // SAFETY: everything the header points to is alive.
    check(unsafe { libc::sendmsg(ours.as_raw_fd(), &raw const message, 0) } as i64)
        .before("sendmsg")?;
    passed.fd = -1;
    // SAFETY: as above.
    let received =
        unsafe { libc::recvmsg(theirs.as_raw_fd(), &raw mut message, libc::MSG_CMSG_CLOEXEC) };
    check(received as i64).before("recvmsg")?;
    if message.msg_flags & libc::MSG_CTRUNC != 0 || passed.fd < 0 {
        return Err(Failure::Errno(libc::EBADF));
    }
    owned(passed.fd).map(|_| None)
}

/// Takes a descriptor out of a process: its own.
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
