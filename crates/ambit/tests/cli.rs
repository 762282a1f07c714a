// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The output and exit codes of verbs that need no kernel part.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

mod support;

use std::fmt::Write;
use std::fs;

use support::Desk;

const MAP: &str = "\
ambit: 1
domain: web
chain: 2
start:
  - /usr/bin/cat
subjects:
  - id: cat
    exe: /usr/bin/cat
    allow:
      - file.open r /etc/hostname
";

/// A run of `cat` in which two opens were refused, the second at a gate.
const RUN: &str = r#"{"run":{"ambit":1,"domain":"web","mode":"enforce","map":"MAP","map_bytes":"HEX","command":["cat","x"],"began":"2026-01-02T03:04:05Z"}}
{"violation":{"id":"v1","rule":"file.open r /etc/shadow","op":"file.open","arg":1,"object":"/etc/shadow","object_bytes":"502f6574632f736861646f77","by":{"exe":"/usr/bin/cat","as":null,"script":null,"via":[],"bytes":{"exe":"502f7573722f62696e2f636174","as":null,"script":null,"via":[]}},"hook":"file_open","mode":"enforce","response":"deny","reason":"outside","trust":["model"],"cause":null,"pid":7,"tid":7,"ns_pid":7,"comm":"cat","time":"2026-01-02T03:04:06Z","time_ns":1,"count":1}}
{"violation":{"id":"v2","rule":"file.open r /etc/hostname","op":"file.open","arg":1,"object":"/etc/hostname","object_bytes":"502f6574632f686f73746e616d65","by":{"exe":"/usr/bin/cat","as":null,"script":null,"via":[],"bytes":{"exe":"502f7573722f62696e2f636174","as":null,"script":null,"via":[]}},"hook":"file_open","mode":"enforce","response":"deny","reason":"gate","trust":["model"],"cause":{"source":"model","violation":"v1","pid":7,"time":"2026-01-02T03:04:06Z"},"pid":7,"tid":7,"ns_pid":7,"comm":"cat","time":"2026-01-02T03:04:07Z","time_ns":2,"count":1}}
{"again":{"id":"v1","count":5}}
"#;

fn desk() -> Desk {
    Desk::new(MAP)
}

/// The same, with a stored run in the state directory of the command.
fn with_run() -> Desk {
    let desk = desk();
    let map = desk.path("web.map").to_str().unwrap().to_owned();
    let hex = map.bytes().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    });
    fs::create_dir(desk.path("runs")).unwrap();
    desk.file(
        "runs/web.jsonl",
        RUN.replace("MAP", &map).replace("HEX", &hex),
    );
    desk
}

#[test]
fn lines_that_decide_nothing_at_core_coverage_are_told() {
    let desk = desk();
    let lines = format!("{MAP}      - mount.mount new /mnt\n      - ns.user\n");
    desk.file("core.map", &lines);
    desk.ambit(&["map", "check", "core.map"])
        .exits(0)
        .complains("core.map: 2 lines have no effect, for example `mount.mount new /mnt`");
    desk.file(
        "full.map",
        lines.replace("chain: 2", "chain: 2\ncoverage: full"),
    );
    let quiet = desk.ambit(&["map", "check", "full.map"]).exits(0);
    assert_eq!(quiet.stderr(), "");
}

#[test]
fn a_good_map_is_ok_and_a_bad_one_says_where_and_why() {
    let desk = desk();
    desk.ambit(&["map", "check", "web.map"])
        .exits(0)
        .says("web.map: ok: 1 subject, 1 rule, sha256:");
    desk.file("bad.map", MAP.replace("file.open r", "file.eat"));
    desk.ambit(&["map", "check", "web.map", "bad.map"])
        .exits(1)
        .says("web.map: ok")
        .complains("bad.map:10:9");
    desk.ambit(&["map", "check", "none.map"])
        .exits(1)
        .complains("cannot read the map none.map");
}

#[test]
fn a_map_of_a_million_rules_is_answered() {
    let desk = desk();
    let mut map = MAP.to_owned();
    for number in 0..1_000_000 {
        let _ = writeln!(map, "      - file.open r /many/{number}");
    }
    desk.file("many.map", map);
    desk.ambit(&["map", "check", "many.map"])
        .exits(0)
        .says("1000001 rules");
}

