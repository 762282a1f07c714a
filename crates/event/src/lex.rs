// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The words of a path's text: bytes, wildcards, braces and classes. `ambit-model` builds patterns from them.

use std::ops::Range;

use crate::{Marker, TextError, TextErrorKind, escape, nearest};

/// A class of names that differ from run to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Class {
    /// `{n}`: digits.
    Num,
    /// `{hex}`: hex digits.
    Hex,
    /// `{uuid}`.
    Uuid,
    /// `{pid}`: a process number.
    Pid,
    /// `{self}`: the own process number.
    Own,
    /// `{tmp}`: a random suffix.
    Tmp,
    /// `{tmpfile}`: a file made with `O_TMPFILE`.
    Tmpfile,
    /// `{date}`: eight digits, year, month and day.
    Date,
    /// `{time}`: six digits, hour, minute and second.
    Time,
    /// `{year}`: four digits, from 1970 to 2099.
    Year,
    /// `{month}`: two digits.
    Month,
    /// `{day}`: two digits.
    Day,
    /// `{hour}`: two digits.
    Hour,
    /// `{minute}`: two digits.
    Minute,
    /// `{second}`: two digits.
    Second,
}

impl Class {
    /// Every class.
    pub const ALL: [Self; 15] = [
        Self::Num,
        Self::Hex,
        Self::Uuid,
        Self::Pid,
        Self::Own,
        Self::Tmp,
        Self::Tmpfile,
        Self::Date,
        Self::Time,
        Self::Year,
        Self::Month,
        Self::Day,
        Self::Hour,
        Self::Minute,
        Self::Second,
    ];

    /// Returns the name between the braces.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Num => "n",
            Self::Hex => "hex",
            Self::Uuid => "uuid",
            Self::Pid => "pid",
            Self::Own => "self",
            Self::Tmp => "tmp",
            Self::Tmpfile => "tmpfile",
            Self::Date => "date",
            Self::Time => "time",
            Self::Year => "year",
            Self::Month => "month",
            Self::Day => "day",
            Self::Hour => "hour",
            Self::Minute => "minute",
            Self::Second => "second",
        }
    }

    /// Returns the marker that the kernel part writes for names of this class, if it does.
    pub const fn marker(self) -> Option<Marker> {
        match self {
            Self::Num => Some(Marker::Num),
            Self::Pid => Some(Marker::Pid),
            Self::Own => Some(Marker::Own),
            Self::Tmpfile => Some(Marker::Tmpfile),
            Self::Hex
            | Self::Uuid
            | Self::Tmp
            | Self::Date
            | Self::Time
            | Self::Year
            | Self::Month
            | Self::Day
            | Self::Hour
            | Self::Minute
            | Self::Second => None,
        }
    }
}

/// One word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Token {
    /// A byte of a name.
    Byte(u8),
    /// `*`.
    Star,
    /// `**`.
    StarStar,
    /// `{` of alternatives.
    Open,
    /// `}` of alternatives.
    Close,
    /// `,` without a backslash; a plain byte outside braces.
    Comma,
    /// `{n}` and so on.
    Class(Class),
}

