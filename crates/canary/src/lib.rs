// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Canaries: performs one harmless operation of each kind and checks that the kernel part sees and refuses it.
//!
//! Each operation is performed twice, by a new process in a new domain. The first time, the domain learns, which shows
//! that the operation is seen. The second time, it enforces all that it has just learned except the operation, which shows
//! that the operation is refused. Everything else that the process does (starting, opening, creating a socket) is allowed.
//!
//! The crate owns the list of operations and the test bed. It prints nothing and knows no exit codes.
#![forbid(unsafe_code)]

mod error;
mod list;
mod test_bed;

pub use error::Error;

use std::collections::HashSet;
use std::fmt::Write;

use ambit_abi::{Fp, Hook, Mode, Op};
use ambit_event::{Event, Operation, key};
use ambit_sensor::{KernelHook, LoadOptions};
use serde::Serialize;

use list::{Canary, WAYS, canary};
use test_bed::{TestBed, Trial, TrialResult};

/// The result of an operation's canary.
#[derive(Debug, Serialize)]
pub struct Checked {
    /// The operation.
    pub operation: &'static str,
    /// How it is performed, if there are several ways.
    pub way: Option<&'static str>,
    /// The result of both trials.
    pub status: Status,
    /// True if learning saw it.
    pub seen: bool,
    /// True if enforcing refused it.
    pub refused: bool,
    /// The hook that decided it.
    pub hook: Option<&'static str>,
    /// Why it was not tried, or the exerciser's output.
    pub detail: Option<String>,
}

/// The result of an operation's two trials.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It is seen and refused.
    Ok,
    /// It is not seen.
    Unseen,
    /// It is allowed although it is outside the map.
    Allowed,
    /// It cannot be performed on this machine, or not without harm.
    Untried,
    /// The kernel has no hook for it.
    Absent,
}

/// Performs the canary of every operation. `offered` are the hooks of the running kernel.
///
/// # Errors
/// The kernel part, a process or a file failed, or a signal asked to end ([`Error::Interrupted`]). In any case the kernel
/// part is released and the files are removed.
pub fn check_all(offered: &[KernelHook]) -> Result<Vec<Checked>, Error> {
    let bed = TestBed::new(&LoadOptions {
        full: true,
        ..LoadOptions::default()
    })?;
    let checked = check_each(&bed, offered);
    let interrupted = bed.interrupted();
    let removed = bed.remove();
    if let Some(signal) = interrupted {
        return Err(Error::Interrupted(signal));
    }
    let checked = checked?;
    removed?;
    Ok(checked)
}

/// True if every operation that could be tried was seen and refused.
pub fn all_refused(checked: &[Checked]) -> bool {
    checked
        .iter()
        .all(|one| matches!(one.status, Status::Ok | Status::Untried | Status::Absent))
}

fn check_each(bed: &TestBed, offered: &[KernelHook]) -> Result<Vec<Checked>, Error> {
    let nothing = learn(bed, "true", false)?;
    let start: HashSet<Fp> = nothing.events.iter().map(|event| event.key).collect();
    let mut checked = Vec::new();
    for &op in Op::ALL.iter().filter(|op| op.family().is_some()) {
        if bed.interrupted().is_some() {
            break;
        }
        let here = |hook: &&Hook| {
            hook.ops().contains(&op) && offered.iter().any(|there| there.name == hook.name())
        };
        checked.push(match canary(op) {
            _ if !Hook::ALL.iter().any(|hook| here(&hook)) => {
                Checked::without(op, Status::Absent, "this kernel has no hook for it")
            }
            Some(Canary::Perform(script)) => check_one(bed, op, None, script, &start)?,
            Some(Canary::Gated { script, violation }) => {
                check_gated(bed, op, script, violation, &start)?
            }
            Some(Canary::Skip(why)) => Checked::without(op, Status::Untried, why),
            None => Checked::without(
                op,
                Status::Unseen,
                "this version of Ambit has no canary for it",
            ),
        });
        for (_, way, script) in WAYS.iter().filter(|(of, ..)| *of == op) {
            checked.push(check_one(bed, op, Some(way), script, &start)?);
        }
    }
    Ok(checked)
}

fn learn(bed: &TestBed, script: &str, digests: bool) -> Result<TrialResult, Error> {
    bed.run(
        script,
        &Trial {
            mode: Mode::Learn,
            keys: &[],
            digests,
            gated: None,
        },
    )
}

