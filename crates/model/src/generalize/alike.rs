// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Directories of one kind: the workload makes them, and the names below them have the same shapes, such as a folder of logs
//! for each host. Each of them may get the names of the others.

use std::collections::{BTreeMap, BTreeSet};

use ambit_abi::{self as abi, Op};
use ambit_event::Operation;
use ambit_event::lex::Class;

use super::cluster::{Cluster, members};
use super::name::{self, TemplatePart};
use super::tree::{Component, Tree, exact};
use super::{Kind, Options, classed};
use crate::dates;
use crate::pattern::Piece;

/// Minimum number of directories.
const COMPARED_MIN: usize = 2;
/// The same without runs or maps to compare.
const UNCOMPARED_MIN: usize = 3;
/// Minimum depth: directories of the root and of folders such as `/home` have more than one purpose.
const DEPTH_MIN: usize = 2;
/// Maximum depth of the names below a directory that are compared.
const BELOW_MAX: usize = 8;
/// Maximum number of directories of one kind. More of them are a spool.
const DIRECTORIES_MAX: usize = 16;
/// Maximum number of paths below a directory that are compared.
const PATHS_MAX: usize = 4096;

/// The shape of a path below a directory.
type Shape = Vec<TemplatePart>;

/// A directory, and the shapes of the paths that the workload made below it.
struct Directory<'a> {
    names: Vec<&'a [u8]>,
    component: &'a Component,
    below: Below,
}

/// What the workload made below a directory.
#[derive(Default)]
struct Below {
    shapes: BTreeSet<Shape>,
    /// True if some of the compared runs or maps lack one of the paths.
    differs: bool,
}

/// The names of a directory that the workload made, its component, and its nodes.
type Made<'a> = (Vec<&'a [u8]>, &'a Component, &'a [usize]);

/// Returns clusters of directories that the workload made and that share a shape with a part that varies. If all of them have
/// the same shapes, or all compared runs have all paths, there is nothing to expect. `depth` is the number of names above.
pub(super) fn clusters(
    tree: &Tree,
    depth: usize,
    children: &BTreeMap<&Component, Vec<usize>>,
    found: &[Cluster],
    options: &Options,
) -> Vec<Cluster> {
    let taken = members(found);
    let free = |names: &[&[u8]]| names.iter().all(|name| !taken.contains(name));
    let least = if tree.is_compared() {
        COMPARED_MIN
    } else {
        UNCOMPARED_MIN
    };
    let made: Vec<Made<'_>> = children
        .iter()
        .filter(|(_, nodes)| nodes.iter().any(|node| tree.is_made(*node)))
        .filter_map(|(component, nodes)| Some((names(component)?, *component, &**nodes)))
        .filter(|(names, _, _)| free(names))
        .collect();
    if depth < DEPTH_MIN || made.iter().map(|(names, _, _)| names.len()).sum::<usize>() < least {
        return Vec::new();
    }
    let directories: Vec<Directory<'_>> = made
        .into_iter()
        .filter_map(|(names, component, nodes)| {
            Some(Directory {
                names,
                component,
                below: below(tree, nodes)?,
            })
        })
        .collect();
    by_shape(&directories)
        .into_iter()
        .filter_map(|group| {
            let group: Vec<&Directory<'_>> =
                group.iter().filter_map(|at| directories.get(*at)).collect();
            let names: BTreeSet<&[u8]> = group
                .iter()
                .flat_map(|one| one.names.iter().copied())
                .collect();
            let shapes: BTreeSet<_> = group.iter().map(|one| &one.below.shapes).collect();
            let differs = !tree.is_compared() || group.iter().any(|one| one.below.differs);
            let least = options.support.unwrap_or(least);
            (shapes.len() > 1 && differs && (least..=DIRECTORIES_MAX).contains(&names.len()))
                .then(|| cluster(&group, &names))
        })
        .collect()
}

/// True if a line below directories of one kind may be expected in each of them: its name there varies, or it makes the directory
/// itself, and it only concerns the content of files.
pub(super) fn is_expected(operation: Operation, below: &[Component]) -> bool {
    let content = match operation.op {
        Op::FileOpen => operation.arg & abi::OPEN_EXEC == 0,
        // Set-user-ID and set-group-ID programs are no content.
        Op::FileCreate | Op::FileChmod => operation.arg == 0,
        Op::FileMkdir
        | Op::FileTruncate
        | Op::FileUnlink
        | Op::FileRmdir
        | Op::FileRename
        | Op::FileLink
        | Op::FileLock => true,
        _ => false,
    };
    let varies = |component: &Component| {
        let class = |piece: &Piece| matches!(piece, Piece::Class(_));
        component.iter().any(class)
    };
    content && (below.is_empty() || below.iter().any(varies))
}

