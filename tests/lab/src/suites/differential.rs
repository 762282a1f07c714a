// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Compares the two implementations of the canonical form on random input.
//!
//! While learning, the kernel part reports operations as text, from which Rust computes fingerprints. While enforcing the
//! same operations, the kernel part computes its own; a difference is a refusal. The text is compared with the operations of
//! the test.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::ffi::OsStrExt;

use ambit_event::{Object, Operation, Path};
use ambit_model::RuleObject;

use fastrand::Rng;

use super::tests;
use crate::harness::{Lab, Stats, act, words};

tests! { "differential":
    random_paths_have_equal_fingerprints
    random_addresses_have_equal_fingerprints
    random_credentials_have_equal_fingerprints
    random_patterns_allow_what_the_plain_matcher_says_however_often_a_path_is_opened
}

/// Returns a random name of a file, with any bytes that a name may have.
fn component(random: &mut Rng) -> Vec<u8> {
    let length = match random.u64(..8) {
        0 => 1 + random.u64(..250),
        _ => 1 + random.u64(..20),
    };
    let mut name: Vec<u8> = (0..length)
        .map(|_| match random.u8(..) {
            0 | b'/' => b'_',
            byte => byte,
        })
        .collect();
    if name == b"." || name == b".." {
        name.push(b'x');
    }
    name
}

fn escaped(path: &[u8]) -> String {
    path.iter()
        .fold(String::new(), |text, byte| text + &format!("\\x{byte:02x}"))
}

/// Learns a command, then enforces the map: there is no violation.
fn agrees(lab: &Lab, command: &[String]) -> crate::harness::Map {
    lab.learn("map", command);
    let stats = lab.path("stats");
    lab.ambit(words(
        &["run", "-m", &lab.path("map"), "--enforce", "--json"],
        &["--stats", &stats],
        command,
    ))
    .within_the_map();
    let stats = Stats::read(&stats);
    stats.must_add_up();
    assert_eq!(stats.sum("violations"), 0);
    lab.map("map")
}

fn random_paths_have_equal_fingerprints(lab: &Lab) {
    let mut random = Rng::with_seed(0x9e37_79b9_7f4a_7c15);
    let root = lab.path("tree");
    fs::create_dir(&root).unwrap();
    let (mut operations, mut rules) = (Vec::new(), Vec::new());
    for _ in 0..120 {
        let mut path = root.clone().into_bytes();
        for _ in 0..random.u64(..14) {
            path.push(b'/');
            path.extend(component(&mut random));
        }
        let directory = std::ffi::OsStr::from_bytes(&path).to_owned();
        fs::create_dir_all(&directory).unwrap();
        path.push(b'/');
        path.extend(component(&mut random));
        if fs::write(std::ffi::OsStr::from_bytes(&path), "x").is_err() {
            continue;
        }
        operations.push(format!("open-r {}", escaped(&path)));
        let object = Object::Path(Path::new(path).unwrap());
        rules.push(
            Operation::parse_rule("file.open r /")
                .unwrap()
                .0
                .rule(&object),
        );
    }
    let map = agrees(lab, &act(&operations.join(" , ")));
    let learned = map.rules();
    for rule in rules {
        assert!(learned.contains(&rule), "the kernel part saw no {rule}");
    }
}

fn random_addresses_have_equal_fingerprints(lab: &Lab) {
    let mut random = Rng::with_seed(0x2545_f491_4f6c_dd1d);
    let mut operations = Vec::new();
    for _ in 0..60 {
        let v4 = format!(
            "{}.{}.{}.{}:{}",
            1 + random.u64(..223),
            random.u8(..),
            random.u8(..),
            random.u8(..),
            1 + random.u64(..65535)
        );
        operations.push(format!("connect udp:{v4}"));
        let groups: Vec<String> = (0..8)
            .map(|_| format!("{:x}", random.u64(..0x1_0000)))
            .collect();
        let v6 = format!("[{}]:{}", groups.join(":"), 1 + random.u64(..65535));
        operations.push(format!("connect udp:{v6}"));
    }
    let map = agrees(lab, &act(&operations.join(" , ")));
    let connects = map
        .rules()
        .iter()
        .filter(|rule| rule.starts_with("net.connect udp "))
        .count();
    assert!(connects > 100, "only {connects} addresses were seen");
}

