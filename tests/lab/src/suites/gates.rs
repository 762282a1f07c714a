// SPDX-License-Identifier: Apache-2.0 OR MIT
//! An untrusted task is refused operations of the families that its domain gates, although the map allows them. Other
//! families stay open to it.

use std::fs;
use std::path::Path;

use super::tests;
use crate::harness::{Lab, Sniffer, TcpWatch, Watcher, act, eventually, words};

tests! { "gates":
    an_untrusted_task_runs_no_program
    an_untrusted_task_opens_no_file
    an_untrusted_task_removes_no_file
    an_untrusted_task_makes_no_memory_executable
    an_untrusted_task_opens_no_connection
    an_untrusted_task_sends_no_signal
    an_untrusted_task_changes_no_user
    an_untrusted_task_uses_no_capability
    an_untrusted_task_mounts_nothing
    an_untrusted_task_makes_no_user_namespace
    an_untrusted_task_makes_no_shared_memory
    an_untrusted_task_makes_no_key
    an_untrusted_task_asks_nothing_of_the_kernel
    an_untrusted_task_makes_no_io_uring
    an_untrusted_task_locks_no_file
    children_inherit_the_lack_of_trust_and_their_parent_keeps_its_own
    a_program_does_not_gain_trust_by_exec
    an_operator_takes_trust_away_and_gives_it_back
    an_untrusted_task_is_listed_with_what_it_did_and_to_what
    an_untrusted_task_is_killed_where_the_map_says_so
    a_task_outside_the_map_is_killed_where_the_map_says_so
    an_operation_outside_the_map_is_only_logged_where_the_map_says_so
    an_untrusted_task_teaches_nothing
    what_distrust_means_may_depend_on_who_took_the_trust
    a_rule_that_is_loaded_later_means_what_the_map_says_of_it
}

fn an_untrusted_task_runs_no_program(lab: &Lab) {
    let (tool, mark) = (lab.copy_of_act("tool"), lab.path("mark"));
    let before = || {
        let _ = fs::remove_file(&mark);
    };
    lab.gated(
        "exec",
        &format!("exec {tool} create {mark}"),
        before,
        || Path::new(&mark).exists(),
    );
}

fn an_untrusted_task_opens_no_file(lab: &Lab) {
    let file = lab.path("f");
    let effect = || fs::read_to_string(&file).unwrap() == "oldnew";
    lab.gated(
        "file",
        &format!("append {file} new"),
        || fs::write(&file, "old").unwrap(),
        effect,
    );
}

fn an_untrusted_task_removes_no_file(lab: &Lab) {
    let file = lab.path("f");
    lab.gated(
        "file",
        &format!("unlink {file}"),
        || fs::write(&file, "x").unwrap(),
        || !Path::new(&file).exists(),
    );
}

/// Tests an operation whose success only the program itself can see, by the lines that it prints.
fn gated_untraced(lab: &Lab, family: &str, operation: &str) {
    let ran = std::cell::Cell::new(0);
    // The fourth run is the gated one.
    let effect = || {
        ran.set(ran.get() + 1);
        ran.get() < 4
    };
    lab.gated(family, operation, || {}, effect);
    assert_eq!(ran.get(), 4);
}

fn an_untrusted_task_makes_no_memory_executable(lab: &Lab) {
    gated_untraced(lab, "map", "anon-exec");
}

fn an_untrusted_task_opens_no_connection(lab: &Lab) {
    let (_listener, packets) = (TcpWatch::on("127.0.0.1:7101"), Sniffer::on(7101));
    // The socket itself is gated already.
    let connect = act("connect tcp:127.0.0.1:7101");
    lab.learn("map", &connect).succeeds();
    let gated = lab.map("map").with_respond("untrusted: {net: deny}");
    lab.write_map("gated.map", &gated);
    lab.enforce("gated.map", &connect)
        .succeeds()
        .within_the_map();
    eventually("a packet arrived", || packets.arrived());
    let secret = lab.file("secret", "x");
    let run = lab
        .enforce(
            "gated.map",
            &act(&format!("open-r {secret} , connect tcp:127.0.0.1:7101")),
        )
        .exits(1);
    run.says(&["open-r: errno EPERM", "connect: errno EPERM at socket"])
        .expect_gate();
    assert!(!packets.arrived(), "a packet was sent");
}