fn cluster(group: &[&Directory<'_>], names: &BTreeSet<&[u8]>) -> Cluster {
    let members = group.iter();
    Cluster {
        kind: Kind::Alike,
        pieces: vec![Piece::one_of(names.iter().copied())],
        members: members
            .filter_map(|one| classed::member(one.component))
            .collect(),
        steady: false,
    }
}

/// Returns the names that a component stands for; `None` if it has a class.
fn names(component: &Component) -> Option<Vec<&[u8]>> {
    match &**component {
        [Piece::Bytes(name)] => Some(vec![&**name]),
        [Piece::Either(alternatives)] => classed::names(alternatives),
        _ => None,
    }
}

/// Returns the shapes of the paths that the workload made below a directory; `None` without shapes, or with too many paths.
fn below(tree: &Tree, nodes: &[usize]) -> Option<Below> {
    let mut out = Below::default();
    let mut open: Vec<(usize, usize, Shape)> =
        nodes.iter().map(|node| (*node, 0, Shape::new())).collect();
    let mut paths = 0;
    while let Some((at, depth, shape)) = open.pop() {
        for (component, child) in tree.children(at) {
            paths += 1;
            if paths > PATHS_MAX {
                return None;
            }
            let mut shape = shape.clone();
            shape.push(TemplatePart::Fixed(b"/"[..].into()));
            shape.extend(template(component));
            if tree.is_made(child) && has_text(&shape) && varies(&shape) {
                out.differs |= tree.differs(tree.nodes.get(child).into_iter());
                out.shapes.insert(shape.clone());
            }
            if depth < BELOW_MAX {
                open.push((child, depth + 1, shape));
            }
        }
    }
    (!out.shapes.is_empty()).then_some(out)
}

/// Returns the template of a name or pattern. Dates in names and the classes of dates have the same one.
fn template(component: &Component) -> Shape {
    let parts = match exact(component) {
        Some(name) => name::template(&name::parts(name)),
        None => component.iter().filter_map(of_piece).collect(),
    };
    let mut out = Shape::new();
    for part in parts {
        let again = matches!((&part, out.last()), (TemplatePart::Varies(one), Some(TemplatePart::Varies(other))) if one == other);
        if !again {
            out.push(part);
        }
    }
    out
}

fn of_piece(piece: &Piece) -> Option<TemplatePart> {
    match piece {
        Piece::Bytes(bytes) => Some(TemplatePart::Fixed(bytes.clone())),
        Piece::Class(_) if dates::is_date(piece) => Some(TemplatePart::Varies(Class::Num)),
        Piece::Class(class) => Some(TemplatePart::Varies(*class)),
        _ => None,
    }
}

fn varies(shape: &Shape) -> bool {
    shape
        .iter()
        .any(|part| !matches!(part, TemplatePart::Fixed(_)))
}

fn has_text(shape: &Shape) -> bool {
    shape.iter().any(|part| {
        matches!(part, TemplatePart::Fixed(text) if text.iter().any(u8::is_ascii_alphabetic))
    })
}

/// Groups the directories that share shapes, directly or by others, by their indices.
fn by_shape(directories: &[Directory<'_>]) -> Vec<Vec<usize>> {
    let mut group_of: Vec<usize> = (0..directories.len()).collect();
    let mut first: BTreeMap<&Shape, usize> = BTreeMap::new();
    for (at, directory) in directories.iter().enumerate() {
        for shape in &directory.below.shapes {
            let other = *first.entry(shape).or_insert(at);
            let (Some(&from), Some(&to)) = (group_of.get(at), group_of.get(other)) else {
                continue;
            };
            if from == to {
                continue;
            }
            for group in group_of.iter_mut().filter(|group| **group == from) {
                *group = to;
            }
        }
    }
    let mut groups: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (at, group) in group_of.into_iter().enumerate() {
        groups.entry(group).or_default().push(at);
    }
    groups
        .into_values()
        .filter(|group| group.len() > 1)
        .collect()
}
