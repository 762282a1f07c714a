// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Trust bits spread between processes only by the kinds of contact that the operator has switched on.

use std::cell::Cell;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

use serde_json::Value;

use super::tests;
use crate::harness::{Job, Lab, act_path, eventually};

tests! { "spread":
    distrust_spreads_to_children_and_to_nobody_else_unless_it_is_switched_on
    distrust_spreads_to_whom_an_untrusted_process_traces
    distrust_spreads_to_a_child_that_lets_an_untrusted_parent_trace_it
    distrust_spreads_to_whom_an_untrusted_process_signals
    a_signal_that_is_refused_spreads_nothing
    distrust_spreads_to_whom_executes_what_an_untrusted_process_wrote
    distrust_spreads_to_whom_maps_what_an_untrusted_process_wrote_as_code
    distrust_spreads_to_a_shell_that_reads_what_an_untrusted_process_wrote
    what_was_opened_before_the_trust_was_lost_is_marked_when_it_is_written
    a_file_that_was_removed_and_made_anew_is_clean
    distrust_spreads_to_whom_is_passed_a_descriptor
    distrust_that_spread_comes_from_its_first_cause
    distrust_that_spread_ends_when_the_first_does
    distrust_that_spread_twice_ends_with_the_later_one
    what_is_written_again_after_distrust_ended_spreads_again
    whoever_lost_trust_by_spreading_is_refused_what_rules_refuse
    files_of_one_user_leave_room_for_the_marks_of_another
}

/// Kinds of spread that are on until this is dropped.
struct Spreading<'l> {
    lab: &'l Lab,
    /// The counters at the start.
    before: Vec<Value>,
}

impl<'l> Spreading<'l> {
    fn by(lab: &'l Lab, kinds: &[&str]) -> Self {
        let words = [&["trust", "spread", "on"], kinds].concat();
        lab.ambit(words).succeeds();
        let before = counts(lab);
        Self { lab, before }
    }

    /// Returns the increase of a kind's counter.
    fn count(&self, kind: &str, what: &str) -> u64 {
        let of = |rows: &[Value]| {
            let row = rows.iter().find(|row| row["kind"] == kind);
            row.expect("a row of each kind")[what]
                .as_u64()
                .expect("a number")
        };
        of(&counts(self.lab)) - of(&self.before)
    }
}

fn counts(lab: &Lab) -> Vec<Value> {
    lab.ambit(["trust", "spread", "--json"])
        .succeeds()
        .lines()
        .iter()
        .map(|line| serde_json::from_str(line).expect("a line of JSON"))
        .collect()
}

impl Drop for Spreading<'_> {
    fn drop(&mut self) {
        self.lab.ambit(["trust", "spread", "off"]);
        self.lab.ambit(["rules", "unload"]);
    }
}

/// A shell that evaluates each line of its input in one process; it ends with its input.
struct Shell<'l> {
    lab: &'l Lab,
    job: Job,
    pid: u32,
    told: Cell<u32>,
}

impl<'l> Shell<'l> {
    fn start(lab: &'l Lab) -> Self {
        Self::start_as(lab, "0")
    }

    fn start_as(lab: &'l Lab, user: &str) -> Self {
        let script = "echo pid $$; while read -r line; do eval \"$line\"; done";
        let mut command = lab.command("setpriv");
        command
            .args(["--reuid", user, "bash", "-c", script])
            .stdin(Stdio::piped());
        let job = Job::start(&mut command, "a shell");
        let pid = job.until("pid ").parse().expect("a number");
        Self {
            lab,
            job,
            pid,
            told: Cell::new(0),
        }
    }

    fn untrusted(lab: &'l Lab) -> Self {
        let shell = Self::start(lab);
        shell.lose_trust(&[]);
        shell
    }

    fn lose_trust(&self, options: &[&str]) {
        let pid = self.pid.to_string();
        let words = [&["trust", "set", "--pid", &pid], options].concat();
        self.lab.ambit(words).succeeds();
    }

    /// Runs a line and waits for its end.
    fn does(&mut self, line: &str) {
        let number = self.told.get() + 1;
        self.told.set(number);
        self.job.say(&format!("{line}\necho done {number}.\n"));
        self.job.until(&format!("done {number}."));
    }

