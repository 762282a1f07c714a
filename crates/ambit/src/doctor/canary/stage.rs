// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Where a canary is performed: a folder that is made anew for each, and a domain with one process.

use std::ffi::OsString;
use std::fs;
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use ambit_abi::{self as abi, Coverage, EventKind, Family, Fp, Hook, Mode, Op, Response};
use ambit_event::{Event, Secret, Subject};
use ambit_launch::{Paused, Running, Signals};
use ambit_sensor::{Domain, DomainSpec, Kernel, Ring};
use anyhow::{Context, anyhow};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Signal, pidfd_send_signal};

use crate::exit::{Exit, Failure, OrExit};

/// An operation that takes longer hangs, and is killed.
const LIMIT: Duration = Duration::from_secs(20);
/// How long it may take to end then.
const GRACE: Duration = Duration::from_secs(10);
const LOOK: Duration = Duration::from_millis(20);
const RING_BYTES: u32 = 1 << 18;
const SET_CAPACITY: u32 = 4096;

/// The kernel part, the program that acts, and a folder.
pub(super) struct Stage {
    pub(super) kernel: Kernel,
    pub(super) secret: Secret,
    program: PathBuf,
    folder: tempfile::TempDir,
    signals: Signals,
}

/// What a domain for one performance is to be like.
pub(super) struct Rules<'a> {
    pub(super) mode: Mode,
    pub(super) keys: &'a [Fp],
    pub(super) digests: bool,
    /// What tasks without trust are refused.
    pub(super) gated: Option<Family>,
}

/// What came of it.
#[derive(Debug, Default)]
pub(super) struct Performed {
    /// Everything that was handed over, in order.
    pub(super) events: Vec<Event>,
    /// What the exerciser said of its operations.
    pub(super) said: String,
    /// The exerciser did not even start.
    pub(super) not_started: Option<io::Error>,
    /// Records that could not be read, or did not fit.
    pub(super) lost: u64,
    /// Hooks that were asked.
    pub(super) asked: Vec<Hook>,
}

impl Performed {
    /// Whether something was refused for lack of permission, as the one who tried it sees it.
    pub(super) fn was_refused(&self) -> bool {
        let at_start = self.not_started.as_ref().and_then(io::Error::raw_os_error);
        // `errno EPERM`, or `errno EPERM at STEP`
        self.said.contains("errno EPERM") || at_start == Some(EPERM)
    }

    /// Whether the kernel part says that it refused this.
    pub(super) fn denied(&self, op: Op) -> bool {
        self.events.iter().any(|event| {
            event.kind == EventKind::Violation
                && event.operation.op == op
                && event.response == Response::Deny
        })
    }

    /// Whether the exerciser could not do all that it was told.
    pub(super) fn failed(&self) -> bool {
        self.not_started.is_some() || self.said.contains(": errno ")
    }

    /// What the exerciser said, in a line.
    pub(super) fn outcome(&self) -> String {
        match &self.not_started {
            Some(error) => format!("not started: {error}"),
            None if self.said.is_empty() => "nothing said".to_owned(),
            None => self.said.lines().collect::<Vec<_>>().join(", "),
        }
    }
}

const EPERM: i32 = rustix::io::Errno::PERM.raw_os_error();

impl Stage {
    pub(super) fn new(kernel: Kernel) -> Result<Self, Failure> {
        let program = std::env::current_exe()
            .context("cannot find this program's own file")
            .or_exit(Exit::Trouble)?;
        let folder = tempfile::Builder::new()
            .prefix("ambit-canary-")
            .tempdir()
            .context("cannot make a temporary folder (TMPDIR says where)")
            .or_exit(Exit::Trouble)?;
        Ok(Self {
            secret: Secret::new(kernel.secret()),
            kernel,
            program,
            folder,
            signals: Signals::catch()?,
        })
    }

    /// The signal that asked to end, if one came.
    pub(super) fn interrupted(&self) -> Option<i32> {
        self.signals.last()
    }

    /// Leaves nothing behind.
    pub(super) fn strike(self) -> Result<(), Failure> {
        let released = self.kernel.release();
        self.folder
            .close()
            .context("cannot remove the canary's folder")
            .or_exit(Exit::Trouble)?;
        released?;
        Ok(())
    }

