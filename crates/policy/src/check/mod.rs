// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Checks a condition's tree and lowers it: types, fields of the rule's operations, tests that are never or always
//! true. Also checks the rules of a set against each other.

mod canonical;
mod cases;
mod compare;
mod error;
mod fields;
mod instead;
mod lists;
mod literal;
mod lower;
mod never;
mod parts;
pub(crate) mod possible;
pub(crate) mod relate;
pub(crate) mod set;
pub(crate) mod simplify;
mod text;
mod values;

use std::collections::HashMap;

use ambit_event::Op;

use crate::cel::{self, ExprKind, Span};
use crate::condition::Condition;

use possible::Possible;

pub use error::{ConditionError, ConditionErrorKind, Why};

/// Limit of tests in a condition.
const TESTS_MAX: usize = 4096;

/// What happens to tests that are never or always true.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lints {
    /// They are errors.
    Refuse,
    /// They are kept as they are written.
    Accept,
}

/// Parses and checks a condition of a rule for these operations.
pub fn condition(source: &str, ops: &[Op]) -> Result<Condition, Vec<ConditionError>> {
    condition_with(source, ops, Lints::Refuse)
}

/// As [`condition`], with or without the lints.
pub(crate) fn condition_with(
    source: &str,
    ops: &[Op],
    lints: Lints,
) -> Result<Condition, Vec<ConditionError>> {
    let expr = cel::parse(source).map_err(|error| vec![error.into()])?;
    let mut checker = Checker {
        source,
        ops,
        lints,
        element: None,
        possible: Possible::new(ops),
        alternatives: HashMap::new(),
        errors: Vec::new(),
    };
    let condition = checker.bool(&expr);
    match condition {
        Some(condition) if checker.errors.is_empty() && lints == Lints::Accept => Ok(condition),
        Some(Condition::Const(false)) if checker.errors.is_empty() => {
            let constant = matches!(
                expr.kind,
                ExprKind::Bool(_) | ExprKind::Not(_) | ExprKind::And(_) | ExprKind::Or(_)
            );
            let why = if constant {
                Why::Constant
            } else {
                Why::Together
            };
            checker.error::<()>(&expr.span, ConditionErrorKind::Never(why));
            Err(checker.errors)
        }
        Some(condition) if checker.errors.is_empty() && checker.possible.never(&condition) => {
            let why = checker.why_together(&[&condition], None, Why::Together);
            checker.error::<()>(&expr.span, ConditionErrorKind::Never(why));
            Err(checker.errors)
        }
        Some(condition) if checker.errors.is_empty() => Ok(condition),
        _ => Err(checker.errors),
    }
}

/// Returns the texts of a condition that look like trust sources of rules, with their places. They may also be other
/// constants.
pub(crate) fn rules_asked(source: &str) -> Vec<(String, Span)> {
    if !source.contains("rule:") {
        return Vec::new();
    }
    cel::texts(source)
        .into_iter()
        .filter_map(|(text, span)| Some((String::from_utf8(text).ok()?, span)))
        .filter(|(text, _)| text.starts_with("rule:"))
        .collect()
}

/// Lowers a condition's tree and collects its errors. A part with an error is `None` for its parent.
struct Checker<'a> {
    source: &'a str,
    ops: &'a [Op],
    lints: Lints,
    /// The variable of the `exists` or `all` around.
    element: Option<&'a str>,
    possible: Possible,
    /// Lowered alternatives of `||`, by place.
    alternatives: HashMap<(usize, usize), Vec<Condition>>,
    errors: Vec<ConditionError>,
}

impl Checker<'_> {
    fn error<T>(&mut self, span: &Span, kind: ConditionErrorKind) -> Option<T> {
        self.errors.push(ConditionError {
            span: span.clone(),
            kind,
        });
        None
    }

    /// Reports a test that is never true. `test` is its meaning, where lints are accepted.
    fn never(&mut self, span: &Span, why: Why, test: Condition) -> Option<Condition> {
        match self.lints {
            Lints::Refuse => self.error(span, ConditionErrorKind::Never(why)),
            Lints::Accept => Some(test),
        }
    }

    /// As [`Self::never`], for a test that is always true.
    fn always(&mut self, span: &Span, why: Why, test: Condition) -> Option<Condition> {
        match self.lints {
            Lints::Refuse => self.error(span, ConditionErrorKind::Always(why)),
            Lints::Accept => Some(test),
        }
    }

    fn source(&self, span: &Span) -> &str {
        self.source.get(span.clone()).unwrap_or_default()
    }
}
