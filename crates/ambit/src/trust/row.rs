// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A process as `ambit trust ls` lists it.

use std::collections::BTreeMap;

use ambit_abi::{Hook, Spread};
use ambit_event::escape;
use ambit_hoststate::TrustSources;
use ambit_hoststate::trust::{BitCause, CauseKind, ProcessTrust, Step, boot_time_ns};
use ambit_journal::{Clock, Violation};
use ambit_sensor::TaskInfo;
use serde::Serialize;

use crate::store;

/// One process.
#[derive(Debug, Serialize)]
pub(super) struct Row {
    pub(super) pid: u32,
    pub(super) comm: String,
    /// `None` for a process without a label.
    pub(super) domain: Option<String>,
    /// Names of its trust bits.
    pub(super) trust: Vec<String>,
    threads: usize,
    pub(super) since: Option<String>,
    /// The first of the causes.
    pub(super) cause: Option<CauseRow>,
    /// One per trust bit, oldest first.
    pub(super) causes: Vec<CauseRow>,
    /// The processes that passed the first cause on, oldest first.
    pub(super) path: Vec<StepRow>,
    /// Number of earlier processes that are no longer known.
    pub(super) path_lost: u32,
}

/// The cause of a trust bit.
#[derive(Clone, Debug, Serialize)]
pub(super) struct CauseRow {
    pub(super) source: String,
    /// The bit belongs to a rule.
    #[serde(skip)]
    pub(super) of_rule: bool,
    #[serde(rename = "how")]
    pub(super) kind: Option<CauseKind>,
    /// How the bit spread to this process, except by fork.
    pub(super) spread: Option<&'static str>,
    pub(super) since: String,
    pub(super) until: Option<String>,
    /// The process that lost the bit first.
    pub(super) pid: u32,
    pub(super) comm: Option<String>,
    pub(super) hook: Option<&'static str>,
    /// Without its object, which is not kept.
    pub(super) operation: Option<String>,
    /// The number that a tap gave.
    pub(super) detail: Option<u64>,
    /// The operation with its object, if the run's journal has it.
    pub(super) rule: Option<String>,
    /// The violation's id for `ambit explain`.
    pub(super) violation: Option<String>,
}

/// A process that passed its trust status on.
#[derive(Debug, Serialize)]
pub(super) struct StepRow {
    pub(super) pid: u32,
    pub(super) comm: String,
    #[serde(rename = "how", serialize_with = "name")]
    pub(super) way: Spread,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a field by reference"
)]
fn name<S: serde::Serializer>(way: &Spread, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(way.name())
}

/// Makes rows.
#[derive(Debug)]
pub(super) struct View {
    domains: BTreeMap<u16, String>,
    sources: TrustSources,
    clock: Clock,
    now_ns: u64,
    /// By domain, the violations of its newest run; read when they are first needed.
    recorded: BTreeMap<String, Vec<Violation>>,
}

impl View {
    pub(super) fn new(domains: BTreeMap<u16, String>, sources: TrustSources) -> Self {
        Self {
            domains,
            sources,
            clock: Clock::now(),
            now_ns: boot_time_ns(),
            recorded: BTreeMap::new(),
        }
    }

    /// Returns the row of the process with these threads.
    pub(super) fn row(&mut self, threads: &[TaskInfo]) -> Option<Row> {
        let process = ProcessTrust::of(threads, self.now_ns)?;
        let label = &process.leader.label;
        let name = self.domains.get(&label.domain).cloned();
        let recorded: &[Violation] = match &name {
            Some(name) if !process.causes.is_empty() => {
                self.recorded.entry(name.clone()).or_insert_with(|| {
                    store::runs()
                        .load(name)
                        .map_or_else(|_| Vec::new(), |run| run.violations)
                })
            }
            _ => &[],
        };
        let causes: Vec<CauseRow> = process
            .causes
            .iter()
            .map(|cause| cause_row(cause, &self.sources, self.clock, recorded))
            .collect();
        Some(Row {
            pid: process.leader.tgid,
            comm: comm(&process.leader.comm),
            domain: (label.domain != 0).then(|| {
                name.map_or_else(
                    || format!("#{}", label.domain),
                    |name| escape::name(name.as_bytes()),
                )
            }),
            trust: self.sources.names(process.bits),
            threads: process.threads,
            since: causes.first().map(|cause| cause.since.clone()),
            cause: causes.first().cloned(),
            causes,
            path: process.path.iter().map(step_row).collect(),
            path_lost: process.path_lost,
        })
    }
}

