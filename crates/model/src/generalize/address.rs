// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Drafts for networks, if the addresses of peers vary, and for ranges of ports.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ambit_event::{Inet, Object, Operation, Port, Subject};

use super::{Draft, Kind, Options};
use crate::pattern::{InetPattern, Ports};
use crate::{Map, Rule, RuleObject};

/// Prefix lengths to try, the narrowest network first.
const PREFIXES_V4: [u8; 4] = [24, 16, 8, 0];
const PREFIXES_V6: [u8; 4] = [64, 48, 32, 0];
/// Minimum number of addresses for a network, and of ports for a range.
const SUPPORT: usize = 3;
/// The same if several maps are compared and the addresses are not in all of them.
const SUPPORT_COMPARED: usize = 2;
/// Minimum number of addresses for the network of all addresses.
const EVERYWHERE: usize = 8;

/// The evidence for a draft.
struct Evidence {
    values: BTreeSet<String>,
    steady: bool,
}

impl Evidence {
    fn new(values: &BTreeSet<impl ToString>, steady: bool) -> Self {
        Self {
            values: values.iter().map(ToString::to_string).collect(),
            steady,
        }
    }
}

type Lines<'a> = Vec<(&'a Subject, &'a Rule, Inet)>;

/// Returns drafts for addresses with the same protocol and port, then for ports of the same address.
pub(super) fn drafts(lines: &[(&Subject, &Rule)], maps: &[Map], options: &Options) -> Vec<Draft> {
    let steady = steady(maps);
    let mut remaining: Lines<'_> = lines
        .iter()
        .filter_map(|(subject, rule)| match rule.object().as_exact() {
            Some(Object::Inet(inet)) => Some((*subject, *rule, *inet)),
            _ => None,
        })
        .collect();
    let mut out = Vec::new();
    for step in 0..PREFIXES_V4.len() {
        let mut groups: BTreeMap<(Operation, InetPattern), Lines<'_>> = BTreeMap::new();
        for line in &remaining {
            let (_, rule, inet) = line;
            let steps = if inet.address.is_ipv4() {
                PREFIXES_V4
            } else {
                PREFIXES_V6
            };
            let prefix = steps.get(step).copied().unwrap_or_default();
            let named = !inet.address.is_unspecified() && !inet.address.is_multicast();
            let ports = match inet.port {
                Port::Literal(port) => Ports::Range(port, port),
                Port::Ephemeral => Ports::Ephemeral,
                Port::None => Ports::None,
            };
            if named {
                let network = InetPattern::of(inet.protocol, inet.address, prefix, ports);
                let group = groups.entry((rule.operation(), network)).or_default();
                group.push(*line);
            }
        }
        for ((operation, network), group) in groups {
            let values: BTreeSet<IpAddr> = group.iter().map(|(_, _, inet)| inet.address).collect();
            let differs = group.iter().any(|(_, rule, _)| !steady.contains(*rule));
            let needed = match options.support {
                Some(support) => support.max(2),
                None if network.prefix() == 0 => EVERYWHERE,
                None if differs => SUPPORT_COMPARED,
                None => SUPPORT,
            };
            if values.len() >= needed {
                let new = Rule::new(operation, RuleObject::Inet(network));
                let evidence = Evidence::new(&values, !differs && maps.len() > 1);
                out.push(take_group(
                    &mut remaining,
                    &group,
                    Kind::Network,
                    &new,
                    evidence,
                ));
            }
        }
    }
    out.extend(port_drafts(&mut remaining, options, |rule| {
        maps.len() > 1 && steady.contains(rule)
    }));
    out
}

fn port_drafts(
    remaining: &mut Lines<'_>,
    options: &Options,
    steady: impl Fn(&Rule) -> bool,
) -> Vec<Draft> {
    let mut out = Vec::new();
    let mut groups: BTreeMap<(Operation, u8, IpAddr), Lines<'_>> = BTreeMap::new();
    for line in &*remaining {
        let (_, rule, inet) = line;
        if matches!(inet.port, Port::Literal(1..)) {
            let key = (rule.operation(), inet.protocol, inet.address);
            groups.entry(key).or_default().push(*line);
        }
    }
    for ((operation, protocol, address), group) in groups {
        let values: BTreeSet<u16> = group
            .iter()
            .filter_map(|(_, _, inet)| match inet.port {
                Port::Literal(port) => Some(port),
                _ => None,
            })
            .collect();
        let (Some(first), Some(last)) = (values.first(), values.last()) else {
            continue;
        };
        if values.len() >= options.support.map_or(SUPPORT, |support| support.max(2)) {
            let bits = if address.is_ipv4() { 32 } else { 128 };
            let range = InetPattern::of(protocol, address, bits, Ports::Range(*first, *last));
            let new = Rule::new(operation, RuleObject::Inet(range));
            let evidence = Evidence::new(&values, group.iter().all(|(_, rule, _)| steady(rule)));
            out.push(take_group(remaining, &group, Kind::Ports, &new, evidence));
        }
    }
    out
}

/// Moves a group of lines from `remaining` into a draft.
fn take_group(
    remaining: &mut Lines<'_>,
    group: &Lines<'_>,
    kind: Kind,
    new: &Rule,
    evidence: Evidence,
) -> Draft {
    let mut lines: BTreeMap<Subject, Vec<(Rule, Rule)>> = BTreeMap::new();
    for (subject, rule, _) in group {
        let lines = lines.entry((*subject).clone()).or_default();
        lines.push(((*rule).clone(), new.clone()));
    }
    remaining.retain(|line| !group.contains(line));
    Draft {
        kind,
        place: new.to_string(),
        values: evidence.values,
        steady: evidence.steady,
        lines,
    }
}

/// Returns the rules that all maps have.
fn steady(maps: &[Map]) -> BTreeSet<Rule> {
    let mut rules = maps.iter().map(|map| -> BTreeSet<Rule> {
        let all = map.subjects.values().flat_map(|entry| &entry.allow);
        all.cloned().collect()
    });
    let first = rules.next().unwrap_or_default();
    rules.fold(first, |common, rules| &common & &rules)
}
