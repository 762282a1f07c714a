// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The log of trust changes by operators: JSON lines in two files of at most 1 MiB; older lines are dropped.

use std::io::Write;
use std::path::{Path, PathBuf};

pub use ambit_event::{ChangeKind, ChangedProcess, TrustChange};
use ambit_files::{PrivateDir, RunDir, RunLock, end_last_line};
use rustix::fs::FlockOperation;

use crate::error::Error;
use crate::locks::Level;
use crate::paths;

/// Maximum size of a file in bytes. A file that would grow beyond it is renamed and replaces the old one.
const SIZE_MAX: u64 = 1 << 20;
const NAME: &str = "trust.jsonl";
const NAME_BEFORE: &str = "trust.jsonl.1";

/// The log, oldest record first.
#[derive(Debug)]
pub struct TrustLog {
    /// The records.
    pub changes: Vec<TrustChange>,
    /// Number of lines that are not records.
    pub unreadable: usize,
}

/// Returns the file with the newest records.
pub fn path() -> PathBuf {
    paths::state_dir().join(NAME)
}

/// Appends a record to the log, and waits until it is on disk.
///
/// # Errors
/// The file cannot be written.
pub fn append_change(change: &TrustChange) -> Result<(), Error> {
    let run = RunDir::open()?;
    let _level = Level::TrustLog.enter();
    // Another process may be about to rename the file.
    let _lock = run.lock(RunLock::TrustLog, FlockOperation::LockExclusive)?;
    append(&paths::state_dir(), change)
}

impl TrustLog {
    /// Reads the log.
    ///
    /// # Errors
    /// A file cannot be read.
    pub fn read() -> Result<Self, Error> {
        read(&paths::state_dir())
    }
}

/// The caller has the lock.
fn append(directory: &Path, change: &TrustChange) -> Result<(), Error> {
    let encoded = serde_json::to_vec(change).map_err(|source| Error::Encode {
        name: NAME.to_owned(),
        source,
    });
    let mut line = encoded?;
    line.push(b'\n');
    let directory = PrivateDir::open(directory)?;
    let failed = |source| Error::Append {
        path: directory.path().join(NAME),
        source,
    };
    let length = match directory.metadata(NAME)? {
        Some(found) => u64::try_from(found.st_size).unwrap_or(0),
        None => 0,
    };
    let grown = length.saturating_add(u64::try_from(line.len()).unwrap_or(u64::MAX));
    if length != 0 && grown > SIZE_MAX {
        directory.rename(NAME, NAME_BEFORE)?;
    }
    let mut file = directory.append(NAME)?;
    end_last_line(&mut file).map_err(failed)?;
    let length = file.metadata().map_err(failed)?.len();
    let written = file.write_all(&line).and_then(|()| file.sync_all());
    if written.is_err() {
        // Half a line would make the next one unreadable.
        let _ = file.set_len(length);
    }
    written.map_err(failed)
}

fn read(directory: &Path) -> Result<TrustLog, Error> {
    let mut log = TrustLog {
        changes: Vec::new(),
        unreadable: 0,
    };
    let Some(directory) = PrivateDir::find(directory)? else {
        return Ok(log);
    };
    for name in [NAME_BEFORE, NAME] {
        let Some(bytes) = directory.read(name)? else {
            continue;
        };
        for line in bytes.split(|byte| *byte == b'\n') {
            match serde_json::from_slice(line) {
                Ok(change) => log.changes.push(change),
                Err(_) if line.is_empty() => {}
                Err(_) => log.unreadable += 1,
            }
        }
    }
    Ok(log)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn change(reason: String) -> TrustChange {
        TrustChange {
            time: "2026-01-31T12:34:56.789Z".into(),
            kind: ChangeKind::Clear,
            processes: vec![ChangedProcess {
                pid: 7,
                comm: "sh".into(),
                trust: vec!["model".into()],
            }],
            domain: None,
            sources: vec!["all".into()],
            seconds: None,
            reason: Some(reason),
            uid: 0,
            sudo_user: None,
            failed: None,
        }
    }

    #[test]
    fn a_full_file_is_renamed_and_both_files_are_read_oldest_first() {
        let dir = tempfile::tempdir().unwrap();
        let long = "x".repeat(400 << 10);
        for number in 0..6 {
            append(dir.path(), &change(format!("{number}{long}"))).unwrap();
        }
        let kept = read(dir.path()).unwrap();
        let reasons: Vec<String> = kept
            .changes
            .iter()
            .map(|change| change.reason.as_deref().unwrap()[..1].to_owned())
            .collect();
        assert_eq!(reasons, ["2", "3", "4", "5"]);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
        for name in [NAME, NAME_BEFORE] {
            assert!(fs::metadata(dir.path().join(name)).unwrap().len() <= SIZE_MAX);
        }
    }

    #[test]
    fn a_line_that_is_not_a_record_hides_no_other() {
        let dir = tempfile::tempdir().unwrap();
        append(dir.path(), &change("a".into())).unwrap();
        let path = dir.path().join(NAME);
        let mut bytes = fs::read(&path).unwrap();
        bytes.extend(b"{\"time\":\n");
        fs::write(&path, bytes).unwrap();
        append(dir.path(), &change("b".into())).unwrap();
        let log = read(dir.path()).unwrap();
        assert_eq!((log.changes.len(), log.unreadable), (2, 1));
    }

    #[test]
    fn a_record_follows_one_whose_writer_was_killed() {
        let dir = tempfile::tempdir().unwrap();
        append(dir.path(), &change("a".into())).unwrap();
        let path = dir.path().join(NAME);
        let mut bytes = fs::read(&path).unwrap();
        bytes.extend(b"{\"time\":\"20");
        fs::write(&path, bytes).unwrap();
        append(dir.path(), &change("b".into())).unwrap();
        append(dir.path(), &change("c".into())).unwrap();
        let log = read(dir.path()).unwrap();
        assert_eq!((log.changes.len(), log.unreadable), (3, 1));
    }

    #[test]
    fn a_record_that_cannot_be_written_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join(NAME)).unwrap();
        assert!(append(dir.path(), &change("a".into())).is_err());
    }
}
