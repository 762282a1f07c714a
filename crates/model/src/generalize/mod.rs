// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Generalising: finds what varies by nature in maps that were learned, and proposes patterns for it.
//!
//! A proposal is about one place: a name in a directory, or an address. Nothing is applied here that was not chosen,
//! and what was allowed stays allowed. The method, and what makes a proposal risky, are in `docs/generalize.md`.

mod address;
mod example;
mod family;
mod name;
mod overlap;
mod risk;
mod sensitive;
mod tree;

use std::collections::{BTreeMap, BTreeSet};

use ambit_event::{Object, Subject};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::pattern::{PathKind, PathPattern};
use crate::{ANY_HOST, Map, Marks, Matcher, Rule, RuleObject, RunId, Statistics};

pub use risk::Risk;
pub use sensitive::{ListError, ListErrorKind, Sensitive};

/// Most maps that can be compared.
pub const MAPS_MAX: usize = 128;
/// How many names and examples a proposal shows.
const SHOWN: usize = 3;
/// Hex digits of an id.
const ID: usize = 6;

/// What is looked for.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Where a person decides.
    pub sensitive: Sensitive,
    /// What comments ask to keep.
    pub marks: Marks,
    /// How often, and in how many runs, lines were seen.
    pub statistics: Option<Statistics>,
    /// How many different values it takes; by default that depends on what varies.
    pub support: Option<usize>,
}

/// What varies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Kind {
    /// Numbers in a name.
    Numbers,
    /// Dates in a name, or in the names of directories.
    Dates,
    /// Numbers of a library's or a language's version.
    Versions,
    /// Hex digits.
    Hex,
    /// UUIDs.
    Uuids,
    /// Random letters and digits.
    Random,
    /// Names of platforms.
    Platforms,
    /// Whole names, of which there are many of one kind.
    Siblings,
    /// A whole tree.
    Tree,
    /// Addresses of a network.
    Network,
    /// Ports.
    Ports,
}

impl Kind {
    /// The word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Numbers => "numbers",
            Self::Dates => "dates",
            Self::Versions => "versions",
            Self::Hex => "hex",
            Self::Uuids => "uuids",
            Self::Random => "random",
            Self::Platforms => "platforms",
            Self::Siblings => "siblings",
            Self::Tree => "tree",
            Self::Network => "network",
            Self::Ports => "ports",
        }
    }
}

/// What a proposal does to a subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rewrite {
    /// Whose lines.
    pub subject: Subject,
    /// Its id in the map.
    pub id: String,
    /// Lines that go.
    pub replaces: BTreeSet<Rule>,
    /// Lines that come.
    pub with: BTreeSet<Rule>,
}

/// Patterns for one place where something varies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// Names it: the same for the same place, whatever else is in the map.
    pub id: String,
    /// What varies.
    pub kind: Kind,
    /// Where, as a pattern.
    pub place: String,
    /// What it does, by subject.
    pub rewrites: Vec<Rewrite>,
    /// How many different names or addresses were seen there.
    pub values: usize,
    /// The first few of them.
    pub seen: Vec<String>,
    /// Every one of several maps or runs has all of them: perhaps nothing varies here.
    pub steady: bool,
    /// How often the lines that go were seen, where that is known.
    pub hits: u64,
    /// The most runs that one of them was seen in, where that is known.
    pub runs: u32,
    /// Rules that it would allow and that were never seen.
    pub examples: Vec<String>,
    /// How much harm it may do.
    pub risk: Risk,
    /// Why the risk is not lower.
    pub reasons: Vec<String>,
    /// Why it is only applied by name; empty where it is not sensitive.
    pub sensitive: Vec<String>,
}

impl Proposal {
    /// How many lines go.
    pub fn replaced(&self) -> usize {
        self.rewrites
            .iter()
            .map(|rewrite| rewrite.replaces.len())
            .sum()
    }

    /// How many lines come.
    pub fn lines(&self) -> usize {
        self.rewrites.iter().map(|rewrite| rewrite.with.len()).sum()
    }

    /// Where paths that it covers can be: a fixed directory, and how many components they have at most.
    pub fn reaches(&self) -> BTreeSet<(Vec<u8>, Option<usize>)> {
        let patterns = self.rewrites.iter().flat_map(|rewrite| &rewrite.with);
        patterns
            .filter_map(|rule| match rule.object() {
                RuleObject::Path(pattern) => Some((pattern.directory().to_vec(), pattern.depth())),
                _ => None,
            })
            .collect()
    }

