// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `cargo xtask test`: everything that must hold, from the code's form to the suites on three kernels.

mod count;
mod deny;
mod suites;

use std::fs;
use std::io::{self, BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};

use crate::lab::{self, Kernel};
use crate::{build, paths, setup};
use count::Count;

/// Options of `cargo xtask test`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Leave out what needs a virtual machine
    #[arg(long, conflicts_with = "kernel")]
    quick: bool,
    /// A kernel to run the lab's suites on; may be given again [default: all three]
    #[arg(long, value_enum)]
    kernel: Vec<Kernel>,
    /// Only tests with this in their names, and no checks of the code's form
    filter: Option<String>,
}

pub(crate) fn main(args: &Args) -> Result<ExitCode> {
    setup::for_build()?;
    let mut report = Report::default();
    // Beside the other parts: the first run downloads the lab and compiles cargo-deny, on a CPU that they leave idle now and then.
    let prepared = (!args.quick).then(|| thread::spawn(lab::prepare));
    let dependencies = args.filter.is_none().then(|| {
        thread::spawn(|| {
            let begun = Instant::now();
            let mut count = Count::default();
            let ended = deny::check(&mut count);
            (count, ended, begun.elapsed())
        })
    });
    if args.filter.is_none() {
        form(&mut report)?;
    }
    report.add("tests without a kernel", |count| {
        let mut command = build::cargo("test");
        command.args(["--workspace", "--no-fail-fast"]);
        command.args(&args.filter);
        counted(&mut command, count)
    });
    if args.filter.is_none() {
        let mut doc = build::cargo("doc");
        doc.args(["--workspace", "--no-deps", "--quiet"])
            .env("RUSTDOCFLAGS", "-D warnings");
        report.check("documentation", &mut doc);
    }
    if !args.quick {
        let built = report.add("release binaries", |count| {
            build::with_failpoints()?;
            count.passed += 1;
            Ok(true)
        });
        if let Some(thread) = prepared {
            joined(thread)??;
        }
        if built {
            suites::all(args, &mut report);
        }
    }
    if let Some(thread) = dependencies {
        let (count, ended, took) = joined(thread)?;
        report.ended("licences and sources", count, ended, took);
    }
    Ok(report.print())
}

/// Waits for a thread and returns its result.
fn joined<T>(thread: thread::JoinHandle<T>) -> Result<T> {
    thread
        .join()
        .map_err(|_| anyhow!("a thread of the tests panicked"))
}

/// Checks format and lints, and that `ambit` builds without the kernel part.
fn form(report: &mut Report) -> Result<()> {
    report.check(
        "Rust's format",
        build::cargo("fmt").args(["--all", "--check"]),
    );
    let mut clang_format = Command::new("clang-format-19");
    clang_format
        .args(["--dry-run", "-Werror"])
        .args(kernel_part()?);
    report.check("the kernel part's format", &mut clang_format);
    report.check(
        "clippy",
        build::cargo("clippy")
            .args(["--quiet", "--workspace", "--all-targets"])
            .args(["--", "-D", "warnings"]),
    );
    // The workspace builds `ambit` with its default feature `kernel` only.
    report.check(
        "ambit without a kernel part",
        build::cargo("clippy")
            .args(["--quiet", "-p", "ambit", "--no-default-features"])
            .args(["--", "-D", "warnings"]),
    );
    Ok(())
}

/// The sources of the kernel part.
fn kernel_part() -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for dir in ["bpf", "bpf/include"].map(|dir| paths::workspace().join(dir)) {
        for entry in fs::read_dir(&dir).with_context(|| format!("cannot read {}", dir.display()))? {
            let path = entry?.path();
            if path
                .extension()
                .is_some_and(|extension| extension == "c" || extension == "h")
            {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

/// Runs a command that prints test results, passes its output on, and counts.
fn counted(command: &mut Command, count: &mut Count) -> Result<bool> {
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot start cargo")?;
    if let Some(stdout) = child.stdout.take() {
        for line in BufReader::new(stdout).lines() {
            let line = line.context("cannot read what the tests print")?;
            println!("{line}");
            count.line(&line);
        }
    }
    Ok(child.wait().context("cannot wait for cargo")?.success())
}

/// The parts that were run, with their results.
#[derive(Default)]
struct Report {
    parts: Vec<Part>,
}

struct Part {
    name: String,
    count: Count,
    seconds: u64,
    /// Why a part failed that could not be done to its end.
    error: Option<String>,
}

impl Report {
    /// A command that is right when it succeeds.
    fn check(&mut self, name: &str, command: &mut Command) {
        self.add(name, |count| {
            let status = command
                .stdin(Stdio::null())
                .status()
                .with_context(|| format!("cannot start {}", command.get_program().display()))?;
            count.passed += u64::from(status.success());
            Ok(status.success())
        });
    }

    /// Does a part, and answers whether it went well.
    fn add(&mut self, name: &str, part: impl FnOnce(&mut Count) -> Result<bool>) -> bool {
        eprintln!("xtask: {name}");
        let begun = Instant::now();
        let mut count = Count::default();
        let ended = part(&mut count);
        self.ended(name, count, ended, begun.elapsed())
    }

    /// Notes a part that has ended. One that failed has failed, even if no test of it did.
    fn ended(&mut self, name: &str, mut count: Count, ended: Result<bool>, took: Duration) -> bool {
        let (good, error) = match ended {
            Ok(good) => (good, None),
            Err(error) => {
                let error = format!("{error:#}");
                eprintln!("xtask: {name}: {error}");
                (false, Some(error))
            }
        };
        if !good && count.failed == 0 {
            count.failed = 1;
        }
        self.parts.push(Part {
            name: name.to_owned(),
            count,
            seconds: took.as_secs(),
            error,
        });
        good
    }

    /// The summary, with what failed in each part; its last line has the sums.
    fn print(&self) -> ExitCode {
        _ = io::Write::flush(&mut io::stdout());
        let mut sum = Count::default();
        println!();
        for Part {
            name,
            count,
            seconds,
            error,
        } in &self.parts
        {
            let verdict = if count.failed == 0 {
                "ok    "
            } else {
                "FAILED"
            };
            println!("{verdict}  {name:28} {count} in {seconds} s");
            let lines = error.iter().flat_map(|error| error.lines());
            for line in count.names.iter().map(String::as_str).chain(lines) {
                println!("        {line}");
            }
            sum.passed += count.passed;
            sum.failed += count.failed;
            sum.skipped += count.skipped;
        }
        println!("{sum}");
        ExitCode::from(u8::from(sum.failed > 0))
    }
}
