// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Rules are active for the whole host, from one command to the next.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::Value;

use super::{setting, tests};
use crate::harness::{Job, Lab, Run, act, act_path, line};

tests! { "rules":
    a_rule_refuses_whoever_it_is_and_records_it
    a_rule_that_only_records_refuses_nothing
    a_rule_knows_the_chain_that_led_to_a_task
    an_executable_whose_path_is_too_long_does_not_hide_in_the_chain
    a_rule_knows_what_ran_before_it_was_loaded_by_its_parents
    a_taint_is_inherited_and_kept_over_exec
    a_taint_reaches_every_thread_of_the_process
    a_taint_ends_when_its_time_is_over
    a_rule_kills
    deny_wins_over_allow_whatever_the_order
    allow_wins_over_the_map_and_is_counted
    a_rule_that_allows_taints_as_well_where_others_no_longer_do
    permission_bits_that_are_asked_for_are_those_of_the_call
    a_rule_for_a_domain_leaves_the_host_alone
    new_rules_replace_old_ones_without_a_gap
    a_set_that_is_wrong_leaves_the_old_one_in_place
    sets_that_fail_to_load_one_after_the_other_leave_the_old_one_in_place
    a_load_that_is_killed_leaves_one_set_or_the_other_whole
    rules_hold_without_any_process_of_ambit
    a_second_watch_is_refused_and_names_the_first
    a_watch_ends_with_its_reader
    a_watch_reads_the_ring_of_the_next_rules
    unloading_rules_leaves_their_records_to_the_watch
    two_hundred_rules_load_on_one_hook
    two_hundred_rules_that_search_apply_just_where_they_should
    every_address_and_port_is_seen_as_it_is
    what_only_full_coverage_asks_maps_about_rules_see_and_refuse
    what_a_rule_counts_is_what_happened
    what_a_replay_says_of_rules_is_what_they_count
    every_rule_of_the_library_sees_its_example_and_not_its_near_miss
}

/// Rules that are loaded until this is dropped.
pub(super) struct Rules<'l> {
    lab: &'l Lab,
}

impl<'l> Rules<'l> {
    pub(super) fn load(lab: &'l Lab, rules: &str) -> Self {
        let file = lab.file("rules.yaml", format!("ambit-rules: 1\nrules:\n{rules}"));
        lab.ambit(["rules", "load", &file]).succeeds();
        Self { lab }
    }

    /// Returns the records since the last call.
    pub(super) fn records(&self) -> Vec<Value> {
        let run = self
            .lab
            .ambit(["rules", "watch", "--once", "--json"])
            .succeeds();
        run.lines()
            .iter()
            .map(|line| serde_json::from_str(line).expect("a line of JSON"))
            .collect()
    }

    /// Returns how often each rule matched.
    pub(super) fn applied(&self) -> BTreeMap<String, u64> {
        let run = self.lab.ambit(["rules", "ls", "--json"]).succeeds();
        run.lines()
            .iter()
            .map(|line| {
                let row: Value = serde_json::from_str(line).expect("a line of JSON");
                let id = row["id"].as_str().expect("an id").to_owned();
                (id, row["applied"].as_u64().expect("a number"))
            })
            .collect()
    }
}

impl Drop for Rules<'_> {
    fn drop(&mut self) {
        self.lab.ambit(["rules", "unload"]);
    }
}

fn sh(lab: &Lab, script: &str) -> Run {
    lab.outside(["bash", "-c", script])
}

fn a_rule_refuses_whoever_it_is_and_records_it(lab: &Lab) {
    let secret = lab.file("secret", "s\n");
    let rules = Rules::load(
        lab,
        &format!("  - {{id: no, on: file.open, when: 'object.path == \"{secret}\"', do: deny}}\n"),
    );
    sh(lab, &format!("cat {secret}"))
        .exits(1)
        .complains("Operation not permitted");
    sh(lab, "cat known").succeeds();
    let records = rules.records();
    let record = records
        .iter()
        .find(|record| record["rule"] == "no")
        .expect("a record of it");
    assert_eq!(record["outcome"], "refused");
    assert_eq!(record["operation"], format!("file.open r {secret}"));
    assert_eq!(record["exe"], "/usr/bin/cat");
    drop(rules);
    sh(lab, &format!("cat {secret}")).succeeds();
}

fn a_rule_that_only_records_refuses_nothing(lab: &Lab) {
    let file = lab.file("seen", "s\n");
    let rules = Rules::load(
        lab,
        &format!("  - {{id: seen, on: 'file.*', when: 'object.path == \"{file}\"', do: audit}}\n"),
    );
    sh(
        lab,
        &format!("cat {file}; chmod 600 {file}; mv {file} {file}2; rm {file}2"),
    )
    .succeeds();
    let operations: Vec<String> = rules
        .records()
        .iter()
        .filter_map(|record| Some(record["operation"].as_str()?.to_owned()))
        .collect();
    for expected in [
        format!("file.open r {file}"),
        format!("file.chmod {file}"),
        format!("file.rename from {file}"),
    ] {
        assert!(
            operations.contains(&expected),
            "{expected} is not in {operations:?}"
        );
    }
}

