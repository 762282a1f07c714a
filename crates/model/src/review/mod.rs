// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Reviews a map: lists the abilities of an attacker in control of a subject.
//!
//! The checks read the map's lines only. Each line that matters is a hit with a kind, a severity and a sentence; equal
//! sentences of a subject form a finding. A subject also has the abilities of the subjects that it can start. In doubt the
//! checks assume the worse case: a pattern counts for each place that it may cover.

mod chain;
mod changes;
mod code;
mod context;
mod exposure;
mod files;
mod finding;
mod kind;
mod network;
mod seen;
mod tables;
mod tasks;

use std::collections::BTreeMap;

use ambit_abi::{Coverage, Family, Response};
use ambit_event::Subject;
use serde::Serialize;

pub use changes::{Action, Change, candidates};
pub use exposure::Exposure;
pub use finding::{Finding, MapLine, Reached, SharedLine, SubjectReview};
pub use kind::{FindingKind, Severity};
pub use seen::{Evidence, InRecordings, InRuns};

use crate::file::LineNumbers;
use crate::{FAMILIES, Map, Rule, Sensitive, Statistics};
use chain::Start;
use code::Executions;
use context::{Cause, CauseLine, Checked, Context, Hit};
use exposure::{Worst, raise};
use seen::Seen;

/// The data beside the map that a review uses.
#[derive(Clone, Copy, Debug, Default)]
pub struct ReviewOptions<'a> {
    /// Statistics of the map's learning runs.
    pub statistics: Option<&'a Statistics>,
    /// Operations of recordings.
    pub evidence: Option<&'a Evidence>,
    /// Line numbers of the map's file.
    pub numbers: Option<&'a LineNumbers>,
    /// True to look for no changes, which takes most of the time.
    pub without_changes: bool,
}

/// The review of a map.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Review {
    /// The exposure of all subjects together.
    pub exposure: Exposure,
    /// The severity of a single finding with about this exposure.
    pub level: Option<Severity>,
    /// Findings about the whole map.
    pub findings: Vec<Finding>,
    /// The subjects, the most exposed first.
    pub subjects: Vec<SubjectReview>,
    /// The smallest changes that lower the exposure, the best first.
    pub changes: Vec<Change>,
}

impl Review {
    /// Returns the worst findings of all subjects, each with the subject's id, at most `most`. Sentences that several
    /// subjects have in common occur once.
    pub fn worst(&self, most: usize) -> Vec<(&str, &Finding)> {
        let mut all: Vec<(&str, &Finding)> = self
            .subjects
            .iter()
            .flat_map(|one| one.findings.iter().map(|finding| (&*one.id, finding)))
            .collect();
        all.sort_by_key(|(_, finding)| std::cmp::Reverse(finding.severity));
        let mut texts = std::collections::BTreeSet::new();
        all.retain(|(_, finding)| texts.insert(&finding.text));
        all.truncate(most);
        all
    }
}

/// Reviews a map.
pub fn review(map: &Map, sensitive: &Sensitive, options: &ReviewOptions<'_>) -> Review {
    let seen = Seen::new(options.statistics, options.evidence);
    let context = Context::new(map, sensitive, &seen);
    let analysis = Analysis::of(&context);
    let mut review = analysis.review(options.numbers);
    if !options.without_changes {
        review.changes = changes::find(&context, &analysis, options.numbers);
    }
    review
}

/// The hits of a map.
struct Analysis<'m> {
    map: &'m Map,
    /// Hits of the whole map.
    general: Vec<Hit<'m>>,
    /// Hits by subject, in the map's order.
    own: Vec<Vec<Hit<'m>>>,
    starts: Vec<Vec<Start<'m>>>,
}

impl<'m> Analysis<'m> {
    fn of(context: &Context<'m>) -> Self {
        Self::with(context, |_| None)
    }

