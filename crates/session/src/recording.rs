// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The recording of a run. If it cannot be written, the recording ends and the run continues.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use ambit_abi::{Fp, Hook, SkipReason, Stat};
use ambit_event::{Loss, RingRecord, Subject};
use ambit_files::{NewFile, NotWritten, Target};
use ambit_journal::Clock;
use ambit_recording::{Header, HookCounts, Summary, Writer};

use crate::{Error, Notice, Stats};

/// Time between two looks at the kernel part's counters of lost records.
const LOSSES_EVERY: Duration = Duration::from_secs(1);

/// The file of a recording that has not begun. It is created before anything is loaded, so that a wrong name is found
/// early, and removed if the value is dropped before the recording begins.
#[derive(Debug)]
pub struct NewRecording {
    path: PathBuf,
    file: NewFile,
}

impl NewRecording {
    /// Creates the file, readable for its owner only.
    ///
    /// # Errors
    /// [`Error::RecordingExists`], or the file cannot be created.
    pub fn create(path: &Path) -> Result<Self, Error> {
        let created = Target::plan(path).and_then(NewFile::create);
        let path = path.to_owned();
        match created {
            Ok(file) => Ok(Self { path, file }),
            Err(error) if error.is_exists() => Err(Error::RecordingExists { path }),
            Err(source) => Err(Error::CreateRecording { path, source }),
        }
    }

    /// Writes the header. If that fails, the file is removed.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn begin(self, header: &Header) -> Result<RecordingWriter, Error> {
        let begun = self
            .file
            .writer()
            .and_then(|file| Writer::new(file, header));
        match begun {
            Ok(writer) => Ok(RecordingWriter {
                path: self.path,
                file: self.file.stay(),
                writer: Some(writer),
                losses_read: Instant::now(),
                lost: 0,
                unreadable: 0,
            }),
            Err(source) => Err(Error::WriteRecording {
                path: self.path,
                source,
            }),
        }
    }
}

/// A recording that is being written.
#[derive(Debug)]
pub struct RecordingWriter {
    path: PathBuf,
    file: NewFile,
    /// `None` after an error.
    writer: Option<Writer<File>>,
    losses_read: Instant,
    lost: u64,
    unreadable: u64,
}

/// A finished recording.
#[derive(Debug)]
pub struct RecordingSummary {
    /// The file that was asked for.
    pub path: PathBuf,
    /// An error if its content is elsewhere.
    pub written: Result<(), NotWritten>,
    /// Operations in it.
    pub events: u64,
    /// Size of the file.
    pub bytes: u64,
    /// Operations that are missing from it, by hook.
    pub losses: Vec<Loss>,
}

impl RecordingWriter {
    /// Appends a record.
    pub(crate) fn add(
        &mut self,
        record: &RingRecord<'_>,
        subject_of: impl FnOnce(Fp) -> Option<Subject>,
    ) -> Option<Notice> {
        let writer = self.writer.as_mut()?;
        let written = writer.record(record, subject_of);
        self.check(written.map(drop))
    }

    /// Counts a record that cannot be read.
    pub(crate) const fn count_unreadable(&mut self) {
        self.unreadable += 1;
    }

    /// Writes all appended records to the file, and once a second the losses that `counters` reports.
    pub(crate) fn flush(
        &mut self,
        counters: impl FnOnce() -> Option<Vec<(Hook, Stat)>>,
    ) -> Option<Notice> {
        let flushed = self.writer.as_mut()?.flush();
        if flushed.is_err() {
            return self.check(flushed);
        }
        if self.losses_read.elapsed() < LOSSES_EVERY {
            return None;
        }
        self.losses_read = Instant::now();
        let losses = losses(&counters()?);
        let lost = losses.iter().map(|loss| loss.lost).sum();
        if lost == self.lost {
            return None;
        }
        self.lost = lost;
        let written = self.writer.as_mut()?.losses(&losses);
        self.check(written)
    }

    fn check(&mut self, written: io::Result<()>) -> Option<Notice> {
        let error = written.err()?;
        self.writer = None;
        Some(Notice::RecordingStopped {
            path: self.path.clone(),
            error,
        })
    }

    /// Ends the recording; `None` if it has stopped before. If its file is not at its path any more, it is copied to the
    /// directory `kept`.
    pub fn end(
        mut self,
        stats: &Stats,
        stragglers: i64,
        kept: &Path,
    ) -> Option<Result<RecordingSummary, Notice>> {
        let Some(writer) = self.writer.take() else {
            // The records before the error can be read.
            let _ = self.file.settle(kept);
            return None;
        };
        let summary = Summary {
            ended: Clock::now_utc(),
            unreadable: self.unreadable,
            stragglers: stragglers.try_into().unwrap_or(0),
            hooks: stats.hooks().iter().map(counts).collect(),
        };
        let events = writer.events();
        Some(match writer.end(&summary) {
            Ok(file) => Ok(RecordingSummary {
                path: self.path,
                written: self.file.settle(kept),
                events,
                bytes: file.metadata().map_or(0, |found| found.len()),
                losses: losses(stats.hooks()),
            }),
            Err(error) => Err(Notice::RecordingStopped {
                path: self.path,
                error,
            }),
        })
    }
}

fn losses(hooks: &[(Hook, Stat)]) -> Vec<Loss> {
    hooks
        .iter()
        .filter(|(_, stat)| stat.lost > 0)
        .map(|(hook, stat)| Loss {
            hook: hook.name().to_owned(),
            lost: stat.lost,
        })
        .collect()
}

fn counts((hook, stat): &(Hook, Stat)) -> HookCounts {
    HookCounts {
        hook: hook.name().to_owned(),
        evaluated: stat.evaluated,
        matched: stat.matched,
        learned: stat.learned,
        violations: stat.violations,
        lost: stat.lost,
        skipped: SkipReason::ALL
            .iter()
            .zip(stat.skipped)
            .filter(|(_, times)| *times > 0)
            .map(|(reason, times)| (reason.name().to_owned(), times))
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_stays_only_if_its_recording_begins() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("r");
        drop(NewRecording::create(&path).unwrap());
        assert!(!path.exists());
        let recording = NewRecording::create(&path).unwrap();
        drop(recording.begin(&Header::new()).unwrap());
        assert!(path.exists());
    }

    #[test]
    fn an_existing_file_is_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("r");
        std::fs::write(&path, "mine").unwrap();
        let error = NewRecording::create(&path).unwrap_err();
        assert!(matches!(error, Error::RecordingExists { .. }), "{error}");
        assert_eq!(std::fs::read(&path).unwrap(), b"mine");
    }
}
