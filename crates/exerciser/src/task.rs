// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Operations on tasks and credentials. The target is `self`, `child` (a new one that waits), `sibling` (a child performs
//! the operation on another child), `parent`, a process number, or the path of a file that contains one.

use std::ffi::CString;
use std::os::fd::OwnedFd;

use crate::child::{child, child_in, wait};
use crate::outcome::{Done, Failure, Preparing, signal_number};
use crate::parse::Birth;
use crate::sys::{c, call, check, number, open, pipe, read_all};

pub(crate) fn operation(name: &str, words: &[&[u8]]) -> Option<Done> {
    Some(match (name, words) {
        ("signal", [whom, signal]) => signal_of(signal)
            .and_then(|signal| upon(whom, &|pid| check(call!(kill(pid, signal))).map(|_| ()))),
        ("tgkill", [whom, signal]) => signal_of(signal).and_then(|signal| {
            upon(whom, &|pid| {
                check(call!(syscall(libc::SYS_tgkill, pid, pid, signal))).map(|_| ())
            })
        }),
        ("ptrace-attach", [whom]) => upon(whom, &attach),
        ("ptrace-read", [whom]) => upon(whom, &read_link),
        ("ptrace-traceme", []) => traceme(),
        // The parent of this process traces it.
        ("ptrace-traceme-self", []) => {
            check(call!(ptrace(libc::PTRACE_TRACEME, 0, 0, 0))).map(|_| None)
        }
        ("setuid", [id]) => number(id).and_then(|id| plain(call!(setuid(id)))),
        ("setgid", [id]) => number(id).and_then(|id| plain(call!(setgid(id)))),
        ("setresuid", [real, effective, saved]) => ids(real, effective, saved)
            .and_then(|[real, effective, saved]| plain(call!(setresuid(real, effective, saved)))),
        ("setresgid", [real, effective, saved]) => ids(real, effective, saved)
            .and_then(|[real, effective, saved]| plain(call!(setresgid(real, effective, saved)))),
        ("setfsuid", [id]) => number(id).and_then(|id| opened_as(id, libc::setfsuid)),
        ("setfsgid", [id]) => number(id).and_then(|id| opened_as(id, libc::setfsgid)),
        ("setgroups", [id]) => number::<libc::gid_t>(id).and_then(|id| {
            let groups = [id];
            let groups = groups.as_ptr();
            plain(call!(setgroups(1, groups)))
        }),
        // Moves a process to the group of this one.
        ("setpgid-of", [whom]) => upon(whom, &|pid| {
            check(call!(setpgid(pid, libc::getpgrp()))).map(|_| ())
        }),
        ("setsid", []) => plain(call!(setsid())),
        ("no-new-privs", []) => plain(call!(prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))),
        ("chroot", [path]) => c(path).and_then(|path| plain(call!(chroot(path.as_ptr())))),
        ("sethostname", [name]) => plain(call!(sethostname(name.as_ptr().cast(), name.len()))),
        ("nice", [value]) => {
            number(value).and_then(|value| plain(call!(setpriority(libc::PRIO_PROCESS, 0, value))))
        }
        ("nice-of", [whom, value]) => number(value).and_then(|value| {
            upon(whom, &|pid| {
                check(call!(setpriority(libc::PRIO_PROCESS, pid as u32, value))).map(|_| ())
            })
        }),
        ("affinity-of", [whom]) => upon(whom, &affinity),
        ("ioprio-of", [whom]) => upon(whom, &|pid| {
            // IOPRIO_WHO_PROCESS, the idle class
            check(call!(syscall(libc::SYS_ioprio_set, 1, pid, 3 << 13))).map(|_| ())
        }),
        ("rlimit-of", [whom, size]) => {
            number(size).and_then(|size| upon(whom, &|pid| core_limit(pid, size)))
        }
        ("cpu-limit-of", [whom, seconds]) => {
            number(seconds).and_then(|seconds| upon(whom, &|pid| cpu_limit(pid, seconds)))
        }
        ("clone-into-cgroup", [dir]) => into_cgroup(dir),
        ("comm", [name]) => {
            c(name).and_then(|name| plain(call!(prctl(libc::PR_SET_NAME, name.as_ptr()))))
        }
        ("drop-cap", [capability]) => number(capability).and_then(drop_capability),
        _ => return None,
    })
}

/// Starts a child in another cgroup.
fn into_cgroup(dir: &[u8]) -> Done {
    let group = open(dir, libc::O_PATH | libc::O_DIRECTORY, 0).before("open")?;
    child_in(&group, &|| 0).map(|()| None)
}

/// Sets the user or group that files are opened as. The call reports no error; it returns the id before.
fn opened_as(id: u32, set: unsafe extern "C" fn(u32) -> i32) -> Done {
    // SAFETY: takes a number. -1 changes nothing.
    let now = unsafe {
        set(id);
        set(u32::MAX)
    };
    if now as u32 == id {
        Ok(None)
    } else {
        Err(Failure::Errno(libc::EPERM))
    }
}

fn plain(result: i32) -> Done {
    check(result).map(|_| None)
}

pub(crate) fn signal_of(name: &[u8]) -> Result<i32, Failure> {
    std::str::from_utf8(name)
        .ok()
        .and_then(signal_number)
        .ok_or_else(|| Failure::Usage(format!("not a signal: {}", name.escape_ascii())))
}

