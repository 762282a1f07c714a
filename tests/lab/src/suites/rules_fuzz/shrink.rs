// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Reduces a round with a difference to a small one that still has a difference.

use std::time::{Duration, Instant};

use super::Round;
use super::expect::Difference;
use crate::harness::Lab;

/// Time limit: each attempt loads rules.
const TIME: Duration = Duration::from_mins(5);

/// Returns the smallest round that was found, as text.
pub(super) fn shrink(lab: &Lab, round: &Round, workload: usize, mut found: Difference) -> String {
    let begun = Instant::now();
    let mut best = round.clone();
    best.workloads = vec![round.workloads[workload].clone()];
    let keeps = |candidate: &Round, found: &mut Difference| {
        if begun.elapsed() > TIME {
            return false;
        }
        match candidate.run(lab) {
            Some(Err((_, difference))) => {
                *found = difference;
                true
            }
            _ => false,
        }
    };
    // The failing round alone, or with the rounds before it.
    let group = found.group;
    for first in [group, 0] {
        let mut candidate = best.clone();
        candidate.workloads[0].groups = best.workloads[0].groups[first..=group].to_vec();
        if keeps(&candidate, &mut found) {
            best = candidate;
            break;
        }
    }
    // Rules first, in ever smaller pieces.
    let mut piece = best.rules.len().div_ceil(2);
    while piece > 0 {
        let mut at = 0;
        while at < best.rules.len() && best.rules.len() > 1 {
            let mut candidate = best.clone();
            let end = (at + piece).min(candidate.rules.len());
            candidate.rules.drain(at..end);
            if !candidate.rules.is_empty() && loadable(&candidate) && keeps(&candidate, &mut found)
            {
                best = candidate;
            } else {
                at += piece;
            }
        }
        piece /= 2;
    }
    let mut group = 0;
    while best.workloads[0].groups.len() > 1 && group < best.workloads[0].groups.len() {
        let mut candidate = best.clone();
        candidate.workloads[0].groups.remove(group);
        if keeps(&candidate, &mut found) {
            best = candidate;
        } else {
            group += 1;
        }
    }
    for group in 0..best.workloads[0].groups.len() {
        // The first step sets the task's name, which the rules' conditions include.
        let mut at = 1;
        while at < best.workloads[0].groups[group].len() {
            let mut candidate = best.clone();
            candidate.workloads[0].groups[group].remove(at);
            if keeps(&candidate, &mut found) {
                best = candidate;
            } else {
                at += 1;
            }
        }
    }
    let groups = best.workloads[0].groups.iter();
    let groups: Vec<String> = groups
        .map(|group| {
            let steps: Vec<String> = group.iter().map(|step| step.words().join(" ")).collect();
            steps.join(" , ")
        })
        .collect();
    format!(
        "{}\n{}\n{}",
        ambit_rulegen::file(&best.rules),
        groups.join("\n"),
        found.text
    )
}

/// Rules that refer to a rule that was left out cannot be loaded.
fn loadable(round: &Round) -> bool {
    let text = ambit_rulegen::file(&round.rules);
    ambit_policy::file::read("drawn", text.as_bytes())
        .is_ok_and(|rules| ambit_policy::file::check_set(&rules).is_ok())
}
