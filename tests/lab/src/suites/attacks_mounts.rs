// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Rules in mount namespaces of their own, which any user can make: a mount chooses no name for a file of the host, and no
//! executable that a rule exempts.

use std::fs;

use super::rules::Rules;
use super::tests;
use crate::harness::{Lab, Run, skip};

tests! { "attacks":
    a_file_that_is_mounted_elsewhere_is_refused_by_its_rule
    a_file_in_a_directory_that_is_mounted_elsewhere_is_refused_by_its_rule
    a_program_that_is_mounted_over_an_exempt_one_is_not_exempt
    a_rule_that_allows_a_path_does_not_allow_a_mount_at_it
    a_rule_finds_the_host_s_file_behind_thousands_of_mounts
    a_name_that_only_a_mount_has_matches_its_rule_as_well
    a_rule_matches_a_file_of_a_service_once
    a_rule_can_test_for_a_program_with_a_path_that_is_too_long
    a_file_beneath_an_overlay_of_a_user_is_refused_by_its_rule
    a_file_beneath_an_overlay_of_the_host_matches_no_rule_by_its_layer
    a_file_reached_through_the_root_of_a_process_is_refused_by_its_rule
}

fn a_file_beneath_an_overlay_of_a_user_is_refused_by_its_rule(lab: &Lab) {
    let place = Place::new(lab);
    let plain = format!("{}/plain", place.folder);
    fs::write(&plain, "plain\n").unwrap();
    let upper = lab.path("upper");
    for part in ["up", "work"] {
        let part = format!("{upper}/{part}");
        fs::create_dir_all(&part).unwrap();
        lab.outside(["chown", "65534:65534", &part]).succeeds();
    }
    let all = &place.elsewhere;
    lab.outside(["chown", "-R", "65534:65534", &place.folder])
        .succeeds();
    // It reads the file, has it copied for a write, and reads the copy.
    let script = format!(
        "rm -rf {upper}/up/*; mount -t overlay lab -o userxattr,lowerdir={},upperdir={upper}/up,workdir={upper}/work \
         {all} || exit 7; cat {all}/plain {all}/secret; : >> {all}/secret; cat {upper}/up/secret; true",
        place.folder
    );
    let run = with_own_mounts(lab, &script);
    if run.status.code() == Some(7) {
        skip("this kernel lets users mount no overlay");
    }
    run.says(&["plain", "secret", "secret"]);
    let rules = Rules::load(lab, &deny(&format!("object.path == \"{}\"", place.secret)));
    with_own_mounts(lab, &script).says(&["plain"]);
    assert!(rules.applied()["no"] >= 2, "each open is refused");
}

fn a_file_beneath_an_overlay_of_the_host_matches_no_rule_by_its_layer(lab: &Lab) {
    let place = Place::new(lab);
    let upper = lab.path("upper");
    for part in ["up", "work"] {
        fs::create_dir_all(format!("{upper}/{part}")).unwrap();
    }
    let all = &place.elsewhere;
    let options = format!(
        "lowerdir={},upperdir={upper}/up,workdir={upper}/work",
        place.folder
    );
    lab.outside(["mount", "-t", "overlay", "lab", "-o", &options, all])
        .succeeds();
    let rules = Rules::load(
        lab,
        &format!(
            "  - {{id: layer, on: file.open, when: 'object.path.startsWith(\"{0}/\") || object.path.startsWith(\"{upper}/\") || \
             object.unrepresentable', do: audit}}\n  - {{id: all, on: file.open, when: 'object.path == \"{all}/secret\"', \
             do: audit}}\n",
            place.folder
        ),
    );
    // A container of root: the file is copied for the write.
    let script = format!("cat {all}/secret; : >> {all}/secret; ls {all}");
    let run = lab.outside(["unshare", "-m", "sh", "-c", &script]);
    let applied = rules.applied();
    lab.outside(["umount", all]).succeeds();
    run.succeeds().says(&["secret", "secret"]);
    assert_eq!((applied["all"], applied["layer"]), (2, 0));
}

