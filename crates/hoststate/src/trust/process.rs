// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Computes the trust of a process from the labels and the trust storage of its threads.

use std::collections::BTreeMap;

use ambit_abi::{
    Cause, Fp, Hook, Op, Spread, TRUST_BY_EVENT, TRUST_BY_OPERATOR, TRUST_BY_TAP, TRUST_STEPS,
    Trust, TrustCause,
};
use ambit_event::Operation;
use ambit_sensor::TaskInfo;
use rustix::time::{ClockId, clock_gettime};
use serde::Serialize;

/// The kind of a cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CauseKind {
    /// An operation of the process.
    Event,
    /// `ambit trust set`.
    Operator,
    /// A tap.
    Tap,
}

impl CauseKind {
    fn of(how: u8) -> Option<Self> {
        match how {
            TRUST_BY_EVENT => Some(Self::Event),
            TRUST_BY_OPERATOR => Some(Self::Operator),
            TRUST_BY_TAP => Some(Self::Tap),
            _ => None,
        }
    }
}

/// The cause of one trust bit.
#[derive(Clone, Copy, Debug)]
pub struct BitCause {
    /// The bit.
    pub bit: u8,
    /// Its kind; `None` if only a label has the cause.
    pub kind: Option<CauseKind>,
    /// How the bit spread to this process from the process that lost it first; `None` if by fork.
    pub spread: Option<Spread>,
    /// Time of the loss, on `CLOCK_BOOTTIME`.
    pub time_ns: u64,
    /// Time at which the bit is cleared, on `CLOCK_BOOTTIME`; 0 for never.
    pub until_ns: u64,
    /// The process that lost the bit first.
    pub pid: u32,
    /// Its name at that time, up to the first NUL; `None` if only a label has the cause.
    pub comm: Option<[u8; 16]>,
    /// The hook, if an operation was the cause.
    pub hook: Option<Hook>,
    /// The operation, without its object, which is not kept.
    pub operation: Option<Operation>,
    /// The number that a tap gave.
    pub detail: Option<u64>,
    /// The key of the violation, if a label still has it, or zero.
    pub key: Fp,
}

/// A process that passed its trust status on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// Its number.
    pub pid: u32,
    /// Its name, up to the first NUL.
    pub comm: [u8; 16],
    /// How the trust status spread to it.
    pub how: Spread,
}

/// The trust of a process, from all of its threads.
#[derive(Debug)]
pub struct ProcessTrust<'t> {
    /// The leading thread, or another thread if the leader has ended.
    pub leader: &'t TaskInfo,
    /// Number of threads that were listed.
    pub threads: usize,
    /// The trust bits.
    pub bits: u32,
    /// One cause per bit, oldest first.
    pub causes: Vec<BitCause>,
    /// The processes that passed the first cause on, oldest first.
    pub path: Vec<Step>,
    /// Number of earlier processes that are no longer known.
    pub path_lost: u32,
}

/// Returns the time on `CLOCK_BOOTTIME`, in nanoseconds.
pub fn boot_time_ns() -> u64 {
    let now = clock_gettime(ClockId::Boottime);
    let seconds = u64::try_from(now.tv_sec).unwrap_or(0);
    seconds * 1_000_000_000 + u64::try_from(now.tv_nsec).unwrap_or(0)
}

impl<'t> ProcessTrust<'t> {
    /// Returns the trust of the process with these threads at a time on `CLOCK_BOOTTIME`; `None` without threads.
    pub fn of(threads: &'t [TaskInfo], now_ns: u64) -> Option<Self> {
        let leader = threads
            .iter()
            .find(|task| task.tid == task.tgid)
            .or(threads.first())?;
        let (bits, causes) = bits_and_causes(threads, now_ns);
        let trust = leader
            .trust
            .as_deref()
            .or_else(|| threads.iter().find_map(|task| task.trust.as_deref()));
        let (path, path_lost) = match (trust, causes.first()) {
            (Some(trust), Some(first)) if !first.is_own(leader) => path(trust, first.pid),
            _ => (Vec::new(), 0),
        };
        Some(Self {
            leader,
            threads: threads.len(),
            bits,
            causes,
            path,
            path_lost,
        })
    }
}

