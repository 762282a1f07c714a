// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `ambit trust set` and `clear`: what an operator changes, on the record before it is done.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use ambit_abi::TRUST_OPERATOR;
use ambit_event::escape;
use ambit_hoststate::TrustSources;
use ambit_hoststate::trust_log::{self, ChangeKind, ChangedProcess, TrustChange};
use ambit_journal::Clock;
use ambit_sensor::{Error, Kernel};
use anyhow::{Context, anyhow};
use rustix::process::getuid;

use super::row;
use crate::exit::{Exit, Failure, OrExit, Outcome};
use crate::out::{count, note, shown};

/// Processes of one record.
const RECORDED: usize = 1000;
/// A domain is looked at again until it has no process that is new.
const ROUNDS: u32 = 32;
const REASON_MAX: usize = 1000;

/// Whose trust is changed
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Target {
    /// A process, by its number outside of any container
    #[arg(long)]
    pid: Option<u32>,
    /// Every process of a domain
    #[arg(long, value_name = "NAME")]
    domain: Option<String>,
}

/// What `--reason` takes: something, and not a book.
pub(super) fn reason(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() {
        return Err("say in a few words why".to_owned());
    }
    if text.len() > REASON_MAX {
        return Err(format!("{REASON_MAX} bytes are enough"));
    }
    Ok(escape::line(text))
}

/// What is to be done with each process.
struct Order<'a> {
    bits: u32,
    /// Whether the bits are set or cleared.
    set: bool,
    seconds: Option<u32>,
    sources: Vec<String>,
    reason: Option<&'a str>,
    domain: Option<&'a str>,
}

pub(super) fn set(
    kernel: &Kernel,
    target: &Target,
    seconds: Option<u32>,
    reason: Option<&str>,
) -> Result<Outcome, Failure> {
    let order = Order {
        bits: 1 << TRUST_OPERATOR,
        set: true,
        seconds,
        sources: vec!["operator".to_owned()],
        reason,
        domain: target.domain.as_deref(),
    };
    let (who, done) = order.carry_out(kernel, target)?;
    let end = seconds.map_or_else(String::new, |seconds| {
        format!(" for {}", count(seconds, "second"))
    });
    note!("{who} is no longer trusted{end} ({done})");
    Ok(Outcome::SUCCESS)
}

pub(super) fn clear(
    kernel: &Kernel,
    target: &Target,
    sources: &[String],
    reason: &str,
) -> Result<Outcome, Failure> {
    let order = Order {
        bits: if sources.is_empty() {
            u32::MAX
        } else {
            TrustSources::read()?.bits(sources)?
        },
        set: false,
        seconds: None,
        sources: if sources.is_empty() {
            vec!["all".to_owned()]
        } else {
            sources.to_vec()
        },
        reason: Some(reason),
        domain: target.domain.as_deref(),
    };
    let (who, done) = order.carry_out(kernel, target)?;
    let by = if sources.is_empty() {
        String::new()
    } else {
        format!(" by {}", sources.join(", "))
    };
    note!("{who} is trusted again{by} ({done})");
    Ok(Outcome::SUCCESS)
}