fn a_rule_knows_the_chain_that_led_to_a_task(lab: &Lab) {
    let file = lab.file("f", "s\n");
    let _rules = Rules::load(
        lab,
        &format!(
            "  - {{id: under-perl, on: file.open, when: 'object.path == \"{file}\" && \
             subject.chain.exists(e, e.endsWith(\"/perl\"))', do: deny}}\n  - {{id: by-dash, on: file.open, when: \
             'object.path == \"{file}\" && subject.path == \"/usr/bin/dash\"', do: deny}}\n"
        ),
    );
    sh(lab, &format!("cat {file}")).succeeds();
    sh(
        lab,
        &format!("perl -e 'exit(system(\"cat {file}\") ? 1 : 0)'"),
    )
    .exits(1);
    sh(lab, &format!("dash -c 'read x < {file}'")).exits(2);
    // The chain has four executables: the fifth program no longer has the first one in it.
    sh(
        lab,
        &format!(
            "perl -e 'exec \"env\", \"env\", \"env\", \"nice\", \"env\", \"cat\", \"{file}\"'"
        ),
    )
    .succeeds();
}

/// Such an executable is the empty text: it is below no folder, and conditions on all executables include it.
fn an_executable_whose_path_is_too_long_does_not_hide_in_the_chain(lab: &Lab) {
    let file = lab.file("f", "s\n");
    let folder = lab.path(&format!("{}/{}", "l".repeat(120), "o".repeat(120)));
    std::fs::create_dir_all(&folder).expect("cannot make a folder");
    let long = format!("{folder}/env");
    std::fs::copy("/usr/bin/env", &long).expect("cannot copy");
    let parent = format!(
        "subject.parent.startsWith(\"{}\") && subject.parent.endsWith(\"/env\")",
        lab.path("lll")
    );
    let mut set = String::new();
    for (id, when) in [
        ("all", "subject.chain.all(e, e.startsWith(\"/\"))"),
        ("not", "subject.chain.exists(e, !e.startsWith(\"/\"))"),
        ("unknown", "subject.unrepresentable"),
        ("parent", parent.as_str()),
    ] {
        let _ = writeln!(
            set,
            "  - {{id: {id}, on: file.open, when: 'object.path == \"{file}\" && {when}', do: audit}}"
        );
    }
    let rules = Rules::load(lab, &set);
    let applied = || ["all", "not", "unknown", "parent"].map(|id| rules.applied()[id]);
    sh(lab, &format!("env cat {file}; true")).succeeds();
    assert_eq!(applied(), [1, 0, 0, 0]);
    sh(lab, &format!("{long} cat {file}; true")).succeeds();
    assert_eq!(applied(), [2, 0, 1, 1]);
}

fn a_rule_knows_what_ran_before_it_was_loaded_by_its_parents(lab: &Lab) {
    let file = lab.file("f", "s\n");
    let mut shell = lab.command("dash");
    shell
        .args(["-c", &format!("echo ready; read x; cat {file}")])
        .stdin(std::process::Stdio::piped());
    let job = Job::start(&mut shell, "dash");
    job.until("ready");
    let _rules = Rules::load(
        lab,
        &format!(
            "  - {{id: by-dash, on: file.open, when: 'object.path == \"{file}\" && subject.parent == \
             \"/usr/bin/dash\"', do: deny}}\n"
        ),
    );
    job.finish().exits(1).complains("Operation not permitted");
}

const TAINT: &str = "  - {id: tmp, on: exec, when: 'object.path.startsWith(\"/var/tmp/lab/\") && \
                     object.path.endsWith(\"/dirty\")', do: taint}\n";

fn tainted(lab: &Lab, file: &str) -> String {
    let dirty = lab.path("dirty");
    std::fs::copy("/usr/bin/bash", &dirty).expect("cannot copy");
    format!(
        "{TAINT}  - {{id: gate, on: file.open, when: '\"rule:tmp\" in task.trust && object.path == \"{file}\"', do: deny}}\n"
    )
}

fn a_taint_is_inherited_and_kept_over_exec(lab: &Lab) {
    let file = lab.file("f", "s\n");
    let _rules = Rules::load(lab, &tainted(lab, &file));
    sh(lab, &format!("cat {file}")).succeeds();
    let dirty = lab.path("dirty");
    sh(lab, &format!("{dirty} -c 'cat {file}; exit $?'")).exits(1);
    sh(lab, &format!("{dirty} -c 'exec setsid -w cat {file}'")).exits(1);
    sh(
        lab,
        &format!("{dirty} -c 'perl -e \"exit(system(q(cat {file})) ? 3 : 0)\"; exit $?'"),
    )
    .exits(3);
    // Its parent is not tainted: a refusal stays local.
    sh(lab, &format!("{dirty} -c true; cat {file}")).exits(0);
}

fn a_taint_reaches_every_thread_of_the_process(lab: &Lab) {
    let file = lab.file("f", "s\n");
    lab.file("mark", "m\n");
    let mark = lab.path("mark");
    let _rules = Rules::load(
        lab,
        &format!(
            "  - {{id: mark, on: file.open, when: 'object.path == \"{mark}\"', do: taint}}\n  - {{id: gate, on: \
             file.open, when: '\"rule:mark\" in task.trust && object.path == \"{file}\"', do: deny}}\n"
        ),
    );
    let script = format!(
        "import threading\nopen('{file}').close()\nt = threading.Thread(target=lambda: open('{mark}').close())\n\
         t.start(); t.join()\ntry:\n    open('{file}').close(); print('open')\nexcept PermissionError:\n    print('refused')\n"
    );
    let script = lab.file("threads.py", script);
    lab.outside(["python3", &script])
        .succeeds()
        .says(&["refused"]);
}

