// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The lock of a ring's reader.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use crate::Error;

/// The right to read a ring. A record that one reader takes is gone for every other, so that a ring has one reader.
///
/// Dropping the value releases the lock; so does the end of the process.
#[derive(Debug)]
pub struct ReaderLock {
    _file: File,
}

impl ReaderLock {
    /// Locks the file at `path`, which is created if it is missing, and writes this process's number to it.
    ///
    /// # Errors
    /// [`Error::Busy`] if another process has the lock, [`Error::Lock`] if the file cannot be opened or written.
    pub fn acquire(path: &Path) -> Result<Self, Error> {
        let failed = |source| Error::Lock {
            path: path.to_owned(),
            source,
        };
        let mut file = open(path).map_err(failed)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => {
                let mut text = String::new();
                let pid = file
                    .read_to_string(&mut text)
                    .ok()
                    .and_then(|_| text.trim().parse().ok());
                return Err(Error::Busy { pid });
            }
            Err(errno) => return Err(failed(errno.into())),
        }
        file.set_len(0)
            .and_then(|()| writeln!(file, "{}", std::process::id()))
            .map_err(failed)?;
        Ok(Self { _file: file })
    }
}

fn open(path: &Path) -> io::Result<File> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_reader_gets_the_number_of_the_first() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run/ring.reader");
        let first = ReaderLock::acquire(&path).unwrap();
        let error = ReaderLock::acquire(&path).unwrap_err();
        let own = std::process::id();
        assert!(matches!(error, Error::Busy { pid: Some(pid) } if pid == own));
        assert!(
            error
                .to_string()
                .starts_with(&format!("process {own} already reads"))
        );
        drop(first);
        ReaderLock::acquire(&path).unwrap();
    }
}
