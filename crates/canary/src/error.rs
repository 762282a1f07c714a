// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Why canaries cannot be performed.

use std::io;

/// Why canaries cannot be performed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The kernel part reported an error.
    #[error(transparent)]
    Sensor(#[from] ambit_sensor::Error),
    /// The canary's ring could not be read.
    #[error(transparent)]
    Session(#[from] ambit_session::Error),
    /// The canary's process could not be started or waited for.
    #[error(transparent)]
    Launch(#[from] ambit_launch::Error),
    /// The path of this program is unknown.
    #[error("cannot find the file of this program")]
    OwnProgram(#[source] io::Error),
    /// No temporary directory.
    #[error("cannot create a temporary directory; set TMPDIR to a writable directory")]
    TemporaryDirectory(#[source] io::Error),
    /// The files that canaries work on could not be created.
    #[error("cannot create the files that the canary works on")]
    Files(#[source] io::Error),
    /// No pipe.
    #[error("cannot create a pipe for the canary's output")]
    Pipe(#[source] io::Error),
    /// The output of a canary's process could not be read.
    #[error("cannot read the canary's output")]
    Output(#[source] io::Error),
    /// The temporary directory could not be removed.
    #[error("cannot remove the canary's temporary directory")]
    Remove(#[source] io::Error),
    /// A canary's processes were killed and do not end.
    #[error("the canary's processes do not end, although they were killed")]
    Hung,
    /// A signal asked to end.
    #[error("interrupted by signal {0}")]
    Interrupted(i32),
}
