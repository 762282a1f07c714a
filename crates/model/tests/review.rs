// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Reviews of maps: each kind of finding with a control, chains of programs, the exposure, and the changes.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

use std::fmt::Write;

use ambit_event::{Object, Operation, Path, Subject};
use ambit_model::{
    Evidence, FindingKind as Kind, LineNumbers, Map, Matcher, Review, ReviewAction, ReviewOptions,
    Rule, Sensitive, Severity, Statistics, candidates, review,
};
use proptest::prelude::*;

const USER: &str = "uid=33 gid=33 caps=-";
const ROOT: &str = "uid=0 gid=0 caps=all";

/// A map with one subject, `/usr/bin/web`.
fn map_with(creds: &str, rules: &[&str]) -> String {
    let mut text = format!(
        "ambit: 1\ndomain: web\ncoverage: full\nstart:\n  - /usr/bin/web\nsubjects:\n  - id: web\n    exe: /usr/bin/web\n    creds:\n      - {creds}\n"
    );
    if !rules.is_empty() {
        text.push_str("    allow:\n");
    }
    for rule in rules {
        let _ = writeln!(text, "      - {rule}");
    }
    text
}

/// Appends a subject that `/usr/bin/web` can start.
fn add_subject(text: &mut String, exe: &str, rules: &[&str]) {
    let id = exe.rsplit('/').next().unwrap();
    let _ = write!(
        text,
        "  - id: {id}\n    exe: {exe}\n    via: [/usr/bin/web]\n    creds:\n      - {USER}\n    allow:\n"
    );
    for rule in rules {
        let _ = writeln!(text, "      - {rule}");
    }
}

fn parse(text: &str) -> Map {
    Map::parse(text, "web.map").unwrap_or_else(|errors| panic!("{errors}\n{text}"))
}

fn reviewed(text: &str) -> Review {
    let map = parse(text);
    let numbers = LineNumbers::of(text, &map);
    review(
        &map,
        &Sensitive::default(),
        &ReviewOptions {
            numbers: Some(&numbers),
            ..ReviewOptions::default()
        },
    )
}

/// Returns the severity of a kind for a subject.
fn of_kind(review: &Review, id: &str, kind: Kind) -> Option<Severity> {
    let subject = review.subjects.iter().find(|one| one.id == id).unwrap();
    subject
        .findings
        .iter()
        .filter(|finding| finding.kind == kind)
        .map(|finding| finding.severity)
        .max()
}

/// Returns the severity that rules of a subject without privileges have for a kind.
#[track_caller]
fn found(kind: Kind, rules: &[&str]) -> Option<Severity> {
    of_kind(&reviewed(&map_with(USER, rules)), "web", kind)
}

fn found_as_root(kind: Kind, rules: &[&str]) -> Option<Severity> {
    of_kind(&reviewed(&map_with(ROOT, rules)), "web", kind)
}

const LOW: Option<Severity> = Some(Severity::Low);
const MEDIUM: Option<Severity> = Some(Severity::Medium);
const HIGH: Option<Severity> = Some(Severity::High);
const CRITICAL: Option<Severity> = Some(Severity::Critical);

#[test]
fn a_shell_counts_if_the_map_has_a_subject_for_it() {
    let rules = ["exec /usr/bin/dash", "exec /usr/bin/gzip"];
    assert_eq!(found(Kind::StartsInterpreter, &rules), LOW);
    let mut text = map_with(USER, &rules);
    add_subject(&mut text, "/usr/bin/dash", &["file.open r /srv/x"]);
    let review = reviewed(&text);
    assert_eq!(of_kind(&review, "web", Kind::StartsInterpreter), HIGH);
    let finding = &review.subjects[0].findings[0];
    assert!(finding.text.contains("a shell"), "{}", finding.text);
    assert_eq!(finding.lines[0].line, "exec /usr/bin/dash");
    assert_eq!(finding.lines[0].number, Some(12));
    assert_eq!(
        found(Kind::StartsInterpreter, &["exec /usr/bin/gzip"]),
        None
    );
}

