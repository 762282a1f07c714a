// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Ways to change the start of a file through a descriptor that was opened for appending, and plain ways to append.

use std::os::fd::{AsRawFd, OwnedFd};

use libc::{FALLOC_FL_KEEP_SIZE, O_APPEND, O_NONBLOCK, O_RDWR, O_WRONLY};

use crate::outcome::{Done, Failure, Preparing};
use crate::sys::{call, check, open, owned, write_all};

/// `pwritev2(2)`, from 6.9 on: write at the offset although the file was opened for appending.
pub(crate) const RWF_NOAPPEND: i32 = 0x20;
const PAGE: usize = 4096;
const OVERWRITTEN: &[u8] = b"XX";

pub(crate) fn operation(name: &str, words: &[&[u8]]) -> Option<Done> {
    Some(match (name, words) {
        ("overwrite", [way, path]) => overwrite(way, path),
        ("append-by", [way, path, text]) => append(way, path, text),
        _ => return None,
    })
}

fn overwrite(way: &[u8], path: &[u8]) -> Done {
    let readable = way == b"map" || way == b"map-later";
    let fd = opened(path, if readable { O_RDWR } else { O_WRONLY })?;
    let fallocate =
        |mode: i32| check(call!(fallocate(fd.as_raw_fd(), mode, 0, PAGE as i64))).map(|_| None);
    match way {
        b"setfl" => {
            set_flags(&fd, 0)?;
            at_start(&fd, 0).before("pwrite")
        }
        // The flag of the open file is changed through another descriptor of it.
        b"setfl-of-copy" => {
            // SAFETY: takes a number.
            let copy = owned(unsafe { libc::dup(fd.as_raw_fd()) }).before("dup")?;
            set_flags(&copy, O_NONBLOCK)?;
            at_start(&fd, 0).before("pwrite")
        }
        b"punch" => fallocate(libc::FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE),
        b"zero" => fallocate(libc::FALLOC_FL_ZERO_RANGE),
        b"collapse" => fallocate(libc::FALLOC_FL_COLLAPSE_RANGE),
        b"insert" => fallocate(libc::FALLOC_FL_INSERT_RANGE),
        // FS_IOC_UNRESVSP: a hole by ioctl.
        b"punch-ioctl" => {
            // struct space_resv: type and whence, start, length, and fields that are not used.
            let hole = [0_u64, 0, PAGE as u64, 0, 0, 0];
            let pointer = hole.as_ptr();
            check(call!(ioctl(fd.as_raw_fd(), 0x4030_582b, pointer))).map(|_| None)
        }
        b"noappend" => at_start(&fd, RWF_NOAPPEND),
        b"map" => map(&fd, libc::PROT_READ | libc::PROT_WRITE, false),
        b"map-later" => map(&fd, libc::PROT_READ, true),
        b"aio-noappend" => aio(&fd, OVERWRITTEN, RWF_NOAPPEND),
        b"truncate" => check(call!(ftruncate(fd.as_raw_fd(), 1))).map(|_| None),
        b"reopen" => {
            let path = format!("/proc/self/fd/{}", fd.as_raw_fd());
            let again = open(path.as_bytes(), O_WRONLY, 0)?;
            write_all(&again, OVERWRITTEN)
                .before("write")
                .map(|()| None)
        }
        other => Err(unknown(other)),
    }
}

fn append(way: &[u8], path: &[u8], text: &[u8]) -> Done {
    let fd = opened(path, if way == b"rw" { O_RDWR } else { O_WRONLY })?;
    match way {
        b"write" | b"rw" => write_all(&fd, text).map(|()| None),
        b"writev" => {
            let part = libc::iovec {
                iov_base: text.as_ptr().cast_mut().cast(),
                iov_len: text.len(),
            };
            let parts = &raw const part;
            check(call!(writev(fd.as_raw_fd(), parts, 1)) as i64).map(|_| None)
        }
        b"pwrite" => written_at(&fd, text, 0),
        b"setfl-nonblock" => {
            set_flags(&fd, O_APPEND | O_NONBLOCK)?;
            write_all(&fd, text).before("write").map(|()| None)
        }
        b"aio" => aio(&fd, text, 0),
        other => Err(unknown(other)),
    }
}

