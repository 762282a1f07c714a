// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A map from text. Every error that can be told apart is collected, and nothing is loaded if there is one.

use std::collections::HashMap;

use ambit_abi::{Coverage, Family, Response};
use ambit_event::text::parse_digest;
use ambit_event::{TextError, nearest};

use super::error::{KEPT, MapError, MapErrorKind, MapErrors};
use super::yaml::{self, Node, Place, Value};
use crate::map::{FAMILIES, is_chain, is_domain_name, is_source};
use crate::{Map, OwnResponses, Responses, RuleObject};

/// Largest map file in bytes.
pub(super) const SIZE_MAX: usize = 64 * 1024 * 1024;

const KEYS: [&str; 9] = [
    "ambit",
    "domain",
    "chain",
    "coverage",
    "incomplete",
    "sealed",
    "respond",
    "start",
    "subjects",
];

/// Collects errors; the first are kept, the rest counted.
pub(super) struct Errors {
    kept: Vec<(Place, MapErrorKind)>,
    more: usize,
}

impl Errors {
    pub(super) const fn none() -> Self {
        Self {
            kept: Vec::new(),
            more: 0,
        }
    }

    pub(super) fn add(&mut self, place: Place, kind: MapErrorKind) {
        if self.kept.len() < KEPT {
            self.kept.push((place, kind));
        } else {
            self.more += 1;
        }
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.kept.len() + self.more
    }

    pub(super) fn text(&mut self, node: &Node<'_>, error: TextError) {
        self.add(node.within(&error.span), MapErrorKind::Text(error));
    }

    fn finish(mut self, name: &str, text: &str) -> MapErrors {
        self.kept
            .sort_by_key(|(place, _)| (place.line, place.column));
        let mut lines = text.lines().enumerate();
        let mut current = (0, "");
        let mut errors = Vec::with_capacity(self.kept.len());
        for (place, kind) in self.kept {
            while current.0 < place.line {
                let Some((index, line)) = lines.next() else {
                    break;
                };
                current = (index + 1, line);
            }
            let text = if current.0 == place.line {
                window(current.1, place.column)
            } else {
                ""
            };
            errors.push(MapError {
                line: place.line.max(1),
                column: place.column + 1,
                width: place.width,
                text: text.to_owned(),
                kind,
            });
        }
        MapErrors {
            name: name.to_owned(),
            errors,
            more: self.more,
        }
    }
}

/// A line up to somewhat beyond the error, so that a line of megabytes is not kept.
fn window(line: &str, column: usize) -> &str {
    line.char_indices()
        .nth(column + 256)
        .and_then(|(end, _)| line.get(..end))
        .unwrap_or(line)
}

impl Map {
    /// Reads a map file; `name` is what errors call it.
    pub fn parse(text: &str, name: &str) -> Result<Self, MapErrors> {
        let mut errors = Errors::none();
        let map = if text.len() > SIZE_MAX {
            errors.add(
                Place {
                    line: 1,
                    column: 0,
                    width: 1,
                },
                MapErrorKind::TooLarge,
            );
            None
        } else {
            match yaml::document(text) {
                Ok(Some(root)) => read(&root, &mut errors),
                Ok(None) => {
                    errors.add(
                        Place {
                            line: 1,
                            column: 0,
                            width: 1,
                        },
                        MapErrorKind::Empty,
                    );
                    None
                }
                Err((place, kind)) => {
                    errors.add(place, kind);
                    None
                }
            }
        };
        match map {
            Some(mut map) if errors.kept.is_empty() => {
                map.normalise();
                Ok(map)
            }
            _ => Err(errors.finish(name, text)),
        }
    }

    /// Reads a map file that may not even be text.
    pub fn parse_bytes(bytes: &[u8], name: &str) -> Result<Self, MapErrors> {
        match std::str::from_utf8(bytes) {
            Ok(text) => Self::parse(text, name),
            Err(error) => {
                let good = bytes.get(..error.valid_up_to()).unwrap_or_default();
                let good = std::str::from_utf8(good).unwrap_or_default();
                let (line, last) = good.lines().enumerate().last().unwrap_or((0, ""));
                let ended = good.ends_with('\n');
                let line = line + 1 + usize::from(ended);
                let column = if ended { 0 } else { last.chars().count() };
                let mut errors = Errors::none();
                errors.add(
                    Place {
                        line,
                        column,
                        width: 1,
                    },
                    MapErrorKind::NotUtf8,
                );
                Err(errors.finish(name, good))
            }
        }
    }
}

/// The pairs of a mapping whose keys are known and not there twice, by key.
pub(super) fn keys<'n, 'a>(
    node: &'n Node<'a>,
    known: &[&'static str],
    expected: &'static str,
    errors: &mut Errors,
) -> Option<HashMap<&'static str, &'n Node<'a>>> {
    let Value::Mapping(pairs) = &node.value else {
        errors.add(node.place, MapErrorKind::Expected(expected));
        return None;
    };
    let mut found = HashMap::new();
    for (key, value) in pairs {
        let text = key.scalar().unwrap_or_default();
        match known.iter().find(|known| **known == text) {
            None => {
                let nearest = nearest(text, known.iter().copied());
                errors.add(key.place, MapErrorKind::UnknownKey { nearest });
            }
            Some(known) => {
                if found.insert(*known, value).is_some() {
                    errors.add(key.place, MapErrorKind::DuplicateKey);
                }
            }
        }
    }
    Some(found)
}

/// The items of a list.
pub(super) fn list<'n, 'a>(
    node: &'n Node<'a>,
    expected: &'static str,
    errors: &mut Errors,
) -> &'n [Node<'a>] {
    if let Value::Sequence(items) = &node.value {
        return items;
    }
    errors.add(node.place, MapErrorKind::Expected(expected));
    &[]
}

