// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Violations as they are printed and stored.

use ambit_abi::{EventKind, Fp, Hook, Mode, Op, Reason, Response};
use serde::{Deserialize, Serialize};

use crate::{Content, Event, Hex, Object, Operation, Subject, escape, text, trust_names};

/// A subject as text and as bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, Hash)]
pub struct SubjectText {
    /// The executable; `null` for Ambit itself, which starts the command.
    pub exe: Option<String>,
    /// The name it was invoked by, if that is not the executable's.
    #[serde(rename = "as")]
    pub as_name: Option<String>,
    /// The script that an interpreter runs.
    pub script: Option<String>,
    /// The executables that led to it, the nearest first.
    pub via: Vec<String>,
    /// The canonical bytes of the same names.
    pub bytes: SubjectBytes,
}

/// The canonical bytes of a [`SubjectText`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, Hash)]
pub struct SubjectBytes {
    exe: Option<Hex>,
    #[serde(rename = "as")]
    as_name: Option<Hex>,
    script: Option<Hex>,
    via: Vec<Hex>,
}

/// The event that made a task untrusted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FirstCause {
    /// The trust bit's name.
    pub source: String,
    /// Id of the violation that caused it, if it belongs to this run.
    pub violation: Option<String>,
    /// The process that caused it.
    pub pid: u32,
    /// UTC.
    pub time: String,
}

/// A violation: an operation outside the map, or one that a gate refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Violation {
    /// `v1`, `v2` and so on, in the order of the first occurrence.
    pub id: String,
    /// The line that the map lacks.
    pub rule: String,
    /// The operation.
    pub op: Op,
    /// Its argument.
    pub arg: u32,
    /// The object's text; `null` if it has no canonical form.
    pub object: Option<String>,
    /// The object's canonical bytes, or as many of them as were read.
    pub object_bytes: Hex,
    /// The subject; `null` if its description was lost.
    pub by: Option<SubjectText>,
    /// The hook that decided it.
    pub hook: Hook,
    /// The domain's mode.
    pub mode: Mode,
    /// The kernel part's response.
    pub response: Response,
    /// Why it is a violation.
    pub reason: Reason,
    /// Names of the task's trust bits after the violation.
    pub trust: Vec<String>,
    /// Only with the reason `gate`: what made the task untrusted.
    pub cause: Option<FirstCause>,
    /// Process, in the initial pid namespace.
    pub pid: u32,
    /// Thread, in the initial pid namespace.
    pub tid: u32,
    /// Process, in its own pid namespace.
    pub ns_pid: u32,
    /// The task's name for itself, escaped.
    pub comm: String,
    /// UTC.
    pub time: String,
    /// Nanoseconds of `CLOCK_BOOTTIME`.
    pub time_ns: u64,
    /// Number of occurrences so far.
    pub count: u32,
    /// The point's fingerprint. It changes when the kernel part is loaded again.
    #[serde(default)]
    pub key: String,
}

impl Violation {
    /// Describes an event. `time` is the event's time as UTC text.
    pub fn new(id: String, event: &Event, by: Option<&Subject>, time: String) -> Self {
        let op = event.operation.op;
        Self {
            id,
            rule: event.rule(),
            op,
            arg: event.operation.arg,
            object: event.object().map(|object| text::object_text(op, object)),
            object_bytes: Hex(match &event.content {
                Content::Object(object) => object.to_bytes(),
                Content::Unrepresentable(bytes) => bytes.to_vec(),
                _ => Vec::new(),
            }),
            by: by.map(SubjectText::new),
            hook: event.hook,
            mode: event.mode,
            response: event.response,
            reason: event.reason,
            trust: trust_names(event.trust),
            cause: None,
            pid: event.tgid,
            tid: event.tid,
            ns_pid: event.ns_tgid,
            comm: event.comm(),
            time,
            time_ns: event.time_ns,
            count: event.count.max(1),
            key: event.key.to_string(),
        }
    }

