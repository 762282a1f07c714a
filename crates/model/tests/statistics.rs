// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Statistics of learning runs: merging, the file, and estimates for known distributions.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

mod support;

use std::collections::BTreeSet;

use ambit_event::{Object, Path, Subject};
use ambit_model::{Advice, Doubt, Map, Observation, RUNS_MAX, Rule, Run, RunId, Statistics};
use proptest::prelude::*;
use support::config;

fn subject(name: &str) -> Subject {
    Subject {
        exe: Some(Object::Path(Path::new(name.as_bytes().to_vec()).unwrap())),
        ..Subject::default()
    }
}

fn seen(line: &str, hits: u64) -> Observation {
    Observation {
        subject: subject("/bin/x"),
        line: line.to_owned(),
        hits,
    }
}

fn run_at(second: u64, operations: u64, missed: u64) -> Run {
    Run {
        began: format!(
            "2026-01-01T{:02}:{:02}:{:02}Z",
            second / 3600,
            second / 60 % 60,
            second % 60
        ),
        operations,
        lines: 0,
        new: 0,
        missed,
        unrepresentable: 0,
        untrusted: 0,
    }
}

fn add(map: &mut Map, seen: &[Observation]) {
    for one in seen {
        let entry = map.subject_mut(&one.subject);
        entry.allow.insert(Rule::parse(&one.line).unwrap());
    }
}

/// Learns several runs, like repeated `ambit run --learn`.
fn learned(runs: &[Vec<Observation>]) -> (Map, Statistics) {
    let mut map = Map::new("web");
    let mut all = Statistics::new("web", map.chain);
    for (number, seen) in (0..).zip(runs) {
        let operations = seen.iter().map(|one| one.hits).sum();
        let one = Statistics::of_run(RunId(number), run_at(number, operations, 0), seen, &map);
        all = all.merge(&one).unwrap();
        add(&mut map, seen);
    }
    (map, all)
}

fn statistics() -> impl Strategy<Value = Statistics> {
    let line = (0..6_u8, 1..4_u64).prop_map(|(n, hits)| seen(&format!("file.open r /f{n}"), hits));
    let run = (0..5_u64, 0..3_u64, prop::collection::vec(line, 0..6));
    prop::collection::vec(run, 0..4).prop_map(|runs| {
        let map = Map::new("web");
        runs.iter().fold(
            Statistics::new("web", map.chain),
            |all, (id, missed, seen)| {
                let one = Statistics::of_run(RunId(*id), run_at(*id, 9, *missed), seen, &map);
                all.merge(&one).unwrap()
            },
        )
    })
}

proptest! {
    #![proptest_config(config(200))]

    #[test]
    fn merging_does_not_depend_on_order_grouping_or_repetition(a in statistics(), b in statistics(), c in statistics()) {
        let ab = a.merge(&b).unwrap();
        prop_assert_eq!(&ab, &b.merge(&a).unwrap());
        prop_assert_eq!(ab.merge(&c).unwrap(), a.merge(&b.merge(&c).unwrap()).unwrap());
        prop_assert_eq!(&ab.merge(&b).unwrap(), &ab);
        prop_assert_eq!(a.merge(&a).unwrap(), a);
    }

    #[test]
    fn a_file_of_statistics_reads_back_and_prints_as_itself(one in statistics()) {
        let text = one.to_string();
        let again = Statistics::parse(&text).unwrap();
        prop_assert_eq!(again.to_string(), text);
        prop_assert_eq!(again, one);
    }

    #[test]
    fn a_file_that_is_cut_or_changed_is_refused_or_read_and_never_panics(one in statistics(), at in 0..4096_usize, byte in 0..128_u8) {
        let text = one.to_string();
        let at = at.min(text.len());
        let _ = Statistics::parse(text.get(..at).unwrap_or_default());
        let mut bytes = text.into_bytes();
        if let Some(slot) = bytes.get_mut(at) {
            *slot = byte;
        }
        let _ = Statistics::parse(std::str::from_utf8(&bytes).unwrap_or_default());
    }

    #[test]
    fn any_subject_and_rule_reads_back(subject in support::subject(), rule in support::rule()) {
        let seen = [Observation { subject, line: rule.to_string(), hits: 3 }];
        let one = Statistics::of_run(RunId(7), run_at(1, 3, 0), &seen, &Map::new("web"));
        prop_assert_eq!(Statistics::parse(&one.to_string()).unwrap(), one);
    }
}