#[test]
fn interpreters_loaders_and_programs_that_start_others_count_too() {
    for (exe, severity) in [
        ("/usr/bin/python3.11", HIGH),
        ("/usr/bin/gawk", HIGH),
        ("/usr/bin/busybox", HIGH),
        ("/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2", MEDIUM),
        ("/usr/bin/env", MEDIUM),
        ("/usr/bin/find", MEDIUM),
        ("/usr/bin/gzip", None),
    ] {
        let mut text = map_with(USER, &[&format!("exec {exe}")]);
        add_subject(&mut text, exe, &["file.open r /srv/x"]);
        let review = reviewed(&text);
        assert_eq!(
            of_kind(&review, "web", Kind::StartsInterpreter),
            severity,
            "{exe}"
        );
    }
}

#[test]
fn a_pattern_that_covers_a_shell_starts_a_shell() {
    let mut text = map_with(USER, &["exec /usr/bin/*"]);
    add_subject(&mut text, "/usr/bin/dash", &["file.open r /srv/x"]);
    let review = reviewed(&text);
    assert_eq!(of_kind(&review, "web", Kind::StartsInterpreter), HIGH);
}

#[test]
fn writing_an_executed_file_counts_unless_a_digest_binds_it() {
    let rules = ["exec /srv/tool", "file.open w /srv/tool"];
    let mut text = map_with(USER, &rules);
    add_subject(&mut text, "/srv/tool", &["file.open r /srv/x"]);
    assert_eq!(of_kind(&reviewed(&text), "web", Kind::WritesCode), HIGH);
    let digest = format!("    digest: [sha256:{}]\n    via:", "0a".repeat(32));
    let bound = text.replace("    via:", &digest);
    assert_eq!(of_kind(&reviewed(&bound), "web", Kind::WritesCode), LOW);
    let other = text.replace("w /srv/tool", "w /srv/other");
    assert_eq!(of_kind(&reviewed(&other), "web", Kind::WritesCode), None);
}

#[test]
fn a_file_is_replaced_by_renaming_and_by_a_pattern_as_well() {
    for rule in ["file.rename to /srv/bin/tool", "file.open w /srv/**"] {
        let mut text = map_with(USER, &["exec /srv/bin/tool", rule]);
        add_subject(&mut text, "/srv/bin/tool", &["file.open r /srv/x"]);
        assert_eq!(
            of_kind(&reviewed(&text), "web", Kind::WritesCode),
            HIGH,
            "{rule}"
        );
    }
    let rules = ["exec /srv/bin/tool", "file.rename from /srv/bin/tool"];
    assert_eq!(found(Kind::WritesCode, &rules), None);
}

#[test]
fn a_library_of_another_subject_and_the_launchers_program_are_code() {
    let mut text = map_with(USER, &["exec /usr/bin/gzip", "file.open w /srv/lib/x.so"]);
    add_subject(&mut text, "/usr/bin/gzip", &["map.exec /srv/lib/*.so"]);
    assert_eq!(of_kind(&reviewed(&text), "web", Kind::WritesCode), HIGH);
    assert_eq!(found(Kind::WritesCode, &["file.open w /usr/bin/web"]), HIGH);
    let own = ["file.open w /srv/x.so", "map.exec /srv/x.so"];
    assert_eq!(found(Kind::WritesCode, &own), MEDIUM);
}

#[test]
fn the_digest_of_a_script_lowers_it_less() {
    let mut text = map_with(USER, &["exec /srv/x.sh", "file.open a /srv/x.sh"]);
    let script = format!(
        "    script: /srv/x.sh\n    script-digest: [sha256:{}]\n    via:",
        "0a".repeat(32)
    );
    add_subject(&mut text, "/usr/bin/dash", &["file.open r /srv/x.sh"]);
    let text = text.replace("    via:", &script);
    let review = reviewed(&text);
    assert_eq!(of_kind(&review, "web", Kind::WritesCode), MEDIUM);
}