    /// Does an operation of the exerciser, which must succeed.
    fn acts(&mut self, words: &str) {
        self.does(&format!("{} {words} >acted", act_path()));
        let said = fs::read_to_string(self.lab.path("acted")).unwrap();
        assert!(said.lines().all(|line| line.contains(": ok")), "{said}");
    }
}

/// Returns the row of an untrusted process; `None` if it is trusted.
fn untrusted(lab: &Lab, pid: u32) -> Option<Value> {
    lab.ambit(["trust", "ls", "--json"])
        .succeeds()
        .lines()
        .iter()
        .map(|line| serde_json::from_str::<Value>(line).expect("a line of JSON"))
        .find(|row| row["pid"] == pid)
}

#[track_caller]
fn spread_by(lab: &Lab, victim: u32, kind: &str, culprit: u32) {
    let row = untrusted(lab, victim).expect("distrust should have spread");
    assert_eq!(row["cause"]["spread"], kind, "{row:#}");
    assert_eq!(row["cause"]["pid"], culprit, "{row:#}");
    let path = row["path"].as_array().expect("a list");
    assert!(path.iter().any(|step| step["how"] == kind), "{row:#}");
}

#[track_caller]
fn trusted(lab: &Lab, pid: u32) {
    let row = untrusted(lab, pid);
    assert!(row.is_none(), "{:#}", row.unwrap_or_default());
}

fn distrust_spreads_to_children_and_to_nobody_else_unless_it_is_switched_on(lab: &Lab) {
    // Another kind keeps the kernel part loaded.
    let _spreading = Spreading::by(lab, &["descriptor"]);
    let tool = lab.copy_of_act("tool");
    let (mut culprit, mut victim) = (Shell::untrusted(lab), Shell::start(lab));
    culprit.does(&format!("kill -CONT {}", victim.pid));
    culprit.acts(&format!("ptrace-attach {}", victim.pid));
    culprit.does(&format!("echo >>{tool}; echo : >script"));
    victim.does(&format!(". ./script; {tool} true"));
    trusted(lab, victim.pid);
    culprit.does("sleep 1000 & echo child $! >child");
    let child = fs::read_to_string(lab.path("child")).unwrap();
    let child = child.trim().rsplit(' ').next().unwrap().parse().unwrap();
    let row = untrusted(lab, child).expect("a child has what its parent has");
    assert_eq!(row["cause"]["spread"], Value::Null, "{row:#}");
    assert_eq!(row["path"][0]["how"], "fork", "{row:#}");
}

fn distrust_spreads_to_whom_an_untrusted_process_traces(lab: &Lab) {
    let spreading = Spreading::by(lab, &["ptrace"]);
    let (mut culprit, victim) = (Shell::untrusted(lab), Shell::start(lab));
    let (mut friend, other) = (Shell::start(lab), Shell::start(lab));
    friend.acts(&format!("ptrace-attach {}", other.pid));
    culprit.acts(&format!("ptrace-read {}", other.pid));
    trusted(lab, other.pid);
    culprit.acts(&format!("ptrace-attach {}", victim.pid));
    spread_by(lab, victim.pid, "ptrace", culprit.pid);
    assert_eq!(spreading.count("ptrace", "spread"), 1);
}

fn distrust_spreads_to_a_child_that_lets_an_untrusted_parent_trace_it(lab: &Lab) {
    let _spreading = Spreading::by(lab, &["ptrace"]);
    let mut parent = Shell::start(lab);
    let act = act_path();
    // The child is not stopped: it waits until its parent is untrusted, and continues when it is traced.
    parent.does(&format!(
        "{act} wait-file {0}/go2 , ptrace-traceme-self , create {0}/traced , wait-file {0}/end & echo $! >child",
        lab.path(".")
    ));
    let child: u32 = fs::read_to_string(lab.path("child"))
        .unwrap()
        .trim()
        .parse()
        .unwrap();
    parent.lose_trust(&[]);
    trusted(lab, child);
    lab.file("go2", "");
    eventually("the child is traced", || {
        fs::exists(lab.path("traced")).unwrap()
    });
    spread_by(lab, child, "ptrace", parent.pid);
    lab.file("end", "");
}

