// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Groups the names of a directory into clusters, and finds the narrowest pattern for each.
//!
//! The number of names that a cluster needs depends on its evidence: names that the workload creates vary more likely
//! than names that it only reads.

use std::collections::{BTreeMap, BTreeSet};

use ambit_event::Object;
use ambit_event::lex::Class;

use super::name::{self, Part, PartKind, TemplatePart};
use super::sibling::Sibling;
use super::{Kind, Options, calendar, classed, shape};
use crate::dates;
use crate::learn::heuristics::{HASH_DIGITS_MIN, is_upper_hex_number};
use crate::pattern::{PathKind, PathPattern, Piece, canonical};

/// Minimum number of names in a spool if several maps are compared and the names are not in all of them.
const SPOOL_COMPARED: usize = 8;
/// Minimum number of names in a spool without other evidence.
const SPOOL: usize = 12;
/// Minimum number of names in a spool if each was seen in one run only; the runs must be at least `SINGLE_RUNS_MIN`.
const SPOOL_SINGLE_RUN: usize = 6;
const SINGLE_RUNS_MIN: u32 = 3;
/// Maximum length of an extension by which names are grouped.
const EXTENSION_MAX: usize = 9;

/// Names that one pattern covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cluster {
    pub(super) kind: Kind,
    pub(super) pieces: Vec<Piece>,
    pub(super) members: BTreeSet<Vec<u8>>,
    /// True if all compared maps and runs have all members.
    pub(super) steady: bool,
}

