// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The table accounts for every hook, once, and the document is the table.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeSet;

use ambit_abi::Hook;
use ambit_coverage::{Decision, KERNELS, Offer, column, markdown, row, rows};

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
        if let Decision::Alone(why) = row.decision() {
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