/// Reads a scalar's text; an error is collected.
pub(super) fn text<T>(
    node: &Node<'_>,
    expected: &'static str,
    errors: &mut Errors,
    parse: impl FnOnce(&str) -> Result<T, TextError>,
) -> Option<T> {
    let Some(text) = node.scalar() else {
        errors.add(node.place, MapErrorKind::Expected(expected));
        return None;
    };
    parse(text).map_err(|error| errors.text(node, error)).ok()
}

fn read(root: &Node<'_>, errors: &mut Errors) -> Option<Map> {
    // What is no map at all gets one error, not one for each of its lines.
    let first = match &root.value {
        Value::Mapping(pairs) => pairs.first(),
        _ => None,
    };
    match first {
        Some((key, version)) if key.scalar() == Some("ambit") => {
            if version.scalar() != Some("1") {
                errors.add(version.place, MapErrorKind::Version);
                return None;
            }
        }
        first => {
            let place = first.map_or(root.place, |(key, _)| key.place);
            errors.add(place, MapErrorKind::NotAMap);
            return None;
        }
    }
    let found = keys(root, &KEYS, "the map's keys", errors)?;
    let mut map = Map::new("");
    match found.get("domain") {
        Some(node) => match node.scalar().filter(|name| is_domain_name(name)) {
            Some(name) => name.clone_into(&mut map.domain),
            None => errors.add(node.place, MapErrorKind::DomainName),
        },
        None => errors.add(root.place, MapErrorKind::MissingKey("domain")),
    }
    if let Some(node) = found.get("chain") {
        let chain = node
            .scalar()
            .and_then(|text| text.parse().ok())
            .filter(|chain| is_chain(*chain));
        match chain {
            Some(chain) => map.chain = chain,
            None => errors.add(node.place, MapErrorKind::Chain),
        }
    }
    if let Some(node) = found.get("coverage") {
        match node.scalar().and_then(Coverage::from_name) {
            Some(coverage) => map.coverage = coverage,
            None => errors.add(node.place, MapErrorKind::Expected("`core` or `full`")),
        }
    }
    if let Some(node) = found.get("incomplete") {
        match node.scalar().and_then(|text| text.parse().ok()) {
            Some(missed) => map.incomplete = Some(missed).filter(|missed| *missed > 0),
            None => errors.add(
                node.place,
                MapErrorKind::Expected("how many points learning has missed"),
            ),
        }
    }
    if let Some(node) = found.get("sealed") {
        map.sealed = text(
            node,
            "the digest of the map when it was sealed",
            errors,
            parse_digest,
        );
    }
    if let Some(node) = found.get("respond")
        && let Some(tables) = keys(
            node,
            &["outside", "untrusted", "untrusted-by"],
            "the keys `outside`, `untrusted`, `untrusted-by`",
            errors,
        )
    {
        if let Some(node) = tables.get("outside") {
            responses(node, &mut map.outside, errors);
        }
        if let Some(node) = tables.get("untrusted") {
            responses(node, &mut map.untrusted, errors);
        }
        if let Some(node) = tables.get("untrusted-by") {
            untrusted_by(node, &mut map, errors);
        }
    }
    if let Some(node) = found.get("start") {
        for item in list(node, "a list of paths", errors) {
            map.start
                .extend(text(item, "a path", errors, RuleObject::parse_path));
        }
    }
    if let Some(node) = found.get("subjects") {
        super::subject::read(node, &mut map, errors);
    }
    Some(map)
}

fn responses(node: &Node<'_>, table: &mut Responses, errors: &mut Errors) {
    let own = own_responses(node, errors);
    for (slot, own) in table.iter_mut().zip(own) {
        *slot = own.unwrap_or(*slot);
    }
}

/// What each source's distrust means.
fn untrusted_by(node: &Node<'_>, map: &mut Map, errors: &mut Errors) {
    let Value::Mapping(pairs) = &node.value else {
        let expected = "responses by source, such as `rule:no-shell: {exec: deny}`";
        errors.add(node.place, MapErrorKind::Expected(expected));
        return;
    };
    for (key, value) in pairs {
        let name = key.scalar().unwrap_or_default();
        if !is_source(name) {
            let expected = "a source that takes trust: `model`, `operator`, `engine`, `tap`, `rule:ID` or `tap:NAME`";
            errors.add(key.place, MapErrorKind::Expected(expected));
        } else if map.untrusted_by.contains_key(name) {
            errors.add(key.place, MapErrorKind::DuplicateKey);
        } else {
            let own = own_responses(value, errors);
            map.untrusted_by.insert(name.to_owned(), own);
        }
    }
}

fn own_responses(node: &Node<'_>, errors: &mut Errors) -> OwnResponses {
    const KNOWN: [&str; 13] = [
        "default", "exec", "file", "map", "net", "task", "cap", "mount", "ns", "ipc", "key",
        "kernel", "uring",
    ];
    let mut own = OwnResponses::default();
    let Some(found) = keys(
        node,
        &KNOWN,
        "responses by family, such as `{net: kill}`",
        errors,
    ) else {
        return own;
    };
    let mut response = |key: &str| {
        let node = found.get(key)?;
        let text = node.scalar().unwrap_or_default();
        let response = Response::from_name(text);
        if response.is_none() {
            let nearest = nearest(text, Response::ALL.iter().map(|known| known.name()));
            errors.add(node.place, MapErrorKind::Response { nearest });
        }
        response
    };
    let default = response("default");
    for (slot, family) in own.iter_mut().zip(FAMILIES) {
        *slot = response(Family::name(family)).or(default);
    }
    own
}
