// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Runs days of a workload by its scripts under `ambit run`, and collects the violations.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::group::{self, Cost};
use crate::idle::IdleDomain;
use crate::review::{Review, review};

/// Folder for files that the scripts and this program exchange.
pub(crate) const STATE: &str = "/var/tmp/fidelity";
/// Recording of the last held-out day.
pub(crate) const RECORDING: &str = "/var/tmp/fidelity/day.rec";
/// The attack that does nothing: its day shows what an earlier attack left behind.
pub(crate) const NOTHING: &str = "nothing";
/// Longest time for an emulated day, unless the workload's file has a longer one.
const LIMIT_SECONDS: &str = "600";

/// Mode of Ambit on a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Learn,
    Audit,
    Enforce,
}

/// A workload that can be run.
#[derive(Debug)]
pub(crate) struct Days {
    folder: PathBuf,
    workload: String,
    /// The heuristic that learning does not use.
    without: Option<String>,
    _held: Option<IdleDomain>,
}

/// Result of a day.
#[derive(Debug)]
pub(crate) struct Day {
    pub(crate) status: Option<i32>,
    pub(crate) learned: u64,
    /// True if an attack had its effect.
    pub(crate) effect: bool,
    /// Distinct violations in the order of their first occurrence.
    pub(crate) violations: Vec<Violation>,
    pub(crate) cost: Cost,
    output: String,
}

/// An operation outside the map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Violation {
    pub(crate) rule: String,
    pub(crate) who: String,
    pub(crate) refused: bool,
    pub(crate) reason: String,
}

impl Days {
    /// Prepares the machine for a workload. `held` lives as long as its days.
    pub(crate) fn prepare(
        folder: &Path,
        workload: &str,
        held: Option<IdleDomain>,
    ) -> Result<Self, String> {
        let days = Self {
            folder: folder.to_owned(),
            workload: workload.to_owned(),
            without: None,
            _held: held,
        };
        group::begin()?;
        let output = days
            .script(&[])
            .arg("prepare")
            .output()
            .map_err(|error| format!("cannot start the scripts: {error}"))?;
        if !output.status.success() {
            return Err(format!(
                "{workload} cannot be prepared: {}\n{}",
                output.status,
                String::from_utf8_lossy(&output.stderr)
            ));
        }
        Ok(days)
    }

    /// Learns without a heuristic.
    pub(crate) fn without(self, heuristic: &str) -> Self {
        Self {
            without: Some(heuristic.to_owned()),
            ..self
        }
    }

    /// Returns the heuristic that learning does not use.
    pub(crate) fn left_out(&self) -> Option<&str> {
        self.without.as_deref()
    }

    pub(crate) fn workload(&self) -> &str {
        &self.workload
    }

    /// Returns the description in the workload's file.
    pub(crate) fn about(&self) -> String {
        self.variable("about").unwrap_or_default()
    }

    /// Returns the value of a variable in the workload's file.
    pub(crate) fn variable(&self, name: &str) -> Option<String> {
        variable(&self.folder.join(&self.workload).join("workload.sh"), name)
    }

    /// Generalises the map between learning and enforcing. The learned map is kept next to it, as `learned`.
    pub(crate) fn review(&self) -> Result<Review, String> {
        let accepted = self.variable("accepted").unwrap_or_default();
        let map = format!("{STATE}/map");
        fs::copy(&map, format!("{STATE}/learned"))
            .map_err(|error| format!("cannot keep the learned map: {error}"))?;
        review(&map, &accepted, self.left_out())
    }

    /// Returns the text of a file among those that the scripts and this program exchange.
    pub(crate) fn file(&self, name: &str) -> Result<String, String> {
        fs::read_to_string(format!("{STATE}/{name}"))
            .map_err(|error| format!("cannot read {name} of {}: {error}", self.workload))
    }

