// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `ambit-lab bench [maps|rules|learning]`: measures the cost of Ambit in instructions, in a guest whose clock counts instructions.
//!
//! All settings are measured in one boot: two boots differ by more than the effects that are measured. Prints one line of
//! JSON for `cargo xtask bench`, which compares and shows the figures. Progress goes to standard error.

mod learning;
mod programs;
mod rules;
mod workload;

use std::fs;
use std::process::ExitCode;

use serde_json::{Value, json};

use workload::{
    Keeper, Measured, ambit, enforcing, loops, map_with_gates, map_with_pattern, map_with_points,
    start,
};

const LOOPS: [&str; 5] = [
    "open_close",
    "fork_exec",
    "connect_accept",
    "mmap_exec",
    "create_unlink",
];
/// The file that `open_outside` opens.
const OUTSIDE: &str = "/usr/lib/demo/a-folder-in-it/outside-of-what-the-map-has.txt";
const DIR: &str = "/tmp/bench";
const MAP: &str = "/tmp/bench/map";

pub(crate) fn main() -> ExitCode {
    for dir in ["/usr/lib/demo/a-folder-in-it", DIR] {
        fs::create_dir_all(dir).expect("cannot create a folder");
    }
    for file in ["/usr/lib/demo/a-file-thirty.txt", OUTSIDE] {
        fs::write(file, "a file\n").expect("cannot write a file");
    }

    let part = std::env::args().nth(2);
    let meant = |name: &str| part.as_deref().is_none_or(|part| part == name);
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let mut all = json!({
        "release": release.trim(),
        "calibration": loops(&["calibrate"], None)["calibrate"],
    });
    // Rules come first: they leave nothing loaded, whereas maps do.
    if meant("rules") {
        all["rules"] = rules::measure();
    }
    if meant("maps") {
        maps(&mut all);
    }
    if meant("learning") {
        all["learning"] = learning::measure();
    }
    println!("{all}");
    ExitCode::SUCCESS
}

/// Measures the cost of maps at each hook that a loop reaches.
fn maps(all: &mut Value) {
    let mut rows = Vec::new();
    let mut measure = |setting: &str, measured: &Measured| {
        for name in LOOPS {
            rows.push(json!({"loop": name, "setting": setting, "instructions": measured[name]}));
        }
    };
    eprintln!("bench: without Ambit");
    measure("without", &loops(&LOOPS, None));
    let strace = start(workload::strace);
    // From here on the kernel part stays loaded: loading takes more instructions than everything that is measured.
    let keeper = Keeper::start();
    eprintln!("bench: unlabelled");
    measure("unlabelled", &loops(&LOOPS, None));
    eprintln!("bench: learning");
    let learning = ambit(&["--learn", "-o", MAP, "--domain", "bench"]);
    measure("learning", &loops(&LOOPS, Some(learning)));
    eprintln!("bench: enforcing");
    measure("enforcing", &loops(&LOOPS, Some(enforcing(MAP))));
    eprintln!("bench: gated");
    measure("gated", &loops(&LOOPS, Some(enforcing(&map_with_gates()))));
    rows.extend(other_ways());
    let points = sizes();
    eprintln!("bench: start and memory");
    let thousand = map_with_points(1000);
    let loaded = start(|| enforcing(&thousand));
    let memory = workload::memory();
    eprintln!("bench: where the instructions go");
    let spent = programs::spent(&LOOPS, MAP);
    drop(keeper);
    let loading = workload::start_once(enforcing(&thousand));
    all["rows"] = Value::Array(rows);
    all["points"] = points;
    all["memory"] = memory;
    all["start"] = json!({"points": 1000, "loading": loading, "loaded": loaded, "strace": strace});
    all["programs"] = spent;
}

/// Measures an open that a pattern allows, and one that is not in the map.
fn other_ways() -> Vec<Value> {
    let row = |name: &str, setting: &str, under| {
        eprintln!("bench: {name}, {setting}");
        json!({"loop": name, "setting": setting, "instructions": loops(&[name], under)[name]})
    };
    let audit = ambit(&["-m", MAP]);
    vec![
        row(
            "open_close",
            "pattern",
            Some(enforcing(&map_with_pattern())),
        ),
        row("open_outside", "without", None),
        row("open_outside", "audit", Some(audit)),
    ]
}

/// Measures the first loop with few and with many points in the set.
fn sizes() -> Value {
    let mut rows = Vec::new();
    for count in [100, 100_000] {
        eprintln!("bench: {count} points");
        let map = map_with_points(count);
        let measured = loops(&["open_close"], Some(enforcing(&map)));
        rows.push(
            json!({"loop": "open_close", "points": count, "instructions": measured["open_close"]}),
        );
    }
    Value::Array(rows)
}
