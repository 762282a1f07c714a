// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The lab: a virtual machine with a Debian kernel and a Debian user land, in which a command runs as root.
//!
//! [`Run`] is the one way in. Everything on disk is made once under `target/lab`; the machine's own disk starts clean
//! for each run.

mod carry;
mod initramfs;
mod kernel;
mod machine;
mod qemu;
mod quote;
mod rootfs;

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;

pub(crate) use kernel::Kernel;
use machine::Sink;
use rootfs::Userland;

use crate::setup;

/// Exit status of a run that was cut because its time was up.
pub(crate) const EXIT_TIMEOUT: u8 = 124;
/// Exit status of a run that failed before or beside the command: no kernel, no boot, a panic.
pub(crate) const EXIT_LAB_FAILED: u8 = 125;

/// Options of `cargo xtask lab`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The kernel to boot
    #[arg(long, value_enum, default_value_t = Kernel::V6_12)]
    kernel: Kernel,
    /// Let the guest's clock count instructions: one CPU, one nanosecond per instruction
    #[arg(long, conflicts_with = "cpus")]
    icount: bool,
    /// Virtual CPUs
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=64))]
    cpus: u8,
    /// Memory in MiB
    #[arg(long, value_name = "MB", default_value_t = 2048, value_parser = clap::value_parser!(u32).range(256..))]
    mem: u32,
    /// Seconds after which the machine is stopped [default: 600 with a command, none for a shell]
    #[arg(long, value_name = "SECS")]
    timeout: Option<u64>,
    /// Words to add to the kernel's command line
    #[arg(long, value_name = "WORDS", allow_hyphen_values = true)]
    append: Vec<String>,
    /// A file or folder to put under /lab/, by its last name
    #[arg(long, value_name = "PATH")]
    with: Vec<PathBuf>,
    /// Install the packages of the fidelity workloads as well
    #[arg(long)]
    workloads: bool,
    /// The command and its arguments [default: a shell on this terminal]
    #[arg(last = true, value_name = "CMD")]
    command: Vec<OsString>,
}

pub(crate) fn main(args: Args) -> Result<ExitCode> {
    let mut run = Run::new(args.kernel).cpus(args.cpus).mem(args.mem);
    if args.icount {
        run = run.icount();
    }
    for words in args.append {
        run = run.append(words);
    }
    for path in args.with {
        run = run.with(path);
    }
    if args.workloads {
        run = run.with_workloads();
    }
    let timeout = args.timeout.map(Duration::from_secs);
    let outcome = if args.command.is_empty() {
        run.timeout(timeout).shell()?
    } else {
        run.timeout(timeout.or(Some(DEFAULT_TIMEOUT)))
            .stream(args.command)?
    };
    Ok(ExitCode::from(outcome.status))
}

/// Fetches and builds all that running on any of the kernels takes.
pub(crate) fn prepare() -> Result<()> {
    Kernel::ALL.into_iter().try_for_each(prepare_one)
}

/// Fetches and builds all that running on one kernel takes.
pub(crate) fn prepare_one(kernel: Kernel) -> Result<()> {
    setup::for_lab()?;
    qemu::Qemu::get()?;
    rootfs::Rootfs::get(Userland::Suites)?;
    kernel.get()?;
    Ok(())
}

/// The same for the fidelity workloads.
pub(crate) fn prepare_workloads(kernel: Kernel) -> Result<()> {
    prepare_one(kernel)?;
    rootfs::Rootfs::get(Userland::Workloads)?;
    Ok(())
}

const DEFAULT_TIMEOUT: Duration = Duration::from_mins(10);

/// One boot of the lab's machine, and a command in it.
#[derive(Clone)]
pub(crate) struct Run {
    kernel: Kernel,
    icount: bool,
    cpus: u8,
    mem_mib: u32,
    timeout: Option<Duration>,
    append: Vec<String>,
    with: Vec<PathBuf>,
    userland: Userland,
}

/// How a run ended.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// The command's exit status, 128+N after a signal, or [`EXIT_TIMEOUT`].
    pub(crate) status: u8,
    /// What the command wrote to its standard output, if captured.
    pub(crate) stdout: Vec<u8>,
}

impl Run {
    /// A machine with 2 CPUs and 2 GiB, and ten minutes' time.
    pub(crate) fn new(kernel: Kernel) -> Self {
        Self {
            kernel,
            icount: false,
            cpus: 2,
            mem_mib: 2048,
            timeout: Some(DEFAULT_TIMEOUT),
            append: Vec::new(),
            with: Vec::new(),
            userland: Userland::Suites,
        }
    }

    /// Makes the guest's clock count instructions, on one CPU.
    pub(crate) fn icount(mut self) -> Self {
        self.icount = true;
        self
    }

    /// Sets the number of CPUs; instruction counting overrules it.
    pub(crate) fn cpus(mut self, cpus: u8) -> Self {
        self.cpus = cpus;
        self
    }

    /// Sets the memory in MiB.
    pub(crate) fn mem(mut self, mib: u32) -> Self {
        self.mem_mib = mib;
        self
    }

    /// Sets when to stop the machine, counted from the start of QEMU.
    pub(crate) fn timeout(mut self, timeout: Option<Duration>) -> Self {
        self.timeout = timeout;
        self
    }

    /// Adds words to the kernel's command line.
    pub(crate) fn append(mut self, words: impl Into<String>) -> Self {
        self.append.push(words.into());
        self
    }

    /// Installs the packages of the fidelity workloads as well.
    pub(crate) fn with_workloads(mut self) -> Self {
        self.userland = Userland::Workloads;
        self
    }

    /// Brings a file or folder along, as `/lab/` and its last name.
    pub(crate) fn with(mut self, path: impl Into<PathBuf>) -> Self {
        self.with.push(path.into());
        self
    }

    /// Runs a command whose output goes to this program's own.
    pub(crate) fn stream<I: Into<OsString>>(
        &self,
        command: impl IntoIterator<Item = I>,
    ) -> Result<Outcome> {
        let command: Vec<_> = command.into_iter().map(Into::into).collect();
        machine::boot(
            self,
            machine::Job::Write(command, Box::new(io::stdout()), Box::new(io::stderr())),
        )
    }

    /// Runs a command whose output goes to the two writers.
    pub(crate) fn write_to<I: Into<OsString>>(
        &self,
        command: impl IntoIterator<Item = I>,
        stdout: Sink,
        stderr: Sink,
    ) -> Result<Outcome> {
        let command: Vec<_> = command.into_iter().map(Into::into).collect();
        machine::boot(self, machine::Job::Write(command, stdout, stderr))
    }

    /// Runs a command whose standard output is in the outcome.
    pub(crate) fn capture<I: Into<OsString>>(
        &self,
        command: impl IntoIterator<Item = I>,
    ) -> Result<Outcome> {
        let command: Vec<_> = command.into_iter().map(Into::into).collect();
        machine::boot(self, machine::Job::Capture(command))
    }

    /// Runs a login shell on this program's terminal.
    pub(crate) fn shell(&self) -> Result<Outcome> {
        machine::boot(self, machine::Job::Shell)
    }
}
