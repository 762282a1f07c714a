// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Random conditions and events of few texts and numbers, so that tests are often true.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ambit_event::{Inet, Object, Op, Path, Port, Relation};
use ambit_policy::condition::{Condition, Number, NumberTest, Text, TextTest};
use proptest::collection::{btree_set, vec};
use proptest::prelude::*;
use proptest::sample::select;

use crate::world::World;

const PATHS: &[&[u8]] = &[
    b"/",
    b"/bin/sh",
    b"/bin/sh/x",
    b"/proc/\0s/fd/\0n",
    b"/proc/\0p/exe",
    b"/proc/\0p",
    b"/tmp/\0t",
    b"/tmp/a\0nb",
    b"/tmp/x.so",
    b"/usr/lib/x.so",
    b"/tmp/\xff\n",
    b"/memfd:a",
];

const PLAIN: &[&[u8]] = &[b"", b"a", b"sh", b"x.so", b"key", b"ext4", b"a.b", b"\n"];

const TEXTS: &[&[u8]] = &[
    b"",
    b"/",
    b"/bin/sh",
    b"/tmp/",
    b"/tmp/x.so",
    b".so",
    b"sh",
    b"a",
    b"{pid}",
    b"/proc/{self}",
    b"/proc/{pid}",
    b"{n}",
    b"{tmpfile}",
    b"id}/e",
    b"memfd:",
    b"memfd:a",
    b"fs:ext4",
    b"ext4",
    b"key",
    b"\xff",
];

const REGEXES: &[&str] = &[
    "",
    "^$",
    "^/tmp/.*\\.so$",
    "/bin/(sh|bash)",
    "[0-9{]pid",
    "a$|^s",
    "\\bsh\\b",
    "(?i)BIN",
    "(?x) sh # the shell",
    "\\xff",
    "^memfd:a?$",
    "(?m)^$",
    "x|^fs:",
];

const NUMBERS: &[u64] = &[
    0,
    1,
    2,
    3,
    63,
    64,
    255,
    0x0101,
    0x0202,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_ffff,
    0x1_0000_0000,
    0x1_2345_6789,
    u64::MAX - 0x7fff_ffff,
    u64::MAX - 1,
    u64::MAX,
];

const ALL_NUMBERS: &[Number] = &[
    Number::Op,
    Number::Arg,
    Number::Port,
    Number::Uid,
    Number::Caps,
    Number::Trust,
    Number::FileMode,
    Number::ExeUnknown,
    Number::ForeignMounts,
];

const FIELDS: &[Text] = &[
    Text::ObjectPath,
    Text::ObjectPath,
    Text::ObjectName,
    Text::ObjectAddress,
    Text::Executable,
    Text::Parent,
    Text::Chain,
    Text::Comm,
    Text::Cgroup,
    Text::Domain,
];

pub(crate) const SOURCES: &[&str] = &["operator", "rule:a", "rule:b", "unknown"];

fn number() -> impl Strategy<Value = u64> {
    prop_oneof![3 => select(NUMBERS), 1 => 0_u64..130]
}

fn values() -> impl Strategy<Value = BTreeSet<u64>> {
    prop_oneof![
        btree_set(number(), 1..4),
        btree_set(0_u64..80, 4..30),
        btree_set(number(), 9..15),
        (number(), btree_set(0_u64..60, 9..20)).prop_map(|(base, values)| {
            let values = values.into_iter();
            values.map(|value| base.saturating_add(value)).collect()
        }),
    ]
}

fn number_test() -> impl Strategy<Value = NumberTest> {
    prop_oneof![
        values().prop_map(NumberTest::In),
        number().prop_map(NumberTest::Less),
        number().prop_map(NumberTest::Greater),
        number()
            .prop_filter("a mask", |mask| *mask != 0)
            .prop_map(NumberTest::AnyBit),
    ]
}

fn text() -> impl Strategy<Value = Vec<u8>> {
    select(TEXTS).prop_map(<[u8]>::to_vec)
}

fn text_test() -> impl Strategy<Value = TextTest> {
    let part = prop_oneof![
        btree_set(text(), 1..4).prop_map(TextTest::In),
        text().prop_map(TextTest::StartsWith),
        text().prop_map(TextTest::EndsWith),
        text().prop_map(TextTest::Contains),
        select(REGEXES).prop_map(|regex| TextTest::Matches(regex.to_owned())),
    ];
    trees(part)
}

