// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Files at paths that people give, in folders that other users can write to and in folders that they cannot.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::fs::{self, Permissions};
use std::io::{Read, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};

use ambit_files::{Error, NewFile, NotWritten, Target};
use rustix::fs::{CWD, FileType, Mode, mknodat};
use rustix::process::geteuid;
use tempfile::TempDir;

/// A folder for files, which is private, and the folder for files that cannot be written.
struct Place {
    dir: TempDir,
    state: TempDir,
}

impl Place {
    fn new() -> Self {
        Self {
            dir: tempfile::tempdir().unwrap(),
            state: tempfile::tempdir().unwrap(),
        }
    }

    fn kept(&self) -> PathBuf {
        self.state.path().join("kept")
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, text).unwrap();
        path
    }

    /// Lets other users write to the folder, as a workload's folder does.
    fn shared(self) -> Self {
        fs::set_permissions(self.dir.path(), Permissions::from_mode(0o777)).unwrap();
        self
    }

    fn names(&self) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(self.dir.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().mode() & 0o7777
}

fn text(path: impl AsRef<Path>) -> String {
    fs::read_to_string(path).unwrap()
}

fn replace(path: &Path, text: &str) -> Result<(), Error> {
    Target::plan(path)?.replace(text.as_bytes(), 0o644)
}

#[test]
fn a_file_is_replaced_as_a_whole_and_nothing_else_is_left() {
    let place = Place::new();
    let path = place.file("map", "old");
    let old = fs::metadata(&path).unwrap().ino();
    let target = Target::plan(&path).unwrap();
    assert_eq!(target.read(3).unwrap().unwrap(), b"old");
    assert!(matches!(target.read(2), Err(Error::TooLarge(2))));
    target.replace(b"new", 0o644).unwrap();
    assert_eq!(text(&path), "new");
    assert_ne!(fs::metadata(&path).unwrap().ino(), old);
    assert_eq!(place.names(), ["map"]);
}

#[test]
fn permissions_are_kept_where_nobody_else_can_have_placed_the_file() {
    let place = Place::new();
    let path = place.file("map", "old");
    fs::set_permissions(&path, Permissions::from_mode(0o604)).unwrap();
    replace(&path, "new").unwrap();
    assert_eq!((text(&path).as_str(), mode(&path)), ("new", 0o604));
}

#[test]
fn permissions_are_not_taken_from_a_file_in_a_folder_that_others_can_write_to() {
    let place = Place::new().shared();
    let path = place.file("map", "old");
    fs::set_permissions(&path, Permissions::from_mode(0o4777)).unwrap();
    replace(&path, "new").unwrap();
    assert_eq!((text(&path).as_str(), mode(&path) & !0o044), ("new", 0o600));
}

#[test]
fn owner_and_permissions_of_another_users_file_are_not_taken() {
    if !geteuid().is_root() {
        return;
    }
    let place = Place::new();
    let path = place.file("map", "old");
    fs::set_permissions(&path, Permissions::from_mode(0o4777)).unwrap();
    chown(&path, Some(65_534), Some(65_534)).unwrap();
    replace(&path, "new").unwrap();
    let found = fs::metadata(&path).unwrap();
    assert_eq!(
        (found.uid(), found.gid(), mode(&path) & !0o044),
        (0, 0, 0o600)
    );
}

#[test]
fn a_link_is_followed_where_nobody_else_can_have_placed_it() {
    let place = Place::new();
    fs::create_dir(place.path("maps")).unwrap();
    symlink("maps/web.map", place.path("link")).unwrap();
    symlink("maps", place.path("folder")).unwrap();
    replace(&place.path("link"), "one").unwrap();
    assert_eq!(text(place.path("maps/web.map")), "one");
    replace(&place.path("folder/web.map"), "two").unwrap();
    assert_eq!(text(place.path("maps/web.map")), "two");
    assert!(place.path("link").is_symlink());
    // The file beside the map is beside the map itself.
    let target = Target::plan(&place.path("link")).unwrap();
    let beside = target.beside(".stats").unwrap().unwrap();
    assert_eq!(beside.path(), place.path("link.stats"));
    beside.replace(b"three", 0o644).unwrap();
    assert_eq!(text(place.path("maps/web.map.stats")), "three");
}

