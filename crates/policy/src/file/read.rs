// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Rules from text. Every error that can be told apart is collected, and nothing is loaded if there is one.

use std::collections::HashMap;
use std::ops::Range;

use ambit_event::nearest;

use super::error::{KEPT, Other, RuleError, RuleErrorKind, RuleErrors};
use super::place::{Place, within};
use super::yaml::{self, Node, Value};
use crate::cel;
use crate::check::set::{Fault, faults};
use crate::rule::{Mark, Rule};

/// Largest file of rules in bytes.
pub const SIZE_MAX: usize = 4 * 1024 * 1024;

/// Places of sources of trust that are looked for in a file, from its beginning each.
const PLACES: usize = 512;

/// Collects errors; the first are kept, the rest counted.
pub(super) struct Errors<'t> {
    text: &'t str,
    kept: Vec<(Place, RuleErrorKind)>,
    more: usize,
    /// How many places that are no errors were looked for.
    places: usize,
}

impl<'t> Errors<'t> {
    fn none(text: &'t str) -> Self {
        Self {
            text,
            kept: Vec::new(),
            more: 0,
            places: 0,
        }
    }

    pub(super) fn add(&mut self, place: Place, kind: RuleErrorKind) {
        if self.kept.len() < KEPT {
            self.kept.push((place, kind));
        } else {
            self.more += 1;
        }
    }

    /// Where some bytes of a scalar are; of a file that asks for many, where the scalar is.
    pub(super) fn place(&mut self, node: &Node<'_>, bytes: &Range<usize>) -> Place {
        if self.places == PLACES {
            return node.place;
        }
        self.places += 1;
        within(self.text, node, bytes)
    }

    /// About some bytes of a scalar.
    pub(super) fn within(&mut self, node: &Node<'_>, bytes: &Range<usize>, kind: RuleErrorKind) {
        let place = if self.kept.len() < KEPT {
            within(self.text, node, bytes)
        } else {
            node.place
        };
        self.add(place, kind);
    }

    fn finish(mut self, file: &str) -> RuleErrors {
        self.kept
            .sort_by_key(|(place, _)| (place.line, place.column));
        let mut lines = self.text.lines().enumerate();
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
            errors.push(RuleError {
                file: file.to_owned(),
                line: place.line.max(1),
                column: place.column + 1,
                width: place.width,
                text: Some(text.to_owned()),
                kind,
            });
        }
        RuleErrors {
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

/// Reads a file of rules; `name` is what errors call it. What rules mean beside each other is for [`check_set`].
pub fn read(name: &str, text: &[u8]) -> Result<Vec<Rule>, RuleErrors> {
    if text.len() > SIZE_MAX {
        return Err(only("", Place::START, RuleErrorKind::TooLarge).finish(name));
    }
    let text = std::str::from_utf8(text).map_err(|error| {
        let good = text.get(..error.valid_up_to()).unwrap_or_default();
        let good = std::str::from_utf8(good).unwrap_or_default();
        only(good, end(good), RuleErrorKind::NotUtf8).finish(name)
    })?;
    let mut errors = Errors::none(text);
    let mut rules = match yaml::document(text) {
        Ok(Some(root)) => rules(name, &root, &mut errors),
        Ok(None) => {
            errors.add(Place::START, RuleErrorKind::Empty);
            Vec::new()
        }
        Err((place, mut kind)) => {
            if let RuleErrorKind::Syntax(_, instead) | RuleErrorKind::NotUsed(_, instead) =
                &mut kind
            {
                *instead = text
                    .lines()
                    .nth(place.line.saturating_sub(1))
                    .and_then(quoted);
            }
            errors.add(place, kind);
            Vec::new()
        }
    };
    if errors.kept.is_empty() {
        marked(text, &mut rules);
        Ok(rules)
    } else {
        Err(errors.finish(name))
    }
}

/// Gives the marks of rules their lines.
fn marked(text: &str, rules: &mut [Rule]) {
    let mut marks: Vec<&mut Mark> = Vec::new();
    for rule in rules {
        marks.extend([&mut rule.marks.id, &mut rule.marks.actions]);
        marks.extend(rule.marks.sources.iter_mut().map(|(_, mark)| mark));
    }
    marks.sort_by_key(|mark| mark.line);
    let mut lines = text.lines().enumerate();
    let mut current = (0, "");
    for mark in marks {
        while current.0 < mark.line {
            let Some((index, line)) = lines.next() else {
                return;
            };
            current = (index + 1, line);
        }
        window(current.1, mark.column).clone_into(&mut mark.text);
    }
}

/// A line with a condition that YAML takes for something else, as it is to be written.
fn quoted(line: &str) -> Option<String> {
    let condition = line.trim().strip_prefix("when:")?.trim();
    cel::parse(condition).ok()?;
    Some(format!("`when: '{}'`", condition.replace('\'', "''")))
}

fn only(text: &str, place: Place, kind: RuleErrorKind) -> Errors<'_> {
    let mut errors = Errors::none(text);
    errors.add(place, kind);
    errors
}

/// Where a text ends.
fn end(text: &str) -> Place {
    let (line, last) = text.lines().enumerate().last().unwrap_or((0, ""));
    let ended = text.ends_with('\n');
    Place {
        line: line + 1 + usize::from(ended),
        column: if ended { 0 } else { last.chars().count() },
        width: 1,
    }
}

fn rules(file: &str, root: &Node<'_>, errors: &mut Errors<'_>) -> Vec<Rule> {
    // What is no file of rules at all gets one error, not one for each of its lines.
    let first = match &root.value {
        Value::Mapping(pairs) => pairs.first(),
        _ => None,
    };
    match first {
        Some((key, version)) if key.scalar() == Some("ambit-rules") => {
            if version.scalar() != Some("1") {
                errors.add(version.place, RuleErrorKind::Version);
                return Vec::new();
            }
        }
        first => {
            let place = first.map_or(root.place, |(key, _)| key.place);
            errors.add(place, RuleErrorKind::NotRules);
            return Vec::new();
        }
    }
    let Some(found) = keys(root, &["ambit-rules", "rules"], "the file's keys", errors) else {
        return Vec::new();
    };
    let Some(node) = found.get("rules") else {
        errors.add(root.place, RuleErrorKind::MissingKey("rules"));
        return Vec::new();
    };
    let Value::Sequence(items) = &node.value else {
        errors.add(node.place, RuleErrorKind::Expected("a list of rules"));
        return Vec::new();
    };
    items
        .iter()
        .filter_map(|item| super::rule::read(file, item, errors))
        .collect()
}

/// The pairs of a mapping whose keys are known and not there twice, by key.
pub(super) fn keys<'n, 'a>(
    node: &'n Node<'a>,
    known: &'static [&'static str],
    expected: &'static str,
    errors: &mut Errors<'_>,
) -> Option<HashMap<&'static str, &'n Node<'a>>> {
    let Value::Mapping(pairs) = &node.value else {
        errors.add(node.place, RuleErrorKind::Expected(expected));
        return None;
    };
    let mut found = HashMap::new();
    // A slip is taken for what is meant, so that nothing is said to be missing.
    let mut meant = Vec::new();
    for (key, value) in pairs {
        let text = key.scalar().unwrap_or_default();
        match known.iter().find(|known| **known == text) {
            None => {
                let nearest = nearest(text, known.iter().copied());
                errors.add(key.place, RuleErrorKind::UnknownKey { nearest, known });
                meant.extend(nearest.map(|key| (key, value)));
            }
            Some(known) => {
                if found.insert(*known, value).is_some() {
                    errors.add(key.place, RuleErrorKind::DuplicateKey);
                }
            }
        }
    }
    for (key, value) in meant {
        found.entry(key).or_insert(value);
    }
    Some(found)
}

