// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Generalising learned maps: examples of proposals, and properties of all proposals.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use ambit_event::lex::Class;
use ambit_event::{Object, Operation, Path, Subject};
use ambit_model::pattern::{PathKind, Piece};
use ambit_model::{Map, Marks, Matcher, Options, Proposal, Risk, Rule, RuleObject, propose};
use proptest::collection::vec;
use proptest::prelude::*;
use support::config;

fn map_of(subjects: &[(&str, &[&str])]) -> Map {
    let mut map = Map::new("web");
    for (exe, rules) in subjects {
        let subject = subject(exe);
        let entry = map.subject_mut(&subject);
        entry.allow = rules
            .iter()
            .map(|rule| Rule::parse(rule).unwrap())
            .collect();
    }
    map.normalise();
    map
}

fn subject(exe: &str) -> Subject {
    Subject {
        exe: Some(Object::Path(Path::new(exe.as_bytes()).unwrap())),
        ..Subject::default()
    }
}

fn alone(map: &Map) -> Vec<Proposal> {
    propose(map, std::slice::from_ref(map), &Options::default())
}

fn merged(maps: &[Map]) -> Map {
    let (first, rest) = maps.split_first().unwrap();
    rest.iter()
        .fold(first.clone(), |merged, map| merged.merge(map).unwrap())
}

fn together(maps: &[Map]) -> (Map, Vec<Proposal>) {
    let merged = merged(maps);
    let proposals = propose(&merged, maps, &Options::default());
    (merged, proposals)
}

fn rules(map: &Map) -> Vec<String> {
    let all = map.subjects.values().flat_map(|entry| &entry.allow);
    let mut all: Vec<String> = all.map(ToString::to_string).collect();
    all.sort();
    all
}

#[test]
fn dated_logs_become_one_line_for_each_operation() {
    let map = map_of(&[
        (
            "/bin/app",
            &[
                "file.create /var/log/app/app-2026-11-24.log",
                "file.open w /var/log/app/app-2026-11-24.log",
                "file.create /var/log/app/app-2026-11-25.log",
                "file.open w /var/log/app/app-2026-11-25.log",
                "file.open r /srv/app/config",
            ],
        ),
        (
            "/bin/gzip",
            &["file.open r /var/log/app/app-2026-11-24.log"],
        ),
    ]);
    let proposals = alone(&map);
    let [only] = &*proposals else {
        panic!("{proposals:#?}");
    };
    assert_eq!(only.place, "/var/log/app/app-{year}-{month}-{day}.log");
    assert_eq!(only.kind.name(), "dates");
    assert_eq!(
        (only.removed_lines(), only.added_lines(), only.values),
        (5, 3, 2)
    );
    assert_eq!(only.risk, Risk::Medium, "{:?}", only.reasons);
    assert_eq!(only.sensitive, [""; 0]);
    assert_eq!(only.examples.len(), 3);
    assert_eq!(
        rules(&map.generalized(&proposals)),
        [
            "file.create /var/log/app/app-{year}-{month}-{day}.log",
            "file.open r /srv/app/config",
            "file.open r /var/log/app/app-{year}-{month}-{day}.log",
            "file.open w /var/log/app/app-{year}-{month}-{day}.log",
        ]
    );
}

#[test]
fn contents_of_varying_directories_are_compared_as_one() {
    let map = map_of(&[(
        "/bin/app",
        &[
            "file.mkdir /srv/jobs/17",
            "file.create /srv/jobs/17/in-1.txt",
            "file.create /srv/jobs/17/state",
            "file.mkdir /srv/jobs/18",
            "file.create /srv/jobs/18/in-2.txt",
            "file.create /srv/jobs/18/state",
        ],
    )]);
    let after = map.generalized(&alone(&map));
    assert_eq!(
        rules(&after),
        [
            "file.create /srv/jobs/{n}/in-{n}.txt",
            "file.create /srv/jobs/{n}/state",
            "file.mkdir /srv/jobs/{n}",
        ]
    );
}

#[test]
fn a_cache_of_hashes_is_one_proposal_with_its_levels() {
    let map = map_of(&[(
        "/usr/sbin/nginx",
        &[
            "file.mkdir /var/cache/nginx/c",
            "file.mkdir /var/cache/nginx/c/29",
            "file.create /var/cache/nginx/c/29/b7f54b2df7773722d382f4809d65029c",
            "file.mkdir /var/cache/nginx/1",
            "file.mkdir /var/cache/nginx/1/0a",
            "file.create /var/cache/nginx/1/0a/0cc175b9c0f1b6a831c399e2697720a1",
        ],
    )]);
    let proposals = alone(&map);
    assert_eq!(proposals.len(), 1, "{proposals:#?}");
    assert_eq!(
        rules(&map.generalized(&proposals)),
        [
            "file.create /var/cache/nginx/{hex}/{hex}/{hex}",
            "file.mkdir /var/cache/nginx/{hex}",
            "file.mkdir /var/cache/nginx/{hex}/{hex}",
        ]
    );
}

