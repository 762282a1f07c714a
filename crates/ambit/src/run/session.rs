// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The time between the command's start and the end of its last task: the ring is read, signals are passed on.

use std::io;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use ambit_abi::{Fp, Mode};
use ambit_launch::{Paused, Running, Signals};
use ambit_sensor::{Domain, Ring};
use anyhow::Context;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use super::{Command, Recorder};
use crate::exit::{Exit, Failure, OrExit};

/// The ring is looked at this often even where nobody says that there is something in it.
const LOOK: Duration = Duration::from_millis(100);
/// How long tasks may outlive their command where they are not waited for.
const GRACE: Duration = Duration::from_secs(2);

/// How a session ended.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) how: How,
    /// Tasks that go on in the domain.
    pub(super) stragglers: i64,
}

/// How the command ended.
#[derive(Debug)]
pub(super) enum How {
    With(ExitStatus),
    /// The kernel did not execute it.
    NotStarted(io::Error),
}

pub(super) fn run(
    domain: &Domain,
    command: &Command,
    mode: Mode,
    launcher: Fp,
    recorder: &mut Recorder,
) -> Result<Ended, Failure> {
    let mut ring = domain.ring()?;
    let paused = Paused::new(&command.program, &command.argv, None)?;
    domain.label(paused.pidfd(), launcher)?;
    let signals = Signals::catch()?;
    let forwarding = signals.forward_to(paused.pidfd())?;
    let mut running = paused.resume()?;
    let refused = running.wait_for_exec()?;
    let status = command_end(domain, &mut running, &mut ring, recorder)?;
    drop(forwarding);
    let stragglers = last_end(domain, mode, &mut ring, recorder, &signals)?;
    Ok(Ended {
        how: refused.map_or(How::With(status), How::NotStarted),
        stragglers,
    })
}

/// Reads the ring until the command has ended.
fn command_end(
    domain: &Domain,
    running: &mut Running,
    ring: &mut Ring,
    recorder: &mut Recorder,
) -> Result<ExitStatus, Failure> {
    loop {
        drain(domain, ring, recorder)?;
        if let Some(status) = running.try_wait()? {
            return Ok(status);
        }
        let (ring, process) = (ring.fd(), running.pidfd());
        let mut fds = [
            PollFd::new(&ring, PollFlags::IN),
            PollFd::new(&process, PollFlags::IN),
        ];
        wait(&mut fds, LOOK)?;
    }
}

/// Reads the ring until no task of the domain is left, or nobody wants to wait for them. Answers how many go on.
///
/// What is learned or recorded needs someone who reads, so that these modes wait, as `strace -f` does. Refusals need
/// nobody: a daemon's starter ends when it ends without Ambit, and the daemon stays confined.
fn last_end(
    domain: &Domain,
    mode: Mode,
    ring: &mut Ring,
    recorder: &mut Recorder,
    signals: &Signals,
) -> Result<i64, Failure> {
    let began = Instant::now();
    let asked_before = signals.count();
    let mut pause = Duration::from_millis(1);
    loop {
        let tasks = domain.state()?.tasks;
        drain(domain, ring, recorder)?;
        let asked = signals.count();
        let patient = asked == 0 && mode != Mode::Enforce;
        let enough = asked > asked_before || (!patient && began.elapsed() > GRACE);
        if tasks <= 0 || enough {
            return Ok(tasks.max(0));
        }
        // A task that has ended is counted until the kernel lets go of it, some milliseconds later.
        let fd = ring.fd();
        let mut fds = [PollFd::new(&fd, PollFlags::IN)];
        wait(&mut fds, pause)?;
        pause = (pause * 2).min(LOOK);
    }
}

/// Takes everything out of the ring that is there now.
fn drain(domain: &Domain, ring: &mut Ring, recorder: &mut Recorder) -> Result<(), Failure> {
    while ring.consume(&mut |record| recorder.take(record))? > 0 {}
    recorder.flush(domain);
    Ok(())
}

/// Waits until something is there, a signal came or the time is up.
fn wait(fds: &mut [PollFd<'_>], time: Duration) -> Result<(), Failure> {
    let time = Timespec {
        tv_sec: 0,
        tv_nsec: time.subsec_nanos().into(),
    };
    match poll(fds, Some(&time)) {
        Ok(_) | Err(Errno::INTR) => Ok(()),
        Err(errno) => Err(errno)
            .context("cannot wait for the command")
            .or_exit(Exit::Trouble),
    }
}
