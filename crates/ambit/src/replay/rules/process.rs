// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What rules know of a process beside its operations: the executables that led to it and who lowered its trust. As the
//! kernel part keeps it: with the process, handed down by fork, kept over exec.

use std::collections::BTreeMap;

use ambit_abi::{CHAIN_MAX, EXE_MAX};
use ambit_event::{Object, Subject};
use ambit_policy::object::path_text;

/// For ever, as the end of a taint.
const EVER: u64 = u64::MAX;

/// Which source was first to lower the trust of a process that any has lowered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum First {
    /// It is trusted.
    #[default]
    Nobody,
    Source(String),
    Unknown,
}

/// A rule's taint: until when there is one, and until when there may be one, in nanoseconds.
#[derive(Clone, Copy, Debug, Default)]
struct Taint {
    sure: u64,
    maybe: u64,
}

/// A process.
#[derive(Clone, Debug)]
pub(super) struct Process {
    /// Its executables, its own first; empty for one of which nothing is known.
    pub(super) chain: Vec<Vec<u8>>,
    /// What an exec under way executes, until it is known whether it succeeds.
    exec: Option<Vec<u8>>,
    /// By rule.
    taints: BTreeMap<usize, Taint>,
    pub(super) first: First,
    /// The operator's bit was cleared by a rule; `None` if that is not known.
    pub(super) untainted: Option<bool>,
    /// Some model may have lowered its trust.
    pub(super) model: bool,
    /// Changes with everything above.
    pub(super) stamp: u64,
}

impl Process {
    /// One of which nothing is known but that no rule has tainted it.
    pub(super) fn new(stamp: u64) -> Self {
        Self {
            chain: Vec::new(),
            exec: None,
            taints: BTreeMap::new(),
            first: First::Nobody,
            untainted: Some(false),
            model: false,
            stamp,
        }
    }

    /// One that some process has made: these rules have tainted some.
    pub(super) fn foundling(stamp: u64, tainted: impl IntoIterator<Item = usize>) -> Self {
        let mut new = Self::new(stamp);
        for rule in tainted {
            new.taint(rule, false, EVER, "");
        }
        new
    }

    /// What a child of it begins with.
    pub(super) fn child(&self) -> Self {
        Self {
            exec: None,
            ..self.clone()
        }
    }

    /// A file is about to be executed: the script, then its interpreter.
    pub(super) fn executes(&mut self, file: &Object) {
        self.exec = Some(link(file));
    }

    /// The exec under way has come so far that it succeeds. It may be said more than once.
    pub(super) fn becomes(&mut self, subject: Option<&Subject>, stamp: u64) {
        if self.exec.take().is_none() {
            return;
        }
        match subject.and_then(|subject| subject.exe.as_ref()) {
            Some(exe) => self.push(link(exe)),
            None => self.chain.clear(),
        }
        self.stamp = stamp;
    }

    /// It acts as this subject; `inside` if that is a part of an exec under way.
    pub(super) fn acts_as(&mut self, subject: Option<&Subject>, inside: bool, stamp: u64) {
        let Some(subject) = subject else { return };
        let seen: Vec<Vec<u8>> = subject.exe.iter().chain(&subject.via).map(link).collect();
        if !inside
            && let Some(file) = self.exec.take()
            && seen.first() == Some(&file)
        {
            if self.chain.first() == Some(&file) {
                // By itself, or not at all: that can't be seen.
                self.chain.clear();
            } else {
                self.push(file);
            }
            self.stamp = stamp;
        }
        if !self.chain.starts_with(&seen) || seen.is_empty() {
            if self.chain != seen {
                self.stamp = stamp;
            }
            self.chain = seen;
        }
    }

    fn push(&mut self, exe: Vec<u8>) {
        self.chain.insert(0, exe);
        self.chain.truncate(CHAIN_MAX);
    }

    /// A rule lowers its trust until then, or (not `surely`) may do so.
    pub(super) fn taint(&mut self, rule: usize, surely: bool, until_ns: u64, source: &str) {
        if self.first == First::Nobody {
            self.first = if surely {
                First::Source(source.to_owned())
            } else {
                First::Unknown
            };
        }
        let taint = self.taints.entry(rule).or_default();
        taint.maybe = taint.maybe.max(until_ns);
        if surely {
            taint.sure = taint.sure.max(until_ns);
        }
    }

    /// What has had its time is gone; true if anything was.
    pub(super) fn expire(&mut self, now_ns: u64) -> bool {
        let before = self.taints.len();
        let mut weaker = false;
        for taint in self.taints.values_mut() {
            if taint.sure != 0 && taint.sure <= now_ns {
                taint.sure = 0;
                weaker = true;
            }
        }
        self.taints.retain(|_, taint| taint.maybe > now_ns);
        weaker || self.taints.len() != before
    }

    /// The rules that have tainted it, or (false) may have.
    pub(super) fn taints(&self) -> impl Iterator<Item = (usize, bool)> {
        let sure = |taint: &Taint| taint.sure != 0;
        self.taints
            .iter()
            .map(move |(rule, taint)| (*rule, sure(taint)))
    }
}

/// When a taint ends that begins now.
pub(super) fn end(now_ns: u64, seconds: Option<u32>) -> u64 {
    seconds.map_or(EVER, |seconds| {
        now_ns.saturating_add(u64::from(seconds) * 1_000_000_000)
    })
}

/// An executable as the chain has it; empty where it is too long to be kept.
fn link(exe: &Object) -> Vec<u8> {
    if exe.to_bytes().len() >= EXE_MAX {
        Vec::new()
    } else {
        path_text(exe)
    }
}
