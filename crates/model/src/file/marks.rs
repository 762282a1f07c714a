// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Comments of a map that keep lines from being generalised.
//!
//! A comment that begins with `keep exact` or `never generalize` holds for the line that it stands beside or above, and
//! for what is below that line. A reason may follow it.

use std::collections::{BTreeMap, BTreeSet};

use ambit_event::Subject;
use ambit_source::yaml::{self, Node, Value};

use super::comments::split;
use super::node::{Errors, LIMITS, items};
use crate::{Map, Rule};

const WORDS: [&str; 3] = ["keep exact", "never generalize", "never generalise"];

/// The subjects and lines that are not generalised.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    all: bool,
    subjects: BTreeSet<Subject>,
    lines: BTreeMap<Subject, BTreeSet<Rule>>,
}

impl Marks {
    /// Reads the marks in a map's text; `map` is the map that the text was parsed to.
    pub fn of(text: &str, map: &Map) -> Self {
        let mut out = Self::default();
        let marked = marked(text);
        if marked.is_empty() {
            return out;
        }
        let Ok(root) = yaml::document(text, LIMITS) else {
            return out;
        };
        let Value::Mapping(pairs) = &root.value else {
            return out;
        };
        for (key, value) in pairs {
            let here = marked.contains(&key.place.line);
            match (key.scalar(), &value.value) {
                (Some("subjects"), Value::Sequence(subjects)) => {
                    out.all |= here;
                    for subject in subjects {
                        out.subject(subject, map, &marked);
                    }
                }
                (Some("groups"), Value::Mapping(groups)) => {
                    out.all |= here;
                    for (name, rules) in groups {
                        let whole = marked.contains(&name.place.line);
                        out.group(rules, whole, map, &marked);
                    }
                }
                // The starting points are never generalised.
                (Some("start" | "respond" | "incomplete"), _) => {}
                _ => out.all |= here,
            }
        }
        out
    }

    /// Keeps a group's marked lines, or all of them, for each subject that has them.
    fn group(&mut self, node: &Node<'_>, whole: bool, map: &Map, marked: &BTreeSet<usize>) {
        let kept = items(node)
            .iter()
            .filter(|rule| whole || marked.contains(&rule.place.line))
            .filter_map(|rule| Rule::parse(rule.scalar()?).ok());
        for rule in kept {
            let having = map
                .subjects
                .iter()
                .filter(|(_, entry)| entry.allow.contains(&rule));
            for (subject, _) in having {
                self.lines
                    .entry(subject.clone())
                    .or_default()
                    .insert(rule.clone());
            }
        }
    }

    fn subject(&mut self, node: &Node<'_>, map: &Map, marked: &BTreeSet<usize>) {
        let Value::Mapping(pairs) = &node.value else {
            return;
        };
        let Some((subject, _)) = super::subject::one(node, map, &mut Errors::new("")) else {
            return;
        };
        let mut whole = marked.contains(&node.place.line);
        for (key, value) in pairs {
            whole |= marked.contains(&key.place.line);
            let (Some("allow"), Value::Sequence(rules)) = (key.scalar(), &value.value) else {
                continue;
            };
            let kept = rules
                .iter()
                .filter(|rule| marked.contains(&rule.place.line));
            let kept: BTreeSet<Rule> = kept
                .filter_map(|rule| Rule::parse(rule.scalar()?).ok())
                .collect();
            if !kept.is_empty() {
                self.lines.entry(subject.clone()).or_default().extend(kept);
            }
        }
        if whole {
            self.subjects.insert(subject);
        }
    }

    /// What either asks for.
    pub fn merge(&mut self, other: Self) {
        self.all |= other.all;
        self.subjects.extend(other.subjects);
        for (subject, rules) in other.lines {
            self.lines.entry(subject).or_default().extend(rules);
        }
    }

    /// Whether nothing of a subject's is to be generalised.
    pub fn keeps_subject(&self, subject: &Subject) -> bool {
        self.all || self.subjects.contains(subject)
    }

    /// The lines of a subject that are to be kept.
    pub fn kept(&self, subject: &Subject) -> impl Iterator<Item = &Rule> {
        self.lines.get(subject).into_iter().flatten()
    }
}

/// The numbers of the lines that are marked.
fn marked(text: &str) -> BTreeSet<usize> {
    let mut out = BTreeSet::new();
    let mut above = false;
    for (index, line) in text.lines().enumerate() {
        let (content, comment) = split(line);
        let here = comment.is_some_and(asks);
        if content.trim().is_empty() {
            above |= here;
        } else if std::mem::take(&mut above) || here {
            out.insert(index + 1);
        }
    }
    out
}

fn asks(comment: &str) -> bool {
    let text = comment.trim_start_matches(['#', ' ', '\t']);
    WORDS.iter().any(|words| {
        text.get(..words.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(words))
            && !text
                .get(words.len()..)
                .is_some_and(|rest| rest.starts_with(char::is_alphanumeric))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAP: &str = "\
ambit: 1
domain: web
chain: 2
subjects:
  - id: cat
    exe: /usr/bin/cat
    allow:
      - file.open r /a/1 # Keep exact: signed
      # keep exact
      - 'file.open r /a/2'
      - file.open r /a/3 # keep exactly one
  - exe: /usr/bin/dog # never generalize
    allow:
      - file.open r /a/1
";

    fn marks(text: &str) -> (Marks, Map) {
        let map = Map::parse(text, "map").unwrap();
        (Marks::of(text, &map), map)
    }

    #[test]
    fn a_comment_beside_or_above_a_line_keeps_it() {
        let (marks, map) = marks(MAP);
        let (cat, _) = map.by_id("cat").unwrap();
        let (dog, _) = map.by_id("dog").unwrap();
        let kept: Vec<String> = marks.kept(cat).map(ToString::to_string).collect();
        assert_eq!(kept, ["file.open r /a/1", "file.open r /a/2"]);
        assert!(!marks.keeps_subject(cat) && marks.keeps_subject(dog));
    }

    #[test]
    fn a_comment_at_the_domain_or_the_subjects_keeps_everything() {
        for line in ["domain: web", "subjects:"] {
            let (marks, map) = marks(&MAP.replace(line, &format!("{line} # never generalize")));
            assert!(
                map.subjects
                    .keys()
                    .all(|subject| marks.keeps_subject(subject))
            );
        }
    }
}