fn ids(real: &[u8], effective: &[u8], saved: &[u8]) -> Result<[u32; 3], Failure> {
    Ok([number(real)?, number(effective)?, number(saved)?])
}

/// Performs an operation on a process.
pub(crate) fn upon(whom: &[u8], action: &dyn Fn(i32) -> Result<(), Failure>) -> Done {
    match whom {
        b"self" => action(std::process::id() as i32)?,
        // SAFETY: has no arguments.
        b"parent" => action(unsafe { libc::getppid() })?,
        b"child" => {
            let target = Waiting::start().before("fork")?;
            action(target.pid)?;
        }
        b"sibling" => {
            let target = Waiting::start().before("fork")?;
            let ended = child(Birth::Fork, &|| match action(target.pid) {
                Ok(()) => 0,
                // The errors that tests expect fit into an exit status.
                Err(Failure::Errno(errno)) => errno,
                Err(_) => 255,
            });
            ended.map_err(|failure| match failure {
                Failure::Status(errno) => Failure::Errno(errno),
                other => other,
            })?;
        }
        [b'/', ..] => {
            let file = open(whom, libc::O_RDONLY, 0).before("open")?;
            let text = read_all(&file).before("read")?;
            action(number(text.trim_ascii())?)?;
        }
        pid => action(number(pid)?)?,
    }
    Ok(None)
}

/// A child that waits until its pipe is closed. A signal to end it could need a permission that a test refuses.
struct Waiting {
    pid: i32,
    pipe: Option<OwnedFd>,
}

impl Waiting {
    fn start() -> Result<Self, Failure> {
        let (reader, writer) = pipe()?;
        // SAFETY: the child has a copy of this thread only, and does nothing but read and exit.
        let pid = check(unsafe { libc::fork() })? as i32;
        if pid == 0 {
            drop(writer);
            // SAFETY: takes a number.
            unsafe { libc::alarm(60) };
            let _ = read_all(&reader);
            // SAFETY: ends the child without the parent's exit handlers.
            unsafe { libc::_exit(0) }
        }
        Ok(Self {
            pid,
            pipe: Some(writer),
        })
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.pipe = None;
        let _ = wait(self.pid);
    }
}

fn attach(pid: i32) -> Result<(), Failure> {
    // SAFETY: seizing takes no pointers and does not stop the process.
    check(unsafe { libc::ptrace(libc::PTRACE_SEIZE, pid, 0, 0) })?;
    Ok(())
}

/// Allows a process to run on all processors.
fn affinity(pid: i32) -> Result<(), Failure> {
    let all = [u64::MAX; 16];
    // SAFETY: a live mask and its size.
    check(unsafe {
        libc::syscall(
            libc::SYS_sched_setaffinity,
            pid,
            size_of_val(&all),
            all.as_ptr(),
        )
    })?;
    Ok(())
}

/// Limits the size of a process's core files.
fn core_limit(pid: i32, size: u64) -> Result<(), Failure> {
    limit(pid, libc::RLIMIT_CORE, size)
}

/// Limits a process's time on the processor; at the limit it is killed.
fn cpu_limit(pid: i32, seconds: u64) -> Result<(), Failure> {
    limit(pid, libc::RLIMIT_CPU, seconds)
}

fn limit(pid: i32, resource: libc::__rlimit_resource_t, value: u64) -> Result<(), Failure> {
    let limit = libc::rlimit {
        rlim_cur: value,
        rlim_max: value,
    };
    // SAFETY: a live limit, and nowhere to write the old one.
    check(unsafe { libc::prlimit(pid, resource, &raw const limit, std::ptr::null_mut()) })?;
    Ok(())
}

/// Reads the path of another process's executable, which needs `PTRACE_MODE_READ` and opens no file.
fn read_link(pid: i32) -> Result<(), Failure> {
    let path = CString::new(format!("/proc/{pid}/exe")).unwrap_or_default();
    let mut buffer = [0_u8; 4096];
    // SAFETY: a C string, and a live buffer with its length.
    let read = unsafe { libc::readlink(path.as_ptr(), buffer.as_mut_ptr().cast(), buffer.len()) };
    check(read as i64)?;
    Ok(())
}

/// A child asks this process to trace it.
fn traceme() -> Done {
    let ended = child(Birth::Fork, &|| {
        // SAFETY: has no arguments.
        match check(unsafe { libc::ptrace(libc::PTRACE_TRACEME, 0, 0, 0) }) {
            Ok(_) => 0,
            Err(Failure::Errno(errno)) => errno,
            Err(_) => 255,
        }
    });
    match ended {
        Err(Failure::Status(errno)) => Err(Failure::Errno(errno)),
        other => other.map(|()| None),
    }
}

/// Removes a capability from the effective set.
fn drop_capability(capability: u32) -> Done {
    // struct __user_cap_header_struct, version 3, and two struct __user_cap_data_struct.
    let mut header = [0x2008_0522_u32, 0];
    let mut data = [0_u32; 6];
    // SAFETY: both arrays have the size that version 3 defines.
    check(unsafe { libc::syscall(libc::SYS_capget, header.as_mut_ptr(), data.as_mut_ptr()) })
        .before("capget")?;
    data[if capability < 32 { 0 } else { 3 }] &= !(1 << (capability % 32));
    // SAFETY: as above.
    check(unsafe { libc::syscall(libc::SYS_capset, header.as_mut_ptr(), data.as_ptr()) })
        .map(|_| None)
}
