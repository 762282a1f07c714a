// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Groups: lines that several subjects share, each once in the file.
//!
//! The group that saves the most lines is chosen first, until the next one would save too few. It is named by the paths of its
//! lines; the built-in list of names (`group.txt`) can be extended by a file of the same form: a name and a path pattern on
//! each line, of which the first that matches counts.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use ambit_event::{Object, TextError};

use crate::map::{Ids, Version, written_in_group};
use crate::pattern::{PathKind, PathPattern};
use crate::{Map, Rule, RuleObject, is_group_name};

const BUILT_IN: &str = include_str!("group.txt");

/// The name of a group whose lines have no name of their own.
const COMMON: &str = "common";
/// Minimum number of lines that a group saves.
const SAVED_MIN: usize = 4;
/// Minimum number of lines of a group with a name of its own; fewer lines join the common group of the same subjects,
/// which needs as many.
const LINES_MIN: usize = 3;
/// Maximum number of groups that are found.
const GROUPS_MAX: usize = 32;
/// Maximum number of sets of subjects that are compared.
const SETS_MAX: usize = 512;

/// The names of groups, by the paths that they stand for.
#[derive(Clone, Debug)]
pub struct GroupNames(Vec<(String, PathPattern)>);

/// A line of a list of group names is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GroupNamesError {
    /// The first word is not a name of a group.
    #[error("line {0}: expected a group's name, 1 to 63 of `A-Za-z0-9._-`, and a path pattern")]
    Name(usize),
    /// The pattern is invalid.
    #[error("line {line}: {error}")]
    Pattern {
        /// Starts at 1.
        line: usize,
        /// The error.
        #[source]
        error: TextError,
    },
}

impl Default for GroupNames {
    fn default() -> Self {
        // A test parses the built-in list.
        Self::parse(BUILT_IN).unwrap_or(Self(Vec::new()))
    }
}

impl GroupNames {
    /// The text of the built-in list.
    pub const BUILT_IN: &'static str = BUILT_IN;

    /// Parses a list. A `#` after a space begins a comment.
    ///
    /// # Errors
    /// A line has no name or no valid pattern.
    pub fn parse(text: &str) -> Result<Self, GroupNamesError> {
        let mut out = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let line_number = index + 1;
            let content = line.split(" #").next().unwrap_or_default().trim();
            if content.is_empty() || content.starts_with('#') {
                continue;
            }
            let (name, pattern) = content
                .split_once([' ', '\t'])
                .filter(|(name, pattern)| is_group_name(name) && pattern.trim().starts_with('/'))
                .ok_or(GroupNamesError::Name(line_number))?;
            let pattern = PathPattern::parse(PathKind::Path, pattern.trim()).map_err(|error| {
                GroupNamesError::Pattern {
                    line: line_number,
                    error,
                }
            })?;
            out.push((name.to_owned(), pattern));
        }
        Ok(Self(out))
    }

    /// Puts the entries of `first` before the own ones.
    #[must_use]
    pub fn after(mut self, first: Self) -> Self {
        let own = std::mem::replace(&mut self.0, first.0);
        self.0.extend(own);
        self
    }

    /// Returns the name for a rule.
    fn name(&self, rule: &Rule) -> &str {
        let object = match rule.object() {
            RuleObject::Exact(Object::Path(path)) => Object::Path(path.clone()),
            RuleObject::Path(pattern) if pattern.kind() == PathKind::Path => {
                match ambit_event::Path::new(pattern.directory().to_vec()) {
                    Ok(path) => Object::Path(path),
                    Err(_) => return COMMON,
                }
            }
            _ => return COMMON,
        };
        self.0
            .iter()
            .find(|(_, pattern)| pattern.matches(&object))
            .map_or(COMMON, |(name, _)| name)
    }
}

/// The subjects of a map by their position.
type Users = BTreeSet<usize>;

