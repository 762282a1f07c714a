// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Operations through `io_uring`, which have no system call of their own: one submission, one completion.

use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::atomic::{AtomicU32, Ordering};

use crate::append::{RWF_NOAPPEND, opened};
use crate::net::prepared;
use crate::outcome::{Done, Failure, Preparing};
use crate::sys::{c, check, octal, owned};

const OP_TIMEOUT: u8 = 11;
const OP_CONNECT: u8 = 16;
const OP_FALLOCATE: u8 = 17;
const OP_OPENAT: u8 = 18;
const OP_WRITE: u8 = 23;
const OP_UNLINKAT: u8 = 36;
const OP_URING_CMD: u8 = 46;
/// From 6.9 on.
const OP_FTRUNCATE: u8 = 55;
const REGISTER_PERSONALITY: u32 = 9;
const SQE_LINK: u8 = 1 << 2;
const SQE_ASYNC: u8 = 1 << 4;
/// A timeout that ends does not break the chain.
const TIMEOUT_SUCCEEDS: u32 = 1 << 5;
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
        ("uring-tmpfile", [dir, mode]) => {
            octal(mode).and_then(|mode| open_as(dir, libc::O_TMPFILE | libc::O_RDWR, mode, 0, 0))
        }
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
        ("uring-personality", []) => perform(&mut [Sqe::default()], 0, true),
        ("uring-append", [path, text]) => opened(path, libc::O_WRONLY).and_then(|fd| {
            submit(
                &Sqe {
                    opcode: OP_WRITE,
                    fd: fd.as_raw_fd(),
                    addr: text.as_ptr() as u64,
                    len: text.len() as u32,
                    ..Sqe::default()
                },
                0,
            )
        }),
        // uring-overwrite REQUEST WAY PATH: changes the start of a file that is open for appending.
        ("uring-overwrite", [request, way, path]) => overwrite(request, way, path),
        ("uring-connect", [address]) => connect(address, 0),
        ("uring-connect-async", [address]) => connect(address, SQE_ASYNC),
        _ => return None,
    })
}

fn open(path: &[u8], flags: i32, sqe_flags: u8, setup: u32) -> Done {
    open_as(path, flags, 0o644, sqe_flags, setup)
}

fn open_as(path: &[u8], flags: i32, mode: u32, sqe_flags: u8, setup: u32) -> Done {
    let path = c(path)?;
    let sqe = Sqe {
        opcode: OP_OPENAT,
        flags: sqe_flags,
        fd: libc::AT_FDCWD,
        addr: path.as_ptr() as u64,
        len: mode,
        op_flags: (flags | libc::O_CLOEXEC) as u32,
        ..Sqe::default()
    };
    submit(&sqe, setup)
}

fn overwrite(request: &[u8], way: &[u8], path: &[u8]) -> Done {
    const PUNCH_HOLE: i32 = libc::FALLOC_FL_PUNCH_HOLE | libc::FALLOC_FL_KEEP_SIZE;
    let fd = opened(path, libc::O_WRONLY)?;
    let text = b"XX";
    let mut sqe = Sqe {
        fd: fd.as_raw_fd(),
        ..Sqe::default()
    };
    match request {
        b"noappend" => {
            sqe.opcode = OP_WRITE;
            sqe.addr = text.as_ptr() as u64;
            sqe.len = text.len() as u32;
            sqe.op_flags = RWF_NOAPPEND as u32;
        }
        b"punch" => {
            sqe.opcode = OP_FALLOCATE;
            sqe.addr = 4096;
            sqe.len = PUNCH_HOLE as u32;
        }
        b"truncate" => {
            sqe.opcode = OP_FTRUNCATE;
            sqe.off = 1;
        }
        other => {
            return Err(Failure::Usage(format!(
                "not a request: {}",
                other.escape_ascii()
            )));
        }
    }
    match way {
        b"plain" => submit(&sqe, 0),
        b"polled" => submit(&sqe, SETUP_SQPOLL),
        b"async" => {
            sqe.flags = SQE_ASYNC;
            submit(&sqe, 0)
        }
        // The request begins when a timeout of a millisecond ends, in work that the kernel adds to the task.
        b"linked" => {
            let millisecond = [0_i64, 1_000_000];
            let timeout = Sqe {
                opcode: OP_TIMEOUT,
                flags: SQE_LINK,
                fd: -1,
                addr: millisecond.as_ptr() as u64,
                len: 1,
                op_flags: TIMEOUT_SUCCEEDS,
                ..Sqe::default()
            };
            perform(&mut [timeout, sqe], 0, false)
        }
        other => Err(Failure::Usage(format!(
            "not a way to submit: {}",
            other.escape_ascii()
        ))),
    }
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
    perform(&mut [*sqe], setup, false)
}

