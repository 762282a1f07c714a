// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Signals, ptrace, credentials and capabilities outside the map.

use std::process::Stdio;

use super::tests;
use crate::harness::{Job, Lab, act};

tests! { "refusals":
    a_signal_to_oneself_is_in_no_map_and_is_not_refused
    a_signal_to_a_child_is_refused
    a_signal_within_the_domain_is_refused
    a_signal_out_of_the_domain_is_refused_and_does_not_arrive
    a_signal_by_tgkill_is_refused
    another_signal_than_the_learned_one_is_refused
    tracing_a_child_is_refused
    tracing_a_process_outside_is_refused
    reading_a_process_outside_is_refused
    asking_to_be_traced_is_refused
    changing_the_user_is_refused
    changing_the_group_is_refused
    changing_to_another_user_than_the_learned_one_is_refused
    changing_only_the_effective_user_is_another_operation
    changing_only_the_user_or_group_that_opens_files_is_refused
    using_a_capability_is_refused
    binding_a_low_port_without_the_capability_is_refused
    overriding_permissions_without_the_capability_is_refused
}

fn a_signal_to_oneself_is_in_no_map_and_is_not_refused(lab: &Lab) {
    let signal = act("signal self CONT");
    lab.learn("map", &signal).succeeds();
    let map = lab.map("map");
    map.must_not_have("task.signal self CONT");
    // As a handler that repeats the signal that it got, as the default action.
    lab.enforce("map", &act("signal self WINCH"))
        .succeeds()
        .within_the_map();
    lab.enforce("map", &act("signal self TERM"))
        .dies_by(libc::SIGTERM)
        .within_the_map();
}

fn a_signal_to_a_child_is_refused(lab: &Lab) {
    lab.refusal("signal child TERM", "task.signal child TERM")
        .without_trace()
        .check();
}

fn a_signal_within_the_domain_is_refused(lab: &Lab) {
    lab.refusal("signal sibling TERM", "task.signal domain TERM")
        .without_trace()
        .check();
}

fn a_signal_out_of_the_domain_is_refused_and_does_not_arrive(lab: &Lab) {
    let victim = || Job::start(lab.command("cat").stdin(Stdio::piped()), "cat");
    let (first, second, mut third) = (victim(), victim(), victim());
    let pid = first.pid();
    lab.learn(
        "map",
        &act(&format!("signal {pid} TERM , open-r {}", lab.path("known"))),
    )
    .succeeds();
    let map = lab.map("map");
    map.must_have("task.signal outside TERM");
    first.finish().dies_by(libc::SIGTERM);
    // The map has the relation between the processes, not the process number.
    let pid = second.pid();
    lab.enforce("map", &act(&format!("signal {pid} TERM")))
        .succeeds()
        .within_the_map();
    second.finish().dies_by(libc::SIGTERM);
    let pid = third.pid();
    lab.write_map("less.map", &map.without("task.signal outside TERM"));
    let run = lab
        .enforce("less.map", &act(&format!("signal {pid} TERM")))
        .exits(1);
    run.says(&["signal: errno EPERM"])
        .violates("task.signal outside TERM");
    // A delivered signal would have killed it before it answers.
    third.say("alive\n");
    third.until("alive");
    third.finish().succeeds();
}

fn a_signal_by_tgkill_is_refused(lab: &Lab) {
    lab.refusal("tgkill child USR1", "task.signal child USR1")
        .without_trace()
        .check();
}

fn another_signal_than_the_learned_one_is_refused(lab: &Lab) {
    lab.learn("map", &act("signal child TERM")).succeeds();
    let run = lab
        .enforce(
            "map",
            &act("signal child TERM , signal child KILL , signal child TERM"),
        )
        .exits(1);
    run.says(&["signal: ok", "signal: errno EPERM", "signal: ok"])
        .violates("task.signal child KILL");
}

