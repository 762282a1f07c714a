// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The search for places where names vary, from the root of a tree of names down. The contents of directories that form a
//! cluster are compared as one.

use std::collections::{BTreeMap, BTreeSet};

use ambit_abi::{self as abi, Op};
use ambit_event::lex::Class;
use ambit_event::{Operation, Subject};

use super::cluster::{Cluster, classed_clusters, clusters, extension, learned_clusters, members};
use super::sibling::Sibling;
use super::tree::{Component, Node, Tree, exact, pieces};
use super::{Kind, Options, alike, around, classed, name};
use crate::Rule;
use crate::learn::heuristics::is_hash;
use crate::pattern::{PathKind, PathPattern, Piece};

/// Directories in which the kernel part already replaces numbers by markers.
const NUMBERED: [&[&[u8]]; 2] = [&[b"proc"], &[b"dev", b"pts"]];
/// Maximum depth of directories that hashes are distributed over.
const FANOUT_DEPTH: usize = 3;
/// Minimum number of different paths in a cache if several maps or runs are compared.
const CACHE_PATHS_COMPARED: usize = 32;
/// Minimum number of different paths in a cache without comparison.
const CACHE_PATHS: usize = 64;
/// Minimum number of files of one extension in a directory that is only read.
const BESIDE_MIN: usize = 2;
/// Minimum number of hex digits in the names that a directory is named after.
const FAN_RUN_MIN: usize = 6;
/// Minimum number of subdirectories in a cache.
const CACHE_DIRECTORIES: usize = 4;

/// A place where paths get a pattern: the topmost component that varies.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) kind: Kind,
    pub(super) path: Vec<Component>,
    pub(super) members: BTreeSet<Vec<u8>>,
    pub(super) steady: bool,
    /// The place above, whose pattern covers this place, too. This one keeps the name above exact.
    pub(super) inside: Option<usize>,
    /// Indices of lines, each with the pattern that replaces the line.
    pub(super) lines: Vec<(usize, Vec<Component>)>,
}

impl Place {
    /// Returns the lines, for directories of one kind only those that may be expected in each of them.
    pub(super) fn expected(&self, lines: &[(&Subject, &Rule)]) -> Vec<(usize, Vec<Component>)> {
        let depth = self.path.len();
        let own = self.lines.iter().filter(|(number, path)| {
            let line = lines.get(*number);
            self.kind != Kind::Alike
                || line.is_some_and(|(_, rule)| {
                    alike::is_expected(rule.operation(), path.get(depth..).unwrap_or_default())
                })
        });
        own.cloned().collect()
    }
}

/// Directories whose contents are compared as one.
struct Group {
    nodes: Vec<usize>,
    path: Vec<Component>,
    place: Option<usize>,
    /// The place whose names are kept exact here.
    inside: Option<usize>,
    /// Number of levels below that belong to a date.
    date_levels: usize,
}

impl Tree {
    /// Returns the places where names vary.
    pub(super) fn places(mut self, options: &Options) -> Vec<Place> {
        self.propagate();
        let mut places = Vec::new();
        let mut groups = vec![Group {
            nodes: vec![0],
            path: Vec::new(),
            place: None,
            inside: None,
            date_levels: 0,
        }];
        while let Some(group) = groups.pop() {
            self.visit(&group, options, &mut places, &mut groups);
        }
        places
    }

