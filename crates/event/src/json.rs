// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Events as JSON.
//!
//! | field | value |
//! |---|---|
//! | `kind` | `name`, `subject`, `point`, `violation`, `unrepresentable`, `match` |
//! | `time_ns` | nanoseconds of `CLOCK_BOOTTIME` |
//! | `domain` | the domain's slot |
//! | `hook` | the kernel's name of the hook |
//! | `op`, `arg` | the operation and its argument as a number |
//! | `object` | the object's text; null if it has no canonical form |
//! | `rule` | the map's line for it |
//! | `subject`, `key` | fingerprints as 32 hex digits |
//! | `by` | `exe`, `as`, `script`, `via` of the subject; left out if it was not described |
//! | `pid`, `tid` | in the initial pid namespace |
//! | `ns_pid` | in the task's own pid namespace |
//! | `trust` | names of the trust bits that are set |
//! | `mode`, `response`, `reason` | by name |
//! | `extra` | mode bits, if the operation has them |
//! | `count` | violations: number of occurrences so far |
//! | `comm` | the task's name for itself, escaped |

use ambit_abi as abi;
use serde::ser::{Serialize, SerializeStruct, Serializer};

use crate::{Event, Registry, Subject, names, text};

/// An event and its subject, for output.
#[derive(Clone, Debug)]
pub struct Described<'a> {
    event: &'a Event,
    by: Option<Subject>,
}

impl Event {
    /// Adds the subject's description, if the registry has it.
    pub fn described<'a>(&'a self, registry: &Registry) -> Described<'a> {
        Described {
            event: self,
            by: registry.subject(self.subject),
        }
    }
}

impl Described<'_> {
    /// Returns the subject, if it was described.
    pub fn by(&self) -> Option<&Subject> {
        self.by.as_ref()
    }
}

impl Serialize for Event {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        write(self, None, serializer)
    }
}

impl Serialize for Described<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        write(self.event, self.by.as_ref(), serializer)
    }
}

/// Returns the names of the trust bits that are set; `bitN` for those without a name.
pub fn trust_names(trust: u32) -> Vec<String> {
    (0..32)
        .filter(|bit| trust >> bit & 1 == 1)
        .map(|bit| match names::name_of(&names::TRUST_SOURCES, bit) {
            Some(name) => name.to_owned(),
            None if bit == abi::TRUST_RULE => "rule".to_owned(),
            None => format!("bit{bit}"),
        })
        .collect()
}

fn write<S: Serializer>(
    event: &Event,
    by: Option<&Subject>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let op = event.operation.op;
    let mut out = serializer.serialize_struct("Event", 20)?;
    out.serialize_field("kind", event.kind.name())?;
    out.serialize_field("time_ns", &event.time_ns)?;
    out.serialize_field("domain", &event.domain)?;
    out.serialize_field("hook", event.hook.name())?;
    out.serialize_field("op", op.name())?;
    out.serialize_field("arg", &event.operation.arg)?;
    out.serialize_field(
        "object",
        &event.object().map(|object| text::object_text(op, object)),
    )?;
    out.serialize_field("rule", &event.rule())?;
    out.serialize_field("subject", &event.subject.to_string())?;
    match by {
        Some(subject) => out.serialize_field("by", subject)?,
        None => out.skip_field("by")?,
    }
    out.serialize_field("key", &event.key.to_string())?;
    out.serialize_field("pid", &event.tgid)?;
    out.serialize_field("tid", &event.tid)?;
    out.serialize_field("ns_pid", &event.ns_tgid)?;
    out.serialize_field("trust", &trust_names(event.trust))?;
    out.serialize_field("mode", event.mode.name())?;
    out.serialize_field("response", event.response.name())?;
    out.serialize_field("reason", event.reason.name())?;
    out.serialize_field("extra", &event.extra)?;
    out.serialize_field("count", &event.count)?;
    out.serialize_field("comm", &event.comm())?;
    out.end()
}
