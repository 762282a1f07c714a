// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The scenarios at which earlier systems failed, by their numbers. Scenario 6 is in nginx.rs, 12 in names.rs.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt;

use super::tests;
use crate::harness::{
    Lab, Pty, Run, Stats, act, act_path, descendants, eventually, eventually_contains, has_exited,
    line, words,
};

tests! { "scenarios":
    s01_after_a_refused_cat_grep_still_works_in_the_same_shell
    s01_a_learned_program_is_refused_another_file
    s02_the_same_interactive_session_twice_is_no_violation
    s02_output_to_a_file_is_no_violation_whether_the_file_is_there_or_not
    s03_an_editor_edits_and_saves_twice
    s03_an_editor_shows_a_refusal_as_an_error
    s04_ls_of_two_directories_is_told_apart
    s04_three_ways_to_read_a_file_are_three_subjects
    s05_two_parents_make_two_subjects_where_chain_is_2
    s05_two_parents_make_one_subject_where_chain_is_1
    a_program_that_executes_itself_again_keeps_its_subject
    a_daemon_that_executes_itself_again_keeps_its_subject
    a_helper_that_runs_its_parent_s_program_is_another_subject
    an_older_map_of_a_program_that_executes_itself_still_holds
    s07_a_replaced_executable_is_told_with_both_digests_and_accepted_by_one_line
    s08_children_threads_and_daemons_are_all_labelled
    s08_programs_run_by_vfork_and_by_other_threads_are_labelled
    s09_refusals_go_on_after_the_loader_was_killed
    s09_learning_ends_well_for_the_workload_after_the_loader_was_killed
    s10_what_a_small_ring_lost_is_counted_and_the_map_is_not_enforced
    s11_one_map_fits_file_systems_with_other_device_numbers
    s11_the_same_workload_gives_the_same_bytes
}

/// Runs a shell that reads its commands from its input.
fn shell(lab: &Lab, options: &[&str], script: &str) -> Run {
    let mut job = lab.ambit_job(words(&["run"], options, &line(&["bash"])));
    job.say(script);
    job.finish()
}

fn learn_shell(lab: &Lab, map: &str, script: &str) -> Run {
    shell(lab, &["--learn", "-o", &lab.path(map)], script)
}

fn enforce_shell(lab: &Lab, map: &str, script: &str) -> Run {
    shell(lab, &["-m", &lab.path(map), "--enforce", "--json"], script)
}

fn s01_after_a_refused_cat_grep_still_works_in_the_same_shell(lab: &Lab) {
    let (known, secret) = (lab.path("known"), lab.file("secret", "secret\n"));
    learn_shell(lab, "map", &format!("grep kno {known}\n"))
        .succeeds()
        .says(&["known"]);
    let script = format!(
        "grep kno {known}\ncat {secret}\necho status $?\ngrep kno {known}\ngrep sec {secret}\ngrep kno {known}\n"
    );
    let run = enforce_shell(lab, "map", &script).succeeds();
    let run = run.says(&["known", "status 126", "known", "known"]);
    let run = run
        .violates_also("exec /usr/bin/cat")
        .violates_also(&format!("file.open r {secret}"));
    run.complains("Operation not permitted");
}

fn s01_a_learned_program_is_refused_another_file(lab: &Lab) {
    let (known, secret) = (lab.path("known"), lab.file("secret", "secret\n"));
    learn_shell(lab, "map", &format!("cat {known}\ngrep kno {known}\n")).succeeds();
    let script = format!("cat {secret}\necho status $?\ncat {known}\ngrep kno {known}\n");
    let run = enforce_shell(lab, "map", &script).succeeds();
    let run = run
        .says(&["status 1", "known", "known"])
        .violates(&format!("file.open r {secret}"));
    run.complains("Operation not permitted");
}

