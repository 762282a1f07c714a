// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Boolean expressions, `&&`, `||` and `!`.

use ambit_event::nearest;

use super::relate::clash;
use super::simplify::{and, not, or, size};
use super::{Checker, ConditionErrorKind, Lints, TESTS_MAX, Why};
use crate::cel::{Comparison, Expr, ExprKind, Span};
use crate::condition::Condition;

/// Longest excerpt of a condition in an error, in bytes.
const SHOWN_MAX: usize = 200;

/// Every function and method, to suggest a similar one.
const FUNCTIONS: [&str; 16] = [
    "startsWith",
    "endsWith",
    "contains",
    "matches",
    "exists",
    "all",
    "size",
    "ip",
    "cidr",
    "isLoopback",
    "isPrivate",
    "isUnspecified",
    "isMulticast",
    "isLinkLocal",
    "containsIP",
    "family",
];

/// True if a function or method has this name.
pub(super) fn is_function(name: &str) -> bool {
    FUNCTIONS.contains(&name)
}

/// Returns start and end of joined expressions.
fn place(items: &[Expr]) -> (usize, usize) {
    let start = items.first().map_or(0, |item| item.span.start);
    (start, items.last().map_or(0, |item| item.span.end))
}

impl<'a> Checker<'a> {
    /// Lowers a boolean expression.
    pub(super) fn bool(&mut self, expr: &'a Expr) -> Option<Condition> {
        let condition = match &expr.kind {
            ExprKind::Bool(value) => Condition::Const(*value),
            ExprKind::Not(inner) => not(self.bool(inner)?),
            ExprKind::And(items) => self.joined(items, true)?,
            ExprKind::Or(items) => self.joined(items, false)?,
            ExprKind::Choice(parts) => {
                let [test, yes, no] = parts.as_ref();
                let (test, yes, no) = (self.bool(test), self.bool(yes), self.bool(no));
                self.choice(expr, test?, yes?, no?)?
            }
            ExprKind::Compare(how, left, right) => self.compare(expr, *how, left, right)?,
            ExprKind::In(left, right) => self.member(expr, left, right)?,
            ExprKind::Name(name) => self.bool_name(name, expr)?,
            ExprKind::Call {
                receiver,
                name,
                name_span,
                args,
            } => match receiver {
                Some(receiver) => self.method(expr, receiver, name, name_span, args)?,
                None => {
                    return self.unknown_function(name, name_span);
                }
            },
            ExprKind::Int(_) => return self.not_bool(expr, "a number"),
            ExprKind::Text(_) => return self.not_bool(expr, "a string"),
            ExprKind::List(_) => return self.not_bool(expr, "a list"),
        };
        if size(&condition) > TESTS_MAX {
            return self.error(&expr.span, ConditionErrorKind::TooLarge);
        }
        Some(condition)
    }

    pub(super) fn not_bool<T>(&mut self, expr: &Expr, what: &'static str) -> Option<T> {
        self.error(&expr.span, ConditionErrorKind::NotBool { what })
    }

    fn bool_name(&mut self, name: &str, expr: &Expr) -> Option<Condition> {
        if self.element == Some(name) {
            return self.not_bool(expr, "a string");
        }
        self.bool_field(name, &expr.span)
    }

    /// Reports a function that is unknown, or that does not return a boolean.
    pub(super) fn unknown_function<T>(&mut self, name: &str, span: &Span) -> Option<T> {
        let kind = match name {
            "ip" => ConditionErrorKind::NotBool { what: "an address" },
            "cidr" => ConditionErrorKind::NotBool { what: "a network" },
            "size" => ConditionErrorKind::NotBool { what: "a number" },
            _ => ConditionErrorKind::UnknownFunction {
                name: name.to_owned(),
                nearest: nearest(name, FUNCTIONS).filter(|near| *near != name),
            },
        };
        self.error(span, kind)
    }

    /// Lowers `&&` and `||`. An item that contradicts an earlier one, or makes the result always true, is an error.
    fn joined(&mut self, items: &'a [Expr], all: bool) -> Option<Condition> {
        let lowered: Vec<Option<Condition>> = items.iter().map(|item| self.bool(item)).collect();
        let lowered: Vec<Condition> = lowered.into_iter().collect::<Option<_>>()?;
        if lowered.iter().map(size).sum::<usize>() > TESTS_MAX {
            let span = items.first().map_or(0..0, |item| item.span.clone());
            return self.error(&span, ConditionErrorKind::TooLarge);
        }
        if self.lints == Lints::Accept {
            return Some(if all { and(lowered) } else { or(lowered) });
        }
        // Alternatives are always true together if their negations contradict each other.
        let tested: Vec<Condition> = if all {
            lowered.clone()
        } else {
            lowered.iter().cloned().map(not).collect()
        };
        for (index, (item, expr)) in tested.iter().zip(items).enumerate() {
            if let Condition::Const(_) = item {
                continue;
            }
            let before = tested.iter().zip(items).take(index);
            let other = before
                .filter(|(other, _)| !matches!(other, Condition::Const(_)))
                .find(|(other, _)| clash(other, item));
            if let Some((_, other)) = other {
                let text = self.source(&other.span).to_owned();
                return if all {
                    self.error(
                        &expr.span,
                        ConditionErrorKind::Never(Why::Contradicts(text)),
                    )
                } else {
                    self.error(&expr.span, ConditionErrorKind::Always(Why::Covers(text)))
                };
            }
        }
        if !all {
            self.numbers_alone(items, &lowered)?;
        }
        self.all_together(items, &tested, all)?;
        if all {
            self.branches(items, &lowered)?;
        } else {
            // Kept so that they are not lowered again for each conjunction that contains them.
            self.alternatives.insert(place(items), lowered.clone());
        }
        Some(if all { and(lowered) } else { or(lowered) })
    }