/// Submits requests, and waits for completions.
fn enter(fd: &OwnedFd, submit: usize, complete: usize, flags: u32) -> Result<(), Failure> {
    let (fd, null) = (fd.as_raw_fd(), std::ptr::null::<u8>());
    // SAFETY: numbers, and no signal mask.
    let entered = unsafe {
        libc::syscall(
            libc::SYS_io_uring_enter,
            fd,
            submit,
            complete,
            flags,
            null,
            0,
        )
    };
    check(entered).before("io_uring_enter").map(|_| ())
}

/// Submits at most two requests, waits for all completions and returns the result of the last request. With `personality`,
/// that request names this process's credentials, which are registered first.
// Mappings start at a page, and the kernel aligns the fields in them.
#[allow(clippy::cast_ptr_alignment)]
fn perform(requests: &mut [Sqe], setup: u32, personality: bool) -> Done {
    let last = requests.len() - 1;
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
        requests[last].personality = check(id).before("io_uring_register")? as u16;
    }
    let sq_length = params.sq_off[6] as usize + params.sq_entries as usize * 4;
    let cq_length = params.cq_off[5] as usize + params.cq_entries as usize * 16;
    let rings = map(&fd, sq_length.max(cq_length), 0).before("mmap")?;
    let sqes = map(&fd, params.sq_entries as usize * size_of::<Sqe>(), OFF_SQES).before("mmap")?;
    let sq = |word: usize| params.sq_off[word] as usize;
    for (at, sqe) in requests.iter_mut().enumerate() {
        sqe.user_data = at as u64;
        // SAFETY: the offsets are those the kernel gave for this mapping, each of an aligned u32; the ring has room for
        // two entries, and they and the array's elements are ours until the tail is moved.
        unsafe {
            sqes.cast::<Sqe>().add(at).write(*sqe);
            rings.add(sq(6)).cast::<u32>().add(at).write(at as u32);
        }
    }
    // SAFETY: as above.
    unsafe {
        AtomicU32::from_ptr(rings.add(sq(1)).cast()).store(requests.len() as u32, Ordering::SeqCst);
    }
    let (to_submit, wake) = if setup & SETUP_SQPOLL == 0 {
        (requests.len(), 0)
    } else {
        (0, ENTER_SQ_WAKEUP)
    };
    enter(&fd, to_submit, requests.len(), ENTER_GETEVENTS | wake)?;
    // Completions come in any order: user_data (u64), then the result.
    let completed = || {
        (0..requests.len()).find_map(|at| {
            // SAFETY: as above. Unused completions are zero, which is no request's number but the first one's.
            unsafe {
                let event = rings.add(params.cq_off[5] as usize + at * 16);
                (event.cast::<u64>().read_volatile() == last as u64)
                    .then(|| event.add(8).cast::<i32>().read_volatile())
            }
        })
    };
    let mut result = completed();
    while result.is_none() {
        // The call above returns when a timeout ends, however many completions it waits for.
        enter(&fd, 0, requests.len(), ENTER_GETEVENTS)?;
        result = completed();
    }
    let result = result.unwrap_or_default();
    match result {
        error if error < 0 => Err(Failure::Errno(-error)),
        opened if requests[last].opcode == OP_OPENAT => owned(opened).map(|_| None),
        _ => Ok(None),
    }
}
