// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Runs are recorded completely, replayed against maps, and counted to estimate when learning is complete.

use std::fs;

use serde_json::Value;

use super::tests;
use crate::harness::{Lab, Run, Stats, act, eventually, line, words};

tests! { "recording":
    three_learning_runs_are_recorded_and_their_map_allows_all_of_them
    a_map_without_a_rule_would_refuse_exactly_what_that_rule_allowed
    a_recording_says_which_rules_nothing_used
    a_recording_has_every_operation_that_was_decided
    a_run_killed_in_the_middle_leaves_a_recording_that_reads_to_its_last_whole_frame
    an_enforced_run_records_what_it_refused_each_time
    what_a_recording_lost_is_told_and_does_not_make_a_map_incomplete
    a_map_is_sealed_and_then_enforced_as_it_is_or_not_at_all
    an_untrusted_task_is_recorded_and_counts_for_nothing
    a_recording_is_not_written_over
}

impl Run {
    fn expect_said(self, part: &str) -> Self {
        let said = String::from_utf8_lossy(&self.stdout).contains(part);
        self.expect(said, &format!("should have said {part:?}"))
    }
}

/// A script with a few programs, a generated name, and repetitions.
fn work(lab: &Lab) -> Vec<String> {
    work_longer(lab, 0)
}

/// The same with more iterations.
fn work_longer(lab: &Lab, more: usize) -> Vec<String> {
    let known = lab.path("known");
    let script = lab.script(
        "work.sh",
        &format!(
            "#!/bin/bash\nfor ((i = 0; i < $1; i++)); do cat {known}; done\nf=$(mktemp)\necho x > $f\nrm $f\ngrep -c known {known}\nexit 0\n"
        ),
    );
    line(&[&script, &(5 + more).to_string()])
}

fn record(lab: &Lab, map: &str, recording: &str, command: &[String]) -> Run {
    let recording = lab.path(recording);
    let _ = fs::remove_file(&recording);
    lab.learning(map, &["--record", &recording], command)
        .finish()
        .succeeds()
}

/// Returns the output of `ambit replay --json`: the violations and the summary.
fn replay(lab: &Lab, recordings: &[&str], map: &str) -> (Vec<Value>, Value) {
    let files: Vec<String> = recordings.iter().map(|name| lab.path(name)).collect();
    let mut all = line(&["replay", "-m", &lab.path(map), "--json"]);
    all.extend(files);
    let run = lab.ambit(&all).succeeds();
    let mut rows: Vec<Value> = String::from_utf8_lossy(&run.stdout)
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let summary = rows.pop().expect("a summary")["summary"].take();
    (rows, summary)
}

fn attempted(rows: &[Value]) -> Vec<&str> {
    let mut all: Vec<&str> = rows
        .iter()
        .map(|row| row["attempted"].as_str().expect("an operation"))
        .collect();
    all.sort_unstable();
    all
}

