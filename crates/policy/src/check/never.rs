// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Reports tests that no event passes, with the reason and what to write instead.

use ambit_abi::{KIND_DELETED, KIND_FOREIGN};

use super::canonical::Property;
use super::instead::instead;
use super::possible::Reason;
use super::{Checker, Lints, Why};
use crate::cel::Expr;
use crate::condition::{Condition, Number, NumberTest, Text, TextTest};

impl Checker<'_> {
    /// Builds the test of a text. A test that no text of the field passes is an error.
    pub(super) fn text_test(
        &mut self,
        expr: &Expr,
        field: Text,
        test: TextTest,
        negated: bool,
    ) -> Option<Condition> {
        let condition = Condition::Text(field, test);
        let Condition::Text(_, test) = &condition else {
            return None;
        };
        if self.lints == Lints::Accept {
            return Some(condition);
        }
        if self.possible.never(&condition) {
            let why = match self.possible.why(&[&condition]) {
                Reason::Property(Property::Without(fault)) => Why::Form {
                    fault,
                    instead: instead(&mut self.possible, field, test),
                    beside: None,
                },
                Reason::Object => Why::Object {
                    fields: object_fields(&[&condition]),
                    beside: None,
                },
                _ => Why::NoSuchText(field),
            };
            return self.useless(expr, negated, why, condition);
        }
        Some(condition)
    }

    /// Returns why no event passes all of these. `beside` is the text of the tests that another test contradicts;
    /// `plain` is the reason if the tests themselves contradict each other.
    pub(super) fn why_together(
        &mut self,
        conditions: &[&Condition],
        beside: Option<String>,
        plain: Why,
    ) -> Why {
        match self.possible.why(conditions) {
            Reason::Property(Property::Without(fault)) => Why::Form {
                fault,
                instead: None,
                beside,
            },
            Reason::Object => Why::Object {
                fields: object_fields(conditions),
                beside,
            },
            _ => plain,
        }
    }
}

/// Returns the fields of the object that conditions test, in backquotes.
fn object_fields(conditions: &[&Condition]) -> Vec<&'static str> {
    let mut fields = Vec::new();
    let mut left: Vec<&Condition> = conditions.to_vec();
    while let Some(next) = left.pop() {
        let field = match next {
            Condition::Not(inner) => {
                left.push(inner);
                continue;
            }
            Condition::And(items) | Condition::Or(items) => {
                left.extend(items);
                continue;
            }
            Condition::Text(Text::ObjectPath, _) => "`object.path`",
            Condition::Text(Text::ObjectName, _) => "`object.name`",
            Condition::Number(Number::Port, _) => "`object.port`",
            Condition::Number(Number::Protocol, _) => "`object.protocol`",
            Condition::Number(Number::Unrepresentable, _) => "`object.unrepresentable`",
            Condition::Number(Number::Kind, NumberTest::In(kinds))
                if kinds.contains(&u64::from(KIND_DELETED)) =>
            {
                "`object.deleted`"
            }
            Condition::Number(Number::Kind, NumberTest::In(kinds))
                if kinds.contains(&u64::from(KIND_FOREIGN)) =>
            {
                "`object.foreign`"
            }
            Condition::Text(Text::ObjectAddress, _) | Condition::Number(Number::Kind, _) => {
                "`object.address`"
            }
            _ => continue,
        };
        fields.push(field);
    }
    fields.sort_unstable();
    fields.dedup();
    fields
}
