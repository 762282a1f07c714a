// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Shapes that only several names together show: numbers in hexadecimal, and random parts that look like words.
//!
//! A name is cut into runs of letters and digits, and the separators between them. Names with the same separators are
//! compared run by run.

use std::collections::{BTreeMap, BTreeSet};

use ambit_event::lex::Class;

use super::Kind;
use super::name::{self, PartKind};
use super::sibling::Sibling;
use crate::learn::heuristics::transitions;
use crate::learn::ordinary::are_no_words;
use crate::pattern::Piece;

/// Minimum length of a random part, as of the class `{tmp}`.
const RANDOM_MIN: usize = 6;
/// Minimum number of letters at the beginning of a random part that are the same in all names and stay.
const STEM_MIN: usize = 3;
/// Minimum number of runs that each made another name.
const SINGLE_RUNS_MIN: u32 = 3;
/// The same if no part is like a word.
const SINGLE_RUNS_NO_WORDS: u32 = 2;

/// Names, and the pattern that covers them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    pub(super) pieces: Vec<Piece>,
    pub(super) members: BTreeSet<Vec<u8>>,
}

/// Returns the runs of letters and digits, and the separators between them, in order.
pub(super) fn runs(name: &[u8]) -> Vec<&[u8]> {
    name.chunk_by(|a, b| a.is_ascii_alphanumeric() == b.is_ascii_alphanumeric())
        .collect()
}

fn is_separator(run: &[u8]) -> bool {
    !run.first().is_some_and(u8::is_ascii_alphanumeric)
}

/// True for hex digits of which at least one is a digit, which words such as `add` lack.
fn may_be_hex(run: &[u8]) -> bool {
    run.len() <= 16
        && run.iter().all(u8::is_ascii_hexdigit)
        && run.iter().any(u8::is_ascii_digit)
        && !(run.iter().any(u8::is_ascii_lowercase) && run.iter().any(u8::is_ascii_uppercase))
}

/// Returns the order of letters and digits in a number, in which numbers in hexadecimal differ.
fn form(run: &[u8]) -> Vec<bool> {
    run.chunk_by(|a, b| a.is_ascii_digit() == b.is_ascii_digit())
        .map(|piece| piece.first().is_some_and(u8::is_ascii_digit))
        .collect()
}

/// Returns the names whose only differences are numbers in hexadecimal, by their shape. A position at which all numbers
/// have letters and digits in the same order, such as `c1` and `c2`, is left to the search for numbers.
pub(super) fn hex_numbers(remaining: &[&Sibling<'_>]) -> Vec<(Kind, Shape)> {
    let mut groups: BTreeMap<Vec<Option<&[u8]>>, Vec<&[u8]>> = BTreeMap::new();
    for sibling in remaining {
        let key: Vec<Option<&[u8]>> = runs(sibling.name)
            .into_iter()
            .map(|run| (!may_be_hex(run)).then_some(run))
            .collect();
        if key.contains(&None) && !has_uuid(sibling.name) {
            groups.entry(key).or_default().push(sibling.name);
        }
    }
    groups
        .into_iter()
        .filter_map(|(key, names)| hex_shape(&key, &names))
        .map(|shape| (Kind::Hex, shape))
        .collect()
}

fn has_uuid(name: &[u8]) -> bool {
    let parts = name::parts(name);
    parts.iter().any(|part| part.kind == Some(PartKind::Uuid))
}

fn hex_shape(key: &[Option<&[u8]>], names: &[&[u8]]) -> Option<Shape> {
    let split: Vec<Vec<&[u8]>> = names.iter().map(|name| runs(name)).collect();
    let mut mixed = false;
    let mut pieces = Vec::new();
    for (index, fixed) in key.iter().enumerate() {
        let at = || split.iter().filter_map(|runs| runs.get(index).copied());
        let first = at().next()?;
        pieces.push(match fixed {
            Some(fixed) => Piece::Bytes((*fixed).into()),
            None if at().all(|run| run == first) => Piece::Bytes(first.into()),
            None if at().all(|run| run.iter().all(u8::is_ascii_digit)) => Piece::Class(Class::Num),
            None => {
                mixed |= at().any(|run| form(run) != form(first));
                Piece::Class(Class::Hex)
            }
        });
    }
    mixed.then(|| Shape {
        pieces,
        members: names.iter().map(|name| name.to_vec()).collect(),
    })
}

/// The place and length of a part that may be random, and all other parts.
type OtherParts<'a> = (usize, usize, Vec<&'a [u8]>);

