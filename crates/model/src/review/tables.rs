// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The data that a review compares a map with: programs, capabilities and places.

use std::sync::OnceLock;

use ambit_abi::Op;
use ambit_event::names;

use super::kind::Severity;
use crate::RuleObject;
use crate::generalize::{Place, Target};
use crate::pattern::{PathKind, PathPattern};

const PROGRAMS: &str = include_str!("programs.txt");
const CAPABILITIES: &str = include_str!("capabilities.txt");
const PLACES: &str = include_str!("places.txt");

/// The class of a program that runs other programs or code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    Shell,
    Interpreter,
    Loader,
    Runner,
}

impl Class {
    const ALL: [(&str, Self); 4] = [
        ("shell", Self::Shell),
        ("interpreter", Self::Interpreter),
        ("loader", Self::Loader),
        ("runner", Self::Runner),
    ];
}

/// A program of the list.
pub(super) struct Program {
    name: &'static str,
    pub(super) class: Class,
    /// The paths with this file name.
    pub(super) place: Place,
}

impl Program {
    fn is(&self, name: &str) -> bool {
        match self.name.strip_suffix('*') {
            Some(start) => name.starts_with(start),
            None => {
                // A version may follow the name.
                name.strip_prefix(self.name).is_some_and(|rest| {
                    rest.bytes()
                        .all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-'))
                })
            }
        }
    }
}

/// Returns the class of a program by its file name.
pub(super) fn class_of(name: &[u8]) -> Option<Class> {
    let name = str::from_utf8(name).ok()?;
    programs()
        .iter()
        .find(|program| program.is(name))
        .map(|program| program.class)
}

/// Returns all programs of the list.
pub(super) fn programs() -> &'static [Program] {
    static ALL: OnceLock<Vec<Program>> = OnceLock::new();
    ALL.get_or_init(|| {
        lines(PROGRAMS)
            .filter_map(|line| {
                let (class, names) = line.split_once(' ')?;
                let (_, class) = Class::ALL.iter().find(|(word, _)| *word == class)?;
                Some(names.split_whitespace().filter_map(|name| {
                    Some(Program {
                        name,
                        class: *class,
                        place: place(&format!("**/{name}"))?,
                    })
                }))
            })
            .flatten()
            .collect()
    })
}

/// What a capability permits.
pub(super) struct Capability {
    pub(super) severity: Severity,
    /// The operations that its worst effect needs besides; empty if it needs none.
    pub(super) needs: Vec<Op>,
    pub(super) effect: &'static str,
}

/// Returns the table's row for a capability by its number.
pub(super) fn capability(number: u32) -> Option<&'static Capability> {
    static ALL: OnceLock<Vec<(u32, Capability)>> = OnceLock::new();
    let all = ALL.get_or_init(|| {
        lines(CAPABILITIES)
            .filter_map(|line| {
                let (name, rest) = word(line)?;
                let (severity, rest) = word(rest)?;
                let (needs, effect) = word(rest)?;
                let needs = needs.split(',').filter_map(Op::from_name).collect();
                Some((
                    names::number_of(&names::CAPABILITIES, name)?,
                    Capability {
                        severity: Severity::from_name(severity)?,
                        needs,
                        effect,
                    },
                ))
            })
            .collect()
    });
    let found = all.iter().find(|(known, _)| *known == number);
    found.map(|(_, capability)| capability)
}

/// What the entry of a place is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    Write,
    Undo,
    Socket,
    Public,
    Harmless,
}

impl Use {
    const ALL: [(&str, Self); 5] = [
        ("write", Self::Write),
        ("undo", Self::Undo),
        ("socket", Self::Socket),
        ("public", Self::Public),
        ("harmless", Self::Harmless),
    ];
}

/// A place with its meaning.
pub(super) struct Known {
    usage: Use,
    pub(super) severity: Severity,
    place: Place,
    /// True if the pattern does not begin with a directory.
    pub(super) is_anywhere: bool,
    pub(super) meaning: &'static str,
}

