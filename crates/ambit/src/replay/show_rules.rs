// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The effects that rules would have had, as text and as JSON.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use ambit_event::{escape, named};
use ambit_replay::{Gap, RuleCounts, RuleTest};
use serde::Serialize;

use crate::out::{Style, count};

#[derive(Serialize)]
pub(crate) struct Row<'a> {
    rule: &'a str,
    title: &'a str,
    severity: &'static str,
    r#do: Vec<&'static str>,
    /// Number of operations that it matches, and of those that it has each effect on.
    applied: u64,
    refused: u64,
    killed: u64,
    allowed: u64,
    tainted: u64,
    untainted: u64,
    /// Number of operations on which another rule had precedence.
    overruled: u64,
    /// Number of operations for which it was undecided, and the fields that recordings lack.
    undecided: u64,
    missing: &'a BTreeSet<&'static str>,
    /// Operations of the rule that at least one recording lacks.
    unrecorded: Vec<&'static str>,
    examples: Vec<Example<'a>>,
    /// Number of occurrences that are in no example.
    others: u64,
    file: String,
    line: usize,
}

#[derive(Serialize)]
struct Example<'a> {
    operation: &'a str,
    subject: &'a str,
    times: u64,
}

/// Counts over all rules. `applied` and `never` are numbers of rules, the rest are numbers of operations.
#[derive(Serialize)]
pub(crate) struct Summary {
    rules: usize,
    applied: usize,
    never: usize,
    asked: u64,
    refused: u64,
    allowed: u64,
    undecided: u64,
    perhaps_refused: u64,
    perhaps_allowed: u64,
}

/// Counts over all rules.
pub(super) fn summary(rules: &RuleTest<'_>) -> Summary {
    let totals = rules.totals();
    let matched = rules.results().filter(|(_, counts)| counts.matched > 0);
    Summary {
        rules: rules.results().count(),
        applied: matched.count(),
        never: rules.never_matched().count(),
        asked: totals.evaluated,
        refused: totals.refused,
        allowed: totals.allowed,
        undecided: totals.undecided,
        perhaps_refused: totals.perhaps_refused,
        perhaps_allowed: totals.perhaps_allowed,
    }
}

/// Returns a row for every rule.
pub(super) fn rows<'a>(rules: &'a RuleTest<'_>) -> Vec<Row<'a>> {
    rules
        .results()
        .map(|(rule, counts)| Row {
            rule: &rule.id,
            title: &rule.title,
            severity: rule.severity.word(),
            r#do: rule.actions.words().collect(),
            applied: counts.matched,
            refused: counts.refused,
            killed: counts.killed,
            allowed: counts.allowed,
            tainted: counts.tainted,
            untainted: counts.untainted,
            overruled: counts.overruled,
            undecided: counts.undecided,
            missing: &counts.missing,
            unrecorded: rules.unrecorded(rule).map(ambit_event::Op::name).collect(),
            examples: counts
                .examples
                .iter()
                .map(|((subject, operation), times)| Example {
                    operation,
                    subject,
                    times: *times,
                })
                .collect(),
            others: counts.others,
            file: escape::line(&rule.file),
            line: rule.line,
        })
        .collect()
}

/// A reason why rules were undecided.
pub(super) fn gap(gap: &Gap<'_>) -> String {
    match gap {
        Gap::UnknownField {
            field,
            times,
            rules,
        } => format!(
            "recordings do not contain {field}: {} undecided by {}",
            count(*times, "answer"),
            short(rules),
        ),
        Gap::Unrecorded { op, rules } => format!(
            "{} is missing from at least one recording: {} for it may have matched more often",
            op.name(),
            count(*rules, "rule"),
        ),
    }
}

/// Returns the first few names as text.
fn short(names: &[&str]) -> String {
    const SHOWN: usize = 5;
    let first = names
        .iter()
        .take(SHOWN)
        .copied()
        .collect::<Vec<_>>()
        .join(", ");
    match names.len().saturating_sub(SHOWN) {
        0 => first,
        more => format!("{first} and {}", count(more, "other rule")),
    }
}

/// Shows the rules that match or may match, the names of the others, and a line for all.
pub(super) fn as_text(rules: &RuleTest<'_>, events: u64) -> String {
    let style = Style::stdout();
    let mut out = String::new();
    // Writing to a String does not fail.
    for (rule, counts) in rules.results() {
        if counts.matched == 0 && counts.undecided == 0 {
            continue;
        }
        let title = if rule.title.is_empty() { "" } else { ": " };
        let _ = writeln!(
            out,
            "{} ({}){title}{}",
            style.bold(&rule.id),
            rule.severity.word(),
            escape::line(&rule.title)
        );
        one(counts, &mut out);
        out.push('\n');
    }
    let never: Vec<&str> = rules.never_matched().map(|rule| rule.id.as_str()).collect();
    if !never.is_empty() {
        let _ = writeln!(out, "never matched: {}", never.join(", "));
    }
    let (summary, totals) = (summary(rules), rules.totals());
    let text = format!(
        "{} of {} would have matched; of {}, {} would have been refused and {} allowed regardless of a map",
        summary.applied,
        count(summary.rules, "rule"),
        count(events, "recorded operation"),
        totals.refused,
        totals.allowed,
    );
    let text = if totals.refused > 0 {
        style.red(text)
    } else {
        style.green(text)
    };
    let _ = writeln!(out, "{text}");
    if totals.undecided > 0 {
        let _ = writeln!(
            out,
            "{} undecided, {} of which a rule might have refused",
            style.yellow(count(totals.undecided, "operation")),
            totals.perhaps_refused,
        );
    }
    out
}

fn one(counts: &RuleCounts, out: &mut String) {
    if counts.matched > 0 {
        let effects: Vec<String> = [
            (counts.refused, "refused"),
            (counts.killed, "killed"),
            (counts.allowed, "allowed"),
            (counts.tainted, "tainted"),
            (counts.untainted, "untainted"),
            (counts.overruled, "overruled by another rule"),
        ]
        .into_iter()
        .filter(|(times, _)| *times > 0)
        .map(|(times, what)| format!("{times} {what}"))
        .collect();
        let _ = writeln!(
            out,
            "  matched    {}: {}",
            count(counts.matched, "time"),
            if effects.is_empty() {
                "recorded".to_owned()
            } else {
                effects.join(", ")
            }
        );
    }
    for ((subject, operation), times) in &counts.examples {
        let _ = writeln!(out, "{times:>10} x {}, by {subject}", named(operation));
    }
    if counts.others > 0 {
        let _ = writeln!(out, "{:>10} x others", counts.others);
    }
    if counts.undecided > 0 {
        let fields: Vec<&str> = counts.missing.iter().copied().collect();
        let _ = writeln!(
            out,
            "  undecided  {}: recordings do not contain {}",
            count(counts.undecided, "time"),
            fields.join(", ")
        );
    }
}