fn s02_the_same_interactive_session_twice_is_no_violation(lab: &Lab) {
    let map = lab.path("map");
    let session = |options: &[&str]| {
        let stats = lab.path("stats");
        let mut command = lab.command("ambit");
        command.args(words(
            &["run", "--stats", &stats],
            options,
            &line(&["bash", "--norc", "-i"]),
        ));
        let mut terminal = Pty::start(
            command
                .env("PS1", "ready> ")
                .env("HISTFILE", lab.path("history")),
        );
        for text in ["ls known\n", "grep kno known\n", "exit\n"] {
            terminal.until("ready> ");
            terminal.keys(text);
        }
        let (end, screen) = terminal.finish();
        assert!(end.success(), "{end}\n{screen}");
        Stats::read(&stats)
    };
    session(&["--learn", "-o", &map]);
    let before = fs::read(lab.path("history")).expect("the shell keeps a history");
    // The first session writes the history file; the second learned session finds it.
    session(&["--learn", "-o", &map]);
    for _ in 0..2 {
        let stats = session(&["-m", &map, "--enforce"]);
        assert_eq!(
            stats.sum("violations"),
            0,
            "see `ambit explain`: {:#?}",
            lab.explained(&[])
        );
        stats.must_add_up();
    }
    let after = fs::read(lab.path("history")).expect("the shell keeps a history");
    assert!(
        after.len() > before.len(),
        "the history did not change, so that nothing was shown"
    );
}

/// Edits `text` in vim. Waits after each group of keys until the screen shows the given text; then saves and quits.
fn vim(lab: &Lab, options: &[&str], keys: &[(&str, &str)]) -> (std::process::ExitStatus, String) {
    let mut command = lab.command("ambit");
    command.args(words(
        &["run"],
        options,
        &line(&["vim", "-u", "NONE", "-N", "+set nomore", &lab.path("text")]),
    ));
    let mut terminal = Pty::start(&mut command);
    terminal.until("text");
    for (keys, shown) in keys {
        terminal.keys(keys);
        terminal.until(shown);
    }
    terminal.keys(":wq\r");
    terminal.finish()
}

fn s02_output_to_a_file_is_no_violation_whether_the_file_is_there_or_not(lab: &Lab) {
    let out = lab.path("out");
    let script = format!("echo more > {out}\n");
    for (map, there) in [("without.map", false), ("with.map", true)] {
        let state = |there| {
            let _ = fs::remove_file(&out);
            if there {
                fs::write(&out, "before\n").unwrap();
            }
        };
        state(there);
        learn_shell(lab, map, &script).succeeds();
        for there in [true, false] {
            state(there);
            enforce_shell(lab, map, &script).succeeds().within_the_map();
            assert_eq!(fs::read(&out).unwrap(), b"more\n");
        }
    }
}

fn s03_an_editor_edits_and_saves_twice(lab: &Lab) {
    let (map, text, stats) = (
        lab.path("map"),
        lab.file("text", "one\n"),
        lab.path("stats"),
    );
    let (end, screen) = vim(lab, &["--learn", "-o", &map], &[("Otwo\x1b", "two")]);
    assert!(end.success(), "{end}\n{screen}");
    assert_eq!(fs::read_to_string(&text).unwrap(), "two\none\n", "{screen}");
    // A second time: the first session leaves a .viminfo, which every later session finds.
    let (end, screen) = vim(lab, &["--learn", "-o", &map], &[("Ozero\x1b", "zero")]);
    assert!(end.success(), "{end}\n{screen}");
    fs::write(&text, "two\none\n").unwrap();
    for (keys, shown, expected) in [
        ("Othree\x1b", "three", "three\ntwo\none\n"),
        ("Ofour\x1b", "four", "four\nthree\ntwo\none\n"),
    ] {
        let (end, screen) = vim(
            lab,
            &["-m", &map, "--enforce", "--stats", &stats],
            &[(keys, shown)],
        );
        assert!(end.success(), "{end}\n{screen}");
        assert_eq!(fs::read_to_string(&text).unwrap(), expected, "{screen}");
        assert_eq!(
            Stats::read(&stats).sum("violations"),
            0,
            "{:#?}\n{screen}",
            lab.explained(&[])
        );
    }
}

