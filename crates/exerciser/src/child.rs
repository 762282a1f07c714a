// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Child processes: three ways to create one, and waiting for its end.

use crate::outcome::Failure;
use crate::parse::Birth;
use crate::sys::{check, pipe, read_all, write_all};

/// Runs `body` in a child and waits for it.
pub(crate) fn child(birth: Birth, body: &dyn Fn() -> i32) -> Result<(), Failure> {
    let pid = match birth {
        Birth::DoubleFork => return orphan(body),
        Birth::Clone3 => clone3()?,
        Birth::Fork => fork()?,
    };
    if pid == 0 {
        end(body())
    }
    wait(pid)
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

/// Forks with `clone3`.
fn clone3() -> Result<i32, Failure> {
    let mut arguments = [0_u64; 11];
    arguments[4] = libc::SIGCHLD as u64;
    // SAFETY: all fields of struct clone_args but exit_signal are zero; without CLONE_VM the child has its own memory.
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