fn tracing_a_child_is_refused(lab: &Lab) {
    lab.refusal("ptrace-attach child", "task.ptrace attach child")
        .without_trace()
        .check();
    lab.refusal("ptrace-read child", "task.ptrace read child")
        .errno("EACCES")
        .without_trace()
        .check();
}

/// Tests an operation on a process outside every domain.
fn to_an_outsider(lab: &Lab, operation: &str, rule: &str, errno: &str) {
    let mut outsider = lab.command("sleep").arg("600").spawn().expect("sleep");
    let operation = format!("{operation} {}", outsider.id());
    lab.refusal(operation, rule)
        .errno(errno)
        .without_trace()
        .check();
    outsider.kill().expect("cannot end the outsider");
    outsider.wait().expect("a child can be waited for");
}

fn tracing_a_process_outside_is_refused(lab: &Lab) {
    to_an_outsider(lab, "ptrace-attach", "task.ptrace attach outside", "EPERM");
}

fn reading_a_process_outside_is_refused(lab: &Lab) {
    to_an_outsider(lab, "ptrace-read", "task.ptrace read outside", "EACCES");
}

fn asking_to_be_traced_is_refused(lab: &Lab) {
    lab.refusal("ptrace-traceme", "task.ptrace traceme*")
        .without_trace()
        .check();
}

fn changing_the_user_is_refused(lab: &Lab) {
    lab.refusal("fork setuid 33", "task.setuid 33")
        .without_trace()
        .check();
}

fn changing_the_group_is_refused(lab: &Lab) {
    lab.refusal("fork setgid 33", "task.setgid 33")
        .without_trace()
        .check();
}

fn changing_to_another_user_than_the_learned_one_is_refused(lab: &Lab) {
    lab.learn("map", &act("fork setuid 33")).succeeds();
    let run = lab
        .enforce("map", &act("fork setuid 34 , fork setuid 33"))
        .exits(1);
    run.says(&["setuid: errno EPERM", "setuid: ok"])
        .violates("task.setuid 34");
}

fn changing_only_the_effective_user_is_another_operation(lab: &Lab) {
    lab.refusal("fork setresuid 0 33 0", "task.setuid 0:33:0")
        .without_trace()
        .check();
}

fn changing_only_the_user_or_group_that_opens_files_is_refused(lab: &Lab) {
    for (operation, record) in [
        ("fork setfsuid 33", "task.setuid 0:33:0"),
        ("fork setfsgid 33", "task.setgid 0:33:0"),
    ] {
        lab.refusal(operation, record).without_trace().check();
    }
}

fn using_a_capability_is_refused(lab: &Lab) {
    lab.refusal("fork chroot /var", "cap.use sys_chroot")
        .without_trace()
        .check();
    lab.refusal("fork nice -5", "cap.use sys_nice")
        .errno("EACCES")
        .without_trace()
        .check();
    let hostname = || {
        std::fs::read_to_string("/proc/sys/kernel/hostname")
            .unwrap()
            .trim()
            .to_owned()
    };
    let before = hostname();
    lab.refusal("sethostname lab-renamed", "cap.use sys_admin")
        .before(|| {
            lab.outside(["hostname", "lab"]).succeeds();
        })
        .effect(|| hostname() == "lab-renamed")
        .check();
    lab.outside(["hostname", &before]).succeeds();
}

fn binding_a_low_port_without_the_capability_is_refused(lab: &Lab) {
    lab.refusal("bind tcp:127.0.0.1:81", "cap.use net_bind_service")
        .errno("EACCES")
        .without_trace()
        .check();
}

fn overriding_permissions_without_the_capability_is_refused(lab: &Lab) {
    let file = lab.file("f", "x");
    lab.outside(["chown", "33:33", &file]).succeeds();
    lab.outside(["chmod", "0", &file]).succeeds();
    // The kernel calls one of two hooks, depending on the access; for writing, only this one.
    lab.refusal(format!("open-w {file}"), "cap.use dac_override")
        .errno("EACCES")
        .without_trace()
        .check();
}
