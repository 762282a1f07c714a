// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What was loaded, for those who ask about it later: the texts of the files, beside what the kernel part counts.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use ambit_abi::RuleCount;
use ambit_policy::rule::{Actions, Rule, Severity};
use ambit_sensor::{Kernel, LoadOptions, RulesLoaded};
use anyhow::{Context, anyhow};
use serde::{Deserialize, Serialize};

use super::files::{self, Set, Text};
use super::sources::Sources;
use crate::exit::{Exit, Failure, OrExit, Outcome};
use crate::out::{Style, json_line, note, print};

const FOLDER: &str = "/run/ambit";

/// Where a set is written down, before it holds: what holds is found by its number, whoever was killed when.
fn file_of(generation: u64) -> PathBuf {
    Path::new(FOLDER).join(format!("rules-{generation}.json"))
}

/// A set of rules that holds.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Loaded {
    generation: u64,
    /// The first number under which these rules held; they get another when their programs are loaded anew.
    since: u64,
    pub(super) texts: Vec<Text>,
    /// By hook, how many instructions the verifier looked at.
    pub(super) verified: BTreeMap<String, u32>,
}

impl Loaded {
    /// `renewed`: what held before and still does.
    pub(super) fn new(result: &RulesLoaded, texts: Vec<Text>, renewed: Option<&Self>) -> Self {
        Self {
            generation: result.generation,
            since: renewed.map_or(result.generation, |loaded| loaded.since),
            texts,
            verified: result
                .verified
                .iter()
                .map(|(hook, count)| (hook.name().to_owned(), *count))
                .collect(),
        }
    }

    /// Whether a record of this generation is of these rules.
    pub(super) fn are(&self, generation: u64) -> bool {
        (self.since..=self.generation).contains(&generation)
    }

    /// Writes down what is about to hold.
    pub(super) fn write(&self) -> Result<(), Failure> {
        let bytes = serde_json::to_vec(self)
            .context("writing JSON")
            .or_exit(Exit::Trouble)?;
        let file = file_of(self.generation);
        fs::create_dir_all(FOLDER)
            .and_then(|()| ambit_journal::replace(&file, &bytes, 0o600))
            .with_context(|| format!("writing {}", file.display()))
            .or_exit(Exit::Trouble)
    }

    /// Removes what was written down of all sets but this one, 0 for none; what is left over does no harm.
    pub(super) fn forget_all_but(generation: u64) {
        for entry in fs::read_dir(FOLDER).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let number: Option<u64> = name.to_str().and_then(|name| {
                name.strip_prefix("rules-")?
                    .strip_suffix(".json")?
                    .parse()
                    .ok()
            });
            if number.is_some_and(|number| number != generation) {
                let _ = fs::remove_file(entry.path());
            }
        }
    }

    /// What holds now; none where no rules hold.
    pub(super) fn read(kernel: &Kernel) -> Result<Option<Self>, Failure> {
        let generation = kernel.rules_generation()?;
        if generation == 0 {
            return Ok(None);
        }
        if let Some(loaded) = Self::written(generation)? {
            return Ok(Some(loaded));
        }
        // Others hold since the number was read, and the file is gone: once who loads them is done, theirs is there.
        Self::read_locked(kernel, &Sources::lock()?)
    }

    /// As [`Self::read`] where nobody else loads rules meanwhile.
    pub(super) fn read_locked(kernel: &Kernel, _lock: &File) -> Result<Option<Self>, Failure> {
        let generation = kernel.rules_generation()?;
        if generation == 0 {
            return Ok(None);
        }
        Self::written(generation)?
            .map(Some)
            .ok_or_else(|| unknown(generation))
    }

    /// What was written down of the set that has this number.
    fn written(generation: u64) -> Result<Option<Self>, Failure> {
        let file = file_of(generation);
        let bytes = match fs::read(&file) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Failure::new(Exit::Trouble, error)),
        };
        serde_json::from_slice(&bytes)
            .with_context(|| format!("reading {}", file.display()))
            .or_exit(Exit::Trouble)
            .map(Some)
    }
}

