// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The behaviour map.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use ambit_abi::{self as abi, CHAIN_MAX, Coverage, Family, NAME_MAX, Op, Response};
use ambit_event::{Creds, Object, Operation, Subject, escape, names};

use crate::pattern::PathKind;
use crate::{Rule, RuleObject};

/// Families that a response can be set for, in the order of the file.
pub const FAMILIES: [Family; 12] = [
    Family::Exec,
    Family::File,
    Family::Map,
    Family::Net,
    Family::Task,
    Family::Cap,
    Family::Mount,
    Family::Ns,
    Family::Ipc,
    Family::Key,
    Family::Kernel,
    Family::Uring,
];

/// Number of executables in a subject's chain if the map does not set it.
pub const CHAIN_DEFAULT: u32 = 2;

/// True if `name` is a source of trust bits: `model`, `operator`, `engine`, `tap`, or `rule:` or `tap:` followed by up
/// to 63 of A-Z, a-z, 0-9, `.`, `_` and `-`.
pub fn is_source(name: &str) -> bool {
    names::is_trust_source(name)
}

/// A response for each family, in the order of [`FAMILIES`].
pub type Responses = [Response; FAMILIES.len()];

/// Responses to tasks that one source distrusts, in the order of [`FAMILIES`]. For a family without one, the response
/// to any untrusted task is used.
pub type OwnResponses = [Option<Response>; FAMILIES.len()];

/// The version of the map file's format. It says what a line implies, and so what a file has to contain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// A subject's lines are its rules.
    #[default]
    One,
    /// `map.exec` of a file implies that the subject may read it, `exe` implies that it may execute and read its own file, and
    /// lines that several subjects share are a group.
    Two,
}

/// The operations that a domain may perform, and the responses to violations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Map {
    /// The version of the format that it is printed in.
    pub version: Version,
    /// The domain's name.
    pub domain: String,
    /// Number of executables that belong to a subject, counted from the current one: 1 to 4.
    pub chain: u32,
    /// The set of hooks that the map decides.
    pub coverage: Coverage,
    /// Number of operations that learning missed, if it missed any. Such a map is not enforced without
    /// `--allow-incomplete`.
    pub incomplete: Option<u64>,
    /// The map's digest at the time of sealing. A different digest now means that the map was changed.
    pub sealed: Option<[u8; 32]>,
    /// Responses to operations outside the map while it is enforced.
    pub outside: Responses,
    /// Responses to tasks with at least one trust bit.
    pub untrusted: Responses,
    /// Responses to tasks that a source distrusts, by the source's name. If several sources distrust a task, the
    /// strictest response is used.
    pub untrusted_by: BTreeMap<String, OwnResponses>,
    /// Programs that the launcher may start.
    pub start: BTreeSet<RuleObject>,
    /// Rules that several subjects share, by the group's name. A subject uses a group if it has all its rules; `subjects`
    /// contains them, too. Only in version 2.
    pub groups: BTreeMap<String, BTreeSet<Rule>>,
    /// Operations that each subject may perform. The launcher is not included.
    pub subjects: BTreeMap<Subject, Entry>,
}

/// The part of a map that belongs to one subject.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// A readable name, unique in the map.
    pub id: String,
    /// Permitted digests of the executable; an empty set permits any.
    pub digests: BTreeSet<[u8; 32]>,
    /// Permitted digests of the script; an empty set permits any.
    pub script_digests: BTreeSet<[u8; 32]>,
    /// Permitted credentials; an empty set permits any.
    pub creds: BTreeSet<Creds>,
    /// Rules for the operations that the subject may perform.
    pub allow: BTreeSet<Rule>,
}

impl Map {
    /// Creates a map that allows nothing.
    pub fn new(domain: impl Into<String>) -> Self {
        Self {
            version: Version::One,
            domain: domain.into(),
            chain: CHAIN_DEFAULT,
            coverage: Coverage::Core,
            incomplete: None,
            sealed: None,
            outside: [Response::Deny; FAMILIES.len()],
            untrusted: [Response::Log; FAMILIES.len()],
            untrusted_by: BTreeMap::new(),
            start: BTreeSet::new(),
            groups: BTreeMap::new(),
            subjects: BTreeMap::new(),
        }
    }

