// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Errors of a session.

use std::io;
use std::path::PathBuf;

/// A session cannot begin or continue.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The kernel part cannot be read.
    #[error(transparent)]
    Sensor(#[from] ambit_sensor::Error),
    /// `poll` failed.
    #[error("cannot wait for records of the kernel part")]
    Wait(#[source] io::Error),
    /// Another process reads the ring.
    #[error("{} already reads these records, and each record has one reader; stop it first", holder(*.pid))]
    Busy {
        /// The other process, if it has written its number yet.
        pid: Option<u32>,
    },
    /// The lock file cannot be opened or locked.
    #[error("cannot lock {}", .path.display())]
    Lock {
        /// The lock file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
}

fn holder(pid: Option<u32>) -> String {
    pid.map_or_else(
        || "another process".to_owned(),
        |pid| format!("process {pid}"),
    )
}
