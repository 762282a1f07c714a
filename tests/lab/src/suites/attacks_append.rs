// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A map that only allows appending to a file protects its content, whichever call would change it.

use std::fs;

use super::attacks_overlay::Overlay;
use super::tests;
use crate::harness::{Lab, act, skip};

tests! { "attacks":
    appending_does_not_allow_to_drop_the_flag
    appending_does_not_allow_to_drop_the_flag_through_a_copy
    appending_does_not_allow_to_punch_a_hole
    appending_does_not_allow_to_punch_a_hole_by_ioctl
    appending_does_not_allow_to_zero_a_range
    appending_does_not_allow_to_take_a_range_out
    appending_does_not_allow_to_insert_a_range
    appending_does_not_allow_to_write_at_an_offset
    appending_does_not_allow_to_map_the_file_writable
    appending_does_not_allow_to_make_a_mapping_writable
    appending_does_not_allow_an_asynchronous_write_at_an_offset
    appending_does_not_allow_to_truncate
    appending_does_not_allow_to_open_the_descriptor_again
    appending_does_not_allow_io_uring_to_write_at_an_offset
    appending_does_not_allow_io_uring_to_punch_a_hole
    appending_does_not_allow_io_uring_to_truncate
    appending_by_other_means_than_a_system_call_is_a_write
    appending_to_an_overlay_does_not_allow_to_drop_the_flag
    appending_to_an_overlay_does_not_allow_to_punch_a_hole
    appending_to_an_overlay_does_not_allow_to_write_at_an_offset
    appending_to_an_overlay_does_not_allow_to_map_the_file_writable
}

/// Two blocks of every usual file system, so that ranges can be taken out.
const OLD: [u8; 8192] = [b'o'; 8192];
const NO_FLAG: &str = "this kernel has no RWF_NOAPPEND, which is from 6.9";

/// Tests an attack on a log that the map allows to append to, in each of the usual ways.
fn attack_on(lab: &Lab, log: &str, operation: &str, record: &str) {
    let control = [
        "append LOG new",
        "append-by writev LOG new",
        "append-by pwrite LOG new",
        "append-by setfl-nonblock LOG new",
        "uring-open KNOWN",
        "uring-open-sqpoll KNOWN",
    ];
    let control = control.join(" , ").replace("KNOWN", &lab.path("known"));
    attack_with(lab, log, operation, record, &control);
}

fn attack_with(lab: &Lab, log: &str, operation: &str, record: &str, control: &str) {
    let mut attack = lab.attack(operation.replace("LOG", log), record.replace("LOG", log));
    if operation.contains("noappend") {
        attack = attack
            .lacking("errno EOPNOTSUPP", NO_FLAG)
            .ineffective("this file system appends all the same");
    }
    attack
        .control(control.replace("LOG", log))
        .before(|| fs::write(log, OLD).unwrap())
        .effect(|| !fs::read(log).unwrap().starts_with(&OLD))
        .check();
}

fn attack(lab: &Lab, operation: &str, record: &str) {
    attack_on(lab, &lab.path("log"), operation, record);
}

fn on_an_overlay(lab: &Lab, operation: &str) {
    let overlay = Overlay::mount(lab);
    attack_on(lab, &overlay.path("log"), operation, "file.open w LOG");
}

fn appending_does_not_allow_to_drop_the_flag(lab: &Lab) {
    attack(lab, "overwrite setfl LOG", "file.open w LOG");
}

fn appending_does_not_allow_to_drop_the_flag_through_a_copy(lab: &Lab) {
    attack(lab, "overwrite setfl-of-copy LOG", "file.open w LOG");
}

fn appending_does_not_allow_to_punch_a_hole(lab: &Lab) {
    attack(lab, "overwrite punch LOG", "file.open w LOG");
}

fn appending_does_not_allow_to_punch_a_hole_by_ioctl(lab: &Lab) {
    // The request is decided first. A map that allows it does not allow the hole.
    let log = lab.path("log");
    let request = format!("file.ioctl 0x4030582b {log}");
    let write = format!("file.open w {log}");
    for (record, allowed) in [(&request, &write), (&write, &request)] {
        lab.attack(format!("overwrite punch-ioctl {log}"), record)
            .control(format!("append {log} new"))
            .with_rule(allowed)
            .before(|| fs::write(&log, OLD).unwrap())
            .effect(|| !fs::read(&log).unwrap().starts_with(&OLD))
            .check();
    }
}

