// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The counters add up, on workloads whose counts are known.

use std::fs;

use crate::Test;
use crate::harness::{Lab, Stats, act, line, skip};

/// Classes of stress-ng, one per kind of object, and their numbers of rounds; a class with long rounds runs for two
/// seconds. Symbolic links are left out: like a round of hard links, a round makes thousands.
const CLASSES: &[(&str, u32)] = &[
    ("chmod", 5),
    ("chown", 5),
    ("clone", 20),
    ("dir", 10),
    ("exec", 20),
    ("fifo", 200),
    ("file-ioctl", 50),
    ("fork", 50),
    ("io-uring", 50),
    ("kill", 200),
    ("link", 1),
    ("mknod", 50),
    ("mmap", 1),
    ("mprotect", 50),
    ("open", 200),
    ("procfs", 1),
    ("pthread", 20),
    ("ptrace", 50),
    ("rename", 100),
    ("session", 20),
    ("sigq", 100),
    ("sock", 20),
    ("sockpair", 10),
    ("udp", 100),
    ("vfork", 50),
];

pub(crate) fn tests() -> Vec<Test> {
    macro_rules! named {
        ($($name:ident)*) => { vec![$(Test::new("counts", stringify!($name), $name)),*] };
    }
    let mut tests = named! {
        n_more_opens_are_counted_as_n_more
        n_more_opens_learned_are_counted_as_n_more
        n_violations_are_counted_as_n
        n_forks_execs_and_connects_are_counted
        what_is_refused_by_the_gate_is_counted_as_such
        what_a_small_ring_drops_is_counted
        opens_in_many_processes_at_once_add_up
    };
    let mut classes: Vec<_> = CLASSES.to_vec();
    classes.sort_unstable();
    classes.dedup();
    tests.extend(classes.into_iter().map(|(class, rounds)| {
        let name = format!(
            "counters_add_up_under_stress_ng_{}",
            class.replace('-', "_")
        );
        Test::new("counts", name, move |lab| stress(lab, class, rounds))
    }));
    tests
}

/// Learns and enforces a command; returns the counters.
fn enforced(lab: &Lab, map: &str, command: &[String]) -> Stats {
    let stats = lab.path("stats");
    lab.enforcing(map, &["--stats", &stats], command).finish();
    let stats = Stats::read(&stats);
    stats.must_add_up();
    stats
}

fn learned(lab: &Lab, map: &str, options: &[&str], command: &[String]) -> Stats {
    let stats = lab.path("stats");
    let options = [&["--stats", &stats], options].concat();
    lab.learning(map, &options, command).finish().succeeds();
    let stats = Stats::read(&stats);
    stats.must_add_up();
    stats
}

fn n_more_opens_are_counted_as_n_more(lab: &Lab) {
    let known = lab.path("known");
    lab.learn("map", &act(&format!("open-r {known}")))
        .succeeds();
    let opens = |count: u32| enforced(lab, "map", &act(&format!("loop {count} open-r {known}")));
    let (few, many) = (opens(10), opens(1010));
    for counter in ["evaluated", "matched"] {
        assert_eq!(
            many.of("file_open", counter) - few.of("file_open", counter),
            1000,
            "{counter}"
        );
    }
    assert_eq!(many.sum("violations"), 0);
    assert_eq!(
        many.sum("evaluated") - few.sum("evaluated"),
        1000,
        "another hook counted an open"
    );
}

fn n_more_opens_learned_are_counted_as_n_more(lab: &Lab) {
    let dir = lab.path("many");
    fs::create_dir(&dir).unwrap();
    for number in 0..600 {
        fs::write(format!("{dir}/{number}"), "").unwrap();
    }
    let opens = |map: &str, count: u32| {
        learned(
            lab,
            map,
            &[],
            &act(&format!("loop {count} open-r {dir}/{{i}}")),
        )
    };
    let (few, many) = (opens("a", 100), opens("b", 600));
    assert_eq!(
        many.of("file_open", "learned") - few.of("file_open", "learned"),
        500
    );
    assert_eq!(
        many.of("file_open", "evaluated") - few.of("file_open", "evaluated"),
        500
    );
    assert_eq!(many.sum("lost"), 0);
    // Merged into the existing map nothing is new, but the run itself starts without points and learns them again.
    assert_eq!(
        opens("b", 600).of("file_open", "learned"),
        many.of("file_open", "learned")
    );
}

fn n_violations_are_counted_as_n(lab: &Lab) {
    let (known, secret) = (lab.path("known"), lab.file("secret", "x"));
    lab.learn("map", &act(&format!("open-r {known}")))
        .succeeds();
    let stats = enforced(
        lab,
        "map",
        &act(&format!(
            "loop 500 open-r {secret} , loop 70 open-r {known}"
        )),
    );
    assert_eq!(stats.of("file_open", "violations"), 500);
    assert!(stats.of("file_open", "matched") >= 70);
    assert_eq!(stats.of("file_open", "gated"), 0);
    assert!(
        stats.of("file_open", "suppressed") < 500,
        "the first one at least has to be told"
    );
    // Audit mode counts the same.
    let path = lab.path("stats");
    let map = lab.path("map");
    let command = act(&format!("loop 500 open-r {secret}"));
    lab.ambit(crate::harness::words(
        &["run", "-m", &map, "--stats", &path],
        &[],
        &command,
    ))
    .succeeds();
    assert_eq!(Stats::read(&path).of("file_open", "violations"), 500);
}