fn a_taint_ends_when_its_time_is_over(lab: &Lab) {
    let file = lab.file("f", "s\n");
    lab.file("mark", "m\n");
    let mark = lab.path("mark");
    let _rules = Rules::load(
        lab,
        &format!(
            "  - {{id: mark, on: file.open, when: 'object.path == \"{mark}\"', do: taint, for-seconds: 4}}\n  - {{id: \
             gate, on: file.open, when: 'task.untrusted && object.path == \"{file}\"', do: deny}}\n"
        ),
    );
    sh(
        lab,
        // The taint refuses for the first three seconds. Then it ends, but not before its time.
        &format!(
            "SECONDS=0; read x < {mark}; read x < {file} && ((SECONDS < 3)) && exit 9; \
             until read x < {file}; do sleep 0.2; done; ((SECONDS >= 3))"
        ),
    )
    .exits(0);
}

fn a_rule_kills(lab: &Lab) {
    let file = lab.file("f", "s\n");
    let _rules = Rules::load(
        lab,
        &format!("  - {{id: k, on: file.open, when: 'object.path == \"{file}\"', do: kill}}\n"),
    );
    lab.outside(["cat", &file]).dies_by(libc::SIGKILL);
}

fn deny_wins_over_allow_whatever_the_order(lab: &Lab) {
    let file = lab.file("f", "s\n");
    let rule = |id: &str, when: &str, what: &str| {
        format!(
            "  - {{id: {id}, on: file.open, when: 'object.path == \"{file}\" && {when}', do: {what}}}\n"
        )
    };
    let (deny, allow) = (
        rule("deny", "task.uid == 0", "deny"),
        rule("allow", "object.read", "allow"),
    );
    for rules in [format!("{deny}{allow}"), format!("{allow}{deny}")] {
        let _rules = Rules::load(lab, &rules);
        sh(lab, &format!("cat {file}")).exits(1);
    }
}

/// The programs of the run are attached after the programs of the rules, but the rules must still be evaluated first.
fn allow_wins_over_the_map_and_is_counted(lab: &Lab) {
    let file = lab.file("f", "s\n");
    lab.learn("map", &line(&["cat", "known"])).succeeds();
    let rules = Rules::load(
        lab,
        &format!("  - {{id: ok, on: file.open, when: 'object.path == \"{file}\"', do: allow}}\n"),
    );
    lab.enforce("map", &line(&["cat", &file])).succeeds();
    assert_eq!(rules.applied()["ok"], 1);
    drop(rules);
    lab.enforce("map", &line(&["cat", &file])).exits(1);
}

fn a_rule_that_allows_taints_as_well_where_others_no_longer_do(lab: &Lab) {
    let (file, own, other) = (
        lab.file("f", "s\n"),
        lab.file("own", "s\n"),
        lab.file("other", "s\n"),
    );
    let mut set = String::new();
    for (id, when, what) in [
        (
            "own",
            format!("object.path == \"{file}\""),
            "[allow, taint]",
        ),
        (
            "other",
            // Slightly wider than the allow rule; otherwise it would be rejected as a rule that can never taint.
            format!("object.path.startsWith(\"{file}\") && object.read"),
            "taint",
        ),
        (
            "own-gate",
            format!("object.path == \"{own}\" && \"rule:own\" in task.trust"),
            "deny",
        ),
        (
            "other-gate",
            format!("object.path == \"{other}\" && \"rule:other\" in task.trust"),
            "deny",
        ),
    ] {
        let _ = writeln!(
            set,
            "  - {{id: {id}, on: file.open, when: '{when}', do: {what}}}"
        );
    }
    let rules = Rules::load(lab, &set);
    sh(lab, &format!("read x < {file} && read x < {other}")).succeeds();
    sh(lab, &format!("read x < {file} && read x < {own}")).exits(1);
    let applied = rules.applied();
    assert_eq!(
        (applied["own"], applied["other"], applied["own-gate"]),
        (2, 2, 1)
    );
}

/// Without a umask: the kernel applies it before the hook on file systems without access control lists, and after the hook
/// on others.
fn permission_bits_that_are_asked_for_are_those_of_the_call(lab: &Lab) {
    let (file, folder) = (lab.path("made"), lab.path("folder"));
    let rules = Rules::load(
        lab,
        &format!(
            "  - {{id: made, on: file.create, when: 'object.path == \"{file}\" && object.new_mode == 0x1b6', do: audit}}\n  \
             - {{id: folder, on: file.mkdir, when: 'object.path == \"{folder}\" && object.new_mode == 0x1ff', do: audit}}\n  \
             - {{id: changed, on: file.chmod, when: 'object.path == \"{file}\" && object.new_mode == 0xded', do: audit}}\n"
        ),
    );
    sh(
        lab,
        &format!("umask 0; : > {file}; mkdir {folder}; chmod 6755 {file}"),
    )
    .succeeds();
    let applied = rules.applied();
    assert_eq!(
        (applied["made"], applied["folder"], applied["changed"]),
        (1, 1, 1)
    );
}

fn a_rule_for_a_domain_leaves_the_host_alone(lab: &Lab) {
    let file = lab.file("f", "s\n");
    lab.learn("map", &line(&["cat", &file])).succeeds();
    let _rules = Rules::load(
        lab,
        &format!(
            "  - {{id: d, for: domains, on: file.open, when: 'object.path == \"{file}\"', do: deny}}\n"
        ),
    );
    sh(lab, &format!("cat {file}")).succeeds();
    lab.enforce("map", &line(&["cat", &file])).exits(1);
}

