// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Subjects and their fingerprints.

use std::collections::HashMap;

use ambit_abi::{self as abi, Fp, Op};
use serde::ser::{Serialize, SerializeStruct, Serializer};
use zerocopy::{FromBytes, IntoBytes};

use crate::record::{Content, Event};
use crate::{Object, Secret, fingerprint};

/// A subject as the kernel part describes it: fingerprints and the invoked name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SubjectRecord(abi::Subject);

impl SubjectRecord {
    /// The launcher: Ambit's own code before the workload's first exec.
    pub const LAUNCHER: Self = Self(abi::Subject::ZERO);

    /// Reads `struct ambit_subject`; `None` for another length.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        abi::Subject::read_from_bytes(bytes).ok().map(Self)
    }

    /// Returns the wire's type.
    pub const fn wire(&self) -> &abi::Subject {
        &self.0
    }

    /// Returns the subject's fingerprint.
    pub fn fingerprint(&self, secret: &Secret) -> Fp {
        fingerprint(secret, Op::Subject, 0, self.0.as_bytes())
    }

    /// Returns the invoked name, if it differs from the file's.
    pub fn as_name(&self) -> Option<&[u8]> {
        let name = self.0.as_name.split(|byte| *byte == 0).next()?;
        (!name.is_empty()).then_some(name)
    }
}

/// A subject: an executable and the executables that led to it, all exact.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Subject {
    /// The executable; `None` for the launcher.
    pub exe: Option<Object>,
    /// The name it was invoked by, if that differs from the file's.
    pub as_name: Option<Box<[u8]>>,
    /// The script that it interprets.
    pub script: Option<Object>,
    /// The executables before it, nearest first.
    pub via: Vec<Object>,
}

impl Subject {
    /// The launcher: Ambit's own code before the workload's first exec.
    pub const LAUNCHER: Self = Self {
        exe: None,
        as_name: None,
        script: None,
        via: Vec::new(),
    };

    /// True for [`Subject::LAUNCHER`].
    pub fn is_launcher(&self) -> bool {
        self.exe.is_none()
    }

    /// Returns the record that the kernel part makes for it. As there, a name is cut after 63 bytes, and a chain after
    /// three executables.
    pub fn record(&self, secret: &Secret) -> SubjectRecord {
        let name = |object: &Object| fingerprint(secret, Op::Name, 0, &object.to_bytes());
        let mut record = abi::Subject::ZERO;
        record.exe = self.exe.as_ref().map_or(Fp::ZERO, name);
        record.script = self.script.as_ref().map_or(Fp::ZERO, name);
        for (slot, via) in record.via.iter_mut().zip(&self.via) {
            *slot = name(via);
        }
        let as_name = self.as_name.as_deref().unwrap_or_default();
        for (slot, byte) in record.as_name.iter_mut().take(abi::AS_MAX - 1).zip(as_name) {
            *slot = *byte;
        }
        SubjectRecord(record)
    }

    /// Returns the fingerprint that its points carry.
    pub fn fingerprint(&self, secret: &Secret) -> Fp {
        self.record(secret).fingerprint(secret)
    }

    /// Returns the text of the executable, or `launcher`.
    pub fn exe_text(&self) -> String {
        self.exe
            .as_ref()
            .map_or_else(|| "launcher".to_owned(), name_text)
    }
}

/// Returns the text of an executable or a script.
pub(crate) fn name_text(object: &Object) -> String {
    crate::text::object_text(Op::Name, object)
}

impl std::fmt::Display for Subject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.exe_text())?;
        if let Some(name) = &self.as_name {
            write!(f, " as {}", crate::escape::name(name))?;
        }
        if let Some(script) = &self.script {
            write!(f, " running {}", name_text(script))?;
        }
        for (index, via) in self.via.iter().enumerate() {
            write!(
                f,
                "{}{}",
                if index == 0 { " via " } else { ", " },
                name_text(via)
            )?;
        }
        Ok(())
    }
}

/// JSON: `exe` (null for the launcher), `as`, `script` (or null) and `via`; all escaped text.
impl Serialize for Subject {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut out = serializer.serialize_struct("Subject", 4)?;
        out.serialize_field("exe", &self.exe.as_ref().map(name_text))?;
        out.serialize_field("as", &self.as_name.as_deref().map(crate::escape::name))?;
        out.serialize_field("script", &self.script.as_ref().map(name_text))?;
        out.serialize_field("via", &self.via.iter().map(name_text).collect::<Vec<_>>())?;
        out.end()
    }
}

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