fn distrust_spreads_to_whom_an_untrusted_process_signals(lab: &Lab) {
    let spreading = Spreading::by(lab, &["signal"]);
    let (mut culprit, victim) = (Shell::untrusted(lab), Shell::start(lab));
    let (mut friend, other) = (Shell::start(lab), Shell::start(lab));
    friend.does(&format!("kill -CONT {}", other.pid));
    // Signal 0 only checks for existence.
    culprit.does(&format!("kill -0 {}", other.pid));
    trusted(lab, other.pid);
    culprit.does(&format!("kill -CONT {}", victim.pid));
    spread_by(lab, victim.pid, "signal", culprit.pid);
    assert_eq!(spreading.count("signal", "spread"), 1);
}

fn a_signal_that_is_refused_spreads_nothing(lab: &Lab) {
    let _spreading = Spreading::by(lab, &["signal"]);
    let (mut culprit, victim) = (Shell::untrusted(lab), Shell::start(lab));
    // Refused first by the kernel because of the user (it would allow CONT within a session), then by a rule in the hook of the
    // same signal.
    culprit.does(&format!(
        "{} setuid 65534 , signal {} TERM",
        act_path(),
        victim.pid
    ));
    trusted(lab, victim.pid);
    let rules = lab.file(
        "rules.yaml",
        "ambit-rules: 1\nrules:\n- {id: none, title: No signals, severity: low, on: [task.signal], when: task.untrusted, do: deny}\n",
    );
    lab.ambit(["rules", "load", &rules]).succeeds();
    culprit.does(&format!("kill -CONT {} 2>refused", victim.pid));
    let refused = fs::read_to_string(lab.path("refused")).unwrap();
    let counted = lab.ambit(["rules", "ls"]).succeeds();
    counted.expect(
        refused.contains("not permitted"),
        "the signal should be refused",
    );
    trusted(lab, victim.pid);
}

fn distrust_spreads_to_whom_executes_what_an_untrusted_process_wrote(lab: &Lab) {
    let spreading = Spreading::by(lab, &["file"]);
    let (tool, clean) = (lab.copy_of_act("tool"), lab.copy_of_act("clean"));
    let script = lab.script("script", "#!/bin/sh\nread -r line\n");
    let (mut culprit, mut other) = (Shell::untrusted(lab), Shell::start(lab));
    culprit.does(&format!(
        "echo >>{tool}; echo ': more' >>{script}; : <{clean}"
    ));
    assert_eq!(spreading.count("file", "marked"), 2);
    other.does(&format!("cat {tool} >/dev/null; {clean} true"));
    trusted(lab, other.pid);
    for victim in [format!("exec {tool} wait-line"), format!("exec {script}")] {
        let shell = Shell::start(lab);
        let mut job = shell.job;
        job.say(&format!("{victim}\n"));
        eventually("it is executed", || untrusted(lab, shell.pid).is_some());
        spread_by(lab, shell.pid, "file", culprit.pid);
    }
}

fn distrust_spreads_to_whom_maps_what_an_untrusted_process_wrote_as_code(lab: &Lab) {
    let _spreading = Spreading::by(lab, &["file"]);
    let library = lab.file("library", "x".repeat(8192));
    let mut culprit = Shell::untrusted(lab);
    culprit.does(&format!("echo >>{library}"));
    let mut words = lab.command(act_path());
    words.args([
        "pid",
        ",",
        "wait-line",
        ",",
        "map-exec",
        &library,
        ",",
        "wait-line",
    ]);
    let mut victim = Job::start(words.stdin(Stdio::piped()), "a victim");
    let pid = victim.until("pid: ok ").parse().unwrap();
    trusted(lab, pid);
    victim.say("\n");
    victim.until("map-exec: ok");
    spread_by(lab, pid, "file", culprit.pid);
}

