// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Reads the nodes that all parts of a rule file have: mappings with known keys, lists, and texts.

use std::collections::HashMap;

use ambit_event::escape;
use ambit_source::Collector;
use ambit_source::yaml::{KeyError, Keys, Node};

use super::error::RuleErrorKind;

/// Collects the errors of a file.
pub(super) type Errors<'t> = Collector<'t, RuleErrorKind>;

/// Returns the values of a mapping by key, and adds an error for each unknown or repeated key.
pub(super) fn keys<'n, 'a>(
    node: &'n Node<'a>,
    known: &'static [&'static str],
    expected: &'static str,
    errors: &mut Errors<'_>,
) -> Option<HashMap<&'static str, &'n Node<'a>>> {
    let keys = node.keys(known, |place, error| {
        let kind = match error {
            KeyError::Unknown { nearest } => RuleErrorKind::UnknownKey { nearest, known },
            KeyError::Duplicate => RuleErrorKind::DuplicateKey,
        };
        errors.add(place, kind);
    });
    let Some(Keys {
        mut found,
        misspelt,
    }) = keys
    else {
        errors.add(node.place, RuleErrorKind::Expected(expected));
        return None;
    };
    // A misspelt key counts as the key that it resembles, so that the latter is not reported as missing as well.
    for (key, value) in misspelt {
        found.entry(key).or_insert(value);
    }
    Some(found)
}

/// Returns the items of a list, or the single scalar.
pub(super) fn items<'n, 'a>(
    node: &'n Node<'a>,
    expected: &'static str,
    errors: &mut Errors<'_>,
) -> &'n [Node<'a>] {
    let items = node.one_or_more().unwrap_or_default();
    if items.is_empty() {
        errors.add(node.place, RuleErrorKind::Expected(expected));
    }
    items
}

/// Returns a text that is shown to people, without hidden characters.
pub(super) fn line(node: &Node<'_>, errors: &mut Errors<'_>) -> Option<String> {
    let Some(text) = node.scalar() else {
        errors.add(node.place, RuleErrorKind::Expected("a text"));
        return None;
    };
    let hidden = text
        .char_indices()
        .find(|(_, c)| escape::is_hidden(*c))
        .map(|(at, c)| at..at + c.len_utf8());
    if let Some(bytes) = hidden {
        errors.add_within(node, &bytes, RuleErrorKind::Hidden);
        return None;
    }
    Some(text.to_owned())
}
