// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Drafts for sockets that the workload binds itself: a program that connects to some of those in a directory, to others in
//! other runs, may connect to all of them. A draft concerns one subject.

use std::collections::{BTreeMap, BTreeSet};

use ambit_abi::Op;
use ambit_event::{Object, Operation, Subject};

use super::comparison::Comparison;
use super::{Draft, Kind, Options};
use crate::pattern::{PathKind, PathPattern, Piece};
use crate::{Rule, RuleObject};

/// Minimum number of sockets in the directory that the program connects to.
const SUPPORT: usize = 3;
/// Maximum number of sockets in the directory.
const SOCKETS_MAX: usize = 32;

/// The name of a socket, and the line with it.
type Line<'a> = (&'a [u8], &'a Rule);

/// Returns drafts for connections to the workload's own sockets.
pub(super) fn drafts(
    lines: &[(&Subject, &Rule)],
    comparison: &Comparison<'_>,
    options: &Options,
) -> Vec<Draft> {
    let mut bound: BTreeMap<&[u8], BTreeSet<&[u8]>> = BTreeMap::new();
    let mut groups: BTreeMap<(&Subject, Operation, &[u8]), Vec<Line<'_>>> = BTreeMap::new();
    for (subject, rule) in lines {
        let Some((directory, name)) = socket(rule) else {
            continue;
        };
        if rule.operation().op == Op::NetBind {
            bound.entry(directory).or_default().insert(name);
        } else {
            let key = (*subject, rule.operation(), directory);
            groups.entry(key).or_default().push((name, rule));
        }
    }
    let mut out = Vec::new();
    for ((subject, operation, directory), group) in groups {
        let Some(bound) = bound.get(directory) else {
            continue;
        };
        let own: Vec<Line<'_>> = group
            .into_iter()
            .filter(|(name, _)| bound.contains(name))
            .collect();
        let needed = options.support.map_or(SUPPORT, |support| support.max(2));
        let all = own.len() == bound.len();
        if own.len() < needed
            || all
            || bound.len() > SOCKETS_MAX
            || !comparison.several
            || comparison.is_steady(own.iter().map(|(_, rule)| (subject, *rule)))
        {
            continue;
        }
        let new = Rule::new(operation, choice(directory, bound));
        let replaced = own.iter().map(|(_, rule)| ((*rule).clone(), new.clone()));
        let place = PathPattern::new(PathKind::Path, vec![Piece::Bytes(directory.into())]);
        out.push(Draft {
            kind: Kind::Sockets,
            // Without the names, which one more socket may change.
            place: format!("{} {place}", operation.op.name()),
            subject: Some(subject.to_string()),
            values: own
                .iter()
                .map(|(name, _)| ambit_event::escape::name(name))
                .collect(),
            steady: false,
            inside: None,
            lines: BTreeMap::from([(subject.clone(), replaced.collect())]),
        });
    }
    out
}

/// Returns the directory and the name of a socket that a line binds or connects to.
fn socket(rule: &Rule) -> Option<(&[u8], &[u8])> {
    if !matches!(
        rule.operation().op,
        Op::NetBind | Op::NetConnect | Op::NetSend
    ) {
        return None;
    }
    let Some(Object::Path(path)) = rule.object().as_exact() else {
        return None;
    };
    // Bytes of markers stand for numbers, which sockets of the workload's own do not have.
    let path = Some(path.as_bytes()).filter(|path| !path.contains(&0))?;
    let slash = path.iter().rposition(|byte| *byte == b'/')?;
    Some((path.get(..slash)?, path.get(slash + 1..)?))
}

/// Returns the names of a directory as one object.
fn choice(directory: &[u8], names: &BTreeSet<&[u8]>) -> RuleObject {
    let before = Piece::Bytes([directory, b"/"].concat().into());
    let pieces = vec![before, Piece::one_of(names.iter().copied())];
    RuleObject::from_pattern(PathPattern::new(PathKind::Path, pieces))
}
