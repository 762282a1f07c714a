// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The locks of the kernel part, and their order.
//!
//! All are `flock` locks on files below /run, which the kernel releases when their process ends. A process takes them in
//! this order, and never an earlier one while it has a later one:
//!
//! 1. the lock of `ambit-hoststate` on the names of trust bits and the active rule set (its locks with a later place are
//!    taken after all of these);
//! 2. `/run/ambit.lock`, on the kernel part: [`change`] (exclusive) for attaching, detaching, creating and removing;
//!    [`read`] (shared) for reading several pins or maps that must belong together;
//! 3. `/run/ambit.users`, shared by every process that may still create a domain. Only [`no_users`] takes it exclusively,
//!    under `change`, and does not wait;
//! 4. `/run/ambit.tasks`, exclusive, on the map through which the task iterator gets its request: [`tasks`]. Listing
//!    tasks does not need lock 2, so that it does not wait while rules are loaded.

use std::fs::File;

use rustix::fs::{FlockOperation, flock};

use crate::error::{Error, io};

/// Released when dropped.
#[must_use]
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

struct Place {
    path: &'static str,
    open: &'static str,
    lock: &'static str,
}

const LOADED: Place = Place {
    path: "/run/ambit.lock",
    open: "open /run/ambit.lock",
    lock: "lock /run/ambit.lock",
};
const USERS: Place = Place {
    path: "/run/ambit.users",
    open: "open /run/ambit.users",
    lock: "lock /run/ambit.users",
};
const TASKS: Place = Place {
    path: "/run/ambit.tasks",
    open: "open /run/ambit.tasks",
    lock: "lock /run/ambit.tasks",
};

impl Place {
    fn open(&self) -> Result<File, Error> {
        File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(self.path)
            .map_err(io(self.open))
    }

    fn lock(&self, operation: FlockOperation) -> Result<File, Error> {
        let file = self.open()?;
        flock(&file, operation).map_err(|errno| io(self.lock)(errno.into()))?;
        Ok(file)
    }
}

/// Waits until no other process changes the kernel part or needs it unchanged.
pub(crate) fn change() -> Result<Lock, Error> {
    let file = LOADED.lock(FlockOperation::LockExclusive)?;
    Ok(Lock { _file: file })
}

/// Waits until no other process changes the kernel part.
pub(crate) fn read() -> Result<Lock, Error> {
    let file = LOADED.lock(FlockOperation::LockShared)?;
    Ok(Lock { _file: file })
}

/// Marks the kernel part as used, as long as the returned file or a copy of its descriptor is open.
pub(crate) fn user() -> Result<File, Error> {
    USERS.lock(FlockOperation::LockShared)
}

/// True if no process marks the kernel part as used, this one included. The caller has [`change`].
pub(crate) fn no_users() -> Result<bool, Error> {
    let users = USERS.open()?;
    Ok(flock(&users, FlockOperation::NonBlockingLockExclusive).is_ok())
}

/// Waits until no other process runs the task iterator.
pub(crate) fn tasks() -> Result<Lock, Error> {
    let file = TASKS.lock(FlockOperation::LockExclusive)?;
    Ok(Lock { _file: file })
}
