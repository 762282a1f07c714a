// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The smallest changes of a map that lower its exposure. Each is applied to a copy of the map, which is reviewed again.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use ambit_abi::Op;
use ambit_event::text::{object_text, write_digest};
use ambit_event::{Object, Subject};
use serde::Serialize;

use super::context::{Cause, CauseLine, Context, Hit};
use super::finding::MapLine;
use super::kind::{FindingKind, Severity};
use super::seen::{InRecordings, InRuns, Seen};
use super::{Analysis, Exposure, worst_of};
use crate::file::LineNumbers;
use crate::map::Entry;
use crate::{ANY_HOST, Map, Matcher, Rule, RuleObject, Sensitive, Statistics};

/// Number of changes that are tried, and of those that are returned.
const TRIED_MAX: usize = 32;
const SHOWN_MAX: usize = 10;
/// The same for maps with many rules, because each try reviews the map.
const TRIED_OF_LARGE: usize = 4;
const LARGE: usize = 50_000;
/// Number of names that replace a pattern at most.
const NAMES_MAX: usize = 8;
/// Stands for a digest that is not known.
const ANY_DIGEST: [u8; 32] = [0; 32];

/// The kind of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// Replace a pattern by the names that were seen.
    Replace,
    /// Add the digest of a program.
    Bind,
    /// Remove lines.
    Remove,
}

/// A change of a map that lowers its exposure.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Change {
    /// The kind.
    pub action: Action,
    /// The change as a sentence without subject.
    pub text: String,
    /// The id of the subject whose lines change.
    pub subject: String,
    /// The lines to remove.
    pub removes: Vec<MapLine>,
    /// The lines to add.
    pub adds: Vec<String>,
    /// The kinds of findings of the subject that it removes or makes less severe.
    pub lowers: Vec<FindingKind>,
    /// The map's exposure afterwards.
    pub exposure: Exposure,
    /// The subject's exposure before.
    pub subject_before: Exposure,
    /// The subject's exposure afterwards.
    pub subject_after: Exposure,
    /// Operations of learning runs that the changed map would have refused; `None` without statistics.
    pub in_runs: Option<InRuns>,
    /// Operations of recordings that the changed map would have refused; `None` without recordings.
    pub in_recordings: Option<InRecordings>,
}

/// A change before it is tried.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Draft<'m> {
    severity: Reverse<Severity>,
    lines: usize,
    index: usize,
    action: Action,
    removes: BTreeSet<&'m Rule>,
    adds: BTreeSet<Rule>,
    /// A program to bind, with its digests.
    binds: Option<(Object, BTreeSet<[u8; 32]>)>,
}

/// Returns the map without the lines that a change may remove. Operations that it refuses and the map allows are the
/// evidence for changes.
pub fn candidates(map: &Map, sensitive: &Sensitive, statistics: Option<&Statistics>) -> Map {
    let seen = Seen::new(statistics, None);
    let context = Context::new(map, sensitive, &seen);
    let analysis = Analysis::of(&context);
    let mut out = map.clone();
    for ((subject, entry), hits) in map.subjects.iter().zip(&analysis.own) {
        let flagged: BTreeSet<&Rule> = hits
            .iter()
            .filter(|hit| hit.severity > Severity::Low || hit.kind == FindingKind::WidePattern)
            .flat_map(|hit| rules_of(hit, subject))
            .collect();
        if let Some(changed) = out.subjects.get_mut(subject) {
            changed.allow = entry
                .allow
                .iter()
                .filter(|rule| !flagged.contains(rule) && rule.object().as_exact().is_some())
                .cloned()
                .collect();
        }
    }
    out
}

