// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The paths of a map as a tree of names.

use std::collections::BTreeMap;

use ambit_abi::{self as abi, Op};
use ambit_event::{Object, Operation};

use crate::RuleObject;
use crate::learn::generated::{creates, removes};
use crate::pattern::{PathKind, PathPattern, Piece};

/// A component of a path pattern. A piece that may match slashes ends the path: its component contains all pieces after
/// it, too.
pub(super) type Component = Vec<Piece>;

// The facts do not exclude each other.
#[allow(clippy::struct_excessive_bools)]
#[derive(Debug, Default)]
pub(super) struct Node {
    pub(super) children: BTreeMap<Component, usize>,
    pub(super) parent: usize,
    pub(super) lines: Vec<usize>,
    /// True if a file is given this name.
    pub(super) made: bool,
    /// True if it or a name below is created or removed.
    pub(super) created: bool,
    pub(super) written: bool,
    /// True if all its operations only open it to read.
    pub(super) read: bool,
    /// Number of paths that end here or below.
    pub(super) paths: usize,
    /// The maps that contain it, one bit each.
    pub(super) maps: u128,
    /// The runs that used it, one bit each; 0 if unknown.
    pub(super) runs: u128,
    /// The runs that gave a file this name.
    pub(super) made_in: u128,
}

/// The paths of a map.
#[derive(Debug)]
pub(super) struct Tree {
    pub(super) nodes: Vec<Node>,
    pub(super) all_maps: u128,
    pub(super) all_runs: u128,
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
            node.created |= creates(operation) || removes(operation);
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

    /// Records the runs that performed an operation on the path.
    pub(super) fn add_runs(&mut self, path: &[Component], operation: Operation, runs: u128) {
        if let Some(node) = self.find(path) {
            node.runs |= runs;
            if creates(operation) {
                node.made_in |= runs;
            }
        }
    }

    /// Propagates the facts of each node to its ancestors.
    pub(super) fn propagate(&mut self) {
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

    /// True if the workload gives a file this name.
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
    pub(super) fn differs<'n>(&self, nodes: impl Iterator<Item = &'n Node>) -> bool {
        let (maps, runs) = nodes.fold((0, 0), |(maps, runs), node| {
            (maps | node.maps, runs | node.runs)
        });
        maps != self.all_maps || runs != 0 && runs != self.all_runs
    }
}
