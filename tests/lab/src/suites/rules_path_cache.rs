// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The path cache keeps answers of rules for a path; they are never used for another path, task or set of rules.
//!
//! The files are in a folder with a short name, because long paths are not cached. One process on one CPU does all opens of
//! a test, so that they use the same per-CPU cache.

use std::fs;
use std::path::Path;

use super::rules::Rules;
use super::tests;
use crate::harness::Lab;

tests! { "rules_path_cache":
    a_path_with_a_cached_miss_is_refused_once_it_is_another_path
    a_folder_that_is_renamed_takes_what_is_in_it_along
    names_that_begin_alike_are_not_taken_for_each_other
    a_miss_for_reading_is_evaluated_again_for_writing
    a_rule_without_a_path_applies_where_all_others_miss
    a_task_that_lost_its_trust_is_refused_a_former_miss
    each_user_is_evaluated_for_a_path_that_some_may_not_open
    a_miss_of_one_rule_set_is_evaluated_again_by_the_next
    a_path_in_another_root_is_the_same_path
    an_allowed_file_that_was_opened_before_is_allowed_by_the_rule_once_more
    every_open_that_a_rule_records_is_counted
}

/// The folder of these tests' files.
const DIR: &str = "/srv/e";

/// A script that opens files and prints `open` or `refused` for each: `o(PATH)` to read, `w(PATH)` to write.
const HEAD: &str = "sub say_ { print $_[0] ? 'open ' : 'refused ' } \
                    sub o { my $ok = open(my $f, '<', $_[0]); say_($ok) } \
                    sub w { my $ok = open(my $f, '+<', $_[0]); say_($ok) } ";

fn files(names: &[&str]) {
    let _ = fs::remove_dir_all(DIR);
    for name in names {
        let path = Path::new(DIR).join(name);
        fs::create_dir_all(path.parent().expect("it is below the folder"))
            .expect("cannot make a folder");
        fs::write(path, "x\n").expect("cannot write a file");
    }
}

/// Runs a script on one CPU and returns its output.
fn said(lab: &Lab, script: &str) -> Vec<String> {
    let script = format!("{HEAD} {script}");
    let run = lab
        .outside(["taskset", "-c", "0", "perl", "-e", &script])
        .succeeds();
    run.lines()
        .iter()
        .flat_map(|line| line.split_whitespace())
        .map(str::to_owned)
        .collect()
}

fn refuse(id: &str, when: &str) -> String {
    format!("  - {{id: {id}, on: file.open, when: '{when}', do: deny}}\n")
}

fn a_path_with_a_cached_miss_is_refused_once_it_is_another_path(lab: &Lab) {
    files(&["plain"]);
    let _rules = Rules::load(lab, &refuse("no", "object.path == \"/srv/e/secret\""));
    let said = said(
        lab,
        "chdir '/srv/e'; o('plain'); o('plain'); rename('plain', 'secret'); o('secret'); o('secret'); \
         link('secret', 'other'); o('other'); o('other'); unlink('other'); rename('secret', 'plain'); o('plain'); \
         link('plain', 'secret'); o('secret'); o('plain'); symlink('secret', 'soft'); o('soft');",
    );
    assert_eq!(
        said.join(" "),
        "open open refused refused open open open refused open refused"
    );
}

fn a_folder_that_is_renamed_takes_what_is_in_it_along(lab: &Lab) {
    files(&["a/b/f"]);
    let _rules = Rules::load(
        lab,
        &refuse("no", "object.path.startsWith(\"/srv/e/hidden/\")"),
    );
    let said = said(
        lab,
        "chdir '/srv/e'; o('a/b/f'); o('a/b/f'); rename('a', 'hidden'); o('hidden/b/f'); o('hidden/b/f'); \
         rename('hidden/b', 'b'); o('b/f'); rename('b', 'hidden/c'); o('hidden/c/f');",
    );
    assert_eq!(said.join(" "), "open open refused refused open refused");
}