#[test]
fn source_files_of_another_interpreter_are_code() {
    let mut text = map_with(
        USER,
        &["exec /usr/bin/python3.11", "file.open w /srv/app.py"],
    );
    add_subject(
        &mut text,
        "/usr/bin/python3.11",
        &["file.open r /srv/app.py"],
    );
    assert_eq!(of_kind(&reviewed(&text), "web", Kind::WritesCode), MEDIUM);
    let text = text.replace("/srv/app.py", "/srv/app.txt");
    assert_eq!(of_kind(&reviewed(&text), "web", Kind::WritesCode), None);
    let text = text.replace("r /srv/app.txt", "r /srv/**");
    assert_eq!(of_kind(&reviewed(&text), "web", Kind::WritesCode), None);
}

#[test]
fn memory_that_becomes_executable_is_found_and_libraries_are_not() {
    for rule in [
        "map.anon",
        "map.exec dirty /usr/lib/x.so",
        "map.exec write /srv/x",
        "map.exec memfd:jit",
    ] {
        assert_eq!(found(Kind::ExecutableMemory, &[rule]), MEDIUM, "{rule}");
    }
    assert_eq!(
        found(Kind::ExecutableMemory, &["map.exec /usr/lib/x.so"]),
        None
    );
}

#[test]
fn secrets_are_files_with_keys_and_not_certificates() {
    for (rule, severity) in [
        ("file.open r /etc/shadow", HIGH),
        ("file.open r /etc/ssl/private/site.key", HIGH),
        ("file.receive r /srv/site.key", HIGH),
        ("file.open r /home/u/.aws/credentials", HIGH),
        ("file.open r /dev/mem", CRITICAL),
        ("file.open r /etc/**", HIGH),
        ("file.open r /srv/**", MEDIUM),
        ("file.open r /srv/*", LOW),
        ("file.open r /srv/{n}.txt", None),
        ("file.open r /etc/passwd", None),
        ("file.open r /etc/ssl/certs/ca.pem", None),
        ("file.open r /home/u/.ssh/known_hosts", None),
        ("file.open w /srv/site.key", None),
    ] {
        assert_eq!(found(Kind::ReadsSecrets, &[rule]), severity, "{rule}");
    }
}

#[test]
fn sensitive_places_are_found_and_terminals_are_harmless() {
    for (rule, severity) in [
        ("file.open w /etc/cron.d/x", CRITICAL),
        ("file.rename to /etc/passwd", CRITICAL),
        ("file.create /root/.ssh/authorized_keys", CRITICAL),
        ("file.open w /usr/share/x", HIGH),
        ("file.open w /etc/hosts", MEDIUM),
        ("file.open w /etc/**", CRITICAL),
        ("file.open w /dev/null", None),
        ("file.open rw /dev/pts/{n}", None),
        ("file.open w /proc/{self}/oom_score_adj", None),
        ("file.open w /var/log/web.log", None),
        ("file.open r /etc/hosts", None),
    ] {
        assert_eq!(found(Kind::WritesSensitive, &[rule]), severity, "{rule}");
    }
}

#[test]
fn a_wide_network_is_found_and_one_private_address_is_not() {
    for (rule, severity) in [
        ("net.connect tcp 0.0.0.0/0:*", HIGH),
        ("net.send udp [::/0]:1-65535", HIGH),
        ("net.connect tcp 0.0.0.0/0:443", MEDIUM),
        ("net.connect tcp 10.0.0.0/8:*", MEDIUM),
        ("net.connect tcp 93.184.216.34:443", LOW),
        ("net.bind tcp 0.0.0.0:1-65535", MEDIUM),
        ("net.listen tcp 0.0.0.0:ephemeral", LOW),
        ("net.connect tcp 10.0.0.5:5432", None),
        ("net.listen tcp 0.0.0.0:443", None),
        ("net.socket netlink raw route", None),
        ("net.socket inet raw icmp", LOW),
    ] {
        assert_eq!(found(Kind::Network, &[rule]), severity, "{rule}");
    }
    let raw = ["net.socket inet raw icmp", "cap.use net_raw"];
    assert_eq!(found_as_root(Kind::Network, &raw), MEDIUM);
}