/// Splits a text into words. Each has the range of the text that it was made of.
#[derive(Clone, Debug)]
pub struct Lexer<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Lexer<'a> {
    /// Starts at the text's beginning.
    pub fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn take(&mut self, bytes: usize, token: Token) -> (Range<usize>, Token) {
        let start = self.at;
        self.at += bytes;
        (start..self.at, token)
    }

    fn wrong(&self, bytes: usize, kind: TextErrorKind) -> TextError {
        TextError::new(self.at..self.at + bytes, kind)
    }

    fn escape(&mut self) -> Result<(Range<usize>, Token), TextError> {
        match self.rest().as_bytes() {
            [_, byte @ (b'*' | b'{' | b'}' | b',' | b'\\'), ..] => {
                Ok(self.take(2, Token::Byte(*byte)))
            }
            [_, b'x', high, low, ..] => {
                match (
                    char::from(*high).to_digit(16),
                    char::from(*low).to_digit(16),
                ) {
                    (Some(high), Some(low)) => match u8::try_from(high << 4 | low) {
                        Ok(byte) => Ok(self.take(4, Token::Byte(byte))),
                        Err(_) => Err(self.wrong(2, TextErrorKind::Escape)),
                    },
                    _ => Err(self.wrong(2, TextErrorKind::Escape)),
                }
            }
            bytes => {
                let shown = self.rest().chars().nth(1).map_or(0, char::len_utf8);
                Err(self.wrong(bytes.len().min(1 + shown), TextErrorKind::Escape))
            }
        }
    }

    fn brace(&mut self) -> Result<(Range<usize>, Token), TextError> {
        let rest = self.rest();
        let inside = rest.get(1..).unwrap_or_default();
        let end = inside.find(['{', '}', ',', '\\', '*', '/']);
        let Some((name, '}')) =
            end.and_then(|end| Some((inside.get(..end)?, inside.get(end..)?.chars().next()?)))
        else {
            return Ok(self.take(1, Token::Open));
        };
        match Class::ALL.into_iter().find(|class| class.name() == name) {
            Some(class) => Ok(self.take(name.len() + 2, Token::Class(class))),
            None => Err(self.wrong(
                name.len() + 2,
                TextErrorKind::UnknownClass {
                    nearest: nearest(name, Class::ALL.map(Class::name)),
                },
            )),
        }
    }

    fn step(&mut self) -> Option<Result<(Range<usize>, Token), TextError>> {
        let rest = self.rest();
        let first = *rest.as_bytes().first()?;
        Some(match first {
            b'\\' => self.escape(),
            b'{' => self.brace(),
            b'}' => Ok(self.take(1, Token::Close)),
            b',' => Ok(self.take(1, Token::Comma)),
            b'*' if rest.starts_with("**") => Ok(self.take(2, Token::StarStar)),
            b'*' => Ok(self.take(1, Token::Star)),
            0x20..=0x7e => Ok(self.take(1, Token::Byte(first))),
            _ => match rest.chars().next() {
                Some(c) if escape::is_hidden(c) => {
                    Err(self.wrong(c.len_utf8(), TextErrorKind::Hidden(c)))
                }
                _ => Ok(self.take_inner(first)),
            },
        })
    }

    /// Takes one byte of a multi-byte character. `Iterator::next` keeps the position on character boundaries.
    fn take_inner(&mut self, first: u8) -> (Range<usize>, Token) {
        self.take(1, Token::Byte(first))
    }
}

impl Iterator for Lexer<'_> {
    type Item = Result<(Range<usize>, Token), TextError>;

    fn next(&mut self) -> Option<Self::Item> {
        // Inside a multi-byte character, whose first byte was checked before.
        if !self.text.is_char_boundary(self.at) {
            let byte = *self.text.as_bytes().get(self.at)?;
            return Some(Ok(self.take_inner(byte)));
        }
        let item = self.step();
        if matches!(item, Some(Err(_))) {
            self.at = self.text.len();
        }
        item
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(text: &str) -> Result<Vec<Token>, TextError> {
        Lexer::new(text)
            .map(|item| item.map(|(_, token)| token))
            .collect()
    }

    #[test]
    fn wildcards_braces_and_classes_are_words() {
        assert_eq!(
            tokens("*{a,{n}}**").unwrap(),
            [
                Token::Star,
                Token::Open,
                Token::Byte(b'a'),
                Token::Comma,
                Token::Class(Class::Num),
                Token::Close,
                Token::StarStar
            ]
        );
    }

    #[test]
    fn escapes_are_bytes() {
        let bytes: Vec<_> = b"*{},\\\x1b\xff\xc3\xa9"
            .iter()
            .map(|byte| Token::Byte(*byte))
            .collect();
        assert_eq!(tokens("\\*\\{\\}\\,\\\\\\x1b\\xFF\u{e9}").unwrap(), bytes);
    }

    #[test]
    fn unknown_escapes_classes_and_hidden_characters_are_errors() {
        let error = tokens("/a\\q").unwrap_err();
        assert_eq!((error.span, error.kind), (2..4, TextErrorKind::Escape));
        let error = tokens("/{pdi}").unwrap_err();
        assert_eq!(error.span, 1..6);
        assert_eq!(error.help().unwrap(), "did you mean `{pid}`?");
        let error = tokens("/\u{202e}").unwrap_err();
        assert_eq!(error.help().unwrap(), "write it as `\\xe2\\x80\\xae`");
        assert!(tokens("\\").is_err());
        assert!(tokens("\\x4").is_err());
        assert!(tokens("\\\u{e9}").is_err());
    }
}
