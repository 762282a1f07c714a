// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Comparisons of a field with a constant.

use std::collections::BTreeSet;

use ambit_event::names::is_trust_source;

use super::fields::{Variants, what_is};
use super::literal::{Match, impossible, is_literal, literal_is, text_of};
use super::simplify::{not, or};
use super::{Checker, ConditionErrorKind, Why};
use crate::cel::{Comparison, Expr, ExprKind};
use crate::condition::{Condition, Number, NumberTest, Text, TextTest};
use crate::field::{Field, Meaning};

/// The left side of a comparison.
pub(super) enum Subject {
    /// A field, and its name.
    Fields(Variants, String),
    /// An executable of the chain.
    Element,
    /// `ip(object.address).family()`.
    Family,
    /// `task.trust.size()`.
    TrustSize,
}

impl Subject {
    /// The field. Several fields of one name have the same type, so the first stands for all.
    fn field(&self) -> Option<&'static Field> {
        match self {
            Self::Fields(variants, _) => variants.first().map(|(field, _)| *field),
            _ => None,
        }
    }

    /// The text, if the subject is one.
    pub(super) fn text(&self) -> Option<Text> {
        match (self, self.field().map(|field| &field.meaning)) {
            // A placeholder: nothing else can be tested within `exists`.
            (Self::Element, _) => Some(Text::Executable),
            (_, Some(Meaning::Text(text))) => Some(*text),
            _ => None,
        }
    }

    pub(super) fn is_address(&self) -> bool {
        matches!(
            self.field(),
            Some(Field {
                meaning: Meaning::Address,
                ..
            })
        )
    }
}

/// The object is an IP address.
pub(super) fn is_inet() -> Condition {
    let kinds = [ambit_abi::KIND_INET4, ambit_abi::KIND_INET6].map(u64::from);
    Condition::Number(Number::Kind, NumberTest::In(BTreeSet::from(kinds)))
}

pub(super) fn one_of(number: Number, value: u64) -> Condition {
    Condition::Number(number, NumberTest::In(BTreeSet::from([value])))
}

impl<'a> Checker<'a> {
    /// `left == right` and so on.
    pub(super) fn compare(
        &mut self,
        expr: &'a Expr,
        how: Comparison,
        left: &'a Expr,
        right: &'a Expr,
    ) -> Option<Condition> {
        let (how, left, right) = match (is_literal(left), is_literal(right)) {
            (true, true) => return self.error(&expr.span, ConditionErrorKind::NoField),
            (true, false) => (how.turned(), right, left),
            (false, true) => (how, left, right),
            (false, false) if self.is_bool(left) && self.is_bool(right) => {
                return self.same(expr, how, left, right);
            }
            (false, false) => return self.error(&expr.span, ConditionErrorKind::TwoFields),
        };
        if let ExprKind::Bool(_) = right.kind {
            return self.same(expr, how, left, right);
        }
        let subject = self.subject(left, right)?;
        match how {
            Comparison::Equal => self.equal(expr, &subject, right, false),
            Comparison::NotEqual => Some(not(self.equal(expr, &subject, right, true)?)),
            how => self.order(expr, &subject, how, right),
        }
    }

    /// Resolves the side of a comparison that is not the constant.
    pub(super) fn subject(&mut self, expr: &'a Expr, literal: &Expr) -> Option<Subject> {
        match &expr.kind {
            ExprKind::Name(name) if self.element == Some(name) => Some(Subject::Element),
            ExprKind::Name(name) => {
                let variants = self.variants(name, &expr.span)?;
                Some(Subject::Fields(variants, name.clone()))
            }
            ExprKind::Call {
                receiver,
                name,
                name_span,
                args,
            } => match (name.as_str(), receiver.as_deref(), args.as_slice()) {
                ("ip", None, [inner]) => self.address_subject(inner, "ip"),
                ("family", Some(receiver), []) => {
                    self.address_subject(receiver, "family")?;
                    Some(Subject::Family)
                }
                ("size", Some(list), []) | ("size", None, [list]) => {
                    let subject = self.subject(list, literal)?;
                    if let Some(Meaning::Trust) = subject.field().map(|field| &field.meaning) {
                        return Some(Subject::TrustSize);
                    }
                    let kind = ConditionErrorKind::Receiver {
                        function: "size",
                        takes: "`task.trust`",
                    };
                    self.error(&expr.span, kind)
                }
                _ if self.is_bool(expr) && super::lower::is_function(name) => {
                    self.bool_with(expr, literal)
                }
                _ => self.unknown_function(name, name_span),
            },
            _ => self.bool_with(expr, literal),
        }
    }