fn networks() -> impl Strategy<Value = TextTest> {
    let network = prop_oneof![
        (v4(), 0_u8..=32).prop_map(|(address, bits)| (IpAddr::V4(address), bits)),
        (v6(), 0_u8..=128).prop_map(|(address, bits)| (IpAddr::V6(address), bits)),
    ];
    trees(btree_set(network, 1..4).prop_map(TextTest::Network))
}

fn trees(part: impl Strategy<Value = TextTest> + 'static) -> impl Strategy<Value = TextTest> {
    part.prop_recursive(2, 6, 3, |inner| {
        prop_oneof![
            inner.clone().prop_map(|test| TextTest::Not(Box::new(test))),
            vec(inner.clone(), 1..3).prop_map(TextTest::And),
            vec(inner, 1..3).prop_map(TextTest::Or),
        ]
    })
}

/// Conditions.
pub(crate) fn condition() -> impl Strategy<Value = Condition> {
    let texts = (select(FIELDS), text_test(), networks()).prop_map(|(field, test, networks)| {
        let test = if field == Text::ObjectAddress {
            networks
        } else {
            test
        };
        Condition::Text(field, test)
    });
    let source = || select(SOURCES).prop_map(str::to_owned);
    let leaf = prop_oneof![
        1 => any::<bool>().prop_map(Condition::Const),
        6 => (select(ALL_NUMBERS), number_test())
            .prop_map(|(number, test)| Condition::Number(number, test)),
        9 => texts,
        1 => Just(Condition::Trust(None)),
        1 => source().prop_map(|source| Condition::Trust(Some(source))),
        1 => source().prop_map(Condition::Cause),
    ];
    leaf.prop_recursive(4, 16, 4, |inner| {
        prop_oneof![
            inner
                .clone()
                .prop_map(|inner| Condition::Not(Box::new(inner))),
            vec(inner.clone(), 1..5).prop_map(Condition::And),
            vec(inner, 1..5).prop_map(Condition::Or),
        ]
    })
}

fn v4() -> impl Strategy<Value = Ipv4Addr> {
    let octet = || select(&[0_u8, 10, 11, 127, 128, 192, 255][..]);
    [octet(), octet(), octet(), octet()].prop_map(Ipv4Addr::from)
}

fn v6() -> impl Strategy<Value = Ipv6Addr> {
    let segment = || select(&[0_u16, 1, 0xfe80, 0x2001, 0xffff][..]);
    (segment(), segment(), segment(), segment()).prop_map(|(first, second, third, last)| {
        // Never IPv4-mapped.
        Ipv6Addr::new(first, second, third, 0, 1, 0, 0, last)
    })
}

fn executable() -> impl Strategy<Value = Object> {
    let path = || select(PATHS).prop_map(|path| Path::new(path).unwrap());
    let plain = || select(PLAIN).prop_map(Box::from);
    prop_oneof![
        4 => path().prop_map(Object::Path),
        1 => path().prop_map(Object::Deleted),
        1 => path().prop_map(Object::Foreign),
        1 => plain().prop_map(Object::Memfd),
        1 => plain().prop_map(Object::FsType),
    ]
}

fn object() -> impl Strategy<Value = Object> {
    let plain = || select(PLAIN).prop_map(Box::from);
    let address = prop_oneof![v4().prop_map(IpAddr::V4), v6().prop_map(IpAddr::V6)];
    let port = prop_oneof![
        Just(Port::None),
        Just(Port::Ephemeral),
        any::<u16>().prop_map(Port::Literal)
    ];
    prop_oneof![
        6 => executable(),
        1 => plain().prop_map(Object::Abstract),
        1 => plain().prop_map(Object::Word),
        3 => (any::<u8>(), address, port).prop_map(|(protocol, address, port)| {
            Object::Inet(Inet { protocol, address, port })
        }),
        1 => Just(Object::None),
        1 => Just(Object::Unnamed),
        1 => Just(Object::Relation(Relation::Child)),
        1 => any::<u16>().prop_map(Object::Netlink),
    ]
}

/// Events of some operations.
pub(crate) fn world(ops: &'static [Op]) -> impl Strategy<Value = World> {
    let plain = || prop_oneof![select(PLAIN), select(TEXTS)].prop_map(<[u8]>::to_vec);
    (
        select(ops),
        object(),
        vec(
            prop_oneof![8 => executable(), 1 => Just(Object::None)],
            0..=4,
        ),
        plain(),
        plain(),
        plain(),
        vec(number(), Number::COUNT),
    )
        .prop_map(|(op, object, chain, comm, cgroup, domain, numbers)| World {
            op,
            object,
            chain,
            comm,
            cgroup,
            domain,
            numbers: numbers.try_into().unwrap(),
        })
}

