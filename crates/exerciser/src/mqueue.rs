// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Operations on POSIX message queues. A queue's name is one word that starts with a slash.

use std::os::fd::{AsRawFd, OwnedFd};

use libc::{O_CREAT, O_EXCL, O_NONBLOCK, O_RDONLY, O_RDWR, O_WRONLY};

use crate::outcome::{Done, Failure, Preparing};
use crate::sys::{c, call, check, owned};

/// Room for one message.
const SIZE: usize = 64;

pub(crate) fn operation(name: &str, words: &[&[u8]]) -> Option<Done> {
    Some(match (name, words) {
        ("mq-create", [queue]) => open(queue, O_CREAT | O_EXCL | O_RDWR).map(|_| None),
        ("mq-create-or-open", [queue]) => open(queue, O_CREAT | O_RDWR).map(|_| None),
        ("mq-open", [queue]) => open(queue, O_RDWR).map(|_| None),
        ("mq-open-r", [queue]) => open(queue, O_RDONLY).map(|_| None),
        // With the kernel's own flag for opens of executables.
        ("mq-open-exec", [queue]) => open(queue, O_RDWR | 0x20).map(|_| None),
        ("mq-send", [queue, text]) => open(queue, O_WRONLY).and_then(|fd| send(&fd, text)),
        ("mq-receive", [queue]) => open(queue, O_RDONLY).and_then(|fd| receive(&fd)),
        ("mq-unlink", [queue]) => name_of(queue).and_then(|queue| {
            let queue = queue.as_ptr();
            check(call!(syscall(libc::SYS_mq_unlink, queue))).map(|_| None)
        }),
        _ => return None,
    })
}

/// The system calls want the name without its slash.
fn name_of(queue: &[u8]) -> Result<std::ffi::CString, Failure> {
    let name = queue
        .strip_prefix(b"/")
        .ok_or_else(|| Failure::Usage(format!("not a queue's name: {}", queue.escape_ascii())))?;
    c(name)
}

fn open(queue: &[u8], flags: i32) -> Result<OwnedFd, Failure> {
    let queue = name_of(queue)?;
    // struct mq_attr: flags, messages, size of a message, and fields that are not used.
    let attributes = [0_i64, 4, SIZE as i64, 0, 0, 0, 0, 0];
    let (queue, attributes) = (queue.as_ptr(), attributes.as_ptr());
    owned(call!(syscall(
        libc::SYS_mq_open,
        queue,
        flags | O_NONBLOCK | libc::O_CLOEXEC,
        0o600,
        attributes
    )))
}

fn send(fd: &OwnedFd, text: &[u8]) -> Done {
    let (fd, pointer, nothing) = (fd.as_raw_fd(), text.as_ptr(), std::ptr::null::<u8>());
    check(call!(syscall(
        libc::SYS_mq_timedsend,
        fd,
        pointer,
        text.len(),
        0,
        nothing
    )))
    .before("mq_send")
    .map(|_| None)
}

fn receive(fd: &OwnedFd) -> Done {
    let mut text = [0_u8; SIZE];
    let (fd, pointer) = (fd.as_raw_fd(), text.as_mut_ptr());
    let (nothing, length) = (std::ptr::null::<u8>(), text.len());
    let received = check(call!(syscall(
        libc::SYS_mq_timedreceive,
        fd,
        pointer,
        length,
        nothing,
        nothing
    )))
    .before("mq_receive")?;
    Ok(Some(text[..received as usize].escape_ascii().to_string()))
}