fn an_untrusted_task_sends_no_signal(lab: &Lab) {
    gated_untraced(lab, "task", "signal child USR1");
}

fn an_untrusted_task_changes_no_user(lab: &Lab) {
    gated_untraced(lab, "task", "fork setuid 33");
}

fn an_untrusted_task_uses_no_capability(lab: &Lab) {
    gated_untraced(lab, "cap", "fork chroot /var");
}

fn an_untrusted_task_mounts_nothing(lab: &Lab) {
    gated_untraced(lab, "mount", "fork chroot /var");
}

fn an_untrusted_task_makes_no_user_namespace(lab: &Lab) {
    gated_untraced(lab, "ns", "fork unshare-user");
}

fn an_untrusted_task_makes_no_shared_memory(lab: &Lab) {
    gated_untraced(lab, "ipc", "shm-create");
}

fn an_untrusted_task_makes_no_key(lab: &Lab) {
    gated_untraced(lab, "key", "key-add user ambit:lab");
}

fn an_untrusted_task_asks_nothing_of_the_kernel(lab: &Lab) {
    gated_untraced(lab, "kernel", "syslog 3");
}

fn an_untrusted_task_makes_no_io_uring(lab: &Lab) {
    gated_untraced(lab, "uring", "uring");
}

/// Locks occur by chance and are therefore in no map. Here the family is gated, so that an untrusted task gets none.
fn an_untrusted_task_locks_no_file(lab: &Lab) {
    let (file, known) = (lab.file("f", "x"), lab.path("known"));
    lab.learn("map", &act(&format!("open-r {known} , open-r {file}")))
        .succeeds();
    lab.map("map").must_not_have("file.lock*");
    lab.enforce("map", &act(&format!("lock {file}")))
        .succeeds()
        .within_the_map();
    // Opening a file is gated too; the lock is therefore on a file that was opened before.
    let violating = act(&format!("lock-after-violation {file}"));
    lab.write_map(
        "gated.map",
        &lab.map("map").with_respond("untrusted: {file: deny}"),
    );
    let run = lab.enforce("gated.map", &violating).exits(1);
    run.says(&["lock-after-violation: errno EPERM"])
        .violates_also("file.lock");
}

fn children_inherit_the_lack_of_trust_and_their_parent_keeps_its_own(lab: &Lab) {
    let (known, secret) = (lab.path("known"), lab.file("secret", "x"));
    let within = format!("fork socket inet dgram 17 , socket inet dgram 17 , open-r {known}");
    lab.learn("map", &act(&within)).succeeds();
    lab.write_map(
        "gated.map",
        &lab.map("map").with_respond("untrusted: {net: deny}"),
    );
    // A violation by the child costs the child its trust; its own child inherits that.
    let inner =
        format!("fork {{ open-r {secret} , socket inet dgram 17 , fork socket inet dgram 17 }}");
    let run = lab
        .enforce(
            "gated.map",
            &act(&format!("{inner} , socket inet dgram 17")),
        )
        .exits(1);
    let refused = "socket: errno EPERM";
    run.says(&["open-r: errno EPERM", refused, refused, "socket: ok"]);
}

fn a_program_does_not_gain_trust_by_exec(lab: &Lab) {
    let (tool, secret) = (lab.copy_of_act("tool"), lab.file("secret", "x"));
    lab.learn("map", &act(&format!("exec {tool} socket inet dgram 17")))
        .succeeds();
    lab.write_map(
        "gated.map",
        &lab.map("map").with_respond("untrusted: {net: deny}"),
    );
    let command = act(&format!(
        "open-r {secret} , exec {tool} socket inet dgram 17"
    ));
    let run = lab.enforce("gated.map", &command).exits(1);
    run.says(&[
        "open-r: errno EPERM",
        "socket: errno EPERM",
        "exec: status 1",
    ]);
}