/// Returns the changes that lower the exposure, the best first.
pub(super) fn find(
    context: &Context<'_>,
    analysis: &Analysis<'_>,
    numbers: Option<&LineNumbers>,
) -> Vec<Change> {
    let mut drafts: BTreeSet<Draft<'_>> = BTreeSet::new();
    let written = context.map.without_implied();
    for (index, ((subject, entry), hits)) in
        context.map.subjects.iter().zip(&analysis.own).enumerate()
    {
        let written = written.subjects.get(subject);
        removals(&mut drafts, index, subject, written, hits);
        replacements(&mut drafts, context, index, subject, entry, hits);
        bindings(&mut drafts, context, hits);
    }
    let tried = if context.map.rule_count() > LARGE {
        TRIED_OF_LARGE
    } else {
        TRIED_MAX
    };
    let before = Before {
        exposure: analysis.exposure(),
        worst: analysis.worst(),
    };
    // The same lines may cause several findings.
    let mut known = BTreeSet::new();
    let mut changes: Vec<Change> = drafts
        .iter()
        .filter(|draft| known.insert((draft.index, &draft.removes, &draft.adds, &draft.binds)))
        .take(tried)
        .filter_map(|draft| attempt(context, analysis, &before, draft, numbers))
        .collect();
    let refused = |change: &Change| {
        let runs = change.in_runs.map_or(0, |runs| runs.operations);
        let recorded = change.in_recordings.as_ref();
        runs > 0 || recorded.is_some_and(|recorded| recorded.operations > 0)
    };
    changes.sort_by_key(|change| {
        (
            refused(change),
            change.exposure,
            Reverse(
                change
                    .subject_before
                    .tenths()
                    .saturating_sub(change.subject_after.tenths()),
            ),
            change.removes.len() + change.adds.len(),
        )
    });
    changes.truncate(SHOWN_MAX);
    changes
}

fn rules_of<'m>(hit: &Hit<'m>, subject: &Subject) -> Vec<&'m Rule> {
    let own = hit.causes.iter().filter_map(|cause| match cause {
        Cause {
            subject: Some(owner),
            line: CauseLine::Rule(rule),
        } if *owner == subject => Some(*rule),
        _ => None,
    });
    // The second line of a file that others execute is theirs, or a line without which less works.
    own.take(1).collect()
}

fn removals<'m>(
    drafts: &mut BTreeSet<Draft<'m>>,
    index: usize,
    subject: &Subject,
    written: Option<&Entry>,
    hits: &[Hit<'m>],
) {
    // A rule that another line implies cannot be removed alone.
    let is_written = |rule: &&Rule| written.is_none_or(|entry| entry.allow.contains(*rule));
    let mut by_finding: BTreeMap<(Severity, FindingKind, &str), BTreeSet<&'m Rule>> =
        BTreeMap::new();
    for hit in hits.iter().filter(|hit| hit.severity > Severity::Low) {
        let rules = by_finding
            .entry((hit.severity, hit.kind, &hit.text))
            .or_default();
        rules.extend(rules_of(hit, subject).into_iter().filter(is_written));
    }
    for ((severity, _, _), removes) in by_finding {
        if !removes.is_empty() {
            drafts.insert(Draft {
                severity: Reverse(severity),
                lines: removes.len(),
                index,
                action: Action::Remove,
                removes,
                adds: BTreeSet::new(),
                binds: None,
            });
        }
    }
}

fn replacements<'m>(
    drafts: &mut BTreeSet<Draft<'m>>,
    context: &Context<'m>,
    index: usize,
    subject: &'m Subject,
    entry: &'m Entry,
    hits: &[Hit<'m>],
) {
    let patterns = entry
        .allow
        .iter()
        .filter(|rule| rule.object().as_exact().is_none());
    for rule in patterns {
        let severity = hits
            .iter()
            .filter(|hit| rules_of(hit, subject).contains(&rule))
            .map(|hit| hit.severity)
            .max();
        let (Some(severity), Some(seen)) = (severity, context.seen.by_rule(subject, rule)) else {
            continue;
        };
        if seen.len() > NAMES_MAX {
            continue;
        }
        let mut without = only(context.map, subject);
        if let Some(entry) = without.subjects.get_mut(subject) {
            entry.allow.remove(rule);
        }
        let without = Matcher::new(&without, ANY_HOST);
        let adds: BTreeSet<Rule> = seen
            .into_iter()
            .filter(|(operation, object)| without.rule(subject, *operation, object).is_none())
            .map(|(operation, object)| Rule::of_point(operation, object))
            .collect();
        drafts.insert(Draft {
            severity: Reverse(severity),
            lines: 1,
            index,
            action: if adds.is_empty() {
                Action::Remove
            } else {
                Action::Replace
            },
            removes: BTreeSet::from([rule]),
            adds,
            binds: None,
        });
    }
}