    /// Returns the event and its subject without fingerprints; `None` if the stored bytes were changed.
    pub fn event(&self) -> Option<(Event, Option<Subject>)> {
        let content = match &self.object {
            Some(_) => Content::Object(Object::parse(&self.object_bytes.0).ok()?),
            None => Content::Unrepresentable(self.object_bytes.0.clone().into()),
        };
        let trust = (0..32).filter(|bit| {
            let name = trust_names(1 << bit).concat();
            self.trust.contains(&name)
        });
        let mut comm = [0; 16];
        for (slot, byte) in comm.iter_mut().zip(self.comm.bytes()) {
            *slot = byte;
        }
        let event = Event {
            kind: EventKind::Violation,
            hook: self.hook,
            domain: 0,
            operation: Operation {
                op: self.op,
                arg: self.arg,
            },
            content,
            mode: self.mode,
            response: self.response,
            reason: self.reason,
            time_ns: self.time_ns,
            key: Fp::ZERO,
            subject: Fp::ZERO,
            tgid: self.pid,
            tid: self.tid,
            ns_tgid: self.ns_pid,
            trust: trust.fold(0, |bits, bit| bits | 1 << bit),
            extra: 0,
            count: self.count,
            comm,
        };
        let subject = match &self.by {
            Some(who) => Some(who.subject()?),
            None => None,
        };
        Some((event, subject))
    }
}

impl SubjectText {
    /// Describes a subject.
    pub fn new(subject: &Subject) -> Self {
        let text = |object: &Object| text::object_text(Op::Name, object);
        let bytes = |object: &Object| Hex(object.to_bytes());
        Self {
            exe: subject.exe.as_ref().map(text),
            as_name: subject.as_name.as_deref().map(escape::name),
            script: subject.script.as_ref().map(text),
            via: subject.via.iter().map(text).collect(),
            bytes: SubjectBytes {
                exe: subject.exe.as_ref().map(bytes),
                as_name: subject.as_name.as_deref().map(|name| Hex(name.to_vec())),
                script: subject.script.as_ref().map(bytes),
                via: subject.via.iter().map(bytes).collect(),
            },
        }
    }

    /// Returns the subject; `None` if the stored bytes were changed.
    pub fn subject(&self) -> Option<Subject> {
        let object = |hex: &Hex| Object::parse(&hex.0).ok();
        Some(Subject {
            exe: match &self.bytes.exe {
                Some(hex) => Some(object(hex)?),
                None => None,
            },
            as_name: self.bytes.as_name.as_ref().map(|hex| hex.0.clone().into()),
            script: match &self.bytes.script {
                Some(hex) => Some(object(hex)?),
                None => None,
            },
            via: self.bytes.via.iter().map(object).collect::<Option<_>>()?,
        })
    }

    /// Returns one line of text.
    pub fn line(&self) -> String {
        let Some(exe) = &self.exe else {
            return "ambit run".to_owned();
        };
        let mut line = exe.clone();
        let mut add = |part: String| line.push_str(&part);
        if let Some(name) = &self.as_name {
            add(format!(" as {name}"));
        }
        if let Some(script) = &self.script {
            add(format!(" running {script}"));
        }
        if !self.via.is_empty() {
            add(format!(" (via {})", self.via.join(", ")));
        }
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_is_restored_from_its_bytes() {
        let path = |text: &str| text::parse_path_object(text).unwrap();
        let subject = Subject {
            exe: Some(path("/bin/a\\x0ab")),
            as_name: Some((*b"\xff\n").into()),
            script: None,
            via: vec![path("deleted:/x"), path("memfd:y")],
        };
        let who = SubjectText::new(&subject);
        let text = serde_json::to_string(&who).unwrap();
        assert!(!text.contains('\n'));
        let read: SubjectText = serde_json::from_str(&text).unwrap();
        assert_eq!(read.subject(), Some(subject));
    }
}
