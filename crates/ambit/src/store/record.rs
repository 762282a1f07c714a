// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What is kept of a run and of a violation; the same is written with `--json`.

use ambit_abi::{EventKind, Fp, Hook, Mode, Op, Reason, Response};
use ambit_event::{Content, Event, Object, Operation, Subject, escape, text, trust_names};
use serde::{Deserialize, Serialize};

use super::Clock;

/// A run, as it began.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Run {
    /// Version of these lines.
    pub(crate) ambit: u32,
    pub(crate) domain: String,
    /// `audit` or `enforce`.
    pub(crate) mode: String,
    /// The map's path, absolute; escaped as [`escape::name`] does.
    pub(crate) map: String,
    /// The same, byte by byte.
    pub(crate) map_bytes: Hex,
    /// The command line, each word escaped.
    pub(crate) command: Vec<String>,
    /// UTC.
    pub(crate) began: String,
}

/// How it ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct End {
    /// UTC.
    pub(crate) ended: String,
    /// Violations that there was no room for.
    pub(crate) dropped: u64,
    /// Records that the ring had no room for.
    pub(crate) lost: u64,
}

/// Who acted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, Hash)]
pub(crate) struct Who {
    /// `null` for Ambit itself, which starts the command.
    pub(crate) exe: Option<String>,
    #[serde(rename = "as")]
    pub(crate) as_name: Option<String>,
    pub(crate) script: Option<String>,
    pub(crate) via: Vec<String>,
    /// The same, byte by byte.
    pub(crate) bytes: WhoBytes,
}

/// The canonical bytes behind a [`Who`], in hex.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, Hash)]
pub(crate) struct WhoBytes {
    exe: Option<Hex>,
    #[serde(rename = "as")]
    as_name: Option<Hex>,
    script: Option<Hex>,
    via: Vec<Hex>,
}

/// What cost the task its trust, where it was untrusted before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FirstCause {
    /// The trust bit's name.
    pub(crate) source: String,
    /// The violation of this run that it was.
    pub(crate) violation: Option<String>,
    pub(crate) pid: u32,
    /// UTC.
    pub(crate) time: String,
}

/// Something outside the map.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Violation {
    /// `v1`, `v2` and so on, in the order of first occurrence.
    pub(crate) id: String,
    /// The line that the map does not have.
    pub(crate) rule: String,
    pub(crate) op: String,
    pub(crate) arg: u32,
    /// The object's text; `null` where it has no canonical form.
    pub(crate) object: Option<String>,
    /// The object's canonical bytes, or what there is of them.
    pub(crate) object_bytes: Hex,
    /// `null` where its description was lost.
    pub(crate) by: Option<Who>,
    pub(crate) hook: String,
    pub(crate) mode: String,
    /// What was done about it.
    pub(crate) response: String,
    pub(crate) reason: String,
    /// Trust bits after it.
    pub(crate) trust: Vec<String>,
    pub(crate) cause: Option<FirstCause>,
    pub(crate) pid: u32,
    pub(crate) tid: u32,
    pub(crate) ns_pid: u32,
    pub(crate) comm: String,
    /// UTC.
    pub(crate) time: String,
    pub(crate) time_ns: u64,
    /// How often, so far.
    pub(crate) count: u32,
    /// The point's fingerprint: the same as long as the kernel part stays loaded.
    #[serde(default)]
    pub(crate) key: String,
}

impl Violation {
    pub(crate) fn new(id: String, event: &Event, by: Option<&Subject>, clock: Clock) -> Self {
        let op = event.operation.op;
        Self {
            id,
            rule: event.rule(),
            op: op.name().to_owned(),
            arg: event.operation.arg,
            object: event.object().map(|object| text::object_text(op, object)),
            object_bytes: Hex(match &event.content {
                Content::Object(object) => object.to_bytes(),
                Content::Unrepresentable(bytes) => bytes.to_vec(),
                _ => Vec::new(),
            }),
            by: by.map(Who::new),
            hook: event.hook.name().to_owned(),
            mode: event.mode.name().to_owned(),
            response: event.response.name().to_owned(),
            reason: event.reason.name().to_owned(),
            trust: trust_names(event.trust),
            cause: None,
            pid: event.tgid,
            tid: event.tid,
            ns_pid: event.ns_tgid,
            comm: event.comm(),
            time: clock.utc(event.time_ns),
            time_ns: event.time_ns,
            count: event.count.max(1),
            key: event.key.to_string(),
        }
    }

    /// The event, as far as it matters for explaining and accepting; `None` where the file was tampered with.
    pub(crate) fn event(&self) -> Option<ambit_model::Violation> {
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
            hook: Hook::from_name(&self.hook)?,
            domain: 0,
            operation: Operation {
                op: Op::from_name(&self.op)?,
                arg: self.arg,
            },
            content,
            mode: Mode::from_name(&self.mode)?,
            response: Response::from_name(&self.response)?,
            reason: Reason::from_name(&self.reason)?,
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
        Some(ambit_model::Violation { event, subject })
    }
}

impl Who {
    pub(crate) fn new(subject: &Subject) -> Self {
        let text = |object: &Object| text::object_text(Op::Name, object);
        let bytes = |object: &Object| Hex(object.to_bytes());
        Self {
            exe: subject.exe.as_ref().map(text),
            as_name: subject.as_name.as_deref().map(escape::name),
            script: subject.script.as_ref().map(text),
            via: subject.via.iter().map(text).collect(),
            bytes: WhoBytes {
                exe: subject.exe.as_ref().map(bytes),
                as_name: subject.as_name.as_deref().map(|name| Hex(name.to_vec())),
                script: subject.script.as_ref().map(bytes),
                via: subject.via.iter().map(bytes).collect(),
            },
        }
    }

    /// The subject itself; `None` where the file was tampered with.
    pub(crate) fn subject(&self) -> Option<Subject> {
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

    /// One line for people.
    pub(crate) fn line(&self) -> String {
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

/// Bytes, written in hex.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Hex(pub(crate) Vec<u8>);

impl Serialize for Hex {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex(&self.0))
    }
}

impl<'de> Deserialize<'de> for Hex {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        unhex(&text)
            .map(Self)
            .ok_or_else(|| serde::de::Error::custom("expected pairs of hex digits"))
    }
}

/// Bytes as hex digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut out, byte| {
            let _ = write!(out, "{byte:02x}");
            out
        })
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    text.as_bytes()
        .chunks(2)
        .map(|pair| {
            let digit = |at: usize| char::from(*pair.get(at)?).to_digit(16);
            u8::try_from(digit(0)? * 16 + digit(1)?).ok()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_comes_back_byte_by_byte() {
        let path = |text: &str| text::parse_path_object(text).unwrap();
        let subject = Subject {
            exe: Some(path("/bin/a\\x0ab")),
            as_name: Some((*b"\xff\n").into()),
            script: None,
            via: vec![path("deleted:/x"), path("memfd:y")],
        };
        let who = Who::new(&subject);
        let text = serde_json::to_string(&who).unwrap();
        assert!(!text.contains('\n'));
        let read: Who = serde_json::from_str(&text).unwrap();
        assert_eq!(read.subject(), Some(subject));
    }
}