#[test]
fn a_canonical_map_is_shown_as_it_is() {
    let desk = desk();
    assert_eq!(
        desk.ambit(&["map", "show", "web.map"]).exits(0).stdout(),
        MAP
    );
    let json = desk.ambit(&["map", "show", "--json", "web.map"]).exits(0);
    let json: serde_json::Value = serde_json::from_str(&json.stdout()).unwrap();
    assert_eq!(json["subjects"][0]["allow"][0], "file.open r /etc/hostname");
    desk.ambit(&["map", "show", "web.map", "--subject", "dog"])
        .exits(1)
        .complains("no subject `dog`; its subjects are cat");
}

#[test]
fn a_difference_changes_the_exit_status_only_where_asked_for() {
    let desk = desk();
    desk.file("more.map", format!("{MAP}      - file.open r /etc/motd\n"));
    desk.ambit(&["map", "diff", "web.map", "more.map"])
        .exits(0)
        .says("+   file.open r /etc/motd");
    desk.ambit(&["map", "diff", "--exit-code", "web.map", "more.map"])
        .exits(1);
    let same = desk.ambit(&["map", "diff", "--exit-code", "web.map", "web.map"]);
    assert_eq!(same.exits(0).stdout(), "");
}

#[test]
fn merged_maps_allow_what_either_does() {
    let desk = desk();
    desk.file("other.map", MAP.replace("hostname", "motd"));
    desk.ambit(&["map", "merge", "web.map", "other.map", "-o", "both.map"])
        .exits(0);
    let both = desk.text("both.map");
    assert!(
        both.contains("/etc/hostname") && both.contains("/etc/motd"),
        "{both}"
    );
    let one = desk.ambit(&["map", "digest", "both.map"]).exits(0).stdout();
    let merged = desk
        .ambit(&["map", "merge", "other.map", "web.map"])
        .exits(0);
    desk.file("again.map", merged.stdout());
    assert_eq!(
        desk.ambit(&["map", "digest", "again.map"])
            .exits(0)
            .stdout(),
        one
    );
    desk.file("foreign.map", MAP.replace("domain: web", "domain: mail"));
    desk.ambit(&["map", "merge", "web.map", "foreign.map"])
        .exits(1)
        .complains("different domains");
}

/// A map with dated logs, numbered files in /etc, and an existing file that no run opened.
fn varied(desk: &Desk) -> String {
    let dir = desk.path("d");
    fs::create_dir(&dir).unwrap();
    desk.file("d/log-7", "");
    desk.file("d/log-x", "");
    let dir = dir.to_str().unwrap();
    let lines =
        ["log-1", "log-2", "log-3"].map(|name| format!("      - file.create {dir}/{name}\n"));
    let lines = lines.concat();
    let etc = "      - file.create /etc/a-1.conf\n      - file.create /etc/a-2.conf\n";
    desk.file("varied.map", format!("{MAP}{lines}{etc}"));
    dir.to_owned()
}

#[test]
fn proposals_are_shown_and_nothing_is_applied_that_was_not_chosen() {
    let desk = desk();
    let dir = varied(&desk);
    let before = desk.text("varied.map");
    desk.ambit(&["map", "generalize", "varied.map"])
        .exits(0)
        .says(&format!("{dir}/log-{{n}}  numbers  risk low"))
        .says("3 lines become 1")
        .says(&format!("newly allowed and there: 1 path: {dir}/log-7"))
        .says("/etc/a-{n}.conf  numbers  risk high, sensitive")
        .says("sensitive: /etc/**: configuration");
    assert_eq!(desk.text("varied.map"), before);
    let json = |desk: &Desk| {
        let ran = desk.ambit(&["map", "generalize", "--json", "--no-walk", "varied.map"]);
        ran.exits(0).stdout()
    };
    assert_eq!(json(&desk), json(&desk));
    let view: serde_json::Value = serde_json::from_str(&json(&desk)).unwrap();
    assert_eq!(view["before"], 6);
    assert_eq!(view["after"], 4);
    assert_eq!(view["proposals"].as_array().unwrap().len(), 2);
}

