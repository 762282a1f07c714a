// SPDX-License-Identifier: Apache-2.0 OR MIT
//! How an operation ended, and how that is written.

use std::fmt;

/// What an operation returns: detail to print after `ok`, if any.
pub(crate) type Done = Result<Option<String>, Failure>;

/// Why an operation failed.
#[derive(Debug, Clone)]
pub(crate) enum Failure {
    /// The system call of the operation failed.
    Errno(i32),
    /// A step that prepares it failed.
    Before(i32, &'static str),
    /// A program or a child exited with this status.
    Status(i32),
    /// A program or a child was killed.
    Signal(i32),
    /// The arguments are invalid.
    Usage(String),
}

impl Failure {
    pub(crate) fn last() -> Self {
        Self::Errno(std::io::Error::last_os_error().raw_os_error().unwrap_or(0))
    }
}

/// Names the step that prepares an operation, in case it fails.
pub(crate) trait Preparing<T> {
    fn before(self, step: &'static str) -> Result<T, Failure>;
}

impl<T> Preparing<T> for Result<T, Failure> {
    fn before(self, step: &'static str) -> Self {
        self.map_err(|failure| match failure {
            Failure::Errno(errno) => Failure::Before(errno, step),
            other => other,
        })
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Errno(errno) => write!(f, "errno {}", errno_name(*errno)),
            Self::Before(errno, step) => write!(f, "errno {} at {step}", errno_name(*errno)),
            Self::Status(status) => write!(f, "status {status}"),
            Self::Signal(signal) => write!(f, "signal {}", signal_name(*signal)),
            Self::Usage(message) => f.write_str(message),
        }
    }
}

macro_rules! names {
    ($number:expr, $($name:ident)*) => {
        match $number {
            $(libc::$name => Some(stringify!($name)),)*
            _ => None,
        }
    };
}

fn errno_name(errno: i32) -> String {
    let name = names!(errno,
        EPERM ENOENT ENOMSG ESRCH EINTR EIO ENXIO E2BIG ENOEXEC EBADF ECHILD EAGAIN ENOMEM EACCES EFAULT EBUSY EEXIST EXDEV
        ENODEV ENOTDIR EISDIR EINVAL ENFILE EMFILE ENOTTY ETXTBSY EFBIG ENOSPC ESPIPE EROFS EMLINK EPIPE ERANGE
        ENAMETOOLONG ENOSYS ENOTEMPTY ELOOP EPROTO EOVERFLOW EDESTADDRREQ EMSGSIZE EPROTOTYPE EPROTONOSUPPORT
        ESOCKTNOSUPPORT EOPNOTSUPP EAFNOSUPPORT EADDRINUSE EADDRNOTAVAIL ENETUNREACH ECONNABORTED ECONNRESET
        EISCONN ENOTCONN ETIMEDOUT ECONNREFUSED EHOSTUNREACH EALREADY EINPROGRESS ESTALE ECANCELED);
    name.map_or_else(|| errno.to_string(), str::to_owned)
}

macro_rules! signals {
    ($($name:literal $number:ident)*) => {
        /// `TERM` for 15.
        pub(crate) fn signal_name(signal: i32) -> String {
            match signal {
                $(libc::$number => $name.to_owned(),)*
                other => other.to_string(),
            }
        }

        /// 15 for `TERM`, `SIGTERM` or `15`.
        pub(crate) fn signal_number(name: &str) -> Option<i32> {
            match name.strip_prefix("SIG").unwrap_or(name) {
                $($name => Some(libc::$number),)*
                other => other.parse().ok(),
            }
        }
    };
}

signals! {
    "HUP" SIGHUP "INT" SIGINT "QUIT" SIGQUIT "ILL" SIGILL "TRAP" SIGTRAP "ABRT" SIGABRT "BUS" SIGBUS "FPE" SIGFPE
    "KILL" SIGKILL "USR1" SIGUSR1 "SEGV" SIGSEGV "USR2" SIGUSR2 "PIPE" SIGPIPE "ALRM" SIGALRM "TERM" SIGTERM
    "CHLD" SIGCHLD "CONT" SIGCONT "STOP" SIGSTOP "TSTP" SIGTSTP "URG" SIGURG "WINCH" SIGWINCH "SYS" SIGSYS
}
