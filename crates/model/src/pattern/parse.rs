// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Parses path patterns.

use std::ops::Range;

use ambit_event::lex::{Lexer, Token};
use ambit_event::{ObjectError, TextError, TextErrorKind};

use super::{NESTING, PathKind, PathPattern, Piece, TEXT_MAX};

/// An open brace: the pieces before it, its alternatives so far, and its place.
struct Open {
    before: Vec<Piece>,
    alternatives: Vec<Vec<Piece>>,
    span: Range<usize>,
}

impl PathPattern {
    /// Parses a pattern without the prefix of its kind.
    pub fn parse(kind: PathKind, text: &str) -> Result<Self, TextError> {
        if text.len() > TEXT_MAX {
            return Err(TextError {
                span: 0..TEXT_MAX,
                kind: TextErrorKind::Size,
            });
        }
        let mut current = Vec::new();
        let mut literal = Vec::new();
        let mut open: Vec<Open> = Vec::new();
        for item in Lexer::new(text) {
            let (span, token) = item?;
            match token {
                Token::Byte(0) => {
                    return Err(TextError {
                        span,
                        kind: TextErrorKind::Nul,
                    });
                }
                Token::Byte(byte) => literal.push(byte),
                Token::Comma if open.is_empty() => literal.push(b','),
                Token::Star => add(&mut current, &mut literal, Piece::Star),
                Token::StarStar => add(&mut current, &mut literal, Piece::StarStar),
                Token::Class(class) => add(&mut current, &mut literal, Piece::Class(class)),
                Token::Open => {
                    if open.len() == NESTING {
                        return Err(TextError {
                            span,
                            kind: TextErrorKind::Nesting(NESTING),
                        });
                    }
                    flush(&mut current, &mut literal);
                    open.push(Open {
                        before: std::mem::take(&mut current),
                        alternatives: Vec::new(),
                        span,
                    });
                }
                Token::Comma | Token::Close => {
                    flush(&mut current, &mut literal);
                    let Some(brace) = open.last_mut() else {
                        return Err(TextError {
                            span,
                            kind: TextErrorKind::UnopenedBrace,
                        });
                    };
                    if current.is_empty() {
                        let span = span.start.saturating_sub(1)..span.end;
                        return Err(TextError {
                            span,
                            kind: TextErrorKind::EmptyAlternative,
                        });
                    }
                    brace.alternatives.push(std::mem::take(&mut current));
                    if token == Token::Close
                        && let Some(done) = open.pop()
                    {
                        current = done.before;
                        current.push(Piece::Either(done.alternatives));
                    }
                }
            }
        }
        if let Some(brace) = open.pop() {
            return Err(TextError {
                span: brace.span,
                kind: TextErrorKind::UnclosedBrace,
            });
        }
        flush(&mut current, &mut literal);
        let pattern = Self::new(kind, current);
        if kind != PathKind::Memfd {
            check(&pattern.pieces).map_err(|error| TextError {
                span: 0..text.len(),
                kind: TextErrorKind::Path(error),
            })?;
        }
        Ok(pattern)
    }
}

fn flush(current: &mut Vec<Piece>, literal: &mut Vec<u8>) {
    if !literal.is_empty() {
        current.push(Piece::Bytes(std::mem::take(literal).into_boxed_slice()));
    }
}

fn add(current: &mut Vec<Piece>, literal: &mut Vec<u8>, piece: Piece) {
    flush(current, literal);
    current.push(piece);
}

/// Refuses literal parts that no path has, such as `//`: they are mistakes.
fn check(pieces: &[Piece]) -> Result<(), ObjectError> {
    if let [Piece::Bytes(only)] = pieces {
        return ambit_event::Path::new(only.clone()).map(|_| ());
    }
    for piece in pieces {
        if let Piece::Bytes(bytes) = piece {
            if bytes.windows(2).any(|pair| pair == b"//") {
                return Err(ObjectError::EmptyComponent);
            }
            if bytes.windows(3).any(|part| part == b"/./")
                || bytes.windows(4).any(|part| part == b"/../")
            {
                return Err(ObjectError::DotComponent);
            }
        }
    }
    match pieces.last() {
        Some(Piece::Bytes(bytes)) if bytes.ends_with(b"/") => Err(ObjectError::EmptyComponent),
        Some(Piece::Bytes(bytes)) if bytes.ends_with(b"/.") || bytes.ends_with(b"/..") => {
            Err(ObjectError::DotComponent)
        }
        _ => Ok(()),
    }
}
