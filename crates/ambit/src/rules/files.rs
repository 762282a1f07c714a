// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Rules out of files and folders.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use ambit_policy::file::{self, RuleErrors};
use ambit_policy::rule::Rule;
use anyhow::{Context, anyhow};
use serde::{Deserialize, Serialize};

use crate::exit::{Exit, Failure, OrExit};
use crate::out::shown;

/// How deep folders may lie in each other.
const DEPTH: usize = 16;

/// A file's text, as it was read.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Text {
    pub(super) name: String,
    pub(super) text: String,
}

/// Rules and where they are from.
pub(crate) struct Set {
    pub(crate) rules: Vec<Rule>,
    pub(super) texts: Vec<Text>,
}

/// Reads and checks rules, those of folders by name.
pub(crate) fn read(paths: &[PathBuf]) -> Result<Set, Failure> {
    let mut found = Vec::new();
    for path in paths {
        collect(path, 0, &mut found)?;
    }
    // Who names a folder and a file in it means each file once. What has no name of its own, as a pipe, is read as it is.
    let mut seen = HashSet::new();
    found.retain(|path| fs::canonicalize(path).map_or(true, |path| seen.insert(path)));
    if found.is_empty() {
        return Err(Failure::usage(anyhow!(
            "there is no .yaml or .yml file in {}",
            paths.iter().map(shown).collect::<Vec<_>>().join(", ")
        )));
    }
    let mut texts = Vec::new();
    let mut rules = Vec::new();
    let mut errors: Option<RuleErrors> = None;
    for path in found {
        let bytes = bytes(&path)
            .with_context(|| format!("reading {}", shown(&path)))
            .or_exit(Exit::Usage)?;
        let name = path.to_string_lossy().into_owned();
        // Read before it is taken for text, which says where it is none.
        match (file::read(&name, &bytes), &mut errors) {
            (Ok(more), _) => rules.extend(more),
            (Err(more), Some(errors)) => errors.append(more),
            (Err(more), None) => errors = Some(more),
        }
        texts.push(Text {
            name,
            text: String::from_utf8_lossy(&bytes).into_owned(),
        });
    }
    match errors {
        Some(errors) => Err(Failure::in_file(errors)),
        None => checked(rules, texts),
    }
}

/// What is in a file, not much further than what is taken.
fn bytes(path: &Path) -> io::Result<Vec<u8>> {
    let most = u64::try_from(file::SIZE_MAX).unwrap_or(u64::MAX);
    let mut bytes = Vec::new();
    File::open(path)?
        .take(most.saturating_add(1))
        .read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The rules of texts.
pub(super) fn of(texts: Vec<Text>) -> Result<Set, Failure> {
    let mut rules = Vec::new();
    for text in &texts {
        rules.extend(file::read(&text.name, text.text.as_bytes()).map_err(Failure::in_file)?);
    }
    checked(rules, texts)
}

/// Rules that are good beside each other.
fn checked(rules: Vec<Rule>, texts: Vec<Text>) -> Result<Set, Failure> {
    file::check_set(&rules).map_err(Failure::in_file)?;
    Ok(Set { rules, texts })
}

fn collect(path: &Path, depth: usize, found: &mut Vec<PathBuf>) -> Result<(), Failure> {
    let about = |doing: &str| format!("{doing} {}", shown(path));
    if !fs::metadata(path)
        .with_context(|| about("reading"))
        .or_exit(Exit::Usage)?
        .is_dir()
    {
        found.push(path.to_owned());
        return Ok(());
    }
    if depth >= DEPTH {
        return Err(Failure::usage(anyhow!(
            "{} is too deep a folder",
            shown(path)
        )));
    }
    let mut inside = Vec::new();
    for entry in fs::read_dir(path)
        .with_context(|| about("reading"))
        .or_exit(Exit::Usage)?
    {
        let entry = entry
            .with_context(|| about("reading"))
            .or_exit(Exit::Usage)?;
        inside.push(entry.path());
    }
    inside.sort();
    for path in inside {
        let is_rules = path
            .extension()
            .is_some_and(|extension| extension == "yaml" || extension == "yml");
        let hidden = path
            .file_name()
            .is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        // A pipe or a device is read only by who names it.
        let special = fs::metadata(&path).is_ok_and(|found| !found.is_file() && !found.is_dir());
        if !hidden && !special && (is_rules || path.is_dir()) {
            collect(&path, depth + 1, found)?;
        }
    }
    Ok(())
}
