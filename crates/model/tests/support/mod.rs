// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Generators of objects, rules, patterns and maps. They use few different names, so that collisions are frequent.
#![allow(dead_code, reason = "each test binary uses its own part")]

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ambit_abi::{Coverage, Op, Response};
use ambit_event::lex::Class;
use ambit_event::{Creds, Inet, Object, Operation, Path, Port, Relation, Subject};
use ambit_model::pattern::{PathKind, PathPattern, Piece};
use ambit_model::{Entry, FAMILIES, GroupNames, Map, OwnResponses, Rule, RuleObject, Version};
use proptest::collection::{btree_map, btree_set, vec};
use proptest::prelude::*;

pub(crate) fn config(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

/// Parts of names that have caused parser bugs.
pub(crate) fn name() -> impl Strategy<Value = Vec<u8>> {
    let part = prop_oneof![
        4 => "[a-z0-9A-Z]{1,4}".prop_map(String::into_bytes),
        1 => prop::sample::select(vec![
            &b"*"[..], b"{", b"}", b"\\", b",", b" ", b"'", b"\"", b": ", b" #", b"\n", b"\x1b[2J", b"\xff",
            b"\xc3", "\u{e9}".as_bytes(), "\u{202e}".as_bytes(), "\u{feff}".as_bytes(), b"[", b"-", b"~",
            b"{n}", b"@", b"%", b"&a", b"x41", b"\\x41",
        ]).prop_map(<[u8]>::to_vec),
    ];
    vec(part, 1..4)
        .prop_map(|parts| parts.concat())
        .prop_filter("a name", |name| *name != b"." && *name != b"..")
}

pub(crate) fn component() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        6 => name(),
        1 => prop::sample::select(vec![&b"\0s"[..], b"\0p", b"\0n", b"\0t"]).prop_map(<[u8]>::to_vec),
    ]
}

pub(crate) fn path() -> impl Strategy<Value = Path> {
    let first = prop_oneof![4 => name(), 1 => Just(b"proc".to_vec()), 1 => Just(b"tmp".to_vec())];
    (first, vec(component(), 0..4)).prop_map(|(first, rest)| {
        let mut bytes = b"/".to_vec();
        bytes.extend(first);
        for component in rest {
            bytes.push(b'/');
            bytes.extend(component);
        }
        Path::new(bytes).unwrap()
    })
}

pub(crate) fn path_object() -> impl Strategy<Value = Object> {
    prop_oneof![
        8 => path().prop_map(Object::Path),
        1 => path().prop_map(Object::Deleted),
        1 => path().prop_map(Object::Foreign),
        1 => prop_oneof![Just(Vec::new()), name()].prop_map(|name| Object::Memfd(name.into())),
        1 => "[a-z]{1,8}".prop_map(|name| Object::FsType(name.into_bytes().into())),
    ]
}

pub(crate) fn inet() -> impl Strategy<Value = Inet> {
    let address = prop_oneof![
        any::<[u8; 4]>().prop_map(|octets| IpAddr::from(Ipv4Addr::from(octets))),
        any::<[u8; 16]>()
            .prop_map(Ipv6Addr::from)
            .prop_filter("not mapped", |address| address.to_ipv4_mapped().is_none())
            .prop_map(IpAddr::from),
    ];
    let port = prop_oneof![any::<u16>().prop_map(Port::Literal), Just(Port::Ephemeral)];
    prop_oneof![
        (
            prop::sample::select(vec![6u8, 17, 132]),
            address.clone(),
            port
        )
            .prop_map(|(protocol, address, port)| Inet {
                protocol,
                address,
                port
            }),
        (prop::sample::select(vec![1u8, 47, 58, 255]), address).prop_map(|(protocol, address)| {
            Inet {
                protocol,
                address,
                port: Port::None,
            }
        }),
    ]
}

pub(crate) fn address() -> impl Strategy<Value = Object> {
    prop_oneof![
        4 => inet().prop_map(Object::Inet),
        1 => any::<u8>().prop_map(Object::Unspec),
        2 => path().prop_map(Object::Path),
        1 => vec(any::<u8>(), 0..12).prop_map(|name| Object::Abstract(name.into())),
        1 => Just(Object::Unnamed),
        1 => (0u16..40).prop_map(Object::Netlink),
        1 => any::<u16>().prop_map(Object::Family),
    ]
}

