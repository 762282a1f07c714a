// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Collects the errors of one file.

use std::ops::Range;

use crate::error::{FileError, FileErrors, KEPT, Problem};
use crate::excerpt::Excerpts;
use crate::place::Place;
use crate::within::within;
use crate::yaml::Node;

/// The number of calls of [`Collector::place`] that are answered exactly. Each call scans the file up to the scalar, so
/// a hostile file with many scalars would take quadratic time.
const EXACT_PLACES: usize = 512;

/// Collects the errors of one file in any order: keeps the first [`KEPT`] by their places and counts the others.
#[derive(Debug)]
pub struct Collector<'t, K> {
    text: &'t str,
    kept: Vec<(Place, K)>,
    more: usize,
    exact_places: usize,
}

impl<'t, K: Problem> Collector<'t, K> {
    /// Starts without errors; `text` is the file's text.
    pub const fn new(text: &'t str) -> Self {
        Self {
            text,
            kept: Vec::new(),
            more: 0,
            exact_places: 0,
        }
    }

    /// Adds an error.
    pub fn add(&mut self, place: Place, kind: K) {
        if self.kept.len() < KEPT {
            self.kept.push((place, kind));
            return;
        }
        self.more += 1;
        if let Some(last) = self.last()
            && at(place) < at(last.0)
        {
            *last = (place, kind);
        }
    }

    /// Returns the last of the kept errors, if no more can be kept. Of errors at one place, the one that was added last.
    fn last(&mut self) -> Option<&mut (Place, K)> {
        let is_full = self.kept.len() >= KEPT;
        let last = self.kept.iter_mut().max_by_key(|(place, _)| at(*place));
        last.filter(|_| is_full)
    }

    /// Adds an error about some bytes of a scalar's text.
    pub fn add_within(&mut self, node: &Node<'_>, bytes: &Range<usize>, kind: K) {
        let is_kept = self.last().is_none_or(|last| at(node.place) < at(last.0));
        let place = if self.kept.len() < KEPT {
            within(self.text, node, bytes)
        } else if is_kept {
            self.place(node, bytes)
        } else {
            node.place
        };
        self.add(place, kind);
    }

    /// Returns the place of some bytes of a scalar's text. After 512 calls, returns the place of the whole scalar.
    pub fn place(&mut self, node: &Node<'_>, bytes: &Range<usize>) -> Place {
        if self.exact_places == EXACT_PLACES {
            return node.place;
        }
        self.exact_places += 1;
        within(self.text, node, bytes)
    }

    /// Returns the number of errors, kept or not.
    pub fn count(&self) -> usize {
        self.kept.len() + self.more
    }

    /// True if there are no errors.
    pub fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// Sorts the errors by place and adds the excerpts. `file` is the name of the file.
    pub fn finish(mut self, file: &str) -> FileErrors<K> {
        self.kept.sort_by_key(|(place, _)| at(*place));
        let mut excerpts = Excerpts::new(self.text);
        let mut errors = FileErrors::new(self.kept.into_iter().map(|(place, kind)| FileError {
            file: file.to_owned(),
            line: place.line.max(1),
            column: place.column + 1,
            width: place.width,
            excerpt: Some(excerpts.at(place)),
            kind,
        }));
        errors.count_more(file, self.more);
        errors
    }
}

/// The order of places.
const fn at(place: Place) -> (usize, usize) {
    (place.line, place.column)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("number {0}")]
    struct Number(usize);

    impl Problem for Number {
        fn help(&self) -> Option<String> {
            None
        }
    }

    #[test]
    fn the_first_errors_of_a_file_are_kept_in_any_order_of_finding() {
        let text = "x\n".repeat(300);
        let lines = |order: &mut dyn Iterator<Item = usize>| {
            let mut errors = Collector::new(&text);
            for line in order {
                let place = Place {
                    line,
                    column: 0,
                    width: 1,
                };
                errors.add(place, Number(line));
            }
            let found = errors.finish("x");
            let lines: Vec<usize> = found.errors().iter().map(|error| error.line).collect();
            (lines, found.more())
        };
        let first: Vec<usize> = (1..=KEPT).collect();
        assert_eq!(lines(&mut (1..=200)), (first.clone(), 200 - KEPT));
        assert_eq!(lines(&mut (1..=200).rev()), (first.clone(), 200 - KEPT));
        assert_eq!(lines(&mut (100..=200).chain(1..=99)), (first, 200 - KEPT));
    }
}
