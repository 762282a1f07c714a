// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The paths of a map as a tree of names, and the search for places where names vary. The contents of directories that
//! form a cluster are compared as one.

use std::collections::{BTreeMap, BTreeSet};

use ambit_abi::{self as abi, Op};
use ambit_event::lex::Class;
use ambit_event::{Object, Operation};

use super::cluster::{Cluster, classed_clusters, clusters, extension, learned_clusters, members};
use super::sibling::Sibling;
use super::{Kind, Options, alike, classed, name};
use crate::RuleObject;
use crate::learn::heuristics::is_hash;
use crate::pattern::{PathKind, PathPattern, Piece};

/// A component of a path pattern. A piece that may match slashes ends the path: its component contains all pieces after
/// it, too.
pub(super) type Component = Vec<Piece>;

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

// The facts do not exclude each other.
#[allow(clippy::struct_excessive_bools)]
#[derive(Debug, Default)]
struct Node {
    children: BTreeMap<Component, usize>,
    parent: usize,
    lines: Vec<usize>,
    /// True if the name itself is created or removed.
    made: bool,
    /// The same for it or a name below.
    created: bool,
    written: bool,
    /// True if all its operations only open it to read.
    read: bool,
    /// Number of paths that end here or below.
    paths: usize,
    /// The maps that contain it, one bit each.
    maps: u128,
    /// The runs that used it, one bit each; 0 if unknown.
    runs: u128,
}

/// The paths of a map.
#[derive(Debug)]
pub(super) struct Tree {
    nodes: Vec<Node>,
    all_maps: u128,
    all_runs: u128,
}

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

/// Splits a path or path pattern into components; `None` for other objects.
pub(super) fn components(object: &RuleObject) -> Option<(PathKind, Vec<Component>)> {
    let (kind, pattern);
    let pieces = match object {
        RuleObject::Exact(Object::Path(path)) => {
            kind = PathKind::Path;
            pattern = PathPattern::of_marked(kind, path.as_bytes());
            pattern.pieces()
        }
        RuleObject::Exact(Object::Deleted(path)) => {
            kind = PathKind::Deleted;
            pattern = PathPattern::of_marked(kind, path.as_bytes());
            pattern.pieces()
        }
        RuleObject::Exact(Object::Foreign(path)) => {
            kind = PathKind::Foreign;
            pattern = PathPattern::of_marked(kind, path.as_bytes());
            pattern.pieces()
        }
        RuleObject::Path(found) if found.kind() != PathKind::Memfd => {
            kind = found.kind();
            found.pieces()
        }
        _ => return None,
    };
    let mut out: Vec<Component> = Vec::new();
    for (index, piece) in pieces.iter().enumerate() {
        match piece {
            Piece::Bytes(bytes) => {
                let mut names = bytes.split(|byte| *byte == b'/');
                let first = names.next().unwrap_or_default();
                if index == 0 && !first.is_empty() {
                    return None;
                }
                add(&mut out, first);
                for name in names {
                    out.push(Vec::new());
                    add(&mut out, name);
                }
            }
            piece if may_match_slash(piece) => {
                out.last_mut()?.extend(pieces.get(index..)?.iter().cloned());
                return Some((kind, out));
            }
            piece => out.last_mut()?.push(piece.clone()),
        }
    }
    Some((kind, out))
}

/// True if a piece may match a slash.
fn may_match_slash(piece: &Piece) -> bool {
    match piece {
        Piece::Bytes(bytes) => bytes.contains(&b'/'),
        Piece::StarStar => true,
        Piece::Star | Piece::Class(_) => false,
        Piece::Either(alternatives) => alternatives.iter().flatten().any(may_match_slash),
    }
}

fn add(out: &mut [Component], name: &[u8]) {
    if let Some(last) = out.last_mut()
        && !name.is_empty()
    {
        last.push(Piece::Bytes(name.into()));
    }
}

/// Joins components to the pieces of a pattern.
pub(super) fn pieces(path: &[Component]) -> Vec<Piece> {
    path.iter()
        .flat_map(|component| {
            std::iter::once(Piece::Bytes(b"/"[..].into())).chain(component.iter().cloned())
        })
        .collect()
}

pub(super) fn exact(component: &Component) -> Option<&[u8]> {
    match &**component {
        [Piece::Bytes(bytes)] => Some(bytes),
        _ => None,
    }
}

/// True if the operation creates or removes names.
fn creates(operation: Operation) -> bool {
    matches!(
        operation.op,
        Op::FileCreate
            | Op::FileMkdir
            | Op::FileSymlink
            | Op::FileMknod
            | Op::FileUnlink
            | Op::FileRmdir
            | Op::FileRename
            | Op::NetBind
    ) || operation.op == Op::FileLink && operation.arg == abi::END_TO
}

/// True if the operation changes its object.
pub(crate) fn writes(operation: Operation) -> bool {
    match operation.op {
        Op::FileOpen => operation.arg & (abi::OPEN_WRITE | abi::OPEN_APPEND) != 0,
        Op::Exec | Op::MapExec | Op::FileIoctl | Op::NetConnect | Op::NetSend => false,
        _ => true,
    }
}