    /// Whether it allows something about an object that the map it was made for does not.
    pub fn newly_allows(&self, object: &Object, before: &Matcher<'_>) -> bool {
        self.rewrites.iter().any(|rewrite| {
            rewrite.with.iter().any(|rule| {
                rule.object().covers(object, &ANY_HOST)
                    && before
                        .rule(&rewrite.subject, rule.operation(), object)
                        .is_none()
            })
        })
    }
}

/// A proposal before it is weighed.
struct Draft {
    kind: Kind,
    place: String,
    values: BTreeSet<String>,
    steady: bool,
    /// By subject: a line, and what it becomes.
    lines: BTreeMap<Subject, Vec<(Rule, Rule)>>,
}

/// What varies in `map`, which `maps` were merged into; several of them tell more than one does. Sorted by place.
pub fn propose(map: &Map, maps: &[Map], options: &Options) -> Vec<Proposal> {
    let lines: Vec<(&Subject, &Rule)> = map
        .subjects
        .iter()
        .filter(|(subject, _)| !options.marks.keeps_subject(subject))
        .flat_map(|(subject, entry)| {
            let kept: BTreeSet<&Rule> = options.marks.kept(subject).collect();
            let free = entry.allow.iter().filter(move |rule| !kept.contains(rule));
            free.map(move |rule| (subject, rule))
        })
        .collect();
    let mut drafts = paths(&lines, maps, options);
    drafts.extend(address::drafts(&lines, maps, options));
    let matcher = Matcher::new(map, ANY_HOST);
    let mut proposals: Vec<Proposal> = drafts
        .into_iter()
        .filter_map(|draft| weigh(draft, &matcher, options))
        .collect();
    proposals.sort_by(|one, other| (&one.place, one.kind).cmp(&(&other.place, other.kind)));
    lengthen(&mut proposals);
    proposals
}

impl Map {
    /// The map with proposals that were made for it applied.
    #[must_use]
    pub fn generalized<'p>(&self, proposals: impl IntoIterator<Item = &'p Proposal>) -> Self {
        let mut out = self.clone();
        for rewrite in proposals.into_iter().flat_map(|one| &one.rewrites) {
            let Some(entry) = out.subjects.get_mut(&rewrite.subject) else {
                continue;
            };
            entry.allow.retain(|rule| !rewrite.replaces.contains(rule));
            entry.allow.extend(rewrite.with.iter().cloned());
        }
        out.normalise();
        out
    }
}

fn paths(lines: &[(&Subject, &Rule)], maps: &[Map], options: &Options) -> Vec<Draft> {
    let statistics = options.statistics.as_ref();
    let runs: BTreeMap<RunId, u128> = statistics
        .into_iter()
        .flat_map(|statistics| statistics.runs().into_iter().rev())
        .zip((0..u128::BITS).map(|bit| 1 << bit))
        .map(|((run, _), bit)| (run, bit))
        .collect();
    let counted = statistics.filter(|_| runs.len() > 1);
    let mut tree = tree::Tree::new(maps.len(), runs.values().fold(0, |all, run| all | run));
    for (number, (subject, rule)) in lines.iter().enumerate() {
        if let Some((_, path)) = tree::components(rule.object()) {
            tree.add(&path, number, rule.operation());
            if let Some(statistics) = counted {
                let seen = statistics.seen_by(subject, &rule.to_string());
                let seen = seen.filter_map(|run| runs.get(&run));
                tree.met(&path, seen.fold(0, |all, run| all | run));
            }
        }
    }
    for (number, map) in maps.iter().enumerate() {
        for rule in map.subjects.values().flat_map(|entry| &entry.allow) {
            if let Some((_, path)) = tree::components(rule.object()) {
                tree.note(&path, number);
            }
        }
    }
    tree.places(options)
        .into_iter()
        .map(|place| Draft {
            kind: place.kind,
            place: PathPattern::new(PathKind::Path, tree::pieces(&place.path)).to_string(),
            values: place
                .members
                .iter()
                .map(|name| ambit_event::escape::name(name))
                .collect(),
            steady: place.steady,
            lines: rewritten(lines, &place.lines),
        })
        .collect()
}

