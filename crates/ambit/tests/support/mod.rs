// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A folder to run `ambit` in, and what it said.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

use tempfile::TempDir;

/// A folder with a map, and where the command keeps its state.
pub(crate) struct Desk(TempDir);

impl Desk {
    pub(crate) fn new(map: &str) -> Self {
        let desk = Self(tempfile::tempdir().unwrap());
        desk.file("web.map", map);
        desk
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn file(&self, name: &str, text: impl AsRef<[u8]>) {
        fs::write(self.path(name), text).unwrap();
    }

    pub(crate) fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    pub(crate) fn ambit(&self, arguments: &[&str]) -> Ran {
        let output = Command::new(env!("CARGO_BIN_EXE_ambit"))
            .args(arguments)
            .current_dir(self.0.path())
            .env("AMBIT_STATE_DIR", self.0.path())
            .output()
            .unwrap();
        Ran(output)
    }
}

/// What it said, and how it ended.
pub(crate) struct Ran(pub(crate) Output);

impl Ran {
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(
            self.0.status.code(),
            Some(code),
            "{}{}",
            self.stdout(),
            self.stderr()
        );
        self
    }

    pub(crate) fn stdout(&self) -> String {
        String::from_utf8(self.0.stdout.clone()).unwrap()
    }

    pub(crate) fn stderr(&self) -> String {
        String::from_utf8(self.0.stderr.clone()).unwrap()
    }

    #[track_caller]
    pub(crate) fn says(self, part: &str) -> Self {
        assert!(self.stdout().contains(part), "{part}:\n{}", self.stdout());
        self
    }

    #[track_caller]
    pub(crate) fn complains(self, part: &str) -> Self {
        assert!(self.stderr().contains(part), "{part}:\n{}", self.stderr());
        self
    }
}