#[test]
fn a_link_in_a_folder_that_others_can_write_to_is_refused() {
    let place = Place::new().shared();
    let victim = tempfile::NamedTempFile::new().unwrap();
    symlink(victim.path(), place.path("map")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    symlink(folder.path(), place.path("folder")).unwrap();
    for path in ["map", "folder/map"] {
        let error = replace(&place.path(path), "text").unwrap_err();
        assert!(matches!(error, Error::ForeignLink(_)), "{error}");
    }
    assert_eq!(text(victim.path()), "");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_sticky_folder_does_not_make_a_link_ones_own() {
    let place = Place::new();
    fs::set_permissions(place.dir.path(), Permissions::from_mode(0o1777)).unwrap();
    symlink("elsewhere", place.path("map")).unwrap();
    let error = replace(&place.path("map"), "text").unwrap_err();
    assert!(matches!(error, Error::ForeignLink(_)), "{error}");
}

#[test]
fn a_link_planted_after_the_plan_is_replaced_and_not_followed() {
    let place = Place::new().shared();
    let victim = tempfile::NamedTempFile::new().unwrap();
    fs::set_permissions(victim.path(), Permissions::from_mode(0o755)).unwrap();
    let path = place.path("map");
    let target = Target::plan(&path).unwrap();
    let beside = target.beside(".stats").unwrap().unwrap();
    for name in ["map", "map.stats"] {
        symlink(victim.path(), place.path(name)).unwrap();
    }
    assert!(matches!(beside.read(9), Err(Error::NotRegular)));
    for target in [target, beside] {
        target
            .replace_or_keep(b"text", 0o644, &place.kept())
            .unwrap();
    }
    assert_eq!(text(victim.path()), "");
    for name in ["map", "map.stats"] {
        let path = place.path(name);
        assert!(!path.is_symlink());
        assert_eq!((text(&path).as_str(), mode(&path) & 0o111), ("text", 0));
    }
}

#[test]
fn a_folder_replaced_by_a_link_after_the_plan_leads_nowhere_else() {
    let place = Place::new();
    let elsewhere = tempfile::tempdir().unwrap();
    fs::create_dir(place.path("maps")).unwrap();
    let path = place.path("maps/map");
    let target = Target::plan(&path).unwrap();
    fs::rename(place.path("maps"), place.path("moved")).unwrap();
    symlink(elsewhere.path(), place.path("maps")).unwrap();
    let error = target
        .replace_or_keep(b"text", 0o644, &place.kept())
        .unwrap_err();
    let NotWritten::Kept {
        path: kept,
        because: Error::Moved,
    } = error
    else {
        panic!("{error}")
    };
    assert_eq!(text(&kept), "text");
    assert_eq!((mode(&kept), mode(kept.parent().unwrap())), (0o600, 0o700));
    assert!(kept.starts_with(place.kept()), "{kept:?}");
    assert_eq!(fs::read_dir(elsewhere.path()).unwrap().count(), 0);
    assert_eq!(fs::read_dir(place.path("moved")).unwrap().count(), 0);
}

#[test]
fn names_that_were_created_before_are_in_nobodys_way() {
    let place = Place::new().shared();
    let path = place.path("map");
    let own = std::process::id();
    // The names of before: a process number and a count.
    for attempt in 0..100 {
        place.file(&format!(".ambit-{own}-{attempt}-map"), "");
    }
    replace(&path, "text").unwrap();
    assert_eq!(text(&path), "text");
}

#[test]
fn a_device_and_a_pipe_are_written_to() {
    let place = Place::new();
    replace(Path::new("/dev/null"), "text").unwrap();
    assert!(!fs::metadata("/dev/null").unwrap().is_file());
    let pipe = place.path("pipe");
    mknodat(CWD, &pipe, FileType::Fifo, Mode::from_raw_mode(0o600), 0).unwrap();
    let reader = std::thread::spawn({
        let pipe = pipe.clone();
        move || text(pipe)
    });
    replace(&pipe, "through").unwrap();
    assert_eq!(reader.join().unwrap(), "through");
    let (mut reader, writer) = std::io::pipe().unwrap();
    let number = std::os::fd::AsRawFd::as_raw_fd(&writer);
    let target = Target::plan(Path::new(&format!("/dev/fd/{number}"))).unwrap();
    assert!(target.is_stream() && target.beside(".stats").unwrap().is_none());
    target.replace(b"descriptor", 0o644).unwrap();
    drop((target, writer));
    let mut got = String::new();
    reader.read_to_string(&mut got).unwrap();
    assert_eq!(got, "descriptor");
}

#[test]
fn a_pipe_where_others_can_place_one_is_refused_and_never_waited_for() {
    let place = Place::new().shared();
    let path = place.path("map");
    mknodat(CWD, &path, FileType::Fifo, Mode::from_raw_mode(0o666), 0).unwrap();
    let error = Target::plan(&path).unwrap_err();
    assert!(matches!(error, Error::ForeignSpecial), "{error}");
    fs::remove_file(&path).unwrap();
    let target = Target::plan(&path).unwrap();
    mknodat(CWD, &path, FileType::Fifo, Mode::from_raw_mode(0o666), 0).unwrap();
    assert!(matches!(target.read(9), Err(Error::NotRegular)));
    target.replace(b"text", 0o644).unwrap();
    assert_eq!(text(&path), "text");
}

#[test]
fn a_folder_is_no_file_and_a_missing_folder_is_an_error() {
    let place = Place::new();
    for (path, wanted) in [(".", "folder"), ("..", "folder"), ("no/map", "cannot open")] {
        let error = Target::plan(&place.path(path)).unwrap_err();
        assert!(error.to_string().contains(wanted), "{path}: {error}");
    }
}

#[test]
fn a_new_file_replaces_nothing_and_is_found_or_kept_at_its_end() {
    let place = Place::new().shared();
    let path = place.path("recording");
    let create = || NewFile::create(Target::plan(&path).unwrap());
    let new = create().unwrap();
    assert!(create().unwrap_err().is_exists());
    new.writer().unwrap().write_all(b"events").unwrap();
    new.settle(&place.kept()).unwrap();
    assert_eq!((text(&path).as_str(), mode(&path)), ("events", 0o600));
    fs::remove_file(&path).unwrap();

    let new = create().unwrap();
    new.writer().unwrap().write_all(b"events").unwrap();
    fs::remove_file(&path).unwrap();
    place.file("recording", "forged");
    let NotWritten::Kept { path: kept, .. } = new.settle(&place.kept()).unwrap_err() else {
        panic!("the file is not where it was asked for")
    };
    assert_eq!(text(kept), "events");
    assert_eq!(text(&path), "forged");

    fs::remove_file(&path).unwrap();
    drop(create().unwrap());
    assert!(!path.exists());
    drop(create().unwrap().stay());
    assert!(path.exists());
    fs::remove_file(&path).unwrap();
    // A name that belongs to another file by now is left.
    let new = create().unwrap();
    fs::remove_file(&path).unwrap();
    place.file("recording", "another's");
    drop(new);
    assert_eq!(text(&path), "another's");
}

#[test]
fn what_can_be_written_nowhere_names_both_reasons() {
    let place = Place::new();
    fs::create_dir(place.path("maps")).unwrap();
    let target = Target::plan(&place.path("maps/map")).unwrap();
    fs::remove_dir(place.path("maps")).unwrap();
    fs::set_permissions(place.state.path(), Permissions::from_mode(0o777)).unwrap();
    symlink("/tmp", place.kept()).unwrap();
    let error = target
        .replace_or_keep(b"text", 0o644, &place.kept())
        .unwrap_err();
    let NotWritten::Lost {
        because, source, ..
    } = error
    else {
        panic!("{error}")
    };
    assert!(matches!(because, Error::Moved), "{because}");
    assert!(matches!(source, Error::Directory { .. }), "{source}");
}
