// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A review as text and as JSON.

use std::fmt::Write;

use ambit_event::{escape, named};
use ambit_model::{Exposure, Finding, MapLine, Reached, Review, ReviewChange, Severity};
use serde::Serialize;

use crate::style::{Style, count};

/// Number of lines of each finding in the text output.
const LINES: usize = 4;
/// Number of changes in the text output.
const CHANGES: usize = 5;

/// A review with its sources.
#[derive(Debug, Serialize)]
pub struct ReviewView<'r> {
    /// The name of the map, as it is shown.
    pub map: String,
    /// Number of learning runs in the statistics.
    pub runs: usize,
    /// Number of recordings.
    pub recordings: usize,
    /// The review.
    #[serde(flatten)]
    pub review: &'r Review,
}

impl ReviewView<'_> {
    /// Returns the review as text; if it is `verbose`, with all lines of each finding and with findings of severity low.
    pub fn text(&self, verbose: bool, style: Style) -> String {
        text(self, verbose, style)
    }
}

fn text(view: &ReviewView<'_>, verbose: bool, style: Style) -> String {
    let review = view.review;
    let mut out = String::new();
    // Writing to a String does not fail.
    let _ = writeln!(
        out,
        "{}: exposure {} of 10 ({}), {}",
        view.map,
        style.bold(review.exposure),
        level(review.exposure, style),
        count(review.subjects.len(), "subject"),
    );
    for one in &review.findings {
        finding(&mut out, one, None, verbose, style);
    }
    for subject in &review.subjects {
        let _ = writeln!(
            out,
            "\n{} ({})  exposure {} ({}){}",
            style.bold(escape::line(&subject.id)),
            subject.subject,
            subject.exposure,
            level(subject.exposure, style),
            if subject.own_exposure == subject.exposure {
                String::new()
            } else {
                format!(
                    ", {} without the programs that it starts",
                    subject.own_exposure
                )
            }
        );
        let is_shown = |one: &&Finding| verbose || one.severity > Severity::Low;
        for one in subject.findings.iter().filter(is_shown) {
            finding(&mut out, one, Some(&subject.id), verbose, style);
        }
        for one in &subject.reaches {
            reached(&mut out, one, style);
        }
        let hidden: Vec<&Finding> = subject
            .findings
            .iter()
            .filter(|one| !is_shown(one))
            .collect();
        if !hidden.is_empty() {
            low(&mut out, &hidden, style);
        }
    }
    changes(&mut out, view, style);
    out
}

/// Returns the worst findings above severity low, one line each.
pub fn worst(review: &Review, most: usize) -> Vec<String> {
    let all = review.worst(most).into_iter();
    all.filter(|(_, finding)| finding.severity > Severity::Low)
        .map(|(id, finding)| {
            format!(
                "{}: {}: {}",
                finding.severity.name(),
                escape::line(id),
                finding.text
            )
        })
        .collect()
}

fn level(exposure: Exposure, style: Style) -> String {
    exposure
        .level()
        .map_or_else(|| "none".to_owned(), |level| painted(level, style))
}

fn painted(severity: Severity, style: Style) -> String {
    match severity {
        Severity::Low => style.green(severity.name()),
        Severity::Medium => style.yellow(severity.name()),
        _ => style.red(severity.name()),
    }
}

/// Returns a severity, followed by blanks up to the width of the longest one.
fn column(severity: Severity, style: Style) -> String {
    let blanks = Severity::Critical.name().len() - severity.name().len();
    format!("{}{}", painted(severity, style), " ".repeat(blanks))
}

/// Appends a finding. Lines of other subjects than `id` are shown with their subject.
fn finding(out: &mut String, one: &Finding, id: Option<&str>, verbose: bool, style: Style) {
    let _ = writeln!(out, "  {}  {}", column(one.severity, style), one.text);
    let most = if verbose { usize::MAX } else { LINES };
    for line in one.lines.iter().take(most) {
        let _ = writeln!(out, "            {}", numbered(line, id));
    }
    if one.lines.len() > most {
        let _ = writeln!(
            out,
            "            … {}",
            count(one.lines.len() - most, "more line")
        );
    }
}

fn numbered(line: &MapLine, id: Option<&str>) -> String {
    let number = line
        .number
        .map(|number| format!("{number}: "))
        .unwrap_or_default();
    let of = match &line.subject {
        Some(subject) if Some(&**subject) != id => format!("  (of {})", escape::line(subject)),
        _ => String::new(),
    };
    format!("{number}{}{of}", named(&line.line))
}

/// Appends one line about the findings of severity low.
fn low(out: &mut String, hidden: &[&Finding], style: Style) {
    let mut kinds: Vec<&str> = hidden.iter().map(|one| one.kind.name()).collect();
    kinds.dedup();
    let _ = writeln!(
        out,
        "  {}  {}: {} (shown with --verbose)",
        column(Severity::Low, style),
        count(hidden.len(), "finding"),
        kinds.join(", ")
    );
}