#[test]
fn a_heuristic_is_left_out_by_its_name() {
    let desk = desk();
    varied(&desk);
    let generalize = |without: &str| {
        desk.ambit(&[
            "map",
            "generalize",
            "--no-walk",
            "--without",
            without,
            "varied.map",
        ])
    };
    generalize("propose-hex").exits(0).says("numbers  risk low");
    let ran = generalize("propose-numbers").exits(0);
    assert!(!ran.stdout().contains("numbers"), "{}", ran.stdout());
    generalize("luck")
        .exits(1)
        .complains("unknown heuristic; there are: names, across-runs,");
    generalize("dates")
        .exits(1)
        .complains("only proposals can be left out");
}

#[test]
fn what_is_sensitive_is_applied_only_by_name() {
    let desk = desk();
    let dir = varied(&desk);
    desk.ambit(&[
        "map",
        "generalize",
        "varied.map",
        "--apply",
        "all",
        "-o",
        "out.map",
    ])
    .exits(0)
    .complains("1 proposal not applied because sensitive");
    let out = desk.text("out.map");
    assert!(
        out.contains(&format!("- file.create {dir}/log-{{n}}\n")),
        "{out}"
    );
    assert!(out.contains("/etc/a-1.conf"), "{out}");
    let json = desk.ambit(&["map", "generalize", "--json", "--no-walk", "out.map"]);
    let json: serde_json::Value = serde_json::from_str(&json.exits(0).stdout()).unwrap();
    let id = json["proposals"][0]["id"].as_str().unwrap();
    desk.ambit(&["map", "generalize", "out.map", "--apply", id])
        .exits(0)
        .says("file.create /etc/a-{n}.conf");
    desk.ambit(&["map", "generalize", "out.map", "--apply", "g0"])
        .exits(1)
        .complains("no proposal `g0`");
}

#[test]
fn comments_and_lists_keep_lines_exact() {
    let desk = desk();
    let dir = varied(&desk);
    let text = desk.text("varied.map");
    let kept = format!("- file.create {dir}/log-1");
    desk.file(
        "kept.map",
        text.replace(&kept, &format!("{kept} # keep exact")),
    );
    let shown = desk
        .ambit(&["map", "generalize", "--no-walk", "kept.map"])
        .exits(0)
        .stdout();
    assert!(
        !shown.contains("log-{n}") && shown.contains("a-{n}.conf"),
        "{shown}"
    );
    desk.file("own", format!("never /etc/**\nany {dir}/** # ours\n"));
    desk.ambit(&[
        "map",
        "generalize",
        "--no-walk",
        "--list",
        "own",
        "varied.map",
    ])
    .exits(0)
    .says(": ours")
    .says("1 proposal for 3 lines of 6: 6 are left");
    desk.ambit(&["map", "generalize", "--sensitive", "--list", "own"])
        .exits(0)
        .says("any    /etc/**")
        .says("never  /etc/**");
    desk.file("bad", "any /x\nsome /y\n");
    desk.ambit(&["map", "generalize", "--list", "bad", "varied.map"])
        .exits(1)
        .complains("in the list bad: line 2, column 1");
}

/// The map of a service with a shell, a writable program and a key.
const OPEN_MAP: &str = "\
ambit: 1
domain: web
coverage: full
start:
  - /usr/bin/web
subjects:
  - id: sh
    exe: /usr/bin/dash
    via: [/usr/bin/web]
    creds:
      - uid=33 gid=33 caps=-
    allow:
      - file.open r /srv/site.key
  - id: web
    exe: /usr/bin/web
    creds:
      - uid=33 gid=33 caps=-
    allow:
      - exec /usr/bin/dash
      - file.open r /srv/page
      - file.open w /usr/bin/web
";

#[test]
fn a_review_shows_findings_with_lines_reached_subjects_and_changes() {
    let desk = desk();
    desk.file("open.map", OPEN_MAP);
    desk.ambit(&["map", "review", "open.map"])
        .exits(0)
        .says("open.map: exposure 8.7 of 10 (critical), 2 subjects\n")
        .says("web (/usr/bin/web)  exposure 8.7 (critical), 7.8 without the programs that it starts\n")
        .says("  high      It can start a shell, which runs commands")
        .says("            19: exec /usr/bin/dash\n")
        .says("            5: start: /usr/bin/web\n")
        .says("Through /usr/bin/dash it has the lines of sh as well: reads-secrets\n")
        .says("remove `exec /usr/bin/dash` of web")
        .says("--against");
    desk.ambit(&["map", "review", "web.map", "--subject", "dog"])
        .exits(1)
        .complains("no subject `dog`; its subjects are cat");
    let one = desk.ambit(&["map", "review", "open.map", "--subject", "sh"]);
    assert!(!one.exits(0).stdout().contains("web (/usr/bin/web)"));
}

