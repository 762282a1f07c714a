// SPDX-License-Identifier: Apache-2.0 OR MIT
//! How many events a second are replayed against a map, and written, on one core: `cargo bench -p ambit-recording`.
//!
//! The recording is generated: 20,000 points of 50 subjects, each seen many times, of several tasks. Prints one line of
//! JSON.

use std::time::Instant;

use ambit_abi::{self as abi, EventKind, Fp, Hook, Op};
use ambit_event::{Object, Operation, Path, RingRecord, Secret, Subject, key};
use ambit_model::{Map, Matcher, Rule};
use ambit_recording::{Header, Item, Reader, Summary, Writer};
use zerocopy::IntoBytes;

const EVENTS: usize = 10_000_000;
const POINTS: usize = 20_000;
const SUBJECTS: usize = 50;

fn path(text: String) -> Object {
    Path::new(text.into_bytes()).map_or(Object::None, Object::Path)
}

fn subject(number: usize) -> Subject {
    Subject {
        exe: Some(path(format!("/usr/bin/program-{number}"))),
        ..Subject::default()
    }
}

fn opened(number: usize) -> (Operation, Object) {
    let operation = Operation {
        op: Op::FileOpen,
        arg: abi::OPEN_READ,
    };
    let text = format!(
        "/usr/share/some/directory/{}/file-{number}.conf",
        number % 97
    );
    (operation, path(text))
}

/// A map that allows all but every thousandth point.
fn map() -> Map {
    let mut map = Map::new("bench");
    for number in (0..POINTS).filter(|number| number % 1000 != 0) {
        let (operation, object) = opened(number);
        let entry = map.subject_mut(&subject(number % SUBJECTS));
        entry.allow.insert(Rule::of_point(operation, object));
    }
    map
}

fn records(secret: &Secret, fingerprints: &[Fp]) -> Vec<Vec<u8>> {
    (0..POINTS)
        .zip(fingerprints.iter().cycle())
        .map(|(number, fp)| {
            let (operation, object) = opened(number);
            let bytes = object.to_bytes();
            let task = u32::try_from(number % 7).unwrap_or(0);
            let header = abi::Event {
                kind: EventKind::Match.into(),
                hook: Hook::FileOpen.into(),
                op: operation.op.into(),
                arg: operation.arg,
                object_len: bytes.len().try_into().unwrap_or(u16::MAX),
                mode: 2,
                key: key(secret, *fp, operation, &object),
                subject: *fp,
                tgid: 1000 + task,
                tid: 1000 + task,
                ns_tgid: 1000 + task,
                ..abi::Event::default()
            };
            [header.as_bytes(), &bytes].concat()
        })
        .collect()
}

#[allow(clippy::cast_precision_loss)]
fn rate(events: usize, begun: Instant) -> f64 {
    events as f64 / begun.elapsed().as_secs_f64()
}

fn main() -> std::io::Result<()> {
    let secret = Secret::new([9; 16]);
    let subjects: Vec<Subject> = (0..SUBJECTS).map(subject).collect();
    let fingerprints: Vec<Fp> = subjects
        .iter()
        .map(|subject| subject.fingerprint(&secret))
        .collect();
    let mut records = records(&secret, &fingerprints);
    let who = |fp: Fp| {
        let at = fingerprints.iter().position(|known| *known == fp)?;
        subjects.get(at).cloned()
    };

    let begun = Instant::now();
    let mut writer = Writer::new(Vec::with_capacity(EVENTS * 8), &Header::new())?;
    let mut at = 0;
    for number in 0..EVENTS {
        if let Some(record) = records.get_mut(at) {
            // Twenty microseconds after the one before.
            let time = (number as u64 * 20_000).to_ne_bytes();
            let offset = std::mem::offset_of!(abi::Event, time_ns);
            if let Some(slot) = record.get_mut(offset..offset + 8) {
                slot.copy_from_slice(&time);
            }
            if let Ok(raw) = RingRecord::parse(record) {
                writer.record(&raw, who)?;
            }
        }
        at = (at + 7919) % POINTS;
    }
    let bytes = writer.end(&Summary::default())?;
    let written = rate(EVENTS, begun);

    let map = map();
    let begun = Instant::now();
    let matcher = Matcher::new(&map, 32_768..=60_999);
    let mut reader = Reader::new(&bytes[..]).map_err(std::io::Error::other)?;
    let mut verdicts: Vec<Option<bool>> = Vec::new();
    let (mut events, mut outside) = (0_usize, 0_usize);
    while let Some(item) = reader.next_item()? {
        match item {
            Item::Event(event) => {
                events += 1;
                if event.point >= verdicts.len() {
                    verdicts.resize(event.point + 1, None);
                }
                let verdict = verdicts.get_mut(event.point).and_then(|verdict| {
                    let known = *verdict;
                    *verdict = known.or_else(|| {
                        let point = reader.point(event.point)?;
                        Some(matcher.would_allow(
                            point.subject.as_ref(),
                            point.operation,
                            &point.content,
                        ))
                    });
                    *verdict
                });
                outside += usize::from(verdict != Some(true));
            }
            Item::Forget => verdicts.clear(),
            Item::Losses(_) | Item::Fork(_) => {}
        }
    }
    let replayed = rate(events, begun);
    assert_eq!(events, EVENTS, "every event is read");
    assert_eq!(outside, EVENTS / 1000, "every thousandth is outside");
    #[allow(clippy::cast_precision_loss)]
    let each = bytes.len() as f64 / events as f64;
    println!(
        "{{\"replayed_per_second\": {replayed:.0}, \"written_per_second\": {written:.0}, \"bytes_per_event\": {each:.2}, \
         \"events\": {events}}}"
    );
    Ok(())
}
