// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The directory of the pins, and who can change it.
//!
//! The kernel mounts the BPF file system with mode 1777 unless an option says otherwise: then any user can create the directory
//! first, own it, and remove the pins that Ambit creates in it. In a sticky directory, a user can rename or remove their own
//! entries only (fs/namei.c, `check_sticky`), so that they cannot move a directory of root.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, FileType, Mode, OFlags, Stat, fchmod, fstat, mkdirat, openat, renameat};
use rustix::io::{Errno, retry_on_intr};
use rustix::rand::{GetRandomFlags, getrandom};

use crate::error::Error;

/// How often a user can create the directory again, each time after it was moved away.
const ATTEMPTS: u32 = 100;

/// The directory's parent, held open, and its name.
struct Place<'d> {
    dir: &'d Path,
    parent: OwnedFd,
    name: &'d OsStr,
}

/// Returns true if the directory exists.
///
/// # Errors
/// [`Error::ForeignPins`] if it is not a directory of root, [`Error::SharedPins`] if others can move it.
pub(crate) fn exists(dir: &Path) -> Result<bool, Error> {
    let Some(place) = Place::find(dir)? else {
        return Ok(false);
    };
    match place.stat()? {
        None => Ok(false),
        Some(stat) if is_roots(&stat) => {
            place.check_parent()?;
            Ok(true)
        }
        Some(stat) => Err(Error::ForeignPins {
            path: dir.to_owned(),
            uid: stat.st_uid,
        }),
    }
}

/// Moves away what another user has created in place of the directory. Returns its new path.
pub(crate) fn clear_way(dir: &Path) -> Result<Option<PathBuf>, Error> {
    let Some(place) = Place::find(dir)? else {
        return Ok(None);
    };
    match place.stat()? {
        Some(stat) if !is_roots(&stat) => place.move_away().map(Some),
        _ => Ok(None),
    }
}

/// Creates the directory, if it is missing, so that only root can enter it.
pub(crate) fn create(dir: &Path) -> Result<(), Error> {
    let place = Place::find(dir)?.ok_or_else(|| failed(dir)(Errno::NOENT))?;
    place.check_parent()?;
    for _ in 0..ATTEMPTS {
        match mkdirat(&place.parent, place.name, Mode::from_raw_mode(0o700)) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(errno) => return Err(failed(dir)(errno)),
        }
        if place.close_to_others()? {
            return Ok(());
        }
        place.move_away()?;
    }
    Err(Error::ForeignPins {
        path: dir.to_owned(),
        uid: place.stat()?.map_or(0, |stat| stat.st_uid),
    })
}

impl<'d> Place<'d> {
    /// Returns none if the parent is missing.
    fn find(dir: &'d Path) -> Result<Option<Self>, Error> {
        let (Some(parent), Some(name)) = (dir.parent(), dir.file_name()) else {
            return Err(failed(dir)(Errno::INVAL));
        };
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        match openat(CWD, parent, flags, Mode::empty()) {
            Ok(parent) => Ok(Some(Self { dir, parent, name })),
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(failed(dir)(errno)),
        }
    }

    fn stat(&self) -> Result<Option<Stat>, Error> {
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        match openat(&self.parent, self.name, flags, Mode::empty()) {
            Ok(file) => fstat(file).map(Some).map_err(failed(self.dir)),
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(failed(self.dir)(errno)),
        }
    }

    /// Returns an error if a user other than root can rename or remove root's directory.
    fn check_parent(&self) -> Result<(), Error> {
        let stat = fstat(&self.parent).map_err(failed(self.dir))?;
        let sticky = stat.st_mode & 0o1000 != 0;
        if stat.st_uid == 0 && (sticky || stat.st_mode & 0o022 == 0) {
            return Ok(());
        }
        Err(Error::SharedPins {
            path: self.dir.parent().unwrap_or(self.dir).to_owned(),
            uid: stat.st_uid,
            mode: stat.st_mode & 0o7777,
        })
    }