#[test]
fn a_line_is_supported_by_its_runs_and_how_often_they_saw_it() {
    let (_, all) = learned(&[
        vec![seen("file.open r /a", 5), seen("file.open r /b", 1)],
        vec![seen("file.open r /a", 2)],
    ]);
    let support = all.support(&subject("/bin/x"), "file.open r /a");
    assert_eq!((support.runs, support.hits), (2, 7));
    assert_eq!(all.support(&subject("/bin/x"), "file.open r /c").runs, 0);
    assert_eq!(
        all.runs()
            .iter()
            .map(|(_, run)| run.new)
            .collect::<Vec<_>>(),
        [2, 0]
    );
}

#[test]
fn other_chains_do_not_merge() {
    assert!(
        Statistics::new("web", 2)
            .merge(&Statistics::new("web", 3))
            .is_err()
    );
}

#[test]
fn only_the_newest_runs_are_kept() {
    let map = Map::new("web");
    let mut all = Statistics::new("web", map.chain);
    for number in 0..RUNS_MAX as u64 + 5 {
        let line = seen(&format!("file.open r /{number}"), 1);
        let one = Statistics::of_run(RunId(number), run_at(number, 1, 0), &[line], &map);
        all = all.merge(&one).unwrap();
    }
    assert_eq!(
        (all.runs().len(), all.lines().count()),
        (RUNS_MAX, RUNS_MAX)
    );
    assert_eq!(all.support(&subject("/bin/x"), "file.open r /4").runs, 0);
}

#[test]
fn the_same_lines_again_and_again_can_be_sealed() {
    let day = |hits| vec![seen("file.open r /a", 3), seen("file.open r /b", hits)];
    let (map, all) = learned(&[day(3), day(4)]);
    assert_eq!(
        all.estimate(&map).advice,
        Advice::Learn(vec![Doubt::FewRuns, Doubt::StillNew])
    );
    let (map, all) = learned(&[day(3), day(4), day(5)]);
    let estimate = all.estimate(&map);
    assert_eq!(estimate.advice, Advice::Seal);
    assert_eq!(
        (estimate.next_run, estimate.next_operation),
        (Some(0.0), Some(0.0))
    );
    assert!(estimate.subjects.iter().all(|subject| !subject.thin));
}

#[test]
fn copies_of_one_run_are_not_enough_variety() {
    let day = vec![seen("file.open r /a", 3), seen("file.open r /b", 3)];
    let (map, all) = learned(&[day.clone(), day.clone(), day]);
    assert_eq!(
        all.estimate(&map).advice,
        Advice::Learn(vec![Doubt::Copies])
    );
}

#[test]
fn figures_are_those_of_the_map_as_it_is() {
    let days: Vec<_> = (1..5)
        .map(|day| {
            vec![
                seen("file.open r /a", 3),
                seen(&format!("file.open r /log/{day}"), day),
            ]
        })
        .collect();
    let (mut map, all) = learned(&days);
    let new = |map: &Map| -> Vec<u64> {
        let estimate = all.estimate(map);
        estimate.curve.iter().map(|run| run.new).collect()
    };
    assert_eq!(new(&map), [2, 1, 1, 1]);
    let allow = &mut map.subjects.get_mut(&subject("/bin/x")).unwrap().allow;
    allow.retain(|rule| !rule.to_string().contains("/log/"));
    allow.insert(Rule::parse("file.open r /log/{n}").unwrap());
    assert_eq!(new(&map), [2, 0, 0, 0]);
    assert_eq!(all.estimate(&map).advice, Advice::Seal);
}