    /// The folder as it is before each performance.
    fn set(&self) -> io::Result<PathBuf> {
        let set = self.folder.path().join("d");
        match fs::remove_dir_all(&set) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => fs::create_dir(&set)?,
        }
        fs::create_dir(set.join("empty"))?;
        fs::write(set.join("file"), [b'.'; 4096])?;
        Ok(set)
    }

    /// The subject that the exerciser is started by.
    pub(super) fn launcher(&self) -> Fp {
        Subject::LAUNCHER.fingerprint(&self.secret)
    }

    /// Performs what `act` says in a domain of its own.
    pub(super) fn perform(&self, act: &str, rules: &Rules<'_>) -> Result<Performed, Failure> {
        let set = self
            .set()
            .context("cannot set up the canary's folder")
            .or_exit(Exit::Trouble)?;
        let name = format!("canary-{}", std::process::id());
        let domain = self.kernel.create_domain(&DomainSpec {
            name: &name,
            mode: rules.mode,
            chain: 2,
            flags: if rules.digests {
                abi::DOMAIN_DIGESTS
            } else {
                0
            },
            outside: [Response::Deny; abi::FAMILIES],
            gates: gates(rules.gated),
            named: 0,
            coverage: Coverage::Full,
            keys: rules.keys,
            dfa: None,
            set_capacity: SET_CAPACITY,
            cache_max: 0,
            ring_bytes: RING_BYTES,
            record: false,
        })?;
        let words = act.split_whitespace().map(|word| {
            let word = word.replace("{ambit}", &self.program.to_string_lossy());
            OsString::from(word.replace("{d}", &set.to_string_lossy()))
        });
        let argv: Vec<OsString> = ["ambit".into(), "act".into()]
            .into_iter()
            .chain(words)
            .collect();
        let performed = self.watch(&domain, &argv);
        // Whatever came of it, nothing of it stays.
        domain.close()?;
        performed
    }

    fn watch(&self, domain: &Domain, argv: &[OsString]) -> Result<Performed, Failure> {
        let mut ring = domain.ring()?;
        let (paused, said) = self.paused(argv)?;
        domain.label(paused.pidfd(), self.launcher())?;
        let forwarding = self.signals.forward_to(paused.pidfd())?;
        let mut running = paused.resume()?;
        let mut performed = Performed {
            not_started: running.wait_for_exec()?,
            ..Performed::default()
        };
        let in_time = end(domain, &mut running, &mut ring, &mut performed)?;
        drop(forwarding);
        if in_time {
            performed.said = read(said)
                .context("cannot read what the canary said")
                .or_exit(Exit::Trouble)?;
        }
        for (hook, stat) in domain.stats()? {
            performed.lost += stat.lost;
            if stat.evaluated > 0 {
                performed.asked.push(hook);
            }
        }
        Ok(performed)
    }

    /// A process that waits to become the exerciser, with a pipe for its standard output.
    fn paused(&self, argv: &[OsString]) -> Result<(Paused, fs::File), Failure> {
        let (reader, writer) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)
            .context("cannot make a pipe for the canary's output")
            .or_exit(Exit::Trouble)?;
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

fn read(mut from: fs::File) -> io::Result<String> {
    let mut text = String::new();
    from.read_to_string(&mut text)?;
    Ok(text)
}

/// Reads the ring until the exerciser and its children have ended. Answers whether that was in time.
fn end(
    domain: &Domain,
    running: &mut Running,
    ring: &mut Ring,
    performed: &mut Performed,
) -> Result<bool, Failure> {
    let began = Instant::now();
    let mut killed = false;
    loop {
        let ended = running.try_wait()?.is_some();
        let tasks = domain.state()?.tasks;
        drain(ring, performed)?;
        if ended && tasks <= 0 {
            return Ok(!killed);
        }
        let took = began.elapsed();
        if took > LIMIT + GRACE {
            let error = anyhow!("the canary's processes do not end");
            return Err(Failure::new(Exit::Trouble, error));
        }
        if took > LIMIT {
            // It may have ended by itself.
            let _ = pidfd_send_signal(running.pidfd(), Signal::KILL);
            killed = true;
        }
        let fd = ring.fd();
        let wait = Timespec {
            tv_sec: 0,
            tv_nsec: LOOK.subsec_nanos().into(),
        };
        // Woken early or not, the loop looks again.
        let _ = poll(&mut [PollFd::new(&fd, PollFlags::IN)], Some(&wait));
    }
}

fn drain(ring: &mut Ring, performed: &mut Performed) -> Result<(), Failure> {
    let Performed { events, lost, .. } = performed;
    let mut take = |record: &[u8]| match Event::parse(record) {
        Ok(event) if matches!(event.kind, EventKind::Point | EventKind::Violation) => {
            events.push(event);
        }
        Ok(_) => {}
        Err(_) => *lost += 1,
    };
    while ring.consume(&mut take)? > 0 {}
    Ok(())
}
