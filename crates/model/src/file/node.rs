// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Reads the nodes that all parts of a map file have: mappings with known keys, lists, and texts.

use std::collections::HashMap;

use ambit_event::TextError;
use ambit_source::Collector;
use ambit_source::yaml::{self, KeyError, Node, Value};

use super::error::MapErrorKind;

pub(super) const LIMITS: yaml::Limits = yaml::Limits {
    bytes: 64 * 1024 * 1024,
    // A map nests to 6: document, subjects, subject, list.
    depth: 8,
};

/// Collects the errors of one file.
pub(super) type Errors<'t> = Collector<'t, MapErrorKind>;

/// Returns the values of a mapping by key, and adds an error for each unknown or repeated key.
pub(super) fn keys<'n, 'a>(
    node: &'n Node<'a>,
    known: &[&'static str],
    expected: &'static str,
    errors: &mut Errors<'_>,
) -> Option<HashMap<&'static str, &'n Node<'a>>> {
    let keys = node.keys(known, |place, error| {
        let kind = match error {
            KeyError::Unknown { nearest } => MapErrorKind::UnknownKey { nearest },
            KeyError::Duplicate => MapErrorKind::DuplicateKey,
        };
        errors.add(place, kind);
    });
    if keys.is_none() {
        errors.add(node.place, MapErrorKind::Expected(expected));
    }
    keys.map(|keys| keys.found)
}

/// Returns the keys and values of a mapping; none for another node.
pub(super) fn pairs<'n, 'a>(node: &'n Node<'a>) -> &'n [(Node<'a>, Node<'a>)] {
    match &node.value {
        Value::Mapping(pairs) => pairs,
        _ => &[],
    }
}

/// Returns the items of a list; none for another node.
pub(super) fn items<'n, 'a>(node: &'n Node<'a>) -> &'n [Node<'a>] {
    match &node.value {
        Value::Sequence(items) => items,
        _ => &[],
    }
}

/// Returns the items of a list, and adds an error for another node.
pub(super) fn list<'n, 'a>(
    node: &'n Node<'a>,
    expected: &'static str,
    errors: &mut Errors<'_>,
) -> &'n [Node<'a>] {
    if let Value::Sequence(items) = &node.value {
        return items;
    }
    errors.add(node.place, MapErrorKind::Expected(expected));
    &[]
}

/// Parses a scalar's text, and adds the error if it cannot be parsed.
pub(super) fn text<T>(
    node: &Node<'_>,
    expected: &'static str,
    errors: &mut Errors<'_>,
    parse: impl FnOnce(&str) -> Result<T, TextError>,
) -> Option<T> {
    let Some(text) = node.scalar() else {
        errors.add(node.place, MapErrorKind::Expected(expected));
        return None;
    };
    let refuse = |error: TextError| {
        let bytes = error.span.clone();
        errors.add_within(node, &bytes, MapErrorKind::Text(error));
    };
    parse(text).map_err(refuse).ok()
}
