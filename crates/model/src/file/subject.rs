// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The subjects of a map file.

use std::collections::{BTreeSet, HashMap};

use ambit_abi::AS_MAX;
use ambit_event::text::{parse_bare_name, parse_digest, parse_path_object};
use ambit_event::{Creds, Object, Subject, escape, nearest};
use ambit_source::yaml::{Node, Value};

use super::error::MapErrorKind;
use super::node::{Errors, keys, list, text};
use crate::map::{Entry, Ids, Version, id_of, is_group_name};
use crate::{Map, Rule};

const KEYS: [&str; 10] = [
    "id",
    "exe",
    "as",
    "script",
    "via",
    "digest",
    "script-digest",
    "creds",
    "use",
    "allow",
];
const ID_MAX: usize = 255;

/// Reads the groups of rules that subjects share.
pub(super) fn read_groups(node: &Node<'_>, map: &mut Map, errors: &mut Errors<'_>) {
    let Value::Mapping(pairs) = &node.value else {
        let expected = "groups by name, each a list of rules";
        errors.add(node.place, MapErrorKind::Expected(expected));
        return;
    };
    if map.version == Version::One {
        errors.add(node.place, MapErrorKind::NeedsVersionTwo("groups"));
    }
    for (key, value) in pairs {
        let name = key.scalar().unwrap_or_default();
        if !is_group_name(name) {
            errors.add(key.place, MapErrorKind::GroupName);
        } else if map.groups.contains_key(name) {
            errors.add(key.place, MapErrorKind::DuplicateKey);
        } else {
            let rules = rules(value, errors);
            map.groups.insert(name.to_owned(), rules);
        }
    }
}

fn rules(node: &Node<'_>, errors: &mut Errors<'_>) -> BTreeSet<Rule> {
    list(node, "a list of rules", errors)
        .iter()
        .filter_map(|item| {
            let expected = "a rule, such as `file.open r /etc/hosts`";
            text(item, expected, errors, Rule::parse)
        })
        .collect()
}

/// Returns the rules of the groups that a subject uses.
fn used(node: &Node<'_>, map: &Map, errors: &mut Errors<'_>) -> BTreeSet<Rule> {
    let mut out = BTreeSet::new();
    if map.version == Version::One {
        errors.add(node.place, MapErrorKind::NeedsVersionTwo("use"));
        return out;
    }
    for item in list(node, "a list of groups", errors) {
        let name = item.scalar().unwrap_or_default();
        if let Some(rules) = map.groups.get(name) {
            out.extend(rules.iter().cloned());
        } else {
            let known = map.groups.keys().map(String::as_str);
            let nearest = nearest(name, known).map(str::to_owned);
            errors.add(item.place, MapErrorKind::UnknownGroup { nearest });
        }
    }
    out
}

pub(super) fn read(node: &Node<'_>, map: &mut Map, errors: &mut Errors<'_>) {
    let mut ids: HashMap<String, usize> = HashMap::new();
    let mut lines: HashMap<Subject, usize> = HashMap::new();
    for item in list(node, "a list of subjects", errors) {
        let Some((subject, entry)) = one(item, map, errors) else {
            continue;
        };
        let line = item.place.line;
        if !entry.id.is_empty()
            && let Some(line) = ids.insert(entry.id.clone(), line)
        {
            errors.add(item.place, MapErrorKind::DuplicateId { line });
        }
        if let Some(line) = lines.insert(subject.clone(), line) {
            errors.add(item.place, MapErrorKind::DuplicateSubject { line });
        }
        map.subjects.insert(subject, entry);
    }
    // Those without an id get one, which none that was written can be.
    let mut ids: Ids = ids.keys().map(String::as_str).collect();
    for (subject, entry) in &mut map.subjects {
        if entry.id.is_empty() {
            entry.id = ids.free(&id_of(subject));
        }
    }
}

pub(super) fn one(node: &Node<'_>, map: &Map, errors: &mut Errors<'_>) -> Option<(Subject, Entry)> {
    let found = keys(node, &KEYS, "a subject's keys", errors)?;
    let mut entry = Entry::default();
    if let Some(node) = found.get("id") {
        match node.scalar().filter(|id| is_id(id)) {
            Some(id) => id.clone_into(&mut entry.id),
            None => errors.add(node.place, MapErrorKind::Id),
        }
    }
    let subject = identity(node, &found, map, errors);
    if let Some(node) = found.get("digest") {
        entry.digests = digests(node, errors);
    }
    if let Some(node) = found.get("script-digest") {
        entry.script_digests = digests(node, errors);
    }
    if let Some(node) = found.get("creds") {
        for item in some(
            node,
            "a list of credentials, such as `uid=33 gid=33 caps=-`",
            errors,
        ) {
            entry
                .creds
                .extend(text(item, "credentials", errors, Creds::parse));
        }
    }
    if let Some(node) = found.get("allow") {
        entry.allow = rules(node, errors);
    }
    if let Some(node) = found.get("use") {
        entry.allow.extend(used(node, map, errors));
    }
    Some((subject?, entry))
}

/// A list with something in it: an empty one would read as "none", and mean "any".
fn some<'n, 'a>(
    node: &'n Node<'a>,
    expected: &'static str,
    errors: &mut Errors<'_>,
) -> &'n [Node<'a>] {
    let before = errors.count();
    let items = list(node, expected, errors);
    if items.is_empty() && errors.count() == before {
        errors.add(node.place, MapErrorKind::Expected(expected));
    }
    items
}

fn digests(node: &Node<'_>, errors: &mut Errors<'_>) -> BTreeSet<[u8; 32]> {
    some(node, "a list of digests, such as `sha256:…`", errors)
        .iter()
        .filter_map(|item| text(item, "a digest", errors, parse_digest))
        .collect()
}

fn identity(
    node: &Node<'_>,
    found: &HashMap<&str, &Node<'_>>,
    map: &Map,
    errors: &mut Errors<'_>,
) -> Option<Subject> {
    let mut path = |key: &str| {
        found
            .get(key)
            .map(|node| text(node, "a path", errors, parse_path_object))
    };
    let (exe, script) = (path("exe"), path("script"));
    if exe.is_none() {
        errors.add(node.place, MapErrorKind::MissingKey("exe"));
    }
    let mut via = Vec::new();
    if let Some(node) = found.get("via") {
        for item in list(node, "a list of paths", errors) {
            via.extend(text(item, "a path", errors, parse_path_object));
        }
        let max = usize::try_from(map.chain).unwrap_or(1).saturating_sub(1);
        if via.len() > max {
            errors.add(
                node.place,
                MapErrorKind::Via {
                    max,
                    chain: map.chain,
                },
            );
        }
    }
    let mut as_name = None;
    if let Some(node) = found.get("as")
        && let Some(name) = text(node, "a name", errors, parse_bare_name)
    {
        if name.is_empty() || name.len() >= AS_MAX {
            errors.add(node.place, MapErrorKind::AsName);
        }
        as_name = Some(name);
    }
    let exe = exe??;
    // The file's own name says nothing.
    if let Object::Path(path) = &exe {
        as_name = as_name.filter(|name| **name != *path.file_name());
    }
    Some(Subject {
        exe: Some(exe),
        as_name,
        script: script.flatten(),
        via,
    })
}

fn is_id(id: &str) -> bool {
    !id.is_empty() && id.len() <= ID_MAX && !id.chars().any(escape::is_hidden) && id.trim() == id
}