fn s03_an_editor_shows_a_refusal_as_an_error(lab: &Lab) {
    let (map, text, other) = (
        lab.path("map"),
        lab.file("text", "one\n"),
        lab.path("other"),
    );
    let (end, screen) = vim(lab, &["--learn", "-o", &map], &[("Otwo\x1b", "two")]);
    assert!(end.success(), "{end}\n{screen}");
    let write = format!(":w {other}\r");
    let keys = [("Othree\x1b", "three"), (write.as_str(), "E212")];
    let (end, screen) = vim(lab, &["-m", &map, "--enforce"], &keys);
    assert!(
        end.success(),
        "the editor should have ended well: {end}\n{screen}"
    );
    assert!(
        screen.contains("E212"),
        "the editor should have shown its error:\n{screen}"
    );
    assert!(
        !std::path::Path::new(&other).exists(),
        "the refused file was written"
    );
    assert_eq!(
        fs::read_to_string(&text).unwrap(),
        "three\ntwo\none\n",
        "{screen}"
    );
}

fn s04_ls_of_two_directories_is_told_apart(lab: &Lab) {
    let here = lab.path("");
    let here = here.trim_end_matches('/');
    learn_shell(lab, "map", &format!("ls {here} >/dev/null\n")).succeeds();
    // To a file: on standard error, Ambit's messages would come in between.
    let script = format!("ls / 2>&1\necho status $?\nls {here} >/dev/null\necho status $?\n");
    let run = enforce_shell(lab, "map", &script).succeeds();
    run.says(&[
        "ls: cannot open directory '/': Operation not permitted",
        "status 2",
        "status 0",
    ])
    .violates("file.open r /");
}

fn s04_three_ways_to_read_a_file_are_three_subjects(lab: &Lab) {
    let (known, file) = (lab.path("known"), lab.file("f", "x\n"));
    let read = format!("file.open r {file}");
    // Each program runs and reads something, but only cat reads the file.
    learn_shell(
        lab,
        "map",
        &format!("cat {file}\ngrep kno {known}\nread a <{known}\n"),
    )
    .succeeds();
    let script =
        format!("grep x {file}\necho status $?\nread a <{file}\necho status $?\ncat {file}\n");
    let run = enforce_shell(lab, "map", &script).succeeds();
    run.says(&["status 2", "status 1", "x"]).violates(&read);
    learn_shell(
        lab,
        "map",
        &format!("cat {file}\ngrep x {file}\nread a <{file}\n"),
    )
    .succeeds();
    let map = lab.map("map");
    let who: BTreeSet<String> = map
        .subjects()
        .into_iter()
        .filter(|subject| subject.allow.contains(&read))
        .flat_map(|subject| {
            subject
                .head
                .into_iter()
                .filter(|line| line.starts_with("exe: "))
        })
        .collect();
    let expected = [
        "exe: /usr/bin/bash",
        "exe: /usr/bin/cat",
        "exe: /usr/bin/grep",
    ];
    assert_eq!(
        who,
        expected.into_iter().map(str::to_owned).collect(),
        "{}",
        map.text
    );
    enforce_shell(lab, "map", &script)
        .succeeds()
        .within_the_map();
}

/// `cat` run by bash, and by dash that bash runs.
fn two_parents(lab: &Lab, options: &[&str]) -> Vec<crate::harness::Subject> {
    let (known, map) = (lab.path("known"), lab.path("map"));
    let options: Vec<&str> = [&["--learn", "-o", &map], options].concat();
    shell(
        lab,
        &options,
        &format!("cat {known}\ndash -c 'cat {known}; true'\n"),
    )
    .succeeds();
    lab.map("map").of("/usr/bin/cat")
}

