// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Trust belongs to the process. Threads, exec, expiring bits and pending tap reports lose none of it, and the operator sees
//! all of it.

use std::process::Stdio;

use super::tests;
use crate::harness::{Job, Lab, Run, act, eventually};

tests! { "trust":
    an_exec_by_a_thread_that_is_not_the_leader_gives_no_trust_back
    what_a_thread_executes_costs_its_process_the_trust
    an_exec_by_a_thread_that_is_not_the_leader_keeps_the_chain
    what_the_leader_loses_while_a_thread_executes_the_program_has_lost
    what_a_thread_did_outside_the_map_costs_its_process_the_trust_though_the_thread_ended
    what_ended_is_no_cause_of_what_began_later
    a_word_of_a_tap_is_listed_and_cleared_though_nothing_was_decided_since
    a_thread_is_told_from_its_process
    a_list_that_cannot_be_whole_is_none
    who_may_not_look_is_not_told_that_nothing_is_there
}

/// Rules that are loaded until this is dropped.
struct Rules<'l>(&'l Lab);

impl<'l> Rules<'l> {
    fn load(lab: &'l Lab, rules: &str) -> Self {
        let file = lab.file("rules.yaml", format!("ambit-rules: 1\nrules:\n{rules}"));
        lab.ambit(["rules", "load", &file]).succeeds();
        Self(lab)
    }
}

impl Drop for Rules<'_> {
    fn drop(&mut self) {
        self.0.ambit(["rules", "unload"]);
    }
}

/// Returns a rule that taints a process for executing the file, and one that refuses `kept` to untrusted processes. The
/// second rule also reads the trust at each exec.
fn guilty_of_executing(lab: &Lab, file: &str) -> String {
    let kept = lab.file("kept", "kept\n");
    format!(
        "  - {{id: mark, on: exec, when: 'object.path == \"{file}\"', do: taint}}\n  - {{id: gate, on: [exec, file.open], \
         when: 'task.untrusted && object.path == \"{kept}\"', do: deny}}\n"
    )
}

/// Makes a script in which a thread that is not the leader executes `sh -c COMMAND` while the leader runs `meanwhile`.
fn thread_becomes(lab: &Lab, shell: &str, meanwhile: &str, command: &str) -> String {
    lab.file(
        "thread.py",
        format!(
            "import ctypes, os, threading, time\n# Unlike os.execv(), this lets other threads run meanwhile.\n\
             execv = ctypes.CDLL(None).execv\nwords = (ctypes.c_char_p * 4)(b'sh', b'-c', {command:?}.encode(), None)\n\
             go = threading.Event()\ndef run():\n    go.set()\n    execv({shell:?}.encode(), words)\n\
             threading.Thread(target=run).start()\ngo.wait()\n{meanwhile}\ntime.sleep(60)\n"
        ),
    )
}

fn python(lab: &Lab, script: &str) -> Run {
    lab.outside(["python3", script])
}

const READS: &str = "read x <kept && echo read || echo refused";

fn an_exec_by_a_thread_that_is_not_the_leader_gives_no_trust_back(lab: &Lab) {
    let copy = lab.path("python");
    std::fs::copy("/usr/bin/python3", &copy).unwrap();
    let _rules = Rules::load(lab, &guilty_of_executing(lab, &copy));
    let script = thread_becomes(lab, "/bin/sh", "", READS);
    lab.outside([&copy, &script]).says(&["refused"]);
}

fn what_a_thread_executes_costs_its_process_the_trust(lab: &Lab) {
    let copy = lab.path("sh");
    std::fs::copy("/bin/sh", &copy).unwrap();
    let _rules = Rules::load(lab, &guilty_of_executing(lab, &copy));
    let script = thread_becomes(lab, &copy, "", READS);
    python(lab, &script).says(&["refused"]);
}

fn an_exec_by_a_thread_that_is_not_the_leader_keeps_the_chain(lab: &Lab) {
    let kept = lab.file("kept", "kept\n");
    let _rules = Rules::load(
        lab,
        &format!(
            "  - {{id: gate, on: file.open, when: 'object.path == \"{kept}\" && subject.chain.exists(e, \
             e.startsWith(\"/usr/bin/python\"))', do: deny}}\n"
        ),
    );
    let script = thread_becomes(lab, "/bin/sh", "", READS);
    python(lab, &script).says(&["refused"]);
}

/// In each iteration the leader loses its trust at another moment of the thread's exec: before it, during it, or never if
/// the exec ends the leader first.
fn what_the_leader_loses_while_a_thread_executes_the_program_has_lost(lab: &Lab) {
    let mark = lab.file("mark", "m\n");
    let kept = lab.file("kept", "kept\n");
    let _rules = Rules::load(
        lab,
        &format!(
            "  - {{id: mark, on: file.open, when: 'object.path == \"{mark}\"', do: taint}}\n  - {{id: gate, on: file.open, \
             when: 'task.untrusted && object.path == \"{kept}\"', do: deny}}\n"
        ),
    );
    for step in 0..12 {
        let meanwhile = format!(
            "until = time.monotonic() + {step} / 500\nwhile time.monotonic() < until: pass\n\
             os.close(os.open('mark', os.O_RDONLY)); os.write(1, b'marked\\n')"
        );
        let script = thread_becomes(lab, "/bin/sh", &meanwhile, READS);
        let run = python(lab, &script);
        let lines = run.lines();
        let marked = lines.iter().any(|line| line == "marked");
        let read = lines.iter().any(|line| line == "read");
        run.expect(
            !(marked && read),
            "what the leader lost should not have been forgotten",
        );
    }
}

