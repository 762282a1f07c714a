// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Generalising: finds names that vary from run to run in learned maps, and proposes patterns for them.
//!
//! A proposal concerns one place: a name in a directory, or an address. Only proposals that the caller chooses are
//! applied, and a generalised map allows everything that it allowed before. The method and the criteria for risk are in
//! `docs/generalize.md`.

mod address;
mod alike;
mod around;
mod calendar;
mod classed;
mod cluster;
mod comparison;
mod example;
pub(crate) mod kind;
mod move_back;
mod name;
mod overlap;
mod places;
mod read_back;
mod risk;
mod sensitive;
mod shape;
mod sibling;
mod sockets;
mod tree;

use std::collections::{BTreeMap, BTreeSet};

use ambit_abi::Op;
use ambit_event::{Object, Operation, Subject};
use comparison::Comparison;
use overlap::PathSet;
use sha2::{Digest, Sha256};

use crate::heuristic::{Heuristic, LeftOut};
use crate::pattern::{PathKind, PathPattern, Piece};
use crate::{ANY_HOST, Map, Marks, Matcher, Rule, RuleObject, RunId, Statistics, dates};

pub use kind::Kind;
pub(crate) use overlap::{Place, Target};
pub use risk::Risk;
pub use sensitive::{ListError, ListErrorKind, Sensitive};
pub(crate) use tree::writes;

/// Maximum number of maps to compare.
pub const MAPS_MAX: usize = 128;
/// Maximum number of names and examples that a proposal shows.
const SHOWN_MAX: usize = 3;
/// Minimum number of a client's own ports that leave no doubt that it draws them.
const DRAWN_MIN: usize = 16;
/// Minimum number of hex digits in an id.
const ID_DIGITS_MIN: usize = 6;

/// Settings for the search.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Places whose proposals `--apply all` skips.
    pub sensitive: Sensitive,
    /// Lines to keep, marked by comments in the map.
    pub marks: Marks,
    /// Counts of uses and runs for each line.
    pub statistics: Option<Statistics>,
    /// Number of values that a proposal needs; by default it depends on the kind.
    pub support: Option<usize>,
    /// Heuristics that are not used.
    pub without: LeftOut,
}

/// The changes that a proposal makes to a subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rewrite {
    /// The subject.
    pub subject: Subject,
    /// The subject's id in the map.
    pub id: String,
    /// The lines that it removes.
    pub removes: BTreeSet<Rule>,
    /// The lines that it adds.
    pub adds: BTreeSet<Rule>,
}

/// Patterns for one place where names or addresses vary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// The id: the same for the same place, independent of the rest of the map.
    pub id: String,
    /// The kind of data that varies.
    pub kind: Kind,
    /// The place, as a pattern.
    pub place: String,
    /// The id of the proposal for the names above, which covers these as well: one of the two is to be applied, not both.
    pub instead_of: Option<String>,
    /// The changes by subject.
    pub rewrites: Vec<Rewrite>,
    /// Number of different names or addresses that were seen at the place.
    pub values: usize,
    /// The first few of them.
    pub seen: Vec<String>,
    /// True if all of several maps or runs have all values: then perhaps nothing varies here.
    pub steady: bool,
    /// Number of uses of the removed lines, if known.
    pub hits: u64,
    /// Largest number of runs that used one of the removed lines, if known.
    pub runs: u32,
    /// Examples of rules that it would newly allow.
    pub examples: Vec<String>,
    /// The risk of applying it.
    pub risk: Risk,
    /// The reasons for the risk.
    pub reasons: Vec<String>,
    /// The reasons why it is sensitive; empty if it is not.
    pub sensitive: Vec<String>,
}

impl Proposal {
    /// Returns the number of lines that it removes.
    pub fn removed_lines(&self) -> usize {
        self.rewrites
            .iter()
            .map(|rewrite| rewrite.removes.len())
            .sum()
    }

    /// Returns the number of lines that it adds.
    pub fn added_lines(&self) -> usize {
        self.rewrites.iter().map(|rewrite| rewrite.adds.len()).sum()
    }

    /// True if `--apply all` applies it: it covers no sensitive place, and its risk is not high.
    pub fn is_for_all(&self) -> bool {
        self.sensitive.is_empty() && self.risk != Risk::High
    }