impl Map {
    /// Finds groups for the lines that several subjects share. Groups that the map has stay, without the lines that a user of
    /// them no longer has. Does nothing in version 1.
    pub fn regroup(&mut self, names: &GroupNames) {
        if self.version == Version::One {
            return;
        }
        let mut uncovered = self.shared_lines();
        for _ in 0..GROUPS_MAX {
            let Some((users, rules)) = best(&uncovered) else {
                break;
            };
            for rule in &rules {
                if let Some(left) = uncovered.get_mut(rule) {
                    left.retain(|user| !users.contains(user));
                }
            }
            self.add_groups(rules, names);
        }
    }

    /// Returns the lines that the file would contain at each subject, with the subjects.
    fn shared_lines(&self) -> BTreeMap<Rule, Users> {
        // Most lines belong to one subject, and are not sorted.
        let mut out: HashMap<&Rule, Users> = HashMap::new();
        for (index, (subject, entry)) in self.subjects.iter().enumerate() {
            let (unwritten, _) = self.unwritten(subject, entry);
            for rule in entry.allow.iter().filter(|rule| !unwritten.contains(rule)) {
                out.entry(rule).or_default().insert(index);
            }
        }
        let shared = out.into_iter().filter(|(_, users)| users.len() > 1);
        shared.map(|(rule, users)| (rule.clone(), users)).collect()
    }

    /// Adds rules with the same users as groups: one for each name that has enough lines, and one for the rest.
    fn add_groups(&mut self, rules: BTreeSet<Rule>, names: &GroupNames) {
        let mut by_name: BTreeMap<&str, BTreeSet<Rule>> = BTreeMap::new();
        for rule in rules {
            by_name.entry(names.name(&rule)).or_default().insert(rule);
        }
        let mut rest = by_name.remove(COMMON).unwrap_or_default();
        let mut groups = Vec::new();
        for (name, rules) in by_name {
            if rules.len() >= LINES_MIN {
                groups.push((name, rules));
            } else {
                rest.extend(rules);
            }
        }
        // Fewer lines stay at each subject.
        if rest.len() >= LINES_MIN {
            groups.push((COMMON, rest));
        }
        let mut names: Ids = self.groups.keys().map(String::as_str).collect();
        for (name, rules) in groups {
            self.groups.insert(names.free(name), rules);
        }
    }

    /// Removes the rules from the groups that one of their users has no longer; `before` is the map in which they had them.
    pub(crate) fn shrink_groups(&mut self, before: &Self) {
        for (name, rules) in &before.groups {
            let users: Vec<_> = before
                .subjects
                .iter()
                .filter(|(_, entry)| entry.uses(rules))
                .filter_map(|(subject, _)| self.subjects.get(subject))
                .collect();
            if let Some(own) = self.groups.get_mut(name) {
                own.retain(|rule| {
                    let one = BTreeSet::from([rule.clone()]);
                    users.iter().all(|entry| entry.uses(&one))
                });
                let written: BTreeSet<Rule> = written_in_group(own).cloned().collect();
                *own = written;
            }
        }
        self.groups.retain(|_, rules| !rules.is_empty());
    }
}

