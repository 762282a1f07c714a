// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What there is to say of one process: who does not trust it, since when and for what, and who handed that down.

use std::collections::BTreeMap;

use ambit_abi::{
    Cause, Fp, Hook, Op, Spread, TRUST_BY_EVENT, TRUST_BY_OPERATOR, TRUST_BY_TAP, TRUST_STEPS,
    Trust, TrustCause,
};
use ambit_event::{Operation, escape};
use ambit_hoststate::TrustSources;
use ambit_journal::{Clock, Violation};
use ambit_sensor::TaskInfo;
use rustix::time::{ClockId, clock_gettime};
use serde::Serialize;

use crate::store;

/// One process, as it is listed.
#[derive(Debug, Serialize)]
pub(super) struct Row {
    pub(super) pid: u32,
    pub(super) comm: String,
    /// `None` for a process without a label.
    pub(super) domain: Option<String>,
    pub(super) trust: Vec<String>,
    /// Those with a label; of a process without one, itself.
    threads: usize,
    pub(super) since: Option<String>,
    /// The first of the causes.
    pub(super) cause: Option<Reason>,
    /// One a source, oldest first.
    pub(super) causes: Vec<Reason>,
    /// Processes that handed the first cause on, the first of them first.
    pub(super) path: Vec<Step>,
    /// How many of them came before these and are not known any more.
    pub(super) path_lost: u32,
}

/// What cost a trust bit.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Reason {
    pub(super) source: String,
    /// How it came: by an `event`, the `operator` or a `tap`.
    pub(super) how: Option<&'static str>,
    /// How it spread to here, but for fork.
    pub(super) spread: Option<&'static str>,
    pub(super) since: String,
    pub(super) until: Option<String>,
    /// The process that lost it first.
    pub(super) pid: u32,
    pub(super) comm: Option<String>,
    pub(super) hook: Option<&'static str>,
    /// Without its object, which is not kept.
    pub(super) operation: Option<String>,
    /// What a tap had to say.
    pub(super) detail: Option<u64>,
    /// The operation with its object, where the run's record has it.
    pub(super) rule: Option<String>,
    /// What `ambit explain` calls it.
    pub(super) violation: Option<String>,
}

/// A process that handed its trust status to another.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Step {
    pub(super) pid: u32,
    pub(super) comm: String,
    /// By `fork`, or as it spreads where that is switched on.
    pub(super) how: &'static str,
}

/// What rows are made with.
#[derive(Debug)]
pub(super) struct View {
    domains: BTreeMap<u16, String>,
    sources: TrustSources,
    clock: Clock,
    now_ns: u64,
    /// By domain, what its newest run recorded; read when it is first asked for.
    recorded: BTreeMap<String, Vec<Violation>>,
}

impl View {
    pub(super) fn new(domains: BTreeMap<u16, String>, sources: TrustSources) -> Self {
        let now = clock_gettime(ClockId::Boottime);
        let seconds = u64::try_from(now.tv_sec).unwrap_or(0);
        Self {
            domains,
            sources,
            clock: Clock::now(),
            now_ns: seconds * 1_000_000_000 + u64::try_from(now.tv_nsec).unwrap_or(0),
            recorded: BTreeMap::new(),
        }
    }

    /// A process is as untrusted as all of its threads together; its leader names it.
    pub(super) fn row(&mut self, threads: &[TaskInfo]) -> Option<Row> {
        let leader = threads
            .iter()
            .find(|task| task.tid == task.tgid)
            .or(threads.first())?;
        let (bits, causes) = held(threads, self.now_ns);
        let first = causes.first().copied();
        let name = self.domains.get(&leader.label.domain).cloned();
        let reasons: Vec<Reason> = {
            let recorded = match &name {
                Some(name) if first.is_some() => {
                    &**self.recorded.entry(name.clone()).or_insert_with(|| {
                        store::runs()
                            .load(name)
                            .map_or_else(|_| Vec::new(), |run| run.violations)
                    })
                }
                _ => &[],
            };
            causes
                .iter()
                .map(|why| reason(why, &self.sources, self.clock, recorded))
                .collect()
        };
        let trust = leader.trust.as_deref();
        let trust = trust.or_else(|| threads.iter().find_map(|task| task.trust.as_deref()));
        let (path, path_lost) = match (trust, first) {
            (Some(trust), Some(why)) if !why.is_own(leader) => path(trust, why.pid),
            _ => (Vec::new(), 0),
        };
        Some(Row {
            pid: leader.tgid,
            comm: comm(&leader.comm),
            domain: (leader.label.domain != 0).then(|| {
                name.map_or_else(
                    || format!("#{}", leader.label.domain),
                    |name| escape::name(name.as_bytes()),
                )
            }),
            trust: self.sources.names(bits),
            threads: threads.len(),
            since: reasons.first().map(|reason| reason.since.clone()),
            cause: reasons.first().cloned(),
            causes: reasons,
            path,
            path_lost,
        })
    }
}

