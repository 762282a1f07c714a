// SPDX-License-Identifier: Apache-2.0 OR MIT
//! How the kernel part comes and goes. Nothing else is loaded between these tests, which makes them slow.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::live::waiting;
use super::tests;
use crate::harness::{Job, Lab, Stats, act, eventually_within, line, skip};

tests! { "unload":
    two_runs_share_one_kernel_part
    nothing_stays_pinned_after_a_run
    nothing_stays_pinned_after_a_run_that_failed
    nothing_stays_pinned_once_the_workload_of_a_killed_run_has_ended
    where_programs_are_preempted_the_counters_add_up_or_nothing_is_loaded
    rules_count_on_when_programs_are_attached_after_them
}

#[track_caller]
pub(super) fn until(what: &str, holds: impl FnMut() -> bool) {
    eventually_within(Duration::from_mins(4), what, holds);
}

/// Everything that is pinned.
pub(super) fn pinned() -> Vec<PathBuf> {
    fn walk(dir: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => walk(&entry.path(), found),
                _ => found.push(entry.path()),
            }
        }
    }
    let mut found = Vec::new();
    walk(Path::new("/sys/fs/bpf/ambit"), &mut found);
    found.sort();
    found
}

fn nothing_is_pinned() {
    until("nothing is pinned", || pinned().is_empty());
}

/// How many BPF programs the kernel has.
fn programs() -> usize {
    const PROG_GET_NEXT_ID: i32 = 11;
    // The start of a union bpf_attr: the id to start after, the next one, flags.
    let mut attributes = [0_u32; 3];
    let mut count = 0;
    // SAFETY: the size is that of the live array, whose second word the kernel writes.
    while unsafe { libc::syscall(libc::SYS_bpf, PROG_GET_NEXT_ID, attributes.as_mut_ptr(), 12) }
        == 0
    {
        attributes[0] = attributes[1];
        count += 1;
    }
    count
}

/// How many there are once those that were on their way out are gone.
fn settled_programs() -> usize {
    nothing_is_pinned();
    let mut count = programs();
    until("what was loaded before is gone", || {
        std::thread::sleep(Duration::from_secs(2));
        std::mem::replace(&mut count, programs()) == count
    });
    count
}

fn two_runs_share_one_kernel_part(lab: &Lab) {
    let before = settled_programs();
    let mut first = waiting(lab, "first", "");
    let (one, pins) = (programs(), pinned());
    assert!(
        one > before,
        "a run should have loaded programs: {one}, {before} before"
    );
    let mut second = waiting(lab, "second", "");
    assert_eq!(programs(), one, "the second run loaded programs of its own");
    // The first one goes; the second stays confined by the same programs.
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
    until("the programs are gone", || programs() == before);
}

fn nothing_stays_pinned_after_a_run(lab: &Lab) {
    let full = &["--coverage", "full"];
    let mut job = lab.learning("map", full, &act("true , wait-line"));
    job.until("true: ok");
    assert!(
        !pinned().is_empty(),
        "enforcement is to outlive its loader, so that something has to be pinned"
    );
    job.say("\n");
    job.finish().succeeds();
    nothing_is_pinned();
}

fn nothing_stays_pinned_after_a_run_that_failed(lab: &Lab) {
    lab.learn("map", &line(&["/no/such/command"])).exits(127);
    nothing_is_pinned();
    lab.learn("no/such/folder/map", &act("true"));
    nothing_is_pinned();
}

fn nothing_stays_pinned_once_the_workload_of_a_killed_run_has_ended(lab: &Lab) {
    let go = lab.path("go");
    let command = act(&format!("true , wait-file {go}"));
    let killed = |job: Job| {
        job.until("true: ok");
        job.signal(libc::SIGKILL);
        job.finish().dies_by(libc::SIGKILL);
        assert!(!pinned().is_empty(), "the workload goes on without its map");
        std::fs::write(&go, "").unwrap();
        nothing_is_pinned();
        std::fs::remove_file(&go).unwrap();
    };
    killed(lab.learning("map", &[], &command));
    lab.learn("map", &act(&format!("true , open-r {}", lab.path("known"))))
        .succeeds();
    killed(lab.enforcing("map", &[], &command));
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

    std::fs::write(SWITCH, "full").expect("full preemption is to be had");
    let learned = lab.learn("map", &command);
    let enforced = lab
        .enforcing("map", &["--stats", &stats], &command)
        .finish();
    // For the tests that come after this one, whatever its outcome.
    std::fs::write(SWITCH, before).expect("what was before can be again");

    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
    if release.starts_with("6.1.") {
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
    // With it come the programs that decide for domains, and those of the rules are loaded once more.
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