fn unknown(generation: u64) -> Failure {
    Failure::new(
        Exit::Trouble,
        anyhow!(
            "rules hold of which there is no {}; load yours once more",
            file_of(generation).display()
        ),
    )
}

/// The rules that hold, and the kernel part that has them; none where there are none.
pub(super) fn current() -> Result<Option<(Kernel, Loaded, Set)>, Failure> {
    let Some(kernel) = Kernel::open(&LoadOptions::default())? else {
        return Ok(None);
    };
    let Some(mut loaded) = Loaded::read(&kernel)? else {
        return Ok(None);
    };
    let set = files::of(std::mem::take(&mut loaded.texts))?;
    Ok(Some((kernel, loaded, set)))
}

#[derive(Serialize)]
struct Row<'a> {
    id: &'a str,
    title: &'a str,
    severity: &'static str,
    attack: &'a [String],
    on: Vec<&'static str>,
    r#do: Vec<&'static str>,
    applied: u64,
    refused: u64,
    lost: u64,
    file: String,
    line: usize,
}

/// Words of a rule's actions.
pub(crate) fn actions(actions: Actions) -> Vec<&'static str> {
    [
        (Actions::AUDIT, "audit"),
        (Actions::DENY, "deny"),
        (Actions::ALLOW, "allow"),
        (Actions::TAINT, "taint"),
        (Actions::UNTAINT, "untaint"),
        (Actions::KILL, "kill"),
    ]
    .into_iter()
    .filter(|(action, _)| actions.has(*action))
    .map(|(_, word)| word)
    .collect()
}

/// The word of a severity.
pub(crate) const fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "info",
        Severity::Low => "low",
        Severity::Medium => "medium",
        Severity::High => "high",
        Severity::Critical => "critical",
    }
}

fn row(rule: &Rule, count: RuleCount) -> Row<'_> {
    Row {
        id: &rule.id,
        title: &rule.title,
        severity: severity(rule.severity),
        attack: &rule.techniques,
        on: rule.on.iter().map(|op| op.name()).collect(),
        r#do: actions(rule.actions),
        applied: count.applied,
        refused: count.refused,
        lost: count.lost,
        file: ambit_event::escape::line(&rule.file),
        line: rule.line,
    }
}

pub(super) fn ls(json: bool) -> Result<Outcome, Failure> {
    let Some((kernel, _, set)) = current()? else {
        note!("no rules are loaded");
        return Ok(Outcome::SUCCESS);
    };
    let counts = kernel.rule_counts(set.rules.len())?;
    let rows: Vec<Row<'_>> = set
        .rules
        .iter()
        .zip(counts)
        .map(|(rule, count)| row(rule, count))
        .collect();
    for (hook, count) in kernel.rule_failures()? {
        note!("{hook}: rules could not be asked {count} times, for want of memory");
    }
    if json {
        let lines: Result<Vec<_>, _> = rows.iter().map(json_line).collect();
        return print(&lines?.concat());
    }
    let width = rows
        .iter()
        .map(|row| row.id.len())
        .max()
        .unwrap_or(0)
        .max(2);
    let head = format!(
        "{:width$}  {:8}  {:>9}  {:>9}  {:>6}  {:14}  ON",
        "ID", "SEVERITY", "APPLIED", "REFUSED", "LOST", "DO"
    );
    let mut out = format!("{}\n", Style::stdout().bold(head));
    for row in &rows {
        let _ = writeln!(
            out,
            "{:width$}  {:8}  {:>9}  {:>9}  {:>6}  {:14}  {}",
            row.id,
            row.severity,
            row.applied,
            row.refused,
            row.lost,
            row.r#do.join(","),
            row.on.join(" ")
        );
    }
    print(&out)
}