/// A thousand by hand: `AMBIT_LAB_RELOADS=1000`.
pub(super) fn reloads() -> u64 {
    setting("AMBIT_LAB_RELOADS", 10)
}

fn new_rules_replace_old_ones_without_a_gap(lab: &Lab) {
    let file = lab.file("f", "s\n");
    let set = |other: &str| {
        format!(
            "ambit-rules: 1\nrules:\n  - {{id: no, on: file.open, when: 'object.path == \"{file}\"', do: deny}}\n{other}"
        )
    };
    let one = lab.file("one.yaml", set(""));
    let other = lab.file(
        "two.yaml",
        set("  - {id: more, on: [file.open, file.unlink], when: 'object.path.contains(\"x\") && task.uid == 77', do: deny}\n"),
    );
    lab.ambit(["rules", "load", &one]).succeeds();
    let _rules = Rules { lab };
    let script = format!(
        "$n = 0; while (!-e '{stop}') {{ for (1..200) {{ if (open(F, '<', '{file}')) {{ print qq(opened\\n); exit 1 }} \
         $n++ }} }} print qq($n\\n);",
        stop = lab.path("stop")
    );
    let opening = Job::start(lab.command("perl").args(["-e", &script]), "perl");
    for _ in 0..reloads() / 2 {
        lab.ambit(["rules", "load", "-q", &other]).succeeds();
        lab.ambit(["rules", "load", "-q", &one]).succeeds();
    }
    lab.file("stop", "");
    let run = opening.finish().succeeds();
    let tried: u64 = run.lines()[0].parse().expect("a number");
    assert!(tried > 1000, "only {tried} opens were tried");
}

fn a_set_that_is_wrong_leaves_the_old_one_in_place(lab: &Lab) {
    let file = lab.file("f", "s\n");
    let _rules = Rules::load(
        lab,
        &format!("  - {{id: no, on: file.open, when: 'object.path == \"{file}\"', do: deny}}\n"),
    );
    let wrong = lab.file(
        "wrong.yaml",
        "ambit-rules: 1\nrules:\n  - {id: x, on: file.open, when: 'object.pth == \"/x\"', do: deny}\n",
    );
    lab.ambit(["rules", "load", &wrong])
        .exits(1)
        .complains("object.path");
    let large = lab.file(
        "large.yaml",
        (0..600).fold("ambit-rules: 1\nrules:\n".to_owned(), |text, n| {
            text + &format!(
                "  - {{id: r{n}, on: file.open, when: 'object.path == \"/x{n}\"', do: deny}}\n"
            )
        }),
    );
    lab.ambit(["rules", "load", &large])
        .exits(1)
        .complains("file_open");
    sh(lab, &format!("cat {file}")).exits(1);
}

fn sets_that_fail_to_load_one_after_the_other_leave_the_old_one_in_place(lab: &Lab) {
    const LINKS: &str = "/sys/fs/bpf/ambit/rules";
    let file = lab.file("f", "s\n");
    let rule = |when: &str| format!("  - {{id: no, on: file.open, when: '{when}', do: deny}}\n");
    let rules = Rules::load(lab, &rule(&format!("object.path == \"{file}\"")));
    let number: u64 = std::fs::read_dir(LINKS)
        .expect("links are pinned")
        .flatten()
        .find_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            name.strip_prefix("rules-file_open-")?.parse().ok()
        })
        .expect("the set has a number");
    let others = lab.file(
        "others.yaml",
        format!(
            "ambit-rules: 1\nrules:\n{}",
            rule("object.path == \"/nothing\"")
        ),
    );
    // The link of the next set cannot be pinned, for any number that the set may get.
    let taken: Vec<String> = (number + 1..number + 12)
        .map(|next| format!("{LINKS}/rules-file_open-{next}"))
        .collect();
    for path in &taken {
        std::fs::create_dir(path).expect("cannot be in the way");
    }
    for _ in 0..3 {
        lab.ambit(["rules", "load", &others]).exits(2);
        sh(lab, &format!("cat {file}")).exits(1);
        assert!(rules.applied().contains_key("no"));
    }
    for path in &taken {
        std::fs::remove_dir(path).expect("cannot make way");
    }
    assert_eq!(rules.applied()["no"], 3);
    lab.ambit(["rules", "load", &others]).succeeds();
    sh(lab, &format!("cat {file}")).succeeds();
}

/// Fail points of a load, in their order, and whether the new rules are active there.
const LOADING: [(&str, bool); 10] = [
    ("rules-sources-written", false),
    ("rules-filled", false),
    ("rules-programs-pinned", false),
    ("rules-programs-attached", false),
    ("rules-description-written", false),
    ("rules-before-activate", false),
    ("rules-after-activate", true),
    ("rules-before-unpin", true),
    ("rules-loaded", true),
    ("rules-filled", false),
];

