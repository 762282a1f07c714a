// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `--record FILE`: the run's recording, as it goes on. That it can't be written any more ends the recording, not the run.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use ambit_abi::{Fp, Hook, SkipReason, Stat};
use ambit_event::{RawEvent, Subject};
use ambit_journal::Clock;
use ambit_recording::{Header, HookCounts, Loss, Summary, Writer};
use ambit_sensor::Domain;
use anyhow::{Context, anyhow};

use super::{Plan, Stats};
use crate::exit::{Exit, Failure, OrExit};
use crate::out::{count, note, shown};

/// How often it is looked whether something was lost.
const PAUSE: Duration = Duration::from_secs(1);

/// A recording's file, made before anything else, so that a wrong name costs no run.
#[derive(Debug)]
pub(super) struct Blank {
    path: PathBuf,
    file: File,
}

impl Blank {
    pub(super) fn new(path: &Path) -> Result<Self, Failure> {
        // What a workload does is nobody else's business.
        let made = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path);
        match made {
            Ok(file) => Ok(Self {
                path: path.to_owned(),
                file,
            }),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                Err(Failure::usage(anyhow!(
                    "{} is there already; a recording is not written over: name another file, or remove it",
                    shown(path)
                )))
            }
            Err(error) => Err(error)
                .with_context(|| format!("cannot make the recording {}", shown(path)))
                .or_exit(Exit::Usage),
        }
    }

    /// Nothing was recorded.
    pub(super) fn discard(self) {
        let _ = std::fs::remove_file(&self.path);
    }

    /// Begins to record.
    pub(super) fn begin(self, plan: &Plan, ephemeral: (u16, u16)) -> Result<Tape, Failure> {
        let header = Header {
            domain: plan.domain.clone(),
            mode: plan.mode.name().to_owned(),
            chain: plan.map.chain,
            coverage: plan.map.coverage.name().to_owned(),
            ephemeral,
            command: plan.command.argv.iter().map(shown).collect(),
            began: Clock::now_utc(),
            map: (plan.mode != ambit_abi::Mode::Learn).then(|| hex::encode(plan.map.digest())),
            ..Header::new()
        };
        let writer = Writer::new(self.file, &header)
            .with_context(|| format!("cannot write the recording {}", shown(&self.path)))
            .or_exit(Exit::Trouble)?;
        Ok(Tape {
            path: self.path,
            writer: Some(writer),
            looked: Instant::now(),
            lost: 0,
            unreadable: 0,
        })
    }
}

/// A recording that is being written.
#[derive(Debug)]
pub(super) struct Tape {
    path: PathBuf,
    /// Gone after a failure.
    writer: Option<Writer<File>>,
    looked: Instant,
    lost: u64,
    unreadable: u64,
}

impl Tape {
    /// Takes in a record of the ring.
    pub(super) fn take(&mut self, raw: &RawEvent<'_>, who: impl FnOnce(Fp) -> Option<Subject>) {
        let written = self.writer.as_mut().map(|writer| writer.record(raw, who));
        self.go_on(written.map(|written| written.map(|_| ())));
    }

    /// A record could not be read.
    pub(super) fn miss(&mut self) {
        self.unreadable += 1;
    }

    /// Puts what was taken in where it outlives this process, and says now and then what was lost.
    pub(super) fn flush(&mut self, domain: &Domain) {
        let written = self.writer.as_mut().map(Writer::flush);
        self.go_on(written);
        if self.looked.elapsed() < PAUSE {
            return;
        }
        self.looked = Instant::now();
        let Ok(hooks) = domain.stats() else { return };
        let lost: u64 = hooks.iter().map(|(_, stat)| stat.lost).sum();
        if lost == self.lost {
            return;
        }
        self.lost = lost;
        let losses: Vec<Loss> = hooks
            .iter()
            .filter(|(_, stat)| stat.lost > 0)
            .map(|(hook, stat)| Loss {
                hook: hook.name().to_owned(),
                lost: stat.lost,
            })
            .collect();
        let written = self.writer.as_mut().map(|writer| writer.losses(&losses));
        self.go_on(written);
    }

    fn go_on(&mut self, written: Option<io::Result<()>>) {
        if let Some(Err(error)) = written {
            note!(
                "cannot write the recording {} any more: {error}; it can be read up to here",
                shown(&self.path)
            );
            self.writer = None;
        }
    }

    /// Ends the recording and says what is in it.
    pub(super) fn end(mut self, stats: &Stats, stragglers: i64, quiet: bool) {
        let Some(writer) = self.writer.take() else {
            return;
        };
        let summary = Summary {
            ended: Clock::now_utc(),
            unreadable: self.unreadable,
            stragglers: stragglers.try_into().unwrap_or(0),
            hooks: stats.hooks().iter().map(counts).collect(),
        };
        let events = writer.events();
        match writer.end(&summary) {
            Ok(file) if !quiet => {
                let bytes = file.metadata().map_or(0, |found| found.len());
                note!(
                    "recorded {} in {} ({} KiB)",
                    count(events, "operation"),
                    shown(&self.path),
                    bytes.div_ceil(1024)
                );
            }
            Ok(_) => {}
            Err(error) => self.go_on(Some(Err(error))),
        }
        for hook in summary.hooks.iter().filter(|hook| hook.lost > 0) {
            note!(
                "warning: {} at {} are missing from the recording; a larger --ring-size keeps them",
                count(hook.lost, "operation"),
                hook.hook
            );
        }
    }
}

fn counts((hook, stat): &(Hook, Stat)) -> HookCounts {
    HookCounts {
        hook: hook.name().to_owned(),
        evaluated: stat.evaluated,
        matched: stat.matched,
        learned: stat.learned,
        violations: stat.violations,
        lost: stat.lost,
        skipped: SkipReason::ALL
            .iter()
            .zip(stat.skipped)
            .filter(|(_, times)| *times > 0)
            .map(|(reason, times)| (reason.name().to_owned(), times))
            .collect(),
    }
}
