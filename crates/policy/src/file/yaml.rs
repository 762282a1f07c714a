// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The part of YAML that rules use, as a tree with places. Anchors, aliases and tags are refused, so nothing can grow
//! or turn in circles; so is nesting deeper than a rule's.

use std::borrow::Cow;

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span, StrInput};

use super::error::RuleErrorKind;
use super::place::Place;

/// A rule nests to 8: document, rules, rule, examples, example, event, list.
const DEPTH: usize = 10;

#[derive(Debug)]
pub(super) struct Node<'a> {
    pub(super) place: Place,
    /// Where it begins, in characters of the file.
    pub(super) start: usize,
    pub(super) value: Value<'a>,
}

#[derive(Debug)]
pub(super) enum Value<'a> {
    Scalar(Cow<'a, str>, ScalarStyle),
    Sequence(Vec<Node<'a>>),
    Mapping(Vec<(Node<'a>, Node<'a>)>),
}

/// What stopped the reading.
pub(super) type Failure = (Place, RuleErrorKind);

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
    (place, RuleErrorKind::Syntax(error, None))
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
                return Err((place(span), RuleErrorKind::Documents));
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
        let refused = |what| Err((at, RuleErrorKind::NotUsed(what, None)));
        if depth > DEPTH {
            return Err((at, RuleErrorKind::Expected("less nesting")));
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
            Event::Scalar(text, style, ..) => Value::Scalar(text, style),
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
            _ => return Err((at, RuleErrorKind::Expected("a value"))),
        };
        Ok(Node {
            place: at,
            start: span.start.index(),
            value,
        })
    }
}

impl<'a> Node<'a> {
    /// The scalar's text.
    pub(super) fn scalar(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar(text, _) => Some(text),
            _ => None,
        }
    }

    /// The items of a list, or the one scalar that is there instead.
    pub(super) fn one_or_more(&self) -> Option<&[Node<'a>]> {
        match &self.value {
            Value::Scalar(..) => Some(std::slice::from_ref(self)),
            Value::Sequence(items) => Some(items),
            Value::Mapping(_) => None,
        }
    }
}
