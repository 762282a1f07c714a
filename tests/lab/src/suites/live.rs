// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Running domains: several at once, and their end.

use std::path::{Path, PathBuf};

use super::tests;
use crate::harness::{Job, Lab, Pty, act, eventually, line};

tests! { "live":
    two_live_domains_of_one_name_are_refused
    two_runs_do_not_see_each_others_domains
    a_process_outside_every_domain_is_not_touched
    ctrl_c_ends_the_workload_and_the_run_dies_by_it
    ctrl_c_that_the_workload_handles_is_the_workloads_to_answer
    a_termination_signal_reaches_the_workload
    a_daemon_that_outlives_its_run_stays_confined
    what_was_learned_until_an_interrupt_is_in_the_map
}

/// Waits until nothing is pinned except `before`.
fn only_pinned(before: &[PathBuf]) {
    eventually("nothing more is pinned", || {
        pinned().iter().all(|pin| before.contains(pin))
    });
}

/// Returns all pins.
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

/// Starts a learning run with a domain name, whose workload waits for a line.
pub(super) fn waiting(lab: &Lab, name: &str, rest: &str) -> Job {
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
    // The name is available again.
    lab.learning("second.map", &["--domain", "twin"], &act("true"))
        .finish()
        .succeeds();
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

fn in_terminal(lab: &Lab, map: &str, command: &[String]) -> Pty {
    let mut ambit = lab.command("ambit");
    Pty::start(ambit.args(lab.learning_words(map, &[], command)))
}

fn ctrl_c_ends_the_workload_and_the_run_dies_by_it(lab: &Lab) {
    use std::os::unix::process::ExitStatusExt;
    let before = pinned();
    let mut terminal = in_terminal(lab, "map", &act("pid , sleep 60000"));
    terminal.until("pid: ok ");
    terminal.keys("\x03");
    let (status, screen) = terminal.finish();
    assert_eq!(status.signal(), Some(libc::SIGINT), "{status}\n{screen}");
    only_pinned(&before);
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
    let before = pinned();
    let job = lab.learning("map", &[], &act("pid , sleep 60000"));
    let pid = job.until("pid: ok ");
    job.signal(libc::SIGTERM);
    job.finish().dies_by(libc::SIGTERM);
    eventually("the workload has ended", || {
        !Path::new(&format!("/proc/{pid}")).exists()
    });
    let script = "trap 'echo handled; exit 6' TERM; echo ready; while :; do sleep 0.1; done";
    let job = lab.learning("map", &[], &line(&["bash", "-c", script]));
    job.until("ready");
    job.signal(libc::SIGTERM);
    job.finish().exits(6).says(&["ready", "handled"]);
    only_pinned(&before);
}

fn a_daemon_that_outlives_its_run_stays_confined(lab: &Lab) {
    let before = pinned();
    let (known, secret, go, out) = (
        lab.path("known"),
        lab.file("secret", "x"),
        lab.path("go"),
        lab.path("out"),
    );
    let act = crate::harness::act_path();
    let script = |words: &str, then: &str| {
        line(&[
            "bash",
            "-c",
            &format!("setsid {act} {words} >{out} 2>&1 </dev/null & {then}"),
        ])
    };
    lab.learn("map", &script(&format!("open-r {known}"), "wait"))
        .succeeds();
    // The map allows creating the file, not truncating an existing one.
    std::fs::remove_file(&out).unwrap();
    // The run ends before the daemon, which waits for a file that does not exist yet.
    lab.enforce(
        "map",
        &script(
            &format!("open-r {known} , wait-file {go} , open-r {secret} , open-r {known}"),
            "true",
        ),
    )
    .succeeds();
    std::fs::write(&go, "").unwrap();
    let said = || std::fs::read_to_string(&out).unwrap();
    eventually("the daemon has ended", || said().lines().count() == 4);
    assert_eq!(
        said(),
        "open-r: ok\nwait-file: ok\nopen-r: errno EPERM\nopen-r: ok\n"
    );
    // Refusals of the daemon are recorded after the end of its run, and nothing is left when it ends.
    only_pinned(&before);
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