/// Wherever a load is killed, the rules that are listed are those that refuse, and the next load works.
fn a_load_that_is_killed_leaves_one_set_or_the_other_whole(lab: &Lab) {
    let files = ["a", "b", "both"].map(|name| lab.file(name, "s\n"));
    let set = |id: &str| {
        let refuse = |id: &str, path: &str| {
            format!(
                "  - {{id: {id}, on: [file.open, file.unlink], when: 'object.path == \"{path}\"', do: deny}}\n"
            )
        };
        let others: String = (0..40)
            .map(|n| refuse(&format!("{id}{n}"), &format!("/nowhere/{id}/{n}")))
            .collect();
        let own = refuse(id, &lab.path(id)) + &refuse("both", &files[2]);
        lab.file(
            &format!("{id}.yaml"),
            format!("ambit-rules: 1\nrules:\n{own}{others}"),
        )
    };
    let (a, b) = (set("a"), set("b"));
    let refused = || {
        files
            .each_ref()
            .map(|file| sh(lab, &format!("cat {file}")).status.code() == Some(1))
    };
    lab.ambit(["rules", "load", &b]).succeeds();
    let rules = Rules { lab };
    let mut a_is_active = false;
    for (point, changes) in LOADING {
        let next = if a_is_active { &b } else { &a };
        lab.killed_at(point, ["rules", "load", next]);
        a_is_active ^= changes;
        let listed = rules.applied();
        let expected = [a_is_active, !a_is_active, true];
        let has = ["a", "b", "both"].map(|id| listed.contains_key(id));
        assert!(has == expected && listed.len() == 42, "{point}: {listed:?}");
        assert_eq!(refused(), expected, "{point}");
    }
    for (next, expected) in [
        (&a, [true, false, true]),
        (&b, [false, true, true]),
        (&a, [true, false, true]),
    ] {
        lab.ambit(["rules", "load", next]).succeeds();
        assert_eq!(refused(), expected);
    }
    drop(rules);
    assert_eq!(refused(), [false; 3]);
}

fn a_second_watch_is_refused_and_names_the_first(lab: &Lab) {
    let seen = lab.file("seen", "x\n");
    let rules = Rules::load(
        lab,
        &format!("  - {{id: seen, on: file.open, when: 'object.path == \"{seen}\"', do: audit}}\n"),
    );
    let watch = lab.ambit_job(["rules", "watch", "--json"]);
    lab.outside(["cat", &seen]).succeeds();
    watch.until_lines("a record", |lines| (!lines.is_empty()).then_some(()));
    lab.ambit(["rules", "watch", "--once"])
        .exits(2)
        .complains(&format!("process {} already reads", watch.pid()));
    watch.signal(libc::SIGTERM);
    watch.finish();
    lab.outside(["cat", &seen]).succeeds();
    assert_eq!(rules.records().len(), 1);
}

fn a_watch_ends_with_its_reader(lab: &Lab) {
    let seen = lab.file("seen", "x\n");
    let rules = Rules::load(
        lab,
        &format!("  - {{id: seen, on: file.open, when: 'object.path == \"{seen}\"', do: audit}}\n"),
    );
    for _ in 0..3 {
        sh(lab, &format!("cat {seen}")).succeeds();
    }
    let first = sh(lab, "ambit rules watch --json | head -1").succeeds();
    assert_eq!(first.lines().len(), 1);
    sh(lab, &format!("cat {seen}")).succeeds();
    assert!(!rules.records().is_empty());
}

fn a_watch_reads_the_ring_of_the_next_rules(lab: &Lab) {
    let seen = lab.file("seen", "x\n");
    let text =
        format!("  - {{id: seen, on: file.open, when: 'object.path == \"{seen}\"', do: audit}}\n");
    let rules = Rules::load(lab, &text);
    let watch = lab.ambit_job(["rules", "watch", "--json"]);
    let until = |count| {
        watch.until_lines("a record", |lines| (lines.len() == count).then_some(()));
    };
    sh(lab, &format!("cat {seen}")).succeeds();
    until(1);
    // Nothing else uses the kernel part, so that it is removed with its ring.
    drop(rules);
    let _rules = Rules::load(lab, &text);
    sh(lab, &format!("cat {seen}")).succeeds();
    until(2);
    watch.signal(libc::SIGTERM);
    watch.finish();
}

fn unloading_rules_leaves_their_records_to_the_watch(lab: &Lab) {
    let seen = lab.file("seen", "x\n");
    let rules = Rules::load(
        lab,
        &format!("  - {{id: seen, on: file.open, when: 'object.path == \"{seen}\"', do: audit}}\n"),
    );
    let watch = lab.ambit_job(["rules", "watch", "--json"]);
    let until = |count| {
        watch.until_lines("a record", |lines| (lines.len() == count).then_some(()));
    };
    sh(lab, &format!("cat {seen}")).succeeds();
    until(1);
    watch.signal(libc::SIGSTOP);
    sh(lab, &format!("cat {seen}")).succeeds();
    drop(rules);
    watch.signal(libc::SIGCONT);
    until(2);
    watch.signal(libc::SIGTERM);
    watch.finish();
}

fn rules_hold_without_any_process_of_ambit(lab: &Lab) {
    let file = lab.file("f", "s\n");
    let _rules = Rules::load(
        lab,
        &format!("  - {{id: no, on: file.open, when: 'object.path == \"{file}\"', do: deny}}\n"),
    );
    sh(lab, "pkill -9 -x ambit; true").succeeds();
    sh(lab, &format!("cat {file}")).exits(1);
    lab.ambit(["run", "--learn", "-o", "m", "--", "true"])
        .succeeds();
    sh(lab, &format!("cat {file}")).exits(1);
}

