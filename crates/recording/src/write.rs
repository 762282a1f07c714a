// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Writes a recording. Each name, subject, task, point and shape is written once and then referred to by its number.

use std::collections::HashMap;
use std::io::{self, Write};

use ambit_abi::{EventKind, Fp};
use ambit_event::{Content, Fork, Loss, Object, RawEvent, RingRecord, Subject};

use crate::frame::{self, Kind};
use crate::varint::{push, push_bytes, zigzag};
use crate::{BYTES_MAX, ENTRIES_MAX, Header, MAGIC, Summary, VERSION, tag};

/// Size at which a frame is written without a flush.
const FRAME: usize = 64 * 1024;

type TaskKey = (u32, u32, u32, [u8; 16]);
type ShapeKey = (u8, u8, u8, u8, u32, u32);
/// A point: its key and hook, and if the key is zero, the rest.
type PointKey = (Fp, u8, Option<Box<Unkeyed>>);

#[derive(PartialEq, Eq, Hash)]
struct Unkeyed {
    subject: Fp,
    op: u16,
    arg: u32,
    object: Box<[u8]>,
}

/// The numbers assigned so far, and the reader's memory for them.
#[derive(Default)]
struct Dictionary {
    names: HashMap<Object, u64>,
    subjects: HashMap<Fp, u64>,
    tasks: HashMap<TaskKey, u64>,
    points: HashMap<PointKey, u64>,
    shapes: HashMap<ShapeKey, u64>,
    bytes: usize,
    time_ns: u64,
    last_task: u64,
    last_shape: u64,
}

impl Dictionary {
    fn is_full(&self) -> bool {
        let entries = [
            self.names.len(),
            self.subjects.len(),
            self.tasks.len(),
            self.points.len(),
            self.shapes.len(),
        ];
        // One record defines only a few entries.
        entries.into_iter().any(|len| len + 16 > ENTRIES_MAX) || self.bytes + 65_536 > BYTES_MAX
    }
}

/// The writer of a recording.
pub struct Writer<W> {
    out: W,
    frame: Vec<u8>,
    known: Dictionary,
    /// Forks for the next frame. They precede the events, because a child acts after its fork.
    forks: Vec<u8>,
    events: u64,
}

impl<W> std::fmt::Debug for Writer<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Writer")
            .field("events", &self.events)
            .finish_non_exhaustive()
    }
}

impl<W: Write> Writer<W> {
    /// Writes the beginning and the header.
    ///
    /// # Errors
    /// Writing failed.
    pub fn new(mut out: W, header: &Header) -> io::Result<Self> {
        let mut start = MAGIC.to_vec();
        start.extend(VERSION.to_le_bytes());
        out.write_all(&start)?;
        frame::write(&mut out, Kind::Header, &serde_json::to_vec(header)?)?;
        Ok(Self {
            out,
            frame: Vec::with_capacity(FRAME + 8192),
            known: Dictionary::default(),
            forks: Vec::new(),
            events: 0,
        })
    }

    /// Returns the number of events.
    pub const fn events(&self) -> u64 {
        self.events
    }

    /// Appends a record of the ring. `subject_of` returns the subject of a fingerprint. The result is false for unreadable
    /// records and for those that are not operations; forks are written all the same.
    ///
    /// # Errors
    /// Writing failed.
    pub fn record(
        &mut self,
        record: &RingRecord<'_>,
        subject_of: impl FnOnce(Fp) -> Option<Subject>,
    ) -> io::Result<bool> {
        if let Some(fork) = record.fork() {
            self.fork(fork)?;
            return Ok(false);
        }
        if matches!(record.kind(), EventKind::Name | EventKind::Subject) {
            return Ok(false);
        }
        let raw = record.raw();
        let header = &raw.header;
        if self.known.is_full() {
            self.known = Dictionary::default();
            push(&mut self.frame, tag::FORGET);
        }
        let Some(point) = self.point(record, subject_of) else {
            return Ok(false);
        };
        let shape = self.shape(raw);
        let task = self.task(raw);
        let known = &mut self.known;
        let mut number = point << 2;
        if shape != known.last_shape {
            number |= tag::OTHER_SHAPE;
        }
        if task != known.last_task {
            number |= tag::OTHER_TASK;
        }
        push(&mut self.frame, number + tag::EVENT);
        if shape != known.last_shape {
            push(&mut self.frame, shape);
            known.last_shape = shape;
        }
        if task != known.last_task {
            push(&mut self.frame, task);
            known.last_task = task;
        }
        push(&mut self.frame, zigzag(known.time_ns, header.time_ns));
        known.time_ns = header.time_ns;
        if record.kind() == EventKind::Violation {
            push(&mut self.frame, header.count.into());
        }
        self.events += 1;
        if self.frame.len() >= FRAME {
            self.flush()?;
        }
        Ok(true)
    }

    /// Appends a fork.
    fn fork(&mut self, fork: Fork) -> io::Result<()> {
        for number in [fork.parent.into(), fork.child.into(), fork.time_ns] {
            push(&mut self.forks, number);
        }
        if self.forks.len() >= FRAME {
            self.flush()?;
        }
        Ok(())
    }