fn a_file_reached_through_the_root_of_a_process_is_refused_by_its_rule(lab: &Lab) {
    let place = Place::new(lab);
    let rules = Rules::load(lab, &deny(&format!("object.path == \"{}\"", place.secret)));
    // The reader has the mounts of the host.
    let script = format!(
        "unshare -m --propagation private sh -c 'mount --bind {0} {1}; echo $$; exec sleep 1000' | \
         {{ read pid; cat /proc/$pid/root{1}/secret; kill $pid; }}",
        place.folder, place.elsewhere
    );
    lab.outside(["bash", "-c", &script]).says(&[]);
    assert_eq!(rules.applied()["no"], 1);
}

/// Runs a script as root of a user namespace and mount namespace of its own, as any user can.
fn with_own_mounts(lab: &Lab, script: &str) -> Run {
    let user = [
        "setpriv",
        "--reuid=65534",
        "--regid=65534",
        "--clear-groups",
    ];
    let own = ["unshare", "-Urm", "--propagation", "private", "sh", "-c"];
    lab.outside(["sysctl", "-qw", "user.max_user_namespaces=10000"]);
    let run = lab.outside(user.iter().chain(&own).copied().chain([script]));
    if run.status.code() == Some(1)
        && String::from_utf8_lossy(&run.stderr).contains("unshare failed")
    {
        skip("this kernel lets users make no namespaces");
    }
    run
}

/// A folder that everybody may enter, with a file that everybody may read.
struct Place {
    folder: String,
    secret: String,
    elsewhere: String,
}

impl Place {
    fn new(lab: &Lab) -> Self {
        let place = Self {
            folder: lab.path("folder"),
            secret: lab.path("folder/secret"),
            elsewhere: lab.path("elsewhere"),
        };
        for folder in [&place.folder, &place.elsewhere] {
            fs::create_dir_all(folder).unwrap();
        }
        fs::write(&place.secret, "secret\n").unwrap();
        place
    }
}

fn deny(what: &str) -> String {
    format!("  - {{id: no, on: file.open, when: '{what}', do: deny}}\n")
}

fn a_file_that_is_mounted_elsewhere_is_refused_by_its_rule(lab: &Lab) {
    let place = Place::new(lab);
    let other = lab.path("other");
    fs::write(&other, "").unwrap();
    let script = format!("mount --bind {} {other} && cat {other}", place.secret);
    with_own_mounts(lab, &script).succeeds().says(&["secret"]);
    let rules = Rules::load(lab, &deny(&format!("object.path == \"{}\"", place.secret)));
    lab.outside(["cat", &place.secret]).exits(1);
    with_own_mounts(lab, &script).exits(1).says(&[]);
    assert_eq!(rules.applied()["no"], 2, "each open is refused once");
    lab.outside(["cat", &other]).succeeds();
}

fn a_file_in_a_directory_that_is_mounted_elsewhere_is_refused_by_its_rule(lab: &Lab) {
    let place = Place::new(lab);
    let inside = format!("{}/secret", place.elsewhere);
    let script = format!(
        "mount --bind {} {} && cat {inside}",
        place.folder, place.elsewhere
    );
    let rules = Rules::load(
        lab,
        &deny(&format!("object.path.startsWith(\"{}/\")", place.folder)),
    );
    with_own_mounts(lab, &script).exits(1).says(&[]);
    let records = rules.records();
    assert_eq!(
        records[0]["operation"],
        format!("file.open r {}", place.secret),
        "the record has the host's path"
    );
    // A file that the rule does not name.
    let free = lab.path("free");
    fs::write(&free, "free\n").unwrap();
    let script = format!(
        "mount --bind {0} {1} && cat {1}",
        free,
        lab.file("point", "")
    );
    with_own_mounts(lab, &script).succeeds().says(&["free"]);
}

