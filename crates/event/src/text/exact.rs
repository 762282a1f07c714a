// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Names without patterns.

use crate::lex::{Lexer, Token};
use crate::{ObjectError, TextError, TextErrorKind};

/// Reads the bytes of a name, from the position `at` to the end of the text.
pub(super) fn exact_bytes(text: &str, at: usize) -> Result<Vec<u8>, TextError> {
    let mut bytes = Vec::with_capacity(text.len());
    for item in Lexer::new(text.get(at..).unwrap_or_default()) {
        let (span, token) = item.map_err(|error| error.shifted(at))?;
        match token {
            Token::Byte(byte) => bytes.push(byte),
            Token::Comma => bytes.push(b','),
            _ => {
                return Err(TextError::new(
                    span.start + at..span.end + at,
                    TextErrorKind::Pattern,
                ));
            }
        }
    }
    if bytes.len() >= ambit_abi::PATH_MAX {
        let error = ObjectError::TooLong(bytes.len());
        return Err(TextError::new(at..text.len(), TextErrorKind::Path(error)));
    }
    Ok(bytes)
}
