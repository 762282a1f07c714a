// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Reads the subset of YAML that Ambit's files use into a tree with places.
//!
//! Anchors, aliases and tags are rejected, so a document cannot grow or contain itself. Nesting is limited because the
//! reader is recursive.

use std::borrow::Cow;
use std::collections::HashMap;

use ambit_event::nearest;
use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span, StrInput};

use crate::place::{Place, end_of};

/// Limits of a kind of file.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Largest size in bytes.
    pub bytes: usize,
    /// Deepest nesting; the document is at 0.
    pub depth: usize,
}

/// A value with its place.
#[derive(Debug)]
pub struct Node<'a> {
    /// The place of its beginning, with the width of its first line.
    pub place: Place,
    /// The number of characters of the file before it.
    pub start: usize,
    /// The value.
    pub value: Value<'a>,
}

/// A value.
#[derive(Debug)]
pub enum Value<'a> {
    /// A text, unescaped and unfolded.
    Scalar(Cow<'a, str>, Style),
    /// A list.
    Sequence(Vec<Node<'a>>),
    /// Keys and values in the order of the file. A key may occur twice.
    Mapping(Vec<(Node<'a>, Node<'a>)>),
}

/// An error about a key of a mapping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyError {
    /// The kind of file has no such key; a known key may resemble it.
    Unknown {
        /// The known key that it resembles.
        nearest: Option<&'static str>,
    },
    /// The mapping has the key twice.
    Duplicate,
}

/// The values of a mapping.
#[derive(Debug)]
pub struct Keys<'n, 'a> {
    /// The values by key. Of a key that occurs twice, the last value.
    pub found: HashMap<&'static str, &'n Node<'a>>,
    /// The values of unknown keys, by the known key that each resembles.
    pub misspelt: Vec<(&'static str, &'n Node<'a>)>,
}

/// How a scalar is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Without quotes.
    Plain,
    /// In `'`.
    SingleQuoted,
    /// In `"`.
    DoubleQuoted,
    /// Below `|` or `>`.
    Block,
}

/// Errors of reading a file as YAML.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum YamlError {
    /// More bytes than [`Limits::bytes`].
    #[error("the file is larger than {} MiB", max / (1024 * 1024))]
    TooLarge {
        /// The limit in bytes.
        max: usize,
    },
    /// The bytes are not UTF-8.
    #[error("the file is not UTF-8 from here on")]
    NotUtf8,
    /// There is no document.
    #[error("the file is empty")]
    Empty,
    /// The text is not YAML.
    #[error("not YAML: {}", .0.info())]
    Syntax(#[source] ScanError),
    /// An anchor, an alias or a tag.
    #[error("YAML {0} are not supported")]
    Unsupported(Feature),
    /// A second document.
    #[error("a file has only one YAML document")]
    SecondDocument,
    /// Deeper nesting than [`Limits::depth`].
    #[error("expected less nesting")]
    TooDeep,
    /// A node without a value.
    #[error("expected a value")]
    NoValue,
}

/// A feature of YAML that is not supported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Feature {
    /// `&name`
    Anchors,
    /// `*name`
    Aliases,
    /// `!name`
    Tags,
}

impl std::fmt::Display for Feature {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Anchors => "anchors",
            Self::Aliases => "aliases",
            Self::Tags => "tags",
        })
    }
}

impl YamlError {
    /// Returns a suggestion for a correction that suits every kind of file, if there is one.
    pub fn help(&self) -> Option<&'static str> {
        match self {
            Self::Syntax(error) if error.info().starts_with("tabs") => Some("indent with spaces"),
            Self::Unsupported(_) => Some(
                "write the value out at each place; quote a text that begins with `&`, `*` or `!`",
            ),
            Self::NotUtf8 => Some("save it as UTF-8"),
            Self::SecondDocument => Some("remove the line `---`, or use two files"),
            _ => None,
        }
    }
}

/// The error of a file that is not text.
#[derive(Debug)]
pub struct Undecodable<'b> {
    /// The valid text before the error.
    pub valid: &'b str,
    /// The place of the error.
    pub place: Place,
    /// The error.
    pub error: YamlError,
}

/// Decodes the bytes of a file.
pub fn decode(bytes: &[u8], limits: Limits) -> Result<&str, Undecodable<'_>> {
    if bytes.len() > limits.bytes {
        return Err(Undecodable {
            valid: "",
            place: Place::START,
            error: YamlError::TooLarge { max: limits.bytes },
        });
    }
    std::str::from_utf8(bytes).map_err(|error| {
        let valid = bytes.get(..error.valid_up_to()).unwrap_or_default();
        let valid = std::str::from_utf8(valid).unwrap_or_default();
        Undecodable {
            valid,
            place: end_of(valid),
            error: YamlError::NotUtf8,
        }
    })
}

