// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A file at a path that a person gave.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{Access, AtFlags, CWD, Mode, OFlags, accessat, fstat, openat};

use crate::entry;
use crate::error::{Error, NotWritten};
use crate::owner::is_same;
use crate::private::PrivateDir;
use crate::walk::{self, Last, Place};

/// A file to write, whose directory is held from the time the command is planned: who replaces the directory by a link later
/// changes nothing.
#[derive(Debug)]
pub struct Target {
    /// The path that was given.
    base: PathBuf,
    /// What follows the name that the path leads to.
    suffix: OsString,
    place: Place,
}

impl Target {
    /// Finds and holds the directory of a file, which need not exist. A symbolic link is followed if no other user could have
    /// placed it: if root or the effective user owns its directory and no other user may write to that.
    ///
    /// # Errors
    /// [`Error::ForeignLink`], [`Error::ForeignSpecial`], [`Error::IsDirectory`], or the directory cannot be found.
    pub fn find(path: &Path) -> Result<Self, Error> {
        Ok(Self {
            base: path.to_owned(),
            suffix: OsString::new(),
            place: walk::place(path, Last::Check)?,
        })
    }

    /// As [`Target::find`]. Also checks that the file can be written, so that a command need not run for hours to find out.
    ///
    /// # Errors
    /// As for [`Target::find`], or the directory cannot be written to.
    pub fn plan(path: &Path) -> Result<Self, Error> {
        let target = Self::find(path)?;
        let checked = match &target.place {
            Place::Entry { dir, .. } => {
                let wanted = Access::WRITE_OK | Access::EXEC_OK;
                accessat(CWD, held(dir), wanted, AtFlags::EACCESS)
            }
            Place::Stream(file) => accessat(CWD, held(file), Access::WRITE_OK, AtFlags::EACCESS),
        };
        checked.map_err(Error::io("write there"))?;
        Ok(target)
    }

    /// The path that was given, with the suffix of a file beside it.
    pub fn path(&self) -> PathBuf {
        with_suffix(self.base.as_os_str(), &self.suffix).into()
    }

    /// True if the path leads to a pipe, a device or a descriptor of this process.
    pub const fn is_stream(&self) -> bool {
        matches!(self.place, Place::Stream(_))
    }

    /// Returns the file with `suffix` after its name, in the same directory; `None` for a pipe or a device. A link of that
    /// name is never followed.
    ///
    /// # Errors
    /// The directory's descriptor cannot be duplicated.
    pub fn beside(&self, suffix: &str) -> Result<Option<Self>, Error> {
        let Place::Entry { dir, name } = &self.place else {
            return Ok(None);
        };
        Ok(Some(Self {
            base: self.base.clone(),
            suffix: with_suffix(&self.suffix, OsStr::new(suffix)),
            place: Place::Entry {
                dir: dir.try_clone().map_err(Error::io("hold its folder"))?,
                name: with_suffix(name, OsStr::new(suffix)),
            },
        }))
    }

    /// Reads the file, at most `max` bytes; `None` if it is missing, or a pipe or a device.
    ///
    /// # Errors
    /// [`Error::NotRegular`], [`Error::TooLarge`], or the file cannot be read.
    pub fn read(&self, max: u64) -> Result<Option<Vec<u8>>, Error> {
        match &self.place {
            Place::Entry { dir, name } => entry::read(dir, name, max),
            Place::Stream(_) => Ok(None),
        }
    }

    /// Replaces the file as a whole; a new one gets `mode` without the umask. Owner and permissions of the old file are kept
    /// only if it belongs to the effective user and no other user can write to its directory. A pipe or a device is written to.
    ///
    /// # Errors
    /// [`Error::Moved`] if the path leads elsewhere by now; the file cannot be written. The old file is intact.
    pub fn replace(&self, bytes: &[u8], mode: u32) -> Result<(), Error> {
        match &self.place {
            Place::Entry { dir, name } => {
                self.check_place(dir, name)?;
                entry::replace(dir, name, bytes, mode)
            }
            Place::Stream(file) => write_to(file, bytes).map_err(Error::io("write it")),
        }
    }

