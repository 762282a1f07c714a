// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Writing a run as it proceeds.

use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use ambit_event::Violation;
use ambit_files::{PrivateDir, end_last_line};
use serde::Serialize;

use crate::line::Line;
use crate::{End, Error, KEPT_BYTES, Run, StoredRun};

/// The folder's name in the state directory.
pub(crate) const FOLDER: &str = "runs";

/// Repetitions are written until the file has so many bytes.
const FILE_BYTES: u64 = 2 * KEPT_BYTES;

/// A run that is being written. Only its owner may read what a workload does.
#[derive(Debug)]
pub struct Journal {
    folder: PrivateDir,
    name: String,
    file: File,
    /// Bytes of the file, at least.
    size: u64,
    run: Run,
}

impl Journal {
    /// Begins the file `name` in the folder `runs` of the state directory.
    pub(crate) fn begin(state: &Path, name: String, run: Run) -> Result<Self, Error> {
        let folder = PrivateDir::open(state)?.below(FOLDER)?;
        let first = line(&Line::<_, ()>::Run(&run)).map_err(|source| Error::Append {
            path: folder.path().join(&name),
            source,
        })?;
        folder.replace(&name, &first)?;
        let file = folder.append(&name)?;
        Ok(Self {
            folder,
            name,
            file,
            size: length(&first),
            run,
        })
    }

    /// Appends a new violation.
    ///
    /// # Errors
    /// Writing failed.
    pub fn add(&mut self, violation: &Violation) -> Result<(), Error> {
        self.append(&Line::<(), _>::Violation(violation))
    }

    /// Appends the new count of a violation. In a file of 16 MiB, only [`Self::end`] writes counts.
    ///
    /// # Errors
    /// Writing failed.
    pub fn again(&mut self, violation: &Violation) -> Result<(), Error> {
        if self.size >= FILE_BYTES {
            return Ok(());
        }
        let (id, count) = (violation.id.clone(), violation.count);
        self.append(&Line::<(), ()>::Again { id, count })
    }

    fn append<R: Serialize, V: Serialize>(&mut self, of: &Line<R, V>) -> Result<(), Error> {
        let written = line(of).and_then(|bytes| {
            self.size += length(&bytes);
            self.file.write_all(&bytes)
        });
        written.map_err(|source| Error::Append {
            path: self.path(),
            source,
        })
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join(&self.name)
    }

    /// Continues a run whose process was killed, perhaps within a line. Returns the lines that were written so far, also if a newer
    /// run of the domain has replaced the file.
    ///
    /// # Errors
    /// The file cannot be read or written.
    pub fn resume(&mut self) -> Result<StoredRun, Error> {
        let path = self.path();
        let stored = match self.file.seek(SeekFrom::Start(0)) {
            Ok(_) => StoredRun::read(&path, &self.file)?,
            Err(source) => return Err(Error::Read { path, source }),
        };
        match end_last_line(&mut self.file) {
            Ok(()) => Ok(stored),
            Err(source) => Err(Error::Append { path, source }),
        }
    }

    /// Ends the run: replaces the file by one that contains each violation once. If a newer run of the domain has replaced the
    /// file, that one stays.
    ///
    /// # Errors
    /// Writing failed; the lines appended before are intact.
    pub fn end(self, violations: &[Violation], end: End) -> Result<(), Error> {
        if !self.folder.names(&self.name, &self.file)? {
            return Ok(());
        }
        let bytes = whole(&self.run, violations, end).map_err(|source| Error::Append {
            path: self.path(),
            source,
        })?;
        Ok(self.folder.replace(&self.name, &bytes)?)
    }
}

/// Returns the content of a finished run's file.
fn whole(run: &Run, violations: &[Violation], end: End) -> io::Result<Vec<u8>> {
    let mut bytes = line(&Line::<_, ()>::Run(run))?;
    for violation in violations {
        bytes.extend(line(&Line::<(), _>::Violation(violation))?);
    }
    bytes.extend(line(&Line::<(), ()>::End(end))?);
    Ok(bytes)
}

fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

/// Returns the number of bytes that a violation takes in a run's file.
pub fn stored_bytes(violation: &Violation) -> u64 {
    line(&Line::<(), _>::Violation(violation)).map_or(0, |bytes| length(&bytes))
}

fn line<R: Serialize, V: Serialize>(line: &Line<R, V>) -> io::Result<Vec<u8>> {
    let mut bytes = serde_json::to_vec(line)?;
    bytes.push(b'\n');
    Ok(bytes)
}
