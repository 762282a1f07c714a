// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `/run/ambit`: the state of this boot, and all locks between Ambit's processes.

use std::fs::File;
use std::ops::Deref;
use std::path::Path;

use rustix::fs::{FlockOperation, flock};
use rustix::io::{Errno, retry_on_intr};
use rustix::process::geteuid;

use crate::error::Error;
use crate::private::PrivateDir;

/// The directory of the state of this boot.
pub const RUN_DIR: &str = "/run/ambit";

/// The locks, in the order in which a process takes them: it never waits for one while it holds a later one. The last two have no
/// place in this order, because no process waits for them. Each is a `flock`, which the kernel releases when its process ends.
/// docs/architecture.md lists what each protects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RunLock {
    /// Names of trust bits, and the active rule set with its description.
    HostState,
    /// Pins and domain slots.
    Kernel,
    /// The request to the task iterator.
    Tasks,
    /// The log of trust changes.
    TrustLog,
    /// Held by processes that may still create a domain. To hold it alone is only tried.
    Users,
    /// The right to read the records of rules. It is only tried.
    RuleReader,
}

impl RunLock {
    /// Every lock.
    pub const ALL: [Self; 6] = [
        Self::HostState,
        Self::Kernel,
        Self::Tasks,
        Self::TrustLog,
        Self::Users,
        Self::RuleReader,
    ];

    /// The name of its file.
    pub const fn file(self) -> &'static str {
        match self {
            Self::HostState => "state.lock",
            Self::Kernel => "kernel.lock",
            Self::Tasks => "tasks.lock",
            Self::TrustLog => "trust-log.lock",
            Self::Users => "users.lock",
            Self::RuleReader => "rules.reader",
        }
    }
}

/// `/run/ambit`, held open: it belongs to root, and no other user can list or enter it. So no other user can open a lock, and a
/// lock that cannot be opened cannot be held.
#[derive(Debug)]
pub struct RunDir(PrivateDir);

impl Deref for RunDir {
    type Target = PrivateDir;

    fn deref(&self) -> &PrivateDir {
        &self.0
    }
}

impl RunDir {
    /// Opens the directory, and creates it if it is missing.
    ///
    /// # Errors
    /// [`Error::NotRoot`], and the errors of [`PrivateDir::open`].
    pub fn open() -> Result<Self, Error> {
        only_root()?;
        Self::at(Path::new(RUN_DIR))
    }

    /// Opens the directory; `None` if it does not exist.
    ///
    /// # Errors
    /// As for [`RunDir::open`].
    pub fn find() -> Result<Option<Self>, Error> {
        only_root()?;
        let Some(dir) = PrivateDir::find(Path::new(RUN_DIR))? else {
            return Ok(None);
        };
        dir.close_to_others()?;
        Ok(Some(Self(dir)))
    }

    /// As [`RunDir::open`], at another path and for any user. For tests.
    ///
    /// # Errors
    /// The errors of [`PrivateDir::open`].
    pub fn at(path: &Path) -> Result<Self, Error> {
        let dir = PrivateDir::open(path)?;
        dir.close_to_others()?;
        Ok(Self(dir))
    }

    /// Takes a lock, and waits for it. It is released when the file is dropped.
    ///
    /// # Errors
    /// [`Error::InDirectory`].
    pub fn lock(&self, lock: RunLock, operation: FlockOperation) -> Result<File, Error> {
        let file = self.lock_file(lock.file())?;
        retry_on_intr(|| flock(&file, operation)).map_err(|errno| self.not_locked(lock, errno))?;
        Ok(file)
    }

    /// Takes a lock for this process alone, without waiting. Returns its file, and true if the lock was taken.
    ///
    /// # Errors
    /// [`Error::InDirectory`].
    pub fn try_lock(&self, lock: RunLock) -> Result<(File, bool), Error> {
        let file = self.lock_file(lock.file())?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok((file, true)),
            Err(Errno::WOULDBLOCK) => Ok((file, false)),
            Err(errno) => Err(self.not_locked(lock, errno)),
        }
    }

    fn not_locked(&self, lock: RunLock, errno: Errno) -> Error {
        Error::InDirectory {
            doing: "lock",
            path: self.path().join(lock.file()),
            source: Box::new(Error::io("lock it")(errno)),
        }
    }
}

fn only_root() -> Result<(), Error> {
    if geteuid().is_root() {
        Ok(())
    } else {
        Err(Error::NotRoot)
    }
}
