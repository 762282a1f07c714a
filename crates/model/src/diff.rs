// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What changed from one map to another, line by line, for reading and as JSON.

use std::collections::BTreeSet;
use std::fmt;

use ambit_abi::Op;
use ambit_event::text::write_digest;
use ambit_event::{Subject, escape};
use serde::Serialize;

use crate::map::Entry;
use crate::{FAMILIES, Map};

/// What changed from one map to another.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Diff {
    /// Settings, as lines such as `chain: 2`.
    #[serde(skip_serializing_if = "Lines::is_empty")]
    pub settings: Lines,
    /// What may be started.
    #[serde(skip_serializing_if = "Lines::is_empty")]
    pub start: Lines,
    /// Subjects that changed, in the order of the file.
    pub subjects: Vec<SubjectDiff>,
}

/// Lines of one place that came and went, sorted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Lines {
    /// In the second map only.
    pub added: Vec<String>,
    /// In the first map only.
    pub removed: Vec<String>,
}

/// What became of a subject.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SubjectDiff {
    /// Its id, of the second map where it is there.
    pub id: String,
    /// Who it is.
    pub subject: Subject,
    /// Whether it came, went or changed.
    pub change: Change,
    /// Its lines: rules, and `digest …`, `script-digest …`, `creds …`.
    #[serde(flatten)]
    pub lines: Lines,
}

/// What became of a subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Change {
    /// In the second map only.
    Added,
    /// In the first map only.
    Removed,
    /// In both, with other lines.
    Changed,
}

impl Lines {
    /// Whether nothing changed.
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
    /// Whether the maps are the same but for ids.
    pub fn is_empty(&self) -> bool {
        self.settings.is_empty() && self.start.is_empty() && self.subjects.is_empty()
    }
}

impl Map {
    /// What changed from this map to another; ids are not compared.
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
        writeln!(f, "- {indent}{line}")?;
    }
    for line in &lines.added {
        writeln!(f, "+ {indent}{line}")?;
    }
    Ok(())
}
