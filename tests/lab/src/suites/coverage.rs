// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Compares the table of hooks with the running kernel: available, refused and attached hooks.

use std::collections::{BTreeMap, BTreeSet};

use ambit_coverage::{Decision, Offer, Row, column, row, rows};
use serde_json::Value;

use super::tests;
use crate::harness::{Lab, act};

tests! { "coverage":
    every_hook_of_this_kernel_has_a_row_and_no_other
    what_the_table_says_that_this_kernel_refuses_is_refused
    what_is_decided_is_attached_and_nothing_else
    the_canary_has_every_operation_refused_and_leaves_nothing_behind
}

/// Hooks that cannot be tested on every kernel of the lab, with the status that they may have.
const EXCUSED: &[(&str, &str)] = &[("net.tun", "untried")];

/// Functions named `bpf_lsm_*` that are not hooks.
const HELPERS: &[&str] = &[
    "find_cgroup_shim",
    "func_proto",
    "get_retval_range",
    "has_d_inode_locked",
    "hook_returns_errno",
    "init",
    "is_sleepable_hook",
    "is_trusted",
    "verify_prog",
];

/// Returns the rows of the table with their status on this kernel.
fn table() -> Vec<(Row, Offer)> {
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
    let column = column(&release).unwrap_or_else(|| {
        panic!("the table has no column for {release}: add one to crates/coverage")
    });
    rows()
        .into_iter()
        .map(|row| (row, row.on[column]))
        .collect()
}

/// Returns the names in the kernel's type information, whose strings follow each other, each ended by a NUL.
fn offered() -> BTreeSet<String> {
    let btf = std::fs::read("/sys/kernel/btf/vmlinux").unwrap();
    btf.split(|byte| *byte == 0)
        .filter_map(|name| std::str::from_utf8(name).ok()?.strip_prefix("bpf_lsm_"))
        .filter(|name| !HELPERS.contains(name))
        .map(str::to_owned)
        .collect()
}

/// Returns the status that `ambit doctor --hooks` prints for each hook of this kernel.
fn doctor(lab: &Lab) -> BTreeMap<String, Value> {
    let run = lab.ambit(["doctor", "--hooks", "--json"]).succeeds();
    let host: Value = serde_json::from_slice(&run.stdout).unwrap();
    let hooks = host["coverage"]["hooks"].as_array().unwrap();
    let named = |hook: &Value| (hook["hook"].as_str().unwrap().to_owned(), hook.clone());
    let there = hooks.iter().filter(|hook| hook["kernel"] != "absent");
    there.map(named).collect()
}

fn names<'a>(rows: impl Iterator<Item = &'a Row>) -> BTreeSet<String> {
    rows.map(|row| row.name.to_owned()).collect()
}

fn must_be_equal(table: &BTreeSet<String>, kernel: &BTreeSet<String>, what: &str) {
    let only = |a: &BTreeSet<String>, b: &BTreeSet<String>| -> Vec<String> {
        a.difference(b).cloned().collect()
    };
    let (gone, new) = (only(table, kernel), only(kernel, table));
    assert!(
        gone.is_empty() && new.is_empty(),
        "{what}: only in the table {gone:?}, only in the kernel {new:?}"
    );
}

fn every_hook_of_this_kernel_has_a_row_and_no_other(lab: &Lab) {
    let table = table();
    let there = table.iter().filter(|(_, offer)| *offer != Offer::Absent);
    let there = names(there.map(|(row, _)| row));
    assert!(there.len() > 200, "only {} hooks", there.len());
    must_be_equal(&there, &offered(), "hooks of this kernel");
    let doctor = doctor(lab);
    must_be_equal(
        &there,
        &doctor.keys().cloned().collect(),
        "hooks that doctor shows",
    );
    let unknown: Vec<_> = doctor
        .values()
        .filter(|hook| hook["kind"] == "unknown")
        .collect();
    assert!(unknown.is_empty(), "doctor does not know {unknown:?}");
}

fn what_the_table_says_that_this_kernel_refuses_is_refused(lab: &Lab) {
    let table = table();
    let refused = table.iter().filter(|(_, offer)| *offer == Offer::Refused);
    let refused = names(refused.map(|(row, _)| row));
    assert!(refused.len() > 5, "only {refused:?}");
    let kernel = doctor(lab)
        .into_iter()
        .filter(|(_, hook)| hook["kernel"] == "refused");
    must_be_equal(
        &refused,
        &kernel.map(|(name, _)| name).collect(),
        "hooks refused",
    );
}

fn what_is_decided_is_attached_and_nothing_else(lab: &Lab) {
    let mut job = lab.learning("map", &[], &act("true , wait-line"));
    job.until("true: ok");
    let doctor = doctor(lab);
    job.say("\n");
    job.finish().succeeds();
    let table = table();
    let ours = table.iter().filter(|(row, offer)| {
        *offer == Offer::Offered && !matches!(row.decision(), Decision::Alone(_))
    });
    let ours = names(ours.map(|(row, _)| row));
    assert!(ours.len() >= 35, "only {ours:?}");
    let attached = doctor
        .into_iter()
        .filter(|(_, hook)| hook["attached"] == true);
    must_be_equal(
        &ours,
        &attached.map(|(name, _)| name).collect(),
        "hooks with a program",
    );
}

fn left() -> Vec<std::ffi::OsString> {
    let names = std::fs::read_dir("/tmp").unwrap().flatten();
    names.map(|entry| entry.file_name()).collect()
}

fn mounts() -> String {
    std::fs::read_to_string("/proc/self/mounts").unwrap()
}

fn the_canary_has_every_operation_refused_and_leaves_nothing_behind(lab: &Lab) {
    let (files, mounted) = (left(), mounts());
    let run = lab
        .ambit(["doctor", "--canary", "--json"])
        .succeeds()
        .harmless_on_a_terminal();
    let host: Value = serde_json::from_slice(&run.stdout).unwrap();
    let tried = host["canary"].as_array().unwrap();
    let text = |one: &Value, field: &str| one[field].as_str().unwrap_or_default().to_owned();
    let excused = |one: &Value| {
        let (operation, status) = (text(one, "operation"), text(one, "status"));
        // Memory that these move is no code on any kernel here, so there is nothing to refuse.
        let moved = matches!(one["way"].as_str(), Some("mremap" | "remap_file_pages"));
        EXCUSED.contains(&(operation.as_str(), status.as_str())) || moved && status == "untried"
    };
    let wrong: Vec<_> = tried
        .iter()
        .filter(|one| one["status"] != "ok" && !excused(one))
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    for one in tried.iter().filter(|one| one["status"] == "ok") {
        let (operation, hook) = (text(one, "operation"), text(one, "hook"));
        let row = row(&hook).unwrap_or_else(|| panic!("{hook:?} is no hook: {one}"));
        let decided = match row.decision() {
            Decision::Decided(ops) | Decision::Gated(ops) => {
                ops.iter().any(|op| op.name() == operation)
            }
            _ => false,
        };
        assert!(decided, "the table has {operation} not at {hook}");
    }
    let families: BTreeSet<_> = tried
        .iter()
        .filter(|one| one["status"] == "ok")
        .filter_map(|one| Some(text(one, "operation").split('.').next()?.to_owned()))
        .collect();
    assert!(families.len() >= 12, "only {families:?}");
    assert_eq!(left(), files, "in /tmp");
    assert_eq!(mounts(), mounted);
    let trusted = lab.ambit(["trust", "ls", "--json"]).succeeds();
    let said = String::from_utf8_lossy(&trusted.stdout).into_owned();
    assert!(!said.contains("canary-"), "a domain is left: {said}");
}
