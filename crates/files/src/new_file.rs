// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A file that is written over a long time, such as a recording.

use std::fs::File;
use std::io::{self, Seek, SeekFrom};
use std::path::Path;

use crate::error::{Error, NotWritten};
use crate::target::Target;

/// Permissions of a new file: its content is its owner's.
const MODE: u32 = 0o600;

/// A file that was created for this command and is written as it proceeds. It is removed if the value is dropped before
/// [`NewFile::stay`] or [`NewFile::settle`], unless its name belongs to another file.
#[derive(Debug)]
pub struct NewFile {
    target: Target,
    file: File,
    stays: bool,
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if !self.stays {
            self.target.remove(&self.file);
        }
    }
}

impl NewFile {
    /// Creates the file, which must not exist.
    ///
    /// # Errors
    /// [`Error::Exists`], or the file cannot be created.
    pub fn create(target: Target) -> Result<Self, Error> {
        let file = target.create(MODE)?;
        Ok(Self {
            target,
            file,
            stays: false,
        })
    }

    /// Returns a descriptor to write to.
    ///
    /// # Errors
    /// The descriptor cannot be duplicated.
    pub fn writer(&self) -> io::Result<File> {
        self.file.try_clone()
    }

    /// Lets the file stay: its content is worth something from now on.
    #[must_use]
    pub fn stay(mut self) -> Self {
        self.stays = true;
        self
    }

    /// Ends writing. A file that cannot be found at its path any more, since its directory was replaced or its name was removed,
    /// is copied to the directory `kept`.
    ///
    /// # Errors
    /// [`NotWritten`] says where the content is.
    pub fn settle(mut self, kept: &Path) -> Result<(), NotWritten> {
        self.stays = true;
        match self.target.check_names(&self.file) {
            Ok(()) => Ok(()),
            Err(because) => {
                let source = &mut self.file;
                Err(self.target.keep(kept, because, |copy| {
                    source.seek(SeekFrom::Start(0))?;
                    io::copy(source, copy).map(drop)
                }))
            }
        }
    }
}
