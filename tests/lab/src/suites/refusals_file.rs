// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Operations on files outside the map: the program gets EPERM, nothing changes, and other operations still succeed.

use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::Path;

use super::tests;
use crate::harness::{Lab, act};

tests! { "refusals":
    an_open_for_reading_is_refused
    an_open_for_writing_is_refused_and_the_file_stays_as_it_is
    an_open_for_both_is_refused_where_only_reading_was_learned
    an_open_for_appending_is_refused
    an_open_that_truncates_is_refused_and_the_file_stays_as_it_is
    a_refused_create_leaves_no_file
    a_refused_exclusive_create_leaves_no_file
    a_refused_create_with_suid_leaves_no_file
    a_refused_nameless_file_is_not_linked_into_the_tree
    a_refused_unlink_leaves_the_file
    a_rename_is_refused_by_its_source
    a_rename_is_refused_by_its_target
    a_refused_exchange_leaves_both_files_where_they_are
    a_link_is_refused_by_its_source
    a_link_is_refused_by_its_target
    a_refused_symlink_is_not_made
    a_refused_mkdir_makes_no_directory
    a_refused_rmdir_leaves_the_directory
    a_refused_mknod_makes_no_fifo
    a_refused_mknod_makes_no_device
    a_refused_truncate_leaves_the_size
    a_refused_ftruncate_leaves_the_size
    a_refused_chmod_leaves_the_mode
    a_refused_chmod_to_suid_leaves_the_mode
    a_refused_chown_leaves_the_owner
    a_refused_chown_of_a_symlink_leaves_its_owner
    a_refused_ioctl_is_seen_by_the_program
    asking_whether_a_descriptor_is_a_terminal_is_in_no_map
    another_hard_link_of_a_known_file_is_refused
    a_symlink_does_not_lead_around_the_map
    io_uring_opens_are_decided_like_the_system_call
    io_uring_opens_in_a_worker_thread_are_decided_like_the_system_call
    io_uring_opens_by_a_polling_thread_are_decided_like_the_system_call
    a_refused_create_by_io_uring_leaves_no_file
    a_refused_unlink_by_io_uring_leaves_the_file
}

fn there(path: &str) -> bool {
    Path::new(path).symlink_metadata().is_ok()
}

fn gone(path: &str) {
    let _ = fs::remove_file(path);
    let _ = fs::remove_dir(path);
}

fn text(path: &str) -> String {
    fs::read_to_string(path).unwrap()
}

fn an_open_for_reading_is_refused(lab: &Lab) {
    let file = lab.file("f", "x");
    lab.refusal(format!("read {file}"), format!("file.open r {file}"))
        .errno("EPERM at open")
        .without_trace()
        .check();
}

fn an_open_for_writing_is_refused_and_the_file_stays_as_it_is(lab: &Lab) {
    let file = lab.file("f", "old");
    lab.refusal(format!("append {file} new"), format!("file.open a {file}"))
        .before(|| fs::write(&file, "old").unwrap())
        .effect(|| text(&file) == "oldnew")
        .check();
    lab.refusal(format!("open-w {file}"), format!("file.open w {file}"))
        .without_trace()
        .check();
}

fn an_open_for_both_is_refused_where_only_reading_was_learned(lab: &Lab) {
    let file = lab.file("f", "x");
    let both = act(&format!("open-r {file} , open-rw {file} , open-r {file}"));
    lab.learn("map", &act(&format!("open-r {file}"))).succeeds();
    let run = lab.enforce("map", &both).exits(1);
    run.says(&["open-r: ok", "open-rw: errno EPERM", "open-r: ok"]);
    lab.learn("map", &both).succeeds();
    lab.map("map").must_have(&format!("file.open rw {file}"));
    lab.map("map").must_not_have(&format!("file.open r {file}"));
    lab.enforce("map", &both).succeeds().within_the_map();
}

fn an_open_for_appending_is_refused(lab: &Lab) {
    let file = lab.file("f", "x");
    lab.refusal(format!("open-a {file}"), format!("file.open a {file}"))
        .without_trace()
        .check();
}

