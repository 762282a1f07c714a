// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Loading and unloading the kernel part. Nothing stays loaded between these tests, which makes them slow.

use super::live::{pinned, waiting};
use super::tests;
use crate::harness::{Lab, Stats, act, eventually, line, programs, programs_at_start, skip};

tests! { "unload":
    two_runs_share_one_kernel_part_and_leave_nothing_pinned
    nothing_stays_pinned_after_a_run_that_failed
    nothing_stays_pinned_after_a_canary_without_a_directory
    nothing_stays_pinned_once_the_workloads_of_killed_runs_have_ended
    a_load_of_rules_that_is_killed_is_in_no_other_loads_way
    a_run_that_is_killed_is_in_no_other_runs_way
    a_run_that_is_killed_while_it_extends_what_is_loaded_is_in_no_other_runs_way
    an_unload_of_rules_that_is_killed_leaves_them_whole_or_none
    the_shipped_program_has_no_fail_points
    where_programs_are_preempted_the_counters_add_up_or_nothing_is_loaded
    rules_count_on_when_programs_are_attached_after_them
}

fn nothing_is_pinned() {
    eventually("nothing is pinned", || pinned().is_empty());
}

fn all_programs_are_gone() {
    eventually("all programs that were loaded are gone", || {
        programs() == programs_at_start()
    });
}

fn two_runs_share_one_kernel_part_and_leave_nothing_pinned(lab: &Lab) {
    all_programs_are_gone();
    let before = programs();
    let options = ["--domain", "first", "--coverage", "full"];
    let mut first = lab.learning("first.map", &options, &act("true , wait-line"));
    first.until("true: ok");
    let (one, pins) = (programs(), pinned());
    assert!(
        one > before,
        "a run should have loaded programs: {one}, {before} before"
    );
    let mut second = waiting(lab, "second", "");
    assert_eq!(programs(), one, "the second run loaded programs of its own");
    // The first run ends; the second stays confined by the same programs.
    first.say("\n");
    first.finish().succeeds();
    assert_eq!(programs(), one, "the programs went with the first run");
    assert!(
        !pinned().is_empty() && pinned().len() <= pins.len() + 8,
        "{:#?}",
        pinned()
    );
    second.say("\n");
    second.finish().succeeds();
    nothing_is_pinned();
    all_programs_are_gone();
}

fn nothing_stays_pinned_after_a_canary_without_a_directory(lab: &Lab) {
    lab.outside(["env", "TMPDIR=/missing", "ambit", "doctor", "--canary"])
        .exits(2)
        .complains("set TMPDIR");
    nothing_is_pinned();
}

fn nothing_stays_pinned_after_a_run_that_failed(lab: &Lab) {
    lab.learn("map", &line(&["/no/such/command"])).exits(127);
    nothing_is_pinned();
    lab.learn("no/such/folder/map", &act("true"));
    nothing_is_pinned();
}

fn nothing_stays_pinned_once_the_workloads_of_killed_runs_have_ended(lab: &Lab) {
    let go = lab.path("go");
    let command = act(&format!("true , wait-file {go}"));
    let learning = lab.learning("map", &["--domain", "learning"], &command);
    learning.until("true: ok");
    lab.learn(
        "known.map",
        &act(&format!("true , open-r {}", lab.path("known"))),
    )
    .succeeds();
    let enforcing = lab.enforcing("known.map", &["--domain", "enforcing"], &command);
    enforcing.until("true: ok");
    for job in [learning, enforcing] {
        job.signal(libc::SIGKILL);
        job.finish().dies_by(libc::SIGKILL);
    }
    assert!(
        !pinned().is_empty(),
        "the workloads go on without their runs"
    );
    std::fs::write(&go, "").unwrap();
    nothing_is_pinned();
}

/// Each kill leaves what the next attempt has to cope with. Rules load the base only, which takes a fraction of the time.
fn a_load_of_rules_that_is_killed_is_in_no_other_loads_way(lab: &Lab) {
    let (rules, file) = deny_rule(lab);
    for point in ["load-maps-pinned", "load-base-pinned", "load-before-last"] {
        lab.killed_at(point, ["rules", "load", &rules]);
        lab.outside(["cat", &file]).succeeds();
    }
    lab.killed_at("load-after-last", ["rules", "load", &rules]);
    lab.ambit(["rules", "load", &rules]).succeeds();
    lab.outside(["cat", &file]).exits(1);
    lab.ambit(["rules", "unload"]).succeeds();
    nothing_is_pinned();
    all_programs_are_gone();
}

fn a_run_that_is_killed_is_in_no_other_runs_way(lab: &Lab) {
    // The name is free for each: a killed run does not keep it.
    let run = |map: &str| lab.learning_words(map, &["--domain", "d"], &act("true"));
    for point in [
        "load-core-pinned",
        "domain-maps-in-slot",
        "domain-created",
        "domain-slot-free",
        "remove-links-gone",
    ] {
        lab.killed_at(point, run("killed"));
    }
    lab.ambit(run("map")).succeeds().says(&["true: ok"]);
    nothing_is_pinned();
    all_programs_are_gone();
}