fn what_a_thread_did_outside_the_map_costs_its_process_the_trust_though_the_thread_ended(
    lab: &Lab,
) {
    let (known, secret) = (lab.path("known"), lab.file("secret", "x"));
    let socket = "socket inet dgram 17";
    lab.learn("map", &act(&format!("thread open-r {known} , {socket}")))
        .succeeds();
    lab.write_map(
        "gated.map",
        &lab.map("map").with_respond("untrusted: {net: deny}"),
    );
    let violating = act(&format!("thread open-r {secret} , {socket}"));
    lab.enforce("gated.map", &violating)
        .exits(1)
        .says(&["open-r: errno EPERM", "socket: errno EPERM"]);
}

/// Starts a process that does nothing that a rule is evaluated for.
fn sleeper(lab: &Lab) -> Job {
    let mut command = lab.command("cat");
    Job::start(command.stdin(Stdio::piped()), "cat")
}

fn listed(lab: &Lab, pid: u32) -> Option<serde_json::Value> {
    lab.ambit(["trust", "ls", "--json"])
        .succeeds()
        .lines()
        .iter()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).expect("a line of JSON"))
        .find(|row| row["pid"] == pid)
}

const NOTHING: &str =
    "  - {id: none, on: net.connect, when: 'object.address == \"203.0.113.7\"', do: audit}\n";

fn what_ended_is_no_cause_of_what_began_later(lab: &Lab) {
    let _rules = Rules::load(lab, NOTHING);
    let job = sleeper(lab);
    let pid = job.pid().to_string();
    lab.ambit(["trust", "set", "--pid", &pid, "--for", "1"])
        .succeeds();
    let first = listed(lab, job.pid());
    eventually("the bit's time is over", || {
        listed(lab, job.pid()).is_none()
    });
    lab.ambit(["trust", "set", "--pid", &pid]).succeeds();
    let second = listed(lab, job.pid()).expect("it is untrusted");
    assert_eq!(second["cause"]["until"], serde_json::Value::Null);
    let since = |row: &serde_json::Value| row["since"].as_str().unwrap().to_owned();
    if let Some(first) = first {
        assert!(since(&first) < since(&second), "{second:#}");
    }
    job.finish();
}

fn a_word_of_a_tap_is_listed_and_cleared_though_nothing_was_decided_since(lab: &Lab) {
    let named = lab.ambit(["trust", "source", "tap:trust"]).succeeds();
    let bit = named.lines().concat();
    let _rules = Rules::load(lab, NOTHING);
    let mut command = lab.command("ambit-taps");
    command.args(["shm", "--bit", &bit]).stdin(Stdio::piped());
    let tap = Job::start(&mut command, "ambit-taps shm");
    tap.until("ready");
    let copy = "/dev/shm/ambit-lab-cat";
    std::fs::copy("/bin/cat", copy).unwrap();
    let mut command = lab.command(copy);
    let job = Job::start(command.stdin(Stdio::piped()), copy);
    eventually("the tap spoke", || listed(lab, job.pid()).is_some());
    let pid = job.pid().to_string();
    let words = [
        "trust",
        "clear",
        "--pid",
        &pid,
        "--source",
        "tap:trust",
        "--reason",
        "x",
    ];
    lab.ambit(words).succeeds();
    assert!(listed(lab, job.pid()).is_none(), "its word was taken back");
    std::fs::remove_file(copy).unwrap();
    job.finish();
    tap.finish().succeeds();
}

fn a_thread_is_told_from_its_process(lab: &Lab) {
    let _rules = Rules::load(lab, NOTHING);
    let script = lab.file(
        "threads.py",
        "import sys, threading\nrun = lambda: (print('thread', threading.get_native_id(), flush=True), sys.stdin.read())\n\
         threading.Thread(target=run).start()\n",
    );
    let mut command = lab.command("python3");
    let job = Job::start(command.arg(script).stdin(Stdio::piped()), "python3");
    let thread = job.until("thread ");
    lab.ambit(["trust", "set", "--pid", &thread])
        .exits(1)
        .complains(&format!("a thread of process {}", job.pid()));
    let log = lab.ambit(["trust", "log"]).succeeds().lines();
    let on_record = |line: &String| line.contains(&format!(" of {thread} "));
    assert!(!log.iter().any(on_record), "a thread is on no record");
    assert!(listed(lab, job.pid()).is_none());
    job.finish();
}

/// A domain is not taken for an abandoned one there either.
fn a_list_that_cannot_be_whole_is_none(lab: &Lab) {
    let _rules = Rules::load(lab, NOTHING);
    let job = sleeper(lab);
    let pid = job.pid().to_string();
    lab.ambit(["trust", "set", "--pid", &pid]).succeeds();
    let inside = ["unshare", "--pid", "--fork", "--mount-proc", "ambit"];
    for words in [
        &["trust", "ls"][..],
        &["trust", "clear", "--pid", "1", "--reason", "x"],
    ] {
        lab.outside([&inside, words].concat())
            .exits(2)
            .complains("pid namespace");
    }
    assert!(listed(lab, job.pid()).is_some());
    job.finish();
}

fn who_may_not_look_is_not_told_that_nothing_is_there(lab: &Lab) {
    let _rules = Rules::load(lab, NOTHING);
    let nobody = ["setpriv", "--reuid", "65534", "--clear-groups", "ambit"];
    for words in [&["trust", "ls"][..], &["rules", "ls"]] {
        lab.outside([&nobody, words].concat())
            .exits(2)
            .complains("run as root");
    }
}
