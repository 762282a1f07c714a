// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Properties of every object, address and record.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use ambit_abi as abi;
use ambit_event::address::{Context, from_sockaddr};
use ambit_event::text::Form;
use ambit_event::{
    Creds, Event, Inet, Ipc, Object, Op, Operation, Path, Port, RawEvent, Relation, escape, named,
    text,
};
use proptest::collection::vec;
use proptest::prelude::*;

fn path() -> impl Strategy<Value = Path> {
    let byte = prop_oneof![4 => any::<u8>(), 1 => prop::sample::select(b"*{}\\, \n'".to_vec())]
        .prop_filter("a name's byte", |byte| !matches!(byte, 0 | b'/'));
    let name = vec(byte, 1..12).prop_filter("a name", |name| name != b"." && name != b"..");
    let marker = prop::sample::select(b"spnt".to_vec()).prop_map(|letter| vec![0, letter]);
    let component = prop_oneof![4 => name, 1 => marker];
    vec(component, 0..5).prop_map(|components| {
        let mut bytes = Vec::new();
        for component in components {
            bytes.push(b'/');
            bytes.extend(component);
        }
        if bytes.is_empty() {
            bytes.push(b'/');
        }
        Path::new(bytes).unwrap()
    })
}

fn without_nul() -> impl Strategy<Value = Box<[u8]>> {
    vec(1u8.., 0..20).prop_map(Into::into)
}

fn inet() -> impl Strategy<Value = Inet> {
    let address = any::<std::net::IpAddr>().prop_filter("not mapped", |address| match address {
        std::net::IpAddr::V6(address) => address.to_ipv4_mapped().is_none(),
        std::net::IpAddr::V4(_) => true,
    });
    let port = prop_oneof![
        any::<u16>().prop_map(Port::Literal),
        Just(Port::Ephemeral),
        Just(Port::None)
    ];
    (any::<u8>(), address, port).prop_map(|(protocol, address, port)| Inet {
        protocol,
        address,
        port,
    })
}

/// An object, and an operation that has such objects.
fn object() -> impl Strategy<Value = (Op, Object)> {
    let named = prop_oneof![
        path().prop_map(Object::Path),
        path().prop_map(Object::Deleted),
        without_nul().prop_map(Object::Memfd),
        without_nul().prop_map(Object::FsType),
    ];
    let creds = (any::<u32>(), any::<u32>(), any::<u64>(), any::<bool>()).prop_map(
        |(uid, gid, caps, no_new_privs)| {
            Object::Creds(Creds {
                uid,
                gid,
                caps,
                no_new_privs,
            })
        },
    );
    let address = prop_oneof![
        inet().prop_map(Object::Inet),
        any::<u8>().prop_map(Object::Unspec),
        vec(any::<u8>(), 0..20).prop_map(|name| Object::Abstract(name.into())),
        Just(Object::Unnamed),
        any::<u16>().prop_map(Object::Netlink),
        any::<u16>().prop_map(Object::Family),
        path().prop_map(Object::Path),
    ];
    prop_oneof![
        named.clone().prop_map(|object| (Op::FileOpen, object)),
        (any::<[u8; 32]>(), named).prop_map(|(sha256, of)| (
            Op::ExecDigest,
            Object::Digest {
                sha256,
                of: Box::new(of)
            }
        )),
        address.prop_map(|object| (Op::NetConnect, object)),
        (any::<u16>(), any::<u16>(), any::<u16>()).prop_map(|(family, kind, protocol)| (
            Op::NetSocket,
            Object::Socket {
                family,
                kind,
                protocol
            }
        )),
        prop::sample::select(Relation::ALL.to_vec())
            .prop_map(|relation| (Op::TaskPtrace, Object::Relation(relation))),
        (any::<u32>(), any::<u32>(), any::<u32>()).prop_map(|(real, effective, saved)| (
            Op::TaskSetuid,
            Object::Ids {
                real,
                effective,
                saved
            }
        )),
        creds.prop_map(|object| (Op::ExecCreds, object)),
        Just((Op::MapAnon, Object::None)),
        vec(1u8.., 1..20).prop_map(|word| (Op::KeyAdd, Object::Word(word.into()))),
        prop::sample::select(Ipc::ALL.to_vec()).prop_map(|kind| (Op::IpcShm, Object::Ipc(kind))),
    ]
}