#[test]
fn sockets_of_powerful_services_are_found() {
    for (rule, severity) in [
        ("net.connect unix /run/docker.sock", CRITICAL),
        ("net.connect unix /run/dbus/system_bus_socket", HIGH),
        ("net.connect unix /run/systemd/notify", None),
        ("net.connect unix /run/postgresql/.s.PGSQL.5432", None),
    ] {
        assert_eq!(found(Kind::ControlSocket, &[rule]), severity, "{rule}");
    }
}

#[test]
fn a_capability_counts_if_credentials_and_lines_make_use_of_it() {
    for (rules, severity) in [
        (&["cap.use sys_admin"][..], CRITICAL),
        (&["cap.use sys_module"], LOW),
        (
            &["cap.use sys_module", "kernel.read module /lib/x.ko"],
            CRITICAL,
        ),
        (&["cap.use sys_ptrace", "task.ptrace attach child"], LOW),
        (
            &["cap.use sys_ptrace", "task.ptrace attach outside"],
            CRITICAL,
        ),
        (&["cap.use dac_override"], HIGH),
        (&["cap.use setuid", "task.setuid 33"], LOW),
        (&["cap.use net_bind_service"], LOW),
        (&["task.setuid 33"], None),
    ] {
        assert_eq!(
            found_as_root(Kind::Capability, rules),
            severity,
            "{rules:?}"
        );
    }
    assert_eq!(found(Kind::Capability, &["cap.use sys_admin"]), LOW);
}

#[test]
fn becoming_root_is_found_unless_it_is_root_already() {
    assert_eq!(found(Kind::BecomesUser, &["task.setuid 0"]), HIGH);
    assert_eq!(found(Kind::BecomesUser, &["task.setuid 33:33:0"]), HIGH);
    assert_eq!(found(Kind::BecomesUser, &["task.setuid 33"]), None);
    assert_eq!(found_as_root(Kind::BecomesUser, &["task.setuid 0"]), None);
    assert_eq!(found(Kind::Root, &[]), None);
    assert_eq!(found_as_root(Kind::Root, &[]), LOW);
}

#[test]
fn files_with_the_set_user_id_bit_are_found() {
    assert_eq!(found(Kind::SetIdFiles, &["file.chmod suid /srv/x"]), HIGH);
    assert_eq!(found(Kind::SetIdFiles, &["file.chmod /srv/x"]), None);
}

#[test]
fn the_kernel_mounts_namespaces_and_io_uring_are_found() {
    for (kind, rule, severity) in [
        (Kind::Kernel, "kernel.read module /lib/x.ko", LOW),
        (Kind::Kernel, "kernel.bpf prog-load", LOW),
        (Kind::Kernel, "kernel.perf", MEDIUM),
        (Kind::Mounts, "mount.mount new /mnt", HIGH),
        (Kind::Mounts, "mount.umount /mnt", MEDIUM),
        (Kind::Namespaces, "ns.user", MEDIUM),
        (Kind::Uring, "uring.setup", MEDIUM),
        (Kind::Terminal, "file.ioctl 0x5412 /dev/pts/{n}", HIGH),
        (Kind::Terminal, "file.ioctl 0x5401 /dev/pts/{n}", None),
    ] {
        assert_eq!(found(kind, &[rule]), severity, "{rule}");
    }
    let load = ["kernel.load module", "cap.use sys_module"];
    assert_eq!(found_as_root(Kind::Kernel, &load), CRITICAL);
}

#[test]
fn traces_and_signals_count_by_their_target() {
    for (kind, rule, severity) in [
        (Kind::Traces, "task.ptrace attach outside", CRITICAL),
        (Kind::Traces, "task.ptrace attach domain", HIGH),
        (Kind::Traces, "task.ptrace attach child", MEDIUM),
        (Kind::Traces, "task.ptrace read self", None),
        (Kind::Signals, "task.signal outside KILL", MEDIUM),
        (Kind::Signals, "task.signal outside 0", None),
        (Kind::Signals, "task.signal child KILL", None),
    ] {
        assert_eq!(found(kind, &[rule]), severity, "{rule}");
    }
}