/// Checks rules beside each other: ids, contradictions, rules in vain, and sources of trust that no rule sets. They may
/// come from several files.
pub fn check_set(rules: &[Rule]) -> Result<(), RuleErrors> {
    let found = faults(rules);
    let more = found.len().saturating_sub(KEPT);
    let errors: Vec<RuleError> = found
        .into_iter()
        .filter_map(|(index, fault)| fault_error(rules, index, fault))
        .take(KEPT)
        .collect();
    if errors.is_empty() {
        Ok(())
    } else {
        Err(RuleErrors { errors, more })
    }
}

fn fault_error(rules: &[Rule], index: usize, fault: Fault) -> Option<RuleError> {
    let rule = rules.get(index)?;
    let other = |index: usize| {
        rules.get(index).map(|rule| Other {
            id: rule.id.clone(),
            file: rule.file.clone(),
            line: rule.line,
        })
    };
    let id = rule.id.clone();
    let (mark, kind) = match fault {
        Fault::Duplicate(index) => {
            let other = other(index)?;
            (&rule.marks.id, RuleErrorKind::DuplicateId { id, other })
        }
        Fault::Contradicts(index) => {
            let other = other(index)?;
            (&rule.marks.actions, RuleErrorKind::Contradict { id, other })
        }
        Fault::Refused(index) => {
            let other = other(index)?;
            (&rule.marks.actions, RuleErrorKind::NoEffect { id, other })
        }
        Fault::AllRefused => (&rule.marks.actions, RuleErrorKind::AllRefused { id }),
        Fault::Allowed(index) => {
            let other = other(index)?;
            (&rule.marks.actions, RuleErrorKind::NoTaint { id, other })
        }
        Fault::Source {
            source,
            nearest,
            untainting,
        } => {
            let named = rule.marks.sources.iter().find(|(name, _)| *name == source);
            let kind = RuleErrorKind::UnsetSource {
                id,
                source_name: source,
                nearest,
                other: untainting.and_then(other).map(Box::new),
            };
            (named.map_or(&rule.marks.id, |(_, mark)| mark), kind)
        }
    };
    let from_file = mark.line > 0;
    Some(RuleError {
        file: rule.file.clone(),
        line: if from_file { mark.line } else { rule.line },
        column: mark.column.max(1),
        width: mark.width.max(1),
        text: from_file.then(|| mark.text.clone()),
        kind,
    })
}