/// An operation and an object that it can have: any operation, with numbers that have names more often than by chance.
fn operation() -> impl Strategy<Value = (Operation, Object)> {
    let arg = prop_oneof![
        any::<u32>(),
        0u32..128,
        0x5400u32..0x5480,
        0x8900u32..0x8960,
        0x0080_0000u32..0x0080_0010,
        0x5800u32..0x5810,
    ];
    let other = prop::sample::select(Op::ALL.to_vec()).prop_map(|op| (op, Object::None));
    let on_path = prop::sample::select(Op::ALL.to_vec())
        .prop_filter("of a path", |op| Form::of(*op) == Form::Path);
    let few = prop_oneof![
        (0u16..50, 0u16..12, 0u16..300).prop_map(|(family, kind, protocol)| Object::Socket {
            family,
            kind,
            protocol
        }),
        (
            0u16..12,
            prop::sample::select(vec![0x0003u16, 0x0800, 0x88cc])
        )
            .prop_map(|(kind, protocol)| Object::Socket {
                family: 17,
                kind,
                protocol: protocol.to_be()
            }),
    ];
    let object = prop_oneof![
        3 => object(),
        2 => (on_path, path().prop_map(Object::Path)),
        2 => few.prop_map(|object| (Op::NetSocket, object)),
        1 => other,
    ];
    (arg, object).prop_map(|(arg, (op, object))| (Operation { op, arg }, object))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_object_s_bytes_are_the_object((_, object) in object()) {
        let bytes = object.to_bytes();
        prop_assert_eq!(bytes.first(), Some(&object.kind()));
        prop_assert_eq!(Object::parse(&bytes), Ok(object));
    }

    #[test]
    fn an_object_s_text_is_the_object_and_hides_nothing((op, object) in object()) {
        let text = text::object_text(op, &object);
        prop_assert!(!text.chars().any(escape::is_hidden), "{:?}", text);
        prop_assert_eq!(text.trim(), &text[..]);
        prop_assert_eq!(text::parse_object(op, &text), Ok(object), "{}", text);
    }

    #[test]
    fn a_line_by_names_is_the_operation_and_hides_nothing((operation, object) in operation()) {
        let text = operation.rule(&object);
        if let Ok(parsed) = Operation::parse_rule(&text) {
            let shown = named(&text);
            prop_assert_eq!(Operation::parse_rule(&shown), Ok(parsed), "{}", shown);
            prop_assert!(!shown.chars().any(escape::is_hidden), "{:?}", shown);
            prop_assert_eq!(&named(&shown), &shown);
        }
    }

    #[test]
    fn bytes_are_an_object_in_one_way_or_not_at_all(bytes in vec(any::<u8>(), 0..64)) {
        if let Ok(object) = Object::parse(&bytes) {
            prop_assert_eq!(object.to_bytes(), bytes);
        }
    }

    #[test]
    fn payloads_of_known_kinds_are_read_exactly_or_refused(
        kind in prop::sample::select(b"-PXMK46DAUNFSRICHZWQ".to_vec()),
        payload in vec(prop_oneof![any::<u8>(), prop::sample::select(b"/\0st.".to_vec())], 0..48),
    ) {
        let bytes = [&[kind][..], &payload].concat();
        if let Ok(object) = Object::parse(&bytes) {
            prop_assert_eq!(object.to_bytes(), bytes);
        }
    }

    #[test]
    fn a_record_is_read_or_refused_and_never_read_beyond(
        header in vec(any::<u8>(), size_of::<abi::Event>()),
        object in vec(any::<u8>(), 0..300),
        kind in 0u8..7,
        claimed in 0u16..320,
    ) {
        let mut record = [header, object].concat();
        // Plausible enough to get past the first checks.
        record[0] = kind;
        record[1] %= 96;
        record[6..8].copy_from_slice(&claimed.to_ne_bytes());
        record[12] %= 5;
        record[13] %= 4;
        record[14] %= 9;
        for op in [Op::FileOpen, Op::NetConnect, Op::Subject] {
            record[4..6].copy_from_slice(&u16::from(op).to_ne_bytes());
            match Event::parse(&record) {
                Ok(event) => {
                    let json = serde_json::to_string(&event).unwrap();
                    prop_assert!(!json.chars().any(escape::is_hidden), "{}", json);
                }
                Err(error) => prop_assert!(!error.to_string().is_empty()),
            }
        }
        let whole = size_of::<abi::Event>() + usize::from(claimed);
        prop_assert_eq!(RawEvent::parse(&record).is_ok(), record.len() >= whole);
    }

    #[test]
    fn noise_is_no_event(record in vec(any::<u8>(), 0..400)) {
        let _ = Event::parse(&record);
    }

    #[test]
    fn an_address_is_canonical_or_refused(
        bytes in vec(any::<u8>(), 0..40),
        family in prop::sample::select(vec![0u16, 1, 2, 10, 16, 17, 40]),
        own in prop::sample::select(vec![1u16, 2, 10, 16]),
        protocol in prop::sample::select(vec![0u16, 1, 6, 17, 58, 255, 262]),
        bind in any::<bool>(),
    ) {
        let mut bytes = bytes;
        if let Some(start) = bytes.get_mut(..2) {
            start.copy_from_slice(&family.to_ne_bytes());
        }
        let context = Context { family: own, protocol, bind, ephemeral: 32768..=60999 };
        if let Ok(object) = from_sockaddr(&context, &bytes) {
            prop_assert_eq!(Object::parse(&object.to_bytes()), Ok(object));
        }
    }

    #[test]
    fn text_that_is_noise_is_refused_in_its_bounds(text in "(?s).{0,60}") {
        for op in Op::ALL {
            if let Err(error) = text::parse_object(*op, &text) {
                prop_assert!(error.span.start <= error.span.end && error.span.end <= text.len(), "{:?}", error);
            }
        }
        if let Err(error) = Operation::parse_rule(&text) {
            prop_assert!(error.span.start <= error.span.end && error.span.end <= text.len(), "{:?}", error);
        }
    }
}
