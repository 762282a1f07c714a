// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Errors of this crate.

use std::io;
use std::path::PathBuf;

/// A file cannot be written, or a directory cannot be used. The text does not name the file that a person asked for: the
/// caller adds it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A system call failed.
    #[error("cannot {doing}")]
    Io {
        /// Completes "cannot ...".
        doing: &'static str,
        /// The system's error.
        #[source]
        source: io::Error,
    },
    /// The path has a symbolic link in a directory that other users can write to.
    #[error(
        "{} is a symbolic link, and users other than root and you can replace it; give the path it leads to",
        .0.escape_debug()
    )]
    ForeignLink(String),
    /// The path leads to a device, pipe or socket in a directory that other users can write to.
    #[error("it is not a regular file, and users other than root and you can replace it")]
    ForeignSpecial,
    /// The path leads to a directory.
    #[error("it is a folder")]
    IsDirectory,
    /// A new file must not replace another.
    #[error("it exists")]
    Exists,
    /// The path leads to another directory than when the command began.
    #[error("its folder was moved or replaced since the command began")]
    Moved,
    /// Something else has the file's name, directly after it was written.
    #[error("another process replaced it")]
    Replaced,
    /// A file is larger than its content may be.
    #[error("it has more than {0} bytes")]
    TooLarge(u64),
    /// A file that must be read is not a regular file.
    #[error("it is not a regular file")]
    NotRegular,
    /// A directory of Ambit belongs to another user.
    #[error(
        "{} belongs to the user {uid}, who could change what Ambit keeps there; remove it or move it away",
        shown(.path)
    )]
    ForeignDirectory {
        /// The directory.
        path: PathBuf,
        /// Its owner.
        uid: u32,
    },
    /// A directory of Ambit can be written to by other users.
    #[error(
        "{} has the mode {mode:o}, so that other users could change what Ambit keeps there; check its content and run: chmod 700 {0}",
        shown(.path)
    )]
    SharedDirectory {
        /// The directory.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// A directory of Ambit cannot be opened or created.
    #[error("cannot use the directory {}", shown(.path))]
    Directory {
        /// The directory.
        path: PathBuf,
        /// Why.
        #[source]
        source: Box<Error>,
    },
    /// A file in a directory of Ambit cannot be used.
    #[error("cannot {doing} {}", shown(.path))]
    InDirectory {
        /// Completes "cannot ...", before the path.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: Box<Error>,
    },
    /// The state of this boot is root's.
    #[error(
        "only root may use /run/ambit, which has Ambit's locks and state; run this command as root"
    )]
    NotRoot,
}

impl Error {
    /// True if a file of this name exists already.
    pub const fn is_exists(&self) -> bool {
        matches!(self, Self::Exists)
    }

    /// Returns a function for `map_err` that adds the attempt to an error of the system.
    pub(crate) fn io<E: Into<io::Error>>(doing: &'static str) -> impl FnOnce(E) -> Self {
        move |source| Self::Io {
            doing,
            source: source.into(),
        }
    }
}

/// A file could not be written at its path.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NotWritten {
    /// Its content is in a directory of Ambit.
    #[error("it is kept in {}", shown(.path))]
    Kept {
        /// The file with the content.
        path: PathBuf,
        /// Why it could not be written at its path.
        #[source]
        because: Error,
    },
    /// Its content could not be kept either.
    #[error("{because}, and it cannot be kept in {} either", shown(.dir))]
    Lost {
        /// Why it could not be written at its path.
        because: Error,
        /// Ambit's directory.
        dir: PathBuf,
        /// Why it could not be kept there.
        source: Error,
    },
}

fn shown(path: &std::path::Path) -> String {
    path.display().to_string().escape_debug().to_string()
}
