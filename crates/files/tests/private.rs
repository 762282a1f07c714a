// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Directories that only Ambit may use.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::fs::{self, Permissions};
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::Path;

use ambit_files::{Error, PrivateDir, RunDir, RunLock};
use rustix::fs::FlockOperation;
use rustix::process::geteuid;

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o7777
}

#[test]
fn missing_directories_are_created_for_the_owner_only() {
    let above = tempfile::tempdir().unwrap();
    let path = above.path().join("var/lib/ambit");
    assert!(PrivateDir::find(&path).unwrap().is_none());
    let runs = PrivateDir::open(&path).unwrap().below("runs").unwrap();
    assert_eq!(runs.path(), path.join("runs"));
    for path in [above.path().join("var"), path.clone(), path.join("runs")] {
        assert_eq!(mode(&path), 0o700, "{path:?}");
    }
    assert!(PrivateDir::find(&path).unwrap().is_some());
}

#[test]
fn files_are_replaced_appended_to_listed_and_removed() {
    let above = tempfile::tempdir().unwrap();
    let dir = PrivateDir::open(above.path()).unwrap();
    assert_eq!(dir.read("a").unwrap(), None);
    dir.replace("a", b"one").unwrap();
    let mut file = dir.append("a").unwrap();
    file.write_all(b" two").unwrap();
    assert_eq!(dir.read("a").unwrap().unwrap(), b"one two");
    assert!(dir.names("a", &file).unwrap());
    dir.replace("a", b"three").unwrap();
    assert!(!dir.names("a", &file).unwrap());
    assert_eq!(mode(&above.path().join("a")), 0o600);
    dir.rename("a", "b").unwrap();
    assert_eq!(dir.list().unwrap(), ["b"]);
    assert!(dir.metadata("a").unwrap().is_none());
    dir.remove("b").unwrap();
    assert_eq!(dir.list().unwrap(), [""; 0]);
}

#[test]
fn a_directory_that_others_can_write_to_is_refused() {
    let above = tempfile::tempdir().unwrap();
    for bits in [0o770, 0o777, 0o1777] {
        fs::set_permissions(above.path(), Permissions::from_mode(bits)).unwrap();
        let error = PrivateDir::open(above.path()).unwrap_err();
        assert!(matches!(error, Error::SharedDirectory { .. }), "{error}");
    }
    fs::set_permissions(above.path(), Permissions::from_mode(0o755)).unwrap();
    PrivateDir::open(above.path()).unwrap();
}

#[test]
fn another_users_directory_is_refused() {
    if !geteuid().is_root() {
        return;
    }
    let above = tempfile::tempdir().unwrap();
    let path = above.path().join("ambit");
    fs::create_dir(&path).unwrap();
    chown(&path, Some(65_534), None).unwrap();
    let error = RunDir::at(&path).unwrap_err();
    assert!(
        matches!(error, Error::ForeignDirectory { uid: 65_534, .. }),
        "{error}"
    );
}

#[test]
fn a_link_in_place_of_a_directory_is_refused_where_others_can_place_it() {
    let above = tempfile::tempdir().unwrap();
    let victim = tempfile::tempdir().unwrap();
    fs::set_permissions(above.path(), Permissions::from_mode(0o1777)).unwrap();
    let path = above.path().join("ambit");
    symlink(victim.path(), &path).unwrap();
    let error = RunDir::at(&path).unwrap_err();
    let Error::Directory { source, .. } = &error else {
        panic!("{error}")
    };
    assert!(matches!(**source, Error::ForeignLink(_)), "{error}");
    assert_eq!(fs::read_dir(victim.path()).unwrap().count(), 0);
}

#[test]
fn the_run_time_directory_and_its_locks_are_closed_to_others() {
    let above = tempfile::tempdir().unwrap();
    let path = above.path().join("ambit");
    fs::create_dir(&path).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
    // A lock file that others could open, and so hold.
    let file = path.join(RunLock::Kernel.file());
    fs::write(&file, "").unwrap();
    fs::set_permissions(&file, Permissions::from_mode(0o644)).unwrap();
    let run = RunDir::at(&path).unwrap();
    assert_eq!(mode(&path), 0o700);
    for lock in RunLock::ALL {
        drop(run.lock(lock, FlockOperation::LockExclusive).unwrap());
        assert_eq!(mode(&path.join(lock.file())), 0o600);
    }
}

#[test]
fn a_lock_file_that_is_a_link_or_anothers_is_refused() {
    let above = tempfile::tempdir().unwrap();
    let run = RunDir::at(above.path()).unwrap();
    symlink("/etc/passwd", above.path().join(RunLock::Kernel.file())).unwrap();
    run.lock(RunLock::Kernel, FlockOperation::LockShared)
        .unwrap_err();
    if geteuid().is_root() {
        let file = above.path().join(RunLock::Users.file());
        fs::write(&file, "").unwrap();
        chown(&file, Some(65_534), None).unwrap();
        run.try_lock(RunLock::Users).unwrap_err();
    }
}

#[test]
fn a_lock_has_one_exclusive_holder_and_many_that_share_it() {
    let above = tempfile::tempdir().unwrap();
    let run = RunDir::at(above.path()).unwrap();
    let shared = FlockOperation::LockShared;
    let first = run.lock(RunLock::Users, shared).unwrap();
    let second = run.lock(RunLock::Users, shared).unwrap();
    assert!(!run.try_lock(RunLock::Users).unwrap().1);
    drop((first, second));
    let (file, taken) = run.try_lock(RunLock::Users).unwrap();
    assert!(taken && !run.try_lock(RunLock::Users).unwrap().1);
    drop(file);
    assert!(run.try_lock(RunLock::Users).unwrap().1);
}