impl BitCause {
    /// Converts a cause from trust storage. Adds the key if a label of the process has the same cause.
    fn new(bit: u8, cause: &TrustCause, labels: &[Cause]) -> Self {
        let key = labels
            .iter()
            .find(|label| {
                (label.source, label.tgid, label.hook, label.op, label.arg)
                    == (bit, cause.tgid, cause.hook, cause.op, cause.arg)
            })
            .map_or(Fp::ZERO, |label| label.key);
        let kind = CauseKind::of(cause.how);
        let (hook, operation) = operation(cause.hook, cause.op, cause.arg);
        Self {
            bit,
            kind,
            spread: Spread::try_from(cause.spread)
                .ok()
                .filter(|way| *way != Spread::Fork),
            time_ns: cause.time_ns,
            until_ns: cause.until_ns,
            pid: cause.tgid,
            comm: Some(cause.comm),
            hook,
            operation,
            detail: (kind == Some(CauseKind::Tap)).then_some(cause.detail),
            key,
        }
    }

    fn of_label(cause: &Cause) -> Self {
        let (hook, operation) = operation(cause.hook, cause.op, cause.arg);
        Self {
            bit: cause.source,
            kind: None,
            spread: None,
            time_ns: cause.time_ns,
            until_ns: 0,
            pid: cause.tgid,
            comm: None,
            hook,
            operation,
            detail: None,
            key: cause.key,
        }
    }

    /// Returns true if the process itself lost the bit. The time is compared, since process numbers are reused.
    const fn is_own(&self, leader: &TaskInfo) -> bool {
        self.pid == leader.tgid && self.time_ns >= leader.start_ns
    }
}

/// Returns the hook and operation of a cause; `None` twice if no operation was the cause.
fn operation(hook: u8, op: u16, arg: u32) -> (Option<Hook>, Option<Operation>) {
    let hook = Hook::try_from(hook).ok();
    let operation = hook
        .and_then(|_| Op::try_from(op).ok())
        .filter(|op| op.family().is_some())
        .map(|op| Operation { op, arg });
    (hook.filter(|_| operation.is_some()), operation)
}

/// Returns the trust bits of a process and their causes, oldest first.
fn bits_and_causes(threads: &[TaskInfo], now_ns: u64) -> (u32, Vec<BitCause>) {
    let labels: Vec<Cause> = threads
        .iter()
        .filter(|task| task.label.trust != 0)
        .map(|task| task.label.cause)
        .collect();
    let (mut set, mut expired) = (0_u32, 0_u32);
    let mut causes: BTreeMap<u8, BitCause> = BTreeMap::new();
    let mut keep = |cause: BitCause| {
        let known = causes.entry(cause.bit).or_insert(cause);
        if cause.time_ns < known.time_ns {
            *known = cause;
        }
    };
    for trust in threads.iter().filter_map(|task| task.trust.as_deref()) {
        for (bit, cause) in (0_u8..).zip(&trust.causes) {
            if trust.bits >> bit & 1 == 0 {
                continue;
            }
            // The kernel part clears an expired bit with the next operation of the process.
            if cause.until_ns != 0 && cause.until_ns <= now_ns {
                expired |= 1 << bit;
            } else {
                set |= 1 << bit;
                keep(BitCause::new(bit, cause, &labels));
            }
        }
    }
    let labelled = threads.iter().fold(0, |bits, task| bits | task.label.trust);
    let bits = set | (labelled & !expired);
    for cause in &labels {
        let bit = 1_u32.checked_shl(cause.source.into()).unwrap_or_default();
        if bits & !set & bit != 0 {
            keep(BitCause::of_label(cause));
        }
    }
    let mut causes: Vec<BitCause> = causes.into_values().collect();
    causes.sort_by_key(|cause| cause.time_ns);
    (bits, causes)
}

