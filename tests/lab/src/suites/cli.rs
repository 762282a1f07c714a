// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Wrong input gives one clear error and the documented exit status, and changes nothing.

use super::tests;
use crate::harness::{Lab, Run, act, line, skip, words};

tests! { "cli":
    a_command_that_is_not_found_exits_with_127
    a_command_that_is_not_executable_exits_with_126
    a_workloads_exit_status_comes_back
    a_workloads_signal_comes_back
    a_workloads_output_and_input_are_its_own
    a_domain_with_a_slash_is_refused
    a_domain_name_that_is_no_name_is_refused
    a_ring_of_no_size_is_refused
    a_chain_out_of_range_is_refused
    a_missing_map_is_named
    a_bad_map_is_refused_with_line_and_column
    a_bad_map_starts_nothing
    a_map_of_noise_is_refused_at_once
    without_root_the_capabilities_are_named
    without_bpf_in_the_lsm_list_that_is_said
    violations_change_the_exit_status_only_where_asked_for
    learning_merges_into_the_map_that_is_there
    a_learned_map_checks_and_shows
    map_diff_tells_what_changed
    map_digest_does_not_depend_on_order_or_comments
    accepting_a_violation_allows_it_and_nothing_else
    explain_names_the_missing_line_and_who_asked
    doctor_says_what_this_kernel_can_do
}

fn one_error(run: Run) -> Run {
    let text = run.stderr_text();
    let errors = text.lines().filter(|line| line.contains("rror")).count();
    run.expect(
        errors <= 1 && !text.trim().is_empty() && !text.contains("panicked"),
        "one clear error was expected",
    )
}

fn a_command_that_is_not_found_exits_with_127(lab: &Lab) {
    for command in ["no-such-command", "/no/such/command"] {
        let run = one_error(lab.learn("map", &line(&[command])));
        run.exits(127).complains(command);
    }
    assert!(
        !std::path::Path::new(&lab.path("map")).exists(),
        "a map of nothing was written"
    );
}

fn a_command_that_is_not_executable_exits_with_126(lab: &Lab) {
    let file = lab.file("f", "#!/bin/sh\n");
    one_error(lab.learn("map", &line(&[&file])))
        .exits(126)
        .complains(&file);
    let dir = lab.path("");
    lab.learn("map", &line(&[&dir])).exits(126);
}

fn a_workloads_exit_status_comes_back(lab: &Lab) {
    for status in [0, 1, 2, 3, 42, 255] {
        let command = act(&format!("exit {status}"));
        lab.learn("map", &command).exits(status);
        lab.enforce("map", &command).exits(status);
        lab.audit("map", &command).exits(status);
    }
}

fn a_workloads_signal_comes_back(lab: &Lab) {
    for signal in [libc::SIGTERM, libc::SIGKILL, libc::SIGSEGV] {
        // Not by ambit-act: Rust's handler for SIGSEGV ignores a signal that was sent by a process, and returns.
        let command = line(&["bash", "-c", &format!("kill -{signal} $$; sleep 1000")]);
        lab.learn("map", &command).dies_by(signal);
        lab.enforce("map", &command).dies_by(signal);
    }
}

fn a_workloads_output_and_input_are_its_own(lab: &Lab) {
    let mut job = lab.learning(
        "map",
        &["-q"],
        &line(&["bash", "-c", "cat; echo problem >&2"]),
    );
    job.say("one\ntwo\n");
    let run = job.finish().succeeds();
    let quiet = run.stderr == b"problem\n";
    run.says(&["one", "two"])
        .expect(quiet, "-q should say nothing of Ambit's");
}

fn a_domain_with_a_slash_is_refused(lab: &Lab) {
    let run = lab
        .learning("map", &["--domain", "a/b"], &line(&["true"]))
        .finish();
    one_error(run).exits(1).complains("a/b");
}

fn a_domain_name_that_is_no_name_is_refused(lab: &Lab) {
    let long = "x".repeat(64);
    for name in ["", ".", "-x", ".x", "a b", "a\nb", "\u{e4}", &long] {
        let run = lab
            .learning("map", &[&format!("--domain={name}")], &line(&["true"]))
            .finish();
        one_error(run).exits(1).harmless_on_a_terminal();
    }
    let longest = "x".repeat(63);
    lab.learning("map", &["--domain", &longest], &line(&["true"]))
        .finish()
        .succeeds();
}

fn a_ring_of_no_size_is_refused(lab: &Lab) {
    for size in ["0", "-1", "x", "99999999999999999999"] {
        let run = lab
            .learning("map", &[&format!("--ring-size={size}")], &line(&["true"]))
            .finish();
        one_error(run).exits(1).complains("ring-size");
    }
}