fn bindings<'m>(drafts: &mut BTreeSet<Draft<'m>>, context: &Context<'m>, hits: &[Hit<'m>]) {
    let writes = hits
        .iter()
        .filter(|hit| hit.kind == FindingKind::WritesCode && hit.severity > Severity::Low);
    for hit in writes {
        let Some(cause) = hit.causes.last() else {
            continue;
        };
        let executed = match (&cause.line, cause.subject) {
            (CauseLine::Rule(rule), _) if rule.operation().op == Op::Exec => {
                rule.object().as_exact()
            }
            (CauseLine::Start(RuleObject::Exact(object)), _) => Some(object),
            (CauseLine::Key(key), Some(subject)) if key.starts_with("exe: ") => {
                subject.exe.as_ref()
            }
            _ => None,
        };
        let subjects = context.map.subjects.keys().enumerate();
        let runs = subjects
            .filter(|(_, subject)| subject.exe.is_some() && subject.exe.as_ref() == executed)
            .map(|(index, _)| index)
            .next();
        if let (Some(object), Some(index)) = (executed, runs)
            && !context.is_bound(object)
        {
            drafts.insert(Draft {
                severity: Reverse(hit.severity),
                lines: 1,
                index,
                action: Action::Bind,
                removes: BTreeSet::new(),
                adds: BTreeSet::new(),
                binds: Some((object.clone(), context.seen.digests(object))),
            });
        }
    }
}

struct Before {
    exposure: Exposure,
    worst: Vec<(super::Worst, super::Worst)>,
}

/// Applies a change to a copy of the map and reviews it. Returns `None` if the exposure stays.
fn attempt(
    context: &Context<'_>,
    analysis: &Analysis<'_>,
    before: &Before,
    draft: &Draft<'_>,
    numbers: Option<&LineNumbers>,
) -> Option<Change> {
    let (subject, entry) = context.map.subjects.iter().nth(draft.index)?;
    let mut map = context.map.without_implied();
    for (known, changed) in &mut map.subjects {
        if known == subject {
            changed.allow.retain(|rule| !draft.removes.contains(rule));
            changed.allow.extend(draft.adds.iter().cloned());
        }
        if let Some((object, digests)) = &draft.binds
            && known.exe.as_ref() == Some(object)
        {
            changed.digests.extend(digests);
            if digests.is_empty() {
                changed.digests.insert(ANY_DIGEST);
            }
        }
    }
    map.normalise();
    let after = Context::new(&map, context.sensitive, context.seen);
    let is_own = draft.binds.is_none() && !changes_executions(entry, map.subjects.get(subject)?);
    let after = Analysis::with(&after, |index| {
        let entries = [context.map, &map].map(|map| map.subjects.values().nth(index));
        let same = is_own && matches!(entries, [Some(one), Some(other)] if one == other);
        same.then(|| analysis.own.get(index).cloned()).flatten()
    });
    // A bound program matters to the subjects that can change it.
    let (exposure, worst) = (after.exposure(), after.worst());
    let lowered = |index: usize| {
        let old = Exposure::of(&before.worst.get(index)?.1);
        let new = Exposure::of(&worst.get(index)?.1);
        (new < old).then_some((index, old, new))
    };
    let (index, old, new) = match draft.action {
        Action::Bind => (0..worst.len())
            .filter_map(lowered)
            .max_by_key(|(_, old, new)| old.tenths() - new.tenths())?,
        _ => lowered(draft.index).or_else(|| {
            let old = Exposure::of(&before.worst.get(draft.index)?.1);
            (exposure < before.exposure).then_some((draft.index, old, old))
        })?,
    };
    let owner = context.map.subjects.values().nth(index)?;
    let lowers = worst_of(analysis.own.get(index)?)
        .into_iter()
        .filter(|(kind, severity)| {
            let own = after.own.get(index).map(|hits| worst_of(hits));
            own.is_some_and(|own| own.get(kind).is_none_or(|now| now < severity))
        })
        .map(|(kind, _)| kind)
        .collect();
    let (one, other) = (only(context.map, subject), only(&map, subject));
    let (one, other) = (Matcher::new(&one, ANY_HOST), Matcher::new(&other, ANY_HOST));
    // A line that another line covers takes nothing away.
    let is_covered = |rule: &Rule| {
        let object = rule.object().as_exact();
        object.is_some_and(|object| other.rule(subject, rule.operation(), object).is_some())
    };
    if draft.removes.iter().any(|rule| is_covered(rule)) {
        return None;
    }
    let binds = draft.binds.is_some();
    Some(Change {
        action: draft.action,
        text: text(draft, &entry.id),
        subject: if binds {
            entry.id.clone()
        } else {
            owner.id.clone()
        },
        removes: draft
            .removes
            .iter()
            .map(|rule| MapLine {
                subject: Some(entry.id.clone()),
                line: rule.to_string(),
                number: numbers.and_then(|numbers| numbers.rule(subject, rule)),
                shared: super::shared(numbers, subject, rule),
            })
            .collect(),
        adds: adds(draft),
        lowers,
        exposure,
        subject_before: old,
        subject_after: new,
        in_runs: context
            .seen
            .in_runs(subject, &one, &other)
            .filter(|_| !binds),
        in_recordings: context
            .seen
            .in_recordings(subject, &one, &other)
            .filter(|_| !binds),
    })
}

