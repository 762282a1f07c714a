// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Operations that only read attributes, or that change nothing but a timestamp or a flag of a file.

use std::ffi::CString;
use std::os::fd::{AsRawFd, OwnedFd};
use std::ptr::null;

use crate::outcome::{Done, Failure, Preparing};
use crate::sys::{c, call, check, owned, pair};
use crate::task::upon;

/// `file_getattr(2)` and `file_setattr(2)`, from 6.17 on.
const SYS_FILE_GETATTR: libc::c_long = 468;
const SYS_FILE_SETATTR: libc::c_long = 469;
const HERE: i32 = libc::AT_FDCWD;

pub(crate) fn operation(name: &str, words: &[&[u8]]) -> Option<Done> {
    Some(match (name, words) {
        // look WAY PATH: reads an attribute of a file.
        ("look", [way, path]) => look(way, path),
        // look-at WAY WHOM: reads an attribute of a process.
        ("look-at", [way, whom]) => upon(whom, &|pid| look_at(way, pid)),
        // Reads the settings of a socket, and ends its connection.
        ("look-at-socket", [way]) => look_at_socket(way),
        ("open-by-handle", [path]) => open_by_handle(path),
        ("utime", [path]) => utime(path),
        // file-setattr FLAG PATH: sets the flag alone, or none, without an ioctl.
        ("file-setattr", [flag, path]) => file_setattr(flag, path),
        ("fanotify-block", [path]) => fanotify_block(path),
        _ => return None,
    })
}

fn unknown(way: &[u8]) -> Failure {
    Failure::Usage(format!("not a way to look: {}", way.escape_ascii()))
}

/// The hook was called although the file has no such attribute, or its file system none.
fn or_absent(result: Result<i64, Failure>) -> Done {
    match result {
        Err(Failure::Errno(libc::ENODATA | libc::EOPNOTSUPP)) => Ok(Some("absent".to_owned())),
        // A kernel without the call.
        Err(Failure::Errno(libc::ENOSYS)) => Ok(Some("unknown".to_owned())),
        other => other.map(|_| None),
    }
}

fn look(way: &[u8], path: &[u8]) -> Done {
    let path = c(path)?;
    let path = path.as_ptr();
    let mut buffer = [0_u64; 512];
    let (place, size) = (buffer.as_mut_ptr(), size_of_val(&buffer));
    let xattr = |name: CString| {
        let name = name.as_ptr();
        or_absent(check(call!(syscall(
            libc::SYS_getxattr,
            path,
            name,
            place,
            size
        ))))
    };
    match way {
        b"stat" => {
            let all = libc::STATX_ALL;
            or_absent(check(call!(syscall(
                libc::SYS_statx,
                HERE,
                path,
                0,
                all,
                place
            ))))
        }
        b"access" => or_absent(check(call!(access(path, libc::R_OK)))),
        b"readlink" => or_absent(check(call!(syscall(
            libc::SYS_readlinkat,
            HERE,
            path,
            place,
            size
        )))),
        b"xattr" => xattr(c(b"user.ambit")?),
        b"acl" => xattr(c(b"system.posix_acl_access")?),
        b"xattrs" => or_absent(check(call!(syscall(
            libc::SYS_listxattr,
            path,
            place,
            size
        )))),
        b"statfs" => or_absent(check(call!(syscall(libc::SYS_statfs, path, place)))),
        // struct file_attr of 24 bytes
        b"flags" => or_absent(check(call!(syscall(
            SYS_FILE_GETATTR,
            HERE,
            path,
            place,
            24,
            0
        )))),
        b"handle" => or_absent(handle_of(path, &mut Handle::default()).map(|()| 0)),
        b"inotify" => {
            let queue = owned(call!(inotify_init1(libc::IN_CLOEXEC))).before("inotify_init")?;
            check(call!(inotify_add_watch(
                queue.as_raw_fd(),
                path,
                libc::IN_ALL_EVENTS
            )))
            .map(|_| None)
        }
        other => Err(unknown(other)),
    }
}

fn look_at(way: &[u8], pid: i32) -> Result<(), Failure> {
    let mut buffer = [0_u64; 16];
    let (place, size) = (buffer.as_mut_ptr(), size_of_val(&buffer));
    let nothing = null::<u8>();
    let looked = match way {
        b"capabilities" => {
            // struct __user_cap_header_struct, version 3
            let mut header = [0x2008_0522_u32, pid as u32];
            let header = header.as_mut_ptr();
            call!(syscall(libc::SYS_capget, header, place))
        }
        b"group" => call!(getpgid(pid)).into(),
        b"session" => call!(getsid(pid)).into(),
        b"scheduler" => call!(sched_getscheduler(pid)).into(),
        b"processors" => call!(syscall(libc::SYS_sched_getaffinity, pid, size, place)),
        // IOPRIO_WHO_PROCESS
        b"io-priority" => call!(syscall(libc::SYS_ioprio_get, 1, pid)),
        b"limits" => call!(syscall(
            libc::SYS_prlimit64,
            pid,
            libc::RLIMIT_CPU,
            nothing,
            place
        )),
        other => return Err(unknown(other)),
    };
    check(looked).map(|_| ())
}

