// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Recordings are read as they were written: complete, cut anywhere, damaged anywhere, and after years.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test may panic"
)]

use std::fmt::Write as _;

use ambit_abi::{self as abi, EventKind, Fp, Hook, Op};
use ambit_event::{Event, Object, Operation, Path, RingRecord, Secret, Subject, key};
use ambit_recording::{
    ENTRIES_MAX, Header, HookCounts, Item, Loss, OpenError, Reader, Stop, Summary, Writer,
};
use proptest::prelude::*;
use zerocopy::IntoBytes;

const SECRET: Secret = Secret::new([7; 16]);

fn path(text: &str) -> Object {
    Object::Path(Path::new(text.as_bytes().to_vec()).unwrap())
}

fn subject(number: u8) -> Subject {
    Subject {
        exe: Some(path(&format!("/usr/bin/program-{number}"))),
        as_name: (number % 3 == 1).then(|| b"other name"[..].into()),
        script: (number % 2 == 1).then(|| path("/srv/x.sh")),
        via: if number > 2 {
            vec![path("/usr/bin/bash"), path("/usr/bin/dash")]
        } else {
            Vec::new()
        },
    }
}

fn who(fp: Fp) -> Option<Subject> {
    (0..6)
        .map(subject)
        .chain([Subject::LAUNCHER])
        .find(|subject| subject.fingerprint(&SECRET) == fp)
}

/// A record of the ring.
fn record(
    kind: EventKind,
    by: &Subject,
    operation: Operation,
    object: &Object,
    time_ns: u64,
    task: u32,
) -> Vec<u8> {
    let fp = by.fingerprint(&SECRET);
    let bytes = object.to_bytes();
    let mut header = abi::Event {
        kind: kind.into(),
        hook: Hook::FileOpen.into(),
        op: operation.op.into(),
        arg: operation.arg,
        object_len: u16::try_from(bytes.len()).unwrap(),
        mode: 2,
        key: key(&SECRET, fp, operation, object),
        subject: fp,
        tgid: task,
        tid: task + 1,
        ns_tgid: 3,
        trust: u32::from(kind == EventKind::Violation),
        time_ns,
        count: u32::from(kind == EventKind::Violation),
        ..abi::Event::default()
    };
    header.comm[..4].copy_from_slice(b"task");
    if kind == EventKind::Unrepresentable {
        header.key = Fp::ZERO;
        header.reason = 2;
    }
    [header.as_bytes(), &bytes].concat()
}

fn opened(number: u32) -> (Operation, Object) {
    (
        Operation {
            op: Op::FileOpen,
            arg: abi::OPEN_READ,
        },
        path(&format!("/etc/file-{number}")),
    )
}

fn header() -> Header {
    Header {
        domain: "web".to_owned(),
        mode: "audit".to_owned(),
        chain: 2,
        ephemeral: (32768, 60999),
        command: vec!["./serve.sh".to_owned()],
        began: "2026-01-02T03:04:05Z".to_owned(),
        ..Header::new()
    }
}

fn summary() -> Summary {
    Summary {
        ended: "2026-01-02T03:05:05Z".to_owned(),
        hooks: vec![HookCounts {
            hook: "file_open".to_owned(),
            evaluated: 9,
            matched: 9,
            lost: 2,
            ..HookCounts::default()
        }],
        ..Summary::default()
    }
}

fn written(records: &[Vec<u8>], flush_every: usize) -> Vec<u8> {
    let mut writer = Writer::new(Vec::new(), &header()).unwrap();
    for (number, record) in records.iter().enumerate() {
        assert!(
            writer
                .record(&RingRecord::parse(record).unwrap(), who)
                .unwrap()
        );
        if number % flush_every == flush_every - 1 {
            writer.flush().unwrap();
        }
    }
    writer
        .losses(&[Loss {
            hook: "file_open".to_owned(),
            lost: 2,
        }])
        .unwrap();
    writer.end(&summary()).unwrap()
}

fn read(bytes: &[u8]) -> (Vec<(Event, Option<Subject>)>, Stop) {
    let mut reader = Reader::new(bytes).unwrap();
    let mut events = Vec::new();
    while let Some(item) = reader.next_item().unwrap() {
        if let Item::Event(at) = item {
            let (event, by) = reader.event(at).unwrap();
            events.push((event, by.cloned()));
        }
    }
    (events, reader.stop().unwrap().clone())
}

/// Returns an event without the parts that are not recorded: fingerprints and the domain's slot.
fn expected(record: &[u8]) -> (Event, Option<Subject>) {
    let mut event = Event::parse(record).unwrap();
    let by = who(event.subject);
    (event.key, event.subject, event.domain) = (Fp::ZERO, Fp::ZERO, 0);
    (event, by)
}