fn a_run_that_is_killed_while_it_extends_what_is_loaded_is_in_no_other_runs_way(lab: &Lab) {
    let (rules, file) = deny_rule(lab);
    let run = |map: &str, coverage: &str| {
        lab.learning_words(
            map,
            &["--domain", "d", "--coverage", coverage],
            &act("true"),
        )
    };
    // Rules alone load neither core nor full coverage.
    lab.ambit(["rules", "load", &rules]).succeeds();
    for (point, coverage) in [
        ("extend-core-pinned", "core"),
        ("extend-full-pinned", "full"),
    ] {
        lab.killed_at(point, run("killed", coverage));
        lab.outside(["cat", &file]).exits(1);
    }
    lab.ambit(run("map", "full")).succeeds().says(&["true: ok"]);
    lab.outside(["cat", &file]).exits(1);
    lab.ambit(["rules", "unload"]).succeeds();
    nothing_is_pinned();
    all_programs_are_gone();
}

/// Writes a rule that refuses to open a file. Returns the paths of the rules and of the file.
fn deny_rule(lab: &Lab) -> (String, String) {
    let file = lab.file("f", "s\n");
    let rule = format!(
        "ambit-rules: 1\nrules:\n  - {{id: no, on: file.open, when: 'object.path == \"{file}\"', do: deny}}\n"
    );
    (lab.file("rules.yaml", rule), file)
}

/// From the first fail point on, no rule is listed and none refuses; the next load works.
fn an_unload_of_rules_that_is_killed_leaves_them_whole_or_none(lab: &Lab) {
    let (rules, file) = deny_rule(lab);
    let points = [
        "unload-deactivated",
        "unload-unpinned",
        "unload-before-forget",
    ];
    for point in points
        .into_iter()
        .chain(["remove-last-gone", "remove-links-gone"])
    {
        lab.ambit(["rules", "load", &rules]).succeeds();
        lab.outside(["cat", &file]).exits(1);
        lab.killed_at(point, ["rules", "unload"]);
        lab.ambit(["rules", "ls"])
            .succeeds()
            .complains("no rules are loaded");
        lab.outside(["cat", &file]).succeeds();
        lab.ambit(["rules", "load", &rules]).succeeds();
        lab.outside(["cat", &file]).exits(1);
        lab.ambit(["rules", "unload"]).succeeds();
        lab.outside(["cat", &file]).succeeds();
        nothing_is_pinned();
    }
    all_programs_are_gone();
}

fn the_shipped_program_has_no_fail_points(_: &Lab) {
    let has = |program: &str| {
        let bytes = std::fs::read(program).unwrap_or_else(|error| panic!("{program}: {error}"));
        let has = |text: &[u8]| bytes.windows(text.len()).any(|window| window == text);
        (has(b"AMBIT_FAIL_POINT"), has(b"rules-before-activate"))
    };
    assert_eq!(has("/usr/bin/ambit"), (false, false));
    assert_eq!(has("/usr/bin/ambit-failpoints"), (true, true));
}

fn where_programs_are_preempted_the_counters_add_up_or_nothing_is_loaded(lab: &Lab) {
    const SWITCH: &str = "/sys/kernel/debug/sched/preempt";
    let text = std::fs::read_to_string(SWITCH)
        .unwrap_or_else(|_| skip("this kernel's preemption cannot be changed"));
    let before = text
        .split_whitespace()
        .find_map(|word| word.strip_prefix('(')?.strip_suffix(')'))
        .expect("a model in parentheses");
    let known = lab.path("known");
    let script = format!(
        "for i in 1 2 3 4 5 6 7 8; do {} loop 2000 open-r {known} >/dev/null & done; wait",
        crate::harness::act_path()
    );
    let command = line(&["bash", "-c", &script]);
    let stats = lab.path("stats");

    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
    let refused = release.starts_with("6.1.");

    std::fs::write(SWITCH, "full").expect("full preemption is to be had");
    // Keeps the kernel part loaded from one run to the next.
    let holder = (!refused).then(|| waiting(lab, "holder", ""));
    let learned = lab.learn("map", &command);
    let enforced = lab
        .enforcing("map", &["--stats", &stats], &command)
        .finish();
    // Restored before any check, for the tests after this one.
    std::fs::write(SWITCH, before).expect("what was before can be again");

    if let Some(mut holder) = holder {
        holder.say("\n");
        holder.finish().succeeds();
    }
    if refused {
        learned.exits(2).complains("preempt=full");
        nothing_is_pinned();
        return;
    }
    learned.succeeds();
    enforced.succeeds();
    let stats = Stats::read(&stats);
    stats.must_add_up();
    assert_eq!(stats.sum("violations"), 0, "one disturbed another");
    assert!(stats.of("file_open", "matched") >= 16_000);
}

fn rules_count_on_when_programs_are_attached_after_them(lab: &Lab) {
    let file = lab.file("f", "s\n");
    let rule = format!(
        "ambit-rules: 1\nrules:\n  - {{id: seen, on: file.open, when: 'object.path == \"{file}\"', do: audit}}\n"
    );
    let rules = lab.file("rules.yaml", rule);
    lab.ambit(["rules", "load", &rules]).succeeds();
    let read = || lab.outside(["cat", &file]).succeeds();
    read();
    read();
    // The run loads the programs for domains, and the programs of the rules are loaded again.
    lab.ambit(["run", "--learn", "-o", "m", "--", "true"])
        .succeeds();
    read();
    let told = lab
        .ambit(["rules", "watch", "--once", "--json"])
        .succeeds()
        .lines();
    let told: Vec<&String> = told
        .iter()
        .filter(|line| line.contains("\"rule\":\"seen\""))
        .collect();
    let counted = lab.ambit(["rules", "ls", "--json"]).succeeds().lines();
    lab.ambit(["rules", "unload"]).succeeds();
    assert_eq!(told.len(), 3, "{told:?}");
    assert!(counted.concat().contains("\"applied\":3"), "{counted:?}");
}