fn unknown(way: &[u8]) -> Failure {
    Failure::Usage(format!("not a way to write: {}", way.escape_ascii()))
}

/// Opens a file for appending.
pub(crate) fn opened(path: &[u8], access: i32) -> Result<OwnedFd, Failure> {
    open(path, access | O_APPEND, 0).before("open")
}

fn set_flags(fd: &OwnedFd, flags: i32) -> Result<(), Failure> {
    check(call!(fcntl(fd.as_raw_fd(), libc::F_SETFL, flags))).map(|_| ())
}

fn at_start(fd: &OwnedFd, flags: i32) -> Done {
    written_at(fd, OVERWRITTEN, flags)
}

fn written_at(fd: &OwnedFd, text: &[u8], flags: i32) -> Done {
    let part = libc::iovec {
        iov_base: text.as_ptr().cast_mut().cast(),
        iov_len: text.len(),
    };
    let parts = &raw const part;
    check(call!(pwritev2(fd.as_raw_fd(), parts, 1, 0, flags)) as i64).map(|_| None)
}

/// Writes through a shared mapping, which is made writable afterwards if `later`.
fn map(fd: &OwnedFd, protection: i32, later: bool) -> Done {
    let (length, nowhere) = (PAGE, std::ptr::null_mut());
    // SAFETY: the kernel chooses an address at which nothing is mapped.
    let page = unsafe {
        libc::mmap(
            nowhere,
            length,
            protection,
            libc::MAP_SHARED,
            fd.as_raw_fd(),
            0,
        )
    };
    if page == libc::MAP_FAILED {
        return Err(Failure::last());
    }
    if later {
        // SAFETY: the page was mapped above and is not used yet.
        check(unsafe { libc::mprotect(page, length, libc::PROT_READ | libc::PROT_WRITE) })?;
    }
    // SAFETY: the page is writable, and the file has a page.
    unsafe { page.cast::<u8>().write_volatile(OVERWRITTEN[0]) };
    // SAFETY: the page was mapped above and is not used any more.
    check(unsafe { libc::munmap(page, length) })
        .before("munmap")
        .map(|_| None)
}

/// `struct iocb`, in little-endian order.
#[repr(C)]
#[derive(Default)]
struct Request {
    data: u64,
    key: u32,
    rw_flags: i32,
    opcode: u16,
    priority: i16,
    fd: u32,
    buffer: u64,
    bytes: u64,
    offset: i64,
    rest: [u64; 2],
}

/// Writes at the start with `io_submit`.
fn aio(fd: &OwnedFd, text: &[u8], flags: i32) -> Done {
    const PWRITE: u16 = 1;
    let mut context = 0_u64;
    let place = &raw mut context;
    check(call!(syscall(libc::SYS_io_setup, 1, place))).before("io_setup")?;
    let request = Request {
        rw_flags: flags,
        opcode: PWRITE,
        fd: fd.as_raw_fd() as u32,
        buffer: text.as_ptr() as u64,
        bytes: text.len() as u64,
        ..Request::default()
    };
    let requests = [&raw const request];
    let (list, nothing) = (requests.as_ptr(), std::ptr::null::<u8>());
    check(call!(syscall(libc::SYS_io_submit, context, 1, list)))?;
    // struct io_event: data, request, result, another result.
    let mut event = [0_i64; 4];
    let place = event.as_mut_ptr();
    check(call!(syscall(
        libc::SYS_io_getevents,
        context,
        1,
        1,
        place,
        nothing
    )))
    .before("io_getevents")?;
    match event[2] {
        error if error < 0 => Err(Failure::Errno(-error as i32)),
        _ => Ok(None),
    }
}
