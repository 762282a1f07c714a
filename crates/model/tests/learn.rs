// SPDX-License-Identifier: Apache-2.0 OR MIT
//! From ring records to a map, and from violations to the change that accepts them.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "support/ring.rs"]
mod ring;

use ambit_abi::{EventKind, Fp, Op, Reason};
use ambit_event::{Event, Object, Operation, Secret, Subject, key};
use ambit_model::{AcceptError, Learned, Learner, Map, Matcher, Rule, Violation};
use zerocopy::IntoBytes;

const SECRET: Secret = Secret::new([9; 16]);

/// Writes ring records as the kernel part does.
#[derive(Default)]
struct Ring {
    records: Vec<Vec<u8>>,
    described: Vec<Fp>,
    pid: u32,
    extra: u32,
    trust: u32,
    reason: u8,
}

fn path(text: &str) -> Object {
    ambit_event::text::parse_path_object(text).unwrap()
}

fn subject(exe: &str) -> Subject {
    Subject {
        exe: Some(path(exe)),
        ..Subject::default()
    }
}

impl Ring {
    fn new() -> Self {
        Self {
            pid: 4711,
            ..Self::default()
        }
    }

    fn push(&mut self, kind: EventKind, operation: Operation, subject: Fp, key: Fp, object: &[u8]) {
        let record = ring::record(kind, operation, subject, key, object, |header| {
            header.reason = self.reason;
            header.time_ns = self.records.len() as u64;
            header.ns_tgid = self.pid;
            header.trust = self.trust;
            header.extra = self.extra;
        });
        self.records.push(record);
    }

    fn describe(&mut self, subject: &Subject) -> Fp {
        let fp = subject.fingerprint(&SECRET);
        if !subject.is_launcher() && !self.described.contains(&fp) {
            self.described.push(fp);
            let launcher = Subject::LAUNCHER.fingerprint(&SECRET);
            for object in subject
                .exe
                .iter()
                .chain(&subject.script)
                .chain(&subject.via)
            {
                let name = Operation::plain(Op::Name);
                let key = key(&SECRET, Fp::ZERO, name, object);
                self.push(EventKind::Name, name, launcher, key, &object.to_bytes());
            }
            let record = subject.record(&SECRET);
            let operation = Operation::plain(Op::Subject);
            self.push(
                EventKind::Subject,
                operation,
                fp,
                fp,
                record.wire().as_bytes(),
            );
        }
        fp
    }

    fn event(&mut self, kind: EventKind, subject: &Subject, operation: Operation, object: &Object) {
        let fp = if operation.op == Op::ExecDigest {
            Fp::ZERO
        } else {
            self.describe(subject)
        };
        let key = key(&SECRET, fp, operation, object);
        self.push(kind, operation, fp, key, &object.to_bytes());
    }

    fn does(&mut self, subject: &Subject, rules: &[&str]) -> &mut Self {
        for rule in rules {
            let (operation, object) = Operation::parse_rule(rule).unwrap();
            self.event(EventKind::Point, subject, operation, &object);
        }
        self
    }

    fn learner(&self) -> Learner {
        let mut learner = Learner::new(SECRET);
        for record in &self.records {
            learner.feed_raw(record).unwrap();
        }
        learner
    }

    fn learn(&self, base: &Map) -> Learned {
        self.learner().finish(base)
    }

    fn violation(
        subject: &Subject,
        operation: Operation,
        object: &Object,
        reason: Reason,
    ) -> Violation {
        let mut ring = Self {
            reason: reason.into(),
            trust: 1,
            ..Self::new()
        };
        ring.event(EventKind::Violation, subject, operation, object);
        let event = Event::parse(ring.records.last().unwrap()).unwrap();
        Violation {
            event,
            subject: Some(subject.clone()),
        }
    }
}

fn outside(subject: &Subject, rule: &str) -> Violation {
    let (operation, object) = Operation::parse_rule(rule).unwrap();
    Ring::violation(subject, operation, &object, Reason::Outside)
}

fn rules(map: &Map, exe: &str) -> Vec<String> {
    map.subjects[&subject(exe)]
        .allow
        .iter()
        .map(ToString::to_string)
        .collect()
}

#[test]
fn the_map_contains_the_points_that_occurred() {
    let nginx = Subject {
        via: vec![path("/usr/bin/dash")],
        ..subject("/usr/sbin/nginx")
    };
    let mut ring = Ring::new();
    ring.does(
        &Subject::LAUNCHER,
        &["exec /usr/bin/dash", "file.open x /usr/bin/dash"],
    );
    ring.does(
        &subject("/usr/bin/dash"),
        &["exec /usr/sbin/nginx", "file.open x /usr/sbin/nginx"],
    );
    ring.does(
        &nginx,
        &[
            "net.bind tcp 0.0.0.0:80",
            "file.open r /etc/nginx/nginx.conf",
            "cap.use net_bind_service",
        ],
    );
    let creds = ambit_event::Creds::parse("uid=33 gid=33 caps=-").unwrap();
    ring.event(
        EventKind::Point,
        &nginx,
        Operation::plain(Op::ExecCreds),
        &Object::Creds(creds),
    );
    let of = Box::new(path("/usr/sbin/nginx"));
    let digest = Object::Digest {
        sha256: [0xab; 32],
        of,
    };
    ring.event(
        EventKind::Point,
        &nginx,
        Operation::plain(Op::ExecDigest),
        &digest,
    );
    let learned = ring.learn(&Map::new("web"));
    assert_eq!(
        learned.map.to_string(),
        format!(
            "\
ambit: 1
domain: web
chain: 2
start:
  - /usr/bin/dash
subjects:
  - id: dash
    exe: /usr/bin/dash
    allow:
      - exec /usr/sbin/nginx
  - id: nginx
    exe: /usr/sbin/nginx
    via: [/usr/bin/dash]
    digest: ['sha256:{}']
    creds:
      - uid=33 gid=33 caps=-
    allow:
      - cap.use net_bind_service
      - file.open r /etc/nginx/nginx.conf
      - net.bind tcp 0.0.0.0:80
",
            "ab".repeat(32)
        )
        .replace('\'', "")
    );
    assert_eq!(learned.unresolved, 0);
    let all = ring.learner();
    assert_eq!(all.trajectory().steps().len(), 9);
    assert_ne!(all.trajectory().measurement(), [0; 32]);
    assert_eq!(learned.counts.points, 9);
}