fn cause_row(
    cause: &BitCause,
    sources: &TrustSources,
    clock: Clock,
    recorded: &[Violation],
) -> CauseRow {
    let key = cause.key.to_string();
    let known = recorded
        .iter()
        .find(|violation| !cause.key.is_zero() && violation.key == key);
    CauseRow {
        source: sources.name(cause.bit),
        of_rule: sources.is_of_rule(cause.bit),
        kind: cause.kind,
        spread: cause.spread.map(Spread::name),
        since: clock.utc(cause.time_ns),
        until: (cause.until_ns != 0).then(|| clock.utc(cause.until_ns)),
        pid: cause.pid,
        comm: cause.comm.map(|bytes| comm(&bytes)),
        hook: cause.hook.map(Hook::name),
        operation: cause.operation.as_ref().map(|operation| {
            let mut text = String::new();
            operation.write_rule_text("", &mut text);
            text.trim_end().to_owned()
        }),
        detail: cause.detail,
        rule: known.map(|violation| violation.rule.clone()),
        violation: known.map(|violation| violation.id.clone()),
    }
}

fn step_row(step: &Step) -> StepRow {
    StepRow {
        pid: step.pid,
        comm: comm(&step.comm),
        way: step.how,
    }
}

/// Returns a task's command name, escaped.
fn comm(bytes: &[u8]) -> String {
    escape::name(bytes.split(|byte| *byte == 0).next().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use ambit_abi::{Label, Op, TRUST_BY_TAP, Trust};

    use super::*;

    fn view() -> View {
        View {
            now_ns: 1000,
            ..View::new(BTreeMap::new(), TrustSources::default())
        }
    }

    fn task(trust: Option<Box<Trust>>) -> TaskInfo {
        TaskInfo {
            tgid: 9,
            tid: 9,
            comm: b"a\x1b[2J".to_vec(),
            label: Label::default(),
            trust,
            start_ns: 100,
        }
    }

    #[test]
    fn a_process_without_a_label_has_a_row_with_escaped_names() {
        let mut trust = Box::new(Trust {
            bits: 1 << 9,
            steps: 1,
            ..Trust::default()
        });
        trust.causes[9].tgid = 5;
        trust.causes[9].time_ns = 300;
        trust.causes[9].until_ns = 5000;
        trust.causes[9].how = TRUST_BY_TAP;
        trust.path[0].tgid = 5;
        trust.path[0].how = Spread::Signal as u32;
        let row = view().row(&[task(Some(trust))]).unwrap();
        assert_eq!((&*row.comm, &row.domain), ("a\\x1b[2J", &None));
        assert_eq!(row.trust, ["bit9"]);
        let text = serde_json::to_value(&row).unwrap();
        assert_eq!(text["cause"]["how"], "tap");
        assert_eq!(text["causes"][0]["source"], "bit9");
        assert!(text["cause"]["until"].is_string());
        assert_eq!(text["path"][0]["how"], "signal");
    }

    #[test]
    fn a_domain_without_a_name_has_its_number() {
        let mut task = task(None);
        task.label.domain = 3;
        task.label.trust = 1;
        task.label.cause.op = Op::Exec as u16;
        let row = view().row(&[task]).unwrap();
        assert_eq!(row.domain.as_deref(), Some("#3"));
        let cause = row.cause.unwrap();
        assert_eq!((&*cause.source, cause.kind), ("model", None));
        assert_eq!(cause.operation.as_deref(), Some("exec"));
    }
}
