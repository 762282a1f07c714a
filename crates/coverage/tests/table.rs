// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The table accounts for every hook, once, and the document is the table.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeSet;

use ambit_abi::{Coverage, Hook};
use ambit_coverage::{Basis, Decision, KERNELS, Offer, Reason, Row, column, markdown, row, rows};

#[test]
fn the_document_is_up_to_date() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/coverage.md");
    let written = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        written == markdown(),
        "docs/coverage.md is not what the table says: cargo xtask docs"
    );
}

#[test]
fn every_hook_has_one_row() {
    let rows = rows();
    let names: BTreeSet<_> = rows.iter().map(|row| row.name).collect();
    assert_eq!(names.len(), rows.len(), "a hook has two rows");
    assert!(rows.len() >= 287, "only {} rows", rows.len());
    for hook in Hook::ALL {
        assert!(names.contains(hook.name()), "{hook} has no row");
    }
}

#[test]
fn a_hook_is_decided_or_says_why_not() {
    for row in rows() {
        if let Decision::Alone(Reason { why, .. }) = row.decision() {
            assert!(!why.is_empty(), "{} is left alone without a word", row.name);
        }
        assert_eq!(
            row.hook().is_none(),
            row.reason().is_some(),
            "{}: a reason to leave it alone and a program for it exclude each other",
            row.name
        );
    }
}

#[test]
fn what_is_decided_can_be_attached_where_it_is() {
    for row in rows().iter().filter(|row| row.hook().is_some()) {
        assert!(
            !row.on.contains(&Offer::Refused),
            "{} is refused by a kernel",
            row.name
        );
        assert!(
            row.on.contains(&Offer::Offered),
            "{} is on no kernel",
            row.name
        );
    }
}

#[test]
fn a_kernel_has_its_column_by_its_release() {
    assert_eq!(column("6.12.95-cloud-amd64"), Some(1));
    assert_eq!(column("6.1.0-56-cloud-amd64"), Some(0));
    assert_eq!(column("7.3.4+deb14-amd64"), Some(2));
    assert_eq!(column("6.10.1"), None);
    assert_eq!(column(""), None);
    assert_eq!(KERNELS.len(), row("file_open").unwrap().on.len());
}

/// Returns the lab's tests as `suite::name`, from the lists at the top of its suites.
fn lab_tests() -> BTreeSet<String> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/lab/src/suites");
    let mut all = BTreeSet::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "rs") {
            continue;
        }
        let text = std::fs::read_to_string(path).unwrap();
        let Some((_, list)) = text.split_once("\ntests! { \"") else {
            continue;
        };
        let (suite, list) = list.split_once("\":").unwrap();
        let (names, code) = list.split_once('}').unwrap();
        for name in names.split_whitespace() {
            assert!(code.contains(&format!("fn {name}(")), "{name} is missing");
            all.insert(format!("{suite}::{name}"));
        }
    }
    all
}

#[test]
fn every_test_that_a_reason_names_is_one_of_the_lab() {
    let lab = lab_tests();
    assert!(lab.len() > 100, "only {} tests", lab.len());
    for row in rows() {
        let tests = row.reason().map_or(&[][..], |reason| reason.basis.tests());
        for test in tests {
            assert!(lab.contains(*test), "{}: the lab has no {test}", row.name);
        }
    }
}

#[test]
fn a_reason_that_says_where_an_operation_is_decided_names_a_test() {
    for row in rows() {
        let Some(Reason { why, basis }) = row.reason() else {
            continue;
        };
        match basis {
            Basis::Tested(tests) => assert!(!tests.is_empty(), "{}: no test", row.name),
            // The decision that came before, and devices that the lab lacks.
            Basis::Informs | Basis::Device => {}
            Basis::Modules | Basis::Kernel => assert!(
                !why.contains("decided") && !why.contains("requires"),
                "{} is left alone because of a decision that no test shows: {why}",
                row.name
            ),
        }
    }
}

/// docs/kernel-support.md has the number of core hooks that decide, for each kernel.
#[test]
fn the_number_of_core_hooks_that_decide_is_documented() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/kernel-support.md");
    let text = std::fs::read_to_string(path).unwrap();
    let line = text
        .lines()
        .find(|line| line.starts_with("| core hooks that decide |"))
        .unwrap();
    let numbers: Vec<_> = line.split('|').skip(2).map(str::trim).collect();
    for (at, kernel) in KERNELS.iter().enumerate() {
        let decides = |row: &&Row| {
            matches!(row.decision(), Decision::Decided(_) | Decision::Gated(_))
                && row.level() == Some(Coverage::Core)
                && row.on[at] == Offer::Offered
        };
        let count = rows().iter().filter(decides).count().to_string();
        let documented = numbers[at].split(':').next().unwrap();
        assert_eq!(documented, count, "core hooks that decide on {kernel}");
    }
}
