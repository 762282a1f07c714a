// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Compares compiled rules in the kernel with the interpreter, on random rules and random operations similar to them.
//!
//! `AMBIT_LAB_FUZZ_SECONDS` is the duration (at least one round), `AMBIT_LAB_FUZZ_SEED` the seed. After a difference, rules
//! and steps are removed one after the other as long as the difference remains.

mod expect;
mod scene;
mod shrink;
mod step;
mod workload;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use ambit_policy::facts::Facts;
use ambit_rulegen::{Drawn, Near, Random};
use serde_json::Value;

use super::{setting, tests};
use crate::harness::Lab;
use expect::{Counts, Difference, compare};
use workload::Workload;

tests! { "rules_fuzz":
    random_rules_do_what_the_interpreter_says
}

const SECONDS: u64 = 12;
const SEED: u64 = 1;
/// Rules of a set. Loading takes ten times as long as the steps.
const RULES: usize = 40;
const WORKLOADS: usize = 6;
/// Steps of each group: the kernel part has room for some 1,200 records until they are read.
const GROUPS: usize = 30;

pub(super) fn seconds() -> u64 {
    setting("AMBIT_LAB_FUZZ_SECONDS", SECONDS)
}

/// Rules, and the tasks and steps while they are loaded.
#[derive(Clone)]
struct Round {
    rules: Vec<Drawn>,
    workloads: Vec<Workload>,
}

impl Round {
    fn draw(lab: &Lab, random: &mut Random) -> Self {
        let workloads: Vec<Workload> = (0..WORKLOADS)
            .map(|index| Workload::draw(lab, random, index, GROUPS))
            .collect();
        let mut events: Vec<Facts> = Vec::new();
        for workload in &workloads {
            let mut facts = workload.facts(u64::from(std::process::id()) + 50);
            for comm in scene::comms() {
                facts.set_text(ambit_policy::condition::Text::Comm, comm.to_vec());
                let steps = workload.groups.iter().flatten();
                events.extend(steps.flat_map(|step| &step.asks).map(|ask| ask.of(&facts)));
            }
        }
        let mut bounds: Vec<String> = workloads.iter().flat_map(Workload::bounds).collect();
        // The name that each task gives itself distinguishes it from the starting exerciser, whose libc opens files.
        bounds.extend([
            "task.comm.startsWith(\"fz\")".to_owned(),
            "task.comm.startsWith(\"fz\")".to_owned(),
            "task.comm.startsWith(\"fz\") && subject.chain.exists(e, e.contains(\"/last/0/\"))"
                .to_owned(),
        ]);
        let near = Near::of(&events).with_sources(&["operator"]);
        Self {
            rules: ambit_rulegen::rules(random, &near, RULES, &bounds),
            workloads,
        }
    }

    /// Loads the rules, does the steps and compares; `None` if there are too many rules to load.
    fn run(&self, lab: &Lab) -> Option<Result<Counts, (usize, Difference)>> {
        // Rules of a failed round.
        lab.ambit(["rules", "unload"]).succeeds();
        let listeners: Vec<_> = self.workloads.iter().map(Workload::prepare).collect();
        let text = ambit_rulegen::file(&self.rules);
        let rules = ambit_policy::file::read("drawn", text.as_bytes()).expect("they were read");
        let file = lab.file("drawn.yaml", &text);
        let load = lab.ambit(["rules", "load", "-q", &file]);
        if load.stderr_text().contains("automat") {
            return None;
        }
        load.succeeds();
        // Drop the records of the set before, and those from loading.
        records(lab);
        let mut sums = Counts::default();
        let mut applied: BTreeMap<String, u64> = BTreeMap::new();
        let mut found = Ok(());
        for (index, workload) in self.workloads.iter().enumerate() {
            let done = workload.run(lab);
            let records = records(lab);
            for record in &records {
                let id = record["rule"].as_str().expect("an id");
                *applied.entry(id.to_owned()).or_default() += 1;
            }
            match compare(&rules, workload, &done, &records) {
                Ok(more) => sums.add(more),
                Err(difference) => {
                    found = Err((index, difference));
                    break;
                }
            }
        }
        let counted = counted(lab);
        lab.ambit(["rules", "unload"]).succeeds();
        drop(listeners);
        if found.is_ok() {
            for (id, count) in &counted {
                let recorded = applied.get(id).copied().unwrap_or(0);
                assert_eq!(
                    *count, recorded,
                    "the count of {id} differs from its records\n{text}"
                );
            }
        }
        Some(found.map(|()| sums))
    }
}

/// Returns the records of rules since the last call.
fn records(lab: &Lab) -> Vec<Value> {
    let run = lab.ambit(["rules", "watch", "--once", "--json"]).succeeds();
    run.lines()
        .iter()
        .map(|line| serde_json::from_str(line).expect("a line of JSON"))
        .collect()
}

/// Returns how often each rule matched. No record may be lost.
fn counted(lab: &Lab) -> BTreeMap<String, u64> {
    let run = lab.ambit(["rules", "ls", "--json"]).succeeds();
    run.lines()
        .iter()
        .map(|line| {
            let row: Value = serde_json::from_str(line).expect("a line of JSON");
            assert_eq!(row["lost"], 0, "records were lost: {row}");
            let id = row["id"].as_str().expect("an id").to_owned();
            (id, row["applied"].as_u64().expect("a number"))
        })
        .collect()
}

fn random_rules_do_what_the_interpreter_says(lab: &Lab) {
    let seed = setting("AMBIT_LAB_FUZZ_SEED", SEED);
    let (start, time) = (Instant::now(), Duration::from_secs(seconds()));
    let mut sums = Counts::default();
    let mut rounds = 0;
    let mut rules = 0;
    while rounds == 0 || start.elapsed() < time {
        // Each round has its own seed and can be repeated alone.
        let seed = seed.wrapping_add(rounds);
        let mut round = Round::draw(lab, &mut Random::new(seed));
        let result = loop {
            if let Some(result) = round.run(lab) {
                break result;
            }
            round.rules.truncate(round.rules.len() / 2);
        };
        match result {
            Ok(more) => sums.add(more),
            Err((workload, difference)) => {
                println!("{}", difference.text);
                let smallest = shrink::shrink(lab, &round, workload, difference);
                panic!("AMBIT_LAB_FUZZ_SEED={seed} AMBIT_LAB_FUZZ_SECONDS=0\n{smallest}");
            }
        }
        rounds += 1;
        rules += round.rules.len();
        eprintln!(
            "seed {seed}: {} rules, {:.0?} so far, {sums:?}",
            round.rules.len(),
            start.elapsed()
        );
    }
    eprintln!("figures: {rounds} rounds, {rules} rules, {sums:?}");
    // Rules that never match, or always do, would prove nothing.
    assert!(sums.applied * 10 > sums.asked, "{sums:?}");
    assert!(sums.applied * 10 < sums.asked * 9, "{sums:?}");
    assert!(sums.refused > 0 && sums.untrusted > 0, "{sums:?}");
}
