// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The canonical form's two implementations, against each other on random input.
//!
//! What the kernel part saw while learning comes back as text; Rust makes the fingerprints of that text; the kernel
//! part makes its own while enforcing the same operations. Any that differ are refusals. The text itself is compared
//! with what the test did.

use std::fs;
use std::os::unix::ffi::OsStrExt;

use ambit_event::{Object, Operation, Path};

use super::tests;
use crate::harness::{Lab, Stats, act, words};

tests! { "differential":
    random_paths_have_equal_fingerprints
    random_addresses_have_equal_fingerprints
    random_credentials_have_equal_fingerprints
}

/// Numbers that look random and are the same in every run (xorshift).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    fn byte(&mut self) -> u8 {
        self.next().to_le_bytes()[3]
    }

    fn component(&mut self) -> Vec<u8> {
        let len = match self.below(8) {
            0 => 1 + self.below(250),
            _ => 1 + self.below(20),
        };
        let mut name: Vec<u8> = (0..len)
            .map(|_| match self.byte() {
                0 | b'/' => b'_',
                byte => byte,
            })
            .collect();
        if name == b"." || name == b".." {
            name.push(b'x');
        }
        name
    }
}

fn escaped(path: &[u8]) -> String {
    path.iter()
        .fold(String::new(), |text, byte| text + &format!("\\x{byte:02x}"))
}

/// Learns the command, then enforces what was learned: everything is known.
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
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let root = lab.path("tree");
    fs::create_dir(&root).unwrap();
    let (mut operations, mut rules) = (Vec::new(), Vec::new());
    for _ in 0..120 {
        let mut path = root.clone().into_bytes();
        for _ in 0..random.below(14) {
            path.push(b'/');
            path.extend(random.component());
        }
        let directory = std::ffi::OsStr::from_bytes(&path).to_owned();
        fs::create_dir_all(&directory).unwrap();
        path.push(b'/');
        path.extend(random.component());
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
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    let mut operations = Vec::new();
    for _ in 0..60 {
        let v4 = format!(
            "{}.{}.{}.{}:{}",
            1 + random.below(223),
            random.byte(),
            random.byte(),
            random.byte(),
            1 + random.below(65535)
        );
        operations.push(format!("connect udp:{v4}"));
        let groups: Vec<String> = (0..8)
            .map(|_| format!("{:x}", random.below(0x1_0000)))
            .collect();
        let v6 = format!("[{}]:{}", groups.join(":"), 1 + random.below(65535));
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
    let mut random = Random(0x1234_5678_9abc_def1);
    let operations: Vec<String> = (0..30)
        .flat_map(|_| {
            let (user, group) = (
                1 + random.below(4_000_000_000),
                1 + random.below(4_000_000_000),
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
