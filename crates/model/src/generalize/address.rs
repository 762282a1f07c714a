// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Drafts for networks, if the addresses of peers vary, and for ranges of ports. A draft concerns one subject: what one
//! program needs says nothing about another.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ambit_event::{Inet, Object, Operation, Port, Subject};

use super::comparison::Comparison;
use super::{Draft, Kind, Options};
use crate::pattern::{InetPattern, Ports};
use crate::{Rule, RuleObject};

/// Prefix lengths to try, the narrowest network first.
const PREFIXES_V4: [u8; 4] = [24, 16, 8, 0];
const PREFIXES_V6: [u8; 4] = [64, 48, 32, 0];
/// Minimum number of addresses for a network, and of ports for a range.
const SUPPORT: usize = 3;
/// The same for a network if maps or runs are compared and the addresses are not in all of them.
const SUPPORT_COMPARED: usize = 2;
/// Minimum number of addresses for the network of all addresses.
const EVERYWHERE: usize = 8;
/// The ports that need no privilege, from which programs draw ports at random.
pub(super) const UNPRIVILEGED: (u16, u16) = (1024, u16::MAX);
/// The ephemeral ports of a host that sets none (`net.ipv4.ip_local_port_range` in the kernel's
/// `Documentation/networking/ip-sysctl.rst`).
const EPHEMERAL: [u16; 2] = [32_768, 60_999];
/// Minimum number of ports to decide that they are drawn from a range.
const DRAWN_MIN: usize = 6;

type Line<'a> = (&'a Subject, &'a Rule, Inet);

/// Returns drafts for addresses with the same protocol and port, then for ports of the same address.
pub(super) fn drafts(
    lines: &[(&Subject, &Rule)],
    comparison: &Comparison<'_>,
    options: &Options,
) -> Vec<Draft> {
    let mut remaining: Vec<Line<'_>> = lines
        .iter()
        .filter_map(|(subject, rule)| match rule.object().as_exact() {
            Some(Object::Inet(inet)) => Some((*subject, *rule, *inet)),
            _ => None,
        })
        .collect();
    let mut out = Vec::new();
    for step in 0..PREFIXES_V4.len() {
        let mut groups: BTreeMap<(&Subject, Operation, InetPattern), Vec<Line<'_>>> =
            BTreeMap::new();
        for line in &remaining {
            let (subject, rule, inet) = line;
            if let Some(network) = network_at(inet, step) {
                let key = (*subject, rule.operation(), network);
                groups.entry(key).or_default().push(*line);
            }
        }
        for ((subject, operation, network), group) in groups {
            let values: BTreeSet<IpAddr> = group.iter().map(|(_, _, inet)| inet.address).collect();
            let needed = match options.support {
                Some(support) => support.max(2),
                None if network.prefix() == 0 => EVERYWHERE,
                None if comparison.several => SUPPORT_COMPARED,
                None => SUPPORT,
            };
            if values.len() >= needed && !is_steady(comparison, &group) {
                let new = Rule::new(operation, RuleObject::Inet(network));
                out.push(Draft {
                    kind: Kind::Network,
                    place: new.to_string(),
                    subject: Some(subject.to_string()),
                    values: values.iter().map(ToString::to_string).collect(),
                    steady: false,
                    inside: None,
                    lines: replaced(subject, &group, &new),
                });
                remaining.retain(|line| !group.contains(line));
            }
        }
    }
    out.extend(port_drafts(&remaining, options, comparison));
    out
}

/// Returns the network of this step that an address is in; `None` for addresses that are no host's.
fn network_at(inet: &Inet, step: usize) -> Option<InetPattern> {
    if inet.address.is_unspecified() || inet.address.is_multicast() {
        return None;
    }
    let steps = if inet.address.is_ipv4() {
        PREFIXES_V4
    } else {
        PREFIXES_V6
    };
    let ports = match inet.port {
        Port::Literal(port) => Ports::Range(port, port),
        Port::Ephemeral => Ports::Ephemeral,
        Port::None => Ports::None,
    };
    let prefix = steps.get(step).copied().unwrap_or_default();
    Some(InetPattern::of(inet.protocol, inet.address, prefix, ports))
}

