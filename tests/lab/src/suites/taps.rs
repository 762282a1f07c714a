// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Taps: what another BPF program says of a process is taken in before its next operation, and of no other process'.
//! `ambit-taps` is who says it.

use std::process::Stdio;

use super::tests;
use crate::harness::{Job, Lab, TcpWatch};

tests! { "taps":
    a_process_that_executed_below_dev_shm_may_not_read_on
    a_process_that_executed_a_script_from_within_dev_shm_may_not_read_on
    a_process_that_got_a_packet_from_a_bad_address_may_not_read_on
    a_process_that_failed_its_own_check_may_not_read_on
    a_tap_without_ambit_says_what_loads_it
}

/// A shell that does what it is told, line by line, in one process.
const SHELL: &str = "while read -r line; do eval \"$line\"; done";

/// The rules hold until this is dropped, and in a failed test until the next one loads its own.
struct Rules<'a>(&'a Lab);

impl Drop for Rules<'_> {
    fn drop(&mut self) {
        self.0.ambit(["rules", "unload"]);
    }
}

/// Rules that keep a file from processes of which the tap spoke, and the tap's bit.
fn rules<'a>(lab: &'a Lab, tap: &str) -> (Rules<'a>, String) {
    let source = format!("tap:{tap}");
    let named = lab.ambit(["trust", "source", &source]).succeeds();
    let bit = named.lines().concat();
    assert!(bit.parse::<u32>().is_ok(), "not a bit's number: {bit:?}");
    let kept = lab.file("kept", "kept\n");
    let file = lab.file(
        "rules.yaml",
        format!(
            r#"ambit-rules: 1
rules:
  - id: kept-from-{tap}
    title: What a tap spoke of reads on
    severity: high
    on: [file.open]
    when: '"{source}" in task.trust && object.path == "{kept}"'
    do: deny
"#
        ),
    );
    lab.ambit(["rules", "load", &file]).succeeds();
    (Rules(lab), bit)
}

/// A tap that looks already.
fn tap(lab: &Lab, words: &[&str], bit: &str) -> Job {
    let mut command = lab.command("ambit-taps");
    command
        .args(words)
        .args(["--bit", bit])
        .stdin(Stdio::piped());
    let job = Job::start(
        &mut command,
        &format!("ambit-taps {} --bit {bit}", words.join(" ")),
    );
    job.until("ready");
    job
}

/// A shell that waits for lines.
fn shell(lab: &Lab, name: &str) -> Job {
    let mut command = lab.command("bash");
    command.args(["-c", SHELL]).stdin(Stdio::piped());
    Job::start(&mut command, name)
}

/// Lets the shell open the file itself, and say `STEP opened` or `STEP refused`.
fn opens(shell: &mut Job, step: &str) -> bool {
    shell.say(&format!(
        "if {{ read -r text < kept; }} 2>/dev/null; then echo {step} opened; else echo {step} refused; fi\n"
    ));
    match shell.until(&format!("{step} ")).as_str() {
        "opened" => true,
        "refused" => false,
        other => panic!("the shell said {other:?}"),
    }
}

/// Before the trigger both shells read; after it the one that was told to do it is refused, and the other is not.
fn only_the_one_that_is_meant(lab: &Lab, tap: Job, harmless: &str, trigger: &str) {
    let (mut meant, mut other) = (shell(lab, "meant"), shell(lab, "other"));
    assert!(opens(&mut meant, "before"), "nothing has been seen yet");
    meant.say(&format!("{harmless}\n"));
    assert!(opens(&mut meant, "harmless"), "{harmless} is harmless");
    meant.say(&format!("{trigger}\n"));
    assert!(!opens(&mut meant, "after"), "{trigger} was seen");
    assert!(opens(&mut other, "other"), "another process did nothing");
    other.finish().succeeds();
    tap.finish().succeeds();
    assert!(
        !opens(&mut meant, "later"),
        "what the tap said stays when it ends"
    );
    meant.finish();
}

fn a_process_that_executed_below_dev_shm_may_not_read_on(lab: &Lab) {
    let (_rules, bit) = rules(lab, "shm");
    let tap = tap(lab, &["shm"], &bit);
    let copy = "/dev/shm/ambit-lab-bash";
    std::fs::copy("/bin/bash", copy).unwrap();
    // Neither name begins with /dev/shm.
    let trigger = format!(
        "cd /dev; exec -a bash shm/../shm/ambit-lab-bash -c 'cd {}; {SHELL}'",
        lab.path("")
    );
    only_the_one_that_is_meant(lab, tap, &format!("exec bash -c '{SHELL}'"), &trigger);
    std::fs::remove_file(copy).unwrap();
}

/// What is no script is executed from there as well, and from elsewhere by a name that leads out of it.
fn a_process_that_executed_a_script_from_within_dev_shm_may_not_read_on(lab: &Lab) {
    let (_rules, bit) = rules(lab, "shm");
    let tap = tap(lab, &["shm"], &bit);
    let script = "/dev/shm/ambit-lab-script";
    let text = format!("#!/bin/bash\ncd {}\n{SHELL}\n", lab.path(""));
    std::fs::write(script, text).unwrap();
    std::fs::set_permissions(script, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let harmless = format!(
        "cd /dev/shm; exec ../../bin/bash -c 'cd {}; {SHELL}'",
        lab.path("")
    );
    let trigger = "cd /dev/shm; exec ./ambit-lab-script";
    only_the_one_that_is_meant(lab, tap, &harmless, trigger);
    std::fs::remove_file(script).unwrap();
}

fn a_process_that_got_a_packet_from_a_bad_address_may_not_read_on(lab: &Lab) {
    let (_rules, bit) = rules(lab, "packet");
    let tap = tap(lab, &["packet", "--address", "127.0.0.7", "::7"], &bit);
    let _good = TcpWatch::on("127.0.0.6:4806");
    let _bad = TcpWatch::on("127.0.0.7:4807");
    only_the_one_that_is_meant(
        lab,
        tap,
        "{ :; } 3<>/dev/tcp/127.0.0.6/4806",
        "{ :; } 3<>/dev/tcp/127.0.0.7/4807",
    );
}

/// The umask stands in for a finding: `umask N` of the shell is `umask(N)` of the C library.
fn a_process_that_failed_its_own_check_may_not_read_on(lab: &Lab) {
    let (_rules, bit) = rules(lab, "integrity");
    let library = "/lib/x86_64-linux-gnu/libc.so.6";
    let words = ["integrity", "--program", library, "--symbol", "umask"];
    let tap = tap(lab, &words, &bit);
    only_the_one_that_is_meant(lab, tap, "umask 0", "umask 077");
}

fn a_tap_without_ambit_says_what_loads_it(lab: &Lab) {
    // Where the maps can't be seen, it is as if nothing were loaded.
    let alone = "umount --lazy /sys/fs/bpf && exec ambit-taps shm --bit 8";
    lab.outside(["unshare", "--mount", "sh", "-c", alone])
        .exits(1)
        .complains("ambit rules load");
}
