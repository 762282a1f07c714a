// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The pin directory: which path a map, a link or a mark has, and how pins are made, listed and removed.
//!
//! | path | content |
//! |---|---|
//! | `maps/` | every map of the object |
//! | `links/` | links of the base, of the core and of full coverage |
//! | `rules/` | links of the rules' programs |
//! | `spread/` | links of the programs that spread trust |
//! | `core`, `full` | marks: that part is attached and complete |
//! | `left-out/` | a directory for each hook of full coverage whose program was refused |

use std::ffi::{CString, OsStr};
use std::fs;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::path::{Path, PathBuf};

use ambit_failpoint::fail_point;
use libbpf_rs::libbpf_sys;

use crate::error::{Error, io as io_error};

/// Pinned last when the kernel part is loaded, and removed first: if it exists, the kernel part is complete.
pub(crate) const LAST: &str = "trust_tasks";

/// The link of the last program of `Part::Append`: if it exists, all of them are attached.
const APPEND: &str = "append_permission";

/// Paths below the pin directory.
#[derive(Clone, Debug)]
pub(crate) struct Pins {
    dir: PathBuf,
}

impl Pins {
    pub(crate) fn new(dir: &Path) -> Self {
        Self { dir: dir.into() }
    }

    pub(crate) fn maps(&self) -> PathBuf {
        self.dir.join("maps")
    }

    pub(crate) fn map(&self, name: impl AsRef<Path>) -> PathBuf {
        self.maps().join(name)
    }

    pub(crate) fn links(&self) -> PathBuf {
        self.dir.join("links")
    }

    pub(crate) fn link(&self, name: impl AsRef<Path>) -> PathBuf {
        self.links().join(name)
    }

    pub(crate) fn last(&self) -> PathBuf {
        self.link(LAST)
    }

    pub(crate) fn rules(&self) -> PathBuf {
        self.dir.join("rules")
    }

    pub(crate) fn spread(&self) -> PathBuf {
        self.dir.join("spread")
    }

    pub(crate) fn core_mark(&self) -> PathBuf {
        self.dir.join("core")
    }

    pub(crate) fn full_mark(&self) -> PathBuf {
        self.dir.join("full")
    }

    pub(crate) fn left_out(&self) -> PathBuf {
        self.dir.join("left-out")
    }

    pub(crate) fn has_rules(&self) -> bool {
        entries(&self.rules()).is_ok_and(|links| !links.is_empty())
    }

    pub(crate) fn has_spread(&self) -> bool {
        entries(&self.spread()).is_ok_and(|links| !links.is_empty())
    }

    pub(crate) fn has_core(&self) -> bool {
        self.core_mark().exists()
    }

    pub(crate) fn has_full(&self) -> bool {
        self.full_mark().exists()
    }

    pub(crate) fn has_append(&self) -> Result<bool, Error> {
        let links = entries(&self.links())?;
        Ok(links.iter().any(|link| link.file_name() == APPEND))
    }

    /// Removes the mark of full coverage and the list of hooks that were left out.
    pub(crate) fn unmark_full(&self) -> Result<(), Error> {
        remove_file(&self.full_mark())?;
        let left_out = self.left_out();
        for entry in entries(&left_out)? {
            remove_dir(&entry.path())?;
        }
        remove_dir(&left_out)
    }

    /// Removes all pins: the programs are detached with their last link.
    pub(crate) fn remove_all(&self) -> Result<(), Error> {
        self.unmark_full()?;
        remove_file(&self.core_mark())?;
        // Before the other pins, since an opener looks for it: a part of a kernel part must not be found.
        remove_file(&self.last())?;
        fail_point!("remove-last-gone");
        for part in [self.spread(), self.rules(), self.links()] {
            remove_with_entries(&part)?;
        }
        fail_point!("remove-links-gone");
        remove_with_entries(&self.maps())?;
        remove_dir(&self.dir)
    }
}

/// Creates a directory of pins, if it does not exist.
pub(crate) fn create_dir(path: &Path) -> Result<(), Error> {
    fs::create_dir_all(path).map_err(|source| Error::PinDirectory {
        path: path.to_owned(),
        source,
    })
}

/// Removes a directory and the pins in it, if it exists.
fn remove_with_entries(dir: &Path) -> Result<(), Error> {
    for entry in entries(dir)? {
        fs::remove_file(entry.path()).map_err(io_error("remove a pin"))?;
    }
    remove_dir(dir)
}

/// Lists a directory; a missing one is empty.
pub(crate) fn entries(dir: &Path) -> Result<Vec<fs::DirEntry>, Error> {
    match fs::read_dir(dir).and_then(Iterator::collect) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        entries => entries.map_err(io_error("read the pin directory")),
    }
}

fn removed(result: io::Result<()>) -> Result<(), Error> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result.map_err(io_error("remove a pin")),
    }
}

/// Removes a pin, if it exists.
pub(crate) fn remove_file(path: &Path) -> Result<(), Error> {
    removed(fs::remove_file(path))
}

/// Removes an empty directory, if it exists.
pub(crate) fn remove_dir(path: &Path) -> Result<(), Error> {
    removed(fs::remove_dir(path))
}

/// Pins the map, program or link behind a descriptor, which may be pinned elsewhere as well.
pub(crate) fn pin(fd: BorrowedFd<'_>, path: &Path) -> Result<(), Error> {
    let failed = |source| Error::PinDirectory {
        path: path.to_owned(),
        source,
    };
    let bytes = OsStr::new(path).as_encoded_bytes();
    let name = CString::new(bytes).map_err(|error| failed(error.into()))?;
    // SAFETY: an open descriptor and a string that ends with NUL, both of which live longer than the call.
    let result = unsafe { libbpf_sys::bpf_obj_pin(fd.as_raw_fd(), name.as_ptr()) };
    if result < 0 {
        return Err(failed(io::Error::from_raw_os_error(-result)));
    }
    Ok(())
}