    /// True if `--apply safe` applies it: also, only names vary, by digits or another fixed form, and it executes nothing; or a
    /// client drew many ports for itself.
    pub fn is_safe(&self) -> bool {
        let narrow = |rule: &Rule| match rule.object() {
            RuleObject::Path(pattern) => {
                !matches!(
                    rule.operation().op,
                    Op::Exec | Op::MapExec | Op::NetConnect | Op::NetSend
                ) && !pattern
                    .pieces()
                    .iter()
                    .any(|piece| matches!(piece, Piece::Star | Piece::StarStar))
            }
            RuleObject::Exact(_) => true,
            RuleObject::Inet(pattern) => {
                self.values >= DRAWN_MIN && risk::is_client_s_own(rule, pattern)
            }
        };
        self.is_for_all()
            && self
                .rewrites
                .iter()
                .all(|rewrite| rewrite.adds.iter().all(narrow))
    }

    /// Returns the directories that must be searched for covered paths, each with the maximum number of components of
    /// these paths.
    pub fn search_roots(&self) -> BTreeSet<(Vec<u8>, Option<usize>)> {
        let patterns = self.rewrites.iter().flat_map(|rewrite| &rewrite.adds);
        patterns
            .filter_map(|rule| match rule.object() {
                RuleObject::Path(pattern) => Some((pattern.directory().to_vec(), pattern.depth())),
                _ => None,
            })
            .collect()
    }

    /// True if the proposal allows an operation on the object that the map does not allow.
    pub fn newly_allows(&self, object: &Object, before: &Matcher<'_>) -> bool {
        self.rewrites.iter().any(|rewrite| {
            rewrite.adds.iter().any(|rule| {
                rule.object().covers(object, &ANY_HOST)
                    && before
                        .rule(&rewrite.subject, rule.operation(), object)
                        .is_none()
            })
        })
    }
}

/// A proposal before its risk is assessed.
struct Draft {
    kind: Kind,
    place: String,
    /// The subject, if the draft concerns only one.
    subject: Option<String>,
    values: BTreeSet<String>,
    steady: bool,
    /// The index of the draft whose pattern covers this one's names, too, and the name above.
    inside: Option<usize>,
    /// By subject: each line with its replacement.
    lines: BTreeMap<Subject, Vec<(Rule, Rule)>>,
}

impl Draft {
    /// Returns what distinguishes it from other drafts; it stays the same when the rest of the map changes.
    fn identity(&self) -> String {
        let (kind, mut place) = (self.kind.name(), &*self.place);
        // One more name of a choice is the same proposal.
        if self.kind == Kind::Alike
            && let Some((first, _)) = place.split_once(',')
        {
            place = first;
        }
        match &self.subject {
            None => format!("{kind}\n{place}"),
            Some(subject) => format!("{kind}\n{place}\n{subject}"),
        }
    }
}

/// Returns proposals for `map`, the merge of `maps`, sorted by place. Several maps give better evidence than one.
pub fn propose(map: &Map, maps: &[Map], options: &Options) -> Vec<Proposal> {
    let written = map.without_implied();
    let lines: Vec<(&Subject, &Rule)> = written
        .subjects
        .iter()
        .filter(|(subject, _)| !options.marks.keeps_subject(subject))
        .flat_map(|(subject, entry)| {
            let kept: BTreeSet<&Rule> = options.marks.kept(subject).collect();
            let free = entry.allow.iter().filter(move |rule| !kept.contains(rule));
            free.map(move |rule| (subject, rule))
        })
        .collect();
    let mut drafts = path_drafts(&lines, maps, options);
    let comparison = Comparison::new(maps, options);
    drafts.extend(address::drafts(&lines, &comparison, options));
    drafts.extend(sockets::drafts(&lines, &comparison, options));
    let replaced = drafts.iter().flat_map(|draft| &draft.lines);
    let replaced =
        replaced.flat_map(|(subject, pairs)| pairs.iter().map(move |(old, _)| (subject, old)));
    let replaced: BTreeSet<(&Subject, &Rule)> = replaced.collect();
    let mut more = read_back::drafts(&lines, &replaced, &comparison, options);
    more.extend(move_back::drafts(&lines, &replaced));
    drafts.extend(more);
    let used = |kind| !options.without.has(Heuristic::Propose(kind));
    let matcher = Matcher::new(map, ANY_HOST);
    let inside: Vec<Option<usize>> = drafts.iter().map(|draft| draft.inside).collect();
    let identities: Vec<String> = drafts.iter().map(Draft::identity).collect();
    let mut proposals: Vec<Option<Proposal>> = drafts
        .into_iter()
        .map(|draft| {
            let used = used(draft.kind);
            used.then(|| assess(draft, &matcher, options)).flatten()
        })
        .collect();
    assign_ids(&mut proposals, &identities);
    // A place below a pattern that `all` applies is no choice. A pattern that may not be proposed leaves the choice to the
    // one above it.
    let outer_of = |mut at: usize| {
        while let Some(outer) = inside.get(at).copied().flatten() {
            if let Some(outer) = proposals.get(outer).and_then(Option::as_ref) {
                return Some((outer.id.clone(), outer.is_for_all()));
            }
            at = outer;
        }
        None
    };
    let outer: Vec<Option<(String, bool)>> = (0..proposals.len()).map(outer_of).collect();
    let mut chosen: Vec<Proposal> = Vec::new();
    for (proposal, outer) in proposals.into_iter().zip(outer) {
        match (proposal, outer) {
            (Some(proposal), None) => chosen.push(proposal),
            (Some(proposal), Some((id, false))) => chosen.push(Proposal {
                instead_of: Some(id),
                ..proposal
            }),
            _ => {}
        }
    }
    chosen.sort_by(|one, other| {
        (&one.place, one.kind, &one.id).cmp(&(&other.place, other.kind, &other.id))
    });
    chosen
}

