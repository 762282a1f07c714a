// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The state that rules read of a process besides its operations: its chain of executables and the taints of rules. As in
//! the kernel part, it is kept per process, copied by fork and kept across exec.

use std::collections::BTreeMap;

use ambit_abi::{CHAIN_MAX, EXE_MAX};
use ambit_event::{Object, Subject};
use ambit_policy::object::path_text;

/// The end of a taint without a time limit.
const NEVER: u64 = u64::MAX;

/// The source that first lowered the trust of a process.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Cause {
    /// The process is trusted.
    #[default]
    None,
    Source(String),
    Unknown,
}

/// When a rule's taint ends, in nanoseconds of `CLOCK_BOOTTIME`.
#[derive(Clone, Copy, Debug, Default)]
struct Taint {
    /// The end of the taint that is certain; 0 if none is.
    certain_ns: u64,
    /// The end of the taint that is possible.
    possible_ns: u64,
}

/// The state of a process.
#[derive(Clone, Debug)]
pub(super) struct Process {
    /// Its executables, its own first; empty if unknown.
    pub(super) chain: Vec<Vec<u8>>,
    /// The file of an exec in progress, until the recording shows whether it succeeded.
    exec: Option<Vec<u8>>,
    /// By rule.
    taints: BTreeMap<usize, Taint>,
    pub(super) cause: Cause,
    /// True if a rule cleared the operator's bit; `None` if unknown.
    pub(super) untainted: Option<bool>,
    /// True if a map may have lowered its trust.
    pub(super) model: bool,
    /// Changes whenever any other field does; answers are cached by it.
    pub(super) stamp: u64,
}

impl Process {
    /// A process with an unknown chain that no rule has tainted.
    pub(super) fn new(stamp: u64) -> Self {
        Self {
            chain: Vec::new(),
            exec: None,
            taints: BTreeMap::new(),
            cause: Cause::None,
            untainted: Some(false),
            model: false,
            stamp,
        }
    }

    /// A process whose parent is unknown: it may have inherited any taint of these rules.
    pub(super) fn of_unknown_parent(stamp: u64, tainting: impl IntoIterator<Item = usize>) -> Self {
        let mut new = Self::new(stamp);
        for rule in tainting {
            new.taint(rule, false, NEVER, "");
        }
        new
    }

    /// Returns the state of a child that it forks now.
    pub(super) fn child(&self) -> Self {
        Self {
            exec: None,
            ..self.clone()
        }
    }

    /// Notes the file of an exec in progress: first the script, then its interpreter.
    pub(super) fn begin_exec(&mut self, file: &Object) {
        self.exec = Some(link(file));
    }

    /// Completes the exec in progress, if there is one. The recording may show the point of no return more than once.
    pub(super) fn complete_exec(&mut self, subject: Option<&Subject>, stamp: u64) {
        if self.exec.take().is_none() {
            return;
        }
        match subject.and_then(|subject| subject.exe.as_ref()) {
            Some(exe) => self.push(link(exe)),
            None => self.chain.clear(),
        }
        self.stamp = stamp;
    }

    /// Updates the chain from the subject of an operation. `in_exec` is true if the operation is part of an exec in
    /// progress, which does not show yet whether that succeeds.
    pub(super) fn observe_subject(&mut self, subject: Option<&Subject>, in_exec: bool, stamp: u64) {
        let Some(subject) = subject else { return };
        let seen: Vec<Vec<u8>> = subject.exe.iter().chain(&subject.via).map(link).collect();
        if !in_exec
            && let Some(file) = self.exec.take()
            && seen.first() == Some(&file)
        {
            if self.chain.first() == Some(&file) {
                // A program that executes itself and a failed exec look the same, so the chain is unknown.
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

    /// Adds the taint of a rule. `certain` is false if it is unknown whether the rule matched.
    pub(super) fn taint(&mut self, rule: usize, certain: bool, until_ns: u64, source: &str) {
        if self.cause == Cause::None {
            self.cause = if certain {
                Cause::Source(source.to_owned())
            } else {
                Cause::Unknown
            };
        }
        let taint = self.taints.entry(rule).or_default();
        taint.possible_ns = taint.possible_ns.max(until_ns);
        if certain {
            taint.certain_ns = taint.certain_ns.max(until_ns);
        }
    }

    /// Removes taints that have ended. Returns true if there were any.
    pub(super) fn expire(&mut self, now_ns: u64) -> bool {
        let before = self.taints.len();
        let mut weaker = false;
        for taint in self.taints.values_mut() {
            if taint.certain_ns != 0 && taint.certain_ns <= now_ns {
                taint.certain_ns = 0;
                weaker = true;
            }
        }
        self.taints.retain(|_, taint| taint.possible_ns > now_ns);
        weaker || self.taints.len() != before
    }

    /// Returns the rules that have tainted it, each with true if that is certain.
    pub(super) fn taints(&self) -> impl Iterator<Item = (usize, bool)> {
        let certain = |taint: &Taint| taint.certain_ns != 0;
        self.taints
            .iter()
            .map(move |(rule, taint)| (*rule, certain(taint)))
    }
}

/// Returns the end of a taint that begins now, in nanoseconds.
pub(super) fn taint_end(now_ns: u64, seconds: Option<u32>) -> u64 {
    seconds.map_or(NEVER, |seconds| {
        now_ns.saturating_add(u64::from(seconds) * 1_000_000_000)
    })
}

/// An executable as an entry of the chain; empty if it is too long for the kernel part to keep.
fn link(exe: &Object) -> Vec<u8> {
    if exe.to_bytes().len() >= EXE_MAX {
        Vec::new()
    } else {
        path_text(exe)
    }
}