/// Returns the processes from `from`, which lost its trust, to this one, and the number of them that are no longer known.
/// Steps before `from` belong to another loss and are left out.
fn path(trust: &Trust, from: u32) -> (Vec<Step>, u32) {
    let kept = u32::try_from(TRUST_STEPS).unwrap_or(u32::MAX);
    let lost = trust.steps.saturating_sub(kept);
    let steps: Vec<_> = (lost..trust.steps)
        .filter_map(|number| {
            let index = usize::try_from(number).ok()? % TRUST_STEPS;
            trust.path.get(index)
        })
        .collect();
    let begin = steps.iter().rposition(|step| step.tgid == from);
    let path = steps
        .iter()
        .skip(begin.unwrap_or(0))
        .map(|step| Step {
            pid: step.tgid,
            comm: step.comm,
            how: Spread::try_from(step.how).unwrap_or(Spread::Fork),
        })
        .collect();
    (path, if begin.is_some() { 0 } else { lost })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trust(pids: impl IntoIterator<Item = u32>) -> Trust {
        let mut trust = Trust::default();
        for pid in pids {
            let step = &mut trust.path[usize::try_from(trust.steps).unwrap() % TRUST_STEPS];
            step.tgid = pid;
            step.comm[..2].copy_from_slice(b"sh");
            trust.steps += 1;
        }
        trust
    }

    fn pids(trust: &Trust, from: u32) -> (Vec<u32>, u32) {
        let (path, lost) = path(trust, from);
        (path.iter().map(|step| step.pid).collect(), lost)
    }

    fn task(trust: &Trust) -> TaskInfo {
        TaskInfo {
            tgid: 9,
            tid: 9,
            comm: b"sh".to_vec(),
            label: ambit_abi::Label::default(),
            trust: Some(Box::new(*trust)),
            start_ns: 100,
        }
    }

    fn lost_at(trust: &mut Trust, bit: u8, time_ns: u64, until_ns: u64) {
        trust.bits |= 1 << bit;
        let cause = &mut trust.causes[usize::from(bit)];
        *cause = TrustCause {
            time_ns,
            until_ns,
            tgid: 5,
            hook: u8::try_from(Hook::COUNT).unwrap(),
            how: TRUST_BY_TAP,
            ..TrustCause::default()
        };
    }

    #[test]
    fn processes_that_passed_it_on_are_listed_oldest_first() {
        assert_eq!(pids(&trust([]), 1), (vec![], 0));
        assert_eq!(pids(&trust([1, 2, 3]), 1), (vec![1, 2, 3], 0));
        assert_eq!(pids(&trust(1..=8), 1), ((1..=8).collect(), 0));
    }

    #[test]
    fn of_a_long_path_the_last_eight_steps_are_known_and_the_rest_is_counted() {
        assert_eq!(pids(&trust(1..=11), 1), ((4..=11).collect(), 3));
        assert_eq!(pids(&trust(1..=800), 1), ((793..=800).collect(), 792));
    }

    #[test]
    fn the_path_begins_with_the_process_that_lost_its_trust() {
        assert_eq!(pids(&trust(1..=5), 4), (vec![4, 5], 0));
        assert_eq!(pids(&trust(1..=11), 9), (vec![9, 10, 11], 0));
    }

    #[test]
    fn causes_are_sorted_by_time_and_expired_ones_are_left_out() {
        let mut trust = trust([5, 6]);
        lost_at(&mut trust, 9, 300, 0);
        lost_at(&mut trust, 4, 400, 5000);
        lost_at(&mut trust, 2, 200, 999);
        let threads = [task(&trust)];
        let process = ProcessTrust::of(&threads, 1000).unwrap();
        assert_eq!(process.bits, 1 << 4 | 1 << 9);
        let causes: Vec<_> = process.causes.iter().map(|cause| cause.bit).collect();
        assert_eq!(causes, [9, 4]);
        let first = process.causes[0];
        assert_eq!((first.pid, first.kind), (5, Some(CauseKind::Tap)));
        assert!(first.operation.is_none() && first.hook.is_none());
        assert_eq!(process.path.len(), 2);
    }

    #[test]
    fn a_cause_and_each_step_know_how_the_bit_spread() {
        let mut trust = trust([5, 6]);
        lost_at(&mut trust, 9, 300, 0);
        trust.causes[9].spread = Spread::Signal as u32;
        trust.path[1].how = Spread::Signal as u32;
        let threads = [task(&trust)];
        let process = ProcessTrust::of(&threads, 1000).unwrap();
        assert_eq!(process.causes[0].spread, Some(Spread::Signal));
        let ways: Vec<_> = process.path.iter().map(|step| step.how).collect();
        assert_eq!(ways, [Spread::Fork, Spread::Signal]);
    }

    #[test]
    fn a_bit_that_a_process_lost_itself_has_no_path() {
        let mut trust = trust([5, 6]);
        lost_at(&mut trust, 0, 300, 0);
        trust.causes[0].tgid = 9;
        let threads = [task(&trust)];
        let process = ProcessTrust::of(&threads, 1000).unwrap();
        assert!(process.path.is_empty() && process.path_lost == 0);
    }

    #[test]
    fn a_label_without_trust_storage_has_its_cause() {
        let mut task = task(&Trust::default());
        task.trust = None;
        task.label.trust = 1;
        task.label.cause.tgid = 7;
        task.label.cause.op = Op::Exec as u16;
        let threads = [task];
        let process = ProcessTrust::of(&threads, 1000).unwrap();
        let cause = process.causes[0];
        assert_eq!((cause.bit, cause.pid, cause.kind), (0, 7, None));
        assert_eq!(cause.operation.map(|of| of.op), Some(Op::Exec));
    }
}
