// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Single tests and their parts: what the search for a passing event asks of one number or one text.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use ambit_abi::KIND_INET4;

use crate::condition::{NumberTest, TextTest};
use crate::interpret::number_holds;

/// Largest list that is searched by an automaton, in bytes.
const LIST_BYTES: usize = 2048;

/// True if an address of this kind may pass.
pub(super) fn may_be_in(kind: u8, tests: &[TextTest]) -> bool {
    tests.iter().all(|test| match test {
        TextTest::Network(networks) => {
            let is_v4 = kind == KIND_INET4;
            networks
                .iter()
                .any(|(address, _)| address.is_ipv4() == is_v4)
        }
        TextTest::And(items) => may_be_in(kind, items),
        _ => true,
    })
}

/// Returns texts that are likely to pass all of these parts: each has the longest start, all inner texts, and the longest
/// end.
pub(super) fn likely(parts: &[&TextTest]) -> Vec<Vec<u8>> {
    let (mut start, mut end): (&[u8], &[u8]) = (b"", b"");
    let mut inside: Vec<&[u8]> = Vec::new();
    for part in parts {
        match part {
            TextTest::StartsWith(text) if text.len() > start.len() => start = text,
            TextTest::EndsWith(text) if text.len() > end.len() => end = text,
            TextTest::Contains(text) => inside.push(text),
            _ => {}
        }
    }
    let mut out = Vec::new();
    for start in if start.is_empty() {
        vec![&b""[..], b"/"]
    } else {
        vec![start]
    } {
        for between in [&b""[..], b"x", b"/", b"/x", b"x/", b"x/x"] {
            let mut text = start.to_vec();
            for part in &inside {
                text.extend_from_slice(between);
                text.extend_from_slice(part);
            }
            text.extend_from_slice(between);
            text.extend_from_slice(end);
            out.push(text);
        }
    }
    out
}

/// True if a number may pass all of these.
pub(super) fn number(tests: &[(bool, NumberTest)]) -> bool {
    let (mut least, mut most) = (0, u64::MAX);
    let mut among: Option<BTreeSet<u64>> = None;
    let mut except: BTreeSet<u64> = BTreeSet::new();
    let (mut wanted, mut unwanted) = (Vec::new(), 0);
    for (is, test) in tests {
        match (is, test) {
            (true, NumberTest::Less(0) | NumberTest::Greater(u64::MAX)) => return false,
            (true, NumberTest::Less(limit)) => most = most.min(limit.saturating_sub(1)),
            (false, NumberTest::Less(limit)) => least = least.max(*limit),
            (true, NumberTest::Greater(limit)) => least = least.max(limit.saturating_add(1)),
            (false, NumberTest::Greater(limit)) => most = most.min(*limit),
            (true, NumberTest::In(values)) => {
                among = Some(match among {
                    Some(among) => among.intersection(values).copied().collect(),
                    None => values.clone(),
                });
            }
            (false, NumberTest::In(values)) => except.extend(values),
            (true, NumberTest::AnyBit(mask)) => wanted.push(*mask),
            (false, NumberTest::AnyBit(mask)) => unwanted |= mask,
        }
    }
    let passes = |value: &u64| {
        let mut tests = tests.iter();
        tests.all(|(is, test)| number_holds(test, *value) == *is)
    };
    if let Some(among) = among {
        return among.iter().any(passes);
    }
    if least > most || wanted.iter().any(|mask| mask & !unwanted == 0) {
        return false;
    }
    // Every value between the limits may be excluded.
    match usize::try_from(most - least) {
        Ok(more) if more < except.len() => (least..=most).any(|value| passes(&value)),
        _ => true,
    }
}

/// Returns an expression for texts that pass a part; `None` for parts that are cheaper to check in another way.
pub(super) fn pattern(part: &TextTest) -> Option<String> {
    Some(match part {
        TextTest::Matches(pattern) => pattern.clone(),
        TextTest::StartsWith(text) => format!("^{}", literal(text)),
        TextTest::EndsWith(text) => format!("{}$", literal(text)),
        TextTest::Contains(text) => literal(text),
        TextTest::In(texts) if texts.iter().map(Vec::len).sum::<usize>() <= LIST_BYTES => {
            let texts: Vec<String> = texts.iter().map(|text| literal(text)).collect();
            format!("^(?:{})$", texts.join("|"))
        }
        _ => return None,
    })
}

fn literal(text: &[u8]) -> String {
    text.iter().fold(String::new(), |mut out, byte| {
        // Writing to a String does not fail.
        let _ = write!(out, "\\x{byte:02x}");
        out
    })
}

/// Evaluates tests whose parts may be undecided.
pub(super) fn all_hold(
    tests: &[TextTest],
    part: &dyn Fn(&TextTest) -> Option<bool>,
) -> Option<bool> {
    let mut known = Some(true);
    for test in tests {
        match holds(test, part) {
            Some(true) => {}
            Some(false) => return Some(false),
            None => known = None,
        }
    }
    known
}

fn holds(test: &TextTest, part: &dyn Fn(&TextTest) -> Option<bool>) -> Option<bool> {
    match test {
        TextTest::Not(inner) => holds(inner, part).map(|holds| !holds),
        TextTest::And(items) => all_hold(items, part),
        TextTest::Or(items) => {
            let mut known = Some(false);
            for item in items {
                match holds(item, part) {
                    Some(false) => {}
                    Some(true) => return Some(true),
                    None => known = None,
                }
            }
            known
        }
        test => part(test),
    }
}