    /// Returns the responses to a task that `source` distrusts. `None`, and a source that the map does not name, stand
    /// for any untrusted task.
    pub fn gate(&self, source: Option<&str>) -> Responses {
        let mut out = self.untrusted;
        let own = source.and_then(|source| self.untrusted_by.get(source));
        for (slot, own) in out.iter_mut().zip(own.into_iter().flatten()) {
            *slot = own.unwrap_or(*slot);
        }
        out
    }

    /// Returns rules for the programs that the launcher may start.
    pub fn launcher_rules(&self) -> impl Iterator<Item = Rule> {
        self.start
            .iter()
            .map(|object| Rule::new(Operation::plain(Op::Exec), object.clone()))
    }

    /// Returns the entry of a subject and adds it if it is missing. The id of a new entry is derived from the file
    /// name.
    pub fn subject_mut(&mut self, subject: &Subject) -> &mut Entry {
        if !self.subjects.contains_key(subject) {
            let mut ids = Ids::of(self);
            return self.subject_with(subject, &mut ids);
        }
        self.subjects.entry(subject.clone()).or_default()
    }

    /// The same for many subjects, whose ids `ids` contains.
    pub(crate) fn subject_with(&mut self, subject: &Subject, ids: &mut Ids) -> &mut Entry {
        let entry = self.subjects.entry(subject.clone());
        entry.or_insert_with(|| Entry {
            id: ids.free(&id_of(subject)),
            ..Entry::default()
        })
    }

    /// Brings the map into canonical form: removes rules that other rules of any version imply, and in version 2 adds those
    /// that its lines imply.
    pub fn normalise(&mut self) {
        for (subject, entry) in &mut self.subjects {
            if self.version == Version::Two {
                let implied: Vec<Rule> = implied_by_lines(subject, &entry.allow).collect();
                entry.allow.extend(implied);
            }
            entry.normalise();
        }
        for rules in self.groups.values_mut() {
            normalise(rules);
        }
        // The file cannot have a group without lines.
        self.groups.retain(|_, rules| !rules.is_empty());
        // An entry without responses equals no entry.
        self.untrusted_by
            .retain(|_, own| own.iter().any(Option::is_some));
    }

    /// Returns the operation as the kernel part decides it at the map's coverage; `None` if it does not decide it.
    pub fn decided(&self, operation: Operation) -> Option<Operation> {
        if operation.op.coverage_of(operation.arg) > self.coverage {
            return None;
        }
        let unseen = match (self.coverage, operation.op) {
            (Coverage::Core, Op::MapExec) => abi::MAP_WRITE,
            _ => 0,
        };
        Some(Operation {
            arg: operation.arg & !unseen,
            ..operation
        })
    }

    /// Returns the rules without effect: the map's coverage excludes their operations.
    pub fn undecided(&self) -> impl Iterator<Item = &Rule> {
        self.subjects
            .values()
            .flat_map(|entry| &entry.allow)
            .filter(|rule| self.decided(rule.operation()).is_none())
    }

    /// True if the map lets a subject open a file for appending.
    pub fn appends(&self) -> bool {
        self.subjects
            .values()
            .flat_map(|entry| &entry.allow)
            .map(Rule::operation)
            .any(|operation| operation.op == Op::FileOpen && operation.arg & abi::OPEN_APPEND != 0)
    }

    /// True if the map is sealed and was not changed afterwards.
    pub fn is_sealed(&self) -> bool {
        self.sealed.is_some_and(|sealed| sealed == self.digest())
    }

    /// True if the map is sealed and was changed afterwards.
    pub fn is_seal_broken(&self) -> bool {
        self.sealed.is_some() && !self.is_sealed()
    }

    /// Returns the subject with this id.
    pub fn by_id(&self, id: &str) -> Option<(&Subject, &Entry)> {
        self.subjects.iter().find(|(_, entry)| entry.id == id)
    }

    /// Returns the map without the rules that lines of version 2 imply: only those that a person can change.
    #[must_use]
    pub fn without_implied(&self) -> Self {
        let mut out = self.clone();
        if self.version == Version::Two {
            for (subject, entry) in &mut out.subjects {
                let implied: BTreeSet<Rule> = implied_by_lines(subject, &entry.allow).collect();
                entry.allow.retain(|rule| !implied.contains(rule));
            }
        }
        out
    }

