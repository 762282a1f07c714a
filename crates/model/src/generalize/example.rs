// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Examples of rules that a proposal would newly allow. The same proposal always has the same examples.

use ambit_event::lex::Class;
use ambit_event::{Inet, Object, Path, Port};

use super::{Proposal, SHOWN_MAX};
use crate::pattern::{InetPattern, PathKind, PathPattern, Piece, Ports};
use crate::{ANY_HOST, Matcher, Rule, RuleObject};

/// Number of attempts for each example.
const ATTEMPTS: usize = 8;

/// Returns a few examples, for different lines of the proposal if it has several.
pub(super) fn examples(proposal: &Proposal, before: &Matcher<'_>) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for variant in 0..SHOWN_MAX * ATTEMPTS {
        for rewrite in &proposal.rewrites {
            for rule in &rewrite.adds {
                let new = instance(rule, variant).filter(|object| {
                    rule.object().covers(object, &ANY_HOST)
                        && before
                            .rule(&rewrite.subject, rule.operation(), object)
                            .is_none()
                });
                let text = new.map(|object| Rule::of_point(rule.operation(), object).to_string());
                if let Some(text) = text
                    && !found.contains(&text)
                {
                    found.push(text);
                    if found.len() == SHOWN_MAX {
                        return found;
                    }
                }
            }
        }
    }
    found
}

fn instance(rule: &Rule, variant: usize) -> Option<Object> {
    match rule.object() {
        RuleObject::Path(pattern) => path(pattern, variant),
        RuleObject::Inet(pattern) => Some(Object::Inet(address(pattern, variant)?)),
        RuleObject::Exact(_) => None,
    }
}

fn path(pattern: &PathPattern, variant: usize) -> Option<Object> {
    let mut bytes = Vec::new();
    fill(pattern.pieces(), variant, &mut bytes);
    let path = Path::new(bytes).ok()?;
    match pattern.kind() {
        PathKind::Path => Some(Object::Path(path)),
        PathKind::Deleted => Some(Object::Deleted(path)),
        PathKind::Foreign => Some(Object::Foreign(path)),
        PathKind::Memfd => None,
    }
}

fn fill(pieces: &[Piece], variant: usize, out: &mut Vec<u8>) {
    for piece in pieces {
        match piece {
            Piece::Bytes(bytes) => out.extend_from_slice(bytes),
            Piece::Star => out.extend(format!("any-{variant}").bytes()),
            Piece::StarStar => out.extend(format!("any-{variant}/thing").bytes()),
            Piece::Class(class) => out.extend(member(*class, variant).bytes()),
            Piece::Either(alternatives) => {
                if let Some(chosen) = alternatives.get(variant % alternatives.len().max(1)) {
                    fill(chosen, variant, out);
                }
            }
        }
    }
}

fn member(class: Class, variant: usize) -> String {
    match class {
        Class::Num | Class::Pid | Class::Own => (1 + variant * 111).to_string(),
        Class::Hex => format!("{:x}", 0xab + variant * 0x1111),
        Class::Uuid => format!("00000000-0000-4000-8000-{variant:012x}"),
        Class::Tmp => format!("Xample{variant}"),
        Class::Date => format!("2031{:02}{:02}", 1 + variant % 12, 1 + variant % 28),
        Class::Time => format!("0102{:02}", variant % 60),
        Class::Year => (2031 + variant % 60).to_string(),
        Class::Month => format!("{:02}", 1 + variant % 12),
        Class::Day => format!("{:02}", 1 + variant % 28),
        Class::Hour => format!("{:02}", variant % 24),
        Class::Minute | Class::Second => format!("{:02}", variant % 60),
        Class::Tmpfile => String::new(),
    }
}

/// Returns an address from the end of the network, with a port of the range.
fn address(pattern: &InetPattern, variant: usize) -> Option<Inet> {
    let number = u32::try_from(variant + 1).ok()?;
    let bits = u32::from(pattern.prefix());
    let address = match pattern.network() {
        std::net::IpAddr::V4(network) => {
            let host = u32::MAX.checked_shr(bits).unwrap_or(0);
            std::net::Ipv4Addr::from(u32::from(network) | (host.wrapping_sub(number) & host)).into()
        }
        std::net::IpAddr::V6(network) => {
            let host = u128::MAX.checked_shr(bits).unwrap_or(0);
            let end = host.wrapping_sub(u128::from(number)) & host;
            std::net::Ipv6Addr::from(u128::from(network) | end).into()
        }
    };
    let port = match pattern.ports() {
        Ports::Range(first, _) => Port::Literal(first.saturating_add(u16::try_from(variant).ok()?)),
        Ports::Ephemeral => Port::Ephemeral,
        Ports::None => Port::None,
        Ports::Any => Port::Literal(1),
    };
    Some(Inet {
        protocol: pattern.protocol(),
        address,
        port,
    })
}