fn appending_does_not_allow_to_zero_a_range(lab: &Lab) {
    attack(lab, "overwrite zero LOG", "file.open w LOG");
}

fn appending_does_not_allow_to_take_a_range_out(lab: &Lab) {
    attack(lab, "overwrite collapse LOG", "file.open w LOG");
}

fn appending_does_not_allow_to_insert_a_range(lab: &Lab) {
    attack(lab, "overwrite insert LOG", "file.open w LOG");
}

fn appending_does_not_allow_to_write_at_an_offset(lab: &Lab) {
    attack(lab, "overwrite noappend LOG", "file.open w LOG");
}

/// A shared mapping needs a descriptor that is also open for reading.
fn mapping(lab: &Lab, log: &str, way: &str) {
    attack_with(
        lab,
        log,
        &format!("overwrite {way} LOG"),
        "file.open rw LOG",
        "append-by rw LOG new",
    );
}

fn appending_does_not_allow_to_map_the_file_writable(lab: &Lab) {
    mapping(lab, &lab.path("log"), "map");
}

fn appending_does_not_allow_to_make_a_mapping_writable(lab: &Lab) {
    mapping(lab, &lab.path("log"), "map-later");
}

fn appending_does_not_allow_an_asynchronous_write_at_an_offset(lab: &Lab) {
    attack(lab, "overwrite aio-noappend LOG", "file.open w LOG");
}

fn appending_does_not_allow_to_truncate(lab: &Lab) {
    attack(lab, "overwrite truncate LOG", "file.truncate LOG");
}

fn appending_does_not_allow_to_open_the_descriptor_again(lab: &Lab) {
    attack(lab, "overwrite reopen LOG", "file.open w LOG");
}

/// At once, in a worker thread, in work that the kernel adds to the task, and by a polling thread.
const WAYS: [&str; 4] = ["plain", "async", "linked", "polled"];

fn uring(lab: &Lab, request: &str, record: &str) {
    for way in WAYS {
        attack(lab, &format!("uring-overwrite {request} {way} LOG"), record);
    }
}

fn appending_does_not_allow_io_uring_to_write_at_an_offset(lab: &Lab) {
    uring(lab, "noappend", "file.open w LOG");
}

fn appending_does_not_allow_io_uring_to_punch_a_hole(lab: &Lab) {
    uring(lab, "punch", "file.open w LOG");
}

fn appending_does_not_allow_io_uring_to_truncate(lab: &Lab) {
    let log = lab.path("log");
    let outside = lab.file("outside", OLD);
    let tried = lab.outside(act(&format!("uring-overwrite truncate plain {outside}")));
    if tried.lines() == ["uring-overwrite: errno EINVAL"] {
        skip("this kernel's io_uring cannot truncate, which is from 6.9");
    }
    for way in WAYS {
        let operation = format!("uring-overwrite truncate {way} LOG");
        attack_on(lab, &log, &operation, "file.truncate LOG");
    }
}

/// The flags of such a request are in the memory of the program, and hooks do not read it.
fn appending_by_other_means_than_a_system_call_is_a_write(lab: &Lab) {
    let log = lab.path("log");
    for operation in ["append-by aio", "uring-append"] {
        let grown = || fs::read(&log).unwrap().len() > OLD.len() + "new".len() * 2;
        lab.attack(
            format!("{operation} {log} more"),
            format!("file.open w {log}"),
        )
        .control(format!(
            "append {log} new , uring-open {}",
            lab.path("known")
        ))
        .before(|| fs::write(&log, OLD).unwrap())
        .effect_as_expected(|expected| expected || grown())
        .check();
    }
}

fn appending_to_an_overlay_does_not_allow_to_drop_the_flag(lab: &Lab) {
    on_an_overlay(lab, "overwrite setfl LOG");
}

fn appending_to_an_overlay_does_not_allow_to_punch_a_hole(lab: &Lab) {
    on_an_overlay(lab, "overwrite punch LOG");
}

fn appending_to_an_overlay_does_not_allow_to_write_at_an_offset(lab: &Lab) {
    on_an_overlay(lab, "overwrite noappend LOG");
}

fn appending_to_an_overlay_does_not_allow_to_map_the_file_writable(lab: &Lab) {
    let overlay = Overlay::mount(lab);
    mapping(lab, &overlay.path("log"), "map");
    mapping(lab, &overlay.path("log"), "map-later");
}
