// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Records of a domain's ring: raw, and as checked events.

use ambit_abi::{self as abi, EventKind, Fp, Hook, Mode, OPEN_EXEC, Op, Reason, Response};
use zerocopy::FromBytes;

use crate::{Object, ObjectError, Operation, RecordError, SubjectRecord};

/// A record of the ring: a copy of the header, and the object's bytes. Only its lengths have been checked.
#[derive(Clone, Copy, Debug)]
pub struct RawEvent<'a> {
    /// The header.
    pub header: abi::Event,
    /// The object's bytes.
    pub object: &'a [u8],
}

impl<'a> RawEvent<'a> {
    /// Reads a record; bytes after the object are ignored, as the ring pads records.
    #[inline]
    pub fn parse(record: &'a [u8]) -> Result<Self, RecordError> {
        let (header, rest) =
            abi::Event::read_from_prefix(record).map_err(|_| RecordError::Short {
                found: record.len(),
            })?;
        let expected = usize::from(header.object_len);
        let object = rest.get(..expected).ok_or(RecordError::Truncated {
            found: rest.len(),
            expected,
        })?;
        Ok(Self { header, object })
    }

    /// Returns the checked event.
    pub fn to_owned(&self) -> Result<Event, RecordError> {
        Event::from_raw(self)
    }
}

/// The content of an event.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Content {
    /// An object.
    Object(Object),
    /// A subject's description.
    Subject(SubjectRecord),
    /// An object without canonical form, as far as its bytes are known.
    Unrepresentable(Box<[u8]>),
}

/// A checked event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The record's kind.
    pub kind: EventKind,
    /// The hook that decided it.
    pub hook: Hook,
    /// The domain's slot.
    pub domain: u16,
    /// The operation.
    pub operation: Operation,
    /// Its object.
    pub content: Content,
    /// The domain's mode.
    pub mode: Mode,
    /// What the kernel part did about it.
    pub response: Response,
    /// Why it was not allowed.
    pub reason: Reason,
    /// `CLOCK_BOOTTIME`.
    pub time_ns: u64,
    /// The point's key.
    pub key: Fp,
    /// Fingerprint of the subject.
    pub subject: Fp,
    /// Process, in the initial pid namespace.
    pub tgid: u32,
    /// Thread, in the initial pid namespace.
    pub tid: u32,
    /// Process, in its own pid namespace.
    pub ns_tgid: u32,
    /// Trust bits after this event.
    pub trust: u32,
    /// Mode bits, if the operation has them.
    pub extra: u32,
    /// Violations: number of occurrences so far.
    pub count: u32,
    /// The task's name for itself. It is hostile.
    pub comm: [u8; 16],
}

impl Event {
    /// Reads a record of the ring.
    pub fn parse(record: &[u8]) -> Result<Self, RecordError> {
        Self::from_raw(&RawEvent::parse(record)?)
    }

    /// Checks a raw event and copies it.
    pub fn from_raw(raw: &RawEvent<'_>) -> Result<Self, RecordError> {
        let header = &raw.header;
        let kind = EventKind::try_from(header.kind)?;
        let operation = Operation {
            op: Op::try_from(header.op)?,
            arg: header.arg,
        };
        if !operation.is_sound() {
            return Err(ObjectError::Value {
                field: "argument",
                value: header.arg,
            }
            .into());
        }
        let reason = Reason::try_from(header.reason)?;
        Ok(Self {
            kind,
            hook: Hook::try_from(header.hook)?,
            domain: header.domain,
            operation,
            content: content(kind, reason, header.key, raw.object)?,
            mode: Mode::try_from(u32::from(header.mode))?,
            response: Response::try_from(header.response)?,
            reason,
            time_ns: header.time_ns,
            key: header.key,
            subject: header.subject,
            tgid: header.tgid,
            tid: header.tid,
            ns_tgid: header.ns_tgid,
            trust: header.trust,
            extra: header.extra,
            count: header.count,
            comm: header.comm,
        })
    }

    /// Returns the object, if it has a canonical form.
    pub fn object(&self) -> Option<&Object> {
        match &self.content {
            Content::Object(object) => Some(object),
            _ => None,
        }
    }

    /// Returns the operation of the line that allows this event. It is `exec` if a file was opened to be executed, except for
    /// the loader of dynamic executables, which is only opened.
    pub fn wanted(&self, object: &Object) -> Operation {
        let opened = self.operation.op == Op::FileOpen && self.operation.arg == OPEN_EXEC;
        if opened && !is_loader(object) {
            Operation::plain(Op::Exec)
        } else {
            self.operation
        }
    }

    /// Returns the line of a map that allows exactly this event. If the object has no canonical form, it is the operation
    /// and the known bytes.
    pub fn rule(&self) -> String {
        match &self.content {
            Content::Object(object) => self.wanted(object).rule(object),
            Content::Unrepresentable(bytes) => {
                let mut out = String::new();
                self.operation
                    .write_rule_text(&crate::escape::name(bytes), &mut out);
                out
            }
            Content::Subject(_) => self.operation.op.name().to_owned(),
        }
    }

    /// Returns the task's name for itself, escaped.
    pub fn comm(&self) -> String {
        crate::escape::comm(&self.comm)
    }
}

fn content(kind: EventKind, reason: Reason, key: Fp, bytes: &[u8]) -> Result<Content, RecordError> {
    if kind == EventKind::Subject {
        let expected = size_of::<abi::Subject>();
        return SubjectRecord::parse(bytes)
            .map(Content::Subject)
            .ok_or(RecordError::Truncated {
                found: bytes.len(),
                expected,
            });
    }
    // An object without canonical form has no key. The reason may be another one, such as a gate's.
    let may_be_cut = kind == EventKind::Unrepresentable
        || key.is_zero()
        || matches!(
            reason,
            Reason::TooLong | Reason::Unreachable | Reason::ShortAddress | Reason::NoScratch
        );
    if may_be_cut {
        return Ok(Content::Unrepresentable(bytes.into()));
    }
    match Object::parse(bytes) {
        Ok(object) => Ok(Content::Object(object)),
        Err(_) if kind == EventKind::Violation => Ok(Content::Unrepresentable(bytes.into())),
        Err(error) => Err(error.into()),
    }
}

/// True for a loader of dynamic executables, by its name: `ld-linux-x86-64.so.2`, `ld-musl-x86_64.so.1`.
fn is_loader(object: &Object) -> bool {
    let Object::Path(path) = object else {
        return false;
    };
    let name = path.file_name();
    name.starts_with(b"ld") && name.windows(3).any(|w| w == b".so")
}