fn a_chain_out_of_range_is_refused(lab: &Lab) {
    for chain in ["0", "5", "x"] {
        one_error(
            lab.learning("map", &[&format!("--chain={chain}")], &line(&["true"]))
                .finish(),
        )
        .exits(1);
    }
}

fn a_missing_map_is_named(lab: &Lab) {
    let run = lab.enforce("no-such-map", &line(&["touch", &lab.path("mark")]));
    one_error(run).exits(1).complains("no-such-map");
    assert!(
        !std::path::Path::new(&lab.path("mark")).exists(),
        "the command ran without its map"
    );
}

const SUBJECT: &str =
    "subjects:\n  - id: a\n    exe: /usr/bin/a\n    allow:\n      - file.open r /a\n";

/// Maps with one mistake each, and the line it is in.
fn bad_maps() -> Vec<(&'static str, String, u32)> {
    let map = |text: &str| format!("ambit: 1\ndomain: web\n{text}");
    vec![
        ("version", format!("ambit: 3\ndomain: web\n{SUBJECT}"), 1),
        ("no version", format!("domain: web\n{SUBJECT}"), 1),
        ("key", map(&format!("colour: red\n{SUBJECT}")), 3),
        (
            "operation",
            map(&SUBJECT.replace("file.open r", "file.eat")),
            7,
        ),
        (
            "argument",
            map(&SUBJECT.replace("file.open r", "file.open q")),
            7,
        ),
        (
            "class",
            map(&SUBJECT.replace("bin/a\n", "bin/{colour}\n")),
            5,
        ),
        (
            "class in a rule",
            map(&SUBJECT.replace("r /a", "r /{colour}")),
            7,
        ),
        ("glob", map(&SUBJECT.replace("r /a", "r /{a,b")), 7),
        (
            "address",
            map(&SUBJECT.replace("file.open r /a", "net.connect tcp 10.0.0.300:1")),
            7,
        ),
        (
            "port",
            map(&SUBJECT.replace("file.open r /a", "net.connect tcp 10.0.0.3:70000")),
            7,
        ),
        ("relative path", map(&SUBJECT.replace("r /a", "r a")), 7),
        ("domain", format!("ambit: 1\ndomain: a/b\n{SUBJECT}"), 2),
        ("chain", map(&format!("chain: 9\n{SUBJECT}")), 3),
        (
            "response",
            map(&format!("respond:\n  outside: {{net: explode}}\n{SUBJECT}")),
            4,
        ),
        (
            "family",
            map(&format!("respond:\n  outside: {{colour: deny}}\n{SUBJECT}")),
            4,
        ),
        (
            "twice",
            map(&format!(
                "{SUBJECT}  - id: b\n    exe: /usr/bin/a\n    allow:\n      - file.open r /a\n"
            )),
            8,
        ),
        (
            "id twice",
            map(&format!(
                "{SUBJECT}  - id: a\n    exe: /usr/bin/b\n    allow:\n      - file.open r /a\n"
            )),
            8,
        ),
        (
            "digest",
            map(&SUBJECT.replace("    allow", "    digest: [sha256:zz]\n    allow")),
            6,
        ),
        (
            "credentials",
            map(&SUBJECT.replace(
                "    allow",
                "    creds:\n      - uid=x gid=0 caps=-\n    allow",
            )),
            7,
        ),
        ("YAML", map("subjects: [\n"), 3),
    ]
}

fn a_bad_map_is_refused_with_line_and_column(lab: &Lab) {
    for (what, text, at) in bad_maps() {
        let path = lab.file("bad.map", &text);
        let run = lab
            .ambit(["map", "check", &path])
            .exits(1)
            .harmless_on_a_terminal();
        let place = format!(":{at}:");
        // The reader may notice the end of a list or the start of a document one line later.
        let next = format!(":{}:", at + 1);
        let said = run.stderr_text();
        run.expect(
            said.contains(&place) || said.contains(&next),
            &format!("{what}: line {at} should be named"),
        );
    }
    lab.file("good.map", format!("ambit: 1\ndomain: web\n{SUBJECT}"));
    lab.ambit(["map", "check", &lab.path("good.map")])
        .succeeds();
}

fn a_bad_map_starts_nothing(lab: &Lab) {
    let mark = lab.path("mark");
    lab.file(
        "bad.map",
        format!(
            "ambit: 1\ndomain: web\n{}",
            SUBJECT.replace("file.open r", "file.eat")
        ),
    );
    lab.enforce("bad.map", &line(&["touch", &mark]))
        .exits(1)
        .complains("file.eat");
    assert!(
        !std::path::Path::new(&mark).exists(),
        "the command ran without its map"
    );
    // Learning does not overwrite it either.
    let before = lab.map("bad.map").text;
    lab.learn("bad.map", &line(&["touch", &mark])).exits(1);
    assert_eq!(lab.map("bad.map").text, before);
}