    /// The same, but `known` returns the hits of subjects, by their index, that need not be computed.
    fn with(context: &Context<'m>, known: impl Fn(usize) -> Option<Vec<Hit<'m>>>) -> Self {
        let map = context.map;
        let starts = chain::starts(map);
        let executions = Executions::of(context);
        let own = map
            .subjects
            .iter()
            .zip(&starts)
            .enumerate()
            .map(|(index, ((subject, entry), starts))| {
                if let Some(hits) = known(index) {
                    return hits;
                }
                let mut checked = Checked {
                    context,
                    subject,
                    entry,
                    hits: Vec::new(),
                };
                for rule in checked.rules() {
                    checked.check_file(rule);
                    checked.check_code(rule, &executions);
                    checked.check_network(rule);
                    checked.check_task(rule);
                }
                checked.check_starts(starts);
                checked.check_creds();
                checked.hits
            })
            .collect();
        Self {
            map,
            general: general(map),
            own,
            starts,
        }
    }

    /// Returns the worst severities of each subject, alone and with everything that it reaches.
    fn worst(&self) -> Vec<(Worst, Worst)> {
        let general = worst_of(&self.general);
        let own: Vec<Worst> = self
            .own
            .iter()
            .map(|hits| {
                let mut worst = worst_of(hits);
                raise(&mut worst, &general);
                worst
            })
            .collect();
        own.iter()
            .enumerate()
            .map(|(index, alone)| {
                let mut all = alone.clone();
                for path in chain::reached(&self.starts, index) {
                    if let Some(reached) = path.last().and_then(|start| own.get(start.to)) {
                        raise(&mut all, reached);
                    }
                }
                (alone.clone(), all)
            })
            .collect()
    }

    /// Returns the exposure of all subjects together.
    fn exposure(&self) -> Exposure {
        let mut all = worst_of(&self.general);
        for hits in &self.own {
            raise(&mut all, &worst_of(hits));
        }
        Exposure::of(&all)
    }

    fn review(&self, numbers: Option<&LineNumbers>) -> Review {
        let exposure = self.exposure();
        let mut subjects: Vec<SubjectReview> = self
            .map
            .subjects
            .iter()
            .zip(&self.own)
            .zip(self.worst())
            .enumerate()
            .map(
                |(index, (((subject, entry), hits), (alone, all)))| SubjectReview {
                    id: entry.id.clone(),
                    subject: subject.clone(),
                    exposure: Exposure::of(&all),
                    level: Exposure::of(&all).level(),
                    own_exposure: Exposure::of(&alone),
                    findings: findings(self.map, hits, numbers),
                    reaches: self.reaches(index, &alone),
                },
            )
            .collect();
        subjects.sort_by(|one, other| {
            let key = |subject: &SubjectReview| (subject.exposure, subject.own_exposure);
            key(other)
                .cmp(&key(one))
                .then_with(|| one.id.cmp(&other.id))
        });
        Review {
            exposure,
            level: exposure.level(),
            findings: findings(self.map, &self.general, numbers),
            subjects,
            changes: Vec::new(),
        }
    }

    fn reaches(&self, index: usize, alone: &Worst) -> Vec<Reached> {
        let entries: Vec<_> = self.map.subjects.values().collect();
        let mut known = alone.clone();
        let paths = chain::reached(&self.starts, index);
        let reached = paths.into_iter().filter_map(|path| {
            let to = path.last()?.to;
            let worst = worst_of(self.own.get(to)?);
            let adds: Worst = worst
                .iter()
                .filter(|(kind, severity)| known.get(kind).is_none_or(|known| known < *severity))
                .map(|(kind, severity)| (*kind, *severity))
                .collect();
            raise(&mut known, &worst);
            let program = |start: &Start<'_>| {
                let mut text = String::new();
                start
                    .rule
                    .object()
                    .write(start.rule.operation().op, &mut text);
                text
            };
            Some(Reached {
                id: entries.get(to)?.id.clone(),
                through: path.iter().map(program).collect(),
                severity: adds.values().max().copied(),
                adds: adds.into_keys().collect(),
            })
        });
        reached.collect()
    }
}

