// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Measures the events per second that one core learns from ring records: `cargo bench -p ambit-model`.
//!
//! The stream is generated: a few thousand points of several subjects, each repeated many times, because the kernel
//! part's set of known points is not used. Also measures the rate for new points, and for parsing a map of a million
//! rules. Prints one line of JSON.

use std::fmt::Write;
use std::time::Instant;

use ambit_abi::{self as abi, EventKind, Fp, Hook, Op};
use ambit_event::{Object, Operation, Path, Secret, Subject, key};
use ambit_model::{Learner, Map};
use zerocopy::IntoBytes;

const EVENTS: usize = 4_000_000;
const POINTS: usize = 20_000;
const SUBJECTS: usize = 50;

fn record(kind: EventKind, operation: Operation, subject: Fp, key: Fp, object: &[u8]) -> Vec<u8> {
    let header = abi::Event {
        kind: kind.into(),
        hook: Hook::FileOpen.into(),
        op: operation.op.into(),
        arg: operation.arg,
        object_len: object.len().try_into().unwrap_or(u16::MAX),
        mode: 1,
        key,
        subject,
        tgid: 1000,
        tid: 1000,
        ns_tgid: 1000,
        ..abi::Event::default()
    };
    [header.as_bytes(), object].concat()
}

fn path(text: String) -> Object {
    Path::new(text.into_bytes()).map_or(Object::None, Object::Path)
}

fn stream(secret: &Secret) -> Vec<Vec<u8>> {
    let mut records = Vec::new();
    let mut subjects = Vec::new();
    for number in 0..SUBJECTS {
        let exe = path(format!("/usr/bin/program-{number}"));
        let subject = Subject {
            exe: Some(exe.clone()),
            ..Subject::default()
        };
        let fp = subject.fingerprint(secret);
        let name = Operation::plain(Op::Name);
        records.push(record(EventKind::Name, name, fp, fp, &exe.to_bytes()));
        let described = subject.record(secret);
        let operation = Operation::plain(Op::Subject);
        records.push(record(
            EventKind::Subject,
            operation,
            fp,
            fp,
            described.wire().as_bytes(),
        ));
        subjects.push(fp);
    }
    for (number, subject) in (0..POINTS).zip(subjects.iter().cycle()) {
        let object = path(format!(
            "/usr/share/some/directory/{}/file-{number}.conf",
            number % 97
        ));
        let operation = Operation {
            op: Op::FileOpen,
            arg: abi::OPEN_READ,
        };
        let key = key(secret, *subject, operation, &object);
        records.push(record(
            EventKind::Point,
            operation,
            *subject,
            key,
            &object.to_bytes(),
        ));
    }
    records
}

/// Returns the seconds that the learner needs for the first records, which are all new points.
fn first_occurrences(secret: Secret, records: &[Vec<u8>]) -> f64 {
    const ROUNDS: u32 = 20;
    let begun = Instant::now();
    for _ in 0..ROUNDS {
        let mut learner = Learner::new(secret);
        for record in records {
            let _ = learner.feed_raw(record);
        }
        std::hint::black_box(learner.finish(&Map::new("bench")));
    }
    begun.elapsed().as_secs_f64() / f64::from(ROUNDS)
}

/// Returns the rules per second when parsing a map file with a million rules.
fn rules_read() -> f64 {
    const RULES: u32 = 1_000_000;
    let mut text =
        String::from("ambit: 1\ndomain: bench\nsubjects:\n  - exe: /bin/x\n    allow:\n");
    for number in 0..RULES {
        let _ = writeln!(
            text,
            "      - file.open r /usr/share/doc/package-{number}/copyright"
        );
    }
    let begun = Instant::now();
    let map = Map::parse(&text, "bench.map");
    assert!(
        map.is_ok_and(|map| map.rule_count() == 1_000_000),
        "the map is read"
    );
    f64::from(RULES) / begun.elapsed().as_secs_f64()
}

fn main() {
    let secret = Secret::new(*b"a secret of ours");
    let records = stream(&secret);
    let begun = Instant::now();
    let mut learner = Learner::new(secret);
    let mut failed = 0u64;
    // The order of points defeats caches; records are read in place, as in the ring buffer.
    let mut at = 0usize;
    for number in 0..EVENTS {
        let index = if number < records.len() { number } else { at };
        at = (at + 7919) % records.len();
        if let Some(record) = records.get(index) {
            failed += u64::from(learner.feed_raw(record).is_err());
        }
    }
    let fed = begun.elapsed();
    let finishing = Instant::now();
    let result = learner.finish(&Map::new("bench"));
    let finish = finishing.elapsed();
    #[allow(clippy::cast_precision_loss)]
    let per_second = result.counts.events as f64 / (fed + finish).as_secs_f64();
    #[allow(clippy::cast_precision_loss)]
    let first = records.len() as f64 / first_occurrences(secret, &records);
    let rules = rules_read();
    println!(
        "{{\"events_per_second\": {per_second:.0}, \"first_occurrences_per_second\": {first:.0}, \
         \"rules_read_per_second\": {rules:.0}, \"events\": {}, \"points\": {}, \"failed\": {failed}, \
         \"feed_ms\": {}, \"finish_ms\": {}}}",
        result.counts.events,
        result.counts.points,
        fed.as_millis(),
        finish.as_millis(),
    );
}
