// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Child processes: three ways to create one, and waiting for its end.

use std::os::fd::{AsRawFd, OwnedFd};

use crate::outcome::Failure;
use crate::parse::Birth;
use crate::sys::{check, pipe, read_all, write_all};

/// Runs `body` in a child and waits for it.
pub(crate) fn child(birth: Birth, body: &dyn Fn() -> i32) -> Result<(), Failure> {
    match birth {
        Birth::DoubleFork => orphan(body),
        Birth::Clone3 => wait(run(clone3(None)?, body)),
        Birth::Fork => wait(start(body)?),
    }
}

/// The same in a child that starts in the cgroup of this directory.
pub(crate) fn child_in(cgroup: &OwnedFd, body: &dyn Fn() -> i32) -> Result<(), Failure> {
    wait(run(clone3(Some(cgroup))?, body))
}

/// Runs `body` in a child and returns its number. The caller waits for it.
pub(crate) fn start(body: &dyn Fn() -> i32) -> Result<i32, Failure> {
    Ok(run(fork()?, body))
}

/// Runs `body` if this is the child, and never returns from it.
fn run(pid: i32, body: &dyn Fn() -> i32) -> i32 {
    if pid == 0 {
        end(body())
    }
    pid
}

/// Runs `body` in a grandchild whose parent has exited, in a session of its own, as a daemon is started.
fn orphan(body: &dyn Fn() -> i32) -> Result<(), Failure> {
    let (reader, writer) = pipe()?;
    let pid = fork()?;
    if pid == 0 {
        match fork() {
            Ok(0) => {
                // SAFETY: has no arguments.
                unsafe { libc::setsid() };
                let status = body();
                let _ = write_all(&writer, &[status as u8]);
                end(status)
            }
            Ok(_) => end(0),
            Err(_) => end(3),
        }
    }
    drop(writer);
    wait(pid)?;
    match read_all(&reader)?.as_slice() {
        [0] => Ok(()),
        [status] => Err(Failure::Status(i32::from(*status))),
        // It ended without writing anything.
        _ => Err(Failure::Signal(0)),
    }
}

fn fork() -> Result<i32, Failure> {
    // SAFETY: the child has a copy of this thread only, and this thread has no lock locked while it forks.
    Ok(check(unsafe { libc::fork() })? as i32)
}

/// Ends a child without the parent's exit handlers.
fn end(status: i32) -> ! {
    // SAFETY: takes a number.
    unsafe { libc::_exit(status) }
}

/// Forks with `clone3`, into a cgroup if there is one.
fn clone3(cgroup: Option<&OwnedFd>) -> Result<i32, Failure> {
    const CLONE_INTO_CGROUP: u64 = 0x2_0000_0000;
    // struct clone_args
    let mut arguments = [0_u64; 11];
    arguments[4] = libc::SIGCHLD as u64;
    if let Some(cgroup) = cgroup {
        arguments[0] = CLONE_INTO_CGROUP;
        arguments[10] = cgroup.as_raw_fd() as u64;
    }
    // SAFETY: all fields but the flag, exit_signal and cgroup are zero; without CLONE_VM the child has its own memory.
    let pid = unsafe {
        libc::syscall(
            libc::SYS_clone3,
            arguments.as_mut_ptr(),
            size_of_val(&arguments),
        )
    };
    Ok(check(pid)? as i32)
}

/// Waits for a child's end.
pub(crate) fn wait(pid: i32) -> Result<(), Failure> {
    let mut status = 0;
    // SAFETY: the status is written to a live integer.
    check(unsafe { libc::waitpid(pid, &raw mut status, 0) })?;
    if libc::WIFSIGNALED(status) {
        return Err(Failure::Signal(libc::WTERMSIG(status)));
    }
    match libc::WEXITSTATUS(status) {
        0 => Ok(()),
        status => Err(Failure::Status(status)),
    }
}