fn n_forks_execs_and_connects_are_counted(lab: &Lab) {
    let tool = lab.copy_of_act("tool");
    let _listener = crate::harness::TcpWatch::on("127.0.0.1:7301");
    let command = |count: u32| {
        act(&format!(
            "loop {count} exec {tool} true , loop {count} connect tcp:127.0.0.1:7301 , loop {count} signal sibling 0"
        ))
    };
    lab.learn("map", &command(1)).succeeds();
    let (few, many) = (
        enforced(lab, "map", &command(5)),
        enforced(lab, "map", &command(25)),
    );
    for hook in [
        "bprm_check_security",
        "socket_connect",
        "socket_create",
        "task_kill",
    ] {
        let more = many.of(hook, "evaluated") - few.of(hook, "evaluated");
        assert!(
            more == 20 || (hook == "bprm_check_security" && more == 40),
            "{hook}: {more} more"
        );
        let matched = many.of(hook, "matched") - few.of(hook, "matched");
        assert_eq!(matched, more, "{hook}");
    }
    assert_eq!(many.sum("violations"), 0);
}

fn what_is_refused_by_the_gate_is_counted_as_such(lab: &Lab) {
    let (known, secret) = (lab.path("known"), lab.file("secret", "x"));
    lab.learn(
        "map",
        &act(&format!("open-r {known} , socket inet dgram 17")),
    )
    .succeeds();
    lab.write_map(
        "gated.map",
        &lab.map("map").with_respond("untrusted: {net: deny}"),
    );
    let command = act(&format!(
        "socket inet dgram 17 , open-r {secret} , loop 30 socket inet dgram 17"
    ));
    let stats = enforced(lab, "gated.map", &command);
    assert_eq!(stats.of("socket_create", "gated"), 30);
    assert_eq!(stats.of("socket_create", "violations"), 30);
    assert_eq!(stats.of("socket_create", "matched"), 1);
}

fn what_a_small_ring_drops_is_counted(lab: &Lab) {
    // The files exist already: the names of files that a workload makes may be learned as a pattern.
    let dir = lab.path("many");
    fs::create_dir(&dir).unwrap();
    for number in 0..5000 {
        fs::write(format!("{dir}/f{number}x"), "").unwrap();
    }
    let command = act(&format!("loop 5000 chmod {dir}/f{{i}}x 600"));
    let stats = learned(lab, "map", &["--ring-size", "4096"], &command);
    let (lost, learned) = (
        stats.of("path_chmod", "skipped.lost"),
        stats.of("path_chmod", "learned"),
    );
    assert_eq!(lost + learned, 5000, "changes of mode are missing");
    assert_eq!(
        stats.sum("lost"),
        stats.sum("skipped.lost"),
        "each record that was lost is a point that was not learned"
    );
    assert!(
        stats.sum("lost") > 0,
        "a ring of one page should have lost some of 5,000"
    );
    assert!(
        lab.map("map")
            .text
            .lines()
            .any(|line| line.starts_with("incomplete: "))
    );
    // The map has exactly the delivered points.
    let rules = lab
        .map("map")
        .rules()
        .into_iter()
        .filter(|rule| rule.starts_with("file.chmod "))
        .count();
    assert_eq!(rules as u64, learned, "learned is what was delivered");
}

fn opens_in_many_processes_at_once_add_up(lab: &Lab) {
    let known = lab.path("known");
    let script = format!(
        "for i in 1 2 3 4 5 6 7 8; do {} loop 500 open-r {known} >/dev/null & done; wait",
        crate::harness::act_path()
    );
    let command = line(&["bash", "-c", &script]);
    lab.learn("map", &command).succeeds();
    let stats = enforced(lab, "map", &command);
    assert_eq!(stats.sum("violations"), 0);
    assert!(stats.of("file_open", "matched") >= 4000);
}

fn stress(lab: &Lab, class: &str, rounds: u32) {
    let (rounds, dir) = (rounds.to_string(), lab.path("."));
    let (which, ops) = (format!("--{class}"), format!("--{class}-ops"));
    let command = line(&[
        "stress-ng",
        &which,
        "2",
        &ops,
        &rounds,
        "--timeout",
        "2s",
        "--temp-path",
        &dir,
        "-q",
    ]);
    // The class may fail on this machine also without Ambit.
    let without = lab.outside(&command);
    if !without.status.success() {
        skip(&format!(
            "stress-ng --{class} does not work here: {}",
            without.stderr_text().trim()
        ));
    }
    let stats = lab.path("stats");
    let run = lab.learning("map", &["--stats", &stats], &command).finish();
    let run = run.expect(fs::exists(&stats).unwrap(), "there are no counters");
    let counters = Stats::read(&stats);
    counters.must_add_up();
    assert_eq!(
        counters.sum("violations"),
        0,
        "learning has no violations but where it failed"
    );
    let run = run.expect(counters.sum("learned") > 0, "nothing was learned");
    drop(run.succeeds());
    // While the learned map is enforced, the counters add up, with or without violations.
    fs::remove_file(&stats).unwrap();
    lab.enforcing("map", &["--allow-incomplete", "--stats", &stats], &command)
        .finish()
        .expect(fs::exists(&stats).unwrap(), "there are no counters");
    let counters = Stats::read(&stats);
    counters.must_add_up();
    assert!(
        counters.sum("matched") > counters.sum("violations"),
        "most of it was learned"
    );
    assert_eq!(counters.sum("learned"), 0, "enforcing learns nothing");
}
