// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Exit codes for errors of the crates that reach the kernel part.

use rustix::io::Errno;

use crate::exit::{Exit, Failure};

impl From<ambit_sensor::Error> for Failure {
    fn from(error: ambit_sensor::Error) -> Self {
        use ambit_sensor::Error;
        let exit = match error {
            // Errors that other arguments avoid.
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

impl From<ambit_hoststate::trust::ChangeError> for Failure {
    fn from(error: ambit_hoststate::trust::ChangeError) -> Self {
        use ambit_hoststate::trust::ChangeError;
        match error {
            ChangeError::State(error) => error.into(),
            ChangeError::Kernel(error) => error.into(),
            ChangeError::Thread { .. } | ChangeError::NoDomain(_) => Self::usage(error),
            _ => Self::new(Exit::Trouble, error),
        }
    }
}
