// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Subjects and their fingerprints.

use ambit_abi::{self as abi, Fp, Op};
use serde::ser::{Serialize, SerializeStruct, Serializer};
use zerocopy::{FromBytes, IntoBytes};

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
