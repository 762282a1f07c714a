// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Runs the measured workloads: the loops with and without `ambit`, and `ambit run` itself.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use super::{DIR, MAP};
use crate::harness::{descendants, eventually};

/// Cost of one iteration of each loop.
pub(super) type Measured = BTreeMap<String, f64>;

const LOOP: &str = "/usr/bin/ambit-loop";
const OPENED: &str = "      - file.open r /usr/lib/demo/a-file-thirty.txt\n";

/// `ambit run` with options, the command to follow.
pub(super) fn ambit(options: &[&str]) -> Command {
    let mut command = Command::new("ambit");
    command.args(["run", "--quiet"]).args(options).arg("--");
    command
}

/// `ambit run` that enforces the map, and fails if there was a violation.
pub(super) fn enforcing(map: &str) -> Command {
    ambit(&["-m", map, "--enforce", "--fail-on-violation"])
}

pub(super) fn strace() -> Command {
    let mut command = Command::new("strace");
    command.args(["-f", "-o", "/dev/null"]);
    command
}

/// Runs loops, under another command if there is one.
pub(super) fn loops(names: &[&str], under: Option<Command>) -> Measured {
    let said = run(under, names);
    let measured = said.lines().filter_map(|line| {
        let (name, figure) = line.split_once(' ')?;
        Some((name.to_owned(), figure.parse().ok()?))
    });
    let measured: Measured = measured.collect();
    for name in names {
        assert!(
            measured.contains_key(*name),
            "{name} was not measured:\n{said}"
        );
    }
    measured
}

fn run(under: Option<Command>, words: &[&str]) -> String {
    let mut command = match under {
        Some(mut command) => {
            command.arg(LOOP);
            command
        }
        None => Command::new(LOOP),
    };
    let output = command
        .args(words)
        .stderr(Stdio::inherit())
        .output()
        .unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
    assert!(
        output.status.success(),
        "{command:?}: {}: {}",
        output.status,
        String::from_utf8_lossy(&output.stdout)
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Returns the learned map with more rules, so that its set has this many points.
pub(super) fn map_with_points(count: usize) -> String {
    let learned = fs::read_to_string(MAP).expect("a map was learned");
    let at = learned
        .find(OPENED)
        .expect("the map has the file that the loop opens");
    let has = learned
        .lines()
        .filter(|line| line.starts_with("      - "))
        .count();
    let mut rules = String::new();
    for number in has..count {
        writeln!(rules, "      - file.open r /srv/some/more/file-{number}")
            .expect("strings take all");
    }
    let path = format!("{DIR}/map-{count}");
    let (head, tail) = learned.split_at(at);
    fs::write(&path, [head, &rules, tail].concat()).expect("cannot write a map");
    path
}

/// Returns the learned map with a pattern for the file that the loop opens.
pub(super) fn map_with_pattern() -> String {
    let learned = fs::read_to_string(MAP).expect("a map was learned");
    let pattern = OPENED.replace("a-file-thirty", "*-thirty");
    let path = format!("{DIR}/map-pattern");
    fs::write(&path, learned.replace(OPENED, &pattern)).expect("cannot write a map");
    path
}

/// Returns the learned map with all families gated: an untrusted task is refused everything.
pub(super) fn map_with_gates() -> String {
    let learned = fs::read_to_string(MAP).expect("a map was learned");
    let at = learned.find("\nsubjects:").expect("a map has subjects") + 1;
    let (head, tail) = learned.split_at(at);
    let gates =
        "respond:\n  untrusted: {exec: deny, file: deny, map: deny, net: deny, task: deny}\n";
    let path = format!("{DIR}/map-gates");
    fs::write(&path, [head, gates, tail].concat()).expect("cannot write a map");
    path
}

/// Instructions from the start of a program to the first instruction of its command: the median of three runs.
pub(super) fn start(under: impl Fn() -> Command) -> u64 {
    let mut all = [(); 3].map(|()| start_once(under()));
    all.sort_unstable();
    all[1]
}

/// Instructions from the start of a program to the first instruction of its command.
pub(super) fn start_once(under: Command) -> u64 {
    let before = now();
    let said = run(Some(under), &["now"]);
    let first: u64 = said.trim().parse().expect("a number");
    first - before
}

/// Memory of `ambit run` with a map of a thousand points.
pub(super) fn memory() -> Value {
    let map = map_with_points(1000);
    let mut child = enforcing(&map)
        .args([LOOP, "sleep"])
        .spawn()
        .expect("cannot start ambit");
    until_executed(&child);
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
    end(&mut child);
    let kib = |name: &str| -> Option<u64> {
        let line = status.lines().find(|line| line.starts_with(name))?;
        line.split_whitespace().nth(1)?.parse().ok()
    };
    json!({"points": 1000, "peak_kib": kib("VmHWM"), "resident_kib": kib("VmRSS")})
}

/// Another domain with one sleeping task, which keeps the kernel part loaded.
pub(super) struct Keeper(Child);

impl Keeper {
    pub(super) fn start() -> Self {
        let map = format!("{DIR}/other");
        let child = ambit(&["--learn", "-o", &map, "--domain", "other"])
            .args([LOOP, "sleep"])
            .spawn()
            .expect("cannot start ambit");
        until_executed(&child);
        Self(child)
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        end(&mut self.0);
    }
}

/// Waits until `ambit run` has executed its command.
fn until_executed(ambit: &Child) {
    eventually("ambit has executed its command", || {
        descendants(ambit.id()).iter().any(|pid| {
            fs::read_link(format!("/proc/{pid}/exe")).is_ok_and(|exe| exe.ends_with("ambit-loop"))
        })
    });
}

fn end(child: &mut Child) {
    let pid = i32::try_from(child.id()).expect("process numbers are small");
    // SAFETY: two numbers; the child has not been waited for, so that the number is still its own.
    unsafe { libc::kill(pid, libc::SIGTERM) };
    let _ = child.wait();
}

pub(super) fn now() -> u64 {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: the kernel writes to a live structure.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut time) };
    u64::try_from(time.tv_sec * 1_000_000_000 + time.tv_nsec).expect("time goes up")
}
