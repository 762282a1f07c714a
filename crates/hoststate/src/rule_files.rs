// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Reads rules from files and folders and checks them. Needs no kernel and no privileges.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use ambit_policy::file::{self, RuleErrors};
use ambit_policy::rule::Rule;
use ambit_source::FileErrors;
use serde::{Deserialize, Serialize};

use crate::links::{self, LinkWarning};
use crate::shown::shown;

/// Number of levels of folders that are read below a given folder.
const MAX_DEPTH: usize = 16;

/// Why rules could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RuleFileError {
    /// The files have errors; the text shows each with its place.
    #[error(transparent)]
    Invalid(#[from] RuleErrors),
    /// The paths have no rule file.
    #[error("no .yaml or .yml file in {}", .0.iter().map(|path| shown(path)).collect::<Vec<_>>().join(", "))]
    NoFile(Vec<PathBuf>),
    /// Folders are nested too deeply.
    #[error("{} is nested too deeply: at most {MAX_DEPTH} levels of folders are read", shown(.0))]
    TooDeep(PathBuf),
    /// A file or folder could not be read.
    #[error("cannot read {}", shown(path))]
    Unreadable {
        /// The file or folder.
        path: PathBuf,
        /// The system's error.
        #[source]
        source: io::Error,
    },
}

/// A rule file's text, as it was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceText {
    /// The path of the file, as given or found.
    pub name: String,
    /// Its text.
    pub text: String,
}

/// Rules that can be loaded together, and the texts they come from.
#[derive(Clone, Debug)]
pub struct RuleSet {
    /// The rules, in the order of the texts.
    pub rules: Vec<Rule>,
    /// One text for each file.
    pub texts: Vec<SourceText>,
}

impl RuleSet {
    /// Reads and checks the rules of files and folders. A folder stands for all `.yaml` and `.yml` files in it and in its
    /// sub-folders, ordered by name.
    ///
    /// # Errors
    /// A file or folder cannot be read, the paths have no rule file, or rules are wrong. [`RuleFileError::Invalid`] has
    /// the errors of all files.
    pub fn read(paths: &[PathBuf]) -> Result<Self, RuleFileError> {
        let mut contents = Vec::new();
        for path in find(paths)? {
            let bytes = read_file(&path).map_err(unreadable(&path))?;
            contents.push((path.to_string_lossy().into_owned(), bytes));
        }
        // Bytes, so that an error of encoding has its place in the file.
        let files = contents
            .iter()
            .map(|(name, bytes)| (name.as_str(), bytes.as_slice()));
        let rules = file::read_all(files)?;
        let texts = contents.into_iter().map(|(name, bytes)| SourceText {
            name,
            text: String::from_utf8_lossy(&bytes).into_owned(),
        });
        Ok(Self {
            rules,
            texts: texts.collect(),
        })
    }

    /// Reads the rules of the active set from its stored texts. An older version may have loaded them, with fewer checks:
    /// a condition that never holds, for example, is an error of `rules load` and not of a loaded set.
    ///
    /// # Errors
    /// A text is not a file of rules of this version.
    pub fn parse_active(texts: Vec<SourceText>) -> Result<Self, RuleFileError> {
        let files = texts
            .iter()
            .map(|text| (text.name.as_str(), text.text.as_bytes()));
        let rules = file::read_checked(files)?;
        Ok(Self { rules, texts })
    }

    /// Returns a warning for each path of a condition that is a link on this machine, in the order of the texts.
    pub fn link_warnings(&self) -> FileErrors<LinkWarning> {
        let mut found = FileErrors::default();
        for SourceText { name, text } in &self.texts {
            found.append(links::warnings(name, text, &file::paths(text)));
        }
        found
    }
}

fn unreadable(path: &Path) -> impl FnOnce(io::Error) -> RuleFileError {
    let path = path.to_owned();
    move |source| RuleFileError::Unreadable { path, source }
}

/// Reads a file, at most one byte more than the maximum size of a rule file.
fn read_file(path: &Path) -> io::Result<Vec<u8>> {
    let max = u64::try_from(file::SIZE_MAX).unwrap_or(u64::MAX);
    let mut bytes = Vec::new();
    File::open(path)?
        .take(max.saturating_add(1))
        .read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Returns the rule files of files and folders, each once.
fn find(paths: &[PathBuf]) -> Result<Vec<PathBuf>, RuleFileError> {
    let mut found = Vec::new();
    for path in paths {
        collect(path, 0, &mut found)?;
    }
    // A folder and a file in it may both be given. A pipe has no canonical path and is always read.
    let mut seen = HashSet::new();
    found.retain(|path| fs::canonicalize(path).map_or(true, |path| seen.insert(path)));
    if found.is_empty() {
        return Err(RuleFileError::NoFile(paths.to_vec()));
    }
    Ok(found)
}

fn collect(path: &Path, depth: usize, found: &mut Vec<PathBuf>) -> Result<(), RuleFileError> {
    if !fs::metadata(path).map_err(unreadable(path))?.is_dir() {
        found.push(path.to_owned());
        return Ok(());
    }
    if depth >= MAX_DEPTH {
        return Err(RuleFileError::TooDeep(path.to_owned()));
    }
    let mut inside = Vec::new();
    for entry in fs::read_dir(path).map_err(unreadable(path))? {
        inside.push(entry.map_err(unreadable(path))?.path());
    }
    inside.sort();
    for path in inside {
        let is_rules = path
            .extension()
            .is_some_and(|extension| extension == "yaml" || extension == "yml");
        let hidden = path
            .file_name()
            .is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        // A pipe or a device is only read if its own path was given.
        let special = fs::metadata(&path).is_ok_and(|found| !found.is_file() && !found.is_dir());
        if !hidden && !special && (is_rules || path.is_dir()) {
            collect(&path, depth + 1, found)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_and_a_file_in_it_are_read_once_and_hidden_files_never() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["b.yml", "a.yaml", ".hidden.yaml", "notes.txt"] {
            fs::write(dir.path().join(name), "").unwrap();
        }
        let paths = [dir.path().to_owned(), dir.path().join("a.yaml")];
        let found = find(&paths).unwrap();
        assert_eq!(found, [dir.path().join("a.yaml"), dir.path().join("b.yml")]);
    }

    #[test]
    fn an_active_set_with_a_condition_that_never_holds_is_readable() {
        let text = "ambit-rules: 1\nrules:\n  - {id: a, on: exec, when: object.path == \"bash\", do: deny}\n";
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.yaml");
        fs::write(&path, text).unwrap();
        let error = RuleSet::read(&[path]).unwrap_err();
        assert!(error.to_string().contains("never true"), "{error}");
        let stored = SourceText {
            name: "a.yaml".into(),
            text: text.into(),
        };
        let set = RuleSet::parse_active(vec![stored]).unwrap();
        assert_eq!(set.rules.len(), 1);
    }

    #[test]
    fn a_folder_without_rules_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let error = RuleSet::read(&[dir.path().to_owned()]).unwrap_err();
        assert!(matches!(error, RuleFileError::NoFile(_)), "{error}");
    }
}
