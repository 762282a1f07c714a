// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The automaton of typical patterns: which paths it matches, its size, and the error if it does not fit.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use ambit_abi::{Op, Response};
use ambit_event::{Object, Operation, Secret, text};
use ambit_model::pattern::PathPattern;
use ambit_model::{Automaton, CompileError, Map, Rule, RuleObject, compile, run};

fn pattern(text: &str) -> PathPattern {
    match RuleObject::parse_path(text).unwrap() {
        RuleObject::Path(pattern) => pattern,
        other => panic!("{text} is {other:?}"),
    }
}

fn automaton(patterns: &[&str]) -> Automaton {
    let regexes: Vec<String> = patterns.iter().map(|text| pattern(text).regex()).collect();
    Automaton::build(&regexes).unwrap()
}

fn covers(pattern_text: &str, object: &Object) -> bool {
    let found = run(automaton(&[pattern_text]).bytes(), &object.to_bytes()) != 0;
    assert_eq!(
        found,
        pattern(pattern_text).matches(object),
        "{pattern_text} {object:?}"
    );
    found
}

#[test]
fn wildcards_and_classes_match_as_designed() {
    for (pattern, yes, no) in [
        (
            "/a/*",
            &["/a/b", "/a/.b", "/a/{tmpfile}", "/a/b{n}"][..],
            &["/a", "/a/b/c", "/b/a"][..],
        ),
        ("/a/**", &["/a/b", "/a/b/c"], &["/a", "/ab"]),
        ("/a**", &["/a", "/ab", "/a/b"], &["/b"]),
        (
            "/usr/lib/**/*.so*",
            &["/usr/lib/x/a.so", "/usr/lib/x/y/a.so.1"],
            &["/usr/lib/a.so", "/usr/lib/x/a.s"],
        ),
        ("/a/{b,c*}/d", &["/a/b/d", "/a/cc/d"], &["/a/bb/d", "/a/d"]),
        (
            "/a/{n}",
            &["/a/0", "/a/007", "/a/{n}", "/a/{pid}", "/a/{self}"],
            &["/a/x", "/a/1x", "/a/{tmpfile}"],
        ),
        (
            "/a/{pid}",
            &["/a/17", "/a/{pid}", "/a/{self}"],
            &["/a/0", "/a/017", "/a/{n}"],
        ),
        (
            "/a/{self}",
            &["/a/17", "/a/{self}"],
            &["/a/{pid}", "/a/{n}"],
        ),
        ("/a/x{tmpfile}", &["/a/x{tmpfile}"], &["/a/x", "/a/xt"]),
        (
            "/a/x{tmp}",
            &["/a/xAb3_e9", "/a/xabcdefgh"],
            &["/a/xabcde", "/a/xabc-ef", "/a/x{n}abcde"],
        ),
        ("/a/{hex}", &["/a/0aF"], &["/a/g", "/a/{n}"]),
        (
            "/a/{uuid}",
            &["/a/550e8400-e29b-41d4-a716-446655440000"],
            &["/a/550e8400-e29b-41d4-a716-44665544000"],
        ),
        ("/a/\\*{n}", &["/a/\\*1"], &["/a/b1"]),
        ("/\\xff*", &["/\\xff", "/\\xffa"], &["/a"]),
    ] {
        for path in yes {
            assert!(
                covers(pattern, &text::parse_path_object(path).unwrap()),
                "{pattern} {path}"
            );
        }
        for path in no {
            assert!(
                !covers(pattern, &text::parse_path_object(path).unwrap()),
                "{pattern} {path}"
            );
        }
    }
}

#[test]
fn a_wildcard_never_takes_half_a_marker() {
    // The letter of a marker is not a character of the name.
    assert!(!covers(
        "/a/*s",
        &text::parse_path_object("/a/{self}").unwrap()
    ));
    assert!(covers(
        "/a/*",
        &text::parse_path_object("/a/{self}").unwrap()
    ));
    // The path of an unlinked file is another kind of object.
    assert!(!covers(
        "/a/*",
        &text::parse_path_object("deleted:/a/b").unwrap()
    ));
}

/// Returns true if a compiled map with this rule allows the point, for `/bin/x`.
fn allowed(rule: &str, point: &str) -> bool {
    let secret = Secret::new([1; 16]);
    let text =
        format!("ambit: 1\ndomain: d\nsubjects:\n  - exe: /bin/x\n    allow:\n      - {rule}\n");
    let map = Map::parse(&text, "map").unwrap_or_else(|errors| panic!("{errors}"));
    let ephemeral = 32768..=60999;
    let compiled = compile(&map, secret, &ephemeral).unwrap();
    let subject = map.subjects.keys().next().unwrap();
    let fp = subject.fingerprint(&secret);
    let (operation, object) = Operation::parse_rule(point).unwrap();
    let bytes = object.to_bytes();
    let known = |key| compiled.keys.binary_search(&key).is_ok();
    let class = compiled.dfa.as_ref().map_or(0, |dfa| run(dfa, &bytes));
    let of =
        |bytes: &[u8]| ambit_event::fingerprint(&secret, operation.op, operation.arg, bytes) ^ fp;
    let found = known(of(&bytes)) || (class != 0 && known(of(&Object::Class(class).to_bytes())));
    let matcher = ambit_model::Matcher::new(&map, ephemeral);
    assert_eq!(
        matcher.allows(subject, operation, &object),
        found,
        "{rule} {point}"
    );
    found
}

