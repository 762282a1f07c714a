// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Exit codes of `ambit`, and errors with an exit code.

#[cfg(feature = "kernel")]
use std::os::unix::process::ExitStatusExt;
use std::process::ExitCode;
#[cfg(feature = "kernel")]
use std::process::ExitStatus;

use crate::out::{note, write_stderr};

/// Ambit's exit codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    Success = 0,
    /// The command line or a file is wrong.
    Usage = 1,
    /// Ambit could not do its work.
    Trouble = 2,
    /// An operation was outside the map, or a rule refused it: `--fail-on-violation`, and `map seal --against`.
    Outside = 3,
    /// The command was found but cannot be executed; the same code as `env`.
    #[cfg(feature = "kernel")]
    NotExecutable = 126,
    /// The command does not exist; the same code as `env`.
    #[cfg(feature = "kernel")]
    NotFound = 127,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// How the process exits.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Outcome {
    Exit(Exit),
    /// As the command exited, by a signal too.
    #[cfg(feature = "kernel")]
    As(ExitStatus),
    /// With the exerciser's code.
    #[cfg(feature = "kernel")]
    Code(ExitCode),
}

impl Outcome {
    pub(crate) const SUCCESS: Self = Self::Exit(Exit::Success);

    /// Returns the exit code. Ends the process if it has to end by a signal.
    pub(crate) fn code(self) -> ExitCode {
        match self {
            Self::Exit(exit) => exit.into(),
            #[cfg(feature = "kernel")]
            Self::Code(code) => code,
            #[cfg(feature = "kernel")]
            Self::As(status) => match (status.code(), status.signal()) {
                (Some(code), _) => ExitCode::from(u8::try_from(code).unwrap_or(u8::MAX)),
                (None, Some(signal)) => ambit_launch::die_by(signal),
                (None, None) => Exit::Trouble.into(),
            },
        }
    }
}

/// An error with its exit code.
#[derive(Debug)]
pub(crate) struct Failure {
    exit: Exit,
    error: anyhow::Error,
    /// True if the text begins with a place in a file: it is printed without a prefix.
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

    /// Errors whose text begins with their place in a file.
    pub(crate) fn in_file(errors: impl Into<anyhow::Error>) -> Self {
        Self {
            whole: true,
            ..Self::usage(errors)
        }
    }

    /// The error, for callers that continue.
    #[cfg(feature = "kernel")]
    pub(crate) fn into_error(self) -> anyhow::Error {
        self.error
    }

    /// Prints the error and returns its exit code.
    pub(crate) fn report(&self) -> ExitCode {
        if self.whole {
            write_stderr(format_args!("{}", self.error));
        } else {
            note!("{:#}{}", self.error, hint(&self.error));
        }
        self.exit.into()
    }
}

/// Returns the end of a message about a file that only root may open.
fn hint(error: &anyhow::Error) -> &'static str {
    let denied = error.chain().any(|cause| {
        cause
            .downcast_ref::<std::io::Error>()
            .is_some_and(|error| error.kind() == std::io::ErrorKind::PermissionDenied)
    });
    let told = format!("{error:#}").contains("sudo");
    if denied && !told && !rustix::process::geteuid().is_root() {
        "; try with sudo"
    } else {
        ""
    }
}

impl From<ambit_hoststate::Error> for Failure {
    fn from(error: ambit_hoststate::Error) -> Self {
        use ambit_hoststate::Error;
        match error {
            Error::RuleFiles(error) => error.into(),
            #[cfg(feature = "kernel")]
            Error::Kernel(error) => error.into(),
            // Other rules or names avoid these errors.
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
