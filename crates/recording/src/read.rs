// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Reads a recording from its beginning to the last complete frame.

use std::io::{self, Read};

use ambit_abi::{EventKind, Fp, Hook, Mode, Op, Reason, Response};
use ambit_event::{Content, Event, Fork, Loss, Object, Operation, Subject};

use crate::frame::{self, Frame, HEAD, Kind, START};
use crate::varint::{Cursor, unzigzag};
use crate::{BYTES_MAX, ENTRIES_MAX, Header, MAGIC, Summary, VERSION, tag};

/// The recording cannot be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Reading failed.
    #[error("reading the recording")]
    Io(#[from] io::Error),
    /// The file does not begin with [`MAGIC`].
    #[error("not a recording: it does not begin with `AMBITREC`")]
    NotRecording,
    /// The recording has a later version.
    #[error(
        "the recording was written by a newer Ambit (format {0}; this one reads up to {VERSION})"
    )]
    Version(u32),
    /// The header is incomplete or damaged.
    #[error("the recording ends or is damaged within its header")]
    Header,
}

/// An item of a recording.
#[derive(Clone, Debug, PartialEq)]
pub enum Item {
    /// An operation.
    Event(EventAt),
    /// All numbers of points, shapes and tasks so far are void. The caller forgets everything that it stored by them.
    Forget,
    /// A new process. It precedes the operations of about the same time.
    Fork(Fork),
    /// Missing operations so far, by hook.
    Losses(Vec<Loss>),
}

/// An operation. Its parts are numbers, for [`Reader::point`], [`Reader::shape`] and [`Reader::task`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventAt {
    /// Number of its point.
    pub point: usize,
    /// Number of its shape.
    pub shape: usize,
    /// Number of its task.
    pub task: usize,
    /// Nanoseconds of `CLOCK_BOOTTIME`.
    pub time_ns: u64,
    /// Violations: number of occurrences so far.
    pub count: u32,
}

/// A point: a subject, an operation and an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Point {
    /// The hook that decided it.
    pub hook: Hook,
    /// The operation.
    pub operation: Operation,
    /// Its object.
    pub content: Content,
    /// The subject; `None` if it was never described, and for digests, which belong to the domain.
    pub subject: Option<Subject>,
}

/// The decision about an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// First occurrence, repetition or violation.
    pub kind: EventKind,
    /// The domain's mode.
    pub mode: Mode,
    /// The kernel part's response.
    pub response: Response,
    /// Why it was not allowed.
    pub reason: Reason,
    /// The task's trust bits.
    pub trust: u32,
    /// Mode bits, if the operation has them.
    pub extra: u32,
}

/// A task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Task {
    /// Process, in the initial pid namespace.
    pub tgid: u32,
    /// Thread, in the initial pid namespace.
    pub tid: u32,
    /// Process, in its own pid namespace.
    pub ns_tgid: u32,
    /// Its name for itself. It is hostile.
    pub comm: [u8; 16],
}

/// The end of reading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The recording is complete.
    End(Summary),
    /// The writer was killed or is still writing.
    Cut {
        /// Length of all complete frames.
        whole: u64,
        /// Bytes of the incomplete frame.
        rest: u64,
    },
    /// A frame is damaged; nothing after it is read.
    Damaged {
        /// Length of all complete frames.
        whole: u64,
    },
}

/// An entry of a frame of events.
enum Entry {
    Item(Item),
    Definition,
}

#[derive(Debug, Default)]
struct Dictionary {
    names: Vec<Object>,
    subjects: Vec<Subject>,
    tasks: Vec<Task>,
    points: Vec<Point>,
    shapes: Vec<Shape>,
    bytes: usize,
    time_ns: u64,
    last_task: usize,
    last_shape: usize,
}

