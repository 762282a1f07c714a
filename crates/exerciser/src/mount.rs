// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Operations on mounts, roots and namespaces.

use std::ffi::CString;
use std::os::fd::AsRawFd;
use std::ptr::null;

use crate::outcome::{Done, Preparing};
use crate::sys::{c, call, check, owned};

pub(crate) fn operation(name: &str, words: &[&[u8]]) -> Option<Done> {
    Some(match (name, words) {
        ("mount", [kind, path]) => mount(b"none", path, Some(kind), 0),
        ("mount-bind", [from, to]) => mount(from, to, None, libc::MS_BIND),
        ("mount-move", [from, to]) => mount(from, to, None, libc::MS_MOVE),
        ("mount-remount", [path]) => mount(b"none", path, None, libc::MS_REMOUNT | libc::MS_NOSUID),
        ("mount-private", [path]) => mount(b"none", path, None, libc::MS_PRIVATE),
        ("mount-attach", [kind, path]) => attach(kind, path),
        ("umount", [path]) => {
            c(path).and_then(|path| check(call!(umount2(path.as_ptr(), 0))).map(|_| None))
        }
        ("pivot-root", [path]) => c(path).and_then(|path| {
            let raw = path.as_ptr();
            check(call!(syscall(libc::SYS_pivot_root, raw, raw))).map(|_| None)
        }),
        ("unshare-mount", []) => check(call!(unshare(libc::CLONE_NEWNS))).map(|_| None),
        ("unshare-user", []) => check(call!(unshare(libc::CLONE_NEWUSER))).map(|_| None),
        _ => return None,
    })
}

fn mount(from: &[u8], to: &[u8], kind: Option<&[u8]>, flags: libc::c_ulong) -> Done {
    let (from, to) = (c(from)?, c(to)?);
    let kind: Option<CString> = kind.map(c).transpose()?;
    let kind = kind.as_ref().map_or(null(), |kind| kind.as_ptr());
    // SAFETY: C strings that live through the call, and no data.
    check(unsafe { libc::mount(from.as_ptr(), to.as_ptr(), kind, flags, null()) }).map(|_| None)
}

/// Mounts with the newer system calls, of which the last one attaches.
fn attach(kind: &[u8], path: &[u8]) -> Done {
    const CMD_CREATE: u32 = 6;
    const FROM_EMPTY_PATH: u32 = 4;
    let (kind, path, empty) = (c(kind)?, c(path)?, CString::default());
    let context = owned(call!(syscall(libc::SYS_fsopen, kind.as_ptr(), 0))).before("fsopen")?;
    let none = null::<libc::c_char>();
    check(call!(syscall(
        libc::SYS_fsconfig,
        context.as_raw_fd(),
        CMD_CREATE,
        none,
        none,
        0
    )))
    .before("fsconfig")?;
    let mount =
        owned(call!(syscall(libc::SYS_fsmount, context.as_raw_fd(), 0, 0))).before("fsmount")?;
    check(call!(syscall(
        libc::SYS_move_mount,
        mount.as_raw_fd(),
        empty.as_ptr(),
        libc::AT_FDCWD,
        path.as_ptr(),
        FROM_EMPTY_PATH
    )))
    .map(|_| None)
}