fn distrust_spreads_to_a_shell_that_reads_what_an_untrusted_process_wrote(lab: &Lab) {
    let _spreading = Spreading::by(lab, &["file"]);
    lab.file("script", ":\n");
    let (mut culprit, mut victim) = (Shell::untrusted(lab), Shell::start(lab));
    victim.does(". ./script");
    trusted(lab, victim.pid);
    culprit.does("echo : >>script");
    // Its child reads the file and is not an interpreter.
    victim.does("cat script >/dev/null");
    trusted(lab, victim.pid);
    victim.does(". ./script");
    spread_by(lab, victim.pid, "file", culprit.pid);
}

fn what_was_opened_before_the_trust_was_lost_is_marked_when_it_is_written(lab: &Lab) {
    let spreading = Spreading::by(lab, &["file"]);
    let (mut culprit, mut victim) = (Shell::start(lab), Shell::start(lab));
    culprit.does("exec 7>script");
    culprit.lose_trust(&[]);
    assert_eq!(spreading.count("file", "marked"), 0);
    culprit.does("echo : >&7");
    victim.does(". ./script");
    spread_by(lab, victim.pid, "file", culprit.pid);
}

fn a_file_that_was_removed_and_made_anew_is_clean(lab: &Lab) {
    let _spreading = Spreading::by(lab, &["file"]);
    let (mut culprit, mut victim) = (Shell::untrusted(lab), Shell::start(lab));
    culprit.does("echo : >script");
    victim.does("rm script; echo : >script; . ./script");
    trusted(lab, victim.pid);
}

fn distrust_spreads_to_whom_is_passed_a_descriptor(lab: &Lab) {
    let spreading = Spreading::by(lab, &["descriptor"]);
    let file = lab.file("file", "x");
    let (mut culprit, mut friend) = (Shell::untrusted(lab), Shell::start(lab));
    let receiver = |name: &str| {
        let address = format!("unix-dgram:{}", lab.path(name));
        let mut words = lab.command(act_path());
        words.args(["pid", ",", "take", &address, ",", "wait-line"]);
        let job = Job::start(words.stdin(Stdio::piped()), "a receiver");
        let pid: u32 = job.until("pid: ok ").parse().unwrap();
        eventually("it listens", || fs::exists(lab.path(name)).unwrap());
        (job, pid, address)
    };
    let (first, trusting, address) = receiver("first");
    friend.acts(&format!("pass {file} {address}"));
    first.until("take: ok");
    trusted(lab, trusting);
    let (second, victim, address) = receiver("second");
    culprit.acts(&format!("pass {file} {address}"));
    second.until("take: ok");
    let row = untrusted(lab, victim).expect("distrust should have spread");
    assert_eq!(row["cause"]["spread"], "descriptor", "{row:#}");
    assert_eq!(row["cause"]["pid"], culprit.pid, "{row:#}");
    // The shell's bit came by fork, the sender's bit by the passed descriptor.
    let ways: Vec<_> = row["path"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|step| step["how"].clone())
        .collect();
    assert_eq!(ways.last().unwrap(), "descriptor", "{row:#}");
    assert_eq!(ways.first().unwrap(), "fork", "{row:#}");
    assert_eq!(spreading.count("descriptor", "spread"), 1);
}

fn distrust_that_spread_comes_from_its_first_cause(lab: &Lab) {
    let _spreading = Spreading::by(lab, &["signal", "file"]);
    let (mut first, mut second) = (Shell::untrusted(lab), Shell::start(lab));
    let mut third = Shell::start(lab);
    first.does(&format!("kill -CONT {}", second.pid));
    second.does("echo : >script");
    third.does(". ./script");
    let row = untrusted(lab, third.pid).expect("distrust should have spread");
    assert_eq!(row["cause"]["pid"], first.pid, "{row:#}");
    let steps: Vec<(u64, &str)> = row["path"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|step| (step["pid"].as_u64().unwrap(), step["how"].as_str().unwrap()))
        .collect();
    assert_eq!(
        steps,
        [
            (u64::from(first.pid), "signal"),
            (u64::from(second.pid), "file")
        ],
        "{row:#}"
    );
}