    /// As [`Target::replace`]. What cannot be written is kept in the directory `kept`, which is created if it is missing; see
    /// [`kept_dir`](crate::kept_dir).
    ///
    /// # Errors
    /// [`NotWritten`] says where the content is.
    pub fn replace_or_keep(&self, bytes: &[u8], mode: u32, kept: &Path) -> Result<(), NotWritten> {
        match self.replace(bytes, mode) {
            Ok(()) => Ok(()),
            Err(because) => Err(self.keep(kept, because, |file| file.write_all(bytes))),
        }
    }

    /// Writes the content into the directory `kept` only, under a name that begins with the file's. Returns its path.
    ///
    /// # Errors
    /// The directory cannot be used or written to.
    pub fn keep_content(&self, bytes: &[u8], kept: &Path) -> Result<PathBuf, Error> {
        self.write_below(kept, |file| file.write_all(bytes))
    }

    /// Writes the file that could not be written at its path into a directory of Ambit.
    pub(crate) fn keep(
        &self,
        dir: &Path,
        because: Error,
        write: impl FnOnce(&mut File) -> io::Result<()>,
    ) -> NotWritten {
        match self.write_below(dir, write) {
            Ok(path) => NotWritten::Kept { path, because },
            Err(source) => NotWritten::Lost {
                because,
                dir: dir.to_owned(),
                source,
            },
        }
    }

    fn write_below(
        &self,
        dir: &Path,
        write: impl FnOnce(&mut File) -> io::Result<()>,
    ) -> Result<PathBuf, Error> {
        let asked = self.path();
        let name = asked.file_name().unwrap_or(OsStr::new("output"));
        let dir = PrivateDir::open(dir)?;
        let (path, mut file) = dir.create_unique(name)?;
        write(&mut file)
            .and_then(|()| file.sync_all())
            .map_err(Error::io("write it"))?;
        dir.sync();
        Ok(path)
    }

    /// Creates the file, which must not exist.
    pub(crate) fn create(&self, mode: u32) -> Result<File, Error> {
        match &self.place {
            Place::Entry { dir, name } => entry::create(dir, name, mode),
            Place::Stream(_) => Err(Error::Exists),
        }
    }

    /// Returns an error if the path leads to another place than this, or if this place has another file than `file`.
    pub(crate) fn check_names(&self, file: &File) -> Result<(), Error> {
        let Place::Entry { dir, name } = &self.place else {
            return Err(Error::Replaced);
        };
        self.check_place(dir, name)?;
        if entry::names(dir, name, file)? {
            Ok(())
        } else {
            Err(Error::Replaced)
        }
    }

    /// Removes the file, if it is still this one.
    pub(crate) fn remove(&self, file: &File) {
        if let Place::Entry { dir, name } = &self.place
            && matches!(entry::names(dir, name, file), Ok(true))
        {
            let _ = rustix::fs::unlinkat(dir, name, AtFlags::empty());
        }
    }

    /// Returns an error if the path leads to another directory by now: a file in the held one would not be found.
    fn check_place(&self, dir: &OwnedFd, name: &OsString) -> Result<(), Error> {
        let Ok(Place::Entry {
            dir: now,
            name: base,
        }) = walk::place(&self.base, Last::Any)
        else {
            return Err(Error::Moved);
        };
        let held = fstat(dir).map_err(Error::io("look at its folder"))?;
        let now = fstat(now).map_err(Error::io("look at its folder"))?;
        if is_same(&held, &now) && with_suffix(&base, &self.suffix) == *name {
            Ok(())
        } else {
            Err(Error::Moved)
        }
    }
}

fn with_suffix(name: &OsStr, suffix: &OsStr) -> OsString {
    let mut name = name.to_owned();
    name.push(suffix);
    name
}

/// The path by which the kernel opens what a descriptor holds.
fn held(fd: &OwnedFd) -> String {
    format!("/proc/self/fd/{}", fd.as_raw_fd())
}

fn write_to(file: &OwnedFd, bytes: &[u8]) -> io::Result<()> {
    let flags = OFlags::WRONLY | OFlags::CLOEXEC | OFlags::NOCTTY;
    let mut file = File::from(openat(CWD, held(file), flags, Mode::empty())?);
    file.write_all(bytes)
}
