// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Maps as text: all rules of each subject, as `ambit map show --flat` prints them.

use std::fs;
use std::process::Command;

use ambit_model::Rule;

/// A map's text.
#[derive(Clone)]
pub(crate) struct Map {
    pub(crate) text: String,
}

/// One subject of a map.
#[derive(Debug, Default)]
pub(crate) struct Subject {
    /// All lines but the allowed operations: `exe: /usr/bin/cat`, `via: […]`, …
    pub(crate) head: Vec<String>,
    pub(crate) allow: Vec<String>,
}

impl Map {
    /// Reads a map. A text of version 1 is taken as it is, with its comments.
    pub(crate) fn read(path: &str) -> Self {
        let text = fs::read_to_string(path)
            .unwrap_or_else(|error| panic!("cannot read the map {path}: {error}"));
        if !text.starts_with("ambit: 2\n") {
            return Self { text };
        }
        let shown = Command::new("ambit")
            .args(["map", "show", "--flat", path])
            .output()
            .unwrap_or_else(|error| panic!("cannot start ambit: {error}"));
        assert!(shown.status.success(), "ambit cannot read {path}:\n{text}");
        Self {
            text: String::from_utf8_lossy(&shown.stdout).into_owned(),
        }
    }

    pub(crate) fn subjects(&self) -> Vec<Subject> {
        let mut subjects: Vec<Subject> = Vec::new();
        let mut allowing = false;
        for line in self.text.lines() {
            if let Some(id) = line.strip_prefix("  - id: ") {
                subjects.push(Subject {
                    head: vec![format!("id: {id}")],
                    ..Subject::default()
                });
                allowing = false;
            } else if let Some(subject) = subjects.last_mut() {
                match rule_of(line) {
                    Some(rule) if allowing => subject.allow.push(rule),
                    _ if line.trim() == "allow:" => allowing = true,
                    _ => {
                        allowing = false;
                        subject.head.push(line.trim().to_owned());
                    }
                }
            }
        }
        subjects
    }

    /// The subjects of an executable.
    pub(crate) fn of(&self, exe: &str) -> Vec<Subject> {
        let exe = format!("exe: {exe}");
        self.subjects()
            .into_iter()
            .filter(|subject| subject.head.contains(&exe))
            .collect()
    }

    /// The allowed operations of all subjects.
    pub(crate) fn rules(&self) -> Vec<String> {
        self.subjects()
            .into_iter()
            .flat_map(|subject| subject.allow)
            .collect()
    }

    /// Returns true if the map has a rule; a rule that ends in `*` is a prefix.
    pub(crate) fn has(&self, rule: &str) -> bool {
        self.rules().iter().any(|line| is(line, rule))
    }

    pub(crate) fn must_have(&self, rule: &str) {
        assert!(
            self.has(rule),
            "the map should have {rule:?}:\n{}",
            self.text
        );
    }

    pub(crate) fn must_not_have(&self, rule: &str) {
        assert!(
            !self.has(rule),
            "the map should not have {rule:?}:\n{}",
            self.text
        );
    }

    /// Returns the map without a rule.
    pub(crate) fn without(&self, rule: &str) -> Self {
        self.with_for(rule, "")
    }

    /// Returns the map with a rule replaced by one that needs no quotes in YAML.
    pub(crate) fn with_instead(&self, rule: &str, other: &str) -> Self {
        self.with_for(rule, &format!("      - {other}\n"))
    }

    /// Returns the map with another rule, which needs no quotes in YAML, after a rule.
    pub(crate) fn with_also(&self, rule: &str, other: &str) -> Self {
        self.with_for(rule, &format!("      - {rule}\n      - {other}\n"))
    }

    /// Returns the map with the line of a rule replaced.
    fn with_for(&self, rule: &str, text: &str) -> Self {
        self.must_have(rule);
        let lines = self.text.lines();
        Self {
            text: lines.fold(String::new(), |out, line| {
                match rule_of(line).filter(|line| is(line, rule)) {
                    Some(_) => out + text,
                    None => out + line + "\n",
                }
            }),
        }
    }

    /// Returns the map with responses: `with_respond("untrusted: {net: deny}")`.
    pub(crate) fn with_respond(&self, respond: &str) -> Self {
        assert!(
            !self.text.contains("\nrespond:"),
            "the map has responses already:\n{}",
            self.text
        );
        let at = self.text.find("\nsubjects:").expect("a map has subjects") + 1;
        let (head, tail) = self.text.split_at(at);
        Self {
            text: format!("{head}respond:\n  {respond}\n{tail}"),
        }
    }
}

fn is(line: &str, rule: &str) -> bool {
    rule.strip_suffix('*')
        .map_or(line == rule, |start| line.starts_with(start))
}

/// Returns the rule in a line under `allow:`, without YAML's quotes, in canonical text: with numbers, as violations have them.
fn rule_of(line: &str) -> Option<String> {
    let rule = scalar_of(line)?;
    match Rule::parse(&rule) {
        Ok(parsed) if parsed.named() == rule => Some(parsed.to_string()),
        _ => Some(rule),
    }
}

fn scalar_of(line: &str) -> Option<String> {
    let rule = line.strip_prefix("      - ")?;
    if let Some(quoted) = rule
        .strip_prefix('\'')
        .and_then(|rule| rule.strip_suffix('\''))
    {
        return Some(quoted.replace("''", "'"));
    }
    if rule.starts_with('"') {
        return serde_json::from_str(rule).ok();
    }
    // Learning names the user or group beside these lines.
    let names_ids = ["task.setuid ", "task.setgid "]
        .iter()
        .any(|operation| rule.starts_with(operation));
    let rule = rule
        .split_once(" # ")
        .filter(|_| names_ids)
        .map_or(rule, |(rule, _)| rule);
    Some(rule.to_owned())
}