/// Returns the entries of places that the object of a rule may lie in.
pub(super) fn places(usage: Use, object: &RuleObject) -> impl Iterator<Item = &'static Known> {
    static ALL: OnceLock<Vec<Known>> = OnceLock::new();
    let all = ALL.get_or_init(|| {
        lines(PLACES)
            .filter_map(|line| {
                let (usage, rest) = word(line)?;
                let (severity, rest) = word(rest)?;
                let (pattern, meaning) = word(rest)?;
                Some(Known {
                    usage: Use::ALL.iter().find(|(word, _)| *word == usage)?.1,
                    severity: Severity::from_name(severity)?,
                    place: place(pattern)?,
                    is_anywhere: pattern.starts_with("**"),
                    meaning,
                })
            })
            .collect()
    });
    let target = Target::new(object);
    all.iter()
        .filter(move |known| known.usage == usage && known.place.meets(&target))
}

/// Returns the place of a pattern; `None` if it cannot be parsed.
pub(super) fn place(pattern: &str) -> Option<Place> {
    PathPattern::parse(PathKind::Path, pattern)
        .ok()
        .map(Place::new)
}

fn word(line: &'static str) -> Option<(&'static str, &'static str)> {
    let (word, rest) = line.split_once(' ')?;
    Some((word, rest.trim_start()))
}

fn lines(text: &'static str) -> impl Iterator<Item = &'static str> {
    text.lines().filter(|line| !line.starts_with('#'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Rule;

    #[test]
    fn every_line_of_the_data_can_be_read() {
        let names = lines(PROGRAMS).flat_map(|line| line.split_whitespace().skip(1));
        assert_eq!(programs().len(), names.count());
        for (number, name) in names::CAPABILITIES {
            let row = capability(number).unwrap_or_else(|| panic!("no row for {name}"));
            assert!(!row.effect.is_empty(), "{name}");
        }
        assert_eq!(lines(CAPABILITIES).count(), names::CAPABILITIES.len());
        for line in lines(CAPABILITIES) {
            let needs = line.split_whitespace().nth(2).unwrap();
            assert!(
                needs == "-" || needs.split(',').all(|op| Op::from_name(op).is_some()),
                "{line}"
            );
        }
        for line in lines(PLACES) {
            let words: Vec<&str> = line.split_whitespace().collect();
            assert!(Use::ALL.iter().any(|(word, _)| *word == words[0]), "{line}");
            assert!(Severity::from_name(words[1]).is_some(), "{line}");
            assert!(place(words[2]).is_some(), "{line}");
            assert!(words.len() > 3, "{line}");
        }
    }

    #[test]
    fn a_program_has_its_class_under_any_version() {
        for (name, class) in [
            ("dash", Some(Class::Shell)),
            ("python3.11", Some(Class::Interpreter)),
            ("perl5.36.0", Some(Class::Interpreter)),
            ("ld-linux-x86-64.so.2", Some(Class::Loader)),
            ("env", Some(Class::Runner)),
            ("envsubst", None),
            ("dashboard", None),
            ("nginx", None),
        ] {
            assert_eq!(class_of(name.as_bytes()), class, "{name}");
        }
    }

    #[test]
    fn a_place_is_met_by_exact_paths_and_by_patterns() {
        let met = |usage, rule: &str| places(usage, Rule::parse(rule).unwrap().object()).count();
        assert_eq!(met(Use::Undo, "file.open w /etc/ambit/sensitive"), 1);
        assert_eq!(met(Use::Undo, "file.open w /etc/**"), 1);
        assert_eq!(met(Use::Undo, "file.open w /etc/hosts"), 0);
        assert_eq!(met(Use::Harmless, "file.open w /proc/{self}/fd/{n}"), 1);
        assert_eq!(met(Use::Harmless, "file.open w /proc/{pid}/mem"), 0);
    }
}
