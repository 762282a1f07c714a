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

/// Collects the errors of one file: keeps the first [`KEPT`] and counts the others.
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
        } else {
            self.more += 1;
        }
    }

    /// Adds an error about some bytes of a scalar's text.
    pub fn add_within(&mut self, node: &Node<'_>, bytes: &Range<usize>, kind: K) {
        let place = if self.kept.len() < KEPT {
            within(self.text, node, bytes)
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
        self.kept
            .sort_by_key(|(place, _)| (place.line, place.column));
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
