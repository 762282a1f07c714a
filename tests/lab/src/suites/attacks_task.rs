// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Ways to kill a process outside the domain, also of a domain that has only core coverage.

use std::cell::RefCell;
use std::fs;
use std::os::unix::process::CommandExt;
use std::process::Stdio;

use super::tests;
use crate::harness::{Attack, Job, Lab, act, eventually, has_exited};

tests! { "attacks":
    a_descriptor_does_not_signal_a_process_outside
    a_descriptor_does_not_signal_a_thread_outside
    a_descriptor_does_not_signal_a_group_outside
    a_descriptor_does_not_send_its_own_signal_outside
    a_descriptor_s_owner_set_by_ioctl_is_refused
    signals_to_the_foreground_group_of_a_terminal_are_refused
    a_process_may_own_its_descriptors
    a_limit_of_processor_time_outside_is_refused
    a_signal_to_a_group_outside_is_refused
    a_signal_to_a_thread_outside_is_refused
    a_queued_signal_to_a_process_outside_is_refused
    a_signal_by_a_descriptor_of_a_process_is_refused
    a_timer_of_a_process_outside_is_refused
    a_counter_that_traps_a_process_outside_is_refused
    input_that_is_faked_on_a_terminal_is_refused
}

const CORE: &[&str] = &["--coverage", "core"];

/// A process outside every domain, in a process group of its own. Each run has another one, so that its number is in a file.
struct Victim<'l> {
    lab: &'l Lab,
    program: &'l [&'l str],
    job: RefCell<Option<Job>>,
    number: String,
}

impl<'l> Victim<'l> {
    /// A victim that answers as long as it lives.
    fn new(lab: &'l Lab) -> Self {
        Self::of(lab, &["cat"])
    }

    fn of(lab: &'l Lab, program: &'l [&'l str]) -> Self {
        let number = lab.file("victim", "");
        Self {
            lab,
            program,
            job: RefCell::new(None),
            number,
        }
    }

    /// Starts a new one.
    fn renew(&self) {
        self.end();
        let mut command = self.lab.command(self.program[0]);
        command
            .args(&self.program[1..])
            .stdin(Stdio::piped())
            .process_group(0);
        let job = Job::start(&mut command, "the victim");
        fs::write(&self.number, job.pid().to_string()).unwrap();
        *self.job.borrow_mut() = Some(job);
    }

    fn pid(&self) -> u32 {
        self.job.borrow().as_ref().expect("a victim").pid()
    }

    fn end(&self) {
        if let Some(job) = self.job.borrow_mut().take() {
            job.signal(libc::SIGKILL);
            job.finish();
        }
    }

    /// Returns true if it was killed. A signal that was sent kills it before it answers.
    fn was_killed(&self, expected: bool) -> bool {
        if expected {
            let pid = self.pid();
            eventually("the victim has ended", || has_exited(pid));
            return true;
        }
        let mut job = self.job.borrow_mut();
        let job = job.as_mut().expect("a victim");
        if has_exited(job.pid()) {
            return true;
        }
        job.say("alive\n");
        job.until("alive");
        false
    }
}

/// Starts an attack on a victim, in which `VICTIM` is the file with its number.
fn on<'a>(lab: &'a Lab, victim: &'a Victim<'a>, operation: &str, record: &str) -> Attack<'a> {
    lab.attack(operation.replace("VICTIM", &victim.number), record)
        .learned_with(CORE)
        .control(format!(
            "open-r {} , own-input fcntl self , signal self 0",
            victim.number
        ))
        .before(|| victim.renew())
}

fn kills(lab: &Lab, operation: &str, record: &str) {
    let victim = Victim::new(lab);
    on(lab, &victim, operation, record)
        .effect_as_expected(|expected| victim.was_killed(expected))
        .check();
    victim.end();
}

fn a_descriptor_does_not_signal_a_process_outside(lab: &Lab) {
    for way in ["fcntl", "fcntl-ex"] {
        kills(
            lab,
            &format!("signal-by-input {way} VICTIM KILL"),
            "file.fcntl owner*",
        );
    }
}

fn a_descriptor_does_not_signal_a_thread_outside(lab: &Lab) {
    kills(
        lab,
        "signal-by-input fcntl-ex-thread VICTIM KILL",
        "file.fcntl owner*",
    );
}

fn a_descriptor_does_not_signal_a_group_outside(lab: &Lab) {
    for way in ["fcntl-group", "fcntl-ex-group"] {
        kills(
            lab,
            &format!("signal-by-input {way} VICTIM KILL"),
            "file.fcntl owner*",
        );
    }
}

/// `SIGIO` ends a process that does not expect it.
fn a_descriptor_does_not_send_its_own_signal_outside(lab: &Lab) {
    kills(lab, "signal-by-input fcntl VICTIM", "file.fcntl owner*");
}