    /// Returns the rules of a subject that its lines in the file do not contain: other lines imply them, or the groups that it
    /// uses contain them. Returns these groups, too.
    pub(crate) fn unwritten(
        &self,
        subject: &Subject,
        entry: &Entry,
    ) -> (BTreeSet<Rule>, Vec<&str>) {
        let mut unwritten = BTreeSet::new();
        let mut used = Vec::new();
        if self.version == Version::Two {
            unwritten.extend(implied_by_lines(subject, &entry.allow));
            for (name, rules) in &self.groups {
                if entry.uses(rules) {
                    unwritten.extend(rules.iter().cloned());
                    used.push(name.as_str());
                }
            }
        }
        (unwritten, used)
    }

    /// Returns the number of rules that the file has lines for: a group's lines count once.
    pub fn line_count(&self) -> usize {
        let groups = self.groups.values();
        let shared: usize = groups.map(|rules| written_in_group(rules).count()).sum();
        let own = self.subjects.iter().map(|(subject, entry)| {
            let (unwritten, used) = self.unwritten(subject, entry);
            let own = entry.allow.iter().filter(|rule| !unwritten.contains(rule));
            own.count() + usize::from(!used.is_empty())
        });
        shared + own.sum::<usize>()
    }

    /// Returns the number of rules of all subjects.
    pub fn rule_count(&self) -> usize {
        self.subjects.values().map(|entry| entry.allow.len()).sum()
    }

    /// Returns the number of rules that `before` has not.
    pub fn rules_beyond(&self, before: &Self) -> usize {
        let new = self.subjects.iter().map(|(subject, entry)| {
            let known = before.subjects.get(subject).map(|entry| &entry.allow);
            let new = |rule: &&Rule| !known.is_some_and(|known| known.contains(*rule));
            entry.allow.iter().filter(new).count()
        });
        new.sum()
    }
}

impl Entry {
    /// Removes rules that other rules of the entry imply.
    pub fn normalise(&mut self) {
        normalise(&mut self.allow);
    }

    /// True if the subject has all rules of a group, or wider ones.
    pub fn uses(&self, group: &BTreeSet<Rule>) -> bool {
        let wider = |rule: &Rule| {
            let mut own = self.allow.iter();
            own.any(|own| own.object() == rule.object() && own.implied().any(|one| one == *rule))
        };
        !group.is_empty()
            && group
                .iter()
                .all(|rule| self.allow.contains(rule) || wider(rule))
    }
}

/// Removes rules that other rules imply.
fn normalise(rules: &mut BTreeSet<Rule>) {
    let implied: Vec<Rule> = rules
        .iter()
        .flat_map(Rule::implied)
        .filter(|rule| rules.contains(rule))
        .collect();
    for rule in implied {
        rules.remove(&rule);
    }
}

/// Returns the rules that lines of version 2 imply: a subject may read a file whose memory it may execute, and may
/// execute its own file.
pub(crate) fn implied_by_lines<'a>(
    subject: &'a Subject,
    rules: &'a BTreeSet<Rule>,
) -> impl Iterator<Item = Rule> + 'a {
    let own = subject.exe.iter().filter(|exe| is_file(exe)).map(|exe| {
        let object = RuleObject::from_object(exe.clone());
        Rule::new(Operation::plain(Op::MapExec), object)
    });
    let own: Vec<Rule> = own.collect();
    let read: Vec<Rule> = own.iter().map(read_rule).collect();
    own.into_iter().chain(read).chain(reads_implied(rules))
}

/// Returns the rules of a group that it needs lines for.
pub(crate) fn written_in_group(rules: &BTreeSet<Rule>) -> impl Iterator<Item = &Rule> {
    let implied: BTreeSet<Rule> = reads_implied(rules).collect();
    rules.iter().filter(move |rule| !implied.contains(rule))
}

/// Returns the rules to read files whose memory these rules let be executed.
pub(crate) fn reads_implied(rules: &BTreeSet<Rule>) -> impl Iterator<Item = Rule> + '_ {
    rules
        .iter()
        .filter(|rule| rule.operation().op == Op::MapExec && names_files(rule.object()))
        .map(read_rule)
}

