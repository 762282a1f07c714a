// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Errors of a session.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};

use ambit_event::escape;
use rustix::io::Errno;

/// A session cannot begin or continue.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The kernel part cannot be read.
    #[error(transparent)]
    Sensor(#[from] ambit_sensor::Error),
    /// The command cannot be started or waited for.
    #[error(transparent)]
    Launch(#[from] ambit_launch::Error),
    /// No program belongs to the command's name, or it cannot be executed.
    #[error("{}: {}", escape::name(.name.as_encoded_bytes()), not_executed(name, *.errno))]
    Command {
        /// The command's name.
        name: OsString,
        /// The system's error.
        errno: Errno,
    },
    /// The file of a new recording exists.
    #[error("{} exists, and a recording never overwrites a file; give another name, or remove the file", shown(.path))]
    RecordingExists {
        /// The file.
        path: PathBuf,
    },
    /// The file of a new recording cannot be created.
    #[error("cannot create the recording {}", shown(.path))]
    CreateRecording {
        /// The file.
        path: PathBuf,
        /// Why.
        source: ambit_files::Error,
    },
    /// The header of a recording cannot be written.
    #[error("cannot write the recording {}", shown(.path))]
    WriteRecording {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// `poll` failed.
    #[error("cannot wait for records of the kernel part")]
    Wait(#[source] io::Error),
    /// Another process reads the ring.
    #[error("{} already reads these records, and each record has one reader; stop it first", holder(*.pid))]
    Busy {
        /// The other process, if it has written its number yet.
        pid: Option<u32>,
    },
    /// The number of this process cannot be written to the lock's file.
    #[error("cannot write to the file of the lock of the rules' records")]
    Lock(#[source] io::Error),
    /// Ambit's directory cannot be used.
    #[error(transparent)]
    Files(#[from] ambit_files::Error),
}

fn shown(path: &Path) -> String {
    escape::name(path.as_os_str().as_encoded_bytes())
}

fn not_executed(name: &OsStr, errno: Errno) -> String {
    match errno {
        Errno::NOENT => "command not found".to_owned(),
        Errno::NOEXEC => {
            let name = escape::name(name.as_encoded_bytes());
            format!(
                "not a program of this machine, and not a script with a `#!` line; if it is a shell script, run `sh {name}`"
            )
        }
        errno => format!("cannot be executed: {errno}"),
    }
}

fn holder(pid: Option<u32>) -> String {
    pid.map_or_else(
        || "another process".to_owned(),
        |pid| format!("process {pid}"),
    )
}