fn a_map_of_noise_is_refused_at_once(lab: &Lab) {
    let mut state = 88_172_645_463_325_252_u64;
    let noise: Vec<u8> = std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    })
    .take(10 * 1024 * 1024 / 8)
    .flatten()
    .collect();
    let path = lab.file("noise.map", noise);
    let run = lab
        .ambit(["map", "check", &path])
        .exits(1)
        .harmless_on_a_terminal();
    let short = run.stderr.len() < 4096;
    run.expect(short, "an error is no place for the noise");
}

fn without_root_the_capabilities_are_named(lab: &Lab) {
    lab.outside(["chmod", "777", &lab.path("")]).succeeds();
    let map = lab.path("map");
    let run = lab.outside([
        "setpriv",
        "--reuid=65534",
        "--regid=65534",
        "--clear-groups",
        "ambit",
        "run",
        "--learn",
        "-o",
        &map,
        "--",
        "true",
    ]);
    one_error(run).exits(2).complains("CAP_BPF");
    // Commands that need no privileges work without them.
    lab.file("good.map", format!("ambit: 1\ndomain: web\n{SUBJECT}"));
    let good = lab.path("good.map");
    lab.outside([
        "setpriv",
        "--reuid=65534",
        "--regid=65534",
        "--clear-groups",
        "ambit",
        "map",
        "check",
        &good,
    ])
    .succeeds();
}

fn without_bpf_in_the_lsm_list_that_is_said(lab: &Lab) {
    let list = std::fs::read_to_string("/sys/kernel/security/lsm").unwrap_or_default();
    if list.trim().split(',').any(|name| name == "bpf") {
        skip("this kernel has bpf in its LSM list; boot with lsm=capability to see the error");
    }
    one_error(lab.learn("map", &line(&["true"])))
        .exits(2)
        .complains("lsm=");
}

fn violations_change_the_exit_status_only_where_asked_for(lab: &Lab) {
    let (known, secret) = (lab.path("known"), lab.file("secret", "x"));
    lab.learn("map", &act(&format!("open-r {known}")))
        .succeeds();
    let (map, outside) = (lab.path("map"), act(&format!("open-r {secret}")));
    let run = |options: &[&str], command: &[String]| {
        lab.ambit(words(&["run", "-m", &map], options, command))
    };
    run(&[], &outside).succeeds().says(&["open-r: ok"]);
    run(&["--fail-on-violation"], &outside)
        .exits(3)
        .says(&["open-r: ok"]);
    run(&["--enforce"], &outside)
        .exits(1)
        .says(&["open-r: errno EPERM"]);
    run(&["--enforce", "--fail-on-violation"], &outside).exits(3);
    run(
        &["--enforce", "--fail-on-violation"],
        &act(&format!("open-r {known}")),
    )
    .succeeds();
}

fn learning_merges_into_the_map_that_is_there(lab: &Lab) {
    let (known, other) = (lab.path("known"), lab.file("other", "x"));
    lab.learn("map", &act(&format!("open-r {known}")))
        .succeeds();
    lab.learn("map", &act(&format!("open-r {other}")))
        .succeeds();
    lab.enforce("map", &act(&format!("open-r {known} , open-r {other}")))
        .succeeds()
        .within_the_map();
    // The other order gives the same map.
    lab.learn("back.map", &act(&format!("open-r {other}")))
        .succeeds();
    lab.learn("back.map", &act(&format!("open-r {known}")))
        .succeeds();
    let digest = |map: &str| {
        String::from_utf8(
            lab.ambit(["map", "digest", &lab.path(map)])
                .succeeds()
                .stdout,
        )
        .unwrap()
    };
    assert_eq!(digest("map"), digest("back.map"));
    // `ambit map merge` gives the same result.
    lab.learn("a.map", &act(&format!("open-r {known}")))
        .succeeds();
    lab.learn("b.map", &act(&format!("open-r {other}")))
        .succeeds();
    let merged = lab
        .ambit(["map", "merge", &lab.path("a.map"), &lab.path("b.map")])
        .succeeds();
    lab.file("merged.map", &merged.stdout);
    assert_eq!(digest("map"), digest("merged.map"));
}

fn a_learned_map_checks_and_shows(lab: &Lab) {
    lab.learn(
        "map",
        &line(&["bash", "-c", "ls -l / >/dev/null; cat known"]),
    )
    .succeeds();
    let map = lab.path("map");
    lab.ambit(["map", "check", &map]).succeeds();
    let shown = lab.ambit(["map", "show", &map]).succeeds();
    assert_eq!(
        String::from_utf8(shown.stdout).unwrap(),
        std::fs::read_to_string(&map).unwrap(),
        "a learned map is canonical"
    );
}

