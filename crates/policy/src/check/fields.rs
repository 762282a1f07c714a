// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Resolves names to fields of the rule's operations.

use std::collections::BTreeSet;

use ambit_event::{Op, nearest};

use super::simplify::{and, or};
use super::{Checker, ConditionErrorKind};
use crate::cel::Span;
use crate::condition::{Condition, Number, NumberTest};
use crate::field::{Field, Meaning, fields};

/// The fields of one name, each with the rule's operations that have it.
pub(super) type Variants = Vec<(&'static Field, Vec<Op>)>;

/// Returns the condition that the operation is one of these.
pub(super) fn operation_in(ops: &[Op]) -> Condition {
    let numbers: BTreeSet<u64> = ops.iter().map(|op| u64::from(u16::from(*op))).collect();
    if numbers.is_empty() {
        return Condition::Const(false);
    }
    Condition::Number(Number::Op, NumberTest::In(numbers))
}

impl Checker<'_> {
    /// Returns the fields of a name; never empty.
    pub(super) fn variants(&mut self, name: &str, span: &Span) -> Option<Variants> {
        if let Some(element) = self.element {
            let kind = ConditionErrorKind::Body(element.to_owned());
            return self.error(span, kind);
        }
        let named: Vec<&'static Field> =
            fields().iter().filter(|field| field.name == name).collect();
        let Some(first) = named.first() else {
            let nearest = nearest(name, fields().iter().map(|field| field.name));
            let name = name.to_owned();
            return self.error(span, ConditionErrorKind::UnknownField { name, nearest });
        };
        let variants: Variants = named
            .iter()
            .map(|field| {
                let ops = self.ops.iter().copied().filter(|op| field.is_of(*op));
                (*field, ops.collect::<Vec<_>>())
            })
            .filter(|(_, ops)| !ops.is_empty())
            .collect();
        if variants.is_empty() {
            let ops = named.iter().flat_map(|field| field.ops).copied().collect();
            let kind = ConditionErrorKind::OtherOperation {
                name: first.name,
                ops,
            };
            return self.error(span, kind);
        }
        Some(variants)
    }

    /// Joins one test per field, each restricted to the operations that have this field. `absent` is the result for
    /// operations that have none.
    pub(super) fn each(
        &mut self,
        variants: &Variants,
        absent: bool,
        mut test: impl FnMut(&mut Self, &'static Field) -> Option<Condition>,
    ) -> Option<Condition> {
        // Fields with the same number share one test.
        let mut tested: Vec<(Condition, Vec<Op>)> = Vec::new();
        for (field, ops) in variants {
            let one = test(self, field)?;
            if !field.is_shared() {
                return Some(one);
            }
            match tested.iter_mut().find(|(other, _)| *other == one) {
                Some((_, all)) => all.extend(ops),
                None => tested.push((one, ops.clone())),
            }
        }
        let has = |op: &Op| tested.iter().any(|(_, ops)| ops.contains(op));
        let rest: Vec<Op> = self.ops.iter().copied().filter(|op| !has(op)).collect();
        let mut any: Vec<Condition> = tested
            .into_iter()
            .map(|(test, ops)| {
                if ops.len() == self.ops.len() {
                    test
                } else {
                    and([operation_in(&ops), test])
                }
            })
            .collect();
        if absent {
            any.push(operation_in(&rest));
        }
        Some(or(any))
    }

    /// Resolves a boolean field.
    pub(super) fn bool_field(&mut self, name: &str, span: &Span) -> Option<Condition> {
        let variants = self.variants(name, span)?;
        self.each(&variants, false, |checker, field| {
            let test = match field.meaning {
                Meaning::Flag(number, value) => {
                    Condition::Number(number, NumberTest::In(BTreeSet::from([value])))
                }
                Meaning::Bits(number, mask) => Condition::Number(number, NumberTest::AnyBit(mask)),
                Meaning::Untrusted => Condition::Trust(None),
                _ => {
                    let what = what_is(field);
                    return checker.error(span, ConditionErrorKind::NotBool { what });
                }
            };
            Some(test)
        })
    }
}

/// The name of a field's type, for messages.
pub(super) fn what_is(field: &Field) -> &'static str {
    match field.type_name() {
        "number" => "a number",
        "word" | "source" => "a word",
        "address" => "an address",
        "list of strings" => "a list",
        _ => "a string",
    }
}
