// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Reads rules from text. All errors of all files are collected; if there is one, no rule is returned.

use ambit_source::yaml::{self, Node, Value, YamlError};
use ambit_source::{Excerpts, Place};

use super::error::{Other, RuleError, RuleErrorKind, RuleErrors};
use super::node::{Errors, keys};
use crate::cel;
use crate::check::Lints;
use crate::check::set::{Fault, faults};
use crate::rule::{Mark, Rule};

/// Largest file of rules in bytes.
pub const SIZE_MAX: usize = 4 * 1024 * 1024;

pub(super) const LIMITS: yaml::Limits = yaml::Limits {
    bytes: SIZE_MAX,
    // A rule nests to 8: document, rules, rule, examples, example, event, list.
    depth: 10,
};

/// Reads a file of rules; errors call it `name`. The rules are not checked against each other: see [`read_all`].
pub fn read(name: &str, text: &[u8]) -> Result<Vec<Rule>, RuleErrors> {
    let (rules, errors) = read_good(name, text, Lints::Refuse);
    errors.map_or(Ok(rules), Err)
}

/// Reads files of rules, given as names and contents, and checks the rules of all of them against each other. Reports the
/// errors of every file: first those of the file's text, then faults of its readable rules beside the other rules.
pub fn read_all<'t>(
    files: impl IntoIterator<Item = (&'t str, &'t [u8])>,
) -> Result<Vec<Rule>, RuleErrors> {
    read_each(files, Lints::Refuse)
}

/// Reads files of rules that were checked before, maybe by an older version with other checks. Tests that are never or
/// always true and faults of rules beside other rules are no errors. Examples are not read.
pub fn read_checked<'t>(
    files: impl IntoIterator<Item = (&'t str, &'t [u8])>,
) -> Result<Vec<Rule>, RuleErrors> {
    read_each(files, Lints::Accept)
}

fn read_each<'t>(
    files: impl IntoIterator<Item = (&'t str, &'t [u8])>,
    lints: Lints,
) -> Result<Vec<Rule>, RuleErrors> {
    let mut rules = Vec::new();
    let mut names = Vec::new();
    let mut found = RuleErrors::default();
    for (name, text) in files {
        let (good, errors) = read_good(name, text, lints);
        rules.extend(good);
        names.push(name);
        if let Some(errors) = errors {
            found.append(errors);
        }
    }
    if lints == Lints::Refuse {
        let all_readable = found.is_empty();
        found.append(set_errors(&rules, all_readable));
    }
    if found.is_empty() {
        Ok(rules)
    } else {
        found.sort(&names);
        Err(found)
    }
}

/// Returns the rules of a file that have no error, and the errors of the others.
fn read_good(name: &str, text: &[u8], lints: Lints) -> (Vec<Rule>, Option<RuleErrors>) {
    let text = match yaml::decode(text, LIMITS) {
        Ok(text) => text,
        Err(undecodable) => {
            let mut errors = Errors::new(undecodable.valid);
            let kind = RuleErrorKind::Yaml(undecodable.error, None);
            errors.add(undecodable.place, kind);
            return (Vec::new(), Some(errors.finish(name)));
        }
    };
    let mut errors = Errors::new(text);
    let mut rules = match yaml::document(text, LIMITS) {
        Ok(root) => rules(name, &root, lints, &mut errors),
        Err((place, error)) => {
            let line = text.lines().nth(place.line.saturating_sub(1));
            let instead = match error {
                YamlError::Syntax(_) | YamlError::Unsupported(_) => line.and_then(quoted),
                _ => None,
            };
            errors.add(place, RuleErrorKind::Yaml(error, instead));
            Vec::new()
        }
    };
    marked(text, &mut rules);
    let errors = (!errors.is_empty()).then(|| errors.finish(name));
    (rules, errors)
}

/// Fills in the excerpts of the rules' marks.
fn marked(text: &str, rules: &mut [Rule]) {
    let mut marks: Vec<&mut Mark> = Vec::new();
    for rule in rules {
        marks.extend([&mut rule.marks.id, &mut rule.marks.actions]);
        marks.extend(rule.marks.sources.iter_mut().map(|(_, mark)| mark));
    }
    marks.sort_by_key(|mark| (mark.line, mark.column));
    let mut excerpts = Excerpts::new(text);
    for mark in marks {
        mark.excerpt = excerpts.at(Place {
            line: mark.line,
            column: mark.column.saturating_sub(1),
            width: mark.width,
        });
    }
}

/// Returns a `when:` line with its condition quoted, if that makes it a condition.
fn quoted(line: &str) -> Option<String> {
    let condition = line.trim().strip_prefix("when:")?.trim();
    cel::parse(condition).ok()?;
    Some(format!("`when: '{}'`", condition.replace('\'', "''")))
}

fn rules(file: &str, root: &Node<'_>, lints: Lints, errors: &mut Errors<'_>) -> Vec<Rule> {
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
        let rule = super::rule::read(file, item, lints, errors);
        good.extend(rule.filter(|_| errors.count() == before));
    }
    good
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
    let faults = faults(rules).into_iter();
    RuleErrors::new(
        faults
            .filter(|(_, fault)| all || !fault.may_be_explained())
            .filter_map(|(index, fault)| fault_error(rules, index, fault)),
    )
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
        excerpt: from_file.then(|| mark.excerpt.clone()),
        kind,
    })
}