#[test]
fn a_review_as_json_has_what_the_text_has() {
    let desk = desk();
    desk.file("open.map", OPEN_MAP);
    let json = desk
        .ambit(&["map", "review", "--json", "open.map"])
        .exits(0);
    let json: serde_json::Value = serde_json::from_str(&json.stdout()).unwrap();
    assert_eq!(json["map"], "open.map");
    assert_eq!(json["exposure"], 8.7);
    assert_eq!(json["runs"], 0);
    let web = &json["subjects"][0];
    assert_eq!(web["findings"][0]["severity"], "high");
    assert_eq!(web["reaches"][0]["through"][0], "/usr/bin/dash");
    assert_eq!(web["reaches"][0]["adds"][0], "reads-secrets");
    assert!(json["changes"][0]["removes"][0]["number"].is_u64());
}

#[test]
fn a_review_prints_no_control_characters_of_a_map() {
    let desk = desk();
    let map = OPEN_MAP.replace("/srv/site.key", "/srv/a\\x1b]0;\\xe2\\x80\\xae.key");
    desk.file("open.map", map);
    for option in ["--verbose", "--json"] {
        let out = desk
            .ambit(&["map", "review", "open.map", option])
            .exits(0)
            .stdout();
        assert!(
            out.chars()
                .all(|c| c == '\n' || !c.is_control() && c != '\u{202e}'),
            "{out}"
        );
    }
}

#[test]
fn an_incomplete_map_is_not_enforced_unless_that_is_asked_for() {
    let desk = desk();
    desk.file(
        "part.map",
        MAP.replace("chain: 2\n", "chain: 2\nincomplete: 7\n"),
    );
    desk.ambit(&["run", "-m", "part.map", "--enforce", "--", "true"])
        .exits(1)
        .complains("--allow-incomplete");
}

#[test]
fn a_command_that_can_not_run_is_told_before_anything_is_loaded() {
    let desk = desk();
    let learn = |command: &str| desk.ambit(&["run", "--learn", "-o", "new.map", "--", command]);
    learn("no-such-command")
        .exits(127)
        .complains("no-such-command: command not found");
    learn("./web.map")
        .exits(126)
        .complains("cannot be executed");
    learn("/").exits(126);
    assert!(!desk.path("new.map").exists());
}

#[test]
fn a_place_for_counters_that_can_not_be_written_is_told_before_anything_is_loaded() {
    let desk = desk();
    for mode in [&["--learn", "-o", "new.map"][..], &["-m", "web.map"]] {
        let words = [&["run"], mode, &["--stats", "missing/s.json", "--", "true"]].concat();
        desk.ambit(&words)
            .exits(1)
            .complains("cannot write the counters to missing/s.json");
    }
    assert!(!desk.path("new.map").exists());
}

#[test]
fn a_run_without_a_purpose_is_told_which_there_are() {
    let desk = desk();
    desk.ambit(&["run", "--", "true"])
        .exits(1)
        .complains("`--learn -o MAP`");
    desk.ambit(&["run", "--learn", "--", "true"])
        .exits(1)
        .complains("--output");
}