#[test]
fn the_same_events_give_the_same_bytes_and_repetitions_change_nothing() {
    let mut ring = Ring::new();
    let sed = subject("/usr/bin/sed");
    ring.does(
        &sed,
        &[
            "file.create /srv/sedAb3dEf",
            "file.open rw /srv/sedAb3dEf",
            "file.rename from /srv/sedAb3dEf",
        ],
    );
    let once = ring.learn(&Map::new("x")).map.to_string();
    let again: Vec<_> = ring.records.clone();
    ring.records.extend(again);
    let learned = ring.learn(&Map::new("x"));
    assert_eq!(learned.map.to_string(), once);
    assert_eq!(learned.counts.repeated, 3);
    assert_eq!(learned.counts.points, 3);
}

#[test]
fn generated_names_become_patterns_in_every_rule() {
    let (sed, bash) = (subject("/usr/bin/sed"), subject("/usr/bin/bash"));
    let mut ring = Ring::new();
    ring.extra = 0o100_600;
    ring.does(&sed, &["file.create /srv/sedAb3dEf"]);
    ring.extra = 0;
    ring.does(
        &sed,
        &[
            "file.open rw /srv/sedAb3dEf",
            "file.chmod /srv/sedAb3dEf",
            "file.rename from /srv/sedAb3dEf",
        ],
    );
    ring.does(
        &bash,
        &[
            "file.open r /srv/sedAb3dEf",
            "file.mkdir /tmp/tmp.aB3dE6gH1i",
        ],
    );
    ring.does(
        &bash,
        &[
            "file.create /tmp/tmp.aB3dE6gH1i/log",
            "file.create /run/bash-4711.sock",
        ],
    );
    ring.does(
        &bash,
        &[
            "file.create /home/u/.bash_history",
            "file.open r /etc/Ab3dEf",
        ],
    );
    let map = ring.learn(&Map::new("x")).map;
    assert_eq!(
        rules(&map, "/usr/bin/sed"),
        [
            "file.open rw /srv/sed{tmp}",
            "file.create /srv/sed{tmp}",
            "file.unlink /srv/sed{tmp}",
            "file.rename from /srv/sed{tmp}",
            "file.chmod /srv/sed{tmp}"
        ]
    );
    let mut bash = rules(&map, "/usr/bin/bash");
    bash.sort();
    assert_eq!(
        bash,
        [
            "file.create /home/u/.bash_history",
            "file.create /run/bash-{pid}.sock",
            "file.create /tmp/tmp.{tmp}/log",
            "file.mkdir /tmp/tmp.{tmp}",
            "file.open r /etc/Ab3dEf",
            "file.open r /srv/sed{tmp}",
        ]
    );
}

#[test]
fn a_name_given_by_renaming_is_made_up_as_others_are() {
    let redis = subject("/usr/bin/redis-server");
    let mut ring = Ring::new();
    ring.does(
        &redis,
        &[
            "file.create /srv/temp-4711.aof",
            "file.rename from /srv/temp-4711.aof",
            "file.rename to /srv/temp-bg-4711.aof",
            "file.rename to /srv/base.aof",
        ],
    );
    ring.pid = 4710;
    ring.does(&redis, &["file.rename from /srv/temp-bg-4711.aof"]);
    let map = ring.learn(&Map::new("x")).map;
    let mut rules = rules(&map, "/usr/bin/redis-server");
    rules.sort();
    assert_eq!(
        rules,
        [
            "file.create /srv/temp-{pid}.aof",
            "file.rename from /srv/temp-bg-{pid}.aof",
            "file.rename from /srv/temp-{pid}.aof",
            "file.rename to /srv/base.aof",
            "file.rename to /srv/temp-bg-{pid}.aof",
            "file.unlink /srv/temp-{pid}.aof",
        ]
    );
}

#[test]
fn files_built_by_the_workload_have_no_digest() {
    let make = subject("/usr/bin/make");
    let built = subject("/srv/project/program");
    let mut ring = Ring::new();
    ring.does(&make, &["file.open rw /srv/project/program"]);
    ring.does(&built, &["file.open r /etc/passwd"]);
    for (subject, of) in [(&built, "/srv/project/program"), (&make, "/usr/bin/make")] {
        let digest = Object::Digest {
            sha256: [1; 32],
            of: Box::new(path(of)),
        };
        let operation = Operation::plain(Op::ExecDigest);
        ring.event(EventKind::Point, subject, operation, &digest);
    }
    let map = ring.learn(&Map::new("x")).map;
    assert!(map.subjects[&built].digests.is_empty());
    assert_eq!(map.subjects[&make].digests.len(), 1);
}

#[test]
fn names_with_the_process_number_of_another_process_become_patterns() {
    let httpd = subject("/usr/sbin/apache2");
    let mut ring = Ring::new();
    ring.does(&httpd, &["file.open r /etc/apache.conf"]);
    ring.pid = 4712;
    ring.does(
        &httpd,
        &[
            "net.bind unix /run/cgisock.4711",
            "file.create /var/log/port-4711.log",
            "net.bind unix /run/cgisock-of-4713",
            "net.bind unix /run/cgisock-10.4711",
        ],
    );
    let map = ring.learn(&Map::new("x")).map;
    assert_eq!(
        rules(&map, "/usr/sbin/apache2"),
        [
            "file.open r /etc/apache.conf",
            "file.create /var/log/port-4711.log",
            "net.bind unix /run/cgisock-of-4713",
            "net.bind unix /run/cgisock-10.{pid}",
            "net.bind unix /run/cgisock.{pid}",
        ]
    );
}

