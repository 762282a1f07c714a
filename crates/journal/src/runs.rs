// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The folder of the stored runs.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::write::FOLDER;
use crate::{Error, Journal, Run, StoredRun};

/// The stored runs: one file per domain, which contains its newest run.
#[derive(Clone, Debug)]
pub struct Runs {
    state: PathBuf,
    folder: PathBuf,
}

impl Runs {
    /// The runs below a state directory, in its folder `runs`.
    pub fn below(state: &Path) -> Self {
        Self {
            state: state.to_owned(),
            folder: state.join(FOLDER),
        }
    }

    /// The folder of the runs.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Begins to store a run, in place of the domain's previous one.
    ///
    /// # Errors
    /// The folder or the file cannot be written.
    pub fn begin(&self, run: Run) -> Result<Journal, Error> {
        Journal::begin(&self.state, file(&run.domain), run)
    }

    /// Reads the newest run of a domain.
    ///
    /// # Errors
    /// No run of the domain is stored, or its file cannot be read.
    pub fn load(&self, domain: &str) -> Result<StoredRun, Error> {
        let path = self.folder.join(file(domain));
        match fs::File::open(&path) {
            Ok(file) => StoredRun::read(&path, file),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(Error::NoSuchDomain {
                domain: domain.to_owned(),
            }),
            Err(source) => Err(Error::Read { path, source }),
        }
    }

    /// Reads the newest run of all domains.
    ///
    /// # Errors
    /// No run is stored, or it cannot be read.
    pub fn newest(&self) -> Result<StoredRun, Error> {
        let none = || Error::NoRuns {
            folder: self.folder.clone(),
        };
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(none()),
            Err(source) => {
                return Err(Error::Read {
                    path: self.folder.clone(),
                    source,
                });
            }
        };
        let newest = entries
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| path.extension().is_some_and(|end| end == "jsonl"))
            .filter_map(|path| Some((fs::metadata(&path).ok()?.modified().ok()?, path)))
            .max();
        let (_, path) = newest.ok_or_else(none)?;
        match fs::File::open(&path) {
            Ok(file) => StoredRun::read(&path, file),
            Err(source) => Err(Error::Read { path, source }),
        }
    }
}

/// The name of a domain's file.
fn file(domain: &str) -> String {
    format!("{domain}.jsonl")
}

#[cfg(test)]
mod tests {
    use ambit_event::{Hex, Mode};

    use super::*;
    use crate::End;

    fn run(domain: &str) -> Run {
        Run {
            ambit: crate::FORMAT,
            domain: domain.to_owned(),
            mode: Mode::Audit,
            map: "/m".to_owned(),
            map_bytes: Hex(b"/m".to_vec()),
            command: vec!["c".to_owned()],
            began: "t".to_owned(),
        }
    }

    #[test]
    fn a_run_replaces_the_previous_one_of_its_domain() {
        let state = tempfile::tempdir().unwrap();
        let runs = Runs::below(state.path());
        assert!(runs.newest().unwrap_err().is_missing());
        let end = End {
            ended: "u".to_owned(),
            dropped: 0,
            lost: 2,
        };
        runs.begin(run("a")).unwrap().end(&[], end.clone()).unwrap();
        assert_eq!(runs.load("a").unwrap().end, Some(end));
        drop(runs.begin(run("a")).unwrap());
        assert_eq!(runs.load("a").unwrap().end, None);
        assert!(runs.load("b").unwrap_err().is_missing());
        assert_eq!(runs.newest().unwrap().run, run("a"));
    }

    #[test]
    fn the_end_of_an_older_run_does_not_replace_a_newer_one() {
        let state = tempfile::tempdir().unwrap();
        let runs = Runs::below(state.path());
        let mut older = runs.begin(run("a")).unwrap();
        let mut second = run("a");
        second.began = "later".to_owned();
        let newer = runs.begin(second.clone()).unwrap();
        assert_eq!(older.resume().unwrap().run, run("a"));
        let end = End {
            ended: "u".to_owned(),
            dropped: 0,
            lost: 0,
        };
        older.end(&[], end).unwrap();
        assert_eq!(runs.load("a").unwrap().run, second);
        assert_eq!(runs.load("a").unwrap().end, None);
        drop(newer);
    }

    #[test]
    fn a_folder_that_others_can_write_to_stores_nothing() {
        use std::os::unix::fs::PermissionsExt;
        let state = tempfile::tempdir().unwrap();
        let runs = Runs::below(state.path());
        drop(runs.begin(run("a")).unwrap());
        fs::set_permissions(runs.folder(), fs::Permissions::from_mode(0o777)).unwrap();
        let error = runs.begin(run("a")).unwrap_err();
        assert!(error.to_string().contains("chmod 700"), "{error}");
    }
}