/// Returns the names that one run each made, in at least three runs, and that differ in one part of the same length: each
/// run drew this part at random, even if it looks like a word. Two runs suffice if the letters form no words.
pub(super) fn random_names(remaining: &[&Sibling<'_>]) -> Vec<(Kind, Shape)> {
    let mut groups: BTreeMap<OtherParts<'_>, Vec<&Sibling<'_>>> = BTreeMap::new();
    for sibling in remaining {
        if !sibling.created || !sibling.runs.is_power_of_two() {
            continue;
        }
        let parts = runs(sibling.name);
        for (at, part) in parts.iter().enumerate() {
            if part.len() >= RANDOM_MIN && !is_separator(part) {
                let mut others = parts.clone();
                others.remove(at);
                let group = groups.entry((at, part.len(), others)).or_default();
                group.push(sibling);
            }
        }
    }
    groups
        .into_iter()
        .filter_map(|((at, _, _), group)| random_shape(&group, at))
        .map(|shape| (Kind::Random, shape))
        .collect()
}

/// Returns the shape of names that differ in the part at this index only.
fn random_shape(group: &[&Sibling<'_>], only: usize) -> Option<Shape> {
    let seen = group.iter().fold(0, |seen, sibling| seen | sibling.runs);
    let seen = seen.count_ones();
    let split: Vec<Vec<&[u8]>> = group.iter().map(|sibling| runs(sibling.name)).collect();
    let first = split.first()?;
    let values: Vec<&[u8]> = split
        .iter()
        .filter_map(|runs| runs.get(only).copied())
        .collect();
    let stem = stem(&values);
    let random = |value: &&[u8]| value.get(stem..).is_some_and(|part| transitions(part) > 0);
    let parts: Vec<&[u8]> = values
        .iter()
        .filter_map(|value| value.get(stem..))
        .collect();
    // Words of the same length, such as `monday` and `friday`, have no changes of case and no digits.
    let mixed = values.iter().filter(|value| random(value)).count() * 2 >= values.len();
    let drawn =
        seen >= SINGLE_RUNS_MIN && mixed || seen >= SINGLE_RUNS_NO_WORDS && are_no_words(&parts);
    if values.first()?.len() < stem + RANDOM_MIN || !drawn {
        return None;
    }
    let mut pieces = Vec::new();
    for (index, run) in first.iter().enumerate() {
        if index == only {
            pieces.push(Piece::Bytes(run.get(..stem)?.into()));
            pieces.push(Piece::Class(Class::Tmp));
        } else {
            pieces.push(Piece::Bytes((*run).into()));
        }
    }
    Some(Shape {
        pieces,
        members: group.iter().map(|sibling| sibling.name.to_vec()).collect(),
    })
}

/// Returns the length of the letters that all values begin with; 0 if they are too few to be a word.
fn stem(values: &[&[u8]]) -> usize {
    let Some(first) = values.first() else {
        return 0;
    };
    let common = values.iter().fold(first.len(), |common, value| {
        let same = first.iter().zip(*value).take_while(|(a, b)| a == b);
        common.min(same.count())
    });
    let letters = first
        .iter()
        .take(common)
        .take_while(|byte| byte.is_ascii_alphabetic())
        .count();
    if letters >= STEM_MIN { letters } else { 0 }
}
