// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Starting a program that is labelled before its first instruction, and ending as it ended.
//!
//! The child is forked, waits on a pipe while its parent labels it, and then does nothing but execve: no operation of
//! ours happens between the label and the program.

use std::ffi::{CString, OsString};
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::ExitStatus;
use std::sync::atomic::{AtomicI32, Ordering};

use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{Pid, PidfdFlags, pidfd_open};

/// A forked child that waits to be told to become the program.
#[derive(Debug)]
pub struct Paused {
    pid: i32,
    pidfd: OwnedFd,
    go: File,
    error: File,
}

/// A child that is, or is about to be, the program.
#[derive(Debug)]
pub struct Running {
    pid: i32,
    pidfd: OwnedFd,
    error: Option<File>,
    status: Option<ExitStatus>,
}

fn c_string(bytes: &[u8]) -> io::Result<CString> {
    CString::new(bytes).map_err(|_| {
        io::Error::new(
            io::ErrorKind::InvalidInput,
            "an argument contains a NUL byte",
        )
    })
}

fn pointers(strings: &[CString]) -> Vec<*const libc::c_char> {
    strings
        .iter()
        .map(|s| s.as_ptr())
        .chain([std::ptr::null()])
        .collect()
}

impl Paused {
    /// Fork a child that will execute `program` with `argv` (its own name first) and this process' environment.
    ///
    /// # Errors
    /// No pipe, no process, or a NUL byte in an argument.
    pub fn new(program: &Path, argv: &[OsString]) -> io::Result<Self> {
        let path = c_string(program.as_os_str().as_bytes())?;
        let arguments = argv
            .iter()
            .map(|a| c_string(a.as_bytes()))
            .collect::<io::Result<Vec<_>>>()?;
        let env = std::env::vars_os()
            .map(|(k, v)| c_string(&[k.as_bytes(), b"=", v.as_bytes()].concat()))
            .collect::<io::Result<Vec<_>>>()?;
        let (argv_ptr, env_ptr) = (pointers(&arguments), pointers(&env));
        let (go_read, go_write) = pipe_with(PipeFlags::CLOEXEC)?;
        let (error_read, error_write) = pipe_with(PipeFlags::CLOEXEC)?;

        // SAFETY: everything the child uses was allocated before; between fork and execve it calls only
        // async-signal-safe functions, so it does not matter which locks other threads held.
        let pid = unsafe { libc::fork() };
        if pid < 0 {
            return Err(io::Error::last_os_error());
        }
        if pid == 0 {
            drop(go_write);
            drop(error_read);
            // SAFETY: as above; the pointers are to NUL-terminated strings in NULL-terminated arrays that live on.
            unsafe {
                child(
                    &go_read,
                    &error_write,
                    path.as_ptr(),
                    argv_ptr.as_ptr(),
                    env_ptr.as_ptr(),
                )
            }
        }
        let pidfd = Pid::from_raw(pid)
            .ok_or_else(|| io::Error::other("fork gave no process"))
            .and_then(|p| Ok(pidfd_open(p, PidfdFlags::empty())?))?;
        Ok(Self {
            pid,
            pidfd,
            go: go_write.into(),
            error: error_read.into(),
        })
    }

    /// The child's process number.
    pub fn pid(&self) -> u32 {
        self.pid.cast_unsigned()
    }

    /// The child, safe from reuse of its number.
    pub fn pidfd(&self) -> BorrowedFd<'_> {
        self.pidfd.as_fd()
    }

    /// Let the child become the program.
    ///
    /// # Errors
    /// The child is gone.
    pub fn resume(mut self) -> io::Result<Running> {
        self.go.write_all(b"g")?;
        Ok(Running {
            pid: self.pid,
            pidfd: self.pidfd,
            error: Some(self.error),
            status: None,
        })
    }
}

/// # Safety
/// Only to be called in a forked child, with pointers as `execve` wants them.
unsafe fn child(
    go: &OwnedFd,
    error: &OwnedFd,
    path: *const libc::c_char,
    argv: *const *const libc::c_char,
    env: *const *const libc::c_char,
) -> ! {
    let mut byte = [0_u8; 1];
    loop {
        match rustix::io::read(go, &mut byte) {
            Ok(1) => break,
            Err(rustix::io::Errno::INTR) => {}
            // SAFETY: the parent died before it labelled us: nothing may run.
            _ => unsafe { libc::_exit(2) },
        }
    }
    // SAFETY: the Rust runtime ignores SIGPIPE; the program gets the default back. execve takes checked pointers.
    unsafe {
        libc::signal(libc::SIGPIPE, libc::SIG_DFL);
        libc::execve(path, argv, env);
        let errno = *libc::__errno_location();
        let _ = rustix::io::write(error, &errno.to_ne_bytes());
        libc::_exit(126)
    }
}

impl Running {
    /// The child's process number.
    pub fn pid(&self) -> u32 {
        self.pid.cast_unsigned()
    }

