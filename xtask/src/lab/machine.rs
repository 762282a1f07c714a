// SPDX-License-Identifier: Apache-2.0 OR MIT
//! One boot: QEMU's command line, the streams between guest and host, and how it all ended.

use std::ffi::OsString;
use std::fs;
use std::io::{self, PipeReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{self, Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::kernel::Files;
use super::qemu::Qemu;
use super::rootfs::Rootfs;
use super::{EXIT_TIMEOUT, Outcome, Run, carry, quote};
use crate::progress::Step;
use crate::{paths, setup};

/// Boots take seconds, with little CPU two minutes; a machine that has not reached its job after this time hangs.
const BOOT_LIMIT: Duration = Duration::from_mins(5);
const POLL: Duration = Duration::from_millis(15);
const TAIL_LINES: usize = 30;

/// The job of the guest.
pub(super) enum Job {
    Write(Vec<OsString>, Sink, Sink),
    Capture(Vec<OsString>),
    Shell,
}

/// Boots a machine, has it do the job, and waits for its end.
pub(super) fn boot(run: &Run, job: Job) -> Result<Outcome> {
    setup::for_lab()?;
    let (qemu, rootfs, kernel) = (Qemu::get()?, Rootfs::get(run.userland)?, run.kernel.get()?);
    let dir = Folder::new()?;
    let step = Step::start(format!("booting Linux {}", run.kernel.name()));
    let shell = matches!(job, Job::Shell);
    let (command, stdout_to, stderr_to) = match job {
        Job::Write(command, stdout, stderr) => (command, Some(stdout), Some(stderr)),
        Job::Capture(command) => (command, None, Some(Box::new(io::stderr()) as Sink)),
        Job::Shell => (Vec::new(), None, None),
    };
    let carry = carry::disk(&dir.0, &run.with, &command, &variables(run, shell), &step)?;

    // A shell's QEMU must get the chance to put the terminal back in order.
    let mut qemu = qemu.command(if shell { "TERM" } else { "KILL" });
    machine(&mut qemu, run);
    disks(&mut qemu, &kernel, &rootfs, &carry);
    qemu.env("TMPDIR", &dir.0);
    ports(&mut qemu, &dir, shell);
    if shell {
        drop(step);
        eprintln!(
            "xtask: a shell in the lab follows; leave it with exit, stop the machine with Ctrl-A x"
        );
        let mut child = qemu.spawn().context("cannot start QEMU")?;
        return wait(&mut child, run, &dir, None);
    }

    let (stdout, out_writer) = io::pipe().context("cannot make a pipe")?;
    let (stderr, err_writer) = io::pipe().context("cannot make a pipe")?;
    qemu.stdin(Stdio::null())
        .stdout(out_writer)
        .stderr(err_writer);
    let mut child = qemu.spawn().context("cannot start QEMU")?;
    // The pipes end when the last writer does, and the command holds two.
    drop(qemu);
    let stdout = forward(stdout, stdout_to);
    let stderr = forward(stderr, stderr_to);
    let outcome = wait(&mut child, run, &dir, Some(step));
    // Join in any case: what QEMU itself had to say comes through these, too.
    _ = stderr.join();
    let stdout = stdout.join().unwrap_or_default();
    outcome.map(|outcome| Outcome { stdout, ..outcome })
}

fn variables(run: &Run, shell: bool) -> Vec<(&'static str, String)> {
    let mut variables = vec![("AMBIT_LAB_KERNEL", run.kernel.name().to_owned())];
    if shell {
        if let Ok(term) = std::env::var("TERM") {
            variables.push(("TERM", term));
        }
        if let Ok(size) = rustix::termios::tcgetwinsize(io::stdout()) {
            variables.push(("LAB_ROWS", size.ws_row.to_string()));
            variables.push(("LAB_COLUMNS", size.ws_col.to_string()));
        }
    }
    variables
}

fn machine(qemu: &mut Command, run: &Run) {
    qemu.args([
        "-nodefaults",
        "-no-user-config",
        "-no-reboot",
        "-display",
        "none",
        "-machine",
        "q35",
    ]);
    // `max` has what the kernels' x86-64 code may use, and is the same on any host.
    qemu.args(["-cpu", "max", "-m", &run.mem_mib.to_string()]);
    if run.icount {
        qemu.args([
            "-accel",
            "tcg,thread=single",
            "-smp",
            "1",
            "-icount",
            "shift=0,sleep=off",
        ]);
    } else {
        qemu.args(["-accel", "tcg,thread=multi", "-smp", &run.cpus.to_string()]);
    }
    // A panic ends QEMU, since the guest reboots at once and may not. The LSM list stays the distribution's.
    // The kernel takes the timer for broken, and panics, if QEMU's thread gets too little CPU for ten ticks in time; guests of a
    // hypervisor that it knows skip this test.
    let mut append = "console=ttyS0 panic=-1 no_timer_check".to_owned();
    for words in &run.append {
        append.push(' ');
        append.push_str(words);
    }
    qemu.arg("-append").arg(append);
}

fn disks(qemu: &mut Command, kernel: &Files, rootfs: &Rootfs, carry: &Path) {
    qemu.arg("-kernel")
        .arg(&kernel.image)
        .arg("-initrd")
        .arg(&kernel.initramfs);
    // The guest's init counts on this order.
    for (file, option) in [
        (rootfs.image().as_path(), "snapshot=on"),
        (carry, "readonly=on"),
        (kernel.modules.as_path(), "readonly=on"),
    ] {
        qemu.arg("-drive").arg(format!(
            "file={},format=raw,if=virtio,{option}",
            quote::qemu(file)
        ));
    }
}

/// The kernel's console goes to a file, the job's streams to QEMU's own, its status to another file.
fn ports(qemu: &mut Command, dir: &Folder, shell: bool) {
    let file = |id, path: &Path| format!("file,id={id},path={}", quote::qemu(path));
    qemu.arg("-chardev")
        .arg(file("console", &dir.console()))
        .args(["-serial", "chardev:console"]);
    qemu.args(["-device", "virtio-serial-pci"]);
    qemu.arg("-chardev").arg(file("status", &dir.status()));
    qemu.args(["-device", "virtserialport,chardev=status,name=lab.status"]);
    if shell {
        qemu.args([
            "-chardev",
            "stdio,id=shell,mux=on,signal=off",
            "-serial",
            "chardev:shell",
            "-mon",
            "shell",
        ]);
    } else {
        for (fd, name) in [(1, "stdout"), (2, "stderr")] {
            qemu.arg("-chardev")
                .arg(file(name, Path::new(&format!("/proc/self/fd/{fd}"))));
            qemu.arg("-device")
                .arg(format!("virtserialport,chardev={name},name=lab.{name}"));
        }
    }
}

/// Where a command's output goes.
pub(crate) type Sink = Box<dyn Write + Send>;

/// Forwards the guest's output to the sink, or returns it if the sink is absent.
fn forward(mut from: PipeReader, mut sink: Option<Sink>) -> JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut kept = Vec::new();
        let mut buffer = vec![0; 1 << 16];
        while let Ok(count @ 1..) = from.read(&mut buffer) {
            let bytes = buffer.get(..count).unwrap_or_default();
            match &mut sink {
                // The reader of our output may have exited; the job's status still counts.
                Some(sink) => _ = sink.write_all(bytes).and_then(|()| sink.flush()),
                None => kept.extend_from_slice(bytes),
            }
        }
        kept
    })
}