fn port_drafts(
    remaining: &[Line<'_>],
    options: &Options,
    comparison: &Comparison<'_>,
) -> Vec<Draft> {
    let mut groups: BTreeMap<(&Subject, Operation, u8, IpAddr), Vec<Line<'_>>> = BTreeMap::new();
    for line in remaining {
        let (subject, rule, inet) = line;
        if matches!(inet.port, Port::Literal(1..) | Port::Ephemeral) {
            let key = (*subject, rule.operation(), inet.protocol, inet.address);
            groups.entry(key).or_default().push(*line);
        }
    }
    let mut out = Vec::new();
    for ((subject, operation, protocol, address), group) in groups {
        let values: BTreeSet<u16> = group
            .iter()
            .filter_map(|(_, _, inet)| match inet.port {
                Port::Literal(port) => Some(port),
                _ => None,
            })
            .collect();
        let needed = options.support.map_or(SUPPORT, |support| support.max(2));
        if values.len() < needed || is_steady(comparison, &group) {
            continue;
        }
        let ephemeral = group
            .iter()
            .any(|(_, _, inet)| inet.port == Port::Ephemeral);
        let Some((first, last)) = range_of(&values, ephemeral) else {
            continue;
        };
        let bits = if address.is_ipv4() { 32 } else { 128 };
        let pattern = |ports| {
            let pattern = InetPattern::of(protocol, address, bits, ports);
            Rule::new(operation, RuleObject::Inet(pattern))
        };
        let group: Vec<Line<'_>> = group
            .into_iter()
            .filter(|(_, _, inet)| inet.port != Port::Ephemeral || (first, last) == UNPRIVILEGED)
            .collect();
        out.push(Draft {
            kind: Kind::Ports,
            // Without the range, which one more port may change.
            place: pattern(Ports::Any).to_string(),
            subject: Some(subject.to_string()),
            values: values.iter().map(ToString::to_string).collect(),
            steady: false,
            inside: None,
            lines: replaced(subject, &group, &pattern(Ports::Range(first, last))),
        });
    }
    out
}

/// Returns the range that the ports are drawn from: all unprivileged ports if the ports are spread over them as random ones
/// are, else from the lowest to the highest that was seen. Ephemeral ports have no number in a map; `ephemeral` says that
/// some were seen.
fn range_of(values: &BTreeSet<u16>, ephemeral: bool) -> Option<(u16, u16)> {
    let (first, last) = (*values.first()?, *values.last()?);
    let (low, high) = UNPRIVILEGED;
    if values.len() < DRAWN_MIN || first < low {
        return Some((first, last));
    }
    // Of n ports drawn at random from a range, the largest gap is rarely more than half of the range for n of at least
    // six: (n + 1) / 2^n, 11 % for six and below 4 % for eight.
    let mut edges = values.clone();
    edges.extend([low, high]);
    if ephemeral {
        edges.extend(EPHEMERAL);
    }
    let gaps = edges.iter().zip(edges.iter().skip(1));
    let widest = gaps.map(|(before, after)| after - before).max()?;
    Some(if widest <= (high - low) / 2 {
        UNPRIVILEGED
    } else {
        (first, last)
    })
}

/// True if all maps and runs have these lines.
fn is_steady(comparison: &Comparison<'_>, group: &[Line<'_>]) -> bool {
    let lines = group.iter().map(|(subject, rule, _)| (*subject, *rule));
    comparison.is_steady(lines)
}

fn replaced(
    subject: &Subject,
    group: &[Line<'_>],
    new: &Rule,
) -> BTreeMap<Subject, Vec<(Rule, Rule)>> {
    let lines = group
        .iter()
        .map(|(_, rule, _)| ((*rule).clone(), new.clone()));
    BTreeMap::from([(subject.clone(), lines.collect())])
}
