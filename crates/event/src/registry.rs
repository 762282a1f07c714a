// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The subjects and names that fingerprints belong to.

use std::collections::HashMap;

use ambit_abi::{self as abi, Fp, Op};

use crate::record::{Content, Event};
use crate::{Object, Secret, Subject, SubjectRecord, fingerprint};

/// Subjects and names by their fingerprints, from the ring or from a map.
#[derive(Clone, Debug)]
pub struct Registry {
    secret: Secret,
    names: HashMap<Fp, Object>,
    records: HashMap<Fp, SubjectRecord>,
}

impl Registry {
    /// Creates a registry that knows only the launcher.
    pub fn new(secret: Secret) -> Self {
        let launcher = SubjectRecord::LAUNCHER;
        let records = HashMap::from([(launcher.fingerprint(&secret), launcher)]);
        Self {
            secret,
            names: HashMap::new(),
            records,
        }
    }

    /// Returns the secret of the fingerprints.
    pub const fn secret(&self) -> &Secret {
        &self.secret
    }

    /// Adds the content of a `name` or `subject` event; other events change nothing.
    pub fn apply(&mut self, event: &Event) {
        match (&event.content, event.kind) {
            (Content::Subject(record), _) => {
                self.add_record(*record);
            }
            (Content::Object(object), abi::EventKind::Name) => {
                self.add_name(object.clone());
            }
            _ => {}
        }
    }

    /// Adds an executable or a script.
    pub fn add_name(&mut self, object: Object) -> Fp {
        let fp = fingerprint(&self.secret, Op::Name, 0, &object.to_bytes());
        self.names.insert(fp, object);
        fp
    }

    /// Adds a description whose names are added separately, before or after it.
    pub fn add_record(&mut self, record: SubjectRecord) -> Fp {
        let fp = record.fingerprint(&self.secret);
        self.records.insert(fp, record);
        fp
    }

    /// Adds a subject and its names.
    pub fn add_subject(&mut self, subject: &Subject) -> Fp {
        for object in subject
            .exe
            .iter()
            .chain(&subject.script)
            .chain(&subject.via)
        {
            self.add_name(object.clone());
        }
        self.add_record(subject.record(&self.secret))
    }

    /// Returns the name of a fingerprint.
    pub fn name(&self, fp: Fp) -> Option<&Object> {
        self.names.get(&fp)
    }

    /// Returns the description of a subject.
    pub fn record(&self, subject: Fp) -> Option<&SubjectRecord> {
        self.records.get(&subject)
    }

    /// Returns the subject of a fingerprint; `None` if its description, or that of one of its names, is missing.
    pub fn subject(&self, subject: Fp) -> Option<Subject> {
        let record = self.records.get(&subject)?;
        let wire = record.wire();
        let known = |fp: Fp| -> Option<Option<Object>> {
            if fp.is_zero() {
                Some(None)
            } else {
                self.names.get(&fp).cloned().map(Some)
            }
        };
        let mut via = Vec::new();
        for fp in wire.via.iter().take_while(|fp| !fp.is_zero()) {
            via.push(self.names.get(fp)?.clone());
        }
        Some(Subject {
            exe: known(wire.exe)?,
            as_name: record.as_name().map(Into::into),
            script: known(wire.script)?,
            via,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> Object {
        crate::text::parse_path_object(text).unwrap()
    }

    #[test]
    fn finds_a_subject_by_the_fingerprint_of_its_record() {
        let subject = Subject {
            exe: Some(path("/usr/bin/busybox")),
            as_name: Some(b"ls"[..].into()),
            script: Some(path("/srv/x.sh")),
            via: vec![path("/usr/bin/dash"), path("memfd:x y")],
        };
        let mut registry = Registry::new(Secret::new([3; 16]));
        let fp = registry.add_subject(&subject);
        assert_eq!(registry.subject(fp), Some(subject.clone()));
        assert_eq!(
            subject.to_string(),
            "/usr/bin/busybox as ls running /srv/x.sh via /usr/bin/dash, memfd:x y"
        );
    }

    #[test]
    fn a_new_registry_knows_the_launcher() {
        let secret = Secret::new([3; 16]);
        let registry = Registry::new(secret);
        let fp = Subject::LAUNCHER.fingerprint(&secret);
        assert_eq!(registry.subject(fp), Some(Subject::LAUNCHER));
        assert_eq!(
            fp,
            fingerprint(&secret, Op::Subject, 0, &[0; size_of::<abi::Subject>()])
        );
    }

    #[test]
    fn a_subject_whose_names_are_missing_is_unknown() {
        let secret = Secret::new([3; 16]);
        let mut registry = Registry::new(secret);
        let subject = Subject {
            exe: Some(path("/bin/x")),
            ..Subject::default()
        };
        let fp = registry.add_record(subject.record(&secret));
        assert_eq!(registry.subject(fp), None);
        registry.add_name(path("/bin/x"));
        assert_eq!(registry.subject(fp), Some(subject));
    }
}
