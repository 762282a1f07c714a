// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Measures the cost of `file.open` rules of which none matches, and the cost of loading them.
//!
//! The tasks have no label and no trust bit. The rules are in `crates/policy/benches/file-open.yaml`; the first N of them
//! are a mix of all kinds for every N.

use std::fs;
use std::process::Command;

use serde_json::{Value, json};

use super::DIR;
use super::workload::{loops, now};

const ALL: &str = include_str!("../../../../crates/policy/benches/file-open.yaml");
/// A rule of another family: no program is attached to the hook that the loop reaches.
const ELSEWHERE: &str = "  - {id: mounts, on: mount.mount, do: audit}\n";
/// A condition on trust only; every task of the loop is trusted.
const GATE: &str = "  - {id: gate, on: file.open, when: 'task.untrusted', do: deny}\n";
/// A condition on the user ID only: apart from the rule, its cost is the fixed cost of every event.
const USER: &str = "  - {id: user, on: file.open, when: 'task.uid == 4242', do: deny}\n";
/// A condition that reads the whole path; the first rule of the list is excluded by the first letters of the path.
const END: &str =
    "  - {id: end, on: file.open, when: 'object.path.endsWith(\".kdbx\")', do: deny}\n";
/// The condition on the object is true, so that the chain must be read.
const CHAIN: &str = "  - {id: chain, on: file.open, when: 'subject.path == \"/usr/sbin/nginx\" && object.read', do: deny}\n";
/// The same, with the task's name and cgroup.
const TEXTS: &str = "  - {id: texts, on: file.open, when: 'task.comm == \"nginx\" && !task.cgroup.startsWith(\"/system.slice/\") && object.read', do: deny}\n";

/// Measures the loop without Ambit and with rules, and loading. Leaves nothing loaded.
pub(super) fn measure() -> Value {
    let head = "ambit-rules: 1\nrules:\n";
    let rules: Vec<&str> = ALL
        .lines()
        .filter(|line| line.starts_with("  - "))
        .collect();
    let first = |count: usize, more: &str| [head, &rules[..count].join("\n"), "\n", more].concat();
    let open = || loops(&["open_close"], None)["open_close"];
    let many = || loops(&["open_many"], None)["open_many"];
    eprintln!("bench: without rules");
    let without = open();
    let many_without = many();
    let one = file("one", &first(1, ""));
    let all = file("all", &first(rules.len(), ""));
    eprintln!("bench: loading rules");
    let loading = json!({
        "rules": rules.len(),
        "first": load(&all),
        "again": middle([(); 3].map(|()| load(&all))),
        "first_of_one": load_first(&one),
        "again_of_one": middle([(); 3].map(|()| load(&one))),
    });
    let sets = [
        ("elsewhere", format!("{head}{ELSEWHERE}")),
        ("one of a user", format!("{head}{USER}")),
        ("one of an end", format!("{head}{END}")),
        ("1", first(1, "")),
        ("2", first(2, "")),
        ("100", first(100, "")),
        ("200", first(200, "")),
        ("100 of a file each", format!("{head}{}", files(100))),
        ("100 of users below it", format!("{head}{}", users(100))),
        ("100 and a gate", first(100, GATE)),
        ("100 and one of the chain", first(100, CHAIN)),
        ("100 and one of all texts", first(100, TEXTS)),
    ];
    let mut rows = vec![json!({"rules": "none", "instructions": without})];
    for (name, text) in sets {
        eprintln!("bench: rules: {name}");
        // The set before may have had other hooks; none of its programs stays attached.
        unload();
        load(&file("set", &text));
        let instructions = open();
        assert_eq!(applied(), 0, "rules applied that were not meant to: {name}");
        rows.push(json!({"rules": name, "instructions": instructions}));
    }
    eprintln!("bench: rules: many files");
    unload();
    load(&file("set", &first(100, "")));
    let many = json!({"without": many_without, "with_100": many()});
    unload();
    json!({"rows": rows, "many": many, "loading": loading})
}

/// Rules that would match the file of the loop for another user.
fn users(count: usize) -> String {
    let rule = |at: usize| {
        format!(
            "  - {{id: u{at}, on: file.open, when: 'object.path.startsWith(\"/usr/lib/\") && task.uid == {}', do: deny}}\n",
            5000 + at
        )
    };
    (0..count).map(rule).collect()
}

/// Rules with one file each, as made from a list of protected files.
fn files(count: usize) -> String {
    let rule = |at: usize| {
        format!(
            "  - {{id: f{at}, on: file.open, when: 'object.path == \"/etc/app/{at}.conf\"', do: deny}}\n"
        )
    };
    (0..count).map(rule).collect()
}

fn file(name: &str, text: &str) -> String {
    let path = format!("{DIR}/rules-{name}.yaml");
    fs::write(&path, text).expect("cannot write rules");
    path
}

/// Loads rules; returns the instructions from start to end (waiting included), and the processor time of the loader.
fn load(path: &str) -> Value {
    let (user, system) = spent();
    let begun = now();
    ambit(&["load", "--quiet", path]);
    let all = now() - begun;
    let (user_then, system_then) = spent();
    json!({"all": all, "user": user_then - user, "system": system_then - system})
}

/// The same, with nothing loaded before.
fn load_first(path: &str) -> Value {
    unload();
    load(path)
}

/// Returns the measurement with the median total.
fn middle(mut all: [Value; 3]) -> Value {
    all.sort_by_key(|load| load["all"].as_u64());
    all[1].clone()
}

fn unload() {
    ambit(&["unload"]);
}

/// Returns how often rules matched, in total.
fn applied() -> u64 {
    ambit(&["ls", "--json"])
        .lines()
        .map(|line| {
            let row: Value = serde_json::from_str(line).expect("a line of JSON");
            row["applied"].as_u64().expect("a number")
        })
        .sum()
}

fn ambit(words: &[&str]) -> String {
    let output = Command::new("ambit")
        .arg("rules")
        .args(words)
        .output()
        .expect("cannot start ambit");
    assert!(
        output.status.success(),
        "ambit rules {words:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Returns the processor time of exited children in nanoseconds, in user and in kernel mode.
fn spent() -> (u64, u64) {
    // SAFETY: all zeroes is a value of this structure, which is numbers.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: the kernel writes to a live structure.
    let result = unsafe { libc::getrusage(libc::RUSAGE_CHILDREN, &raw mut usage) };
    assert_eq!(result, 0, "no figures of resources");
    let nanoseconds = |time: libc::timeval| {
        u64::try_from(time.tv_sec * 1_000_000_000 + time.tv_usec * 1000).expect("time goes up")
    };
    (nanoseconds(usage.ru_utime), nanoseconds(usage.ru_stime))
}