    fn visit(
        &self,
        group: &Group,
        options: &Options,
        places: &mut Vec<Place>,
        groups: &mut Vec<Group>,
    ) {
        let nodes = || group.nodes.iter().filter_map(|node| self.nodes.get(*node));
        if let Some(place) = group.place.and_then(|place| places.get_mut(place)) {
            let lines = nodes().flat_map(|node| &node.lines);
            place
                .lines
                .extend(lines.map(|line| (*line, group.path.clone())));
        }
        let mut children: BTreeMap<&Component, Vec<usize>> = BTreeMap::new();
        for node in nodes() {
            for (component, child) in &node.children {
                children.entry(component).or_default().push(*child);
            }
        }
        children.retain(|component, _| {
            let names = || group.path.iter().chain(std::iter::once(*component));
            !NUMBERED.iter().any(|numbered| {
                names().count() == numbered.len()
                    && names()
                        .zip(*numbered)
                        .all(|(name, numbered)| exact(name) == Some(numbered))
            })
        });
        // Most groups are files.
        if children.is_empty() {
            return;
        }
        let siblings: Vec<Sibling<'_>> = children
            .iter()
            .filter_map(|(component, nodes)| {
                Some(self.sibling(exact(component)?, nodes, group.date_levels > 0))
            })
            .collect();
        let created = |nodes: &[usize]| {
            let mut nodes = nodes.iter().filter_map(|node| self.nodes.get(*node));
            nodes.any(|node| node.created)
        };
        let names = children.iter();
        let names = names.map(|(component, nodes)| (*component, created(nodes)));
        let mut found = learned_clusters(&siblings, names);
        let taken = members(&found);
        let remaining = siblings.into_iter();
        let remaining: Vec<Sibling<'_>> =
            remaining.filter(|one| !taken.contains(one.name)).collect();
        found.extend(clusters(&remaining, options, self.is_compared()));
        let spelled: Vec<(Vec<u8>, &Vec<usize>)> = children
            .iter()
            .filter_map(|(component, nodes)| Some((classed::spell(component)?, nodes)))
            .collect();
        let with_classes: Vec<Sibling<'_>> = spelled
            .iter()
            .map(|(name, nodes)| self.sibling(name, nodes, false))
            .collect();
        let patterns = children.keys().copied();
        let patterns = patterns.chain(found.iter().map(|cluster| &cluster.pieces));
        let joined = classed_clusters(&with_classes, patterns, options, self.is_compared());
        found.extend(joined);
        let created = children.iter().filter(|(_, nodes)| created(nodes));
        let created = created.map(|(component, _)| *component);
        found.extend(around::clusters(created, &found, options));
        found.extend(self.beside(&children, &found));
        found.extend(alike::clusters(
            self,
            group.path.len(),
            &children,
            &found,
            options,
        ));
        let cache = self.cache_cluster(group, &children, &found, options);
        found.extend(cache);
        // Names that several directories have together are no evidence that any name may follow.
        let place = group.place.and_then(|place| places.get(place));
        if place.is_some_and(|place| place.kind == Kind::Alike) {
            let wide = |piece: &Piece| matches!(piece, Piece::Star | Piece::StarStar);
            found.retain(|cluster| !cluster.pieces.iter().any(wide));
        }
        for cluster in found {
            self.descend(group, cluster, &mut children, places, groups);
        }
        for (component, nodes) in children {
            let mut path = group.path.clone();
            path.push(component.clone());
            groups.push(Group {
                nodes,
                path,
                place: group.place,
                inside: group.inside,
                date_levels: 0,
            });
        }
    }

    /// Continues below a cluster and removes its members from `children`.
    fn descend(
        &self,
        group: &Group,
        cluster: Cluster,
        children: &mut BTreeMap<&Component, Vec<usize>>,
        places: &mut Vec<Place>,
        groups: &mut Vec<Group>,
    ) {
        let mut nodes = Vec::new();
        let mut members = Vec::new();
        let mut date_levels = group.date_levels.saturating_sub(1);
        for member in &cluster.members {
            let component = classed::pieces(member);
            let below = children.remove(&component).unwrap_or_default();
            if group.date_levels == 0 && self.is_year(member, &below) {
                date_levels = 2;
            }
            nodes.extend(&below);
            members.push((component, below));
        }
        // The map may already contain the same pattern.
        nodes.extend(children.remove(&cluster.pieces).unwrap_or_default());
        let mut path = group.path.clone();
        let tree = cluster.kind == Kind::Tree;
        path.push(cluster.pieces);
        let place = group.place.unwrap_or_else(|| {
            places.push(Place {
                kind: cluster.kind,
                path: path.clone(),
                members: cluster.members,
                steady: cluster.steady && self.is_compared(),
                inside: group.inside,
                lines: Vec::new(),
            });
            places.len() - 1
        });
        // Places below each exact name, in case the pattern is not accepted.
        if group.place.is_none() {
            for (component, nodes) in members {
                let mut path = group.path.clone();
                path.push(component);
                groups.push(Group {
                    nodes,
                    path,
                    place: None,
                    inside: Some(place),
                    date_levels: 0,
                });
            }
        }
        if !tree {
            groups.push(Group {
                nodes,
                path,
                place: Some(place),
                inside: group.inside,
                date_levels,
            });
        } else if let Some(place) = places.get_mut(place) {
            let mut open = nodes;
            while let Some(node) = open.pop().and_then(|node| self.nodes.get(node)) {
                place
                    .lines
                    .extend(node.lines.iter().map(|line| (*line, path.clone())));
                open.extend(node.children.values());
            }
        }
    }