#[test]
fn networks_and_ports_match_as_designed() {
    for (rule, yes, no) in [
        (
            "tcp 10.0.0.0/8:5432",
            &["tcp 10.1.2.3:5432"][..],
            &[
                "tcp 11.0.0.1:5432",
                "udp 10.1.2.3:5432",
                "tcp 10.1.2.3:5433",
            ][..],
        ),
        (
            "tcp 10.0.16.0/20:1",
            &["tcp 10.0.16.0:1", "tcp 10.0.31.255:1"],
            &["tcp 10.0.15.255:1", "tcp 10.0.32.0:1"],
        ),
        (
            "tcp 10.0.0.1:8000-8999",
            &[
                "tcp 10.0.0.1:8000",
                "tcp 10.0.0.1:8255",
                "tcp 10.0.0.1:8999",
            ],
            &[
                "tcp 10.0.0.1:7999",
                "tcp 10.0.0.1:9000",
                "tcp 10.0.0.1:ephemeral",
            ],
        ),
        (
            "tcp 0.0.0.0/0:*",
            &["tcp 1.2.3.4:1", "tcp 1.2.3.4:ephemeral"],
            &["tcp [::1]:1"],
        ),
        (
            "tcp 10.0.0.1:32768-60999",
            &["tcp 10.0.0.1:ephemeral"],
            &["tcp 10.0.0.1:80"],
        ),
        ("tcp 10.0.0.1:40000-60000", &[], &["tcp 10.0.0.1:ephemeral"]),
        (
            "udp [2001:db8::/33]:53",
            &["udp [2001:db8:7fff::1]:53"],
            &["udp [2001:db8:8000::1]:53"],
        ),
        (
            "udp [::1]:ephemeral",
            &["udp [::1]:ephemeral"],
            &["udp [::1]:53"],
        ),
        (
            "icmp 10.0.0.0/24",
            &["icmp 10.0.0.9"],
            &["icmp 10.0.1.9", "proto47 10.0.0.9"],
        ),
    ] {
        for address in yes {
            assert!(
                allowed(
                    &format!("net.connect {rule}"),
                    &format!("net.connect {address}")
                ),
                "{rule} {address}"
            );
        }
        for address in no {
            assert!(
                !allowed(
                    &format!("net.connect {rule}"),
                    &format!("net.connect {address}")
                ),
                "{rule} {address}"
            );
        }
        assert!(
            yes.is_empty()
                || !allowed(
                    &format!("net.connect {rule}"),
                    &format!("net.bind {}", yes[0])
                )
        );
    }
}

#[test]
fn a_pattern_allows_implied_operations_only() {
    assert!(allowed("file.open rw /a/*", "file.open r /a/b"));
    assert!(allowed("file.open w /a/*", "file.open a /a/b"));
    assert!(!allowed("file.open r /a/*", "file.open w /a/b"));
    assert!(allowed("exec /a/*", "file.open x /a/b"));
    assert!(!allowed("file.open x /a/*", "exec /a/b"));
}

#[test]
fn ephemeral_ports_cause_a_warning() {
    let text = "ambit: 1\ndomain: d\nsubjects:\n  - id: x\n    exe: /bin/x\n    allow:\n      \
                - net.bind tcp 0.0.0.0:40000-65535\n      - net.bind tcp 0.0.0.0:50000\n      - net.bind tcp 0.0.0.0:80\n";
    let map = Map::parse(text, "map").unwrap();
    let compiled = compile(&map, Secret::new([1; 16]), &(32768..=60999)).unwrap();
    assert_eq!(compiled.warnings.len(), 2, "{:?}", compiled.warnings);
}