fn two_hundred_rules_load_on_one_hook(lab: &Lab) {
    let file = lab.file("f", "s\n");
    let mut rules = String::new();
    for n in 0..199 {
        let when = match n % 4 {
            0 => format!("object.path.startsWith(\"/srv/data{n}/\") && task.uid != 0"),
            1 => format!("object.path == \"/etc/app{n}.conf\" && object.write"),
            2 => format!(
                "object.path.endsWith(\".key{n}\") && !subject.path.startsWith(\"/usr/sbin/\")"
            ),
            _ => format!("object.path in [\"/a/{n}\", \"/b/{n}\"] && task.comm != \"x{n}\""),
        };
        let _ = writeln!(
            rules,
            "  - {{id: r{n}, on: file.open, when: '{when}', do: deny}}"
        );
    }
    let _ = writeln!(
        rules,
        "  - {{id: last, on: file.open, when: 'object.path == \"{file}\"', do: deny}}"
    );
    lab.file("x.key2", "k\n");
    let rules = Rules::load(lab, &rules);
    sh(lab, &format!("cat {file}")).exits(1);
    sh(lab, "cat x.key2").exits(1);
    sh(lab, "cat known").succeeds();
    let applied = rules.applied();
    assert_eq!((applied["last"], applied["r2"], applied["r3"]), (1, 1, 0));
}

/// Returns a condition that searches for a text of its own, a path in the test's folder for which it is true, and a similar
/// path for which it is false.
fn search(n: usize) -> (String, String, String) {
    let (when, hit, miss) = match n % 5 {
        0 => (
            format!("object.path.contains(\"/.vault{n}/\")"),
            format!(".vault{n}/x"),
            format!(".vault{n}-/x"),
        ),
        1 => (
            format!("object.path.endsWith(\".key{n}\")"),
            format!("a.key{n}"),
            format!("a.key{n}x"),
        ),
        2 => (
            format!("object.path.matches(\".*/log{n}[a-z]+[0-9]+$\")"),
            format!("log{n}ab7"),
            format!("log{n}ab7x"),
        ),
        3 => (
            format!("object.path.contains(\"token{n}.\") && !object.path.endsWith(\".tmp\")"),
            format!("token{n}.a"),
            format!("token{n}.tmp"),
        ),
        _ => (
            format!("object.path.matches(\"/cert{n}-[^/]*[.]pem\") || object.path == \"/{n}\""),
            format!("cert{n}-a.pem.old"),
            format!("cert{n}-/a.pem"),
        ),
    };
    (when, hit, miss)
}

fn two_hundred_rules_that_search_apply_just_where_they_should(lab: &Lab) {
    let searches: Vec<_> = (0..200).map(search).collect();
    let mut rules = String::new();
    let mut script = String::new();
    for (n, (when, hit, miss)) in searches.iter().enumerate() {
        let _ = writeln!(
            rules,
            "  - {{id: r{n}, on: file.open, when: '{when}', do: {}}}",
            if n < 100 { "audit" } else { "deny" }
        );
        for path in [hit, miss] {
            let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
            let _ = writeln!(
                script,
                "mkdir -p searched/{folder}; echo x > searched/{path}"
            );
        }
    }
    sh(lab, &script).succeeds();
    let rules = Rules::load(lab, &rules);
    // It prints how many files it could read.
    let read = |paths: &[&str]| {
        let script = format!(
            "cd searched; n=0; for f in {}; do read x < $f && n=$((n+1)); done; echo $n",
            paths.join(" ")
        );
        sh(lab, &script).succeeds().lines().join("")
    };
    let hits: Vec<&str> = searches.iter().map(|(_, hit, _)| hit.as_str()).collect();
    let misses: Vec<&str> = searches.iter().map(|(.., miss)| miss.as_str()).collect();
    assert_eq!(read(&misses), "200");
    let applied = rules.applied();
    let wrong: Vec<_> = applied.iter().filter(|(_, count)| **count != 0).collect();
    assert!(wrong.is_empty(), "applied where they should not: {wrong:?}");
    assert_eq!(read(&hits), "100");
    let applied = rules.applied();
    let wrong: Vec<_> = applied.iter().filter(|(_, count)| **count != 1).collect();
    assert_eq!(applied.len(), 200);
    assert!(wrong.is_empty(), "not applied once: {wrong:?}");
    // One path that matches several conditions.
    let all = ".vault5/cert9-b.pem.log7x1/.vault0/token3..key1";
    let script = format!("cd searched; mkdir -p $(dirname {all}); cp a.key1 {all}");
    sh(lab, &script).succeeds();
    let before = rules.applied();
    assert_eq!(read(&[all]), "1");
    let after = rules.applied();
    let more: Vec<&str> = after
        .iter()
        .filter(|(id, count)| before[*id] != **count)
        .map(|(id, _)| id.as_str())
        .collect();
    assert_eq!(more, ["r0", "r1", "r3", "r5", "r9"]);
}

