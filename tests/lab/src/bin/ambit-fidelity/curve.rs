// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The learning curve: how much of a held-out day is outside the map that fewer training days had learned.
//!
//! After some of the training days the map is kept, with the advice that `ambit map status` gives. Proposals that are safe to
//! apply (`--apply safe`) are applied to the copy. Held-out days are recorded, and replayed against each copy.

use std::fs;

use serde_json::{Value, json};

use crate::day::STATE;
use crate::review::{ambit, generalize};

/// The numbers of training days after which the map is kept.
pub(crate) const KEPT_AFTER: [u32; 4] = [1, 2, 3, 5];

/// A map that some training days learned.
#[derive(Debug)]
struct KeptMap {
    days: u32,
    path: String,
    /// The advice of `ambit map status`: `seal` or `learn`.
    advice: String,
    /// Its chance that the next run has something outside the map.
    chance: Option<f64>,
    /// Lines of the file.
    lines: usize,
    /// Operations outside the map, by held-out day.
    outside: Vec<u64>,
}

/// The maps of a learning curve.
#[derive(Debug, Default)]
pub(crate) struct Curve(Vec<KeptMap>);

impl Curve {
    /// Keeps the map after so many training days, without the proposals of a heuristic that is left out.
    pub(crate) fn keep(&mut self, days: u32, without: Option<&str>) -> Result<(), String> {
        if !KEPT_AFTER.contains(&days) {
            return Ok(());
        }
        let (map, path) = (format!("{STATE}/map"), format!("{STATE}/map-{days}"));
        for end in ["", ".stats"] {
            fs::copy(format!("{map}{end}"), format!("{path}{end}"))
                .map_err(|error| format!("cannot keep the map of day {days}: {error}"))?;
        }
        let status = ambit(&["map", "status", &path, "--json"])?;
        let status: Value = serde_json::from_slice(&status)
            .map_err(|error| format!("the map's status: {error}"))?;
        generalize(&path, &["--apply", "safe", "-o", &path], without)?;
        let lines = fs::read_to_string(&path).map_err(|error| error.to_string())?;
        self.0.push(KeptMap {
            days,
            path,
            advice: status["advice"]["answer"]
                .as_str()
                .unwrap_or("unknown")
                .to_owned(),
            chance: status["next_run"].as_f64(),
            lines: lines.lines().count(),
            outside: Vec::new(),
        });
        Ok(())
    }

    /// Replays a held-out day against each map.
    pub(crate) fn replay(&mut self, recording: &str) -> Result<(), String> {
        for kept in &mut self.0 {
            let printed = ambit(&["replay", recording, "-m", &kept.path, "--json", "--quiet"])?;
            let text = String::from_utf8_lossy(&printed);
            let summary: Value = text
                .lines()
                .last()
                .and_then(|line| serde_json::from_str(line).ok())
                .unwrap_or_default();
            let outside = summary["summary"]["outside"]
                .as_u64()
                .ok_or("the replay printed no summary")?;
            kept.outside.push(outside);
        }
        Ok(())
    }

    /// Returns one object for each map.
    pub(crate) fn json(&self) -> Vec<Value> {
        self.0
            .iter()
            .map(|kept| {
                eprintln!(
                    "after {} days: {} lines, {}, chance {:?}, outside by day {:?}",
                    kept.days, kept.lines, kept.advice, kept.chance, kept.outside
                );
                json!({
                    "days": kept.days,
                    "advice": kept.advice,
                    "chance": kept.chance,
                    "lines": kept.lines,
                    "held_out": kept.outside.len(),
                    "through": kept.outside.iter().filter(|outside| **outside == 0).count(),
                    "outside": kept.outside.iter().sum::<u64>(),
                })
            })
            .collect()
    }
}
