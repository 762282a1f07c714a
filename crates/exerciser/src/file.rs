// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Operations on files.

use std::ffi::CString;
use std::os::fd::AsRawFd;

use libc::{O_APPEND, O_CREAT, O_EXCL, O_PATH, O_RDONLY, O_RDWR, O_TMPFILE, O_TRUNC, O_WRONLY};

use crate::outcome::{Done, Failure, Preparing};
use crate::sys::{c, call, check, hex, number, octal, open, read_all, write_all};

pub(crate) fn operation(name: &str, words: &[&[u8]]) -> Option<Done> {
    let opened = |path: &[u8], flags: i32, mode: u32| open(path, flags, mode).map(|_| None);
    Some(match (name, words) {
        ("open-r", [path]) => opened(path, O_RDONLY, 0),
        ("open-w", [path]) => opened(path, O_WRONLY, 0),
        ("open-rw", [path]) => opened(path, O_RDWR, 0),
        ("open-a", [path]) => opened(path, O_WRONLY | O_APPEND, 0),
        ("open-path", [path]) => opened(path, O_PATH, 0),
        ("open-trunc", [path]) => opened(path, O_WRONLY | O_TRUNC, 0),
        ("create", [path]) => opened(path, O_CREAT | O_WRONLY, 0o644),
        ("create-excl", [path]) => opened(path, O_CREAT | O_EXCL | O_WRONLY, 0o644),
        ("create-suid", [path]) => opened(path, O_CREAT | O_EXCL | O_WRONLY, 0o4755),
        ("tmpfile", [dir]) => opened(dir, O_TMPFILE | O_RDWR, 0o600),
        ("tmpfile-link", [dir, path]) => tmpfile_link(dir, path, 0o600),
        ("tmpfile-link", [dir, path, mode]) => {
            octal(mode).and_then(|mode| tmpfile_link(dir, path, mode))
        }
        ("read", [path]) => read(path),
        ("write", [path, text]) => write(path, O_CREAT | O_WRONLY | O_TRUNC, text),
        ("append", [path, text]) => write(path, O_WRONLY | O_APPEND, text),
        ("list", [path]) => list(path),
        ("unlink", [path]) => on(path, |path| call!(unlink(path))),
        ("rmdir", [path]) => on(path, |path| call!(rmdir(path))),
        ("mkdir", [path]) => on(path, |path| call!(mkdir(path, 0o755))),
        ("rename", [from, to]) => on_two(from, to, |from, to| call!(rename(from, to))),
        ("rename-exchange", [from, to]) => rename_by(from, to, libc::RENAME_EXCHANGE),
        ("rename-whiteout", [from, to]) => rename_by(from, to, libc::RENAME_WHITEOUT),
        ("link", [from, to]) => on_two(from, to, |from, to| call!(link(from, to))),
        ("symlink", [target, path]) => {
            on_two(target, path, |target, path| call!(symlink(target, path)))
        }
        ("mknod-fifo", [path]) => mknod(path, libc::S_IFIFO, 0),
        ("mknod-chr", [path]) => mknod(path, libc::S_IFCHR, libc::makedev(1, 3)),
        ("mknod-blk", [path]) => mknod(path, libc::S_IFBLK, libc::makedev(7, 200)),
        ("mknod-sock", [path]) => mknod(path, libc::S_IFSOCK, 0),
        ("mknod-reg", [path]) => mknod(path, libc::S_IFREG, 0),
        ("truncate", [path, size]) => {
            number(size).and_then(|size| on(path, |path| call!(truncate(path, size))))
        }
        ("ftruncate", [path, size]) => ftruncate(path, size),
        ("chmod", [path, mode]) => {
            octal(mode).and_then(|mode| on(path, |path| call!(chmod(path, mode))))
        }
        ("fchmod", [path, mode]) => fchmod(path, mode),
        ("chown", [path, uid, gid]) => {
            ids(uid, gid).and_then(|(uid, gid)| on(path, |path| call!(chown(path, uid, gid))))
        }
        ("lchown", [path, uid, gid]) => {
            ids(uid, gid).and_then(|(uid, gid)| on(path, |path| call!(lchown(path, uid, gid))))
        }
        ("ioctl", [path, request]) => ioctl(path, request),
        ("chdir", [path]) => on(path, |path| call!(chdir(path))),
        ("same-file", [a, b]) => same_file(a, b),
        _ => return None,
    })
}

