// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Directories of one kind: the workload makes them, and the names below them have the same shapes, such as a folder of logs
//! for each host. Each of them may get the names of the others.

use std::collections::{BTreeMap, BTreeSet};

use ambit_event::lex::Class;

use super::cluster::{Cluster, members};
use super::name::{self, TemplatePart};
use super::tree::{Component, Tree, exact};
use super::{Kind, classed};
use crate::dates;
use crate::pattern::Piece;

/// Minimum number of directories without runs or maps to compare.
const UNCOMPARED_MIN: usize = 3;
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
    made: bool,
    shapes: BTreeSet<Shape>,
}

/// Returns clusters of directories that share a shape with a part that varies, of which the workload made at least one. If
/// all of them have the same shapes, there is nothing to expect.
pub(super) fn clusters(
    tree: &Tree,
    children: &BTreeMap<&Component, Vec<usize>>,
    found: &[Cluster],
) -> Vec<Cluster> {
    let taken = members(found);
    let directories: Vec<Directory<'_>> = children
        .iter()
        .filter_map(|(component, nodes)| directory(tree, component, nodes))
        .filter(|one| one.names.iter().all(|name| !taken.contains(name)))
        .collect();
    if !directories.iter().any(|one| one.made) {
        return Vec::new();
    }
    let least = if tree.is_compared() {
        2
    } else {
        UNCOMPARED_MIN
    };
    by_shape(&directories)
        .into_iter()
        .filter_map(|group| {
            let group: Vec<&Directory<'_>> =
                group.iter().filter_map(|at| directories.get(*at)).collect();
            let names: BTreeSet<&[u8]> = group
                .iter()
                .flat_map(|one| one.names.iter().copied())
                .collect();
            let shapes: BTreeSet<&BTreeSet<Shape>> = group.iter().map(|one| &one.shapes).collect();
            let differ = shapes.len() > 1;
            let made = group.iter().any(|one| one.made);
            (made && differ && (least..=DIRECTORIES_MAX).contains(&names.len()))
                .then(|| cluster(&group, &names))
        })
        .collect()
}

fn cluster(group: &[&Directory<'_>], names: &BTreeSet<&[u8]>) -> Cluster {
    let alternatives = names.iter().map(|name| vec![Piece::Bytes((*name).into())]);
    Cluster {
        kind: Kind::Alike,
        pieces: vec![Piece::Either(alternatives.collect())],
        members: group
            .iter()
            .filter_map(|one| match exact(one.component) {
                Some(name) => Some(name.to_vec()),
                None => classed::spell_names(one.component),
            })
            .collect(),
        steady: false,
    }
}

/// Returns the directory with its shapes; `None` for files, for names with classes, and for directories without shapes.
fn directory<'a>(tree: &Tree, component: &'a Component, nodes: &[usize]) -> Option<Directory<'a>> {
    let names = match &**component {
        [Piece::Bytes(name)] => vec![&**name],
        [Piece::Either(alternatives)] => classed::names(alternatives)?,
        _ => return None,
    };
    let mut shapes = BTreeSet::new();
    let mut made = false;
    let mut open: Vec<(usize, Shape)> = Vec::new();
    let mut paths = 0;
    for node in nodes {
        made |= tree.is_made(*node);
        open.push((*node, Shape::new()));
    }
    while let Some((at, shape)) = open.pop() {
        for (component, child) in tree.children(at) {
            paths += 1;
            if paths > PATHS_MAX {
                return None;
            }
            let mut shape = shape.clone();
            shape.push(TemplatePart::Fixed(b"/"[..].into()));
            shape.extend(template(component));
            if tree.is_made(child) && has_text(&shape) && varies(&shape) {
                shapes.insert(shape.clone());
            }
            open.push((child, shape));
        }
    }
    (!shapes.is_empty()).then_some(Directory {
        names,
        component,
        made,
        shapes,
    })
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
        for shape in &directory.shapes {
            let other = *first.entry(shape).or_insert(at);
            let (Some(&from), Some(&to)) = (group_of.get(at), group_of.get(other)) else {
                continue;
            };
            for group in &mut group_of {
                if *group == from {
                    *group = to;
                }
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
