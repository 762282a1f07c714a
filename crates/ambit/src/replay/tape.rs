// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A recording's file: reading all of it, and what is not as it should be.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use ambit_abi::{Coverage, Hook, SkipReason};
use ambit_recording::{Header, Item, Loss, Reader, Stop};
use anyhow::Context;

use super::Asked;
use super::progress::Progress;
use crate::exit::{Exit, Failure, OrExit};
use crate::out::shown;

/// How a recording was.
#[derive(Debug)]
pub(crate) struct Recording {
    pub(crate) name: String,
    pub(crate) header: Header,
    pub(crate) events: u64,
    pub(crate) stop: Stop,
    /// What it misses, by hook.
    pub(crate) losses: Vec<Loss>,
    /// It was not asked about all that the map decides.
    pub(crate) narrower: bool,
}

/// Recordings that do not say are older than the choice.
fn coverage_of(header: &Header) -> Coverage {
    Coverage::from_name(&header.coverage).unwrap_or_default()
}

/// A recording that can be read.
pub(crate) struct Tape {
    name: String,
    reader: Reader<BufReader<File>>,
}

impl Tape {
    pub(crate) fn open(path: &Path) -> Result<Self, Failure> {
        let name = shown(path);
        let wrong = || format!("cannot read the recording {name}");
        let file = File::open(path).with_context(wrong).or_exit(Exit::Usage)?;
        let reader = Reader::new(BufReader::with_capacity(1 << 18, file))
            .with_context(wrong)
            .or_exit(Exit::Usage)?;
        Ok(Self { name, reader })
    }

    pub(crate) fn header(&self) -> &Header {
        self.reader.header()
    }

    /// Asks about all of it.
    pub(super) fn replay(
        self,
        asked: &mut Asked<'_>,
        progress: &mut Progress,
    ) -> Result<Recording, Failure> {
        let Self { name, mut reader } = self;
        let mut losses = Vec::new();
        asked.begin(reader.header());
        loop {
            let item = reader
                .next_item()
                .with_context(|| format!("cannot read the recording {name}"))
                .or_exit(Exit::Trouble)?;
            match item {
                Some(Item::Event(at)) => {
                    asked.event(&reader, at);
                    progress.at(reader.events(), || reader.read_bytes());
                }
                Some(Item::Fork(fork)) => asked.fork(fork),
                Some(Item::Forget) => asked.forget(&reader),
                Some(Item::Losses(so_far)) => losses = so_far,
                None => break,
            }
        }
        asked.end(&reader);
        let stop = reader.stop().cloned();
        if let Some(Stop::End(summary)) = &stop {
            let of = |hook: &ambit_recording::HookCounts| Loss {
                hook: hook.hook.clone(),
                lost: hook.lost,
            };
            losses = summary.hooks.iter().map(of).collect();
        }
        losses.retain(|loss| loss.lost > 0);
        Ok(Recording {
            name,
            narrower: asked
                .map_coverage()
                .is_some_and(|map| coverage_of(reader.header()) < map),
            header: reader.header().clone(),
            events: reader.events(),
            stop: stop.unwrap_or(Stop::Damaged { whole: 0 }),
            losses,
        })
    }
}

impl Recording {
    /// What is not as it should be, in words.
    pub(crate) fn flaws(&self) -> Vec<String> {
        let name = &self.name;
        let mut flaws = Vec::new();
        match &self.stop {
            Stop::End(summary) => {
                if summary.unreadable > 0 {
                    flaws.push(format!("{name}: {} records could not be read when it was written", summary.unreadable));
                }
                let allowed: u64 = summary.hooks.iter().filter_map(|hook| hook.skipped.get(SkipReason::Allowed.name())).sum();
                if allowed > 0 {
                    flaws.push(format!("{name}: {allowed} operations that rules allowed are not in it"));
                }
                if summary.stragglers > 0 {
                    flaws.push(format!("{name}: {} tasks went on unrecorded", summary.stragglers));
                }
            }
            Stop::Cut { whole, rest } => flaws.push(format!(
                "{name}: ends before its end, after {whole} whole bytes{}: whoever wrote it was killed, or still writes",
                if *rest > 0 { format!(" and {rest} of a piece that is not whole") } else { String::new() }
            )),
            Stop::Damaged { whole } => flaws.push(format!("{name}: damaged: what comes after byte {whole} can't be read")),
        }
        if self.narrower {
            flaws.push(format!(
                "{name}: recorded with `coverage: core`, so that it says nothing of what the map's `coverage: full` adds"
            ));
        }
        for loss in &self.losses {
            let hook = ambit_event::escape::line(&loss.hook);
            let what = if loss.hook == Hook::TaskAlloc.name() {
                "forks"
            } else {
                "operations"
            };
            flaws.push(format!(
                "{name}: {} {what} lost at {hook}: the ring had no room",
                loss.lost
            ));
        }
        flaws
    }
}