    /// The child, safe from reuse of its number.
    pub fn pidfd(&self) -> BorrowedFd<'_> {
        self.pidfd.as_fd()
    }

    /// Wait until execve succeeded (None) or failed, and with what.
    ///
    /// # Errors
    /// Reading the pipe failed.
    pub fn exec_error(&mut self) -> io::Result<Option<io::Error>> {
        let Some(mut pipe) = self.error.take() else {
            return Ok(None);
        };
        let mut errno = [0_u8; 4];
        match pipe.read_exact(&mut errno) {
            Ok(()) => Ok(Some(io::Error::from_raw_os_error(i32::from_ne_bytes(
                errno,
            )))),
            Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
            Err(e) => Err(e),
        }
    }

    /// The end, if it was reached.
    ///
    /// # Errors
    /// `waitpid` failed.
    pub fn try_wait(&mut self) -> io::Result<Option<ExitStatus>> {
        if self.status.is_some() {
            return Ok(self.status);
        }
        let mut status = 0;
        // SAFETY: the pid is our own child's and was not waited for yet; status is a valid pointer.
        let pid = unsafe { libc::waitpid(self.pid, &raw mut status, libc::WNOHANG) };
        match pid {
            0 => Ok(None),
            p if p == self.pid => {
                self.status = Some(ExitStatus::from_raw(status));
                Ok(self.status)
            }
            _ => Err(io::Error::last_os_error()),
        }
    }
}

const FORWARDED: [libc::c_int; 6] = [
    libc::SIGINT,
    libc::SIGTERM,
    libc::SIGHUP,
    libc::SIGQUIT,
    libc::SIGUSR1,
    libc::SIGUSR2,
];

static TARGET: AtomicI32 = AtomicI32::new(0);
static LAST: AtomicI32 = AtomicI32::new(0);
static COUNT: AtomicI32 = AtomicI32::new(0);

/// What signals this process got since they are forwarded.
#[derive(Clone, Copy, Debug)]
pub struct Signals(());

impl Signals {
    /// The last one that asks to end (INT, TERM, HUP, QUIT), if there was one.
    pub fn last(self) -> Option<i32> {
        Some(LAST.load(Ordering::Relaxed)).filter(|s| *s != 0)
    }

    /// How many of these there were.
    pub fn count(self) -> usize {
        usize::try_from(COUNT.load(Ordering::Relaxed)).unwrap_or(0)
    }
}

extern "C" fn on_signal(signal: libc::c_int, info: *mut libc::siginfo_t, _: *mut libc::c_void) {
    if signal != libc::SIGUSR1 && signal != libc::SIGUSR2 {
        LAST.store(signal, Ordering::Relaxed);
        COUNT.fetch_add(1, Ordering::Relaxed);
    }
    let pid = TARGET.load(Ordering::Relaxed);
    // SAFETY: the kernel gives a valid siginfo with SA_SIGINFO. A signal of the terminal (si_code > 0) goes to the
    // whole foreground group, the child included; only what was sent to this process alone is passed on.
    let from_terminal = unsafe { (*info).si_code } > 0;
    if pid > 0 && !from_terminal {
        // SAFETY: kill is async-signal-safe.
        unsafe { libc::kill(pid, signal) };
    }
}

/// Pass signals that reach this process on to `pid`, whose child it must be until it was waited for.
///
/// # Errors
/// `sigaction` failed.
pub fn forward_signals(pid: u32) -> io::Result<Signals> {
    TARGET.store(pid.cast_signed(), Ordering::Relaxed);
    for signal in FORWARDED {
        // SAFETY: an all-zero sigaction is valid; the handler is async-signal-safe.
        let result = unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            action.sa_sigaction = on_signal as *const () as libc::sighandler_t;
            action.sa_flags = libc::SA_SIGINFO;
            libc::sigaction(signal, &raw const action, std::ptr::null_mut())
        };
        if result != 0 {
            return Err(io::Error::last_os_error());
        }
    }
    Ok(Signals(()))
}

/// Stop passing signals on: the child was waited for and its number may belong to another process soon.
pub fn stop_forwarding() {
    TARGET.store(0, Ordering::Relaxed);
}

/// End as a process that this signal ended, without a core of our own.
pub fn die_by(signal: i32) -> ! {
    // SAFETY: plain system calls with valid arguments.
    unsafe {
        let none = libc::rlimit {
            rlim_cur: 0,
            rlim_max: 0,
        };
        libc::setrlimit(libc::RLIMIT_CORE, &raw const none);
        libc::signal(signal, libc::SIG_DFL);
        let mut set: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut set);
        libc::sigaddset(&raw mut set, signal);
        libc::sigprocmask(libc::SIG_UNBLOCK, &raw const set, std::ptr::null_mut());
        libc::raise(signal);
        libc::_exit(128 + signal)
    }
}
