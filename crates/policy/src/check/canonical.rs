// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The properties that every possible text of a field has, as expressions.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use ambit_event::canonical::{Fault, Spelling};

use crate::condition::Text;
use crate::regex::Regex;

/// A property of all possible texts of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Property {
    /// Nothing, `/…`, `memfd:…` or `fs:…`, without a NUL.
    Path,
    /// Nothing or `/…`, without a NUL.
    Cgroup,
    /// At most 15 bytes, without a NUL.
    Comm,
    /// Nothing or the name of a domain.
    Domain,
    /// A path does not have this fault.
    Without(Fault),
}

/// What the automaton of properties accepts.
#[derive(Clone, Debug)]
pub(super) struct Shape {
    /// Every possible text matches it.
    pub(super) every: Option<Arc<Regex>>,
    /// No possible text matches it.
    pub(super) none: Option<Arc<Regex>>,
}

/// Returns the properties of a field, those that explain most first.
pub(super) fn properties(field: Text) -> Vec<Property> {
    let faults = |faults: &[Fault]| -> Vec<Property> {
        faults.iter().copied().map(Property::Without).collect()
    };
    match field {
        Text::ObjectPath | Text::Executable | Text::Parent | Text::Chain => {
            [vec![Property::Path], faults(&Fault::ALL)].concat()
        }
        Text::Cgroup => {
            let faults = faults(&[Fault::Empty, Fault::Dot]);
            [vec![Property::Cgroup], faults].concat()
        }
        Text::Comm => vec![Property::Comm],
        Text::Domain => vec![Property::Domain],
        Text::ObjectName | Text::ObjectAddress => Vec::new(),
    }
}

/// Returns the joint automata of properties.
pub(super) fn shape(properties: &[Property]) -> Shape {
    let (faults, every): (Vec<Property>, Vec<Property>) = properties
        .iter()
        .partition(|property| matches!(property, Property::Without(_)));
    Shape {
        every: every.first().and_then(|property| {
            known(&[*property], || {
                match property {
                    Property::Cgroup => r"^(?:|/[^\x00]*)$",
                    Property::Comm => r"^[^\x00]{0,15}$",
                    Property::Domain => r"^(?:|[A-Za-z0-9_][A-Za-z0-9._-]{0,62})$",
                    _ => r"^(?:|(?:/|memfd:|fs:)[^\x00]*)$",
                }
                .to_owned()
            })
        }),
        none: (!faults.is_empty())
            .then(|| known(&faults, || any_of(&faults)))
            .flatten(),
    }
}

/// Returns an expression that matches a text with any of these faults.
fn any_of(faults: &[Property]) -> String {
    let any: Vec<String> = faults
        .iter()
        .filter_map(|property| match property {
            Property::Without(fault) => Some(fault.expression(Spelling::Braces)),
            _ => None,
        })
        .map(|expression| format!("(?:{expression})"))
        .collect();
    any.join("|")
}

type Known = Mutex<HashMap<Vec<Property>, Option<Arc<Regex>>>>;

/// Builds and compiles an expression once for all conditions.
fn known(properties: &[Property], pattern: impl FnOnce() -> String) -> Option<Arc<Regex>> {
    static KNOWN: OnceLock<Known> = OnceLock::new();
    let mut known = KNOWN
        .get_or_init(Known::default)
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    known
        .entry(properties.to_vec())
        .or_insert_with(|| Regex::new(&pattern()).ok().map(Arc::new))
        .clone()
}

impl Shape {
    /// True if the text has the properties.
    pub(super) fn has(&self, text: &[u8]) -> bool {
        let every = self.every.as_ref();
        let none = self.none.as_ref();
        every.is_none_or(|regex| regex.is_match(text))
            && none.is_none_or(|regex| !regex.is_match(text))
    }

    /// True if every text has the properties.
    pub(super) const fn is_any(&self) -> bool {
        self.every.is_none() && self.none.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_the_kernel_part_are_possible_and_others_are_not() {
        let path = shape(&properties(Text::ObjectPath));
        for possible in [
            "",
            "/",
            "/etc/shadow",
            "/...",
            "/a/..b/.c",
            "/proc/{pid}/environ",
            "/proc/{self}/task/{pid}/fd/{n}",
            "/proc/{pid}/task/{self}/mem",
            "/proc/sys/fs/binfmt_misc/12",
            "/proc/fs/nfsd/clients/3/info",
            "/proc/sys/net/ipv4/conf/{n}/forwarding",
            "/proc/sys/net/ipv4/conf/12345678901/forwarding",
            "/proc/{pid}/net/dev_snmp6/12345678901",
            "/proc/self-service/x",
            "/proc/netatop/x",
            "/proc/1st.sh",
            "/dev/pts/1st",
            "/proc/irq/{n}/smp_affinity",
            "/proc/netatop",
            "/proc/{pid}/net/tcp",
            "/dev/pts/{n}",
            "/dev/pts/ptmx",
            "/srv/{pid}/12",
            "/tmp/{tmpfile}",
            "memfd:a//b/../c/",
            "fs:pipefs",
            "/proc",
            "/procfs/1",
        ] {
            assert!(path.has(possible.as_bytes()), "{possible}");
        }
        for impossible in [
            "sh",
            "//",
            "/a/",
            "/a//b",
            "/..",
            "/a/./b",
            "/proc/1",
            "/proc/12345678901/x",
            "/proc/self",
            "/proc/sys/net/ipv4/conf/12/forwarding",
            "/proc/sys/fs/12",
            "/proc/sys/fs/x/12",
            "/proc/fs/12",
            "/proc/fs/ext4/12",
            "/proc/sys/{pid}",
            "/proc/self/environ",
            "/proc/thread-self/mem",
            "/proc/mounts",
            "/proc/net/tcp",
            "/proc/{n}/stat",
            "/proc/{pid}/task/12/mem",
            "/proc/{pid}/task/{n}/mem",
            "/proc/{self}/fd/3",
            "/proc/{self}/fd/{pid}",
            "/proc/{self}/{self}",
            "/proc/irq/24/smp_affinity",
            "/dev/pts/3",
            "/a\0b",
        ] {
            assert!(!path.has(impossible.as_bytes()), "{impossible}");
        }
    }
}
