// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A child that is paused before it executes the program.
//!
//! The child waits on a pipe while its caller labels it, and then does nothing but `execve`: no operation of Ambit happens
//! between the label and the program.

use std::ffi::{CString, OsString};
use std::fs::File;
use std::io::Write;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{Pid, PidfdFlags, Signal, WaitOptions, kill_process, pidfd_open, waitpid};

use crate::{Error, Running, children};

/// Resets the actions of all signals that are not ignored (Linux 5.5); missing from `libc` for this target.
const CLONE_CLEAR_SIGHAND: u64 = 0x1_0000_0000;

/// A child that waits to be resumed. If it is dropped instead, the child exits without having executed anything.
#[derive(Debug)]
pub struct Paused {
    pid: u32,
    pidfd: OwnedFd,
    go: File,
    error: File,
}

/// All that the child needs, allocated before it is created.
struct Plan<'a> {
    go: &'a OwnedFd,
    error: &'a OwnedFd,
    /// The parent's ends of the two pipes.
    close: [&'a OwnedFd; 2],
    stdout: Option<BorrowedFd<'a>>,
    path: *const libc::c_char,
    argv: *const *const libc::c_char,
    env: *const *const libc::c_char,
}

fn c_string(bytes: &[u8]) -> Result<CString, Error> {
    CString::new(bytes).map_err(|_| Error::NulByte)
}

/// Pointers to the strings, and NULL.
fn pointers(strings: &[CString]) -> Vec<*const libc::c_char> {
    strings
        .iter()
        .map(|string| string.as_ptr())
        .chain([std::ptr::null()])
        .collect()
}

fn pipe() -> Result<(OwnedFd, OwnedFd), Error> {
    pipe_with(PipeFlags::CLOEXEC).map_err(|errno| Error::Start(errno.into()))
}

impl Paused {
    /// Creates a child that will execute `program` with `argv` (its own name first) and this process's environment.
    /// With `stdout`, that is its standard output. SIGCHLD gets its default action here and in the child. Any thread may call this, however many the process has.
    ///
    /// # Errors
    /// [`Error::NulByte`], [`Error::Start`].
    pub fn new(
        program: &Path,
        argv: &[OsString],
        stdout: Option<BorrowedFd<'_>>,
    ) -> Result<Self, Error> {
        let path = c_string(program.as_os_str().as_bytes())?;
        let argv = argv
            .iter()
            .map(|argument| c_string(argument.as_bytes()))
            .collect::<Result<Vec<_>, _>>()?;
        let env = std::env::vars_os()
            .map(|(name, value)| c_string(&[name.as_bytes(), b"=", value.as_bytes()].concat()))
            .collect::<Result<Vec<_>, _>>()?;
        let (argv_pointers, env_pointers) = (pointers(&argv), pointers(&env));
        let (go_read, go_write) = pipe()?;
        let (error_read, error_write) = pipe()?;
        let plan = Plan {
            go: &go_read,
            error: &error_write,
            close: [&go_write, &error_read],
            stdout,
            path: path.as_ptr(),
            argv: argv_pointers.as_ptr(),
            env: env_pointers.as_ptr(),
        };
        children::keep_ended();
        let (pid, pidfd) = create_child(&plan)?;
        Ok(Self {
            pid,
            pidfd,
            go: go_write.into(),
            error: error_read.into(),
        })
    }

    /// The child's process number.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// A descriptor of the child. Unlike the number it never stands for another process.
    pub fn pidfd(&self) -> BorrowedFd<'_> {
        self.pidfd.as_fd()
    }

    /// Lets the child execute the program.
    ///
    /// # Errors
    /// [`Error::Resume`].
    pub fn resume(mut self) -> Result<Running, Error> {
        self.go.write_all(b"g").map_err(Error::Resume)?;
        Ok(Running::new(self.pid, self.pidfd, self.error))
    }
}

/// Creates the child. A filter of system calls may hide `clone3` (systemd's `RestrictNamespaces=` does), because it cannot read the
/// flags, which are in memory.
fn create_child(plan: &Plan<'_>) -> Result<(u32, OwnedFd), Error> {
    match clone_child(plan) {
        Err(Error::Start(error)) if error.raw_os_error() == Some(libc::ENOSYS) => fork_child(plan),
        created => created,
    }
}

