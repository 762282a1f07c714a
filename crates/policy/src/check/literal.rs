// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Constants of a condition, and the texts that a field can never equal.

use std::net::IpAddr;

use ambit_abi::PATH_MAX;

use super::{Checker, ConditionErrorKind, Why};
use crate::cel::{Expr, ExprKind};
use crate::condition::Text;
use crate::field::is_domain;

/// Longest `comm` in bytes.
const COMM_MAX: usize = 15;
const PREFIXES: [&[u8]; 3] = [b"/", b"memfd:", b"fs:"];

/// Ways to compare a text with a constant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Match {
    Whole,
    Start,
    Other,
}

/// True if an expression is a constant.
pub(super) fn is_literal(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Bool(_) | ExprKind::Int(_) | ExprKind::Text(_) | ExprKind::List(_) => true,
        _ => address_text(expr).is_some(),
    }
}

/// Returns the text in `ip("…")`.
fn address_text(expr: &Expr) -> Option<&[u8]> {
    match &expr.kind {
        ExprKind::Call {
            receiver: None,
            name,
            args,
            ..
        } if name == "ip" => match args.as_slice() {
            [
                Expr {
                    kind: ExprKind::Text(text),
                    ..
                },
            ] => Some(text),
            _ => None,
        },
        _ => None,
    }
}

/// Returns a text constant, including the one in `ip("…")`.
pub(super) fn text_of(expr: &Expr) -> Option<&[u8]> {
    match &expr.kind {
        ExprKind::Text(text) => Some(text),
        _ => address_text(expr),
    }
}

/// The name of a constant's type, for messages.
pub(super) fn literal_is(expr: &Expr) -> &'static str {
    match &expr.kind {
        ExprKind::Bool(_) => "a bool",
        ExprKind::Int(_) => "a number",
        ExprKind::Text(_) => "a string",
        ExprKind::List(_) => "a list",
        _ if address_text(expr).is_some() => "an address",
        _ => "that",
    }
}

/// Returns why a text can never equal, begin with or contain this, if the constant alone shows it. Other reasons need
/// automata: see [`super::possible`].
pub(super) fn impossible(field: Text, how: Match, literal: &[u8]) -> Option<Why> {
    if literal.is_empty() {
        return (how != Match::Whole).then_some(Why::EmptyText);
    }
    if literal.contains(&0) && field != Text::ObjectName {
        return Some(Why::Nul);
    }
    match field {
        Text::Comm if literal.len() > COMM_MAX => Some(Why::Length(COMM_MAX)),
        Text::ObjectPath | Text::Executable | Text::Parent | Text::Chain => path(how, literal),
        Text::Cgroup if how != Match::Other && !literal.starts_with(b"/") => Some(Why::CgroupStart),
        Text::Domain if how == Match::Whole && !is_domain(literal) => Some(Why::Domain),
        _ => None,
    }
}

fn path(how: Match, literal: &[u8]) -> Option<Why> {
    if literal.len() >= PATH_MAX {
        return Some(Why::Length(PATH_MAX - 1));
    }
    let begins = PREFIXES.iter().any(|prefix| {
        literal.starts_with(prefix) || (how == Match::Start && prefix.starts_with(literal))
    });
    if how == Match::Other || begins {
        return None;
    }
    let end = std::str::from_utf8(literal)
        .ok()
        .filter(|text| how == Match::Whole && !text.contains(['/', '"', '\\']));
    Some(Why::PathStart(end.map(str::to_owned)))
}

/// Parses an address. An IPv4-mapped one becomes the IPv4 address, as in objects.
pub(super) fn address(text: &str) -> Option<(IpAddr, u8)> {
    let address = text.parse::<IpAddr>().ok()?.to_canonical();
    Some((address, if address.is_ipv4() { 32 } else { 128 }))
}

impl Checker<'_> {
    /// Reads a constant address.
    pub(super) fn address(&mut self, expr: &Expr, text: &[u8]) -> Option<(IpAddr, u8)> {
        let text = String::from_utf8_lossy(text).into_owned();
        match address(&text) {
            Some(address) => Some(address),
            None => self.error(&expr.span, ConditionErrorKind::Address(text)),
        }
    }

    /// Reads a constant network.
    pub(super) fn network(&mut self, expr: &Expr) -> Option<(IpAddr, u8)> {
        let ExprKind::Text(text) = &expr.kind else {
            let kind = ConditionErrorKind::Arguments {
                function: "cidr",
                takes: "a network in quotes",
            };
            return self.error(&expr.span, kind);
        };
        let text = String::from_utf8_lossy(text).into_owned();
        let parsed = text.split_once('/').and_then(|(address, length)| {
            let address: IpAddr = address.parse().ok()?;
            let width = if address.is_ipv4() { 32 } else { 128 };
            let digits = length.bytes().all(|byte| byte.is_ascii_digit());
            let length: u8 = length.parse().ok().filter(|_| digits)?;
            (length <= width).then_some((address, length))
        });
        let Some((address, length)) = parsed else {
            return self.error(&expr.span, ConditionErrorKind::Network(text));
        };
        let base = masked(address, length);
        if base != address {
            let network = format!("{base}/{length}");
            return self.error(&expr.span, ConditionErrorKind::HostBits { network });
        }
        match (address.to_canonical(), length.checked_sub(96)) {
            (IpAddr::V4(mapped), Some(length)) if address.is_ipv6() => {
                Some((mapped.into(), length))
            }
            _ => Some((address, length)),
        }
    }
}

/// Clears the address bits beyond the prefix.
fn masked(address: IpAddr, length: u8) -> IpAddr {
    match address {
        IpAddr::V4(address) => {
            let host = 32u32.saturating_sub(length.into());
            let mask = u32::MAX.checked_shl(host).unwrap_or(0);
            IpAddr::V4((address.to_bits() & mask).into())
        }
        IpAddr::V6(address) => {
            let host = 128u32.saturating_sub(length.into());
            let mask = u128::MAX.checked_shl(host).unwrap_or(0);
            IpAddr::V6((address.to_bits() & mask).into())
        }
    }
}
