// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Files that are created with the rights of their owner, by other calls than a plain open.

use std::fs;
use std::os::unix::fs::MetadataExt;

use super::attacks_overlay::Overlay;
use super::tests;
use crate::harness::{Lab, act, skip};

tests! { "attacks":
    a_nameless_file_with_suid_is_refused
    a_nameless_file_with_sgid_is_refused
    a_nameless_file_with_suid_and_sgid_is_refused
    a_nameless_file_with_suid_on_an_overlay_is_refused
    a_nameless_file_with_suid_by_io_uring_is_refused
}

/// Tests a nameless file that gets a name afterwards. A map learned from one without the bits allows the link.
fn nameless(lab: &Lab, dir: &str, mode: &str, word: &str) {
    let file = format!("{dir}/f");
    lab.attack(
        format!("tmpfile-link {dir} {file} {mode}"),
        format!("file.create {word} {dir}/{{tmpfile}}"),
    )
    .control(format!("tmpfile-link {dir} {file} 644 , unlink {file}"))
    .or("errno EPERM at tmpfile")
    .before(|| {
        let _ = fs::remove_file(&file);
    })
    .effect(|| fs::metadata(&file).is_ok_and(|meta| meta.mode() & 0o6000 != 0))
    .check();
}

fn folder(lab: &Lab) -> String {
    let dir = lab.path("d");
    fs::create_dir_all(&dir).unwrap();
    dir
}

fn a_nameless_file_with_suid_is_refused(lab: &Lab) {
    nameless(lab, &folder(lab), "4755", "suid");
}

fn a_nameless_file_with_sgid_is_refused(lab: &Lab) {
    nameless(lab, &folder(lab), "2755", "sgid");
}

fn a_nameless_file_with_suid_and_sgid_is_refused(lab: &Lab) {
    nameless(lab, &folder(lab), "6755", "suid,sgid");
}

fn a_nameless_file_with_suid_on_an_overlay_is_refused(lab: &Lab) {
    let overlay = Overlay::mount(lab);
    let dir = overlay.path("d");
    fs::create_dir_all(&dir).unwrap();
    let tried = lab.outside(act(&format!("tmpfile {dir}")));
    if matches!(
        tried.lines()[0].as_str(),
        "tmpfile: errno EOPNOTSUPP" | "tmpfile: errno EISDIR"
    ) {
        skip("overlayfs of this kernel has no nameless files");
    }
    nameless(lab, &dir, "4755", "suid");
}

fn a_nameless_file_with_suid_by_io_uring_is_refused(lab: &Lab) {
    let dir = folder(lab);
    lab.attack(
        format!("uring-tmpfile {dir} 4755"),
        format!("file.create suid {dir}/{{tmpfile}}"),
    )
    .control(format!("uring-tmpfile {dir} 644"))
    .check();
}