fn an_operator_takes_trust_away_and_gives_it_back(lab: &Lab) {
    let socket = "socket inet dgram 17";
    let command = act(&format!(
        "pid , {socket} , wait-line , {socket} , wait-line , {socket}"
    ));
    let mut job = lab.learning("map", &[], &command);
    job.say("\n\n");
    job.finish().succeeds();
    lab.write_map(
        "gated.map",
        &lab.map("map").with_respond("untrusted: {net: deny}"),
    );

    let mut job = lab.enforcing("gated.map", &[], &command);
    let pid = job.until("pid: ok ");
    job.until("socket: ok");
    lab.ambit(["trust", "set", "--pid", &pid]).succeeds();
    let list = lab.ambit(["trust", "ls"]).succeeds();
    let text = String::from_utf8_lossy(&list.stdout).into_owned();
    list.expect(
        text.contains(&pid) && text.contains("operator"),
        "the task and who lowered its trust should be there",
    );
    job.say("\n");
    job.until("socket: errno EPERM");
    lab.ambit(["trust", "clear", "--pid", &pid, "--reason", "test"])
        .succeeds();
    job.say("\n");
    let run = job.finish().exits(1);
    let pid = format!("pid: ok {pid}");
    run.says(&[
        &pid,
        "socket: ok",
        "wait-line: ok",
        "socket: errno EPERM",
        "wait-line: ok",
        "socket: ok",
    ]);
}

fn an_untrusted_task_is_listed_with_what_it_did_and_to_what(lab: &Lab) {
    let secret = lab.file("secret", "x");
    let mut job = lab.learning("map", &[], &act("true , wait-line"));
    job.say("\n");
    job.finish().succeeds();
    let mut job = lab.enforcing(
        "map",
        &[],
        &act(&format!("true , open-r {secret} , wait-line")),
    );
    job.until("open-r: errno EPERM");
    let list = lab.ambit(["trust", "ls"]).succeeds();
    let text = String::from_utf8_lossy(&list.stdout).into_owned();
    list.expect(
        text.contains(&format!("file.open r {secret}, by process ")) && text.contains("(v1)"),
        "the first cause and its object should be there",
    );
    job.say("\n");
    job.finish().exits(1);
}

fn an_untrusted_task_is_killed_where_the_map_says_so(lab: &Lab) {
    let secret = lab.file("secret", "x");
    lab.learn("map", &act("socket inet dgram 17")).succeeds();
    lab.write_map(
        "kill.map",
        &lab.map("map").with_respond("untrusted: {net: kill}"),
    );
    let run = lab.enforce(
        "kill.map",
        &act(&format!("open-r {secret} , socket inet dgram 17 , true")),
    );
    run.dies_by(libc::SIGKILL).says(&["open-r: errno EPERM"]);
}

fn a_task_outside_the_map_is_killed_where_the_map_says_so(lab: &Lab) {
    let (known, file) = (lab.path("known"), lab.path("f"));
    lab.learn("map", &act(&format!("open-r {known}")))
        .succeeds();
    lab.write_map(
        "kill.map",
        &lab.map("map").with_respond("outside: {file: kill}"),
    );
    let run = lab.enforce(
        "kill.map",
        &act(&format!("open-r {known} , create {file} , open-r {known}")),
    );
    run.dies_by(libc::SIGKILL).says(&["open-r: ok"]);
    assert!(
        !Path::new(&file).exists(),
        "the file was made before the task died"
    );
}