#[test]
fn every_file_of_rules_is_checked_once_and_says_what_is_wrong_with_it() {
    let desk = desk();
    let rule = |id: &str, when: &str| {
        format!("ambit-rules: 1\nrules:\n  - {{id: {id}, on: exec, do: audit, when: '{when}'}}\n")
    };
    fs::create_dir_all(desk.path("rules/more")).unwrap();
    desk.file("rules/a.yaml", rule("a", "task.uid == 0"));
    desk.file("rules/more/b.yml", rule("b", "task.uid == 1"));
    desk.file("rules/more/.c.yaml", "hidden");
    desk.file("rules/README.md", "no rules");
    let pipe = desk.path("rules/pipe.yaml");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &pipe,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR,
        0,
    )
    .unwrap();
    desk.ambit(&["rules", "check", "rules", "./rules/a.yaml"])
        .exits(0)
        .complains("2 rules in 2 files: no errors");
    desk.file("rules/a.yaml", rule("a", "task.xid == 0"));
    desk.file("rules/more/b.yml", rule("b", "task.uid == 1 and true"));
    let checked = desk.ambit(&["rules", "check", "rules"]).exits(1);
    assert!(checked.stderr().contains(" --> rules/a.yaml:3:41\n"));
    assert!(checked.stderr().contains(" --> rules/more/b.yml:3:55\n"));
    // A file without an end is read up to the maximum size.
    desk.ambit(&["rules", "check", "/dev/zero"])
        .exits(1)
        .complains("the file is larger than 4 MiB");
}

#[test]
fn a_rules_id_in_place_of_a_file_is_told_where_it_belongs() {
    desk()
        .ambit(&["rules", "show", "no-shell"])
        .exits(1)
        .complains("to show an active rule, use `ambit rules show --id no-shell`");
}

#[test]
fn a_missing_argument_is_told_with_each_way_to_give_it() {
    let desk = desk();
    desk.ambit(&["replay", "web.rec"])
        .exits(1)
        .complains("--map <MAP>|--rules <FILE>");
    desk.ambit(&["map", "diff", "a.map"])
        .exits(1)
        .complains("AFTER|--used <FILE>");
}

#[test]
fn a_field_is_listed_only_for_operations_whose_objects_can_have_it() {
    let desk = desk();
    let fields = desk
        .ambit(&["rules", "fields", "file.open"])
        .exits(0)
        .stdout();
    assert!(fields.contains("object.deleted"), "{fields}");
    let fields = desk
        .ambit(&["rules", "fields", "file.create"])
        .exits(0)
        .stdout();
    assert!(!fields.contains("object.deleted"), "{fields}");
    assert!(fields.contains("object.path"), "{fields}");
}

#[test]
fn what_is_typed_wrong_exits_with_1_and_is_repeated_without_escapes() {
    let desk = desk();
    for ring in ["0", "4095", "x"] {
        let option = format!("--ring-size={ring}");
        desk.ambit(&["run", "--learn", "-o", "m", &option, "--", "true"])
            .exits(1)
            .complains("--ring-size");
    }
    let ran = desk.ambit(&[
        "run",
        "--learn",
        "-o",
        "m",
        "--domain=a/\x1b[2J",
        "--",
        "true",
    ]);
    let said = ran.exits(1).stderr();
    assert!(said.contains("a/") && !said.contains('\x1b'), "{said}");
    desk.ambit(&["fly"]).exits(1);
    desk.ambit(&[]).exits(1).complains("Usage");
}

#[test]
fn a_bad_map_is_not_learned_into() {
    let desk = desk();
    desk.file("bad.map", "ambit: 1\ncolour: red\n");
    desk.ambit(&["run", "--learn", "-o", "bad.map", "--", "true"])
        .exits(1)
        .complains("bad.map:2:1");
    desk.ambit(&["run", "--learn", "-o", "no/such/folder/m", "--", "true"])
        .exits(1)
        .complains("cannot write the map");
}

#[test]
fn another_chain_than_the_maps_is_refused() {
    let desk = desk();
    desk.ambit(&[
        "run", "--learn", "-o", "web.map", "--chain", "3", "--", "true",
    ])
    .exits(1)
    .complains("`chain: 2`");
}

#[test]
fn an_explanation_has_the_line_its_neighbours_and_the_command() {
    let desk = with_run();
    desk.ambit(&["explain"])
        .exits(0)
        .says("v1 file.open r /etc/shadow")
        .says("5 times")
        .says("file.open r /etc/hostname (cat)")
        .says("cat (process 7)")
        .says("ambit accept v1 --into ");
    desk.ambit(&["explain", "v2"])
        .exits(0)
        .says("lost by v1")
        .says("ambit trust clear --pid 7");
    let json = desk.ambit(&["explain", "--json", "1"]).exits(0).stdout();
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["id"], "v1");
    assert_eq!(json["violation"]["count"], 5);
    desk.ambit(&["explain", "v9"])
        .exits(1)
        .complains("v1 to v2");
}