/// Appends the kinds of findings that a started program adds to those shown before, if there are any.
fn reached(out: &mut String, one: &Reached, style: Style) {
    let Some(severity) = one.severity.filter(|_| !one.adds.is_empty()) else {
        return;
    };
    let kinds: Vec<&str> = one.adds.iter().map(|kind| kind.name()).collect();
    let _ = writeln!(
        out,
        "  {}  Through {} it has the lines of {} as well: {}",
        column(severity, style),
        one.through.join(", then "),
        escape::line(&one.id),
        kinds.join(", ")
    );
}

fn changes(out: &mut String, view: &ReviewView<'_>, style: Style) {
    let changes = &view.review.changes;
    if changes.is_empty() {
        return;
    }
    out.push_str("\nsmallest changes that lower the exposure\n");
    for (index, change) in changes.iter().take(CHANGES).enumerate() {
        self::change(out, index + 1, change, view, style);
    }
    if view.runs == 0 && view.recordings == 0 {
        out.push_str(
            "  Give recordings with --against to see which operations a change would have refused.\n",
        );
    }
}

fn change(
    out: &mut String,
    number: usize,
    change: &ReviewChange,
    view: &ReviewView<'_>,
    style: Style,
) {
    let _ = writeln!(
        out,
        "  {number}. {}: {} {} -> {}, map {} -> {}",
        style.bold(&change.text),
        escape::line(&change.subject),
        change.subject_before,
        change.subject_after,
        view.review.exposure,
        change.exposure
    );
    for line in change.removes.iter().take(LINES) {
        let text = numbered(line, Some(&change.subject));
        let _ = writeln!(out, "       {}", style.red(format!("- {text}")));
        if let Some(shared) = &line.shared {
            let _ = writeln!(
                out,
                "         in the group {}, which {} use, too: give each of them the line before you remove it here",
                shared.group,
                count(shared.others, "other subject"),
            );
        }
    }
    if change.removes.len() > LINES {
        let _ = writeln!(out, "       … {} more", change.removes.len() - LINES);
    }
    for line in &change.adds {
        let _ = writeln!(out, "       {}", style.green(format!("+ {}", named(line))));
    }
    if let Some(runs) = change.in_runs {
        let _ = if runs.operations == 0 {
            writeln!(
                out,
                "       would have refused nothing in {}",
                count(runs.of, "learning run")
            )
        } else {
            writeln!(
                out,
                "       would have refused {} ({}) in {} of {}",
                count(runs.operations, "operation"),
                count(runs.times, "time"),
                runs.runs,
                count(runs.of, "learning run")
            )
        };
    }
    if let Some(recorded) = &change.in_recordings {
        let _ = if recorded.operations == 0 {
            writeln!(
                out,
                "       would have refused nothing in {}",
                count(view.recordings, "recording")
            )
        } else {
            writeln!(
                out,
                "       would have refused {}{} ({}) in the recordings: {}{}",
                if recorded.is_partial { "at least " } else { "" },
                count(recorded.operations, "operation"),
                count(recorded.times, "time"),
                recorded
                    .first
                    .iter()
                    .map(|line| named(line))
                    .collect::<Vec<_>>()
                    .join(", "),
                if recorded.operations > recorded.first.len() {
                    ", …"
                } else {
                    ""
                }
            )
        };
    }
}

#[cfg(test)]
mod tests {
    use ambit_model::{Map, ReviewOptions, Sensitive, review};

    use super::*;

    fn reviewed(text: &str) -> Review {
        let map = Map::parse(text, "x").unwrap_or_else(|errors| panic!("{errors}"));
        review(&map, &Sensitive::default(), &ReviewOptions::default())
    }

    #[test]
    fn findings_of_severity_low_are_no_closing_lines() {
        let review = reviewed(
            "ambit: 1\ndomain: web\ncoverage: full\nsubjects:\n  - id: web\n    exe: /usr/bin/web\n    allow:\n      - map.exec /usr/lib/x.so\n",
        );
        assert!(!review.subjects.is_empty());
        assert_eq!(worst(&review, 3), Vec::<String>::new());
    }

    #[test]
    fn the_closing_lines_name_subject_severity_and_sentence() {
        let review = reviewed(
            "ambit: 1\ndomain: web\ncoverage: full\nsubjects:\n  - id: web\n    exe: /usr/bin/web\n    allow:\n      - map.anon\n",
        );
        assert_eq!(
            worst(&review, 3).first().map(String::as_str),
            Some(
                "medium: web: It can make anonymous memory executable, as just-in-time compilers do: injected machine code runs \
                 within the map."
            )
        );
    }
}
