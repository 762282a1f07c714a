// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Tests as what is searched for, so that it need not be remembered once it was seen.
//!
//! The expression that a text as a whole is, if `contains("x")` holds for it, goes on behind `x`; its automaton keeps in mind
//! to the end that `x` was there, and that of many tests has a state for each set of those that were. Here the expression
//! ends with `x`: the state that it leads to marks the test, and goes on as if nothing had been found.

use regex_automata::util::syntax;
use regex_syntax::hir::{Class, ClassBytesRange, Dot, Hir, HirKind, Look, Repetition};

use super::text;
use crate::condition::TextTest;

/// A class that has as many bytes leaves open what was there.
const MANY_BYTES: usize = 128;

/// The parts of a test that holds where any of them does, if each of them can be searched for.
pub(super) fn any_of(test: &TextTest) -> Option<&[TextTest]> {
    let parts = match test {
        TextTest::Or(any) => any,
        part => std::slice::from_ref(part),
    };
    parts.iter().all(is_searched_for).then_some(parts)
}

/// Whether a test is not made of others, and of bytes.
pub(super) fn is_searched_for(part: &TextTest) -> bool {
    match part {
        TextTest::In(_)
        | TextTest::StartsWith(_)
        | TextTest::EndsWith(_)
        | TextTest::Contains(_)
        | TextTest::Matches(_) => true,
        TextTest::Network(_) | TextTest::Not(_) | TextTest::And(_) | TextTest::Or(_) => false,
    }
}

/// Whether the automaton of a test may remember for long what it has seen, and so multiply the states of others that it is
/// joined with.
pub(super) fn remembers(test: &TextTest) -> bool {
    let repeats = |part: &TextTest| match part {
        TextTest::Matches(regex) => parse(regex).is_none_or(|hir| repeats(&shorten(&hir))),
        _ => false,
    };
    any_of(test).is_none_or(|parts| parts.iter().any(repeats))
}

/// An expression that matches, from the text's start, up to where any of these parts is known to hold: behind what is
/// searched for, or at the end. `None` where one of them is not understood.
pub(super) fn regex(parts: &[TextTest]) -> Option<String> {
    let any: Option<Vec<Hir>> = parts.iter().map(expression).collect();
    Some(Hir::alternation(any?).to_string())
}

fn expression(part: &TextTest) -> Option<Hir> {
    let literal = |text: &[u8]| Hir::literal(text);
    Some(match part {
        TextTest::In(texts) => Hir::concat(vec![
            Hir::alternation(texts.iter().map(|text| literal(text)).collect()),
            Hir::look(Look::End),
        ]),
        TextTest::StartsWith(text) => literal(text),
        TextTest::EndsWith(text) => {
            Hir::concat(vec![anything(), literal(text), Hir::look(Look::End)])
        }
        TextTest::Contains(text) => Hir::concat(vec![anything(), literal(text)]),
        TextTest::Matches(regex) => Hir::concat(vec![anything(), shorten(&parse(regex)?)]),
        TextTest::Network(_) | TextTest::Not(_) | TextTest::And(_) | TextTest::Or(_) => {
            return None;
        }
    })
}

fn parse(regex: &str) -> Option<Hir> {
    syntax::parse_with(regex, &text::syntax_config()).ok()
}

/// Any bytes.
fn anything() -> Hir {
    Hir::repetition(Repetition {
        min: 0,
        max: None,
        greedy: true,
        sub: Box::new(Hir::dot(Dot::AnyByte)),
    })
}

/// An expression that matches from some place on just where this one does, with as little behind that place as will do.
fn shorten(hir: &Hir) -> Hir {
    match hir.kind() {
        HirKind::Empty | HirKind::Literal(_) | HirKind::Class(_) | HirKind::Look(_) => hir.clone(),
        HirKind::Capture(group) => shorten(&group.sub),
        HirKind::Alternation(any) => Hir::alternation(any.iter().map(shorten).collect()),
        HirKind::Concat(items) => shorten_last(items),
        HirKind::Repetition(repetition) => match repetition.min.checked_sub(1) {
            None => Hir::empty(),
            Some(more) => {
                let before = Hir::repetition(Repetition {
                    min: more,
                    max: Some(more),
                    greedy: true,
                    sub: repetition.sub.clone(),
                });
                Hir::concat(vec![before, shorten(&repetition.sub)])
            }
        },
    }
}

fn shorten_last(items: &[Hir]) -> Hir {
    let mut rest = items;
    // Whatever goes on to the end may be left out with the end.
    if let [before @ .., any, end] = rest
        && *end.kind() == HirKind::Look(Look::End)
        && *any == anything()
    {
        rest = before;
    }
    while let [before @ .., last] = rest {
        let last = shorten(last);
        if *last.kind() != HirKind::Empty {
            return Hir::concat(before.iter().cloned().chain([last]).collect());
        }
        rest = before;
    }
    Hir::empty()
}

/// Whether something is repeated in it, or may be nearly any byte, other than at its start.
fn repeats(hir: &Hir) -> bool {
    match hir.kind() {
        HirKind::Empty | HirKind::Literal(_) | HirKind::Look(_) => false,
        HirKind::Class(Class::Bytes(class)) => {
            let bytes = class.iter().map(ClassBytesRange::len);
            bytes.sum::<usize>() >= MANY_BYTES
        }
        HirKind::Class(Class::Unicode(_)) => true,
        HirKind::Repetition(repetition) => repetition.max != Some(1) || repeats(&repetition.sub),
        HirKind::Capture(group) => repeats(&group.sub),
        HirKind::Alternation(any) => any.iter().any(repeats),
        HirKind::Concat(items) => {
            let first = items.first().is_some_and(is_any);
            items.iter().skip(usize::from(first)).any(repeats)
        }
    }
}

/// Whether it is a repetition of nearly any byte, which does not matter before what is searched for.
fn is_any(hir: &Hir) -> bool {
    match hir.kind() {
        HirKind::Capture(group) => is_any(&group.sub),
        HirKind::Repetition(repetition) => {
            repetition.min == 0 && repetition.max.is_none() && {
                let sub = &repetition.sub;
                *sub.as_ref() == Hir::dot(Dot::AnyByte)
                    || *sub.as_ref() == Hir::dot(Dot::AnyByteExceptLF)
            }
        }
        _ => false,
    }
}
