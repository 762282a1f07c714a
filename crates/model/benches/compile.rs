// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Measures the processor time and memory of compiling a map with 2,000 patterns: `cargo bench -p ambit-model --bench
//! compile`.
//!
//! The map has twenty programs with a hundred typical patterns each, with generated names. Prints one line of JSON.

use std::fs;

use ambit_event::{Object, Path, Secret, Subject};
use ambit_model::{Map, Rule, compile};

const SUBJECTS: usize = 20;
const EACH: usize = 100;

/// Generates words from syllables, the same in every run.
struct Words(u64);

impl Words {
    fn next(&mut self) -> String {
        const SYLLABLES: [&str; 16] = [
            "ka", "lo", "mir", "ten", "vas", "pro", "d", "log", "sys", "net", "au", "x", "ing",
            "web", "qu", "or",
        ];
        let mut word = String::new();
        for _ in 0..3 {
            self.0 = self
                .0
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let at = usize::try_from(self.0 >> 60).unwrap_or(0);
            word.push_str(SYLLABLES.get(at).unwrap_or(&""));
        }
        word
    }
}

fn pattern(number: usize, words: &mut Words) -> String {
    let (one, two) = (words.next(), words.next());
    match number % 8 {
        0 => format!("/srv/{one}/{two}/**"),
        1 => format!("/var/lib/{one}/{two}/{{n}}"),
        2 => format!("/tmp/{one}-{two}-{{tmp}}"),
        3 => format!("/run/{one}/{two}-{{pid}}.sock"),
        4 => format!("/opt/{one}/*/cache/{two}.{{uuid}}"),
        5 => format!("/usr/lib/{one}/**/{two}*.so*"),
        6 => format!("/etc/{one}/{{{two},conf.d}}/*.conf"),
        _ => format!("/var/log/{one}/{two}-{{n}}-{{n}}-{{n}}.log"),
    }
}

fn map() -> Result<Map, Box<dyn std::error::Error>> {
    let mut map = Map::new("bench");
    let mut words = Words(7);
    for number in 0..SUBJECTS * EACH {
        let exe = Path::new(format!("/usr/bin/program-{}", number % SUBJECTS).into_bytes())?;
        let subject = Subject {
            exe: Some(Object::Path(exe)),
            ..Subject::default()
        };
        let rule = format!(
            "file.open rw {}",
            pattern(number / SUBJECTS + number, &mut words)
        );
        map.subject_mut(&subject)
            .allow
            .insert(Rule::parse(&rule).map_err(|error| error.to_string())?);
    }
    Ok(map)
}

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

/// Returns the processor time of this process: clock ticks of 10 ms, fields 14 and 15 of `/proc/self/stat`.
fn processor_seconds() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks = after_name.split_whitespace().skip(11).take(2);
    ticks
        .filter_map(|ticks| ticks.parse::<f64>().ok())
        .sum::<f64>()
        / 100.0
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let map = map()?;
    let begun = processor_seconds();
    let compiled = compile(&map, Secret::new([1; 16]), &(32768..=60999))?;
    let seconds = processor_seconds() - begun;
    let table = compiled.dfa.map_or(0, |dfa| dfa.len());
    println!(
        "{{\"patterns\": {}, \"seconds\": {seconds:.3}, \"table_bytes\": {table}, \"peak_kib\": {}}}",
        SUBJECTS * EACH,
        peak_kib()
    );
    Ok(())
}
