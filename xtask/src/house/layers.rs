// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The floors of the workspace: a crate may depend on crates of its own floor or below, never on one above.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use serde_json::Value;

use crate::{build, process};

/// The crates of the product from the ground up, without their prefix.
pub(crate) const FLOORS: [&[&str]; 6] = [
    &["abi", "event", "source", "automaton", "failpoint", "files"],
    &["coverage", "model", "policy", "recording"],
    &["launch", "sensor"],
    &["hoststate", "journal", "session"],
    &["canary", "replay", "report"],
    &["ambit"],
];

/// Crates that only tests and tools use. `exerciser` performs the canary's operations, too.
pub(crate) const BESIDE: [&str; 2] = ["exerciser", "rulegen"];

/// Returns the crates of the workspace, without their prefix, and for each those it depends on when it is built for use.
pub(crate) fn crates() -> Result<BTreeMap<String, BTreeSet<String>>> {
    let output = process::output(build::cargo("metadata").args([
        "--no-deps",
        "--format-version",
        "1",
        "--offline",
    ]))?;
    let metadata: Value =
        serde_json::from_slice(&output).context("cannot read what `cargo metadata` prints")?;
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let short = |name: &Value| {
        let name = name.as_str().unwrap_or_default();
        name.strip_prefix("ambit-").unwrap_or(name).to_owned()
    };
    Ok(list(&metadata["packages"])
        .iter()
        .map(|package| {
            let used = list(&package["dependencies"])
                .iter()
                .filter(|dependency| dependency["kind"].is_null() && !dependency["path"].is_null())
                .map(|dependency| short(&dependency["name"]))
                .collect();
            (short(&package["name"]), used)
        })
        .collect())
}

/// Returns the floor of a crate of the product.
#[cfg(test)]
fn floor(name: &str) -> Option<usize> {
    FLOORS.iter().position(|floor| floor.contains(&name))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Crates that handle records must never be able to touch the kernel part.
    const NEVER: [(&str, &str); 5] = [
        ("journal", "sensor"),
        ("model", "sensor"),
        ("policy", "sensor"),
        ("replay", "sensor"),
        ("report", "sensor"),
    ];

    #[test]
    fn no_crate_depends_on_one_above_it() {
        let crates = crates().unwrap();
        let mut wrong = Vec::new();
        for name in FLOORS.concat() {
            let Some(used) = crates.get(name) else {
                wrong.push(format!(
                    "the floors name `{name}`, and there is no such crate"
                ));
                continue;
            };
            for other in used {
                if floor(other) > floor(name) {
                    wrong.push(format!("`{name}` depends on `{other}`, which is above it"));
                } else if floor(other).is_none() && !BESIDE.contains(&&**other) {
                    wrong.push(format!(
                        "`{name}` depends on `{other}`, which is on no floor"
                    ));
                }
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    #[test]
    fn crates_that_handle_records_never_see_the_kernel_part() {
        let crates = crates().unwrap();
        for (name, forbidden) in NEVER {
            let mut seen = BTreeSet::from([name.to_owned()]);
            let mut next = vec![name.to_owned()];
            while let Some(at) = next.pop() {
                for other in crates.get(&at).into_iter().flatten() {
                    if seen.insert(other.clone()) {
                        next.push(other.clone());
                    }
                }
            }
            assert!(
                !seen.contains(forbidden),
                "`{name}` depends on `{forbidden}`, directly or through another crate"
            );
        }
    }

    #[test]
    fn every_crate_has_a_floor() {
        let outside = ["ambit-lab", "lab", "taps", "xtask"];
        for name in crates().unwrap().keys() {
            let known =
                floor(name).is_some() || BESIDE.contains(&&**name) || outside.contains(&&**name);
            assert!(
                known,
                "`{name}` is on no floor; add it to FLOORS in xtask/src/house/layers.rs"
            );
        }
    }
}