impl Map {
    /// Returns the map with these proposals applied. They must have been made for this map. A proposal is left out if the
    /// one that it could replace is applied.
    #[must_use]
    pub fn generalized<'p>(&self, proposals: impl IntoIterator<Item = &'p Proposal>) -> Self {
        let mut out = self.without_implied();
        let proposals: Vec<&Proposal> = proposals.into_iter().collect();
        let ids: BTreeSet<&str> = proposals.iter().map(|one| &*one.id).collect();
        let applied = proposals.iter().filter(|one| {
            let outer = one.instead_of.as_deref();
            outer.is_none_or(|outer| !ids.contains(outer))
        });
        for rewrite in applied.flat_map(|one| &one.rewrites) {
            let Some(entry) = out.subjects.get_mut(&rewrite.subject) else {
                continue;
            };
            entry.allow.retain(|rule| !rewrite.removes.contains(rule));
            entry.allow.extend(rewrite.adds.iter().cloned());
        }
        out.normalise();
        out.shrink_groups(self);
        out
    }
}

/// Returns what a draft has for a line that it keeps, with another operation on the same object beside it.
fn beside(known: &Rule, op: Op, arg: u32) -> [(Rule, Rule); 2] {
    let new = Rule::new(Operation { op, arg }, known.object().clone());
    [known.clone(), new].map(|line| (known.clone(), line))
}

/// Returns a path as text.
fn path_text(path: &[tree::Component]) -> String {
    PathPattern::new(PathKind::Path, tree::pieces(path)).to_string()
}

fn path_drafts(lines: &[(&Subject, &Rule)], maps: &[Map], options: &Options) -> Vec<Draft> {
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
                let seen = seen.fold(0, |all, run| all | run);
                tree.add_runs(&path, rule.operation(), seen);
            }
        }
    }
    for (number, map) in maps.iter().enumerate() {
        for rule in map.subjects.values().flat_map(|entry| &entry.allow) {
            if let Some((_, path)) = tree::components(rule.object()) {
                tree.add_map(&path, number);
            }
        }
    }
    tree.places(options)
        .into_iter()
        .map(|place| with_dates(place, lines))
        .map(|place| Draft {
            kind: place.kind,
            place: path_text(&place.path),
            subject: None,
            values: place
                .members
                .iter()
                .map(|name| classed::shown(name))
                .collect(),
            steady: place.steady,
            inside: place.inside,
            lines: replacements(lines, &place.expected(lines)),
        })
        .collect()
}

/// Replaces the numbers of a place by the classes of dates, if all paths of each pattern have dates there in one spelling.
fn with_dates(mut place: places::Place, lines: &[(&Subject, &Rule)]) -> places::Place {
    let mut by_pattern: BTreeMap<&Vec<tree::Component>, Vec<&[u8]>> = BTreeMap::new();
    // A pattern of the map may cover names without a date.
    let mut wider: BTreeSet<&Vec<tree::Component>> = BTreeSet::new();
    for (number, pattern) in &place.lines {
        let paths = by_pattern.entry(pattern).or_default();
        match lines.get(*number).map(|(_, rule)| rule.object()) {
            Some(RuleObject::Exact(Object::Path(path) | Object::Deleted(path))) => {
                paths.push(path.as_bytes());
            }
            _ => {
                wider.insert(pattern);
            }
        }
    }
    by_pattern.retain(|pattern, _| !wider.contains(pattern));
    let narrowed: BTreeMap<Vec<tree::Component>, Vec<tree::Component>> = by_pattern
        .into_iter()
        .filter_map(|(pattern, paths)| {
            let pieces = PathPattern::new(PathKind::Path, tree::pieces(pattern));
            let pieces = dates::narrowed(pieces.pieces(), paths.into_iter())?;
            Some((pattern.clone(), dates::components(&pieces)))
        })
        .collect();
    // The place is the beginning of each pattern.
    let depth = place.path.len();
    let beginnings: BTreeSet<&[tree::Component]> = place
        .lines
        .iter()
        .filter_map(|(_, pattern)| narrowed.get(pattern).unwrap_or(pattern).get(..depth))
        .collect();
    if let Ok([only]) = <[&[tree::Component]; 1]>::try_from(Vec::from_iter(beginnings)) {
        place.path = only.to_vec();
    }
    for (_, pattern) in &mut place.lines {
        if let Some(dated) = narrowed.get(pattern) {
            pattern.clone_from(dated);
        }
    }
    place
}

