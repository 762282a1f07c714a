// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The loop that waits for a ring and empties it.

use std::os::fd::BorrowedFd;
use std::time::{Duration, Instant};

use ambit_sensor::Ring;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use crate::Error;

/// Longest time of a turn. A workload that fills the ring as fast as it is read cannot keep the caller from its other work, such
/// as ending at a signal.
const TURN: Duration = Duration::from_millis(100);

/// Receives the records of a ring.
pub trait Sink {
    /// Receives one record. The bytes are those that the kernel part wrote; nothing of them has been checked.
    fn take(&mut self, record: &[u8]);

    /// Is called each time after records were delivered, before the pump waits for more.
    fn drained(&mut self) {}
}

impl<F: FnMut(&[u8])> Sink for F {
    fn take(&mut self, record: &[u8]) {
        self(record);
    }
}

/// What a pump does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next<T> {
    /// Deliver the records in the ring and wait for more, at most this long; `None` has no limit.
    Wait(Option<Duration>),
    /// Deliver the records in the ring and return this value.
    Stop(T),
}

/// The reader of one ring.
#[derive(Debug)]
pub struct Pump {
    ring: Ring,
}

impl Pump {
    /// Creates the pump of a ring.
    pub const fn new(ring: Ring) -> Self {
        Self { ring }
    }

    /// Delivers records until `next` returns [`Next::Stop`].
    ///
    /// Each turn calls `next`, delivers the records in the ring and then waits for a record, for one of `others` to become
    /// readable, for a signal, or until the time is up. Since `next` comes first, all records that were written before
    /// it observed an end are delivered.
    ///
    /// # Errors
    /// `next` failed, or the ring cannot be read.
    pub fn run<T, E: From<Error>>(
        &mut self,
        others: &[BorrowedFd<'_>],
        sink: &mut impl Sink,
        mut next: impl FnMut() -> Result<Next<T>, E>,
    ) -> Result<T, E> {
        loop {
            match next()? {
                Next::Stop(value) => {
                    self.drain(sink)?;
                    return Ok(value);
                }
                Next::Wait(limit) => {
                    if self.turn(sink)? {
                        self.wait(others, limit)?;
                    }
                }
            }
        }
    }

    /// Delivers all records that are in the ring now. What tasks write in the meantime stays in it, so that this ends even if they
    /// write as fast as it reads. Returns the number of records.
    ///
    /// # Errors
    /// The ring cannot be read.
    pub fn drain(&mut self, sink: &mut impl Sink) -> Result<u64, Error> {
        let mut records = 0;
        let end = self.ring.written();
        while self.ring.consumed() < end {
            let read = self.ring.consume(&mut |record: &[u8]| sink.take(record))?;
            if read == 0 {
                break;
            }
            records += u64::try_from(read).unwrap_or(u64::MAX);
        }
        sink.drained();
        Ok(records)
    }

    /// Delivers the next record; the others stay in the ring. Returns false if the ring is empty.
    ///
    /// # Errors
    /// The ring cannot be read.
    pub fn step(&mut self, sink: &mut impl Sink) -> Result<bool, Error> {
        let read = self
            .ring
            .consume_up_to(1, &mut |record: &[u8]| sink.take(record))?;
        Ok(read > 0)
    }

    /// Delivers records within the bound of a turn. Returns true if the ring is empty then.
    fn turn(&mut self, sink: &mut impl Sink) -> Result<bool, Error> {
        let mut empty = false;
        let began = Instant::now();
        while !empty && began.elapsed() < TURN {
            empty = self.ring.consume(&mut |record: &[u8]| sink.take(record))? == 0;
        }
        sink.drained();
        Ok(empty)
    }

    /// Waits until the ring has a record, one of `others` is readable, a signal arrives or `limit` has passed.
    ///
    /// # Errors
    /// `poll` failed.
    pub fn wait(&self, others: &[BorrowedFd<'_>], limit: Option<Duration>) -> Result<(), Error> {
        let ring = self.ring.fd();
        let mut fds: Vec<PollFd<'_>> = [ring]
            .iter()
            .chain(others)
            .map(|fd| PollFd::from_borrowed_fd(*fd, PollFlags::IN))
            .collect();
        poll_for(&mut fds, limit)
    }
}

/// True if a descriptor is the writing end of a pipe or socket whose reader has closed it.
pub fn is_closed(writer: BorrowedFd<'_>) -> bool {
    let mut fds = [PollFd::from_borrowed_fd(writer, PollFlags::empty())];
    let gone = PollFlags::ERR | PollFlags::HUP;
    poll(&mut fds, Some(&Timespec::default())).is_ok()
        && fds.iter().any(|fd| fd.revents().intersects(gone))
}

/// Waits for the descriptors. A signal ends the wait without an error.
fn poll_for(fds: &mut [PollFd<'_>], limit: Option<Duration>) -> Result<(), Error> {
    // A limit that is too large for the kernel's type counts as none.
    let limit = limit.and_then(|limit| Timespec::try_from(limit).ok());
    match poll(fds, limit.as_ref()) {
        Ok(_) | Err(Errno::INTR) => Ok(()),
        Err(errno) => Err(Error::Wait(errno.into())),
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd;

    use super::*;

    #[test]
    fn a_limit_counts_its_whole_seconds() {
        let (reader, _writer) = rustix::pipe::pipe().unwrap();
        let mut fds = [PollFd::from_borrowed_fd(reader.as_fd(), PollFlags::IN)];
        let began = Instant::now();
        poll_for(&mut fds, Some(Duration::from_millis(1020))).unwrap();
        assert!(began.elapsed() >= Duration::from_millis(1020));
    }

    #[test]
    fn a_pipe_is_closed_once_its_reader_is() {
        let (reader, writer) = rustix::pipe::pipe().unwrap();
        rustix::io::write(&writer, b"unread").unwrap();
        assert!(!is_closed(writer.as_fd()));
        drop(reader);
        assert!(is_closed(writer.as_fd()));
        let file = std::fs::File::options().write(true).open("/dev/null");
        assert!(!is_closed(file.unwrap().as_fd()));
    }

    #[test]
    fn a_readable_descriptor_ends_an_unlimited_wait() {
        let (reader, writer) = rustix::pipe::pipe().unwrap();
        rustix::io::write(&writer, b"x").unwrap();
        let mut fds = [PollFd::from_borrowed_fd(reader.as_fd(), PollFlags::IN)];
        poll_for(&mut fds, None).unwrap();
        poll_for(&mut fds, Some(Duration::MAX)).unwrap();
    }
}
