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
    let generalize = |more: &[&str]| {
        let words = [&["map", "generalize", map, "--no-walk"], more].concat();
        ambit(&with_left_out(words, without))
    };
    let listed = generalize(&["--json"])?;
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
        let outer = proposal["instead_of"].as_str();
        if proposal["applied_by"].is_string() {
            review.applied += 1;
            ids.push(id);
        } else if outer.is_some() {
            // The proposal above is named below.
        } else if accepted.split(' ').any(|one| one == place) {
            review.accepted.push(place.to_owned());
            ids.push(id);
        } else {
            eprintln!("    not applied, since sensitive or of high risk: {place}");
        }
    }
    if !ids.is_empty() {
        generalize(&["--apply", &ids.join(","), "-o", map])?;
    }
    Ok(review)
}

/// Adds the option that leaves out a heuristic.
pub(crate) fn with_left_out<'a>(
    mut words: Vec<&'a str>,
    heuristic: Option<&'a str>,
) -> Vec<&'a str> {
    if let Some(heuristic) = heuristic {
        words.extend(["--without", heuristic]);
    }
    words
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
