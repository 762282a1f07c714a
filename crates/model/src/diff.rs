// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Compares two maps line by line, for text output and JSON. JSON has canonical text.

use std::collections::BTreeSet;
use std::fmt;

use ambit_abi::Op;
use ambit_event::text::write_digest;
use ambit_event::{Subject, escape, named};
use serde::Serialize;

use crate::map::Entry;
use crate::{FAMILIES, Map};

/// The differences between two maps.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Diff {
    /// Settings, as lines such as `chain: 2`.
    #[serde(skip_serializing_if = "Lines::is_empty")]
    pub settings: Lines,
    /// Programs that the launcher may start.
    #[serde(skip_serializing_if = "Lines::is_empty")]
    pub start: Lines,
    /// Subjects that changed, in the order of the file.
    pub subjects: Vec<SubjectDiff>,
}

/// Lines that were added and removed at one place, sorted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Lines {
    /// Lines of the second map only.
    pub added: Vec<String>,
    /// Lines of the first map only.
    pub removed: Vec<String>,
}

/// The differences for one subject.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SubjectDiff {
    /// The subject's id; the id of the second map if that contains the subject.
    pub id: String,
    /// The subject.
    pub subject: Subject,
    /// The kind of difference.
    pub change: Change,
    /// Its lines: rules, and `digest …`, `script-digest …`, `creds …`.
    #[serde(flatten)]
    pub lines: Lines,
}

/// The kind of difference for a subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Change {
    /// The subject is in the second map only.
    Added,
    /// The subject is in the first map only.
    Removed,
    /// The subject is in both maps, with different lines.
    Changed,
}

impl Lines {
    /// True if no line was added or removed.
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty()
    }

    fn between(before: &BTreeSet<String>, after: &BTreeSet<String>) -> Self {
        Self {
            added: after.difference(before).cloned().collect(),
            removed: before.difference(after).cloned().collect(),
        }
    }
}

impl Diff {
    /// True if the maps are equal except for ids.
    pub fn is_empty(&self) -> bool {
        self.settings.is_empty() && self.start.is_empty() && self.subjects.is_empty()
    }
}

impl Map {
    /// Returns the differences between this map and `after`. Ids are not compared.
    pub fn diff(&self, after: &Self) -> Diff {
        let mut subjects = Vec::new();
        let all: BTreeSet<&Subject> = self.subjects.keys().chain(after.subjects.keys()).collect();
        for subject in all {
            let (old, new) = (self.subjects.get(subject), after.subjects.get(subject));
            let (change, entry) = match (old, new) {
                (Some(_), Some(new)) => (Change::Changed, new),
                (Some(old), None) => (Change::Removed, old),
                (None, Some(new)) => (Change::Added, new),
                (None, None) => continue,
            };
            let lines = Lines::between(&lines_of(old), &lines_of(new));
            if change != Change::Changed || !lines.is_empty() {
                subjects.push(SubjectDiff {
                    id: entry.id.clone(),
                    subject: subject.clone(),
                    change,
                    lines,
                });
            }
        }
        Diff {
            settings: Lines::between(&settings(self), &settings(after)),
            start: Lines::between(&started(self), &started(after)),
            subjects,
        }
    }
}

fn settings(map: &Map) -> BTreeSet<String> {
    let mut out = BTreeSet::from([
        format!("domain: {}", map.domain),
        format!("chain: {}", map.chain),
        format!("coverage: {}", map.coverage),
    ]);
    out.extend(map.incomplete.map(|missed| format!("incomplete: {missed}")));
    for (key, table) in [("outside", &map.outside), ("untrusted", &map.untrusted)] {
        out.extend(
            FAMILIES
                .iter()
                .zip(table)
                .map(|(family, response)| format!("respond {key} {family}: {response}")),
        );
    }
    for (source, own) in &map.untrusted_by {
        out.extend(FAMILIES.iter().zip(own).filter_map(|(family, response)| {
            response.map(|response| format!("respond untrusted-by {source} {family}: {response}"))
        }));
    }
    out
}

fn started(map: &Map) -> BTreeSet<String> {
    map.start
        .iter()
        .map(|object| {
            let mut text = String::new();
            object.write(Op::Exec, &mut text);
            text
        })
        .collect()
}

fn lines_of(entry: Option<&Entry>) -> BTreeSet<String> {
    let Some(entry) = entry else {
        return BTreeSet::new();
    };
    let digest = |key: &str, sha256: &[u8; 32]| {
        let mut text = format!("{key} ");
        write_digest(&mut text, sha256);
        text
    };
    let digests = entry.digests.iter().map(|sha256| digest("digest", sha256));
    let scripts = entry
        .script_digests
        .iter()
        .map(|sha256| digest("script-digest", sha256));
    let creds = entry.creds.iter().map(|creds| format!("creds {creds}"));
    let allow = entry.allow.iter().map(ToString::to_string);
    digests.chain(scripts).chain(creds).chain(allow).collect()
}

impl fmt::Display for Diff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_lines(f, "", &self.settings)?;
        if !self.start.is_empty() {
            writeln!(f, "  start")?;
            write_lines(f, "  ", &self.start)?;
        }
        for SubjectDiff {
            id,
            subject,
            change,
            lines,
        } in &self.subjects
        {
            let sign = match change {
                Change::Added => '+',
                Change::Removed => '-',
                Change::Changed => ' ',
            };
            writeln!(f, "{sign} {} ({subject})", escape::line(id))?;
            write_lines(f, "  ", lines)?;
        }
        Ok(())
    }
}

fn write_lines(f: &mut fmt::Formatter<'_>, indent: &str, lines: &Lines) -> fmt::Result {
    for line in &lines.removed {
        writeln!(f, "- {indent}{}", named(line))?;
    }
    for line in &lines.added {
        writeln!(f, "+ {indent}{}", named(line))?;
    }
    Ok(())
}
