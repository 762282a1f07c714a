// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Sets and clears trust bits for an operator. Each change is in the log before it is carried out.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use ambit_event::escape;
use ambit_journal::Clock;
use ambit_sensor::{Kernel, TaskInfo};

use crate::error::Error;
use crate::shown::shown;
use crate::sources::TrustSources;
use crate::trust_log::{self, ChangeKind, ChangedProcess, TrustChange};

/// Maximum number of processes in one record of the log.
const PER_RECORD: usize = 1000;
/// Maximum number of searches for processes of a domain that are not changed yet.
const ROUNDS: u32 = 32;

/// The processes to change.
#[derive(Clone, Copy, Debug)]
pub enum Target<'a> {
    /// A process, by its number in the initial pid namespace.
    Process(u32),
    /// Every process of a domain.
    Domain(&'a str),
}

/// A change that an operator ordered.
#[derive(Clone, Debug)]
pub struct Order<'a> {
    /// Set or clear.
    pub kind: ChangeKind,
    /// The bits.
    pub bits: u32,
    /// The names of the bits for the log, or `all`.
    pub sources: Vec<String>,
    /// Number of seconds after which set bits are cleared.
    pub seconds: Option<u32>,
    /// The operator's reason.
    pub reason: Option<&'a str>,
    /// The user that Ambit runs as.
    pub uid: u32,
    /// The name of the user that started Ambit by `sudo`, escaped.
    pub sudo_user: Option<String>,
}

/// The result of a change.
#[derive(Debug, Default)]
pub struct Changed {
    /// Number of processes that were changed.
    pub processes: usize,
    /// Number of their threads.
    pub threads: usize,
    /// Errors of records that could not be written to the log. Bits are set without a record, and never cleared without.
    pub not_logged: Vec<Error>,
}

/// Why trust bits were not changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ChangeError {
    /// The number belongs to a thread that does not lead its process.
    #[error(
        "{pid} is a thread of process {process}, and the threads of a process share their trust; use --pid {process}"
    )]
    Thread {
        /// The number that was given.
        pid: u32,
        /// The process that the thread belongs to.
        process: u32,
    },
    /// No domain has this name.
    #[error("no domain `{}`; `ambit trust ls --all` lists processes with their domains", escape::line(.0))]
    NoDomain(String),
    /// A domain creates processes faster than they are changed.
    #[error(
        "domain `{}` creates processes faster than their trust can be changed; {processes} are changed",
        escape::line(domain)
    )]
    TooFast {
        /// The domain.
        domain: String,
        /// Number of processes that were changed.
        processes: usize,
    },
    /// The log cannot be written, so no bit was cleared.
    #[error("no trust bit was cleared: cannot write the record {}", shown(path))]
    NotLogged {
        /// The log.
        path: PathBuf,
        /// The system's error.
        #[source]
        source: Error,
    },
    /// The host's state cannot be read.
    #[error(transparent)]
    State(#[from] Error),
    /// The kernel part reported an error.
    #[error(transparent)]
    Kernel(#[from] ambit_sensor::Error),
}

impl Order<'_> {
    /// Carries the change out.
    ///
    /// # Errors
    /// Some processes may have been changed already. A process that failed has a second record in the log.
    pub fn carry_out(&self, kernel: &Kernel, target: Target<'_>) -> Result<Changed, ChangeError> {
        let mut changed = Changed::default();
        match target {
            Target::Process(pid) => self.process(kernel, pid, &mut changed)?,
            Target::Domain(name) => self.domain(kernel, name, &mut changed)?,
        }
        Ok(changed)
    }

    fn process(&self, kernel: &Kernel, pid: u32, changed: &mut Changed) -> Result<(), ChangeError> {
        // Checked first: an unknown process needs no record.
        if let Some(process) = leader_of(pid).filter(|process| *process != pid) {
            return Err(ChangeError::Thread { pid, process });
        }
        let comm = name_of(pid).ok_or(ambit_sensor::Error::NoSuchProcess(pid))?;
        let bits = kernel
            .tasks()?
            .iter()
            .filter(|task| task.tgid == pid)
            .fold(0, |bits, task| bits | bits_of(task));
        let process = ChangedProcess {
            pid,
            comm,
            trust: TrustSources::read()?.names(bits),
        };
        self.log(vec![process.clone()], None, None, changed)?;
        match self.apply(kernel, pid) {
            Ok(threads) => {
                changed.processes += 1;
                changed.threads += threads;
                Ok(())
            }
            Err(error) => {
                // The error itself is returned.
                let _ = self.log(vec![process], None, Some(&error), changed);
                Err(error.into())
            }
        }
    }

    /// Changes every process of a domain, including processes that are created in the meantime.
    fn domain(
        &self,
        kernel: &Kernel,
        name: &str,
        changed: &mut Changed,
    ) -> Result<(), ChangeError> {
        // Tasks that an earlier run left behind have a domain of the same name.
        let domains: Vec<u16> = kernel
            .domains()?
            .into_iter()
            .filter(|domain| domain.name == name)
            .map(|domain| domain.id)
            .collect();
        if domains.is_empty() {
            return Err(ChangeError::NoDomain(name.to_owned()));
        }
        let mut seen = BTreeSet::new();
        for _ in 0..ROUNDS {
            let new = members(kernel, &domains, &seen)?;
            if new.is_empty() {
                return Ok(());
            }
            for some in new.chunks(PER_RECORD) {
                self.log(some.to_vec(), Some(name), None, changed)?;
                for process in some {
                    seen.insert(process.pid);
                    match self.apply(kernel, process.pid) {
                        Ok(threads) => {
                            changed.processes += 1;
                            changed.threads += threads;
                        }
                        // The process ended in the meantime.
                        Err(ambit_sensor::Error::NoSuchProcess(_)) => {}
                        Err(error) => {
                            let _ =
                                self.log(vec![process.clone()], Some(name), Some(&error), changed);
                            return Err(error.into());
                        }
                    }
                }
            }
        }
        Err(ChangeError::TooFast {
            domain: name.to_owned(),
            processes: changed.processes,
        })
    }

    fn apply(&self, kernel: &Kernel, pid: u32) -> Result<usize, ambit_sensor::Error> {
        match self.kind {
            ChangeKind::Set => kernel.set_trust(pid, self.bits, self.seconds),
            ChangeKind::Clear => kernel.clear_trust(pid, self.bits),
        }
    }

    /// Writes a record. If that fails, an error is returned for `Clear`, and kept in `changed` for `Set`.
    fn log(
        &self,
        processes: Vec<ChangedProcess>,
        domain: Option<&str>,
        failed: Option<&ambit_sensor::Error>,
        changed: &mut Changed,
    ) -> Result<(), ChangeError> {
        let change = TrustChange {
            time: Clock::now_utc(),
            kind: self.kind,
            processes,
            domain: domain.map(escape::line),
            sources: self.sources.clone(),
            seconds: self.seconds,
            reason: self.reason.map(ToOwned::to_owned),
            uid: self.uid,
            sudo_user: self.sudo_user.clone(),
            failed: failed.map(ToString::to_string),
        };
        match (trust_log::append_change(&change), self.kind) {
            (Ok(()), _) => Ok(()),
            (Err(error), ChangeKind::Set) => {
                changed.not_logged.push(error);
                Ok(())
            }
            (Err(source), ChangeKind::Clear) => Err(ChangeError::NotLogged {
                path: trust_log::path(),
                source,
            }),
        }
    }
}