fn s05_two_parents_make_two_subjects_where_chain_is_2(lab: &Lab) {
    let cats = two_parents(lab, &[]);
    let via: BTreeSet<_> = cats
        .iter()
        .flat_map(|cat| cat.head.iter().filter(|line| line.starts_with("via:")))
        .collect();
    assert_eq!(cats.len(), 2, "{cats:#?}");
    assert_eq!(
        via.len(),
        2,
        "the two should differ by who started them: {cats:#?}"
    );
}

fn s05_two_parents_make_one_subject_where_chain_is_1(lab: &Lab) {
    let cats = two_parents(lab, &["--chain", "1"]);
    assert_eq!(cats.len(), 1, "{cats:#?}");
    assert!(
        !cats[0].head.iter().any(|line| line.starts_with("via:")),
        "{cats:#?}"
    );
}

/// Reads `known`; by its argument after it executed itself again, before or in a helper.
const AGAIN: &str = r"#!/usr/bin/python3
import os, sys
me, word = sys.argv
if word == 'daemon' and os.fork():
    os.wait()
    sys.exit()
if word == 'daemon':
    child = os.getpid()
    if os.fork():
        os._exit(0)
    while os.getppid() == child:
        os.sched_yield()
if word == 'helper' and os.spawnv(os.P_WAIT, me, [me, 'none']):
    sys.exit(9)
if word in ('again', 'daemon'):
    os.execv(me, [me, 'none'])
open(os.path.dirname(me) + '/known').read()
";

/// Learns [`AGAIN`] with this argument, and returns the program and its subjects.
fn learn_again(lab: &Lab, word: &str) -> (String, Vec<crate::harness::Subject>) {
    let program = lab.script("again.py", AGAIN);
    lab.learn("map", &line(&[&program, word])).succeeds();
    let python = lab.outside(["readlink", "-f", "/usr/bin/python3"]);
    let subjects = lab.map("map").of(&python.succeeds().lines()[0]);
    (program, subjects)
}

fn a_program_that_executes_itself_again_keeps_its_subject(lab: &Lab) {
    let (program, subjects) = learn_again(lab, "again");
    assert_eq!(subjects.len(), 1, "{subjects:#?}");
    // Operations that were seen only after the second execution are allowed before it.
    for word in ["again", "none"] {
        lab.enforce("map", &line(&[&program, word]))
            .succeeds()
            .within_the_map();
    }
}

fn a_daemon_that_executes_itself_again_keeps_its_subject(lab: &Lab) {
    let (_, subjects) = learn_again(lab, "daemon");
    assert_eq!(subjects.len(), 1, "{subjects:#?}");
}

fn a_helper_that_runs_its_parent_s_program_is_another_subject(lab: &Lab) {
    let (_, subjects) = learn_again(lab, "helper");
    assert_eq!(subjects.len(), 2, "{subjects:#?}");
}

fn an_older_map_of_a_program_that_executes_itself_still_holds(lab: &Lab) {
    let (program, subjects) = learn_again(lab, "helper");
    // In older maps only the subject after the second execution has some of the lines.
    let known = format!("      - file.open r {}\n", lab.path("known"));
    let text = lab.map("map").text;
    assert_eq!(text.matches(&known).count(), 2, "{subjects:#?}");
    let via = text.find("via:").expect("the helper's subject");
    let first = text.find(&known).expect("a line");
    let at = if first < via {
        first
    } else {
        text.rfind(&known).expect("a line")
    };
    let (before, after) = text.split_at(at);
    lab.file("old", format!("{before}{}", &after[known.len()..]));
    lab.enforce("old", &line(&[&program, "again"]))
        .succeeds()
        .within_the_map();
    lab.enforce("old", &line(&[&program, "none"]))
        .succeeds()
        .within_the_map();
}

