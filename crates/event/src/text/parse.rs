// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Text as exact objects.

use ambit_abi::Op;

use super::exact::exact_bytes;
use super::{AddressText, Form, canonical_protocols, split_address};
use crate::lex::{Lexer, Token};
use crate::word::{cut, parse_ids};
use crate::{Creds, Ipc, Object, Path, Relation, TextError, TextErrorKind, named, names, nearest};

/// Reads `sha256:` and 64 lower-case hex digits.
pub fn parse_digest(text: &str) -> Result<[u8; 32], TextError> {
    let wrong = || TextError::new(0..text.len(), TextErrorKind::Digest);
    let digits = text.strip_prefix("sha256:").ok_or_else(wrong)?;
    let mut sha256 = [0; 32];
    let (pairs, rest) = digits.as_bytes().as_chunks::<2>();
    if pairs.len() != sha256.len() || !rest.is_empty() {
        return Err(wrong());
    }
    for (byte, [high, low]) in sha256.iter_mut().zip(pairs) {
        let digit = |c: &u8| {
            char::from(*c)
                .to_digit(16)
                .filter(|_| !c.is_ascii_uppercase())
        };
        let (Some(high), Some(low)) = (digit(high), digit(low)) else {
            return Err(wrong());
        };
        *byte = u8::try_from(high << 4 | low).map_err(|_| wrong())?;
    }
    Ok(sha256)
}

/// Reads an exact object, as an operation's rule has it.
pub fn parse_object(op: Op, text: &str) -> Result<Object, TextError> {
    let whole = 0..text.len();
    match Form::of(op) {
        Form::Path => parse_path_object(text),
        Form::Address => match split_address(text)? {
            AddressText::Object(object) => Ok(object),
            AddressText::UnixPath { at } => parse_path_object(text.get(at..).unwrap_or_default())
                .map_err(|error| error.shifted(at)),
            AddressText::Inet(inet) => inet.exact().map(Object::Inet),
        },
        Form::Socket => parse_socket(text),
        Form::Relation => Relation::from_name(text)
            .map(Object::Relation)
            .ok_or_else(|| {
                TextError::new(
                    whole,
                    TextErrorKind::Object {
                        expected: "`self`, `child`, `domain` or `outside`",
                    },
                )
            }),
        Form::Word if text.is_empty() => Err(TextError::new(
            whole,
            TextErrorKind::Object { expected: "a name" },
        )),
        Form::Word => parse_bare_name(text).map(Object::Word),
        Form::Ipc => Ipc::from_name(text).map(Object::Ipc).ok_or_else(|| {
            TextError::new(
                whole,
                TextErrorKind::Object {
                    expected: "`private`, `key` or `foreign`",
                },
            )
        }),
        Form::Ids => parse_ids(text).ok_or_else(|| {
            TextError::new(
                whole,
                TextErrorKind::Object {
                    expected: "an id such as `33`, or `real:effective:saved`",
                },
            )
        }),
        Form::None if text.is_empty() => Ok(Object::None),
        Form::None => Err(TextError::new(whole, TextErrorKind::Trailing)),
        Form::Digest => {
            let (digest, at) = cut(text, 0);
            let of = parse_path_object(text.get(at..).unwrap_or_default())
                .map_err(|error| error.shifted(at))?;
            Ok(Object::Digest {
                sha256: parse_digest(digest)?,
                of: Box::new(of),
            })
        }
        Form::Creds => Creds::parse(text).map(Object::Creds),
    }
}

/// The prefixes of objects that are not plain paths.
pub const PATH_EXPECTED: &str =
    "a path: `/…`, `deleted:/…`, `foreign:/…`, `memfd:NAME` or `fs:TYPE`";

/// Reads a path, an unlinked path, a path of another mount namespace, a memfd or a kernel-internal file system, without patterns.
pub fn parse_path_object(text: &str) -> Result<Object, TextError> {
    let named = |at: usize| {
        let name = exact_bytes(text, at)?;
        match name.iter().position(|byte| *byte == 0) {
            None => Ok(name.into_boxed_slice()),
            Some(_) => Err(TextError::new(at..text.len(), TextErrorKind::Nul)),
        }
    };
    if text.starts_with('/') {
        parse_path(text, 0).map(Object::Path)
    } else if text.starts_with("deleted:/") {
        parse_path(text, "deleted:".len()).map(Object::Deleted)
    } else if text.starts_with("foreign:/") {
        parse_path(text, "foreign:".len()).map(Object::Foreign)
    } else if text.starts_with("memfd:") {
        named("memfd:".len()).map(Object::Memfd)
    } else if text.starts_with("fs:") {
        named("fs:".len()).map(Object::FsType)
    } else {
        Err(TextError::new(
            0..text.len(),
            TextErrorKind::Object {
                expected: PATH_EXPECTED,
            },
        ))
    }
}

fn parse_path(text: &str, at: usize) -> Result<Path, TextError> {
    let mut bytes = Vec::with_capacity(text.len());
    for item in Lexer::new(text.get(at..).unwrap_or_default()) {
        let (span, token) = item.map_err(|error| error.shifted(at))?;
        let here = span.start + at..span.end + at;
        match token {
            Token::Byte(0) => return Err(TextError::new(here, TextErrorKind::Nul)),
            Token::Byte(byte) => bytes.push(byte),
            Token::Comma => bytes.push(b','),
            Token::Class(class) => match class.marker() {
                Some(marker) => bytes.extend_from_slice(&[0, marker.letter()]),
                None => return Err(TextError::new(here, TextErrorKind::Pattern)),
            },
            _ => return Err(TextError::new(here, TextErrorKind::Pattern)),
        }
    }
    Path::new(bytes).map_err(|error| TextError::new(at..text.len(), TextErrorKind::Path(error)))
}

/// Reads a name that is not a path and contains no NUL.
pub fn parse_bare_name(text: &str) -> Result<Box<[u8]>, TextError> {
    let name = exact_bytes(text, 0)?;
    if name.contains(&0) {
        return Err(TextError::new(0..text.len(), TextErrorKind::Nul));
    }
    Ok(name.into_boxed_slice())
}

fn parse_socket(text: &str) -> Result<Object, TextError> {
    let number = |table: &'static names::Table, what, (at, word): (usize, &str)| {
        names::parse_numbered(table, "", word)
            .and_then(|number| u16::try_from(number).ok())
            .ok_or_else(|| {
                let kind = if word.is_empty() {
                    TextErrorKind::Object {
                        expected: "family, type and protocol, such as `inet stream tcp`",
                    }
                } else {
                    TextErrorKind::Name {
                        what,
                        nearest: nearest(word, names::all(table)),
                    }
                };
                TextError::new(at..at + word.len(), kind)
            })
    };
    let (word, second) = cut(text, 0);
    let family = number(&names::FAMILIES, "socket family", (0, word))?;
    let (word, third) = cut(text, second);
    let kind = number(&names::SOCKET_TYPES, "socket type", (second, word))?;
    let (word, end) = cut(text, third);
    let protocol = match names::number_of(named::protocols(family), word) {
        Some(number) => u16::try_from(number).unwrap_or_default(),
        None => number(canonical_protocols(family), "protocol", (third, word))?,
    };
    if end < text.len() {
        return Err(TextError::new(end..text.len(), TextErrorKind::Trailing));
    }
    Ok(Object::Socket {
        family,
        kind,
        protocol,
    })
}
