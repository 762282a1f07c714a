// SPDX-License-Identifier: Apache-2.0 OR MIT
//! An entry of a directory that is held open: reading it, and replacing it as a whole.

use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;
use std::fs::{File, Permissions};
use std::io::{self, Read, Write as _};
use std::os::fd::AsFd;
use std::os::unix::fs::{PermissionsExt, fchown};

use rustix::fs::{
    AtFlags, FileType, Mode, OFlags, Stat, fstat, openat, renameat, statat, unlinkat,
};
use rustix::io::{Errno, retry_on_intr};
use rustix::rand::{GetRandomFlags, getrandom};

use crate::error::Error;
use crate::owner::{has_own_names_only, is_mine, is_same};

/// Returns the file of an entry, without following a link; `None` if it does not exist.
pub(crate) fn stat(dir: impl AsFd, name: &OsStr) -> Result<Option<Stat>, Error> {
    match statat(dir, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => Ok(Some(stat)),
        Err(Errno::NOENT) => Ok(None),
        Err(errno) => Err(Error::io("look at it")(errno)),
    }
}

/// True if an entry names this file.
pub(crate) fn names(dir: impl AsFd, name: &OsStr, file: &File) -> Result<bool, Error> {
    let own = fstat(file).map_err(Error::io("look at it"))?;
    Ok(stat(dir, name)?.is_some_and(|found| is_same(&found, &own)))
}

/// Reads a regular file of at most `max` bytes; `None` if it does not exist. Never follows a link and never waits, as opening a pipe
/// would.
pub(crate) fn read(dir: impl AsFd, name: &OsStr, max: u64) -> Result<Option<Vec<u8>>, Error> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY;
    let file = match openat(dir, name, flags | OFlags::CLOEXEC, Mode::empty()) {
        Ok(file) => File::from(file),
        Err(Errno::NOENT) => return Ok(None),
        // Links and sockets.
        Err(Errno::LOOP | Errno::NXIO) => return Err(Error::NotRegular),
        Err(errno) => return Err(Error::io("open it")(errno)),
    };
    let found = fstat(&file).map_err(Error::io("look at it"))?;
    if FileType::from_raw_mode(found.st_mode) != FileType::RegularFile {
        return Err(Error::NotRegular);
    }
    let mut bytes = Vec::new();
    file.take(max.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(Error::io("read it"))?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > max {
        return Err(Error::TooLarge(max));
    }
    Ok(Some(bytes))
}

/// Creates a file that must not exist, readable and writable.
pub(crate) fn create(dir: impl AsFd, name: &OsStr, mode: u32) -> Result<File, Error> {
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    match openat(dir, name, flags, Mode::from_raw_mode(mode)) {
        Ok(file) => Ok(file.into()),
        Err(Errno::EXIST) => Err(Error::Exists),
        Err(errno) => Err(Error::io("create it")(errno)),
    }
}

/// Replaces an entry of any type by a file with these bytes: readers see the old or the new content, also after a crash.
/// A link is replaced and not followed.
///
/// The new file belongs to the effective user and has `mode` without the umask. It gets permissions and group of the file that
/// it replaces only if that one belongs to the effective user too, and no other user could have placed it there.
pub(crate) fn replace(dir: impl AsFd, name: &OsStr, bytes: &[u8], mode: u32) -> Result<(), Error> {
    let old = stat(&dir, name)?;
    if old.is_some_and(|old| FileType::from_raw_mode(old.st_mode) == FileType::Directory) {
        return Err(Error::IsDirectory);
    }
    let parent = fstat(&dir).map_err(Error::io("look at its folder"))?;
    let inherited = old.filter(|old| {
        FileType::from_raw_mode(old.st_mode) == FileType::RegularFile
            && is_mine(old)
            && has_own_names_only(&parent)
    });
    let mode = if inherited.is_some() { 0o600 } else { mode };
    let (temporary, mut file) = create_temporary(&dir, mode)?;
    let written = (|| {
        file.write_all(bytes).map_err(Error::io("write it"))?;
        if let Some(old) = inherited {
            inherit(&file, &old).map_err(Error::io("set its permissions"))?;
        }
        file.sync_all().map_err(Error::io("write it"))?;
        renameat(&dir, &temporary, &dir, name).map_err(Error::io("replace it"))
    })();
    if written.is_err() {
        let _ = unlinkat(&dir, &temporary, AtFlags::empty());
    }
    written?;
    if !names(&dir, name, &file)? {
        return Err(Error::Replaced);
    }
    sync(dir);
    Ok(())
}

/// Gives a file the group and the permissions of the file that it will replace.
fn inherit(file: &File, old: &Stat) -> io::Result<()> {
    let permissions = old.st_mode & 0o777;
    // Without the old group, its permissions would be another group's.
    let permissions = match fchown(file, None, Some(old.st_gid)) {
        Ok(()) => permissions,
        Err(_) => permissions & 0o707,
    };
    file.set_permissions(Permissions::from_mode(permissions))
}

/// Creates a file with a name that cannot be foreseen.
fn create_temporary(dir: impl AsFd, mode: u32) -> Result<(OsString, File), Error> {
    let name = random_name(".ambit-")?;
    let file = create(dir, &name, mode).map_err(|error| match error {
        // One chance in 2^128.
        Error::Exists => Error::Replaced,
        error => error,
    })?;
    Ok((name, file))
}

/// Returns `prefix` and 32 random hexadecimal digits.
pub(crate) fn random_name(prefix: &str) -> Result<OsString, Error> {
    let mut random = [0_u8; 16];
    retry_on_intr(|| getrandom(&mut random, GetRandomFlags::empty()))
        .map_err(Error::io("read random bytes for a file's name"))?;
    let mut name = prefix.to_owned();
    for byte in random {
        let _ = write!(name, "{byte:02x}");
    }
    Ok(name.into())
}

/// Writes the names of a directory to disk, where its file system can.
pub(crate) fn sync(dir: impl AsFd) {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    // The held descriptor is one that only names the directory.
    if let Ok(dir) = openat(dir, ".", flags, Mode::empty()) {
        let _ = rustix::fs::fsync(dir);
    }
}