    /// Returns true if it is a directory of root, which only root can enter from now on.
    fn close_to_others(&self) -> Result<bool, Error> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let found = match openat(&self.parent, self.name, flags, Mode::empty()) {
            Ok(found) => found,
            Err(Errno::LOOP | Errno::NOTDIR | Errno::NOENT) => return Ok(false),
            Err(errno) => return Err(failed(self.dir)(errno)),
        };
        let stat = fstat(&found).map_err(failed(self.dir))?;
        if !is_roots(&stat) {
            return Ok(false);
        }
        if stat.st_mode & 0o7777 != 0o700 {
            fchmod(&found, Mode::from_raw_mode(0o700)).map_err(failed(self.dir))?;
        }
        Ok(true)
    }

    /// Renames the entry. Its owner may need its content.
    fn move_away(&self) -> Result<PathBuf, Error> {
        let mut random = [0_u8; 8];
        retry_on_intr(|| getrandom(&mut random, GetRandomFlags::empty()))
            .map_err(failed(self.dir))?;
        let mut name = OsString::from(self.name);
        name.push(format!("-foreign-{:016x}", u64::from_ne_bytes(random)));
        match renameat(&self.parent, self.name, &self.parent, &name) {
            Ok(()) | Err(Errno::NOENT) => Ok(self.dir.with_file_name(name)),
            Err(errno) => Err(failed(self.dir)(errno)),
        }
    }
}

fn is_roots(stat: &Stat) -> bool {
    stat.st_uid == 0 && FileType::from_raw_mode(stat.st_mode) == FileType::Directory
}

fn failed(dir: &Path) -> impl FnOnce(Errno) -> Error {
    let path = dir.to_owned();
    move |errno| Error::PinDirectory {
        path,
        source: io::Error::from(errno),
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};

    use rustix::process::geteuid;

    use super::*;

    /// A directory with the mode of a BPF file system that was mounted without an option. None without the privileges of root.
    fn shared() -> Option<tempfile::TempDir> {
        let parent = tempfile::tempdir().unwrap();
        fs::set_permissions(parent.path(), Permissions::from_mode(0o1777)).unwrap();
        geteuid().is_root().then_some(parent)
    }

    #[test]
    fn the_directory_is_created_for_root_only() {
        let Some(parent) = shared() else { return };
        let dir = parent.path().join("ambit");
        assert!(!exists(&dir).unwrap());
        assert_eq!(clear_way(&dir).unwrap(), None);
        create(&dir).unwrap();
        assert_eq!(fs::metadata(&dir).unwrap().mode() & 0o7777, 0o700);
        fs::set_permissions(&dir, Permissions::from_mode(0o755)).unwrap();
        create(&dir).unwrap();
        assert!(exists(&dir).unwrap());
        assert_eq!(fs::metadata(&dir).unwrap().mode() & 0o7777, 0o700);
    }

    #[test]
    fn what_another_user_created_first_is_refused_and_moved_away() {
        let Some(parent) = shared() else { return };
        let dir = parent.path().join("ambit");
        fs::create_dir(&dir).unwrap();
        fs::write(dir.join("theirs"), "").unwrap();
        chown(&dir, Some(65_534), None).unwrap();
        let error = exists(&dir).unwrap_err();
        assert!(
            matches!(error, Error::ForeignPins { uid: 65_534, .. }),
            "{error}"
        );
        let moved = clear_way(&dir).unwrap().unwrap();
        assert!(moved.join("theirs").exists());
        create(&dir).unwrap();
        assert!(exists(&dir).unwrap());
    }

    #[test]
    fn a_link_is_not_followed() {
        let Some(parent) = shared() else { return };
        let victim = tempfile::tempdir().unwrap();
        let dir = parent.path().join("ambit");
        symlink(victim.path(), &dir).unwrap();
        exists(&dir).unwrap_err();
        create(&dir).unwrap();
        assert!(!dir.is_symlink() && exists(&dir).unwrap());
    }

    #[test]
    fn a_parent_in_which_others_can_rename_is_refused() {
        let Some(parent) = shared() else { return };
        let dir = parent.path().join("ambit");
        create(&dir).unwrap();
        fs::set_permissions(parent.path(), Permissions::from_mode(0o777)).unwrap();
        for error in [exists(&dir).unwrap_err(), create(&dir).unwrap_err()] {
            assert!(matches!(error, Error::SharedPins { .. }), "{error}");
        }
    }
}