/// Texts that many rules search for at once: few, so that one text contains several of them, also overlapping.
fn sought() -> impl Strategy<Value = String> {
    const WORDS: &[&str] = &[
        "/", "/etc/", "/tmp/", "/home/", "/proc/", "ssh", "s", "sh", ".so", ".conf", "aaa", "aa",
        "shadow", "pass", "wd", "{pid}", "{n}", "id}", "{self", "memfd", ":a", "fs:",
    ];
    vec(
        prop_oneof![4 => select(WORDS).prop_map(str::to_owned), 1 => "[a-c0-2/.]{1,6}"],
        1..4,
    )
    .prop_map(|words| words.concat())
}

fn search() -> impl Strategy<Value = TextTest> {
    let quoted = || {
        sought().prop_map(|text| {
            let text = text.replace('.', "[.]").replace('{', "[{]");
            text.replace('}', "[}]")
        })
    };
    let regex = prop_oneof![
        4 => quoted().prop_map(|text| format!(".*{text}[0-9]+$")),
        4 => quoted().prop_map(|text| format!("{text}[0-9]*")),
        2 => quoted().prop_map(|text| format!("^{text}")),
        2 => quoted().prop_map(|text| format!("{text}.*")),
        1 => quoted().prop_map(|text| format!("{text}(?s:.*)$")),
        2 => (quoted(), quoted()).prop_map(|(left, right)| format!("{left}|^{right}$")),
        1 => (quoted(), quoted()).prop_map(|(left, right)| format!("(?:{left}|{right}){{2,}}")),
        1 => quoted().prop_map(|text| format!("\\b{text}\\b")),
        1 => quoted().prop_map(|text| format!("(?i){text}")),
        1 => quoted().prop_map(|text| format!("{text}.ssh")),
        1 => Just("^$|pass".to_owned()),
        1 => Just("a*".to_owned()),
    ];
    let bytes = || sought().prop_map(String::into_bytes);
    prop_oneof![
        6 => bytes().prop_map(TextTest::Contains),
        3 => bytes().prop_map(TextTest::EndsWith),
        2 => bytes().prop_map(TextTest::StartsWith),
        2 => btree_set(bytes(), 1..4).prop_map(TextTest::In),
        2 => regex.prop_map(TextTest::Matches),
    ]
}

/// Many conditions on texts, and events that match several of them.
pub(crate) fn searches(
    count: std::ops::Range<usize>,
) -> impl Strategy<Value = (Vec<Condition>, Vec<World>)> {
    let tests = prop_oneof![
        8 => search(),
        1 => search().prop_map(|test| TextTest::Not(Box::new(test))),
        1 => vec(search(), 2..5).prop_map(TextTest::Or),
        1 => vec(search(), 2..3).prop_map(TextTest::And),
        1 => (search(), search()).prop_map(|(left, right)| TextTest::And(vec![
            left,
            TextTest::Not(Box::new(right)),
        ])),
    ];
    let fields = prop_oneof![
        12 => Just(Text::ObjectPath),
        2 => Just(Text::Comm),
        1 => select(FIELDS).prop_filter("texts", |field| *field != Text::ObjectAddress),
    ];
    let condition = (fields, tests).prop_map(|(field, test)| Condition::Text(field, test));
    let found = prop_oneof![
        3 => vec(sought(), 1..5).prop_map(|words| words.concat().into_bytes()),
        1 => select(PATHS).prop_map(<[u8]>::to_vec),
    ];
    let place = (found, world(&[Op::FileOpen]), any::<bool>()).prop_map(|(found, world, comm)| {
        let mut world = world;
        // Braces are names of markers if a path can have a marker there; otherwise they are plain text.
        let mut path = vec![b'/'];
        for byte in &found {
            match byte {
                b'{' => path.extend_from_slice(b"\0p"),
                byte => path.push(*byte),
            }
        }
        if comm {
            world.comm = found;
        } else if let Ok(path) = Path::new(path) {
            world.object = Object::Path(path);
        }
        world
    });
    (vec(condition, count), vec(place, 24))
}