fn an_open_that_truncates_is_refused_and_the_file_stays_as_it_is(lab: &Lab) {
    let file = lab.file("f", "text");
    lab.refusal(
        format!("open-trunc {file}"),
        format!("file.truncate {file}"),
    )
    .before(|| fs::write(&file, "text").unwrap())
    .effect(|| text(&file).is_empty())
    .check();
}

fn a_refused_create_leaves_no_file(lab: &Lab) {
    let file = lab.path("f");
    lab.refusal(format!("create {file}"), format!("file.create {file}"))
        .before(|| gone(&file))
        .effect(|| there(&file))
        .check();
}

fn a_refused_exclusive_create_leaves_no_file(lab: &Lab) {
    let file = lab.path("f");
    lab.refusal(format!("create-excl {file}"), format!("file.create {file}"))
        .before(|| gone(&file))
        .effect(|| there(&file))
        .check();
}

fn a_refused_create_with_suid_leaves_no_file(lab: &Lab) {
    let file = lab.path("f");
    lab.refusal(
        format!("create-suid {file}"),
        format!("file.create suid {file}"),
    )
    .before(|| gone(&file))
    .effect(|| there(&file))
    .check();
}

fn a_refused_nameless_file_is_not_linked_into_the_tree(lab: &Lab) {
    let (dir, file) = (lab.path("."), lab.path("f"));
    lab.refusal(
        format!("tmpfile-link {dir} {file}"),
        format!("file.link to {file}"),
    )
    .before(|| gone(&file))
    .effect(|| there(&file))
    .check();
}

fn a_refused_unlink_leaves_the_file(lab: &Lab) {
    let file = lab.path("f");
    lab.refusal(format!("unlink {file}"), format!("file.unlink {file}"))
        .before(|| fs::write(&file, "x").unwrap())
        .effect(|| !there(&file))
        .check();
}

fn rename(lab: &Lab, end: &str) {
    let (a, b) = (lab.path("a"), lab.path("b"));
    let path = if end == "from" { &a } else { &b };
    lab.refusal(
        format!("rename {a} {b}"),
        format!("file.rename {end} {path}"),
    )
    .before(|| {
        gone(&b);
        fs::write(&a, "x").unwrap();
    })
    .effect(|| there(&b) || !there(&a))
    .check();
}

fn a_rename_is_refused_by_its_source(lab: &Lab) {
    rename(lab, "from");
}

fn a_rename_is_refused_by_its_target(lab: &Lab) {
    rename(lab, "to");
}

/// An exchange renames in both directions, so that both must be in the map.
fn a_refused_exchange_leaves_both_files_where_they_are(lab: &Lab) {
    let (a, b) = (lab.path("a"), lab.path("b"));
    lab.refusal(
        format!("rename-exchange {a} {b}"),
        format!("file.rename from {b}"),
    )
    .before(|| {
        fs::write(&a, "a").unwrap();
        fs::write(&b, "b").unwrap();
    })
    .effect(|| text(&a) == "b")
    .check();
}

fn link(lab: &Lab, end: &str) {
    let (a, b) = (lab.file("a", "x"), lab.path("b"));
    let path = if end == "from" { &a } else { &b };
    lab.refusal(format!("link {a} {b}"), format!("file.link {end} {path}"))
        .before(|| gone(&b))
        .effect(|| there(&b) || fs::metadata(&a).unwrap().nlink() > 1)
        .check();
}

fn a_link_is_refused_by_its_source(lab: &Lab) {
    link(lab, "from");
}

fn a_link_is_refused_by_its_target(lab: &Lab) {
    link(lab, "to");
}

fn a_refused_symlink_is_not_made(lab: &Lab) {
    let path = lab.path("l");
    lab.refusal(
        format!("symlink /etc/passwd {path}"),
        format!("file.symlink {path}"),
    )
    .before(|| gone(&path))
    .effect(|| there(&path))
    .check();
}

fn a_refused_mkdir_makes_no_directory(lab: &Lab) {
    let path = lab.path("d");
    lab.refusal(format!("mkdir {path}"), format!("file.mkdir {path}"))
        .before(|| gone(&path))
        .effect(|| there(&path))
        .check();
}

