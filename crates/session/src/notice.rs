// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What a session reports while it proceeds.

use std::fmt;
use std::io;
use std::path::PathBuf;

use ambit_event::{Violation, escape};

/// Something that the user should see. None of it ends the session.
#[derive(Debug)]
#[non_exhaustive]
pub enum Notice {
    /// The first occurrence of a violation.
    Violation(Box<Violation>),
    /// The journal cannot be begun.
    NoJournal(io::Error),
    /// The journal cannot be continued.
    JournalStopped(io::Error),
    /// The journal's last version cannot be written.
    JournalNotEnded(io::Error),
    /// Earlier notices found no room and are not shown.
    NotShown(u64),
    /// The recording cannot be continued. It can be read up to there.
    RecordingStopped {
        /// Its file.
        path: PathBuf,
        /// The system's error.
        error: io::Error,
    },
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Violation(violation) => write!(f, "{}: {}", violation.id, violation.rule),
            Self::NoJournal(error) => {
                write!(
                    f,
                    "cannot store this run, so `ambit explain` will not show it: {error}"
                )
            }
            Self::JournalStopped(error) => {
                write!(
                    f,
                    "cannot store violations any more, `ambit explain` will lack later ones: {error}"
                )
            }
            Self::JournalNotEnded(error) => {
                write!(f, "cannot store the end of this run: {error}")
            }
            Self::NotShown(lost) => {
                write!(
                    f,
                    "{lost} messages are not shown; `ambit explain` shows all violations"
                )
            }
            Self::RecordingStopped { path, error } => write!(
                f,
                "cannot continue the recording {}, which can be read up to here: {error}",
                escape::name(path.as_os_str().as_encoded_bytes())
            ),
        }
    }
}
