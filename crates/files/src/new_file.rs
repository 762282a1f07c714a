// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A file that is written over a long time, such as a recording.

use std::fs::File;
use std::io::{self, Seek, SeekFrom};
use std::path::Path;

use crate::error::{Error, NotKept};
use crate::target::{Target, Written};

/// Permissions of a new file: what it contains is its owner's.
const MODE: u32 = 0o600;

/// A file that was created for this command and is written as it proceeds.
#[derive(Debug)]
pub struct NewFile {
    target: Target,
    file: File,
}

impl NewFile {
    /// Creates the file, which must not exist.
    ///
    /// # Errors
    /// [`Error::Exists`], or the file cannot be created.
    pub fn create(target: Target) -> Result<Self, Error> {
        let file = target.create(MODE)?;
        Ok(Self { target, file })
    }

    /// Returns a descriptor to write to.
    ///
    /// # Errors
    /// The descriptor cannot be duplicated.
    pub fn writer(&self) -> io::Result<File> {
        self.file.try_clone()
    }

    /// Removes the file, if its name still belongs to it.
    pub fn discard(self) {
        self.target.remove(&self.file);
    }

    /// Ends writing. A file that cannot be found at its path any more, since its directory was replaced or its name was removed,
    /// is copied to the directory `kept`.
    ///
    /// # Errors
    /// [`NotKept`] if the copy failed.
    pub fn settle(mut self, kept: &Path) -> Result<Written, NotKept> {
        match self.target.check_names(&self.file) {
            Ok(()) => Ok(Written::AsAsked),
            Err(because) => {
                let source = &mut self.file;
                self.target.keep(kept, because, |copy| {
                    source.seek(SeekFrom::Start(0))?;
                    io::copy(source, copy).map(drop)
                })
            }
        }
    }
}