fn a_refused_rmdir_leaves_the_directory(lab: &Lab) {
    let path = lab.path("d");
    lab.refusal(format!("rmdir {path}"), format!("file.rmdir {path}"))
        .before(|| fs::create_dir_all(&path).unwrap())
        .effect(|| !there(&path))
        .check();
}

fn a_refused_mknod_makes_no_fifo(lab: &Lab) {
    let path = lab.path("p");
    lab.refusal(
        format!("mknod-fifo {path}"),
        format!("file.mknod fifo {path}"),
    )
    .before(|| gone(&path))
    .effect(|| there(&path))
    .check();
}

fn a_refused_mknod_makes_no_device(lab: &Lab) {
    let path = lab.path("c");
    lab.refusal(
        format!("mknod-chr {path}"),
        format!("file.mknod chr {path}"),
    )
    .before(|| gone(&path))
    .effect(|| fs::symlink_metadata(&path).is_ok_and(|meta| meta.file_type().is_char_device()))
    .check();
    let path = lab.path("b");
    lab.refusal(
        format!("mknod-blk {path}"),
        format!("file.mknod blk {path}"),
    )
    .before(|| gone(&path))
    .effect(|| there(&path))
    .check();
}

fn a_refused_truncate_leaves_the_size(lab: &Lab) {
    let path = lab.path("f");
    lab.refusal(
        format!("truncate {path} 1"),
        format!("file.truncate {path}"),
    )
    .before(|| fs::write(&path, "text").unwrap())
    .effect(|| text(&path) != "text")
    .check();
}

fn a_refused_ftruncate_leaves_the_size(lab: &Lab) {
    let path = lab.path("f");
    lab.refusal(
        format!("ftruncate {path} 1"),
        format!("file.truncate {path}"),
    )
    .before(|| fs::write(&path, "text").unwrap())
    .effect(|| text(&path) != "text")
    .check();
}

fn chmod(lab: &Lab, operation: &str, rule: &str) {
    let path = lab.file("f", "x");
    let mode = || fs::metadata(&path).unwrap().mode() & 0o7777;
    lab.refusal(operation.replace('F', &path), rule.replace('F', &path))
        .before(|| fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap())
        .effect(|| mode() != 0o644)
        .check();
}

fn a_refused_chmod_leaves_the_mode(lab: &Lab) {
    chmod(lab, "chmod F 600", "file.chmod F");
    chmod(lab, "fchmod F 600", "file.chmod F");
}

fn a_refused_chmod_to_suid_leaves_the_mode(lab: &Lab) {
    chmod(lab, "chmod F 4755", "file.chmod suid F");
    chmod(lab, "chmod F 6755", "file.chmod suid,sgid F");
    // Having learned a harmless mode allows no other.
    let path = lab.path("f");
    lab.learn("map", &act(&format!("chmod {path} 600")))
        .succeeds();
    let run = lab
        .enforce(
            "map",
            &act(&format!("chmod {path} 600 , chmod {path} 4755")),
        )
        .exits(1);
    run.says(&["chmod: ok", "chmod: errno EPERM"])
        .violates(&format!("file.chmod suid {path}"));
}

fn a_refused_chown_leaves_the_owner(lab: &Lab) {
    let path = lab.file("f", "x");
    lab.refusal(format!("chown {path} 33 33"), format!("file.chown {path}"))
        .before(|| std::os::unix::fs::chown(&path, Some(0), Some(0)).unwrap())
        .effect(|| fs::metadata(&path).unwrap().uid() != 0)
        .check();
}

fn a_refused_chown_of_a_symlink_leaves_its_owner(lab: &Lab) {
    let path = lab.path("l");
    std::os::unix::fs::symlink("known", &path).unwrap();
    lab.refusal(format!("lchown {path} 33 33"), format!("file.chown {path}"))
        .before(|| std::os::unix::fs::lchown(&path, Some(0), Some(0)).unwrap())
        .effect(|| fs::symlink_metadata(&path).unwrap().uid() != 0)
        .check();
}

