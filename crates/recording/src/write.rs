// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Writing: everything is said once and then by its number.

use std::collections::HashMap;
use std::io::{self, Write};

use ambit_abi::{Event, EventKind, Fp};
use ambit_event::{Content, Object, RawEvent, Subject};

use crate::frame::{self, Kind};
use crate::varint::{push, push_bytes, zigzag};
use crate::{BYTES_MAX, ENTRIES_MAX, Header, Loss, MAGIC, Summary, VERSION, tag};

/// A frame is written when it has this many bytes, or when it is flushed.
const FRAME: usize = 64 * 1024;

type TaskKey = (u32, u32, u32, [u8; 16]);
type ShapeKey = (u8, u8, u8, u8, u32, u32);
/// A point by its key, which is zero where it has none; then the rest tells it.
type PointKey = (Fp, u8, Option<Box<Unkeyed>>);

#[derive(PartialEq, Eq, Hash)]
struct Unkeyed {
    subject: Fp,
    op: u16,
    arg: u32,
    object: Box<[u8]>,
}

/// Numbers that were given, and how much the reader has to keep for them.
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
        // One record defines a few at most.
        entries.into_iter().any(|len| len + 16 > ENTRIES_MAX) || self.bytes + 65_536 > BYTES_MAX
    }
}

/// Writes a recording.
pub struct Writer<W> {
    out: W,
    frame: Vec<u8>,
    known: Dictionary,
    /// Those that are not written yet; they go before the frame, since a child does nothing before it was made.
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
    /// Begins a recording.
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

    /// How many events were written.
    pub const fn events(&self) -> u64 {
        self.events
    }

    /// Takes in a record of the ring; `who` knows subjects. False for what is no operation (forks are kept all the same)
    /// and for what can't be read.
    ///
    /// # Errors
    /// Writing failed.
    pub fn record(
        &mut self,
        raw: &RawEvent<'_>,
        who: impl FnOnce(Fp) -> Option<Subject>,
    ) -> io::Result<bool> {
        let header = &raw.header;
        if header.kind == EventKind::Fork as u8 {
            self.fork(header)?;
            return Ok(false);
        }
        let operation = matches!(
            EventKind::try_from(header.kind),
            Ok(EventKind::Point
                | EventKind::Match
                | EventKind::Violation
                | EventKind::Unrepresentable)
        );
        if !operation {
            return Ok(false);
        }
        if self.known.is_full() {
            self.known = Dictionary::default();
            push(&mut self.frame, tag::FORGET);
        }
        let Some(point) = self.point(raw, who) else {
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
        if header.kind == EventKind::Violation as u8 {
            push(&mut self.frame, header.count.into());
        }
        self.events += 1;
        if self.frame.len() >= FRAME {
            self.flush()?;
        }
        Ok(true)
    }

    /// A process was made: by whom, which, and when.
    fn fork(&mut self, header: &Event) -> io::Result<()> {
        for number in [header.tgid.into(), header.extra.into(), header.time_ns] {
            push(&mut self.forks, number);
        }
        if self.forks.len() >= FRAME {
            self.flush()?;
        }
        Ok(())
    }

    fn point(
        &mut self,
        raw: &RawEvent<'_>,
        who: impl FnOnce(Fp) -> Option<Subject>,
    ) -> Option<u64> {
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
        let event = raw.to_owned().ok()?;
        let subject = self.subject(header.subject, who);
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

    /// One more than the subject's number, or 0 for one that was never described.
    fn subject(&mut self, fp: Fp, who: impl FnOnce(Fp) -> Option<Subject>) -> u64 {
        if let Some(known) = self.known.subjects.get(&fp) {
            return *known;
        }
        let Some(subject) = who(fp) else { return 0 };
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

    /// One more than the name's number, or 0 for none.
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

    /// Writes what is not written yet: from then on it outlives this process.
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

    /// Says what is missing so far.
    ///
    /// # Errors
    /// Writing failed.
    pub fn losses(&mut self, losses: &[Loss]) -> io::Result<()> {
        self.flush()?;
        frame::write(&mut self.out, Kind::Losses, &serde_json::to_vec(losses)?)
    }

    /// Ends the recording.
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