fn an_operation_outside_the_map_is_only_logged_where_the_map_says_so(lab: &Lab) {
    let (known, file) = (lab.path("known"), lab.path("f"));
    lab.learn("map", &act(&format!("open-r {known}")))
        .succeeds();
    lab.write_map(
        "log.map",
        &lab.map("map").with_respond("outside: {file: log}"),
    );
    let run = lab
        .enforce(
            "log.map",
            &act(&format!("create {file} , socket inet dgram 17")),
        )
        .exits(1);
    run.says(&["create: ok", "socket: errno EPERM"])
        .violates_also(&format!("file.create {file}"));
}

fn an_untrusted_task_teaches_nothing(lab: &Lab) {
    let (known, other) = (lab.path("known"), lab.file("other", "x"));
    let map = lab.path("map");
    let command = act(&format!(
        "pid , open-r {known} , wait-line , open-r {other}"
    ));
    let mut job = lab.ambit_job(words(&["run", "--learn", "-o", &map], &[], &command));
    let pid = job.until("pid: ok ");
    job.until("open-r: ok");
    lab.ambit(["trust", "set", "--pid", &pid]).succeeds();
    job.say("\n");
    job.finish().succeeds();
    lab.map("map").must_have(&format!("file.open r {known}"));
    lab.map("map")
        .must_not_have(&format!("file.open r {other}"));
}

fn what_distrust_means_may_depend_on_who_took_the_trust(lab: &Lab) {
    let (tool, secret) = (lab.copy_of_act("tool"), lab.file("secret", "x"));
    let socket = "socket inet dgram 17";
    let (once, twice) = ("wait-line", format!("{socket} , exec {tool} true"));
    let mut job = lab.learning("map", &[], &act(&format!("pid , {once} , {twice}")));
    job.say("\n");
    job.finish().succeeds();
    lab.write_map(
        "gated.map",
        &lab.map("map").with_respond(
            "untrusted: {net: deny}\n  untrusted-by:\n    model: {net: log}\n    operator: {exec: kill}",
        ),
    );
    let command = act(&format!(
        "pid , open-r {secret} , {twice} , {once} , {twice}"
    ));
    let mut job = lab.enforcing("gated.map", &[], &command);
    let pid = job.until("pid: ok ");
    // With the model's bit alone nothing is refused; the operator's bit adds its gates.
    job.until("exec: ok");
    lab.ambit(["trust", "set", "--pid", &pid]).succeeds();
    job.say("\n");
    let pid = format!("pid: ok {pid}");
    job.finish().exits(1).says(&[
        &pid,
        "open-r: errno EPERM",
        "socket: ok",
        "true: ok",
        "exec: ok",
        "wait-line: ok",
        "socket: errno EPERM",
        "exec: signal KILL",
    ]);
}

fn a_rule_that_is_loaded_later_means_what_the_map_says_of_it(lab: &Lab) {
    let known = lab.path("known");
    let command = act(&format!(
        "open-r {known} , socket inet dgram 17 , wait-line , open-r {known} , socket inet dgram 17"
    ));
    let mut job = lab.learning("map", &[], &command);
    job.say("\n");
    job.finish().succeeds();
    lab.write_map(
        "gated.map",
        &lab.map("map")
            .with_respond("untrusted-by:\n    rule:late: {net: deny}"),
    );
    let mut job = lab.enforcing("gated.map", &[], &command);
    job.until("socket: ok");
    let rules = lab.file(
        "rules.yaml",
        format!(
            "ambit-rules: 1\nrules:\n- {{id: late, title: Late, severity: low, on: [file.open], \
             when: 'object.path == \"{known}\"', do: taint}}\n"
        ),
    );
    lab.ambit(["rules", "load", &rules]).succeeds();
    job.say("\n");
    let run = job.finish();
    lab.ambit(["rules", "unload"]).succeeds();
    run.exits(1).says(&[
        "open-r: ok",
        "socket: ok",
        "wait-line: ok",
        "open-r: ok",
        "socket: errno EPERM",
    ]);
}