    fn sibling<'a>(&self, name: &'a [u8], nodes: &[usize], date: bool) -> Sibling<'a> {
        let of = || nodes.iter().filter_map(|node| self.nodes.get(*node));
        Sibling {
            name,
            created: of().any(|node| node.created),
            written: of().any(|node| node.written),
            differs: self.differs(of()),
            runs: match of().fold(0, |runs, node| runs | node.made_in) {
                0 => of().fold(0, |runs, node| runs | node.runs),
                made => made,
            },
            fanout: name::is_fanout(name)
                && nodes.iter().any(|node| self.contains_hashes(*node, 1))
                || self.is_fan(name, nodes),
            date: date && name.len() == 2 && name.iter().all(u8::is_ascii_digit)
                || self.is_year(name, nodes) && of().any(|node| node.created),
        }
    }

    /// True if a directory has one or two hex digits as its name, in either case, and all names in it begin or end with
    /// them or are a pattern of hex digits.
    fn is_fan(&self, name: &[u8], nodes: &[usize]) -> bool {
        if !(1..=2).contains(&name.len()) || !name.iter().all(u8::is_ascii_hexdigit) {
            return false;
        }
        let below: Vec<&Component> = nodes
            .iter()
            .filter_map(|node| self.nodes.get(*node))
            .flat_map(|node| node.children.keys())
            .collect();
        let number = |run: &[u8]| run.len() >= FAN_RUN_MIN && run.iter().all(u8::is_ascii_hexdigit);
        let named = |component: &&Component| {
            **component == [Piece::Class(Class::Hex)]
                || exact(component).is_some_and(|child| {
                    let mut runs = child.split(|byte| !byte.is_ascii_alphanumeric());
                    let (first, last) = (runs.next(), runs.next_back());
                    first.is_some_and(|run| number(run) && run.starts_with(name))
                        || last
                            .or(first)
                            .is_some_and(|run| number(run) && run.ends_with(name))
                })
        };
        !below.is_empty() && below.iter().all(named)
    }

    /// Returns clusters of files that were only read, in a directory that the workload never writes, of which some runs or
    /// maps read others: the next one may read those beside them. They have a common extension.
    fn beside(
        &self,
        children: &BTreeMap<&Component, Vec<usize>>,
        found: &[Cluster],
    ) -> Vec<Cluster> {
        let mut out = Vec::new();
        let of = |nodes: &[usize]| -> Vec<&Node> {
            nodes
                .iter()
                .filter_map(|node| self.nodes.get(*node))
                .collect()
        };
        let changed = children
            .values()
            .flat_map(|nodes| of(nodes))
            .any(|node| node.created || node.written);
        if !self.is_compared() || changed {
            return out;
        }
        let mut by_extension: BTreeMap<&[u8], Vec<(&[u8], bool)>> = BTreeMap::new();
        let taken_names = members(found);
        for (component, nodes) in children {
            let nodes = of(nodes);
            let Some(name) = exact(component) else {
                continue;
            };
            let taken = taken_names.contains(name);
            let file = nodes
                .iter()
                .all(|node| node.children.is_empty() && node.read);
            let end = extension(name);
            if file && !taken && !end.is_empty() {
                let differs = self.differs(nodes.into_iter());
                by_extension.entry(end).or_default().push((name, differs));
            }
        }
        for (end, names) in by_extension {
            let differing = names.iter().filter(|(_, differs)| *differs).count();
            if names.len() >= BESIDE_MIN && differing > 0 {
                out.push(Cluster {
                    kind: Kind::Beside,
                    pieces: vec![Piece::Star, Piece::Bytes(end.into())],
                    members: names.iter().map(|(name, _)| name.to_vec()).collect(),
                    steady: false,
                });
            }
        }
        out
    }

    /// Returns a name's template. All directories over which hashes are distributed have the same one.
    fn template(&self, name: &[u8], node: usize) -> Vec<name::TemplatePart> {
        if name::is_fanout(name) && self.contains_hashes(node, 1) {
            vec![name::TemplatePart::Varies(Class::Hex)]
        } else {
            name::template(&name::parts(name))
        }
    }

    /// True if a directory contains hashes, perhaps distributed over further directories.
    fn contains_hashes(&self, node: usize, depth: usize) -> bool {
        self.nodes.get(node).is_some_and(|node| {
            node.children.iter().any(|(component, child)| {
                match exact(component) {
                    Some(name) if is_hash(name) => true,
                    Some(name) => {
                        depth < FANOUT_DEPTH
                            && name::is_fanout(name)
                            && self.contains_hashes(*child, depth + 1)
                    }
                    // A pattern of an earlier generalisation.
                    None => **component == [Piece::Class(Class::Hex)],
                }
            })
        })
    }

    /// True if a path below these directories is sensitive.
    fn contains_sensitive(&self, group: &Group, options: &Options) -> bool {
        let mut open: Vec<(usize, Vec<Component>)> = group
            .nodes
            .iter()
            .map(|node| (*node, group.path.clone()))
            .collect();
        while let Some((index, path)) = open.pop() {
            let Some(node) = self.nodes.get(index) else {
                continue;
            };
            if !node.lines.is_empty() && path.iter().all(|name| exact(name).is_some()) {
                let access = if node.written {
                    abi::OPEN_WRITE
                } else {
                    abi::OPEN_READ
                };
                let operation = Operation {
                    op: Op::FileOpen,
                    arg: access,
                };
                let pattern = PathPattern::new(PathKind::Path, pieces(&path));
                if options.sensitive.overlaps(operation, &pattern) {
                    return true;
                }
            }
            open.extend(node.children.iter().map(|(component, child)| {
                let mut path = path.clone();
                path.push(component.clone());
                (*child, path)
            }));
        }
        false
    }

    /// True if the name is a year and all its children are months.
    fn is_year(&self, name: &[u8], nodes: &[usize]) -> bool {
        let number = |name: &[u8]| std::str::from_utf8(name).ok()?.parse::<u64>().ok();
        let month = |component: &Component| {
            exact(component)
                .filter(|name| name.len() == 2)
                .and_then(number)
                .is_some_and(|month| (1..=12).contains(&month))
        };
        let months = || {
            nodes
                .iter()
                .filter_map(|node| self.nodes.get(*node))
                .flat_map(|node| node.children.keys())
        };
        name.len() == 4
            && number(name).is_some_and(name::is_year)
            && months().next().is_some()
            && months().all(month)
    }

    /// Returns a cluster for the whole tree if it is a cache: the workload's own files, all with different templates.
    fn cache_cluster(
        &self,
        group: &Group,
        children: &BTreeMap<&Component, Vec<usize>>,
        found: &[Cluster],
        options: &Options,
    ) -> Option<Cluster> {
        let needed = if self.is_compared() {
            CACHE_PATHS_COMPARED
        } else {
            CACHE_PATHS
        };
        // Before the walk over all paths below, which long paths make expensive.
        let below = children.values().flatten();
        let below: usize = below
            .filter_map(|node| self.nodes.get(*node))
            .map(|node| node.paths)
            .sum();
        if group.path.len() < 2 || children.len() < CACHE_DIRECTORIES || below < needed {
            return None;
        }
        // Paths that all runs and maps have do not vary.
        let counts = |node: &Node| !self.is_compared() || self.differs(std::iter::once(node));
        let mut templates = BTreeSet::new();
        let (mut members, mut directories, mut largest) = (BTreeSet::new(), 0, 0);
        let (mut paths, mut made) = (0_usize, 0_usize);
        for (component, nodes) in children {
            let Some(name) = exact(component) else {
                continue;
            };
            if found.iter().any(|cluster| cluster.members.contains(name)) {
                continue;
            }
            members.insert(name.to_vec());
            let before = templates.len();
            let mut open: Vec<(usize, Vec<name::TemplatePart>)> = nodes
                .iter()
                .map(|node| (*node, self.template(name, *node)))
                .collect();
            directories += usize::from(
                open.iter()
                    .filter_map(|(node, _)| self.nodes.get(*node))
                    .any(|node| !node.children.is_empty()),
            );
            while let Some((index, template)) = open.pop() {
                let Some(node) = self.nodes.get(index) else {
                    continue;
                };
                let counts = counts(node);
                if counts && !node.lines.is_empty() {
                    paths += 1;
                    made += usize::from(node.created);
                }
                for (component, child) in &node.children {
                    let mut template = template.clone();
                    template.push(name::TemplatePart::Fixed(b"/"[..].into()));
                    if let Some(name) = exact(component) {
                        template.extend(self.template(name, *child));
                    }
                    open.push((*child, template));
                }
                if counts {
                    templates.insert(template);
                }
            }
            largest = largest.max(templates.len() - before);
        }
        let whole = templates.len() >= needed
            && directories >= CACHE_DIRECTORIES
            // If one subdirectory contains most of the paths, the cache is that subdirectory.
            && largest * 2 <= templates.len()
            && made * 4 >= paths * 3
            // If some paths are sensitive, each subdirectory is a separate place.
            && !self.contains_sensitive(group, options);
        whole.then(|| Cluster {
            kind: Kind::Tree,
            pieces: vec![Piece::StarStar],
            members,
            steady: false,
        })
    }
}
