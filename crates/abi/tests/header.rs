// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The mirror's numbers are the header's.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeMap;

use ambit_abi::{EventKind, Family, Hook, Mode, Op, Reason, Response, SkipReason, Spread};

/// Every `#define AMBIT_X number` and `AMBIT_X = number,` of the header.
fn header() -> BTreeMap<String, u64> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../bpf/include/abi.h");
    let text = std::fs::read_to_string(path).unwrap();
    // A backslash continues a line.
    let text = text.replace("\\\n", " ");
    let mut found = BTreeMap::new();
    for line in text.lines() {
        let mut words = line.split_whitespace();
        let (name, value) = match (words.next(), words.next(), words.next()) {
            (Some("#define"), Some(name), Some(value)) => (name, value),
            (Some(name), Some("="), Some(value)) => {
                (name, value.split(',').next().unwrap_or(value))
            }
            _ => continue,
        };
        if let (Some(name), Some(value)) = (name.strip_prefix("AMBIT_"), number(value)) {
            found.insert(name.to_owned(), value);
        }
    }
    found
}

fn number(text: &str) -> Option<u64> {
    if let Some(digits) = text.strip_prefix("0x") {
        return u64::from_str_radix(digits, 16).ok();
    }
    match text.as_bytes() {
        [b'\'', letter, b'\''] => Some(u64::from(*letter)),
        _ => text.parse().ok(),
    }
}

/// Every number of the mirror, by the header's name.
fn mirror() -> BTreeMap<String, u64> {
    let mut all: BTreeMap<String, u64> = ambit_abi::ALL_CONSTANTS
        .iter()
        .map(|(name, value)| ((*name).to_owned(), *value))
        .collect();
    // Where the fields of the automaton lie is the mirror's own.
    all.retain(|name, _| {
        !(name.starts_with("DFA_") && (name.ends_with("_OFFSET") || name == "DFA_PAGE_SIZE")
            || name == "SHORTCUT_SIZE")
    });
    let mut add = |prefix: &str, name: &str, value: u64| {
        let name = name.to_uppercase().replace('.', "_");
        all.insert(format!("{prefix}_{name}"), value);
    };
    for one in Mode::ALL {
        add("MODE", one.name(), u32::from(*one).into());
    }
    for one in Response::ALL {
        add("RESPOND", one.name(), u8::from(*one).into());
    }
    for one in SkipReason::ALL {
        add("SKIP", one.name(), u8::from(*one).into());
    }
    for one in EventKind::ALL {
        add("EVENT", one.name(), u8::from(*one).into());
    }
    for one in Spread::ALL {
        add("SPREAD", one.name(), u32::from(*one).into());
    }
    for one in Reason::ALL {
        add("REASON", one.name(), u8::from(*one).into());
    }
    for one in Family::ALL {
        add("FAMILY", one.name(), u8::from(*one).into());
    }
    for one in Op::ALL {
        add("OP", one.name(), u16::from(*one).into());
    }
    for one in Hook::ALL {
        add("HOOK", one.name(), u8::from(*one).into());
    }
    all.insert("HOOK_COUNT".to_owned(), Hook::COUNT as u64);
    all
}

#[test]
fn every_number_of_the_header_is_mirrored() {
    let (header, mirror) = (header(), mirror());
    assert!(
        header.len() > 150,
        "only {} numbers found in the header",
        header.len()
    );
    let differing: Vec<_> = header
        .iter()
        .filter(|(name, value)| mirror.get(*name) != Some(value))
        .map(|(name, value)| (name, value, mirror.get(name)))
        .collect();
    assert!(
        differing.is_empty(),
        "header and mirror differ: {differing:?}"
    );
    let unknown: Vec<_> = mirror
        .keys()
        .filter(|name| !header.contains_key(*name))
        .collect();
    assert!(unknown.is_empty(), "not in the header: {unknown:?}");
}