fn wait(child: &mut Child, run: &Run, dir: &Folder, mut step: Option<Step>) -> Result<Outcome> {
    let started = Instant::now();
    let mut booted = false;
    loop {
        let ended = child.try_wait().context("cannot wait for QEMU")?;
        let report = Report::read(&dir.status());
        if !booted && report.started {
            booted = true;
            if let Some(step) = step.take() {
                step.done();
            }
        }
        let elapsed = started.elapsed();
        let late = run.timeout.is_some_and(|limit| elapsed > limit);
        let stuck = !booted && elapsed > BOOT_LIMIT;
        if ended.is_some() || late || stuck {
            drop(step.take());
            if ended.is_none() {
                child
                    .kill()
                    .and_then(|()| child.wait())
                    .context("cannot stop QEMU")?;
            }
            let log = dir.keep_console(run.kernel.name())?;
            let outcome = |status| Outcome {
                status,
                stdout: Vec::new(),
            };
            if let Some(status) = report.exit {
                return Ok(outcome(status));
            }
            if late && ended.is_none() {
                let limit = run.timeout.unwrap_or_default().as_secs();
                eprintln!(
                    "xtask: stopped, since the time of {limit} s is up; the kernel's console is in {}",
                    log.display()
                );
                return Ok(outcome(EXIT_TIMEOUT));
            }
            let what = if booted {
                "ended while the command ran"
            } else {
                "did not get to the command"
            };
            bail!(
                "the machine {what}; its console ends with:\n{}  all of it is in {}",
                tail(&log),
                log.display()
            );
        }
        thread::sleep(POLL);
    }
}

