// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Taps: the report of another BPF program (`ambit-taps`) about a process takes effect before the next operation of that
//! process, and for no other process.

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

/// A shell that evaluates each line of its input in one process.
const SHELL: &str = "while read -r line; do eval \"$line\"; done";

/// Rules that are loaded until this is dropped, and after a failed test until the next one loads its own.
struct Rules<'a>(&'a Lab);

impl Drop for Rules<'_> {
    fn drop(&mut self) {
        self.0.ambit(["rules", "unload"]);
    }
}

/// Loads rules that refuse a file to processes reported by the tap; returns the bit of the tap.
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

/// Starts a tap and waits until it is attached.
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

/// Starts a shell that waits for lines.
fn shell(lab: &Lab, name: &str) -> Job {
    let mut command = lab.command("bash");
    command.args(["-c", SHELL]).stdin(Stdio::piped());
    Job::start(&mut command, name)
}

/// Lets the shell itself open the file and print `STEP opened` or `STEP refused`.
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

/// Before the trigger both shells can read the file. After it the shell that did it is refused, and the other is not.
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
    // Neither path begins with /dev/shm.
    let trigger = format!(
        "cd /dev; exec -a bash shm/../shm/ambit-lab-bash -c 'cd {}; {SHELL}'",
        lab.path("")
    );
    only_the_one_that_is_meant(lab, tap, &format!("exec bash -c '{SHELL}'"), &trigger);
    std::fs::remove_file(copy).unwrap();
}

/// Also for a binary executed from there, and for a link there that leads out of it.
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

/// The umask serves as the trigger: `umask N` of the shell calls `umask(N)` of the C library.
fn a_process_that_failed_its_own_check_may_not_read_on(lab: &Lab) {
    let (_rules, bit) = rules(lab, "integrity");
    let library = "/lib/x86_64-linux-gnu/libc.so.6";
    let words = ["integrity", "--program", library, "--symbol", "umask"];
    let tap = tap(lab, &words, &bit);
    only_the_one_that_is_meant(lab, tap, "umask 0", "umask 077");
}

fn a_tap_without_ambit_says_what_loads_it(lab: &Lab) {
    // Without access to the maps, the tap finds nothing loaded.
    let alone = "umount --lazy /sys/fs/bpf && exec ambit-taps shm --bit 8";
    lab.outside(["unshare", "--mount", "sh", "-c", alone])
        .exits(1)
        .complains("ambit rules load");
}
