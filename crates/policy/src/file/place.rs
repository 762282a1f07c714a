// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Where in the file some bytes of a scalar's text are: YAML folds lines, drops indentation and has escapes.

use std::iter::Peekable;
use std::ops::Range;
use std::str::Chars;

use saphyr_parser::ScalarStyle;

use super::yaml::{Node, Value};

/// Where something begins: line from 1, column from 0 in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) line: usize,
    pub(super) column: usize,
    pub(super) width: usize,
}

impl Place {
    /// The beginning of the file.
    pub(super) const START: Self = Self {
        line: 1,
        column: 0,
        width: 1,
    };
}

/// Goes through a scalar as it is written.
struct Walk<'a> {
    rest: Peekable<Chars<'a>>,
    line: usize,
    column: usize,
    style: ScalarStyle,
}

/// The place of some bytes of a scalar's text.
pub(super) fn within(file: &str, node: &Node<'_>, bytes: &Range<usize>) -> Place {
    let Value::Scalar(text, style) = &node.value else {
        return node.place;
    };
    let mut walk = Walk {
        rest: file.chars().peekable(),
        line: node.place.line,
        column: node.place.column,
        style: *style,
    };
    for _ in 0..node.start {
        walk.rest.next();
    }
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
        // What goes on in the next line is shown to the end of this one.
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

    /// Goes to where the text begins. A block's place is that of its text, not of its header.
    fn open(&mut self) {
        if matches!(
            self.style,
            ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted
        ) {
            self.next();
        }
    }

    /// Goes over blanks that the text does not have.
    fn skip_blanks(&mut self) {
        while self.rest.peek().is_some_and(|c| c.is_whitespace()) {
            self.next();
        }
    }

    /// Goes over one character of the text. Blanks that were folded are gone over with what follows them.
    fn skip(&mut self, c: char) {
        let quoted = self.style == ScalarStyle::DoubleQuoted;
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
                // The line goes on below.
                Some('\\') if quoted && self.rest.peek() == Some(&'\n') => {}
                Some('\\') if quoted => return self.escaped(),
                Some('\'') if self.style == ScalarStyle::SingleQuoted => {
                    self.next();
                    return;
                }
                _ => return,
            }
        }
    }

    /// What follows the backslash of an escape.
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
