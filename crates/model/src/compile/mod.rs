// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Compiles a map for the kernel part: keys of points, and one automaton for all patterns.

mod automaton;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fmt::Write;
use std::ops::RangeInclusive;

use ambit_abi::{Fp, Op};
use ambit_event::{Object, Operation, Port, Registry, Secret, Subject, fingerprint, key};

pub(crate) use automaton::table;
pub use automaton::{Automaton, AutomatonError, run};

use crate::{Map, Rule, RuleObject};

/// Maximum number of patterns that an error names.
const LARGEST_MAX: usize = 5;

/// The argument of `exec.creds` that stands for any credentials.
pub const ANY_CREDS: u32 = 1;

/// The argument of `exec.digest` that marks an executable whose digests are listed.
pub const LISTED_DIGEST: u32 = 1;

/// A compiled map.
#[derive(Debug)]
pub struct Compiled {
    /// The keys of the domain's set, sorted. Keys that the kernel part adds itself (for described names and subjects)
    /// are not included.
    pub keys: Vec<Fp>,
    /// Pages of the automaton (`struct ambit_dfa`) if the map has patterns.
    pub dfa: Option<Vec<u8>>,
    /// True if the map lists digests of executables, so they must be computed.
    pub digests: bool,
    /// Subjects by fingerprint, without the launcher.
    pub subjects: Vec<(Fp, Subject)>,
    /// The map's names and subjects, which are known before the kernel part describes them.
    pub registry: Registry,
    /// Lines that have less effect than they seem to have.
    pub warnings: Vec<Warning>,
}

/// A line that has less effect than it seems to have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Warning {
    /// A range of ports overlaps with the host's ephemeral ports without containing all of them.
    #[error(
        "{id}: `{rule}` does not cover its ports in this host's ephemeral range ({first}-{last}); \
         write `:ephemeral`, or a range that contains all of them"
    )]
    CutsEphemeral {
        /// The subject's id.
        id: String,
        /// The line.
        rule: String,
        /// The host's first ephemeral port.
        first: u16,
        /// The host's last ephemeral port.
        last: u16,
    },
    /// A port is in the host's range of ephemeral ports.
    #[error(
        "{id}: `{rule}` never matches, because its port is in this host's ephemeral range ({first}-{last}); write `:ephemeral`"
    )]
    EphemeralPort {
        /// The subject's id.
        id: String,
        /// The line.
        rule: String,
        /// The host's first ephemeral port.
        first: u16,
        /// The host's last ephemeral port.
        last: u16,
    },
    /// The map's coverage excludes the operations of some lines.
    #[error(
        "{lines} lines have no effect, for example `{first}`: their operations are decided only with `coverage: full`, \
         and the map has `coverage: core`"
    )]
    Undecided {
        /// Number of these lines.
        lines: usize,
        /// The first of these lines.
        first: String,
    },
}

/// A map cannot be compiled.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CompileError {
    /// The automaton of the patterns is larger than the kernel part's table.
    #[error("{}", too_large(.largest))]
    TooLarge {
        /// The patterns that need the most states alone, in descending order.
        largest: Vec<(String, usize)>,
    },
    /// Building the automaton failed.
    #[error("cannot build the automaton of the map's patterns")]
    Automaton(#[source] AutomatonError),
}

fn too_large(largest: &[(String, usize)]) -> String {
    let mut out = String::from(
        "the map's patterns need more states than the kernel part's table has; simplify the patterns with the most states:",
    );
    for (pattern, states) in largest {
        // Writing to a String does not fail.
        let _ = match *states {
            usize::MAX => write!(out, "\n  beyond  {pattern}"),
            states => write!(out, "\n  {states:>6}  {pattern}"),
        };
    }
    out
}

/// The subjects and operations that a pattern is used for.
type Uses = BTreeSet<(Fp, Operation)>;

struct Builder<'m> {
    secret: Secret,
    ephemeral: RangeInclusive<u16>,
    keys: HashSet<Fp>,
    patterns: BTreeMap<&'m RuleObject, Uses>,
}

/// Compiles a map. `ephemeral` is the host's range of ephemeral ports.
pub fn compile(
    map: &Map,
    secret: Secret,
    ephemeral: &RangeInclusive<u16>,
) -> Result<Compiled, CompileError> {
    let rights: Vec<_> = map
        .subjects
        .iter()
        .map(|(subject, entry)| (subject, map.rights(subject, entry)))
        .collect();
    let mut registry = Registry::new(secret);
    let mut builder = Builder {
        secret,
        ephemeral: ephemeral.clone(),
        keys: HashSet::with_capacity(map.rule_count()),
        patterns: BTreeMap::new(),
    };
    let launcher = Subject::LAUNCHER.fingerprint(&secret);
    for object in &map.start {
        builder.allow(launcher, Operation::plain(Op::Exec), object);
    }
    let mut subjects = Vec::with_capacity(map.subjects.len());
    let mut warnings = Vec::new();
    for (subject, entry) in &rights {
        let fp = registry.add_subject(subject);
        subjects.push((fp, (*subject).clone()));
        if entry.creds.is_empty() {
            let any = Operation {
                op: Op::ExecCreds,
                arg: ANY_CREDS,
            };
            builder.point(fp, any, &Object::None);
        }
        for creds in &entry.creds {
            builder.point(fp, Operation::plain(Op::ExecCreds), &Object::Creds(*creds));
        }
        for rule in &entry.allow {
            builder.allow(fp, rule.operation(), rule.object());
            warnings.extend(warning(&entry.id, rule, ephemeral));
        }
    }
    warnings.extend(undecided(map));
    let digests = builder.digests(map);
    let dfa = builder.automaton()?;
    let mut keys: Vec<Fp> = builder.keys.into_iter().collect();
    keys.sort_unstable();
    Ok(Compiled {
        keys,
        dfa,
        digests,
        subjects,
        registry,
        warnings,
    })
}