    fn point(
        &mut self,
        record: &RingRecord<'_>,
        subject_of: impl FnOnce(Fp) -> Option<Subject>,
    ) -> Option<u64> {
        let raw = record.raw();
        let header = &raw.header;
        let rest = header.key.is_zero().then(|| {
            Box::new(Unkeyed {
                subject: header.subject,
                op: header.op,
                arg: header.arg,
                object: raw.object.into(),
            })
        });
        let key = (header.key, header.hook, rest);
        if let Some(known) = self.known.points.get(&key) {
            return Some(*known);
        }
        let event = record.event().ok()?;
        let subject = self.subject(header.subject, subject_of);
        push(&mut self.frame, tag::POINT);
        push(&mut self.frame, header.hook.into());
        push(&mut self.frame, header.op.into());
        push(&mut self.frame, header.arg.into());
        push(&mut self.frame, subject);
        let exact = matches!(event.content, Content::Object(_));
        push(&mut self.frame, u64::from(!exact));
        push_bytes(&mut self.frame, raw.object);
        self.known.bytes += raw.object.len();
        let number = self.known.points.len() as u64;
        self.known.points.insert(key, number);
        Some(number)
    }

    /// Returns the subject's number plus 1, or 0 if it was never described.
    fn subject(&mut self, fp: Fp, subject_of: impl FnOnce(Fp) -> Option<Subject>) -> u64 {
        if let Some(known) = self.known.subjects.get(&fp) {
            return *known;
        }
        let Some(subject) = subject_of(fp) else {
            return 0;
        };
        let exe = self.name(subject.exe.as_ref());
        let script = self.name(subject.script.as_ref());
        let via: Vec<u64> = subject.via.iter().map(|via| self.name(Some(via))).collect();
        push(&mut self.frame, tag::SUBJECT);
        push(&mut self.frame, exe);
        push(&mut self.frame, script);
        push(&mut self.frame, via.len() as u64);
        for name in via {
            push(&mut self.frame, name);
        }
        push_bytes(
            &mut self.frame,
            subject.as_name.as_deref().unwrap_or_default(),
        );
        let number = self.known.subjects.len() as u64 + 1;
        self.known.subjects.insert(fp, number);
        number
    }

    /// Returns the name's number plus 1, or 0 for none.
    fn name(&mut self, name: Option<&Object>) -> u64 {
        let Some(name) = name else { return 0 };
        if let Some(known) = self.known.names.get(name) {
            return *known;
        }
        let bytes = name.to_bytes();
        push(&mut self.frame, tag::NAME);
        push_bytes(&mut self.frame, &bytes);
        self.known.bytes += bytes.len();
        let number = self.known.names.len() as u64 + 1;
        self.known.names.insert(name.clone(), number);
        number
    }

    fn shape(&mut self, raw: &RawEvent<'_>) -> u64 {
        let header = &raw.header;
        let key = (
            header.kind,
            header.mode,
            header.response,
            header.reason,
            header.trust,
            header.extra,
        );
        if let Some(known) = self.known.shapes.get(&key) {
            return *known;
        }
        push(&mut self.frame, tag::SHAPE);
        for byte in [header.kind, header.mode, header.response, header.reason] {
            push(&mut self.frame, byte.into());
        }
        push(&mut self.frame, header.trust.into());
        push(&mut self.frame, header.extra.into());
        let number = self.known.shapes.len() as u64;
        self.known.shapes.insert(key, number);
        number
    }

    fn task(&mut self, raw: &RawEvent<'_>) -> u64 {
        let header = &raw.header;
        let key = (header.tgid, header.tid, header.ns_tgid, header.comm);
        if let Some(known) = self.known.tasks.get(&key) {
            return *known;
        }
        push(&mut self.frame, tag::TASK);
        for number in [header.tgid, header.tid, header.ns_tgid] {
            push(&mut self.frame, number.into());
        }
        let comm = header.comm.split(|byte| *byte == 0).next();
        push_bytes(&mut self.frame, comm.unwrap_or_default());
        let number = self.known.tasks.len() as u64;
        self.known.tasks.insert(key, number);
        number
    }

    /// Writes all appended records. After that they survive the end of this process.
    ///
    /// # Errors
    /// Writing failed.
    pub fn flush(&mut self) -> io::Result<()> {
        if !self.forks.is_empty() {
            let written = frame::write(&mut self.out, Kind::Forks, &self.forks);
            self.forks.clear();
            written?;
        }
        if self.frame.is_empty() {
            return Ok(());
        }
        let written = frame::write(&mut self.out, Kind::Events, &self.frame);
        self.frame.clear();
        written
    }

    /// Writes the losses so far.
    ///
    /// # Errors
    /// Writing failed.
    pub fn losses(&mut self, losses: &[Loss]) -> io::Result<()> {
        self.flush()?;
        frame::write(&mut self.out, Kind::Losses, &serde_json::to_vec(losses)?)
    }

    /// Writes the end.
    ///
    /// # Errors
    /// Writing failed.
    pub fn end(mut self, summary: &Summary) -> io::Result<W> {
        self.flush()?;
        frame::write(&mut self.out, Kind::End, &serde_json::to_vec(summary)?)?;
        self.out.flush()?;
        Ok(self.out)
    }
}