/// Names that end at the end of a word, and longer names whose next byte equals the length byte of the shorter one.
fn names_that_begin_alike_are_not_taken_for_each_other(lab: &Lab) {
    files(&["d/x"]);
    let lengths = [7, 8, 15, 16, 23, 24, 31, 32, 39, 40];
    let names = lengths.map(|length: usize| "n".repeat(length));
    let set: String = names
        .iter()
        .map(|name| {
            refuse(
                &format!("n{}", name.len()),
                &format!("object.path == \"/srv/e/{name}\""),
            )
        })
        .collect();
    let _rules = Rules::load(lab, &set);
    for (name, length) in names.iter().zip(lengths) {
        // 0x80 and the length, like the last byte of a word; and one letter more or less.
        let byte = 0x80 | length;
        let said = said(
            lab,
            &format!(
                "chdir '/srv/e'; my $n = '{name}'; for my $other (\"$n\" . chr({byte}) . 'zz', $n . 'n', substr($n, 1)) {{ \
                 open(my $f, '>', 'd/new'); close($f); rename('d/new', $other); o($other); o($other); \
                 rename($other, $n); o($n); o($n); unlink($n); }}"
            ),
        );
        // Names of a length with a rule of its own are refused too.
        let open = |length: usize| {
            if lengths.contains(&length) {
                "refused"
            } else {
                "open"
            }
        };
        let expected = ["open", open(length + 1), open(length - 1)]
            .map(|first| format!("{first} {first} refused refused"));
        assert_eq!(said.join(" "), expected.join(" "), "{length}");
    }
}

fn a_miss_for_reading_is_evaluated_again_for_writing(lab: &Lab) {
    files(&["f"]);
    let _rules = Rules::load(
        lab,
        &refuse("no", "object.path.startsWith(\"/srv/e/\") && object.write"),
    );
    let said = said(
        lab,
        "o('/srv/e/f'); o('/srv/e/f'); w('/srv/e/f'); w('/srv/e/f'); o('/srv/e/f');",
    );
    assert_eq!(said.join(" "), "open open refused refused open");
}

fn a_rule_without_a_path_applies_where_all_others_miss(lab: &Lab) {
    files(&["f"]);
    let set = refuse("path", "object.path == \"/srv/e/none\"")
        + &refuse("user", "task.uid == 4242")
        + &refuse("comm", "task.comm == \"renamed\"");
    let _rules = Rules::load(lab, &set);
    let said = said(
        lab,
        "o('/srv/e/f'); o('/srv/e/f'); $> = 4242; o('/srv/e/f'); $> = 0; o('/srv/e/f'); $0 = 'renamed'; o('/srv/e/f'); \
         $0 = 'perl'; o('/srv/e/f');",
    );
    assert_eq!(said.join(" "), "open open refused open refused open");
}

fn a_task_that_lost_its_trust_is_refused_a_former_miss(lab: &Lab) {
    files(&["f", "g", "mark"]);
    let set = format!(
        "  - {{id: mark, on: file.open, when: 'object.path == \"/srv/e/mark\"', do: taint}}\n{}{}",
        refuse(
            "with",
            "object.path == \"/srv/e/f\" && \"rule:mark\" in task.trust"
        ),
        refuse("write", "object.write && task.untrusted"),
    );
    let _rules = Rules::load(lab, &set);
    let said = said(
        lab,
        "o('/srv/e/f'); o('/srv/e/f'); w('/srv/e/g'); w('/srv/e/g'); o('/srv/e/mark'); o('/srv/e/f'); o('/srv/e/g'); \
         w('/srv/e/g');",
    );
    assert_eq!(
        said.join(" "),
        "open open open open open refused open refused"
    );
}

