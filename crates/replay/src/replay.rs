// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A replay: each operation of the recordings is evaluated against the rules and then against the map, in the kernel
//! part's order.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::PathBuf;

use ambit_abi::Coverage;
use ambit_model::Map;
use ambit_policy::rule::Rule;
use ambit_recording::{EventAt, Fork, Header, Item, Reader};

use crate::backtest::Backtest;
use crate::error::Error;
use crate::recording::{Flaw, Recording, shown};
use crate::rules::RuleTest;
use crate::time_order::TimeOrder;

/// Number of operations between two calls of the progress callback.
const STRIDE: u64 = 1 << 16;
const BUFFER_BYTES: usize = 1 << 18;

/// How much of all recordings was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Bytes.
    pub bytes: u64,
    /// Operations.
    pub events: u64,
}

/// The results of a replay.
pub struct Replay<'a> {
    /// The map's, if there is one.
    pub map: Option<Backtest<'a>>,
    /// The rules', if there are any.
    pub rules: Option<RuleTest<'a>>,
    /// The recordings that were read.
    pub recordings: Vec<Recording>,
    order: TimeOrder,
}

/// Evaluates rules and a map over recordings. With a map, all recordings must come from hosts with the same ephemeral
/// ports. Calls `progress` from time to time.
pub fn replay<'a>(
    files: &[PathBuf],
    map: Option<&'a Map>,
    rules: Option<&'a [Rule]>,
    mut progress: impl FnMut(Progress),
) -> Result<Replay<'a>, Error> {
    let mut first: Option<((u16, u16), Replay<'a>)> = None;
    let mut before = Progress::default();
    for path in files {
        let name = shown(path);
        let reader = open(path, &name)?;
        let header = reader.header();
        if let Some(map) = map
            && header.chain != map.chain
        {
            return Err(Error::OtherChain {
                name,
                recorded: header.chain,
                map: map.chain,
            });
        }
        let ports = header.ephemeral;
        let (known, replay) = first.get_or_insert_with(|| (ports, Replay::new(map, rules, ports)));
        if *known != ports && map.is_some() {
            return Err(Error::OtherPorts { name, ports });
        }
        let events = replay.read(name, reader, |now| {
            progress(Progress {
                bytes: before.bytes + now.bytes,
                events: before.events + now.events,
            });
        })?;
        before.bytes += std::fs::metadata(path).map_or(0, |found| found.len());
        before.events += events;
    }
    first.map(|(_, replay)| replay).ok_or(Error::NoRecording)
}

fn open(path: &PathBuf, name: &str) -> Result<Reader<BufReader<File>>, Error> {
    let file = File::open(path).map_err(|source| Error::Open {
        name: name.to_owned(),
        source,
    })?;
    Reader::new(BufReader::with_capacity(BUFFER_BYTES, file)).map_err(|source| Error::Format {
        name: name.to_owned(),
        source,
    })
}

impl<'a> Replay<'a> {
    /// Returns the flaws of all recordings.
    pub fn flaws(&self) -> Vec<Flaw> {
        self.recordings.iter().flat_map(Recording::flaws).collect()
    }

    /// Prepares a map and rules for recordings of a host with these ephemeral ports.
    fn new(map: Option<&'a Map>, rules: Option<&'a [Rule]>, ports: (u16, u16)) -> Self {
        Self {
            map: map.map(|map| Backtest::new(map, ports)),
            rules: rules.map(RuleTest::new),
            recordings: Vec::new(),
            order: TimeOrder::default(),
        }
    }

    /// Evaluates a whole recording and returns the number of its operations.
    fn read<R: Read>(
        &mut self,
        name: String,
        mut reader: Reader<R>,
        mut progress: impl FnMut(Progress),
    ) -> Result<u64, Error> {
        let mut losses = Vec::new();
        self.begin(reader.header());
        loop {
            let item = match reader.next_item() {
                Ok(Some(item)) => item,
                Ok(None) => break,
                Err(source) => return Err(Error::Read { name, source }),
            };
            match item {
                Item::Event(at) => {
                    self.event(&reader, at);
                    if reader.events().is_multiple_of(STRIDE) {
                        progress(Progress {
                            bytes: reader.read_bytes(),
                            events: reader.events(),
                        });
                    }
                }
                Item::Fork(fork) => self.fork(fork),
                Item::Forget => self.forget(&reader),
                Item::Losses(so_far) => losses = so_far,
            }
        }
        self.flush(&reader);
        let recording = Recording::new(name, &reader, losses, self.map_coverage());
        let events = recording.events;
        self.recordings.push(recording);
        Ok(events)
    }

    fn map_coverage(&self) -> Option<Coverage> {
        self.map.as_ref().map(Backtest::coverage)
    }

    fn begin(&mut self, header: &Header) {
        if let Some(map) = &mut self.map {
            map.forget();
        }
        if let Some(rules) = &mut self.rules {
            rules.begin(header);
            self.order = TimeOrder::default();
        }
    }

    #[inline]
    fn event<R: Read>(&mut self, reader: &Reader<R>, at: EventAt) {
        if self.rules.is_none() {
            // A map's answers do not depend on the order.
            if let Some(map) = &mut self.map {
                map.event(reader, at);
            }
            return;
        }
        self.order.push_event(at);
        while let Some(at) = self.order.pop_event(false) {
            self.evaluate(reader, at);
        }
    }

    fn fork(&mut self, fork: Fork) {
        if self.rules.is_some() {
            self.order.push_fork(fork);
        }
    }

    /// Evaluates the buffered operations, whose numbers the reader is about to reuse, and drops answers kept by number.
    fn forget<R: Read>(&mut self, reader: &Reader<R>) {
        self.flush(reader);
        if let Some(map) = &mut self.map {
            map.forget();
        }
        if let Some(rules) = &mut self.rules {
            rules.forget();
        }
    }

    /// Evaluates all buffered operations.
    fn flush<R: Read>(&mut self, reader: &Reader<R>) {
        while let Some(at) = self.order.pop_event(true) {
            self.evaluate(reader, at);
        }
    }

    fn evaluate<R: Read>(&mut self, reader: &Reader<R>, at: EventAt) {
        let Some(rules) = &mut self.rules else { return };
        while let Some(fork) = self.order.pop_fork_until(at.time_ns) {
            rules.fork(fork);
        }
        let verdict = rules.event(reader, at);
        if verdict.allowed == Some(true) {
            return;
        }
        if self.map.as_mut().is_some_and(|map| map.event(reader, at)) {
            rules.outside(verdict);
        }
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
