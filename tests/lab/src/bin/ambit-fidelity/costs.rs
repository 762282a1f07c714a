// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The costs of a workload alone, learned and enforced: instructions and memory, in a machine that counts instructions.

use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::day::{Day, Days, Mode};

/// The day is the same each time.
const SEED: u32 = 1;
/// Programs that changed less than 90 s ago may be hashed more than once; programs of an installed system are older.
const SETTLED: Duration = Duration::from_secs(100);

/// Runs the same day alone, learned twice, and enforced.
pub(crate) fn report(days: &Days) -> Result<Value, String> {
    thread::sleep(SETTLED);
    // The first day fills caches.
    days.alone(SEED)?.must_succeed()?;
    let alone = days.alone(SEED)?;
    let learned = days.run(Mode::Learn, SEED, None)?;
    let again = days.run(Mode::Learn, SEED, None)?;
    let review = days.review()?;
    eprintln!("reviewed: {} proposals applied", review.applied);
    let enforced = days.enforced(SEED)?;
    for day in [&alone, &learned, &again, &enforced] {
        day.must_succeed()?;
    }
    Ok(json!({
        "workload": days.workload(),
        "outside": enforced.violations.len(),
        "alone": cost(&alone),
        "learned": cost(&learned),
        "again": cost(&again),
        "enforced": cost(&enforced),
    }))
}

/// One microsecond of processor time is a thousand instructions.
fn cost(day: &Day) -> Value {
    json!({
        "million_instructions": day.cost.micros / 1000,
        "peak_mib": day.cost.peak_bytes >> 20,
    })
}