fn every_address_and_port_is_seen_as_it_is(lab: &Lab) {
    let rules = Rules::load(
        lab,
        "  - {id: v4, on: net.connect, when: 'cidr(\"10.0.0.0/8\").containsIP(object.address) && object.port == 80', do: deny}\n\
        \x20 - {id: v6, on: net.connect, when: 'object.address == \"::1\" && object.port == 50050', do: deny}\n\
        \x20 - {id: lo, on: net.connect, when: 'ip(object.address).isLoopback() && object.port == 81', do: deny}\n",
    );
    let connect = |host: &str, port: u16| {
        sh(
            lab,
            &format!("timeout 3 bash -c 'exec 3<>/dev/tcp/{host}/{port}'"),
        )
    };
    for (host, port, refused) in [
        ("10.1.2.3", 80, true),
        ("10.1.2.3", 81, false),
        ("11.1.2.3", 80, false),
        ("::1", 50050, true),
        ("::1", 50051, false),
        ("127.0.0.1", 81, true),
        ("127.9.9.9", 81, true),
        ("127.0.0.1", 80, false),
    ] {
        let run = connect(host, port);
        let was = run.stderr_text().contains("Operation not permitted");
        assert_eq!(was, refused, "{host} port {port}: {}", run.stderr_text());
    }
    assert_eq!(rules.applied()["lo"], 2);
}

/// An operation of the exerciser, and the object in its record.
const FULL: &[(&str, &str)] = &[
    ("setxattr f user.ambit x", "file.setxattr user.ambit"),
    ("fcntl-owner f", "file.fcntl owner {dir}/f"),
    ("lease f", "file.fcntl lease {dir}/f"),
    ("lock f", "file.lock"),
    ("socket-mark 1", "net.option mark"),
    ("netlink-after-violation", "net.netlink"),
    ("nice-of child 5", "task.nice child"),
    ("affinity-of child", "task.scheduler child"),
    ("ioprio-of child", "task.ioprio child"),
    ("rlimit-of child 0", "task.rlimit core child"),
    ("memory-of child", "task.memory child"),
    ("dumpable 0", "task.prctl dumpable"),
    ("shm-create", "ipc.shm create private"),
    ("sem-create", "ipc.sem create private"),
    ("msg-create", "ipc.msg create private"),
    ("key-read user ambit:lab", "key.use read user"),
    ("module-after-violation", "kernel.request"),
    ("port-after-violation", "kernel.lockdown"),
    ("quota-sync", "kernel.quota"),
    ("userfault", "kernel.userfault"),
    ("uring", "uring.setup"),
    ("uring-cmd", "uring.cmd"),
];

fn what_only_full_coverage_asks_maps_about_rules_see_and_refuse(lab: &Lab) {
    lab.file("f", "x");
    let dir = lab.path("");
    let told = |what: &str| what.replace("{dir}", dir.trim_end_matches('/'));
    let run = |words: &str| -> String {
        let run = lab.outside(act(words));
        String::from_utf8_lossy(&run.stdout).into_owned()
    };
    let (known, without): (Vec<_>, Vec<_>) = FULL.iter().partition(|(words, _)| {
        let said = run(words);
        // The kernel requests a module for a socket family that does not exist.
        said.contains("ok") || said.contains("EAFNOSUPPORT")
    });
    assert!(without.len() < 5, "not on this kernel: {without:?}");
    if !without.is_empty() {
        eprintln!("figures: not on this kernel: {without:?}");
    }
    let load = |what: &str| {
        let rule = |words: &str, operation: &str| {
            let id = words.split(' ').next().expect("a word");
            let on = operation.split(' ').next().expect("an operation");
            let when = format!("subject.path == \"{}\"", act_path());
            format!("  - {{id: {id}, on: {on}, when: '{when}', do: {what}}}\n")
        };
        let rules: String = known
            .iter()
            .map(|(words, told)| rule(words, told))
            .collect();
        Rules::load(lab, &rules)
    };
    let rules = load("audit");
    rules.records();
    for (words, operation) in &known {
        let said = run(words);
        let id = words.split(' ').next();
        let records = rules.records();
        let own = records
            .iter()
            .filter(|record| record["rule"].as_str() == id);
        let own: Vec<&str> = own
            .filter_map(|record| record["operation"].as_str())
            .collect();
        let wanted = told(operation);
        assert!(
            own.iter().any(|own| own.starts_with(&wanted)),
            "{words} should be {wanted}, not {own:?}: {said}"
        );
    }
    drop(rules);
    let _rules = load("deny");
    for (words, _) in &known {
        let said = run(words);
        assert!(!said.contains("ok"), "{words} should be refused: {said}");
    }
}

fn what_a_rule_counts_is_what_happened(lab: &Lab) {
    let file = lab.file("f", "s\n");
    let rules = Rules::load(
        lab,
        &format!("  - {{id: c, on: file.open, when: 'object.path == \"{file}\"', do: audit}}\n"),
    );
    sh(
        lab,
        &format!("for i in $(seq 500); do read x < {file}; done"),
    )
    .succeeds();
    assert_eq!(rules.applied()["c"], 500);
    let recorded = rules.records();
    let own = recorded.iter().filter(|record| record["rule"] == "c");
    assert_eq!(own.count(), 500);
}

