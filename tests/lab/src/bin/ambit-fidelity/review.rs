// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The review between learning and enforcing. Proposals of `ambit map generalize` are applied if they are in no sensitive
//! place, or if the workload's file lists their place in `accepted`.

use std::process::Command;

use serde_json::Value;

/// The applied proposals.
#[derive(Debug, Default)]
pub(crate) struct Review {
    /// Proposals in no sensitive place.
    pub(crate) applied: usize,
    /// Places of sensitive proposals that the workload's file accepts.
    pub(crate) accepted: Vec<String>,
}

/// Reviews a map.
pub(crate) fn review(map: &str, accepted: &str) -> Result<Review, String> {
    let listed = ambit(&["map", "generalize", map, "--no-walk", "--json"])?;
    let listed: Value =
        serde_json::from_slice(&listed).map_err(|error| format!("proposals: {error}"))?;
    let mut review = Review::default();
    let mut ids = Vec::new();
    for proposal in listed["proposals"].as_array().into_iter().flatten() {
        let place = proposal["place"].as_str().unwrap_or_default();
        let id = proposal["id"].as_str().unwrap_or_default();
        if proposal["sensitive"].as_array().is_none_or(Vec::is_empty) {
            review.applied += 1;
            ids.push(id);
        } else if accepted.split(' ').any(|one| one == place) {
            review.accepted.push(place.to_owned());
            ids.push(id);
        } else {
            eprintln!("    not applied, being sensitive: {place}");
        }
    }
    if !ids.is_empty() {
        ambit(&[
            "map",
            "generalize",
            map,
            "--no-walk",
            "--apply",
            &ids.join(","),
            "-o",
            map,
        ])?;
    }
    Ok(review)
}

fn ambit(arguments: &[&str]) -> Result<Vec<u8>, String> {
    let output = Command::new("ambit")
        .args(arguments)
        .output()
        .map_err(|error| format!("cannot start ambit: {error}"))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    Err(format!(
        "ambit {} failed: {}",
        arguments.join(" "),
        String::from_utf8_lossy(&output.stderr)
    ))
}
