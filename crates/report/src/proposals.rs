// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Proposals as text and as JSON.

use std::fmt::Write;

use ambit_event::{Subject, escape, named};
use ambit_model::{Kind, Map, Proposal, Risk};
use serde::Serialize;

use crate::search::{Found, Search};
use crate::style::{Style, count};

/// Number of lines of each subject in the text output.
const LINES: usize = 4;

/// All proposals for a map.
#[derive(Debug, Serialize)]
pub struct ProposalsView<'p> {
    /// Number of lines of the map.
    before: usize,
    /// Number of lines once `--apply all` is done.
    after: usize,
    /// Number of lines once every proposal is applied.
    after_all: usize,
    /// Number of learning runs in the statistics.
    runs: usize,
    proposals: Vec<ProposalView<'p>>,
    #[serde(rename = "walk", skip_serializing_if = "Option::is_none")]
    search: Option<&'p Search>,
}

#[derive(Debug, Serialize)]
struct ProposalView<'p> {
    id: &'p str,
    kind: Kind,
    place: &'p str,
    risk: Risk,
    reasons: &'p [String],
    sensitive: &'p [String],
    /// `safe`, which `all` applies too, or `all`; missing if only its id applies it.
    #[serde(skip_serializing_if = "Option::is_none")]
    applied_by: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    instead_of: Option<&'p str>,
    values: usize,
    seen: &'p [String],
    steady: bool,
    hits: u64,
    runs: u32,
    replaced: usize,
    lines: usize,
    rewrites: Vec<RewriteView<'p>>,
    examples: &'p [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    newly_allowed: Option<&'p Found>,
}

#[derive(Debug, Serialize)]
struct RewriteView<'p> {
    id: &'p str,
    subject: &'p Subject,
    replaces: Vec<String>,
    with: Vec<String>,
}

impl<'p> ProposalsView<'p> {
    /// Makes the view of the proposals for a map, with the result of a search if one was made. `runs` is the number of
    /// learning runs in the statistics.
    pub fn new(
        map: &Map,
        proposals: &'p [Proposal],
        search: Option<&'p Search>,
        runs: usize,
    ) -> Self {
        let for_all = proposals.iter().filter(|one| one.is_for_all());
        Self {
            before: map.rule_count(),
            after: map.generalized(for_all).rule_count(),
            after_all: map.generalized(proposals).rule_count(),
            runs,
            proposals: proposals
                .iter()
                .enumerate()
                .map(|(index, one)| view(one, search.and_then(|search| search.found.get(index))))
                .collect(),
            search,
        }
    }

    /// Returns the proposals as text. `files` are the names of the maps, as the commands that the text advises have them.
    pub fn text(&self, files: &str, style: Style) -> String {
        text(self, files, style)
    }
}

fn view<'p>(one: &'p Proposal, newly_allowed: Option<&'p Found>) -> ProposalView<'p> {
    ProposalView {
        id: &one.id,
        kind: one.kind,
        place: &one.place,
        risk: one.risk,
        reasons: &one.reasons,
        sensitive: &one.sensitive,
        applied_by: match () {
            () if one.is_safe() => Some("safe"),
            () if one.is_for_all() => Some("all"),
            () => None,
        },
        instead_of: one.instead_of.as_deref(),
        values: one.values,
        seen: &one.seen,
        steady: one.steady,
        hits: one.hits,
        runs: one.runs,
        replaced: one.removed_lines(),
        lines: one.added_lines(),
        rewrites: one
            .rewrites
            .iter()
            .map(|rewrite| RewriteView {
                id: &rewrite.id,
                subject: &rewrite.subject,
                replaces: rewrite.removes.iter().map(ToString::to_string).collect(),
                with: rewrite.adds.iter().map(ToString::to_string).collect(),
            })
            .collect(),
        examples: &one.examples,
        newly_allowed,
    }
}