/// Creates the child as `fork` does, with two differences: its pidfd comes from the same call, and no handler of this process
/// can run in it.
fn clone_child(plan: &Plan<'_>) -> Result<(u32, OwnedFd), Error> {
    let mut pidfd: libc::c_int = -1;
    // SAFETY: all fields are numbers, and 0 means "not used" for each.
    let mut args: libc::clone_args = unsafe { std::mem::zeroed() };
    args.flags = (libc::CLONE_PIDFD as u64) | CLONE_CLEAR_SIGHAND;
    args.pidfd = (&raw mut pidfd).expose_provenance() as u64;
    args.exit_signal = libc::SIGCHLD as u64;
    // SAFETY: without CLONE_VM the child has a copy of the memory, in which locks may be locked by threads that the
    // child does not have; it allocates nothing, takes no lock and calls only async-signal-safe functions. `args` is valid and has the
    // size given; the kernel writes an int to `pidfd`.
    let pid = unsafe {
        libc::syscall(
            libc::SYS_clone3,
            &raw mut args,
            size_of::<libc::clone_args>(),
        )
    };
    match pid {
        // SAFETY: this is the child.
        0 => unsafe { child(plan) },
        1.. => {
            // SAFETY: the kernel has just created this descriptor for us.
            let pidfd = unsafe { OwnedFd::from_raw_fd(pidfd) };
            Ok((u32::try_from(pid).unwrap_or(0), pidfd))
        }
        _ => Err(Error::Start(std::io::Error::last_os_error())),
    }
}

/// Creates the child as [`clone_child`] does, by older system calls. All signals are blocked until the child has no handler any
/// more. No other process can get the child's number before `pidfd_open`, because only this process waits for its children.
fn fork_child(plan: &Plan<'_>) -> Result<(u32, OwnedFd), Error> {
    // SAFETY: plain system calls on sets that `sigfillset` and `pthread_sigmask` write. The child is as in `clone_child`: it calls
    // only async-signal-safe functions.
    let forked = unsafe {
        let mut all: libc::sigset_t = std::mem::zeroed();
        let mut before: libc::sigset_t = std::mem::zeroed();
        libc::sigfillset(&raw mut all);
        libc::pthread_sigmask(libc::SIG_SETMASK, &raw const all, &raw mut before);
        let pid = libc::fork();
        if pid == 0 {
            reset_handlers();
            libc::pthread_sigmask(libc::SIG_SETMASK, &raw const before, std::ptr::null_mut());
            child(plan)
        }
        let error = std::io::Error::last_os_error();
        libc::pthread_sigmask(libc::SIG_SETMASK, &raw const before, std::ptr::null_mut());
        Pid::from_raw(pid).filter(|_| pid > 0).ok_or(error)
    };
    let pid = forked.map_err(Error::Start)?;
    match pidfd_open(pid, PidfdFlags::empty()) {
        Ok(pidfd) => Ok((pid.as_raw_nonzero().get().cast_unsigned(), pidfd)),
        Err(errno) => {
            let _ = kill_process(pid, Signal::KILL);
            let _ = waitpid(Some(pid), WaitOptions::empty());
            Err(Error::Start(errno.into()))
        }
    }
}

/// Resets the actions of all signals that are not ignored.
///
/// # Safety
/// Only to be called while all signals are blocked.
unsafe fn reset_handlers() {
    for signal in 1..=libc::SIGRTMAX() {
        // SAFETY: `sigaction` is async-signal-safe and writes one structure. It fails for the signals of the C library, KILL and
        // STOP, which have no handler in a child.
        unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            let found = libc::sigaction(signal, std::ptr::null(), &raw mut action) == 0;
            if found && action.sa_sigaction != libc::SIG_IGN {
                libc::signal(signal, libc::SIG_DFL);
            }
        }
    }
}

/// Waits for its parent, then executes the program.
///
/// # Safety
/// Only to be called in a child that was just created, with pointers as `execve` wants them.
unsafe fn child(plan: &Plan<'_>) -> ! {
    for end in plan.close {
        // SAFETY: the child uses neither end, and runs no destructor that would close it again.
        unsafe { libc::close(end.as_raw_fd()) };
    }
    if let Some(stdout) = plan.stdout {
        // SAFETY: two descriptors; an owner of the standard output in this process never runs again.
        unsafe { libc::dup2(stdout.as_raw_fd(), libc::STDOUT_FILENO) };
    }
    let mut byte = [0_u8; 1];
    loop {
        match rustix::io::read(plan.go, &mut byte) {
            Ok(1) => break,
            Err(rustix::io::Errno::INTR) => {}
            // SAFETY: plain system call. The parent ended before it labelled this process: nothing may be executed.
            _ => unsafe { libc::_exit(2) },
        }
    }
    // SAFETY: signal and execve are async-signal-safe; the pointers are to NUL-terminated strings in NULL-terminated
    // arrays that the caller keeps. The Rust runtime ignores SIGPIPE; the program gets the default action.
    unsafe {
        libc::signal(libc::SIGPIPE, libc::SIG_DFL);
        libc::execve(plan.path, plan.argv, plan.env);
        let errno = *libc::__errno_location();
        let _ = rustix::io::write(plan.error, &errno.to_ne_bytes());
        libc::_exit(126)
    }
}