impl Tree {
    /// Creates a tree for this number of maps; `all_runs` has a bit for each known run.
    pub(super) fn new(maps: usize, all_runs: u128) -> Self {
        Self {
            nodes: vec![Node::default()],
            all_maps: (0..maps.min(128)).fold(0, |all, map| all | 1 << map),
            all_runs,
        }
    }

    /// Adds a line by its index.
    pub(super) fn add(&mut self, path: &[Component], line: usize, operation: Operation) {
        let mut at = 0;
        for component in path {
            let next = self.nodes.len();
            let Some(node) = self.nodes.get_mut(at) else {
                return;
            };
            let child = *node.children.entry(component.clone()).or_insert(next);
            if child == next {
                self.nodes.push(Node {
                    parent: at,
                    ..Node::default()
                });
            }
            at = child;
        }
        if let Some(node) = self.nodes.get_mut(at) {
            let read = operation.op == Op::FileOpen && operation.arg == abi::OPEN_READ;
            node.read = read && (node.lines.is_empty() || node.read);
            node.lines.push(line);
            node.made |= creates(operation);
            node.created |= creates(operation);
            node.written |= writes(operation);
        }
    }

    fn find(&mut self, path: &[Component]) -> Option<&mut Node> {
        let mut at = 0;
        for component in path {
            at = *self.nodes.get(at)?.children.get(component)?;
        }
        self.nodes.get_mut(at)
    }

    /// Records that a map contains the path.
    pub(super) fn add_map(&mut self, path: &[Component], map: usize) {
        let bit = u32::try_from(map)
            .ok()
            .and_then(|map| 1_u128.checked_shl(map));
        if let (Some(node), Some(bit)) = (self.find(path), bit) {
            node.maps |= bit;
        }
    }

    /// Records the runs that used the path.
    pub(super) fn add_runs(&mut self, path: &[Component], runs: u128) {
        if let Some(node) = self.find(path) {
            node.runs |= runs;
        }
    }

    /// Propagates the facts of each node to its ancestors.
    fn propagate(&mut self) {
        for index in (1..self.nodes.len()).rev() {
            let Some(node) = self.nodes.get(index) else {
                continue;
            };
            let (parent, created, written) = (node.parent, node.created, node.written);
            let (maps, runs) = (node.maps, node.runs);
            let paths = node.paths + usize::from(!node.lines.is_empty());
            if let Some(node) = self.nodes.get_mut(index) {
                node.paths = paths;
            }
            if let Some(parent) = self.nodes.get_mut(parent) {
                parent.created |= created;
                parent.written |= written;
                parent.maps |= maps;
                parent.runs |= runs;
                parent.paths += paths;
            }
        }
    }

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
        let siblings: Vec<Sibling<'_>> = children
            .iter()
            .filter_map(|(component, nodes)| {
                Some(self.sibling(exact(component)?, nodes, group.date_levels > 0))
            })
            .collect();
        let mut found = learned_clusters(
            &siblings,
            children.iter().map(|(component, nodes)| {
                let mut nodes = nodes.iter().filter_map(|node| self.nodes.get(*node));
                (*component, nodes.any(|node| node.created))
            }),
        );
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
        let names = children.keys().copied();
        found.extend(classed_clusters(
            &with_classes,
            names,
            options,
            self.is_compared(),
        ));
        found.extend(self.beside(&children, &found));
        found.extend(alike::clusters(self, &children, &found));
        let cache = self.cache_cluster(group, &children, &found, options);
        found.extend(cache);
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

    /// True if the workload creates or removes this name itself.
    pub(super) fn is_made(&self, node: usize) -> bool {
        self.nodes.get(node).is_some_and(|node| node.made)
    }

    /// Returns the names below a node.
    pub(super) fn children(&self, node: usize) -> impl Iterator<Item = (&Component, usize)> {
        let children = self.nodes.get(node).map(|node| &node.children);
        let children = children.into_iter().flatten();
        children.map(|(component, child)| (component, *child))
    }

    /// True if several maps or several runs can be compared.
    pub(super) fn is_compared(&self) -> bool {
        self.all_maps.count_ones() > 1 || self.all_runs.count_ones() > 1
    }

    /// True if the nodes are missing in some of the maps or runs.
    fn differs<'n>(&self, nodes: impl Iterator<Item = &'n Node>) -> bool {
        let (maps, runs) = nodes.fold((0, 0), |(maps, runs), node| {
            (maps | node.maps, runs | node.runs)
        });
        maps != self.all_maps || runs != 0 && runs != self.all_runs
    }

    fn sibling<'a>(&self, name: &'a [u8], nodes: &[usize], date: bool) -> Sibling<'a> {
        let of = || nodes.iter().filter_map(|node| self.nodes.get(*node));
        Sibling {
            name,
            created: of().any(|node| node.created),
            written: of().any(|node| node.written),
            differs: self.differs(of()),
            runs: of().fold(0, |runs, node| runs | node.runs),
            fanout: name::is_fanout(name)
                && nodes.iter().any(|node| self.contains_hashes(*node, 1))
                || self.is_fan(name, nodes),
            date: date && name.len() == 2 && name.iter().all(u8::is_ascii_digit)
                || self.is_year(name, nodes) && of().any(|node| node.created),
        }
    }

    /// True if a directory has one or two hex digits as its name, in either case, and all names in it begin or end with
    /// them.
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
            exact(component).is_some_and(|child| {
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
