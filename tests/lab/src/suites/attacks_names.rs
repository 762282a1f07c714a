// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Names of more than 255 bytes, as FUSE, vfat, exfat and ntfs have them, are no other names.

use super::tests;
use crate::harness::{Fuse, FuseFiles, Lab, act, skip};

tests! { "attacks":
    a_name_with_256_more_bytes_is_another_file
    a_folder_whose_name_has_256_more_bytes_is_another_folder
    a_name_of_1024_bytes_is_kept
}

fn mount(lab: &Lab, files: FuseFiles) -> (Fuse, String) {
    // Built in, or a module.
    lab.outside(["modprobe", "fuse"]);
    let path = lab.path("fuse");
    match Fuse::mount(&path, files) {
        Some(fuse) => (fuse, path),
        None => skip("this kernel has no FUSE"),
    }
}

fn secret(lab: &Lab, root: &str, known: &str, secret: &str) {
    lab.attack(
        format!("read {root}/{secret}"),
        format!("file.open r {root}/{secret}"),
    )
    .control(format!("read {root}/{known}"))
    .or("errno EPERM at open")
    .check();
}

fn a_name_with_256_more_bytes_is_another_file(lab: &Lab) {
    for length in [1, 4, 255] {
        let known = "n".repeat(length);
        let long = format!("{known}{}", "x".repeat(256));
        let files = FuseFiles::new().file(&known, "known").file(&long, "secret");
        let (_fuse, root) = mount(lab, files);
        secret(lab, &root, &known, &long);
    }
}

fn a_folder_whose_name_has_256_more_bytes_is_another_folder(lab: &Lab) {
    let long = format!("folder{}", "x".repeat(256));
    let files = FuseFiles::new()
        .file("folder/file", "known")
        .file(&format!("{long}/file"), "secret");
    let (_fuse, root) = mount(lab, files);
    secret(lab, &root, "folder/file", &format!("{long}/file"));
}

fn a_name_of_1024_bytes_is_kept(lab: &Lab) {
    let name = |last: char| format!("{}{last}", "n".repeat(1023));
    let (known, other) = (name('a'), name('b'));
    let files = FuseFiles::new()
        .file(&known, "known")
        .file(&other, "secret");
    let (_fuse, root) = mount(lab, files);
    lab.learn("map", &act(&format!("read {root}/{known}")))
        .succeeds();
    lab.map("map")
        .must_have(&format!("file.open r {root}/{known}"));
    secret(lab, &root, &known, &other);
}
