// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Reading a run, also while it is being written.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use ambit_event::Violation;

use crate::line::Line;
use crate::{End, Error, FORMAT, Run};

/// A stored run.
#[derive(Debug)]
pub struct StoredRun {
    /// Its beginning.
    pub run: Run,
    /// Its violations, in the order of their first occurrence.
    pub violations: Vec<Violation>,
    /// Its end; `None` while it proceeds, or if Ambit was killed.
    pub end: Option<End>,
    /// Number of lines that cannot be read, but for a last one that its writer has not finished.
    pub unreadable: usize,
}

impl StoredRun {
    /// Returns a violation by its id, with or without the `v` before the number.
    pub fn violation(&self, id: &str) -> Option<&Violation> {
        let wanted = id.strip_prefix('v').unwrap_or(id);
        self.violations
            .iter()
            .find(|violation| violation.id.strip_prefix('v') == Some(wanted))
    }

    /// Reads a run from a file's content; `path` is for errors.
    pub(crate) fn read(path: &Path, content: impl Read) -> Result<Self, Error> {
        let mut run = None;
        let mut violations: Vec<Violation> = Vec::new();
        let mut index: HashMap<String, usize> = HashMap::new();
        let mut end = None;
        let mut unreadable = 0;
        let mut unfinished = false;
        for (number, bytes) in BufReader::new(content).split(b'\n').enumerate() {
            let bytes = bytes.map_err(|source| Error::Read {
                path: path.to_owned(),
                source,
            })?;
            let line: Line<Run, Violation> = match serde_json::from_slice(&bytes) {
                Ok(line) => line,
                Err(error) if run.is_some() || error.is_eof() => {
                    unreadable += 1;
                    unfinished = error.is_eof();
                    continue;
                }
                Err(source) => {
                    return Err(Error::Line {
                        path: path.to_owned(),
                        line: number + 1,
                        source,
                    });
                }
            };
            unfinished = false;
            match line {
                Line::Run(header) => run = Some(header),
                Line::Violation(violation) => {
                    index.insert(violation.id.clone(), violations.len());
                    violations.push(violation);
                }
                Line::Again { id, count } => {
                    let known = index.get(&id).and_then(|at| violations.get_mut(*at));
                    if let Some(violation) = known {
                        violation.count = count;
                    }
                }
                Line::End(line) => end = Some(line),
            }
        }
        let run = run.ok_or_else(|| Error::NoHeader {
            path: path.to_owned(),
        })?;
        if run.ambit != FORMAT {
            return Err(Error::Newer {
                path: path.to_owned(),
                found: run.ambit,
            });
        }
        Ok(Self {
            run,
            violations,
            end,
            unreadable: unreadable - usize::from(unfinished),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<StoredRun, Error> {
        StoredRun::read(Path::new("/f"), text.as_bytes())
    }

    #[test]
    fn reads_an_unfinished_run_up_to_its_last_whole_line() {
        let run = r#"{"run":{"ambit":1,"domain":"d","mode":"enforce","map":"/m","map_bytes":"2f6d","command":["c"],"began":"t"}}"#;
        let stored = read(&format!(
            "{run}\n{{\"again\":{{\"id\":\"v1\",\"count\":4}}}}\n{{\"viola"
        ))
        .unwrap();
        assert!(stored.end.is_none() && stored.violations.is_empty());
        assert_eq!(stored.unreadable, 0);
    }

    #[test]
    fn a_line_that_was_cut_hides_no_other() {
        let run = r#"{"run":{"ambit":1,"domain":"d","mode":"enforce","map":"/m","map_bytes":"2f6d","command":["c"],"began":"t"}}"#;
        let end = r#"{"end":{"ended":"u","dropped":0,"lost":0}}"#;
        let torn = r#"{"again":{"id":"v1","co"#;
        for text in [
            format!("{run}\n{torn}\n{end}\n"),
            format!("{run}\n{torn}{end}\n{end}\n"),
            format!("{run}\n\0\0\0\n{end}\n"),
        ] {
            let stored = read(&text).unwrap();
            assert!(stored.end.is_some(), "{text}");
            assert_eq!(stored.unreadable, 1, "{text}");
        }
    }

    #[test]
    fn reports_the_line_of_what_is_not_a_run() {
        let error = read("{\"x\":1}\n").unwrap_err();
        assert!(matches!(error, Error::Line { line: 1, .. }), "{error}");
        assert!(matches!(read("").unwrap_err(), Error::NoHeader { .. }));
        let newer = r#"{"run":{"ambit":2,"domain":"d","mode":"audit","map":"/m","map_bytes":"","command":[],"began":"t"}}"#;
        assert!(matches!(
            read(newer).unwrap_err(),
            Error::Newer { found: 2, .. }
        ));
    }
}