fn rewritten(
    lines: &[(&Subject, &Rule)],
    to: &[(usize, Vec<tree::Component>)],
) -> BTreeMap<Subject, Vec<(Rule, Rule)>> {
    let mut out: BTreeMap<Subject, Vec<(Rule, Rule)>> = BTreeMap::new();
    for (number, path) in to {
        let Some((subject, rule)) = lines.get(*number) else {
            continue;
        };
        let Some((kind, _)) = tree::components(rule.object()) else {
            continue;
        };
        let pattern = PathPattern::new(kind, tree::pieces(path));
        let new = Rule::new(rule.operation(), RuleObject::from_pattern(pattern));
        // Where the kernel part writes markers, a pattern may turn out to be an exact object.
        let covered = rule
            .object()
            .as_exact()
            .is_none_or(|object| new.object().covers(object, &ANY_HOST));
        if covered && new != **rule {
            out.entry((*subject).clone())
                .or_default()
                .push(((*rule).clone(), new));
        }
    }
    out
}

/// What becomes of a draft where lines are to be kept, and how risky it is.
fn weigh(draft: Draft, before: &Matcher<'_>, options: &Options) -> Option<Proposal> {
    let map = before.map();
    let mut rewrites = Vec::new();
    for (subject, lines) in draft.lines {
        let entry = map.subjects.get(&subject)?;
        let kept: Vec<&Rule> = options.marks.kept(&subject).collect();
        let mut rewrite = Rewrite {
            subject,
            id: entry.id.clone(),
            replaces: BTreeSet::new(),
            with: BTreeSet::new(),
        };
        for (old, new) in lines {
            let forbidden = match new.object() {
                RuleObject::Path(pattern) => options.sensitive.forbids(pattern),
                _ => false,
            };
            if !forbidden && !kept.iter().any(|kept| touches(&new, kept)) {
                rewrite.replaces.insert(old);
                rewrite.with.insert(new);
            }
        }
        if !rewrite.replaces.is_empty() {
            rewrites.push(rewrite);
        }
    }
    if rewrites.is_empty() {
        return None;
    }
    let mut proposal = Proposal {
        id: String::new(),
        kind: draft.kind,
        examples: Vec::new(),
        seen: draft.values.iter().take(SHOWN).cloned().collect(),
        values: draft.values.len(),
        place: draft.place,
        steady: draft.steady,
        hits: 0,
        runs: 0,
        rewrites,
        risk: Risk::Low,
        reasons: Vec::new(),
        sensitive: Vec::new(),
    };
    let seen = options.statistics.iter().flat_map(|statistics| {
        proposal.rewrites.iter().flat_map(|rewrite| {
            let lines = rewrite.replaces.iter();
            lines.map(|line| statistics.support(&rewrite.subject, &line.to_string()))
        })
    });
    let (hits, runs) = seen.fold((0_u64, 0), |(hits, runs), support| {
        (hits.saturating_add(support.hits), support.runs.max(runs))
    });
    (proposal.hits, proposal.runs) = (hits, runs);
    risk::assess(&mut proposal, map, &options.sensitive);
    proposal.examples = example::examples(&proposal, before);
    Some(proposal)
}

/// Whether a pattern covers what a kept line is about, whatever is done to it.
fn touches(rule: &Rule, kept: &Rule) -> bool {
    match kept.object().as_exact() {
        Some(object) => rule.object().covers(object, &ANY_HOST),
        None => rule.object() == kept.object(),
    }
}

/// Gives each proposal an id made from its place: as short as can be without two being the same.
fn lengthen(proposals: &mut [Proposal]) {
    let full: Vec<String> = proposals
        .iter()
        .map(|one| {
            let text = format!("{}\n{}", one.kind.name(), one.place);
            Sha256::digest(text)
                .iter()
                .fold(String::new(), |out, byte| format!("{out}{byte:02x}"))
        })
        .collect();
    let short = |length: usize| {
        let ids: BTreeSet<&str> = full.iter().filter_map(|id| id.get(..length)).collect();
        ids.len() == full.len()
    };
    let length = (ID..64).find(|length| short(*length)).unwrap_or(64);
    for (proposal, id) in proposals.iter_mut().zip(&full) {
        proposal.id = format!("g{}", id.get(..length).unwrap_or(id));
    }
}