/// A cause out of either of the places where they are kept.
#[derive(Clone, Copy, Debug)]
struct Why {
    bit: u8,
    time_ns: u64,
    until_ns: u64,
    detail: u64,
    pid: u32,
    arg: u32,
    op: u16,
    hook: u8,
    how: Option<u8>,
    spread: u32,
    comm: Option<[u8; 16]>,
    /// The point, where a label still has it, or zero.
    key: Fp,
}

impl Why {
    fn new(bit: u8, cause: &TrustCause, labels: &[Cause]) -> Self {
        let key = labels
            .iter()
            .find(|label| {
                (label.source, label.tgid, label.hook, label.op, label.arg)
                    == (bit, cause.tgid, cause.hook, cause.op, cause.arg)
            })
            .map_or(Fp::ZERO, |label| label.key);
        Self {
            bit,
            time_ns: cause.time_ns,
            until_ns: cause.until_ns,
            detail: cause.detail,
            pid: cause.tgid,
            arg: cause.arg,
            op: cause.op,
            hook: cause.hook,
            how: Some(cause.how),
            spread: cause.spread,
            comm: Some(cause.comm),
            key,
        }
    }

    const fn of_label(cause: &Cause) -> Self {
        Self {
            bit: cause.source,
            time_ns: cause.time_ns,
            until_ns: 0,
            detail: 0,
            pid: cause.tgid,
            arg: cause.arg,
            op: cause.op,
            hook: cause.hook,
            how: None,
            spread: 0,
            comm: None,
            key: cause.key,
        }
    }

    /// Whether the process lost it itself, and did not have it from another with its number.
    const fn is_own(&self, leader: &TaskInfo) -> bool {
        self.pid == leader.tgid && self.time_ns >= leader.start_ns
    }
}

/// The trust bits that a process has, and their causes, oldest first.
fn held(threads: &[TaskInfo], now_ns: u64) -> (u32, Vec<Why>) {
    let labels: Vec<Cause> = threads
        .iter()
        .filter(|task| task.label.trust != 0)
        .map(|task| task.label.cause)
        .collect();
    let (mut live, mut over) = (0_u32, 0_u32);
    let mut causes: BTreeMap<u8, Why> = BTreeMap::new();
    let mut keep = |why: Why| {
        let known = causes.entry(why.bit).or_insert(why);
        if why.time_ns < known.time_ns {
            *known = why;
        }
    };
    for trust in threads.iter().filter_map(|task| task.trust.as_deref()) {
        for (bit, cause) in (0_u8..).zip(&trust.causes) {
            if trust.bits >> bit & 1 == 0 {
                continue;
            }
            // What has had its time is cleared with the next operation only.
            if cause.until_ns != 0 && cause.until_ns <= now_ns {
                over |= 1 << bit;
            } else {
                live |= 1 << bit;
                keep(Why::new(bit, cause, &labels));
            }
        }
    }
    let labelled = threads.iter().fold(0, |bits, task| bits | task.label.trust);
    let bits = live | (labelled & !over);
    for cause in &labels {
        let bit = 1_u32.checked_shl(cause.source.into()).unwrap_or_default();
        if bits & !live & bit != 0 {
            keep(Why::of_label(cause));
        }
    }
    let mut causes: Vec<Why> = causes.into_values().collect();
    causes.sort_by_key(|why| why.time_ns);
    (bits, causes)
}

fn reason(why: &Why, sources: &TrustSources, clock: Clock, recorded: &[Violation]) -> Reason {
    let key = why.key.to_string();
    let known = recorded
        .iter()
        .find(|violation| !why.key.is_zero() && violation.key == key);
    let hook = Hook::try_from(why.hook).ok();
    let operation = hook
        .and_then(|_| Op::try_from(why.op).ok())
        .filter(|op| op.family().is_some())
        .map(|op| {
            let mut text = String::new();
            Operation { op, arg: why.arg }.write_rule_text("", &mut text);
            text.trim_end().to_owned()
        });
    Reason {
        source: sources.name(why.bit),
        how: why.how.and_then(|how| match how {
            TRUST_BY_EVENT => Some("event"),
            TRUST_BY_OPERATOR => Some("operator"),
            TRUST_BY_TAP => Some("tap"),
            _ => None,
        }),
        spread: Spread::try_from(why.spread)
            .ok()
            .filter(|way| *way != Spread::Fork)
            .map(Spread::name),
        since: clock.utc(why.time_ns),
        until: (why.until_ns != 0).then(|| clock.utc(why.until_ns)),
        pid: why.pid,
        comm: why.comm.map(|bytes| comm(&bytes)),
        hook: operation.is_some().then(|| hook.map(Hook::name)).flatten(),
        operation,
        detail: (why.how == Some(TRUST_BY_TAP)).then_some(why.detail),
        rule: known.map(|violation| violation.rule.clone()),
        violation: known.map(|violation| violation.id.clone()),
    }
}

