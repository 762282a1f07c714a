// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Operations through `io_uring`, which have no system call of their own: one submission, one completion.

use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::atomic::{AtomicU32, Ordering};

use crate::net::prepared;
use crate::outcome::{Done, Failure, Preparing};
use crate::sys::{c, check, owned};

const OP_CONNECT: u8 = 16;
const OP_OPENAT: u8 = 18;
const OP_UNLINKAT: u8 = 36;
const OP_URING_CMD: u8 = 46;
const REGISTER_PERSONALITY: u32 = 9;
const SQE_ASYNC: u8 = 1 << 4;
const SETUP_SQPOLL: u32 = 1 << 1;
const FEATURE_SINGLE_MMAP: u32 = 1;
const ENTER_GETEVENTS: u32 = 1;
const ENTER_SQ_WAKEUP: u32 = 2;
const OFF_SQES: i64 = 0x1000_0000;

pub(crate) fn operation(name: &str, words: &[&[u8]]) -> Option<Done> {
    Some(match (name, words) {
        ("uring-open", [path]) => open(path, libc::O_RDONLY, 0, 0),
        // A worker thread of the kernel performs it.
        ("uring-open-async", [path]) => open(path, libc::O_RDONLY, SQE_ASYNC, 0),
        // A polling thread of the kernel submits it.
        ("uring-open-sqpoll", [path]) => open(path, libc::O_RDONLY, 0, SETUP_SQPOLL),
        ("uring-create", [path]) => open(path, libc::O_CREAT | libc::O_WRONLY, 0, 0),
        ("uring-unlink", [path]) => c(path).and_then(|path| {
            submit(
                &Sqe {
                    opcode: OP_UNLINKAT,
                    fd: libc::AT_FDCWD,
                    addr: path.as_ptr() as u64,
                    ..Sqe::default()
                },
                0,
            )
        }),
        // A command that only /dev/null implements.
        ("uring-cmd", []) => crate::sys::open(b"/dev/null", libc::O_RDWR, 0)
            .before("open")
            .and_then(|fd| {
                submit(
                    &Sqe {
                        opcode: OP_URING_CMD,
                        fd: fd.as_raw_fd(),
                        ..Sqe::default()
                    },
                    0,
                )
            }),
        // No operation, with the credentials that this process has.
        ("uring-personality", []) => perform(Sqe::default(), 0, true),
        ("uring-connect", [address]) => connect(address, 0),
        ("uring-connect-async", [address]) => connect(address, SQE_ASYNC),
        _ => return None,
    })
}

fn open(path: &[u8], flags: i32, sqe_flags: u8, setup: u32) -> Done {
    let path = c(path)?;
    let sqe = Sqe {
        opcode: OP_OPENAT,
        flags: sqe_flags,
        fd: libc::AT_FDCWD,
        addr: path.as_ptr() as u64,
        len: 0o644,
        op_flags: (flags | libc::O_CLOEXEC) as u32,
        ..Sqe::default()
    };
    submit(&sqe, setup)
}

fn connect(address: &[u8], sqe_flags: u8) -> Done {
    let (fd, address) = prepared(address)?;
    let sqe = Sqe {
        opcode: OP_CONNECT,
        flags: sqe_flags,
        fd: fd.as_raw_fd(),
        off: address.bytes.len() as u64,
        addr: address.bytes.as_ptr() as u64,
        ..Sqe::default()
    };
    submit(&sqe, 0)
}

/// `struct io_uring_sqe`
#[repr(C)]
#[derive(Clone, Copy, Default)]
struct Sqe {
    opcode: u8,
    flags: u8,
    ioprio: u16,
    fd: i32,
    off: u64,
    addr: u64,
    len: u32,
    op_flags: u32,
    user_data: u64,
    buffer: u16,
    personality: u16,
    rest: [u32; 5],
}

/// `struct io_uring_params`
#[repr(C)]
#[derive(Default)]
struct Params {
    sq_entries: u32,
    cq_entries: u32,
    flags: u32,
    sq_thread_cpu: u32,
    sq_thread_idle: u32,
    features: u32,
    wq_fd: u32,
    resv: [u32; 3],
    sq_off: [u32; 10],
    cq_off: [u32; 10],
}