#[test]
fn two_thousand_everyday_patterns_compile() {
    let mut patterns = vec![
        "/usr/lib/**/*.so*".to_owned(),
        "/etc/**".to_owned(),
        "/usr/share/{locale,zoneinfo}/**".to_owned(),
        "/var/log/**/*.log".to_owned(),
        "/home/*/.cache/**".to_owned(),
        "/sys/devices/**/{uevent,power}".to_owned(),
    ];
    for number in 0..2000 {
        patterns.push(match number % 5 {
            0 => format!("/srv/app-{number}/**"),
            1 => format!("/var/lib/service-{number}/body/{{n}}"),
            2 => format!("/tmp/program-{number}-{{tmp}}"),
            3 => format!("/run/daemon{number}/{{pid}}.sock"),
            _ => format!("/opt/thing{number}/*/cache/{{hex}}.{{uuid}}"),
        });
    }
    let mut map = Map::new("d");
    let exe = text::parse_path_object("/bin/x").unwrap();
    let subject = ambit_event::Subject {
        exe: Some(exe),
        ..ambit_event::Subject::default()
    };
    let entry = map.subject_mut(&subject);
    for pattern in &patterns {
        entry
            .allow
            .insert(Rule::parse(&format!("file.open rw {pattern}")).unwrap());
    }
    let begun = std::time::Instant::now();
    let compiled = compile(&map, Secret::new([1; 16]), &(32768..=60999));
    let dfa = compiled
        .unwrap_or_else(|error| panic!("{error}"))
        .dfa
        .unwrap();
    let word = |at: usize| u32::from_ne_bytes(dfa[at..at + 4].try_into().unwrap());
    println!(
        "{} patterns, {} states, shift {}, {:?}",
        patterns.len(),
        word(8),
        word(4),
        begun.elapsed()
    );
}

#[test]
fn patterns_that_do_not_fit_are_named() {
    let mut map = Map::new("d");
    let subject = ambit_event::Subject {
        exe: Some(text::parse_path_object("/bin/x").unwrap()),
        ..ambit_event::Subject::default()
    };
    let entry = map.subject_mut(&subject);
    // An `a` eighteen characters before the end: the automaton must remember the last eighteen characters.
    let bad = format!("file.open r /**a{}", "{a,b}".repeat(17));
    entry.allow.insert(Rule::parse(&bad).unwrap());
    entry
        .allow
        .insert(Rule::parse("file.open r /etc/*").unwrap());
    match compile(&map, Secret::new([1; 16]), &(32768..=60999)) {
        Err(CompileError::TooLarge { largest }) => {
            assert_eq!(largest.len(), 2);
            assert_eq!(format!("file.open r {}", largest[0].0), bad);
        }
        other => panic!("{:?}", other.map(|compiled| compiled.keys.len())),
    }
}

#[test]
fn a_table_that_is_cut_matches_nothing() {
    let whole = automaton(&["/a/*"]);
    for len in (0..whole.bytes().len()).step_by(50_001) {
        assert_eq!(run(&whole.bytes()[..len], b"P/a/b"), 0);
    }
}

#[test]
fn credentials_and_digests_are_points() {
    let text = "\
ambit: 1
domain: d
respond: {outside: {net: kill}}
start: [/bin/x]
subjects:
  - exe: /bin/x
    digest: [sha256:0101010101010101010101010101010101010101010101010101010101010101]
    creds: [uid=33 gid=33 caps=-]
    allow: [exec /bin/y]
  - exe: /bin/y
    via: [/bin/x]
";
    let map = Map::parse(text, "map").unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!(map.outside[3], Response::Kill);
    let secret = Secret::new([1; 16]);
    let compiled = compile(&map, secret, &(32768..=60999)).unwrap();
    assert!(compiled.digests && compiled.dfa.is_none());
    let known = |subject, operation, object: &Object| {
        let key = ambit_event::key(&secret, subject, operation, object);
        compiled.keys.binary_search(&key).is_ok()
    };
    let digest = |sha256, of: &str| {
        let of = Box::new(text::parse_path_object(of).unwrap());
        known(
            ambit_abi::Fp::ZERO,
            Operation::plain(Op::ExecDigest),
            &Object::Digest { sha256, of },
        )
    };
    assert!(digest([1; 32], "/bin/x") && !digest([0; 32], "/bin/x") && !digest([2; 32], "/bin/x"));
    let listed = |of: &str| {
        let operation = Operation {
            op: Op::ExecDigest,
            arg: 1,
        };
        let object = text::parse_path_object(of).unwrap();
        known(ambit_abi::Fp::ZERO, operation, &object)
    };
    assert!(listed("/bin/x") && !listed("/bin/y"));
    let any = Operation {
        op: Op::ExecCreds,
        arg: ambit_model::ANY_CREDS,
    };
    let subjects: Vec<_> = compiled.subjects.iter().map(|(fp, _)| *fp).collect();
    assert!(!known(subjects[0], any, &Object::None) && known(subjects[1], any, &Object::None));
    let launcher = ambit_event::Subject::LAUNCHER.fingerprint(&secret);
    let (operation, object) = Operation::parse_rule("file.open x /bin/x").unwrap();
    assert!(known(launcher, operation, &object));
    assert_eq!(
        compiled.registry.subject(subjects[0]),
        Some(compiled.subjects[0].1.clone())
    );
}
