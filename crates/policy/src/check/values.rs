// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Comparisons with numbers and words, for each field of a name.

use std::collections::BTreeSet;

use ambit_event::nearest;

use super::compare::one_of;
use super::fields::{Variants, operation_in};
use super::simplify::{and, not};
use super::{Checker, ConditionErrorKind, Why};
use crate::cel::{Comparison, Expr, ExprKind};
use crate::condition::{Condition, Number, NumberTest};
use crate::field::{Field, Meaning, Numbered, TYPE_SHIFT};

impl Checker<'_> {
    /// Compares a number with a constant, for each of the fields. The number is 0 for operations without the field.
    pub(super) fn number(
        &mut self,
        expr: &Expr,
        variants: &Variants,
        how: Comparison,
        value: i128,
    ) -> Option<Condition> {
        let absent = match how {
            Comparison::Equal => 0 == value,
            Comparison::NotEqual => 0 != value,
            Comparison::Less => 0 < value,
            Comparison::LessEqual => 0 <= value,
            Comparison::Greater => 0 > value,
            Comparison::GreaterEqual => 0 >= value,
        };
        self.each(variants, absent, |checker, field| {
            let Meaning::Number(number, max) = field.meaning else {
                return None;
            };
            match number_test(how, value, max) {
                Ok((positive, test)) => {
                    let test = Condition::Number(number, test);
                    Some(if positive { test } else { not(test) })
                }
                Err(false) => checker.never(&expr.span, Why::Range(max), Condition::Const(false)),
                Err(true) => checker.always(&expr.span, Why::Range(max), Condition::Const(true)),
            }
        })
    }

    /// Compares with a word of one of the fields.
    pub(super) fn word(
        &mut self,
        variants: &Variants,
        name: &str,
        word: &[u8],
        literal: &Expr,
    ) -> Option<Condition> {
        let word = String::from_utf8_lossy(word).into_owned();
        if !variants
            .iter()
            .any(|(field, _)| field.word(&word).is_some())
        {
            let known = variants.iter().flat_map(|(field, _)| field.values());
            let kind = ConditionErrorKind::Word {
                name: name.to_owned(),
                nearest: nearest(&word, known),
                word,
            };
            return self.error(&literal.span, kind);
        }
        self.each(variants, false, |_, field| {
            let Some(value) = field.word(&word).map(u64::from) else {
                return Some(Condition::Const(false));
            };
            if let Meaning::Words(number, ..) = field.meaning {
                return Some(one_of(number, value));
            }
            let above = NumberTest::Greater((value << TYPE_SHIFT) - 1);
            let below = NumberTest::Less((value + 1) << TYPE_SHIFT);
            Some(and(
                [above, below].map(|test| Condition::Number(Number::FileMode, test))
            ))
        })
    }

    /// Compares a word field with a number.
    pub(super) fn numbered(
        &mut self,
        expr: &Expr,
        variants: &Variants,
        name: &str,
        value: i128,
        literal: &Expr,
    ) -> Option<Condition> {
        let takes = |field: &Field| matches!(field.meaning, Meaning::Words(_, _, Numbered::Yes));
        if !variants.iter().any(|(field, _)| takes(field)) {
            let kind = ConditionErrorKind::Type {
                name: name.to_owned(),
                is: "word",
                with: "a number",
            };
            return self.error(&literal.span, kind);
        }
        let Ok(value) = u32::try_from(value) else {
            let why = Why::Range(u32::MAX.into());
            return self.never(&expr.span, why, Condition::Const(false));
        };
        self.each(variants, false, |_, field| match field.meaning {
            Meaning::Words(number, _, Numbered::Yes) => Some(one_of(number, value.into())),
            _ => Some(Condition::Const(false)),
        })
    }

    /// The name of the operation.
    pub(super) fn operation(
        &mut self,
        expr: &Expr,
        word: &[u8],
        literal: &Expr,
        negated: bool,
    ) -> Option<Condition> {
        let word = String::from_utf8_lossy(word).into_owned();
        let found = self.ops.iter().find(|op| op.name() == word).copied();
        match found {
            Some(op) if self.ops.len() > 1 => Some(operation_in(&[op])),
            Some(_) => self.useless(expr, !negated, Why::OnlyOperation, Condition::Const(true)),
            None => {
                let kind = ConditionErrorKind::Word {
                    name: "op".to_owned(),
                    nearest: nearest(&word, self.ops.iter().map(|op| op.name())),
                    word,
                };
                self.error(&literal.span, kind)
            }
        }
    }

    /// Tests if the task has lost any trust. The number of sources is not known.
    pub(super) fn trust_size(
        &mut self,
        expr: &Expr,
        how: Comparison,
        literal: &Expr,
    ) -> Option<Condition> {
        let any = Condition::Trust(None);
        match (how, &literal.kind) {
            (Comparison::Equal | Comparison::LessEqual, ExprKind::Int(0))
            | (Comparison::Less, ExprKind::Int(1)) => Some(not(any)),
            (Comparison::Greater, ExprKind::Int(0))
            | (Comparison::GreaterEqual, ExprKind::Int(1)) => Some(any),
            _ => {
                let kind = ConditionErrorKind::Arguments {
                    function: "size",
                    takes: "no argument and can only be compared with 0",
                };
                self.error(&expr.span, kind)
            }
        }
    }
}

/// Returns the test, and false if it is to be negated. An error is the constant result of the comparison.
fn number_test(how: Comparison, value: i128, max: u64) -> Result<(bool, NumberTest), bool> {
    let top = i128::from(max);
    let inside = |value: i128, below: bool, above: bool| {
        if value < 0 {
            Err(below)
        } else if value > top {
            Err(above)
        } else {
            u64::try_from(value).map_err(|_| above)
        }
    };
    let less = |value: i128| match inside(value - 1, false, true) {
        Ok(last) if last == max => Err(true),
        Ok(last) => Ok((true, NumberTest::Less(last + 1))),
        Err(always) => Err(always),
    };
    let greater = |value: i128| match inside(value + 1, true, false) {
        Ok(0) => Err(true),
        Ok(first) => Ok((true, NumberTest::Greater(first - 1))),
        Err(always) => Err(always),
    };
    let equal = |otherwise| {
        inside(value, otherwise, otherwise).map(|value| NumberTest::In(BTreeSet::from([value])))
    };
    let test = match how {
        Comparison::Equal => (true, equal(false)?),
        Comparison::NotEqual => (false, equal(true)?),
        Comparison::Less => less(value)?,
        Comparison::LessEqual => less(value + 1)?,
        Comparison::Greater => greater(value)?,
        Comparison::GreaterEqual => greater(value - 1)?,
    };
    Ok(test)
}
