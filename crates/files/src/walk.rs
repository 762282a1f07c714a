// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Follows a path component by component, and follows a symbolic link only if no other user could have placed it.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;
use std::path::{Component, Path};

use rustix::fs::{
    AtFlags, CWD, FileType, Mode, OFlags, PROC_SUPER_MAGIC, Stat, fstat, fstatfs, mkdirat, openat,
    readlinkat, statat,
};
use rustix::io::Errno;

use crate::error::Error;
use crate::owner::has_own_names_only;

/// Most links that are followed for one path, as in the kernel (`MAXSYMLINKS`).
const LINKS_MAX: u32 = 40;

/// Flags that hold a directory or a special file without reading it.
const HOLD: OFlags = OFlags::PATH.union(OFlags::CLOEXEC);

/// Where a path leads.
#[derive(Debug)]
pub(crate) enum Place {
    /// An entry of a directory, which may be missing.
    Entry { dir: OwnedFd, name: OsString },
    /// A pipe, a device or a descriptor of this process.
    Stream(OwnedFd),
}

/// What to do with the last name of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Last {
    /// Refuse a folder, and what another user could have placed: a link, a device, a pipe.
    Check,
    /// Return it as the entry, also if it is a folder or a special file. Only a link that no other user could have placed is followed.
    Any,
}

/// Returns the place of a file.
pub(crate) fn place(path: &Path, last: Last) -> Result<Place, Error> {
    let mut walk = Walk::new(path)?;
    while let Some(name) = walk.left.pop_front() {
        if name == ".." {
            walk.enter(&name)?;
            continue;
        }
        let is_last = walk.left.is_empty();
        let found = walk.look(&name)?;
        let is_link = found == Some(FileType::Symlink);
        let any = last == Last::Any && !(is_link && walk.is_own_dir()?);
        let is_file = matches!(found, None | Some(FileType::RegularFile));
        if is_last && (any || is_file) {
            return Ok(Place::Entry {
                dir: walk.dir,
                name,
            });
        }
        match found {
            None => return Err(Error::io("open its folder")(Errno::NOENT)),
            Some(FileType::Symlink) => {
                if let Some(found) = walk.follow(&name)? {
                    if is_last {
                        return Ok(Place::Stream(found));
                    }
                    walk.dir = found;
                }
            }
            Some(FileType::Directory) if is_last => return Err(Error::IsDirectory),
            Some(_) if is_last => return walk.special(&name),
            Some(_) => walk.enter(&name)?,
        }
    }
    // The path ends in `..` or is the root.
    Err(Error::IsDirectory)
}

/// Opens a directory. With `create`, missing directories are created, for the effective user only.
pub(crate) fn directory(path: &Path, create: bool) -> Result<OwnedFd, Error> {
    let mut walk = Walk::new(path)?;
    while let Some(name) = walk.left.pop_front() {
        match walk.look(&name)? {
            Some(FileType::Symlink) => {
                if let Some(found) = walk.follow(&name)? {
                    walk.dir = found;
                }
            }
            None if create => {
                match mkdirat(&walk.dir, &name, Mode::from_raw_mode(0o700)) {
                    // Another process of Ambit may have created it. The caller checks the owner.
                    Ok(()) | Err(Errno::EXIST) => {}
                    Err(errno) => return Err(Error::io("create it")(errno)),
                }
                walk.enter(&name)?;
            }
            _ => walk.enter(&name)?,
        }
    }
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    openat(&walk.dir, ".", flags, Mode::empty()).map_err(Error::io("open it"))
}

struct Walk {
    dir: OwnedFd,
    left: VecDeque<OsString>,
    links: u32,
}

impl Walk {
    fn new(path: &Path) -> Result<Self, Error> {
        let mut walk = Self {
            dir: hold_dir(CWD, OsStr::new("."))?,
            left: VecDeque::new(),
            links: 0,
        };
        walk.prepend(path)?;
        Ok(walk)
    }

    /// Walks `path` before the components that are left.
    fn prepend(&mut self, path: &Path) -> Result<(), Error> {
        for component in path.components().rev() {
            match component {
                Component::Normal(name) => self.left.push_front(name.to_owned()),
                Component::ParentDir => self.left.push_front("..".into()),
                Component::RootDir => self.dir = hold_dir(CWD, OsStr::new("/"))?,
                Component::CurDir | Component::Prefix(_) => {}
            }
        }
        Ok(())
    }

    fn look(&self, name: &OsStr) -> Result<Option<FileType>, Error> {
        match statat(&self.dir, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(FileType::from_raw_mode(stat.st_mode))),
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(Error::io("open its folder")(errno)),
        }
    }

    fn stat(&self) -> Result<Stat, Error> {
        fstat(&self.dir).map_err(Error::io("open its folder"))
    }

    fn is_own_dir(&self) -> Result<bool, Error> {
        Ok(has_own_names_only(&self.stat()?))
    }

    /// Steps into a directory that is not a link.
    fn enter(&mut self, name: &OsStr) -> Result<(), Error> {
        self.dir = hold_dir(&self.dir, name)?;
        Ok(())
    }

    /// Follows a link, if no other user could have placed it. Returns the file behind a link of procfs, which only the kernel knows.
    fn follow(&mut self, name: &OsStr) -> Result<Option<OwnedFd>, Error> {
        if !self.is_own_dir()? {
            return Err(Error::ForeignLink(name.to_string_lossy().into_owned()));
        }
        self.links += 1;
        if self.links > LINKS_MAX {
            return Err(Error::io("open its folder")(Errno::LOOP));
        }
        let file_system = fstatfs(&self.dir).map_err(Error::io("open its folder"))?;
        if file_system.f_type == PROC_SUPER_MAGIC {
            return openat(&self.dir, name, HOLD, Mode::empty())
                .map(Some)
                .map_err(Error::io("open it"));
        }
        let target = readlinkat(&self.dir, name, Vec::new()).map_err(Error::io("read a link"))?;
        self.prepend(Path::new(&OsString::from_vec(target.into_bytes())))?;
        Ok(None)
    }

    /// Holds a special file: a pipe, a device or a socket.
    fn special(self, name: &OsStr) -> Result<Place, Error> {
        if !self.is_own_dir()? {
            return Err(Error::ForeignSpecial);
        }
        openat(&self.dir, name, HOLD | OFlags::NOFOLLOW, Mode::empty())
            .map(Place::Stream)
            .map_err(Error::io("open it"))
    }
}

fn hold_dir(dir: impl AsFd, name: &OsStr) -> Result<OwnedFd, Error> {
    let flags = HOLD | OFlags::DIRECTORY | OFlags::NOFOLLOW;
    openat(dir, name, flags, Mode::empty()).map_err(Error::io("open its folder"))
}