fn a_program_that_is_mounted_over_an_exempt_one_is_not_exempt(lab: &Lab) {
    let place = Place::new(lab);
    let exempt = lab.path("exempt");
    fs::copy("/usr/bin/head", &exempt).unwrap();
    let rules = Rules::load(
        lab,
        &deny(&format!(
            "object.path == \"{}\" && subject.path != \"{exempt}\"",
            place.secret
        )),
    );
    lab.outside([&exempt, &place.secret]).succeeds();
    // The program itself, in a namespace of its own, is the host's.
    let run = format!("exec {exempt} {}", place.secret);
    with_own_mounts(lab, &run).succeeds().says(&["secret"]);
    let script = format!("mount --bind /usr/bin/cat {exempt} && {run}");
    with_own_mounts(lab, &script).exits(1).says(&[]);
    assert_eq!(rules.applied()["no"], 1);
}

fn a_rule_that_allows_a_path_does_not_allow_a_mount_at_it(lab: &Lab) {
    let place = Place::new(lab);
    let open = lab.file("open", "open\n");
    let rules = Rules::load(
        lab,
        &deny(&format!(
            "object.path.startsWith(\"{}/\") && object.path != \"{open}\"",
            lab.path("").trim_end_matches('/')
        )),
    );
    lab.outside(["cat", &open]).succeeds();
    let script = format!("mount --bind {} {open} && cat {open}", place.secret);
    with_own_mounts(lab, &script).exits(1).says(&[]);
    assert!(rules.applied()["no"] >= 1);
}

/// From 6.18 on the kernel's list of a file system's mounts begins with the newest.
fn a_rule_finds_the_host_s_file_behind_thousands_of_mounts(lab: &Lab) {
    let place = Place::new(lab);
    let other = lab.file("other", "");
    let _rules = Rules::load(lab, &deny(&format!("object.path == \"{}\"", place.secret)));
    let script = format!(
        "i=0; while [ $i -lt 12 ]; do mount --rbind {0} {0}; i=$((i+1)); done; \
         mount --bind {1} {other} && cat {other}",
        place.elsewhere, place.secret
    );
    with_own_mounts(lab, &script).exits(1).says(&[]);
}

fn a_name_that_only_a_mount_has_matches_its_rule_as_well(lab: &Lab) {
    let place = Place::new(lab);
    let name = format!("{}/secret", place.elsewhere);
    let _rules = Rules::load(lab, &deny(&format!("object.path == \"{name}\"")));
    lab.outside(["cat", &place.secret]).succeeds();
    let script = format!(
        "mount --bind {} {} && cat {name}",
        place.folder, place.elsewhere
    );
    with_own_mounts(lab, &script).exits(1).says(&[]);
}

fn a_rule_matches_a_file_of_a_service_once(lab: &Lab) {
    let place = Place::new(lab);
    let rules = Rules::load(
        lab,
        "  - {id: seen, on: file.open, when: 'object.path.endsWith(\"/secret\")', do: audit}\n",
    );
    let script = format!(
        "mount --bind {} {} && cat {}/secret {}",
        place.folder, place.elsewhere, place.elsewhere, place.secret
    );
    with_own_mounts(lab, &script).succeeds();
    assert_eq!(rules.applied()["seen"], 2, "two opens match, each once");
}

fn a_rule_can_test_for_a_program_with_a_path_that_is_too_long(lab: &Lab) {
    let place = Place::new(lab);
    let long = lab.path(&vec!["d".repeat(100); 3].join("/"));
    fs::create_dir_all(&long).unwrap();
    let program = format!("{long}/cat");
    fs::copy("/usr/bin/cat", &program).unwrap();
    let condition = format!(
        "object.path == \"{}\" && subject.unrepresentable",
        place.secret
    );
    let rules = Rules::load(lab, &deny(&condition));
    lab.outside(["cat", &place.secret]).succeeds();
    lab.outside([&program, &place.secret]).exits(1);
    assert_eq!(rules.applied()["no"], 1);
}
