// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The test bed of canaries: a directory that is created again for each, and a domain with one process.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use ambit_abi::{self as abi, Coverage, EventKind, Family, Fp, Hook, Mode, Op, Response};
use ambit_event::{Event, Secret, Subject};
use ambit_launch::{Paused, Running, Signals};
use ambit_sensor::{Domain, DomainSpec, Kernel, LoadOptions};
use ambit_session::{Next, Pump};
use rustix::process::{Signal, pidfd_send_signal};

use crate::error::Error;

/// Time after which a canary's process is killed.
const LIMIT: Duration = Duration::from_secs(20);
/// Time that the processes have to end after they were killed.
const GRACE: Duration = Duration::from_secs(10);
/// Time between two checks for the end of the processes, which no descriptor signals for grandchildren.
const CHECK_INTERVAL: Duration = Duration::from_millis(20);
const RING_BYTES: u32 = 1 << 18;
const SET_CAPACITY: u32 = 4096;

/// The kernel part, the exerciser's program, and a directory.
pub(crate) struct TestBed {
    kernel: Kernel,
    pub(crate) secret: Secret,
    program: PathBuf,
    directory: tempfile::TempDir,
    signals: Signals,
}

/// The domain of a trial.
pub(crate) struct Trial<'a> {
    pub(crate) mode: Mode,
    /// The points that are allowed.
    pub(crate) keys: &'a [Fp],
    /// True to check the digests of executables.
    pub(crate) digests: bool,
    /// The family that untrusted tasks are refused.
    pub(crate) gated: Option<Family>,
}

/// The result of a trial.
#[derive(Debug, Default)]
pub(crate) struct TrialResult {
    /// The points and violations that the kernel part reported, in order.
    pub(crate) events: Vec<Event>,
    /// The exerciser's output.
    pub(crate) output: String,
    /// Why the exerciser could not be executed.
    pub(crate) exec_error: Option<io::Error>,
    /// Number of records that were malformed or lost.
    pub(crate) lost: u64,
    /// Hooks that evaluated an operation.
    pub(crate) evaluated: Vec<Hook>,
}

impl TrialResult {
    /// True if the exerciser got EPERM, or could not be executed because of it.
    pub(crate) fn was_refused(&self) -> bool {
        let at_exec = self.exec_error.as_ref().and_then(io::Error::raw_os_error);
        // The exerciser prints `errno EPERM` or `errno EPERM at STEP`.
        self.output.contains("errno EPERM") || at_exec == Some(EPERM)
    }

    /// True if the kernel part reported that it refused this operation.
    pub(crate) fn denied(&self, op: Op) -> bool {
        self.events.iter().any(|event| {
            event.kind == EventKind::Violation
                && event.operation.op == op
                && event.response == Response::Deny
        })
    }

    /// True if the exerciser could not perform its whole script.
    pub(crate) fn failed(&self) -> bool {
        self.exec_error.is_some()
            || self.output.contains(": errno ")
            || self.output.contains(": signal ")
    }

    /// The exerciser's output in one line.
    pub(crate) fn outcome(&self) -> String {
        match &self.exec_error {
            Some(error) => format!("not executed: {error}"),
            None if self.output.is_empty() => "no output".to_owned(),
            None => self.output.lines().collect::<Vec<_>>().join(", "),
        }
    }
}

const EPERM: i32 = rustix::io::Errno::PERM.raw_os_error();

impl TestBed {
    /// Loads the kernel part last: if anything fails before, nothing has to be released.
    pub(crate) fn new(options: &LoadOptions) -> Result<Self, Error> {
        let program = std::env::current_exe().map_err(Error::OwnProgram)?;
        let directory = tempfile::Builder::new().prefix("ambit-canary-").tempdir();
        let directory = directory.map_err(Error::TemporaryDirectory)?;
        let signals = Signals::catch()?;
        let kernel = Kernel::attach(options)?;
        Ok(Self {
            secret: Secret::new(kernel.secret()),
            kernel,
            program,
            directory,
            signals,
        })
    }

    /// The last signal that asked to end, if there was one.
    pub(crate) fn interrupted(&self) -> Option<i32> {
        self.signals.last()
    }

    /// Releases the kernel part and removes the directory.
    pub(crate) fn remove(self) -> Result<(), Error> {
        let released = self.kernel.release();
        self.directory.close().map_err(Error::Remove)?;
        released?;
        Ok(())
    }

