// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Places in a file.

/// A range of characters on one line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// From 1.
    pub line: usize,
    /// From 0, in characters.
    pub column: usize,
    /// In characters.
    pub width: usize,
}

impl Place {
    /// The beginning of the file.
    pub const START: Self = Self {
        line: 1,
        column: 0,
        width: 1,
    };
}

/// Returns the place behind the last character of a text.
pub fn end_of(text: &str) -> Place {
    let (line, last) = text.lines().enumerate().last().unwrap_or((0, ""));
    let ended = text.ends_with('\n');
    Place {
        line: line + 1 + usize::from(ended),
        column: if ended { 0 } else { last.chars().count() },
        width: 1,
    }
}
