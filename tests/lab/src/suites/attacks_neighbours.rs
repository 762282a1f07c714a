// SPDX-License-Identifier: Apache-2.0 OR MIT
//! One workload cannot have another one refused: what a domain uses up is its own.

use std::fs;
use std::time::Duration;

use super::tests;
use crate::harness::{
    Fuse, FuseFiles, Job, Lab, Stats, act, act_path, descendants, eventually, has_exited, line,
    skip,
};

tests! { "attacks":
    programs_that_are_never_read_have_no_other_domain_refused
    many_executions_of_a_large_program_have_no_other_domain_refused
    idle_threads_with_long_paths_have_no_other_domain_refused
    violations_in_rotation_leave_other_repetitions_folded
    violations_with_long_names_leave_the_journal_bounded
}

/// More executions than there are scratch slots in any kernel part so far: 4 for each of the machine's processors.
const AT_ONCE: usize = 24;
/// Longest time that the domain beside may take: it does nothing but permitted operations.
const BESIDE: Duration = Duration::from_mins(3);

/// Learns the workload of the domain beside, which uses nothing that it shares with the other one.
fn learn_beside(lab: &Lab) -> Vec<String> {
    let (file, stats) = (lab.file("beside", "x"), lab.path("beside.stats"));
    let command = act(&format!(
        "loop 2000 {{ chmod {file} 644 , chmod {file} 600 , open-r {file} }} , exec {} true",
        act_path()
    ));
    let short = act(&format!(
        "chmod {file} 644 , chmod {file} 600 , open-r {file} , exec {} true",
        act_path()
    ));
    lab.learning("beside.map", &["--domain", "beside"], &short)
        .finish()
        .succeeds();
    let _ = fs::remove_file(stats);
    command
}

/// Runs the domain beside: nothing is refused, and nothing could not be evaluated.
fn run_beside(lab: &Lab, command: &[String]) {
    let stats = lab.path("beside.stats");
    let options = ["--domain", "beside", "--stats", &stats];
    lab.enforcing("beside.map", &options, command)
        .finish_within(BESIDE)
        .succeeds()
        .within_the_map()
        .says(&["all: ok", "true: ok", "exec: ok"]);
    let stats = Stats::read(&stats);
    stats.must_add_up();
    for counter in ["violations", "skipped.full", "skipped.lost"] {
        assert_eq!(stats.sum(counter), 0, "{counter} of the domain beside");
    }
}

/// A shell that starts some programs at once and waits for them, again and again until the file `stop` exists.
fn until_stopped(lab: &Lab, program: &str, at_once: usize) -> Vec<String> {
    let stop = lab.path("stop");
    let script = format!(
        "while :; do for ((i = 0; i < {at_once}; i++)); do {program} & done; wait; [ -e {stop} ] && break; done"
    );
    line(&["bash", "-c", &script])
}

/// Learns the shell of [`until_stopped`] with one program at a time, and starts it with many.
fn busy(lab: &Lab, short: &str, program: &str, at_once: usize) -> Job {
    lab.file("stop", "");
    lab.learn("busy.map", &until_stopped(lab, short, 1))
        .succeeds();
    fs::remove_file(lab.path("stop")).unwrap();
    let job = lab.enforcing(
        "busy.map",
        &["--domain", "busy"],
        &until_stopped(lab, program, at_once),
    );
    eventually("the other domain is busy", || {
        assert!(!has_exited(job.pid()), "the other domain ended too early");
        descendants(job.pid()).len() > at_once
    });
    job
}

/// Stops the shell of [`until_stopped`], which must still run: otherwise it proved nothing.
fn stop(lab: &Lab, job: Job) {
    assert!(!has_exited(job.pid()), "the other domain ended too early");
    lab.file("stop", "");
    let run = job.finish();
    eprintln!(
        "figures: the domain that used up its share had {} violations",
        run.violations().len()
    );
}

/// Each execution waits for the file system while its digest is computed, or its first page is read.
fn programs_that_are_never_read_have_no_other_domain_refused(lab: &Lab) {
    lab.outside(["modprobe", "fuse"]);
    let names: Vec<String> = (0..AT_ONCE)
        .map(|number| format!("program{number}"))
        .collect();
    let files = names
        .iter()
        .fold(FuseFiles::new(), |files, name| files.silent(name));
    let root = lab.path("fuse");
    let Some(fuse) = Fuse::mount(&root, files) else {
        skip("this kernel has no FUSE");
    };
    let command = learn_beside(lab);
    let programs: Vec<String> = names
        .iter()
        .map(|name| format!("{root}/{name} &"))
        .collect();
    let learning = lab.learning(
        "silent.map",
        &["--domain", "silent"],
        &line(&["bash", "-c", &format!("{} wait", programs.join(" "))]),
    );
    eventually("all programs are read", || fuse.waiting() >= AT_ONCE);
    run_beside(lab, &command);
    assert!(
        !has_exited(learning.pid()),
        "the domain that learns ended too early"
    );
    // The reads fail now, and so do the executions.
    drop(fuse);
    learning.finish();
}