#[test]
fn names_of_memory_files_are_made_up_as_those_of_files_are() {
    let engine = subject("/usr/bin/engine");
    let mut ring = Ring::new();
    ring.pid = 4712;
    ring.does(
        &engine,
        &[
            "map.exec memfd:code-4712",
            "file.truncate memfd:code-4712",
            "map.exec memfd:doublemapper",
            "file.truncate memfd:4713/x-4712",
            "file.truncate memfd:qk3x9w7z",
        ],
    );
    let learned = ring.learn(&Map::new("x"));
    let mut found = rules(&learned.map, "/usr/bin/engine");
    found.sort();
    assert_eq!(
        found,
        [
            "file.truncate memfd:4713/x-4712",
            "file.truncate memfd:code-{pid}",
            "file.truncate memfd:qk3x9w7z",
            "map.exec memfd:code-{pid}",
            "map.exec memfd:doublemapper",
        ]
    );
    let listed: Vec<_> = learned
        .generalized
        .iter()
        .map(|one| format!("{} {} {}", one.pattern, one.names, one.example))
        .collect();
    assert_eq!(listed, ["memfd:code-{pid} 1 memfd:code-4712"]);
}

#[test]
fn a_file_keeps_the_uuid_of_the_temporary_name_that_it_was_renamed_from() {
    let uuid = "1b9d6bcd-bbfd-4b2d-9b5d-ab8dfbbd4bed";
    let (temporary, target) = (
        format!("/srv/jobs/.{uuid}.tmp"),
        format!("/srv/jobs/{uuid}.job"),
    );
    let learned = learn_files(&Map::new("x"), &[(0o600, &temporary, Some(&target))]);
    let found = rules(&learned.map, "/usr/bin/app");
    assert!(
        found.contains(&"file.rename to /srv/jobs/{uuid}.job".to_owned()),
        "{found:?}"
    );
    assert!(
        found.contains(&"file.create /srv/jobs/.{uuid}.tmp".to_owned()),
        "{found:?}"
    );
}

#[test]
fn a_name_that_is_generated_in_one_directory_is_generated_in_others() {
    let learned = learn_files(
        &Map::new("x"),
        &[
            (
                0o600,
                "/srv/print/new/7C41E90D2",
                Some("/srv/print/held/B/7C41E90D2"),
            ),
            (
                0o600,
                "/srv/print/new/90A7F31C8",
                Some("/srv/print/done/month1.txt"),
            ),
            (
                0o644,
                "/srv/print/new/month2",
                Some("/srv/print/done/month2"),
            ),
        ],
    );
    let found = rules(&learned.map, "/usr/bin/app");
    for line in [
        "file.create /srv/print/new/{hex}",
        "file.rename to /srv/print/held/B/{hex}",
        "file.rename to /srv/print/done/month1.txt",
        "file.rename to /srv/print/done/month2",
    ] {
        assert!(found.contains(&line.to_owned()), "{line}: {found:?}");
    }
    assert!(!found.iter().any(|line| line.contains("7C41E90D2")));
}

#[test]
fn numbers_in_hex_with_capital_letters_are_one_part_of_a_name() {
    let files = [
        (0o700, "/srv/print/new/0C1234567", None),
        (0o700, "/srv/print/new/5DE047085", None),
        (0o700, "/srv/print/new/47110C80CE", None),
        (0o644, "/srv/print/CAFE2024", None),
    ];
    let learned = learn_files(&Map::new("x"), &files);
    assert_eq!(
        created(&learned),
        ["/srv/print/CAFE2024", "/srv/print/new/{hex}"]
    );
}

#[test]
fn digits_beside_numbers_in_hex_are_numbers_in_hex() {
    let files = [
        (0o700, "/srv/print/new/4C0217A9E", None),
        (0o700, "/srv/print/new/480217093", None),
        (0o700, "/srv/print/new/C40217093", None),
        (0o700, "/srv/print/new/ABCD17093", None),
        (0o700, "/srv/print/old/480217094", None),
    ];
    let learned = learn_files(&Map::new("x"), &files);
    let patterns = ["/srv/print/new/{hex}", "/srv/print/old/{n}"];
    assert_eq!(created(&learned), patterns);
    let base = map_of_app(&["file.create /srv/print/new/{hex}"]);
    let learned = learn_files(&base, &[(0o700, "/srv/print/new/48021709", None)]);
    assert_eq!(created(&learned), ["/srv/print/new/{hex}"]);
}

#[test]
fn a_number_in_hex_is_one_wherever_the_run_uses_it() {
    let app = subject("/usr/bin/app");
    let mut ring = Ring::new();
    for name in ["4C0217A9E", "480217093"] {
        let path = format!("/srv/print/new/{name}");
        let rules = [format!("file.create {path}"), format!("file.unlink {path}")];
        ring.does(&app, &rules.each_ref().map(String::as_str));
    }
    ring.does(
        &app,
        &[
            "file.open r /srv/print/held/4/4C0217A9E",
            "file.open r /srv/print/held/4/480217093/page",
            "file.open r /srv/print/kept/4C0217A9F",
        ],
    );
    let learned = ring.learn(&Map::new("x"));
    let found = rules(&learned.map, "/usr/bin/app");
    for line in [
        "file.open r /srv/print/held/4/{hex}",
        "file.open r /srv/print/held/4/{hex}/page",
        "file.open r /srv/print/kept/4C0217A9F",
    ] {
        assert!(found.contains(&line.to_owned()), "{line}: {found:?}");
    }
}

#[test]
fn a_later_run_uses_numbers_in_hex_under_the_pattern_under_which_they_are_made() {
    let base = map_of_app(&["file.create /srv/print/new/{hex}"]);
    let viewer = subject("/usr/bin/viewer");
    let mut ring = Ring::new();
    ring.does(
        &viewer,
        &[
            "file.open r /srv/print/new/4C0217A9E",
            "file.open r /srv/print/new/DEADBEEF",
            "file.open r /srv/print/new/month1",
        ],
    );
    let learned = ring.learn(&base);
    assert_eq!(
        rules(&learned.map, "/usr/bin/viewer"),
        [
            "file.open r /srv/print/new/DEADBEEF",
            "file.open r /srv/print/new/month1",
            "file.open r /srv/print/new/{hex}",
        ]
    );
}