fn map_diff_tells_what_changed(lab: &Lab) {
    let (known, other) = (lab.path("known"), lab.file("other", "x"));
    lab.learn("a.map", &act(&format!("open-r {known}")))
        .succeeds();
    lab.learn("b.map", &act(&format!("open-r {known} , open-r {other}")))
        .succeeds();
    let run = lab.ambit(["map", "diff", &lab.path("a.map"), &lab.path("b.map")]);
    let text = String::from_utf8_lossy(&run.stdout).into_owned();
    let right = text.contains(&format!("file.open r {other}"))
        && !text.contains(&format!("file.open r {known}"));
    run.expect(right, "what was added and only that should be there");
}

fn map_digest_does_not_depend_on_order_or_comments(lab: &Lab) {
    lab.learn("map", &line(&["bash", "-c", "cat known; grep k known"]))
        .succeeds();
    let text = lab.map("map").text;
    let digest = |name: &str| {
        String::from_utf8(
            lab.ambit(["map", "digest", &lab.path(name)])
                .succeeds()
                .stdout,
        )
        .unwrap()
    };
    let original = digest("map");
    lab.file(
        "other.map",
        format!("# reviewed\n{}", text.replace("domain: ", "domain: other-")),
    );
    assert_eq!(digest("other.map"), original);
    // Moving a rule changes nothing, removing it does.
    let mut lines: Vec<&str> = text.lines().collect();
    let first = lines
        .iter()
        .position(|line| line.starts_with("      - file.open"))
        .expect("an open");
    let rule = lines.remove(first);
    lab.file("less.map", lines.join("\n") + "\n");
    assert_ne!(digest("less.map"), original);
    let last = (first..lines.len())
        .find(|&at| !lines[at].starts_with("      - "))
        .unwrap_or(lines.len());
    lines.insert(last, rule);
    lab.file("moved.map", lines.join("\n") + "\n");
    assert_eq!(digest("moved.map"), original);
}

fn accepting_a_violation_allows_it_and_nothing_else(lab: &Lab) {
    let (known, other, secret) = (
        lab.path("known"),
        lab.file("other", "x"),
        lab.file("secret", "x"),
    );
    lab.learn("map", &act(&format!("open-r {known}")))
        .succeeds();
    let command = act(&format!("open-r {other} , open-r {secret}"));
    lab.enforce("map", &command)
        .exits(1)
        .says(&["open-r: errno EPERM", "open-r: errno EPERM"]);
    let explained = lab.explained(&[]);
    let wanted = format!("file.open r {other}");
    let found = explained
        .iter()
        .find(|one| one.to_string().contains(&wanted));
    let id = &found.unwrap_or_else(|| panic!("{wanted} is not explained: {explained:#?}"))["id"];
    let id = id.as_str().map_or_else(|| id.to_string(), str::to_owned);
    lab.ambit(["accept", &id, "--into", &lab.path("map")])
        .succeeds();
    lab.enforce("map", &command)
        .exits(1)
        .says(&["open-r: ok", "open-r: errno EPERM"]);
    lab.map("map")
        .must_not_have(&format!("file.open r {secret}"));
    lab.ambit(["accept", "no-such-id", "--into", &lab.path("map")])
        .exits(1);
}

fn explain_names_the_missing_line_and_who_asked(lab: &Lab) {
    let (known, secret) = (lab.path("known"), lab.file("secret", "x"));
    lab.learn("map", &act(&format!("open-r {known}")))
        .succeeds();
    lab.enforce("map", &act(&format!("open-r {secret}")))
        .exits(1);
    let run = lab.ambit(["explain"]).succeeds();
    let text = String::from_utf8_lossy(&run.stdout).into_owned();
    for part in [
        &format!("file.open r {secret}"),
        &format!("file.open r {known}"),
        "ambit-act",
        "ambit accept",
    ] {
        assert!(
            text.contains(part),
            "`ambit explain` should tell of {part:?}:\n{text}"
        );
    }
    // After a run without violations there is nothing to explain.
    lab.enforce("map", &act(&format!("open-r {known}")))
        .succeeds();
    assert!(lab.explained(&[]).is_empty());
}

fn doctor_says_what_this_kernel_can_do(lab: &Lab) {
    let run = lab.ambit(["doctor"]).succeeds().harmless_on_a_terminal();
    let text = String::from_utf8_lossy(&run.stdout).to_lowercase();
    run.expect(
        text.contains("bpf") && text.contains("btf"),
        "what Ambit needs should be there",
    );
    let run = lab.ambit(["doctor", "--json"]).succeeds();
    let json: Result<serde_json::Value, _> = serde_json::from_slice(&run.stdout);
    run.expect(json.is_ok(), "--json should give JSON");
}