/// Returns the processes of domains that are not in `seen`.
fn members(
    kernel: &Kernel,
    domains: &[u16],
    seen: &BTreeSet<u32>,
) -> Result<Vec<ChangedProcess>, ChangeError> {
    let mut bits: BTreeMap<u32, u32> = BTreeMap::new();
    for task in kernel.tasks()? {
        if domains.contains(&task.label.domain) && !seen.contains(&task.tgid) {
            *bits.entry(task.tgid).or_default() |= bits_of(&task);
        }
    }
    let sources = TrustSources::read()?;
    Ok(bits
        .into_iter()
        .map(|(pid, bits)| ChangedProcess {
            pid,
            comm: name_of(pid).unwrap_or_default(),
            trust: sources.names(bits),
        })
        .collect())
}

fn bits_of(task: &TaskInfo) -> u32 {
    task.label.trust | task.trust.as_ref().map_or(0, |trust| trust.bits)
}

/// Returns the process that a process or thread belongs to; `None` if the number does not exist.
pub fn leader_of(pid: u32) -> Option<u32> {
    let status = fs::read(format!("/proc/{pid}/status")).ok()?;
    // An earlier line has the name, in which the kernel escapes newlines: it cannot forge this line.
    let line = status
        .split(|byte| *byte == b'\n')
        .find_map(|line| line.strip_prefix(b"Tgid:\t"))?;
    str::from_utf8(line).ok()?.parse().ok()
}

/// Returns the name of a process, escaped; `None` if the process does not exist.
pub fn name_of(pid: u32) -> Option<String> {
    let bytes = fs::read(format!("/proc/{pid}/comm")).ok()?;
    Some(escape::name(bytes.strip_suffix(b"\n").unwrap_or(&bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_running_process_has_a_name() {
        assert!(name_of(std::process::id()).is_some_and(|comm| !comm.is_empty()));
        assert!(name_of(u32::MAX).is_none());
    }

    #[test]
    fn a_thread_belongs_to_its_process() {
        let own = std::process::id();
        assert_eq!(leader_of(own), Some(own));
        let tid = rustix::thread::gettid().as_raw_nonzero().get();
        assert_eq!(leader_of(tid.unsigned_abs()), Some(own));
        assert!(leader_of(u32::MAX).is_none());
    }
}
