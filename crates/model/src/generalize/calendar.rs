// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Names of weekdays and months in file names, such as `report-Tue.csv`: all names of the same spelling may follow.

use std::collections::BTreeMap;

use super::shape::{Shape, runs};
use super::sibling::Sibling;
use crate::pattern::Piece;

/// Names in the order of the calendar. The short form is the first three letters (`strftime`, `%a` and `%b` in the C locale).
const WEEKDAYS: [&str; 7] = [
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
];
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
/// Length of the short form.
const SHORT: usize = 3;
/// Minimum number of different names of the calendar, so that `May` or `Sun` alone is a word.
const NAMES_MIN: usize = 2;

/// A spelling of all weekdays or all months.
type Spelling = Vec<Vec<u8>>;
/// The spelling by its index, and the parts of a file name before and behind the name of the calendar.
type Around<'a> = (usize, Vec<&'a [u8]>, Vec<&'a [u8]>);

/// Returns the names that differ in one name of the calendar only.
pub(super) fn cycles(remaining: &[&Sibling<'_>]) -> Vec<Shape> {
    let spellings = spellings();
    let mut groups: BTreeMap<Around<'_>, Vec<&[u8]>> = BTreeMap::new();
    for sibling in remaining {
        let parts = runs(sibling.name);
        for (at, part) in parts.iter().enumerate() {
            for (spelling, names) in spellings.iter().enumerate() {
                if names.iter().any(|name| name == part) {
                    let before = parts.get(..at).unwrap_or_default().to_vec();
                    let after = parts.get(at + 1..).unwrap_or_default().to_vec();
                    let group = groups.entry((spelling, before, after)).or_default();
                    group.push(sibling.name);
                }
            }
        }
    }
    groups
        .into_iter()
        .filter(|(_, members)| members.len() >= NAMES_MIN)
        .filter_map(|((spelling, before, after), members)| {
            let names = spellings.get(spelling)?.iter().map(Vec::as_slice);
            let fixed = |parts: Vec<&[u8]>| Piece::Bytes(parts.concat().into());
            Some(Shape {
                pieces: vec![fixed(before), Piece::one_of(names), fixed(after)],
                members: members.into_iter().map(<[u8]>::to_vec).collect(),
            })
        })
        .collect()
}

/// Returns the spellings: long and short, each as `Monday`, `monday` and `MONDAY`. `May` is both long and short; the short
/// spelling of the months has it.
fn spellings() -> Vec<Spelling> {
    let mut out = Vec::new();
    for names in [&WEEKDAYS[..], &MONTHS[..]] {
        let short = names.iter().filter_map(|name| name.get(..SHORT)).collect();
        for names in [short, names.to_vec()] {
            let all = |change: fn(&str) -> String| -> Spelling {
                names.iter().map(|name| change(name).into_bytes()).collect()
            };
            out.push(all(str::to_owned));
            out.push(all(str::to_ascii_lowercase));
            out.push(all(str::to_ascii_uppercase));
        }
    }
    out
}