    /// The files of its attacks.
    pub(crate) fn attacks(&self, only: &[String]) -> Result<Vec<PathBuf>, String> {
        let folder = self.folder.join(&self.workload).join("attacks");
        let mut files: Vec<_> = fs::read_dir(&folder)
            .map_err(|error| format!("cannot read {}: {error}", folder.display()))?
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| path.extension().is_some_and(|end| end == "sh"))
            .filter(|path| only.is_empty() || only.contains(&stem(path)))
            .collect();
        files.sort();
        Ok(files)
    }

    /// Runs a day without Ambit.
    pub(crate) fn alone(&self, seed: u32) -> Result<Day, String> {
        self.day("", seed, None)
    }

    /// Runs a day.
    pub(crate) fn run(&self, mode: Mode, seed: u32, attack: Option<&str>) -> Result<Day, String> {
        let _ = fs::remove_file(RECORDING);
        let map = format!("{STATE}/map");
        let ambit = match mode {
            Mode::Learn => {
                let without = self.left_out().map(|one| format!(" --without {one}"));
                let without = without.unwrap_or_default();
                let domain = &self.workload;
                format!("ambit run --learn{without} --domain {domain} -o {map}")
            }
            Mode::Audit => format!("ambit run -m {map}"),
            // An attack's operations are in the recording of no held-out day.
            Mode::Enforce if attack.is_none() => {
                format!("ambit run -m {map} --enforce --record {RECORDING}")
            }
            Mode::Enforce => format!("ambit run -m {map} --enforce"),
        };
        self.under(&ambit, seed, attack)
    }

    /// Runs a day that is enforced and not recorded.
    pub(crate) fn enforced(&self, seed: u32) -> Result<Day, String> {
        self.under(&format!("ambit run -m {STATE}/map --enforce"), seed, None)
    }

    fn under(&self, ambit: &str, seed: u32, attack: Option<&str>) -> Result<Day, String> {
        let ambit = format!("{ambit} --ring-size 16M --json --stats {STATE}/stats --");
        self.day(&ambit, seed, attack)
    }

    fn day(&self, ambit: &str, seed: u32, attack: Option<&str>) -> Result<Day, String> {
        let counted = format!("{STATE}/stats");
        let _ = fs::remove_file(&counted);
        let limit = self
            .variable("seconds")
            .unwrap_or_else(|| LIMIT_SECONDS.to_owned());
        group::begin()?;
        let mut command = self.script(&["timeout", "--signal=KILL", &limit]);
        command.arg(seed.to_string()).args(attack);
        // Files instead of pipes: a process that an attack left running would keep a pipe open.
        let log = format!("{STATE}/day.log");
        let file =
            fs::File::create(&log).map_err(|error| format!("cannot write {log}: {error}"))?;
        let status = command
            .env("AMBIT_RUN", ambit)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(file)
            .status()
            .map_err(|error| format!("cannot start the scripts: {error}"))?;
        let cost = group::cost();
        group::kill();
        let script = String::from_utf8_lossy(&fs::read(&log).unwrap_or_default()).into_owned();
        let output =
            String::from_utf8_lossy(&fs::read(format!("{STATE}/errors")).unwrap_or_default())
                .into_owned();
        let counters: Value = fs::read(&counted)
            .ok()
            .and_then(|text| serde_json::from_slice(&text).ok())
            .unwrap_or_default();
        let hooks = counters["hooks"].as_array().cloned().unwrap_or_default();
        Ok(Day {
            status: status.code(),
            learned: hooks
                .iter()
                .filter_map(|hook| hook["learned"].as_u64())
                .sum(),
            effect: Path::new(STATE).join("effect").exists(),
            violations: violations(&output),
            cost,
            output: format!("{script}\n{output}"),
        })
    }

    /// Returns the rules of the map, as lines of text with their subjects.
    pub(crate) fn map_lines() -> Result<Vec<String>, String> {
        let text = fs::read_to_string(format!("{STATE}/map"))
            .map_err(|error| format!("there is no map: {error}"))?;
        if let Some(line) = text.lines().find(|line| line.starts_with("incomplete:")) {
            eprintln!("the map says {line}");
        }
        Ok(text
            .lines()
            .filter(|line| line.trim_start().starts_with("- "))
            .map(str::to_owned)
            .collect())
    }

    /// Returns the command `WRAPPER bash FOLDER/day WORKLOAD`, in the day's control group.
    fn script(&self, wrapper: &[&str]) -> Command {
        let mut command = group::command();
        command
            .args(wrapper)
            .arg(self.folder.join("day"))
            .arg(&self.workload);
        command
    }
}

impl Day {
    pub(crate) fn must_succeed(&self) -> Result<(), String> {
        if self.status == Some(0) {
            return Ok(());
        }
        Err(format!(
            "a training day failed: {:?}\n{}",
            self.status, self.output
        ))
    }

    pub(crate) fn summary(&self) -> String {
        let mut text = match self.status {
            Some(0) => String::new(),
            _ => format!("failed: {}; ", self.reason()),
        };
        let _ = write!(text, "{} outside the map", self.violations.len());
        for violation in &self.violations {
            let _ = write!(text, "\n    {}: {}", violation.who, violation.rule);
        }
        text
    }

    /// Returns the scripts' message of a failed day, without the output of the workload that follows it.
    pub(crate) fn reason(&self) -> String {
        const LONGEST: usize = 5;
        let message: Vec<_> = self
            .output
            .lines()
            .take_while(|line| !line.starts_with("--- its output"))
            .filter(|line| !line.trim().is_empty() && !line.starts_with("{\"id\":"))
            .collect();
        if message.is_empty() {
            return "it was killed, since it took too long".to_owned();
        }
        // The job's name comes first, the error at the end.
        match message.as_slice() {
            [first, middle @ .., last] if middle.len() + 2 > LONGEST => {
                let end = middle.get(middle.len() + 2 - LONGEST..).unwrap_or_default();
                format!("{first} [...] {} {last}", end.join(" "))
            }
            all => all.join(" "),
        }
    }

    /// Returns the output of the scripts and the workload.
    pub(crate) fn output(&self) -> &str {
        &self.output
    }

    /// Returns the violations as JSON.
    pub(crate) fn distinct(&self) -> Vec<Value> {
        self.violations.iter().map(Violation::json).collect()
    }
}

impl Violation {
    pub(crate) fn json(&self) -> Value {
        json!({ "rule": self.rule, "who": self.who, "refused": self.refused, "reason": self.reason })
    }
}

/// Finds the violations that `--json` wrote in the output of the workload.
fn violations(output: &str) -> Vec<Violation> {
    output
        .lines()
        .filter_map(|line| line.get(line.find("{\"id\":")?..))
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .map(|value| Violation {
            rule: text(&value["rule"]),
            who: subject_of(&value["by"]),
            refused: value["mode"] == "enforce" && value["response"] != "log",
            reason: text(&value["reason"]),
        })
        .collect()
}

fn subject_of(by: &Value) -> String {
    let mut line = text(&by["exe"]);
    if let Some(script) = by["script"].as_str() {
        let _ = write!(line, " {script}");
    }
    for via in by["via"].as_array().into_iter().flatten() {
        let _ = write!(line, " < {}", text(via));
    }
    line
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// Returns a file's name without its extension.
pub(crate) fn stem(path: &Path) -> String {
    path.file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

/// Returns the value of a variable that a script sets in one line.
pub(crate) fn variable(file: &Path, name: &str) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix('='))?;
    Some(line.trim_matches('"').to_owned())
}