fn records() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let kind = prop::sample::select(vec![
        EventKind::Point,
        EventKind::Match,
        EventKind::Match,
        EventKind::Violation,
        EventKind::Unrepresentable,
    ]);
    let one = (kind, 0..6_u8, 0..9_u32, 0..4_u32, any::<i16>());
    prop::collection::vec(one, 0..60).prop_map(|all| {
        let mut time = 1_000_000_000_u64;
        all.into_iter()
            .map(|(kind, by, file, task, later)| {
                time = time.wrapping_add_signed(later.into());
                let (operation, object) = opened(file);
                record(kind, &subject(by), operation, &object, time, task)
            })
            .collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_is_read_again(records in records(), flush_every in 1..20_usize) {
        let (events, stop) = read(&written(&records, flush_every));
        prop_assert_eq!(events, records.iter().map(|record| expected(record)).collect::<Vec<_>>());
        prop_assert_eq!(stop, Stop::End(summary()));
    }

    #[test]
    fn what_is_cut_anywhere_is_read_up_to_its_last_whole_frame(records in records(), flush_every in 1..5_usize, at in any::<prop::sample::Index>()) {
        let bytes = written(&records, flush_every);
        let cut = &bytes[..at.index(bytes.len())];
        match Reader::new(cut) {
            Err(OpenError::NotRecording | OpenError::Header) => {}
            Err(other) => prop_assert!(false, "{other}"),
            Ok(_) => {
                let (events, stop) = read(cut);
                prop_assert!(matches!(stop, Stop::Cut { whole, rest } if whole + rest == cut.len() as u64), "{stop:?}");
                let all: Vec<_> = records.iter().map(|record| expected(record)).collect();
                prop_assert_eq!(&events[..], &all[..events.len()]);
                prop_assert_eq!(events.len() % flush_every * usize::from(events.len() < all.len()), 0);
            }
        }
    }

    #[test]
    fn a_changed_byte_is_found_and_nothing_wrong_is_read(records in records(), at in any::<prop::sample::Index>(), with in 1..=255_u8) {
        let mut bytes = written(&records, 3);
        let at = at.index(bytes.len());
        bytes[at] ^= with;
        if Reader::new(&bytes[..]).is_ok() {
            let (events, stop) = read(&bytes);
            prop_assert!(matches!(stop, Stop::Damaged { .. } | Stop::Cut { .. }), "{stop:?}");
            let all: Vec<_> = records.iter().map(|record| expected(record)).collect();
            prop_assert_eq!(&events[..], &all[..events.len()]);
        }
    }

    #[test]
    fn noise_is_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(matches!(Reader::new(&bytes[..]), Err(OpenError::NotRecording)));
    }
}

#[test]
fn a_repetition_takes_a_few_bytes() {
    let (operation, object) = opened(1);
    let one = |number: u64| {
        record(
            EventKind::Match,
            &subject(1),
            operation,
            &object,
            1_000_000_000 + number * 20_000,
            5,
        )
    };
    let few: Vec<_> = (0..10).map(one).collect();
    let many: Vec<_> = (0..10_010).map(one).collect();
    let more = written(&many, 1_000_000).len() - written(&few, 1_000_000).len();
    assert!(more <= 10_000 * 6, "{more} bytes for 10,000");
}

#[test]
fn more_points_than_a_dictionary_holds_begin_it_anew_and_nothing_is_lost() {
    let count = u32::try_from(ENTRIES_MAX).unwrap() + 5_000;
    let mut writer = Writer::new(Vec::new(), &header()).unwrap();
    for number in 0..count {
        let (operation, object) = opened(number);
        let record = record(
            EventKind::Point,
            &subject(4),
            operation,
            &object,
            u64::from(number),
            number,
        );
        assert!(
            writer
                .record(&RingRecord::parse(&record).unwrap(), who)
                .unwrap()
        );
    }
    let bytes = writer.end(&summary()).unwrap();
    let mut reader = Reader::new(&bytes[..]).unwrap();
    let (mut number, mut forgotten) = (0, 0);
    while let Some(item) = reader.next_item().unwrap() {
        match item {
            Item::Event(at) => {
                let (event, by) = reader.event(at).unwrap();
                assert_eq!(event.object(), Some(&opened(number).1));
                assert_eq!((by, event.tgid), (Some(&subject(4)), number));
                number += 1;
            }
            Item::Forget => forgotten += 1,
            Item::Losses(_) | Item::Fork(_) => {}
        }
    }
    assert_eq!((number, forgotten), (count, 1));
}

#[test]
fn a_later_version_is_refused_by_its_number() {
    let mut bytes = written(&[], 1);
    bytes[8] = 2;
    let error = Reader::new(&bytes[..]).unwrap_err();
    assert!(
        error.to_string().contains("newer Ambit (format 2;"),
        "{error}"
    );
}