/// With the standard descriptors of another day, a program asks the same of another file.
fn asking_whether_a_descriptor_is_a_terminal_is_in_no_map(lab: &Lab) {
    let (known, other) = (lab.file("k", "x"), lab.file("o", "x"));
    let asks = |file: &str| {
        // TCGETS, TIOCGPGRP, TCGETS2 and TIOCGSID: no file is a terminal.
        ["0x5401", "0x540f", "0x802c542a", "0x5429"]
            .map(|request| format!("ioctl {file} {request}"))
            .join(" , ")
    };
    let opens = format!("open-r {known} , open-r {other}");
    lab.learn("map", &act(&format!("{opens} , {}", asks(&known))));
    assert!(!lab.map("map").text.contains("file.ioctl"));
    let run = lab.enforce("map", &act(&format!("{opens} , {}", asks(&other))));
    assert_eq!(
        run.lines()[2..],
        ["ioctl: errno ENOTTY"; 4].map(str::to_owned),
        "the kernel answers, and not Ambit"
    );
    run.within_the_map();
}

fn a_refused_ioctl_is_seen_by_the_program(lab: &Lab) {
    let path = lab.file("f", "x");
    // FS_IOC_GETFLAGS
    lab.refusal(
        format!("ioctl {path} 0x80086601"),
        format!("file.ioctl 0x80086601 {path}"),
    )
    .without_trace()
    .check();
}

/// A map has paths, not inodes: another link to the same inode is another file.
fn another_hard_link_of_a_known_file_is_refused(lab: &Lab) {
    let (known, other) = (lab.path("known"), lab.path("other"));
    fs::hard_link(&known, &other).unwrap();
    lab.learn("map", &act(&format!("open-r {known}")))
        .succeeds();
    let run = lab
        .enforce("map", &act(&format!("open-r {known} , open-r {other}")))
        .exits(1);
    run.says(&["open-r: ok", "open-r: errno EPERM"])
        .violates(&format!("file.open r {other}"));
}

fn a_symlink_does_not_lead_around_the_map(lab: &Lab) {
    let (known, secret, way) = (lab.path("known"), lab.file("secret", "x"), lab.path("way"));
    std::os::unix::fs::symlink(&known, &way).unwrap();
    lab.learn("map", &act(&format!("open-r {way}"))).succeeds();
    lab.map("map").must_have(&format!("file.open r {known}"));
    fs::remove_file(&way).unwrap();
    std::os::unix::fs::symlink(&secret, &way).unwrap();
    let run = lab
        .enforce("map", &act(&format!("open-r {known} , open-r {way}")))
        .exits(1);
    run.says(&["open-r: ok", "open-r: errno EPERM"])
        .violates(&format!("file.open r {secret}"));
}

fn uring_open(lab: &Lab, operation: &str) {
    let path = lab.file("f", "x");
    lab.refusal(format!("{operation} {path}"), format!("file.open r {path}"))
        .without_trace()
        .check();
    // An operation that was learned by system call is allowed by io_uring, and the other way round.
    lab.learn(
        "syscall.map",
        &act(&format!("open-r {path} , {operation} /dev/null")),
    )
    .succeeds();
    let run = lab
        .enforce("syscall.map", &act(&format!("{operation} {path}")))
        .succeeds();
    run.within_the_map();
}

fn io_uring_opens_are_decided_like_the_system_call(lab: &Lab) {
    uring_open(lab, "uring-open");
}

fn io_uring_opens_in_a_worker_thread_are_decided_like_the_system_call(lab: &Lab) {
    uring_open(lab, "uring-open-async");
}

fn io_uring_opens_by_a_polling_thread_are_decided_like_the_system_call(lab: &Lab) {
    uring_open(lab, "uring-open-sqpoll");
}

fn a_refused_create_by_io_uring_leaves_no_file(lab: &Lab) {
    let path = lab.path("f");
    lab.refusal(
        format!("uring-create {path}"),
        format!("file.create {path}"),
    )
    .before(|| gone(&path))
    .effect(|| there(&path))
    .check();
}

fn a_refused_unlink_by_io_uring_leaves_the_file(lab: &Lab) {
    let path = lab.path("f");
    lab.refusal(
        format!("uring-unlink {path}"),
        format!("file.unlink {path}"),
    )
    .before(|| fs::write(&path, "x").unwrap())
    .effect(|| !there(&path))
    .check();
}
