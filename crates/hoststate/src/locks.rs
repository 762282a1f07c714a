// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Locks between Ambit's processes, and the order in which they are taken.
//!
//! | level | lock | guards | modes |
//! |---|---|---|---|
//! | [`Level::HostState`] | [`RunLock::HostState`] | names of trust bits, the active rule set and its description | shared, exclusive |
//! | [`Level::KernelPart`] | [`RunLock::Kernel`], then `Tasks` | pins, domains, the task iterator | taken inside `ambit-sensor` only |
//! | [`Level::TrustLog`] | [`RunLock::TrustLog`] | the log of trust changes | exclusive |
//!
//! A thread takes locks from the top of this table to the bottom, and no two of the same level. Two processes that
//! follow the order cannot wait for each other. Debug builds check the order for every lock taken in this crate. If
//! `ambit-sensor` calls back while it holds its own lock, the callback marks that level as taken with [`Level::enter`].
//!
//! [`RunLock::Users`] and [`RunLock::RuleReader`] have no level, because no process waits for them: to take one alone is only
//! tried.

use std::cell::Cell;
use std::fs::File;
use std::marker::PhantomData;

use ambit_files::{RunDir, RunLock};
use rustix::fs::FlockOperation;

use crate::error::Error;

/// A level of the lock order. Lower levels are taken first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Names of trust bits and the active rule set.
    HostState = 1,
    /// The locks that `ambit-sensor` takes and releases.
    KernelPart = 2,
    /// The log of trust changes.
    TrustLog = 3,
}

thread_local! {
    /// One bit for each level that this thread holds.
    static TAKEN: Cell<u8> = const { Cell::new(0) };
}

impl Level {
    /// Marks this level as taken by this thread until the value is dropped.
    ///
    /// # Panics
    /// In debug builds, if the thread already holds this level or a later one.
    pub fn enter(self) -> Entered {
        let taken = TAKEN.get();
        debug_assert!(
            taken >> (self as u8) == 0,
            "{self:?} is taken out of order: levels {taken:#b} are taken already"
        );
        TAKEN.set(taken | 1 << self as u8);
        Entered {
            level: self,
            this_thread: PhantomData,
        }
    }
}

/// A level of the lock order that this thread holds.
#[derive(Debug)]
pub struct Entered {
    level: Level,
    // The order is checked per thread, so the value must not be sent to another.
    this_thread: PhantomData<*const ()>,
}

impl Drop for Entered {
    fn drop(&mut self) {
        TAKEN.set(TAKEN.get() & !(1 << self.level as u8));
    }
}

/// A shared lock on the host's state: other processes can read it and cannot change it. Released when dropped.
#[derive(Debug)]
pub struct ReadLock {
    _file: File,
    _level: Entered,
}

/// An exclusive lock on the host's state: no other process has a [`ReadLock`] or [`WriteLock`]. Released when dropped.
#[derive(Debug)]
pub struct WriteLock(ReadLock);

impl WriteLock {
    /// Returns the same lock for functions that only read.
    pub fn as_read(&self) -> &ReadLock {
        &self.0
    }
}

/// Locks the host's state for reading. Waits while a process has it locked for writing.
///
/// # Errors
/// `/run/ambit` cannot be created, opened or locked.
pub fn read_host_state() -> Result<ReadLock, Error> {
    lock_host_state(FlockOperation::LockShared)
}

/// Locks the host's state for writing. Waits while any other process has it locked.
///
/// # Errors
/// `/run/ambit` cannot be created, opened or locked.
pub fn write_host_state() -> Result<WriteLock, Error> {
    lock_host_state(FlockOperation::LockExclusive).map(WriteLock)
}

fn lock_host_state(operation: FlockOperation) -> Result<ReadLock, Error> {
    let level = Level::HostState.enter();
    let file = RunDir::open()?.lock(RunLock::HostState, operation)?;
    Ok(ReadLock {
        _file: file,
        _level: level,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_taken_from_the_first_to_the_last() {
        let _state = Level::HostState.enter();
        let _kernel = Level::KernelPart.enter();
        drop(Level::TrustLog.enter());
        let _log = Level::TrustLog.enter();
    }

    #[test]
    #[cfg(debug_assertions)]
    #[should_panic(expected = "HostState is taken out of order")]
    fn an_earlier_level_after_a_later_one_is_a_panic() {
        let _kernel = Level::KernelPart.enter();
        let _state = Level::HostState.enter();
    }

    #[test]
    #[cfg(debug_assertions)]
    #[should_panic(expected = "TrustLog is taken out of order")]
    fn the_same_level_twice_is_a_panic() {
        let _first = Level::TrustLog.enter();
        let _second = Level::TrustLog.enter();
    }
}
