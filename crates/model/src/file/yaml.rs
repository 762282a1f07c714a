// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The part of YAML that maps use, as a tree with positions. Anchors, aliases and tags are refused, so nothing can
//! grow or turn in circles; so is nesting deeper than a map's.

use std::borrow::Cow;

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span, StrInput};

use super::error::MapErrorKind;

/// A map nests to 6: document, subjects, subject, list.
const DEPTH: usize = 8;

/// Where something begins: line from 1, column from 0 in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) line: usize,
    pub(super) column: usize,
    pub(super) width: usize,
}

#[derive(Debug)]
pub(super) struct Node<'a> {
    pub(super) place: Place,
    pub(super) value: Value<'a>,
}

#[derive(Debug)]
pub(super) enum Value<'a> {
    /// The text, and by how many columns quotes move it.
    Scalar(Cow<'a, str>, usize),
    Sequence(Vec<Node<'a>>),
    Mapping(Vec<(Node<'a>, Node<'a>)>),
}

/// What stopped the reading.
pub(super) type Failure = (Place, MapErrorKind);

struct Reader<'a> {
    parser: Parser<'a, StrInput<'a>>,
}

fn place(span: Span) -> Place {
    let width = if span.start.line() == span.end.line() {
        span.end.col().saturating_sub(span.start.col())
    } else {
        1
    };
    Place {
        line: span.start.line(),
        column: span.start.col(),
        width,
    }
}

fn syntax(error: ScanError) -> Failure {
    let marker = error.marker();
    let place = Place {
        line: marker.line(),
        column: marker.col(),
        width: 1,
    };
    (place, MapErrorKind::Syntax(error))
}

/// The one document of a text; `None` where there is none.
pub(super) fn document(text: &str) -> Result<Option<Node<'_>>, Failure> {
    let mut reader = Reader {
        parser: Parser::new_from_str(text),
    };
    let mut root = None;
    while let Some(item) = reader.parser.next_event() {
        let (event, span) = item.map_err(syntax)?;
        match event {
            Event::StreamEnd => break,
            Event::DocumentStart(_) if root.is_some() => {
                return Err((place(span), MapErrorKind::Documents));
            }
            Event::StreamStart | Event::DocumentStart(_) | Event::DocumentEnd | Event::Nothing => {}
            event => root = Some(reader.node(event, span, 0)?),
        }
    }
    Ok(root)
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Result<(Event<'a>, Span), Failure> {
        match self.parser.next_event() {
            Some(item) => item.map_err(syntax),
            None => Ok((Event::StreamEnd, Span::default())),
        }
    }

    fn node(&mut self, event: Event<'a>, span: Span, depth: usize) -> Result<Node<'a>, Failure> {
        let at = place(span);
        let refused = |what| Err((at, MapErrorKind::NotUsed(what)));
        if depth > DEPTH {
            return Err((at, MapErrorKind::Expected("less nesting")));
        }
        let (anchor, tag) = match &event {
            Event::Scalar(_, _, anchor, tag)
            | Event::SequenceStart(anchor, tag)
            | Event::MappingStart(anchor, tag) => (*anchor, tag.is_some()),
            _ => (0, false),
        };
        if anchor != 0 {
            return refused("anchors");
        }
        if tag {
            return refused("tags");
        }
        let value = match event {
            Event::Alias(_) => return refused("aliases"),
            Event::Scalar(text, style, ..) => {
                Value::Scalar(text, usize::from(style != ScalarStyle::Plain))
            }
            Event::SequenceStart(..) => {
                let mut items = Vec::new();
                loop {
                    match self.next()? {
                        (Event::SequenceEnd | Event::StreamEnd, _) => break,
                        (event, span) => items.push(self.node(event, span, depth + 1)?),
                    }
                }
                Value::Sequence(items)
            }
            Event::MappingStart(..) => {
                let mut pairs = Vec::new();
                loop {
                    match self.next()? {
                        (Event::MappingEnd | Event::StreamEnd, _) => break,
                        (event, span) => {
                            let key = self.node(event, span, depth + 1)?;
                            let (event, span) = self.next()?;
                            pairs.push((key, self.node(event, span, depth + 1)?));
                        }
                    }
                }
                Value::Mapping(pairs)
            }
            _ => return Err((at, MapErrorKind::Expected("a value"))),
        };
        Ok(Node { place: at, value })
    }
}

impl Node<'_> {
    /// The scalar's text.
    pub(super) fn scalar(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar(text, _) => Some(text),
            _ => None,
        }
    }

    /// The place of some bytes of the scalar's text.
    pub(super) fn within(&self, bytes: &std::ops::Range<usize>) -> Place {
        let Value::Scalar(text, quotes) = &self.value else {
            return self.place;
        };
        let chars =
            |range: std::ops::Range<usize>| text.get(range).map_or(0, |part| part.chars().count());
        Place {
            line: self.place.line,
            column: self.place.column + quotes + chars(0..bytes.start),
            width: chars(bytes.clone()).max(1),
        }
    }
}
