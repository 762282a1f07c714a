// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Errors of the journal.

use std::io;
use std::path::PathBuf;

use ambit_event::escape;

/// A stored run cannot be written or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The folder contains no run.
    #[error("no run is stored in {}", shown(.folder))]
    NoRuns {
        /// The folder of the runs.
        folder: PathBuf,
    },
    /// The folder contains no run of this domain.
    #[error("no run of the domain `{}` is stored", escape::line(.domain))]
    NoSuchDomain {
        /// The domain's name.
        domain: String,
    },
    /// The file or the folder cannot be read.
    #[error("cannot read {}", shown(.path))]
    Read {
        /// The file or the folder.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The file or its folder cannot be written.
    #[error(transparent)]
    Files(#[from] ambit_files::Error),
    /// A line cannot be appended.
    #[error("cannot write to {}", shown(.path))]
    Append {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// A line is not one of a stored run.
    #[error("cannot read {}: line {line}", shown(.path))]
    Line {
        /// The file.
        path: PathBuf,
        /// The line's number, from 1.
        line: usize,
        /// The parser's error.
        source: serde_json::Error,
    },
    /// The file does not begin with a run.
    #[error("cannot read {}: it does not name its run", shown(.path))]
    NoHeader {
        /// The file.
        path: PathBuf,
    },
    /// The file has a later format.
    #[error(
        "cannot read {}: it was written by a newer Ambit (format {found}; this one reads {})",
        shown(.path),
        crate::FORMAT
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: u32,
    },
}

impl Error {
    /// True if the store has no run that fits the request.
    pub const fn is_missing(&self) -> bool {
        matches!(self, Self::NoRuns { .. } | Self::NoSuchDomain { .. })
    }

    /// True if the caller may not read the store.
    pub fn is_permission(&self) -> bool {
        matches!(self, Self::Read { source, .. } if source.kind() == io::ErrorKind::PermissionDenied)
    }
}

fn shown(path: &std::path::Path) -> String {
    escape::name(path.as_os_str().as_encoded_bytes())
}
