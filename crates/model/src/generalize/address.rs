// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Drafts for networks, if the addresses of peers vary, and for ranges of ports.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ambit_event::{Inet, Object, Operation, Port, Subject};

use super::{Draft, Kind, Options};
use crate::pattern::{InetPattern, Ports};
use crate::{Map, Rule, RuleObject};

/// Prefix lengths to try, the narrowest network first.
const V4: [u8; 4] = [24, 16, 8, 0];
const V6: [u8; 4] = [64, 48, 32, 0];
/// Minimum number of addresses for a network, and of ports for a range.
const SUPPORT: usize = 3;
/// The same if several maps are compared and the addresses are not in all of them.
const SUPPORT_DIFFERS: usize = 2;
/// Minimum number of addresses for the network of all addresses.
const EVERYWHERE: usize = 8;

/// The evidence for a draft.
struct Seen {
    values: BTreeSet<String>,
    steady: bool,
}

impl Seen {
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
    let mut left: Lines<'_> = lines
        .iter()
        .filter_map(|(subject, rule)| match rule.object().as_exact() {
            Some(Object::Inet(inet)) => Some((*subject, *rule, *inet)),
            _ => None,
        })
        .collect();
    let mut out = Vec::new();
    for step in 0..V4.len() {
        let mut groups: BTreeMap<(Operation, InetPattern), Lines<'_>> = BTreeMap::new();
        for line in &left {
            let (_, rule, inet) = line;
            let steps = if inet.address.is_ipv4() { V4 } else { V6 };
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
                None if differs => SUPPORT_DIFFERS,
                None => SUPPORT,
            };
            if values.len() >= needed {
                let new = Rule::new(operation, RuleObject::Inet(network));
                let seen = Seen::new(&values, !differs && maps.len() > 1);
                out.push(take(&mut left, &group, Kind::Network, &new, seen));
            }
        }
    }
    out.extend(ports(&mut left, options, |rule| {
        maps.len() > 1 && steady.contains(rule)
    }));
    out
}

fn ports(left: &mut Lines<'_>, options: &Options, steady: impl Fn(&Rule) -> bool) -> Vec<Draft> {
    let mut out = Vec::new();
    let mut groups: BTreeMap<(Operation, u8, IpAddr), Lines<'_>> = BTreeMap::new();
    for line in &*left {
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
            let seen = Seen::new(&values, group.iter().all(|(_, rule, _)| steady(rule)));
            out.push(take(left, &group, Kind::Ports, &new, seen));
        }
    }
    out
}

/// Moves a group of lines from `left` into a draft.
fn take(left: &mut Lines<'_>, group: &Lines<'_>, kind: Kind, new: &Rule, seen: Seen) -> Draft {
    let mut lines: BTreeMap<Subject, Vec<(Rule, Rule)>> = BTreeMap::new();
    for (subject, rule, _) in group {
        let lines = lines.entry((*subject).clone()).or_default();
        lines.push(((*rule).clone(), new.clone()));
    }
    left.retain(|line| !group.contains(line));
    Draft {
        kind,
        place: new.to_string(),
        values: seen.values,
        steady: seen.steady,
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