fn random_credentials_have_equal_fingerprints(lab: &Lab) {
    let mut random = Rng::with_seed(0x1234_5678_9abc_def1);
    let operations: Vec<String> = (0..30)
        .flat_map(|_| {
            let (user, group) = (
                1 + random.u64(..4_000_000_000),
                1 + random.u64(..4_000_000_000),
            );
            [
                format!("fork setuid {user}"),
                format!("fork setgid {group}"),
            ]
        })
        .collect();
    let map = agrees(lab, &act(&operations.join(" , ")));
    let changes = map
        .rules()
        .iter()
        .filter(|rule| rule.starts_with("task.setuid ") || rule.starts_with("task.setgid "))
        .count();
    assert!(changes > 50, "only {changes} changes of ids were seen");
}

/// Returns a name of few different letters, so that paths often match patterns.
fn small_name(random: &mut Rng) -> String {
    const NAMES: [&str; 12] = [
        "a",
        "b",
        "ab",
        "log",
        "7",
        "42",
        "a.log",
        "b.log",
        "7.log",
        "deadbeef",
        "x-Zk3uQ9a",
        "a-name-that-is-longer-than-thirty-one-bytes",
    ];
    let at = usize::try_from(random.u64(..NAMES.len() as u64)).unwrap();
    NAMES[at].to_owned()
}

fn small_pattern(random: &mut Rng) -> String {
    const PIECES: [&str; 12] = [
        "*",
        "*",
        "**",
        "{n}",
        "{hex}",
        "{tmp}",
        "*.log",
        "{n}.log",
        "{a,b}",
        "a*",
        "{a,b}.{log,x}",
        "x-{tmp}",
    ];
    let mut out = String::new();
    for _ in 0..=random.u64(..3) {
        let at = usize::try_from(random.u64(..2 * PIECES.len() as u64)).unwrap();
        out.push('/');
        match PIECES.get(at) {
            Some(piece) => out.push_str(piece),
            None => out.push_str(&small_name(random)),
        }
    }
    out
}

/// Returns a path with up to three folders below the root.
fn small_folders(random: &mut Rng, root: &str) -> String {
    let mut path = root.to_owned();
    for _ in 0..random.u64(..4) {
        path.push_str("/d-");
        path.push_str(&small_name(random));
    }
    path
}

/// A child of its own opens each path, so that a refusal does not cost the next one its trust.
fn random_patterns_allow_what_the_plain_matcher_says_however_often_a_path_is_opened(lab: &Lab) {
    const TIMES: usize = 3;
    let mut random = Rng::with_seed(0x5851_f42d_4c95_7f2d);
    let root = lab.path("small");
    let mut paths = BTreeSet::new();
    for _ in 0..220 {
        let mut path = small_folders(&mut random, &root);
        fs::create_dir_all(&path).unwrap();
        path.push('/');
        path.push_str(&small_name(&mut random));
        fs::write(&path, "x").unwrap();
        paths.insert(path);
    }
    let operations: Vec<String> = paths
        .iter()
        .flat_map(|path| [path; TIMES])
        .map(|path| format!("fork open-r {path}"))
        .collect();
    let operations = act(&operations.join(" , "));
    let known = lab.path("known");
    lab.learn("map", &act(&format!("fork open-r {known}")));
    let line = format!("      - file.open r {known}\n");
    for round in 0..4 {
        let texts: Vec<String> = (0..12)
            .map(|_| small_folders(&mut random, &root) + &small_pattern(&mut random))
            .collect();
        let patterns: Vec<RuleObject> = texts
            .iter()
            .map(|text| RuleObject::parse_path(text).unwrap_or_else(|e| panic!("{text}: {e}")))
            .collect();
        let rules: Vec<String> = texts
            .iter()
            .map(|text| format!("      - 'file.open r {text}'\n"))
            .collect();
        let name = format!("map-{round}");
        let map = lab.map("map").text.replace(&line, &rules.concat());
        lab.file(&name, &map);
        let run = lab.enforce(&name, &operations);
        let lines = run.lines();
        assert_eq!(lines.len(), TIMES * paths.len(), "{}", run.stderr_text());
        let mut allowed = 0;
        for (path, said) in paths.iter().zip(lines.chunks(TIMES)) {
            let object = Object::Path(Path::new(path.as_bytes()).unwrap());
            let covered = patterns
                .iter()
                .any(|pattern| pattern.covers(&object, &(32768..=60999)));
            allowed += usize::from(covered);
            let right = if covered {
                "open-r: ok"
            } else {
                "open-r: errno EPERM"
            };
            assert!(
                said.iter().all(|line| line == right),
                "{path}: {said:?} instead of {right}\n{map}"
            );
        }
        println!("round {round}: {allowed} of {} paths allowed", paths.len());
    }
}
