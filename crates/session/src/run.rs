// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The session of a command: from its first instruction to the end of its last task.

use std::io;
use std::os::fd::AsFd;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use ambit_abi::{Fp, Mode};
use ambit_launch::{Paused, Signals};
use ambit_sensor::Domain;

use crate::{Command, Error, Next, Pump, Recorder};

/// Longest wait. The recording is flushed and ended tasks are counted at least this often.
const LOOK: Duration = Duration::from_millis(100);
/// How long `enforce` waits for tasks that outlive their command.
const GRACE: Duration = Duration::from_secs(2);

/// The end of a session.
#[derive(Debug)]
pub struct Ended {
    /// How the command ended.
    pub how: How,
    /// Tasks that are left in the domain.
    pub stragglers: i64,
}

/// How a command ended.
#[derive(Debug)]
pub enum How {
    /// With this status.
    With(ExitStatus),
    /// The kernel did not execute it.
    NotStarted(io::Error),
}

/// Runs a command in a domain and delivers its records until its last task has ended.
///
/// `learn` and `audit` wait for tasks that outlive the command, as `strace -f` does, because their operations must be read.
/// `enforce` waits for a moment only: the starter of a daemon ends as it does without Ambit, and the daemon stays confined.
/// After a signal no mode waits.
///
/// # Errors
/// The command cannot be started or waited for, or the kernel part cannot be read.
pub fn run(
    domain: &Domain,
    command: &Command,
    mode: Mode,
    launcher: Fp,
    recorder: &mut Recorder<'_>,
) -> Result<Ended, Error> {
    let mut pump = Pump::new(domain.ring()?);
    let paused = Paused::new(&command.program, &command.argv, None)?;
    domain.label(paused.pidfd(), launcher)?;
    let signals = Signals::catch()?;
    let forwarding = signals.forward_to(paused.pidfd())?;
    let mut running = paused.resume()?;
    let refused = running.wait_for_exec()?;
    let process = running.pidfd().try_clone_to_owned().map_err(Error::Wait)?;
    let status = pump.run(&[process.as_fd()], recorder, || {
        Ok::<_, Error>(match running.try_wait()? {
            Some(status) => Next::Stop(status),
            None => Next::Wait(Some(LOOK)),
        })
    })?;
    drop(forwarding);
    let began = Instant::now();
    let signals_before = signals.count();
    let mut pause = Duration::from_millis(1);
    let stragglers = pump.run(&[], recorder, || {
        let tasks = domain.state()?.tasks;
        let received = signals.count();
        let patient = received == 0 && mode != Mode::Enforce;
        let enough = received > signals_before || (!patient && began.elapsed() > GRACE);
        if tasks <= 0 || enough {
            return Ok::<_, Error>(Next::Stop(tasks.max(0)));
        }
        // The kernel frees an ended task, and with it its label, some milliseconds after its end.
        let wait = Next::Wait(Some(pause));
        pause = (pause * 2).min(LOOK);
        Ok(wait)
    })?;
    Ok(Ended {
        how: refused.map_or(How::With(status), How::NotStarted),
        stragglers,
    })
}
