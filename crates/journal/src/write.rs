// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Writing a run as it proceeds.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use ambit_event::Violation;
use serde::Serialize;

use crate::line::Line;
use crate::{End, Run, end_last_line, replace};

/// A run that is being written.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: File,
    run: Run,
}

impl Journal {
    /// Begins the file `path` in `folder`.
    pub(crate) fn begin(folder: &Path, path: PathBuf, run: Run) -> io::Result<Self> {
        // Only root may read what a workload does.
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)?;
        replace(&path, &line(&Line::<_, ()>::Run(&run))?, 0o600)?;
        let file = OpenOptions::new()
            .read(true)
            .append(true)
            .mode(0o600)
            .open(&path)?;
        Ok(Self { path, file, run })
    }

    /// Continues a run whose process was killed, perhaps within a line.
    ///
    /// # Errors
    /// The file cannot be read or written.
    pub fn resume(&mut self) -> io::Result<()> {
        end_last_line(&mut self.file)
    }

    /// Appends a new violation.
    ///
    /// # Errors
    /// Writing failed.
    pub fn add(&mut self, violation: &Violation) -> io::Result<()> {
        self.file
            .write_all(&line(&Line::<(), _>::Violation(violation))?)
    }

    /// Appends the new count of a violation.
    ///
    /// # Errors
    /// Writing failed.
    pub fn again(&mut self, violation: &Violation) -> io::Result<()> {
        let (id, count) = (violation.id.clone(), violation.count);
        self.file
            .write_all(&line(&Line::<(), ()>::Again { id, count })?)
    }

    /// Ends the run: replaces the file by one that contains each violation once.
    ///
    /// # Errors
    /// Writing failed; the lines appended before are intact.
    pub fn end(self, violations: &[Violation], end: End) -> io::Result<()> {
        let mut bytes = line(&Line::<_, ()>::Run(&self.run))?;
        for violation in violations {
            bytes.extend(line(&Line::<(), _>::Violation(violation))?);
        }
        bytes.extend(line(&Line::<(), ()>::End(end))?);
        replace(&self.path, &bytes, 0o600)
    }
}

fn line<R: Serialize, V: Serialize>(line: &Line<R, V>) -> io::Result<Vec<u8>> {
    let mut bytes = serde_json::to_vec(line)?;
    bytes.push(b'\n');
    Ok(bytes)
}
