// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Runs one attack. It must have its effect in audit mode; in enforce mode, its first violation of the audit must be refused.

use std::path::Path;

use serde_json::{Value, json};

use crate::day::{Days, Mode, NOTHING, Violation, stem, variable};

/// Attacks come with inputs of their own.
const SEED: u32 = 2000;

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// Refused at the first operation that the workload never did, and without effect.
    Refused,
    /// No violation: the attack only does operations of the workload.
    Within,
    /// Its operations are not decided by design; the attack's file has the reason.
    Undecided,
    /// It had its effect in spite of refusals.
    Changed,
    /// Refused, but not at the first violation of the audit.
    Late,
    /// No effect even in audit mode: the attack proves nothing.
    Broken,
}

/// Result of an attack.
#[derive(Debug)]
pub(crate) struct Attacked {
    id: String,
    technique: String,
    about: String,
    note: String,
    first: Option<Violation>,
    refused: Option<Violation>,
    effect: bool,
    outcome: Outcome,
}

/// Returns the violations of a day without an attack: remains of the attack before it, which the next one must not be
/// blamed for. Most remains are gone after this day.
pub(crate) fn left_behind(days: &Days) -> Result<Vec<Violation>, String> {
    let day = days.run(Mode::Audit, SEED, Some(NOTHING))?;
    for violation in &day.violations {
        eprintln!("    left behind: {}: {}", violation.who, violation.rule);
    }
    Ok(day.violations)
}

/// Runs an attack in audit and in enforce mode. Violations that an earlier attack left behind do not count.
pub(crate) fn run(days: &Days, file: &Path, left_behind: &[Violation]) -> Result<Attacked, String> {
    let id = stem(file);
    let audit = days.run(Mode::Audit, SEED, Some(&id))?;
    let enforce = days.run(Mode::Enforce, SEED, Some(&id))?;
    let own = |violations: &[Violation]| {
        violations
            .iter()
            .find(|one| {
                !left_behind
                    .iter()
                    .any(|left| left.who == one.who && left.rule == one.rule)
            })
            .cloned()
    };
    let (first, refused) = (own(&audit.violations), own(&enforce.violations));
    let same = match (&first, &refused) {
        (Some(first), Some(refused)) => {
            refused.refused
                && first.who == refused.who
                && same_but_for_generated_text(&first.rule, &refused.rule)
        }
        _ => false,
    };
    let says = |name| variable(file, name).unwrap_or_default();
    let undecided: String = says("undecided");
    let outcome = match (audit.effect, enforce.effect, first.is_some(), same) {
        (false, ..) => Outcome::Broken,
        (true, _, false, _) if !undecided.is_empty() => Outcome::Undecided,
        (true, _, false, _) => Outcome::Within,
        (true, true, ..) => Outcome::Changed,
        (true, false, true, true) => Outcome::Refused,
        (true, false, true, false) => Outcome::Late,
    };
    let note = match outcome {
        Outcome::Undecided => undecided,
        _ => says("note"),
    };
    Ok(Attacked {
        technique: says("technique"),
        about: says("about"),
        note,
        first,
        refused,
        effect: enforce.effect,
        outcome,
        id,
    })
}

/// Returns true if two rules differ only in one generated run of letters and digits in a path: a process number, or the end
/// of a name from mkstemp.
fn same_but_for_generated_text(one: &str, other: &str) -> bool {
    const MADE_UP: std::ops::RangeInclusive<usize> = 6..=10;
    let runs = |text: &str| -> Vec<String> {
        let bytes = text.as_bytes();
        bytes
            .chunk_by(|a, b| a.is_ascii_alphanumeric() == b.is_ascii_alphanumeric())
            .map(|run| String::from_utf8_lossy(run).into_owned())
            .collect()
    };
    let (one, other) = (runs(one), runs(other));
    let digits = |run: &str| run.bytes().all(|byte| byte.is_ascii_digit());
    let made_up = |a: &str, b: &str| {
        digits(a) && digits(b) || a.len() == b.len() && MADE_UP.contains(&a.len())
    };
    let differ: Vec<_> = (0..one.len().min(other.len()))
        .filter(|&at| one[at] != other[at])
        .collect();
    let in_path = |at: usize| one[..at].iter().any(|run| run.contains('/'));
    one.len() == other.len()
        && match differ.as_slice() {
            [] => true,
            &[at] => in_path(at) && made_up(&one[at], &other[at]),
            _ => false,
        }
}

impl Attacked {
    pub(crate) fn line(&self) -> String {
        let rule = |violation: &Option<Violation>| {
            violation.as_ref().map_or_else(
                || "nothing".to_owned(),
                |one| format!("{}: {}", one.who, one.rule),
            )
        };
        format!(
            "{}: {:?}\n    first outside {}\n    first refused {}",
            self.id,
            self.outcome,
            rule(&self.first),
            rule(&self.refused)
        )
    }

    pub(crate) fn json(&self) -> Value {
        json!({
            "id": self.id,
            "technique": self.technique,
            "about": self.about,
            "note": self.note,
            "outcome": match self.outcome {
                Outcome::Refused => "refused",
                Outcome::Within => "within",
                Outcome::Undecided => "undecided",
                Outcome::Changed => "changed",
                Outcome::Late => "late",
                Outcome::Broken => "broken",
            },
            "first": self.first.as_ref().map(Violation::json),
            "refused": self.refused.as_ref().map(Violation::json),
            "changed": self.effect,
        })
    }
}