fn distrust_that_spread_ends_when_the_first_does(lab: &Lab) {
    let _spreading = Spreading::by(lab, &["signal"]);
    let (mut culprit, victim) = (Shell::start(lab), Shell::start(lab));
    culprit.lose_trust(&["--for", "12"]);
    culprit.does(&format!("kill -CONT {}", victim.pid));
    let row = untrusted(lab, victim.pid).expect("distrust should have spread");
    assert!(row["cause"]["until"].is_string(), "{row:#}");
    eventually("its time is over", || untrusted(lab, victim.pid).is_none());
}

fn distrust_that_spread_twice_ends_with_the_later_one(lab: &Lab) {
    let _spreading = Spreading::by(lab, &["signal"]);
    let (mut culprit, victim) = (Shell::start(lab), Shell::start(lab));
    culprit.lose_trust(&["--for", "600"]);
    culprit.does(&format!("kill -CONT {}", victim.pid));
    let row = untrusted(lab, victim.pid).expect("distrust should have spread");
    assert!(row["cause"]["until"].is_string(), "{row:#}");
    culprit.lose_trust(&[]);
    culprit.does(&format!("kill -CONT {}", victim.pid));
    let row = untrusted(lab, victim.pid).expect("distrust should have stayed");
    assert_eq!(row["cause"]["until"], Value::Null, "{row:#}");
}

fn what_is_written_again_after_distrust_ended_spreads_again(lab: &Lab) {
    let _spreading = Spreading::by(lab, &["file"]);
    let (mut culprit, mut victim) = (Shell::start(lab), Shell::start(lab));
    culprit.lose_trust(&["--for", "4"]);
    culprit.does("echo : >script");
    eventually("its time is over", || untrusted(lab, culprit.pid).is_none());
    victim.does(". ./script");
    trusted(lab, victim.pid);
    culprit.lose_trust(&[]);
    culprit.does("echo : >>script");
    victim.does(". ./script");
    spread_by(lab, victim.pid, "file", culprit.pid);
}

fn whoever_lost_trust_by_spreading_is_refused_what_rules_refuse(lab: &Lab) {
    let _spreading = Spreading::by(lab, &["signal"]);
    let secret = lab.file("secret", "x");
    let rules = lab.file(
        "rules.yaml",
        format!(
            "ambit-rules: 1\nrules:\n- {{id: kept, title: Kept, severity: low, on: [file.open], \
             when: 'task.untrusted && object.path == \"{secret}\"', do: deny}}\n"
        ),
    );
    lab.ambit(["rules", "load", &rules]).succeeds();
    let (mut culprit, mut victim) = (Shell::untrusted(lab), Shell::start(lab));
    victim.does(&format!("read -r x <{secret} 2>before"));
    culprit.does(&format!("kill -CONT {}", victim.pid));
    victim.does(&format!("{{ read -r x <{secret}; }} 2>after"));
    assert_eq!(fs::read_to_string(lab.path("before")).unwrap(), "");
    assert!(
        fs::read_to_string(lab.path("after"))
            .unwrap()
            .contains("Operation not permitted")
    );
}

fn files_of_one_user_leave_room_for_the_marks_of_another(lab: &Lab) {
    let spreading = Spreading::by(lab, &["file"]);
    let limit = u64::from(ambit_abi::MARKS_OF_ONE);
    let tool = lab.copy_of_act("tool");
    fs::set_permissions(&tool, fs::Permissions::from_mode(0o777)).unwrap();
    let mut flood = Shell::untrusted(lab);
    flood.does(&format!(
        "for ((i = 0; i < {}; i++)); do echo >f$i; done",
        limit + 100
    ));
    assert!(spreading.count("file", "marked") <= limit);
    assert!(
        spreading.count("file", "failed") > 0,
        "the limit was not reached"
    );
    let mut culprit = Shell::start_as(lab, "1000");
    culprit.lose_trust(&[]);
    culprit.does(&format!("echo >>{tool}"));
    let mut victim = Shell::start(lab).job;
    let pid = victim.pid();
    victim.say(&format!("exec {tool} wait-line\n"));
    eventually("it is executed", || untrusted(lab, pid).is_some());
    spread_by(lab, pid, "file", culprit.pid);
}