fn worst_of(hits: &[Hit<'_>]) -> Worst {
    let mut worst = Worst::new();
    for hit in hits {
        raise(&mut worst, &Worst::from([(hit.kind, hit.severity)]));
    }
    worst
}

/// Forms findings from hits with equal sentences, the worst first.
fn findings(map: &Map, hits: &[Hit<'_>], numbers: Option<&LineNumbers>) -> Vec<Finding> {
    let mut found: BTreeMap<(std::cmp::Reverse<Severity>, _, &str), Vec<MapLine>> = BTreeMap::new();
    for hit in hits {
        let key = (std::cmp::Reverse(hit.severity), hit.kind, &*hit.text);
        let lines = found.entry(key).or_default();
        lines.extend(hit.causes.iter().map(|cause| line(map, cause, numbers)));
    }
    found
        .into_iter()
        .map(|((severity, kind, text), mut lines)| {
            lines.sort_by(|one, other| {
                let key = |line: &MapLine| (line.number.is_none(), line.number);
                key(one).cmp(&key(other)).then_with(|| one.cmp(other))
            });
            lines.dedup();
            Finding {
                kind,
                severity: severity.0,
                text: text.to_owned(),
                lines,
            }
        })
        .collect()
}

/// Returns the line of the map for a cause.
fn line(map: &Map, cause: &Cause<'_>, numbers: Option<&LineNumbers>) -> MapLine {
    let id = |subject: &Subject| map.subjects.get(subject).map(|entry| entry.id.clone());
    let (line, number) = match (&cause.line, cause.subject) {
        (CauseLine::Rule(rule), Some(subject)) => (
            rule.to_string(),
            numbers.and_then(|numbers| numbers.rule(subject, rule)),
        ),
        (CauseLine::Rule(rule), None) => (rule.to_string(), None),
        (CauseLine::Start(object), _) => {
            let mut text = String::from("start: ");
            object.write(ambit_abi::Op::Exec, &mut text);
            (text, numbers.and_then(|numbers| numbers.start(object)))
        }
        (CauseLine::Key(text), subject) => (
            text.clone(),
            subject.and_then(|subject| {
                let key = text.split_once(':').map_or(&**text, |(key, _)| key);
                numbers?.key(subject, key)
            }),
        ),
    };
    MapLine {
        subject: cause.subject.and_then(id),
        line,
        number,
        shared: match (&cause.line, cause.subject) {
            (CauseLine::Rule(rule), Some(subject)) => shared(numbers, subject, rule),
            _ => None,
        },
    }
}

/// Returns the group whose line has a subject's rule, if other subjects use it.
fn shared(numbers: Option<&LineNumbers>, subject: &Subject, rule: &Rule) -> Option<SharedLine> {
    let (group, others) = numbers?.shared(subject, rule)?;
    Some(SharedLine {
        group: group.to_owned(),
        others,
    })
}

/// Returns the hits of the whole map: its coverage and its responses.
fn general(map: &Map) -> Vec<Hit<'_>> {
    let mut hits = Vec::new();
    let mut add = |severity, text: &str, lines: Vec<String>| {
        hits.push(Hit {
            kind: FindingKind::Unchecked,
            severity,
            text: text.to_owned(),
            causes: lines
                .into_iter()
                .map(|line| Cause {
                    subject: None,
                    line: CauseLine::Key(line),
                })
                .collect(),
        });
    };
    if map.coverage == Coverage::Core {
        add(
            Severity::Medium,
            "The map decides nothing about mounts, user namespaces, System V IPC, keys, bpf(2), io_uring, attributes and passed \
             descriptors: its coverage is `core`.",
            vec!["coverage: core".to_owned()],
        );
    }
    let logged = |worst: bool| {
        let rows = FAMILIES.iter().zip(map.outside);
        rows.filter(move |(family, response)| {
            let is_worst = matches!(
                family,
                Family::Exec | Family::File | Family::Map | Family::Cap
            );
            *response == Response::Log && is_worst == worst
        })
        .map(|(family, _)| format!("respond: outside: {{{}: log}}", family.name()))
        .collect::<Vec<String>>()
    };
    let text = "Operations outside the map are recorded and not refused.";
    for (worst, severity) in [(true, Severity::Critical), (false, Severity::High)] {
        let lines = logged(worst);
        if !lines.is_empty() {
            add(severity, text, lines);
        }
    }
    hits
}