fn text(view: &ProposalsView<'_>, files: &str, style: Style) -> String {
    let mut out = String::new();
    // Writing to a String does not fail.
    for one in &view.proposals {
        let _ = writeln!(out, "{}", proposal(one, view.runs, style));
    }
    let outer = view.proposals.iter().filter(|one| one.instead_of.is_none());
    let replaced: usize = outer.map(|one| one.replaced).sum();
    if view.proposals.is_empty() {
        let _ = writeln!(out, "no proposals: no name varies often enough");
    } else {
        let _ = writeln!(
            out,
            "{} for {} of {}: {} are left with --apply all{}",
            count(view.proposals.len(), "proposal"),
            count(replaced, "line"),
            view.before,
            view.after,
            by_name(view, files),
        );
    }
    if let Some(search) = view.search.filter(|_| !view.proposals.is_empty()) {
        let _ = writeln!(
            out,
            "{}{} that {} would newly be allowed by some proposal{}{}",
            if search.complete { "" } else { "at least " },
            count(search.newly_allowed, "path"),
            if search.newly_allowed == 1 {
                "is there"
            } else {
                "are there"
            },
            if search.complete {
                String::new()
            } else {
                format!("; only {} were looked at (see --walk-limit)", search.paths)
            },
            match search.unreadable {
                0 => String::new(),
                some => format!("; {some} directories could not be read"),
            }
        );
    }
    out
}

fn by_name(view: &ProposalsView<'_>, files: &str) -> String {
    let ids: Vec<&str> = view
        .proposals
        .iter()
        .filter(|one| one.applied_by.is_none() && one.instead_of.is_none())
        .map(|one| one.id)
        .collect();
    if ids.is_empty() {
        return String::new();
    }
    format!(
        "\n{} sensitive or of high risk, applied only by name: ambit map generalize {files} --apply {}",
        ids.len(),
        ids.join(",")
    )
}

fn proposal(one: &ProposalView<'_>, runs: usize, style: Style) -> String {
    let mut out = String::new();
    let risk = match one.risk {
        Risk::Low => style.green(one.risk.name()),
        Risk::Medium => style.yellow(one.risk.name()),
        Risk::High => style.red(one.risk.name()),
    };
    let sensitive = if one.sensitive.is_empty() {
        ""
    } else {
        ", sensitive"
    };
    let _ = writeln!(
        out,
        "{}  {}  {}  risk {risk}{sensitive}",
        style.bold(one.id),
        one.place,
        one.kind.name()
    );
    let _ = writeln!(
        out,
        "  seen: {} ({}{}){}",
        count(one.values, "value"),
        one.seen.join(", "),
        if one.values > one.seen.len() {
            ", …"
        } else {
            ""
        },
        if one.steady {
            ", the same in every map or run"
        } else {
            ""
        }
    );
    if one.hits > 0 {
        let _ = writeln!(
            out,
            "  met {} times, no name in more than {} of {runs} runs",
            one.hits, one.runs
        );
    }
    if let Some(outer) = one.instead_of {
        let _ = writeln!(out, "  instead of {outer}: the names above stay exact");
    }
    for rewrite in &one.rewrites {
        let _ = writeln!(
            out,
            "  {}: {} become {}",
            escape::line(rewrite.id),
            count(rewrite.replaces.len(), "line"),
            rewrite.with.len()
        );
        some(&mut out, "-", &rewrite.replaces, |line| style.red(line));
        some(&mut out, "+", &rewrite.with, |line| style.green(line));
    }
    for example in one.examples {
        let _ = writeln!(out, "  never seen: {example}");
    }
    if let Some(found) = one.newly_allowed.filter(|_| one.place.starts_with('/')) {
        let there = if found.first.is_empty() {
            String::new()
        } else {
            format!(": {}", found.first.join(", "))
        };
        let _ = writeln!(
            out,
            "  newly allowed and there: {}{there}",
            count(found.paths, "path")
        );
    }
    for why in one.reasons {
        let _ = writeln!(out, "  {why}");
    }
    for why in one.sensitive {
        let _ = writeln!(out, "  sensitive: {why}");
    }
    out
}

fn some(out: &mut String, sign: &str, lines: &[String], paint: impl Fn(String) -> String) {
    for line in lines.iter().take(LINES) {
        let _ = writeln!(out, "    {}", paint(format!("{sign} {}", named(line))));
    }
    if lines.len() > LINES {
        let _ = writeln!(out, "    {sign} … {} more", lines.len() - LINES);
    }
}
