// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Replaying, sealing and status from the command line, which need no kernel part.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

mod support;

use std::fs;
use std::io::BufWriter;
use std::process::Command;

use ambit_abi::{self as abi, EventKind, Fp, Hook, Op};
use ambit_event::{Object, Path, RawEvent, RingRecord, Subject};
use ambit_recording::{Header, Summary, Writer};
use support::{Desk, Ran};

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
      - file.open r /srv/**
      - file.open r /never/used
";

const STATS: &str = "\
{\"ambit-stats\":1,\"domain\":\"web\",\"chain\":2}
{\"run\":\"0000000000000001\",\"began\":\"2026-01-01T00:00:00Z\",\"operations\":40,\"lines\":2,\"new\":2,\"missed\":0,\"untrusted\":0}
{\"run\":\"0000000000000002\",\"began\":\"2026-01-02T00:00:00Z\",\"operations\":40,\"lines\":2,\"new\":0,\"missed\":0,\"untrusted\":0}
{\"run\":\"0000000000000003\",\"began\":\"2026-01-03T00:00:00Z\",\"operations\":20,\"lines\":1,\"new\":0,\"missed\":0,\"untrusted\":3}
{\"by\":null,\"line\":\"exec /usr/bin/cat\",\"seen\":[[0,1],[1,1],[2,1]]}
{\"by\":{\"exe\":\"/usr/bin/cat\"},\"line\":\"file.open r /etc/hostname\",\"seen\":[[0,30],[1,30],[2,9]]}
{\"by\":{\"exe\":\"/usr/bin/cat\"},\"line\":\"file.open r /srv/x\",\"seen\":[[0,1],[1,4]]}
";

fn desk() -> Desk {
    Desk::new(MAP)
}

/// Records `cat` opening each file a number of times.
fn record(desk: &Desk, name: &str, files: impl IntoIterator<Item = (String, u64)>) {
    let out = BufWriter::new(fs::File::create(desk.path(name)).unwrap());
    let header = Header {
        domain: "web".to_owned(),
        mode: "learn".to_owned(),
        chain: 2,
        ephemeral: (32_768, 60_999),
        ..Header::new()
    };
    let mut writer = Writer::new(out, &header).unwrap();
    let mut number = 0_u64;
    for (path, times) in files {
        let object = Object::Path(Path::new(path.into_bytes()).unwrap());
        let bytes = object.to_bytes();
        number += 1;
        for time in 0..times {
            let header = abi::Event {
                kind: EventKind::Match.into(),
                hook: Hook::FileOpen.into(),
                op: Op::FileOpen.into(),
                arg: abi::OPEN_READ,
                mode: 1,
                key: Fp { lo: number, hi: 1 },
                subject: Fp { lo: 7, hi: 7 },
                tgid: 5,
                tid: 5,
                time_ns: number * 1000 + time,
                ..abi::Event::default()
            };
            let raw = RawEvent {
                header,
                object: &bytes,
            };
            assert!(
                writer
                    .record(&RingRecord::new(raw).unwrap(), |_| Some(cat()))
                    .unwrap()
            );
        }
    }
    writer.end(&Summary::default()).unwrap();
}

fn record_few(desk: &Desk, name: &str) {
    let files = [("/etc/hostname", 3), ("/etc/shadow", 2), ("/srv/a/b", 1)];
    record(
        desk,
        name,
        files.map(|(path, times)| (path.to_owned(), times)),
    );
}

fn cat() -> Subject {
    Subject {
        exe: Some(Object::Path(Path::new(b"/usr/bin/cat".to_vec()).unwrap())),
        ..Subject::default()
    }
}

#[test]
fn a_review_shows_what_a_change_would_have_refused() {
    let desk = desk();
    record_few(&desk, "rec");
    desk.file("web.map", MAP.replace("r /srv/**", "rw /srv/**"));
    desk.ambit(&["map", "review", "web.map"])
        .exits(0)
        .says("A pattern with `*` or `**` covers every name at its place.");
    desk.ambit(&["map", "review", "web.map", "--against", "rec"])
        .exits(0)
        .says("replace `file.open rw /srv/**` of cat by the one that was seen")
        .says("+ file.open r /srv/a/b\n       would have refused nothing in 1 recording\n");
    desk.file("web.map.stats", STATS);
    desk.ambit(&["map", "review", "web.map"])
        .exits(0)
        .says("A pattern covers many names, but only one was seen.")
        .says("would have refused nothing in 3 learning runs");
    desk.ambit(&["map", "review", "web.map", "--against", "none"])
        .exits(1)
        .complains("cannot read the recording none");
}

#[test]
fn replay_says_what_the_map_would_refuse_and_why() {
    let desk = desk();
    record_few(&desk, "rec");
    desk.ambit(&["replay", "rec", "-m", "web.map"])
        .exits(0)
        .says("/usr/bin/cat: 1 operation\n")
        .says("file.open r /etc/shadow\n  subject  cat (/usr/bin/cat)\n  reason   no rule of this program allows it\n")
        .says("allowed when it was recorded; the map would refuse it, 2 times so far")
        .says("      - file.open r /etc/shadow")
        .says("web.map does not allow 1 operation (2 occurrences of 6 recorded operations)");
    desk.ambit(&["replay", "rec", "-m", "web.map", "--fail-on-violation"])
        .exits(3);
}

#[test]
fn a_recording_of_less_coverage_than_the_map_s_says_so() {
    let desk = desk();
    desk.file(
        "full.map",
        MAP.replace("chain: 2", "chain: 2\ncoverage: full"),
    );
    let allowed = [("/etc/hostname".to_owned(), 1)];
    record(&desk, "rec", allowed);
    desk.ambit(&["replay", "rec", "-m", "full.map"])
        .exits(0)
        .complains("rec: recorded with `coverage: core`");
    desk.ambit(&["map", "seal", "full.map", "--against", "rec"])
        .exits(1)
        .complains(
            "full.map is not sealed: the recordings do not contain all operations of their runs",
        );
    let quiet = desk.ambit(&["replay", "rec", "-m", "web.map"]).exits(0);
    assert_eq!(quiet.stderr(), "");
}

#[test]
fn replay_as_json_is_an_object_a_line_and_a_summary() {
    let desk = desk();
    record_few(&desk, "one");
    record_few(&desk, "two");
    let text = desk
        .ambit(&["replay", "one", "two", "-m", "web.map", "--json"])
        .exits(0)
        .stdout();
    let lines: Vec<serde_json::Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 2);
    assert_eq!(
        (lines[0]["attempted"].as_str(), lines[0]["times"].as_u64()),
        (Some("file.open r /etc/shadow"), Some(4))
    );
    assert_eq!(lines[0]["would"], "deny");
    let recordings = lines[1]["summary"]["recordings"].as_array().unwrap();
    assert_eq!(
        (recordings.len(), recordings[1]["operations"].as_u64()),
        (2, Some(6))
    );
}

#[test]
fn a_recording_that_was_cut_is_read_and_that_is_said() {
    let desk = desk();
    record_few(&desk, "rec");
    let bytes = fs::read(desk.path("rec")).unwrap();
    desk.file("cut", &bytes[..bytes.len() - 3]);
    desk.ambit(&["replay", "cut", "-m", "web.map"])
        .exits(0)
        .complains("cut: ends early")
        .says("of 6 recorded operations");
    let mut bytes = bytes;
    let last = bytes.len() - 3;
    bytes[last] ^= 1;
    desk.file("damaged", &bytes);
    desk.ambit(&["replay", "damaged", "-m", "web.map"])
        .exits(0)
        .complains("damaged: damaged: the part after byte");
}

const RULES: &str = "\
ambit-rules: 1
rules:
  - id: shadow
    title: The shadow file was opened
    severity: high
    on: file.open
    when: object.path == \"/etc/shadow\"
    do: [audit, deny]
  - {id: srv, on: file.open, when: 'object.path.startsWith(\"/srv/\")', do: allow}
  - {id: host, on: file.open, when: 'object.path == \"/etc/hostname\" && task.uid == 0', do: deny}
  - {id: dirs, on: [file.mkdir, kernel.bpf], do: audit}
";

#[test]
fn replay_says_what_rules_would_have_done_and_what_it_cannot_tell() {
    let desk = desk();
    record_few(&desk, "rec");
    fs::create_dir(desk.path("rules")).unwrap();
    desk.file("rules/my.yaml", RULES);
    desk.ambit(&["replay", "rec", "--rules", "rules"])
        .exits(0)
        .says("shadow (high): The shadow file was opened\n  matched    2 times: 2 refused\n")
        .says("         2 x file.open r /etc/shadow, by /usr/bin/cat\n")
        .says("srv (info)\n  matched    1 time: 1 allowed\n")
        .says("host (info)\n  undecided  3 times: recordings do not contain task.uid\n")
        .says("never matched: dirs\n")
        .says("2 of 4 rules would have matched; of 6 recorded operations, 2 would have been refused and 1 allowed regardless of a map")
        .says("3 operations undecided, 3 of which a rule might have refused")
        .complains("kernel.bpf is missing from at least one recording: 1 rule for it may have matched more often")
        .complains("recordings do not contain task.uid: 3 answers undecided by host");
    desk.ambit(&["replay", "rec", "--rules", "rules", "--fail-on-violation"])
        .exits(3);
    desk.ambit(&["replay", "rec"]).exits(1).complains("--map");
}

#[test]
fn rules_go_before_the_map_of_a_replay() {
    let desk = desk();
    record_few(&desk, "rec");
    desk.file("deny.yaml", RULES);
    desk.file(
        "allow.yaml",
        "ambit-rules: 1\nrules:\n  - {id: ok, on: file.open, when: 'object.path == \"/etc/shadow\"', do: allow}\n",
    );
    let both = ["replay", "rec", "-m", "web.map", "--rules"];
    desk.ambit(&[&both[..], &["allow.yaml", "--fail-on-violation"]].concat())
        .exits(0)
        .says("web.map allows all of 6 recorded operations")
        .says("ok (info)\n  matched    2 times: 2 allowed")
        .says("operations that rules allow (2 occurrences) are not counted as outside the map");
    desk.file("web.map", MAP.replace("/never/used", "/etc/shadow"));
    desk.ambit(&[&both[..], &["deny.yaml", "--fail-on-violation"]].concat())
        .exits(3)
        .says("web.map allows all of 6 recorded operations")
        .says("2 would have been refused");
    let text = desk
        .ambit(&[&both[..], &["deny.yaml", "--json"]].concat())
        .exits(0)
        .stdout();
    let lines: Vec<serde_json::Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 5);
    assert_eq!(
        (
            &lines[0]["rule"],
            lines[0]["refused"].as_u64(),
            lines[0]["examples"][0]["times"].as_u64()
        ),
        (&"shadow".into(), Some(2), Some(2))
    );
    assert_eq!(lines[2]["missing"][0], "task.uid");
    let summary = &lines[4]["summary"];
    assert_eq!(
        (
            summary["times"].as_u64(),
            summary["rules"]["refused"].as_u64()
        ),
        (Some(0), Some(2))
    );
    assert_eq!(summary["recordings"][0]["operations"], 6);
}

#[test]
fn rules_that_are_wrong_are_pointed_at_before_anything_is_replayed() {
    let desk = desk();
    record_few(&desk, "rec");
    desk.file(
        "wrong.yaml",
        "ambit-rules: 1\nrules:\n  - {id: x, on: file.open, when: 'object.pth == \"/x\"', do: deny}\n",
    );
    let checked = desk.ambit(&["rules", "check", "wrong.yaml"]).exits(1);
    let replayed = desk
        .ambit(&["replay", "rec", "--rules", "wrong.yaml"])
        .exits(1);
    assert_eq!(replayed.stderr(), checked.stderr());
    replayed.complains("wrong.yaml:3:").complains("object.path");
}

#[test]
fn what_is_no_recording_is_refused_with_its_name() {
    let desk = desk();
    desk.ambit(&["replay", "web.map", "-m", "web.map"])
        .exits(1)
        .complains("cannot read the recording web.map: not a recording");
    desk.ambit(&["replay", "none", "-m", "web.map"])
        .exits(1)
        .complains("cannot read the recording none");
    desk.ambit(&["replay", "-m", "web.map"])
        .exits(1)
        .complains("<FILE>");
    record_few(&desk, "rec");
    desk.file("deep.map", MAP.replace("chain: 2", "chain: 3"));
    desk.ambit(&["replay", "rec", "-m", "deep.map"])
        .exits(1)
        .complains("rec was recorded with `chain: 2`, but the map has `chain: 3`");
}

#[test]
fn diff_used_shows_what_nothing_used() {
    let desk = desk();
    record_few(&desk, "rec");
    let text = desk
        .ambit(&["map", "diff", "--used", "rec", "web.map"])
        .exits(0)
        .complains("the map does not allow all recorded operations")
        .stdout();
    let gone: Vec<&str> = text
        .lines()
        .filter(|line| line.trim_start().starts_with('-'))
        .collect();
    assert!(
        gone.iter()
            .any(|line| line.contains("file.open r /never/used")),
        "{text}"
    );
    assert!(
        gone.iter().any(|line| line.contains("/usr/bin/cat")),
        "nothing was started: {text}"
    );
    assert!(
        !text.contains("/srv/**") && !text.contains("/etc/hostname"),
        "{text}"
    );
    desk.ambit(&["map", "diff", "web.map"]).exits(1);
    desk.ambit(&["map", "diff", "--used", "rec", "web.map", "web.map"])
        .exits(1);
}

#[test]
fn a_map_that_would_refuse_its_recording_is_not_sealed() {
    let desk = desk();
    record_few(&desk, "rec");
    desk.ambit(&["map", "seal", "web.map", "--against", "rec"])
        .exits(3)
        .complains(
            "does not allow 1 recorded operation, the first of them `file.open r /etc/shadow`",
        );
    assert_eq!(desk.text("web.map"), MAP);
}

#[test]
fn an_incomplete_map_is_sealed_only_by_name() {
    let desk = desk();
    desk.file(
        "web.map",
        MAP.replace("chain: 2\n", "chain: 2\nincomplete: 7\n"),
    );
    desk.ambit(&["map", "seal", "web.map"])
        .exits(1)
        .complains("web.map is incomplete: learning missed 7 operations");
    desk.ambit(&["map", "seal", "web.map", "--allow-incomplete"])
        .exits(0);
    desk.ambit(&["map", "seal", "-"])
        .exits(1)
        .complains("standard input");
}

#[test]
fn a_seal_holds_what_the_map_allows_and_not_what_it_is_called() {
    let desk = desk();
    desk.file(
        "web.map",
        MAP.replace(
            "      - file.open r /srv",
            "      # keep\n      - file.open r /srv",
        ),
    );
    desk.ambit(&["map", "seal", "web.map"])
        .exits(0)
        .complains("web.map is sealed: 3 rules for 1 subject");
    let sealed = desk.text("web.map");
    assert!(
        sealed.contains("\nsealed: sha256:") && sealed.contains("# keep"),
        "{sealed}"
    );
    desk.ambit(&["map", "seal", "web.map"])
        .exits(0)
        .complains("already sealed");
    desk.ambit(&["map", "check", "web.map"])
        .exits(0)
        .says(", sealed\n");
    desk.file("web.map", sealed.replace("id: cat", "id: the-cat"));
    desk.ambit(&["map", "check", "web.map"])
        .exits(0)
        .says(", sealed\n");
    desk.file("web.map", sealed.replace("/never/used", "/etc/shadow"));
    desk.ambit(&["map", "check", "web.map"])
        .exits(0)
        .says(", changed since it was sealed\n");
    desk.ambit(&["run", "-m", "web.map", "--enforce", "--", "true"])
        .exits(1)
        .complains("web.map was changed since it was sealed");
    desk.file("web.map", &sealed);
    desk.ambit(&["run", "--learn", "-o", "web.map", "--", "true"])
        .exits(1)
        .complains("web.map is sealed");
    desk.file(
        "web.map",
        sealed.replace("sealed: sha256:", "sealed: sha257:"),
    );
    desk.ambit(&["map", "check", "web.map"])
        .exits(1)
        .complains("web.map:");
}

#[test]
fn status_tells_what_the_runs_have_shown() {
    let desk = desk();
    desk.ambit(&["map", "status", "web.map"])
        .exits(1)
        .complains("there are no figures of learning runs for web.map");
    desk.file("web.map.stats", STATS);
    desk.ambit(&["map", "status", "web.map"])
        .exits(0)
        .says("web.map: 3 rules for 1 subject, learned in 3 runs (3 complete runs with 100 operations)")
        .says("2026-01-01T00:00:00Z       3  ####")
        .says("(3 of untrusted tasks: not counted)")
        .says("chance that the next operation is outside the map: 0.00 % (0 of 3 lines seen once in 100 operations)")
        .says("1 line of the map used in no complete run")
        .says("\nseal: ");
    let text = desk
        .ambit(&["map", "status", "web.map", "--json"])
        .exits(0)
        .stdout();
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        (json["whole_runs"].as_u64(), json["next_run"].as_f64()),
        (Some(3), Some(0.0))
    );
    assert_eq!(json["advice"]["answer"], "seal");
}

#[test]
fn merging_maps_merges_the_figures_of_their_runs() {
    let desk = desk();
    desk.file("web.map.stats", STATS);
    desk.file("other.map", MAP);
    desk.file(
        "other.map.stats",
        STATS
            .replace("000001", "0000a1")
            .replace("[[0,30],[1,30]", "[[0,1],[1,30]"),
    );
    desk.ambit(&["map", "merge", "web.map", "other.map", "-o", "all.map"])
        .exits(0);
    let status = |map: &str| -> serde_json::Value {
        let text = desk
            .ambit(&["map", "status", map, "--json"])
            .exits(0)
            .stdout();
        serde_json::from_str(&text).unwrap()
    };
    // Two of the three runs are the same.
    assert_eq!(status("all.map")["runs"], 4);
    desk.ambit(&["map", "merge", "all.map", "web.map", "-o", "again.map"])
        .exits(0);
    assert_eq!(desk.text("again.map.stats"), desk.text("all.map.stats"));
    desk.ambit(&["map", "merge", "web.map", "-o", "one.map"])
        .exits(0);
    assert_eq!(desk.text("one.map.stats"), STATS);
}

#[test]
fn figures_that_are_broken_are_named_with_their_line() {
    let desk = desk();
    for (broken, complaint) in [
        (
            STATS.replace("file.open r /srv/x\",", "file.open r /srv/x\" "),
            "line 7, column",
        ),
        (
            STATS.replace("[[0,1],[1,4]]", "[[0,1],[9,4]]"),
            "line 7: the run is not in the file",
        ),
        (
            STATS.replace("\"exe\":\"/usr/bin/cat\"", "\"exe\":\"usr\""),
            "line 6",
        ),
        (
            STATS.replace("stats\":1", "stats\":2"),
            "newer Ambit (version 2)",
        ),
        (String::new(), "not a statistics file"),
    ] {
        desk.file("web.map.stats", broken);
        desk.ambit(&["map", "status", "web.map"])
            .exits(1)
            .complains("cannot read the figures")
            .complains(complaint);
    }
}

/// Two million operations on 150,000 files: memory does not grow beyond the dictionary.
#[test]
fn a_large_recording_is_replayed_in_little_memory() {
    let desk = desk();
    let files = (0..150_000).map(|number| (format!("/srv/some/folder/file-{number}"), 14));
    record(&desk, "rec", files);
    let size = fs::metadata(desk.path("rec")).unwrap().len();
    let output = Command::new("sh")
        .args([
            "-c",
            "ulimit -v 98304; exec \"$@\"",
            "sh",
            env!("CARGO_BIN_EXE_ambit"),
            "replay",
            "rec",
            "-m",
            "web.map",
        ])
        .current_dir(desk.path(""))
        .output()
        .unwrap();
    Ran(output)
        .exits(0)
        .says("web.map allows all of 2100000 recorded operations");
    assert!(size < 20_000_000, "{size} bytes");
}
