// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A directory that only its owner can change.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{
    AtFlags, Dir, FileType, Mode, OFlags, Stat, fchmod, fstat, mkdirat, openat, renameat, unlinkat,
};
use rustix::io::Errno;
use rustix::process::geteuid;

use crate::entry;
use crate::error::Error;
use crate::owner::{is_mine, is_writable_by_others};
use crate::walk;

/// The directory of the state that is kept across boots, unless `AMBIT_STATE_DIR` names another.
const STATE_DIR: &str = "/var/lib/ambit";
/// The directory of files that could not be written at their path, below the state directory.
const KEPT: &str = "kept";
/// Largest file that is read from a directory of Ambit.
const READ_MAX: u64 = 256 << 20;

/// Returns the directory of the state that is kept across boots, as an absolute path: the keeper leaves the working directory.
pub fn state_dir() -> PathBuf {
    variable("AMBIT_STATE_DIR").unwrap_or_else(|| PathBuf::from(STATE_DIR))
}

/// Returns the directory of files that could not be written at their path: `kept` below the state directory, which
/// for users other than root is `$XDG_STATE_HOME/ambit` or `~/.local/state/ambit`.
pub fn kept_dir() -> PathBuf {
    let own = || {
        let state = variable("XDG_STATE_HOME")
            .or_else(|| variable("HOME").map(|home| home.join(".local/state")))?;
        Some(state.join("ambit"))
    };
    let state = match variable("AMBIT_STATE_DIR") {
        None if !geteuid().is_root() => own(),
        named => named,
    };
    state.unwrap_or_else(|| PathBuf::from(STATE_DIR)).join(KEPT)
}

fn variable(name: &str) -> Option<PathBuf> {
    std::env::var_os(name).and_then(absolute)
}

/// Returns the path in a variable as an absolute one; `None` if the variable is empty.
fn absolute(value: OsString) -> Option<PathBuf> {
    let path = PathBuf::from(value);
    (!path.as_os_str().is_empty()).then(|| std::path::absolute(&path).unwrap_or(path))
}

/// A directory that belongs to root or the effective user and that no other user can write to, held open. Owner and mode are checked by
/// the descriptor each time it is opened.
#[derive(Debug)]
pub struct PrivateDir {
    path: PathBuf,
    fd: OwnedFd,
}

impl PrivateDir {
    /// Opens a directory. Creates it and missing directories above it, for the effective user only.
    ///
    /// # Errors
    /// [`Error::Directory`], [`Error::ForeignDirectory`], [`Error::SharedDirectory`].
    pub fn open(path: &Path) -> Result<Self, Error> {
        Self::opened(path, walk::directory(path, true))
    }