/// Parses the one document of a text.
pub fn document(text: &str, limits: Limits) -> Result<Node<'_>, (Place, YamlError)> {
    if text.len() > limits.bytes {
        let max = limits.bytes;
        return Err((Place::START, YamlError::TooLarge { max }));
    }
    let mut reader = Reader {
        parser: Parser::new_from_str(text),
        depth: limits.depth,
    };
    let mut root = None;
    while let Some(item) = reader.parser.next_event() {
        let (event, span) = item.map_err(syntax)?;
        match event {
            Event::StreamEnd => break,
            Event::DocumentStart(_) if root.is_some() => {
                return Err((place(span), YamlError::SecondDocument));
            }
            Event::StreamStart | Event::DocumentStart(_) | Event::DocumentEnd | Event::Nothing => {}
            event => root = Some(reader.node(event, span, 0)?),
        }
    }
    root.ok_or((Place::START, YamlError::Empty))
}

struct Reader<'a> {
    parser: Parser<'a, StrInput<'a>>,
    depth: usize,
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

fn syntax(error: ScanError) -> (Place, YamlError) {
    let marker = error.marker();
    let place = Place {
        line: marker.line(),
        column: marker.col(),
        width: 1,
    };
    (place, YamlError::Syntax(error))
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Result<(Event<'a>, Span), (Place, YamlError)> {
        match self.parser.next_event() {
            Some(item) => item.map_err(syntax),
            None => Ok((Event::StreamEnd, Span::default())),
        }
    }

    fn node(
        &mut self,
        event: Event<'a>,
        span: Span,
        depth: usize,
    ) -> Result<Node<'a>, (Place, YamlError)> {
        let at = place(span);
        if depth > self.depth {
            return Err((at, YamlError::TooDeep));
        }
        let (anchor, tag) = match &event {
            Event::Scalar(_, _, anchor, tag)
            | Event::SequenceStart(anchor, tag)
            | Event::MappingStart(anchor, tag) => (*anchor, tag.is_some()),
            _ => (0, false),
        };
        if anchor != 0 {
            return Err((at, YamlError::Unsupported(Feature::Anchors)));
        }
        if tag {
            return Err((at, YamlError::Unsupported(Feature::Tags)));
        }
        let value = match event {
            Event::Alias(_) => return Err((at, YamlError::Unsupported(Feature::Aliases))),
            Event::Scalar(text, style, ..) => Value::Scalar(text, style.into()),
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
            _ => return Err((at, YamlError::NoValue)),
        };
        Ok(Node {
            place: at,
            start: span.start.index(),
            value,
        })
    }
}

impl From<ScalarStyle> for Style {
    fn from(style: ScalarStyle) -> Self {
        match style {
            ScalarStyle::Plain => Self::Plain,
            ScalarStyle::SingleQuoted => Self::SingleQuoted,
            ScalarStyle::DoubleQuoted => Self::DoubleQuoted,
            ScalarStyle::Literal | ScalarStyle::Folded => Self::Block,
        }
    }
}

impl<'a> Node<'a> {
    /// Returns the scalar's text.
    pub fn scalar(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar(text, _) => Some(text),
            _ => None,
        }
    }

    /// Returns the items of a list, or a scalar as a list of one item.
    pub fn one_or_more(&self) -> Option<&[Node<'a>]> {
        match &self.value {
            Value::Scalar(..) => Some(std::slice::from_ref(self)),
            Value::Sequence(items) => Some(items),
            Value::Mapping(_) => None,
        }
    }

    /// Returns the values of a mapping with these known keys; `None` if the node is no mapping. Reports each unknown or
    /// repeated key with its place.
    pub fn keys(
        &self,
        known: &[&'static str],
        mut report: impl FnMut(Place, KeyError),
    ) -> Option<Keys<'_, 'a>> {
        let Value::Mapping(pairs) = &self.value else {
            return None;
        };
        let mut found = HashMap::new();
        let mut misspelt = Vec::new();
        for (key, value) in pairs {
            let text = key.scalar().unwrap_or_default();
            match known.iter().find(|known| **known == text) {
                None => {
                    let nearest = nearest(text, known.iter().copied());
                    report(key.place, KeyError::Unknown { nearest });
                    misspelt.extend(nearest.map(|key| (key, value)));
                }
                Some(known) => {
                    if found.insert(*known, value).is_some() {
                        report(key.place, KeyError::Duplicate);
                    }
                }
            }
        }
        Some(Keys { found, misspelt })
    }
}