/// Generates an operation with an object of a fitting kind.
pub(crate) fn point() -> impl Strategy<Value = (Operation, Object)> {
    let on_path = prop_oneof![
        Just(Operation::plain(Op::Exec)),
        (0u32..20).prop_map(|arg| Operation {
            op: Op::FileOpen,
            arg
        }),
        (0u32..5).prop_map(|arg| Operation {
            op: Op::FileCreate,
            arg
        }),
        (1u32..3).prop_map(|arg| Operation {
            op: Op::FileRename,
            arg
        }),
        Just(Operation::plain(Op::FileUnlink)),
        (0u32..5).prop_map(|arg| Operation {
            op: Op::FileMknod,
            arg
        }),
        prop_oneof![any::<u32>(), 0x5400u32..0x5460].prop_map(|arg| Operation {
            op: Op::FileIoctl,
            arg
        }),
        (0u32..3).prop_map(|arg| Operation {
            op: Op::MapExec,
            arg
        }),
    ];
    let on_address = prop::sample::select(vec![Op::NetBind, Op::NetConnect, Op::NetSend]);
    prop_oneof![
        6 => (on_path, path_object()),
        3 => (on_address.prop_map(Operation::plain), address()),
        1 => (any::<u16>(), 0u16..12, any::<u16>()).prop_map(|(family, kind, protocol)| {
            (Operation::plain(Op::NetSocket), Object::Socket { family: family % 50, kind, protocol: protocol % 300 })
        }),
        1 => ((0u32..70), prop::sample::select(Relation::ALL.to_vec())).prop_map(|(arg, relation)| {
            (Operation { op: Op::TaskSignal, arg }, Object::Relation(relation))
        }),
        1 => (any::<u32>(), 0u32..3).prop_map(|(id, more)| {
            (Operation::plain(Op::TaskSetuid), Object::Ids { real: id, effective: id, saved: id ^ more })
        }),
        1 => (0u32..70).prop_map(|arg| (Operation { op: Op::CapUse, arg }, Object::None)),
    ]
}

pub(crate) fn piece() -> impl Strategy<Value = Piece> {
    let leaf = prop_oneof![
        4 => name().prop_map(|bytes| Piece::Bytes(bytes.into())),
        2 => Just(Piece::Star),
        1 => Just(Piece::StarStar),
        3 => prop::sample::select(Class::ALL.to_vec()).prop_map(Piece::Class),
    ];
    leaf.prop_recursive(1, 4, 2, |inner| {
        vec(vec(inner, 1..3), 2..4).prop_map(Piece::Either)
    })
}

pub(crate) fn pattern() -> impl Strategy<Value = PathPattern> {
    vec(piece(), 1..4).prop_map(|rest| {
        let mut pieces = vec![Piece::Bytes(b"/"[..].into())];
        pieces.extend(rest);
        PathPattern::new(PathKind::Path, pieces)
    })
}

pub(crate) fn rule() -> impl Strategy<Value = Rule> {
    prop_oneof![
        3 => point().prop_map(|(operation, object)| Rule::of_point(operation, object)),
        1 => (0u32..16, pattern()).prop_map(|(arg, pattern)| {
            Rule::new(Operation { op: Op::FileOpen, arg }, RuleObject::from_pattern(pattern))
        }),
        // A few names that often collide.
        2 => (0u32..16, 0u8..3).prop_map(|(arg, file)| {
            Rule::parse(&format!("file.open r /f{file}"))
                .map(|rule| Rule::new(Operation { op: Op::FileOpen, arg }, rule.object().clone()))
                .unwrap()
        }),
    ]
}

pub(crate) fn creds() -> impl Strategy<Value = Creds> {
    (
        0u32..3,
        0u32..3,
        prop_oneof![Just(0), Just((1u64 << 41) - 1), any::<u64>()],
        any::<bool>(),
    )
        .prop_map(|(uid, gid, caps, no_new_privs)| Creds {
            uid,
            gid,
            caps,
            no_new_privs,
        })
}

pub(crate) fn subject() -> impl Strategy<Value = Subject> {
    let few = prop::sample::select(vec!["/bin/a", "/bin/b", "/opt/a"])
        .prop_map(|text| Object::Path(Path::new(text.as_bytes()).unwrap()));
    let exe = prop_oneof![4 => few.clone(), 1 => path_object()];
    let as_name = prop::option::weighted(0.2, name().prop_filter("short", |name| name.len() < 64));
    (
        exe,
        as_name,
        prop::option::weighted(0.2, path_object()),
        vec(few, 0..2),
    )
        .prop_map(|(exe, as_name, script, via)| {
            let own = match &exe {
                Object::Path(path) => path.file_name().to_vec(),
                _ => Vec::new(),
            };
            let as_name = as_name.filter(|name| *name != own).map(Into::into);
            Subject {
                exe: Some(exe),
                as_name,
                script,
                via,
            }
        })
}