    /// Reports the comparison of a boolean with a constant of another type.
    fn bool_with<T>(&mut self, expr: &Expr, literal: &Expr) -> Option<T> {
        let kind = ConditionErrorKind::Type {
            name: self.source(&expr.span).to_owned(),
            is: "bool",
            with: literal_is(literal),
        };
        self.error(&expr.span, kind)
    }

    /// Resolves the object's address, or `ip(…)` of it.
    pub(super) fn address_subject(
        &mut self,
        expr: &'a Expr,
        function: &'static str,
    ) -> Option<Subject> {
        if matches!(expr.kind, ExprKind::Name(_) | ExprKind::Call { .. }) && !is_literal(expr) {
            let subject = self.subject(expr, expr)?;
            if subject.is_address() {
                return Some(subject);
            }
        }
        let kind = ConditionErrorKind::Receiver {
            function,
            takes: "`object.address`",
        };
        self.error(&expr.span, kind)
    }

    /// Reports a test that is never true; with `!=`, one that is always true. `test` is its meaning before the negation.
    pub(super) fn useless(
        &mut self,
        expr: &Expr,
        negated: bool,
        why: Why,
        test: Condition,
    ) -> Option<Condition> {
        if negated {
            self.always(&expr.span, why, test)
        } else {
            self.never(&expr.span, why, test)
        }
    }

    /// Builds the test that the subject equals the constant. `negated` is set for `!=` and only matters for errors.
    pub(super) fn equal(
        &mut self,
        expr: &Expr,
        subject: &Subject,
        literal: &Expr,
        negated: bool,
    ) -> Option<Condition> {
        if let Some(field) = subject.text() {
            let Some(text) = text_of(literal) else {
                return self.mismatch(subject, literal);
            };
            let equals = TextTest::In(BTreeSet::from([text.to_vec()]));
            if let Some(why) = impossible(field, Match::Whole, text) {
                return self.useless(expr, negated, why, Condition::Text(field, equals));
            }
            return self.text_test(expr, field, equals, negated);
        }
        match (subject, &literal.kind) {
            (Subject::Family, ExprKind::Int(4)) => {
                Some(one_of(Number::Kind, ambit_abi::KIND_INET4.into()))
            }
            (Subject::Family, ExprKind::Int(6)) => {
                Some(one_of(Number::Kind, ambit_abi::KIND_INET6.into()))
            }
            (Subject::Family, _) => {
                let kind = ConditionErrorKind::Arguments {
                    function: "family",
                    takes: "no argument and is 4 or 6",
                };
                self.error(&literal.span, kind)
            }
            (Subject::TrustSize, _) => self.trust_size(expr, Comparison::Equal, literal),
            (Subject::Fields(variants, name), _) => {
                self.equal_field(expr, variants, name, literal, negated)
            }
            (Subject::Element, _) => self.mismatch(subject, literal),
        }
    }

