// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Every way to executable memory: writes a return instruction to a page and calls it.
//!
//! `ok` means that the instruction ran, `signal SEGV` that the page was not executable. A child does it, so that the
//! exerciser survives.

use std::os::fd::AsRawFd;
use std::ptr::null_mut;

use libc::{MAP_ANONYMOUS, MAP_PRIVATE, MAP_SHARED, PROT_EXEC, PROT_READ, PROT_WRITE, c_void};

use crate::child::child;
use crate::outcome::{Done, Failure, Preparing};
use crate::parse::Birth;
use crate::sys::{call, check, errno, open};

const PAGE: usize = 4096;
const CODE: i32 = PROT_READ | PROT_WRITE | PROT_EXEC;
const DATA: i32 = PROT_READ | PROT_WRITE;
const ANONYMOUS: i32 = MAP_PRIVATE | MAP_ANONYMOUS;
/// `personality(2)`: a readable mapping is also executable.
const READ_IMPLIES_EXEC: libc::c_ulong = 0x040_0000;
/// `shmat(2)`: map executable.
const SHM_EXEC: i32 = 0o100_000;
/// The instruction `ret`.
const RETURN: u8 = 0xc3;
const PAGE_NUMBER: usize = !(PAGE - 1);

pub(crate) fn operation(name: &str, words: &[&[u8]]) -> Option<Done> {
    Some(match (name, words) {
        // code WAY, and the same under READ_IMPLIES_EXEC.
        ("code", [way]) => anonymous(way, false),
        ("code-implied", [way]) => anonymous(way, true),
        // Writes to a private mapping of a file, and makes it executable.
        ("code-dirty", [path]) => of_file(path, |fd| {
            let page = map(DATA, MAP_PRIVATE, fd)?;
            write(page);
            protect(page, PROT_READ | PROT_EXEC)?;
            Ok(page)
        }),
        // The page is the file's own, and becomes executable after it was mapped.
        ("code-file-later", [path]) => of_file(path, |fd| {
            let page = map(PROT_READ, MAP_PRIVATE, fd)?;
            protect(page, PROT_READ | PROT_EXEC)?;
            Ok(page)
        }),
        ("code-shared-later", [path]) => of_file(path, |fd| {
            let page = map(PROT_READ, MAP_SHARED, fd)?;
            protect(page, PROT_READ | PROT_EXEC)?;
            Ok(page)
        }),
        // Maps a file as ld.so does, and calls into it.
        ("code-file", [path]) => of_file(path, |fd| map(PROT_READ | PROT_EXEC, MAP_PRIVATE, fd)),
        // Maps a file only readable, under READ_IMPLIES_EXEC.
        ("code-file-implied", [path]) => of_file(path, |fd| {
            imply()?;
            map(PROT_READ, MAP_PRIVATE, fd)
        }),
        // Maps a file of shared memory as ld.so does, and handles the page fault itself, with another page.
        ("code-fault", [path]) => of_file(path, |fd| {
            let page = map(PROT_READ | PROT_EXEC, MAP_PRIVATE, fd)?;
            fill(page)?;
            Ok(page)
        }),
        // Memory as programs use it: none of it is executable.
        ("data", [way]) => data(way),
        _ => return None,
    })
}

