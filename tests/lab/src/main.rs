// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The suites that run inside the lab's virtual machine, as root: `cargo xtask lab -- ambit-lab [FILTER]`.
//!
//! They call `ambit` as a user would, with `ambit-act` and real programs as workloads. Each test runs in its own process
//! (a release build aborts on panic) and its own folder. Processes that a test leaves behind are killed after it.

// In a test, every unexpected result should panic at once.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod bench;
mod harness;
mod suites;

use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::{LazyLock, Mutex};
use std::time::{Duration, Instant};

use libtest_mimic::{Arguments, Completion, Failed, Trial};

use harness::{Job, Lab, Run, SKIPPED};

/// One test: its name, and the function that runs in its own process.
pub(crate) struct Test {
    suite: &'static str,
    name: String,
    body: Box<dyn Fn(&Lab)>,
}

impl Test {
    pub(crate) fn new(
        suite: &'static str,
        name: impl Into<String>,
        body: impl Fn(&Lab) + 'static,
    ) -> Self {
        Self {
            suite,
            name: name.into(),
            body: Box::new(body),
        }
    }

    fn full_name(&self) -> String {
        format!("{}::{}", self.suite, self.name)
    }
}

/// Environment variable with the name of the one test that this process runs.
const TEST_NAME: &str = "AMBIT_LAB_TEST";
/// Longest time for one test. Emulated machines are slow, but a test that takes longer than this hangs.
const LIMIT: Duration = Duration::from_mins(15);
/// How many of the slowest tests are listed at the end.
const SLOWEST: usize = 12;

fn main() -> ExitCode {
    if let Ok(wanted) = std::env::var(TEST_NAME) {
        return run_one(&wanted);
    }
    if std::env::args().nth(1).as_deref() == Some("bench") {
        return bench::main();
    }
    let mut arguments = Arguments::from_args();
    arguments.test_threads = arguments.test_threads.or(Some(1));
    let list = arguments.list;
    LazyLock::force(&PROGRAMS);
    // SAFETY: takes numbers. Orphans of a test become children of this process, which kills them.
    unsafe { libc::prctl(libc::PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) };
    // SAFETY: takes nothing.
    if !list && (unsafe { libc::geteuid() } != 0 || std::env::var_os("AMBIT_LAB").is_none()) {
        eprintln!(
            "ambit-lab: these tests change the machine they run on; use: cargo xtask lab -- ambit-lab"
        );
        return ExitCode::from(2);
    }
    let trials = suites::all()
        .into_iter()
        .map(|test| {
            let name = test.full_name();
            Trial::ignorable_test(name.clone(), move || {
                let begun = Instant::now();
                let ended = in_own_process(&name);
                DURATIONS.lock().unwrap().push((begun.elapsed(), name));
                ended
            })
        })
        .collect();
    let conclusion = libtest_mimic::run(&arguments, trials);
    IDLE_DOMAIN.set(false);
    if !list {
        print_slowest();
    }
    conclusion.exit_code()
}

/// The number of BPF programs before any test loaded one.
static PROGRAMS: LazyLock<usize> = LazyLock::new(harness::programs);

/// How long each test took, in the order they ended.
static DURATIONS: Mutex<Vec<(Duration, String)>> = Mutex::new(Vec::new());

fn print_slowest() {
    let mut durations = std::mem::take(&mut *DURATIONS.lock().unwrap());
    let all: Duration = durations.iter().map(|(took, _)| *took).sum();
    durations.sort_unstable_by(|a, b| b.cmp(a));
    eprintln!("{} tests took {:.0?}; the slowest:", durations.len(), all);
    for (took, name) in durations.iter().take(SLOWEST) {
        eprintln!("{took:8.1?}  {name}");
    }
}

/// An idle domain that keeps the kernel part loaded between tests: loading it takes seconds in an emulated machine. The
/// `unload` suite runs without it.
struct IdleDomain(Mutex<Option<Child>>);

static IDLE_DOMAIN: IdleDomain = IdleDomain(Mutex::new(None));

impl IdleDomain {
    fn set(&self, wanted: bool) {
        let mut held = self.0.lock().unwrap();
        // A test may have killed it.
        if let Some(Ok(Some(_))) = held.as_mut().map(Child::try_wait) {
            *held = None;
        }
        match (held.take(), wanted) {
            (None, true) => {
                *held = Command::new("ambit")
                    .args(["run", "--learn", "-q", "--domain", "idle"])
                    .args(["-o", "/tmp/idle.map", "--", "sleep", "infinity"])
                    .stdin(Stdio::null())
                    .stdout(Stdio::null())
                    .stderr(Stdio::null())
                    .process_group(0)
                    .spawn()
                    .ok();
            }
            (Some(mut child), false) => {
                // SAFETY: sends a signal to a child that was not waited for, so that its number is still its own.
                unsafe { libc::kill(child.id().cast_signed(), libc::SIGTERM) };
                let _ = child.wait();
            }
            (as_it_is, _) => *held = as_it_is,
        }
    }

    fn pid(&self) -> Option<u32> {
        self.0.lock().unwrap().as_ref().map(Child::id)
    }
}

fn run_one(wanted: &str) -> ExitCode {
    match suites::all()
        .into_iter()
        .find(|test| test.full_name() == wanted)
    {
        Some(test) => {
            (test.body)(&Lab::new(test.suite, &test.name));
            ExitCode::SUCCESS
        }
        None => ExitCode::from(2),
    }
}

fn in_own_process(name: &str) -> Result<Completion, Failed> {
    IDLE_DOMAIN.set(!name.starts_with("unload::"));
    let mut command = Command::new(std::env::current_exe()?);
    command
        .env(TEST_NAME, name)
        .env(harness::AT_START, PROGRAMS.to_string())
        .stdin(Stdio::null())
        .process_group(0);
    let Run {
        status,
        stdout,
        stderr,
        ..
    } = Job::start(&mut command, name).finish_within(LIMIT + suites::more_time());
    harness::end_orphans(IDLE_DOMAIN.pid());
    let messages = String::from_utf8_lossy(&stderr).trim().to_owned();
    match status.code() {
        Some(0) => {
            for figures in messages
                .lines()
                .filter(|line| line.starts_with("figures: "))
            {
                eprintln!("{name}: {figures}");
            }
            Ok(Completion::Completed)
        }
        Some(SKIPPED) => Ok(Completion::ignored_with(
            messages.lines().last().unwrap_or_default(),
        )),
        _ => Err(Failed::from(format!(
            "{status}\n{messages}\n{}",
            String::from_utf8_lossy(&stdout)
        ))),
    }
}
