// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Drafts for files that a program makes and may read later, as it reads others that it made in the same directory or below it:
//! for example the earlier copy of a file that it replaces. A draft concerns one subject.

use std::collections::{BTreeMap, BTreeSet};

use ambit_abi::{self as abi, Op};
use ambit_event::Subject;

use super::comparison::Comparison;
use super::tree::{self, Component};
use super::{Draft, Kind, Options, beside, path_text};
use crate::Rule;
use crate::learn::generated::{creates, removes};
use crate::pattern::PathKind;

/// Minimum number of files that the program makes and reads.
const SUPPORT: usize = 3;
/// Maximum number of files in a draft. More of them are data that the program only writes.
const FILES_MAX: usize = 16;

/// What a subject does to a file.
#[derive(Default)]
struct Use<'a> {
    /// A line that gives a file this name.
    made: Option<&'a Rule>,
    /// True if it only reads the file.
    read: bool,
    /// True if it may read the file, or if the file gets another name: then it is read under that one.
    done: bool,
}

impl<'a> Use<'a> {
    fn add(&mut self, rule: &'a Rule) {
        let operation = rule.operation();
        match operation.op {
            Op::FileOpen => {
                self.read |= operation.arg == abi::OPEN_READ;
                self.done |= operation.arg & abi::OPEN_READ != 0;
            }
            Op::FileRename if removes(operation) => self.done = true,
            Op::FileCreate | Op::FileRename | Op::FileLink if creates(operation) => {
                self.made.get_or_insert(rule);
            }
            _ => {}
        }
    }
}

/// Returns drafts for files that a subject makes, as it reads others of them. `replaced` are lines that other drafts replace, and
/// that are left to them.
pub(super) fn drafts(
    lines: &[(&Subject, &Rule)],
    replaced: &BTreeSet<(&Subject, &Rule)>,
    comparison: &Comparison<'_>,
    options: &Options,
) -> Vec<Draft> {
    if !comparison.several {
        return Vec::new();
    }
    let mut subjects: BTreeMap<&Subject, BTreeMap<Vec<Component>, Use<'_>>> = BTreeMap::new();
    for (subject, rule) in lines {
        if let Some((PathKind::Path, path)) = tree::components(rule.object()) {
            let files = subjects.entry(subject).or_default();
            files.entry(path).or_default().add(rule);
        }
    }
    let needed = options.support.unwrap_or(SUPPORT);
    subjects
        .into_iter()
        .filter_map(|(subject, files)| {
            let is_free = |made: &Rule| {
                comparison.differs(subject, made) && !replaced.contains(&(subject, made))
            };
            draft(subject, &files, needed, is_free)
        })
        .collect()
}

fn draft(
    subject: &Subject,
    files: &BTreeMap<Vec<Component>, Use<'_>>,
    needed: usize,
    is_free: impl Fn(&Rule) -> bool,
) -> Option<Draft> {
    let read_back = |one: &Use<'_>| one.made.is_some() && one.read;
    let mut evidence = BTreeSet::new();
    let mut found = Vec::new();
    for (path, one) in files {
        let Some(made) = one.made.filter(|made| !one.done && is_free(made)) else {
            continue;
        };
        let (_, directory) = path.split_last()?;
        // All paths below a directory stand behind it, in one row.
        let near: Vec<&Vec<Component>> = files
            .range(directory.to_vec()..)
            .take_while(|(other, _)| other.starts_with(directory))
            .filter(|(_, other)| read_back(other))
            .map(|(other, _)| other)
            .collect();
        if near.len() >= needed {
            evidence.extend(near);
            found.push(made);
        }
        if found.len() > FILES_MAX {
            return None;
        }
    }
    let lines: Vec<(Rule, Rule)> = found
        .into_iter()
        .flat_map(|made| beside(made, Op::FileOpen, abi::OPEN_READ))
        .collect();
    (!lines.is_empty()).then(|| Draft {
        kind: Kind::ReadBack,
        place: "files that it makes".to_owned(),
        subject: Some(subject.to_string()),
        values: evidence.into_iter().map(|path| path_text(path)).collect(),
        steady: false,
        inside: None,
        lines: BTreeMap::from([(subject.clone(), lines)]),
    })
}