/// Maps a ring, shared with the kernel, for the life of the process.
fn map(fd: &OwnedFd, length: usize, offset: i64) -> Result<*mut u8, Failure> {
    let protection = libc::PROT_READ | libc::PROT_WRITE;
    let flags = libc::MAP_SHARED | libc::MAP_POPULATE;
    // SAFETY: the kernel chooses an address at which nothing is mapped.
    let address = unsafe {
        libc::mmap(
            std::ptr::null_mut(),
            length,
            protection,
            flags,
            fd.as_raw_fd(),
            offset,
        )
    };
    if address == libc::MAP_FAILED {
        Err(Failure::last())
    } else {
        Ok(address.cast())
    }
}

/// Submits one request, waits for its completion and returns its result.
fn submit(sqe: &Sqe, setup: u32) -> Done {
    perform(*sqe, setup, false)
}

/// The same; with `personality`, the request names this process's credentials, which are registered first.
// Mappings start at a page, and the kernel aligns the fields in them.
#[allow(clippy::cast_ptr_alignment)]
fn perform(mut sqe: Sqe, setup: u32, personality: bool) -> Done {
    let mut params = Params {
        flags: setup,
        sq_thread_idle: 1000,
        ..Params::default()
    };
    // SAFETY: a live struct io_uring_params.
    let fd = owned(unsafe { libc::syscall(libc::SYS_io_uring_setup, 2, &raw mut params) })
        .before("io_uring_setup")?;
    if params.features & FEATURE_SINGLE_MMAP == 0 {
        return Err(Failure::Before(libc::ENOSYS, "io_uring_setup"));
    }
    if personality {
        let (call, nothing) = (libc::SYS_io_uring_register, std::ptr::null::<u8>());
        // SAFETY: a descriptor, numbers and no pointer.
        let id = unsafe { libc::syscall(call, fd.as_raw_fd(), REGISTER_PERSONALITY, nothing, 0) };
        sqe.personality = check(id).before("io_uring_register")? as u16;
    }
    let sq_length = params.sq_off[6] as usize + params.sq_entries as usize * 4;
    let cq_length = params.cq_off[5] as usize + params.cq_entries as usize * 16;
    let rings = map(&fd, sq_length.max(cq_length), 0).before("mmap")?;
    let sqes = map(&fd, params.sq_entries as usize * size_of::<Sqe>(), OFF_SQES).before("mmap")?;
    let sq = |word: usize| params.sq_off[word] as usize;
    // SAFETY: the offsets are those the kernel gave for this mapping, each of an aligned u32; the entry and the
    // array's first element are ours until the tail is moved.
    unsafe {
        sqes.cast::<Sqe>().write(sqe);
        rings.add(sq(6)).cast::<u32>().write(0);
        AtomicU32::from_ptr(rings.add(sq(1)).cast()).store(1, Ordering::SeqCst);
    }
    let (to_submit, wake) = if setup & SETUP_SQPOLL == 0 {
        (1, 0)
    } else {
        (0, ENTER_SQ_WAKEUP)
    };
    let null = std::ptr::null::<u8>();
    // SAFETY: numbers, and no signal mask.
    let entered = unsafe {
        libc::syscall(
            libc::SYS_io_uring_enter,
            fd.as_raw_fd(),
            to_submit,
            1,
            ENTER_GETEVENTS | wake,
            null,
            0,
        )
    };
    check(entered).before("io_uring_enter")?;
    // SAFETY: as above. The call waited for a completion, which has user_data (u64), then the result.
    let result = unsafe {
        rings
            .add(params.cq_off[5] as usize + 8)
            .cast::<i32>()
            .read_volatile()
    };
    match result {
        error if error < 0 => Err(Failure::Errno(-error)),
        opened if sqe.opcode == OP_OPENAT => owned(opened).map(|_| None),
        _ => Ok(None),
    }
}
