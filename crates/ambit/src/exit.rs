// SPDX-License-Identifier: Apache-2.0 OR MIT
//! How `ambit` ends: its exit codes, and errors that know theirs.

use std::os::unix::process::ExitStatusExt;
use std::process::{ExitCode, ExitStatus};

use rustix::io::Errno;

use crate::out::{note, write_stderr};

/// The exit codes of Ambit's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    Success = 0,
    /// The command line or a file is wrong.
    Usage = 1,
    /// Ambit could not do its work.
    Trouble = 2,
    /// Outside the map was seen, and the caller asked to be told so.
    Outside = 3,
    /// As `env` has it: the command was found and can't be executed.
    NotExecutable = 126,
    /// As `env` has it: there is no such command.
    NotFound = 127,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// What is left to do at the end.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Outcome {
    Exit(Exit),
    /// End as the command ended.
    As(ExitStatus),
    /// As the exerciser says.
    Code(ExitCode),
}

impl Outcome {
    pub(crate) const SUCCESS: Self = Self::Exit(Exit::Success);

    /// Ends the process where that takes a signal.
    pub(crate) fn code(self) -> ExitCode {
        match self {
            Self::Exit(exit) => exit.into(),
            Self::Code(code) => code,
            Self::As(status) => match (status.code(), status.signal()) {
                (Some(code), _) => ExitCode::from(u8::try_from(code).unwrap_or(u8::MAX)),
                (None, Some(signal)) => ambit_launch::die_by(signal),
                (None, None) => Exit::Trouble.into(),
            },
        }
    }
}

/// An error, and the exit code that goes with it.
#[derive(Debug)]
pub(crate) struct Failure {
    exit: Exit,
    error: anyhow::Error,
    /// The error is a whole text with places in a file, which nothing is to be put before.
    whole: bool,
}

impl Failure {
    pub(crate) fn usage(error: impl Into<anyhow::Error>) -> Self {
        Self::new(Exit::Usage, error)
    }

    pub(crate) fn new(exit: Exit, error: impl Into<anyhow::Error>) -> Self {
        Self {
            exit,
            error: error.into(),
            whole: false,
        }
    }

    /// Errors that show their places in a file themselves.
    pub(crate) fn in_file(errors: impl Into<anyhow::Error>) -> Self {
        Self {
            whole: true,
            ..Self::usage(errors)
        }
    }

    /// The error, for where it is not the program's end.
    pub(crate) fn into_error(self) -> anyhow::Error {
        self.error
    }

    /// Tells the user.
    pub(crate) fn report(&self) -> ExitCode {
        if self.whole {
            write_stderr(format_args!("{}", self.error));
        } else {
            note!("{:#}", self.error);
        }
        self.exit.into()
    }
}

impl From<ambit_sensor::Error> for Failure {
    fn from(error: ambit_sensor::Error) -> Self {
        use ambit_sensor::Error;
        let exit = match error {
            // What can be helped by other words on the command line.
            Error::DomainExists { .. } | Error::SetTooSmall { .. } | Error::NoSuchProcess(_) => {
                Exit::Usage
            }
            _ => Exit::Trouble,
        };
        Self::new(exit, error)
    }
}

impl From<ambit_launch::Error> for Failure {
    fn from(error: ambit_launch::Error) -> Self {
        Self::new(Exit::Trouble, error)
    }
}

impl From<ambit_session::Error> for Failure {
    fn from(error: ambit_session::Error) -> Self {
        match error {
            ambit_session::Error::Sensor(error) => error.into(),
            ambit_session::Error::Launch(error) => error.into(),
            error => {
                let exit = match &error {
                    ambit_session::Error::Command {
                        errno: Errno::NOENT,
                        ..
                    } => Exit::NotFound,
                    ambit_session::Error::Command { .. } => Exit::NotExecutable,
                    ambit_session::Error::RecordingExists { .. }
                    | ambit_session::Error::CreateRecording { .. } => Exit::Usage,
                    _ => Exit::Trouble,
                };
                Self::new(exit, error)
            }
        }
    }
}

impl From<ambit_hoststate::Error> for Failure {
    fn from(error: ambit_hoststate::Error) -> Self {
        use ambit_hoststate::Error;
        match error {
            Error::RuleFiles(error) => error.into(),
            Error::Kernel(error) => error.into(),
            // Different rules or names help.
            Error::NoFreeTrustBit { .. }
            | Error::UnknownSource(_)
            | Error::TooManyRules { .. }
            | Error::Compile(_) => Self::usage(error),
            _ => Self::new(Exit::Trouble, error),
        }
    }
}

impl From<ambit_hoststate::RuleFileError> for Failure {
    fn from(error: ambit_hoststate::RuleFileError) -> Self {
        match error {
            ambit_hoststate::RuleFileError::Invalid(errors) => Self::in_file(errors),
            error => Self::usage(error),
        }
    }
}

/// Gives an error its exit code.
pub(crate) trait OrExit<T> {
    fn or_exit(self, exit: Exit) -> Result<T, Failure>;
}

impl<T, E: Into<anyhow::Error>> OrExit<T> for Result<T, E> {
    fn or_exit(self, exit: Exit) -> Result<T, Failure> {
        self.map_err(|error| Failure::new(exit, error))
    }
}