#[test]
fn losses_of_a_run_are_shown_as_what_they_are() {
    let desk = with_run();
    let run = desk.text("runs/web.jsonl");
    let end = r#"{"end":{"ended":"u","dropped":7,"lost":2}}"#;
    desk.file("runs/web.jsonl", format!("{run}{end}\n"));
    desk.ambit(&["explain"])
        .exits(0)
        .says("at least 2 operations outside the map\n7 records of other operations not stored")
        .says("2 records lost, because the ring");
    let first = run.lines().next().unwrap();
    desk.file("runs/web.jsonl", format!("{first}\n{end}\n"));
    let explained = desk.ambit(&["explain"]).exits(0).says("2 records lost");
    assert!(!explained.stdout().contains("nothing was outside"));
    desk.file("runs/web.jsonl", format!("{first}\n{{\"again\":{{\"id\n"));
    desk.ambit(&["explain"])
        .exits(0)
        .says("nothing was outside the map");
    desk.file("runs/web.jsonl", format!("{first}\n\0\n"));
    desk.ambit(&["explain"])
        .exits(0)
        .says("1 stored line cannot be read");
}

#[test]
fn without_a_run_it_is_said_how_to_get_one() {
    let desk = desk();
    desk.ambit(&["explain"])
        .exits(1)
        .complains("ambit run -m MAP");
    desk.ambit(&["explain", "--domain", "mail"])
        .exits(1)
        .complains("`mail`");
}

#[test]
fn an_accepted_violation_is_in_the_map_and_nothing_else_changes() {
    let desk = with_run();
    desk.ambit(&["accept", "v1", "--into", "web.map"])
        .exits(0)
        .says("+   file.open r /etc/shadow");
    assert_eq!(
        desk.text("web.map"),
        format!("{MAP}      - file.open r /etc/shadow\n")
    );
    desk.ambit(&["accept", "v1", "--into", "web.map"])
        .exits(0)
        .complains("allows this already");
    desk.ambit(&["explain", "v1"])
        .exits(0)
        .says("the map now allows it");
}

#[test]
fn a_run_of_another_domain_widens_a_map_only_by_name() {
    let desk = with_run();
    let of_another = MAP.replace("domain: web", "domain: other");
    desk.file("other.map", &of_another);
    desk.ambit(&["accept", "v1", "--into", "other.map"])
        .exits(1)
        .complains("domain `web`")
        .complains("--domain other");
    assert_eq!(desk.text("other.map"), of_another);
    desk.ambit(&["explain", "--domain", "web"])
        .exits(0)
        .says("web.map --domain web\n");
    desk.ambit(&["accept", "v1", "--into", "other.map", "--domain", "web"])
        .exits(0);
    assert_ne!(desk.text("other.map"), of_another);
}

#[test]
fn what_was_refused_at_a_gate_can_not_be_accepted() {
    let desk = with_run();
    desk.ambit(&["accept", "v1", "v2", "--into", "web.map"])
        .exits(1)
        .complains("not trusted any more");
    assert_eq!(desk.text("web.map"), MAP, "half of it was accepted");
}

#[test]
fn a_map_elsewhere_gone_is_no_reason_not_to_explain() {
    let desk = with_run();
    fs::remove_file(desk.path("web.map")).unwrap();
    desk.ambit(&["explain", "v1"])
        .exits(0)
        .says("file.open r /etc/shadow")
        .complains("the explanations do not use the map");
}

#[test]
fn completions_and_manual_pages_are_there() {
    let desk = desk();
    for shell in ["bash", "zsh", "fish"] {
        desk.ambit(&["completions", shell]).exits(0).says("ambit");
    }
    desk.ambit(&["man"]).exits(0).says(".TH ambit");
    desk.ambit(&["man", "pages"]).exits(0);
    assert!(desk.path("pages/ambit-run.1").exists());
    desk.ambit(&["--version"]).exits(0).says("ambit 0.");
    desk.ambit(&["run", "--help"]).exits(0).says("Examples:");
}

