// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The risk of a proposal, by criteria that a person can check.

use std::collections::BTreeMap;
use std::net::IpAddr;

use ambit_abi::Op;
use ambit_event::Object;
use ambit_event::lex::Class;
use serde::Serialize;

use super::address::UNPRIVILEGED;
use super::overlap::PathSet;
use super::{Kind, Proposal, Sensitive, tree};
use crate::pattern::{InetPattern, PathKind, PathPattern, Piece, Ports};
use crate::{Map, Rule, RuleObject};

/// The risk of applying a proposal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Risk {
    /// Digits or a fixed form vary, in an exact directory of the workload.
    Low,
    /// A person should look at it.
    Medium,
    /// A person should decide about it.
    High,
}

impl Risk {
    /// Returns the word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

/// Fewer values than this are weak evidence.
const VALUES_MIN: usize = 3;
/// `IPPROTO_UDP`.
const UDP: u8 = 17;
/// A range of more ports than this is rarely configured.
const PORTS_MAX: u16 = 1024;

/// For each rewrite of a proposal, the lines that it removes by the line that replaces them.
pub(super) type Replaced = Vec<BTreeMap<Rule, Vec<Rule>>>;

/// Sets the risk, its reasons, and the reasons why the proposal is sensitive.
pub(super) fn assess(
    proposal: &mut Proposal,
    replaced: &Replaced,
    map: &Map,
    sensitive_places: &Sensitive,
) {
    let mut reasons: Vec<(Risk, String)> = Vec::new();
    let mut sensitive: Vec<String> = Vec::new();
    let mut add = |risk: Risk, why: &str| reasons.push((risk, why.to_owned()));
    for (rule, old) in replaced.iter().flatten() {
        match rule.object() {
            RuleObject::Path(pattern) => {
                assess_path(rule, pattern, map, &mut add);
                let widened = without_known_random_parts(pattern, old);
                sensitive.extend(sensitive_places.overlapping(rule.operation(), &widened));
            }
            RuleObject::Inet(pattern) => {
                assess_address(rule, pattern, proposal.kind, &mut add, &mut sensitive);
            }
            RuleObject::Exact(_) => {}
        }
    }
    match proposal.kind {
        Kind::Sockets => add(Risk::Medium, "it connects to more parts of the workload"),
        Kind::ReadBack => add(Risk::Medium, "it reads files that it makes"),
        Kind::MoveBack => add(Risk::Medium, "it moves files back"),
        _ => {}
    }
    if proposal.values < VALUES_MIN {
        add(Risk::Medium, "fewer than 3 values were seen");
    }
    if proposal.steady {
        add(
            Risk::Medium,
            "all maps or runs have the same values, so the name may not vary",
        );
    }
    if !sensitive.is_empty() {
        add(Risk::High, "it covers a sensitive place");
    }
    sensitive.sort();
    sensitive.dedup();
    reasons.sort_by(|one, other| (other.0, &one.1).cmp(&(one.0, &other.1)));
    reasons.dedup();
    proposal.risk = reasons.first().map_or(Risk::Low, |(risk, _)| *risk);
    proposal.reasons = reasons
        .into_iter()
        .map(|(risk, why)| format!("{}: {why}", risk.name()))
        .collect();
    proposal.sensitive = sensitive;
}

/// Returns the pattern with a text of its own for each random part that the lines that it replaces have, too. The proposal does
/// not widen these parts, so they do not count as a sensitive word such as `keytab`. If all lines of the same depth have as many
/// random parts, each part is known, else those at the beginning and end that all share.
fn without_known_random_parts(pattern: &PathPattern, replaced: &[Rule]) -> PathPattern {
    let random = Piece::Class(Class::Tmp);
    let count = |pieces: &[Piece]| pieces.iter().filter(|piece| **piece == random).count();
    let replaced: Vec<PathPattern> = replaced
        .iter()
        .filter_map(|old| match old.object() {
            RuleObject::Path(old) => Some(old.clone()),
            RuleObject::Exact(Object::Path(path)) => {
                Some(PathPattern::of_marked(PathKind::Path, path.as_bytes()))
            }
            _ => None,
        })
        .filter(|old| old.depth() == pattern.depth())
        .collect();
    let pieces = pattern.pieces();
    if count(pieces) == 0 || replaced.is_empty() {
        return pattern.clone();
    }
    let same = |pairs: &mut dyn Iterator<Item = (&Piece, &Piece)>| {
        pairs.take_while(|(one, other)| one == other).count()
    };
    let (mut first, mut last) = (pieces.len(), pieces.len());
    for old in &replaced {
        let old = old.pieces();
        if count(old) != count(pieces) {
            first = first.min(same(&mut pieces.iter().zip(old)));
            last = last.min(same(&mut pieces.iter().rev().zip(old.iter().rev())));
        }
    }
    let is_known = |at: usize| at < first || at + last >= pieces.len();
    let pieces = pieces.iter().enumerate().map(|(at, piece)| {
        if *piece == random && is_known(at) {
            Piece::Bytes(b"\x01random"[..].into())
        } else {
            piece.clone()
        }
    });
    PathPattern::new(pattern.kind(), pieces.collect())
}

fn assess_path(rule: &Rule, pattern: &PathPattern, map: &Map, add: &mut impl FnMut(Risk, &str)) {
    let runs = matches!(rule.operation().op, Op::Exec | Op::MapExec);
    let writes = tree::writes(rule.operation());
    if runs && is_writable(map, pattern) {
        add(Risk::High, "it executes files that the workload can write");
    } else if runs {
        add(Risk::Medium, "it executes code by a pattern");
    }
    let contains = |wanted: &Piece| pattern.pieces().contains(wanted);
    if contains(&Piece::StarStar) {
        add(Risk::High, "it uses `**`, which covers whole trees");
    } else if contains(&Piece::Star) && writes {
        add(Risk::High, "it uses `*` to change files");
    } else if contains(&Piece::Star) {
        add(Risk::Medium, "it uses `*`, which covers any name");
    }
}

/// True if a subject may write files that the pattern covers.
fn is_writable(map: &Map, pattern: &PathPattern) -> bool {
    let paths = PathSet::of(pattern);
    let rules = map.subjects.values().flat_map(|entry| &entry.allow);
    rules
        .filter(|rule| tree::writes(rule.operation()) && rule.operation().op != Op::FileUnlink)
        .any(|rule| match rule.object() {
            RuleObject::Exact(object) => pattern.matches(object),
            RuleObject::Path(other) => paths.overlaps(&PathSet::of(other)),
            RuleObject::Inet(_) => false,
        })
}

fn assess_address(
    rule: &Rule,
    pattern: &InetPattern,
    kind: Kind,
    add: &mut impl FnMut(Risk, &str),
    sensitive: &mut Vec<String>,
) {
    let sends = matches!(rule.operation().op, Op::NetConnect | Op::NetSend);
    match pattern.ports() {
        _ if is_client_s_own(rule, pattern) => {
            add(Risk::Medium, "a range of ports that look drawn at random");
        }
        Ports::Range(first, last) if last - first > PORTS_MAX => {
            add(Risk::High, "more than 1024 ports");
        }
        _ if kind == Kind::Ports => add(Risk::Medium, "a range of ports"),
        _ => {}
    }
    if kind != Kind::Network {
        return;
    }
    let narrow = if pattern.network().is_ipv4() { 16 } else { 48 };
    if pattern.prefix() < narrow {
        add(Risk::High, "the network is wider than a /16 (IPv6: a /48)");
    } else {
        add(Risk::Medium, "a network");
    }
    if sends && (pattern.prefix() == 0 || !is_private(pattern.network())) {
        sensitive.push("it covers internet addresses that were never seen".to_owned());
    }
}

/// True for all ports that a client may draw for itself: nothing can be reached there that the client does not read.
pub(super) fn is_client_s_own(rule: &Rule, pattern: &InetPattern) -> bool {
    let (first, last) = UNPRIVILEGED;
    pattern.ports() == Ports::Range(first, last)
        && pattern.protocol() == UDP
        && rule.operation().op == Op::NetBind
}

/// True for a loopback, private or link-local network.
fn is_private(network: IpAddr) -> bool {
    match network {
        IpAddr::V4(address) => {
            address.is_loopback() || address.is_private() || address.is_link_local()
        }
        IpAddr::V6(address) => {
            address.is_loopback() || address.is_unique_local() || address.is_unicast_link_local()
        }
    }
}
