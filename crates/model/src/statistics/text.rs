// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The file format of statistics: JSON, one object a line, sorted, so that equal statistics give equal files.
//!
//! The first line is `{"ambit-stats":1,"domain":…,"chain":…}`. Then come the runs, the oldest first, and then the lines
//! of the map: `by` is the subject as in a map file (`null` for the launcher), `line` the text, and `seen` has pairs of
//! a run (its index in the file, from 0) and the number of its uses.

use std::collections::HashMap;
use std::fmt::Write;

use ambit_event::text::{object_text, parse_bare_name, parse_path_object, write_bare_name};
use ambit_event::{Object, Op, Subject, TextError, escape};
use serde::{Deserialize, Serialize};

use super::{Run, RunId, Statistics};

/// Largest file in bytes.
const SIZE_MAX: usize = 256 * 1024 * 1024;

/// A statistics file cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StatisticsError {
    /// More than 256 MiB.
    #[error("larger than 256 MiB")]
    TooLarge,
    /// The first line is not the head of a statistics file.
    #[error("not a statistics file: its first line does not begin with {{\"ambit-stats\":1")]
    NotStatistics,
    /// The file has a newer version of the format.
    #[error("written by a newer Ambit (version {0})")]
    Version(u32),
    /// A line is not valid JSON, or has other keys.
    #[error("line {line}, column {column}")]
    Json {
        /// Starts at 1.
        line: usize,
        /// Starts at 1.
        column: usize,
        /// The error.
        #[source]
        error: serde_json::Error,
    },
    /// A text is not in canonical form.
    #[error("line {line}")]
    Text {
        /// Starts at 1.
        line: usize,
        /// The error.
        #[source]
        error: TextError,
    },
    /// A run is missing or listed twice.
    #[error("line {line}: the run is not in the file, or is listed twice")]
    Run {
        /// Starts at 1.
        line: usize,
    },
    /// A text contains hidden characters.
    #[error("line {line}: hidden characters")]
    Hidden {
        /// Starts at 1.
        line: usize,
    },
}