/// Returns the clusters among a directory's names. A name belongs to at most one. `compared` says that several maps or
/// runs can be compared.
pub(super) fn clusters(
    siblings: &[Sibling<'_>],
    options: &Options,
    compared: bool,
) -> Vec<Cluster> {
    let mut out = Vec::new();
    let mut remaining: Vec<&Sibling<'_>> = siblings.iter().collect();
    take_cluster(&mut remaining, &mut out, platforms);
    take_cluster(&mut remaining, &mut out, fanout);
    for cycle in calendar::cycles(&remaining) {
        take_cluster(&mut remaining, &mut out, |remaining| {
            of_cycle(&cycle, remaining, options, compared)
        });
    }
    for (kind, names) in shape::hex_numbers(&remaining) {
        take_cluster(&mut remaining, &mut out, |remaining| {
            of_shape(kind, &names, remaining, options)
        });
    }
    // All at once: each name belongs to one group.
    let found = by_template(&remaining, options);
    let taken = members(&found);
    remaining.retain(|sibling| !taken.contains(sibling.name));
    out.extend(found);
    absorb(&mut remaining, &mut out);
    for (kind, names) in shape::random_names(&remaining) {
        take_cluster(&mut remaining, &mut out, |remaining| {
            of_shape(kind, &names, remaining, options)
        });
    }
    // Names of which nothing varies are no spool.
    if compared {
        remaining.retain(|sibling| sibling.differs);
    }
    let mut by_extension: BTreeMap<&[u8], Vec<&Sibling<'_>>> = BTreeMap::new();
    for sibling in remaining.iter().filter(|sibling| sibling.created) {
        by_extension
            .entry(extension(sibling.name))
            .or_default()
            .push(sibling);
    }
    out.extend(
        by_extension
            .iter()
            .filter_map(|(end, group)| spool(end, group)),
    );
    varying(out, compared)
}

/// Returns the clusters of names that have the same template.
fn by_template(remaining: &[&Sibling<'_>], options: &Options) -> Vec<Cluster> {
    let mut groups: BTreeMap<Vec<TemplatePart>, Vec<(&Sibling<'_>, Vec<Part<'_>>)>> =
        BTreeMap::new();
    for sibling in remaining {
        let parts = name::parts(sibling.name);
        if sibling.date || parts.iter().any(|part| part.kind.is_some()) {
            let group = groups.entry(name::template(&parts)).or_default();
            group.push((sibling, parts));
        }
    }
    let found = groups
        .values()
        .filter_map(|group| of_template(group, options));
    found.collect()
}

/// Merges clusters with the same pattern, and leaves out those whose names were the same in all compared maps and runs.
fn varying(clusters: Vec<Cluster>, compared: bool) -> Vec<Cluster> {
    let mut out = merge_equal(clusters);
    out.retain(|cluster| !(compared && cluster.steady) || varies_by_form(cluster.kind));
    out
}

/// True if names of this kind vary although all runs and maps have the same ones: runs of one day write the same date.
const fn varies_by_form(kind: Kind) -> bool {
    matches!(kind, Kind::Dates | Kind::Uuids | Kind::Platforms)
}

/// Returns the cluster of names with this shape, if the evidence suffices.
fn of_shape(
    kind: Kind,
    shape: &shape::Shape,
    remaining: &[&Sibling<'_>],
    options: &Options,
) -> Option<Cluster> {
    let members: Vec<&Sibling<'_>> = remaining
        .iter()
        .copied()
        .filter(|sibling| shape.members.contains(sibling.name))
        .collect();
    let made = members
        .iter()
        .any(|sibling| sibling.created || sibling.written || sibling.differs);
    let needed = options.support.unwrap_or(match kind {
        // The shape was found by the runs that made the names.
        Kind::Random => 2,
        Kind::Hex if made => 2,
        _ => 3,
    });
    (members.len() >= needed).then(|| cluster(kind, shape.pieces.clone(), members.iter().copied()))
}

/// Returns the cluster of names that differ in a weekday or a month. Names that the workload only reads need one more.
fn of_cycle(
    cycle: &shape::Shape,
    remaining: &[&Sibling<'_>],
    options: &Options,
    compared: bool,
) -> Option<Cluster> {
    let members = remaining
        .iter()
        .copied()
        .filter(|sibling| cycle.members.contains(sibling.name));
    let made = members
        .clone()
        .any(|sibling| sibling.created || sibling.written);
    let needed = options.support.unwrap_or(if made { 2 } else { 3 }).max(2);
    let varies = !compared || members.clone().any(|sibling| sibling.differs);
    (varies && members.clone().count() >= needed)
        .then(|| cluster(Kind::Dates, cycle.pieces.clone(), members))
}

/// Merges clusters that have the same pattern.
fn merge_equal(clusters: Vec<Cluster>) -> Vec<Cluster> {
    let mut out: Vec<Cluster> = Vec::new();
    let mut places: BTreeMap<Vec<Piece>, usize> = BTreeMap::new();
    for cluster in clusters {
        let place = *places.entry(cluster.pieces.clone()).or_insert(out.len());
        match out.get_mut(place) {
            Some(other) => {
                other.members.extend(cluster.members);
                other.steady &= cluster.steady;
            }
            None => out.push(cluster),
        }
    }
    out
}

/// Returns the names that belong to clusters.
pub(super) fn members(clusters: &[Cluster]) -> BTreeSet<&[u8]> {
    let all = clusters.iter().flat_map(|cluster| &cluster.members);
    all.map(Vec::as_slice).collect()
}

/// Moves the members of a cluster out of `remaining`.
fn take_cluster(
    remaining: &mut Vec<&Sibling<'_>>,
    out: &mut Vec<Cluster>,
    find: impl FnOnce(&[&Sibling<'_>]) -> Option<Cluster>,
) {
    if let Some(cluster) = find(remaining) {
        remaining.retain(|sibling| !cluster.members.contains(sibling.name));
        out.push(cluster);
    }
}

fn cluster<'a>(
    kind: Kind,
    pieces: Vec<Piece>,
    members: impl Iterator<Item = &'a Sibling<'a>> + Clone,
) -> Cluster {
    Cluster {
        kind,
        // In canonical form, like the patterns of the map.
        pieces: canonical(pieces),
        steady: members.clone().all(|sibling| !sibling.differs),
        members: members.map(|sibling| sibling.name.to_vec()).collect(),
    }
}

/// Returns a cluster of platform names. Its pattern covers only those that were seen:
/// `{aarch64-linux-gnu,x86_64-linux-gnu}`.
fn platforms(remaining: &[&Sibling<'_>]) -> Option<Cluster> {
    let members = remaining
        .iter()
        .copied()
        .filter(|sibling| name::is_platform(sibling.name));
    let names: Vec<&[u8]> = members.clone().map(|sibling| sibling.name).collect();
    (names.len() > 1).then(|| {
        cluster(
            Kind::Platforms,
            vec![Piece::one_of(names.into_iter())],
            members,
        )
    })
}

/// Returns a cluster of directories over which hashes are distributed.
fn fanout(remaining: &[&Sibling<'_>]) -> Option<Cluster> {
    let members = remaining.iter().copied().filter(|sibling| sibling.fanout);
    (members.clone().count() > 1)
        .then(|| cluster(Kind::Hex, vec![Piece::Class(Class::Hex)], members))
}

/// Returns the cluster of names with the same template, if the evidence suffices.
fn of_template(group: &[(&Sibling<'_>, Vec<Part<'_>>)], options: &Options) -> Option<Cluster> {
    let (_, first) = group.first()?;
    let made = group
        .iter()
        .any(|(sibling, _)| sibling.created || sibling.written);
    let differs = group.iter().any(|(sibling, _)| sibling.differs);
    let spread = group.iter().any(|(sibling, _)| sibling.date);
    let at = |index: usize| group.iter().filter_map(move |(_, parts)| parts.get(index));
    let varies: Vec<bool> = (0..first.len())
        .map(|index| {
            at(index)
                .collect::<Vec<_>>()
                .windows(2)
                .any(|pair| matches!(pair, [one, other] if one.bytes != other.bytes))
        })
        .collect();
    // A position belongs to a date only if it does so in every name.
    let kinds: Vec<Option<PartKind>> = (0..first.len())
        .map(|index| {
            let common = at(index).filter_map(|part| part.kind).min();
            if spread && common == Some(PartKind::Number) {
                Some(PartKind::Date)
            } else {
                common
            }
        })
        .collect();
    let dated = |index: &usize| kinds.get(*index) == Some(&Some(PartKind::Date));
    let date = (0..first.len()).any(|index| dated(&index))
        && (made
            || (0..first.len()).any(|index| dated(&index) && varies.get(index) == Some(&true)));
    let chosen: Vec<bool> = (0..first.len())
        .map(|index| {
            varies.get(index) == Some(&true)
                || date && dated(&index)
                || group.len() == 1 && varies_alone(first, index, options)
        })
        .collect();
    let has_kind = |wanted: PartKind| {
        chosen
            .iter()
            .zip(&kinds)
            .any(|(chosen, kind)| *chosen && *kind == Some(wanted))
    };
    let needed = options.support.unwrap_or_else(|| {
        let long = |index: usize| at(index).all(|part| part.bytes.len() >= 4);
        let long = (0..first.len()).any(|index| chosen.get(index) == Some(&true) && long(index));
        match () {
            () if made && (date || has_kind(PartKind::Uuid)) => 1,
            () if has_kind(PartKind::Random) => 3,
            () if date || has_kind(PartKind::Uuid) || made || differs => 2,
            () if has_kind(PartKind::Hex) || long => 3,
            () => 4,
        }
    });
    if !chosen.contains(&true) || group.len() < needed {
        return None;
    }
    let pieces: Vec<Piece> = first
        .iter()
        .enumerate()
        .map(|(index, part)| match kinds.get(index).copied().flatten() {
            Some(kind) if chosen.get(index) == Some(&true) => Piece::Class(kind.class()),
            _ => Piece::Bytes(part.bytes.into()),
        })
        .collect();
    let kind = match () {
        () if date => Kind::Dates,
        () if has_kind(PartKind::Random) => Kind::Random,
        () if has_kind(PartKind::Uuid) => Kind::Uuids,
        () if has_kind(PartKind::Hex) => Kind::Hex,
        () if is_versioned(first) => Kind::Versions,
        () => Kind::Numbers,
    };
    Some(cluster(
        kind,
        pieces,
        group.iter().map(|(sibling, _)| *sibling),
    ))
}

/// True if a part varies by its form alone: no other name has the same template.
fn varies_alone(parts: &[Part<'_>], index: usize, options: &Options) -> bool {
    let Some(part) = parts.get(index) else {
        return false;
    };
    match part.kind {
        Some(PartKind::Uuid) => true,
        Some(PartKind::Hex) => options.support == Some(1) && part.bytes.len() >= HASH_DIGITS_MIN,
        Some(PartKind::Number) if options.support == Some(1) => {
            let before = |text: &[u8], steps: usize| {
                index
                    .checked_sub(steps)
                    .and_then(|at| parts.get(at))
                    .is_some_and(|part| part.kind.is_none() && part.bytes.ends_with(text))
            };
            // The major version is part of a library's ABI or a language's identity, so it stays fixed.
            before(b"cpython-", 1)
                || before(b"python", 3) && before(b".", 1)
                || (3..=index).step_by(2).any(|steps| before(b".so.", steps)) && before(b".", 1)
        }
        _ => false,
    }
}

/// True if the numbers of a name are the version of a library or language.
fn is_versioned(parts: &[Part<'_>]) -> bool {
    parts.iter().any(|part| {
        part.kind.is_none()
            && ([&b".so."[..], b"cpython-"]
                .iter()
                .any(|end| part.bytes.ends_with(end))
                || [
                    &b"python"[..],
                    b"perl",
                    b"ruby",
                    b"php",
                    b"gcc",
                    b"llvm-",
                    b"node",
                ]
                .contains(&part.bytes))
    })
}

/// Adds names with another template to a cluster whose pattern covers them, for example a hash that has digits only by
/// chance.
fn absorb(remaining: &mut Vec<&Sibling<'_>>, clusters: &mut [Cluster]) {
    for cluster in clusters {
        let fixed = cluster
            .pieces
            .iter()
            .any(|piece| matches!(piece, Piece::Bytes(_)));
        if !fixed && cluster.kind == Kind::Random || cluster.kind == Kind::Platforms {
            continue;
        }
        let covers = covers(&cluster.pieces);
        let lengths: BTreeSet<usize> = cluster.members.iter().map(Vec::len).collect();
        remaining.retain(|sibling| {
            let length = lengths.contains(&sibling.name.len());
            let joins =
                (length || sibling.created && follows(&cluster.pieces)) && covers(sibling.name);
            if joins {
                cluster.members.insert(sibling.name.to_vec());
            }
            !joins
        });
    }
}

/// True if names that a pattern covers belong to it by this alone: it has a fixed part, or its class is narrow.
pub(super) fn follows(pieces: &[Piece]) -> bool {
    let wide = |piece: &Piece| matches!(piece, Piece::Star | Piece::StarStar | Piece::Either(_));
    let fixed = |piece: &Piece| matches!(piece, Piece::Bytes(_));
    let class = |piece: &Piece| matches!(piece, Piece::Class(_));
    let long = |piece: &Piece| matches!(piece, Piece::Class(Class::Uuid));
    !pieces.iter().any(wide)
        && pieces.iter().any(class)
        && (pieces.iter().any(fixed) || pieces.iter().all(long))
}

/// Returns clusters of names that a pattern of the map covers. Learning or an earlier generalisation recognised other names
/// of the same directory, but not these, which may look like words. They were created themselves, or files are created under
/// the pattern: each of `children` says that.
pub(super) fn learned_clusters<'c>(
    siblings: &[Sibling<'_>],
    children: impl Iterator<Item = (&'c Vec<Piece>, bool)>,
) -> Vec<Cluster> {
    let is_number = |component: &[Piece]| *component == [Piece::Class(Class::Hex)];
    let made_up = children.filter(|(component, _)| follows(component) || is_number(component));
    let mut out: Vec<Cluster> = Vec::new();
    let mut free: Vec<&Sibling<'_>> = siblings.iter().collect();
    for (component, creates) in made_up {
        let covers = covers(component);
        let joins = |one: &Sibling<'_>| {
            (creates || one.created)
                && covers(one.name)
                && (!is_number(component) || is_upper_hex_number(one.name))
        };
        out.extend(take_members(component, &mut free, joins));
    }
    out
}

/// Returns the cluster of a map's pattern and the names that join it, which it moves out of `free`; `None` if there is no such
/// name.
fn take_members(
    component: &[Piece],
    free: &mut Vec<&Sibling<'_>>,
    joins: impl Fn(&Sibling<'_>) -> bool,
) -> Option<Cluster> {
    let mut members: BTreeSet<Vec<u8>> = BTreeSet::new();
    free.retain(|one| {
        let joins = joins(one);
        if joins {
            members.insert(one.name.to_vec());
        }
        !joins
    });
    (!members.is_empty()).then(|| Cluster {
        kind: kind_of(component),
        pieces: component.to_vec(),
        members,
        steady: false,
    })
}

/// Returns the clusters among a directory's names with classes, spelled by [`classed::spell`]: those that a pattern of the
/// map covers, and those that differ in further parts.
pub(super) fn classed_clusters<'c>(
    siblings: &[Sibling<'_>],
    children: impl Iterator<Item = &'c Vec<Piece>>,
    options: &Options,
    compared: bool,
) -> Vec<Cluster> {
    let mut free: Vec<&Sibling<'_>> = siblings.iter().collect();
    let mut out: Vec<Cluster> = Vec::new();
    for component in children.filter(|component| follows(component)) {
        let covers = classed::covers(component);
        let joins = |one: &Sibling<'_>| classed::pieces(one.name) != *component && covers(one.name);
        out.extend(take_members(component, &mut free, joins));
    }
    let found = by_template(&free, options).into_iter();
    out.extend(found.map(|cluster| Cluster {
        pieces: classed::unspell(cluster.pieces),
        ..cluster
    }));
    varying(out, compared)
}

/// Returns the kind of a pattern by its widest class.
fn kind_of(pieces: &[Piece]) -> Kind {
    let has = |wanted: Class| pieces.contains(&Piece::Class(wanted));
    match () {
        () if has(Class::Tmp) => Kind::Random,
        () if has(Class::Hex) => Kind::Hex,
        () if has(Class::Uuid) => Kind::Uuids,
        () if pieces.iter().any(dates::is_date) => Kind::Dates,
        () => Kind::Numbers,
    }
}

/// Returns a test whether the pieces cover a name.
pub(super) fn covers(pieces: &[Piece]) -> impl Fn(&[u8]) -> bool + use<> {
    let pattern = PathPattern::new(PathKind::Memfd, pieces.to_vec());
    move |name| pattern.matches(&Object::Memfd(name.into()))
}

pub(super) fn extension(name: &[u8]) -> &[u8] {
    let at = name.iter().rposition(|byte| *byte == b'.');
    let end = at.filter(|at| *at > 0).and_then(|at| name.get(at..));
    end.filter(|end| {
        (2..=EXTENSION_MAX).contains(&end.len())
            && end.iter().skip(1).all(u8::is_ascii_alphanumeric)
    })
    .unwrap_or_default()
}

/// Returns a spool: many names that the workload created, with a common extension and nothing else in common.
fn spool(end: &[u8], group: &[&Sibling<'_>]) -> Option<Cluster> {
    let differs = group.iter().any(|sibling| sibling.differs);
    let needed = match (differs, end.is_empty()) {
        (true, false) => SPOOL_COMPARED,
        (false, false) => SPOOL,
        (true, true) => 2 * SPOOL_COMPARED,
        (false, true) => 2 * SPOOL,
    };
    let single;
    let group = if group.len() >= needed {
        group
    } else {
        single = single_run(group)?;
        &single
    };
    let begin = common_prefix(end.len(), group);
    let pieces = vec![
        Piece::Bytes(begin.into()),
        Piece::Star,
        Piece::Bytes(end.into()),
    ];
    let pieces = pieces
        .into_iter()
        .filter(|piece| !matches!(piece, Piece::Bytes(bytes) if bytes.is_empty()))
        .collect();
    Some(cluster(Kind::Siblings, pieces, group.iter().copied()))
}

/// Returns the names that one run only used, if there are enough of them in enough runs: the next run will then create
/// other names.
fn single_run<'a, 'n>(group: &[&'a Sibling<'n>]) -> Option<Vec<&'a Sibling<'n>>> {
    let single = group
        .iter()
        .filter(|sibling| sibling.runs.is_power_of_two());
    let single: Vec<&Sibling<'_>> = single.copied().collect();
    let runs = single.iter().fold(0, |runs, sibling| runs | sibling.runs);
    (single.len() >= SPOOL_SINGLE_RUN && runs.count_ones() >= SINGLE_RUNS_MIN).then_some(single)
}

/// Returns the common prefix of the names, up to its last separator.
fn common_prefix<'a>(end: usize, group: &[&Sibling<'a>]) -> &'a [u8] {
    let Some(first) = group.first() else {
        return &[];
    };
    let least = group
        .iter()
        .map(|sibling| sibling.name.len())
        .min()
        .unwrap_or(0)
        .saturating_sub(end);
    let common = group.iter().fold(least, |common, sibling| {
        let same = first.name.iter().zip(sibling.name);
        common.min(same.take_while(|(a, b)| a == b).count())
    });
    let common = first.name.get(..common).unwrap_or_default();
    let sign = common
        .iter()
        .rposition(|byte| !byte.is_ascii_alphanumeric());
    sign.and_then(|at| common.get(..=at)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(names: &[&str], made: bool, differs: bool) -> Vec<String> {
        let siblings: Vec<Sibling<'_>> = names
            .iter()
            .map(|name| Sibling {
                name: name.as_bytes(),
                created: made,
                written: made,
                differs,
                runs: 0,
                fanout: false,
                date: false,
            })
            .collect();
        clusters(&siblings, &Options::default(), false)
            .into_iter()
            .map(|cluster| PathPattern::new(PathKind::Path, cluster.pieces).to_string())
            .collect()
    }

    #[test]
    fn only_differing_parts_become_classes() {
        assert_eq!(
            found(&["node1-job17", "node1-job18"], true, false),
            ["node1-job{n}"]
        );
        assert_eq!(
            found(&["libfoo.so.1.2.3", "libfoo.so.1.2.4"], false, true),
            ["libfoo.so.1.2.{n}"]
        );
        assert_eq!(
            found(&["python3.11", "python3.12"], false, true),
            ["python3.{n}"]
        );
    }

    #[test]
    fn a_date_varies_as_a_whole() {
        assert_eq!(
            found(&["log.2026-11-24", "log.2026-11-25"], true, false),
            ["log.{n}-{n}-{n}"]
        );
        assert_eq!(
            found(&["app-2026-11-24.log"], true, false),
            ["app-{n}-{n}-{n}.log"]
        );
        assert_eq!(found(&["app-2026-11-24.log"], false, false), [""; 0]);
    }

    #[test]
    fn names_that_are_only_read_need_more_evidence() {
        assert_eq!(found(&["man1", "man5", "man8"], false, false), [""; 0]);
        assert_eq!(
            found(&["cpu0", "cpu1", "cpu2", "cpu3"], false, false),
            ["cpu{n}"]
        );
        assert_eq!(found(&["cpu0", "cpu1"], false, true), ["cpu{n}"]);
    }

    #[test]
    fn the_narrowest_class_that_covers_all_is_chosen() {
        assert_eq!(found(&["a-12345678", "a-12345679"], true, false), ["a-{n}"]);
        assert_eq!(
            found(&["a-1f3b5a7c", "a-90ab12cd", "a-12345678"], true, false),
            ["a-{hex}"]
        );
        assert_eq!(
            found(&["a-k2LqP9xY", "a-aB3dE6fG", "a-Zz9Yy8Xx"], true, false),
            ["a-{tmp}"]
        );
        assert_eq!(
            found(&["x86_64-linux-gnu", "aarch64-linux-gnu"], false, true),
            ["{aarch64-linux-gnu,x86_64-linux-gnu}"]
        );
    }

    #[test]
    fn many_files_of_the_workload_s_own_with_one_ending_are_a_spool() {
        let names: Vec<String> = [
            "ant", "bee", "cat", "dog", "eel", "fox", "gnu", "hen", "ibis", "jay", "kite", "lark",
        ]
        .iter()
        .map(|name| format!("job-{name}.msg"))
        .collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        assert_eq!(found(&names, true, false), ["job-*.msg"]);
        assert_eq!(found(&names, false, true), [""; 0]);
        assert_eq!(found(&names[..8], true, false), [""; 0]);
        assert_eq!(found(&names[..8], true, true), ["job-*.msg"]);
    }

    #[test]
    fn names_of_single_runs_need_less_evidence_for_a_spool() {
        let names = ["qwer", "asdf", "yxcv", "tzui", "ghjk", "vbnm", "lock"];
        let spool = |runs: [u128; 7]| {
            let siblings = names.iter().zip(runs).map(|(name, runs)| Sibling {
                name: name.as_bytes(),
                created: true,
                written: true,
                differs: true,
                runs,
                fanout: false,
                date: false,
            });
            let siblings: Vec<Sibling<'_>> = siblings.collect();
            let mut found = clusters(&siblings, &Options::default(), false);
            found
                .pop()
                .map(|cluster| (cluster.pieces, cluster.members.len()))
        };
        let star = vec![Piece::Star];
        assert_eq!(spool([1, 1, 2, 2, 4, 4, 7]), Some((star, 6)));
        assert_eq!(spool([1, 1, 1, 1, 1, 1, 7]), None, "one run made them all");
        assert_eq!(spool([1, 1, 2, 2, 4, 6, 7]), None, "some came again");
        assert_eq!(spool([0; 7]), None, "nothing is known of runs");
    }

    #[test]
    fn ten_thousand_names_of_half_as_many_forms_are_clustered() {
        let names: Vec<String> = (0..10_000)
            .map(|number: u32| {
                let form = number / 2;
                let letters: String = (0..4)
                    .map(|at| char::from(b'g' + u8::try_from(form / 10_u32.pow(at) % 10).unwrap()))
                    .collect();
                format!("{letters}-{}", number % 2)
            })
            .collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let found = found(&names, true, false);
        assert_eq!(found.len(), 5_000);
        assert_eq!(found.first().map(String::as_str), Some("gggg-{n}"));
    }

    #[test]
    fn weekdays_and_months_follow_in_the_same_spelling() {
        assert_eq!(
            found(&["log-Mon.txt", "log-Tue.txt"], true, true),
            ["log-{Fri,Mon,Sat,Sun,Thu,Tue,Wed}.txt"]
        );
        assert_eq!(
            found(&["june", "may", "july"], true, true),
            [
                "{april,august,december,february,january,july,june,march,may,november,october,\
                 september}"
            ]
        );
        for names in [
            &["log-Mon.txt", "log-tue.txt"][..],
            &["Monitor", "Tuesdays"],
            &["sun.conf", "oracle.conf"],
            &["may.txt"],
        ] {
            assert_eq!(found(names, true, true), [""; 0], "{names:?}");
        }
    }

    #[test]
    fn words_stay_words() {
        let words = [
            "access.log",
            "error.log",
            "README",
            "Makefile",
            "NetworkManager",
        ];
        assert_eq!(found(&words, true, true), [""; 0]);
    }
}
