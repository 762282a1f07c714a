// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Who can change a name or a file.

use rustix::fs::Stat;
use rustix::process::geteuid;

/// Write permission of the group and of all others. The group's bit also covers entries of an access control list.
const WRITABLE_BY_OTHERS: u32 = 0o022;

/// True if only root and the effective user can add, remove and rename entries of this directory. A sticky directory is not
/// enough: others can add names to it.
pub(crate) fn has_own_names_only(dir: &Stat) -> bool {
    (dir.st_uid == 0 || is_mine(dir)) && dir.st_mode & WRITABLE_BY_OTHERS == 0
}

/// True if the file belongs to the effective user.
pub(crate) fn is_mine(stat: &Stat) -> bool {
    stat.st_uid == geteuid().as_raw()
}

/// True if others can write to the file or directory.
pub(crate) const fn is_writable_by_others(mode: u32) -> bool {
    mode & WRITABLE_BY_OTHERS != 0
}

/// True if both are one file.
pub(crate) const fn is_same(one: &Stat, other: &Stat) -> bool {
    one.st_dev == other.st_dev && one.st_ino == other.st_ino
}
