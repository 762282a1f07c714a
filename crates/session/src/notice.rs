// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What a session reports while it proceeds.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::path::PathBuf;

use ambit_event::{Violation, escape, named};

/// Something that the user should see. None of it ends the session.
#[derive(Debug)]
#[non_exhaustive]
pub enum Notice {
    /// The first occurrence of a violation.
    Violation(Box<Violation>),
    /// The journal cannot be begun.
    NoJournal(ambit_journal::Error),
    /// The journal cannot be continued.
    JournalStopped(ambit_journal::Error),
    /// The journal's last version cannot be written.
    JournalNotEnded(ambit_journal::Error),
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
            Self::Violation(violation) => write!(f, "{}: {}", violation.id, named(&violation.rule)),
            Self::NoJournal(error) => {
                write!(
                    f,
                    "cannot store this run, so `ambit explain` will not show it: {}",
                    chain(error)
                )
            }
            Self::JournalStopped(error) => {
                write!(
                    f,
                    "cannot store violations any more, `ambit explain` will lack later ones: {}",
                    chain(error)
                )
            }
            Self::JournalNotEnded(error) => {
                write!(f, "cannot store the end of this run: {}", chain(error))
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

/// Returns an error's text with its causes.
fn chain(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}
