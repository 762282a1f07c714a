// SPDX-License-Identifier: Apache-2.0 OR MIT
//! From a condition's tree to a condition: types, fields of the rule's operations, and tests that say nothing. What a
//! set of rules has in common is checked here, too.

mod compare;
mod error;
mod fields;
mod lists;
mod literal;
mod lower;
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

/// Tests that a condition may have.
const TESTS_MAX: usize = 4096;

/// Reads and checks a condition of a rule that is asked about these operations.
pub fn condition(source: &str, ops: &[Op]) -> Result<Condition, Vec<ConditionError>> {
    let expr = cel::parse(source).map_err(|error| vec![error.into()])?;
    let mut checker = Checker {
        source,
        ops,
        element: None,
        possible: Possible::new(ops),
        alternatives: HashMap::new(),
        errors: Vec::new(),
    };
    let condition = checker.bool(&expr);
    match condition {
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
            checker.error::<()>(&expr.span, ConditionErrorKind::Never(Why::Together));
            Err(checker.errors)
        }
        Some(condition) if checker.errors.is_empty() => Ok(condition),
        _ => Err(checker.errors),
    }
}

/// The sources of trust that a condition names and that are rules, and where. Names in no such place may be among them.
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

/// Goes over a condition's tree; what is wrong is collected, and is `None` to what is around it.
struct Checker<'a> {
    source: &'a str,
    ops: &'a [Op],
    /// Within `exists` and `all`, what an executable is called.
    element: Option<&'a str>,
    possible: Possible,
    /// What is joined by or, by its place.
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

    fn never<T>(&mut self, span: &Span, why: Why) -> Option<T> {
        self.error(span, ConditionErrorKind::Never(why))
    }

    fn always<T>(&mut self, span: &Span, why: Why) -> Option<T> {
        self.error(span, ConditionErrorKind::Always(why))
    }

    fn source(&self, span: &Span) -> &str {
        self.source.get(span.clone()).unwrap_or_default()
    }
}
