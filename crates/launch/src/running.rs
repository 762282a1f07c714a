// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A resumed process: whether it executed the program, and how it ended.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use rustix::process::{WaitId, WaitIdOptions, WaitIdStatus, waitid};

use crate::Error;

/// A child that executes the program, or is about to.
#[derive(Debug)]
pub struct Running {
    pid: u32,
    pidfd: OwnedFd,
    /// Carries the error of `execve`; closed by an `execve` that succeeds.
    error: Option<File>,
    status: Option<ExitStatus>,
}

impl Running {
    pub(crate) fn new(pid: u32, pidfd: OwnedFd, error: File) -> Self {
        Self {
            pid,
            pidfd,
            error: Some(error),
            status: None,
        }
    }

    /// The child's process number.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// A descriptor of the child, readable once it has ended. Unlike the number it never stands for another process.
    pub fn pidfd(&self) -> BorrowedFd<'_> {
        self.pidfd.as_fd()
    }

    /// Waits until `execve` succeeded (then returns none) or failed (then returns its error).
    ///
    /// # Errors
    /// [`Error::ExecResult`].
    pub fn wait_for_exec(&mut self) -> Result<Option<io::Error>, Error> {
        let Some(mut pipe) = self.error.take() else {
            return Ok(None);
        };
        let mut errno = [0_u8; 4];
        match pipe.read_exact(&mut errno) {
            Ok(()) => Ok(Some(io::Error::from_raw_os_error(i32::from_ne_bytes(
                errno,
            )))),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
            Err(error) => Err(Error::ExecResult(error)),
        }
    }

    /// Returns how the child ended, or none while it runs. Does not block.
    ///
    /// # Errors
    /// [`Error::Wait`].
    pub fn try_wait(&mut self) -> Result<Option<ExitStatus>, Error> {
        if self.status.is_none() {
            let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG;
            let ended = waitid(WaitId::PidFd(self.pidfd.as_fd()), options)
                .map_err(|errno| Error::Wait(errno.into()))?;
            self.status = ended.as_ref().map(exit_status);
        }
        Ok(self.status)
    }
}

/// Converts the result of `waitid` into a status of `waitpid`.
fn exit_status(ended: &WaitIdStatus) -> ExitStatus {
    const DUMPED_CORE: i32 = 0x80;
    let raw = match (ended.exit_status(), ended.terminating_signal()) {
        (Some(code), _) => (code & 0xff) << 8,
        (None, Some(signal)) if ended.dumped() => signal | DUMPED_CORE,
        (None, signal) => signal.unwrap_or(0),
    };
    ExitStatus::from_raw(raw)
}