#[test]
fn where_nothing_can_be_enforced_the_canary_says_what_doctor_says() {
    let desk = desk();
    let doctor = desk.ambit(&["doctor"]);
    if doctor.0.status.success() {
        // This machine can load the kernel part: the lab tests the verb.
        return;
    }
    let canary = desk.ambit(&["doctor", "--canary"]).exits(2);
    assert_eq!(canary.stdout(), doctor.stdout());
    let json = desk.ambit(&["doctor", "--canary", "--json"]).exits(2);
    let host: serde_json::Value = serde_json::from_str(&json.stdout()).unwrap();
    assert_eq!(host["can_enforce"], false);
    assert!(host.get("canary").is_none());
}

#[test]
fn the_actor_is_not_among_the_verbs_shown() {
    let help = desk().ambit(&["--help"]).exits(0).stdout();
    assert!(!help.contains("\n  act "), "{help}");
    desk().ambit(&["act", "true"]).exits(0).says("true: ok");
}

/// Rules that name a directory of this machine by a link.
fn linked_desk() -> (Desk, String) {
    let desk = desk();
    let root = fs::canonicalize(desk.path("")).unwrap();
    let root = root.to_str().unwrap().to_owned();
    fs::create_dir(desk.path("usr")).unwrap();
    std::os::unix::fs::symlink("usr", desk.path("bin")).unwrap();
    (desk, root)
}

#[test]
fn rules_that_never_match_are_errors_with_place_and_correction() {
    let desk = desk();
    let rules = "ambit-rules: 1\nrules:\n  - {id: a, on: file.open, when: 'object.path == \"/proc/1/environ\"', do: deny}\n  \
                 - {id: b, on: net.connect, when: 'object.path == \"/x\" && object.port == 22', do: deny}\n";
    desk.file("r.yaml", rules);
    desk.ambit(&["rules", "check", "r.yaml"])
        .exits(1)
        .complains("r.yaml:3:35")
        .complains("write \"/proc/{pid}/environ\" for another process")
        .complains("r.yaml:4:60")
        .complains("no object has such values of `object.path` and `object.port` at once");
}

#[test]
fn rules_that_name_links_of_this_machine_are_reported_with_host() {
    let (desk, root) = linked_desk();
    let rules = format!(
        "ambit-rules: 1\nrules:\n  - {{id: a, on: exec, when: 'object.path.startsWith(\"{root}/bin/\")', do: deny}}\n"
    );
    desk.file("r.yaml", rules);
    let plain = desk.ambit(&["rules", "check", "r.yaml"]).exits(0);
    assert!(!plain.stderr().contains("link"), "{}", plain.stderr());
    desk.ambit(&["rules", "check", "--host", "r.yaml"])
        .exits(0)
        .complains(&format!("{root}/bin is a link to {root}/usr"))
        .complains("r.yaml:3:")
        .complains(&format!("write {root}/usr/"));
}

#[test]
fn lines_of_a_map_that_never_match_are_reported_and_links_with_host() {
    let (desk, root) = linked_desk();
    let map = format!("{MAP}      - file.open r /proc/self/status\n      - exec {root}/bin/grep\n");
    desk.file("web.map", map);
    let plain = desk
        .ambit(&["map", "check", "web.map"])
        .exits(0)
        .complains("`/proc/self/status` never matches")
        .complains("web.map:11:21")
        .complains("write `/proc/{self}/status`");
    assert!(
        !plain.stderr().contains("is a link to"),
        "{}",
        plain.stderr()
    );
    desk.ambit(&["map", "check", "--host", "web.map"])
        .exits(0)
        .complains(&format!("{root}/bin is a link to {root}/usr"))
        .complains("web.map:12:14")
        .complains(&format!("write {root}/usr/grep"));
}

#[test]
fn explain_reports_links_that_the_map_names() {
    let desk = with_run();
    let root = fs::canonicalize(desk.path("")).unwrap();
    std::os::unix::fs::symlink("usr", desk.path("bin")).unwrap();
    desk.file(
        "web.map",
        format!("{MAP}      - exec {}/bin/x\n", root.display()),
    );
    desk.ambit(&["explain", "--domain", "web"])
        .exits(0)
        .complains("is a link to")
        .says("file.open r /etc/shadow");
}