/// Checks an operation by its canary, or by another `way`: that call may fail by another error than EPERM, or its failure may
/// show when the memory is used.
fn check_one(
    bed: &TestBed,
    op: Op,
    way: Option<&'static str>,
    script: &str,
    start: &HashSet<Fp>,
) -> Result<Checked, Error> {
    let digests = op == Op::ExecDigest;
    let learned = learn(bed, script, digests)?;
    // The digest that is checked is the exerciser's own, so it is also among the events of every start.
    let is_canary =
        |event: &&Event| event.operation.op == op && (digests || !start.contains(&event.key));
    let seen = learned.events.iter().find(is_canary);
    let hook = seen.map(|event| event.hook.name());
    let mut keys: Vec<Fp> = learned
        .events
        .iter()
        .filter(|event| !is_canary(event))
        .map(|event| event.key)
        .collect();
    if digests {
        keys.extend(digest_marks(bed, &learned));
    }
    let enforced = bed.run(
        script,
        &Trial {
            mode: Mode::Enforce,
            keys: &keys,
            digests,
            gated: None,
        },
    )?;
    let failed = enforced.was_refused() || way.is_some() && enforced.failed();
    let refused = enforced.denied(op) && failed;
    Ok(Checked {
        way,
        ..Checked::of(op, hook, refused, &learned, &enforced)
    })
}

/// Checks an operation that no map has, because workloads perform it by chance: only untrusted tasks are refused it.
fn check_gated(
    bed: &TestBed,
    op: Op,
    script: &str,
    violation: Op,
    start: &HashSet<Fp>,
) -> Result<Checked, Error> {
    let learned = learn(bed, script, false)?;
    let hook = learned
        .evaluated
        .iter()
        .find(|hook| hook.ops().contains(&op));
    let allowed = |event: &&Event| event.operation.op != violation || start.contains(&event.key);
    let keys: Vec<Fp> = learned
        .events
        .iter()
        .filter(allowed)
        .map(|event| event.key)
        .collect();
    let enforced = bed.run(
        script,
        &Trial {
            mode: Mode::Enforce,
            keys: &keys,
            digests: false,
            gated: op.family(),
        },
    )?;
    let hook = hook.map(|hook| hook.name());
    let refused = enforced.denied(op);
    Ok(Checked::of(op, hook, refused, &learned, &enforced))
}

/// Returns the points that mark each executed file as having a list of allowed digests. The list stays empty, so that every
/// digest is refused.
fn digest_marks(bed: &TestBed, learned: &TrialResult) -> Vec<Fp> {
    let listed = Operation {
        op: Op::ExecDigest,
        arg: 1,
    };
    let executed = learned
        .events
        .iter()
        .filter(|event| event.operation.op == Op::Exec);
    executed
        .filter_map(Event::object)
        .map(|object| key(&bed.secret, Fp::default(), listed, object))
        .collect()
}

/// Describes both trials, for finding out why a canary failed.
fn detail(learned: &TrialResult, enforced: &TrialResult) -> String {
    let mut text = format!(
        "learning: {}; enforcing: {}",
        learned.outcome(),
        enforced.outcome()
    );
    let lost = learned.lost + enforced.lost;
    if lost > 0 {
        let _ = write!(text, "; {lost} records lost");
    }
    text
}

impl Checked {
    /// Returns the result of both trials. `hook` saw the operation while learning; `refused` is true if enforcing refused
    /// the operation.
    fn of(
        op: Op,
        hook: Option<&'static str>,
        refused: bool,
        learned: &TrialResult,
        enforced: &TrialResult,
    ) -> Self {
        let status = match (hook.is_some(), refused) {
            (true, true) => Status::Ok,
            (true, false) => Status::Allowed,
            // The kernel refused the operation before any hook, or lacks it: that is not a blind spot.
            (false, _) if learned.failed() => Status::Untried,
            (false, _) => Status::Unseen,
        };
        Self {
            operation: op.name(),
            way: None,
            status,
            seen: hook.is_some(),
            refused,
            hook,
            detail: (status != Status::Ok).then(|| detail(learned, enforced)),
        }
    }

    fn without(op: Op, status: Status, why: &str) -> Self {
        Self {
            operation: op.name(),
            way: None,
            status,
            seen: false,
            refused: false,
            hook: None,
            detail: Some(why.to_owned()),
        }
    }
}