/// Returns a warning about lines that the map's coverage excludes.
pub fn undecided(map: &Map) -> Option<Warning> {
    let mut rules = map.undecided();
    let first = rules.next()?.named();
    Some(Warning::Undecided {
        lines: 1 + rules.count(),
        first,
    })
}

fn warning(id: &str, rule: &Rule, ephemeral: &RangeInclusive<u16>) -> Option<Warning> {
    let named = || (id.to_owned(), rule.named());
    let (first, last) = (*ephemeral.start(), *ephemeral.end());
    match rule.object() {
        RuleObject::Inet(pattern) if pattern.cuts_ephemeral(ephemeral) => {
            let (id, rule) = named();
            Some(Warning::CutsEphemeral {
                id,
                rule,
                first,
                last,
            })
        }
        RuleObject::Exact(Object::Inet(inet)) => match inet.port {
            Port::Literal(port) if port == 0 || ephemeral.contains(&port) => {
                let (id, rule) = named();
                Some(Warning::EphemeralPort {
                    id,
                    rule,
                    first,
                    last,
                })
            }
            _ => None,
        },
        _ => None,
    }
}

impl<'m> Builder<'m> {
    fn point(&mut self, subject: Fp, operation: Operation, object: &Object) {
        self.keys
            .insert(key(&self.secret, subject, operation, object));
    }

    /// Adds the operations that a rule allows or implies.
    fn allow(&mut self, subject: Fp, operation: Operation, object: &'m RuleObject) {
        for operation in std::iter::once(operation).chain(crate::rule::implied(operation)) {
            match object {
                RuleObject::Exact(exact) => self.point(subject, operation, exact),
                pattern => {
                    self.patterns
                        .entry(pattern)
                        .or_default()
                        .insert((subject, operation));
                }
            }
        }
    }

    /// Adds the points for digests, and for each restricted executable the point that marks it. Returns true if there
    /// are any.
    fn digests(&mut self, map: &Map) -> bool {
        let mut some = false;
        for (object, digests) in digests_by_object(map) {
            if digests.is_empty() {
                continue;
            }
            some = true;
            let listed = Operation {
                op: Op::ExecDigest,
                arg: LISTED_DIGEST,
            };
            self.point(Fp::ZERO, listed, &object);
            for sha256 in digests {
                let of = Box::new(object.clone());
                let object = Object::Digest { sha256, of };
                self.point(Fp::ZERO, Operation::plain(Op::ExecDigest), &object);
            }
        }
        some
    }

    fn automaton(&mut self) -> Result<Option<Vec<u8>>, CompileError> {
        let patterns = std::mem::take(&mut self.patterns);
        if patterns.is_empty() {
            return Ok(None);
        }
        // Patterns for the same subjects and operations need no class of their own: their accepting states are shared.
        let mut groups: BTreeMap<&Uses, Vec<String>> = BTreeMap::new();
        for (object, uses) in &patterns {
            groups
                .entry(uses)
                .or_default()
                .push(regex(object, &self.ephemeral));
        }
        let regexes: Vec<String> = groups.values().map(|group| group.join("|")).collect();
        let automaton = Automaton::build(&regexes).map_err(|error| match error {
            AutomatonError::TooLarge => CompileError::TooLarge {
                largest: self.largest(patterns.keys()),
            },
            error => CompileError::Automaton(error),
        })?;
        let uses: Vec<&Uses> = groups.into_keys().collect();
        for (class, members) in (1u16..).zip(automaton.classes()) {
            let object = Object::Class(class).to_bytes();
            let uses = members
                .iter()
                .filter_map(|index| uses.get(*index))
                .flat_map(|uses| *uses);
            for (subject, operation) in uses {
                let fp = fingerprint(&self.secret, operation.op, operation.arg, &object);
                self.keys.insert(fp ^ *subject);
            }
        }
        Ok(Some(automaton.into_bytes()))
    }

    /// Returns the patterns that need the most states, each compiled alone.
    fn largest<'p>(
        &self,
        patterns: impl Iterator<Item = &'p &'p RuleObject>,
    ) -> Vec<(String, usize)> {
        let mut alone: Vec<(String, usize)> = patterns
            .map(|object| {
                let states = automaton::states(&regex(object, &self.ephemeral));
                let mut text = String::new();
                object.write(Op::FileOpen, &mut text);
                (text, states)
            })
            .collect();
        alone.sort_by(|(one, less), (other, more)| more.cmp(less).then_with(|| one.cmp(other)));
        alone.truncate(LARGEST_MAX);
        alone
    }
}

fn regex(object: &RuleObject, ephemeral: &RangeInclusive<u16>) -> String {
    match object {
        RuleObject::Path(pattern) => pattern.regex(),
        RuleObject::Inet(pattern) => pattern.regex(ephemeral),
        // Exact objects are keys and never reach this; the expression matches nothing.
        RuleObject::Exact(_) => "[^\\x00-\\xff]".to_owned(),
    }
}

/// Returns the permitted digests of each executable and script over all subjects; an empty set permits any.
pub(crate) fn digests_by_object(map: &Map) -> BTreeMap<Object, BTreeSet<[u8; 32]>> {
    let mut known: BTreeMap<Object, BTreeSet<[u8; 32]>> = BTreeMap::new();
    for (subject, entry) in &map.subjects {
        for (object, digests) in [
            (&subject.exe, &entry.digests),
            (&subject.script, &entry.script_digests),
        ] {
            if let Some(object) = object {
                known.entry(object.clone()).or_default().extend(digests);
            }
        }
    }
    known
}
