// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Operations that can change a machine, in a form that changes at most the process: in its own mount namespace, with
//! arguments that have no effect, or with an effect that ends with the process.

use std::ffi::CStr;
use std::os::fd::AsRawFd;
use std::ptr::null;

use crate::memory::make_code;
use crate::outcome::{Done, Failure, Preparing};
use crate::sys::{c, call, check, owned};
use crate::task::upon;

pub(crate) fn operation(name: &str, words: &[&[u8]]) -> Option<Done> {
    Some(match (name, words) {
        ("own-mounts", []) => own_mounts().map(|()| None),
        ("own-mount", [path]) => own_mount(path).map(|()| None),
        ("own-remount", [path]) => own_mount(path).before("mount").and_then(|()| remount(path)),
        ("own-umount", [path]) => own_mount(path).before("mount").and_then(|()| umount(path)),
        ("own-pivot", [path]) => own_mount(path).before("mount").and_then(|()| pivot(path)),
        ("settime-wrong", []) => settime_wrong(),
        // Asks for the nodes of zero pages.
        ("memory-of", [whom]) => upon(whom, &|pid| {
            let (nothing, call) = (null::<u8>(), libc::SYS_move_pages);
            check(call!(syscall(call, pid, 0, nothing, nothing, nothing, 0))).map(|_| ())
        }),
        ("netlink-after-violation", []) => netlink_after_violation(),
        ("port-after-violation", []) => make_code().map(|_| ()).or(Ok(())).and_then(|()| port()),
        ("module-after-violation", []) => {
            make_code().map(|_| ()).or(Ok(())).and_then(|()| module())
        }
        _ => return None,
    })
}

fn mount(from: &CStr, to: &CStr, kind: *const libc::c_char, flags: libc::c_ulong) -> Done {
    let (from, to) = (from.as_ptr(), to.as_ptr());
    check(call!(mount(from, to, kind, flags, null()))).map(|_| None)
}

/// Enters a mount namespace from which nothing propagates, so that its mounts end with the process.
fn own_mounts() -> Result<(), Failure> {
    check(call!(unshare(libc::CLONE_NEWNS))).before("unshare")?;
    mount(c"none", c"/", null(), libc::MS_REC | libc::MS_PRIVATE).map(|_| ())
}

fn own_mount(path: &[u8]) -> Result<(), Failure> {
    own_mounts().before("own-mounts")?;
    mount(c"none", &c(path)?, c"tmpfs".as_ptr(), 0).map(|_| ())
}

fn remount(path: &[u8]) -> Done {
    mount(
        c"none",
        &c(path)?,
        null(),
        libc::MS_REMOUNT | libc::MS_NOSUID,
    )
}

fn umount(path: &[u8]) -> Done {
    let path = c(path)?;
    check(call!(umount2(path.as_ptr(), 0))).map(|_| None)
}

fn pivot(path: &[u8]) -> Done {
    let path = c(path)?;
    check(call!(chdir(path.as_ptr()))).before("chdir")?;
    let here = c".".as_ptr();
    check(call!(syscall(libc::SYS_pivot_root, here, here))).map(|_| None)
}

/// Sets an invalid time zone. The kernel checks it after the hook.
fn settime_wrong() -> Done {
    let zone = [100 * 60_i32, 0];
    let (clock, zone) = (null::<libc::timeval>(), zone.as_ptr());
    match check(call!(syscall(libc::SYS_settimeofday, clock, zone))) {
        Err(Failure::Errno(libc::EINVAL)) | Ok(_) => Ok(None),
        Err(other) => Err(other),
    }
}

/// Sends an empty message (`NLMSG_NOOP`) to rtnetlink.
fn netlink_after_violation() -> Done {
    let fd = owned(call!(socket(
        libc::AF_NETLINK,
        libc::SOCK_RAW | libc::SOCK_CLOEXEC,
        libc::NETLINK_ROUTE
    )))
    .before("socket")?;
    // The kernel refuses it after the hook.
    let _ = make_code();
    // struct nlmsghdr: its length, NLMSG_NOOP.
    let message = [16_u32, 1, 0, 0];
    let (pointer, length) = (message.as_ptr().cast(), size_of_val(&message));
    check(call!(send(fd.as_raw_fd(), pointer, length, 0)) as i64).map(|_| None)
}

/// Gets access for this process to port 0x80, which boot firmware writes its progress to.
#[cfg(target_arch = "x86_64")]
fn port() -> Done {
    check(call!(syscall(libc::SYS_ioperm, 0x80, 1, 1))).map(|_| None)
}

#[cfg(not(target_arch = "x86_64"))]
fn port() -> Done {
    Err(Failure::Errno(libc::ENOSYS))
}

/// Creates a socket of a family that no module has, so that the kernel requests one.
fn module() -> Done {
    const NOBODYS: i32 = 45;
    owned(call!(socket(
        NOBODYS,
        libc::SOCK_DGRAM | libc::SOCK_CLOEXEC,
        0
    )))
    .map(|_| None)
}
