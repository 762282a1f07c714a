// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `in`, and methods of texts, addresses and the chain.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ambit_event::nearest;

use super::literal::{Match, impossible, is_literal, literal_is};
use super::simplify::not;
use super::{Checker, ConditionErrorKind, Lints, Why, text};
use crate::cel::{Expr, ExprKind, Span};
use crate::condition::{Condition, Number, NumberTest, Text, TextTest};
use crate::field::{Field, Meaning, fields};
use crate::regex::Regex;

const fn v4(a: u8, b: u8, length: u8) -> (IpAddr, u8) {
    (IpAddr::V4(Ipv4Addr::new(a, b, 0, 0)), length)
}

const fn v6(first: u16, length: u8) -> (IpAddr, u8) {
    (
        IpAddr::V6(Ipv6Addr::new(first, 0, 0, 0, 0, 0, 0, 0)),
        length,
    )
}

/// The networks that each address test covers, by name.
const NETWORKS: [(&str, &[(IpAddr, u8)]); 5] = [
    (
        "isLoopback",
        &[v4(127, 0, 8), (IpAddr::V6(Ipv6Addr::LOCALHOST), 128)],
    ),
    (
        "isPrivate",
        &[
            v4(10, 0, 8),
            v4(172, 16, 12),
            v4(192, 168, 16),
            v6(0xfc00, 7),
        ],
    ),
    ("isUnspecified", &[v4(0, 0, 32), v6(0, 128)]),
    ("isMulticast", &[v4(224, 0, 4), v6(0xff00, 8)]),
    ("isLinkLocal", &[v4(169, 254, 16), v6(0xfe80, 10)]),
];

fn in_networks(networks: &[(IpAddr, u8)]) -> Condition {
    let networks = networks.iter().copied().collect();
    Condition::Text(Text::ObjectAddress, TextTest::Network(networks))
}

impl<'a> Checker<'a> {
    /// `left in right`.
    pub(super) fn member(
        &mut self,
        expr: &'a Expr,
        left: &'a Expr,
        right: &'a Expr,
    ) -> Option<Condition> {
        match &right.kind {
            ExprKind::List(_) if is_literal(left) => {
                self.error(&expr.span, ConditionErrorKind::NoField)
            }
            ExprKind::List(items) => {
                let subject = self.subject(left, right)?;
                self.among(expr, &subject, items)
            }
            ExprKind::Name(name) if self.element != Some(name) => {
                self.member_of(expr, left, name, right)
            }
            _ => self.error(&right.span, ConditionErrorKind::NotAList),
        }
    }

    /// `in` with a list field.
    fn member_of(
        &mut self,
        expr: &Expr,
        left: &Expr,
        name: &str,
        right: &Expr,
    ) -> Option<Condition> {
        let variants = self.variants(name, &right.span)?;
        let (field, _) = variants.first()?;
        if !matches!(
            field.meaning,
            Meaning::Chain | Meaning::Caps | Meaning::Trust
        ) {
            return self.error(&right.span, ConditionErrorKind::NotAList);
        }
        let ExprKind::Text(bytes) = &left.kind else {
            if !is_literal(left) {
                return self.error(&expr.span, ConditionErrorKind::TwoFields);
            }
            let kind = ConditionErrorKind::Type {
                name: name.to_owned(),
                is: field.type_name(),
                with: literal_is(left),
            };
            return self.error(&left.span, kind);
        };
        match field.meaning {
            Meaning::Caps => self.capability(field, bytes, left),
            Meaning::Trust => {
                let source = self.source_of(bytes, left)?;
                Some(Condition::Trust(Some(source)))
            }
            _ => {
                let test = TextTest::In(BTreeSet::from([bytes.clone()]));
                if let Some(why) = impossible(Text::Chain, Match::Whole, bytes) {
                    return self.never(&expr.span, why, Condition::Text(Text::Chain, test));
                }
                self.text_test(expr, Text::Chain, test, false)
            }
        }
    }

    fn capability(
        &mut self,
        field: &'static Field,
        name: &[u8],
        literal: &Expr,
    ) -> Option<Condition> {
        let word = String::from_utf8_lossy(name).into_owned();
        if let Some(bit) = field.word(&word) {
            let mask = 1u64.checked_shl(bit).unwrap_or(0);
            return Some(Condition::Number(Number::Caps, NumberTest::AnyBit(mask)));
        }
        let kind = ConditionErrorKind::Word {
            name: field.name.to_owned(),
            nearest: nearest(&word, field.values()),
            word,
        };
        self.error(&literal.span, kind)
    }

    /// `receiver.name(args)`.
    pub(super) fn method(
        &mut self,
        expr: &'a Expr,
        receiver: &'a Expr,
        name: &str,
        name_span: &Span,
        args: &'a [Expr],
    ) -> Option<Condition> {
        match name {
            "startsWith" => self.part(expr, receiver, "startsWith", args),
            "endsWith" => self.part(expr, receiver, "endsWith", args),
            "contains" => self.part(expr, receiver, "contains", args),
            "matches" => self.part(expr, receiver, "matches", args),
            "exists" => self.chain(expr, receiver, "exists", args),
            "all" => self.chain(expr, receiver, "all", args),
            "containsIP" => self.in_cidr(receiver, args, name_span),
            "family" => self.not_bool(expr, "a number"),
            _ => match NETWORKS.iter().find(|(known, _)| *known == name) {
                Some((function, networks)) => {
                    self.address_subject(receiver, function)?;
                    if let Some(first) = args.first() {
                        let kind = ConditionErrorKind::Arguments {
                            function,
                            takes: "no argument",
                        };
                        return self.error(&first.span, kind);
                    }
                    Some(in_networks(networks))
                }
                None => self.unknown_function(name, name_span),
            },
        }
    }