fn three_learning_runs_are_recorded_and_their_map_allows_all_of_them(lab: &Lab) {
    let all = ["one", "two", "three"];
    for (more, name) in all.into_iter().enumerate() {
        // Copies of one run would be no evidence.
        record(lab, "map", name, &work_longer(lab, more));
    }
    let (rows, summary) = replay(lab, &all, "map");
    assert_eq!(attempted(&rows), Vec::<&str>::new());
    assert_eq!(summary["times"], 0);
    for recording in summary["recordings"].as_array().unwrap() {
        assert_eq!(recording["stop"], "end");
        assert!(
            recording["operations"].as_u64().unwrap() > 100,
            "{recording}"
        );
    }
    let status = lab
        .ambit(["map", "status", &lab.path("map"), "--json"])
        .succeeds();
    let status: Value = serde_json::from_slice(&status.stdout).expect("JSON");
    assert_eq!(status["whole_runs"], 3, "{status:#}");
    assert_eq!(status["curve"].as_array().unwrap().len(), 3);
    assert!(
        status["curve"][0]["new"].as_u64().unwrap() > 20,
        "{status:#}"
    );
    assert_eq!(status["curve"][2]["new"], 0, "{status:#}");
    assert_eq!(status["advice"]["answer"], "seal", "{status:#}");
    // Every iteration of the loop counts both opens of `cat`.
    let operations = status["operations"].as_u64().unwrap();
    let recorded: u64 = summary["recordings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|recording| recording["operations"].as_u64().unwrap())
        .sum();
    assert_eq!(operations, recorded, "what taught is what was recorded");
    lab.ambit(["map", "status", &lab.path("map")])
        .succeeds()
        .expect_said("seal: these runs show nothing new any more");
}

fn a_map_without_a_rule_would_refuse_exactly_what_that_rule_allowed(lab: &Lab) {
    record(lab, "map", "rec", &work(lab));
    let rule = format!("file.open r {}", lab.path("known"));
    let without = lab.map("map").without(&rule);
    lab.write_map("less", &without);
    let (rows, summary) = replay(lab, &["rec"], "less");
    // Five times by `cat` and once by `grep`.
    assert_eq!(attempted(&rows), [&rule, &rule]);
    let mut times: Vec<u64> = rows
        .iter()
        .map(|row| row["times"].as_u64().unwrap())
        .collect();
    times.sort_unstable();
    assert_eq!((times, summary["times"].as_u64()), (vec![1, 5], Some(6)));
    assert!(
        rows.iter()
            .all(|row| row["change"].as_str().unwrap().contains(&rule))
    );
    let recording = lab.path("rec");
    let map = lab.path("less");
    lab.ambit(["replay", &recording, "-m", &map, "--fail-on-violation"])
        .exits(3)
        .expect_said(&rule);
    // The kernel refuses the same operations.
    let run = lab.audit("less", &work(lab));
    run.violates(&rule);
}

fn a_recording_says_which_rules_nothing_used(lab: &Lab) {
    record(lab, "map", "rec", &work(lab));
    let known = format!("      - file.open r {}\n", lab.path("known"));
    let text = fs::read_to_string(lab.path("map")).unwrap();
    let changed = text.replacen(
        &known,
        &format!("{known}      - file.open r /never/used\n"),
        1,
    );
    assert_ne!(changed, text);
    lab.file("map", changed);
    let run = lab
        .ambit([
            "map",
            "diff",
            "--used",
            &lab.path("rec"),
            &lab.path("map"),
            "--json",
        ])
        .succeeds();
    let diff: Value = serde_json::from_slice(&run.stdout).expect("JSON");
    let removed: Vec<&Value> = diff["subjects"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|subject| subject["removed"].as_array().unwrap())
        .collect();
    // Learning adds removals that a start after a crash needs.
    let removed: Vec<&Value> = removed
        .into_iter()
        .filter(|line| !line.as_str().unwrap().starts_with("file.unlink /tmp/"))
        .collect();
    assert_eq!(removed, ["file.open r /never/used"], "{diff:#}");
}

fn a_recording_has_every_operation_that_was_decided(lab: &Lab) {
    let known = lab.path("known");
    let stats = lab.path("stats");
    let command = act(&format!("loop 2000 open-r {known}"));
    lab.learn("map", &command).succeeds();
    for mode in [&["run", "-m"][..], &["run", "--enforce", "-m"]] {
        let recording = lab.path("rec");
        let _ = fs::remove_file(&recording);
        let map = lab.path("map");
        let first = [mode, &[&map]].concat();
        let all = words(
            &first,
            &["--record", &recording, "--stats", &stats],
            &command,
        );
        lab.ambit(&all).succeeds();
        let stats = Stats::read(&stats);
        stats.must_add_up();
        assert_eq!(
            stats.sum("unrecorded"),
            0,
            "the ring was too small for this machine"
        );
        let (rows, summary) = replay(lab, &["rec"], "map");
        assert!(rows.is_empty());
        let operations = summary["recordings"][0]["operations"].as_u64().unwrap();
        assert_eq!(operations, stats.sum("matched") + stats.sum("violations"));
        assert!(operations > 2000);
        // A repetition takes a few bytes.
        let size = fs::metadata(&recording).unwrap().len();
        assert!(
            size < 8 * operations + 16 * 1024,
            "{size} bytes for {operations}"
        );
    }
}

fn a_run_killed_in_the_middle_leaves_a_recording_that_reads_to_its_last_whole_frame(lab: &Lab) {
    let known = lab.path("known");
    let script = lab.script(
        "work.sh",
        &format!("#!/bin/bash\nfor i in 1 2 3; do cat {known}; done\necho ready\nwhile :; do cat {known} > /dev/null; done\n"),
    );
    let recording = lab.path("rec");
    let job = lab.learning("map", &["--record", &recording], &line(&[&script]));
    job.until("ready");
    let none = lab.file("none", "ambit: 1\ndomain: none\nchain: 2\n");
    let replayed = || {
        let run = lab
            .ambit(["replay", &recording, "-m", &none, "--json"])
            .succeeds();
        let last: Value = serde_json::from_str(run.lines().last().unwrap()).expect("JSON");
        (run, last["summary"]["recordings"][0].clone())
    };
    eventually("some operations are in the recording", || {
        replayed().1["operations"].as_u64().unwrap() > 20
    });
    job.signal(libc::SIGKILL);
    job.finish().dies_by(libc::SIGKILL);
    let (run, view) = replayed();
    let run = run.complains("ends early, after ");
    // The run may have been killed while it wrote a frame.
    let complete: usize = run
        .stderr_text()
        .split_once("ends early, after ")
        .and_then(|(_, rest)| rest.split_once(' ')?.0.parse().ok())
        .expect("the number of complete bytes");
    let text = String::from_utf8_lossy(&run.stdout).into_owned();
    assert_eq!(view["stop"], "cut");
    assert!(text.contains(&format!("file.open r {known}")));
    // An incomplete last frame changes only the warning.
    let mut bytes = fs::read(&recording).unwrap();
    bytes.truncate(complete);
    bytes.extend([2, 200, 0, 0, 0, 1, 2, 3]);
    fs::write(&recording, bytes).unwrap();
    let run = lab.ambit(["replay", &recording, "-m", &none, "--json"]);
    let again = run
        .succeeds()
        .complains(" and 8 bytes of an incomplete frame");
    let again: Value = serde_json::from_str(
        String::from_utf8_lossy(&again.stdout)
            .lines()
            .last()
            .unwrap(),
    )
    .unwrap();
    assert_eq!(
        again["summary"]["recordings"][0]["operations"],
        view["operations"]
    );
}

fn an_enforced_run_records_what_it_refused_each_time(lab: &Lab) {
    let secret = lab.file("secret", "s");
    lab.learn("map", &act("exit 0")).succeeds();
    let recording = lab.path("rec");
    let command = act(&format!("loop 100 open-r {secret}"));
    lab.enforcing("map", &["--record", &recording], &command)
        .finish();
    let (rows, _) = replay(lab, &["rec"], "map");
    let row = rows
        .iter()
        .find(|row| row["attempted"] == format!("file.open r {secret}"))
        .unwrap_or_else(|| panic!("not recorded: {rows:#?}"));
    // Every attempt is recorded, whether the exerciser continues after the first refusal or exits.
    let times = row["times"].as_u64().unwrap();
    let stats = lab.explained(&[]);
    assert!(times >= 1 && !stats.is_empty());
    assert!(
        row["response"]
            .as_str()
            .unwrap()
            .starts_with("refused when it was recorded")
    );
}

fn what_a_recording_lost_is_told_and_does_not_make_a_map_incomplete(lab: &Lab) {
    let known = lab.path("known");
    let recording = lab.path("rec");
    let stats = lab.path("stats");
    let script = lab.script(
        "work.sh",
        &format!(
            "#!/bin/bash\n: < {known}\necho ready\nread word\nfor ((i = 0; i < 3000; i++)); do : < {known}; done\n\
             echo done\nread word\nexit 0\n"
        ),
    );
    let options = [
        "--record",
        &recording,
        "--ring-size",
        "64K",
        "--stats",
        &stats,
    ];
    let mut job = lab.learning("map", &options, &line(&[&script]));
    job.until("ready");
    // The ring is not read for a while.
    job.signal(libc::SIGSTOP);
    job.say("go\n");
    job.until("done");
    job.signal(libc::SIGCONT);
    job.say("go\n");
    let run = job.finish().succeeds();
    let stats = Stats::read(&stats);
    stats.must_add_up();
    let lost = stats.sum("unrecorded");
    assert!(lost > 1000, "{lost} were lost");
    run.complains("warning: the recording lacks");
    assert!(
        !lab.map("map").text.contains("incomplete:"),
        "{}",
        lab.map("map").text
    );
    let run = lab.ambit(["replay", &recording, "-m", &lab.path("map")]);
    run.succeeds()
        .complains(&format!("{lost} operations lost at file_open"));
    // Does not seal the map without the option.
    let map = lab.path("map");
    lab.ambit(["map", "seal", &map, "--against", &recording])
        .exits(1)
        .complains("--allow-incomplete");
}

fn a_map_is_sealed_and_then_enforced_as_it_is_or_not_at_all(lab: &Lab) {
    let command = work(lab);
    record(lab, "map", "rec", &command);
    let (map, recording) = (lab.path("map"), lab.path("rec"));
    let whole = fs::read_to_string(&map).unwrap();
    let rule = format!("file.open r {}", lab.path("known"));
    lab.write_map("map", &lab.map("map").without(&rule));
    lab.ambit(["map", "seal", &map, "--against", &recording])
        .exits(3)
        .complains(&rule);
    assert!(!lab.map("map").text.contains("sealed:"));
    fs::write(&map, whole).unwrap();
    lab.ambit(["map", "seal", &map, "--against", &recording])
        .succeeds();
    lab.enforce("map", &command).succeeds().within_the_map();
    lab.learn("map", &command).exits(1).complains("is sealed");
    // One line more than in the sealed map.
    let text = lab.map("map").text.replacen(
        "    allow:\n",
        "    allow:\n      - file.open r /etc/shadow\n",
        1,
    );
    lab.file("map", text);
    lab.enforce("map", &command)
        .exits(1)
        .complains("changed since it was sealed");
}

fn an_untrusted_task_is_recorded_and_counts_for_nothing(lab: &Lab) {
    let known = lab.path("known");
    let other = lab.file("other", "other\n");
    let script = lab.script(
        "work.sh",
        &format!("#!/bin/bash\nread x < {known}\necho pid $$\nread word\nread y < {other}\nread x < {known}\nexit 0\n"),
    );
    let recording = lab.path("rec");
    let mut job = lab.learning("map", &["--record", &recording], &line(&[&script]));
    let pid = job.until("pid ");
    lab.ambit(["trust", "set", "--pid", &pid]).succeeds();
    job.say("go\n");
    job.finish().succeeds();
    lab.map("map")
        .must_not_have(&format!("file.open r {other}"));
    let (rows, _) = replay(lab, &["rec"], "map");
    assert_eq!(attempted(&rows), [format!("file.open r {other}")]);
    let status = lab
        .ambit(["map", "status", &lab.path("map"), "--json"])
        .succeeds();
    let status: Value = serde_json::from_slice(&status.stdout).expect("JSON");
    assert!(
        status["curve"][0]["untrusted"].as_u64().unwrap() >= 2,
        "{status:#}"
    );
    let figures = fs::read_to_string(lab.path("map.stats")).unwrap();
    assert!(!figures.contains(&other), "{figures}");
    let line = figures
        .lines()
        .find(|line| line.contains(&format!("file.open r {known}")))
        .expect("what was done before is counted");
    assert!(
        line.ends_with("[[0,1]]}"),
        "what an untrusted task did again was counted: {line}"
    );
}

fn a_recording_is_not_written_over(lab: &Lab) {
    let recording = lab.file("rec", "precious");
    let run = lab
        .learning("map", &["--record", &recording], &line(&["true"]))
        .finish();
    run.exits(1)
        .complains("a recording never overwrites a file");
    assert_eq!(fs::read_to_string(&recording).unwrap(), "precious");
    let run = lab
        .learning(
            "map",
            &["--record", "/no/such/folder/rec"],
            &line(&["true"]),
        )
        .finish();
    run.exits(1).complains("/no/such/folder/rec");
}