#[test]
fn ways_to_undo_ambit_are_critical() {
    for rule in [
        "file.open w /etc/ambit/sensitive",
        "file.unlink /sys/fs/bpf/ambit/x",
        "file.open w /run/ambit/lock",
        "file.rename to /usr/local/bin/ambit",
        "file.open w /etc/**",
    ] {
        assert_eq!(found(Kind::UndoesAmbit, &[rule]), CRITICAL, "{rule}");
    }
    assert_eq!(
        found(Kind::UndoesAmbit, &["file.open r /etc/ambit/sensitive"]),
        None
    );
    let bpf = ["kernel.bpf map-update", "cap.use bpf"];
    assert_eq!(found_as_root(Kind::UndoesAmbit, &bpf), CRITICAL);
    assert_eq!(found(Kind::UndoesAmbit, &bpf), None);
}

#[test]
fn stars_are_wide_and_numbers_are_not() {
    assert_eq!(found(Kind::WidePattern, &["file.open w /srv/*"]), MEDIUM);
    assert_eq!(found(Kind::WidePattern, &["file.open r /srv/**"]), LOW);
    assert_eq!(found(Kind::WidePattern, &["file.open w /srv/{n}"]), None);
}

#[test]
fn operations_that_are_not_refused_are_said_for_the_whole_map() {
    let text = map_with(USER, &["file.open r /srv/x"]);
    assert_eq!(reviewed(&text).findings, []);
    let core = reviewed(&text.replace("coverage: full", "coverage: core"));
    assert_eq!(core.findings[0].kind, Kind::Unchecked);
    let respond = "coverage: full\nrespond:\n  outside: {exec: log, net: log}";
    let logged = reviewed(&text.replace("coverage: full", respond));
    let lines: Vec<_> = logged
        .findings
        .iter()
        .map(|finding| (finding.severity, finding.lines[0].line.as_str()))
        .collect();
    assert_eq!(
        lines,
        [
            (Severity::Critical, "respond: outside: {exec: log}"),
            (Severity::High, "respond: outside: {net: log}"),
        ]
    );
}

#[test]
fn lines_that_the_coverage_excludes_give_nothing() {
    let text = map_with(USER, &["mount.mount new /mnt"]);
    let core = reviewed(&text.replace("coverage: full", "coverage: core"));
    assert_eq!(of_kind(&core, "web", Kind::Mounts), None);
}

#[test]
fn a_subject_has_the_lines_of_the_programs_that_it_can_start() {
    let mut text = map_with(USER, &["exec /usr/bin/dash"]);
    add_subject(
        &mut text,
        "/usr/bin/dash",
        &["exec /usr/bin/cat", "map.anon"],
    );
    let cat = "  - id: cat\n    exe: /usr/bin/cat\n    via: [/usr/bin/dash]\n    creds:\n      - uid=33 gid=33 caps=-\n    allow:\n      - file.open r /etc/shadow\n";
    text.push_str(cat);
    let review = reviewed(&text);
    let web = review.subjects.iter().find(|one| one.id == "web").unwrap();
    let reached: Vec<_> = web
        .reaches
        .iter()
        .map(|one| (one.id.as_str(), one.through.join(" "), one.adds.clone()))
        .collect();
    assert_eq!(
        reached,
        [
            (
                "dash",
                "/usr/bin/dash".to_owned(),
                vec![Kind::ExecutableMemory]
            ),
            (
                "cat",
                "/usr/bin/dash /usr/bin/cat".to_owned(),
                vec![Kind::ReadsSecrets]
            ),
        ]
    );
    assert!(web.exposure > web.own_exposure);
    // A subject of another chain is not reached.
    let elsewhere = reviewed(&text.replace("via: [/usr/bin/web]", "via: [/usr/bin/init]"));
    let web = elsewhere
        .subjects
        .iter()
        .find(|one| one.id == "web")
        .unwrap();
    assert_eq!(web.reaches, []);
}