/// Returns the subjects and the lines of the group that saves the most lines.
fn best(uncovered: &BTreeMap<Rule, Users>) -> Option<(Users, BTreeSet<Rule>)> {
    let mut sets: BTreeMap<&Users, usize> = BTreeMap::new();
    for users in uncovered.values().filter(|users| users.len() > 1) {
        *sets.entry(users).or_default() += 1;
    }
    let mut sets: Vec<(usize, &Users)> =
        sets.into_iter().map(|(set, lines)| (lines, set)).collect();
    sets.sort_by(|(one, a), (other, b)| other.cmp(one).then_with(|| a.cmp(b)));
    sets.truncate(SETS_MAX);
    let (mut most, mut chosen) = (SAVED_MIN - 1, None);
    for (_, set) in sets {
        let having = uncovered.values().filter(|users| users.is_superset(set));
        let lines = having.count();
        // The group has a line of its own, and each user may need one to name it.
        let saved = (lines * (set.len() - 1)).saturating_sub(1 + set.len());
        if saved > most {
            (most, chosen) = (saved, Some(set));
        }
    }
    let set = chosen?;
    let rules = uncovered
        .iter()
        .filter(|(_, users)| users.is_superset(set))
        .map(|(rule, _)| rule.clone());
    Some((set.clone(), rules.collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAP: &str = "\
ambit: 2
domain: web
chain: 2
groups:
  runtime:
    - map.exec /usr/lib/x/libc.so.6
    - file.open r /etc/ld.so.cache
subjects:
  - id: cat
    exe: /usr/bin/cat
    use: [runtime]
    allow:
      - file.open r /a
  - id: dog
    exe: /usr/bin/dog
    allow:
      - file.open r /b
";

    fn rules(map: &Map, id: &str) -> Vec<String> {
        let (_, entry) = map.by_id(id).unwrap();
        entry.allow.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_built_in_names_can_be_read() {
        let names = GroupNames::parse(BUILT_IN).unwrap();
        assert_eq!(names.0.len(), BUILT_IN.lines().count());
        let name = |rule| names.name(&Rule::parse(rule).unwrap()).to_owned();
        assert_eq!(
            name("map.exec /usr/lib/x86_64-linux-gnu/libc.so.6"),
            "runtime"
        );
        assert_eq!(name("map.exec /usr/lib64/ld-linux-x86-64.so.2"), "runtime");
        assert_eq!(
            name("map.exec /usr/lib/x86_64-linux-gnu/libz.so.1.2"),
            "libraries"
        );
        assert_eq!(
            name("file.open r /usr/lib/locale/C.utf8/LC_CTYPE"),
            "locale"
        );
        assert_eq!(name("file.open r /etc/passwd"), "names");
        assert_eq!(name("file.open r /srv/x"), COMMON);
        assert_eq!(name("net.connect tcp 10.0.0.1:80"), COMMON);
    }

    #[test]
    fn a_list_of_names_can_be_extended_and_errors_have_a_line() {
        let own = GroupNames::parse("# ours\n\nsite /srv/** # pages\n").unwrap();
        let names = GroupNames::default().after(own);
        assert_eq!(
            names.name(&Rule::parse("file.open r /srv/x").unwrap()),
            "site"
        );
        assert_eq!(
            GroupNames::parse("a /b\nx y").unwrap_err(),
            GroupNamesError::Name(2)
        );
        assert!(GroupNames::parse("x /a/{pdi}").is_err());
    }

    #[test]
    fn lines_of_version_two_imply_what_they_need() {
        let map = Map::parse(MAP, "map").unwrap();
        assert_eq!(
            rules(&map, "cat"),
            [
                "file.open r /a",
                "file.open r /etc/ld.so.cache",
                "file.open r /usr/bin/cat",
                "file.open r /usr/lib/x/libc.so.6",
                "map.exec /usr/bin/cat",
                "map.exec /usr/lib/x/libc.so.6",
            ]
        );
        assert_eq!(rules(&map, "dog").len(), 3);
        // The file names the library once.
        assert_eq!(map.to_string().matches("libc").count(), 1);
        assert_eq!(Map::parse(&map.to_string(), "again").unwrap(), map);
    }

    #[test]
    fn a_rule_of_a_group_has_the_group_s_line() {
        let map = Map::parse(MAP, "map").unwrap();
        let numbers = crate::LineNumbers::of(MAP, &map);
        let (cat, _) = map.by_id("cat").unwrap();
        let number = |rule: &str| numbers.rule(cat, &Rule::parse(rule).unwrap());
        assert_eq!(number("map.exec /usr/lib/x/libc.so.6"), Some(6));
        assert_eq!(number("file.open r /a"), Some(13));
        assert_eq!(number("file.open r /usr/bin/cat"), None, "it is implied");
    }

    #[test]
    fn a_group_gives_its_lines_to_the_subjects_that_use_it_only() {
        let text = "ambit: 2\ndomain: web\ngroups:\n  site:\n    - file.open r /a\nsubjects:\n  - id: cat\n    exe: /bin/cat\n    \
                    allow:\n      - file.open r /b\n  - id: dog\n    exe: /bin/dog\n    use: [site]\n  - id: fox\n    \
                    exe: /bin/fox\n    use: [site]\n";
        let map = Map::parse(text, "map").unwrap();
        let numbers = crate::LineNumbers::of(text, &map);
        let rule = Rule::parse("file.open r /a").unwrap();
        let of = |id: &str| {
            let (subject, _) = map.by_id(id).unwrap();
            (numbers.rule(subject, &rule), numbers.shared(subject, &rule))
        };
        assert_eq!(of("cat"), (None, None));
        assert_eq!(of("dog"), (Some(5), Some(("site", 1))));
    }

    #[test]
    fn a_map_has_the_same_digest_in_both_versions() {
        let two = Map::parse(MAP, "map").unwrap();
        let mut one = two.clone();
        one.version = Version::One;
        one.groups.clear();
        assert_eq!(one.digest(), two.digest());
        assert_eq!(one.state(), two.state());
        assert!(one.diff(&two).is_empty());
        let read = Map::parse(&one.to_string(), "one").unwrap();
        assert_eq!(read, one);
    }

    #[test]
    fn shared_lines_become_a_group_that_is_named_after_them() {
        let mut map = Map::parse(&MAP.replace("groups", "# groups"), "map");
        assert!(map.is_err(), "the group is not defined");
        map = Map::parse("ambit: 2\ndomain: web\n", "map");
        let mut map = map.unwrap();
        for exe in ["/usr/bin/a", "/usr/bin/b", "/usr/bin/c", "/usr/bin/d"] {
            let subject = ambit_event::Subject {
                exe: Some(Object::Path(
                    ambit_event::Path::new(exe.as_bytes()).unwrap(),
                )),
                ..ambit_event::Subject::default()
            };
            for line in [
                "file.open r /etc/ld.so.cache",
                "map.exec /usr/lib/x/ld-linux-x86-64.so.2",
                "map.exec /usr/lib/x/libc.so.6",
                &format!("file.open r /srv{exe}"),
            ] {
                let entry = map.subject_mut(&subject);
                entry.allow.insert(Rule::parse(line).unwrap());
            }
        }
        map.normalise();
        let before = map.clone();
        map.regroup(&GroupNames::default());
        assert_eq!(map.groups.keys().collect::<Vec<_>>(), ["runtime"]);
        assert_eq!((before.line_count(), map.line_count()), (16, 11));
        assert_eq!(map.digest(), before.digest());
        let again = Map::parse(&map.to_string(), "again").unwrap();
        assert_eq!(again, map);
        let mut twice = map.clone();
        twice.regroup(&GroupNames::default());
        assert_eq!(twice, map);
    }

    #[test]
    fn a_group_without_a_definition_is_an_error_with_a_proposal() {
        let error = Map::parse(&MAP.replace("[runtime]", "[runtme]"), "web.map").unwrap_err();
        let text = error.to_string();
        assert!(text.contains("there is no group of this name"), "{text}");
        assert!(text.contains("did you mean `runtime`?"), "{text}");
        assert!(text.contains("web.map:11"), "{text}");
    }

    #[test]
    fn version_one_has_no_groups() {
        let text = Map::parse(&MAP.replace("ambit: 2", "ambit: 1"), "web.map")
            .unwrap_err()
            .to_string();
        assert!(text.contains("`groups` needs `ambit: 2`"), "{text}");
        assert!(text.contains("`use` needs `ambit: 2`"), "{text}");
    }
}
