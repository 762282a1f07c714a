// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Processor time and memory to compile 200 rules of one hook, from text to instructions and automata: `cargo bench
//! -p ambit-policy --bench compile`.
//!
//! Prints the median of five runs as a line of JSON.

use std::collections::BTreeMap;
use std::fs;

use ambit_abi::Hook;
use ambit_policy::compile::{Compiled, compile, sources};
use ambit_policy::file;

const RULES: &str = include_str!("file-open.yaml");
/// Odd, for a median.
const RUNS: usize = 5;

fn all() -> Result<(usize, Compiled), Box<dyn std::error::Error>> {
    let rules = file::read("file-open.yaml", RULES.as_bytes())?;
    file::check_set(&rules)?;
    // The first eight bits belong to other sources.
    let sources: BTreeMap<String, u8> = sources(&rules).into_iter().zip(8..).collect();
    let compiled = compile(&rules, &sources, &[Hook::FileOpen])?;
    Ok((rules.len(), compiled))
}

/// A line of `/proc/self/status`, in KiB.
fn peak_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    status
        .lines()
        .find_map(|line| {
            line.strip_prefix("VmHWM:")?
                .trim()
                .strip_suffix(" kB")?
                .parse()
                .ok()
        })
        .unwrap_or(0)
}

/// Processor time of this thread so far, the first field of `/proc/thread-self/schedstat`, in seconds.
fn processor_seconds() -> f64 {
    let stat = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = stat.split_whitespace().next();
    nanoseconds
        .and_then(|field| field.parse::<f64>().ok())
        .unwrap_or(f64::NAN)
        / 1e9
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut seconds = Vec::new();
    let mut last = None;
    for _ in 0..RUNS {
        let begun = processor_seconds();
        last = Some(all()?);
        seconds.push(processor_seconds() - begun);
    }
    seconds.sort_by(f64::total_cmp);
    let middle = seconds.get(RUNS / 2).copied().unwrap_or(f64::NAN);
    let (rules, compiled) = last.ok_or("nothing was compiled")?;
    let instructions: usize = compiled
        .hooks
        .iter()
        .map(|hook| {
            hook.instructions.len()
                + hook.prefilter.as_ref().map_or(0, Vec::len)
                + hook
                    .path_program
                    .as_ref()
                    .map_or(0, |path_program| path_program.instructions.len())
        })
        .sum();
    let automata: usize = compiled.hooks.iter().map(|hook| hook.object.len()).sum();
    println!(
        "{{\"rules\": {rules}, \"seconds\": {middle:.4}, \"instructions\": {instructions}, \"automata\": {automata}, \"peak_kib\": {}}}",
        peak_kib()
    );
    Ok(())
}
