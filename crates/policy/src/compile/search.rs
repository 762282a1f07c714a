// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Turns tests into searches, whose automata need no memory of earlier matches.
//!
//! The expression of all texts that contain `x` continues behind `x`: its automaton must remember the match up to the
//! end of the text, and an automaton of many such tests needs a state for each set of earlier matches. Here, the
//! expression ends with `x`: the state behind `x` marks the test, and the search continues without memory of it.

use regex_automata::util::syntax;
use regex_syntax::hir::{Class, ClassBytesRange, Dot, Hir, HirKind, Look, Repetition};

use super::text;
use crate::condition::TextTest;

/// A class of at least this many bytes counts as "any byte".
const MANY_BYTES: usize = 128;

/// Returns the alternatives of a test, if each of them can be searched for.
pub(super) fn any_of(test: &TextTest) -> Option<&[TextTest]> {
    let parts = match test {
        TextTest::Or(any) => any,
        part => std::slice::from_ref(part),
    };
    parts.iter().all(is_searched_for).then_some(parts)
}

/// True if a test is a single test of bytes.
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

/// True if the automaton of a test may need long memory, and so multiply the states of automata that it is joined
/// with.
pub(super) fn remembers(test: &TextTest) -> bool {
    let repeats = |part: &TextTest| match part {
        TextTest::Matches(regex) => parse(regex).is_none_or(|hir| repeats(&shorten(&hir))),
        _ => false,
    };
    any_of(test).is_none_or(|parts| parts.iter().any(repeats))
}

/// Returns an expression that matches from the start of the text to the point where any of these parts is known to be
/// true: behind the searched text, or at the end. `None` if a part cannot be parsed.
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

/// Shortens an expression at its end: it matches at the same starting points, with as few bytes as possible.
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
    // Any bytes up to the end can be left out, together with the end.
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

/// True if it has a repetition or a nearly complete class, except at its start.
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

/// True for a repetition of any byte, which adds no memory at the start of a search.
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