    /// Opens a directory; `None` if it does not exist.
    ///
    /// # Errors
    /// As for [`PrivateDir::open`].
    pub fn find(path: &Path) -> Result<Option<Self>, Error> {
        match walk::directory(path, false) {
            Err(Error::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => Ok(None),
            opened => Self::opened(path, opened).map(Some),
        }
    }

    fn opened(path: &Path, opened: Result<OwnedFd, Error>) -> Result<Self, Error> {
        let fd = opened.map_err(|source| Error::Directory {
            path: path.to_owned(),
            source: Box::new(source),
        })?;
        let dir = Self {
            path: path.to_owned(),
            fd,
        };
        let stat = dir.stat()?;
        if stat.st_uid != 0 && !is_mine(&stat) {
            return Err(Error::ForeignDirectory {
                path: dir.path,
                uid: stat.st_uid,
            });
        }
        if is_writable_by_others(stat.st_mode) {
            return Err(Error::SharedDirectory {
                path: dir.path,
                mode: stat.st_mode & 0o7777,
            });
        }
        Ok(dir)
    }

    /// Opens a directory in this one, and creates it if it is missing.
    ///
    /// # Errors
    /// As for [`PrivateDir::open`].
    pub fn below(&self, name: &str) -> Result<Self, Error> {
        let path = self.path.join(name);
        let opened = match mkdirat(&self.fd, name, Mode::from_raw_mode(0o700)) {
            Ok(()) | Err(Errno::EXIST) => {
                let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
                openat(&self.fd, name, flags, Mode::empty()).map_err(Error::io("open it"))
            }
            Err(errno) => Err(Error::io("create it")(errno)),
        };
        Self::opened(&path, opened)
    }

    /// The directory's path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Lets only the owner list and enter the directory.
    pub(crate) fn close_to_others(&self) -> Result<(), Error> {
        if self.stat()?.st_mode & 0o7777 != 0o700 {
            fchmod(&self.fd, Mode::from_raw_mode(0o700)).map_err(|errno| Error::Directory {
                path: self.path.clone(),
                source: Box::new(Error::io("set its mode")(errno)),
            })?;
        }
        Ok(())
    }

    fn stat(&self) -> Result<Stat, Error> {
        fstat(&self.fd).map_err(|errno| Error::Directory {
            path: self.path.clone(),
            source: Box::new(Error::io("look at it")(errno)),
        })
    }

    fn failed(&self, doing: &'static str, name: &str) -> impl FnOnce(Error) -> Error {
        let path = self.path.join(name);
        move |source| Error::InDirectory {
            doing,
            path,
            source: Box::new(source),
        }
    }

    /// Reads a file; `None` if it does not exist.
    ///
    /// # Errors
    /// [`Error::InDirectory`].
    pub fn read(&self, name: &str) -> Result<Option<Vec<u8>>, Error> {
        entry::read(&self.fd, OsStr::new(name), READ_MAX).map_err(self.failed("read", name))
    }

    /// Replaces a file as a whole. Only the owner may read it.
    ///
    /// # Errors
    /// [`Error::InDirectory`].
    pub fn replace(&self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        entry::replace(&self.fd, OsStr::new(name), bytes, 0o600).map_err(self.failed("write", name))
    }

    /// Opens a file to append to it and to read it. Creates it if it is missing.
    ///
    /// # Errors
    /// [`Error::InDirectory`].
    pub fn append(&self, name: &str) -> Result<File, Error> {
        self.open_file(name, OFlags::RDWR | OFlags::APPEND)
            .map_err(self.failed("open", name))
    }

    /// Opens a file to lock it. Creates it if it is missing.
    ///
    /// # Errors
    /// [`Error::InDirectory`].
    pub(crate) fn lock_file(&self, name: &str) -> Result<File, Error> {
        self.open_file(name, OFlags::RDWR)
            .map_err(self.failed("open", name))
    }

    fn open_file(&self, name: &str, access: OFlags) -> Result<File, Error> {
        let flags = access | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file =
            openat(&self.fd, name, flags, Mode::from_raw_mode(0o600)).map_err(
                |errno| match errno {
                    Errno::LOOP | Errno::NXIO => Error::NotRegular,
                    errno => Error::io("open it")(errno),
                },
            )?;
        let found = fstat(&file).map_err(Error::io("look at it"))?;
        let regular = FileType::from_raw_mode(found.st_mode) == FileType::RegularFile;
        // A file that others can open would let them hold the lock.
        if !regular || !is_mine(&found) {
            return Err(Error::NotRegular);
        }
        if found.st_mode & 0o077 != 0 {
            fchmod(&file, Mode::from_raw_mode(0o600)).map_err(Error::io("set its mode"))?;
        }
        Ok(file.into())
    }

    /// Returns true if a name belongs to this file.
    ///
    /// # Errors
    /// [`Error::InDirectory`].
    pub fn names(&self, name: &str, file: &File) -> Result<bool, Error> {
        entry::names(&self.fd, OsStr::new(name), file).map_err(self.failed("look at", name))
    }

    /// Returns facts about a file; `None` if it does not exist.
    ///
    /// # Errors
    /// [`Error::InDirectory`].
    pub fn metadata(&self, name: &str) -> Result<Option<Stat>, Error> {
        entry::stat(&self.fd, OsStr::new(name)).map_err(self.failed("look at", name))
    }

    /// Renames a file, and replaces the one that has the name.
    ///
    /// # Errors
    /// [`Error::InDirectory`].
    pub fn rename(&self, from: &str, to: &str) -> Result<(), Error> {
        renameat(&self.fd, from, &self.fd, to)
            .map_err(Error::io("rename it"))
            .map_err(self.failed("rename", from))
    }

    /// Removes a file.
    ///
    /// # Errors
    /// [`Error::InDirectory`].
    pub fn remove(&self, name: &str) -> Result<(), Error> {
        unlinkat(&self.fd, name, AtFlags::empty())
            .map_err(Error::io("remove it"))
            .map_err(self.failed("remove", name))
    }

    /// Lists the names in the directory that are text.
    ///
    /// # Errors
    /// [`Error::Directory`].
    pub fn list(&self) -> Result<Vec<String>, Error> {
        let listed = Dir::read_from(&self.fd).and_then(|entries| {
            entries
                .map(|entry| entry.map(|entry| entry.file_name().to_str().ok().map(str::to_owned)))
                .filter_map(Result::transpose)
                .filter(|name| !matches!(name.as_deref(), Ok("." | "..")))
                .collect()
        });
        listed.map_err(|errno| Error::Directory {
            path: self.path.clone(),
            source: Box::new(Error::io("list it")(errno)),
        })
    }

    /// Creates a file with a name that begins with `name` and that no other file has. Returns its path.
    pub(crate) fn create_unique(&self, name: &OsStr) -> Result<(PathBuf, File), Error> {
        // The longest file name has 255 bytes.
        let start: String = name.to_string_lossy().chars().take(40).collect();
        let unique: OsString = entry::random_name(&format!("{start}-"))?;
        let file = entry::create(&self.fd, &unique, 0o600)?;
        Ok((self.path.join(unique), file))
    }

    /// Writes the names in the directory to disk.
    pub(crate) fn sync(&self) {
        entry::sync(&self.fd);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_does_not_depend_on_a_later_working_directory() {
        let here = std::env::current_dir().unwrap();
        assert_eq!(absolute("state".into()), Some(here.join("state")));
        assert_eq!(absolute("/s".into()), Some("/s".into()));
        assert_eq!(absolute(OsString::new()), None);
    }
}