#[test]
fn files_that_are_made_under_a_pattern_are_used_under_it_by_other_programs_and_runs() {
    let viewer = subject("/usr/bin/viewer");
    let base = map_of_app(&[
        "file.create /srv/reports/chart-{tmp}.pdf",
        "file.create /srv/reports/chart-index.pdf",
    ]);
    let mut second = Ring::new();
    second.does(
        &viewer,
        &[
            "file.open r /srv/reports/chart-wincpbkd.pdf",
            "file.unlink /srv/reports/chart-wincpbkd.pdf",
            "exec /srv/reports/chart-wincpbkd.pdf",
            "file.open r /srv/reports/index.pdf",
            "file.open r /srv/reports/chart-index.pdf",
        ],
    );
    let map = second.learn(&base).map;
    let mut found = rules(&map, "/usr/bin/viewer");
    found.sort();
    assert_eq!(
        found,
        [
            "exec /srv/reports/chart-wincpbkd.pdf",
            "file.open r /srv/reports/chart-index.pdf",
            "file.open r /srv/reports/chart-{tmp}.pdf",
            "file.open r /srv/reports/index.pdf",
            "file.unlink /srv/reports/chart-{tmp}.pdf",
        ]
    );
}

#[test]
fn a_hash_beside_the_number_of_another_process_leaves_nothing_exact() {
    let repack = subject("/usr/lib/git-core/git");
    let mut ring = Ring::new();
    ring.does(&repack, &["file.open r /srv/.git/config"]);
    ring.pid = 4712;
    let name = "/srv/pack/.tmp-4711-pack-856bea3a127b095eacbc3b9e47027e73ebfc57b0.idx";
    let operations = ["to", "from"].map(|end| format!("file.rename {end} {name}"));
    ring.does(&repack, &operations.each_ref().map(String::as_str));
    let map = ring.learn(&Map::new("x")).map;
    assert_eq!(
        rules(&map, "/usr/lib/git-core/git"),
        [
            "file.open r /srv/.git/config",
            "file.rename from /srv/pack/.tmp-{pid}-pack-{hex}.idx",
            "file.rename to /srv/pack/.tmp-{pid}-pack-{hex}.idx",
        ]
    );
}

#[test]
fn a_subject_that_creates_and_renames_a_file_may_remove_it() {
    let git = subject("/usr/bin/git");
    let mut ring = Ring::new();
    ring.does(
        &git,
        &[
            "file.create /srv/.git/index.lock",
            "file.rename from /srv/.git/index.lock",
            "file.rename to /srv/.git/index",
            "file.create /srv/.git/ORIG_HEAD",
            "file.rename from /srv/.git/COMMIT",
        ],
    );
    let map = ring.learn(&Map::new("x")).map;
    let removed: Vec<String> = rules(&map, "/usr/bin/git")
        .into_iter()
        .filter(|rule| rule.starts_with("file.unlink"))
        .collect();
    assert_eq!(removed, ["file.unlink /srv/.git/index.lock"]);
}

#[test]
fn a_start_after_a_crash_may_remove_what_the_last_run_left() {
    let daemon = subject("/usr/sbin/daemon");
    let stop = subject("/usr/bin/stop");
    let mut ring = Ring::new();
    ring.does(
        &daemon,
        &[
            "file.create /run/daemon.pid",
            "file.open w /run/daemon.pid",
            "net.bind unix /run/daemon.sock",
            "file.create /var/log/daemon.log",
            "file.open a /var/log/daemon.log",
        ],
    );
    ring.does(
        &stop,
        &[
            "file.unlink /run/daemon.pid",
            "file.unlink /run/daemon.sock",
        ],
    );
    let learned = ring.learner().finish(&Map::new("web"));
    let rules = rules(&learned.map, "/usr/sbin/daemon");
    for rule in [
        "file.unlink /run/daemon.pid",
        "file.truncate /run/daemon.pid",
        "file.open r /run/daemon.pid",
        "file.unlink /run/daemon.sock",
    ] {
        assert!(rules.contains(&rule.to_owned()), "{rule}: {rules:#?}");
    }
    // The log was not removed, and the other program makes no file.
    assert!(
        !rules
            .iter()
            .any(|rule| rule.contains("unlink /var/log") || rule.contains("open r /var/log")),
        "{rules:#?}"
    );
    assert!(learned.map.has_transient_files());
    let entry = &learned.map.subjects[&stop];
    assert_eq!(entry.allow.len(), 2);
}

#[test]
fn subjects_of_one_executable_may_remove_what_one_of_them_makes() {
    let daemon = subject("/usr/sbin/daemon");
    let again = Subject {
        via: vec![path("/usr/sbin/daemon")],
        ..daemon.clone()
    };
    let other = subject("/usr/bin/other");
    let mut ring = Ring::new();
    ring.does(
        &daemon,
        &["net.bind unix /run/d.sock", "file.unlink /run/d.sock"],
    );
    ring.does(&again, &["file.open r /etc/d.conf"]);
    ring.does(&other, &["file.open r /etc/d.conf"]);
    let learned = ring.learner().finish(&Map::new("web"));
    let unlink = Rule::parse("file.unlink /run/d.sock").unwrap();
    assert!(learned.map.subjects[&again].allow.contains(&unlink));
    assert!(!learned.map.subjects[&other].allow.contains(&unlink));
}

#[test]
fn counters_become_numbers_and_siblings_follow() {
    let nginx = subject("/usr/sbin/nginx");
    let mut ring = Ring::new();
    for name in ["0000000001", "0000000002"] {
        ring.does(
            &nginx,
            &[
                &format!("file.create /var/lib/nginx/body/{name}"),
                &format!("file.unlink /var/lib/nginx/body/{name}"),
            ],
        );
    }
    ring.extra = 0o600;
    // The last name could be a word, but the names beside it show that it was generated.
    for name in ["x-aB3dEf", "x-Zz91kQ", "x-qwerty"] {
        ring.does(&nginx, &[&format!("file.create /tmp/{name}")]);
    }
    let map = ring.learn(&Map::new("x")).map;
    let mut rules = rules(&map, "/usr/sbin/nginx");
    rules.sort();
    assert_eq!(
        rules,
        [
            "file.create /tmp/x-{tmp}",
            "file.create /var/lib/nginx/body/{n}",
            "file.unlink /var/lib/nginx/body/{n}"
        ]
    );
}