#[test]
fn the_worst_subject_and_the_worst_finding_come_first() {
    let mut text = map_with(USER, &["map.anon"]);
    add_subject(
        &mut text,
        "/usr/bin/a",
        &[
            "map.anon",
            "file.open w /etc/passwd",
            "file.open r /etc/shadow",
        ],
    );
    let review = reviewed(&text);
    assert_eq!(review.subjects[0].id, "a");
    let severities: Vec<_> = review.subjects[0]
        .findings
        .iter()
        .map(|finding| finding.severity)
        .collect();
    assert_eq!(
        severities,
        [Severity::Critical, Severity::High, Severity::Medium]
    );
    let worst: Vec<_> = review.worst(3).iter().map(|(id, _)| *id).collect();
    assert_eq!(worst, ["a", "a", "a"]);
}

#[test]
fn a_map_that_gives_nothing_has_no_exposure() {
    let review = reviewed(&map_with(USER, &["file.open r /srv/x"]));
    assert_eq!(review.exposure.to_string(), "0.0");
    assert_eq!(review.level, None);
    assert_eq!(review.changes, []);
}

const STATS: &str = "\
{\"ambit-stats\":1,\"domain\":\"web\",\"chain\":2}
{\"run\":\"0000000000000001\",\"began\":\"2026-01-01T00:00:00Z\",\"operations\":40,\"lines\":2,\"new\":2,\"missed\":0,\"untrusted\":0}
{\"run\":\"0000000000000002\",\"began\":\"2026-01-02T00:00:00Z\",\"operations\":40,\"lines\":2,\"new\":0,\"missed\":0,\"untrusted\":0}
{\"by\":{\"exe\":\"/usr/bin/web\"},\"line\":\"file.open w /srv/a\",\"seen\":[[0,3]]}
{\"by\":{\"exe\":\"/usr/bin/web\"},\"line\":\"file.open w /srv/b\",\"seen\":[[0,1],[1,4]]}
{\"by\":{\"exe\":\"/usr/bin/web\"},\"line\":\"map.anon\",\"seen\":[[1,2]]}
";

#[test]
fn a_pattern_is_replaced_by_the_names_that_runs_saw() {
    let map = parse(&map_with(USER, &["file.open w /srv/**", "map.anon"]));
    let statistics = Statistics::parse(STATS).unwrap();
    let review = review(
        &map,
        &Sensitive::default(),
        &ReviewOptions {
            statistics: Some(&statistics),
            ..ReviewOptions::default()
        },
    );
    let wide = &review.subjects[0].findings;
    assert!(
        wide.iter()
            .any(|one| one.text == "A pattern covers many names, but only 2 were seen."),
        "{wide:?}"
    );
    let first = &review.changes[0];
    assert_eq!(first.action, ReviewAction::Replace);
    assert_eq!(first.adds, ["file.open w /srv/a", "file.open w /srv/b"]);
    assert_eq!(first.in_runs.unwrap().operations, 0);
    assert!(first.subject_after < first.subject_before);
    let anon = review
        .changes
        .iter()
        .find(|one| one.removes[0].line == "map.anon");
    let runs = anon.unwrap().in_runs.unwrap();
    assert_eq!(
        (runs.operations, runs.times, runs.runs, runs.of),
        (1, 2, 1, 2)
    );
}

#[test]
fn a_line_that_another_line_covers_is_no_change() {
    let rules = ["file.open r /srv/site.key", "file.open r /srv/**"];
    let review = reviewed(&map_with(USER, &rules));
    let removed: Vec<&str> = review
        .changes
        .iter()
        .map(|change| &*change.removes[0].line)
        .collect();
    assert_eq!(removed, ["file.open r /srv/**"]);
}

#[test]
fn recordings_show_what_a_change_would_have_refused() {
    let map = parse(&map_with(
        USER,
        &["file.open w /srv/**", "file.open r /etc/shadow"],
    ));
    let sensitive = Sensitive::default();
    let without = candidates(&map, &sensitive, None);
    assert_eq!(without.rule_count(), 0);
    let subject = map.subjects.keys().next().unwrap();
    let mut evidence = Evidence::default();
    let mut add = |rule: &str, times| {
        let rule = Rule::parse(rule).unwrap();
        let object = rule.object().as_exact().unwrap().clone();
        evidence.add(subject, rule.operation(), &object, times);
    };
    add("file.open w /srv/x", 7);
    add("file.open r /etc/shadow", 2);
    // An operation that the map refuses today is no reason against a change.
    add("file.open r /etc/other", 1);
    let review = review(
        &map,
        &sensitive,
        &ReviewOptions {
            evidence: Some(&evidence),
            ..ReviewOptions::default()
        },
    );
    let first = &review.changes[0];
    assert_eq!(first.adds, ["file.open w /srv/x"]);
    assert_eq!(first.in_recordings.as_ref().unwrap().operations, 0);
    let shadow = review
        .changes
        .iter()
        .find(|one| one.removes[0].line == "file.open r /etc/shadow")
        .unwrap();
    let recorded = shadow.in_recordings.as_ref().unwrap();
    assert_eq!((recorded.operations, recorded.times), (1, 2));
    assert_eq!(recorded.first, ["file.open r /etc/shadow"]);
}

#[test]
fn a_writable_program_is_bound_to_the_digest_that_runs_saw() {
    let mut text = map_with(USER, &["exec /srv/tool", "file.open w /srv/tool"]);
    add_subject(&mut text, "/srv/tool", &["file.open r /srv/x"]);
    let digest = "ab".repeat(32);
    let line = format!(
        "{STATS}{{\"by\":null,\"line\":\"exec.digest sha256:{digest} /srv/tool\",\"seen\":[[0,1]]}}\n"
    );
    // The lines of a file of statistics are sorted.
    let mut lines: Vec<&str> = line.lines().collect();
    let last = lines.pop().unwrap();
    lines.insert(3, last);
    let statistics = Statistics::parse(&(lines.join("\n") + "\n")).unwrap();
    let map = parse(&text);
    let review = review(
        &map,
        &Sensitive::default(),
        &ReviewOptions {
            statistics: Some(&statistics),
            ..ReviewOptions::default()
        },
    );
    let bind = review
        .changes
        .iter()
        .find(|one| one.action == ReviewAction::Bind)
        .unwrap();
    assert_eq!(bind.adds, [format!("digest: sha256:{digest}")]);
    assert!(
        bind.text.starts_with("bind /srv/tool to its digest"),
        "{}",
        bind.text
    );
}

#[test]
fn json_has_words_for_kinds_and_severities_and_numbers_for_lines() {
    let review = reviewed(&map_with(USER, &["map.anon"]));
    let json = serde_json::to_value(&review).unwrap();
    assert_eq!(json["exposure"], 1.5);
    assert_eq!(json["level"], "medium");
    let subject = &json["subjects"][0];
    assert_eq!(subject["id"], "web");
    assert_eq!(subject["level"], "medium");
    assert_eq!(subject["subject"]["exe"], "/usr/bin/web");
    let finding = &subject["findings"][0];
    assert_eq!(finding["kind"], "executable-memory");
    assert_eq!(finding["severity"], "medium");
    assert_eq!(finding["lines"][0]["line"], "map.anon");
    assert_eq!(finding["lines"][0]["number"], 12);
    let change = &json["changes"][0];
    assert_eq!(change["action"], "remove");
    assert_eq!(change["lowers"][0], "executable-memory");
}

#[test]
fn names_that_a_workload_chose_stay_escaped() {
    let rule = "file.open w /etc/cron.d/a\\x1b[31m\\xe2\\x80\\xaeb";
    let review = reviewed(&map_with(USER, &[&format!("'{rule}'")]));
    let text = serde_json::to_string(&review).unwrap() + &format!("{review:?}");
    assert!(text.contains("x1b[31m"), "{text}");
    assert!(
        text.chars().all(|c| c != '\x1b' && c != '\u{202e}'),
        "{text}"
    );
}

/// Lines of every kind, and harmless ones.
const LINES: [&str; 36] = [
    "cap.use bpf",
    "cap.use net_raw",
    "cap.use sys_module",
    "cap.use sys_ptrace",
    "exec /srv/tool",
    "exec /usr/bin/*",
    "exec /usr/bin/dash",
    "exec /usr/bin/env",
    "file.chmod suid /srv/x",
    "file.create /srv/{n}",
    "file.open r /etc/**",
    "file.open r /etc/ssl/certs/ca.pem",
    "file.open r /srv/app.py",
    "file.open r /srv/site.key",
    "file.open rw /srv/**",
    "file.open w /dev/null",
    "file.open w /etc/ambit/x",
    "file.open w /srv/tool",
    "file.open w /usr/bin/dash",
    "file.rename to /usr/bin/env",
    "kernel.bpf prog-load",
    "kernel.load module",
    "map.anon",
    "map.exec /srv/*.so",
    "map.exec /srv/tool",
    "mount.mount new /mnt",
    "net.connect tcp 0.0.0.0/0:443",
    "net.connect tcp 10.0.0.1:1",
    "net.connect unix /run/docker.sock",
    "net.socket inet raw icmp",
    "ns.user",
    "task.ptrace attach child",
    "task.ptrace attach outside",
    "task.setuid 0",
    "task.signal outside KILL",
    "uring.setup",
];

const EXES: [(&str, bool); 5] = [
    ("/usr/bin/web", false),
    ("/usr/bin/dash", true),
    ("/usr/bin/env", true),
    ("/srv/tool", true),
    ("/usr/bin/python3", true),
];

/// Adds a line to the subject of an executable; the subject is added if it is missing.
fn add_line(map: &mut Map, (exe, line, creds): (usize, usize, bool)) {
    let path = |text: &str| Object::Path(Path::new(text.as_bytes()).unwrap());
    let (exe, started) = EXES[exe];
    let subject = Subject {
        exe: Some(path(exe)),
        via: if started {
            vec![path("/usr/bin/web")]
        } else {
            Vec::new()
        },
        ..Subject::default()
    };
    let entry = map.subject_mut(&subject);
    let number = if creds { "uid=0 gid=0 caps=all" } else { USER };
    // The first credentials of a subject restrict it. They are not added later.
    if entry.allow.is_empty() || !entry.creds.is_empty() {
        entry
            .creds
            .insert(ambit_event::Creds::parse(number).unwrap());
    }
    entry.allow.insert(Rule::parse(LINES[line]).unwrap());
}

fn line() -> impl Strategy<Value = (usize, usize, bool)> {
    (0..EXES.len(), 0..LINES.len(), any::<bool>())
}

proptest! {
    #[test]
    fn a_further_line_never_lowers_an_exposure(
        lines in prop::collection::vec(line(), 0..24),
        more in line(),
        full in any::<bool>(),
    ) {
        let mut map = Map::new("web");
        if full {
            map.coverage = ambit_abi::Coverage::Full;
        }
        for one in lines {
            add_line(&mut map, one);
        }
        let options = ReviewOptions::default();
        let before = review(&map, &Sensitive::default(), &options);
        prop_assert_eq!(&before, &review(&map, &Sensitive::default(), &options));
        add_line(&mut map, more);
        let after = review(&map, &Sensitive::default(), &options);
        prop_assert!(after.exposure >= before.exposure);
        for old in &before.subjects {
            let new = after.subjects.iter().find(|new| new.subject == old.subject).unwrap();
            prop_assert!(new.own_exposure >= old.own_exposure, "{} of {}", old.own_exposure, old.id);
            prop_assert!(new.exposure >= old.exposure);
        }
    }

    #[test]
    fn a_change_lowers_an_exposure_and_allows_nothing_new(
        lines in prop::collection::vec(line(), 1..16),
    ) {
        let mut map = Map::new("web");
        for one in lines {
            add_line(&mut map, one);
        }
        let review = review(&map, &Sensitive::default(), &ReviewOptions::default());
        for change in &review.changes {
            prop_assert!(
                change.exposure < review.exposure || change.subject_after < change.subject_before
            );
            prop_assert!(change.exposure <= review.exposure);
        }
        let without = candidates(&map, &Sensitive::default(), None);
        let matcher = Matcher::new(&map, ambit_model::ANY_HOST);
        for (subject, entry) in &without.subjects {
            for rule in &entry.allow {
                let operation: Operation = rule.operation();
                let object = rule.object().as_exact().unwrap();
                prop_assert!(matcher.allows(subject, operation, object));
            }
        }
    }
}