fn sha256(lab: &Lab, path: &str) -> String {
    let run = lab.outside(["sha256sum", path]).succeeds();
    run.lines()[0]
        .split(' ')
        .next()
        .expect("a digest")
        .to_owned()
}

fn s07_a_replaced_executable_is_told_with_both_digests_and_accepted_by_one_line(lab: &Lab) {
    let (known, tool) = (lab.path("known"), lab.copy_of_act("tool"));
    let script = format!("cat {known}\n{tool} open-r {known}\n");
    learn_shell(lab, "map", &script)
        .succeeds()
        .says(&["known", "open-r: ok"]);
    let (learned, old) = (lab.map("map"), sha256(lab, &tool));
    assert!(
        learned.text.contains(&format!("sha256:{old}")),
        "the map has no digest of {tool}:\n{}",
        learned.text
    );
    enforce_shell(lab, "map", &script)
        .succeeds()
        .within_the_map();

    let mut bytes = fs::read(&tool).unwrap();
    bytes.push(b'\n');
    fs::write(&tool, bytes).unwrap();
    let new = sha256(lab, &tool);
    let run = enforce_shell(
        lab,
        "map",
        &format!("{script}echo status $?\ncat {known}\n"),
    )
    .succeeds();
    run.says(&["known", "status 126", "known"]);
    let text = String::from_utf8(lab.ambit(["explain"]).succeeds().stdout).expect("text");
    for part in ["binary changed", &old, &new, &tool] {
        assert!(
            text.contains(part),
            "`ambit explain` should tell of {part:?}:\n{text}"
        );
    }
    // The shell reads the file that it could not execute, which is refused too.
    let explained = lab.explained(&[]);
    let id = match &explained[0]["id"] {
        serde_json::Value::String(id) => id.clone(),
        id => id.to_string(),
    };
    lab.ambit(["accept", &id, "--into", &lab.path("map")])
        .succeeds();
    enforce_shell(lab, "map", &script)
        .succeeds()
        .within_the_map()
        .says(&["known", "open-r: ok"]);

    let without = |text: &str| {
        text.lines()
            .filter(|line| !line.contains("sha256:"))
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let accepted = lab.map("map");
    assert_eq!(
        without(&learned.text),
        without(&accepted.text),
        "more than the digest has changed"
    );
    let changed = learned
        .text
        .lines()
        .zip(accepted.text.lines())
        .filter(|(before, after)| before != after)
        .count();
    assert!(
        changed <= 1,
        "more than one line has changed:\n{}",
        accepted.text
    );
}

fn s08_children_threads_and_daemons_are_all_labelled(lab: &Lab) {
    let (known, secret) = (lab.path("known"), lab.file("secret", "x"));
    let ways = [
        "fork open-r F",
        "thread open-r F",
        "clone3 open-r F",
        "double-fork open-r F",
        "fork { setsid , open-r F }",
        "thread fork open-r F",
        "fork thread open-r F",
        "double-fork { fork thread open-r F }",
    ];
    let everyone = |file: &str| act(&ways.join(" , ").replace('F', file));
    lab.learn("map", &everyone(&known)).succeeds();
    lab.enforce("map", &everyone(&known))
        .succeeds()
        .within_the_map();
    let run = lab.enforce("map", &everyone(&secret)).exits(1);
    let lines: Vec<_> = run
        .lines()
        .into_iter()
        .filter(|line| line.starts_with("open-r"))
        .collect();
    let right = lines == vec!["open-r: errno EPERM"; ways.len()];
    run.violates(&format!("file.open r {secret}"))
        .expect(right, "every task should have been refused");
}

fn s08_programs_run_by_vfork_and_by_other_threads_are_labelled(lab: &Lab) {
    let (known, secret, tool) = (
        lab.path("known"),
        lab.file("secret", "x"),
        lab.copy_of_act("tool"),
    );
    let ways = [
        "vfork-exec TOOL open-r F",
        "fork thread become TOOL open-r F",
        "thread exec TOOL open-r F",
    ];
    for way in ways {
        let command = |file: &str| act(&way.replace('F', file).replace("TOOL", &tool));
        lab.learn("map", &command(&known)).succeeds();
        lab.enforce("map", &command(&known))
            .succeeds()
            .within_the_map();
        let run = lab.enforce("map", &command(&secret)).exits(1);
        let refused = run.lines().contains(&"open-r: errno EPERM".to_owned());
        let run = run.expect(refused, "the program should have been refused");
        run.violates(&format!("file.open r {secret}"));
    }
}

fn s09_refusals_go_on_after_the_loader_was_killed(lab: &Lab) {
    let (known, secret, go) = (lab.path("known"), lab.file("secret", "x"), lab.path("go"));
    let (out, made) = (lab.path("out"), lab.path("made"));
    lab.learn(
        "map",
        &line(&[
            "dash",
            "-c",
            &format!("exec >{out}; {} open-r {known}; true", act_path()),
        ]),
    )
    .succeeds();
    lab.outside(["rm", "-f", &out]).succeeds();
    let act = act_path();
    let program = format!(
        "exec >{out}; {act} open-r {known} , wait-file {go} , open-r {secret} , create {made} , open-r {known}; true"
    );
    let job = lab.enforcing("map", &[], &line(&["dash", "-c", &program]));
    eventually_contains(&out, "open-r: ok\n");
    let workload = descendants(job.pid());
    job.signal(libc::SIGKILL);
    job.finish().dies_by(libc::SIGKILL);
    fs::write(&go, "").unwrap();
    eventually_contains(
        &out,
        "open-r: ok\nwait-file: ok\nopen-r: errno EPERM\ncreate: errno EPERM\nopen-r: ok\n",
    );
    assert!(
        !std::path::Path::new(&made).exists(),
        "a file was made after the loader was killed"
    );
    // The next run works, without remains of the killed one.
    eventually("the workload has ended", || {
        workload.iter().all(|pid| has_exited(*pid))
    });
    lab.outside(["rm", "-f", &out]).succeeds();
    lab.enforce(
        "map",
        &line(&[
            "dash",
            "-c",
            &format!("exec >{out}; {act} open-r {known}; true"),
        ]),
    )
    .succeeds();
}

fn s09_learning_ends_well_for_the_workload_after_the_loader_was_killed(lab: &Lab) {
    let (go, out) = (lab.path("go"), lab.path("out"));
    let program = format!(
        "exec >{out}; {} true , wait-file {go} , loop 2000 create {}/f{{i}}; true",
        act_path(),
        lab.path(".")
    );
    let options = ["--ring-size", "4096"];
    let job = lab.learning("map", &options, &line(&["dash", "-c", &program]));
    eventually_contains(&out, "true: ok");
    job.signal(libc::SIGKILL);
    job.finish().dies_by(libc::SIGKILL);
    fs::write(&go, "").unwrap();
    eventually_contains(&out, "create: ok");
}

/// Opens of different files, a thousand times the records that a ring of one page holds.
const LOST_OPENS: u64 = 20_000;

fn s10_what_a_small_ring_lost_is_counted_and_the_map_is_not_enforced(lab: &Lab) {
    let (map, stats, many) = (lab.path("map"), lab.path("stats"), lab.path("many"));
    fs::create_dir(&many).unwrap();
    lab.outside([
        "mount",
        "-t",
        "tmpfs",
        "-o",
        "nr_inodes=200k",
        "many",
        &many,
    ])
    .succeeds();
    for number in 0..LOST_OPENS {
        fs::File::create(format!("{many}/{number}")).expect("room for many files");
    }
    let options = ["--ring-size", "4096", "--stats", &stats];
    let run = lab
        .learning(
            "map",
            &options,
            &act(&format!("loop {LOST_OPENS} open-r {many}/{{i}}")),
        )
        .finish();
    lab.outside(["umount", &many]).succeeds();
    let run = run.succeeds().says(&["open-r: ok"]).complains("incomplete");

    let stats = Stats::read(&stats);
    stats.must_add_up();
    let lost = stats.of("file_open", "skipped.lost");
    assert!(
        lost > 0,
        "a ring of one page should have lost some of {LOST_OPENS}"
    );
    assert!(stats.of("file_open", "evaluated") >= LOST_OPENS);
    assert!(
        stats.of("file_open", "learned") + lost + stats.of("file_open", "skipped.full")
            >= LOST_OPENS,
        "opens are missing"
    );
    let text = lab.map("map").text;
    assert!(
        text.lines().any(|line| line.starts_with("incomplete: ")),
        "the map should say that it is incomplete"
    );
    drop(run);

    let refused = lab
        .ambit(["run", "-m", &map, "--enforce", "--", "true"])
        .exits(1);
    refused
        .complains("incomplete")
        .complains("--allow-incomplete");
    let command = act("true");
    lab.enforcing("map", &["--allow-incomplete"], &command)
        .finish()
        .succeeds();
}

fn mounted<R>(lab: &Lab, options: &[&str], at: &str, body: impl FnOnce(u64) -> R) -> R {
    lab.outside([&["mount"], options, &[at]].concat())
        .succeeds();
    let device = fs::metadata(at).unwrap().dev();
    fs::write(format!("{at}/f"), "x").unwrap();
    let result = body(device);
    lab.outside(["umount", at]).succeeds();
    result
}

fn s11_one_map_fits_file_systems_with_other_device_numbers(lab: &Lab) {
    let (at, image) = (lab.path("fs"), lab.path("image"));
    fs::create_dir(&at).unwrap();
    let command = act(&format!(
        "open-r {at}/f , append {at}/f y , create {at}/g , map-exec {at}/f , unlink {at}/g"
    ));
    let learned = mounted(lab, &["-t", "tmpfs", "one"], &at, |device| {
        lab.learn("map", &command).succeeds();
        device
    });
    let elsewhere = lab.path("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    mounted(lab, &["-t", "tmpfs", "between"], &elsewhere, |_| {
        mounted(lab, &["-t", "tmpfs", "two"], &at, |device| {
            assert_ne!(device, learned, "the same device number shows nothing");
            lab.enforce("map", &command).succeeds().within_the_map();
        });
    });
    // A different file system with another UUID, on a loop device.
    lab.outside(["truncate", "-s", "16M", &image]).succeeds();
    lab.outside(["mke2fs", "-q", "-F", &image]).succeeds();
    mounted(lab, &["-o", "loop", &image], &at, |device| {
        assert_ne!(device, learned);
        lab.enforce("map", &command).succeeds().within_the_map();
        // Learning the same here gives the same map.
        lab.learn("other.map", &command).succeeds();
    });
    let digest = |map: &str| {
        lab.ambit(["map", "digest", &lab.path(map)])
            .succeeds()
            .stdout
    };
    assert_eq!(
        String::from_utf8(digest("map")),
        String::from_utf8(digest("other.map"))
    );
}

fn s11_the_same_workload_gives_the_same_bytes(lab: &Lab) {
    let script = "ls / >/dev/null\ncat known\ngrep -r kno . >/dev/null\npython3 -c 'import json'\nps >/dev/null\n";
    // Let python write its caches now.
    lab.outside(["python3", "-c", "import json"]).succeeds();
    for map in ["a", "b"] {
        fs::create_dir_all(lab.path("maps")).unwrap();
        shell(
            lab,
            &[
                "--learn",
                "-o",
                &format!("/tmp/{map}.map"),
                "--domain",
                "same",
            ],
            script,
        )
        .succeeds();
    }
    let [a, b] = ["a", "b"].map(|map| fs::read_to_string(format!("/tmp/{map}.map")).unwrap());
    assert!(a == b, "two runs gave two maps:\n{a}\n---\n{b}");
}