#[test]
fn a_date_over_directories_is_a_date() {
    let map = map_of(&[(
        "/bin/app",
        &[
            "file.create /srv/in/2026/11/24/x",
            "file.mkdir /srv/in/2026/11/24",
        ],
    )]);
    assert_eq!(
        rules(&map.generalized(&alone(&map))),
        [
            "file.create /srv/in/{year}/{month}/{day}/x",
            "file.mkdir /srv/in/{year}/{month}/{day}"
        ]
    );
}

#[test]
fn two_machines_show_versions_and_platforms() {
    let of = |platform: &str, python: &str| {
        let lib = format!("file.open r /usr/lib/{platform}/libz.so.1");
        let code = format!("file.open r /usr/lib/{python}/os.py");
        let both = format!("file.open r /usr/lib/{python}/json.py");
        map_of(&[("/usr/bin/python3", &[&lib, &code, &both])])
    };
    let (map, proposals) = together(&[
        of("x86_64-linux-gnu", "python3.11"),
        of("aarch64-linux-gnu", "python3.13"),
    ]);
    assert_eq!(
        rules(&map.generalized(&proposals)),
        [
            "file.open r /usr/lib/python3.{n}/json.py",
            "file.open r /usr/lib/python3.{n}/os.py",
            "file.open r /usr/lib/{aarch64-linux-gnu,x86_64-linux-gnu}/libz.so.1",
        ]
    );
    assert_eq!(alone(&of("x86_64-linux-gnu", "python3.11")), []);
}

#[test]
fn peers_of_one_network_are_a_network_and_the_internet_is_sensitive() {
    let map = map_of(&[(
        "/bin/app",
        &[
            "net.connect tcp 10.1.2.3:5432",
            "net.connect tcp 10.1.2.4:5432",
            "net.connect tcp 10.1.2.77:5432",
            "net.connect tcp 10.9.0.1:80",
            "net.bind udp 127.0.0.1:7000",
            "net.bind udp 127.0.0.1:7003",
            "net.bind udp 127.0.0.1:7007",
            "net.send udp 8.8.8.8:53",
            "net.send udp 8.8.8.4:53",
            "net.send udp 8.8.8.1:53",
        ],
    )]);
    let proposals = alone(&map);
    let places: Vec<&str> = proposals.iter().map(|one| &*one.place).collect();
    assert_eq!(
        places,
        [
            "net.bind udp 127.0.0.1:*",
            "net.connect tcp 10.1.2.0/24:5432",
            "net.send udp 8.8.8.0/24:53",
        ]
    );
    let sensitive: Vec<bool> = proposals
        .iter()
        .map(|one| !one.sensitive.is_empty())
        .collect();
    assert_eq!(sensitive, [false, false, true]);
}

#[test]
fn a_kept_line_is_covered_by_no_proposal() {
    let text = "\
ambit: 1
domain: web
chain: 2
subjects:
  - id: app
    exe: /bin/app
    allow:
      - file.create /srv/key-1 # keep exact
      - file.create /srv/key-2
      - file.create /srv/key-3
      - file.create /srv/log-1
      - file.create /srv/log-2
";
    let map = Map::parse(text, "map").unwrap();
    let options = Options {
        marks: Marks::of(text, &map),
        ..Options::default()
    };
    let proposals = propose(&map, std::slice::from_ref(&map), &options);
    let places: Vec<&str> = proposals.iter().map(|one| &*one.place).collect();
    assert_eq!(places, ["/srv/log-{n}"]);
    let forbidden = text.replace("- id: app", "- id: app # never generalize");
    let options = Options {
        marks: Marks::of(&forbidden, &map),
        ..Options::default()
    };
    assert_eq!(propose(&map, std::slice::from_ref(&map), &options), []);
    let mut options = Options::default();
    options.sensitive.extend("never /srv/**").unwrap();
    assert_eq!(propose(&map, std::slice::from_ref(&map), &options), []);
}

#[test]
fn files_in_etc_and_executables_in_a_spool_are_sensitive() {
    let map = map_of(&[(
        "/bin/app",
        &[
            "file.create /etc/app/{n}.conf",
            "file.create /etc/app/a-1.conf",
            "file.create /etc/app/a-2.conf",
            "exec /srv/bin/tool-1",
            "exec /srv/bin/tool-2",
            "file.create /srv/bin/tool-3",
        ],
    )]);
    let proposals = alone(&map);
    assert_eq!(proposals.len(), 2, "{proposals:#?}");
    for proposal in &proposals {
        assert!(!proposal.sensitive.is_empty(), "{proposal:#?}");
        assert_eq!(proposal.risk, Risk::High);
    }
    assert!(
        proposals[1]
            .reasons
            .iter()
            .any(|why| why.contains("can write"))
    );
}