#[test]
fn directories_made_of_a_counter_s_digits_become_numbers_too() {
    let nginx = subject("/usr/sbin/nginx");
    let mut ring = Ring::new();
    ring.does(
        &nginx,
        &[
            "file.mkdir /var/cache/proxy/7",
            "file.mkdir /var/cache/proxy/7/12",
        ],
    );
    ring.does(&nginx, &["file.create /var/cache/proxy/7/12/0000000127"]);
    ring.does(
        &nginx,
        &[
            "file.unlink /var/cache/proxy/7/12/0000000127",
            "file.mkdir /var/cache/9",
        ],
    );
    let map = ring.learn(&Map::new("x")).map;
    let mut found = rules(&map, "/usr/sbin/nginx");
    found.sort();
    assert_eq!(
        found,
        [
            "file.create /var/cache/proxy/{n}/{n}/{n}",
            "file.mkdir /var/cache/9",
            "file.mkdir /var/cache/proxy/{n}",
            "file.mkdir /var/cache/proxy/{n}/{n}",
            "file.unlink /var/cache/proxy/{n}/{n}/{n}",
        ]
    );
}

/// Learns files that a program creates and renames, each as (mode, temporary name, final name). A file without a final
/// name is removed.
fn learn_files(base: &Map, files: &[(u32, &str, Option<&str>)]) -> Learned {
    let app = subject("/usr/bin/app");
    let mut ring = Ring::new();
    for (mode, name, becomes) in files {
        ring.extra = *mode;
        ring.does(&app, &[&format!("file.create {name}")]);
        ring.extra = 0;
        match becomes {
            Some(target) => ring.does(
                &app,
                &[
                    &format!("file.rename from {name}"),
                    &format!("file.rename to {target}"),
                ],
            ),
            None => ring.does(&app, &[&format!("file.unlink {name}")]),
        };
    }
    ring.learn(base)
}

fn created(learned: &Learned) -> Vec<String> {
    rules(&learned.map, "/usr/bin/app")
        .iter()
        .filter_map(|rule| rule.strip_prefix("file.create ").map(str::to_owned))
        .collect()
}

fn map_of_app(lines: &[&str]) -> Map {
    let lines: Vec<String> = lines
        .iter()
        .map(|line| format!("      - {line}\n"))
        .collect();
    let lines = lines.concat();
    let text = format!(
        "ambit: 1\ndomain: x\nsubjects:\n  - id: app\n    exe: /usr/bin/app\n    allow:\n{lines}"
    );
    Map::parse(&text, "base").unwrap()
}

#[test]
fn a_temporary_name_shares_the_pattern_of_its_final_name() {
    let base = map_of_app(&[
        "file.rename to /srv/cam/scan_{n}.tif",
        "file.rename to /srv/q/{hex}.msg",
    ]);
    for (name, target, pattern) in [
        (
            "/srv/cam/.scan_77120.tif.Qz7kPm",
            "/srv/cam/scan_77120.tif",
            "/srv/cam/.scan_{n}.tif.{tmp}",
        ),
        (
            "/srv/cam/scan_5.tif.part",
            "/srv/cam/scan_5.tif",
            "/srv/cam/scan_{n}.tif.part",
        ),
        (
            "/srv/cam/scan_5.tif.new",
            "/srv/cam/scan_5.tif",
            "/srv/cam/scan_{n}.tif.new",
        ),
        (
            "/srv/cam/scan_5.tif~",
            "/srv/cam/scan_5.tif",
            "/srv/cam/scan_{n}.tif~",
        ),
        (
            "/srv/cam/#scan_5.tif#",
            "/srv/cam/scan_5.tif",
            "/srv/cam/#scan_{n}.tif#",
        ),
        (
            "/srv/q/.9d41e0.msg.b7Rx02",
            "/srv/q/9d41e0.msg",
            "/srv/q/.{hex}.msg.{tmp}",
        ),
        (
            "/srv/q/9d41e0.msg.lock",
            "/srv/q/9d41e0.msg",
            "/srv/q/{hex}.msg.lock",
        ),
    ] {
        let learned = learn_files(&base, &[(0o600, name, Some(target))]);
        assert_eq!(created(&learned), [pattern], "{name}");
    }
    // Without a pattern, the final name is a fixed part, even if it looks random itself.
    for (name, target, pattern) in [
        (
            "/etc/app/.limits.toml.Rk29Zx",
            "/etc/app/limits.toml",
            "/etc/app/.limits.toml.{tmp}",
        ),
        (
            "/etc/app/limits.toml.4c1b7X",
            "/etc/app/limits.toml",
            "/etc/app/limits.toml.{tmp}",
        ),
        (
            "/etc/app/Xk29Zq.toml.Rk29Zx",
            "/etc/app/Xk29Zq.toml",
            "/etc/app/Xk29Zq.toml.{tmp}",
        ),
        (
            "/etc/app/Xk29Zq.lock",
            "/etc/app/Xk29Zq",
            "/etc/app/Xk29Zq.lock",
        ),
        (
            "/srv/o/tmp_obj_a9Kd02",
            "/srv/o/9d41e0",
            "/srv/o/tmp_obj_{tmp}",
        ),
        (
            "/srv/o/tmp_pack_zz9Kd0",
            "/srv/o/p.pack",
            "/srv/o/tmp_pack_{tmp}",
        ),
    ] {
        let learned = learn_files(&Map::new("x"), &[(0o600, name, Some(target))]);
        assert_eq!(created(&learned), [pattern], "{name}");
    }
}

#[test]
fn fixed_parts_of_temporary_names_are_never_swallowed() {
    for (mode, name, pattern) in [
        // The alphabet of Python contains the underscore.
        (0o600, "/srv/w/job_x_9fkq2z.csv", "/srv/w/job_{tmp}.csv"),
        (0o600, "/srv/w/thumb_q7_kd93x.png", "/srv/w/thumb_{tmp}.png"),
        (
            0o600,
            "/srv/w/worker-4711-000382",
            "/srv/w/worker-{pid}-{n}",
        ),
        (
            0o600,
            "/srv/w/worker4711.17.out",
            "/srv/w/worker{pid}.{n}.out",
        ),
        (
            0o644,
            "/srv/w/.#limits.conf41d0a97be35f6c28",
            "/srv/w/.#limits.conf{hex}",
        ),
        (0o600, "/tmp/ledgerQx81_dKf", "/tmp/ledger{tmp}"),
        (0o600, "/tmp/.LockSem.qhwzkd", "/tmp/.LockSem.{tmp}"),
        (0o600, "/dev/shm/psm_b1204935", "/dev/shm/psm_{tmp}"),
    ] {
        let learned = learn_files(&Map::new("x"), &[(mode, name, None)]);
        assert_eq!(created(&learned), [pattern], "{name}");
    }
}

