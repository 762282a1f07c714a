// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Any file is read or rejected, with errors that have a place and are safe to print on a terminal.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

use std::fs;
use std::path::Path;

use ambit_event::{Op, escape};
use ambit_policy::check::condition;
use ambit_policy::condition::Number;
use ambit_policy::facts::Facts;
use ambit_policy::field::can_match;
use ambit_policy::file::{check_set, read};
use ambit_policy::interpret::{decide, holds};
use ambit_rulegen::{Near, Random};
use proptest::prelude::*;
use proptest::sample::{Index, select};

/// Reads rules and does all steps that precede loading.
fn file(bytes: &[u8]) {
    match read("x.yaml", bytes) {
        Ok(rules) => {
            let _ = check_set(&rules);
            decide(&rules, &Facts::default());
        }
        Err(errors) => {
            let lines = bytes.split(|byte| *byte == b'\n').count();
            assert!(errors.errors().iter().all(|error| error.line <= lines + 1));
            let shown = errors.to_string();
            let hidden = |line: &str| line.chars().any(escape::is_hidden);
            assert!(!shown.lines().any(hidden), "{shown:?}");
        }
    }
}

fn asked() -> Vec<Op> {
    let ops = Op::ALL.iter().copied();
    ops.filter(|op| can_match(*op)).collect()
}

/// Errors lie within the text, and the negation of an accepted condition is its negation.
fn text(text: &str) {
    let ops = asked();
    match condition(text, &ops) {
        Ok(taken) => {
            // With a line break, because the text may end in a comment.
            let Ok(opposite) = condition(&format!("!({text}\n)"), &ops) else {
                return;
            };
            for op in ops {
                let mut facts = Facts::default();
                facts.set_number(Number::Op, u16::from(op).into());
                assert_ne!(
                    holds(&taken, &facts),
                    holds(&opposite, &facts),
                    "{text} of {op}"
                );
            }
        }
        Err(errors) => {
            for error in errors {
                assert!(error.span.start <= error.span.end && error.span.end <= text.len());
                assert!(text.get(error.span.clone()).is_some(), "{text}: {error}");
            }
        }
    }
}

/// The files of the library.
fn library() -> Vec<Vec<u8>> {
    fn collect(folder: &Path, found: &mut Vec<Vec<u8>>) {
        for entry in fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                collect(&path, found);
            } else if path
                .extension()
                .is_some_and(|extension| extension == "yaml")
            {
                found.push(fs::read(path).unwrap());
            }
        }
    }
    let mut found = Vec::new();
    let rules = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../rules");
    collect(&rules, &mut found);
    assert!(found.len() > 3, "the library is not where it was");
    found
}

const TOKENS: &[&str] = &[
    "object.path",
    "object.port",
    "object.address",
    "object.uid",
    "object.type",
    "task.uid",
    "task.trust",
    "task.cause",
    "task.caps",
    "task.untrusted",
    "subject.chain",
    "op",
    "e",
    "ip",
    "cidr",
    "(",
    ")",
    "[",
    "]",
    ",",
    ".",
    "!",
    "&&",
    "||",
    "==",
    "!=",
    "<",
    ">=",
    "?",
    ":",
    "in",
    "-",
    "0",
    "1",
    "65536",
    "18446744073709551616",
    "\"\"",
    "\"/tmp/x\"",
    "\"10.0.0.0/8\"",
    "'::1'",
    "b\"\\xff\"",
    "r\"\\d+\"",
    "\"(\"",
    "\"operator\"",
    "true",
    "false",
    "startsWith",
    "endsWith",
    "contains",
    "matches",
    "exists",
    "all",
    "size",
    "isLoopback",
    "containsIP",
    "family",
    " ",
    "\n",
    "//",
    "\u{e4}",
    "\\",
    "\"",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn any_bytes_are_read_or_rejected(bytes in any::<Vec<u8>>()) {
        file(&bytes);
        file(&[b"ambit-rules: 1\nrules:\n".as_slice(), &bytes].concat());
    }

    #[test]
    fn a_file_with_garbage_inside_is_read_or_rejected(
        which in any::<Index>(),
        changes in proptest::collection::vec(
            (any::<Index>(), 0_usize..12, prop_oneof![
                any::<Vec<u8>>().prop_map(|bytes| bytes.into_iter().take(8).collect::<Vec<u8>>()),
                select(TOKENS).prop_map(|token| token.as_bytes().to_vec()),
                select(&["\n", "  ", "- ", ": ", "{", "}", "'", "&a ", "*a", "|-\n", "!!str ", "\t", "---\n", "#"][..])
                    .prop_map(|token| token.as_bytes().to_vec()),
            ]),
            1..6,
        ),
    ) {
        let files = library();
        let mut bytes = which.get(&files).clone();
        for (at, length, instead) in changes {
            let at = at.index(bytes.len());
            let end = (at + length).min(bytes.len());
            bytes.splice(at..end, instead);
        }
        file(&bytes);
    }

    #[test]
    fn any_text_is_a_condition_or_rejected(soup in any::<String>()) {
        text(&soup);
    }

    #[test]
    fn any_tokens_are_a_condition_or_rejected(words in proptest::collection::vec(select(TOKENS), 0..24)) {
        text(&words.concat());
        text(&words.join(" "));
    }

    #[test]
    fn a_condition_with_a_changed_token_is_accepted_or_rejected(
        seed in any::<u64>(),
        at in any::<Index>(),
        length in 0_usize..6,
        instead in select(TOKENS),
    ) {
        let events: Vec<Facts> = asked().into_iter().map(|op| {
            let mut facts = Facts::default();
            facts.set_number(Number::Op, u16::from(op).into());
            facts
        }).collect();
        let near = Near::of(&events).with_sources(&["operator"]);
        for rule in ambit_rulegen::rules(&mut Random::new(seed), &near, 4, &[]) {
            text(&rule.when);
            let mut changed: Vec<char> = rule.when.chars().collect();
            let at = at.index(changed.len());
            let end = (at + length).min(changed.len());
            changed.splice(at..end, instead.chars());
            text(&changed.into_iter().collect::<String>());
        }
    }
}
