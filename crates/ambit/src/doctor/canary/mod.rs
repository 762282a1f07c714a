// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `ambit doctor --canary`: performs one harmless operation of each kind, and says which were seen and refused.
//!
//! Each is performed twice, by a process of its own in a domain of its own: once learning, which shows that it is
//! seen; and once enforcing what was just learned without the operation, which shows that it is refused. What else it
//! takes (starting, opening, making a socket) is allowed, so that a refusal is this operation's.

mod list;
mod stage;

use std::collections::HashSet;
use std::fmt::Write;

use ambit_abi::{Fp, Hook, Mode, Op};
use ambit_event::{Event, Operation, key};
use ambit_launch::die_by;
use ambit_sensor::{Kernel, KernelHook, LoadOptions};
use serde::Serialize;

use crate::exit::Failure;
use crate::out::{Style, count};
use list::{Canary, canary};
use stage::{Performed, Rules, Stage};

/// What became of an operation.
#[derive(Debug, Serialize)]
pub(super) struct Tried {
    operation: &'static str,
    /// In one word: `ok`, `unseen`, `allowed` (although it is outside the map), `untried` or `absent`.
    status: Status,
    /// Learning saw it.
    seen: bool,
    /// Enforcing refused it.
    refused: bool,
    /// The hook that decided it.
    hook: Option<&'static str>,
    /// Why it was not tried, or what the attempts came to.
    detail: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Status {
    Ok,
    Unseen,
    Allowed,
    Untried,
    Absent,
}

/// Tries every operation that the kernel has a hook for.
pub(super) fn all(offered: &[KernelHook]) -> Result<Vec<Tried>, Failure> {
    let stage = Stage::new(Kernel::attach(&LoadOptions {
        full: true,
        ..LoadOptions::default()
    })?)?;
    let tried = each(&stage, offered);
    let interrupted = stage.interrupted();
    // What is pinned and the folder go, whatever came of it.
    stage.strike()?;
    if let Some(signal) = interrupted {
        die_by(signal);
    }
    tried
}

/// Whether all that should be were seen and refused.
pub(super) fn good(tried: &[Tried]) -> bool {
    tried
        .iter()
        .all(|one| matches!(one.status, Status::Ok | Status::Untried | Status::Absent))
}

fn each(stage: &Stage, offered: &[KernelHook]) -> Result<Vec<Tried>, Failure> {
    let nothing = learn(stage, "true", false)?;
    let start: HashSet<Fp> = nothing.events.iter().map(|event| event.key).collect();
    let mut tried = Vec::new();
    for &op in Op::ALL.iter().filter(|op| op.family().is_some()) {
        if stage.interrupted().is_some() {
            break;
        }
        let here = |hook: &&Hook| {
            hook.ops().contains(&op) && offered.iter().any(|there| there.name == hook.name())
        };
        tried.push(match canary(op) {
            _ if !Hook::ALL.iter().any(|hook| here(&hook)) => {
                Tried::not(op, Status::Absent, "this kernel has no hook for it")
            }
            Some(Canary::Act(act)) => one(stage, op, act, &start)?,
            Some(Canary::Gate { act, crime }) => gated(stage, op, act, crime, &start)?,
            Some(Canary::Not(why)) => Tried::not(op, Status::Untried, why),
            None => Tried::not(op, Status::Unseen, "this version has no canary for it"),
        });
    }
    Ok(tried)
}

fn learn(stage: &Stage, act: &str, digests: bool) -> Result<Performed, Failure> {
    stage.perform(
        act,
        &Rules {
            mode: Mode::Learn,
            keys: &[],
            digests,
            gated: None,
        },
    )
}

fn one(stage: &Stage, op: Op, act: &str, start: &HashSet<Fp>) -> Result<Tried, Failure> {
    let digests = op == Op::ExecDigest;
    let learned = learn(stage, act, digests)?;
    // The digest is that of the exerciser itself, decided as it starts.
    let canaries =
        |event: &&Event| event.operation.op == op && (digests || !start.contains(&event.key));
    let seen = learned.events.iter().find(canaries);
    let hook = seen.map(|event| event.hook.name());
    let mut keys: Vec<Fp> = learned
        .events
        .iter()
        .filter(|event| !canaries(event))
        .map(|event| event.key)
        .collect();
    if digests {
        keys.extend(marked(stage, &learned));
    }
    let enforced = stage.perform(
        act,
        &Rules {
            mode: Mode::Enforce,
            keys: &keys,
            digests,
            gated: None,
        },
    )?;
    let refused = enforced.denied(op) && enforced.was_refused();
    let status = match (seen.is_some(), refused) {
        (true, true) => Status::Ok,
        (true, false) => Status::Allowed,
        // What did not come about is no blind spot: this machine refuses it before a hook is asked, or lacks it.
        (false, _) if learned.failed() => Status::Untried,
        (false, _) => Status::Unseen,
    };
    Ok(Tried {
        operation: op.name(),
        status,
        seen: seen.is_some(),
        refused,
        hook,
        detail: (status != Status::Ok).then(|| told(&learned, &enforced)),
    })
}

/// What no map has, because it comes and goes by chance, is refused to those without trust only.
fn gated(
    stage: &Stage,
    op: Op,
    act: &str,
    crime: Op,
    start: &HashSet<Fp>,
) -> Result<Tried, Failure> {
    let learned = learn(stage, act, false)?;
    let asked = learned.asked.iter().find(|hook| hook.ops().contains(&op));
    let lawful = |event: &&Event| event.operation.op != crime || start.contains(&event.key);
    let keys: Vec<Fp> = learned
        .events
        .iter()
        .filter(lawful)
        .map(|event| event.key)
        .collect();
    let enforced = stage.perform(
        act,
        &Rules {
            mode: Mode::Enforce,
            keys: &keys,
            digests: false,
            gated: op.family(),
        },
    )?;
    let seen = asked.is_some();
    let refused = enforced.denied(op);
    let status = match (seen, refused) {
        (true, true) => Status::Ok,
        (true, false) => Status::Allowed,
        (false, _) if learned.failed() => Status::Untried,
        (false, _) => Status::Unseen,
    };
    Ok(Tried {
        operation: op.name(),
        status,
        seen,
        refused,
        hook: asked.map(|hook| hook.name()),
        detail: (status != Status::Ok).then(|| told(&learned, &enforced)),
    })
}

/// The points that say of each executable that digests of it are listed; none is, then.
fn marked(stage: &Stage, learned: &Performed) -> Vec<Fp> {
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
        .map(|object| key(&stage.secret, Fp::default(), listed, object))
        .collect()
}

/// What the attempts came to, for whoever has to find out why.
fn told(learned: &Performed, enforced: &Performed) -> String {
    let mut told = format!(
        "learning: {}; enforcing: {}",
        learned.outcome(),
        enforced.outcome()
    );
    let lost = learned.lost + enforced.lost;
    if lost > 0 {
        let _ = write!(told, "; {} lost", count(lost, "record"));
    }
    told
}

impl Tried {
    fn not(op: Op, status: Status, why: &str) -> Self {
        Self {
            operation: op.name(),
            status,
            seen: false,
            refused: false,
            hook: None,
            detail: Some(why.to_owned()),
        }
    }