/// Records a workload with taints, chains and forks while rules are loaded, then replays the recording with the same rules.
fn what_a_replay_says_of_rules_is_what_they_count(lab: &Lab) {
    let file = lab.file("f", "s\n");
    let dirty = lab.path("dirty");
    std::fs::copy("/usr/bin/bash", &dirty).expect("cannot copy");
    let own = |id: &str, when: &str, what: &str| {
        format!(
            "  - {{id: {id}, on: file.open, when: 'object.path == \"{file}\" && {when}', do: {what}}}\n"
        )
    };
    let rules = |gate: &str| {
        [
            TAINT.to_owned(),
            own("gate", "\"rule:tmp\" in task.trust", gate),
            own("by-cat", "subject.path.endsWith(\"/cat\")", "audit"),
            own(
                "under-dirty",
                "subject.parent.endsWith(\"/dirty\")",
                "audit",
            ),
            own(
                "below",
                "subject.chain.exists(e, e.endsWith(\"/dirty\"))",
                "audit",
            ),
            own("never", "task.comm == \"nobody\"", "deny"),
        ]
        .concat()
    };
    let script = lab.script(
        "work.sh",
        &format!(
            "#!/bin/bash\ncat {file}\n{dirty} -c 'cat {file}; env nice cat {file}; (exec cat {file}); exec cat {file}'\n\
             {dirty} -c true; cat {file}\n{dirty} -c 'read x < {file}'\nexit 0\n"
        ),
    );
    let recording = lab.path("rec");
    let held = Rules::load(lab, &rules("audit"));
    lab.learning("map", &["--record", &recording], &line(&[&script]))
        .finish()
        .succeeds();
    let counted = held.applied();
    drop(held);
    assert_eq!(
        (
            counted["tmp"],
            counted["gate"],
            counted["by-cat"],
            counted["never"]
        ),
        (3, 5, 6, 0),
        "{counted:?}"
    );
    let replay = |rules: &str| {
        let run = lab
            .ambit(["replay", &recording, "--rules", rules, "--json"])
            .succeeds();
        let rows: Vec<Value> = run
            .lines()
            .iter()
            .map(|line| serde_json::from_str(line).expect("a line of JSON"))
            .collect();
        rows
    };
    let figure = |rows: &[Value], what: &str| -> BTreeMap<String, u64> {
        let rows = rows.iter().filter(|row| row["rule"].is_string());
        rows.map(|row| {
            let id = row["rule"].as_str().expect("an id").to_owned();
            (id, row[what].as_u64().expect("a number"))
        })
        .collect()
    };
    let rows = replay(&lab.path("rules.yaml"));
    assert_eq!(figure(&rows, "applied"), counted, "{rows:#?}");
    // The process that started the run is not in the recording, so that the replay cannot exclude it.
    let undecided = figure(&rows, "undecided");
    let open: Vec<_> = undecided.iter().filter(|(_, times)| **times > 0).collect();
    assert_eq!(open, [(&"below".to_owned(), &2)], "{rows:#?}");
    // The operations that the replay reports as refused are refused.
    let held = Rules::load(lab, &rules("deny"));
    sh(lab, &script).succeeds();
    let refused = held.applied()["gate"];
    drop(held);
    let rows = replay(&lab.path("rules.yaml"));
    assert_eq!(figure(&rows, "refused")["gate"], refused, "{rows:#?}");
    assert_eq!(refused, 5);
}

/// The library is in `/lab/rules`.
fn every_rule_of_the_library_sees_its_example_and_not_its_near_miss(lab: &Lab) {
    if !std::path::Path::new("/lab/rules").exists() {
        crate::harness::skip("the library is not here; `--with rules` brings it");
    }
    let tested = lab
        .ambit(["rules", "test", "--json", "/lab/rules"])
        .succeeds();
    // Records between two marks belong to one example.
    let mark = lab.file("mark", "m\n");
    let marks = lab.file(
        "marks.yaml",
        format!(
            "ambit-rules: 1\nrules:\n  - {{id: lab-mark, on: file.open, when: 'object.path == \"{mark}\"', do: audit}}\n"
        ),
    );
    lab.ambit(["rules", "load", "/lab/rules", &marks])
        .succeeds();
    let _rules = Rules { lab };
    let watch = lab.ambit_job(["rules", "watch", "--json"]);
    let mut examples = Vec::new();
    for example in tested.lines() {
        let example: Value = serde_json::from_str(&example).expect("a line of JSON");
        let (Some(id), Some(script)) = (example["rule"].as_str(), example["run"].as_str()) else {
            continue;
        };
        lab.outside(["cat", &mark]).succeeds();
        let _ = lab.outside(["timeout", "20", "sh", "-c", script]);
        let expected = example["expected"].as_bool().expect("a bool");
        examples.push((id.to_owned(), script.to_owned(), expected));
    }
    lab.outside(["cat", &mark]).succeeds();
    watch.until_lines("the last mark", |lines| {
        let marks = lines
            .iter()
            .filter(|line| line.contains("\"rule\":\"lab-mark\""));
        (marks.count() > examples.len()).then_some(())
    });
    watch.signal(libc::SIGTERM);
    let said = watch.finish();
    let mut recorded: Vec<Vec<String>> = Vec::new();
    for record in said.lines() {
        let Ok(record) = serde_json::from_str::<Value>(&record) else {
            continue;
        };
        match record["rule"].as_str() {
            Some("lab-mark") => recorded.push(Vec::new()),
            Some(id) => recorded
                .last_mut()
                .into_iter()
                .for_each(|own| own.push(id.to_owned())),
            None => {}
        }
    }
    assert_eq!(recorded.len(), examples.len() + 1, "marks are missing");
    let wrong: Vec<String> = examples
        .iter()
        .zip(&recorded)
        .filter(|((id, _, expected), own)| own.contains(id) != *expected)
        .map(|((id, script, expected), _)| format!("{id}, expected {expected}: {script}"))
        .collect();
    assert!(
        wrong.is_empty(),
        "{} of {}:\n{}",
        wrong.len(),
        examples.len(),
        wrong.join("\n")
    );
}
