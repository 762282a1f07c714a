// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Crates with unsafe code have the workspace's lints, but for that one.

use std::fs;
use std::path::Path;

const WITH_UNSAFE: [&str; 4] = [
    "crates/sensor",
    "crates/launch",
    "crates/exerciser",
    "tests/lab",
];

/// The entries of the two lint tables, each with its table, comments left out.
fn lints(manifest: &str, prefix: &str) -> Vec<String> {
    let mut table = String::new();
    let mut found = Vec::new();
    for line in manifest.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix('[') {
            let name = name.trim_end_matches(']');
            name.strip_prefix(prefix)
                .unwrap_or_default()
                .clone_into(&mut table);
        } else if !table.is_empty() && !line.is_empty() && !line.starts_with('#') {
            found.push(format!("{table}: {line}"));
        }
    }
    found
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn crates_with_unsafe_code_have_all_other_lints_of_the_workspace() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let forbidden = "rust: unsafe_code = \"forbid\"";
    let workspace = lints(&read(&root.join("Cargo.toml")), "workspace.lints.");
    assert!(workspace.iter().any(|lint| lint == forbidden));
    let wanted: Vec<_> = workspace
        .iter()
        .map(|lint| lint.replace("\"forbid\"", "\"allow\""))
        .collect();
    for folder in WITH_UNSAFE {
        let own = lints(&read(&root.join(folder).join("Cargo.toml")), "lints.");
        assert_eq!(own, wanted, "{folder}");
    }
}

#[test]
fn every_other_crate_inherits_the_lints_of_the_workspace() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut members: Vec<_> = fs::read_dir(root.join("crates"))
        .expect("the crates")
        .map(|entry| format!("crates/{}", entry.unwrap().file_name().display()))
        .chain(["examples/taps", "xtask"].map(str::to_owned))
        .filter(|member| !WITH_UNSAFE.contains(&member.as_str()))
        .collect();
    members.sort();
    assert!(members.len() > 8, "{members:?}");
    for member in members {
        let manifest = read(&root.join(&member).join("Cargo.toml"));
        assert!(manifest.contains("[lints]\nworkspace = true"), "{member}");
    }
}
