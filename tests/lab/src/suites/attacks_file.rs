// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Files that are created with the rights of their owner, by other calls than a plain open.

use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt};

use super::attacks_overlay::Overlay;
use super::tests;
use crate::harness::{Lab, act, eventually, skip};

tests! { "attacks":
    a_nameless_file_with_suid_is_refused
    a_nameless_file_with_sgid_is_refused
    a_nameless_file_with_suid_and_sgid_is_refused
    a_nameless_file_with_suid_on_an_overlay_is_refused
    a_nameless_file_with_suid_by_io_uring_is_refused
    the_device_that_a_rename_leaves_is_refused
    a_program_in_memory_has_another_digest_once_a_mapping_changed_it
}

fn the_device_that_a_rename_leaves_is_refused(lab: &Lab) {
    let (from, to) = (lab.path("from"), lab.path("to"));
    lab.attack(
        format!("rename-whiteout {from} {to}"),
        format!("file.mknod chr {from}"),
    )
    .control(format!("rename {from} {to} , rename {to} {from}"))
    .before(|| {
        let _ = fs::remove_file(&to);
        let _ = fs::remove_file(&from);
        fs::write(&from, "").unwrap();
    })
    .effect(|| fs::metadata(&from).is_ok_and(|meta| meta.file_type().is_char_device()))
    .check();
}

/// On file systems in memory a write through a mapping changes no time.
fn a_program_in_memory_has_another_digest_once_a_mapping_changed_it(lab: &Lab) {
    for overlay in [false, true] {
        let place = lab.path(if overlay { "over" } else { "memory" });
        fs::create_dir_all(&place).unwrap();
        lab.outside(["mount", "-t", "tmpfs", "lab", &place])
            .succeeds();
        let mut program = format!("{place}/program");
        if overlay {
            for part in ["lower", "upper", "work", "all"] {
                fs::create_dir_all(format!("{place}/{part}")).unwrap();
            }
            let options =
                format!("lowerdir={place}/lower,upperdir={place}/upper,workdir={place}/work");
            lab.outside([
                "mount",
                "-t",
                "overlay",
                "lab",
                "-o",
                &options,
                &format!("{place}/all"),
            ])
            .succeeds();
            program = format!("{place}/all/program");
        }
        fs::copy("/usr/bin/true", &program).unwrap();
        let script = format!("{program}; echo status $?");
        let command = ["sh", "-c", script.as_str()].map(str::to_owned);
        let _ = fs::remove_file(lab.path("map"));
        lab.learn("map", &command).succeeds();
        assert!(lab.map("map").text.contains("sha256:"));
        let run = || lab.enforce("map", &command);
        run().succeeds().says(&["status 0"]);
        // A digest is kept from the second time on that it is computed, at least a second later.
        let begin = std::time::Instant::now();
        eventually("a second has passed", || {
            begin.elapsed() > std::time::Duration::from_millis(1100)
        });
        run().succeeds().says(&["status 0"]);
        let before = fs::metadata(&program).unwrap().ctime_nsec();
        lab.outside(act(&format!("map-shared-write {program}")))
            .succeeds();
        let after = fs::metadata(&program).unwrap().ctime_nsec();
        assert_eq!(before, after, "its times should not tell");
        let refused = run();
        lab.outside(["umount", "--recursive", &place]).succeeds();
        // Without the refusal, the shell would take the changed file for a script.
        refused.says(&["status 126"]);
    }
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
