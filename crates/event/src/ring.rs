// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Records of a domain's ring, each parsed once for all of its consumers.

use std::cell::OnceCell;

use ambit_abi::EventKind;

use crate::{Event, Fork, RawEvent, Record, RecordError};

/// A record of a domain's ring.
///
/// [`RingRecord::parse`] checks lengths and the kind. The whole event is checked when the first consumer needs it, and the
/// result serves all later ones. A known operation, the most frequent record by far, is never checked further: its key
/// suffices.
#[derive(Debug)]
pub struct RingRecord<'a> {
    raw: RawEvent<'a>,
    kind: EventKind,
    event: OnceCell<Result<Event, RecordError>>,
}

impl<'a> RingRecord<'a> {
    /// Parses a record's header.
    ///
    /// # Errors
    /// The record is too short, or of an unknown kind.
    #[inline]
    pub fn parse(bytes: &'a [u8]) -> Result<Self, RecordError> {
        Self::new(RawEvent::parse(bytes)?)
    }

    /// Takes a raw event.
    ///
    /// # Errors
    /// The record is of an unknown kind.
    #[inline]
    pub fn new(raw: RawEvent<'a>) -> Result<Self, RecordError> {
        Ok(Self {
            kind: EventKind::try_from(raw.header.kind)?,
            raw,
            event: OnceCell::new(),
        })
    }

    /// The record's kind.
    pub const fn kind(&self) -> EventKind {
        self.kind
    }

    /// The header and the object's bytes, unchecked.
    pub const fn raw(&self) -> &RawEvent<'a> {
        &self.raw
    }

    /// Returns the whole event, which is checked by the first call.
    ///
    /// # Errors
    /// A number has no meaning, or the object is not canonical.
    pub fn event(&self) -> Result<&Event, RecordError> {
        self.event
            .get_or_init(|| Event::from_raw(&self.raw))
            .as_ref()
            .map_err(|error| *error)
    }

    /// Returns the process that a [`EventKind::Fork`] record describes; `None` for other kinds.
    pub fn fork(&self) -> Option<Fork> {
        let header = &self.raw.header;
        (self.kind == EventKind::Fork).then_some(Fork {
            parent: header.tgid,
            child: header.extra,
            time_ns: header.time_ns,
        })
    }

    /// Returns the record as an owned, typed value; `None` for descriptions of names and subjects, which
    /// [`crate::Registry`] takes.
    ///
    /// # Errors
    /// As of [`RingRecord::event`].
    pub fn record(&self) -> Result<Option<Record>, RecordError> {
        if let Some(fork) = self.fork() {
            return Ok(Some(Record::Fork(fork)));
        }
        Ok(match self.kind {
            EventKind::Name | EventKind::Subject => None,
            _ => Some(Record::Point(Box::new(self.event()?.clone()))),
        })
    }
}

#[cfg(test)]
mod tests {
    use ambit_abi::{self as abi, Fp, Hook, Op};

    use super::*;
    use crate::{Object, Path};

    fn raw(kind: EventKind, object: &[u8]) -> RawEvent<'_> {
        RawEvent {
            header: abi::Event {
                kind: kind.into(),
                hook: Hook::FileOpen.into(),
                op: Op::FileUnlink.into(),
                mode: 1,
                object_len: u16::try_from(object.len()).unwrap(),
                key: Fp { lo: 1, hi: 1 },
                tgid: 4,
                extra: 9,
                time_ns: 5,
                ..<abi::Event as zerocopy::FromZeros>::new_zeroed()
            },
            object,
        }
    }

    #[test]
    fn the_event_is_checked_when_it_is_needed_and_once() {
        let broken = RingRecord::new(raw(EventKind::Match, b"?")).unwrap();
        assert_eq!(broken.kind(), EventKind::Match);
        assert!(broken.event().is_err());
        let bytes = Object::Path(Path::new(&b"/x"[..]).unwrap()).to_bytes();
        let record = RingRecord::new(raw(EventKind::Point, &bytes)).unwrap();
        let first: *const Event = record.event().unwrap();
        assert!(std::ptr::eq(first, record.event().unwrap()));
    }

    #[test]
    fn a_fork_is_no_operation() {
        let record = RingRecord::new(raw(EventKind::Fork, b"")).unwrap();
        let fork = Fork {
            parent: 4,
            child: 9,
            time_ns: 5,
        };
        assert_eq!(record.record(), Ok(Some(Record::Fork(fork))));
    }
}