/// True if the rules of a subject differ in files that it may execute or read: these decide about the findings of others, too.
fn changes_executions(before: &Entry, after: &Entry) -> bool {
    before
        .allow
        .symmetric_difference(&after.allow)
        .any(|rule| match rule.operation().op {
            Op::Exec | Op::MapExec => true,
            Op::FileOpen => rule.operation().arg & ambit_abi::OPEN_READ != 0,
            _ => false,
        })
}

/// Returns a map with one subject only.
fn only(map: &Map, subject: &Subject) -> Map {
    let mut out = Map::new(map.domain.clone());
    (out.chain, out.coverage) = (map.chain, map.coverage);
    if let Some(entry) = map.subjects.get(subject) {
        out.subjects.insert(subject.clone(), entry.clone());
    }
    out
}

fn text(draft: &Draft<'_>, id: &str) -> String {
    let id = ambit_event::escape::line(id);
    if let Some((object, _)) = &draft.binds {
        let path = object_text(Op::Name, object);
        return format!("bind {path} to its digest: add `digest` to its subjects");
    }
    let first = draft
        .removes
        .first()
        .map(|rule| rule.named())
        .unwrap_or_default();
    match (draft.removes.len(), draft.adds.len()) {
        (1, 0) => format!("remove `{first}` of {id}"),
        (some, 0) => format!("remove {some} lines of {id}"),
        (_, 1) => format!("replace `{first}` of {id} by the one that was seen"),
        (_, some) => format!("replace `{first}` of {id} by the {some} that were seen"),
    }
}

fn adds(draft: &Draft<'_>) -> Vec<String> {
    let Some((_, digests)) = &draft.binds else {
        return draft.adds.iter().map(ToString::to_string).collect();
    };
    digests
        .iter()
        .map(|digest| {
            let mut line = String::from("digest: ");
            write_digest(&mut line, digest);
            line
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(lines: &[&str]) -> Entry {
        Entry {
            allow: lines
                .iter()
                .map(|line| Rule::parse(line).unwrap())
                .collect(),
            ..Entry::default()
        }
    }

    #[test]
    fn only_executed_and_read_files_matter_to_other_subjects() {
        let before = entry(&["file.open r /a", "file.open w /b", "exec /c"]);
        for (lines, matters) in [
            (&["file.open r /a", "exec /c"][..], false),
            (&["file.open r /a", "file.open w /*", "exec /c"], false),
            (&["file.open w /b", "exec /c"], true),
            (&["file.open r /a", "file.open w /b"], true),
            (
                &["file.open r /a", "file.open w /b", "exec /c", "map.exec /d"],
                true,
            ),
        ] {
            assert_eq!(
                changes_executions(&before, &entry(lines)),
                matters,
                "{lines:?}"
            );
        }
    }
}