#[test]
fn process_numbers_in_hex_become_a_class_with_the_numbers_behind_them() {
    // 4711 is 1267 in hex, and 11086 is 2b4e.
    let mut ring = Ring::new();
    let app = subject("/usr/bin/app");
    for (pid, name) in [
        (11086, "part-2b4e-1-a7.tbl"),
        (11086, "part-2b4e-e-10.tbl"),
        (4711, "part-1267-2-b.tbl"),
        (11086, "bed-2B4E.dad"),
    ] {
        ring.pid = pid;
        ring.does(
            &app,
            &[
                &format!("file.create /srv/w/{name}"),
                &format!("file.unlink /srv/w/{name}"),
            ],
        );
    }
    let learned = ring.learn(&Map::new("x"));
    assert_eq!(
        created(&learned),
        ["/srv/w/bed-{hex}.dad", "/srv/w/part-{hex}-{hex}-{hex}.tbl"]
    );
}

#[test]
fn names_that_each_run_uses_once_become_a_pattern() {
    let earlier = [
        "file.create /srv/t/rel_Kd93bX.idx",
        "file.create /srv/t/rel_pQ7wz1.idx",
    ];
    let file = [(0o660, "/srv/t/rel_0vTm4R.idx", Some("/srv/t/done.idx"))];
    let kept = |base: &Map, name: &str| {
        let mut ring = Ring::new();
        ring.extra = 0o660;
        ring.does(&subject("/usr/bin/app"), &[&format!("file.create {name}")]);
        created(&ring.learn(base))
    };
    let base = map_of_app(&earlier);
    assert_eq!(
        kept(&base, "/srv/t/rel_0vTm4R.idx"),
        ["/srv/t/rel_{tmp}.idx"]
    );
    assert_eq!(
        kept(&map_of_app(&earlier[..1]), "/srv/t/rel_0vTm4R.idx").len(),
        2
    );
    let words = map_of_app(&[
        "file.create /srv/t/rel_orders.idx",
        "file.create /srv/t/rel_people.idx",
    ]);
    assert_eq!(kept(&words, "/srv/t/rel_stores.idx").len(), 3);
    assert_eq!(
        created(&learn_files(&base, &file)),
        ["/srv/t/rel_{tmp}.idx"]
    );
}

#[test]
fn an_odd_reading_yields_to_the_reading_of_most_siblings() {
    // `stationer` could be the beginning of the first name.
    let files = [
        "/tmp/stationerk9_fX2",
        "/tmp/station7Gd02kQz",
        "/tmp/stationPq81mZx0",
        "/tmp/stationzzK40fWa",
    ];
    let files: Vec<_> = files.map(|name| (0o600, name, None)).into();
    let learned = learn_files(&Map::new("x"), &files);
    assert_eq!(created(&learned), ["/tmp/station{tmp}"]);
    let mut reversed = files;
    reversed.reverse();
    assert_eq!(learn_files(&Map::new("x"), &reversed).map, learned.map);
}

#[test]
fn patterns_that_the_learner_chose_are_listed() {
    let files = [
        (0o600, "/srv/w/cut-Kd93bX", None),
        (0o600, "/srv/w/cut-pQ7wz1", None),
        (0o644, "/srv/w/notes.txt", None),
    ];
    let learned = learn_files(&Map::new("x"), &files);
    let listed = |learned: &Learned| -> Vec<(String, usize, String)> {
        let one = |one: &ambit_model::Generalized| {
            (one.pattern.to_string(), one.names, one.example.clone())
        };
        learned.generalized.iter().map(one).collect()
    };
    let expected = (
        "/srv/w/cut-{tmp}".to_owned(),
        2,
        "/srv/w/cut-Kd93bX".to_owned(),
    );
    assert_eq!(listed(&learned), [expected]);
    assert_eq!(listed(&learn_files(&learned.map, &files)), []);
}

#[test]
fn files_that_the_workload_did_not_make_stay_exact() {
    let cat = subject("/usr/bin/cat");
    let mut ring = Ring::new();
    let lines = [
        "file.open r /tmp/sedAb3dEf",
        "file.unlink /tmp/0000000001",
        "file.open r /var/log/app-4711.log",
    ];
    ring.does(&cat, &lines);
    let map = ring.learn(&Map::new("x")).map;
    let mut found = rules(&map, "/usr/bin/cat");
    found.sort();
    assert_eq!(
        found,
        [
            "file.open r /tmp/sedAb3dEf",
            "file.open r /var/log/app-4711.log",
            "file.unlink /tmp/0000000001"
        ]
    );
}

