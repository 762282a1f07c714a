// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Reads a map from text. All errors are collected; if there is one, no map is returned.

use ambit_abi::{Coverage, Family, Response};
use ambit_event::nearest;
use ambit_event::text::parse_digest;
use ambit_source::yaml::{self, Node, Value};

use super::error::{MapErrorKind, MapErrors};
use super::node::{Errors, LIMITS, keys, list, text};
use crate::map::{FAMILIES, Version, is_chain, is_domain_name, is_source};
use crate::{Map, OwnResponses, Responses, RuleObject};

const KEYS: [&str; 10] = [
    "ambit",
    "domain",
    "chain",
    "coverage",
    "incomplete",
    "sealed",
    "respond",
    "start",
    "groups",
    "subjects",
];

impl Map {
    /// Reads a map file; `name` is what errors call it.
    pub fn parse(text: &str, name: &str) -> Result<Self, MapErrors> {
        let mut errors = Errors::new(text);
        let map = match yaml::document(text, LIMITS) {
            Ok(root) => read(&root, &mut errors),
            Err((place, error)) => {
                errors.add(place, MapErrorKind::Yaml(error));
                None
            }
        };
        match map {
            Some(mut map) if errors.is_empty() => {
                map.normalise();
                Ok(map)
            }
            _ => Err(errors.finish(name)),
        }
    }

    /// Reads the bytes of a map file, which may not be text.
    pub fn parse_bytes(bytes: &[u8], name: &str) -> Result<Self, MapErrors> {
        let text = yaml::decode(bytes, LIMITS).map_err(|refused| {
            let mut errors = Errors::new(refused.valid);
            errors.add(refused.place, MapErrorKind::Yaml(refused.error));
            errors.finish(name)
        })?;
        Self::parse(text, name)
    }
}

fn read(root: &Node<'_>, errors: &mut Errors<'_>) -> Option<Map> {
    // What is no map at all gets one error, not one for each of its lines.
    let first = match &root.value {
        Value::Mapping(pairs) => pairs.first(),
        _ => None,
    };
    let version = match first {
        Some((key, version)) if key.scalar() == Some("ambit") => match version.scalar() {
            Some("1") => Version::One,
            Some("2") => Version::Two,
            _ => {
                errors.add(version.place, MapErrorKind::Version);
                return None;
            }
        },
        first => {
            let place = first.map_or(root.place, |(key, _)| key.place);
            errors.add(place, MapErrorKind::NotAMap);
            return None;
        }
    };
    let found = keys(root, &KEYS, "the map's keys", errors)?;
    let mut map = Map::new("");
    map.version = version;
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
    if let Some(node) = found.get("groups") {
        super::subject::read_groups(node, &mut map, errors);
    }
    if let Some(node) = found.get("subjects") {
        super::subject::read(node, &mut map, errors);
    }
    Some(map)
}

fn responses(node: &Node<'_>, table: &mut Responses, errors: &mut Errors<'_>) {
    let own = own_responses(node, errors);
    for (slot, own) in table.iter_mut().zip(own) {
        *slot = own.unwrap_or(*slot);
    }
}

/// What each source's distrust means.
fn untrusted_by(node: &Node<'_>, map: &mut Map, errors: &mut Errors<'_>) {
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

fn own_responses(node: &Node<'_>, errors: &mut Errors<'_>) -> OwnResponses {
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
