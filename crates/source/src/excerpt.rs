// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Excerpts: the part of a line that is shown with an error.

use std::iter::Enumerate;
use std::str::Lines;

use ambit_event::escape;

use crate::place::Place;

/// Characters of a long line that are kept on either side of a place.
const AROUND: usize = 60;
/// Characters of a place that are kept.
const WITHIN: usize = 2 * AROUND;

/// The part of a line around a place: at most 240 characters, since a file may be one line of megabytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Excerpt {
    text: String,
    /// Characters of the line before `text`.
    skipped: usize,
    /// True if the line continues behind `text`.
    is_cut: bool,
}

/// An excerpt with hidden characters escaped.
pub(crate) struct Shown {
    pub(crate) text: String,
    /// Characters of `text` before the place.
    pub(crate) before: usize,
    /// Characters of `text` at the place.
    pub(crate) within: usize,
}

impl Excerpt {
    /// Returns the characters as they are in the file. They may be hostile: do not write them to a terminal.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Splits the excerpt of a place with this column, from 0, and width: the characters before, in and behind the place.
    pub(crate) fn parts(&self, column: usize, width: usize) -> [&str; 3] {
        let (before, rest) = split(&self.text, column.saturating_sub(self.skipped));
        let (within, behind) = split(rest, width.min(WITHIN));
        [before, within, behind]
    }

    /// Escapes the excerpt of a place with this column, from 0, and width.
    pub(crate) fn show(&self, column: usize, width: usize) -> Shown {
        let [before, within, behind] = self.parts(column, width).map(escape::line);
        let before = format!("{}{before}", if self.skipped > 0 { "…" } else { "" });
        let end = if self.is_cut { "…" } else { "" };
        Shown {
            text: format!("{before}{within}{behind}{end}"),
            before: before.chars().count(),
            within: within.chars().count(),
        }
    }
}

/// Takes excerpts of a text at ascending places. All of them together cost one pass over the text, even if it is a single
/// line with a place at every word.
#[derive(Debug)]
pub struct Excerpts<'t> {
    lines: Enumerate<Lines<'t>>,
    /// The current line, from 1; 0 before the first.
    line: usize,
    /// The current line from the character `column` on.
    rest: &'t str,
    column: usize,
}

impl<'t> Excerpts<'t> {
    /// Starts at the beginning of a text.
    pub fn new(text: &'t str) -> Self {
        Self {
            lines: text.lines().enumerate(),
            line: 0,
            rest: "",
            column: 0,
        }
    }

    /// Returns the excerpt at a place. It is empty if the text has no such line, or if an earlier call had a later place.
    pub fn at(&mut self, place: Place) -> Excerpt {
        while self.line < place.line {
            let Some((index, line)) = self.lines.next() else {
                return Excerpt::default();
            };
            (self.line, self.rest, self.column) = (index + 1, line, 0);
        }
        let from = place.column.saturating_sub(AROUND);
        if self.line > place.line || self.column > from {
            return Excerpt::default();
        }
        (_, self.rest) = split(self.rest, from - self.column);
        self.column = from;
        let count = place.column - from + place.width.min(WITHIN) + AROUND;
        let (text, behind) = split(self.rest, count);
        Excerpt {
            text: text.to_owned(),
            skipped: from,
            is_cut: !behind.is_empty(),
        }
    }
}

/// Splits a text behind its first `count` characters.
fn split(text: &str, count: usize) -> (&str, &str) {
    let at = text
        .char_indices()
        .nth(count)
        .map_or(text.len(), |(at, _)| at);
    text.split_at(at)
}
