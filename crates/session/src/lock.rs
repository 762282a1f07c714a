// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The lock of a ring's reader.

use std::fs::File;
use std::io::{Read, Write};

use ambit_files::{RunDir, RunLock};

use crate::Error;

/// The right to read a ring. A record that one reader takes is gone for every other, so that a ring has one reader.
///
/// Dropping the value releases the lock; so does the end of the process.
#[derive(Debug)]
pub struct ReaderLock {
    _file: File,
}

impl ReaderLock {
    /// Locks the ring of the rules' records, and writes this process's number to the lock's file.
    ///
    /// # Errors
    /// [`Error::Busy`] if another process has the lock, [`Error::Files`] and [`Error::Lock`] if the file cannot be opened or
    /// written.
    pub fn acquire(run: &RunDir) -> Result<Self, Error> {
        let (mut file, taken) = run.try_lock(RunLock::RuleReader)?;
        if !taken {
            let mut text = String::new();
            let pid = file
                .read_to_string(&mut text)
                .ok()
                .and_then(|_| text.trim().parse().ok());
            return Err(Error::Busy { pid });
        }
        file.set_len(0)
            .and_then(|()| writeln!(file, "{}", std::process::id()))
            .map_err(Error::Lock)?;
        Ok(Self { _file: file })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_reader_gets_the_number_of_the_first() {
        let folder = tempfile::tempdir().unwrap();
        let run = RunDir::at(folder.path()).unwrap();
        let first = ReaderLock::acquire(&run).unwrap();
        let error = ReaderLock::acquire(&run).unwrap_err();
        let own = std::process::id();
        assert!(matches!(error, Error::Busy { pid: Some(pid) } if pid == own));
        assert!(
            error
                .to_string()
                .starts_with(&format!("process {own} already reads"))
        );
        drop(first);
        ReaderLock::acquire(&run).unwrap();
    }
}