#[test]
fn markers_of_the_kernel_part_are_not_generalised() {
    let map = map_of(&[(
        "/bin/app",
        &[
            "file.open r /proc/{self}/fd/{n}",
            "file.open r /proc/irq/1",
            "file.open r /proc/irq/2",
            "file.open w /proc/irq/3",
            "file.open r /proc/irq/4",
        ],
    )]);
    assert_eq!(alone(&map), []);
}

/// Generates names that vary and collide as in real workloads.
fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => "[a-c]{1,2}(\\.log|\\.msg)?",
        3 => "(log|n)[-.][0-9]{1,3}",
        2 => "2026-(10|11)-(0[1-9]|2[0-9])(\\.gz)?",
        1 => "20(25|26)",
        1 => "(0[1-9]|1[0-2])",
        1 => "[0-9a-f]{1,2}",
        2 => "[0-9a-f]{16}",
        1 => "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}",
        1 => "x\\.[A-Z][0-9][a-z][0-9][A-Z][a-z]",
        1 => "lib[a-b]\\.so\\.[1-3]\\.[0-9]",
        1 => "(x86_64|aarch64|arm)-linux-(gnu|musl)",
        1 => "[a-z]{3,6}\\.dat",
        1 => "\\{n\\}|\\{hex\\}|\\*",
    ]
}

fn rule() -> impl Strategy<Value = Rule> {
    let operation = prop::sample::select(vec![
        "file.create",
        "file.open r",
        "file.open rw",
        "file.unlink",
        "exec",
        "map.exec",
        "net.connect unix",
    ]);
    let path = (
        prop::sample::select(vec![
            "/srv",
            "/etc",
            "/proc",
            "/dev/pts",
            "deleted:/srv",
            "/srv/*",
        ]),
        vec(name(), 1..4),
    );
    let of_path = (operation, path).prop_map(|(operation, (top, names))| {
        let top = if operation.starts_with("net") {
            "/srv"
        } else {
            top
        };
        Rule::parse(&format!("{operation} {top}/{}", names.join("/"))).unwrap()
    });
    let of_address = (0u8..3, 0u8..3, 0u8..20, 0u16..6).prop_map(|(op, net, host, port)| {
        let op = ["net.connect", "net.send", "net.bind"][usize::from(op)];
        let net = ["10.1.2", "10.1.3", "8.8.8"][usize::from(net)];
        Rule::parse(&format!("{op} tcp {net}.{host}:{}", 32766 + port)).unwrap()
    });
    prop_oneof![6 => of_path, 1 => of_address]
}

fn learned() -> impl Strategy<Value = Map> {
    vec(
        (prop::sample::select(vec!["/bin/a", "/bin/b"]), rule()),
        0..80,
    )
    .prop_map(|lines| {
        let mut map = Map::new("web");
        for (exe, rule) in lines {
            map.subject_mut(&subject(exe)).allow.insert(rule);
        }
        map.normalise();
        map
    })
}

/// Returns the rules of `small` that `large` does not allow.
fn missing(small: &Map, large: &Map) -> Vec<String> {
    let matcher = Matcher::new(large, 32768..=60999);
    let mut out = Vec::new();
    for (subject, entry) in &small.subjects {
        for rule in &entry.allow {
            let operations = std::iter::once(rule.operation()).chain(rule.implied_operations());
            for operation in operations {
                let allowed = match rule.object() {
                    RuleObject::Exact(object) => matcher.allows(subject, operation, object),
                    object => covered(object, subject, operation, &matcher),
                };
                if !allowed {
                    out.push(format!("{subject}: {operation:?} {rule}"));
                }
            }
        }
    }
    out
}

/// True if `large` allows a few paths that the pattern covers.
fn covered(
    object: &RuleObject,
    subject: &Subject,
    operation: Operation,
    large: &Matcher<'_>,
) -> bool {
    let RuleObject::Path(pattern) = object else {
        // Networks and ranges do not change.
        let rules = &large.map().subjects[subject].allow;
        return rules
            .iter()
            .any(|rule| rule.operation() == operation && rule.object() == object);
    };
    (0..2).all(|variant| {
        let mut bytes = Vec::new();
        instance(pattern.pieces(), variant, &mut bytes);
        // An invalid path cannot occur.
        let Ok(path) = Path::new(bytes) else {
            return true;
        };
        let object = match pattern.kind() {
            PathKind::Path => Object::Path(path),
            PathKind::Deleted => Object::Deleted(path),
            PathKind::Foreign => Object::Foreign(path),
            PathKind::Memfd => return true,
        };
        large.allows(subject, operation, &object)
    })
}

