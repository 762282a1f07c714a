// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The review between learning and enforcing. Proposals of `ambit map generalize` are applied if they are
//! neither sensitive nor of high risk, or if the workload's file lists their place in `accepted`.

use std::process::Command;

use serde_json::Value;

/// The applied proposals.
#[derive(Debug, Default)]
pub(crate) struct Review {
    /// Proposals that `--apply all` applies.
    pub(crate) applied: usize,
    /// Places of other proposals that the workload's file accepts.
    pub(crate) accepted: Vec<String>,
    /// All proposals, as printed by `ambit map generalize --json`.
    pub(crate) proposals: Value,
}

/// Reviews a map, perhaps without the proposals of a heuristic.
pub(crate) fn review(map: &str, accepted: &str, without: Option<&str>) -> Result<Review, String> {
    let listed = generalize(map, &["--json"], without)?;
    let listed: Value =
        serde_json::from_slice(&listed).map_err(|error| format!("proposals: {error}"))?;
    let mut review = Review {
        proposals: listed["proposals"].clone(),
        ..Review::default()
    };
    let mut ids = Vec::new();
    for proposal in listed["proposals"].as_array().into_iter().flatten() {
        let place = proposal["place"].as_str().unwrap_or_default();
        let id = proposal["id"].as_str().unwrap_or_default();
        let nested = proposal["instead_of"].is_string();
        if proposal["applied_by"].is_string() {
            review.applied += 1;
            ids.push(id);
        } else if nested {
            // The proposal above it is accepted or named.
        } else if accepted.split(' ').any(|one| one == place) {
            review.accepted.push(place.to_owned());
            ids.push(id);
        } else {
            eprintln!("    not applied, since sensitive or of high risk: {place}");
        }
    }
    if !ids.is_empty() {
        generalize(map, &["--apply", &ids.join(","), "-o", map], without)?;
    }
    Ok(review)
}

/// Runs `ambit map generalize` with options, perhaps without the proposals of a heuristic.
pub(crate) fn generalize(
    map: &str,
    options: &[&str],
    without: Option<&str>,
) -> Result<Vec<u8>, String> {
    let mut words = [&["map", "generalize", map, "--no-walk"], options].concat();
    // Others are steps of learning.
    if let Some(kind) = without.filter(|name| name.starts_with("propose-")) {
        words.extend(["--without", kind]);
    }
    ambit(&words)
}

pub(crate) fn ambit(arguments: &[&str]) -> Result<Vec<u8>, String> {
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