    /// Creates the files that canaries work on, after removing the files of the canary before.
    fn create_files(&self) -> io::Result<PathBuf> {
        let files = self.directory.path().join("d");
        match fs::remove_dir_all(&files) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => fs::create_dir(&files)?,
        }
        fs::create_dir(files.join("empty"))?;
        fs::write(files.join("file"), [b'.'; 4096])?;
        Ok(files)
    }

    /// Performs a script of the exerciser in a new domain.
    pub(crate) fn run(&self, script: &str, trial: &Trial<'_>) -> Result<TrialResult, Error> {
        let files = self.create_files().map_err(Error::Files)?;
        let name = format!("canary-{}", std::process::id());
        let domain = self.kernel.create_domain(&DomainSpec {
            name: &name,
            mode: trial.mode,
            chain: 2,
            flags: if trial.digests {
                abi::DOMAIN_DIGESTS
            } else {
                0
            },
            outside: [Response::Deny; abi::FAMILIES],
            gates: gates(trial.gated),
            named: 0,
            coverage: Coverage::Full,
            keys: trial.keys,
            dfa: None,
            set_capacity: SET_CAPACITY,
            cache_max: 0,
            ring_bytes: RING_BYTES,
            record: false,
        })?;
        let words = script.split_whitespace().map(|word| {
            let word = word.replace("{ambit}", &self.program.to_string_lossy());
            OsString::from(word.replace("{d}", &files.to_string_lossy()))
        });
        let argv: Vec<OsString> = ["ambit".into(), "act".into()]
            .into_iter()
            .chain(words)
            .collect();
        let result = self.run_in(&domain, &argv);
        // The domain is removed even if the trial failed, whose error is the cause of one here.
        let closed = domain.close();
        let result = result?;
        closed?;
        Ok(result)
    }

    fn run_in(&self, domain: &Domain, argv: &[OsString]) -> Result<TrialResult, Error> {
        let mut pump = Pump::new(domain.ring()?);
        let (paused, output) = self.start_paused(argv)?;
        let launcher = Subject::LAUNCHER.fingerprint(&self.secret);
        domain.label(paused.pidfd(), launcher)?;
        let forwarding = self.signals.forward_to(paused.pidfd())?;
        let mut running = paused.resume()?;
        let mut result = TrialResult {
            exec_error: running.wait_for_exec()?,
            ..TrialResult::default()
        };
        let in_time = collect(domain, &mut running, &mut pump, &mut result)?;
        drop(forwarding);
        if in_time {
            result.output = io::read_to_string(output).map_err(Error::Output)?;
        }
        for (hook, stat) in domain.stats()? {
            result.lost += stat.lost;
            if stat.evaluated > 0 {
                result.evaluated.push(hook);
            }
        }
        Ok(result)
    }

    /// Starts a paused process that becomes the exerciser. Returns it and the pipe of its standard output.
    fn start_paused(&self, argv: &[OsString]) -> Result<(Paused, fs::File), Error> {
        let pipe = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC);
        let (reader, writer) = pipe.map_err(|errno| Error::Pipe(errno.into()))?;
        let paused = Paused::new(&self.program, argv, Some(writer.as_fd()))?;
        Ok((paused, reader.into()))
    }
}

fn gates(family: Option<Family>) -> [abi::Gate; abi::FAMILIES] {
    let mut gates = [abi::Gate::default(); abi::FAMILIES];
    let slot = family.and_then(|family| gates.get_mut(usize::from(u8::from(family))));
    if let Some(slot) = slot {
        slot.deny = u32::MAX;
    }
    gates
}

/// Collects records until the exerciser and its children have ended. Returns false if they had to be killed.
fn collect(
    domain: &Domain,
    running: &mut Running,
    pump: &mut Pump,
    result: &mut TrialResult,
) -> Result<bool, Error> {
    let began = Instant::now();
    let mut killed = false;
    let TrialResult { events, lost, .. } = result;
    let mut sink = |record: &[u8]| match Event::parse(record) {
        Ok(event) if matches!(event.kind, EventKind::Point | EventKind::Violation) => {
            events.push(event);
        }
        Ok(_) => {}
        Err(_) => *lost += 1,
    };
    pump.run(&[], &mut sink, || {
        let ended = running.try_wait()?.is_some();
        if ended && domain.state()?.tasks <= 0 {
            return Ok(Next::Stop(!killed));
        }
        let took = began.elapsed();
        if took > LIMIT + GRACE {
            return Err(Error::Hung);
        }
        if took > LIMIT {
            // An error means that it has just ended.
            let _ = pidfd_send_signal(running.pidfd(), Signal::KILL);
            killed = true;
        }
        Ok(Next::Wait(Some(CHECK_INTERVAL)))
    })
}