#[test]
fn lines_that_no_run_used_are_named() {
    let day = |hits| vec![seen("file.open r /a", hits)];
    let (mut map, all) = learned(&[day(1), day(2), day(3)]);
    let entry = map.subjects.get_mut(&subject("/bin/x")).unwrap();
    entry
        .allow
        .insert(Rule::parse("file.open r /by/hand").unwrap());
    let estimate = all.estimate(&map);
    let unused: Vec<&str> = estimate.unused.iter().map(|one| &*one.line).collect();
    assert_eq!(
        (estimate.never_seen, &*unused),
        (1, &["file.open r /by/hand"][..])
    );
}

#[test]
fn operations_that_no_map_can_contain_do_not_spoil_a_run() {
    let map = Map::new("web");
    let lines = [seen("file.open r /a", 1)];
    let run = Run {
        unrepresentable: 7,
        ..run_at(1, 5, 0)
    };
    let all = Statistics::of_run(RunId(1), run, &lines, &map);
    let read = Statistics::parse(&all.to_string()).unwrap();
    assert_eq!(read, all);
    assert_eq!(read.estimate(&map).whole_runs, 1);
}

#[test]
fn something_new_every_day_is_never_sealed() {
    let days: Vec<_> = (0..10)
        .map(|day| {
            vec![
                seen("file.open r /a", 3),
                seen(&format!("file.open r /{day}"), 1),
            ]
        })
        .collect();
    let (map, all) = learned(&days);
    let estimate = all.estimate(&map);
    assert_eq!(
        estimate.advice,
        Advice::Learn(vec![Doubt::StillNew, Doubt::Likely])
    );
    assert_eq!(
        (estimate.next_run, estimate.next_run_lines),
        (Some(1.0), Some(1.0))
    );
    assert!(estimate.subjects.iter().all(|subject| subject.thin));
}

#[test]
fn a_pattern_written_by_a_person_counts_as_one_line() {
    let days: Vec<_> = (0..4)
        .map(|day| {
            vec![
                seen("file.open r /a", 3),
                seen(&format!("file.open r /log/{day}"), 1),
            ]
        })
        .collect();
    let (mut map, all) = learned(&days);
    let allow = &mut map.subjects.get_mut(&subject("/bin/x")).unwrap().allow;
    allow.retain(|rule| !rule.to_string().contains("/log/"));
    allow.insert(Rule::parse("file.open r /log/*").unwrap());
    let estimate = all.estimate(&map);
    assert_eq!(
        (estimate.lines, estimate.in_one_run, estimate.taken_out),
        (2, 0, 0)
    );
}

#[test]
fn lines_removed_by_a_person_are_not_counted() {
    let day = vec![
        seen("file.open r /a", 3),
        seen("file.open r /etc/shadow", 1),
    ];
    let (mut map, all) = learned(&[day.clone(), day.clone(), day]);
    let shadow = Rule::parse("file.open r /etc/shadow").unwrap();
    map.subjects
        .get_mut(&subject("/bin/x"))
        .unwrap()
        .allow
        .remove(&shadow);
    let estimate = all.estimate(&map);
    assert_eq!((estimate.lines, estimate.taken_out), (1, 1));
}

#[test]
fn a_run_that_missed_something_is_no_evidence() {
    let map = Map::new("web");
    let seen = [seen("file.open r /a", 1)];
    let mut all = Statistics::new("web", map.chain);
    let mut known = map.clone();
    add(&mut known, &seen);
    for (id, missed) in [(0, 0), (1, 0), (2, 0), (3, 4)] {
        let before = if id == 0 { &map } else { &known };
        let one = Statistics::of_run(RunId(id), run_at(id, id + 1, missed), &seen, before);
        all = all.merge(&one).unwrap();
    }
    let estimate = all.estimate(&known);
    assert_eq!(
        (estimate.runs, estimate.whole_runs, estimate.operations),
        (4, 3, 6)
    );
    assert_eq!(estimate.advice, Advice::Learn(vec![Doubt::Missed]));
}