    fn equal_field(
        &mut self,
        expr: &Expr,
        variants: &Variants,
        name: &str,
        literal: &Expr,
        negated: bool,
    ) -> Option<Condition> {
        let (field, _) = variants.first()?;
        let how = if negated {
            Comparison::NotEqual
        } else {
            Comparison::Equal
        };
        match (&field.meaning, &literal.kind, text_of(literal)) {
            (Meaning::Number(..), ExprKind::Int(value), _) => {
                // The caller negates the result.
                let found = self.number(expr, variants, how, *value)?;
                Some(if negated { not(found) } else { found })
            }
            (Meaning::Words(..) | Meaning::FileType, ExprKind::Int(value), _) => {
                self.numbered(expr, variants, name, *value, literal)
            }
            (Meaning::Words(..) | Meaning::FileType, _, Some(word)) => {
                self.word(variants, name, word, literal)
            }
            (Meaning::Operation, _, Some(word)) => self.operation(expr, word, literal, negated),
            (Meaning::Address, _, Some(b"")) => Some(not(is_inet())),
            (Meaning::Address, _, Some(bytes)) => {
                let network = self.address(literal, bytes)?;
                let test = TextTest::Network(BTreeSet::from([network]));
                Some(Condition::Text(Text::ObjectAddress, test))
            }
            (Meaning::Cause, _, Some(b"")) => Some(not(Condition::Trust(None))),
            (Meaning::Cause, _, Some(text)) => {
                let source = self.source_of(text, literal)?;
                Some(Condition::Cause(source))
            }
            (Meaning::Chain, ..) => self.error(
                &expr.span,
                ConditionErrorKind::List("`in`, `exists` and `all`"),
            ),
            (Meaning::Caps | Meaning::Trust, ..) => {
                self.error(&expr.span, ConditionErrorKind::List("`in`"))
            }
            _ => {
                let kind = ConditionErrorKind::Type {
                    name: name.to_owned(),
                    is: field.type_name(),
                    with: literal_is(literal),
                };
                self.error(&literal.span, kind)
            }
        }
    }

    fn mismatch(&mut self, subject: &Subject, literal: &Expr) -> Option<Condition> {
        let name = match subject {
            Subject::Fields(_, name) => name.clone(),
            _ => self.element.unwrap_or_default().to_owned(),
        };
        let kind = ConditionErrorKind::Type {
            name,
            is: "string",
            with: literal_is(literal),
        };
        self.error(&literal.span, kind)
    }

    /// Checks that a text is a trust source.
    pub(super) fn source_of(&mut self, text: &[u8], literal: &Expr) -> Option<String> {
        let text = String::from_utf8_lossy(text).into_owned();
        if is_trust_source(&text) {
            return Some(text);
        }
        self.error(&literal.span, ConditionErrorKind::Source(text))
    }

    /// `<`, `<=`, `>` and `>=`.
    fn order(
        &mut self,
        expr: &Expr,
        subject: &Subject,
        how: Comparison,
        literal: &Expr,
    ) -> Option<Condition> {
        match (subject, &literal.kind) {
            (Subject::Fields(variants, name), kind) => {
                let (field, _) = variants.first()?;
                match (&field.meaning, kind) {
                    (Meaning::Number(..), ExprKind::Int(value)) => {
                        self.number(expr, variants, how, *value)
                    }
                    (Meaning::Number(..), _) => {
                        let kind = ConditionErrorKind::Type {
                            name: name.clone(),
                            is: "number",
                            with: literal_is(literal),
                        };
                        self.error(&literal.span, kind)
                    }
                    _ => {
                        let what = what_is(field)
                            .split_once(' ')
                            .map_or("string", |(_, what)| what);
                        self.error(&expr.span, ConditionErrorKind::Order(what))
                    }
                }
            }
            (Subject::TrustSize, _) => self.trust_size(expr, how, literal),
            _ => self.error(&expr.span, ConditionErrorKind::Order("string")),
        }
    }

    /// `in` with a list of constants.
    pub(super) fn among(
        &mut self,
        expr: &Expr,
        subject: &Subject,
        items: &'a [Expr],
    ) -> Option<Condition> {
        if items.is_empty() {
            return self.never(&expr.span, Why::EmptyList, Condition::Const(false));
        }
        let tests: Vec<Option<Condition>> = items
            .iter()
            .map(|item| {
                if is_literal(item) {
                    self.equal(item, subject, item, false)
                } else {
                    self.error(&item.span, ConditionErrorKind::TwoFields)
                }
            })
            .collect();
        Some(or(tests.into_iter().collect::<Option<Vec<_>>>()?))
    }
}