/// Memory on the stack that is in one page.
#[repr(align(64))]
struct Line(#[allow(dead_code)] [u8; 64]);

/// Makes a page executable in a child, and calls it.
fn called(page: &dyn Fn() -> Result<*mut c_void, i32>) -> Done {
    let ended = child(Birth::Fork, &|| match page() {
        Ok(page) => {
            // SAFETY: the page has a return instruction at this address. If it is not executable, this child ends.
            unsafe { std::mem::transmute::<*mut c_void, extern "C" fn()>(page)() };
            0
        }
        // The errors that tests expect fit into an exit status.
        Err(error) => error,
    });
    match ended {
        Err(Failure::Status(error)) => Err(Failure::Errno(error)),
        other => other.map(|()| None),
    }
}

fn anonymous(way: &[u8], implied: bool) -> Done {
    // Under READ_IMPLIES_EXEC the calls ask for data.
    let wanted = if implied { DATA } else { CODE };
    let then_imply = move || if implied { imply() } else { Ok(()) };
    match way {
        b"mmap" => called(&|| {
            then_imply()?;
            map(wanted, ANONYMOUS, -1).map(written)
        }),
        b"mmap-shared" => called(&|| {
            then_imply()?;
            map(wanted, MAP_SHARED | MAP_ANONYMOUS, -1).map(written)
        }),
        b"mprotect" => called(&|| {
            let page = written(map(DATA, ANONYMOUS, -1)?);
            then_imply()?;
            protect(page, wanted)?;
            Ok(page)
        }),
        b"mprotect-shared" => called(&|| {
            let page = written(map(DATA, MAP_SHARED | MAP_ANONYMOUS, -1)?);
            then_imply()?;
            protect(page, wanted)?;
            Ok(page)
        }),
        b"pkey-mprotect" => called(&|| {
            let page = written(map(DATA, ANONYMOUS, -1)?);
            then_imply()?;
            // Without a key, -1, it is mprotect.
            number(call!(syscall(
                libc::SYS_pkey_mprotect,
                page,
                PAGE,
                wanted,
                -1
            )))?;
            Ok(page)
        }),
        b"shmat" => called(&|| {
            let flags = if implied { 0 } else { SHM_EXEC };
            then_imply()?;
            shared_memory(flags).map(written)
        }),
        b"brk" => called(&|| {
            then_imply()?;
            grow_heap().map(written)
        }),
        b"mremap" => called(&|| {
            let page = written(map(DATA, ANONYMOUS, -1)?);
            then_imply()?;
            // SAFETY: the page is this function's own, and only the new address is used.
            address(unsafe { libc::mremap(page, PAGE, 4 * PAGE, libc::MREMAP_MAYMOVE) })
        }),
        // The old size 0 maps the same memory once more.
        b"mremap-copy" => called(&|| {
            let page = written(map(DATA, MAP_SHARED | MAP_ANONYMOUS, -1)?);
            then_imply()?;
            // SAFETY: as above.
            address(unsafe { libc::mremap(page, 0, PAGE, libc::MREMAP_MAYMOVE) })
        }),
        b"remap-file-pages" => called(&|| {
            let page = written(map(DATA, MAP_SHARED | MAP_ANONYMOUS, -1)?);
            then_imply()?;
            number(call!(syscall(
                libc::SYS_remap_file_pages,
                page,
                PAGE,
                0,
                0,
                0
            )))?;
            Ok(written(page))
        }),
        b"stack" => called(&|| {
            let mut code = Line([0; 64]);
            let here = (&raw mut code).cast::<c_void>();
            then_imply()?;
            let page = here.map_addr(|address| address & PAGE_NUMBER);
            // Down to the stack's lowest page.
            protect(page, wanted | libc::PROT_GROWSDOWN)?;
            Ok(written(here))
        }),
        // A mapping that the kernel extends downwards when it is written to.
        b"grows-down" => called(&|| {
            let page = map(DATA, ANONYMOUS | libc::MAP_GROWSDOWN, -1)?;
            write(page);
            then_imply()?;
            Ok(written(page.wrapping_byte_sub(PAGE)))
        }),
        // The kernel maps the ring of a context itself.
        b"aio-ring" => called(&|| {
            then_imply()?;
            let mut ring: *mut c_void = null_mut();
            let place = &raw mut ring;
            number(call!(syscall(libc::SYS_io_setup, 64, place)))?;
            // After the header and some of the events, which nothing completes.
            Ok(written(ring.wrapping_byte_add(1024)))
        }),
        other => Err(Failure::Usage(format!(
            "not a way to memory: {}",
            other.escape_ascii()
        ))),
    }
}

fn data(way: &[u8]) -> Done {
    let page = match way {
        b"mmap" => map(DATA, ANONYMOUS, -1),
        b"brk" => grow_heap(),
        b"shmat" => shared_memory(0),
        other => {
            return Err(Failure::Usage(format!(
                "not a way to memory: {}",
                other.escape_ascii()
            )));
        }
    };
    page.map(write).map_err(Failure::Errno).map(|()| None)
}

fn of_file(path: &[u8], page: impl Fn(i32) -> Result<*mut c_void, i32>) -> Done {
    let fd = open(path, libc::O_RDONLY, 0).before("open")?;
    called(&|| page(fd.as_raw_fd()))
}

/// Converts the result of a system call that returns -1 and sets errno; errors must fit into an exit status here.
fn number(result: impl Into<i64>) -> Result<i64, i32> {
    check(result).map_err(|_| errno())
}

fn address(result: *mut c_void) -> Result<*mut c_void, i32> {
    if result == libc::MAP_FAILED {
        Err(errno())
    } else {
        Ok(result)
    }
}

fn imply() -> Result<(), i32> {
    number(call!(personality(READ_IMPLIES_EXEC))).map(|_| ())
}

fn map(protection: i32, flags: i32, fd: i32) -> Result<*mut c_void, i32> {
    // SAFETY: the kernel chooses an address at which nothing is mapped.
    address(unsafe { libc::mmap(null_mut(), PAGE, protection, flags, fd, 0) })
}

fn protect(page: *mut c_void, protection: i32) -> Result<(), i32> {
    // SAFETY: the callers pass memory of their own and keep it readable.
    number(unsafe { libc::mprotect(page, PAGE, protection) }).map(|_| ())
}

fn write(page: *mut c_void) {
    // SAFETY: the callers pass memory that they mapped writable.
    unsafe { page.cast::<u8>().write_volatile(RETURN) };
}

fn written(page: *mut c_void) -> *mut c_void {
    write(page);
    page
}

/// Gives a mapping its first page with `userfaultfd`, which needs no permission to write to the mapping.
fn fill(page: *mut c_void) -> Result<(), i32> {
    const USER_MODE_ONLY: i32 = 1;
    const API: libc::c_ulong = 0xc018_aa3f;
    const REGISTER: libc::c_ulong = 0xc020_aa00;
    const COPY: libc::c_ulong = 0xc028_aa03;
    const MISSING: u64 = 1;
    let fd = number(call!(syscall(
        libc::SYS_userfaultfd,
        USER_MODE_ONLY | libc::O_CLOEXEC
    )))? as i32;
    let code = map(DATA, ANONYMOUS, -1).map(written)?;
    let (length, place) = (PAGE as u64, page as u64);
    // The version; the range and its mode; the target, the source, the length and two results.
    for (request, argument) in [
        (API, [0xaa, 0, 0, 0, 0]),
        (REGISTER, [place, length, MISSING, 0, 0]),
        (COPY, [place, code as u64, length, 0, 0]),
    ] {
        let mut argument = argument;
        // SAFETY: an argument of at least the size that each request reads and writes.
        number(unsafe { libc::ioctl(fd, request, argument.as_mut_ptr()) })?;
    }
    Ok(())
}

/// Maps a private System V segment, which ends with its last process.
fn shared_memory(flags: i32) -> Result<*mut c_void, i32> {
    let id = number(call!(shmget(
        libc::IPC_PRIVATE,
        PAGE,
        libc::IPC_CREAT | 0o700
    )))? as i32;
    // SAFETY: the kernel chooses an address at which nothing is mapped.
    let page = address(unsafe { libc::shmat(id, null_mut(), flags) });
    // SAFETY: takes numbers; removing needs no buffer.
    unsafe { libc::shmctl(id, libc::IPC_RMID, null_mut()) };
    page
}

/// Moves the end of the heap by two pages; returns the first whole page. Unlike the C library's, this call returns the end
/// as it is if it cannot be moved.
fn grow_heap() -> Result<*mut c_void, i32> {
    let end = |wanted: usize| call!(syscall(libc::SYS_brk, wanted)) as usize;
    let old = end(0);
    if end(old + 2 * PAGE) == old {
        return Err(libc::ENOMEM);
    }
    Ok(((old + PAGE - 1) & PAGE_NUMBER) as *mut c_void)
}