/// A random number generator with the same numbers on every machine.
struct Random(u64);

impl Random {
    fn next(&mut self) -> f64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        #[allow(clippy::cast_precision_loss)]
        let unit = (self.0 >> 11) as f64 / (1_u64 << 53) as f64;
        unit
    }

    /// Returns one of `lines` lines, with probabilities proportional to 1/rank.
    fn zipf(&mut self, chances: &[f64]) -> usize {
        let mut at = self.next() * chances.iter().sum::<f64>();
        chances
            .iter()
            .position(|chance| {
                at -= chance;
                at <= 0.0
            })
            .unwrap_or(0)
    }
}

#[test]
#[allow(clippy::cast_precision_loss)]
fn the_estimate_for_operations_is_that_of_a_known_distribution() {
    let chances: Vec<f64> = (1..=400).map(|rank| 1.0 / f64::from(rank)).collect();
    let total: f64 = chances.iter().sum();
    let (mut estimated, mut true_chance) = (0.0, 0.0);
    for seed in 0..20 {
        let mut random = Random(seed * 7919 + 1);
        let days: Vec<Vec<Observation>> = (0..4)
            .map(|_| {
                let mut hits = vec![0_u64; chances.len()];
                for _ in 0..150 {
                    hits[random.zipf(&chances)] += 1;
                }
                hits.iter()
                    .enumerate()
                    .filter(|(_, hits)| **hits > 0)
                    .map(|(line, hits)| seen(&format!("file.open r /{line}"), *hits))
                    .collect()
            })
            .collect();
        let (map, all) = learned(&days);
        let drawn: BTreeSet<&str> = days.iter().flatten().map(|one| one.line.as_str()).collect();
        let unseen: f64 = (0..400)
            .filter(|line| !drawn.contains(format!("file.open r /{line}").as_str()))
            .map(|line| chances[line])
            .sum();
        true_chance += unseen / total / 20.0;
        estimated += all.estimate(&map).next_operation.unwrap() / 20.0;
    }
    assert!(
        (estimated - true_chance).abs() < 0.02,
        "{estimated} for {true_chance}"
    );
}

#[test]
#[allow(clippy::cast_precision_loss)]
fn the_estimate_for_runs_is_that_of_a_known_distribution() {
    // Each run has one of 30 rare lines with a chance of 0.3. The estimate is compared with the new lines of the next
    // run.
    let (mut estimated, mut happened, mut bounded) = (0.0, 0.0, 0);
    let rounds = 400;
    for seed in 0..rounds {
        let mut random = Random(seed * 104_729 + 3);
        let days: Vec<Vec<Observation>> = (0..9)
            .map(|_| {
                let mut day = vec![seen("file.open r /always", 5)];
                if random.next() < 0.3 {
                    let line = (random.next() * 30.0).floor();
                    day.push(seen(&format!("file.open r /rare{line}"), 1));
                }
                day
            })
            .collect();
        let (map, all) = learned(&days[..8]);
        let estimate = all.estimate(&map);
        let known: BTreeSet<&str> = days[..8]
            .iter()
            .flatten()
            .map(|one| one.line.as_str())
            .collect();
        let new = days[8].iter().any(|one| !known.contains(one.line.as_str()));
        let rare = known.len() - 1;
        let chance = 0.3 * (30 - rare) as f64 / 30.0;
        estimated += estimate.next_run.unwrap() / rounds as f64;
        happened += f64::from(u8::from(new)) / rounds as f64;
        bounded += u64::from(chance <= estimate.next_run_at_most.unwrap());
    }
    assert!(
        (estimated - happened).abs() < 0.06,
        "{estimated} for {happened}"
    );
    assert!(
        bounded * 100 >= rounds * 95,
        "the bound held {bounded} of {rounds} times"
    );
}
