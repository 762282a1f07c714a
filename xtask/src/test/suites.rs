// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The lab's suites, on each kernel.
//!
//! All machines run at the same time, even on two CPUs: each leaves its own idle for a third of the time, while its tests wait.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;

use super::{Args, Report, count::Count};
use crate::lab::{EXIT_TIMEOUT, Kernel, Run};

const SCRIPT: &str = include_str!("suites.sh");
const LIMIT: Duration = Duration::from_mins(50);
/// Variable that has the tests of [`ON_ONE_KERNEL`] run on every kernel.
const EVERYWHERE: &str = "AMBIT_TEST_EVERYWHERE";
/// Long tests whose outcome depends least on the kernel, and the kernel that runs them unless [`EVERYWHERE`] is set: three
/// machines on two CPUs would take longer than an hour. The kernel on which the kernel part loads fastest has the most.
const ON_ONE_KERNEL: [(&str, Kernel); 19] = [
    ("hostile::", Kernel::V6_1),
    ("counts::counters_add_up_under_stress_ng_", Kernel::V6_1),
    ("unload::a_load_of_rules_that_is_killed_", Kernel::V6_1),
    ("unload::a_run_that_is_killed_", Kernel::V6_1),
    ("unload::an_unload_of_rules_that_is_killed_", Kernel::V6_1),
    ("unload::rules_count_on_when_programs_", Kernel::V6_1),
    ("rules::what_a_replay_says_of_rules_", Kernel::V6_1),
    ("rules::what_only_full_coverage_asks_", Kernel::V6_1),
    ("cli::", Kernel::V6_12),
    ("rules_path_cache::", Kernel::V6_12),
    ("generalize::", Kernel::V6_12),
    ("recording::", Kernel::V6_12),
    ("rules::a_load_that_is_killed_", Kernel::V6_12),
    ("scenarios::s06_a_request_handler_", Kernel::V6_12),
    ("differential::", Kernel::V7),
    ("rules_fuzz::", Kernel::V7),
    ("rules::two_hundred_rules_that_search_", Kernel::V7),
    ("scenarios::s06_a_web_server_reloads_", Kernel::V7),
    ("scenarios::s10_what_a_small_ring_lost_", Kernel::V7),
];

pub(super) fn all(args: &Args, report: &mut Report) {
    let kernels = if args.kernel.is_empty() {
        Kernel::ALL.into()
    } else {
        args.kernel.clone()
    };
    let shared = args.kernel.is_empty() && std::env::var_os(EVERYWHERE).is_none();
    let report = &Mutex::new(report);
    thread::scope(|scope| {
        for kernel in kernels {
            scope.spawn(move || {
                let begun = Instant::now();
                let counter = Arc::new(Mutex::new(Count::default()));
                let ended = one(kernel, args.filter.as_deref(), shared, &counter);
                if let (Ok(mut report), Ok(count)) = (report.lock(), counter.lock()) {
                    let name = format!("suites on kernel {}", kernel.name());
                    report.ended(&name, count.clone(), ended, begun.elapsed());
                }
            });
        }
    });
}

fn one(
    kernel: Kernel,
    filter: Option<&str>,
    shared: bool,
    count: &Arc<Mutex<Count>>,
) -> Result<bool> {
    let lines = |out| {
        Box::new(Lines {
            prefix: format!("{:5} | ", kernel.name()),
            line: Vec::new(),
            count: Arc::clone(count),
            out,
        })
    };
    let mut run = Run::new(kernel).timeout(Some(LIMIT));
    // Its examples are a few hundred commands, which one kernel is enough for, the one with the least to do.
    if kernel == Kernel::V6_1 {
        run = run.with(crate::paths::workspace().join("rules"));
    }
    let mut arguments = vec!["bash", "-c", SCRIPT, "suites"];
    if shared {
        let others = ON_ONE_KERNEL.iter().filter(|(_, runner)| *runner != kernel);
        let skipped: Vec<&str> = others.map(|(tests, _)| *tests).collect();
        println!(
            "xtask: kernel {} does not run {}: another kernel does; {EVERYWHERE}=1 runs them on each",
            kernel.name(),
            skipped.join(" ")
        );
        arguments.extend(skipped.into_iter().flat_map(|tests| ["--skip", tests]));
    }
    arguments.extend(filter);
    let outcome = run.write_to(arguments, lines(Out::Stdout), lines(Out::Stderr))?;
    if outcome.status == EXIT_TIMEOUT {
        anyhow::bail!("not done after {} minutes", LIMIT.as_secs() / 60);
    }
    Ok(outcome.status == 0)
}

enum Out {
    Stdout,
    Stderr,
}

/// Passes whole lines on, with the kernel's name before each, and counts.
struct Lines {
    prefix: String,
    line: Vec<u8>,
    count: Arc<Mutex<Count>>,
    out: Out,
}

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for &byte in bytes {
            if byte != b'\n' {
                self.line.push(byte);
                continue;
            }
            let line = String::from_utf8_lossy(&self.line).into_owned();
            self.line.clear();
            if let Ok(mut count) = self.count.lock() {
                count.line(&line);
            }
            match self.out {
                Out::Stdout => println!("{}{line}", self.prefix),
                Out::Stderr => eprintln!("{}{line}", self.prefix),
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