fn each_user_is_evaluated_for_a_path_that_some_may_not_open(lab: &Lab) {
    files(&["f", "g"]);
    let set = refuse("user", "object.path == \"/srv/e/f\" && task.uid == 4242")
        + &refuse(
            "chain",
            "object.path == \"/srv/e/g\" && subject.parent.endsWith(\"/taskset\") && task.uid == 4243",
        );
    let rules = Rules::load(lab, &set);
    let said = said(
        lab,
        "for (1..2) { o('/srv/e/f'); o('/srv/e/g'); $> = 4242; o('/srv/e/f'); o('/srv/e/g'); $> = 0; $> = 4243; \
         o('/srv/e/f'); o('/srv/e/g'); $> = 0 }",
    );
    let round = "open open refused open open refused";
    assert_eq!(said.join(" "), format!("{round} {round}"));
    let applied = rules.applied();
    assert_eq!((applied["user"], applied["chain"]), (2, 2));
}

fn a_miss_of_one_rule_set_is_evaluated_again_by_the_next(lab: &Lab) {
    files(&["f"]);
    let none = refuse("none", "object.path == \"/srv/e/none\"");
    let some = refuse("some", "object.path == \"/srv/e/f\"");
    let open = |set: &str| {
        let rules = Rules::load(lab, set);
        let said = said(lab, "o('/srv/e/f'); o('/srv/e/f');").join(" ");
        // The rules stay loaded until the next set replaces them.
        std::mem::forget(rules);
        said
    };
    for _ in 0..3 {
        assert_eq!(open(&none), "open open");
        assert_eq!(open(&some), "refused refused");
    }
    lab.ambit(["rules", "unload"]);
}

/// A path begins at the root of the mount namespace (docs/adr/0015).
fn a_path_in_another_root_is_the_same_path(lab: &Lab) {
    files(&["r/etc/f"]);
    let set = refuse("outside", "object.path == \"/srv/e/r/etc/f\"");
    let _rules = Rules::load(lab, &set);
    let script = "if (fork() == 0) { chroot('/srv/e/r'); chdir('/'); o('/etc/f'); o('/etc/f'); exit } wait; \
                  $| = 1; o('/srv/e/r/etc/f'); o('/srv/e/r/etc/f'); \
                  if (fork() == 0) { chroot('/srv/e/r'); chdir('/'); o('/etc/f'); exit } wait;";
    assert_eq!(
        said(lab, script).join(" "),
        "refused refused refused refused refused"
    );
}

/// The rule overrides the map for this operation each time, and has no effect on later operations.
fn an_allowed_file_that_was_opened_before_is_allowed_by_the_rule_once_more(lab: &Lab) {
    files(&["f", "g"]);
    let script = format!(
        "{HEAD} o('/srv/e/f'); o('/srv/e/f'); o('/srv/e/g'); o('/srv/e/f'); o('/srv/e/g');"
    );
    let line = |script: &str| {
        ["taskset", "-c", "0", "perl", "-e", script]
            .map(str::to_owned)
            .to_vec()
    };
    lab.learn("map", &line("print 1")).succeeds();
    let rules = Rules::load(
        lab,
        "  - {id: ok, on: file.open, when: 'object.path == \"/srv/e/f\"', do: allow}\n",
    );
    let run = lab.enforce("map", &line(&script)).succeeds();
    assert_eq!(
        run.lines().join(" ").trim(),
        "open open refused open refused"
    );
    assert_eq!(rules.applied()["ok"], 3);
}

fn every_open_that_a_rule_records_is_counted(lab: &Lab) {
    files(&["f"]);
    let rules = Rules::load(
        lab,
        "  - {id: seen, on: file.open, when: 'object.path == \"/srv/e/f\"', do: audit}\n",
    );
    said(lab, "for (1..50) { o('/srv/e/f') }");
    assert_eq!(rules.applied()["seen"], 50);
    let records = rules.records();
    let own = records
        .iter()
        .filter(|record| record["operation"] == "file.open r /srv/e/f");
    assert_eq!(own.count(), 50);
}
