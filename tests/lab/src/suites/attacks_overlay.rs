// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Files on overlayfs, as in every container. Since 6.6 a mapping has the file of the layer, not the one that was opened.

use std::fs;

use super::rules::Rules;
use super::tests;
use crate::harness::{Lab, act};

tests! { "attacks":
    a_changed_mapping_of_a_lower_file_of_an_overlay_is_no_code
    a_changed_mapping_of_an_upper_file_of_an_overlay_is_no_code
    a_mapping_of_an_overlay_that_becomes_code_is_refused
    a_shared_mapping_of_an_overlay_that_becomes_code_is_refused
    a_rule_for_the_host_sees_a_mapping_of_an_overlay_that_becomes_code
}

/// An overlay, mounted in the test's folder until this is dropped.
pub(super) struct Overlay<'l> {
    lab: &'l Lab,
    merged: String,
}

impl<'l> Overlay<'l> {
    pub(super) fn mount(lab: &'l Lab) -> Self {
        let [lower, upper, work, merged] =
            ["lower", "upper", "work", "merged"].map(|name| lab.path(name));
        for folder in [&lower, &upper, &work, &merged] {
            fs::create_dir_all(folder).unwrap();
        }
        fs::write(format!("{lower}/code"), [0xc3; 4096]).unwrap();
        fs::write(format!("{lower}/log"), "old\n").unwrap();
        let layers = format!("lowerdir={lower},upperdir={upper},workdir={work}");
        lab.outside(["mount", "-t", "overlay", "overlay", "-o", &layers, &merged])
            .succeeds();
        Self { lab, merged }
    }

    /// Returns the path of a file as users of the mount see it.
    pub(super) fn path(&self, name: &str) -> String {
        format!("{}/{name}", self.merged)
    }
}

impl Drop for Overlay<'_> {
    fn drop(&mut self) {
        self.lab.outside(["umount", "-l", &self.merged]);
    }
}

fn changed(lab: &Lab, file: &str) {
    lab.attack(
        format!("code-dirty {file}"),
        format!("map.exec dirty {file}"),
    )
    .control(format!("code-file {file}"))
    .check();
}

fn a_changed_mapping_of_a_lower_file_of_an_overlay_is_no_code(lab: &Lab) {
    let overlay = Overlay::mount(lab);
    changed(lab, &overlay.path("code"));
}

fn a_changed_mapping_of_an_upper_file_of_an_overlay_is_no_code(lab: &Lab) {
    let overlay = Overlay::mount(lab);
    let file = overlay.path("upper");
    fs::write(&file, [0xc3; 4096]).unwrap();
    changed(lab, &file);
}

fn later(lab: &Lab, operation: &str) {
    let overlay = Overlay::mount(lab);
    let file = overlay.path("code");
    lab.attack(format!("{operation} {file}"), format!("map.exec {file}"))
        .control(format!("open-r {file}"))
        .check();
}

fn a_mapping_of_an_overlay_that_becomes_code_is_refused(lab: &Lab) {
    later(lab, "code-file-later");
}

fn a_shared_mapping_of_an_overlay_that_becomes_code_is_refused(lab: &Lab) {
    later(lab, "code-shared-later");
}

fn a_rule_for_the_host_sees_a_mapping_of_an_overlay_that_becomes_code(lab: &Lab) {
    let overlay = Overlay::mount(lab);
    let (file, other) = (overlay.path("code"), overlay.path("other"));
    fs::write(&other, [0xc3; 4096]).unwrap();
    let ways = [
        "code-file",
        "code-file-later",
        "code-shared-later",
        "code-dirty",
    ];
    let all = |file: &str| {
        let operations = ways.map(|way| format!("{way} {file}"));
        lab.outside(act(&operations.join(" , ")))
    };
    all(&file).succeeds();
    let rules = Rules::load(
        lab,
        &format!("  - {{id: no, on: map.exec, when: 'object.path == \"{file}\"', do: deny}}\n"),
    );
    all(&file).exits(1).says(
        &ways
            .map(|way| format!("{way}: errno EPERM"))
            .each_ref()
            .map(String::as_str),
    );
    assert_eq!(rules.applied()["no"], 4, "each way is refused by the rule");
    let record = rules
        .records()
        .into_iter()
        .find(|record| record["operation"] == format!("map.exec dirty {file}"));
    assert_eq!(record.expect("a record of it")["outcome"], "refused");
    // The same operations on another file of the overlay.
    all(&other).succeeds();
}