    /// Reports an alternative that is the test of a number, and that no event passes. Tests of texts are checked when
    /// they are lowered.
    fn numbers_alone(&mut self, items: &[Expr], lowered: &[Condition]) -> Option<()> {
        let mut alone = lowered.iter().zip(items);
        let never = alone
            .find(|(item, _)| matches!(item, Condition::Number(..)) && self.possible.never(item));
        let Some((item, expr)) = never else {
            return Some(());
        };
        let why = self.why_together(&[item], None, Why::Together);
        self.error(&expr.span, ConditionErrorKind::Never(why))
    }

    /// Reports an item that contradicts the items before it only together.
    fn all_together(&mut self, items: &[Expr], tested: &[Condition], all: bool) -> Option<()> {
        let some = tested
            .iter()
            .any(|item| matches!(item, Condition::Const(_)));
        let tested: Vec<&Condition> = tested.iter().collect();
        if some || !self.possible.never_all(&tested) {
            return Some(());
        }
        let last = (1..tested.len()).find(|last| {
            let until = tested.get(..=*last).unwrap_or_default();
            self.possible.never_all(until)
        })?;
        let expr = items.get(last)?;
        let before: Vec<&Expr> = items.iter().take(last).collect();
        let text = self.sources(&before, if all { " && " } else { " || " });
        let until = tested.get(..=last).unwrap_or_default();
        match (all, text) {
            (true, text) => {
                let plain = text.clone().map_or(Why::Rest, Why::Contradicts);
                let why = self.why_together(until, text, plain);
                self.error(&expr.span, ConditionErrorKind::Never(why))
            }
            (false, Some(text)) => {
                self.error(&expr.span, ConditionErrorKind::Always(Why::Covers(text)))
            }
            (false, None) => self.error(&expr.span, ConditionErrorKind::Always(Why::EveryText)),
        }
    }

    /// Reports an alternative that contradicts the conjunction it is in.
    fn branches(&mut self, items: &'a [Expr], lowered: &[Condition]) -> Option<()> {
        for (index, expr) in items.iter().enumerate() {
            let ExprKind::Or(inner) = &expr.kind else {
                continue;
            };
            let constant = |item: &Condition| matches!(item, Condition::Const(_));
            let Some(conditions) = self
                .alternatives
                .remove(&place(inner))
                .filter(|_| !lowered.iter().any(constant))
            else {
                continue;
            };
            let others: Vec<(&Expr, &Condition)> = items
                .iter()
                .zip(lowered)
                .enumerate()
                .filter(|(at, _)| *at != index)
                .map(|(_, other)| other)
                .collect();
            for (branch, condition) in inner.iter().zip(&conditions) {
                let mut together: Vec<&Condition> =
                    others.iter().map(|(_, other)| *other).collect();
                together.push(condition);
                if constant(condition) || !self.possible.never_all(&together) {
                    continue;
                }
                let one = others
                    .iter()
                    .find(|(_, other)| self.possible.never_all(&[other, condition]));
                let text = one.and_then(|(other, _)| self.sources(&[other], ""));
                let plain = text.clone().map_or(Why::Rest, Why::Contradicts);
                let why = self.why_together(&together, text, plain);
                return self.error(&branch.span, ConditionErrorKind::Never(why));
            }
        }
        Some(())
    }

    /// Returns expressions as written; `None` if they are long.
    fn sources(&self, items: &[&Expr], join: &str) -> Option<String> {
        let texts: Vec<&str> = items.iter().map(|item| self.source(&item.span)).collect();
        let text = texts.join(join);
        (text.len() <= SHOWN_MAX).then_some(text)
    }

    fn choice(
        &mut self,
        expr: &Expr,
        test: Condition,
        yes: Condition,
        no: Condition,
    ) -> Option<Condition> {
        if 2 * size(&test) + size(&yes) + size(&no) > TESTS_MAX {
            return self.error(&expr.span, ConditionErrorKind::TooLarge);
        }
        Some(or([and([test.clone(), yes]), and([not(test), no])]))
    }

    /// `==` and `!=` of booleans.
    pub(super) fn same(
        &mut self,
        expr: &Expr,
        how: Comparison,
        left: &'a Expr,
        right: &'a Expr,
    ) -> Option<Condition> {
        let (left, right) = (self.bool(left), self.bool(right));
        let (left, right) = (left?, right?);
        match how {
            Comparison::Equal => self.choice(expr, left, right.clone(), not(right)),
            Comparison::NotEqual => self.choice(expr, left, not(right.clone()), right),
            _ => self.error(&expr.span, ConditionErrorKind::Order("bool")),
        }
    }

    /// True if an expression has the form of a boolean.
    pub(super) fn is_bool(&self, expr: &Expr) -> bool {
        match &expr.kind {
            ExprKind::Bool(_)
            | ExprKind::Not(_)
            | ExprKind::And(_)
            | ExprKind::Or(_)
            | ExprKind::Compare(..)
            | ExprKind::In(..)
            | ExprKind::Choice(_) => true,
            ExprKind::Call { name, .. } => !matches!(name.as_str(), "size" | "family" | "ip"),
            ExprKind::Name(name) => {
                self.element != Some(name)
                    && crate::field::fields()
                        .iter()
                        .any(|field| field.name == name && field.type_name() == "bool")
            }
            _ => false,
        }
    }
}
