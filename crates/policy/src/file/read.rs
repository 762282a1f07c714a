// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Reads rules from text. All errors of all files are collected; if there is one, no rule is returned.

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

/// How many trust sources of a file are located exactly; each costs a pass over the file from its beginning.
const PLACES: usize = 512;

/// Collects the errors of a file: keeps the first [`KEPT`] and counts the others.
pub(super) struct Errors<'t> {
    text: &'t str,
    kept: Vec<(Place, RuleErrorKind)>,
    more: usize,
    /// How many trust sources were located.
    places: usize,
}

impl<'t> Errors<'t> {
    /// No error yet.
    fn new(text: &'t str) -> Self {
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

    /// Returns the place of some bytes of a scalar, or the whole scalar's place once [`PLACES`] were located.
    pub(super) fn place(&mut self, node: &Node<'_>, bytes: &Range<usize>) -> Place {
        if self.places == PLACES {
            return node.place;
        }
        self.places += 1;
        within(self.text, node, bytes)
    }

    /// Adds an error about some bytes of a scalar.
    pub(super) fn within(&mut self, node: &Node<'_>, bytes: &Range<usize>, kind: RuleErrorKind) {
        let place = if self.kept.len() < KEPT {
            within(self.text, node, bytes)
        } else {
            node.place
        };
        self.add(place, kind);
    }

    /// How many errors were found, kept or not.
    fn count(&self) -> usize {
        self.kept.len() + self.more
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
        let mut found = RuleErrors {
            errors,
            more: Vec::new(),
        };
        found.count_more(file, self.more);
        found
    }
}

/// Returns a line up to 256 characters behind the error. The rest of a very long line is not kept.
fn window(line: &str, column: usize) -> &str {
    line.char_indices()
        .nth(column + 256)
        .and_then(|(end, _)| line.get(..end))
        .unwrap_or(line)
}

/// Reads a file of rules; errors call it `name`. The rules are not checked against each other: see [`read_all`].
pub fn read(name: &str, text: &[u8]) -> Result<Vec<Rule>, RuleErrors> {
    let (rules, errors) = read_good(name, text);
    errors.map_or(Ok(rules), Err)
}

/// Reads files of rules, given as names and contents, and checks the rules of all of them against each other. Reports the
/// errors of every file: first those of the file's text, then faults of its readable rules beside the other rules.
pub fn read_all<'t>(
    files: impl IntoIterator<Item = (&'t str, &'t [u8])>,
) -> Result<Vec<Rule>, RuleErrors> {
    let mut rules = Vec::new();
    let mut names = Vec::new();
    let mut found = RuleErrors::default();
    for (name, text) in files {
        let (good, errors) = read_good(name, text);
        rules.extend(good);
        names.push(name);
        if let Some(errors) = errors {
            found.append(errors);
        }
    }
    let all_readable = found.is_empty();
    found.append(set_errors(&rules, all_readable));
    if found.is_empty() {
        Ok(rules)
    } else {
        found.arrange(&names);
        Err(found)
    }
}

/// Returns the rules of a file that have no error, and the errors of the others.
fn read_good(name: &str, text: &[u8]) -> (Vec<Rule>, Option<RuleErrors>) {
    let unreadable = |errors: Errors<'_>| (Vec::new(), Some(errors.finish(name)));
    if text.len() > SIZE_MAX {
        return unreadable(only("", Place::START, RuleErrorKind::TooLarge));
    }
    let text = match std::str::from_utf8(text) {
        Ok(text) => text,
        Err(error) => {
            let good = text.get(..error.valid_up_to()).unwrap_or_default();
            let good = std::str::from_utf8(good).unwrap_or_default();
            return unreadable(only(good, end(good), RuleErrorKind::NotUtf8));
        }
    };
    let mut errors = Errors::new(text);
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
    marked(text, &mut rules);
    let errors = (errors.count() > 0).then(|| errors.finish(name));
    (rules, errors)
}

/// Fills in the text of the lines that the rules' marks are on.
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

/// Returns a `when:` line with its condition quoted, if that makes it a condition.
fn quoted(line: &str) -> Option<String> {
    let condition = line.trim().strip_prefix("when:")?.trim();
    cel::parse(condition).ok()?;
    Some(format!("`when: '{}'`", condition.replace('\'', "''")))
}

fn only(text: &str, place: Place, kind: RuleErrorKind) -> Errors<'_> {
    let mut errors = Errors::new(text);
    errors.add(place, kind);
    errors
}

/// Returns the place behind the last character of a text.
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
    // A file that is not a file of rules gets one error, not one for each of its keys.
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
    let mut good = Vec::new();
    for item in items {
        let before = errors.count();
        let rule = super::rule::read(file, item, errors);
        good.extend(rule.filter(|_| errors.count() == before));
    }
    good
}

/// Returns the values of a mapping by key, and adds an error for each unknown or repeated key.
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
    // A misspelt key counts as the key that it resembles, so that the latter is not reported as missing as well.
    let mut misspelt = Vec::new();
    for (key, value) in pairs {
        let text = key.scalar().unwrap_or_default();
        match known.iter().find(|known| **known == text) {
            None => {
                let nearest = nearest(text, known.iter().copied());
                errors.add(key.place, RuleErrorKind::UnknownKey { nearest, known });
                misspelt.extend(nearest.map(|key| (key, value)));
            }
            Some(known) => {
                if found.insert(*known, value).is_some() {
                    errors.add(key.place, RuleErrorKind::DuplicateKey);
                }
            }
        }
    }
    for (key, value) in misspelt {
        found.entry(key).or_insert(value);
    }
    Some(found)
}

/// Checks rules against each other: repeated ids, contradictions, rules without effect, and trust sources that no rule
/// sets. The rules may come from several files.
pub fn check_set(rules: &[Rule]) -> Result<(), RuleErrors> {
    let errors = set_errors(rules, true);
    if errors.is_empty() {
        Ok(())
    } else {
        Err(errors)
    }
}

/// Returns the errors that rules have beside each other. Faults that a further rule could explain are left out unless these
/// are `all` rules.
fn set_errors(rules: &[Rule], all: bool) -> RuleErrors {
    let mut found = RuleErrors::default();
    let mut per_file: HashMap<&str, usize> = HashMap::new();
    for (index, fault) in faults(rules) {
        if !all && fault.may_be_explained() {
            continue;
        }
        let Some(rule) = rules.get(index) else {
            continue;
        };
        let count = per_file.entry(&rule.file).or_default();
        *count += 1;
        if *count > KEPT {
            found.count_more(&rule.file, 1);
        } else {
            found.errors.extend(fault_error(rules, index, fault));
        }
    }
    found
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