impl Order<'_> {
    /// Whom it was done to, and how many that is.
    fn carry_out(&self, kernel: &Kernel, target: &Target) -> Result<(String, String), Failure> {
        if let Some(name) = &target.domain {
            let (processes, threads) = self.domain(kernel, name)?;
            let done = format!(
                "{}, {}",
                count_processes(processes),
                count(threads, "thread")
            );
            return Ok((format!("domain {}", escape::line(name)), done));
        }
        let pid = target
            .pid
            .ok_or_else(|| Failure::usage(anyhow!("--pid or --domain says whose trust it is")))?;
        // A number that nobody has, or only a thread, is not worth a record.
        if let Some(process) = leader(pid).filter(|process| *process != pid) {
            return Err(Failure::usage(anyhow!(
                "{pid} is a thread of process {process}, which all of its threads share their trust with: say --pid {process}"
            )));
        }
        let comm = command(pid).ok_or(Error::NoSuchProcess(pid))?;
        let bits = kernel
            .tasks()?
            .iter()
            .filter(|task| task.tgid == pid)
            .fold(0, |bits, task| bits | bits_of(task));
        let holder = ChangedProcess {
            pid,
            comm,
            trust: TrustSources::read()?.names(bits),
        };
        self.record(vec![holder.clone()], None)?;
        let threads = self.apply(kernel, pid).inspect_err(|error| {
            // The error is told of anyway.
            let _ = self.record(vec![holder], Some(error));
        })?;
        Ok((format!("process {pid}"), count(threads, "thread")))
    }

    /// Every process of a domain, also what those start meanwhile that have yet to be reached.
    fn domain(&self, kernel: &Kernel, name: &str) -> Result<(usize, usize), Failure> {
        let domain = kernel
            .domains()?
            .into_iter()
            .find(|domain| domain.name == name)
            .ok_or_else(|| {
                Failure::usage(anyhow!(
                    "there is no domain `{}`; `ambit trust ls --all` lists processes and theirs",
                    escape::line(name)
                ))
            })?;
        let mut seen = BTreeSet::new();
        let (mut processes, mut threads) = (0, 0);
        for _ in 0..ROUNDS {
            let new = members(kernel, domain.id, &seen)?;
            if new.is_empty() {
                return Ok((processes, threads));
            }
            for some in new.chunks(RECORDED) {
                self.record(some.to_vec(), None)?;
                for holder in some {
                    seen.insert(holder.pid);
                    match self.apply(kernel, holder.pid) {
                        Ok(changed) => {
                            processes += 1;
                            threads += changed;
                        }
                        // It ended meanwhile.
                        Err(Error::NoSuchProcess(_)) => {}
                        Err(error) => {
                            let _ = self.record(vec![holder.clone()], Some(&error));
                            return Err(error.into());
                        }
                    }
                }
            }
        }
        Err(Failure::new(
            Exit::Trouble,
            anyhow!(
                "domain `{}` starts processes faster than they can be reached; {} of them are done",
                escape::line(name),
                count_processes(processes)
            ),
        ))
    }

    fn apply(&self, kernel: &Kernel, pid: u32) -> Result<usize, Error> {
        if self.set {
            kernel.set_trust(pid, self.bits, self.seconds)
        } else {
            kernel.clear_trust(pid, self.bits)
        }
    }

    /// Nothing is given back that is not on record. What is taken is taken all the same.
    fn record(
        &self,
        processes: Vec<ChangedProcess>,
        failed: Option<&Error>,
    ) -> Result<(), Failure> {
        let user =
            std::env::var_os("SUDO_USER").filter(|user| !user.is_empty() && user.len() <= 256);
        let change = TrustChange {
            time: Clock::now_utc(),
            kind: if self.set {
                ChangeKind::Set
            } else {
                ChangeKind::Clear
            },
            processes,
            domain: self.domain.map(escape::line),
            sources: self.sources.clone(),
            seconds: self.seconds,
            reason: self.reason.map(ToOwned::to_owned),
            uid: getuid().as_raw(),
            sudo_user: user.map(shown),
            failed: failed.map(ToString::to_string),
        };
        let written = trust_log::append_change(&change)
            .with_context(|| format!("cannot write the record {}", shown(trust_log::path())));
        match written {
            Err(error) if self.set => {
                note!("{error:#}");
                Ok(())
            }
            written => written
                .context("no trust was given back")
                .or_exit(Exit::Trouble),
        }
    }
}

/// The processes of a domain that have not been seen, as they are recorded.
fn members(
    kernel: &Kernel,
    domain: u16,
    seen: &BTreeSet<u32>,
) -> Result<Vec<ChangedProcess>, Failure> {
    let mut bits: BTreeMap<u32, u32> = BTreeMap::new();
    for task in kernel.tasks()? {
        if task.label.domain == domain && !seen.contains(&task.tgid) {
            *bits.entry(task.tgid).or_default() |= bits_of(&task);
        }
    }
    let sources = TrustSources::read()?;
    Ok(bits
        .into_iter()
        .map(|(pid, bits)| ChangedProcess {
            pid,
            comm: command(pid).unwrap_or_default(),
            trust: sources.names(bits),
        })
        .collect())
}

fn bits_of(task: &ambit_sensor::TaskInfo) -> u32 {
    task.label.trust | task.trust.as_ref().map_or(0, |trust| trust.bits)
}

/// The process that a process or thread is of; `None` if there is none.
fn leader(pid: u32) -> Option<u32> {
    let status = fs::read(format!("/proc/{pid}/status")).ok()?;
    // What comes before is the name, in which the kernel escapes newlines.
    let line = status
        .split(|byte| *byte == b'\n')
        .find_map(|line| line.strip_prefix(b"Tgid:\t"))?;
    str::from_utf8(line).ok()?.parse().ok()
}

/// What a process calls itself; `None` if there is none.
fn command(pid: u32) -> Option<String> {
    let bytes = fs::read(format!("/proc/{pid}/comm")).ok()?;
    Some(row::comm(bytes.strip_suffix(b"\n").unwrap_or(&bytes)))
}

fn count_processes(number: usize) -> String {
    if number == 1 {
        "1 process".to_owned()
    } else {
        format!("{number} processes")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_some_words_that_change_no_terminal() {
        assert_eq!(reason(" it was me\x1b "), Ok("it was me\\x1b".to_owned()));
        assert!(reason("  ").is_err());
        assert!(reason(&"x".repeat(1001)).is_err());
    }

    #[test]
    fn what_the_running_process_calls_itself_is_known() {
        assert!(command(std::process::id()).is_some_and(|comm| !comm.is_empty()));
        assert!(command(u32::MAX).is_none());
    }

    #[test]
    fn a_thread_is_of_the_process_that_runs_it() {
        let own = std::process::id();
        assert_eq!(leader(own), Some(own));
        let tid = rustix::thread::gettid().as_raw_nonzero().get();
        assert_eq!(leader(tid.unsigned_abs()), Some(own));
        assert!(leader(u32::MAX).is_none());
    }
}