fn read_rule(of: &Rule) -> Rule {
    let read = Operation {
        op: Op::FileOpen,
        arg: abi::OPEN_READ,
    };
    Rule::new(read, of.object().clone())
}

const fn is_file(object: &Object) -> bool {
    matches!(
        object,
        Object::Path(_) | Object::Deleted(_) | Object::Foreign(_)
    )
}

fn names_files(object: &RuleObject) -> bool {
    match object {
        RuleObject::Exact(object) => is_file(object),
        RuleObject::Path(pattern) => pattern.kind() != PathKind::Memfd,
        RuleObject::Inet(_) => false,
    }
}

/// True if `name` is a valid name of a group: as of a domain.
pub fn is_group_name(name: &str) -> bool {
    is_domain_name(name)
}

/// True if `name` is a valid domain name: 1 to 63 of `A-Za-z0-9._-`, not starting with `.` or `-`.
pub fn is_domain_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() < NAME_MAX
        && !name.starts_with(['.', '-'])
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'))
}

/// True if `chain` is a valid number of executables.
pub fn is_chain(chain: u32) -> bool {
    usize::try_from(chain).is_ok_and(|chain| (1..=CHAIN_MAX).contains(&chain))
}

/// Returns the preferred id of a subject: the name of its file.
pub(crate) fn id_of(subject: &Subject) -> String {
    let name = match &subject.exe {
        Some(Object::Path(path) | Object::Deleted(path) | Object::Foreign(path)) => {
            escape::name(path.file_name())
        }
        Some(Object::Memfd(name) | Object::FsType(name)) => escape::name(name),
        _ => String::new(),
    };
    if name.is_empty() {
        "program".to_owned()
    } else {
        name
    }
}

/// Names that are taken. Many names with one beginning cost no more than others: the next suffix of each is kept.
#[derive(Debug, Default)]
pub(crate) struct Ids {
    taken: HashSet<String>,
    /// The number to try next, by name.
    next: HashMap<String, u32>,
    /// Number of names that were tried.
    #[cfg(test)]
    tried: usize,
}

impl Ids {
    /// Returns the ids of a map's subjects.
    pub(crate) fn of(map: &Map) -> Self {
        map.subjects.values().map(|entry| &*entry.id).collect()
    }

    /// Takes a name; returns false if it is taken already.
    pub(crate) fn insert(&mut self, name: &str) -> bool {
        self.taken.insert(name.to_owned())
    }

    /// Takes `name`, or `name` with the first free suffix of `-2`, `-3` …, and returns it.
    pub(crate) fn free(&mut self, name: &str) -> String {
        let mut number = self.next.get(name).copied().unwrap_or(1);
        loop {
            let id = match number {
                1 => name.to_owned(),
                _ => format!("{name}-{number}"),
            };
            number += 1;
            #[cfg(test)]
            {
                self.tried += 1;
            }
            if self.taken.insert(id.clone()) {
                self.next.insert(name.to_owned(), number);
                return id;
            }
        }
    }
}

impl<'a> FromIterator<&'a str> for Ids {
    fn from_iter<T: IntoIterator<Item = &'a str>>(names: T) -> Self {
        Self {
            taken: names.into_iter().map(str::to_owned).collect(),
            ..Self::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_thousand_equal_names_are_tried_once_each() {
        let mut ids: Ids = ["sh", "sh-3"].into_iter().collect();
        assert_eq!(ids.free("sh"), "sh-2");
        assert_eq!(ids.free("sh"), "sh-4");
        for _ in 0..10_000 {
            ids.free("sh");
        }
        assert!(ids.tried <= 10_005, "{}", ids.tried);
        assert!(!ids.insert("sh-10004"));
    }

    #[test]
    fn a_source_is_known_or_a_tap_or_a_rule_with_a_plain_name() {
        for name in ["model", "operator", "tap", "tap:a", "rule:no-shell.2_x"] {
            assert!(is_source(name), "{name}");
        }
        let long = format!("tap:{}", "x".repeat(64));
        for name in ["", "models", "tap:", "x:a", "tap:a b", "rule:a/b", &long] {
            assert!(!is_source(name), "{name}");
        }
    }
}
