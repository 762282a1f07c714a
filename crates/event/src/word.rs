// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Words of a line: cutting them off, and triples of ids.

use crate::Object;
use crate::number::plain_number;

/// Returns the word that begins at `at`, and the position of the next one.
pub(crate) fn cut(text: &str, at: usize) -> (&str, usize) {
    let rest = text.get(at..).unwrap_or_default();
    let word = rest.split(' ').next().unwrap_or_default();
    let after = rest.get(word.len()..).unwrap_or_default();
    let blanks = after.len() - after.trim_start_matches(' ').len();
    (word, at + word.len() + blanks)
}

/// Parses a triple of ids: `33`, or `real:effective:saved`.
pub(crate) fn parse_ids(text: &str) -> Option<Object> {
    let number = |part: &str| (!part.is_empty()).then(|| plain_number(part)).flatten();
    let mut parts = text.split(':');
    let real = number(parts.next()?)?;
    let object = match (parts.next(), parts.next()) {
        (None, _) => Object::Ids {
            real,
            effective: real,
            saved: real,
        },
        (Some(effective), Some(saved)) => Object::Ids {
            real,
            effective: number(effective)?,
            saved: number(saved)?,
        },
        (Some(_), None) => return None,
    };
    parts.next().is_none().then_some(object)
}