/// The guest's reports about its job.
#[derive(Default)]
struct Report {
    started: bool,
    exit: Option<u8>,
}

impl Report {
    fn read(file: &Path) -> Self {
        let text = fs::read_to_string(file).unwrap_or_default();
        Self::parse(&text)
    }

    fn parse(text: &str) -> Self {
        let mut report = Self::default();
        // Only whole lines: the last one may be on its way.
        for line in text
            .split_inclusive('\n')
            .filter_map(|line| line.strip_suffix('\n'))
        {
            match line.split_once(' ') {
                None => report.started |= line == "start",
                Some(("exit", status)) => report.exit = status.parse().ok(),
                Some(_) => {}
            }
        }
        report
    }
}

fn tail(console: &Path) -> String {
    let bytes = fs::read(console).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<_> = text.lines().collect();
    let from = lines.len().saturating_sub(TAIL_LINES);
    let clean = |line: &&str| {
        let visible: String = line.chars().filter(|c| !c.is_control()).collect();
        format!("    {visible}\n")
    };
    lines.iter().skip(from).map(clean).collect()
}

/// A run's own folder. It goes with the run, or with a later one if this program is killed.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let runs = paths::lab()?.join("run");
        fs::create_dir_all(&runs).with_context(|| format!("cannot create {}", runs.display()))?;
        remove_stale(&runs);
        let path = runs.join(format!(
            "{}-{}",
            process::id(),
            COUNT.fetch_add(1, Ordering::Relaxed)
        ));
        fs::create_dir(&path).with_context(|| format!("cannot create {}", path.display()))?;
        Ok(Self(path))
    }

    fn console(&self) -> PathBuf {
        self.0.join("console.log")
    }

    fn status(&self) -> PathBuf {
        self.0.join("status")
    }

    /// Puts the console's log where the next run of the same kernel replaces it.
    fn keep_console(&self, kernel: &str) -> Result<PathBuf> {
        let kept = paths::lab()?.join(format!("console-{kernel}.log"));
        fs::rename(self.console(), &kept).context("QEMU did not start: it wrote no console log")?;
        Ok(kept)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        _ = fs::remove_dir_all(&self.0);
    }
}

/// Removes the folders of runs whose process is gone.
fn remove_stale(runs: &Path) {
    for entry in fs::read_dir(runs).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let pid = name.to_str().and_then(|name| name.split('-').next());
        if pid.is_some_and(|pid| !Path::new("/proc").join(pid).exists()) {
            _ = fs::remove_dir_all(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_counts_when_its_line_is_whole() {
        let report = Report::parse("start\nexit 1");
        assert!(report.started);
        assert_eq!(report.exit, None);
        assert_eq!(Report::parse("start\nexit 130\n").exit, Some(130));
    }
}
