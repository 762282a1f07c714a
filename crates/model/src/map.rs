// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The behaviour map.

use std::collections::{BTreeMap, BTreeSet};

use ambit_abi::{self as abi, CHAIN_MAX, Coverage, Family, NAME_MAX, Op, Response};
use ambit_event::{Creds, Operation, Subject, escape, names};

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

/// How deep the chain of executables is where a map does not say.
pub const CHAIN_DEFAULT: u32 = 2;

/// Whether this can be the name of somebody who takes trust from tasks: `model`, `operator`, `engine`, `tap`, or
/// `rule:` or `tap:` and then up to 63 of A-Z, a-z, 0-9, `.`, `_` and `-`.
pub fn is_source(name: &str) -> bool {
    names::is_trust_source(name)
}

/// What is done, by family, in the order of [`FAMILIES`].
pub type Responses = [Response; FAMILIES.len()];

/// What is done about a task that a source does not trust, by family, where that is said; else what is done about any
/// untrusted task.
pub type OwnResponses = [Option<Response>; FAMILIES.len()];

/// What a domain may do, and what is done about the rest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Map {
    /// The domain's name.
    pub domain: String,
    /// Executables that tell subjects apart, 1 to 4: the own one and those before it.
    pub chain: u32,
    /// How much of the kernel's surface is decided.
    pub coverage: Coverage,
    /// How many points learning has missed; a map that knows of some is not enforced unless that is asked for.
    pub incomplete: Option<u64>,
    /// The map's digest when it was sealed; another one says that it was changed since.
    pub sealed: Option<[u8; 32]>,
    /// To what is outside the map, where it is enforced.
    pub outside: Responses,
    /// To tasks with a trust bit.
    pub untrusted: Responses,
    /// To tasks that this source does not trust, by its name; the strictest holds of a task that several do not trust.
    pub untrusted_by: BTreeMap<String, OwnResponses>,
    /// What the launcher may start.
    pub start: BTreeSet<RuleObject>,
    /// What each subject may do. The launcher is not among them.
    pub subjects: BTreeMap<Subject, Entry>,
}

/// What a subject may do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// A name for people, unique in the map.
    pub id: String,
    /// Digests that the executable may have; any where there are none.
    pub digests: BTreeSet<[u8; 32]>,
    /// Digests that the script may have; any where there are none.
    pub script_digests: BTreeSet<[u8; 32]>,
    /// Credentials that it may run with; any where there are none.
    pub creds: BTreeSet<Creds>,
    /// What it may do.
    pub allow: BTreeSet<Rule>,
}

impl Map {
    /// A map that allows nothing.
    pub fn new(domain: impl Into<String>) -> Self {
        Self {
            domain: domain.into(),
            chain: CHAIN_DEFAULT,
            coverage: Coverage::Core,
            incomplete: None,
            sealed: None,
            outside: [Response::Deny; FAMILIES.len()],
            untrusted: [Response::Log; FAMILIES.len()],
            untrusted_by: BTreeMap::new(),
            start: BTreeSet::new(),
            subjects: BTreeMap::new(),
        }
    }

    /// What is done, by family, about a task that this source does not trust; of any source that the map does not name,
    /// for none.
    pub fn gate(&self, source: Option<&str>) -> Responses {
        let mut out = self.untrusted;
        let own = source.and_then(|source| self.untrusted_by.get(source));
        for (slot, own) in out.iter_mut().zip(own.into_iter().flatten()) {
            *slot = own.unwrap_or(*slot);
        }
        out
    }

    /// What the launcher may do, as rules.
    pub fn launcher_rules(&self) -> impl Iterator<Item = Rule> {
        self.start
            .iter()
            .map(|object| Rule::new(Operation::plain(Op::Exec), object.clone()))
    }

    /// Adds a subject, with an id made of its file's name where it is new.
    pub fn subject_mut(&mut self, subject: &Subject) -> &mut Entry {
        if !self.subjects.contains_key(subject) {
            let id = free_id(&id_of(subject), |id| {
                self.subjects.values().any(|entry| entry.id == id)
            });
            self.subjects.insert(
                subject.clone(),
                Entry {
                    id,
                    ..Entry::default()
                },
            );
        }
        self.subjects.entry(subject.clone()).or_default()
    }

    /// Puts the map into canonical form: implied lines are left out.
    pub fn normalise(&mut self) {
        for entry in self.subjects.values_mut() {
            entry.normalise();
        }
        // One that says nothing is the same as none.
        self.untrusted_by
            .retain(|_, own| own.iter().any(Option::is_some));
    }

    /// An operation as the kernel part asks about it at the map's coverage; `None` where it does not.
    pub fn asks(&self, operation: Operation) -> Option<Operation> {
        if operation.op.coverage() > self.coverage {
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

    /// The lines that decide nothing, as the map's coverage leaves out what they are about.
    pub fn undecided(&self) -> impl Iterator<Item = &Rule> {
        self.subjects
            .values()
            .flat_map(|entry| &entry.allow)
            .filter(|rule| self.asks(rule.operation()).is_none())
    }

    /// Whether the map is sealed, and allows what it did then.
    pub fn is_sealed(&self) -> bool {
        self.sealed.is_some_and(|sealed| sealed == self.digest())
    }

    /// Whether the map was sealed and changed since.
    pub fn is_seal_broken(&self) -> bool {
        self.sealed.is_some() && !self.is_sealed()
    }

    /// The subject of this id.
    pub fn by_id(&self, id: &str) -> Option<(&Subject, &Entry)> {
        self.subjects.iter().find(|(_, entry)| entry.id == id)
    }

    /// How many lines its subjects allow.
    pub fn rules(&self) -> usize {
        self.subjects.values().map(|entry| entry.allow.len()).sum()
    }
}

impl Entry {
    /// Leaves implied lines out.
    pub fn normalise(&mut self) {
        let implied: Vec<Rule> = self
            .allow
            .iter()
            .flat_map(Rule::implied)
            .filter(|rule| self.allow.contains(rule))
            .collect();
        for rule in implied {
            self.allow.remove(&rule);
        }
    }
}

/// Whether a domain can have this name: 1 to 63 of `A-Za-z0-9._-`, the first no `.` or `-`.
pub fn is_domain_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() < NAME_MAX
        && !name.starts_with(['.', '-'])
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'))
}

/// Whether a chain can be this deep.
pub fn is_chain(chain: u32) -> bool {
    usize::try_from(chain).is_ok_and(|chain| (1..=CHAIN_MAX).contains(&chain))
}

/// The id that a subject would like to have: its file's name.
pub(crate) fn id_of(subject: &Subject) -> String {
    let name = match &subject.exe {
        Some(ambit_event::Object::Path(path) | ambit_event::Object::Deleted(path)) => {
            escape::name(path.file_name())
        }
        Some(ambit_event::Object::Memfd(name) | ambit_event::Object::FsType(name)) => {
            escape::name(name)
        }
        _ => String::new(),
    };
    if name.is_empty() {
        "program".to_owned()
    } else {
        name
    }
}

/// The name itself, or with the first of `-2`, `-3` … that is free.
pub(crate) fn free_id(name: &str, taken: impl Fn(&str) -> bool) -> String {
    let mut id = name.to_owned();
    let mut number = 2u32;
    while taken(&id) {
        id = format!("{name}-{number}");
        number += 1;
    }
    id
}

#[cfg(test)]
mod tests {
    use super::*;

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
