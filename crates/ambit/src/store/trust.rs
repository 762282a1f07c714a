// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What operators changed of processes' trust: JSON lines beside the runs, the newest of them, a MiB or two.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};

use super::home;

/// A file that would be longer takes the place of the one before it.
const FULL: u64 = 1 << 20;
const NAME: &str = "trust.jsonl";
const BEFORE: &str = "trust.jsonl.1";

/// One `ambit trust set` or `clear`, written before it is carried out.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct TrustChange {
    pub(crate) time: String,
    /// `set` or `clear`.
    pub(crate) verb: String,
    pub(crate) processes: Vec<TrustHolder>,
    /// Where all of its processes were meant.
    pub(crate) domain: Option<String>,
    /// Names of trust bits, or `all`.
    pub(crate) sources: Vec<String>,
    /// How long it lasts, where it ends.
    pub(crate) seconds: Option<u32>,
    pub(crate) reason: Option<String>,
    /// Who asked for it.
    pub(crate) uid: u32,
    pub(crate) sudo_user: Option<String>,
    /// Why it was not carried out after all; a record of its own.
    pub(crate) failed: Option<String>,
}

/// A process that was meant.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct TrustHolder {
    pub(crate) pid: u32,
    pub(crate) comm: String,
    /// Who did not trust it before.
    pub(crate) trust: Vec<String>,
}

/// The records as they were read, oldest first.
#[derive(Debug)]
pub(crate) struct TrustLog {
    pub(crate) changes: Vec<TrustChange>,
    /// Lines that are no record.
    pub(crate) unreadable: usize,
}

/// Where the records are.
pub(crate) fn trust_log_path() -> PathBuf {
    home().join(NAME)
}

impl TrustChange {
    /// Adds it to the records, on disk when this returns.
    pub(crate) fn append(&self) -> io::Result<()> {
        append(&home(), self)
    }
}

impl TrustLog {
    pub(crate) fn read() -> io::Result<Self> {
        read(&home())
    }
}

fn append(home: &Path, change: &TrustChange) -> io::Result<()> {
    let mut line = serde_json::to_vec(change)?;
    line.push(b'\n');
    DirBuilder::new().recursive(true).mode(0o700).create(home)?;
    // Whoever else writes here may be about to put the file aside.
    let lock = File::open(home)?;
    flock(&lock, FlockOperation::LockExclusive)?;
    let path = home.join(NAME);
    let length = match fs::metadata(&path) {
        Ok(metadata) => metadata.len(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
        Err(error) => return Err(error),
    };
    let grown = length.saturating_add(u64::try_from(line.len()).unwrap_or(u64::MAX));
    if length != 0 && grown > FULL {
        fs::rename(&path, home.join(BEFORE))?;
    }
    let mut file = OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .open(&path)?;
    let length = file.metadata()?.len();
    let written = file.write_all(&line).and_then(|()| file.sync_all());
    if written.is_err() {
        // Half a line would spoil the next one.
        let _ = file.set_len(length);
    }
    written
}

fn read(home: &Path) -> io::Result<TrustLog> {
    let mut log = TrustLog {
        changes: Vec::new(),
        unreadable: 0,
    };
    for name in [BEFORE, NAME] {
        let bytes = match fs::read(home.join(name)) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
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
    use super::*;

    fn change(reason: String) -> TrustChange {
        TrustChange {
            time: "2026-01-31T12:34:56.789Z".into(),
            verb: "clear".into(),
            processes: vec![TrustHolder {
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
    fn a_full_file_is_put_aside_and_both_are_read_oldest_first() {
        let home = tempfile::tempdir().unwrap();
        let long = "x".repeat(400 << 10);
        for number in 0..6 {
            append(home.path(), &change(format!("{number}{long}"))).unwrap();
        }
        let kept = read(home.path()).unwrap();
        let reasons: Vec<String> = kept
            .changes
            .iter()
            .map(|change| change.reason.as_deref().unwrap()[..1].to_owned())
            .collect();
        assert_eq!(reasons, ["2", "3", "4", "5"]);
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 2);
        for name in [NAME, BEFORE] {
            assert!(fs::metadata(home.path().join(name)).unwrap().len() <= FULL);
        }
    }

    #[test]
    fn a_line_that_is_no_record_hides_no_other() {
        let home = tempfile::tempdir().unwrap();
        append(home.path(), &change("a".into())).unwrap();
        let path = home.path().join(NAME);
        let mut bytes = fs::read(&path).unwrap();
        bytes.extend(b"{\"time\":\n");
        fs::write(&path, bytes).unwrap();
        append(home.path(), &change("b".into())).unwrap();
        let log = read(home.path()).unwrap();
        assert_eq!((log.changes.len(), log.unreadable), (2, 1));
    }

    #[test]
    fn a_record_that_cannot_be_written_is_an_error() {
        let home = tempfile::tempdir().unwrap();
        fs::create_dir(home.path().join(NAME)).unwrap();
        assert!(append(home.path(), &change("a".into())).is_err());
    }
}
