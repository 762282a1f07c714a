// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Domains that live: several at once, and how they end.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::tests;
use crate::harness::{Job, Lab, Pty, Stats, act, line, skip};

tests! { "live":
    two_live_domains_of_one_name_are_refused
    two_runs_share_one_kernel_part
    two_runs_do_not_see_each_others_domains
    a_process_outside_every_domain_is_not_touched
    nothing_stays_pinned_after_a_run
    nothing_stays_pinned_after_a_run_that_failed
    nothing_stays_pinned_once_the_workload_of_a_killed_run_has_ended
    ctrl_c_ends_the_workload_and_the_run_dies_by_it
    ctrl_c_that_the_workload_handles_is_the_workloads_to_answer
    a_termination_signal_reaches_the_workload
    a_daemon_that_outlives_its_run_stays_confined
    what_was_learned_until_an_interrupt_is_in_the_map
    rules_count_on_when_programs_are_attached_after_them
    where_programs_are_preempted_the_counters_add_up_or_nothing_is_loaded
}

fn until(what: &str, condition: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_mins(1);
    while !condition() {
        assert!(Instant::now() < deadline, "{what} did not come about");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Everything that is pinned.
fn pinned() -> Vec<PathBuf> {
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
    until("unpinning", || pinned().is_empty());
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

/// A learning run that waits for a line, with its domain's name.
fn waiting(lab: &Lab, name: &str, rest: &str) -> Job {
    let job = lab.learning(
        &format!("{name}.map"),
        &["--domain", name],
        &act(&format!("true , wait-line{rest}")),
    );
    job.until("true: ok");
    job
}

fn two_live_domains_of_one_name_are_refused(lab: &Lab) {
    let mut first = waiting(lab, "twin", "");
    let second = lab
        .learning("second.map", &["--domain", "twin"], &act("true"))
        .finish();
    second.exits(1).complains("twin").says(&[]);
    first.say("\n");
    first.finish().succeeds();
    // The name is free again.
    lab.learning("second.map", &["--domain", "twin"], &act("true"))
        .finish()
        .succeeds();
}

fn two_runs_share_one_kernel_part(lab: &Lab) {
    let before = programs();
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
    // Those of a run before this test may have been on their way out when it began.
    until("unloading", || programs() <= before);
}

fn two_runs_do_not_see_each_others_domains(lab: &Lab) {
    let (known, other) = (lab.path("known"), lab.file("other", "x"));
    lab.learn("a.map", &act(&format!("open-r {known} , true")))
        .succeeds();
    lab.learn("b.map", &act(&format!("open-r {other} , true")))
        .succeeds();
    let both = format!("true , wait-line , open-r {known} , open-r {other}");
    let mut a = lab.enforcing("a.map", &["--domain", "a"], &act(&both));
    let mut b = lab.enforcing("b.map", &["--domain", "b"], &act(&both));
    let mut c = waiting(lab, "c", &format!(" , open-r {other}"));
    a.until("true: ok");
    b.until("true: ok");
    for job in [&mut a, &mut b, &mut c] {
        job.say("\n");
    }
    let (a, b) = (a.finish(), b.finish());
    a.says(&[
        "true: ok",
        "wait-line: ok",
        "open-r: ok",
        "open-r: errno EPERM",
    ])
    .violates(&format!("file.open r {other}"));
    b.says(&[
        "true: ok",
        "wait-line: ok",
        "open-r: errno EPERM",
        "open-r: ok",
    ])
    .violates(&format!("file.open r {known}"));
    c.finish().succeeds().within_the_map();
    lab.map("c.map").must_have(&format!("file.open r {other}"));
    lab.map("c.map")
        .must_not_have(&format!("file.open r {known}"));
    let explained = lab.explained(&["--domain", "a"]);
    let objects: Vec<_> = explained
        .iter()
        .map(|one| &one["violation"]["object"])
        .collect();
    assert_eq!(objects, [&other], "what a did, and nothing of b");
}

fn a_process_outside_every_domain_is_not_touched(lab: &Lab) {
    let (known, secret) = (lab.path("known"), lab.file("secret", "x"));
    lab.learn("map", &act(&format!("open-r {known}")))
        .succeeds();
    let mut job = lab.enforcing("map", &[], &act("true , wait-line"));
    job.until("true: ok");
    lab.outside(act(&format!(
        "open-r {secret} , create {} , exec /bin/true , socket inet dgram 17",
        lab.path("new")
    )))
    .succeeds();
    job.say("\n");
    job.finish().succeeds().within_the_map();
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
    for learns in [true, false] {
        let go = lab.path("go");
        let command = act(&format!("true , wait-file {go}"));
        let job = if learns {
            lab.learning("map", &[], &command)
        } else {
            lab.enforcing("map", &[], &command)
        };
        job.until("true: ok");
        job.signal(libc::SIGKILL);
        job.finish().dies_by(libc::SIGKILL);
        assert!(!pinned().is_empty(), "the workload goes on without its map");
        std::fs::write(&go, "").unwrap();
        nothing_is_pinned();
        std::fs::remove_file(&go).unwrap();
        lab.learn("map", &act(&format!("true , open-r {}", lab.path("known"))))
            .succeeds();
    }
}

fn in_terminal(lab: &Lab, map: &str, command: &[String]) -> Pty {
    let mut ambit = lab.command("ambit");
    Pty::start(ambit.args(lab.learning_words(map, &[], command)))
}

fn ctrl_c_ends_the_workload_and_the_run_dies_by_it(lab: &Lab) {
    use std::os::unix::process::ExitStatusExt;
    let mut terminal = in_terminal(lab, "map", &act("pid , sleep 60000"));
    terminal.until("pid: ok ");
    terminal.keys("\x03");
    let (status, screen) = terminal.finish();
    assert_eq!(status.signal(), Some(libc::SIGINT), "{status}\n{screen}");
    nothing_is_pinned();
}

fn ctrl_c_that_the_workload_handles_is_the_workloads_to_answer(lab: &Lab) {
    let script = "trap 'echo handled; exit 5' INT; echo ready; while :; do sleep 0.1; done";
    let mut terminal = in_terminal(lab, "map", &line(&["bash", "-c", script]));
    terminal.until("ready");
    terminal.keys("\x03");
    terminal.until("handled");
    let (status, screen) = terminal.finish();
    assert_eq!(status.code(), Some(5), "{status}\n{screen}");
}

fn a_termination_signal_reaches_the_workload(lab: &Lab) {
    let job = lab.learning("map", &[], &act("pid , sleep 60000"));
    let pid = job.until("pid: ok ");
    job.signal(libc::SIGTERM);
    job.finish().dies_by(libc::SIGTERM);
    until("the workload's end", || {
        !Path::new(&format!("/proc/{pid}")).exists()
    });
    let script = "trap 'echo handled; exit 6' TERM; echo ready; while :; do sleep 0.1; done";
    let job = lab.learning("map", &[], &line(&["bash", "-c", script]));
    job.until("ready");
    job.signal(libc::SIGTERM);
    job.finish().exits(6).says(&["ready", "handled"]);
    nothing_is_pinned();
}

fn a_daemon_that_outlives_its_run_stays_confined(lab: &Lab) {
    let (known, secret, go, out) = (
        lab.path("known"),
        lab.file("secret", "x"),
        lab.path("go"),
        lab.path("out"),
    );
    let act = crate::harness::act_path();
    let script = |words: &str| {
        line(&[
            "bash",
            "-c",
            &format!("setsid {act} {words} >{out} 2>&1 </dev/null & sleep 0.3"),
        ])
    };
    lab.learn("map", &script(&format!("open-r {known}")))
        .succeeds();
    // What the shell would empty, the map only has as created.
    std::fs::remove_file(&out).unwrap();
    let started = Instant::now();
    lab.enforce(
        "map",
        &script(&format!(
            "open-r {known} , wait-file {go} , open-r {secret} , open-r {known}"
        )),
    )
    .succeeds();
    assert!(
        started.elapsed() < Duration::from_secs(50),
        "the run waited for the daemon"
    );
    std::fs::write(&go, "").unwrap();
    let said = || std::fs::read_to_string(&out).unwrap();
    until("the daemon's end", || said().lines().count() == 4);
    assert_eq!(
        said(),
        "open-r: ok\nwait-file: ok\nopen-r: errno EPERM\nopen-r: ok\n"
    );
    // Its refusals are recorded although its run has ended, and nothing is left when it ends.
    nothing_is_pinned();
    let explained = lab.explained(&[]);
    let objects: Vec<_> = explained
        .iter()
        .map(|one| &one["violation"]["object"])
        .collect();
    assert!(objects.contains(&&serde_json::json!(secret)), "{objects:?}");
}

fn what_was_learned_until_an_interrupt_is_in_the_map(lab: &Lab) {
    let known = lab.path("known");
    let job = lab.learning("map", &[], &act(&format!("open-r {known} , sleep 60000")));
    job.until("open-r: ok");
    job.signal(libc::SIGTERM);
    job.finish().dies_by(libc::SIGTERM);
    lab.map("map").must_have(&format!("file.open r {known}"));
    lab.enforce("map", &act(&format!("open-r {known}")))
        .succeeds();
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