fn rename_by(from: &[u8], to: &[u8], flag: u32) -> Done {
    on_two(from, to, |from, to| {
        call!(renameat2(libc::AT_FDCWD, from, libc::AT_FDCWD, to, flag))
    })
}

fn on(path: &[u8], call: impl FnOnce(*const libc::c_char) -> i32) -> Done {
    let path = c(path)?;
    check(call(path.as_ptr())).map(|_| None)
}

fn on_two(
    a: &[u8],
    b: &[u8],
    call: impl FnOnce(*const libc::c_char, *const libc::c_char) -> i32,
) -> Done {
    let (a, b) = (c(a)?, c(b)?);
    check(call(a.as_ptr(), b.as_ptr())).map(|_| None)
}

fn ids(uid: &[u8], gid: &[u8]) -> Result<(u32, u32), Failure> {
    Ok((number(uid)?, number(gid)?))
}

fn mknod(path: &[u8], kind: u32, device: libc::dev_t) -> Done {
    // SAFETY: a C string that lives through the call.
    on(path, |path| unsafe {
        libc::mknod(path, kind | 0o644, device)
    })
}

fn read(path: &[u8]) -> Done {
    let fd = open(path, O_RDONLY, 0).before("open")?;
    read_all(&fd).map(|bytes| Some(bytes.escape_ascii().to_string()))
}

/// Opens and writes. If the open is allowed, the write is the operation that may fail.
fn write(path: &[u8], flags: i32, text: &[u8]) -> Done {
    let fd = open(path, flags, 0o644)?;
    write_all(&fd, text).before("write").map(|()| None)
}

fn list(path: &[u8]) -> Done {
    let fd = open(path, O_RDONLY | libc::O_DIRECTORY, 0)?;
    let mut buffer = [0_u8; 4096];
    // SAFETY: a live buffer and its length.
    check(unsafe {
        libc::syscall(
            libc::SYS_getdents64,
            fd.as_raw_fd(),
            buffer.as_mut_ptr(),
            buffer.len(),
        )
    })
    .before("getdents")
    .map(|_| None)
}

fn tmpfile_link(dir: &[u8], path: &[u8], mode: u32) -> Done {
    let fd = open(dir, O_TMPFILE | O_RDWR, mode).before("tmpfile")?;
    let (empty, path) = (CString::default(), c(path)?);
    // SAFETY: two C strings that live through the call.
    let linked = unsafe {
        libc::linkat(
            fd.as_raw_fd(),
            empty.as_ptr(),
            libc::AT_FDCWD,
            path.as_ptr(),
            libc::AT_EMPTY_PATH,
        )
    };
    check(linked).map(|_| None)
}

fn ftruncate(path: &[u8], size: &[u8]) -> Done {
    let fd = open(path, O_RDWR, 0).before("open")?;
    // SAFETY: a descriptor and a number.
    check(unsafe { libc::ftruncate(fd.as_raw_fd(), number(size)?) }).map(|_| None)
}

fn fchmod(path: &[u8], mode: &[u8]) -> Done {
    let fd = open(path, O_RDONLY, 0).before("open")?;
    // SAFETY: a descriptor and a number.
    check(unsafe { libc::fchmod(fd.as_raw_fd(), octal(mode)?) }).map(|_| None)
}

fn ioctl(path: &[u8], request: &[u8]) -> Done {
    let fd = open(path, O_RDONLY | libc::O_NONBLOCK, 0).before("open")?;
    let mut buffer = [0_u64; 512];
    // SAFETY: the requests that tests use write at most a page, and the buffer is a page.
    check(unsafe { libc::ioctl(fd.as_raw_fd(), hex(request)?, buffer.as_mut_ptr()) }).map(|_| None)
}

/// Reports whether two paths are the same inode, for tests that check the result of a refused operation.
fn same_file(a: &[u8], b: &[u8]) -> Done {
    let stat = |path: &[u8]| {
        let path = c(path)?;
        // SAFETY: the struct is valid if all its bytes are zero.
        let mut stat: libc::stat = unsafe { std::mem::zeroed() };
        // SAFETY: a C string and a live buffer.
        check(unsafe { libc::stat(path.as_ptr(), &raw mut stat) })?;
        Ok((stat.st_dev, stat.st_ino))
    };
    if stat(a)? == stat(b)? {
        Ok(None)
    } else {
        Err(Failure::Status(1))
    }
}