    fn argument(
        &mut self,
        expr: &Expr,
        function: &'static str,
        takes: &'static str,
    ) -> Option<Condition> {
        self.error(
            &expr.span,
            ConditionErrorKind::Arguments { function, takes },
        )
    }

    /// `startsWith`, `endsWith`, `contains` and `matches`.
    fn part(
        &mut self,
        expr: &'a Expr,
        receiver: &'a Expr,
        function: &'static str,
        args: &'a [Expr],
    ) -> Option<Condition> {
        let field = match &receiver.kind {
            ExprKind::Name(_) => self.subject(receiver, receiver)?.text(),
            _ => None,
        };
        let Some(field) = field else {
            let takes = "a field that is a string";
            let kind = ConditionErrorKind::Receiver { function, takes };
            return self.error(&receiver.span, kind);
        };
        let [literal] = args else {
            return self.argument(expr, function, "one string");
        };
        let ExprKind::Text(bytes) = &literal.kind else {
            return self.argument(literal, function, "a string in quotes");
        };
        let how = if function == "startsWith" {
            Match::Start
        } else {
            Match::Other
        };
        let why = (function != "matches").then(|| impossible(field, how, bytes));
        let why = why.flatten();
        if why == Some(Why::EmptyText) {
            return self.always(&expr.span, Why::EmptyText, Condition::Const(true));
        }
        let test = match function {
            "startsWith" => TextTest::StartsWith(bytes.clone()),
            "endsWith" => TextTest::EndsWith(bytes.clone()),
            "contains" => TextTest::Contains(bytes.clone()),
            _ => {
                let Ok(pattern) = std::str::from_utf8(bytes) else {
                    return self.argument(literal, function, "an expression in UTF-8");
                };
                if let Err(error) = Regex::new(pattern) {
                    return self.error(&literal.span, ConditionErrorKind::Regex(error));
                }
                TextTest::Matches(pattern.to_owned())
            }
        };
        if let Some(why) = why {
            return self.never(&expr.span, why, Condition::Text(field, test));
        }
        let condition = self.text_test(expr, field, test, false)?;
        if self.lints == Lints::Refuse && self.possible.never(&not(condition.clone())) {
            return self.always(&expr.span, Why::EveryText, condition);
        }
        Some(condition)
    }

    /// `exists` and `all` over the chain.
    fn chain(
        &mut self,
        expr: &'a Expr,
        receiver: &'a Expr,
        function: &'static str,
        args: &'a [Expr],
    ) -> Option<Condition> {
        let of_chain = |name: &str| {
            fields()
                .iter()
                .any(|field| field.name == name && matches!(field.meaning, Meaning::Chain))
        };
        match &receiver.kind {
            ExprKind::Name(name) if self.element.is_none() && of_chain(name) => {}
            ExprKind::Name(name) if self.element != Some(name) => {
                // An unknown field is reported first.
                self.variants(name, &receiver.span)?;
                let takes = "`subject.chain`";
                return self.error(
                    &receiver.span,
                    ConditionErrorKind::Receiver { function, takes },
                );
            }
            _ => {
                let takes = "`subject.chain`";
                let kind = ConditionErrorKind::Receiver { function, takes };
                return self.error(&receiver.span, kind);
            }
        }
        let takes = "a name for an executable, and a test of it";
        let [element, body] = args else {
            return self.argument(expr, function, takes);
        };
        let ExprKind::Name(name) = &element.kind else {
            return self.argument(element, function, takes);
        };
        if name.contains('.') {
            return self.argument(element, function, takes);
        }
        self.element = Some(name);
        let tested = self.bool(body);
        self.element = None;
        // The parts of an accepted test may fold to a constant.
        let every = TextTest::Matches(String::new());
        let test = match tested? {
            Condition::Text(_, test) => test,
            Condition::Const(true) if self.lints == Lints::Accept => every,
            Condition::Const(false) if self.lints == Lints::Accept => text::not(every),
            _ => return self.argument(body, function, takes),
        };
        Some(if function == "exists" {
            Condition::Text(Text::Chain, test)
        } else {
            not(Condition::Text(Text::Chain, text::not(test)))
        })
    }

    /// `cidr("…").containsIP(…)`.
    fn in_cidr(
        &mut self,
        receiver: &'a Expr,
        args: &'a [Expr],
        name_span: &Span,
    ) -> Option<Condition> {
        let function = "containsIP";
        let network = match &receiver.kind {
            ExprKind::Call {
                receiver: None,
                name,
                args,
                ..
            } if name == "cidr" => args.first().filter(|_| args.len() == 1),
            _ => None,
        };
        let Some(network) = network else {
            let takes = "`cidr(\"…\")`";
            let kind = ConditionErrorKind::Receiver { function, takes };
            return self.error(&receiver.span, kind);
        };
        let network = self.network(network);
        let [address] = args else {
            let takes = "`object.address`";
            return self.error(name_span, ConditionErrorKind::Arguments { function, takes });
        };
        self.address_subject(address, function)?;
        Some(in_networks(&[network?]))
    }
}