#[test]
fn learning_into_a_map_keeps_its_patterns_and_leaves_covered_lines_out() {
    let base = "\
ambit: 1
domain: x
subjects:
  - id: mine
    exe: /usr/bin/cat
    allow:
      - file.open r /etc/**
      - file.open rw /srv/{a,b}
";
    let base = Map::parse(base, "base").unwrap();
    let mut ring = Ring::new();
    let cat = subject("/usr/bin/cat");
    ring.does(
        &cat,
        &[
            "file.open r /etc/hosts",
            "file.open r /srv/a",
            "file.open w /srv/c",
            "file.open w /etc/x",
        ],
    );
    let creds = ambit_event::Creds::parse("uid=33 gid=33 caps=-").unwrap();
    ring.event(
        EventKind::Point,
        &cat,
        Operation::plain(Op::ExecCreds),
        &Object::Creds(creds),
    );
    let map = ring.learn(&base).map;
    let entry = &map.subjects[&cat];
    assert_eq!(entry.id, "mine");
    assert!(
        entry.creds.is_empty(),
        "credentials that were open stay open"
    );
    let mut found = rules(&map, "/usr/bin/cat");
    found.sort();
    assert_eq!(
        found,
        [
            "file.open r /etc/**",
            "file.open rw /srv/{a,b}",
            "file.open w /etc/x",
            "file.open w /srv/c"
        ]
    );
    assert_eq!(
        ring.learn(&map).map,
        map,
        "learning the same again changes nothing"
    );
}

#[test]
fn a_learned_map_allows_the_learned_points() {
    let mut ring = Ring::new();
    let sed = subject("/usr/bin/sed");
    ring.extra = 0o600;
    ring.does(
        &sed,
        &[
            "file.create /tmp/sedAb3dEf",
            "file.open rw /tmp/sedAb3dEf",
            "file.open r /proc/{self}/maps",
        ],
    );
    ring.does(
        &sed,
        &[
            "net.connect tcp 10.0.0.1:ephemeral",
            "file.open r /srv/jail/proc/{pid}/stat",
        ],
    );
    let learned = ring.learn(&Map::new("x"));
    let matcher = Matcher::new(&learned.map, 32768..=60999);
    let all = ring.learner();
    for step in all.trajectory().steps() {
        let subject = step.subject.unwrap();
        assert!(
            matcher.allows(subject, step.operation, step.object),
            "{}",
            step.operation.rule(step.object)
        );
    }
}

#[test]
fn untrusted_tasks_do_not_teach_and_unknown_subjects_are_counted() {
    let mut ring = Ring::new();
    ring.trust = 1;
    ring.does(&subject("/bin/x"), &["exec /bin/y"]);
    ring.trust = 0;
    let operation = Operation::plain(Op::Exec);
    let object = path("/bin/z").to_bytes();
    ring.push(
        EventKind::Point,
        operation,
        Fp { lo: 1, hi: 2 },
        Fp { lo: 3, hi: 4 },
        &object,
    );
    let learned = ring.learn(&Map::new("x"));
    assert!(learned.map.subjects.is_empty());
    assert_eq!((learned.counts.untrusted, learned.unresolved), (1, 1));
}

#[test]
fn broken_records_are_errors() {
    let mut ring = Ring::new();
    ring.does(&subject("/bin/x"), &["exec /bin/y"]);
    let whole = ring.records.last().unwrap();
    for len in 0..whole.len() {
        assert!(
            Learner::new(SECRET).feed_raw(&whole[..len]).is_err(),
            "{len}"
        );
    }
}

fn small() -> Map {
    let text = "\
ambit: 1
domain: web
subjects:
  - id: cat
    exe: /usr/bin/cat
    digest: [sha256:0101010101010101010101010101010101010101010101010101010101010101]
    creds:
      - uid=0 gid=0 caps=all
    allow:
      - file.open r /srv/data/report.txt
      - file.open r /etc/hosts
      - net.connect tcp 10.0.0.1:80
";
    Map::parse(text, "small").unwrap_or_else(|errors| panic!("{errors}"))
}

#[test]
fn an_explanation_names_the_line_the_nearest_and_the_change() {
    let violation = outside(&subject("/usr/bin/cat"), "file.open r /srv/data/secret.txt");
    let explanation = small().explain(&violation);
    assert_eq!(explanation.attempted, "file.open r /srv/data/secret.txt");
    assert_eq!(
        explanation.nearest[0].rule,
        "file.open r /srv/data/report.txt"
    );
    assert_eq!(explanation.reason, "no rule of this program allows it");
    assert_eq!(
        explanation.to_string(),
        "\
file.open r /srv/data/secret.txt
  subject  cat (/usr/bin/cat)
  reason   no rule of this program allows it
  response refused
  trust    bits set by model
  nearest  file.open r /srv/data/report.txt (cat)
  to allow it, add
    subjects:
      - id: cat
        exe: /usr/bin/cat
        allow:
          - file.open r /srv/data/secret.txt
"
    );
}

#[test]
fn accepting_a_violation_changes_only_its_line() {
    let map = small();
    let cat = subject("/usr/bin/cat");
    let accepted = map
        .accept(&outside(&cat, "file.open r /srv/data/secret.txt"))
        .unwrap();
    let diff = map.diff(&accepted);
    assert_eq!(
        diff.to_string(),
        "  cat (/usr/bin/cat)\n+   file.open r /srv/data/secret.txt\n"
    );
    let wider = map
        .accept(&outside(&cat, "file.open rw /etc/hosts"))
        .unwrap();
    assert_eq!(
        map.diff(&wider).to_string(),
        "  cat (/usr/bin/cat)\n-   file.open r /etc/hosts\n+   file.open rw /etc/hosts\n"
    );
    let new = map
        .accept(&outside(&subject("/opt/cat"), "exec /bin/true"))
        .unwrap();
    assert_eq!(new.subjects[&subject("/opt/cat")].id, "cat-2");
    let started = map
        .accept(&outside(&Subject::LAUNCHER, "exec /usr/bin/cat"))
        .unwrap();
    assert_eq!(started.start.len(), 1);
    assert_eq!(
        map.accept(&outside(&Subject::LAUNCHER, "file.open r /x")),
        Err(AcceptError::Launcher)
    );
}

#[test]
fn a_changed_executable_reads_binary_changed_old_and_new() {
    let cat = subject("/usr/bin/cat");
    let digest = |of: &str| Object::Digest {
        sha256: [2; 32],
        of: Box::new(path(of)),
    };
    let operation = Operation::plain(Op::ExecDigest);
    let violation = Ring::violation(&cat, operation, &digest("/usr/bin/cat"), Reason::Digest);
    let map = small();
    let explanation = map.explain(&violation);
    let (old, new) = ("01".repeat(32), "02".repeat(32));
    assert_eq!(
        explanation.reason,
        format!("binary changed: the map has sha256:{old}; it is now sha256:{new}")
    );
    let accepted = map.accept(&violation).unwrap();
    assert_eq!(
        map.diff(&accepted).to_string(),
        format!("  cat (/usr/bin/cat)\n+   digest sha256:{new}\n")
    );
    let other = Ring::violation(&cat, operation, &digest("/bin/other"), Reason::Digest);
    assert_eq!(map.accept(&other), Err(AcceptError::NoSubject));
}

#[test]
fn credentials_are_accepted_as_a_line_of_their_own() {
    let creds = ambit_event::Creds::parse("uid=33 gid=33 caps=-").unwrap();
    let operation = Operation::plain(Op::ExecCreds);
    let violation = Ring::violation(
        &subject("/usr/bin/cat"),
        operation,
        &Object::Creds(creds),
        Reason::Creds,
    );
    let map = small();
    let change = map.explain(&violation).change.unwrap();
    assert!(
        change.contains("creds:\n      - uid=33 gid=33 caps=-"),
        "{change}"
    );
    let accepted = map.accept(&violation).unwrap();
    assert_eq!(
        map.diff(&accepted).to_string(),
        "  cat (/usr/bin/cat)\n+   creds uid=33 gid=33 caps=-\n"
    );
}

#[test]
fn hostile_names_are_escaped_in_explanations_and_events() {
    let evil = path("/tmp/\\x1b[2J\\xe2\\x80\\xae\\x0a");
    let subject = Subject {
        exe: Some(evil.clone()),
        ..Subject::default()
    };
    let violation = Ring::violation(&subject, Operation::plain(Op::Exec), &evil, Reason::Outside);
    let shown = small().explain(&violation).to_string();
    assert!(
        shown
            .lines()
            .all(|line| !line.chars().any(ambit_event::escape::is_hidden)),
        "{shown:?}"
    );
    let json = serde_json::to_string(&violation.event).unwrap();
    assert!(json.is_ascii() && json.contains(r"\\x1b[2J"), "{json}");
    assert!(Rule::parse(&violation.event.rule()).is_ok());
}

/// Learns runs one after another, as `ambit run --learn` does.
fn learned_days(runs: &[&[&str]]) -> Map {
    let app = subject("/bin/app");
    runs.iter().fold(Map::new("app"), |map, rules| {
        Ring::new().does(&app, rules).learn(&map).map
    })
}

fn lines(map: &Map) -> Vec<String> {
    let rules = map.subjects.values().flat_map(|entry| &entry.allow);
    let mut lines: Vec<String> = rules.map(ToString::to_string).collect();
    lines.sort();
    lines
}

#[test]
fn a_date_that_three_runs_had_in_one_place_becomes_a_class_of_its_spelling() {
    let two: &[&[&str]] = &[
        &["file.create /srv/dump/db-20261127-112843.sql"],
        &["file.create /srv/dump/db-20261128-235901.sql"],
    ];
    assert_eq!(
        lines(&learned_days(two)),
        [
            "file.create /srv/dump/db-20261127-112843.sql",
            "file.create /srv/dump/db-20261128-235901.sql"
        ]
    );
    let third: &[&str] = &["file.create /srv/dump/db-20261129-000000.sql"];
    let map = learned_days(&[two[0], two[1], third]);
    assert_eq!(lines(&map), ["file.create /srv/dump/db-{date}-{time}.sql"]);
    // A sealed map holds tomorrow, for this spelling only.
    let matcher = Matcher::new(&map, 0..=u16::MAX);
    let allows = |name: &str| {
        let create = Operation::plain(Op::FileCreate);
        matcher.allows(&subject("/bin/app"), create, &path(name))
    };
    assert!(allows("/srv/dump/db-20261130-010203.sql"));
    for other in [
        "/srv/dump/db-2026-11-30-010203.sql",
        "/srv/dump/db-20261130.sql",
        "/srv/dump/db-20261330-010203.sql",
        "/srv/dump/db-20261130-250203.sql",
        "/srv/dump/db-20261130-010203.sql.sh",
    ] {
        assert!(!allows(other), "{other}");
    }
}

#[test]
fn dates_over_directories_become_classes() {
    let day = |month: &str, day: &str| {
        [
            format!("file.mkdir /srv/in/2026/{month}/{day}"),
            format!("file.create /srv/in/2026/{month}/{day}/x.csv"),
        ]
    };
    let days = [day("10", "31"), day("11", "01"), day("11", "02")];
    let days: Vec<Vec<&str>> = days
        .iter()
        .map(|rules| rules.iter().map(String::as_str).collect())
        .collect();
    let days: Vec<&[&str]> = days.iter().map(Vec::as_slice).collect();
    let map = learned_days(&days);
    assert_eq!(
        lines(&map),
        [
            "file.create /srv/in/{year}/{month}/{day}/x.csv",
            "file.mkdir /srv/in/{year}/{month}/{day}"
        ]
    );
    // Another operation of the fourth day shares the pattern.
    let fourth = [
        "file.mkdir /srv/in/2026/11/03",
        "file.unlink /srv/in/2026/11/03/y.csv",
    ];
    let map = Ring::new()
        .does(&subject("/bin/app"), &fourth)
        .learn(&map)
        .map;
    assert_eq!(
        lines(&map),
        [
            "file.create /srv/in/{year}/{month}/{day}/x.csv",
            "file.mkdir /srv/in/{year}/{month}/{day}",
            "file.unlink /srv/in/{year}/{month}/{day}/y.csv"
        ]
    );
}

#[test]
fn dates_of_one_run_and_dates_that_stay_are_exact() {
    let all: &[&str] = &[
        "file.open r /srv/in/2026-11-27.csv",
        "file.open r /srv/in/2026-11-28.csv",
        "file.open r /srv/in/2026-11-29.csv",
    ];
    assert_eq!(lines(&learned_days(&[all])), all);
    assert_eq!(lines(&learned_days(&[all, all, all])), all);
}

#[test]
fn the_figures_of_a_run_use_the_pattern_of_dates() {
    let app = subject("/bin/app");
    let before = learned_days(&[
        &["file.open w /srv/l/a.2026-11-27"],
        &["file.open w /srv/l/a.2026-11-28"],
    ]);
    let mut ring = Ring::new();
    ring.does(&app, &["file.open w /srv/l/a.2026-11-29"]);
    let mut learner = ring.learner();
    learner.preload(&before);
    let seen = learner.observations(&std::collections::HashMap::new());
    let seen: Vec<&str> = seen.iter().map(|one| &*one.line).collect();
    assert_eq!(seen, ["file.open w /srv/l/a.{year}-{month}-{day}"]);
}
