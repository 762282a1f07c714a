// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The locks of the kernel part. All are files in `/run/ambit`; [`RunLock`] is their order.
//!
//! - [`change`] (exclusive) is taken to attach, detach, create and remove; [`read`] (shared) to read several pins or maps that
//!   must belong together.
//! - [`user`] is shared by every process that may still create a domain. Only [`no_users`] takes it exclusively, under
//!   `change`, and does not wait.
//! - [`tasks`] is taken for the map through which the task iterator gets its request. Listing tasks does not need `change`, so
//!   that it does not wait while rules are loaded.
//!
//! The lock of `ambit-hoststate` on the names of trust bits and the active rule set is taken before all of these.

use std::fs::File;

use ambit_files::{RunDir, RunLock};
use rustix::fs::FlockOperation;

use crate::error::Error;

/// Released when dropped.
#[must_use]
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

fn lock(lock: RunLock, operation: FlockOperation) -> Result<Lock, Error> {
    let file = RunDir::open()?.lock(lock, operation)?;
    Ok(Lock { _file: file })
}

/// Waits until no other process changes the kernel part or needs it unchanged.
pub(crate) fn change() -> Result<Lock, Error> {
    lock(RunLock::Kernel, FlockOperation::LockExclusive)
}

/// Waits until no other process changes the kernel part.
pub(crate) fn read() -> Result<Lock, Error> {
    lock(RunLock::Kernel, FlockOperation::LockShared)
}

/// Marks the kernel part as used, as long as the returned file or a copy of its descriptor is open.
pub(crate) fn user() -> Result<File, Error> {
    Ok(RunDir::open()?.lock(RunLock::Users, FlockOperation::LockShared)?)
}

/// True if no process marks the kernel part as used, this one included. The caller has [`change`].
pub(crate) fn no_users() -> Result<bool, Error> {
    let (_file, none) = RunDir::open()?.try_lock(RunLock::Users)?;
    Ok(none)
}

/// Waits until no other process runs the task iterator.
pub(crate) fn tasks() -> Result<Lock, Error> {
    lock(RunLock::Tasks, FlockOperation::LockExclusive)
}
