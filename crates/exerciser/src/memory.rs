// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Operations that make memory executable.

use std::os::fd::{AsRawFd, OwnedFd};

use libc::{MAP_ANONYMOUS, MAP_PRIVATE, MAP_SHARED, PROT_EXEC, PROT_READ, PROT_WRITE};

use crate::outcome::{Done, Failure, Preparing};
use crate::sys::{c, check, open, owned, write_all};

const PAGE: usize = 4096;

pub(crate) fn operation(name: &str, words: &[&[u8]]) -> Option<Done> {
    Some(match (name, words) {
        ("map-exec", [path]) => file(path)
            .and_then(|fd| map(fd.as_raw_fd(), PROT_READ | PROT_EXEC, MAP_PRIVATE))
            .map(done),
        ("map-shared-exec", [path]) => file(path)
            .and_then(|fd| map(fd.as_raw_fd(), PROT_READ | PROT_EXEC, MAP_SHARED))
            .map(done),
        ("map-then-exec", [path]) => file(path).and_then(|fd| {
            let mapping = map(fd.as_raw_fd(), PROT_READ, MAP_PRIVATE).before("mmap")?;
            mapping.protect(PROT_READ | PROT_EXEC)
        }),
        ("map-dirty-exec", [path]) => file(path).and_then(|fd| {
            let mapping =
                map(fd.as_raw_fd(), PROT_READ | PROT_WRITE, MAP_PRIVATE).before("mmap")?;
            mapping.dirty();
            mapping.protect(PROT_READ | PROT_EXEC)
        }),
        // Changes the file's first byte. Where the file system is in memory, a page that was read before can be written without
        // a fault, and no time changes.
        ("map-shared-write", [path]) => open(path, libc::O_RDWR, 0)
            .before("open")
            .and_then(|fd| map(fd.as_raw_fd(), PROT_READ | PROT_WRITE, MAP_SHARED))
            .map(|mapping| {
                mapping.read();
                mapping.dirty();
                None
            }),
        ("map-write-exec", [path]) => file(path)
            .and_then(|fd| {
                map(
                    fd.as_raw_fd(),
                    PROT_READ | PROT_WRITE | PROT_EXEC,
                    MAP_PRIVATE,
                )
            })
            .map(done),
        // Makes executable memory writable, and keeps it executable.
        ("map-exec-then-write", [path]) => file(path).and_then(|fd| {
            let mapping = map(fd.as_raw_fd(), PROT_READ | PROT_EXEC, MAP_PRIVATE).before("mmap")?;
            mapping.protect(PROT_READ | PROT_WRITE | PROT_EXEC)
        }),
        ("anon-exec", []) => make_code(),
        ("anon-shared-exec", []) => {
            map(-1, PROT_READ | PROT_EXEC, MAP_SHARED | MAP_ANONYMOUS).map(done)
        }
        ("anon-then-exec", []) => map(-1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS)
            .before("mmap")
            .and_then(|mapping| {
                mapping.dirty();
                mapping.protect(PROT_READ | PROT_EXEC)
            }),
        ("memfd", [name]) => memfd(name).map(done),
        ("memfd-map-exec", [name]) => memfd(name).before("memfd").and_then(|fd| {
            write_all(&fd, &[0xc3; PAGE]).before("write")?;
            map(fd.as_raw_fd(), PROT_READ | PROT_EXEC, MAP_PRIVATE).map(done)
        }),
        _ => return None,
    })
}

fn done<T>(_: T) -> Option<String> {
    None
}

fn file(path: &[u8]) -> Result<OwnedFd, Failure> {
    open(path, libc::O_RDONLY, 0).before("open")
}

/// Maps a page that may be made executable later.
pub(crate) fn make_code() -> Done {
    map(-1, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS).map(done)
}

/// Creates an anonymous file in memory.
pub(crate) fn memfd(name: &[u8]) -> Result<OwnedFd, Failure> {
    let name = c(name)?;
    // SAFETY: a C string that lives through the call.
    owned(unsafe { libc::memfd_create(name.as_ptr(), libc::MFD_CLOEXEC) })
}

/// A mapped page, unmapped when dropped.
struct Mapping(*mut libc::c_void);

fn map(fd: i32, protection: i32, flags: i32) -> Result<Mapping, Failure> {
    // SAFETY: the kernel chooses an address at which nothing is mapped.
    let address = unsafe { libc::mmap(std::ptr::null_mut(), PAGE, protection, flags, fd, 0) };
    if address == libc::MAP_FAILED {
        Err(Failure::last())
    } else {
        Ok(Mapping(address))
    }
}

impl Mapping {
    fn protect(&self, protection: i32) -> Done {
        // SAFETY: the page belongs to this value, and no code reads or executes it.
        check(unsafe { libc::mprotect(self.0, PAGE, protection) }).map(|_| None)
    }

    fn read(&self) {
        // SAFETY: the page belongs to this value, and the file has at least one byte.
        unsafe { self.0.cast::<u8>().read_volatile() };
    }

    fn dirty(&self) {
        // SAFETY: the page belongs to this value, the callers map it writable, and the file has at least one byte.
        unsafe { self.0.cast::<u8>().write_volatile(0xc3) };
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: the page belongs to this value and is unmapped once.
        unsafe { libc::munmap(self.0, PAGE) };
    }
}