fn instance(pieces: &[Piece], variant: usize, out: &mut Vec<u8>) {
    for piece in pieces {
        match piece {
            Piece::Bytes(bytes) => out.extend_from_slice(bytes),
            Piece::Star => out.extend_from_slice([&b"q"[..], b"x.log"][variant]),
            Piece::StarStar => out.extend_from_slice([&b"q/r"[..], b"x.log"][variant]),
            Piece::Either(alternatives) => {
                instance(&alternatives[variant % alternatives.len()], variant, out);
            }
            Piece::Class(class) => out.extend_from_slice(match class {
                Class::Hex => [&b"0af3"[..], b"b7f54b2df7773722"][variant],
                Class::Uuid => b"550e8400-e29b-41d4-a716-446655440000",
                Class::Tmp => [&b"Ab3_9Z"[..], b"abcdefgh"][variant],
                Class::Tmpfile => b"\0t",
                Class::Date => [&b"20261129"[..], b"19700101"][variant],
                Class::Time => [&b"112843"[..], b"000060"][variant],
                Class::Year => [&b"2026"[..], b"2099"][variant],
                Class::Month | Class::Day | Class::Hour | Class::Minute | Class::Second => {
                    [&b"12"[..], b"01"][variant]
                }
                _ => [&b"7"[..], b"123456"][variant],
            }),
        }
    }
}

proptest! {
    #![proptest_config(config(64))]

    #[test]
    fn a_generalised_map_allows_all_that_was_learned(map in learned()) {
        let proposals = alone(&map);
        prop_assert_eq!(missing(&map, &map.generalized(&proposals)), [""; 0]);
        for proposal in &proposals {
            prop_assert_eq!(missing(&map, &map.generalized([proposal])), [""; 0]);
        }
    }

    #[test]
    fn any_map_can_be_generalised_and_loses_nothing(map in support::map()) {
        prop_assert_eq!(missing(&map, &map.generalized(&alone(&map))), [""; 0]);
    }

    #[test]
    fn generalising_twice_changes_nothing_more(map in learned()) {
        let once = map.generalized(&alone(&map));
        let again = alone(&once);
        prop_assert_eq!(once.generalized(&again).to_string(), once.to_string(), "{:#?}\n{}", again, map);
    }

    #[test]
    fn generalising_several_maps_and_then_the_result_changes_nothing_more(
        maps in vec(learned(), 2..4),
    ) {
        let (map, proposals) = together(&maps);
        let once = map.generalized(&proposals);
        prop_assert_eq!(missing(&map, &once), [""; 0]);
        let again = alone(&once);
        prop_assert_eq!(once.generalized(&again).to_string(), once.to_string(), "{:#?}\n{}", again, map);
    }

    #[test]
    fn merging_before_or_after_loses_nothing(a in learned(), b in learned()) {
        let before = merged(&[a.clone(), b.clone()]);
        let (_, proposals) = together(&[a.clone(), b.clone()]);
        let merged_first = before.generalized(&proposals);
        let merged_last = a.generalized(&alone(&a)).merge(&b.generalized(&alone(&b))).unwrap();
        for map in [&a, &b] {
            prop_assert_eq!(missing(map, &merged_first), [""; 0]);
            prop_assert_eq!(missing(map, &merged_last), [""; 0]);
        }
        let last = merged_last.generalized(&alone(&merged_last));
        prop_assert_eq!(missing(&merged_last, &last), [""; 0]);
    }

    #[test]
    fn the_same_lines_give_the_same_proposals(a in learned(), b in learned()) {
        let (_, one) = together(&[a.clone(), b.clone()]);
        let (_, other) = together(&[b, a]);
        prop_assert_eq!(one, other);
    }

    #[test]
    fn an_example_was_never_seen_and_would_be_allowed(map in learned()) {
        let matcher = Matcher::new(&map, 0..=65535);
        for proposal in alone(&map) {
            let after = map.generalized([&proposal]);
            let allowed = Matcher::new(&after, 0..=65535);
            for text in &proposal.examples {
                let (operation, object) = Operation::parse_rule(text).unwrap();
                let by = |matcher: &Matcher<'_>| {
                    proposal.rewrites.iter().filter(|rewrite| matcher.allows(&rewrite.subject, operation, &object)).count()
                };
                prop_assert!(by(&matcher) < by(&allowed), "{} {:#?}", text, proposal);
            }
        }
    }
}