    fn line(&self, style: Style) -> String {
        let word = match self.status {
            Status::Ok => style.green("ok     "),
            Status::Unseen => style.red("unseen "),
            Status::Allowed => style.red("allowed"),
            Status::Untried => style.yellow("untried"),
            Status::Absent => "absent ".to_owned(),
        };
        let by = self.hook.unwrap_or_default();
        let detail = self.detail.as_deref().unwrap_or_default();
        let detail = ambit_event::escape::line(detail);
        let line = format!("{word}  {:<18} {by:<24} {detail}", self.operation);
        line.trim_end().to_owned()
    }
}

/// A line for each, and the sums.
pub(super) fn text(tried: &[Tried], style: Style) -> String {
    let mut out = String::new();
    for one in tried {
        let _ = writeln!(out, "{}", one.line(style));
    }
    let of = |status| tried.iter().filter(|one| one.status == status).count();
    let _ = writeln!(
        out,
        "\n{}: {} seen and refused, {} unseen, {} not refused, {} not tried, {} not in this kernel",
        count(tried.len(), "operation"),
        of(Status::Ok),
        of(Status::Unseen),
        of(Status::Allowed),
        of(Status::Untried),
        of(Status::Absent),
    );
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_has_a_line_and_the_sums_count_them() {
        let tried = [
            Tried::not(Op::NetTun, Status::Untried, "no \u{1b}[2Jtunnels"),
            Tried::not(Op::FileOpen, Status::Ok, ""),
        ];
        let text = text(&tried, Style::default());
        assert!(text.starts_with("untried  net.tun "), "{text}");
        assert!(text.ends_with(
            "\n2 operations: 1 seen and refused, 0 unseen, 0 not refused, 1 not tried, 0 not in this kernel\n"
        ));
        assert!(!text.contains('\u{1b}'), "{text}");
    }
}
