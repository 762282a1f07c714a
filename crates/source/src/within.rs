// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Finds the place of some bytes of a scalar's text. The text differs from the file: YAML folds lines, removes
//! indentation and resolves escapes.

use std::iter::Peekable;
use std::ops::Range;
use std::str::Chars;

use crate::place::Place;
use crate::yaml::{Node, Style, Value};

/// Walks over a scalar in the file, in step with its text.
struct Walk<'a> {
    rest: Peekable<Chars<'a>>,
    line: usize,
    column: usize,
    style: Style,
}

/// Returns the place of some bytes of a scalar's text; of a list or a mapping, its own place.
pub fn within(file: &str, node: &Node<'_>, bytes: &Range<usize>) -> Place {
    let Value::Scalar(text, style) = &node.value else {
        return node.place;
    };
    let mut chars = file.chars();
    if let Some(last) = node.start.checked_sub(1) {
        chars.nth(last);
    }
    let mut walk = Walk {
        rest: chars.peekable(),
        line: node.place.line,
        column: node.place.column,
        style: *style,
    };
    walk.open();
    let start = text.get(..bytes.start).unwrap_or_default();
    let inside = text.get(bytes.clone()).unwrap_or_default();
    for c in start.chars() {
        walk.skip(c);
    }
    if inside.starts_with(|c: char| !c.is_whitespace()) {
        walk.skip_blanks();
    }
    let (line, column) = (walk.line, walk.column);
    for c in inside.chars() {
        // A range that continues on the next line is marked up to the end of its first line.
        if walk.line == line {
            walk.skip(c);
        }
    }
    let width = if walk.line == line {
        walk.column.saturating_sub(column)
    } else {
        let text = file.lines().nth(line.saturating_sub(1)).unwrap_or_default();
        text.trim_end().chars().count().saturating_sub(column)
    };
    Place {
        line,
        column,
        width: width.max(1),
    }
}

impl Walk<'_> {
    fn next(&mut self) -> Option<char> {
        let c = self.rest.next()?;
        if c == '\n' {
            self.line += 1;
            self.column = 0;
        } else {
            self.column += 1;
        }
        Some(c)
    }

    /// Skips the opening quote. The place of a block scalar is the beginning of its text, not its header.
    fn open(&mut self) {
        if matches!(self.style, Style::SingleQuoted | Style::DoubleQuoted) {
            self.next();
        }
    }

    /// Skips blanks that are not part of the text.
    fn skip_blanks(&mut self) {
        while self.rest.peek().is_some_and(|c| c.is_whitespace()) {
            self.next();
        }
    }

    /// Skips one character of the text. Folded blanks are skipped together with the character behind them.
    fn skip(&mut self, c: char) {
        let quoted = self.style == Style::DoubleQuoted;
        if c.is_whitespace() {
            if quoted && self.rest.peek() == Some(&'\\') {
                self.next();
                self.escaped();
            } else if self.rest.peek() == Some(&' ') {
                self.next();
            }
            return;
        }
        loop {
            self.skip_blanks();
            match self.next() {
                // The backslash joins this line with the next one.
                Some('\\') if quoted && self.rest.peek() == Some(&'\n') => {}
                Some('\\') if quoted => return self.escaped(),
                Some('\'') if self.style == Style::SingleQuoted => {
                    self.next();
                    return;
                }
                _ => return,
            }
        }
    }

    /// Skips the rest of an escape sequence, behind the backslash.
    fn escaped(&mut self) {
        let digits = match self.next() {
            Some('x') => 2,
            Some('u') => 4,
            Some('U') => 8,
            _ => 0,
        };
        for _ in 0..digits {
            self.next();
        }
    }
}