pub(crate) fn entry() -> impl Strategy<Value = Entry> {
    (
        btree_set(any::<[u8; 32]>(), 0..2),
        btree_set(any::<[u8; 32]>(), 0..2),
        btree_set(creds(), 0..3),
        btree_set(rule(), 0..6),
    )
        .prop_map(|(digests, script_digests, creds, allow)| Entry {
            id: String::new(),
            digests,
            script_digests,
            creds,
            allow,
        })
}

/// Generates a map in canonical form for the domain `web`.
pub(crate) fn map() -> impl Strategy<Value = Map> {
    let response = prop::sample::select(Response::ALL.to_vec());
    let table = prop_oneof![
        Just(None),
        prop::array::uniform12(response.clone()).prop_map(Some),
        response.prop_map(|one| Some([one; FAMILIES.len()])),
    ];
    let start = btree_set(
        prop_oneof![
            path_object().prop_map(RuleObject::from_object),
            pattern().prop_map(RuleObject::from_pattern),
        ],
        0..3,
    );
    let ids = vec(
        prop::sample::select(vec!["a", "a-2", "b", "x y", "true", "1", "- z"]),
        5,
    );
    let sources = ["model", "operator", "rule:a", "rule:b.c-1", "tap:x_y"].map(str::to_owned);
    let own = prop::option::of(prop::sample::select(Response::ALL.to_vec()));
    let by_source = btree_map(
        prop::sample::select(sources.to_vec()),
        vec(own, FAMILIES.len()).prop_map(|own| OwnResponses::try_from(own).unwrap()),
        0..3,
    );
    (
        (table.clone(), table, by_source),
        start,
        btree_map(subject(), entry(), 0..4),
        ids,
        prop::sample::select(Coverage::ALL.to_vec()),
        (
            any::<bool>(),
            btree_map("[a-z]{1,3}", btree_set(rule(), 1..4), 0..3),
        ),
    )
        .prop_map(
            |((outside, untrusted, by_source), start, subjects, ids, coverage, (two, groups))| {
                let mut map = Map::new("web");
                if two {
                    map.version = Version::Two;
                    map.groups = groups;
                }
                map.untrusted_by = by_source;
                map.coverage = coverage;
                map.outside = outside.unwrap_or(map.outside);
                map.untrusted = untrusted.unwrap_or(map.untrusted);
                map.start = start;
                for ((number, (subject, mut entry)), id) in
                    subjects.into_iter().enumerate().zip(ids)
                {
                    let taken = map.subjects.values().any(|other| other.id == id);
                    entry.id = if taken {
                        format!("{id}#{number}")
                    } else {
                        id.to_owned()
                    };
                    map.subjects.insert(subject, entry);
                }
                let shared: Vec<Rule> = map.groups.values().flatten().cloned().collect();
                for entry in map.subjects.values_mut().skip(1) {
                    entry.allow.extend(shared.iter().cloned());
                }
                map.normalise();
                map.regroup(&GroupNames::default());
                map
            },
        )
}

/// Generates paths that patterns are likely to cover or to miss narrowly.
pub(crate) fn near(pattern: &PathPattern) -> impl Strategy<Value = Object> + use<> {
    let bytes = instance(pattern.pieces().to_vec());
    (bytes, any::<bool>(), path()).prop_map(|(bytes, straight, other)| {
        let made = Path::new(bytes).ok().filter(|_| straight);
        Object::Path(made.unwrap_or(other))
    })
}

fn instance(pieces: Vec<Piece>) -> BoxedStrategy<Vec<u8>> {
    let parts: Vec<BoxedStrategy<Vec<u8>>> = pieces
        .into_iter()
        .map(|piece| match piece {
            Piece::Bytes(bytes) => Just(bytes.to_vec()).boxed(),
            Piece::Star => prop_oneof![Just(Vec::new()), component()].boxed(),
            Piece::StarStar => prop_oneof![
                Just(Vec::new()),
                path().prop_map(|path| path.as_bytes()[1..].to_vec())
            ]
            .boxed(),
            Piece::Class(_) => prop::sample::select(vec![
                &b"\0s"[..],
                b"\0p",
                b"\0n",
                b"\0t",
                b"0",
                b"17",
                b"042",
                b"abcdef",
                b"Ab3_9Z",
                b"abcde",
                b"550e8400-e29b-41d4-a716-446655440000",
                b"20261129",
                b"20261332",
                b"112843",
                b"2026",
                b"1969",
                b"12",
                b"31",
                b"60",
            ])
            .prop_map(<[u8]>::to_vec)
            .boxed(),
            Piece::Either(alternatives) => prop::sample::select(alternatives)
                .prop_flat_map(instance)
                .boxed(),
        })
        .collect();
    parts.prop_map(|parts| parts.concat()).boxed()
}