fn many_executions_of_a_large_program_have_no_other_domain_refused(lab: &Lab) {
    const SIZE: u64 = 40 << 20;
    let large = lab.copy_of_act("large");
    // The program itself does not read so far.
    let file = fs::File::options().write(true).open(&large).unwrap();
    file.set_len(SIZE).unwrap();
    drop(file);
    let command = learn_beside(lab);
    let once = format!("{large} true");
    let job = busy(lab, &once, &once, 16);
    run_beside(lab, &command);
    stop(lab, job);
}

/// A thread of this class hardly runs beside others, so that it keeps a slot for a long time.
fn idle_threads_with_long_paths_have_no_other_domain_refused(lab: &Lab) {
    let mut path = lab.path("long");
    while path.len() < 3800 {
        path.push('/');
        path.push_str(&"d".repeat(200));
    }
    fs::create_dir_all(&path).unwrap();
    let file = format!("{path}/file");
    fs::write(&file, "x").unwrap();
    let command = learn_beside(lab);
    let once = |count: u32| {
        format!(
            "chrt --idle 0 {} loop {count} {{ chmod {file} 644 , open-r {file} }}",
            act_path()
        )
    };
    // Other programs keep the processors busy.
    let mut others: Vec<_> = (0..2)
        .map(|_| {
            lab.command("bash")
                .args(["-c", "while :; do :; done"])
                .spawn()
                .expect("bash")
        })
        .collect();
    let job = busy(lab, &once(2), &once(2000), AT_ONCE);
    run_beside(lab, &command);
    for child in &mut others {
        child.kill().expect("a child can be killed");
        child.wait().expect("a child can be waited for");
    }
    stop(lab, job);
}

/// More different violations than the table of repetitions had entries for all domains together.
const ROTATION: usize = 5000;
const ROUNDS: usize = 8;

/// Waits until a workload has printed as many lines.
fn printed(job: &Job, lines: usize) {
    job.until_lines(&format!("{lines} lines"), |all| {
        (all.len() >= lines).then_some(())
    });
}

fn violations_in_rotation_leave_other_repetitions_folded(lab: &Lab) {
    let (folder, stats) = (lab.path("folder"), lab.path("stats"));
    fs::create_dir_all(&folder).unwrap();
    lab.learn("map", &act("true")).succeeds();
    let rounds =
        |operation: &str| act(&vec![format!("wait-line , {operation}"); ROUNDS].join(" , "));
    let mut rotating = lab.enforcing(
        "map",
        &["--domain", "rotating"],
        &rounds(&format!("loop {ROTATION} mkdir {folder}/{{i}}")),
    );
    let mut repeating = lab.enforcing(
        "map",
        &["--domain", "repeating", "--stats", &stats],
        &rounds(&format!("mkdir {folder}/again")),
    );
    for round in 1..=ROUNDS {
        for job in [&mut rotating, &mut repeating] {
            job.say("\n");
            printed(job, 2 * round);
        }
    }
    rotating.finish();
    repeating.finish();
    let stats = Stats::read(&stats);
    stats.must_add_up();
    assert_eq!(stats.of("path_mkdir", "violations"), ROUNDS as u64);
    // The first, the second, the fourth and the eighth.
    assert_eq!(
        stats.of("path_mkdir", "emitted"),
        u64::from(ROUNDS.ilog2()) + 1,
        "repetitions were not folded while another domain rotates through its violations"
    );
}

/// Most bytes of a run's journal, however long the names in its violations are.
const JOURNAL_BYTES: u64 = 16 << 20;

fn violations_with_long_names_leave_the_journal_bounded(lab: &Lab) {
    const VIOLATIONS: usize = 2048;
    let mut folder = lab.path("folder");
    while folder.len() < 3600 {
        folder.push('/');
        folder.push_str(&"d".repeat(200));
    }
    fs::create_dir_all(&folder).unwrap();
    lab.learn("map", &act("true")).succeeds();
    let name = format!("{}{{i}}", "n".repeat(200));
    let mut job = lab.enforcing(
        "map",
        &["--domain", "verbose", "--ring-size", "16M"],
        &act(&format!(
            "loop {VIOLATIONS} mkdir {folder}/{name} , say done\\x0a , wait-line"
        )),
    );
    job.until("done");
    let journal = || fs::metadata("/var/lib/ambit/runs/verbose.jsonl").map_or(0, |meta| meta.len());
    eventually("the violations are in the journal", || journal() > 0);
    let during = journal();
    job.say("\n");
    job.finish();
    let after = journal();
    eprintln!("figures: the journal had {during} bytes, and {after} after the run");
    assert!(
        during.max(after) <= JOURNAL_BYTES,
        "the journal has {} bytes",
        during.max(after)
    );
    // The refusals are still explained.
    let explained = lab.explained(&["--domain", "verbose"]);
    assert!(!explained.is_empty(), "nothing is explained");
}