/// The processes between the one that lost it (`from`) and this one, and how many of them are lost. What was handed
/// down before `from` did something is another story.
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
            comm: comm(&step.comm),
            how: Spread::try_from(step.how).map_or("fork", Spread::name),
        })
        .collect();
    (path, if begin.is_some() { 0 } else { lost })
}

/// A command's name out of a task, as text that changes no terminal.
pub(super) fn comm(bytes: &[u8]) -> String {
    escape::name(bytes.split(|byte| *byte == 0).next().unwrap_or_default())
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
            comm: b"a\x1b[2J".to_vec(),
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

    fn view() -> View {
        View {
            domains: BTreeMap::new(),
            sources: TrustSources::default(),
            clock: Clock::now(),
            now_ns: 1000,
            recorded: BTreeMap::new(),
        }
    }

    #[test]
    fn processes_that_handed_it_down_are_listed_oldest_first() {
        assert_eq!(pids(&trust([]), 1), (vec![], 0));
        assert_eq!(pids(&trust([1, 2, 3]), 1), (vec![1, 2, 3], 0));
        assert_eq!(pids(&trust(1..=8), 1), ((1..=8).collect(), 0));
    }

    #[test]
    fn of_a_long_way_the_last_eight_are_known_and_the_rest_is_counted() {
        assert_eq!(pids(&trust(1..=11), 1), ((4..=11).collect(), 3));
        assert_eq!(pids(&trust(1..=800), 1), ((793..=800).collect(), 792));
    }

    #[test]
    fn the_way_begins_with_the_process_that_lost_its_trust() {
        assert_eq!(pids(&trust(1..=5), 4), (vec![4, 5], 0));
        assert_eq!(pids(&trust(1..=11), 9), (vec![9, 10, 11], 0));
    }

    #[test]
    fn the_oldest_cause_is_the_first_and_what_has_ended_is_none() {
        let mut trust = trust([5, 6]);
        lost_at(&mut trust, 9, 300, 0);
        lost_at(&mut trust, 4, 400, 5000);
        lost_at(&mut trust, 2, 200, 999);
        let row = view().row(&[task(&trust)]).unwrap();
        assert_eq!(row.trust, ["tap", "bit9"]);
        assert_eq!(row.comm, "a\\x1b[2J");
        assert_eq!(row.domain, None);
        let cause = row.cause.unwrap();
        assert_eq!(
            (&*cause.source, cause.pid, cause.how),
            ("bit9", 5, Some("tap"))
        );
        assert_eq!(
            (cause.until, cause.operation, cause.hook),
            (None, None, None)
        );
        assert!(row.causes[1].until.is_some());
        assert_eq!(row.path.len(), 2);
    }

    #[test]
    fn how_it_spread_is_told_of_the_cause_and_of_each_step() {
        let mut trust = trust([5, 6]);
        lost_at(&mut trust, 9, 300, 0);
        trust.causes[9].spread = Spread::Signal as u32;
        trust.path[1].how = Spread::Signal as u32;
        let row = view().row(&[task(&trust)]).unwrap();
        assert_eq!(row.cause.unwrap().spread, Some("signal"));
        let ways: Vec<_> = row.path.iter().map(|step| step.how).collect();
        assert_eq!(ways, ["fork", "signal"]);
    }

    #[test]
    fn what_a_process_did_itself_nobody_handed_down() {
        let mut trust = trust([5, 6]);
        lost_at(&mut trust, 0, 300, 0);
        trust.causes[0].tgid = 9;
        let row = view().row(&[task(&trust)]).unwrap();
        assert!(row.path.is_empty() && row.path_lost == 0);
    }

    #[test]
    fn a_label_without_a_trust_of_its_own_still_tells_its_cause() {
        let mut task = task(&Trust::default());
        task.trust = None;
        task.label.domain = 3;
        task.label.trust = 1;
        task.label.cause.tgid = 7;
        task.label.cause.op = Op::Exec as u16;
        let row = view().row(&[task]).unwrap();
        assert_eq!(row.domain.as_deref(), Some("#3"));
        let cause = row.cause.unwrap();
        assert_eq!((&*cause.source, cause.pid, cause.how), ("model", 7, None));
        assert_eq!(cause.operation.as_deref(), Some("exec"));
    }
}