#[derive(Debug, Serialize, Deserialize)]
struct Head {
    #[serde(rename = "ambit-stats")]
    version: u32,
    #[serde(default)]
    domain: String,
    #[serde(default)]
    chain: u32,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RunLine {
    run: String,
    began: String,
    operations: u64,
    lines: u64,
    new: u64,
    missed: u64,
    #[serde(default, skip_serializing_if = "is_zero")]
    unrepresentable: u64,
    untrusted: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
const fn is_zero(number: &u64) -> bool {
    *number == 0
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct By {
    exe: String,
    #[serde(rename = "as", default, skip_serializing_if = "Option::is_none")]
    as_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    script: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    via: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PointLine {
    by: Option<By>,
    line: String,
    seen: Vec<(usize, u64)>,
}

impl By {
    fn of(subject: &Subject) -> Option<Self> {
        let name = |object: &Object| object_text(Op::Name, object);
        Some(Self {
            exe: name(subject.exe.as_ref()?),
            as_name: subject.as_name.as_ref().map(|bytes| {
                let mut text = String::new();
                write_bare_name(&mut text, bytes);
                text
            }),
            script: subject.script.as_ref().map(name),
            via: subject.via.iter().map(name).collect(),
        })
    }

    fn subject(&self) -> Result<Subject, TextError> {
        Ok(Subject {
            exe: Some(parse_path_object(&self.exe)?),
            as_name: self.as_name.as_deref().map(parse_bare_name).transpose()?,
            script: self.script.as_deref().map(parse_path_object).transpose()?,
            via: self
                .via
                .iter()
                .map(|via| parse_path_object(via))
                .collect::<Result<_, _>>()?,
        })
    }
}

impl Statistics {
    /// Parses a statistics file.
    pub fn parse(text: &str) -> Result<Self, StatisticsError> {
        if text.len() > SIZE_MAX {
            return Err(StatisticsError::TooLarge);
        }
        let mut lines = text.lines().enumerate();
        let head = lines.next().map_or("", |(_, line)| line);
        let head: Head = serde_json::from_str(head).map_err(|_| StatisticsError::NotStatistics)?;
        if head.version != 1 {
            return Err(StatisticsError::Version(head.version));
        }
        let mut out = Self::new(head.domain, head.chain);
        let mut order: Vec<RunId> = Vec::new();
        // The lines of a subject are neighbours, so that it is parsed once.
        let mut last: Option<(By, Subject)> = None;
        for (index, line) in lines {
            let number = index + 1;
            let json = |error: serde_json::Error| StatisticsError::Json {
                line: number,
                column: error.column(),
                error,
            };
            if line.starts_with("{\"run\"") {
                let run: RunLine = serde_json::from_str(line).map_err(json)?;
                let id = out.add_run(run, number)?;
                order.push(id);
            } else {
                let point: PointLine = serde_json::from_str(line).map_err(json)?;
                let text = |error| StatisticsError::Text {
                    line: number,
                    error,
                };
                let subject = match (&point.by, &last) {
                    (None, _) => &Subject::LAUNCHER,
                    (Some(by), Some((known, subject))) if by == known => subject,
                    (Some(by), _) => {
                        let subject = by.subject().map_err(text)?;
                        &last.insert((by.clone(), subject)).1
                    }
                };
                out.add_line(subject, &point, &order, number)?;
            }
        }
        Ok(out)
    }

    fn add_run(&mut self, run: RunLine, line: usize) -> Result<RunId, StatisticsError> {
        let id = u64::from_str_radix(&run.run, 16)
            .map(RunId)
            .map_err(|_| StatisticsError::Run { line })?;
        if run.began.chars().any(escape::is_hidden) {
            return Err(StatisticsError::Hidden { line });
        }
        let run = Run {
            began: run.began,
            operations: run.operations,
            lines: run.lines,
            new: run.new,
            missed: run.missed,
            unrepresentable: run.unrepresentable,
            untrusted: run.untrusted,
        };
        match self.runs.insert(id, run) {
            None => Ok(id),
            Some(_) => Err(StatisticsError::Run { line }),
        }
    }

    fn add_line(
        &mut self,
        subject: &Subject,
        point: &PointLine,
        order: &[RunId],
        line: usize,
    ) -> Result<(), StatisticsError> {
        if point.line.chars().any(escape::is_hidden) {
            return Err(StatisticsError::Hidden { line });
        }
        let lines = match self.lines.get_mut(subject) {
            Some(lines) => lines,
            None => self.lines.entry(subject.clone()).or_default(),
        };
        let seen = lines.entry(point.line.clone()).or_default();
        for (run, hits) in &point.seen {
            let id = order.get(*run).ok_or(StatisticsError::Run { line })?;
            if *hits == 0 || seen.insert(*id, *hits).is_some() {
                return Err(StatisticsError::Run { line });
            }
        }
        if seen.is_empty() {
            return Err(StatisticsError::Run { line });
        }
        Ok(())
    }
}

impl std::fmt::Display for Statistics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let head = Head {
            version: 1,
            domain: self.domain.clone(),
            chain: self.chain,
        };
        line(f, &head)?;
        let runs = self.runs();
        for (id, run) in &runs {
            let mut text = String::new();
            write!(text, "{:016x}", id.0)?;
            line(
                f,
                &RunLine {
                    run: text,
                    began: run.began.clone(),
                    operations: run.operations,
                    lines: run.lines,
                    new: run.new,
                    missed: run.missed,
                    unrepresentable: run.unrepresentable,
                    untrusted: run.untrusted,
                },
            )?;
        }
        let places: HashMap<RunId, usize> = runs.iter().map(|(id, _)| *id).zip(0..).collect();
        for (subject, lines) in &self.lines {
            let by = json(&By::of(subject))?;
            for (text, seen) in lines {
                let mut seen: Vec<(usize, u64)> = seen
                    .iter()
                    .filter_map(|(id, hits)| Some((*places.get(id)?, *hits)))
                    .collect();
                seen.sort_unstable();
                let (text, seen) = (json(text)?, json(&seen)?);
                // The keys of `PointLine`, with the text of the subject that all its lines have.
                writeln!(f, "{{\"by\":{by},\"line\":{text},\"seen\":{seen}}}")?;
            }
        }
        Ok(())
    }
}

fn line(f: &mut std::fmt::Formatter<'_>, value: &impl Serialize) -> std::fmt::Result {
    writeln!(f, "{}", json(value)?)
}

fn json(value: &(impl Serialize + ?Sized)) -> Result<String, std::fmt::Error> {
    serde_json::to_string(value).map_err(|_| std::fmt::Error)
}