fn a_descriptor_s_owner_set_by_ioctl_is_refused(lab: &Lab) {
    for (way, request) in [
        ("fiosetown", "0x8901"),
        ("siocspgrp", "0x8902"),
        ("siocspgrp-group", "0x8902"),
    ] {
        kills(
            lab,
            &format!("signal-by-input {way} VICTIM KILL"),
            &format!("file.ioctl {request}*"),
        );
    }
}

/// Input of the terminal would kill the processes in its foreground.
fn signals_to_the_foreground_group_of_a_terminal_are_refused(lab: &Lab) {
    let terminal = "/dev/ptmx";
    for (way, record) in [
        ("async-fcntl", "file.fcntl owner"),
        ("async-ioctl", "file.ioctl 0x5452"),
    ] {
        lab.attack(format!("{way} {terminal}"), format!("{record} {terminal}"))
            .learned_with(CORE)
            .control(format!("open-r {terminal}"))
            .check();
    }
}

/// Libraries do this without being asked to. `F_SETOWN_EX` is left out: hooks do not read the number in the program's memory.
fn a_process_may_own_its_descriptors(lab: &Lab) {
    lab.learning("map", CORE, &act("socketpair stream"))
        .finish()
        .succeeds();
    let run = lab.enforce("map", &act("own-input fcntl self"));
    run.succeeds().within_the_map();
}

fn a_limit_of_processor_time_outside_is_refused(lab: &Lab) {
    let victim = Victim::new(lab);
    let limited = || {
        let limits = fs::read_to_string(format!("/proc/{}/limits", victim.pid())).unwrap();
        !limits
            .lines()
            .any(|line| line.starts_with("Max cpu time") && line.contains("unlimited"))
    };
    on(
        lab,
        &victim,
        "cpu-limit-of VICTIM 1",
        "task.rlimit cpu outside",
    )
    .effect(limited)
    .check();
    victim.end();
}

fn a_signal_to_a_group_outside_is_refused(lab: &Lab) {
    kills(
        lab,
        "signal-by kill-group VICTIM KILL",
        "task.signal outside KILL",
    );
}

fn a_signal_to_a_thread_outside_is_refused(lab: &Lab) {
    kills(
        lab,
        "signal-by tkill VICTIM KILL",
        "task.signal outside KILL",
    );
}

fn a_queued_signal_to_a_process_outside_is_refused(lab: &Lab) {
    for way in ["queue", "queue-thread"] {
        kills(
            lab,
            &format!("signal-by {way} VICTIM KILL"),
            "task.signal outside KILL",
        );
    }
}

fn a_signal_by_a_descriptor_of_a_process_is_refused(lab: &Lab) {
    kills(
        lab,
        "signal-by pidfd VICTIM KILL",
        "task.signal outside KILL",
    );
}

/// The kernel refuses timers for threads of other processes.
fn a_timer_of_a_process_outside_is_refused(lab: &Lab) {
    let victim = Victim::new(lab);
    victim.renew();
    lab.outside(act(&format!("timer-of {} KILL", victim.number)))
        .exits(1)
        .says(&["timer-of: errno EINVAL"]);
    assert!(!victim.was_killed(false), "the timer killed the victim");
    victim.end();
}

/// Needs capabilities, and the permission to trace the process.
fn a_counter_that_traps_a_process_outside_is_refused(lab: &Lab) {
    let victim = Victim::of(lab, &["bash", "-c", "while :; do :; done"]);
    let operation = format!("perf-trap {}", victim.number);
    victim.renew();
    lab.outside(act(&operation)).succeeds();
    assert!(victim.was_killed(true));
    lab.learning("map", CORE, &act(&format!("open-r {}", victim.number)))
        .finish()
        .succeeds();
    let known = format!("file.open r {}", victim.number);
    let able = ["sys_admin", "perfmon", "sys_ptrace"]
        .iter()
        .fold(lab.map("map"), |map, capability| {
            map.with_also(&known, &format!("cap.use {capability}"))
        });
    lab.write_map("map", &able);
    victim.renew();
    let run = lab.enforce("map", &act(&operation)).exits(1);
    let refused = matches!(
        run.lines()[0].as_str(),
        "perf-trap: errno EACCES" | "perf-trap: errno EPERM"
    );
    run.expect(refused, "the counter should be refused")
        .violates_also("task.ptrace attach outside");
    assert!(!has_exited(victim.pid()), "the counter trapped the victim");
    victim.end();
}

fn input_that_is_faked_on_a_terminal_is_refused(lab: &Lab) {
    lab.attack("ioctl /dev/ptmx 0x5412", "file.ioctl 0x5412 /dev/ptmx")
        .learned_with(CORE)
        .control("open-r /dev/ptmx")
        // Which the kernel asks for since 6.2, unless its settings allow such input.
        .with_rule("cap.use sys_admin")
        .lacking("errno EIO", "this kernel has no such input")
        .check();
}