#[test]
fn an_operation_of_another_number_is_found_by_its_name() {
    let (operation, object) = opened(1);
    let record = record(EventKind::Point, &subject(1), operation, &object, 1, 1);
    let mut header = header();
    // The writer's numbers of `file.open` and `file.create` are exchanged.
    let number = u16::from(Op::FileOpen);
    header.ops.insert(number, "file.unlink".to_owned());
    let mut writer = Writer::new(Vec::new(), &header).unwrap();
    writer
        .record(&RingRecord::parse(&record).unwrap(), who)
        .unwrap();
    let bytes = writer.end(&summary()).unwrap();
    let mut reader = Reader::new(&bytes[..]).unwrap();
    // `file.unlink` has no argument, so that an argument of 1 is damage.
    assert_eq!(reader.next_item().unwrap(), None);
    assert!(matches!(reader.stop(), Some(Stop::Damaged { .. })));
}

/// Every released recording must stay readable. The text beside it is its content.
#[test]
fn a_recording_of_version_1_is_read_for_ever() {
    let bytes = include_bytes!("data/version-1.ambitrec");
    let (events, stop) = read(bytes);
    let mut text = String::new();
    for (event, by) in &events {
        let by = by
            .as_ref()
            .map_or_else(|| "nobody".to_owned(), ToString::to_string);
        writeln!(
            text,
            "{} {} {by}: {} [{} {} {} {} {}]",
            event.time_ns,
            event.kind,
            event.rule(),
            event.tgid,
            event.comm(),
            event.response,
            event.reason,
            event.count
        )
        .unwrap();
    }
    writeln!(text, "{stop:?}").unwrap();
    assert_eq!(text, include_str!("data/version-1.txt"));
}

/// Wrote `data/version-1.ambitrec`, once.
#[test]
#[ignore = "writes the recording that is kept"]
fn write_the_recording_of_version_1() {
    let objects = [
        (Operation::plain(Op::Exec), path("/usr/bin/program-0")),
        opened(1),
        (
            Operation {
                op: Op::FileOpen,
                arg: abi::OPEN_WRITE,
            },
            path("/var/log/\u{e4} b.log"),
        ),
        (
            Operation {
                op: Op::FileCreate,
                arg: 0,
            },
            path("/tmp/x"),
        ),
    ];
    let mut records = Vec::new();
    for round in 0..3_u64 {
        for (number, (operation, object)) in (0..).zip(&objects) {
            let kind = match (round, number) {
                (0, 2) => EventKind::Unrepresentable,
                (0, _) => EventKind::Point,
                (2, 3) => EventKind::Violation,
                _ => EventKind::Match,
            };
            let by = if number == 0 {
                Subject::LAUNCHER
            } else {
                subject(u8::try_from(number).unwrap())
            };
            let time = 5_000_000 + round * 1000 - u64::from(number);
            records.push(record(kind, &by, *operation, object, time, 40 + number));
        }
    }
    let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data");
    std::fs::create_dir_all(dir).unwrap();
    std::fs::write(format!("{dir}/version-1.ambitrec"), written(&records, 5)).unwrap();
}

#[test]
fn forks_are_read_before_the_operations_of_their_time() {
    let by = subject(0);
    let (operation, object) = opened(1);
    let fork = |child: u32, time_ns: u64| {
        let header = abi::Event {
            kind: EventKind::Fork.into(),
            hook: Hook::TaskAlloc.into(),
            op: Op::Name.into(),
            object_len: 1,
            tgid: 5,
            extra: child,
            time_ns,
            ..abi::Event::default()
        };
        [header.as_bytes(), &Object::None.to_bytes()].concat()
    };
    let mut writer = Writer::new(Vec::new(), &header()).unwrap();
    for one in [
        record(EventKind::Match, &by, operation, &object, 10, 5),
        fork(6, 20),
        record(EventKind::Match, &by, operation, &object, 30, 6),
        fork(300_000, u64::MAX),
    ] {
        writer
            .record(&RingRecord::parse(&one).unwrap(), who)
            .unwrap();
    }
    assert_eq!(writer.events(), 2);
    let bytes = writer.end(&summary()).unwrap();
    let mut reader = Reader::new(&bytes[..]).unwrap();
    let mut items = Vec::new();
    while let Some(item) = reader.next_item().unwrap() {
        items.push(match item {
            Item::Fork(fork) => (fork.parent, fork.child, fork.time_ns),
            Item::Event(at) => (reader.task(at.task).unwrap().tgid, 0, at.time_ns),
            _ => continue,
        });
    }
    let expected = [(5, 6, 20), (5, 300_000, u64::MAX), (5, 0, 10), (6, 0, 30)];
    assert_eq!(items, expected);
    assert!(reader.header().forks && matches!(reader.stop(), Some(Stop::End(_))));
}
