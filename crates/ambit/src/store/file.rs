// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Writing a run while it goes on, and reading it, also while it goes on.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use serde::{Deserialize, Serialize};

use super::{End, Run, Violation};
use crate::exit::{Exit, Failure, OrExit};
use crate::files;
use crate::out::shown;

/// One line of the file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Line<R, V> {
    Run(R),
    Violation(V),
    /// A violation that is there already was seen again.
    Again {
        id: String,
        count: u32,
    },
    End(End),
}

/// A run that is being written. It takes the place of the domain's run before it.
#[derive(Debug)]
pub(crate) struct Journal {
    path: PathBuf,
    file: File,
    run: Run,
}

impl Journal {
    pub(crate) fn begin(run: Run) -> io::Result<Self> {
        let path = super::path(&run.domain);
        // What a workload does is nobody else's business.
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(super::folder())?;
        files::replace(&path, &line(&Line::<_, ()>::Run(&run))?, 0o600)?;
        let file = OpenOptions::new().append(true).mode(0o600).open(&path)?;
        Ok(Self { path, file, run })
    }

    pub(crate) fn add(&mut self, violation: &Violation) -> io::Result<()> {
        self.file
            .write_all(&line(&Line::<(), _>::Violation(violation))?)
    }

    pub(crate) fn again(&mut self, violation: &Violation) -> io::Result<()> {
        let (id, count) = (violation.id.clone(), violation.count);
        self.file
            .write_all(&line(&Line::<(), ()>::Again { id, count })?)
    }

    /// Writes everything anew, each violation once.
    pub(crate) fn end(self, violations: &[Violation], end: End) -> io::Result<()> {
        let mut bytes = line(&Line::<_, ()>::Run(&self.run))?;
        for violation in violations {
            bytes.extend(line(&Line::<(), _>::Violation(violation))?);
        }
        bytes.extend(line(&Line::<(), ()>::End(end))?);
        files::replace(&self.path, &bytes, 0o600)
    }
}

fn line<R: Serialize, V: Serialize>(line: &Line<R, V>) -> io::Result<Vec<u8>> {
    let mut bytes = serde_json::to_vec(line)?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// A run as it was read.
#[derive(Debug)]
pub(crate) struct StoredRun {
    pub(crate) run: Run,
    pub(crate) violations: Vec<Violation>,
    /// `None` while it goes on, or where Ambit was killed.
    pub(crate) end: Option<End>,
}

/// The newest run of any domain.
pub(crate) fn newest() -> Result<StoredRun, Failure> {
    let folder = super::folder();
    let entries = match fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(none()),
        Err(error) => return Err(unreadable(&folder, error)),
    };
    let newest = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "jsonl")
        })
        .filter_map(|path| Some((fs::metadata(&path).ok()?.modified().ok()?, path)))
        .max();
    match newest {
        Some((_, path)) => read(&path),
        None => Err(none()),
    }
}

/// The newest run of a domain.
pub(crate) fn load(domain: &str) -> Result<StoredRun, Failure> {
    read(&super::path(domain))
}

fn none() -> Failure {
    Failure::usage(anyhow!(
        "no run is recorded below {}; `ambit run -m MAP -- CMD` (or with --enforce) records one",
        shown(super::folder())
    ))
}

fn unreadable(path: &Path, error: io::Error) -> Failure {
    let hint = if error.kind() == io::ErrorKind::PermissionDenied {
        " (runs are recorded for root only; try sudo)"
    } else {
        ""
    };
    Failure::new(
        Exit::Trouble,
        anyhow::Error::from(error).context(format!("cannot read {}{hint}", shown(path))),
    )
}

fn read(path: &Path) -> Result<StoredRun, Failure> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let domain = path.file_stem().unwrap_or_default();
            return Err(Failure::usage(anyhow!(
                "no run of a domain `{}` is recorded; `ambit explain` without --domain shows the newest run",
                shown(domain)
            )));
        }
        Err(error) => return Err(unreadable(path, error)),
    };
    parse(BufReader::new(file))
        .with_context(|| format!("cannot read {}", shown(path)))
        .or_exit(Exit::Trouble)
}

fn parse(reader: impl BufRead) -> anyhow::Result<StoredRun> {
    let mut run = None;
    let mut violations: Vec<Violation> = Vec::new();
    let mut index: HashMap<String, usize> = HashMap::new();
    let mut end = None;
    for (number, bytes) in reader.split(b'\n').enumerate() {
        let bytes = bytes?;
        let line: Line<Run, Violation> = match serde_json::from_slice(&bytes) {
            Ok(line) => line,
            // The last line may be half written: the run goes on.
            Err(error) if error.is_eof() => break,
            Err(error) => {
                return Err(anyhow::Error::from(error).context(format!("line {}", number + 1)));
            }
        };
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
    let run = run.ok_or_else(|| anyhow!("the file does not say which run it is of"))?;
    if run.ambit != 1 {
        return Err(anyhow!(
            "written by a newer Ambit (version {} of its lines)",
            run.ambit
        ));
    }
    Ok(StoredRun {
        run,
        violations,
        end,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_that_goes_on_is_read_as_far_as_it_is_written() {
        let run = r#"{"run":{"ambit":1,"domain":"d","mode":"enforce","map":"/m","map_bytes":"2f6d","command":["c"],"began":"t"}}"#;
        let read = parse(
            format!("{run}\n{{\"again\":{{\"id\":\"v1\",\"count\":4}}}}\n{{\"viola").as_bytes(),
        )
        .unwrap();
        assert!(read.end.is_none() && read.violations.is_empty());
    }

    #[test]
    fn what_is_no_run_is_an_error_with_its_line() {
        let error = parse(&b"{\"x\":1}\n"[..]).unwrap_err();
        assert!(format!("{error:#}").starts_with("line 1: "), "{error:#}");
        assert!(parse(&b""[..]).is_err());
    }
}