fn look_at_socket(way: &[u8]) -> Done {
    let (ours, _theirs) = pair()?;
    let fd = ours.as_raw_fd();
    let mut buffer = [0_u64; 16];
    let mut length = size_of_val(&buffer) as libc::socklen_t;
    let (place, length) = (buffer.as_mut_ptr(), &raw mut length);
    let looked = match way {
        b"name" => call!(syscall(libc::SYS_getsockname, fd, place, length)),
        b"peer" => call!(syscall(libc::SYS_getpeername, fd, place, length)),
        b"option" => call!(syscall(
            libc::SYS_getsockopt,
            fd,
            libc::SOL_SOCKET,
            libc::SO_PEERCRED,
            place,
            length
        )),
        b"shutdown" => call!(shutdown(fd, libc::SHUT_RDWR)).into(),
        other => return Err(unknown(other)),
    };
    check(looked).map(|_| None)
}

/// `struct file_handle`: length and type, then the bytes of the handle.
#[repr(C)]
struct Handle {
    length: u32,
    kind: i32,
    bytes: [u8; 128],
}

impl Default for Handle {
    fn default() -> Self {
        Self {
            length: 128,
            kind: 0,
            bytes: [0; 128],
        }
    }
}

fn handle_of(path: *const libc::c_char, handle: &mut Handle) -> Result<(), Failure> {
    let (place, mut mount) = (std::ptr::from_mut(handle), 0_i32);
    let mount = &raw mut mount;
    check(call!(syscall(
        libc::SYS_name_to_handle_at,
        HERE,
        path,
        place,
        mount,
        0
    )))
    .map(|_| ())
}

/// Opens a file by its number, on the file system of the working directory.
fn open_by_handle(path: &[u8]) -> Done {
    let (path, mut handle) = (c(path)?, Handle::default());
    handle_of(path.as_ptr(), &mut handle).before("name_to_handle_at")?;
    let handle = &raw mut handle;
    let flags = libc::O_RDONLY | libc::O_CLOEXEC;
    owned(call!(syscall(
        libc::SYS_open_by_handle_at,
        HERE,
        handle,
        flags
    )))
    .map(|_| None)
}

/// Sets both timestamps to the first second of 1970.
fn utime(path: &[u8]) -> Done {
    let (path, times) = (c(path)?, [1_i64, 0, 1, 0]);
    let (path, times) = (path.as_ptr(), times.as_ptr());
    check(call!(syscall(libc::SYS_utimensat, HERE, path, times, 0))).map(|_| None)
}

fn file_setattr(flag: &[u8], path: &[u8]) -> Done {
    let flags = match flag {
        b"none" => 0_u64,
        b"immutable" => 0x8,
        b"nodump" => 0x80,
        other => {
            return Err(Failure::Usage(format!(
                "not a flag: {}",
                other.escape_ascii()
            )));
        }
    };
    // struct file_attr: flags, then four numbers of 32 bits.
    let (path, attributes) = (c(path)?, [flags, 0, 0]);
    let (path, attributes) = (path.as_ptr(), attributes.as_ptr());
    check(call!(syscall(
        SYS_FILE_SETATTR,
        HERE,
        path,
        attributes,
        24,
        0
    )))
    .map(|_| None)
}

/// Watches opens of a file, which wait for an answer.
fn fanotify_block(path: &[u8]) -> Done {
    const CLASS_CONTENT: u32 = 4;
    const CLOEXEC: u32 = 1;
    const MARK_ADD: u32 = 1;
    const OPEN_PERM: u64 = 0x1_0000;
    let path = c(path)?;
    let queue: OwnedFd = owned(call!(syscall(
        libc::SYS_fanotify_init,
        CLASS_CONTENT | CLOEXEC,
        libc::O_RDONLY
    )))?;
    let path = path.as_ptr();
    check(call!(syscall(
        libc::SYS_fanotify_mark,
        queue.as_raw_fd(),
        MARK_ADD,
        OPEN_PERM,
        HERE,
        path
    )))
    .before("fanotify_mark")
    .map(|_| None)
}
