// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Processes that execute their own program again, as servers do to reload.
//!
//! Since version 0.2 the kernel part lets them keep their subject. Before, they became a subject of their own, with their
//! executable first in `via`. Maps that were learned then still have its lines.

use std::borrow::Cow;

use ambit_abi::Op;
use ambit_event::{Operation, Subject};

use crate::Map;
use crate::map::Entry;
use crate::matcher::ANY_HOST;

impl Map {
    /// Returns what a subject may do: its entry, and, if it may execute itself, the entries that it reached by that in older
    /// versions. It could execute itself to get these rights, so it had these rights before.
    pub(crate) fn rights<'m>(&self, subject: &Subject, entry: &'m Entry) -> Cow<'m, Entry> {
        let mut rights = Cow::Borrowed(entry);
        let mut at = subject.clone();
        while let Some(next) = again(&at, self.chain).filter(|next| *next != at) {
            let Some(more) = self
                .subjects
                .get(&next)
                .filter(|_| executes(&rights, subject))
            else {
                break;
            };
            let mut merged = rights.merge(more);
            merged.id.clone_from(&entry.id);
            rights = Cow::Owned(merged);
            at = next;
        }
        rights
    }
}

/// Returns the subject that this one became in older versions when it executed itself, in a map with this `chain`.
fn again(subject: &Subject, chain: u32) -> Option<Subject> {
    let exe = subject.exe.clone()?;
    let before = usize::try_from(chain).ok()?.checked_sub(1)?;
    let via = std::iter::once(exe).chain(subject.via.iter().cloned());
    Some(Subject {
        via: via.take(before).collect(),
        ..subject.clone()
    })
}

/// True if the entry allows to execute the subject's program and, if it is a script, the script.
fn executes(entry: &Entry, subject: &Subject) -> bool {
    let exec = Operation::plain(Op::Exec);
    let mut files = subject.exe.iter().chain(&subject.script);
    files.all(|file| {
        let mut rules = entry.allow.iter();
        rules.any(|rule| rule.operation() == exec && rule.object().covers(file, &ANY_HOST))
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;
    use crate::Matcher;

    const HEAD: &str = "ambit: 1\ndomain: x\nchain: 3\nsubjects:\n";

    fn opens(map: &Map, via: &[&str], file: &str) -> bool {
        let object = |path: &str| ambit_event::text::parse_path_object(path).unwrap();
        let subject = Subject {
            exe: Some(object("/bin/a")),
            as_name: None,
            script: None,
            via: via.iter().map(|path| object(path)).collect(),
        };
        let rule = crate::Rule::parse(&format!("file.open r {file}")).unwrap();
        Matcher::new(map, ANY_HOST).allows(&subject, rule.operation(), &object(file))
    }

    fn map(exec: &str) -> Map {
        let first = format!("  - exe: /bin/a\n    via: [/bin/init]\n    allow:\n{exec}");
        let again = "  - exe: /bin/a\n    via: [/bin/a, /bin/init]\n    allow:\n      - exec /bin/a\n      - file.open r /etc/one\n";
        let third = "  - exe: /bin/a\n    via: [/bin/a, /bin/a]\n    allow:\n      - file.open r /etc/two\n";
        let other = "  - exe: /bin/a\n    via: [/bin/b]\n    allow:\n      - exec /bin/a\n";
        Map::parse(&format!("{HEAD}{first}{again}{third}{other}"), "map").unwrap()
    }

    #[test]
    fn a_subject_that_may_execute_itself_has_the_lines_of_older_maps_for_that() {
        let map = map("      - exec /bin/a\n");
        for file in ["/etc/one", "/etc/two"] {
            assert!(opens(&map, &["/bin/init"], file), "{file}");
        }
        assert!(!opens(&map, &["/bin/init"], "/etc/three"));
        assert!(!opens(&map, &["/bin/b"], "/etc/one"));
        assert!(!opens(&map, &["/bin/a", "/bin/a"], "/etc/one"));
    }

    #[test]
    fn a_subject_that_may_not_execute_itself_has_no_other_lines() {
        let map = map("      - exec /bin/b\n");
        assert!(!opens(&map, &["/bin/init"], "/etc/one"));
        assert!(opens(&map, &["/bin/a", "/bin/init"], "/etc/two"));
    }
}
