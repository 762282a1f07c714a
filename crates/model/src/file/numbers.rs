// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The line numbers of a map's subjects and rules in its file.

use std::collections::{BTreeMap, HashMap};

use ambit_event::Subject;
use ambit_source::yaml::{self, Node};

use super::node::{Errors, LIMITS, items, pairs};
use crate::{Map, Rule, RuleObject};

/// Numbers of lines, from 1.
#[derive(Clone, Debug, Default)]
pub struct LineNumbers {
    start: BTreeMap<RuleObject, usize>,
    /// The line of each key of a subject, by the key.
    keys: HashMap<Subject, BTreeMap<String, usize>>,
    rules: HashMap<Subject, HashMap<Rule, usize>>,
    /// The rules of each group, by the group's name.
    groups: BTreeMap<String, HashMap<Rule, usize>>,
    /// The groups that each subject uses.
    used: HashMap<Subject, Vec<String>>,
}

impl LineNumbers {
    /// Reads the numbers from a map's text; `map` is the map that the text was parsed to.
    pub fn of(text: &str, map: &Map) -> Self {
        let mut out = Self::default();
        let Ok(root) = yaml::document(text, LIMITS) else {
            return out;
        };
        for (key, value) in pairs(&root) {
            match key.scalar() {
                Some("start") => {
                    for item in items(value) {
                        let object = RuleObject::parse_path(item.scalar().unwrap_or_default());
                        if let Ok(object) = object {
                            out.start.insert(object, item.place.line);
                        }
                    }
                }
                Some("groups") => {
                    for (name, rules) in pairs(value) {
                        let name = name.scalar().unwrap_or_default().to_owned();
                        out.groups.insert(name, numbered(rules).collect());
                    }
                }
                Some("subjects") => {
                    for item in items(value) {
                        out.add(item, map);
                    }
                }
                _ => {}
            }
        }
        out
    }

    fn add(&mut self, node: &Node<'_>, map: &Map) {
        let Some((subject, _)) = super::subject::one(node, map, &mut Errors::new("")) else {
            return;
        };
        let mut rules = HashMap::new();
        let mut keys = BTreeMap::new();
        for (key, value) in pairs(node) {
            if let Some(name) = key.scalar() {
                keys.insert(name.to_owned(), key.place.line);
            }
            match key.scalar() {
                Some("allow") => rules.extend(numbered(value)),
                Some("use") => {
                    let names = items(value).iter().filter_map(Node::scalar);
                    let names = names.map(str::to_owned).collect();
                    self.used.insert(subject.clone(), names);
                }
                _ => {}
            }
        }
        self.keys.insert(subject.clone(), keys);
        self.rules.insert(subject, rules);
    }

    /// Returns the line of a program that the launcher may start.
    pub fn start(&self, object: &RuleObject) -> Option<usize> {
        self.start.get(object).copied()
    }

    /// Returns the line of a key of a subject, such as `exe`.
    pub fn key(&self, subject: &Subject, key: &str) -> Option<usize> {
        self.keys.get(subject)?.get(key).copied()
    }

    /// Returns the line of a subject's rule, which may be a line of a group; `None` if another line implies the rule.
    pub fn rule(&self, subject: &Subject, rule: &Rule) -> Option<usize> {
        let own = self.rules.get(subject)?.get(rule).copied();
        own.or_else(|| self.in_group(subject, rule).map(|(_, line)| line))
    }

    /// Returns the group whose line has a subject's rule, and the number of other subjects that use it; `None` if the subject
    /// has a line of its own, or no other subject uses the group.
    pub fn shared(&self, subject: &Subject, rule: &Rule) -> Option<(&str, usize)> {
        if self.rules.get(subject)?.contains_key(rule) {
            return None;
        }
        let (group, _) = self.in_group(subject, rule)?;
        let users = self.used.values();
        let users = users.filter(|used| used.iter().any(|one| one == group));
        let others = users.count().saturating_sub(1);
        (others > 0).then_some((group, others))
    }

    /// Returns the line of a rule in the first group of a subject that has it.
    fn in_group(&self, subject: &Subject, rule: &Rule) -> Option<(&str, usize)> {
        self.used.get(subject)?.iter().find_map(|name| {
            let (name, rules) = self.groups.get_key_value(name)?;
            Some((name.as_str(), *rules.get(rule)?))
        })
    }
}

/// Returns the rules of a list with their lines.
fn numbered<'n>(node: &'n Node<'_>) -> impl Iterator<Item = (Rule, usize)> + 'n {
    items(node).iter().filter_map(|item| {
        let rule = Rule::parse(item.scalar().unwrap_or_default()).ok()?;
        Some((rule, item.place.line))
    })
}