fn replacements(
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
        // If the kernel part writes all markers of the pattern, it is an exact object.
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

/// Makes a proposal of a draft: leaves out the lines to keep, assesses the risk, and adds examples. Returns `None` if
/// no line is left.
fn assess(draft: Draft, before: &Matcher<'_>, options: &Options) -> Option<Proposal> {
    let map = before.map();
    let mut rewrites = Vec::new();
    let mut replaced = risk::Replaced::new();
    for (subject, lines) in draft.lines {
        let entry = map.subjects.get(&subject)?;
        let kept: Vec<&Rule> = options.marks.kept(&subject).collect();
        let mut by_new: BTreeMap<Rule, Vec<Rule>> = BTreeMap::new();
        for (old, new) in lines {
            let forbidden = match new.object() {
                RuleObject::Path(pattern) => options.sensitive.forbids(pattern),
                _ => false,
            };
            if !forbidden && !kept.iter().any(|kept| covers_kept(&new, kept)) {
                by_new.entry(new).or_default().push(old);
            }
        }
        if !by_new.is_empty() {
            rewrites.push(Rewrite {
                subject,
                id: entry.id.clone(),
                removes: by_new.values().flatten().cloned().collect(),
                adds: by_new.keys().cloned().collect(),
            });
            replaced.push(by_new);
        }
    }
    if rewrites.is_empty() {
        return None;
    }
    let mut proposal = Proposal {
        id: String::new(),
        kind: draft.kind,
        examples: Vec::new(),
        seen: draft.values.iter().take(SHOWN_MAX).cloned().collect(),
        values: draft.values.len(),
        place: draft.place,
        steady: draft.steady,
        hits: 0,
        runs: 0,
        rewrites,
        instead_of: None,
        risk: Risk::Low,
        reasons: Vec::new(),
        sensitive: Vec::new(),
    };
    let seen = options.statistics.iter().flat_map(|statistics| {
        proposal.rewrites.iter().flat_map(|rewrite| {
            let lines = rewrite.removes.iter();
            lines.map(|line| statistics.support(&rewrite.subject, &line.to_string()))
        })
    });
    let (hits, runs) = seen.fold((0_u64, 0), |(hits, runs), support| {
        (hits.saturating_add(support.hits), support.runs.max(runs))
    });
    (proposal.hits, proposal.runs) = (hits, runs);
    risk::assess(&mut proposal, &replaced, map, &options.sensitive);
    proposal.examples = example::examples(&proposal, before);
    Some(proposal)
}

/// True if a rule covers the object of a line to keep, or a part of it, for any operation.
fn covers_kept(rule: &Rule, kept: &Rule) -> bool {
    match kept.object().as_exact() {
        Some(object) => rule.object().covers(object, &ANY_HOST),
        None => match (rule.object(), kept.object()) {
            (RuleObject::Path(pattern), RuleObject::Path(kept)) => {
                PathSet::of(pattern).overlaps(&PathSet::of(kept))
            }
            (object, kept) => object == kept,
        },
    }
}

/// Sets the ids: hashes of the identities, cut to the shortest length that keeps them distinct.
fn assign_ids(proposals: &mut [Option<Proposal>], identities: &[String]) {
    let full: Vec<String> = identities
        .iter()
        .map(|identity| hex::encode(Sha256::digest(identity)))
        .collect();
    let short = |length: usize| {
        let ids: BTreeSet<&str> = full.iter().filter_map(|id| id.get(..length)).collect();
        ids.len() == full.iter().collect::<BTreeSet<_>>().len()
    };
    let length = (ID_DIGITS_MIN..64)
        .find(|length| short(*length))
        .unwrap_or(64);
    let named = proposals.iter_mut().zip(&full);
    for (proposal, id) in named.filter_map(|(proposal, id)| Some((proposal.as_mut()?, id))) {
        proposal.id = format!("g{}", id.get(..length).unwrap_or(id));
    }
}
