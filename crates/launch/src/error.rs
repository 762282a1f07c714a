// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Errors of starting and waiting for a process.

use std::io;

/// Why a process could not be started, resumed or waited for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// `execve` takes strings that end at the first NUL byte.
    #[error("an argument or an environment variable contains a NUL byte")]
    NulByte,
    /// `pipe2`, `clone3`, `fork` or `pidfd_open` failed.
    #[error("cannot start a process")]
    Start(#[source] io::Error),
    /// The paused process ended before it was resumed.
    #[error("the paused process ended before it could execute the program")]
    Resume(#[source] io::Error),
    /// The pipe that carries the error of `execve` could not be read.
    #[error("cannot find out whether the program was executed")]
    ExecResult(#[source] io::Error),
    /// `waitid` failed.
    #[error("cannot wait for the process")]
    Wait(#[source] io::Error),
    /// `sigaction` failed.
    #[error("cannot catch signals")]
    Catch(#[source] io::Error),
    /// The keeper's process could not be forked.
    #[error("cannot start the keeper process")]
    Keeper(#[source] io::Error),
    /// A fork copies only the calling thread, so that locks held by other threads stay locked in the child.
    #[error("cannot start the keeper process: this process has {0} threads, and must have one")]
    Threads(usize),
}