/// Reads a recording once.
#[derive(Debug)]
pub struct Reader<R> {
    source: R,
    header: Header,
    payload: Vec<u8>,
    cursor: Cursor,
    /// The current payload has forks instead of events.
    forks: bool,
    whole: u64,
    known: Dictionary,
    /// The dictionary is cleared before the next item.
    forgets: bool,
    events: u64,
    stop: Option<Stop>,
    ops: Vec<(u16, Op)>,
    hooks: Vec<(u8, Hook)>,
}

impl<R: Read> Reader<R> {
    /// Opens a recording.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn new(mut source: R) -> Result<Self, OpenError> {
        let mut start = [0; START];
        let found = frame::fill(&mut source, &mut start)?;
        let (magic, version) = start.split_at(MAGIC.len());
        if found < START || magic != MAGIC {
            return Err(OpenError::NotRecording);
        }
        let version = version.try_into().map_or(0, u32::from_le_bytes);
        if version == 0 || version > VERSION {
            return Err(OpenError::Version(version));
        }
        let mut payload = Vec::new();
        let Frame::Whole(Kind::Header) = frame::read(&mut source, &mut payload)? else {
            return Err(OpenError::Header);
        };
        let header: Header = serde_json::from_slice(&payload).map_err(|_| OpenError::Header)?;
        let whole = START + HEAD + payload.len();
        payload.clear();
        Ok(Self {
            ops: header
                .ops
                .iter()
                .filter_map(|(number, name)| Some((*number, op_of(name)?)))
                .collect(),
            hooks: header
                .hooks
                .iter()
                .filter_map(|(number, name)| Some((*number, Hook::from_name(name)?)))
                .collect(),
            source,
            header,
            payload,
            cursor: Cursor::default(),
            forks: false,
            whole: u64::try_from(whole).unwrap_or(u64::MAX),
            known: Dictionary::default(),
            forgets: false,
            events: 0,
            stop: None,
        })
    }

    /// Returns the recording's header.
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// Returns the length of the complete frames read so far.
    pub const fn read_bytes(&self) -> u64 {
        self.whole
    }

    /// Returns the number of events read so far.
    pub const fn events(&self) -> u64 {
        self.events
    }

    /// Returns the end of reading; `None` before it.
    pub const fn stop(&self) -> Option<&Stop> {
        self.stop.as_ref()
    }

    /// Returns the point of a number in [`EventAt`].
    pub fn point(&self, number: usize) -> Option<&Point> {
        self.known.points.get(number)
    }

    /// Returns the shape of a number in [`EventAt`].
    pub fn shape(&self, number: usize) -> Option<&Shape> {
        self.known.shapes.get(number)
    }

    /// Returns the task of a number in [`EventAt`].
    pub fn task(&self, number: usize) -> Option<&Task> {
        self.known.tasks.get(number)
    }

    /// Returns the event and its subject. Fingerprints are not recorded, and zero.
    pub fn event(&self, at: EventAt) -> Option<(Event, Option<&Subject>)> {
        let (point, shape, task) = (
            self.point(at.point)?,
            self.shape(at.shape)?,
            self.task(at.task)?,
        );
        let event = Event {
            kind: shape.kind,
            hook: point.hook,
            domain: 0,
            operation: point.operation,
            content: point.content.clone(),
            mode: shape.mode,
            response: shape.response,
            reason: shape.reason,
            time_ns: at.time_ns,
            key: Fp::ZERO,
            subject: Fp::ZERO,
            tgid: task.tgid,
            tid: task.tid,
            ns_tgid: task.ns_tgid,
            trust: shape.trust,
            extra: shape.extra,
            count: at.count,
            comm: task.comm,
        };
        Some((event, point.subject.as_ref()))
    }

    /// Returns the next item; `None` at the end, see [`Reader::stop`].
    ///
    /// # Errors
    /// Reading failed.
    #[inline]
    pub fn next_item(&mut self) -> io::Result<Option<Item>> {
        if std::mem::take(&mut self.forgets) {
            self.known = Dictionary::default();
        }
        loop {
            if self.stop.is_some() {
                return Ok(None);
            }
            if self.cursor.at < self.payload.len() {
                let entry = if self.forks {
                    self.fork()
                } else {
                    self.entry()
                };
                match entry {
                    Some(Entry::Item(item)) => return Ok(Some(item)),
                    Some(Entry::Definition) => {}
                    None => self.damaged(),
                }
                continue;
            }
            if let Some(item) = self.next_frame()? {
                return Ok(Some(item));
            }
        }
    }

    /// Stops at the current frame, which does not count as complete.
    fn damaged(&mut self) {
        let length = u64::try_from(HEAD + self.payload.len()).unwrap_or(u64::MAX);
        self.stop = Some(Stop::Damaged {
            whole: self.whole.saturating_sub(length),
        });
    }

    fn next_frame(&mut self) -> io::Result<Option<Item>> {
        self.payload.clear();
        self.cursor = Cursor::default();
        let whole = self.whole;
        let kind = match frame::read(&mut self.source, &mut self.payload)? {
            Frame::Whole(kind) => kind,
            Frame::Nothing => {
                self.stop = Some(Stop::Cut { whole, rest: 0 });
                return Ok(None);
            }
            Frame::Cut(rest) => {
                self.stop = Some(Stop::Cut { whole, rest });
                return Ok(None);
            }
            Frame::Damaged => {
                self.stop = Some(Stop::Damaged { whole });
                return Ok(None);
            }
        };
        let length = u64::try_from(HEAD + self.payload.len()).unwrap_or(u64::MAX);
        self.whole = whole.saturating_add(length);
        self.forks = kind == Kind::Forks;
        match kind {
            Kind::Events | Kind::Forks => return Ok(None),
            Kind::Losses => {
                let losses = serde_json::from_slice(&self.payload);
                self.cursor.at = self.payload.len();
                if let Ok(losses) = losses {
                    return Ok(Some(Item::Losses(losses)));
                }
                self.damaged();
            }
            Kind::End => match serde_json::from_slice(&self.payload) {
                Ok(summary) => self.stop = Some(Stop::End(summary)),
                Err(_) => self.damaged(),
            },
            // There is only one header.
            Kind::Header => self.damaged(),
            Kind::Other => self.cursor.at = self.payload.len(),
        }
        Ok(None)
    }

    /// Reads the next fork; `None` if it is damaged.
    fn fork(&mut self) -> Option<Entry> {
        let Self {
            payload, cursor, ..
        } = self;
        Some(Entry::Item(Item::Fork(Fork {
            parent: cursor.small(payload)?,
            child: cursor.small(payload)?,
            time_ns: cursor.number(payload)?,
        })))
    }

    /// Reads the next entry; `None` if it is damaged.
    #[inline]
    fn entry(&mut self) -> Option<Entry> {
        let Self {
            payload,
            cursor,
            known,
            ..
        } = self;
        let number = cursor.number(payload)?;
        if let Some(event) = number.checked_sub(tag::EVENT) {
            let point = usize::try_from(event >> 2).ok()?;
            if event & tag::OTHER_SHAPE != 0 {
                known.last_shape = cursor.small(payload)?;
            }
            if event & tag::OTHER_TASK != 0 {
                known.last_task = cursor.small(payload)?;
            }
            known.time_ns = unzigzag(known.time_ns, cursor.number(payload)?);
            let shape = known.shapes.get(known.last_shape)?;
            let violation = shape.kind == EventKind::Violation;
            let count = if violation { cursor.small(payload)? } else { 0 };
            if point >= known.points.len() || known.last_task >= known.tasks.len() {
                return None;
            }
            self.events += 1;
            return Some(Entry::Item(Item::Event(EventAt {
                point,
                shape: known.last_shape,
                task: known.last_task,
                time_ns: known.time_ns,
                count,
            })));
        }
        if number == tag::FORGET {
            self.forgets = true;
            return Some(Entry::Item(Item::Forget));
        }
        self.define(number)?;
        Some(Entry::Definition)
    }

    fn define(&mut self, number: u64) -> Option<()> {
        let Self {
            payload: bytes,
            cursor,
            known,
            ..
        } = self;
        match number {
            tag::NAME => {
                let name = cursor.bytes(bytes)?;
                known.bytes += name.len();
                add(&mut known.names, Object::parse(name).ok()?)?;
            }
            tag::SUBJECT => {
                let exe = name_or_none(known, cursor.number(bytes)?).ok()?;
                let script = name_or_none(known, cursor.number(bytes)?).ok()?;
                let mut via = Vec::new();
                for _ in 0..cursor.number(bytes)? {
                    via.push(name_or_none(known, cursor.number(bytes)?).ok()??);
                    if via.len() > ambit_abi::CHAIN_MAX {
                        return None;
                    }
                }
                let as_name = cursor.bytes(bytes)?;
                let as_name = (!as_name.is_empty()).then(|| as_name.into());
                let subject = Subject {
                    exe,
                    as_name,
                    script,
                    via,
                };
                add(&mut known.subjects, subject)?;
            }
            tag::TASK => {
                let mut task = Task {
                    tgid: cursor.small(bytes)?,
                    tid: cursor.small(bytes)?,
                    ns_tgid: cursor.small(bytes)?,
                    comm: [0; 16],
                };
                let name = cursor.bytes(bytes)?;
                task.comm.get_mut(..name.len())?.copy_from_slice(name);
                add(&mut known.tasks, task)?;
            }
            tag::SHAPE => {
                let shape = Shape {
                    kind: EventKind::try_from(cursor.small::<u8>(bytes)?).ok()?,
                    mode: Mode::try_from(cursor.small::<u32>(bytes)?).ok()?,
                    response: Response::try_from(cursor.small::<u8>(bytes)?).ok()?,
                    reason: Reason::try_from(cursor.small::<u8>(bytes)?).ok()?,
                    trust: cursor.small(bytes)?,
                    extra: cursor.small(bytes)?,
                };
                add(&mut known.shapes, shape)?;
            }
            tag::POINT => return self.define_point(),
            _ => return None,
        }
        (known.bytes <= BYTES_MAX).then_some(())
    }

    fn define_point(&mut self) -> Option<()> {
        let Self {
            payload: bytes,
            cursor,
            known,
            ops,
            hooks,
            ..
        } = self;
        let hook: u8 = cursor.small(bytes)?;
        let op: u16 = cursor.small(bytes)?;
        let operation = Operation {
            op: ops.iter().find(|(number, _)| *number == op)?.1,
            arg: cursor.small(bytes)?,
        };
        let subject: usize = cursor.small(bytes)?;
        let exact = cursor.number(bytes)? == 0;
        let object = cursor.bytes(bytes)?;
        known.bytes += object.len();
        let point = Point {
            hook: hooks.iter().find(|(number, _)| *number == hook)?.1,
            operation,
            content: if exact {
                Content::Object(Object::parse(object).ok()?)
            } else {
                Content::Unrepresentable(object.into())
            },
            subject: match subject.checked_sub(1) {
                None => None,
                Some(number) => Some(known.subjects.get(number)?.clone()),
            },
        };
        (operation.is_sound() && known.bytes <= BYTES_MAX).then_some(())?;
        add(&mut known.points, point)
    }
}

fn op_of(name: &str) -> Option<Op> {
    Op::ALL.iter().copied().find(|op| op.name() == name)
}

/// Appends to a list of bounded length; `None` if it is full, so that a damaged file cannot exhaust the memory.
fn add<T>(list: &mut Vec<T>, one: T) -> Option<()> {
    (list.len() < ENTRIES_MAX).then(|| list.push(one))
}

/// No name has this number.
struct NoSuchName;

/// Returns the name of a number plus 1; none for 0.
fn name_or_none(known: &Dictionary, number: u64) -> Result<Option<Object>, NoSuchName> {
    let Some(number) = number.checked_sub(1) else {
        return Ok(None);
    };
    let name = usize::try_from(number)
        .ok()
        .and_then(|number| known.names.get(number));
    name.cloned().map(Some).ok_or(NoSuchName)
}
